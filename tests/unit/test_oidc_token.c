/* The token endpoint: who gets what, what is refused, and who wins a race. */
#include <pthread.h>

#include "tests/unit/oidc_fixture.h"

/* ---- codes ---- */

static const struct redeemed {
	const char *change;
	enum err wanted;
	bool good_after; /* the code is not burnt by this */
} redeems[] = {
	{"", OK, false},
	{"code", ERR_INVALID, true},
	{"code=x", ERR_GRANT, true},
	{"code=x.y", ERR_GRANT, true},
	{"code_verifier", ERR_INVALID, true},
	{"code_verifier=", ERR_INVALID, true},
	{"code_verifier=" CHALLENGE, ERR_GRANT, false},
	{"code_verifier=short", ERR_GRANT, false},
	{"redirect_uri", ERR_INVALID, true},
	{"redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb%3Fx%3D1", ERR_GRANT, false},
};

static void redeems_codes(void **state) {
	for (size_t i = 0; i < COUNT(redeems); i++) {
		const struct redeemed *row = &redeems[i];
		struct task *t = oidc_begin(*state, 0);
		struct str json = STR_NONE, code = code_for(t, WIKI_REQUEST, "");
		const char *form = form_with(t, CODE_REQUEST, "code", code);
		enum err e = wiki_token(t, form, row->change, &json);
		if (e != row->wanted)
			fail_msg("\"%s\": %s: %.*s", row->change, err_row(e)->name, FMT(t->failure_detail));
		task_clear(t);
		if (e)
			assert_err(code_redeem(t, code, &json), row->good_after ? OK : ERR_GRANT);
	}
}

static void tells_who_came(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE;
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, "scope=openid%20profile%20email%20phone%20roles"), &json));
	struct str access = member(t, json, "access_token");
	owned(json) json_t *id = token_open(t, member(t, json, "id_token"), "JWT"),
			   *at = token_open(t, access, "at+jwt");
	assert_member(id, "iss", STR(ISSUER));
	assert_member(id, "sub", ann.sub);
	assert_member(id, "aud", STR("wiki"));
	assert_member(id, "azp", STR("wiki"));
	assert_member(id, "nonce", STR("n-1"));
	assert_member(id, "sid", STR("sid-1"));
	assert_member(id, "name", STR("Ann Example"));
	assert_member(id, "given_name", STR("Ann"));
	assert_member(id, "family_name", STR("Example"));
	assert_member(id, "preferred_username", STR("ann"));
	assert_member(id, "email", STR("ann@example.org"));
	assert_member(id, "phone_number", STR("+49 30 1"));
	assert_true(json_is_true(json_object_get(id, "email_verified")));
	assert_str(json_text(t->arena, json_object_get(id, "roles")), STR("[\"editor\",\"reader\"]"));
	assert_str(json_text(t->arena, json_object_get(id, "amr")), STR("[\"pwd\"]"));
	assert_int_equal(json_integer_value(json_object_get(id, "auth_time")), session.auth_time / 1000);
	assert_member(id, "at_hash", base64url_encode(t->arena, str_sub(sha256(t->arena, access), 0, 16)));
	assert_null(json_object_get(id, "groups"));
	assert_member(at, "sub", ann.sub);
	assert_member(at, "aud", STR(ISSUER));
	assert_member(at, "scope", STR("openid profile email phone roles"));
	assert_str(json_text(t->arena, json_object_get(at, "roles")), STR("[\"editor\",\"reader\"]"));
	assert_true(str_find(json_member_str(at, "jti"), '.', 0) == 26); /* behind the grant's id */
	assert_null(json_object_get(at, "email"));
	assert_false(str_empty(member(t, json, "refresh_token")));
	/* what is not asked for is not told */
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, "scope=openid"), &json));
	owned(json) json_t *bare = token_open(t, member(t, json, "id_token"), "JWT");
	static const char *const hidden[] = {
		"name", "email", "email_verified", "phone_number", "roles", "preferred_username"};
	for (size_t i = 0; i < COUNT(hidden); i++)
		assert_null(json_object_get(bare, hidden[i]));
	/* without openid no ID token */
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, "scope=profile"), &json));
	assert_str(member(t, json, "id_token"), STR_NONE);
}

