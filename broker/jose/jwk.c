#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/encode.h"
#include "base/secret.h"
#include "broker/jose/jose_private.h"

#define COORDINATE    32u /* bytes of a P-256 coordinate and of an Ed25519 key */
#define EXPONENT_MOST 4u  /* bytes; longer ones make a verification as dear as a signature */

OWNED(bignum, BIGNUM *, BN_free)
OWNED(param_bld, OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
OWNED(params, OSSL_PARAM *, OSSL_PARAM_free)

/* ---- from a key ---- */

/* RFC 7518 6.3.1: as few bytes as hold it; 6.2.1.2: a coordinate has its full length. */
static bool number_get(struct arena *a, const EVP_PKEY *pkey, const char *name, size_t width, struct str *ret) {
	owned(bignum) BIGNUM *number = NULL;
	if (!EVP_PKEY_get_bn_param(pkey, name, &number))
		return false;
	size_t n = width ? width : (size_t)BN_num_bytes(number);
	unsigned char *bytes = arena_alloc(a, n);
	if (BN_bn2binpad(number, bytes, (int)n) != (int)n)
		return false;
	*ret = base64url_encode(a, (struct str){(char *)bytes, n});
	return true;
}

/* What stands in a JWK of this key beside kid, use and alg. */
struct members {
	struct str kty, crv, e, n, x, y; /* absent where the type has none */
};

static bool members_get(struct arena *a, const EVP_PKEY *pkey, struct members *m) {
	unsigned char raw[COORDINATE];
	size_t n = sizeof(raw);
	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_RSA:
		m->kty = STR("RSA");
		return number_get(a, pkey, OSSL_PKEY_PARAM_RSA_E, 0, &m->e) &&
		       number_get(a, pkey, OSSL_PKEY_PARAM_RSA_N, 0, &m->n);
	case EVP_PKEY_EC:
		m->kty = STR("EC");
		m->crv = STR("P-256");
		return number_get(a, pkey, OSSL_PKEY_PARAM_EC_PUB_X, COORDINATE, &m->x) &&
		       number_get(a, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, COORDINATE, &m->y);
	default:
		m->kty = STR("OKP");
		m->crv = STR("Ed25519");
		if (!EVP_PKEY_get_raw_public_key(pkey, raw, &n) || n != sizeof(raw))
			return false;
		m->x = base64url_encode(a, (struct str){(char *)raw, n});
		return true;
	}
}

struct member {
	const char *name;
	struct str value;
};

/* No value here needs escaping: base64url and our own words. */
static struct str object_write(struct arena *a, const struct member *members, size_t n) {
	struct buf b = buf_new(a, LIMIT_JWS);
	for (size_t i = 0; i < n; i++)
		if (!str_absent(members[i].value))
			buf_printf(&b, "%s\"%s\":\"%.*s\"", b.n ? "," : "{", members[i].name, FMT(members[i].value));
	buf_byte(&b, '}');
	return buf_str(&b);
}

enum err jose_thumbprint(struct task *t, const EVP_PKEY *pkey, struct str *ret) {
	struct members m = {0};
	if (!members_get(t->arena, pkey, &m))
		return jose_openssl_fail(t, ERR_INVALID, "public key");
	struct member required[] = {{"crv", m.crv}, {"e", m.e}, {"kty", m.kty}, {"n", m.n}, {"x", m.x}, {"y", m.y}};
	struct str text = object_write(t->arena, required, COUNT(required));
	*ret = base64url_encode(t->arena, sha256(t->arena, text));
	return OK;
}

struct str jose_key_public_jwk(struct arena *a, const struct jose_key *k) {
	struct members m = {0};
	if (!members_get(a, k->pkey, &m)) /* it was read once before, for the thumbprint */
		abort();
	struct member all[] = {{"alg", str_of(jose_alg_name(k->alg))}, {"crv", m.crv}, {"e", m.e},
		{"kid", jose_key_kid(k)}, {"kty", m.kty}, {"n", m.n}, {"use", STR("sig")}, {"x", m.x}, {"y", m.y}};
	return object_write(a, all, COUNT(all));
}

/* ---- from a JWK ---- */

static enum err bytes_read(struct task *t, const json_t *jwk, const char *name, struct str *ret) {
	struct str text = json_member_str(jwk, name);
	if (str_empty(text) || !base64url_decode(t->arena, text, ret) || str_empty(*ret))
		return task_fail(t, ERR_INVALID, "JWK: %s missing or not base64url", name);
	return OK;
}

static enum err fixed_read(struct task *t, const json_t *jwk, const char *name, struct str *ret) {
	struct str bytes = STR_NONE;
	TRY(bytes_read(t, jwk, name, &bytes));
	if (bytes.n != COORDINATE)
		return task_fail(t, ERR_INVALID, "JWK: %s has %zu bytes", name, bytes.n);
	*ret = bytes;
	return OK;
}

static enum err curve_check(struct task *t, const json_t *jwk, struct str curve) {
	if (!str_eq(json_member_str(jwk, "crv"), curve))
		return task_fail(t, ERR_INVALID, "JWK: crv is not %.*s", FMT(curve));
	return OK;
}

