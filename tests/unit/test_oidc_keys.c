/* Signing keys: rotated, withdrawn, sealed, and apart by realm. */
#include "broker/oidc/oidc_private.h"
#include "tests/unit/oidc_fixture.h"

static size_t count(struct str text, struct str part) {
	size_t n = 0;
	for (size_t i = 0; i + part.n <= text.n; i++)
		n += str_eq(str_sub(text, i, part.n), part);
	return n;
}

static struct str kid_of(struct task *t) {
	struct str json = STR_NONE;
	struct jws j;
	const struct credentials c = {STR(""), changed(t->arena,
						       "grant_type=client_credentials&client_id=batch&client_secret="
						       "batch%20secret:%20with/odd%2Bletters%26of%3Dall%25kinds",
						       "")};
	assert_ok(oidc_token(t, &c, &json));
	assert_ok(jws_parse(t, member(t, json, "access_token"), &j));
	return j.kid;
}

static void rotates_keys(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str jwks = STR_NONE, first = str_dup(t->arena, kid_of(t)), second;
	int64_t before = 0, after = 0;
	assert_ok(oidc_jwks(t, &jwks));
	assert_int_equal(count(jwks, STR("\"kid\"")), 4);
	assert_int_equal(count(jwks, STR("\"d\"")), 0);
	assert_ok(generation_get(t, &before));
	assert_err(keyset_rotate(t, STR("HS256"), false), ERR_INVALID);
	assert_ok(keyset_rotate(t, STR("ES256"), false));
	assert_ok(keyset_rotate(t, STR("ES256"), false)); /* one waits already */
	assert_ok(generation_get(t, &after));
	assert_int_equal(after, before + 1);
	assert_ok(keyset_refresh(t));
	assert_ok(oidc_jwks(t, &jwks));
	assert_int_equal(count(jwks, STR("\"kid\"")), 5);
	assert_str(kid_of(t), first); /* published before it signs */
	assert_ok(keyset_rotate(t, STR("ES256"), true));
	assert_ok(keyset_refresh(t));
	second = kid_of(t);
	assert_false(str_eq(second, first));
	assert_ok(oidc_jwks(t, &jwks));
	assert_int_equal(count(jwks, STR("\"kid\"")), 5);
	assert_int_equal(count(jwks, first), 1); /* until the last token ended */
	clock_shift_ms(2 * 86400000);
	enum err e = keyset_refresh(t);
	clock_shift_ms(-2 * 86400000);
	assert_ok(e);
	assert_ok(oidc_jwks(t, &jwks));
	assert_int_equal(count(jwks, first), 0);
	assert_int_equal(count(jwks, second), 1);
}

/* A key that leaked counts for nothing at once, also for a token that was seen before. */
static void withdraws_keys(void **state) {
	struct task *t = oidc_begin(*state, 0);
	const struct jose_key *key = NULL;
	struct str jwks = STR_NONE, leaked = str_dup(t->arena, kid_of(t));
	assert_err(keyset_withdraw(t, leaked), ERR_STALE); /* it signs */
	task_clear(t);
	assert_err(keyset_withdraw(t, STR("nobody's")), ERR_NOT_FOUND);
	task_clear(t);
	assert_ok(keyset_rotate(t, STR("ES256"), true));
	assert_ok(keyset_refresh(t));
	assert_ok(keyset_verifier(t, leaked, &key));
	assert_ok(keyset_withdraw(t, leaked));
	assert_ok(keyset_refresh(t));
	assert_ok(oidc_jwks(t, &jwks));
	assert_int_equal(count(jwks, leaked), 0);
	assert_err(keyset_verifier(t, leaked, &key), ERR_TOKEN);
}

static void keeps_keys_sealed_and_apart(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct signing_key *keys = NULL;
	size_t n = 0;
	static const uint8_t other[32] = {2}, right[32] = {1};
	assert_ok(signing_keys_list(t, &keys, &n));
	assert_true(n >= 4);
	for (size_t i = 0; i < n; i++)
		assert_false(str_contains(
			keys[i].sealed, STR("\x06\x08\x2a\x86\x48\xce\x3d"))); /* an object id that each EC key holds */
	assert_ok(signing_keys_insert(t, &(struct signing_key){.kid = STR("odd"),
						 .realm = t->realm_name,
						 .alg = STR("ES256"),
						 .state = KEY_NEXT,
						 .sealed = STR("not sealed"),
						 .created_at = 1}));
	assert_err(keyset_refresh(t), ERR_CONFIG);
	assert_err(keyset_check(t, &n), ERR_CONFIG);
	assert_ok(signing_keys_remove(t, STR("odd")));
	assert_ok(keyset_check(t, &n));
	assert_true(n >= 4);
	task_clear(t);
	secret_use_key(other);
	assert_ok(keyset_refresh(t)); /* parsed keys are kept */
	assert_err(keyset_check(t, &n), ERR_CONFIG);
	assert_true(str_contains(t->failure_detail, STR("was sealed with another key file")));
	task_clear(t);
	secret_use_key(right);
	struct str mine = STR_NONE, theirs = STR_NONE;
	assert_ok(oidc_jwks(t, &mine));
	assert_ok(oidc_jwks(oidc_begin(*state, 1), &theirs));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(count(theirs, keys[i].kid), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rotates_keys),
		cmocka_unit_test(withdraws_keys),
		cmocka_unit_test(keeps_keys_sealed_and_apart),
	};
	return cmocka_run_group_tests(tests, oidc_setup, fixture_teardown);
}