static void verifies_only_the_proved_address(void **state) {
	static const struct {
		struct str marker, mail;
		bool verified;
	} rows[] = {
		{TEXT("R1"), TEXT("ann@example.org"), true},
		{TEXT("R1"), TEXT("Ann@example.org"), false},
		{TEXT("R1"), TEXT("new@example.org"), false},
		{TEXT("R2"), TEXT("ann@example.org"), false},
		{TEXT(""), TEXT("ann@example.org"), false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct task *t = oidc_begin(*state, 0);
		struct account who = ann;
		struct entry e = entry;
		const struct person p = {.entry = &e};
		owned(json) json_t *into = json_object();
		who.marker = rows[i].marker;
		who.mail = e.mail = rows[i].mail;
		assert_ok(claims_collect(t, &clients[WIKI], STR("email"), &who, &p, into));
		assert_int_equal(json_is_true(json_object_get(into, "email_verified")), rows[i].verified);
	}
}

static void shapes_claims_by_client(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE;
	struct str code =
		code_for(t, WIKI_REQUEST, "client_id=app&scope=openid&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb");
	struct credentials c = {STR_NONE,
		params_of(t->arena,
			str_printf(t->arena,
				"grant_type=authorization_code&client_id=app&code=%.*s&"
				"redirect_uri=http%%3A%%2F%%2F127.0.0.1%%3A5000%%2Fcb&code_verifier=" VERIFIER,
				FMT(code)))};
	assert_ok(oidc_token(t, &c, &json));
	struct str access = member(t, json, "access_token");
	owned(json) json_t *id = token_open(t, member(t, json, "id_token"), "JWT"),
			   *at = token_open(t, access, "at+jwt");
	assert_str(json_text(t->arena, json_object_get(at, "realm_access")),
		STR("{\"roles\":[\"editor\"]}")); /* only what it may see */
	assert_str(json_text(t->arena, json_object_get(id, "groups")), STR("[\"red\",\"blue\"]"));
	assert_str(member(t, json, "refresh_token"), STR_NONE); /* only with offline_access */
	assert_true(json_member_str(id, "at_hash").n == 43);    /* half of SHA-512 */
}

static void ends_a_family_when_a_code_comes_twice(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, again = STR_NONE, info = STR_NONE, code = code_for(t, WIKI_REQUEST, "");
	assert_ok(code_redeem(t, code, &json));
	assert_ok(oidc_userinfo(t, member(t, json, "access_token"), &info));
	assert_err(code_redeem(t, code, &again), ERR_GRANT);
	task_clear(t);
	assert_err(oidc_userinfo(t, member(t, json, "access_token"), &info), ERR_TOKEN);
	assert_err(refresh_redeem(t, member(t, json, "refresh_token"), "", &again), ERR_GRANT);
}

static void ends_codes_in_time(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, code = code_for(t, WIKI_REQUEST, "");
	clock_shift_ms(61000);
	enum err late = code_redeem(t, code, &json);
	clock_shift_ms(-61000);
	assert_err(late, ERR_GRANT);
}

static void binds_codes(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, code = code_for(t, WIKI_REQUEST, "");
	const char *form = form_with(t, CODE_REQUEST, "code", code);
	const struct credentials other = {basic(t->arena, "ask", "ask-secret"), params_of(t->arena, str_of(form))};
	assert_err(oidc_token(t, &other, &json), ERR_GRANT);
	code = code_for(t, WIKI_REQUEST, "");
	t = oidc_begin(*state, 1); /* the client of the same name in another realm */
	form = form_with(t, CODE_REQUEST, "code", code);
	const struct credentials stranger = {basic(t->arena, "wiki", "stranger"), params_of(t->arena, str_of(form))};
	assert_err(oidc_token(t, &stranger, &json), ERR_GRANT);
	assert_ok(code_redeem(oidc_begin(*state, 0), code, &json));
}

static void keeps_no_secret_in_the_store(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, code = code_for(t, WIKI_REQUEST, ""), refresh;
	assert_ok(code_redeem(t, code, &json));
	refresh = member(t, json, "refresh_token");
	char backup[96];
	snprintf(backup, sizeof(backup), "%s/copy.db", fixture_folder);
	assert_ok(store_backup(t, backup));
	FILE *f = fopen(backup, "rb");
	assert_non_null(f);
	char *bytes = arena_alloc(t->arena, 4u << 20);
	struct str all = str_slice(bytes, fread(bytes, 1, 4u << 20, f));
	fclose(f);
	assert_true(str_contains(all, STR("sid-1")));
	assert_false(str_contains(all, str_sub(code, 27, 43)));
	assert_false(str_contains(all, refresh));
	assert_false(str_contains(all, member(t, json, "access_token")));
}

/* ---- refresh ---- */

static struct str refresh_for(struct task *t, const char *change) {
	struct str json = STR_NONE;
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, change), &json));
	return member(t, json, "refresh_token");
}

