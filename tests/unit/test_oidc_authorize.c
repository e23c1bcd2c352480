/* The authorization endpoint: what is refused and where the refusal goes, what comes next, what is parked and answered.
 * And metadata. */
#include "tests/unit/oidc_fixture.h"

static const struct refused {
	const char *change; /* of a request that is right */
	enum err wanted;
	bool redirect;
} refusals[] = {
	{"", OK, true},
	{"extra=foobar", OK, true},
	{"display=popup&ui_locales=de&acr_values=1&claims=%7B%7D&claims_locales=de", OK, true},
	{"client_id", ERR_CLIENT, false},
	{"client_id=nobody", ERR_CLIENT, false},
	{"client_id=Wiki", ERR_CLIENT, false},
	{"redirect_uri", ERR_INVALID, false},
	{"redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb%2F", ERR_INVALID, false},
	{"redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb%3F", ERR_INVALID, false},
	{"redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb%00", ERR_INVALID, false},
	{"redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb%2F..%2Fcb", ERR_INVALID, false},
	{"redirect_uri=https%3A%2F%2FWIKI.example.org%2Fcb", ERR_INVALID, false},
	{"redirect_uri=https%3A%2F%2Fwiki.example.org.evil.example%2Fcb", ERR_INVALID, false},
	{"redirect_uri=https%3A%2F%2Fwikixexample.org%2Fcb", ERR_INVALID, false},
	{"redirect_uri=https%3A%2F%2Fwiki.example.org%40evil.example%2Fcb", ERR_INVALID, false},
	{"redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb%23f", ERR_INVALID, false},
	{"redirect_uri=javascript%3Aalert(1)", ERR_INVALID, false},
	{"redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb%3Fx%3D1", OK, true},
	{"response_type", ERR_INVALID, true},
	{"response_type=token", ERR_RESPONSE_TYPE, true},
	{"response_type=id_token", ERR_RESPONSE_TYPE, true},
	{"response_type=code%20id_token", ERR_RESPONSE_TYPE, true},
	{"request=eyJ", ERR_REQUEST, true},
	{"request_uri=urn:x", ERR_REQUEST_URI, true},
	{"request=", OK, true}, /* RFC 6749 3.1: as if it were not there */
	{"request_uri=&prompt=&max_age=&login_hint=&id_token_hint=&response_mode=", OK, true},
	{"response_mode=fragment", ERR_INVALID, true},
	{"response_mode=form_post", OK, true},
	{"scope", ERR_SCOPE, true},
	{"scope=", ERR_SCOPE, true},
	{"scope=%20", ERR_SCOPE, true},
	{"scope=openid%20admin", ERR_SCOPE, true},
	{"scope=openid%20groups", ERR_SCOPE, true},
	{"scope=openid%22", ERR_SCOPE, true},
	{"scope=email%20openid%20openid", OK, true},
	{"code_challenge", ERR_INVALID, true},
	{"code_challenge=", ERR_INVALID, true},
	{"code_challenge=short", ERR_INVALID, true},
	{"code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c%3D", ERR_INVALID, true},
	{"code_challenge_method", ERR_INVALID, true},
	{"code_challenge_method=plain", ERR_INVALID, true},
	{"code_challenge_method=s256", ERR_INVALID, true},
	{"nonce", OK, true},
	{"state", OK, true},
	{"prompt=none", OK, true},
	{"prompt=login%20consent", OK, true},
	{"prompt=none%20login", ERR_INVALID, true},
	{"prompt=create", ERR_INVALID, true},
	{"max_age=0", OK, true},
	{"max_age=-1", ERR_INVALID, true},
	{"max_age=1e3", ERR_INVALID, true},
	{"max_age=99999999999999999999", ERR_INVALID, true},
	{"id_token_hint=a.b.c", ERR_INVALID, true},
	{"login_hint=%0d%0aX", OK, true},
	{"client_id=gate&redirect_uri=x", ERR_INVALID, false},
	/* public clients: RFC 8252 7.3 */
	{"client_id=app&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%3A53211%2Fcb", OK, true},
	{"client_id=app&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb", OK, true},
	{"client_id=app&scope=openid&redirect_uri=http%3A%2F%2F%5B%3A%3A1%5D%3A53211%2Fcb", OK, true},
	{"client_id=app&scope=openid&redirect_uri=org.example.app%3A%2Fcb", OK, true},
	{"client_id=app&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%3A53211%2Fother", ERR_INVALID, false},
	{"client_id=app&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%3A0%2Fcb", ERR_INVALID, false},
	{"client_id=app&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%3A99999%2Fcb", ERR_INVALID, false},
	{"client_id=app&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%3A%2Fcb", ERR_INVALID, false},
	{"client_id=app&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%3A80%40evil.example%2Fcb", ERR_INVALID, false},
	{"client_id=app&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1.evil.example%2Fcb", ERR_INVALID, false},
	{"client_id=app&scope=openid&redirect_uri=http%3A%2F%2Flocalhost%3A53211%2Fcb", ERR_INVALID, false},
	{"client_id=app&scope=openid&redirect_uri=https%3A%2F%2F127.0.0.1%2Fcb", ERR_INVALID, false},
	/* not for confidential ones */
	{"client_id=native&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%3A53211%2Fcb", ERR_INVALID, false},
	{"client_id=native&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb", OK, true},
};

