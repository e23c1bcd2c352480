#include <stdatomic.h>

#include "broker/store/record.h"

static const struct store_driver *const drivers[] = {
	[STORE_SQLITE] = &store_sqlite,
	[STORE_POSTGRESQL] = NULL,
};

static struct {
	const struct store_driver *driver;
	char *path;
	void *held; /* the last connection that closes would take the write-ahead log with it */
	_Atomic(void (*)(void)) wake;
} store;

/* A worker's. */
struct link {
	void *connection;
	bool begun;
	bool wakes; /* a job was inserted in this transaction */
};

/* ---- life ---- */

static void link_close(void *handle) {
	struct link *l = handle;
	if (l->connection && store.driver)
		store.driver->close(l->connection);
	free(l);
}

static enum err link_open(struct task *t, const void *key, void **ret) {
	(void)key;
	struct link *l = calloc(1, sizeof(*l));
	if (!l)
		abort();
	enum err e = store.driver->open(t, store.path, &l->connection);
	if (e)
		link_close(l);
	else
		*ret = l;
	return e;
}

static const struct handle_kind link_kind = {"store", link_open, link_close};

static enum err link_of(struct task *t, struct link **ret) {
	if (!store.driver)
		return task_fail(t, ERR_INTERNAL, "the store is not open");
	if (!t->handles)
		return task_fail(t, ERR_INTERNAL, "a task without handles may not use the store");
	void *handle = NULL;
	TRY(task_handle(t, &link_kind, &store, &handle));
	*ret = handle;
	return OK;
}

enum err store_open(struct task *t, const struct config *c) {
	const struct store_driver *d = (size_t)c->store < COUNT(drivers) ? drivers[c->store] : NULL;
	const char *path = NULL;
	if (store.driver)
		return task_fail(t, ERR_INTERNAL, "the store is open");
	if (!d)
		return task_fail(t, ERR_CONFIG, "store.driver: this database is not built yet; sqlite is");
	TRY(task_cstr(t, c->store_path, &path));
	void *held = NULL;
	TRY(d->open(t, path, &held));
	enum err e = store_migrate(t, d, held);
	if (!e)
		e = d->settle(t, held); /* the file's name in its folder included */
	if (e) {
		d->close(held);
		return e;
	}
	store.path = strdup(path);
	if (!store.path)
		abort();
	store.held = held;
	store.driver = d;
	return OK;
}

void store_close(void) {
	if (!store.driver)
		return;
	store.driver->close(store.held);
	free(store.path);
	store.driver = NULL;
	store.path = NULL;
	store.held = NULL;
}

void store_on_jobs(void (*wake)(void)) {
	atomic_store(&store.wake, wake);
}

/* ---- transactions ---- */

enum err store_begin(struct task *t) {
	struct link *l = NULL;
	TRY(link_of(t, &l));
	if (l->begun)
		return task_fail(t, ERR_INTERNAL, "a transaction within a transaction");
	TRY(store.driver->begin(t, l->connection));
	l->begun = true;
	l->wakes = false;
	return OK;
}

static void link_rollback(struct link *l) {
	store.driver->rollback(l->connection);
	l->begun = l->wakes = false;
}

static enum err end(struct task *t, enum err so_far, bool lasting) {
	struct link *l = NULL;
	TRY(link_of(t, &l));
	if (!l->begun)
		return so_far ? so_far : task_fail(t, ERR_INTERNAL, "the end of no transaction");
	if (so_far) {
		link_rollback(l);
		return so_far;
	}
	bool wakes = l->wakes;
	void (*wake)(void) = wakes ? atomic_load(&store.wake) : NULL;
	l->begun = l->wakes = false;
	TRY(store.driver->commit(t, l->connection, lasting || wakes));
	if (wake)
		wake();
	return OK;
}

enum err store_end(struct task *t, enum err so_far) {
	return end(t, so_far, true);
}

enum err store_end_passing(struct task *t, enum err so_far) {
	return end(t, so_far, false);
}

enum err store_within(struct task *t, enum err (*do_it)(struct task *t, const void *what), const void *what) {
	struct link *l = NULL;
	TRY(link_of(t, &l));
	if (l->begun)
		return do_it(t, what);
	TRY(store_begin(t));
	return store_end(t, do_it(t, what));
}

enum err store_settle(struct task *t) {
	if (!store.driver || !t->handles)
		return OK; /* it can have used nothing */
	struct link *l = NULL;
	TRY(link_of(t, &l));
	if (l->begun) {
		link_rollback(l);
		return task_fail(t, ERR_INTERNAL, "a transaction was left open");
	}
	return store.driver->settle(t, l->connection);
}

enum err store_backup(struct task *t, const char *path) {
	struct link *l = NULL;
	TRY(link_of(t, &l));
	if (l->begun)
		return task_fail(t, ERR_INTERNAL, "a backup within a transaction");
	return store.driver->backup(t, l->connection, path);
}

/* ---- queries ---- */

