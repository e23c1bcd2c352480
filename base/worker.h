/* worker.h: pools of threads that run tasks from a bounded queue.
 *
 * Two pools exist: web and jobs. A worker owns an arena and handles; it wipes the arena between tasks. work->run gets a
 * begun task whose deadline is ms from the *submission*; it must not touch work after it handed its answer on (the
 * answer may free it). */
#ifndef USHER_BASE_WORKER_H
#define USHER_BASE_WORKER_H

#include "base/task.h"

struct work {
	void (*run)(struct task *t, struct work *work);
	int64_t deadline;  /* monotonic milliseconds; set by worker_submit */
	unsigned lane;     /* small number of a realm: no lane may hold more than its share of a pool */
	struct work *next; /* the pool's */
};

struct pool;

/* threads 1..256; queue: works that may wait; share: works of one lane that may wait or run at once (0: no bound). With
 * a share a quarter of the threads, of several one at least, is never one lane's: a directory that hangs holds what
 * runs until it times out. Threads get the given stack size of 512 KiB, block all signals, and are named "name/N". */
struct pool *pool_new(const char *name, unsigned threads, unsigned queue, unsigned share);
/* ERR_UNAVAILABLE when the queue or the lane's share is full or the pool drains. Never waits. */
enum err pool_submit(struct pool *p, struct work *work, int64_t ms) must_use;
/* Refuses new work, runs what is queued, joins the threads, frees all. */
void pool_free(struct pool *p);
unsigned pool_waiting(struct pool *p);
OWNED(pool, struct pool *, pool_free)

#endif
