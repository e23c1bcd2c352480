/* task.h: one unit of work: a request, or a job.
 *
 * A task runs from start to end on one worker, as ordinary sequential code. Its results live in its arena. Its handles
 * (a database connection, directory connections) belong to the worker and outlive it. */
#ifndef USHER_BASE_TASK_H
#define USHER_BASE_TASK_H

#include <stdatomic.h>

#include "base/error.h"
#include "base/str.h"

struct config; /* config/config.h */
struct realm;  /* config/config.h */
struct handles;

struct task {
	struct arena *arena;
	struct handles *handles;     /* of the worker; NULL where a task may not wait (event threads) */
	const struct config *config; /* the configuration this task began with; constant for its life */
	const struct realm *realm;   /* NULL for what belongs to none (metrics, discovery of the whole) */
	struct str realm_name;       /* for rows and logs; empty when realm is NULL */
	struct str actor;     /* who acts, for the audit: "person:SUB", "operator:DN", "client:ID", "job", "cli"; never
				 empty */
	struct str address;   /* client address, or empty */
	struct str reference; /* 8 letters shown on error pages and in the log */
	int64_t deadline;     /* monotonic milliseconds */
	const atomic_bool *over;   /* true: who hears a server that goes on and on is to give up; NULL: never */
	enum err failure;          /* the first failure that was told by task_fail, or OK */
	struct str failure_detail; /* for the log only */
	enum err cleared;          /* the last failure that task_clear forgot: an answer may be made of it */
	struct str cleared_detail; /* for the log only */
	const void *pinned;        /* the key of handles that are to lead to pinned_to and nowhere else, or NULL */
	struct str pinned_to;
};

/* Starts a task: empties *t, sets a reference, the deadline at now + ms. The arena is the caller's. */
void task_begin(struct task *t, struct arena *a, struct handles *h, int64_t ms);
/* Milliseconds left, never negative. A wait gets what is left of it. */
int64_t task_left_ms(const struct task *t);
/* Keeps the detail (the latest wins, the innermost is told first, later ones are put before it: "outer: inner") and
 * returns code. */
enum err task_fail(struct task *t, enum err code, const char *format, ...) printf_like(3, 4);
/* Forgets a failure that was dealt with. */
void task_clear(struct task *t);
/* Runs f with an arena of its own that ends with it, so that a loop over what users can make many does not add up in
 * the task's, whose end is the end of the process. Of what f makes only the detail of a failure is kept. */
enum err task_apart(struct task *t, enum err (*f)(struct task *t, void *what), void *what) must_use;
/* The only way to a C string; ERR_INVALID when the slice holds NUL. */
enum err task_cstr(struct task *t, struct str s, const char **ret) must_use;

/* Handles: at most one per (kind, key) and worker. The key is compared by address and must live as long as the
 * configuration. */
struct handle_kind {
	const char *name;
	enum err (*open)(struct task *t, const void *key, void **ret);
	void (*close)(void *handle);
};
struct handles *handles_new(void);
void handles_free(struct handles *h); /* closes all */
/* Finds or opens. */
enum err task_handle(struct task *t, const struct handle_kind *kind, const void *key, void **ret) must_use;
/* Closes it, if open: after a time-out, or a connection that broke. */
void task_handle_drop(struct task *t, const struct handle_kind *kind, const void *key);
/* Closes all handles of a worker whose key does not belong to the present configuration: all, simply. Called by the
 * worker when the configuration of a task is not that of the one before. */
void handles_close_all(struct handles *h);

#endif
