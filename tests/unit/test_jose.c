#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "base/encode.h"
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

/* ---- the RFCs' own vectors ---- */

#define RSA_7515_N                                                                                                     \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-"       \
	"SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"      \
	"UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"                  \
	"h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define PAYLOAD_7515 "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define EC_X         "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y         "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define OKP_X        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
/* RFC 7515 A.2 and A.3, RFC 8037 A.4. */
static const struct {
	enum jose_alg alg;
	const char *jwk, *jws;
} vectors[] = {
	{JOSE_RS256, "{\"kty\":\"RSA\",\"n\":\"" RSA_7515_N "\",\"e\":\"AQAB\"}",
		"eyJhbGciOiJSUzI1NiJ9." PAYLOAD_7515
		".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
		"O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
		"nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
		"eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
		"IoypGlUPQGe77Rw"},
	{JOSE_ES256, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		"eyJhbGciOiJFUzI1NiJ9." PAYLOAD_7515
		".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
	{JOSE_EDDSA, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "\"}",
		"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
		"09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

static void verifies_vectors(void **state) {
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		owned(jose_key) struct jose_key *k = NULL;
		struct jws j;
		assert_ok(jose_key_from_jwk(t, vectors[i].alg, str_of(vectors[i].jwk), &k));
		assert_ok(jws_parse(t, str_of(vectors[i].jws), &j));
		assert_ok(jws_verify(t, k, &j));
		assert_true(str_absent(j.typ) && str_absent(j.kid));
		char *signature = (char *)str_dup(arena, j.signature).p;
		signature[j.signature.n - 1] ^= 1;
		j.signature.p = signature;
		assert_int_equal(jws_verify(t, k, &j), ERR_TOKEN);
	}
}

/* ---- what we make ---- */

static struct jose_key *keys[JOSE_ALGS];

static int make_keys(void **state) {
	begin(state);
	for (size_t i = 0; i < JOSE_ALGS; i++)
		assert_ok(jose_key_generate(t, (enum jose_alg)i, &keys[i]));
	end(state);
	return 0;
}

static int free_keys(void **state) {
	(void)state;
	for (size_t i = 0; i < JOSE_ALGS; i++)
		jose_key_free(keys[i]);
	return 0;
}

static void signs_and_verifies(void **state) {
	(void)state;
	static const size_t lengths[JOSE_ALGS] = {256, 64, 256, 64};
	for (size_t i = 0; i < JOSE_ALGS; i++) {
		owned(jose_key) struct jose_key *public = NULL;
		struct str token;
		struct jws j;
		assert_ok(jws_sign(t, keys[i], STR("at+jwt"), STR("{\"sub\":\"x\"}"), &token));
		assert_ok(jws_parse(t, token, &j));
		assert_str(j.typ, STR("at+jwt"));
		assert_str(j.kid, jose_key_kid(keys[i]));
		assert_str(j.alg, str_of(jose_alg_name((enum jose_alg)i)));
		assert_str(j.payload, STR("{\"sub\":\"x\"}"));
		assert_int_equal(j.signature.n, lengths[i]);
		assert_ok(jose_key_from_jwk(t, (enum jose_alg)i, jose_key_public_jwk(arena, keys[i]), &public));
		assert_str(jose_key_kid(public), jose_key_kid(keys[i]));
		for (size_t k = 0; k < JOSE_ALGS; k++)
			assert_int_equal(jws_verify(t, keys[k], &j), k == i ? OK : ERR_TOKEN);
		assert_ok(jws_verify(t, public, &j));
		assert_int_equal(jws_sign(t, public, STR("JWT"), STR("{}"), &token), ERR_INVALID);
		assert_int_equal(jose_key_private_der(t, public, &token), ERR_INVALID);
	}
}

static void writes_headers(void **state) {
	(void)state;
	static const char *const typs[] = {"JWT", "at+jwt", "logout+jwt", "", "a\"b\\c", "x/y+jwt"};
	for (size_t i = 0; i < COUNT(typs); i++) {
		struct str token, header;
		struct jws j;
		owned(json) json_t *object = NULL;
		assert_ok(jws_sign(t, keys[JOSE_ES256], str_of(typs[i]), STR(""), &token));
		assert_ok(jws_parse(t, token, &j));
		assert_str(j.typ, str_of(typs[i]));
		assert_ok(jws_verify(t, keys[JOSE_ES256], &j));
		assert_true(base64url_decode(arena, str_sub(token, 0, str_find(token, '.', 0)), &header));
		assert_ok(json_parse(t, header, &object));
		assert_int_equal(json_object_size(object), 3);
	}
}

static void loads_private_keys(void **state) {
	(void)state;
	for (size_t i = 0; i < JOSE_ALGS; i++) {
		owned(jose_key) struct jose_key *again = NULL, *none = NULL;
		struct str der, token;
		struct jws j;
		assert_ok(jose_key_private_der(t, keys[i], &der));
		assert_ok(jose_key_load(t, (enum jose_alg)i, der, &again));
		assert_str(jose_key_kid(again), jose_key_kid(keys[i]));
		assert_int_equal(jose_key_alg(again), i);
		assert_ok(jws_sign(t, again, STR("JWT"), STR("{}"), &token));
		assert_ok(jws_parse(t, token, &j));
		assert_ok(jws_verify(t, keys[i], &j));
		for (size_t n = 0; n < der.n; n += 1 + n / 4)
			assert_int_equal(jose_key_load(t, (enum jose_alg)i, str_sub(der, 0, n), &none), ERR_INVALID);
		der = str_printf(arena, "%.*s.", 0, "");
		assert_int_equal(jose_key_load(t, (enum jose_alg)i, der, &none), ERR_INVALID);
		assert_null(none);
	}
	struct str der, longer;
	owned(jose_key) struct jose_key *none = NULL;
	assert_ok(jose_key_private_der(t, keys[JOSE_ES256], &der));
	assert_int_equal(jose_key_load(t, JOSE_RS256, der, &none), ERR_INVALID);
	assert_int_equal(jose_key_load(t, JOSE_EDDSA, der, &none), ERR_INVALID);
	char *p = arena_alloc(arena, der.n + 1);
	memcpy(p, der.p, der.n);
	longer = (struct str){p, der.n + 1};
	assert_int_equal(jose_key_load(t, JOSE_ES256, longer, &none), ERR_INVALID);
}

/* RFC 8037 A.1 in PKCS#8: the same private key gives the same public one. */
static void loads_rfc8037_key(void **state) {
	(void)state;
	struct str prefix, d, der;
	owned(jose_key) struct jose_key *k = NULL;
	assert_true(hex_decode(arena, STR("302e020100300506032b657004220420"), &prefix));
	assert_true(base64url_decode(arena, STR("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"), &d));
	der = str_join(arena, (struct strs){(struct str[]){prefix, d}, 2}, STR(""));
	assert_ok(jose_key_load(t, JOSE_EDDSA, der, &k));
	assert_str(jose_key_kid(k), STR("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
}

static struct str der_of(EVP_PKEY *pkey) {
	unsigned char *der = NULL;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	assert_true(n > 0);
	struct str kept = str_dup(arena, (struct str){(char *)der, (size_t)n});
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(pkey);
	return kept;
}

static void refuses_weak_private_keys(void **state) {
	(void)state;
	owned(jose_key) struct jose_key *none = NULL;
	struct str small = der_of(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024));
	struct str other = der_of(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"));
	assert_int_equal(jose_key_load(t, JOSE_RS256, small, &none), ERR_INVALID);
	assert_int_equal(jose_key_load(t, JOSE_PS256, small, &none), ERR_INVALID);
	assert_int_equal(jose_key_load(t, JOSE_ES256, other, &none), ERR_INVALID);
}

/* ---- PS256 by hand, with a salt of another length ---- */

static struct str pss_sign(struct str input, int salt) {
	struct str der;
	assert_ok(jose_key_private_der(t, keys[JOSE_PS256], &der));
	const unsigned char *at = (const unsigned char *)der.p;
	EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)der.n);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	size_t n = 256;
	unsigned char *bytes = arena_alloc(arena, n);
	assert_int_equal(EVP_DigestSignInit(md, &ctx, EVP_sha256(), NULL, pkey), 1);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) > 0);
	assert_int_equal(EVP_DigestSign(md, bytes, &n, (const unsigned char *)input.p, input.n), 1);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
	return (struct str){(char *)bytes, n};
}

