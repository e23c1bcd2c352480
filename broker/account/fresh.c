/* Which directories were heard of a moment ago. Memory of the process: a table that only grows, read without a lock. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "broker/account/account_private.h"

#define DIRECTORIES_MOST 512u /* of all realms; what does not fit is never fresh */

static struct heard {
	struct str realm, directory;
	_Atomic int64_t at;        /* monotonic; 0: not */
	_Atomic int64_t groups_at; /* wall clock */
} table[DIRECTORIES_MOST];
static _Atomic size_t used;
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

static struct heard *find(struct str realm, struct str directory) {
	size_t n = atomic_load_explicit(&used, memory_order_acquire);
	for (size_t i = 0; i < n; i++)
		if (str_eq(table[i].directory, directory) && str_eq(table[i].realm, realm))
			return &table[i];
	return NULL;
}

static struct str kept(struct str s) {
	char *p = malloc(s.n + 1);
	if (!p)
		abort();
	if (s.n)
		memcpy(p, s.p, s.n);
	return str_slice(p, s.n);
}

static struct heard *find_or_add(struct str realm, struct str directory) {
	pthread_mutex_lock(&adding);
	struct heard *h = find(realm, directory);
	size_t n = atomic_load(&used);
	if (!h && n < DIRECTORIES_MOST) {
		h = &table[n];
		h->realm = kept(realm);
		h->directory = kept(directory);
		atomic_store_explicit(&used, n + 1, memory_order_release);
	}
	pthread_mutex_unlock(&adding);
	return h;
}

void mirror_heard(struct str realm, const struct directory_config *d) {
	struct heard *h = find_or_add(realm, d->id);
	if (h)
		atomic_store(&h->at, clock_monotonic_ms());
}

void mirror_unheard(struct str realm, const struct directory_config *d) {
	struct heard *h = find(realm, d->id);
	if (h)
		atomic_store(&h->at, 0);
}

bool mirror_fresh(struct str realm, const struct directory_config *d) {
	const struct heard *h = find(realm, d->id);
	int64_t at = h ? atomic_load(&h->at) : 0;
	return at && clock_monotonic_ms() - at <= MIRROR_FRESH_MS;
}

void mirror_groups_changed(struct str realm, const struct directory_config *d, int64_t at) {
	struct heard *h = find_or_add(realm, d->id);
	if (h)
		atomic_store(&h->groups_at, at);
}

int64_t mirror_groups_since(struct str realm, const struct directory_config *d) {
	const struct heard *h = find(realm, d->id);
	return h ? atomic_load(&h->groups_at) : 0;
}
