#include "web/holder.h"

#include <pthread.h>

#include "base/clock.h"

#define HELD_MOST 4096

struct held {
	int64_t due_ms;
	void *item;
};

/* A heap by due_ms. */
struct holder {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	void (*release)(void *item);
	bool ending;
	size_t n;
	struct held heap[HELD_MOST];
};

static void swap(struct held *a, struct held *b) {
	struct held was = *a;
	*a = *b;
	*b = was;
}

static void heap_add(struct holder *h, struct held added) {
	size_t at = h->n++;
	h->heap[at] = added;
	while (at && h->heap[(at - 1) / 2].due_ms > h->heap[at].due_ms) {
		swap(&h->heap[at], &h->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

static void *heap_take(struct holder *h) {
	void *item = h->heap[0].item;
	h->heap[0] = h->heap[--h->n];
	for (size_t at = 0, least;; at = least) {
		size_t left = 2 * at + 1;
		least = left < h->n && h->heap[left].due_ms < h->heap[at].due_ms ? left : at;
		if (left + 1 < h->n && h->heap[left + 1].due_ms < h->heap[least].due_ms)
			least = left + 1;
		if (least == at)
			return item;
		swap(&h->heap[at], &h->heap[least]);
	}
}

static void wait_until(struct holder *h, int64_t due_ms) {
	struct timespec end = {.tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000};
	pthread_cond_timedwait(&h->changed, &h->lock, &end);
}

static void *holder_main(void *cls) {
	struct holder *h = cls;
	pthread_mutex_lock(&h->lock);
	while (h->n || !h->ending) {
		if (!h->n) {
			pthread_cond_wait(&h->changed, &h->lock);
		} else if (!h->ending && h->heap[0].due_ms > clock_monotonic_ms()) {
			wait_until(h, h->heap[0].due_ms);
		} else {
			void *item = heap_take(h);
			pthread_mutex_unlock(&h->lock);
			h->release(item);
			pthread_mutex_lock(&h->lock);
		}
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

struct holder *holder_new(void (*release)(void *item)) {
	struct holder *h = calloc(1, sizeof(*h));
	pthread_condattr_t monotonic;
	if (!h)
		abort();
	h->release = release;
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&h->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (!pthread_create(&h->thread, NULL, holder_main, h))
		return h;
	free(h);
	return NULL;
}

bool holder_keep(struct holder *h, void *item, int64_t due_ms) {
	pthread_mutex_lock(&h->lock);
	bool kept = h->n < HELD_MOST && !h->ending;
	if (kept) {
		heap_add(h, (struct held){due_ms, item});
		pthread_cond_signal(&h->changed);
	}
	pthread_mutex_unlock(&h->lock);
	return kept;
}

void holder_free(struct holder *h) {
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->ending = true;
	pthread_cond_signal(&h->changed);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
