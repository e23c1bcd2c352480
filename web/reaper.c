#include "web/reaper.h"

#include <pthread.h>
#include <sys/socket.h>

#include "base/clock.h"

struct reaper {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct peer *first;
	bool stop;
};

/* Under the lock. The event thread sees an end of input, and closes. */
static void reap(struct reaper *r) {
	int64_t now = clock_monotonic_ms();
	for (struct peer *p = r->first; p; p = p->next) {
		if (atomic_load_explicit(&p->deadline, memory_order_relaxed) > now)
			continue;
		shutdown(p->fd, SHUT_RDWR);
		peer_deadline(p, 0);
	}
}

static void *reaper_loop(void *argument) {
	struct reaper *r = argument;
	pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&r->wake, &r->lock, &until);
		reap(r);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct reaper *reaper_new(void) {
	pthread_condattr_t monotonic;
	struct reaper *r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&r->lock, NULL);
	if (pthread_create(&r->thread, NULL, reaper_loop, r)) {
		free(r);
		return NULL;
	}
	pthread_setname_np(r->thread, "reaper");
	return r;
}

void reaper_free(struct reaper *r) {
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	free(r);
}

void peer_deadline(struct peer *p, int64_t ms) {
	atomic_store_explicit(&p->deadline, ms ? clock_monotonic_ms() + ms : INT64_MAX, memory_order_relaxed);
}

struct peer *reaper_add(struct reaper *r, int fd, int64_t ms) {
	struct peer *p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	p->fd = fd;
	peer_deadline(p, ms);
	pthread_mutex_lock(&r->lock);
	p->next = r->first;
	if (p->next)
		p->next->before = p;
	r->first = p;
	pthread_mutex_unlock(&r->lock);
	return p;
}

void reaper_remove(struct reaper *r, struct peer *p) {
	pthread_mutex_lock(&r->lock);
	if (p->before)
		p->before->next = p->next;
	else
		r->first = p->next;
	if (p->next)
		p->next->before = p->before;
	pthread_mutex_unlock(&r->lock);
	free(p);
}
