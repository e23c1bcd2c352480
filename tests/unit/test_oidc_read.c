/* Those who read tokens: userinfo, introspection, revocation. */
#include "tests/unit/oidc_fixture.h"

static struct str access_of(struct task *t, const char *scope) {
	struct str json = STR_NONE;
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, scope), &json));
	return member(t, json, "access_token");
}

static struct str batch_token(struct task *t) {
	struct str json = STR_NONE;
	const struct credentials c = {STR_NONE, params_of(t->arena, STR(BATCH_FORM))};
	assert_ok(oidc_token(t, &c, &json));
	return member(t, json, "access_token");
}

static void answers_userinfo(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, id_token = STR_NONE, token = access_of(t, "");
	assert_ok(oidc_userinfo(t, token, &json));
	assert_str(member(t, json, "sub"), ann.sub);
	assert_str(member(t, json, "email"), STR("ann@example.org"));
	assert_err(oidc_userinfo(t, STR_NONE, &json), ERR_TOKEN);
	assert_err(oidc_userinfo(t, STR("x"), &json), ERR_TOKEN);
	assert_err(oidc_userinfo(t, str_sub(token, 0, token.n - 1), &json), ERR_TOKEN);
	assert_err(oidc_userinfo(t, str_printf(t->arena, "%.*s.", FMT(token)), &json), ERR_TOKEN);
	assert_err(oidc_userinfo(t, batch_token(t), &json), ERR_INSUFFICIENT_SCOPE);
	assert_err(oidc_userinfo(t, access_of(t, "scope=profile"), &json), ERR_INSUFFICIENT_SCOPE);
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, ""), &id_token));
	assert_err(oidc_userinfo(t, member(t, id_token, "id_token"), &json),
		ERR_TOKEN); /* an ID token is no access token */
	assert_err(oidc_userinfo(t, member(t, id_token, "refresh_token"), &json), ERR_TOKEN);
	assert_err(oidc_userinfo(oidc_begin(*state, 1), token, &json), ERR_TOKEN); /* another realm */
}

static void asks_the_directory_at_userinfo(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, token = access_of(t, "");
	static const struct {
		int how;
		enum err wanted;
	} rows[] = {{DIRECTORY_DISABLED, ERR_TOKEN}, {DIRECTORY_DELETED, ERR_TOKEN}, {DIRECTORY_DOWN, ERR_UNAVAILABLE},
		{DIRECTORY_FINE, OK}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		directory = rows[i].how;
		enum err e = oidc_userinfo(t, token, &json);
		directory = DIRECTORY_FINE;
		assert_err(e, rows[i].wanted);
		task_clear(t);
	}
	clock_shift_ms(301000);
	enum err e = oidc_userinfo(t, token, &json);
	clock_shift_ms(-301000);
	assert_err(e, ERR_TOKEN);
}

