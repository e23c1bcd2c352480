#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "broker/store/driver.h"
#include "broker/store/sync.h"

#define CACHE_SLOTS      256u /* more than there are queries; a power of two */
#define CHECKPOINT_PAGES 1000
#define PROGRESS_STEPS   20000 /* of SQLite's machine between two looks at the clock */
#define STATEMENT_BYTES  (2 << 20)

struct connection {
	sqlite3 *db;
	sqlite3_stmt *running;
	struct {
		const struct query *query;
		sqlite3_stmt *statement;
	} cache[CACHE_SLOTS];
	int64_t deadline;
	uint64_t mark;    /* of what this task may have read; 0 nothing */
	bool transaction; /* and so the gate is ours */
	bool schema;      /* a script ran in it */
	int64_t changes;  /* of the connection when the transaction began */
};

/* ---- errors ---- */

static enum err code_of(int result) {
	switch (result) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return ERR_EXISTS;
	}
	switch (result & 0xFF) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_INTERRUPT:
	case SQLITE_PROTOCOL:
		return ERR_UNAVAILABLE;
	case SQLITE_NOTADB:
		return ERR_CONFIG;
	case SQLITE_TOOBIG:
		return ERR_TOO_LARGE;
	default:
		return ERR_INTERNAL;
	}
}

static enum err fail(struct task *t, sqlite3 *db, int result, const char *doing) {
	return task_fail(
		t, code_of(result), "sqlite: %s: %s (%d)", doing, db ? sqlite3_errmsg(db) : "no memory", result);
}

/* SQLite would say "unable to open" of all of these. */
static enum err may_use(struct task *t, const char *path) {
	struct stat st;
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%s", path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return task_fail(t, ERR_CONFIG, "store.path %s: is not a file", path);
	if (access(path, R_OK | W_OK) != 0)
		return task_fail(t, ERR_UNAVAILABLE, "store.path %s: user %ld may not read and write it: %m", path,
			(long)geteuid());
	if (access(dirname(folder), W_OK | X_OK) != 0)
		return task_fail(t, ERR_UNAVAILABLE,
			"store.path %s: user %ld may not write its folder, where the write-ahead log stands: %m", path,
			(long)geteuid());
	return OK;
}

static int out_of_time(void *connection) {
	const struct connection *c = connection;
	return c->deadline && clock_monotonic_ms() > c->deadline;
}

static void use(struct task *t, struct connection *c) {
	c->deadline = t->deadline;
	sqlite3_busy_timeout(c->db, (int)task_left_ms(t));
}

/* What a statement read may have been committed at any time up to its end. */
static void seen(struct connection *c) {
	c->mark = sync_mark();
}

/* ---- the sync ---- */

static bool wal_sync(void *connection) {
	struct connection *c = connection;
	sqlite3_file *wal = NULL;
	if (sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) != SQLITE_OK)
		return false;
	return wal && wal->pMethods && wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) == SQLITE_OK;
}

/* In place of SQLite's own hook, which drops a failed sync; the kernel tells it only once. */
static int checkpoint(void *connection, sqlite3 *db, const char *schema, int pages) {
	(void)connection;
	if (pages < CHECKPOINT_PAGES)
		return SQLITE_OK;
	int result = sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (result == SQLITE_IOERR_FSYNC || result == SQLITE_IOERR_DIR_FSYNC)
		sync_failed(NULL);
	return SQLITE_OK;
}

static enum err sqlite_settle(struct task *t, void *connection) {
	struct connection *c = connection;
	uint64_t mark = c->mark;
	c->mark = 0;
	if (!mark)
		return OK;
	enum err e = sync_wait(t, mark, wal_sync, c);
	failpoint_hit("settled");
	return e;
}

/* ---- life ---- */

static enum err sqlite_script(struct task *t, void *connection, const char *sql) {
	struct connection *c = connection;
	use(t, c);
	c->schema = c->transaction;
	int result = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
	return result == SQLITE_OK ? OK : fail(t, c->db, result, "script");
}

static enum err use_wal(struct task *t, struct connection *c) {
	sqlite3_stmt *mode = NULL;
	int result = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = WAL", -1, &mode, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_step(mode);
	bool wal = result == SQLITE_ROW && sqlite3_stricmp((const char *)sqlite3_column_text(mode, 0), "wal") == 0;
	enum err e = wal ? OK
		     : result == SQLITE_ROW
			     ? task_fail(t, ERR_UNAVAILABLE, "sqlite: no write-ahead log on this file system")
			     : fail(t, c->db, result, sqlite3_db_filename(c->db, "main"));
	sqlite3_finalize(mode);
	return e;
}

