/* Those who read tokens: userinfo, introspection, revocation. */
#include "tests/unit/oidc_fixture.h"

#include "broker/oidc/oidc_private.h"

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

/* Signed by our key, and still no access token for us: each lacks one thing. */
static void refuses_what_was_not_meant(void **state) {
	static const struct {
		const char *name;  /* of a claim */
		const char *value; /* JSON; NULL: the claim is left out */
		const char *typ;
		enum err wanted;
	} rows[] = {
		{"x", NULL, TYP_ACCESS, OK},
		{"x", NULL, TYP_ID, ERR_TOKEN},
		{"x", NULL, TYP_LOGOUT, ERR_TOKEN},
		{"x", NULL, TYP_CLAIMS, ERR_TOKEN},
		{"exp", NULL, TYP_ACCESS, ERR_TOKEN},
		{"exp", "\"99999999999\"", TYP_ACCESS, ERR_TOKEN},
		{"exp", "0", TYP_ACCESS, ERR_TOKEN},
		{"aud", NULL, TYP_ACCESS, ERR_TOKEN},
		{"aud", "\"https://api.example.org\"", TYP_ACCESS, ERR_TOKEN},
		{"aud", "[\"https://api.example.org\"]", TYP_ACCESS, ERR_TOKEN},
		{"iss", NULL, TYP_ACCESS, ERR_TOKEN},
		{"iss", "\"https://id.example.org/realms/guests\"", TYP_ACCESS, ERR_TOKEN},
		{"client_id", "\"gone\"", TYP_ACCESS, ERR_TOKEN},
		{"client_id", "\"ask\"", TYP_ACCESS, ERR_TOKEN}, /* not the grant's */
		{"sub", "\"sub-of-ben\"", TYP_ACCESS, ERR_TOKEN},
		{"jti", NULL, TYP_ACCESS, ERR_TOKEN},
		{"jti", "\"nothing.x\"", TYP_ACCESS, ERR_TOKEN},
		{"jti", "\"x\"", TYP_ACCESS, ERR_INSUFFICIENT_SCOPE}, /* a client's own */
		{"scope", "\"profile\"", TYP_ACCESS, ERR_INSUFFICIENT_SCOPE},
	};
	struct task *t = oidc_begin(*state, 0);
	struct str token = access_of(t, ""), json = STR_NONE, forged = STR_NONE;
	const struct jose_key *key = NULL;
	assert_ok(keyset_signer(t, clients[WIKI].signing_alg, &key));
	for (size_t i = 0; i < COUNT(rows); i++) {
		owned(json) json_t *claims = token_open(t, token, TYP_ACCESS);
		json_object_del(claims, rows[i].name);
		if (rows[i].value)
			json_object_set_new(claims, rows[i].name, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		assert_ok(jws_sign(t, key, str_of(rows[i].typ), json_text(t->arena, claims), &forged));
		enum err e = oidc_userinfo(t, forged, &json);
		if (e != rows[i].wanted)
			fail_msg("row %zu: %s (%.*s)", i, err_row(e)->name, FMT(t->failure_detail));
		task_clear(t);
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
		/* never of use at a resource server: RFC 6749 1.5, RFC 7662 4 */
		assert_ok(json_parse(t, introspect(t, callers_of[i][0], callers_of[i][1], refresh), &other));
		assert_int_equal(
			json_is_true(json_object_get(other, "active")), str_eq(str_of(callers_of[i][0]), STR("wiki")));
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
		   ended = introspect(t, "wiki", WIKI_SECRET, refresh);
	directory = DIRECTORY_FINE;
	assert_str(disabled, INACTIVE);
	assert_str(ended, INACTIVE);
	assert_ok(refresh_redeem(t, refresh, "", &json));
	assert_str(introspect(t, "wiki", WIKI_SECRET, refresh), INACTIVE); /* used */
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

/* ---- distributed claims ---- */

#define MANY 2000

/* 2,000 groups, each of which gives a role. */
static void give_many(struct arena *a) {
	static const struct role_rule by_pattern = {ROLE_GROUP_PATTERN, TEXT("team-*"), TEXT("{1}"), 1};
	static struct role_rule one;
	struct group *all = arena_array(a, struct group, MANY);
	for (size_t i = 0; i < MANY; i++)
		all[i] = (struct group){.dn = str_printf(a, "cn=team-%04zu,dc=test", i),
			.name = str_printf(a, "team-%04zu", i),
			.via = SIZE_MAX};
	one = by_pattern;
	her_groups = (struct groups){all, MANY, false};
	realms[0].roles = &one;
	realms[0].n_roles = 1;
}

static void give_few(void) {
	her_groups = (struct groups){groups, COUNT(groups), false};
	realms[0].roles = rules;
	realms[0].n_roles = COUNT(rules);
	clients[APP].claims_bytes = clients[WIKI].claims_bytes = 4096;
}

static size_t count_of(const json_t *claims, const char *name) {
	return json_array_size(json_object_get(claims, name));
}

static void is_told_elsewhere(const json_t *claims, const char *name) {
	assert_null(json_object_get(claims, name));
	struct str source = json_member_str(json_object_get(claims, "_claim_names"), name);
	assert_false(str_empty(source));
	const json_t *at = json_object_get(json_object_get(claims, "_claim_sources"), "usher");
	assert_str(source, STR("usher"));
	assert_member(at, "endpoint", STR(ISSUER "/claims"));
	assert_int_equal(json_object_size(at), 1); /* no access token */
}

static void tells_large_claims_elsewhere(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, info = STR_NONE, jwt = STR_NONE;
	give_many(t->arena);
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, "scope=openid%20profile%20roles"), &json));
	struct str access = member(t, json, "access_token"), id_token = member(t, json, "id_token");
	owned(json) json_t *id = token_open(t, id_token, "JWT"), *at = token_open(t, access, "at+jwt");
	assert_true(access.n < 1500 && id_token.n < 1500);
	is_told_elsewhere(id, "roles");
	is_told_elsewhere(at, "roles");
	assert_member(id, "name", STR("Ann Example"));
	/* userinfo tells all */
	assert_ok(oidc_userinfo(t, access, &info));
	owned(json) json_t *all = NULL;
	assert_ok(json_parse(t, info, &all));
	assert_int_equal(count_of(all, "roles"), MANY);
	assert_null(json_object_get(all, "_claim_names"));
	/* and so does the endpoint that the token names, in a JWT that is no other kind of token */
	assert_ok(oidc_claims(t, access, &jwt));
	give_few();
	struct jws j;
	owned(json) json_t *told = NULL;
	struct str body = str_sub(jwt, str_find(jwt, '.', 0) + 1, jwt.n), payload = STR_NONE;
	assert_true(base64url_decode(t->arena, str_sub(body, 0, str_find(body, '.', 0)), &payload));
	assert_ok(json_parse(t, payload, &told));
	assert_int_equal(count_of(told, "roles"), MANY);
	assert_member(told, "sub", ann.sub);
	assert_member(told, "iss", STR(ISSUER));
	assert_member(told, "aud", STR("wiki"));
	assert_null(json_object_get(told, "exp"));
	assert_null(json_object_get(told, "name"));
	assert_err(oidc_userinfo(t, jwt, &info), ERR_TOKEN);
	assert_ok(oidc_claims(t, access, &jwt)); /* few: short enough to be read as a JWS */
	assert_ok(jws_parse(t, jwt, &j));
	assert_str(j.typ, STR("claims+jwt"));
}

