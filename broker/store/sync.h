/* sync.h: the order of commits within this process, and the sync they share. Private to this folder; for databases
 * that do not group by themselves.
 *
 * A writer holds the gate from before its transaction until after its commit, so commits end in the order in which
 * they begin. A commit is counted before it begins, since others may read it before it returned, and when it ended,
 * since only what ended is covered by a sync that starts then. */
#ifndef USHER_BROKER_STORE_SYNC_H
#define USHER_BROKER_STORE_SYNC_H

#include "base/task.h"

/* Waits until the deadline; ERR_UNAVAILABLE. */
enum err sync_enter(struct task *t) must_use;
void sync_leave(void);

/* Around a COMMIT, in the gate. */
void sync_commit_begins(void);
void sync_commit_ended(void);
/* Everything that was readable up to now has a number up to this one. */
uint64_t sync_mark(void);

/* Makes durable what is committed; false when the system said that it could not. */
typedef bool (*sync_function)(void *connection);
/* Waits until all up to mark is durable: by the sync of another thread, or as the one that syncs for all. The process
 * ends when the sync fails. */
enum err sync_wait(struct task *t, uint64_t mark, sync_function run, void *connection) must_use;
/* After a failed sync nobody knows what is on the disk: logs, and ends the process. */
_Noreturn void sync_failed(struct task *t);

#endif
