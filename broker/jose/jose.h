/* jose.h: keys, and compact JWS. The door of this folder.
 *
 * RFC 7515, 7517, 7518, 7638, 8037. On OpenSSL EVP and jansson. The algorithm comes from the key, never from the
 * incoming token. Keys are parsed once; each thread keeps a prepared signing context per key (jose_key_sign is safe
 * from many threads). */
#ifndef USHER_BROKER_JOSE_JOSE_H
#define USHER_BROKER_JOSE_JOSE_H

#include <jansson.h>

#include "base/task.h"

static inline void json_cleanup(json_t **j) {
	json_decref(*j);
}

enum jose_alg { JOSE_RS256, JOSE_ES256, JOSE_PS256, JOSE_EDDSA, JOSE_ALGS };
const char *jose_alg_name(enum jose_alg alg);
bool jose_alg_find(struct str name, enum jose_alg *ret);

struct jose_key;
/* RSA 2048, P-256 or Ed25519. The kid is the RFC 7638 thumbprint. */
enum err jose_key_generate(struct task *t, enum jose_alg alg, struct jose_key **ret) must_use;
enum err jose_key_private_der(
	struct task *t, const struct jose_key *k, struct str *ret) must_use; /* PKCS#8; the caller seals it */
enum err jose_key_load(struct task *t, enum jose_alg alg, struct str pkcs8_der, struct jose_key **ret) must_use;
/* A public key from a JWK; wrong kty, curve, size (< 2048 bits), a point off the curve, private members present:
 * ERR_INVALID. */
enum err jose_key_from_jwk(struct task *t, enum jose_alg alg, struct str jwk, struct jose_key **ret) must_use;
void jose_key_free(struct jose_key *k);
struct str jose_key_kid(const struct jose_key *k);
enum jose_alg jose_key_alg(const struct jose_key *k);
struct str jose_key_public_jwk(
	struct arena *a, const struct jose_key *k); /* with kid, use, alg; members in canonical order */

/* Compact serialization. typ: "JWT", "at+jwt", "logout+jwt". payload: JSON text. */
enum err jws_sign(
	struct task *t, const struct jose_key *k, struct str typ, struct str payload, struct str *ret) must_use;
struct jws {
	struct str kid, typ, payload; /* payload: decoded bytes */
	struct str signing_input, signature;
	struct str alg;
};
/* Takes apart without verifying: exactly three parts, canonical base64url, a JSON object header without duplicate
 * keys, no crit, no b64; kid and typ are absent where the header has none. For finding the key. ERR_INVALID. */
enum err jws_parse(struct task *t, struct str compact, struct jws *ret) must_use;
/* ERR_TOKEN unless the header's alg is the key's and the signature is right. */
enum err jws_verify(struct task *t, const struct jose_key *k, const struct jws *j) must_use;

/* Parses strictly: duplicate keys, trailing data, NUL, bad UTF-8 refused. ERR_INVALID. */
enum err json_parse(struct task *t, struct str text, json_t **ret) must_use;
/* Compact, in insertion order, into the arena. */
struct str json_text(struct arena *a, const json_t *j);
struct str json_member_str(const json_t *object, const char *name); /* a view; STR_NONE unless a string */
json_t *json_from_str(struct str s);                                /* invalid UTF-8 gives NULL */

#endif