static enum err grow(struct task *t, const struct record *r, struct rows *rows, size_t *room) {
	if (rows->n >= ROWS_MAX)
		return task_fail(t, ERR_TOO_LARGE, "a query answers more rows than may be");
	if (rows->n < *room)
		return OK;
	size_t more = *room ? *room * 2 : 4;
	rows->v = arena_grow(t->arena, rows->v, *room * r->size, more * r->size);
	*room = more;
	return OK;
}

static enum err read_rows(struct task *t, const struct query *q, const struct cursor *from, struct rows *rows) {
	size_t room = 0;
	for (;;) {
		bool row = false;
		TRY(from->driver->step(t, from->connection, &row));
		if (!row)
			break;
		enum err e = q->record ? grow(t, q->record, rows, &room) : OK;
		if (!e && q->record)
			e = record_read(t, q->record, from, (char *)rows->v + rows->n * q->record->size);
		if (e) {
			from->driver->finish(from->connection);
			return e;
		}
		rows->n++;
	}
	rows->changed = from->driver->finish(from->connection);
	return OK;
}

static enum err run(struct task *t, const struct query *q, struct args args, struct rows *ret) {
	struct link *l = NULL;
	TRY(link_of(t, &l));
	struct rows rows = {NULL, 0, 0};
	l->wakes |= q->effect == WAKES;
	TRY(store.driver->start(t, l->connection, q, args));
	TRY(read_rows(t, q, &(struct cursor){store.driver, l->connection}, &rows));
	*ret = rows;
	return OK;
}

struct run {
	const struct query *q;
	struct args args;
	struct rows *rows;
};

static enum err run_within(struct task *t, const void *what) {
	const struct run *r = what;
	return run(t, r->q, r->args, r->rows);
}

enum err query_run(struct task *t, const struct query *q, struct args args, struct rows *ret) {
	if (q->effect == READS)
		return run(t, q, args, ret);
	struct rows rows = {NULL, 0, 0};
	TRY(store_within(t, run_within, &(struct run){q, args, &rows}));
	*ret = rows;
	return OK;
}

enum err query_one(struct task *t, const struct query *q, struct args args, void **ret) {
	struct rows rows;
	TRY(query_run(t, q, args, &rows));
	if (rows.n == 0)
		return ERR_NOT_FOUND;
	*ret = rows.v;
	return OK;
}

enum err query_number(struct task *t, const struct query *q, struct args args, int64_t *ret) {
	void *row = NULL;
	TRY(query_one(t, q, args, &row));
	*ret = ((const struct number_row *)row)->n;
	return OK;
}

enum err query_change(struct task *t, const struct query *q, struct args args, int64_t *ret_changed) {
	struct rows rows;
	TRY(query_run(t, q, args, &rows));
	*ret_changed = rows.changed;
	return OK;
}

enum err query_do(struct task *t, const struct query *q, struct args args) {
	struct rows rows;
	return query_run(t, q, args, &rows);
}

enum err query_must(struct task *t, const struct query *q, struct args args, enum err none) {
	int64_t changed = 0;
	TRY(query_change(t, q, args, &changed));
	return changed ? OK : none;
}

enum err record_write(struct task *t, const struct query *q, const void *row, struct args extra, int64_t *ret_changed) {
	size_t n = q->record->n;
	struct value *values = arena_array(t->arena, struct value, n + extra.n);
	TRY(record_bind(t, q->record, row, values));
	for (size_t i = 0; i < extra.n; i++)
		values[n + i] = extra.v[i];
	return query_change(t, q, (struct args){values, n + extra.n}, ret_changed);
}

enum err record_insert(struct task *t, const struct query *q, const void *row) {
	int64_t changed = 0;
	TRY(record_write(t, q, row, NO_ARGS, &changed));
	return changed ? OK : ERR_EXISTS;
}

/* ---- what belongs to no group of rows ---- */

enum { GENERATION, GENERATION_BUMP, CHECK };
static const struct query queries[] = {
	[GENERATION] = {"SELECT n FROM generation WHERE name = 'all'", &number_record, READS},
	[GENERATION_BUMP] = {"UPDATE generation SET n = n + 1 WHERE name = 'all'", NULL, WRITES},
	[CHECK] = {"UPDATE generation SET n = n + 1 WHERE name = 'check'", NULL, WRITES},
};
static const struct query_table store_own_queries = {"store", queries, COUNT(queries)};

enum err generation_get(struct task *t, int64_t *ret) {
	return query_number(t, &queries[GENERATION], NO_ARGS, ret);
}

enum err generation_bump(struct task *t) {
	return query_must(t, &queries[GENERATION_BUMP], NO_ARGS, ERR_INTERNAL);
}

enum err store_check(struct task *t) {
	return query_must(t, &queries[CHECK], NO_ARGS, ERR_INTERNAL);
}

const struct query_table *const store_queries[] = {
	&store_own_queries,
	&registrations_queries,
	&plans_queries,
	&accounts_queries,
	&mirrors_queries,
	&tickets_queries,
	&sessions_queries,
	&jobs_queries,
	&audit_queries,
	&grants_queries,
	&oidc_rows_queries,
	&signing_keys_queries,
	&sweep_queries,
};
const size_t store_queries_count = COUNT(store_queries);