static void demands_the_salt_length(void **state) {
	(void)state;
	static const int salts[] = {0, 20, 31, 32, 33, 222};
	struct str token;
	struct jws j;
	assert_ok(jws_sign(t, keys[JOSE_PS256], STR("JWT"), STR("{}"), &token));
	assert_ok(jws_parse(t, token, &j));
	for (size_t i = 0; i < COUNT(salts); i++) {
		j.signature = pss_sign(j.signing_input, salts[i]);
		assert_int_equal(jws_verify(t, keys[JOSE_PS256], &j), salts[i] == 32 ? OK : ERR_TOKEN);
	}
}

/* ---- attacks ---- */

static struct str compact(struct str header, struct str payload, struct str signature) {
	struct str parts[] = {
		base64url_encode(arena, header), base64url_encode(arena, payload), base64url_encode(arena, signature)};
	return str_join(arena, (struct strs){parts, 3}, STR("."));
}

static void refuses_headers(void **state) {
	(void)state;
	static const struct {
		const char *header;
		enum err parse, verify;
	} rows[] = {
		{"{\"alg\":\"RS256\"}", OK, ERR_TOKEN},
		{"{\"alg\":\"none\"}", OK, ERR_TOKEN},
		{"{\"alg\":\"NONE\"}", OK, ERR_TOKEN},
		{"{\"alg\":\"rs256\"}", OK, ERR_TOKEN},
		{"{\"alg\":\"\"}", OK, ERR_TOKEN},
		{"{\"alg\":\"HS256\"}", OK, ERR_TOKEN},
		{"{\"alg\":\"RS384\"}", OK, ERR_TOKEN},
		{"{\"ALG\":\"RS256\"}", ERR_INVALID, OK},
		{"{}", ERR_INVALID, OK},
		{"", ERR_INVALID, OK},
		{"[]", ERR_INVALID, OK},
		{"\"x\"", ERR_INVALID, OK},
		{"{\"alg\":null}", ERR_INVALID, OK},
		{"{\"alg\":[\"RS256\"]}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\",\"alg\":\"none\"}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\",\"al\\u0067\":\"none\"}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\",\"crit\":[]}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\",\"crit\":null}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\",\"b64\":false}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\",\"typ\":1}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\",\"kid\":{}}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\"} ", OK, ERR_TOKEN},
		{"{\"alg\":\"RS256\"}x", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\"}{}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\\u0000\"}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\",\"kid\":\"\xff\"}", ERR_INVALID, OK},
		{"{\"alg\":\"RS256\",\"kid\":\"../../etc/passwd\",\"jku\":\"https://evil\",\"jwk\":{}}", OK, ERR_TOKEN},
		{"\xEF\xBB\xBF{\"alg\":\"RS256\"}", ERR_INVALID, OK},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct jws j = {.alg = STR("untouched")};
		struct str token = compact(str_of(rows[i].header), STR("{}"), STR("xx"));
		enum err got = jws_parse(t, token, &j);
		if (got != rows[i].parse)
			fail_msg("%s: %s", rows[i].header, err_row(got)->name);
		if (got)
			assert_str(j.alg, STR("untouched"));
		for (size_t k = 0; !got && k < JOSE_ALGS; k++)
			assert_int_equal(jws_verify(t, keys[k], &j), rows[i].verify);
	}
}

