#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "broker/store/sync.h"

#define WAIT_LEAST_MS 1000 /* a task past its deadline may still learn that its work is safe */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t left;
	bool taken;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool running;
	uint64_t syncs_started, syncs_done;
	_Atomic uint64_t begun, ended; /* commits */
	_Atomic uint64_t safe;         /* commits up to this one are on the disk */
} order = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

/* False when the time came first. */
static bool wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ms) {
	struct timespec at = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
	return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &at) == 0;
}

enum err sync_enter(struct task *t) {
	bool in_time = true;
	pthread_mutex_lock(&gate.lock);
	while (gate.taken && in_time)
		in_time = wait_until(&gate.left, &gate.lock, t->deadline);
	bool entered = !gate.taken;
	gate.taken = true;
	pthread_mutex_unlock(&gate.lock);
	return entered ? OK : task_fail(t, ERR_UNAVAILABLE, "the database is busy");
}

void sync_leave(void) {
	pthread_mutex_lock(&gate.lock);
	gate.taken = false;
	pthread_mutex_unlock(&gate.lock);
	pthread_cond_signal(&gate.left);
}

void sync_commit_begins(void) {
	atomic_fetch_add(&order.begun, 1);
}

void sync_commit_ended(void) {
	atomic_fetch_add(&order.ended, 1);
}

uint64_t sync_mark(void) {
	return atomic_load(&order.begun);
}

_Noreturn void sync_failed(struct task *t) {
	log_event(LEVEL_ERROR, t, "store.sync_failed", LOG_TEXT("consequence", STR("the process ends")));
	abort();
}

/* Called and left with the lock held, which is open while it syncs. */
static void sync_lead(struct task *t, sync_function run, void *connection) {
	uint64_t covers = atomic_load(&order.ended);
	uint64_t number = ++order.syncs_started;
	order.running = true;
	pthread_mutex_unlock(&order.lock);
	if (!run(connection))
		sync_failed(t);
	metric_add(METRIC_STORE_SYNCS, 0, 1);
	pthread_mutex_lock(&order.lock);
	order.running = false;
	order.syncs_done = number;
	atomic_store(&order.safe, covers);
	pthread_mutex_unlock(&order.lock); /* who wakes under it would wait for it at once */
	pthread_cond_broadcast(&order.done);
	pthread_mutex_lock(&order.lock);
}

enum err sync_wait(struct task *t, uint64_t mark, sync_function run, void *connection) {
	if (atomic_load(&order.safe) >= mark)
		return OK;
	bool in_time = true;
	int64_t left = task_left_ms(t), deadline = clock_monotonic_ms() + (left > WAIT_LEAST_MS ? left : WAIT_LEAST_MS);
	pthread_mutex_lock(&order.lock);
	/* What this task read was committed before now: a sync that starts from here on covers it, also a commit that
	 * is counted but has not returned. */
	uint64_t enough = order.syncs_started + 1;
	while (atomic_load(&order.safe) < mark && order.syncs_done < enough && in_time) {
		if (order.running)
			in_time = wait_until(&order.done, &order.lock, deadline);
		else
			sync_lead(t, run, connection);
	}
	pthread_mutex_unlock(&order.lock);
	return in_time ? OK : task_fail(t, ERR_UNAVAILABLE, "the disk is slow");
}
