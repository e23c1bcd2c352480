#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/secret.h"
#include "federation/directory/health.h"
#include "federation/directory/ldap_conn.h"

#define BREAKER_TIMEOUTS 5
#define BREAKER_MS       5000
#define DOWN_MS          10000
#define REFUSED_MS       30000

struct health {
	struct health *next;
	char *key;
	size_t key_n;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	int64_t binds;
	int timeouts; /* in a row */
	int64_t open_until;
	int64_t down_until[URI_MOST];
	int64_t refused_until;
	uint8_t refused[HASH_SIZE]; /* SHA-256 of the credentials that were refused */
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct health *list;

static struct str key_of(struct arena *a, const struct directory_config *d) {
	struct strs parts = {NULL, 0};
	strs_add(a, &parts, d->id);
	strs_add(a, &parts, d->ca_file);
	strs_add(a, &parts, d->domain);
	strs_add(a, &parts, d->site);
	for (size_t i = 0; i < d->uris.n; i++)
		strs_add(a, &parts, d->uris.v[i]);
	return str_join(a, parts, STR("\n"));
}

static struct health *health_new(struct str key) {
	struct health *h = calloc(1, sizeof(*h));
	char *copy = malloc(key.n + 1);
	if (!h || !copy)
		abort();
	memcpy(copy, key.p, key.n);
	h->key = copy;
	h->key_n = key.n;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->freed, NULL);
	return h;
}

/* The key is compared piece by piece, so that the usual look-up allocates nothing. */
static bool key_is(const struct health *h, const struct directory_config *d) {
	struct str rest = str_slice(h->key, h->key_n), part = STR_NONE;
	if (!str_next(&rest, '\n', &part) || !str_eq(part, d->id))
		return false;
	if (!str_next(&rest, '\n', &part) || !str_eq(part, d->ca_file))
		return false;
	if (!str_next(&rest, '\n', &part) || !str_eq(part, d->domain))
		return false;
	if (!str_next(&rest, '\n', &part) || !str_eq(part, d->site))
		return false;
	for (size_t i = 0; i < d->uris.n; i++)
		if (!str_next(&rest, '\n', &part) || !str_eq(part, d->uris.v[i]))
			return false;
	return str_absent(rest);
}

struct health *health_of(const struct directory_config *d) {
	pthread_mutex_lock(&list_lock);
	struct health *h = list;
	while (h && !key_is(h, d))
		h = h->next;
	if (!h) {
		owned(arena) struct arena *a = arena_new();
		h = health_new(key_of(a, d));
		h->next = list;
		list = h;
	}
	pthread_mutex_unlock(&list_lock);
	return h;
}

bool health_allows(struct health *h) {
	pthread_mutex_lock(&h->lock);
	int64_t now = clock_monotonic_ms();
	bool allows = now >= h->open_until;
	if (allows && h->timeouts >= BREAKER_TIMEOUTS)
		h->open_until = now + BREAKER_MS;
	pthread_mutex_unlock(&h->lock);
	return allows;
}

bool health_is_silent(struct health *h) {
	pthread_mutex_lock(&h->lock);
	bool silent = h->timeouts > 0;
	pthread_mutex_unlock(&h->lock);
	return silent;
}

void health_answered(struct health *h) {
	pthread_mutex_lock(&h->lock);
	h->timeouts = 0;
	h->open_until = 0;
	pthread_mutex_unlock(&h->lock);
}

void health_timed_out(struct health *h) {
	pthread_mutex_lock(&h->lock);
	if (h->timeouts < BREAKER_TIMEOUTS)
		h->timeouts++;
	if (h->timeouts >= BREAKER_TIMEOUTS)
		h->open_until = clock_monotonic_ms() + BREAKER_MS;
	pthread_mutex_unlock(&h->lock);
}

static void set_down(struct health *h, size_t uri, int64_t until) {
	if (uri >= URI_MOST)
		return;
	pthread_mutex_lock(&h->lock);
	h->down_until[uri] = until;
	pthread_mutex_unlock(&h->lock);
}

void health_uri_down(struct health *h, size_t uri) {
	set_down(h, uri, clock_monotonic_ms() + DOWN_MS);
}

void health_uri_up(struct health *h, size_t uri) {
	set_down(h, uri, 0);
}

bool health_uri_is_down(struct health *h, size_t uri) {
	if (uri >= URI_MOST)
		return true;
	pthread_mutex_lock(&h->lock);
	bool down = clock_monotonic_ms() < h->down_until[uri];
	pthread_mutex_unlock(&h->lock);
	return down;
}

static struct timespec in_ms(int64_t ms) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

enum err health_bind_enter(struct task *t, struct health *h, int64_t most, int64_t ms) {
	struct timespec until = in_ms(ms);
	int rc = 0;
	pthread_mutex_lock(&h->lock);
	while (h->binds >= (most > 0 ? most : 1) && rc != ETIMEDOUT)
		rc = pthread_cond_clockwait(&h->freed, &h->lock, CLOCK_MONOTONIC, &until);
	bool entered = h->binds < (most > 0 ? most : 1);
	if (entered)
		h->binds++;
	pthread_mutex_unlock(&h->lock);
	if (!entered)
		return task_fail(t, ERR_UNAVAILABLE, "too many password checks in flight");
	return OK;
}

void health_bind_leave(struct health *h) {
	pthread_mutex_lock(&h->lock);
	h->binds--;
	pthread_cond_signal(&h->freed);
	pthread_mutex_unlock(&h->lock);
}

static void credentials_hash(struct str bind_dn, struct str password, uint8_t hash[HASH_SIZE]) {
	owned(arena) struct arena *a = arena_new();
	sha256_into(hash, str_printf(a, "%.*s%c%.*s", FMT(bind_dn), '\n', FMT(password)));
}

void health_own_bind_refused(struct health *h, struct str bind_dn, struct str password) {
	uint8_t hash[HASH_SIZE];
	credentials_hash(bind_dn, password, hash);
	pthread_mutex_lock(&h->lock);
	memcpy(h->refused, hash, sizeof(hash));
	h->refused_until = clock_monotonic_ms() + REFUSED_MS;
	pthread_mutex_unlock(&h->lock);
}

bool health_own_bind_known_bad(struct health *h, struct str bind_dn, struct str password) {
	uint8_t hash[HASH_SIZE];
	pthread_mutex_lock(&h->lock);
	bool recent = clock_monotonic_ms() < h->refused_until;
	pthread_mutex_unlock(&h->lock);
	if (!recent)
		return false;
	credentials_hash(bind_dn, password, hash);
	pthread_mutex_lock(&h->lock);
	bool same =
		str_eq_secret(str_slice((const char *)hash, HASH_SIZE), str_slice((const char *)h->refused, HASH_SIZE));
	pthread_mutex_unlock(&h->lock);
	return same;
}
