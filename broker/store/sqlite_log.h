/* sqlite_log.h: SQLite's write-ahead log: its sync, and its copy into the database. Private to sqlite.c. */
#ifndef USHER_BROKER_STORE_SQLITE_LOG_H
#define USHER_BROKER_STORE_SQLITE_LOG_H

#include <sqlite3.h>

#include "base/task.h"

/* A sync_function of a handle. */
bool log_sync(void *db);
/* Of each handle that writes: how long the log has grown is heard of, and nothing is copied by SQLite itself. */
void log_watch(sqlite3 *db);
/* After a commit, outside of the gate: copies a log that is long. Most of it by beside, which is nobody else's, while
 * others write; what they wrote meanwhile behind the gate by the writer, so that the log can begin anew. The task pays
 * for it with its time; it fails never. A sync that failed ends the process (sync_failed). */
void log_checkpoint(struct task *t, sqlite3 *beside, sqlite3 *writer);

#endif