static void rotates_refresh_tokens(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, last = STR_NONE, first = refresh_for(t, ""), second;
	assert_ok(refresh_redeem(t, first, "", &json));
	second = member(t, json, "refresh_token");
	assert_false(str_eq(first, second));
	owned(json) json_t *id = token_open(t, member(t, json, "id_token"), "JWT");
	assert_member(id, "sub", ann.sub);
	assert_null(json_object_get(id, "nonce"));
	assert_int_equal(json_integer_value(json_object_get(id, "auth_time")), session.auth_time / 1000);
	assert_ok(refresh_redeem(t, second, "scope=openid", &json));
	assert_str(member(t, json, "scope"), STR("openid"));
	last = member(t, json, "refresh_token");
	assert_err(refresh_redeem(t, last, "scope=openid%20phone", &json), ERR_SCOPE); /* never granted */
	assert_err(refresh_redeem(t, last, "scope=admin", &json), ERR_SCOPE);
	assert_ok(refresh_redeem(t, last, "", &json)); /* a refusal used nothing up */
	assert_str(member(t, json, "scope"), STR("openid profile email roles"));
	last = member(t, json, "refresh_token");
	task_clear(t);
	assert_err(refresh_redeem(t, first, "", &json), ERR_GRANT); /* reuse ends the family */
	assert_true(str_contains(oauth_description(t, ERR_GRANT), STR("used before")));
	assert_err(refresh_redeem(t, last, "", &json), ERR_GRANT);
	struct audit_row *rows = NULL;
	size_t n = 0;
	assert_ok(audit_list(t, &(struct audit_filter){.action = STR("token.reuse"), .limit = 5}, &rows, &n));
	assert_int_equal(n, 1);
	assert_str(rows[0].actor, STR("client:wiki"));
}

static const struct {
	const char *token;
	enum err wanted;
} unknown_tokens[] = {{"", ERR_INVALID}, {"x", ERR_GRANT}, {"%00", ERR_GRANT}, {"a.b.c", ERR_GRANT}};

static void binds_refresh_tokens(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, token = refresh_for(t, "");
	for (size_t i = 0; i < COUNT(unknown_tokens); i++)
		assert_err(refresh_redeem(t, str_of(unknown_tokens[i].token), "", &json), unknown_tokens[i].wanted);
	struct str form = str_printf(t->arena, "grant_type=refresh_token&client_id=app&refresh_token=%.*s", FMT(token));
	const struct credentials other = {STR_NONE, params_of(t->arena, form)};
	assert_err(oidc_token(t, &other, &json), ERR_GRANT);
	t = oidc_begin(*state, 1);
	const struct credentials stranger = {basic(t->arena, "wiki", "stranger"), params_of(t->arena, form)};
	assert_err(oidc_token(t, &stranger, &json), ERR_INVALID); /* client_id=app stands there */
	assert_ok(refresh_redeem(oidc_begin(*state, 0), token, "", &json));
}

static void ends_refresh_tokens_in_time(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, idle = refresh_for(t, ""), used = refresh_for(t, "");
	const int64_t day = 86400000;
	clock_shift_ms(7 * day + 1000);
	enum err e = refresh_redeem(t, idle, "", &json);
	clock_shift_ms(-7 * day - 1000);
	assert_err(e, ERR_GRANT);
	for (size_t i = 0; i < 4; i++) { /* 28 days in all, and idle for 7 never */
		clock_shift_ms(7 * day - 1000);
		e = refresh_redeem(t, used, "", &json);
		assert_ok(e);
		used = member(t, json, "refresh_token");
	}
	clock_shift_ms(2 * day + 10000); /* past 30, though not idle */
	e = refresh_redeem(t, used, "", &json);
	clock_shift_ms(-30 * day - 6000);
	assert_err(e, ERR_GRANT);
}

static void asks_the_directory_at_refresh(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE, token = refresh_for(t, "");
	directory = DIRECTORY_DOWN;
	enum err down = refresh_redeem(t, token, "", &json);
	directory = DIRECTORY_FINE;
	assert_err(down, ERR_UNAVAILABLE);
	task_clear(t);
	assert_ok(refresh_redeem(t, token, "", &json)); /* it was not used up */
	token = member(t, json, "refresh_token");
	directory = DIRECTORY_DISABLED;
	enum err disabled = refresh_redeem(t, token, "", &json);
	directory = DIRECTORY_FINE;
	assert_err(disabled, ERR_GRANT);
	task_clear(t);
	assert_err(refresh_redeem(t, token, "", &json), ERR_GRANT); /* the grant ended, enabled again or not */
	struct str code = code_for(t, WIKI_REQUEST, "");
	directory = DIRECTORY_DELETED;
	enum err deleted = code_redeem(t, code, &json);
	directory = DIRECTORY_FINE;
	assert_err(deleted, ERR_GRANT);
	code = code_for(t, WIKI_REQUEST, "");
	directory = DIRECTORY_DOWN;
	down = code_redeem(t, code, &json);
	directory = DIRECTORY_FINE;
	assert_err(down, ERR_UNAVAILABLE);
	task_clear(t);
	assert_ok(code_redeem(t, code, &json)); /* neither was the code */
}

