/* Requests that wait for a login or for consent. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

enum err authorize_park(struct task *t, const struct authorize *a, struct str *ret_secret) {
	struct str secret = random_token(t->arena, SECRET_BYTES);
	int64_t now = clock_wall_ms();
	struct parked_request row = {
		.id_hash = secret_hash(t->arena, secret),
		.realm = t->realm_name,
		.client = a->client->id,
		.parameters = a->parameters,
		.created_at = now,
		.expires_at = now + PARK_TTL_MS,
	};
	TRY(parked_insert(t, &row));
	*ret_secret = secret;
	return OK;
}

static enum err parked_row(struct task *t, struct str secret, struct parked_request **ret) {
	if (str_empty(secret) || secret.n > 128)
		return task_fail(t, ERR_EXPIRED, "no parked request is named");
	enum err e = parked_find(t, secret_hash(t->arena, secret), ret);
	return e == ERR_NOT_FOUND ? task_fail(t, ERR_EXPIRED, "the parked request is not known") : e;
}

/* The texts are views into the JSON, so they are copied. */
static struct params params_of(struct arena *a, json_t *object) {
	struct param *v = arena_array(a, struct param, json_object_size(object) + 1);
	struct params p = {v, 0};
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value)
		v[p.n++] = (struct param){str_dup(a, str_of(name)), str_dup(a, json_member_str(object, name))};
	return p;
}

enum err authorize_resume(struct task *t, struct str secret, struct authorize *ret) {
	struct parked_request *row = NULL;
	owned(json) json_t *object = NULL;
	struct authorize a;
	bool redirect = false;
	TRY(parked_row(t, secret, &row));
	TRY(json_parse(t, row->parameters, &object));
	TRY(authorize_read(t, params_of(t->arena, object), &a, &redirect)); /* the client may have changed meanwhile */
	a.parked_at = row->created_at;
	*ret = a;
	return OK;
}

enum err authorize_forget(struct task *t, struct str secret) {
	return str_empty(secret) ? OK : parked_remove(t, secret_hash(t->arena, secret));
}
