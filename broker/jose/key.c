#include <stdatomic.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/secret.h"
#include "broker/jose/jose_private.h"

OWNED(pkcs8, PKCS8_PRIV_KEY_INFO *, PKCS8_PRIV_KEY_INFO_free)

static const struct {
	const char *name;
	int type;
} algs[JOSE_ALGS] = {
	[JOSE_RS256] = {"RS256", EVP_PKEY_RSA},
	[JOSE_ES256] = {"ES256", EVP_PKEY_EC},
	[JOSE_PS256] = {"PS256", EVP_PKEY_RSA},
	[JOSE_EDDSA] = {"EdDSA", EVP_PKEY_ED25519},
};

static _Atomic uint64_t serials;

const char *jose_alg_name(enum jose_alg alg) {
	return algs[alg].name;
}

bool jose_alg_find(struct str name, enum jose_alg *ret) {
	for (size_t i = 0; i < COUNT(algs); i++) {
		if (!str_eq(name, str_of(algs[i].name)))
			continue;
		*ret = (enum jose_alg)i;
		return true;
	}
	return false;
}

enum err jose_openssl_fail(struct task *t, enum err code, const char *what) {
	char text[160] = "no detail";
	unsigned long first = ERR_get_error();
	if (first)
		ERR_error_string_n(first, text, sizeof(text));
	ERR_clear_error();
	return task_fail(t, code, "%s: %s", what, text);
}

static bool is_p256(const EVP_PKEY *pkey) {
	char group[32] = "";
	size_t n = 0;
	return EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) &&
	       (str_eq(str_of(group), STR("prime256v1")) || str_eq(str_of(group), STR("P-256")));
}

static enum err check_kind(struct task *t, enum jose_alg alg, const EVP_PKEY *pkey) {
	if (EVP_PKEY_get_base_id(pkey) != algs[alg].type)
		return task_fail(t, ERR_INVALID, "key: not of the type that %s needs", algs[alg].name);
	int bits = EVP_PKEY_get_bits(pkey);
	if (algs[alg].type == EVP_PKEY_RSA && (bits < JOSE_RSA_BITS_LEAST || bits > JOSE_RSA_BITS_MOST))
		return task_fail(t, ERR_INVALID, "key: RSA of %d bits", bits);
	if (algs[alg].type == EVP_PKEY_EC && !is_p256(pkey))
		return task_fail(t, ERR_INVALID, "key: not on P-256");
	return OK;
}

enum err jose_key_make(struct task *t, enum jose_alg alg, EVP_PKEY **pkey, bool private, struct jose_key **ret) {
	struct str kid = STR_NONE;
	TRY(check_kind(t, alg, *pkey));
	TRY(jose_thumbprint(t, *pkey, &kid));
	struct jose_key *k = calloc(1, sizeof(*k));
	if (!k || kid.n != sizeof(k->kid)) {
		free(k);
		return task_fail(t, ERR_INTERNAL, "key: out of memory");
	}
	*k = (struct jose_key){.serial = atomic_fetch_add(&serials, 1) + 1, .alg = alg, .private = private};
	memcpy(k->kid, kid.p, kid.n);
	for (size_t i = 0; i < JOSE_TYPS; i++) {
		struct str header = jose_header_make(t->arena, k, jose_typs[i]);
		if (header.n > JOSE_HEADER_ROOM)
			continue; /* built at each signature instead */
		memcpy(k->header[i].p, header.p, header.n);
		k->header[i].n = header.n;
	}
	k->pkey = *pkey;
	*pkey = NULL;
	*ret = k;
	return OK;
}

enum err jose_key_generate(struct task *t, enum jose_alg alg, struct jose_key **ret) {
	owned(evp_pkey) EVP_PKEY *pkey = NULL;
	if (algs[alg].type == EVP_PKEY_RSA)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)JOSE_RSA_BITS_LEAST);
	else if (algs[alg].type == EVP_PKEY_EC)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	else
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!pkey)
		return jose_openssl_fail(t, ERR_INTERNAL, "key generation");
	return jose_key_make(t, alg, &pkey, true, ret);
}

enum err jose_key_private_der(struct task *t, const struct jose_key *k, struct str *ret) {
	if (!k->private)
		return task_fail(t, ERR_INVALID, "key: public only");
	owned(pkcs8) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->pkey);
	int n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
	if (n <= 0)
		return jose_openssl_fail(t, ERR_INTERNAL, "PKCS#8");
	unsigned char *bytes = arena_alloc(t->arena, (size_t)n), *end = bytes;
	if (i2d_PKCS8_PRIV_KEY_INFO(info, &end) != n)
		return jose_openssl_fail(t, ERR_INTERNAL, "PKCS#8");
	*ret = (struct str){(char *)bytes, (size_t)n};
	return OK;
}

enum err jose_key_load(struct task *t, enum jose_alg alg, struct str pkcs8_der, struct jose_key **ret) {
	const unsigned char *at = (const unsigned char *)pkcs8_der.p;
	if (pkcs8_der.n == 0 || pkcs8_der.n > LIMIT_JWS)
		return task_fail(t, ERR_INVALID, "PKCS#8: %zu bytes", pkcs8_der.n);
	owned(pkcs8) PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)pkcs8_der.n);
	if (!info || at != (const unsigned char *)pkcs8_der.p + pkcs8_der.n)
		return jose_openssl_fail(t, ERR_INVALID, "PKCS#8");
	owned(evp_pkey) EVP_PKEY *pkey = EVP_PKCS82PKEY(info);
	if (!pkey)
		return jose_openssl_fail(t, ERR_INVALID, "PKCS#8");
	return jose_key_make(t, alg, &pkey, true, ret);
}

void jose_key_free(struct jose_key *k) {
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

struct str jose_key_kid(const struct jose_key *k) {
	return (struct str){k->kid, sizeof(k->kid)};
}

enum jose_alg jose_key_alg(const struct jose_key *k) {
	return k->alg;
}