static enum err configure(struct task *t, struct connection *c) {
	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_progress_handler(c->db, PROGRESS_STEPS, out_of_time, c);
	sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, STATEMENT_BYTES);
	sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 1); /* VACUUM INTO needs one */
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	use(t, c);
	TRY(use_wal(t, c));
	sqlite3_wal_hook(c->db, checkpoint, c);
	return sqlite_script(t, c,
		"PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
		"PRAGMA journal_size_limit = 67108864;");
}

static void sqlite_rollback(void *connection) {
	struct connection *c = connection;
	if (!sqlite3_get_autocommit(c->db))
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	if (c->transaction)
		sync_leave();
	c->transaction = c->schema = false;
}

static void sqlite_close(void *connection) {
	struct connection *c = connection;
	sqlite_rollback(c);
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		sqlite3_finalize(c->cache[i].statement);
	sqlite3_close(c->db);
	free(c);
}
OWNED(connection, struct connection *, sqlite_close)

/* Others may not read the database. An existing file is not opened: closing a descriptor of it would drop
 * SQLite's locks. */
static enum err create_file(struct task *t, const char *path) {
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? may_use(t, path)
				       : task_fail(t, ERR_UNAVAILABLE,
						 "store.path %s: cannot be made: %m; its folder must exist, and user "
						 "%ld must be able to write there",
						 path, (long)geteuid());
	close(fd);
	return OK;
}

static enum err sqlite_open(struct task *t, const char *path, void **ret) {
	TRY(create_file(t, path));
	owned(connection) struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	int result = sqlite3_open_v2(path, &c->db, flags, NULL);
	if (result != SQLITE_OK)
		return fail(t, c->db, result, path);
	TRY(configure(t, c));
	*ret = c;
	c = NULL;
	return OK;
}

/* ---- transactions ---- */

static enum err sqlite_begin(struct task *t, void *connection) {
	struct connection *c = connection;
	TRY(sync_enter(t));
	c->transaction = true;
	c->changes = sqlite3_total_changes64(c->db);
	use(t, c);
	int result = sqlite3_exec(c->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (result == SQLITE_OK)
		return OK;
	enum err e = fail(t, c->db, result, "begin");
	sqlite_rollback(c);
	return e;
}

static int commit_changes(struct connection *c) {
	failpoint_hit("commit");
	sync_commit_begins();
	int result = sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL);
	sync_commit_ended();
	if (result == SQLITE_OK)
		failpoint_hit("commit");
	return result;
}

static enum err sqlite_commit(struct task *t, void *connection) {
	struct connection *c = connection;
	enum err e = OK;
	if (sqlite3_get_autocommit(c->db)) {
		e = task_fail(t, ERR_UNAVAILABLE, "sqlite: the transaction was rolled back");
	} else if (c->schema || sqlite3_total_changes64(c->db) != c->changes) {
		int result = commit_changes(c);
		e = result == SQLITE_OK ? OK : fail(t, c->db, result, "commit");
		seen(c);
	}
	sqlite_rollback(c);
	return e;
}

/* ---- queries ---- */