static enum err pkey_build(struct task *t, const char *type, OSSL_PARAM_BLD *bld, EVP_PKEY **ret) {
	owned(params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	owned(evp_pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;
	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return jose_openssl_fail(t, ERR_INVALID, "JWK");
	*ret = pkey;
	return OK;
}

static bool is_exponent(struct str e) {
	return e.n <= EXPONENT_MOST && (e.p[e.n - 1] & 1) && !(e.n == 1 && e.p[0] == 1);
}

static enum err rsa_read(struct task *t, const json_t *jwk, OSSL_PARAM_BLD *bld, EVP_PKEY **ret) {
	struct str n = STR_NONE, e = STR_NONE;
	TRY(bytes_read(t, jwk, "n", &n));
	TRY(bytes_read(t, jwk, "e", &e));
	if (n.n > JOSE_RSA_BITS_MOST / 8 || !(n.p[n.n - 1] & 1) || !is_exponent(e))
		return task_fail(t, ERR_INVALID, "JWK: modulus or exponent");
	owned(bignum) BIGNUM *n_number = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
	owned(bignum) BIGNUM *e_number = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
	if (!n_number || !e_number || !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n_number) ||
		!OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e_number))
		return jose_openssl_fail(t, ERR_INTERNAL, "JWK");
	return pkey_build(t, "RSA", bld, ret);
}

static enum err ec_read(struct task *t, const json_t *jwk, OSSL_PARAM_BLD *bld, EVP_PKEY **ret) {
	struct str x = STR_NONE, y = STR_NONE;
	unsigned char point[1 + 2 * COORDINATE] = {POINT_CONVERSION_UNCOMPRESSED};
	TRY(curve_check(t, jwk, STR("P-256")));
	TRY(fixed_read(t, jwk, "x", &x));
	TRY(fixed_read(t, jwk, "y", &y));
	memcpy(point + 1, x.p, COORDINATE);
	memcpy(point + 1 + COORDINATE, y.p, COORDINATE);
	if (!OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) ||
		!OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
		return jose_openssl_fail(t, ERR_INTERNAL, "JWK");
	return pkey_build(t, "EC", bld, ret);
}

static enum err okp_read(struct task *t, const json_t *jwk, OSSL_PARAM_BLD *bld, EVP_PKEY **ret) {
	struct str x = STR_NONE;
	TRY(curve_check(t, jwk, STR("Ed25519")));
	TRY(fixed_read(t, jwk, "x", &x));
	if (!OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, x.p, x.n))
		return jose_openssl_fail(t, ERR_INTERNAL, "JWK");
	return pkey_build(t, "ED25519", bld, ret);
}

static const struct {
	const char *kty;
	enum err (*read)(struct task *t, const json_t *jwk, OSSL_PARAM_BLD *bld, EVP_PKEY **ret);
} types[JOSE_ALGS] = {
	[JOSE_RS256] = {"RSA", rsa_read},
	[JOSE_ES256] = {"EC", ec_read},
	[JOSE_PS256] = {"RSA", rsa_read},
	[JOSE_EDDSA] = {"OKP", okp_read},
};

/* What a member that says something about the use must say, where it is present. */
static enum err purpose_check(struct task *t, enum jose_alg alg, const json_t *jwk) {
	static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
	for (size_t i = 0; i < COUNT(private_members); i++)
		if (json_object_get(jwk, private_members[i]))
			return task_fail(t, ERR_INVALID, "JWK: private member %s", private_members[i]);
	if (!str_eq(json_member_str(jwk, "kty"), str_of(types[alg].kty)))
		return task_fail(t, ERR_INVALID, "JWK: kty is not %s", types[alg].kty);
	if (json_object_get(jwk, "alg") && !str_eq(json_member_str(jwk, "alg"), str_of(jose_alg_name(alg))))
		return task_fail(t, ERR_INVALID, "JWK: alg is not %s", jose_alg_name(alg));
	if (json_object_get(jwk, "use") && !str_eq(json_member_str(jwk, "use"), STR("sig")))
		return task_fail(t, ERR_INVALID, "JWK: use is not sig");
	return OK;
}

enum err jose_key_from_jwk(struct task *t, enum jose_alg alg, struct str jwk, struct jose_key **ret) {
	owned(json) json_t *object = NULL;
	if (jwk.n > LIMIT_JWS)
		return task_fail(t, ERR_INVALID, "JWK: %zu bytes", jwk.n);
	TRY(json_parse(t, jwk, &object));
	if (!json_is_object(object))
		return task_fail(t, ERR_INVALID, "JWK: not an object");
	TRY(purpose_check(t, alg, object));
	owned(param_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	owned(evp_pkey) EVP_PKEY *pkey = NULL;
	if (!bld)
		return jose_openssl_fail(t, ERR_INTERNAL, "JWK");
	TRY(types[alg].read(t, object, bld, &pkey));
	return jose_key_make(t, alg, &pkey, false, ret);
}
