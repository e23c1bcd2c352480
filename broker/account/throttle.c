/* Sliding counters in memory: a fixed table of slots in shards for each kind, so that a flood of one kind makes no
 * other forget; each key's slot is found by its hash, and in a full bucket the one with the least count is forgotten,
 * of those the one that ends first: many keys tried once do not wash away one that is tried often. A node's memory is
 * enough: limits protect mailboxes, passwords and the queue from floods, and the store's own counts
 * (registrations_count_since) hold across nodes and restarts. */
#include <arpa/inet.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/metric.h"
#include "base/secret.h"
#include "broker/account/account_private.h"

#define SHARDS  4   /* a kind */
#define BUCKETS 512 /* a shard */
#define WAYS    8   /* slots a bucket */

struct slot {
	uint64_t key;
	int64_t ends_at; /* monotonic; the count is void after it */
	int32_t count;
};
struct shard {
	pthread_mutex_t lock;
	struct slot slots[BUCKETS][WAYS];
};
static struct shard shards[THROTTLE_COUNT][SHARDS] = {
	[0 ... THROTTLE_COUNT - 1] = {[0 ... SHARDS - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}}};
static uint8_t salt[16];
static pthread_once_t salted = PTHREAD_ONCE_INIT;

static void make_salt(void) {
	random_bytes(salt, sizeof(salt));
}

struct allowance {
	int64_t count, window_ms;
	unsigned metric_label; /* of METRIC_THROTTLED: address, mailbox, login, client */
};

static struct allowance allowance_of(const struct task *t, enum throttle kind) {
	const struct config *c = t->config;
	const struct realm *r = t->realm;
	switch (kind) {
	case THROTTLE_REGISTER_ADDRESS:
		return (struct allowance){c->registrations_per_address, 3600000, 0};
	case THROTTLE_REGISTER_MAILBOX:
		return (struct allowance){c->registrations_per_mailbox, 3600000, 1};
	case THROTTLE_LOGIN_ENTRY:
	case THROTTLE_LOGIN_NAME:
		return (struct allowance){r->login_max_failures, r->login_window * 1000, 2};
	case THROTTLE_WRONG:
		return (struct allowance){1, r->login_window * 1000, 2};
	case THROTTLE_LOGIN_ADDRESS:
		return (struct allowance){r->login_max_failures * 10, r->login_window * 1000, 0};
	case THROTTLE_RESET:
		return (struct allowance){3, 3600000, 1};
	case THROTTLE_MAIL_ADDRESS:
		return (struct allowance){c->registrations_per_address * 5, 3600000, 0};
	case THROTTLE_RESEND:
		return (struct allowance){1, 120000, 1};
	case THROTTLE_LOCKED:
		return (struct allowance){1, 86400000, 1};
	case THROTTLE_CLIENT:
		return (struct allowance){20, 60000, 3};
	case THROTTLE_COUNT:
		break;
	}
	return (struct allowance){0, 60000, 0};
}

/* What counts as one: a name by what directories take for equal, an IPv6 address by its /64, however it is written; one
 * that carries an IPv4 address as that. */
static struct str throttle_subject(struct arena *a, enum throttle kind, struct str key) {
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool address = kind == THROTTLE_REGISTER_ADDRESS || kind == THROTTLE_LOGIN_ADDRESS ||
		       kind == THROTTLE_MAIL_ADDRESS;
	char text[INET6_ADDRSTRLEN];
	uint8_t v6[16];
	if (kind == THROTTLE_LOGIN_NAME || kind == THROTTLE_RESET)
		return login_name_key(a, key);
	if (!address || key.n >= sizeof(text) || str_find(key, ':', 0) == key.n)
		return str_lower(a, key);
	memcpy(text, key.p, key.n);
	text[key.n] = 0;
	if (inet_pton(AF_INET6, text, v6) != 1)
		return str_lower(a, key);
	if (memcmp(v6, mapped, sizeof(mapped)) == 0)
		return str_printf(a, "%u.%u.%u.%u", v6[12], v6[13], v6[14], v6[15]);
	return str_dup(a, str_slice((const char *)v6, 8));
}

