#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/key_ring.h"
#include "base/secret.h"

#define RESERVE       512u /* random bytes that a thread keeps ready: OpenSSL asks much for each few */
#define SEAL_VERSION  1
#define NONCE_SIZE    12u
#define TAG_SIZE      16u
#define HEAD_SIZE     (1u + KEY_ID_SIZE)
#define SEAL_OVERHEAD (HEAD_SIZE + NONCE_SIZE + TAG_SIZE)

OWNED(evp_cipher_ctx, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)
OWNED(evp_mac_ctx, EVP_MAC_CTX *, EVP_MAC_CTX_free)

static _Thread_local struct {
	uint8_t bytes[RESERVE];
	size_t left; /* the last ones; what was given out is overwritten */
} reserve;

static EVP_MD *digest;
static EVP_CIPHER *cipher;
static EVP_MAC_CTX *hmac_ready; /* with its digest set: a copy of it needs only a key */

/* There is no answer that would be safe to go on with. */
static void need(bool worked) {
	if (!worked)
		abort();
}

/* A child must not give out what its parent gives out. */
static void reserve_drop(void) {
	wipe(reserve.bytes, sizeof(reserve.bytes));
	reserve.left = 0;
}

void secret_init(void) {
	if (digest)
		return;
	need(pthread_atfork(NULL, NULL, reserve_drop) == 0);
	digest = EVP_MD_fetch(NULL, "SHA256", NULL);
	cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	need(digest && cipher && mac);
	hmac_ready = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	char name[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string("digest", name, 0),
		OSSL_PARAM_construct_end(),
	};
	need(hmac_ready && EVP_MAC_init(hmac_ready, (const unsigned char *)"", 0, params) == 1);
	key_ring_init();
}

static void random_fill(void *p, size_t n) {
	need(n <= INT32_MAX && RAND_bytes(p, (int)n) == 1);
}

void random_bytes(void *p, size_t n) {
	if (n > RESERVE / 4) {
		random_fill(p, n);
		return;
	}
	if (reserve.left < n) {
		random_fill(reserve.bytes, RESERVE);
		reserve.left = RESERVE;
	}
	uint8_t *from = reserve.bytes + RESERVE - reserve.left;
	memcpy(p, from, n);
	wipe(from, n);
	reserve.left -= n;
}

struct str random_token(struct arena *a, size_t bytes) {
	char *p = arena_alloc(a, bytes);
	random_bytes(p, bytes);
	return base64url_encode(a, (struct str){p, bytes});
}

static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's base 32 */

struct str random_id(struct arena *a) {
	uint8_t bytes[16];
	uint64_t at = (uint64_t)clock_wall_ms();
	random_bytes(bytes + 6, 10);
	for (size_t i = 0; i < 6; i++)
		bytes[i] = (uint8_t)(at >> (40 - 8 * i));
	/* 26 letters are 130 bits: two zero bits lead. */
	char *p = arena_alloc(a, 26);
	unsigned bits = 0, held = 2;
	size_t n = 0;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bits = (bits << 8 | bytes[i]) & 0xFFFF;
		for (held += 8; held >= 5; held -= 5)
			p[n++] = letters[bits >> (held - 5) & 31];
	}
	return (struct str){p, n};
}

#define TIME_LETTERS 10u

struct str random_secret(struct arena *a) {
	return str_printf(a, "%.*s%.*s", FMT(str_sub(random_id(a), 0, TIME_LETTERS)), FMT(random_token(a, 32)));
}

struct str secret_key_of(struct arena *a, struct str secret) {
	size_t n = 0;
	while (n < secret.n && n < TIME_LETTERS && secret.p[n] && strchr(letters, secret.p[n]))
		n++;
	return str_printf(a, "%.*s%.*s", FMT(str_sub(secret, 0, n)), FMT(base64url_encode(a, sha256(a, secret))));
}

void wipe(void *p, size_t n) {
	if (n)
		explicit_bzero(p, n);
}

static const unsigned char *bytes_of(struct str s) {
	return (const unsigned char *)(s.p ? s.p : "");
}

void sha256_into(uint8_t out[HASH_SIZE], struct str bytes) {
	need(digest && EVP_Digest(bytes_of(bytes), bytes.n, out, NULL, digest, NULL) == 1);
}

