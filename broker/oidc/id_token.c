/* ID tokens: OpenID Connect Core 2, 3.1.3.6. */
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

/* The left half of the token's hash by the signature's algorithm; SHA-512 for Ed25519, whose own it is. */
static struct str half_hash(struct arena *a, enum jose_alg alg, struct str token) {
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n = HASH_SIZE;
	if (alg != JOSE_EDDSA)
		sha256_into(hash, token);
	else if (EVP_Digest(token.p, token.n, hash, &n, EVP_sha512(), NULL) != 1)
		abort();
	return base64url_encode(a, str_slice((const char *)hash, n / 2));
}

/* "pwd otp" → ["pwd", "otp"], RFC 8176. */
static json_t *amr_list(struct arena *a, struct str amr) {
	struct strs all = str_split(a, amr, ' ');
	json_t *list = json_array();
	for (size_t i = 0; i < all.n; i++)
		json_array_append_new(list, json_from_str(all.v[i]));
	return list;
}

static enum err put_protocol(struct task *t, const struct bearer *b, json_t *into) {
	int64_t now = clock_wall_ms() / 1000;
	TRY(claim_text(t, into, "iss", t->realm->issuer));
	TRY(claim_text(t, into, "sub", b->account->sub));
	TRY(claim_text(t, into, "aud", b->client->id));
	TRY(claim_text(t, into, "azp", b->client->id));
	json_object_set_new(into, "exp", json_integer(now + b->client->id_ttl));
	json_object_set_new(into, "iat", json_integer(now));
	json_object_set_new(into, "auth_time", json_integer(b->grant->auth_time / 1000));
	if (!str_empty(b->grant->amr))
		json_object_set_new(into, "amr", amr_list(t->arena, b->grant->amr));
	return claim_text(t, into, "sid", b->grant->sid);
}

enum err id_token_make(
	struct task *t, const struct bearer *b, struct str access_token, struct str nonce, struct str *ret) {
	owned(json) json_t *claims = json_object();
	const struct jose_key *key = NULL;
	TRY(keyset_signer(t, b->client->signing_alg, &key));
	TRY(put_protocol(t, b, claims));
	TRY(claim_text(t, claims, "nonce", nonce));
	TRY(claim_text(t, claims, "at_hash", half_hash(t->arena, jose_key_alg(key), access_token)));
	TRY(claims_person(t, b->scope, b->account, b->person, claims));
	TRY(claims_in_token(t, b, claims));
	struct str payload = json_text(t->arena, claims);
	if (payload.n > LIMIT_JWS / 2)
		return task_fail(t, ERR_TOO_LARGE, "an ID token for %.*s would be too large; lower roles.budget",
			FMT(b->client->id));
	return jws_sign(t, key, STR(TYP_ID), payload, ret);
}
