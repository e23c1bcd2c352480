#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/metric.h"
#include "broker/store/driver.h"
#include "broker/store/sqlite_log.h"
#include "broker/store/sync.h"

#define CACHE_SLOTS     256u  /* more than there are queries; a power of two */
#define PROGRESS_STEPS  20000 /* of SQLite's machine between two looks at the clock */
#define STATEMENT_BYTES (2 << 20)
#define WRITER_CACHE    "PRAGMA cache_size = -8192"
#define READER_CACHE    "PRAGMA cache_size = -512"

struct handle {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit; /* parsed once: of a small transaction the parser was a tenth */
	struct {
		const struct query *query;
		sqlite3_stmt *statement;
	} cache[CACHE_SLOTS];
};

/* A worker's: it reads by a handle of its own, and writes by the one that all share. */
struct connection {
	struct handle reader;
	struct handle *at; /* the reader, or within a transaction the writer */
	sqlite3_stmt *running;
	int64_t deadline;
	uint64_t mark;    /* of what this task may have read; 0 nothing */
	bool transaction; /* and so the gate is ours */
	bool schema;      /* a script ran in it */
	int64_t changes;  /* of the writer when the transaction began */
};

/* One for the process, used by who holds the gate: SQLite drops the pages that a handle keeps as soon as another has
 * written, so that many writers would read them again for each transaction. */
static struct {
	pthread_mutex_t lock; /* of users */
	size_t users;
	struct handle handle;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER};

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
	sqlite3_busy_timeout(c->at->db, (int)task_left_ms(t));
}

/* What a statement read may have been committed at any time up to its end. */
static void seen(struct connection *c) {
	c->mark = sync_mark();
}

/* ---- the sync ---- */

static enum err sqlite_settle(struct task *t, void *connection) {
	struct connection *c = connection;
	uint64_t mark = c->mark;
	c->mark = 0;
	if (!mark)
		return OK;
	enum err e = sync_wait(t, mark, log_sync, c->at->db);
	failpoint_hit("settled");
	return e;
}

/* ---- life ---- */

static enum err sqlite_script(struct task *t, void *connection, const char *sql) {
	struct connection *c = connection;
	use(t, c);
	c->schema = c->transaction;
	int result = sqlite3_exec(c->at->db, sql, NULL, NULL, NULL);
	return result == SQLITE_OK ? OK : fail(t, c->at->db, result, "script");
}

static enum err use_wal(struct task *t, sqlite3 *db) {
	sqlite3_stmt *mode = NULL;
	int result = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &mode, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_step(mode);
	bool wal = result == SQLITE_ROW && sqlite3_stricmp((const char *)sqlite3_column_text(mode, 0), "wal") == 0;
	enum err e = wal ? OK
		     : result == SQLITE_ROW
			     ? task_fail(t, ERR_UNAVAILABLE, "sqlite: no write-ahead log on this file system")
			     : fail(t, db, result, sqlite3_db_filename(db, "main"));
	sqlite3_finalize(mode);
	return e;
}

static enum err configure(struct task *t, sqlite3 *db, const char *cache) {
	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, (int)task_left_ms(t));
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, STATEMENT_BYTES);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1); /* VACUUM INTO needs one */
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	TRY(use_wal(t, db));
	log_watch(db);
	int result = sqlite3_exec(db,
		"PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
		"PRAGMA journal_size_limit = 67108864;",
		NULL, NULL, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_exec(db, cache, NULL, NULL, NULL);
	return result == SQLITE_OK ? OK : fail(t, db, result, "settings");
}

static void handle_close(struct handle *h) {
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		sqlite3_finalize(h->cache[i].statement);
	sqlite3_finalize(h->begin);
	sqlite3_finalize(h->commit);
	sqlite3_close(h->db);
	*h = (struct handle){0};
}