static void keeps_what_fits(void **state) {
	struct task *t = oidc_begin(*state, 0);
	static const struct {
		int64_t budget;
		bool roles, groups;
	} rows[] = {{4096, true, true}, {0, false, false}, {60, true, true}, {59, true, false}, {30, false, true}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str json = STR_NONE;
		clients[APP].claims_bytes = rows[i].budget;
		struct str code = code_for(
			t, WIKI_REQUEST, "client_id=app&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb");
		struct credentials c = {STR_NONE,
			params_of(t->arena,
				str_printf(t->arena,
					"grant_type=authorization_code&client_id=app&code=%.*s&"
					"redirect_uri=http%%3A%%2F%%2F127.0.0.1%%3A5000%%2Fcb&code_verifier=" VERIFIER,
					FMT(code)))};
		assert_ok(oidc_token(t, &c, &json));
		owned(json) json_t *at = token_open(t, member(t, json, "access_token"), "at+jwt");
		bool roles = json_object_get(at, "realm_access") != NULL,
		     groups = json_object_get(at, "groups") != NULL;
		if (roles != rows[i].roles || groups != rows[i].groups)
			fail_msg("budget %lld: roles %d, groups %d", (long long)rows[i].budget, roles, groups);
		if (!roles)
			is_told_elsewhere(at, "realm_access");
		if (!groups)
			is_told_elsewhere(at, "groups");
	}
	give_few();
}

static void guards_the_claims(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str jwt = STR_NONE, id_token = STR_NONE, json = STR_NONE;
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, ""), &json));
	id_token = member(t, json, "id_token");
	assert_err(oidc_claims(t, STR_NONE, &jwt), ERR_TOKEN);
	assert_err(oidc_claims(t, STR("x"), &jwt), ERR_TOKEN);
	assert_err(oidc_claims(t, id_token, &jwt), ERR_TOKEN);
	assert_err(oidc_claims(t, batch_token(t), &jwt), ERR_INSUFFICIENT_SCOPE);
	struct str access = access_of(t, "scope=profile%20roles"); /* openid is not needed, roles are */
	assert_ok(oidc_claims(t, access, &jwt));
	directory = DIRECTORY_DISABLED;
	enum err e = oidc_claims(t, access, &jwt);
	directory = DIRECTORY_FINE;
	assert_err(e, ERR_TOKEN);
	assert_err(oidc_claims(oidc_begin(*state, 1), access, &jwt), ERR_TOKEN); /* another realm */
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_userinfo),
		cmocka_unit_test(tells_large_claims_elsewhere),
		cmocka_unit_test(keeps_what_fits),
		cmocka_unit_test(guards_the_claims),
		cmocka_unit_test(asks_the_directory_at_userinfo),
		cmocka_unit_test(refuses_tampered_tokens),
		cmocka_unit_test(refuses_what_was_not_meant),
		cmocka_unit_test(introspects),
		cmocka_unit_test(revokes),
		cmocka_unit_test(forgets_removed_clients),
	};
	return cmocka_run_group_tests(tests, oidc_setup, fixture_teardown);
}