static void reads_requests(void **state) {
	for (size_t i = 0; i < COUNT(refusals); i++) {
		const struct refused *row = &refusals[i];
		struct task *t = oidc_begin(*state, 0);
		struct authorize a = {0};
		bool redirect = !row->redirect;
		enum err e = authorize_read(t, changed(t->arena, WIKI_REQUEST, row->change), &a, &redirect);
		if (e != row->wanted || redirect != row->redirect)
			fail_msg("\"%s\": %s (%.*s), redirect %d", row->change, err_row(e)->name,
				FMT(t->failure_detail), redirect);
		if (!redirect)
			assert_null(a.client);
		else
			assert_false(str_empty(a.redirect_uri));
	}
}

static void reads_what_is_there(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct authorize a;
	bool redirect;
	const char *more =
		"prompt=consent%20login&max_age=10&login_hint=ann&response_mode=form_post&scope=email%20openid%20email";
	assert_ok(authorize_read(t, changed(t->arena, WIKI_REQUEST, more), &a, &redirect));
	assert_ptr_equal(a.client, &clients[WIKI]);
	assert_str(a.redirect_uri, STR(WIKI_URI));
	assert_str(a.state, STR("st&te"));
	assert_str(a.nonce, STR("n-1"));
	assert_str(a.scope, STR("email openid"));
	assert_str(a.challenge, STR(CHALLENGE));
	assert_str(a.response_mode, STR("form_post"));
	assert_str(a.prompt, STR("login consent"));
	assert_str(a.login_hint, STR("ann"));
	assert_int_equal(a.max_age, 10);
}

static void bounds_what_is_echoed(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct authorize a;
	bool redirect = false;
	char *many = arena_alloc(t->arena, 4001);
	memset(many, 'x', 4000);
	memcpy(many, "state=", 6);
	assert_err(authorize_read(t, changed(t->arena, WIKI_REQUEST, many), &a, &redirect), ERR_INVALID);
	assert_true(redirect && str_empty(a.state));
	memcpy(many, "nonce=", 6);
	assert_err(authorize_read(t, changed(t->arena, WIKI_REQUEST, many), &a, &redirect), ERR_INVALID);
	memcpy(many, "scope=", 6);
	assert_err(authorize_read(t, changed(t->arena, WIKI_REQUEST, many), &a, &redirect), ERR_SCOPE);
}

static void answers(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct authorize a;
	struct answer answer;
	bool redirect;
	assert_ok(authorize_read(t, changed(t->arena, WIKI_REQUEST, ""), &a, &redirect));
	authorize_answer_code(t, &a, STR("c.o"), &answer);
	assert_str(answer_uri(t->arena, &answer),
		STR(WIKI_URI "?code=c.o&state=st%26te&iss=https%3A%2F%2Fid.example.org%2Frealms%2Fstaff"));
	const char *twice = "redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb%3Fx%3D1&state=%0d%0aSet-Cookie:a&code_"
			    "challenge_method=plain";
	assert_err(authorize_read(t, changed(t->arena, WIKI_REQUEST, twice), &a, &redirect), ERR_INVALID);
	authorize_answer_error(t, &a, ERR_INVALID, &answer);
	assert_int_equal(answer.n, 4);
	struct str uri = answer_uri(t->arena, &answer);
	assert_true(str_starts(uri,
		STR(WIKI_URI "?x=1&error=invalid_request&error_description=code_challenge_method%20is%20not%20S256")));
	assert_true(str_contains(uri, STR("&state=%0D%0ASet-Cookie%3Aa&iss=https%3A")) ||
		    str_contains(uri, STR("&state=%0d%0aSet-Cookie%3Aa&iss=https%3A")));
	authorize_answer_error(t, &a, ERR_UNAVAILABLE, &answer);
	assert_str(answer.v[0].value, STR("temporarily_unavailable"));
	assert_false(str_contains(answer.v[1].value, STR("S256")));
}

