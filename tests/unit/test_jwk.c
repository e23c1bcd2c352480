#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/secret.h"
#include "broker/jose/jose.h"

OWNED(jose_key, struct jose_key *, jose_key_free)

static struct arena *arena;
static struct task task, *const t = &task;

static int begin(void **state) {
	(void)state;
	arena = arena_new();
	task_begin(t, arena, NULL, 60000);
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

#define assert_ok(call) assert_ok_((call), __LINE__)
static void assert_ok_(enum err got, int line) {
	if (got)
		fail_msg("line %d: %s: %.*s", line, err_row(got)->name, FMT(t->failure_detail));
}

#define assert_str(got, wanted) assert_str_((got), (wanted), __LINE__)
static void assert_str_(struct str got, struct str wanted, int line) {
	if (!str_eq(got, wanted))
		fail_msg("line %d: \"%.*s\" is not \"%.*s\"", line, FMT(got), FMT(wanted));
}

/* Keys as JWK, and JSON. */

#define EC_X  "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y  "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define OKP_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define RSA_7638_N                                                                                                     \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3" \
	"oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA" \
	"ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-" \
	"kEgU8awapJzKnqDKgw"

#define EC_JWK(more)        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"" more "}"
#define RSA_JWK(n, e, more) "{\"kty\":\"RSA\",\"n\":\"" n "\",\"e\":\"" e "\"" more "}"

static const struct {
	enum jose_alg alg;
	const char *jwk;
	enum err wanted;
} jwks[] = {
	{JOSE_ES256, EC_JWK(""), OK},
	{JOSE_ES256, EC_JWK(",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"a\",\"x5t\":\"b\""), OK},
	{JOSE_ES256, EC_JWK(",\"use\":\"enc\""), ERR_INVALID},
	{JOSE_ES256, EC_JWK(",\"use\":1"), ERR_INVALID},
	{JOSE_ES256, EC_JWK(",\"alg\":\"ES384\""), ERR_INVALID},
	{JOSE_ES256, EC_JWK(",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\""), ERR_INVALID},
	{JOSE_ES256, EC_JWK(",\"d\":null"), ERR_INVALID},
	{JOSE_ES256, EC_JWK(",\"x\":\"" EC_X "\""), ERR_INVALID},
	{JOSE_RS256, EC_JWK(""), ERR_INVALID},
	{JOSE_EDDSA, EC_JWK(""), ERR_INVALID},
	{JOSE_ES256, "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", ERR_INVALID},
	{JOSE_ES256, "{\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", ERR_INVALID},
	{JOSE_ES256, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"}", ERR_INVALID},
	/* off the curve; coordinates exchanged; the zero point; one byte short; over the prime */
	{JOSE_ES256, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_X "\"}", ERR_INVALID},
	{JOSE_ES256, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_Y "\",\"y\":\"" EC_X "\"}", ERR_INVALID},
	{JOSE_ES256,
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
		"\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		ERR_INVALID},
	{JOSE_ES256,
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":"
		"\"" EC_Y "\"}",
		ERR_INVALID},
	{JOSE_ES256,
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"__________________________________________8\",\"y\":"
		"\"" EC_Y "\"}",
		ERR_INVALID},
	{JOSE_RS256, RSA_JWK(RSA_7638_N, "AQAB", ""), OK},
	{JOSE_PS256, RSA_JWK(RSA_7638_N, "AQAB", ""), OK},
	{JOSE_RS256, RSA_JWK(RSA_7638_N, "Aw", ""), OK},
	{JOSE_RS256, RSA_JWK(RSA_7638_N, "AQ", ""), ERR_INVALID},
	{JOSE_RS256, RSA_JWK(RSA_7638_N, "Ag", ""), ERR_INVALID},
	{JOSE_RS256, RSA_JWK(RSA_7638_N, "AQAAAAE", ""), ERR_INVALID},
	{JOSE_RS256, RSA_JWK(RSA_7638_N, "", ""), ERR_INVALID},
	{JOSE_RS256, RSA_JWK(RSA_7638_N, "AQAB", ",\"qi\":\"AA\""), ERR_INVALID},
	{JOSE_RS256, RSA_JWK(RSA_7638_N, "AQAB", ",\"alg\":\"PS256\""), ERR_INVALID},
	{JOSE_RS256, RSA_JWK(RSA_7638_N "=", "AQAB", ""), ERR_INVALID},
	{JOSE_RS256, RSA_JWK("AQAB", "AQAB", ""), ERR_INVALID},
	{JOSE_RS256, /* 1024 bits */
		RSA_JWK("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc"
			"_"
			"BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGk",
			"AQAB", ""),
		ERR_INVALID},
	{JOSE_EDDSA, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "\"}", OK},
	{JOSE_EDDSA, "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" OKP_X "\"}", ERR_INVALID},
	{JOSE_EDDSA, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", ERR_INVALID},
	{JOSE_EDDSA, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", ERR_INVALID},
	{JOSE_RS256, "{\"kty\":\"oct\",\"k\":\"AAAA\"}", ERR_INVALID},
	{JOSE_RS256, "{}", ERR_INVALID},
	{JOSE_RS256, "[]", ERR_INVALID},
	{JOSE_RS256, "", ERR_INVALID},
};

static void reads_jwks(void **state) {
	(void)state;
	for (size_t i = 0; i < COUNT(jwks); i++) {
		owned(jose_key) struct jose_key *k = NULL;
		enum err got = jose_key_from_jwk(t, jwks[i].alg, str_of(jwks[i].jwk), &k);
		if (got != jwks[i].wanted)
			fail_msg("%s: %s", jwks[i].jwk, err_row(got)->name);
		assert_true((got == OK) == (k != NULL));
	}
}

/* RFC 7638 3.1, RFC 8037 A.3. */
static void computes_thumbprints(void **state) {
	(void)state;
	static const struct {
		enum jose_alg alg;
		const char *jwk, *kid;
	} rows[] = {
		{JOSE_RS256,
			"{\"kty\":\"RSA\",\"n\":\"" RSA_7638_N
			"\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}",
			"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{JOSE_EDDSA, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "\"}",
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		owned(jose_key) struct jose_key *k = NULL;
		assert_ok(jose_key_from_jwk(t, rows[i].alg, str_of(rows[i].jwk), &k));
		assert_str(jose_key_kid(k), str_of(rows[i].kid));
	}
}

static void writes_public_jwk(void **state) {
	(void)state;
	owned(jose_key) struct jose_key *k = NULL;
	assert_ok(jose_key_from_jwk(t, JOSE_ES256, STR(EC_JWK("")), &k));
	struct str kid = jose_key_kid(k);
	assert_str(jose_key_public_jwk(arena, k), str_printf(arena,
							  "{\"alg\":\"ES256\",\"crv\":\"P-256\",\"kid\":\"%.*s\","
							  "\"kty\":\"EC\",\"use\":\"sig\",\"x\":\"%s\",\"y\":\"%s\"}",
							  FMT(kid), EC_X, EC_Y));
	for (size_t i = 0; i < JOSE_ALGS; i++) {
		owned(jose_key) struct jose_key *made = NULL;
		owned(json) json_t *object = NULL;
		assert_ok(jose_key_generate(t, (enum jose_alg)i, &made));
		assert_ok(json_parse(t, jose_key_public_jwk(arena, made), &object));
		assert_null(json_object_get(object, "d"));
		assert_non_null(json_object_get(object, "kid"));
	}
}

/* ---- JSON ---- */

#define TEXT(literal)                                                                                                  \
	{ literal, sizeof(literal) - 1 }

static void parses_json(void **state) {
	(void)state;
	static const struct {
		struct str text;
		bool right;
	} rows[] = {
		{TEXT("{}"), true},
		{TEXT("[1,2.5,\"\xC3\xA4\"]"), true},
		{TEXT(" {\"a\": null} \n"), true},
		{TEXT("{\"a\":\"[[[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}"), true},
		{TEXT(""), false},
		{{NULL, 0}, false},
		{TEXT("null"), false},
		{TEXT("{\"a\":1,\"a\":1}"), false},
		{TEXT("{\"a\":1,}"), false},
		{TEXT("{} x"), false},
		{TEXT("{}\0"), false},
		{TEXT("{\"a\":\"\0\"}"), false},
		{TEXT("{\"a\":\"\\u0000\"}"), false},
		{TEXT("{\"a\":\"\\ud800\"}"), false},
		{TEXT("{\"a\":\"\xC0\xAF\"}"), false},
		{TEXT("{\"a\":\"\xED\xA0\x80\"}"), false},
		{TEXT("{\"a\":01}"), false},
		{TEXT("{\"a\":9223372036854775808}"), false},
		{TEXT("{\"a\":1e999}"), false},
		{TEXT("{'a':1}"), false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		owned(json) json_t *j = NULL;
		if ((json_parse(t, rows[i].text, &j) == OK) != rows[i].right)
			fail_msg("row %zu: %.*s", i, FMT(rows[i].text));
		assert_true((j != NULL) == rows[i].right);
	}
}

static void bounds_json_depth(void **state) {
	(void)state;
	for (size_t depth = 31; depth <= 34; depth++) {
		owned(json) json_t *j = NULL;
		char *p = arena_alloc(arena, 2 * depth);
		memset(p, '[', depth);
		memset(p + depth, ']', depth);
		assert_int_equal(json_parse(t, (struct str){p, 2 * depth}, &j), depth <= 32 ? OK : ERR_INVALID);
	}
}

static void writes_json(void **state) {
	(void)state;
	owned(json) json_t *j = json_object();
	assert_int_equal(json_object_set_new(j, "z", json_from_str(STR("a\"\xC3\xA4"))), 0);
	assert_int_equal(json_object_set_new(j, "a", json_integer(INT64_C(9007199254740993))), 0);
	assert_str(json_text(arena, j), STR("{\"z\":\"a\\\"\xC3\xA4\",\"a\":9007199254740993}"));
	assert_str(json_member_str(j, "z"), STR("a\"\xC3\xA4"));
	assert_true(str_absent(json_member_str(j, "a")));
	assert_true(str_absent(json_member_str(j, "b")));
	assert_true(str_absent(json_member_str(NULL, "b")));
	assert_null(json_from_str(STR("\xff")));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_jwks, begin, end),
		cmocka_unit_test_setup_teardown(computes_thumbprints, begin, end),
		cmocka_unit_test_setup_teardown(writes_public_jwk, begin, end),
		cmocka_unit_test_setup_teardown(parses_json, begin, end),
		cmocka_unit_test_setup_teardown(bounds_json_depth, begin, end),
		cmocka_unit_test_setup_teardown(writes_json, begin, end),
	};
	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