/* ---- races ---- */

#define RACERS 8
struct racer {
	struct worker worker;
	struct str secret;
	enum err (*redeem)(struct task *t, struct str secret);
	enum err result;
	pthread_barrier_t *start;
};

static enum err race_code(struct task *t, struct str secret) {
	struct str json;
	return code_redeem(t, secret, &json);
}

static enum err race_refresh(struct task *t, struct str secret) {
	struct str json;
	return refresh_redeem(t, secret, "", &json);
}

static void *race(void *arg) {
	struct racer *r = arg;
	struct task *t = oidc_begin(&r->worker, 0);
	pthread_barrier_wait(r->start);
	r->result = r->redeem(t, r->secret);
	return NULL;
}

static void one_wins(enum err (*redeem)(struct task *t, struct str secret), struct str secret) {
	struct racer racers[RACERS];
	pthread_t threads[RACERS];
	pthread_barrier_t start;
	size_t won = 0;
	pthread_barrier_init(&start, NULL, RACERS);
	for (size_t i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){.secret = secret, .redeem = redeem, .start = &start};
		worker_new(&racers[i].worker);
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (size_t i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
		won += racers[i].result == OK;
		if (racers[i].result)
			assert_err(racers[i].result, ERR_GRANT);
		worker_free(&racers[i].worker);
	}
	pthread_barrier_destroy(&start);
	assert_int_equal(won, 1);
}

static void one_of_eight_wins(void **state) {
	for (size_t i = 0; i < 5; i++) {
		struct task *t = oidc_begin(*state, 0);
		one_wins(race_code, code_for(t, WIKI_REQUEST, ""));
		one_wins(race_refresh, refresh_for(t, ""));
	}
}

/* Keys may be renewed while tokens are made. */
static void *renews(void *arg) {
	struct racer *r = arg;
	struct task *t = oidc_begin(&r->worker, 0);
	pthread_barrier_wait(r->start);
	for (size_t i = 0; i < 20 && !r->result; i++)
		r->result = keyset_refresh(t);
	return NULL;
}

static void *signs(void *arg) {
	struct racer *r = arg;
	struct task *t = oidc_begin(&r->worker, 0);
	const struct credentials c = {STR_NONE, params_of(t->arena, STR(BATCH_FORM))};
	pthread_barrier_wait(r->start);
	for (size_t i = 0; i < 50 && !r->result; i++)
		r->result = oidc_token(t, &c, &r->secret);
	return NULL;
}

static void keys_move_under_readers(void **state) {
	struct racer racers[3];
	pthread_t threads[COUNT(racers)];
	pthread_barrier_t start;
	(void)state;
	pthread_barrier_init(&start, NULL, COUNT(racers));
	for (size_t i = 0; i < COUNT(racers); i++) {
		racers[i] = (struct racer){.start = &start};
		worker_new(&racers[i].worker);
		assert_int_equal(pthread_create(&threads[i], NULL, i ? signs : renews, &racers[i]), 0);
	}
	for (size_t i = 0; i < COUNT(racers); i++) {
		pthread_join(threads[i], NULL);
		assert_err(racers[i].result, OK);
		worker_free(&racers[i].worker);
	}
	pthread_barrier_destroy(&start);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redeems_codes),
		cmocka_unit_test(tells_who_came),
		cmocka_unit_test(verifies_only_the_proved_address),
		cmocka_unit_test(shapes_claims_by_client),
		cmocka_unit_test(ends_a_family_when_a_code_comes_twice),
		cmocka_unit_test(ends_codes_in_time),
		cmocka_unit_test(binds_codes),
		cmocka_unit_test(keeps_no_secret_in_the_store),
		cmocka_unit_test(rotates_refresh_tokens),
		cmocka_unit_test(binds_refresh_tokens),
		cmocka_unit_test(ends_refresh_tokens_in_time),
		cmocka_unit_test(asks_the_directory_at_refresh),
		cmocka_unit_test(one_of_eight_wins),
		cmocka_unit_test(keys_move_under_readers),
	};
	return cmocka_run_group_tests(tests, oidc_setup, fixture_teardown);
}
