#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "broker/store/migrate.h"
#include "broker/store/record.h"

/* Not a migration itself: it tells which were made. */
static const char table_sql[] = "CREATE TABLE IF NOT EXISTS schema_migration ("
				"version BIGINT NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, at BIGINT NOT NULL)";

struct made {
	int64_t version;
	struct str checksum;
	int64_t at;
};
static const struct column made_columns[] = {
	NUMBER_COLUMN(made, version),
	TEXT_COLUMN(made, checksum),
	NUMBER_COLUMN(made, at),
};
static const struct record made_record = RECORD(made, made_columns);
static const struct query next_made = {
	"SELECT $columns FROM schema_migration WHERE version > ?1 ORDER BY version LIMIT 1", &made_record, READS};
static const struct query insert_made = {"INSERT INTO schema_migration $insert", &made_record, WRITES};

static enum err made_after(struct task *t, const struct cursor *c, int64_t version, struct made *ret, bool *ret_found) {
	bool found = false;
	TRY(c->driver->start(t, c->connection, &next_made, ARGS(NUMBER(version))));
	TRY(c->driver->step(t, c->connection, &found));
	enum err e = found ? record_read(t, &made_record, c, ret) : OK;
	c->driver->finish(c->connection);
	TRY(e);
	*ret_found = found;
	return OK;
}

static struct str checksum_of(struct task *t, const struct migration *m) {
	return hex_encode(t->arena, sha256(t->arena, str_of(m->sql)));
}

/* What was made must be what this program knows, from the first on. */
static enum err check_made(struct task *t, const struct cursor *c, size_t *ret_count) {
	struct made made = {0};
	size_t count = 0;
	for (;;) {
		bool found = false;
		TRY(made_after(t, c, made.version, &made, &found));
		if (!found)
			break;
		if (count == store_migrations_count)
			return task_fail(t, ERR_CONFIG,
				"the database has schema %lld, this program knows %zu: it was used by a newer one",
				(long long)made.version, store_migrations_count);
		const struct migration *m = &store_migrations[count++];
		if (made.version != m->version || !str_eq(made.checksum, checksum_of(t, m)))
			return task_fail(t, ERR_CONFIG, "schema %lld of the database is not that of this program",
				(long long)made.version);
	}
	*ret_count = count;
	return OK;
}

static enum err make(struct task *t, const struct cursor *c, const struct migration *m) {
	bool row = false;
	struct made made = {m->version, checksum_of(t, m), clock_wall_ms()};
	struct value values[COUNT(made_columns)];
	TRY(c->driver->script(t, c->connection, m->sql));
	TRY(record_bind(t, &made_record, &made, values));
	TRY(c->driver->start(t, c->connection, &insert_made, (struct args){values, COUNT(values)}));
	TRY(c->driver->step(t, c->connection, &row));
	c->driver->finish(c->connection);
	return OK;
}

/* One migration, or none and *ret_done, in a transaction: another process may be at it too. */
static enum err make_next(struct task *t, const struct cursor *c, bool *ret_done) {
	size_t count = 0;
	TRY(c->driver->script(t, c->connection, table_sql));
	TRY(check_made(t, c, &count));
	if (count == store_migrations_count) {
		*ret_done = true;
		return OK;
	}
	return make(t, c, &store_migrations[count]);
}

enum err store_migrate(struct task *t, const struct store_driver *d, void *connection) {
	bool done = false;
	while (!done) {
		TRY(d->begin(t, connection));
		enum err e = make_next(t, &(struct cursor){d, connection}, &done);
		if (e) {
			d->rollback(connection);
			return e;
		}
		TRY(d->commit(t, connection, true));
	}
	return OK;
}
