/* jose_private.h: what key.c, jwk.c and jws.c share. Included by the files of this folder only. */
#ifndef USHER_BROKER_JOSE_JOSE_PRIVATE_H
#define USHER_BROKER_JOSE_JOSE_PRIVATE_H

#include <openssl/evp.h>

#include "broker/jose/jose.h"

#define JOSE_KID_SIZE       43u /* SHA-256 in base64url */
#define JOSE_HEADER_ROOM    192u
#define JOSE_TYPS           3u /* rows of jose_typs */
#define JOSE_RSA_BITS_LEAST 2048
#define JOSE_RSA_BITS_MOST  8192 /* a bound on the cost of one verification */

extern const struct str jose_typs[JOSE_TYPS];

struct jose_key {
	uint64_t serial; /* never used again, unlike the address: names the key in the threads' signing contexts */
	enum jose_alg alg;
	bool private;
	EVP_PKEY *pkey;
	char kid[JOSE_KID_SIZE];
	struct {
		char p[JOSE_HEADER_ROOM];
		size_t n;
	} header[JOSE_TYPS]; /* encoded, with the dot behind it, for each of jose_typs */
};

OWNED(evp_pkey, EVP_PKEY *, EVP_PKEY_free)
OWNED(evp_pkey_ctx, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
OWNED(evp_md_ctx, EVP_MD_CTX *, EVP_MD_CTX_free)

/* Tells OpenSSL's first error, and empties its queue. */
enum err jose_openssl_fail(struct task *t, enum err code, const char *what);
/* key.c: checks type and size, computes the kid, prepares the headers. Takes *pkey over on success. */
enum err jose_key_make(
	struct task *t, enum jose_alg alg, EVP_PKEY **pkey, bool private, struct jose_key **ret) must_use;
/* jws.c: the encoded header and a dot. */
struct str jose_header_make(struct arena *a, const struct jose_key *k, struct str typ);
/* jwk.c: RFC 7638 3. */
enum err jose_thumbprint(struct task *t, const EVP_PKEY *pkey, struct str *ret) must_use;

#endif