static void refuses_hmac_with_the_public_key(void **state) {
	(void)state;
	struct str secret = jose_key_public_jwk(arena, keys[JOSE_RS256]);
	struct str header = base64url_encode(arena, STR("{\"alg\":\"HS256\"}"));
	struct str input = str_printf(arena, "%.*s.e30", FMT(header));
	struct str mac = base64url_encode(arena, hmac_sha256(arena, secret, input));
	struct jws j;
	assert_ok(jws_parse(t, str_printf(arena, "%.*s.%.*s", FMT(input), FMT(mac)), &j));
	assert_int_equal(jws_verify(t, keys[JOSE_RS256], &j), ERR_TOKEN);
}

static void refuses_shapes(void **state) {
	(void)state;
	static const char *const rows[] = {"", ".", "..", "...", "e30", "e30.e30", "eyJhbGciOiJSUzI1NiJ9..", "a.b.c.d",
		"eyJhbGciOiJSUzI1NiJ9.e30.eHg.", ".eyJhbGciOiJSUzI1NiJ9.e30.eHg", "eyJhbGciOiJSUzI1NiJ9=.e30.eHg",
		"eyJhbGciOiJSUzI1NiJ9.e31.eHg", "eyJhbGciOiJSUzI1NiJ9.e30.eHh",
		"eyJhbGciOiJSUzI1NiJ9.e30.eHg=", "eyJhbGciOiJSUzI1NiJ9.e30.eHg ", " eyJhbGciOiJSUzI1NiJ9.e30.eHg",
		"eyJhbGciOiJSUzI1NiJ9.e+/0.eHg", "eyJhbGciOiJSUzI1NiJ9.e30.eHg\n", "eyJhbGciOiJSUzI1NiJ9.e30.e"};
	struct jws j;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool allowed = str_eq(str_of(rows[i]), STR("eyJhbGciOiJSUzI1NiJ9.."));
		if (jws_parse(t, str_of(rows[i]), &j) != (allowed ? OK : ERR_INVALID))
			fail_msg("parsed: %s", rows[i]);
	}
	assert_ok(jws_parse(t, STR("eyJhbGciOiJSUzI1NiJ9.."), &j));
	for (size_t k = 0; k < JOSE_ALGS; k++)
		assert_int_equal(jws_verify(t, keys[k], &j), ERR_TOKEN);
	char *large = arena_alloc(arena, LIMIT_JWS + 1);
	memset(large, 'A', LIMIT_JWS + 1);
	assert_int_equal(jws_parse(t, (struct str){large, LIMIT_JWS + 1}, &j), ERR_INVALID);
	assert_int_equal(jws_parse(t, STR_NONE, &j), ERR_INVALID);
}