static uint64_t throttle_hash(struct task *t, enum throttle kind, struct str key) {
	pthread_once(&salted, make_salt);
	struct buf text = buf_new(t->arena, LIMIT_FIELD_VALUE + 256);
	buf_put(&text, str_slice((const char *)salt, sizeof(salt)));
	buf_byte(&text, (char)kind);
	buf_put(&text, t->realm_name);
	buf_byte(&text, '\n');
	buf_put(&text, throttle_subject(t->arena, kind, key));
	uint8_t hash[HASH_SIZE];
	sha256_into(hash, buf_str(&text));
	uint64_t h;
	memcpy(&h, hash, sizeof(h));
	return h | 1; /* 0 marks an empty slot */
}

static bool worth_less(const struct slot *a, const struct slot *b, int64_t now) {
	int32_t x = a->ends_at > now ? a->count : 0, y = b->ends_at > now ? b->count : 0;
	return x != y ? x < y : a->ends_at < b->ends_at;
}

/* The key's slot, or with make the best one to give it: an empty one, else the one that is worth least. Under the
 * shard's lock. */
static struct slot *slot_find(struct shard *s, uint64_t key, int64_t now, bool make) {
	struct slot *bucket = s->slots[(key >> 8) % BUCKETS], *least = bucket;
	for (size_t i = 0; i < WAYS; i++) {
		if (bucket[i].key == key && bucket[i].ends_at > now)
			return &bucket[i];
		if (worth_less(&bucket[i], least, now))
			least = &bucket[i];
	}
	if (!make)
		return NULL;
	*least = (struct slot){.key = key};
	return least;
}

static struct shard *shard_lock(enum throttle kind, uint64_t key) {
	struct shard *s = &shards[kind][(key >> 4) % SHARDS];
	pthread_mutex_lock(&s->lock);
	return s;
}

static enum err take(struct task *t, enum throttle kind, struct str key, struct allowance allowed) {
	if (allowed.count <= 0)
		return OK;
	uint64_t hash = throttle_hash(t, kind, key);
	int64_t now = clock_monotonic_ms();
	struct shard *s = shard_lock(kind, hash);
	struct slot *slot = slot_find(s, hash, now, true);
	if (!slot->ends_at)
		slot->ends_at = now + allowed.window_ms;
	bool granted = slot->count < allowed.count;
	slot->count += granted;
	pthread_mutex_unlock(&s->lock);
	if (granted)
		return OK;
	metric_add(METRIC_THROTTLED, allowed.metric_label, 1);
	return task_fail(t, ERR_TOO_MANY, "limit %d of %lld in %lld s is met", (int)kind, (long long)allowed.count,
		(long long)allowed.window_ms / 1000);
}

enum err throttle_take(struct task *t, enum throttle kind, struct str key) {
	return take(t, kind, key, allowance_of(t, kind));
}

enum err throttle_take_for(struct task *t, enum throttle kind, struct str key, int64_t window_s) {
	struct allowance allowed = allowance_of(t, kind);
	allowed.window_ms = window_s * 1000;
	return take(t, kind, key, allowed);
}

bool throttle_met(struct task *t, enum throttle kind, struct str key) {
	struct allowance allowed = allowance_of(t, kind);
	uint64_t hash = throttle_hash(t, kind, key);
	struct shard *s = shard_lock(kind, hash);
	struct slot *slot = slot_find(s, hash, clock_monotonic_ms(), false);
	bool met = allowed.count > 0 && slot && slot->count >= allowed.count;
	pthread_mutex_unlock(&s->lock);
	return met;
}

void throttle_give_back(struct task *t, enum throttle kind, struct str key) {
	uint64_t hash = throttle_hash(t, kind, key);
	struct shard *s = shard_lock(kind, hash);
	struct slot *slot = slot_find(s, hash, clock_monotonic_ms(), false);
	if (slot && slot->count > 0)
		slot->count--;
	pthread_mutex_unlock(&s->lock);
}

void throttle_clear(struct task *t, enum throttle kind, struct str key) {
	uint64_t hash = throttle_hash(t, kind, key);
	struct shard *s = shard_lock(kind, hash);
	struct slot *slot = slot_find(s, hash, clock_monotonic_ms(), false);
	if (slot)
		*slot = (struct slot){0};
	pthread_mutex_unlock(&s->lock);
}

int64_t throttle_wait_s(struct task *t, enum throttle kind, struct str key) {
	uint64_t hash = throttle_hash(t, kind, key);
	int64_t now = clock_monotonic_ms();
	struct shard *s = shard_lock(kind, hash);
	struct slot *slot = slot_find(s, hash, now, false);
	int64_t left = slot ? slot->ends_at - now : 0;
	pthread_mutex_unlock(&s->lock);
	return left < 1000 ? 1 : (left + 999) / 1000;
}
