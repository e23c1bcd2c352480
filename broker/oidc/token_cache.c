/* Signatures that need no second check: tokens that this process signed or verified. Bounded; a slot is given to the
 * newest. What is kept is a hash under a key of the process. */
#include <openssl/crypto.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

#define SHARDS  16u
#define BUCKETS 256u /* a shard */
#define WAYS    4u   /* slots a bucket */

struct slot {
	uint8_t hash[HASH_SIZE];
	int64_t exp_s; /* 0: empty */
};
struct shard {
	pthread_mutex_t lock;
	struct slot slots[BUCKETS][WAYS];
};
static struct shard shards[SHARDS] = {[0 ... SHARDS - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}};
static char salt[32];
static pthread_once_t salted = PTHREAD_ONCE_INIT;

static void make_salt(void) {
	random_bytes(salt, sizeof(salt));
}

/* False for what is too long to be kept. The lengths keep realm and token apart. */
static bool hash_of(struct str realm, struct str token, uint8_t out[HASH_SIZE]) {
	char text[4096], *end = text;
	pthread_once(&salted, make_salt);
	if (sizeof(salt) + 2 + realm.n + token.n > sizeof(text) || realm.n > 255)
		return false;
	end = mempcpy(end, salt, sizeof(salt));
	*end++ = (char)realm.n;
	end = mempcpy(end, realm.p, realm.n);
	end = mempcpy(end, token.p, token.n);
	sha256_into(out, str_slice(text, (size_t)(end - text)));
	return true;
}

static struct shard *shard_of(const uint8_t *hash) {
	return &shards[hash[0] % SHARDS];
}

bool token_cache_has(struct str realm, struct str token) {
	uint8_t hash[HASH_SIZE];
	bool found = false;
	if (!hash_of(realm, token, hash))
		return false;
	struct shard *s = shard_of(hash);
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < WAYS; i++) {
		const struct slot *slot = &s->slots[hash[1] % BUCKETS][i];
		found = found || (slot->exp_s && CRYPTO_memcmp(slot->hash, hash, HASH_SIZE) == 0);
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

void token_cache_add(struct str realm, struct str token, int64_t exp_s) {
	uint8_t hash[HASH_SIZE];
	if (!hash_of(realm, token, hash))
		return;
	struct shard *s = shard_of(hash);
	pthread_mutex_lock(&s->lock);
	struct slot *bucket = s->slots[hash[1] % BUCKETS], *to = &bucket[0];
	for (size_t i = 1; i < WAYS; i++)
		if (bucket[i].exp_s < to->exp_s)
			to = &bucket[i];
	memcpy(to->hash, hash, HASH_SIZE);
	to->exp_s = exp_s;
	pthread_mutex_unlock(&s->lock);
}
