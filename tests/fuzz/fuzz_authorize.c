/* Authorization requests, from the text of a query: nothing in them makes the reader misbehave, what is answered goes
 * to a registered URI only, and what was taken is taken again when it comes back from the store. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/encode.h"
#include "base/secret.h"
#include "broker/oidc/oidc.h"
#include "broker/store/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str uris[] = {{"https://wiki.example.org/cb", 27}, {"https://wiki.example.org/cb?x=1", 31}};
static struct str scopes[] = {{"openid", 6}, {"email", 5}};
static struct client_config clients[] = {{.id = {"wiki", 4},
	.auth = CLIENT_AUTH_BASIC,
	.grants = GRANT_AUTHORIZATION_CODE,
	.redirect_uris = {uris, COUNT(uris)},
	.scopes = {scopes, COUNT(scopes)},
	.signing_alg = {"ES256", 5},
	.roles_claim = {"roles", 5}}};
static struct realm realm = {.id = {"staff", 5},
	.issuer = {"https://id.example.org/realms/staff", 35},
	.clients = clients,
	.n_clients = COUNT(clients)};
static struct config config = {.realms = &realm, .n_realms = 1};

/* No store is opened here, and the schema needs no building for it. */
enum err store_migrate(struct task *t, const struct store_driver *d, void *connection) {
	(void)d;
	(void)connection;
	return task_fail(t, ERR_INTERNAL, "no store");
}

static void check(bool holds) {
	if (!holds)
		abort();
}

/* As the web reads a query: no NUL, UTF-8, no name twice. */
static bool query_read(struct arena *a, struct str text, struct params *ret) {
	struct param *v = arena_array(a, struct param, LIMIT_FORM_FIELDS);
	struct params p = {v, 0};
	struct str part, value;
	while (str_next(&text, '&', &part)) {
		size_t equals = str_find(part, '=', 0);
		struct str name = str_sub(part, 0, equals);
		if (!form_decode(a, str_sub(part, equals + 1, part.n), &value) || !str_utf8(value) ||
			str_find(value, 0, 0) < value.n)
			return false;
		for (size_t i = 0; i < p.n; i++)
			if (str_eq(v[i].name, name))
				return false;
		if (p.n == LIMIT_FORM_FIELDS)
			return false;
		v[p.n++] = (struct param){name, value};
	}
	*ret = p;
	return true;
}

static struct params parked(struct task *t, struct str json, json_t **ret) {
	check(json_parse(t, json, ret) == OK);
	struct param *v = arena_array(t->arena, struct param, json_object_size(*ret) + 1);
	struct params p = {v, 0};
	const char *name;
	json_t *value;
	json_object_foreach(*ret, name, value) v[p.n++] = (struct param){str_of(name), json_member_str(*ret, name)};
	return p;
}

static void taken_again(struct task *t, const struct authorize *a) {
	owned(json) json_t *object = NULL;
	struct authorize again;
	bool redirect = false;
	check(authorize_read(t, parked(t, a->parameters, &object), &again, &redirect) == OK && redirect);
	check(str_eq(again.parameters, a->parameters) && str_eq(again.scope, a->scope) &&
		str_eq(again.state, a->state));
	check(str_eq(again.challenge, a->challenge) && str_eq(again.prompt, a->prompt) && again.max_age == a->max_age);
}

static void answered(struct task *t, const struct authorize *a, enum err e) {
	struct answer answer;
	if (e)
		authorize_answer_error(t, a, e, &answer);
	else
		authorize_answer_code(t, a, STR("code"), &answer);
	struct str uri = answer_uri(t->arena, &answer);
	check(strs_has(clients[0].redirect_uris, answer.redirect_uri) && str_starts(uri, answer.redirect_uri));
	check(!str_has_control(uri) && str_contains(uri, STR("iss=https%3A")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct task t;
	struct params p;
	struct authorize a;
	bool redirect = false;
	if (size > LIMIT_TARGET)
		return 0;
	secret_init();
	owned(arena) struct arena *arena = arena_new();
	task_begin(&t, arena, NULL, 1000);
	t.config = &config;
	t.realm = &realm;
	t.realm_name = realm.id;
	if (!query_read(arena, str_dup(arena, str_slice((const char *)data, size)), &p))
		return 0;
	enum err e = authorize_read(&t, p, &a, &redirect);
	check(e || redirect);
	if (redirect)
		answered(&t, &a, e);
	if (!e)
		taken_again(&t, &a);
	return 0;
}