static void describes_errors_without_secrets(void **state) {
	struct task *t = oidc_begin(*state, 0);
	err_ignore(task_fail(t, ERR_INTERNAL, "/var/lib/usher/store.db"), "told below");
	assert_false(str_contains(oauth_description(t, ERR_INTERNAL), STR("store")));
	assert_false(str_contains(oauth_description(t, ERR_GRANT), STR("store"))); /* another code's detail */
	task_clear(t);
	err_ignore(task_fail(t, ERR_SCOPE, "scope \"x\\y\xc3\xa9\" is not known"), "told below");
	assert_str(oauth_error_json(t->arena, ERR_SCOPE, oauth_description(t, ERR_SCOPE)),
		STR("{\"error\":\"invalid_scope\",\"error_description\":\"scope ?x?y??? is not known\"}"));
}

/* ---- what comes next ---- */

static const struct next {
	const char *change;
	bool state, fresh, consented;
	int64_t auth_age_s;
	enum err wanted;
	enum authorize_next next;
} nexts[] = {
	{"", false, false, false, 0, OK, AUTHORIZE_LOGIN},
	{"prompt=none", false, false, false, 0, ERR_LOGIN_REQUIRED, 0},
	{"", true, false, false, 0, OK, AUTHORIZE_GRANT},
	{"prompt=none", true, false, false, 0, OK, AUTHORIZE_GRANT},
	{"prompt=login", true, false, false, 0, OK, AUTHORIZE_LOGIN},
	{"prompt=login", true, true, false, 0, OK, AUTHORIZE_GRANT},
	{"prompt=select_account", true, false, false, 0, OK, AUTHORIZE_LOGIN},
	{"prompt=consent", true, false, false, 0, OK, AUTHORIZE_CONSENT},
	{"prompt=login%20consent", true, true, false, 0, OK, AUTHORIZE_CONSENT},
	{"prompt=consent", true, false, true, 0, OK, AUTHORIZE_GRANT},
	{"max_age=10", true, false, false, 5, OK, AUTHORIZE_GRANT},
	{"max_age=10", true, false, false, 15, OK, AUTHORIZE_LOGIN},
	{"max_age=10&prompt=none", true, false, false, 15, ERR_LOGIN_REQUIRED, 0},
	{"max_age=0", true, false, false, 0, OK, AUTHORIZE_LOGIN},
	{"max_age=0", true, true, false, 0, OK, AUTHORIZE_GRANT},
	{"max_age=0", true, true, false, 290, OK, AUTHORIZE_GRANT},
	{"max_age=0", true, true, false, 301, OK, AUTHORIZE_LOGIN},
	{"max_age=10000&prompt=login", true, true, false, 301, OK, AUTHORIZE_GRANT},
	{"max_age=60&prompt=login", true, true, false, 301, OK, AUTHORIZE_LOGIN},
	{"max_age=10000", true, false, false, 60, OK, AUTHORIZE_GRANT},
	{"client_id=native&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb", true, false, false, 0, OK,
		AUTHORIZE_CONSENT},
	{"client_id=native&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&prompt=none", true, false, false, 0,
		ERR_CONSENT_REQUIRED, 0},
	{"client_id=ask&scope=openid&redirect_uri=https%3A%2F%2Fask.example.org%2F", true, false, false, 0, OK,
		AUTHORIZE_CONSENT},
};

static void chooses_what_comes_next(void **state) {
	for (size_t i = 0; i < COUNT(nexts); i++) {
		const struct next *row = &nexts[i];
		struct task *t = oidc_begin(*state, 0);
		struct authorize a;
		struct session old = session;
		struct login_state who = {&old, &ann};
		bool redirect;
		enum authorize_next next = row->next;
		old.auth_time = clock_wall_ms() - row->auth_age_s * 1000;
		assert_ok(authorize_read(t, changed(t->arena, WIKI_REQUEST, row->change), &a, &redirect));
		enum err e = authorize_next(t, &a, row->state ? &who : NULL, row->fresh, row->consented, &next);
		if (e != row->wanted || next != row->next)
			fail_msg("row %zu, \"%s\": %s, %d", i, row->change, err_row(e)->name, (int)next);
	}
}