static enum err prepared(struct task *t, struct connection *c, const struct query *q, sqlite3_stmt **ret) {
	size_t slot = (size_t)((uintptr_t)q / sizeof(*q)) & (CACHE_SLOTS - 1), tried = 0;
	while (c->cache[slot].query && c->cache[slot].query != q && tried++ < CACHE_SLOTS)
		slot = (slot + 1) & (CACHE_SLOTS - 1);
	if (c->cache[slot].query && c->cache[slot].query != q)
		return task_fail(t, ERR_INTERNAL, "sqlite: more queries than slots");
	if (!c->cache[slot].query) {
		sqlite3_stmt *statement = NULL;
		int result = sqlite3_prepare_v3(
			c->db, query_text(t->arena, q), -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
		if (result != SQLITE_OK || !statement)
			return fail(t, c->db, result ? result : SQLITE_ERROR, q->sql);
		c->cache[slot].statement = statement;
		c->cache[slot].query = q;
	}
	*ret = c->cache[slot].statement;
	return OK;
}

static int bind(sqlite3_stmt *s, int i, const struct value *v) {
	const char *p = v->text.p ? v->text.p : "";
	if (v->kind == VALUE_NUMBER)
		return sqlite3_bind_int64(s, i, v->number);
	if (v->kind == VALUE_BYTES)
		return sqlite3_bind_blob64(s, i, p, v->text.n, SQLITE_STATIC);
	return sqlite3_bind_text64(s, i, p, v->text.n, SQLITE_STATIC, SQLITE_UTF8);
}

static int64_t sqlite_finish(void *connection) {
	struct connection *c = connection;
	int64_t changed = sqlite3_changes64(c->db);
	if (c->running) {
		sqlite3_reset(c->running);
		sqlite3_clear_bindings(c->running); /* they point into the task's arena */
	}
	c->running = NULL;
	seen(c);
	return changed;
}

static enum err sqlite_start(struct task *t, void *connection, const struct query *q, struct args args) {
	struct connection *c = connection;
	if (c->transaction && sqlite3_get_autocommit(c->db))
		return task_fail(t, ERR_UNAVAILABLE, "sqlite: the transaction was rolled back");
	use(t, c);
	sqlite3_stmt *s = NULL;
	TRY(prepared(t, c, q, &s));
	c->running = s;
	for (size_t i = 0; i < args.n; i++) {
		int result = bind(s, (int)i + 1, &args.v[i]);
		if (result == SQLITE_OK)
			continue;
		enum err e = fail(t, c->db, result, q->sql);
		sqlite_finish(c);
		return e;
	}
	return OK;
}

static enum err sqlite_step(struct task *t, void *connection, bool *ret_row) {
	struct connection *c = connection;
	int result = sqlite3_step(c->running);
	if (result == SQLITE_ROW || result == SQLITE_DONE) {
		*ret_row = result == SQLITE_ROW;
		return OK;
	}
	enum err e = fail(t, c->db, result, sqlite3_sql(c->running));
	sqlite_finish(c);
	return e;
}

static struct str sqlite_text(void *connection, unsigned column) {
	struct connection *c = connection;
	const char *p = sqlite3_column_blob(c->running, (int)column);
	return str_slice(p ? p : "", (size_t)sqlite3_column_bytes(c->running, (int)column));
}

static int64_t sqlite_number(void *connection, unsigned column) {
	struct connection *c = connection;
	return sqlite3_column_int64(c->running, (int)column);
}

/* ---- backup ---- */

static bool sync_path(const char *path, int flags) {
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool synced = fsync(fd) == 0;
	return close(fd) == 0 && synced;
}

static enum err sync_copy(struct task *t, const char *path) {
	const char *copy = NULL;
	TRY(task_cstr(t, str_of(path), &copy));
	char *folder = arena_alloc(t->arena, strlen(path) + 1);
	memcpy(folder, path, strlen(path));
	if (!sync_path(copy, O_RDWR) || !sync_path(dirname(folder), O_RDONLY | O_DIRECTORY))
		return task_fail(t, ERR_UNAVAILABLE, "%s: %m", path);
	return OK;
}

static enum err vacuum_into(struct task *t, struct connection *c, const char *path) {
	sqlite3_stmt *s = NULL;
	int result = sqlite3_prepare_v2(c->db, "VACUUM INTO ?1", -1, &s, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_bind_text(s, 1, path, -1, SQLITE_STATIC);
	if (result == SQLITE_OK)
		result = sqlite3_step(s);
	enum err e = result == SQLITE_DONE ? OK : fail(t, c->db, result, "backup");
	sqlite3_finalize(s);
	return e;
}

static enum err sqlite_backup(struct task *t, void *connection, const char *path) {
	struct connection *c = connection;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return task_fail(t, errno == EEXIST ? ERR_EXISTS : ERR_UNAVAILABLE, "%s: %m", path);
	close(fd);
	use(t, c);
	c->deadline = 0; /* it takes what it takes */
	enum err e = vacuum_into(t, c, path);
	if (!e)
		e = sync_copy(t, path);
	if (e)
		unlink(path);
	return e;
}

const struct store_driver store_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.start = sqlite_start,
	.step = sqlite_step,
	.text = sqlite_text,
	.number = sqlite_number,
	.finish = sqlite_finish,
	.script = sqlite_script,
	.settle = sqlite_settle,
	.backup = sqlite_backup,
};