static enum err prepare_ends(struct task *t, struct handle *h) {
	int result = sqlite3_prepare_v3(h->db, "BEGIN IMMEDIATE", -1, SQLITE_PREPARE_PERSISTENT, &h->begin, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_prepare_v3(h->db, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &h->commit, NULL);
	return result == SQLITE_OK ? OK : fail(t, h->db, result, "begin and commit");
}

static int carry_out(sqlite3_stmt *s) {
	int result = sqlite3_step(s);
	sqlite3_reset(s);
	return result == SQLITE_DONE ? SQLITE_OK : result;
}

static enum err handle_open(struct task *t, const char *path, const char *cache, struct handle *h) {
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	int result = sqlite3_open_v2(path, &h->db, flags, NULL);
	enum err e = result == SQLITE_OK ? configure(t, h->db, cache) : fail(t, h->db, result, path);
	if (!e)
		e = prepare_ends(t, h);
	if (e)
		handle_close(h);
	return e;
}

/* The writer lives from the first connection to the last. */
static enum err writer_take(struct task *t, const char *path) {
	enum err e = OK;
	pthread_mutex_lock(&writer.lock);
	if (!writer.users) {
		sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* a count of all memory, under a lock of the process */
		e = handle_open(t, path, WRITER_CACHE, &writer.handle);
	}
	if (!e)
		writer.users++;
	pthread_mutex_unlock(&writer.lock);
	return e;
}

static void writer_leave(void) {
	pthread_mutex_lock(&writer.lock);
	if (!--writer.users)
		handle_close(&writer.handle);
	pthread_mutex_unlock(&writer.lock);
}

static void sqlite_rollback(void *connection) {
	struct connection *c = connection;
	if (!c->transaction)
		return;
	if (!sqlite3_get_autocommit(c->at->db))
		sqlite3_exec(c->at->db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_progress_handler(c->at->db, 0, NULL, NULL);
	c->at = &c->reader;
	c->transaction = c->schema = false;
	sync_leave();
}

static void sqlite_close(void *connection) {
	struct connection *c = connection;
	sqlite_rollback(c);
	handle_close(&c->reader);
	writer_leave();
	free(c);
}

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
	TRY(writer_take(t, path));
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	enum err e = handle_open(t, path, READER_CACHE, &c->reader);
	if (e) {
		writer_leave();
		free(c);
		return e;
	}
	sqlite3_progress_handler(c->reader.db, PROGRESS_STEPS, out_of_time, c);
	c->at = &c->reader;
	*ret = c;
	return OK;
}

/* ---- transactions ---- */

static enum err sqlite_begin(struct task *t, void *connection) {
	struct connection *c = connection;
	TRY(sync_enter(t));
	c->transaction = true;
	c->at = &writer.handle;
	c->changes = sqlite3_total_changes64(c->at->db);
	sqlite3_progress_handler(c->at->db, PROGRESS_STEPS, out_of_time, c);
	use(t, c);
	int result = carry_out(c->at->begin);
	if (result == SQLITE_OK)
		return OK;
	enum err e = fail(t, c->at->db, result, "begin");
	sqlite_rollback(c);
	return e;
}

static int commit_changes(struct connection *c, bool lasting) {
	failpoint_hit("commit");
	if (lasting)
		sync_commit_begins();
	int result = carry_out(c->at->commit);
	if (lasting)
		sync_commit_ended();
	if (result != SQLITE_OK)
		return result;
	metric_add(METRIC_STORE_COMMITS, 0, 1);
	failpoint_hit("commit");
	return SQLITE_OK;
}

static enum err sqlite_commit(struct task *t, void *connection, bool lasting) {
	struct connection *c = connection;
	enum err e = OK;
	if (sqlite3_get_autocommit(c->at->db)) {
		e = task_fail(t, ERR_UNAVAILABLE, "sqlite: the transaction was rolled back");
	} else if (c->schema || sqlite3_total_changes64(c->at->db) != c->changes) {
		int result = commit_changes(c, lasting);
		e = result == SQLITE_OK ? OK : fail(t, c->at->db, result, "commit");
		seen(c);
	}
	sqlite_rollback(c);
	if (!e)
		log_checkpoint(t, c->reader.db, writer.handle.db);
	return e;
}

/* ---- queries ---- */

static enum err prepared(struct task *t, struct connection *c, const struct query *q, sqlite3_stmt **ret) {
	size_t slot = (size_t)((uintptr_t)q / sizeof(*q)) & (CACHE_SLOTS - 1), tried = 0;
	while (c->at->cache[slot].query && c->at->cache[slot].query != q && tried++ < CACHE_SLOTS)
		slot = (slot + 1) & (CACHE_SLOTS - 1);
	if (c->at->cache[slot].query && c->at->cache[slot].query != q)
		return task_fail(t, ERR_INTERNAL, "sqlite: more queries than slots");
	if (!c->at->cache[slot].query) {
		sqlite3_stmt *statement = NULL;
		int result = sqlite3_prepare_v3(
			c->at->db, query_text(t->arena, q), -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
		if (result != SQLITE_OK || !statement)
			return fail(t, c->at->db, result ? result : SQLITE_ERROR, q->sql);
		c->at->cache[slot].statement = statement;
		c->at->cache[slot].query = q;
	}
	*ret = c->at->cache[slot].statement;
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
	int64_t changed = sqlite3_changes64(c->at->db);
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
	if (c->transaction && sqlite3_get_autocommit(c->at->db))
		return task_fail(t, ERR_UNAVAILABLE, "sqlite: the transaction was rolled back");
	use(t, c);
	sqlite3_stmt *s = NULL;
	TRY(prepared(t, c, q, &s));
	c->running = s;
	for (size_t i = 0; i < args.n; i++) {
		int result = bind(s, (int)i + 1, &args.v[i]);
		if (result == SQLITE_OK)
			continue;
		enum err e = fail(t, c->at->db, result, q->sql);
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
	enum err e = fail(t, c->at->db, result, sqlite3_sql(c->running));
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
	int result = sqlite3_prepare_v2(c->at->db, "VACUUM INTO ?1", -1, &s, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_bind_text(s, 1, path, -1, SQLITE_STATIC);
	if (result == SQLITE_OK)
		result = sqlite3_step(s);
	enum err e = result == SQLITE_DONE ? OK : fail(t, c->at->db, result, "backup");
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