/* One changed letter anywhere must spoil the token. */
static void refuses_tampering(void **state) {
	(void)state;
	for (size_t i = 0; i < JOSE_ALGS; i++) {
		struct str token;
		assert_ok(jws_sign(t, keys[i], STR("JWT"), STR("{\"sub\":\"someone\",\"n\":17}"), &token));
		for (size_t at = 0; at < token.n; at += 3) {
			struct jws j;
			char *p = (char *)str_dup(arena, token).p;
			p[at] = p[at] == 'A' ? 'B' : 'A';
			if (!jws_parse(t, (struct str){p, token.n}, &j))
				assert_int_equal(jws_verify(t, keys[i], &j), ERR_TOKEN);
		}
	}
}

static void refuses_signature_lengths(void **state) {
	(void)state;
	for (size_t i = 0; i < JOSE_ALGS; i++) {
		struct str token;
		struct jws j;
		assert_ok(jws_sign(t, keys[i], STR("JWT"), STR("{}"), &token));
		assert_ok(jws_parse(t, token, &j));
		struct str right = j.signature;
		char *longer = arena_alloc(arena, 300);
		memcpy(longer, right.p, right.n);
		for (size_t n = 0; n <= (right.n == 64 ? 80 : 260); n++) {
			j.signature = (struct str){longer, n};
			assert_int_equal(jws_verify(t, keys[i], &j), n == right.n ? OK : ERR_TOKEN);
		}
		char *fixed = arena_alloc(arena, right.n);
		j.signature = (struct str){fixed, right.n}; /* r = s = 0: "psychic signatures" */
		assert_int_equal(jws_verify(t, keys[i], &j), ERR_TOKEN);
		memset(fixed, 0xFF, right.n);
		assert_int_equal(jws_verify(t, keys[i], &j), ERR_TOKEN);
	}
}