#define ASK_URI "client_id=ask&redirect_uri=https%3A%2F%2Fask.example.org%2F"
static enum authorize_next next_of(struct task *t, const char *change, struct authorize *a) {
	bool redirect;
	enum authorize_next next = AUTHORIZE_LOGIN;
	assert_ok(authorize_read(t, changed(t->arena, WIKI_REQUEST, change), a, &redirect));
	assert_ok(authorize_next(t, a, &login, false, false, &next));
	return next;
}

static void remembers_consent_by_scope(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct authorize a;
	struct str code;
	struct scope_line *lines = NULL;
	assert_int_equal(next_of(t, ASK_URI "&scope=openid%20email", &a), AUTHORIZE_CONSENT);
	assert_int_equal(consent_lines(&a, t->arena, &lines), 1);
	assert_string_equal(lines[0].text_key, "consent.scope.email");
	assert_ok(authorize_grant(t, &a, &login, true, &code));
	assert_int_equal(next_of(t, ASK_URI "&scope=email%20openid", &a), AUTHORIZE_GRANT);
	assert_int_equal(next_of(t, ASK_URI "&scope=openid", &a), AUTHORIZE_GRANT);
	assert_int_equal(next_of(t, ASK_URI "&scope=openid%20api:read", &a), AUTHORIZE_CONSENT);
	assert_ok(authorize_grant(t, &a, &login, true, &code));
	assert_int_equal(
		next_of(t, ASK_URI "&scope=openid%20email%20api:read", &a), AUTHORIZE_GRANT); /* both are kept */
	assert_int_equal(next_of(t, ASK_URI "&scope=openid&prompt=consent", &a), AUTHORIZE_CONSENT);
}

/* A request that was on its way when the session ended brings no grant, which would outlive it. */
static void nothing_behind_the_end(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct authorize a;
	struct str code = STR_NONE;
	struct grant *g = NULL;
	size_t before = 0, n = 0;
	assert_ok(grants_list_account(t, ann.id, &g, &before));
	assert_int_equal(next_of(t, "", &a), AUTHORIZE_GRANT);
	assert_ok(sessions_remove(t, session.id_hash));
	assert_err(authorize_grant(t, &a, &login, true, &code), ERR_LOGIN_REQUIRED);
	assert_true(str_absent(code));
	assert_ok(grants_list_account(t, ann.id, &g, &n));
	assert_int_equal(n, before);
	assert_ok(sessions_insert(t, &session));
}

/* ---- parking ---- */

static void parks_and_resumes(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct authorize a, back = {0};
	struct str secret = STR_NONE;
	bool redirect;
	assert_ok(authorize_read(t, changed(t->arena, WIKI_REQUEST, "prompt=login&max_age=7&extra=1"), &a, &redirect));
	assert_false(str_contains(a.parameters, STR("extra")));
	secret = authorize_park(t, &a);
	assert_err(authorize_resume(t, STR("nonsense"), &back), ERR_EXPIRED);
	assert_err(authorize_resume(t, STR(""), &back), ERR_EXPIRED);
	assert_ok(authorize_resume(t, secret, &back));
	assert_ptr_equal(back.client, a.client);
	assert_str(back.redirect_uri, a.redirect_uri);
	assert_str(back.state, a.state);
	assert_str(back.scope, a.scope);
	assert_str(back.nonce, a.nonce);
	assert_str(back.challenge, a.challenge);
	assert_str(back.prompt, a.prompt);
	assert_str(back.parameters, a.parameters);
	assert_int_equal(back.max_age, 7);
	assert_true(back.parked_at > 0);
	clients[WIKI].redirect_uris.n = 0; /* the configuration changed meanwhile */
	enum err gone = authorize_resume(t, secret, &back);
	clients[WIKI].redirect_uris.n = 2;
	assert_err(gone, ERR_INVALID);
	assert_err(authorize_resume(oidc_begin(*state, 1), secret, &back), ERR_EXPIRED); /* another realm */
	t = oidc_begin(*state, 0);
	for (size_t i = 0; i < secret.n; i += 7) {
		char *bent = arena_alloc(t->arena, secret.n);
		memcpy(bent, secret.p, secret.n);
		bent[i] = bent[i] == 'A' ? 'B' : 'A';
		assert_err(authorize_resume(t, str_slice(bent, secret.n), &back), ERR_EXPIRED);
	}
	clock_shift_ms(31 * 60000);
	enum err late = authorize_resume(t, secret, &back);
	clock_shift_ms(-31 * 60000);
	assert_err(late, ERR_EXPIRED);
}