/* The cache of known signatures must not let anything else through. */
static void refuses_tampered_tokens(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, token = access_of(t, "");
	assert_ok(oidc_userinfo(t, token, &json));
	for (size_t i = 0; i < token.n; i += 7) {
		char *p = (char *)str_dup(t->arena, token).p;
		p[i] = p[i] == 'A' ? 'B' : 'A';
		assert_err(oidc_userinfo(t, str_slice(p, token.n), &json), ERR_TOKEN);
	}
	size_t dot = str_find(token, '.', 0);
	static const char *const headers[] = {"{\"alg\":\"none\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "{\"typ\":\"at+jwt\"}",
		"{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"../../etc\"}"};
	for (size_t i = 0; i < COUNT(headers); i++) {
		struct str header = base64url_encode(t->arena, str_of(headers[i]));
		struct str forged = str_printf(t->arena, "%.*s%.*s", FMT(header), FMT(str_sub(token, dot, token.n)));
		assert_err(oidc_userinfo(t, forged, &json), ERR_TOKEN);
	}
}

static struct str introspect(struct task *t, const char *id, const char *secret, struct str token) {
	struct str json = STR_NONE;
	struct param p[] = {{STR("token"), token}, {STR("token_type_hint"), STR("nonsense")}};
	assert_ok(oidc_introspect(t, &(struct credentials){basic(t->arena, id, secret), {p, 2}}, &json));
	return json;
}
#define INACTIVE STR("{\"active\":false}")

static void introspects(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, access, refresh;
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, ""), &json));
	access = member(t, json, "access_token");
	refresh = member(t, json, "refresh_token");
	static const char *const callers_of[][2] = {{"gate", "gate-secret"}, {"wiki", WIKI_SECRET}};
	for (size_t i = 0; i < COUNT(callers_of); i++) {
		owned(json) json_t *seen = NULL, *other = NULL;
		assert_ok(json_parse(t, introspect(t, callers_of[i][0], callers_of[i][1], access), &seen));
		assert_true(json_is_true(json_object_get(seen, "active")));
		assert_member(seen, "sub", ann.sub);
		assert_member(seen, "username", STR("ann"));
		assert_member(seen, "client_id", STR("wiki"));
		assert_member(seen, "token_type", STR("Bearer"));
		assert_member(seen, "scope", STR("openid profile email roles"));
		assert_ok(json_parse(t, introspect(t, callers_of[i][0], callers_of[i][1], refresh), &other));
		assert_true(json_is_true(json_object_get(other, "active")));
	}
	assert_str(
		introspect(t, "ask", "ask-secret", access), INACTIVE); /* a client that may not, and whose it is not */
	assert_str(introspect(t, "ask", "ask-secret", refresh), INACTIVE);
	assert_str(introspect(t, "gate", "gate-secret", STR("x")), INACTIVE);
	assert_str(introspect(t, "gate", "gate-secret", STR("x.y.z")), INACTIVE);
	assert_str(introspect(t, "gate", "gate-secret", member(t, json, "id_token")), INACTIVE);
	assert_true(str_contains(introspect(t, "gate", "gate-secret", batch_token(t)), STR("\"sub\":\"batch\"")));
	directory = DIRECTORY_DISABLED;
	struct str disabled = introspect(t, "gate", "gate-secret", access),
		   ended = introspect(t, "gate", "gate-secret", refresh);
	directory = DIRECTORY_FINE;
	assert_str(disabled, INACTIVE);
	assert_str(ended, INACTIVE);
	assert_ok(refresh_redeem(t, refresh, "", &json));
	assert_str(introspect(t, "gate", "gate-secret", refresh), INACTIVE); /* used */
	clock_shift_ms(301000);
	struct str late = introspect(t, "gate", "gate-secret", access);
	clock_shift_ms(-301000);
	assert_str(late, INACTIVE);
	t = oidc_begin(*state, 1);
	assert_str(introspect(t, "wiki", "stranger", access),
		INACTIVE); /* another realm, though it may introspect there */
	t = oidc_begin(*state, 0);
	const struct credentials nobody = {STR_NONE, PARAMS(P("client_id", "app"), P("token", "x"))};
	assert_err(oidc_introspect(t, &nobody, &json), ERR_CLIENT);
	assert_err(oidc_introspect(t, &(struct credentials){basic(t->arena, "gate", "gate-secret"), {0}}, &json),
		ERR_INVALID);
}

static enum err revoke_by(struct task *t, const char *id, const char *secret, struct str token) {
	struct param p[] = {{STR("token"), token}};
	return oidc_revoke(t, &(struct credentials){basic(t->arena, id, secret), {p, 1}});
}

static void revokes(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, again = STR_NONE, access, refresh;
	assert_ok(revoke_by(t, "wiki", WIKI_SECRET, STR("unknown")));
	assert_ok(revoke_by(t, "wiki", WIKI_SECRET, STR("un.known.")));
	assert_err(revoke_by(t, "wiki", "wrong", STR("unknown")), ERR_CLIENT);
	for (size_t i = 0; i < 2; i++) { /* by the one token, and by the other */
		assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, ""), &json));
		access = member(t, json, "access_token");
		refresh = member(t, json, "refresh_token");
		task_clear(t);
		assert_err(revoke_by(t, "ask", "ask-secret", i ? access : refresh), ERR_GRANT); /* not its own */
		task_clear(t);
		assert_ok(oidc_userinfo(t, access, &again));
		assert_ok(revoke_by(t, "wiki", WIKI_SECRET, i ? access : refresh));
		assert_ok(revoke_by(t, "wiki", WIKI_SECRET, i ? access : refresh));
		assert_err(oidc_userinfo(t, access, &again), ERR_TOKEN);
		assert_err(refresh_redeem(t, refresh, "", &again), ERR_GRANT);
		assert_str(introspect(t, "gate", "gate-secret", access), INACTIVE);
	}
	struct str own = batch_token(t), kept = batch_token(t);
	const struct param p[] = {
		{STR("client_id"), STR("batch")}, {STR("client_secret"), STR(BATCH_SECRET)}, {STR("token"), own}};
	assert_ok(oidc_revoke(t, &(struct credentials){STR_NONE, {p, COUNT(p)}}));
	assert_str(introspect(t, "gate", "gate-secret", own), INACTIVE);
	assert_false(str_eq(introspect(t, "gate", "gate-secret", kept), INACTIVE));
}

static void forgets_removed_clients(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, token = access_of(t, ""), name = clients[WIKI].id;
	assert_ok(oidc_userinfo(t, token, &json));
	clients[WIKI].id = STR("renamed");
	enum err e = oidc_userinfo(t, token, &json);
	clients[WIKI].id = name;
	assert_err(e, ERR_TOKEN);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_userinfo),
		cmocka_unit_test(asks_the_directory_at_userinfo),
		cmocka_unit_test(refuses_tampered_tokens),
		cmocka_unit_test(introspects),
		cmocka_unit_test(revokes),
		cmocka_unit_test(forgets_removed_clients),
	};
	return cmocka_run_group_tests(tests, oidc_setup, fixture_teardown);
}