/* ---- threads, and more keys than a thread keeps ready ---- */

static void *sign_many(void *ret_failed) {
	struct arena *a = arena_new();
	struct task own;
	bool *failed = ret_failed;
	for (int i = 0; i < 200 && !*failed; i++) {
		struct str token, payload;
		struct jws j;
		const struct jose_key *k = keys[i % (int)JOSE_ALGS];
		task_begin(&own, a, NULL, 60000);
		payload = str_printf(a, "{\"n\":%d}", i);
		*failed = jws_sign(&own, k, STR("JWT"), payload, &token) || jws_parse(&own, token, &j) ||
			  jws_verify(&own, k, &j) || !str_eq(j.payload, payload);
		arena_wipe(a);
	}
	arena_free(a);
	return NULL;
}

static void signs_in_threads(void **state) {
	(void)state;
	pthread_t threads[2];
	bool failed[2] = {false, false};
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &failed[i]), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_false(failed[i]);
	}
}

static void signs_with_many_keys(void **state) {
	(void)state;
	enum { KEYS = 50 };
	struct jose_key *many[KEYS];
	for (size_t i = 0; i < KEYS; i++)
		assert_ok(jose_key_generate(t, i % 2 ? JOSE_ES256 : JOSE_EDDSA, &many[i]));
	for (size_t i = 0; i < 3 * KEYS; i++) {
		struct str token;
		struct jws j;
		assert_ok(jws_sign(t, many[i % KEYS], STR("JWT"), STR("{}"), &token));
		assert_ok(jws_parse(t, token, &j));
		assert_ok(jws_verify(t, many[i % KEYS], &j));
	}
	for (size_t i = 0; i < KEYS; i++)
		jose_key_free(many[i]);
	/* A new key at a freed key's address must not be signed for by that one. */
	for (size_t i = 0; i < KEYS; i++) {
		owned(jose_key) struct jose_key *k = NULL;
		struct str token;
		struct jws j;
		assert_ok(jose_key_generate(t, JOSE_ES256, &k));
		assert_ok(jws_sign(t, k, STR("JWT"), STR("{}"), &token));
		assert_ok(jws_parse(t, token, &j));
		assert_ok(jws_verify(t, k, &j));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(verifies_vectors, begin, end),
		cmocka_unit_test_setup_teardown(signs_and_verifies, begin, end),
		cmocka_unit_test_setup_teardown(writes_headers, begin, end),
		cmocka_unit_test_setup_teardown(loads_private_keys, begin, end),
		cmocka_unit_test_setup_teardown(loads_rfc8037_key, begin, end),
		cmocka_unit_test_setup_teardown(refuses_weak_private_keys, begin, end),
		cmocka_unit_test_setup_teardown(demands_the_salt_length, begin, end),
		cmocka_unit_test_setup_teardown(refuses_headers, begin, end),
		cmocka_unit_test_setup_teardown(refuses_hmac_with_the_public_key, begin, end),
		cmocka_unit_test_setup_teardown(refuses_shapes, begin, end),
		cmocka_unit_test_setup_teardown(refuses_tampering, begin, end),
		cmocka_unit_test_setup_teardown(refuses_signature_lengths, begin, end),
		cmocka_unit_test_setup_teardown(signs_in_threads, begin, end),
		cmocka_unit_test_setup_teardown(signs_with_many_keys, begin, end),
	};
	secret_init();
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
