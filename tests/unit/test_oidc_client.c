/* Clients at the token endpoint: how they prove themselves, and what they get for themselves. */
#include "tests/unit/oidc_fixture.h"

/* ---- who calls ---- */

static const struct caller {
	const char *id, *secret; /* by Basic; NULL: none */
	const char *form;
	enum err wanted;
} callers[] = {
	{"wiki", WIKI_SECRET, "", OK},
	{"wiki", WIKI_SECRET, "client_id=wiki", OK},
	{"wiki", WIKI_SECRET, "client_id=batch", ERR_INVALID},
	{"wiki", WIKI_SECRET, "client_id=wiki&client_secret=" WIKI_SECRET, ERR_INVALID},
	{"wiki", "wrong", "", ERR_CLIENT},
	{"wiki", "", "", ERR_CLIENT},
	{"wiki", WIKI_SECRET "x", "", ERR_CLIENT},
	{"wiki", "WIKI-secret-of-more-than-32-letters", "", ERR_CLIENT},
	{"nobody", WIKI_SECRET, "", ERR_CLIENT},
	{"", "", "", ERR_CLIENT},
	{"batch", BATCH_SECRET, "", ERR_CLIENT}, /* another method than the configured one */
	{NULL, NULL, "client_id=wiki&client_secret=" WIKI_SECRET, ERR_CLIENT},
	{NULL, NULL, BATCH_FORM, OK},
	{NULL, NULL, "client_id=batch", ERR_CLIENT},
	{NULL, NULL, "client_id=batch&client_secret=", ERR_CLIENT},
	{NULL, NULL, "client_id=app", OK},
	{NULL, NULL, "client_id=app&client_secret=", OK},
	{NULL, NULL, "client_id=app&client_secret=x", ERR_CLIENT},
	{NULL, NULL, "client_id=app&client_assertion=x", ERR_CLIENT},
	{NULL, NULL, "client_id=app&client_assertion=&client_assertion_type=", OK},
	{"app", "", "", ERR_CLIENT},
	{NULL, NULL, "", ERR_CLIENT},
};

static void authenticates_clients(void **state) {
	for (size_t i = 0; i < COUNT(callers); i++) {
		const struct caller *row = &callers[i];
		struct task *t = oidc_begin(*state, 0);
		const struct client_config *client = NULL;
		struct credentials c = {row->id ? basic(t->arena, row->id, row->secret) : STR_NONE,
			params_of(t->arena, str_of(row->form))};
		enum err e = client_authenticate(t, &c, &client);
		if (e != row->wanted)
			fail_msg("row %zu: %s: %.*s", i, err_row(e)->name, FMT(t->failure_detail));
		if (e == ERR_CLIENT)
			assert_str(t->failure_detail, STR("client authentication failed")); /* one answer */
		throttle_clear(
			t, THROTTLE_CLIENT, str_printf(t->arena, "%s\n%.*s", row->id ? row->id : "", FMT(t->address)));
	}
}

static void refuses_malformed_headers(void **state) {
	static const char *const headers[] = {"Basic", "Basic ", "Bearer d2lraTp4", "Basic d2lraQ==", "Basic !!",
		"Basic d2lraTp4 x", "Basic d2lraTolNA=="};
	for (size_t i = 0; i < COUNT(headers); i++) {
		struct task *t = oidc_begin(*state, 0);
		const struct client_config *client = NULL;
		assert_err(client_authenticate(t, &(struct credentials){str_of(headers[i]), {0}}, &client), ERR_CLIENT);
		assert_null(client);
	}
}

static void throttles_guesses(void **state) {
	struct task *t = oidc_begin(*state, 0);
	const struct client_config *client = NULL;
	struct credentials wrong = {basic(t->arena, "gate", "guess"), {0}},
			   right = {basic(t->arena, "gate", "gate-secret"), {0}};
	for (size_t i = 0; i < 100; i++)
		assert_ok(client_authenticate(t, &right, &client)); /* success counts as nothing */
	for (size_t i = 0; i < 20; i++)
		assert_err(client_authenticate(t, &wrong, &client), ERR_CLIENT);
	assert_err(client_authenticate(t, &wrong, &client), ERR_TOO_MANY);
	assert_err(client_authenticate(t, &right, &client), ERR_TOO_MANY);
	t->address = STR("192.0.2.99");
	assert_ok(client_authenticate(t, &right, &client));
	t->address = STR("192.0.2.1");
	throttle_clear(t, THROTTLE_CLIENT, STR("gate\n192.0.2.1"));
	assert_ok(client_authenticate(t, &right, &client));
}

/* ---- client_credentials ---- */

static const struct form {
	const char *change;
	enum err wanted;
	const char *scope;
} batch_forms[] = {
	{"", OK, "api:read api:write"},
	{"scope=api:write", OK, "api:write"},
	{"scope=api:write%20api:write", OK, "api:write"},
	{"scope=admin", ERR_SCOPE, NULL},
	{"scope=openid", ERR_SCOPE, NULL},
	{"grant_type", ERR_INVALID, NULL},
	{"grant_type=", ERR_INVALID, NULL},
	{"grant_type=password", ERR_GRANT_TYPE, NULL},
	{"grant_type=urn:ietf:params:oauth:grant-type:device_code", ERR_GRANT_TYPE, NULL},
	{"grant_type=authorization_code", ERR_UNAUTHORIZED_CLIENT, NULL},
	{"grant_type=refresh_token", ERR_UNAUTHORIZED_CLIENT, NULL},
};

/* Without handles: it may not touch the store. */
static void gives_clients_their_own(void **state) {
	for (size_t i = 0; i < COUNT(batch_forms); i++) {
		const struct form *row = &batch_forms[i];
		struct task *t = oidc_begin(*state, 0);
		struct str json = STR_NONE;
		const struct credentials c = {STR_NONE, changed(t->arena, BATCH_FORM, row->change)};
		t->handles = NULL;
		assert_int_equal(
			token_is_inline(t, &c), str_eq(param(c.form, "grant_type"), STR("client_credentials")));
		enum err e = oidc_token(t, &c, &json);
		if (e != row->wanted)
			fail_msg("\"%s\": %s: %.*s", row->change, err_row(e)->name, FMT(t->failure_detail));
		if (e)
			continue;
		owned(json) json_t *token = token_open(t, member(t, json, "access_token"), "at+jwt");
		int64_t now = clock_wall_ms() / 1000, exp = json_integer_value(json_object_get(token, "exp"));
		assert_member(token, "iss", STR(ISSUER));
		assert_member(token, "sub", STR("batch"));
		assert_member(token, "client_id", STR("batch"));
		assert_member(token, "scope", str_of(row->scope));
		assert_str(json_text(t->arena, json_object_get(token, "aud")),
			STR("[\"" ISSUER "\",\"https://api.example.org\"]"));
		assert_true(exp > now + 290 && exp <= now + 300);
		assert_true(json_member_str(token, "jti").n >= 22);
		assert_null(json_object_get(token, "auth_time"));
		assert_str(member(t, json, "token_type"), STR("Bearer"));
		assert_str(member(t, json, "refresh_token"), STR_NONE);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authenticates_clients),
		cmocka_unit_test(refuses_malformed_headers),
		cmocka_unit_test(throttles_guesses),
		cmocka_unit_test(gives_clients_their_own),
	};
	return cmocka_run_group_tests(tests, oidc_setup, fixture_teardown);
}
