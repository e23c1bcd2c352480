#include <pthread.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "web/guard.h"

#define CHALLENGE_TTL_MS 600000
#define CHALLENGE_MOST   256u
#define NONCE_BYTES      15u
#define BITS_MOST        64
#define ROWS             8192u /* of WAYS nonces each: 65536 solved challenges in ten minutes */
#define WAYS             8u

/* Nonces that were used. They are ours and random, so their first bytes are as good as a hash. */
static struct used {
	uint64_t nonce;
	int64_t until; /* 0: free */
} used[ROWS][WAYS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* True for the first who asks. A full row forgets the one that ends first. */
static bool use_once(uint64_t nonce, int64_t now, int64_t until) {
	struct used *row = used[nonce % ROWS], *place = &row[0];
	bool first = true;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < WAYS; i++) {
		if (row[i].nonce == nonce && row[i].until > now)
			first = false;
		if (row[i].until < place->until)
			place = &row[i];
	}
	if (first)
		*place = (struct used){nonce, until};
	pthread_mutex_unlock(&lock);
	return first;
}

static struct str mac(struct task *t, struct str head) {
	struct str parts[] = {head, STR("\n"), t->realm_name};
	struct str text = str_join(t->arena, (struct strs){parts, COUNT(parts)}, STR(""));
	return base64url_encode(t->arena, hmac_sha256(t->arena, secret_derive(t->arena, STR("proof")), text));
}

struct str proof_challenge(struct task *t) {
	long long expires = (long long)((clock_wall_ms() + CHALLENGE_TTL_MS) / 1000);
	struct str nonce = random_token(t->arena, NONCE_BYTES);
	struct str head = str_printf(
		t->arena, "v1.%lld.%.*s.%lld", expires, FMT(nonce), (long long)t->config->proof_of_work_bits);
	return str_printf(t->arena, "%.*s.%.*s", FMT(head), FMT(mac(t, head)));
}

struct challenge {
	int64_t expires_ms, bits;
	uint64_t nonce;
};

static bool challenge_read(struct task *t, struct str text, struct challenge *ret) {
	struct str part[5], rest = text, bytes;
	int64_t expires, bits;
	size_t n = 0;
	if (str_empty(text) || text.n > CHALLENGE_MOST)
		return false;
	while (n < COUNT(part) && str_next(&rest, '.', &part[n]))
		n++;
	if (n != COUNT(part) || !str_absent(rest) || !str_eq(part[0], STR("v1")))
		return false;
	struct str head = str_sub(text, 0, text.n - part[4].n - 1);
	if (!str_eq_secret(part[4], mac(t, head)))
		return false;
	if (!str_int(part[1], 0, INT64_MAX / 1000, &expires) || !str_int(part[3], 0, BITS_MOST, &bits) ||
		!base64url_decode(t->arena, part[2], &bytes) || bytes.n < sizeof(ret->nonce))
		return false;
	*ret = (struct challenge){.expires_ms = expires * 1000, .bits = bits};
	memcpy(&ret->nonce, bytes.p, sizeof(ret->nonce));
	return true;
}

static bool begins_with_zeros(const uint8_t hash[HASH_SIZE], int64_t bits) {
	for (int64_t i = 0; i < bits; i++)
		if (hash[i / 8] & (0x80 >> (i % 8)))
			return false;
	return true;
}

bool proof_check(struct task *t, struct str challenge, struct str answer) {
	struct challenge c;
	uint8_t hash[HASH_SIZE];
	int64_t number, now = clock_wall_ms();
	if (!str_int(answer, 0, INT64_MAX, &number) || !challenge_read(t, challenge, &c) || c.expires_ms <= now)
		return false;
	sha256_into(hash, str_printf(t->arena, "%.*s.%.*s", FMT(challenge), FMT(answer)));
	return begins_with_zeros(hash, c.bits) && use_once(c.nonce, now, c.expires_ms);
}
