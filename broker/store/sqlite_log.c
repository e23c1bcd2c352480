#include <stdatomic.h>

#include "broker/store/sqlite_log.h"
#include "broker/store/sync.h"

#define PAGES_LONG 4000

static struct {
	atomic_int pages;
	atomic_flag copied; /* somebody is at it */
} wal = {.copied = ATOMIC_FLAG_INIT};

bool log_sync(void *db) {
	sqlite3_file *file = NULL;
	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK)
		return false;
	return file && file->pMethods && file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) == SQLITE_OK;
}

static int grown(void *unused, sqlite3 *db, const char *schema, int pages) {
	(void)unused, (void)db, (void)schema;
	atomic_store(&wal.pages, pages);
	return SQLITE_OK;
}

/* In place of SQLite's own hook, which copies while nobody else may write, and drops a failed sync. */
void log_watch(sqlite3 *db) {
	sqlite3_wal_hook(db, grown, NULL);
}

/* The kernel tells a failed sync only once. */
static void copy(sqlite3 *db) {
	int result = sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (result == SQLITE_IOERR_FSYNC || result == SQLITE_IOERR_DIR_FSYNC)
		sync_failed(NULL);
}

void log_checkpoint(struct task *t, sqlite3 *beside, sqlite3 *writer) {
	if (atomic_load(&wal.pages) < PAGES_LONG || atomic_flag_test_and_set(&wal.copied))
		return;
	copy(beside);
	if (sync_enter(t) == OK) {
		copy(writer);
		sync_leave();
	} else {
		task_clear(t); /* the next commit tries */
	}
	atomic_flag_clear(&wal.copied);
}