struct str sha256(struct arena *a, struct str bytes) {
	uint8_t *out = arena_alloc(a, HASH_SIZE);
	sha256_into(out, bytes);
	return (struct str){(char *)out, HASH_SIZE};
}

struct str hmac_sha256(struct arena *a, struct str key, struct str bytes) {
	need(hmac_ready);
	owned(evp_mac_ctx) EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(hmac_ready);
	unsigned char *out = arena_alloc(a, HASH_SIZE);
	size_t n = 0;
	need(ctx && EVP_MAC_init(ctx, bytes_of(key), key.n, NULL) == 1);
	need(EVP_MAC_update(ctx, bytes_of(bytes), bytes.n) == 1);
	need(EVP_MAC_final(ctx, out, &n, HASH_SIZE) == 1 && n == HASH_SIZE);
	return (struct str){(char *)out, HASH_SIZE};
}

struct str secret_derive(struct arena *a, struct str purpose) {
	const struct key *key = key_ring_first();
	need(key);
	uint8_t *out = arena_alloc(a, KEY_SIZE);
	if (!key_derived_find(out, purpose)) {
		key_derive(out, key, STR("usher derive "), purpose);
		key_derived_keep(out, purpose);
	}
	return (struct str){(char *)out, KEY_SIZE};
}

struct str seal(struct arena *a, struct str purpose, struct str plain) {
	const struct key *key = key_ring_first();
	need(key && plain.n <= LIMIT_ARENA);
	unsigned char *out = arena_alloc(a, plain.n + SEAL_OVERHEAD);
	unsigned char *nonce = out + HEAD_SIZE, *text = nonce + NONCE_SIZE;
	out[0] = SEAL_VERSION;
	memcpy(out + 1, key->id, KEY_ID_SIZE);
	random_bytes(nonce, NONCE_SIZE);
	uint8_t derived[KEY_SIZE];
	key_derive(derived, key, STR("usher seal "), purpose);

	owned(evp_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	need(ctx && EVP_EncryptInit_ex2(ctx, cipher, derived, nonce, NULL) == 1);
	need(EVP_EncryptUpdate(ctx, NULL, &n, out, HEAD_SIZE) == 1);
	need(EVP_EncryptUpdate(ctx, text, &n, bytes_of(plain), (int)plain.n) == 1 && (size_t)n == plain.n);
	need(EVP_EncryptFinal_ex(ctx, text + plain.n, &n) == 1 && n == 0);
	need(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, text + plain.n) == 1);
	wipe(derived, sizeof(derived));
	return (struct str){(char *)out, plain.n + SEAL_OVERHEAD};
}

/* text has room for the plain text; in->n is at least the overhead. */
static bool unseal_with(const struct key *key, struct str purpose, struct str sealed, unsigned char *text) {
	const unsigned char *in = bytes_of(sealed), *nonce = in + HEAD_SIZE;
	size_t size = sealed.n - SEAL_OVERHEAD;
	unsigned char tag[TAG_SIZE];
	memcpy(tag, in + sealed.n - TAG_SIZE, TAG_SIZE);
	uint8_t derived[KEY_SIZE];
	key_derive(derived, key, STR("usher seal "), purpose);

	owned(evp_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	need(ctx && EVP_DecryptInit_ex2(ctx, cipher, derived, nonce, NULL) == 1);
	wipe(derived, sizeof(derived));
	need(EVP_DecryptUpdate(ctx, NULL, &n, in, HEAD_SIZE) == 1);
	need(EVP_DecryptUpdate(ctx, text, &n, nonce + NONCE_SIZE, (int)size) == 1);
	need(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1);
	return EVP_DecryptFinal_ex(ctx, text + size, &n) == 1;
}

bool unseal(struct arena *a, struct str purpose, struct str sealed, struct str *ret) {
	if (sealed.n < SEAL_OVERHEAD || sealed.n > LIMIT_ARENA || sealed.p[0] != SEAL_VERSION)
		return false;
	size_t size = sealed.n - SEAL_OVERHEAD;
	unsigned char *text = arena_alloc(a, size + TAG_SIZE);
	for (const struct key *key = key_ring_first(); key; key = key_ring_next(key)) {
		if (memcmp(key->id, sealed.p + 1, KEY_ID_SIZE) != 0 || !unseal_with(key, purpose, sealed, text))
			continue;
		*ret = (struct str){(char *)text, size};
		return true;
	}
	wipe(text, size); /* what a wrong tag decrypted to */
	return false;
}