/* The longest that is taken makes a cookie that browsers keep. */
static void parks_long_ones(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct authorize a;
	bool redirect;
	size_t longest = 0;
	static char letters[2049];
	memset(letters, 's', sizeof(letters));
	for (size_t n = 1; n <= 2048; n += 89) {
		const char *base = form_with(t, WIKI_REQUEST, "state", str_slice(letters, n));
		base = form_with(t, base, "nonce", str_slice(letters, n < 512 ? n : 512));
		enum err e = authorize_read(t, changed(t->arena, base, ""), &a, &redirect);
		if (e) {
			assert_err(e, ERR_INVALID);
			assert_true(redirect);
			break;
		}
		longest = authorize_park(t, &a).n;
	}
	assert_true(longest > 3400 && longest <= 3800);
}

/* ---- keys and metadata ---- */

static void tells_metadata(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str text = STR_NONE, again = STR_NONE;
	owned(json) json_t *m = NULL;
	assert_ok(oidc_metadata(t, &text));
	assert_ok(json_parse(t, text, &m));
	assert_member(m, "issuer", STR(ISSUER));
	assert_member(m, "authorization_endpoint", STR(ISSUER "/authorize"));
	assert_member(m, "token_endpoint", STR(ISSUER "/token"));
	assert_member(m, "userinfo_endpoint", STR(ISSUER "/userinfo"));
	assert_member(m, "jwks_uri", STR(ISSUER "/jwks"));
	assert_member(m, "introspection_endpoint", STR(ISSUER "/introspect"));
	assert_member(m, "revocation_endpoint", STR(ISSUER "/revoke"));
	assert_member(m, "end_session_endpoint", STR(ISSUER "/logout"));
	assert_true(json_is_true(json_object_get(m, "authorization_response_iss_parameter_supported")));
	assert_true(json_is_true(json_object_get(m, "backchannel_logout_supported")));
	assert_true(json_is_true(json_object_get(m, "backchannel_logout_session_supported")));
	assert_true(json_is_false(json_object_get(m, "request_uri_parameter_supported"))); /* its default is true */
	assert_true(json_is_false(json_object_get(m, "claims_parameter_supported")));
	static const struct {
		const char *name, *wanted;
	} lists[] = {
		{"response_types_supported", "[\"code\"]"},
		{"code_challenge_methods_supported", "[\"S256\"]"},
		{"subject_types_supported", "[\"public\"]"},
		{"id_token_signing_alg_values_supported", "[\"RS256\",\"ES256\",\"PS256\",\"EdDSA\"]"},
		{"scopes_supported", "[\"openid\",\"profile\",\"email\",\"phone\",\"roles\",\"groups\",\"offline_"
				     "access\",\"api:read\",\"api:write\"]"},
	};
	for (size_t i = 0; i < COUNT(lists); i++)
		assert_str(json_text(t->arena, json_object_get(m, lists[i].name)), str_of(lists[i].wanted));
	assert_true(str_contains(json_text(t->arena, json_object_get(m, "claims_supported")), STR("\"realm_access\"")));
	assert_ok(oidc_metadata(oidc_begin(*state, 1), &again));
	assert_false(str_eq(again, text));
}

static void checks_configuration(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct config_errors *errors = arena_new_of(t->arena, struct config_errors);
	oidc_check_config(t->arena, &config, errors);
	assert_int_equal(errors->n, 0);
	struct client_config before = clients[WIKI];
	clients[WIKI].scopes.n = 0;
	clients[WIKI].signing_alg = STR("none");
	oidc_check_config(t->arena, &config, errors);
	clients[WIKI] = before;
	assert_int_equal(errors->n, 2);
	assert_str(errors->v[0].key, STR("realms.staff.clients.wiki.signing_alg"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_requests),
		cmocka_unit_test(reads_what_is_there),
		cmocka_unit_test(bounds_what_is_echoed),
		cmocka_unit_test(answers),
		cmocka_unit_test(describes_errors_without_secrets),
		cmocka_unit_test(chooses_what_comes_next),
		cmocka_unit_test(remembers_consent_by_scope),
		cmocka_unit_test(nothing_behind_the_end),
		cmocka_unit_test(parks_and_resumes),
		cmocka_unit_test(parks_long_ones),
		cmocka_unit_test(tells_metadata),
		cmocka_unit_test(checks_configuration),
	};
	return cmocka_run_group_tests(tests, oidc_setup, fixture_teardown);
}
