/* driver.h: what a database must be able to do for the store. Private to this folder.
 *
 * Drivers are rows of a table in store.c. A connection belongs to one worker and is used by it alone. Queries are
 * written once, in the SQL that SQLite and PostgreSQL share, with ?N parameters; a driver prepares each once per
 * connection, keyed by the address of its struct query. One query runs at a time on a connection: start, step until
 * there is no row, finish. */
#ifndef USHER_BROKER_STORE_DRIVER_H
#define USHER_BROKER_STORE_DRIVER_H

#include "broker/store/query.h"

struct store_driver {
	const char *name;
	/* Waits (for a lock, for a sync) end at the task's deadline by ERR_UNAVAILABLE. */
	enum err (*open)(struct task *t, const char *path, void **ret);
	void (*close)(void *connection); /* rolls back what is open */
	enum err (*begin)(struct task *t, void *connection);
	/* What could not be committed is rolled back. Not lasting: settle waits for it for nobody. */
	enum err (*commit)(struct task *t, void *connection, bool lasting);
	void (*rollback)(void *connection);
	enum err (*start)(struct task *t, void *connection, const struct query *q, struct args args);
	enum err (*step)(struct task *t, void *connection, bool *ret_row); /* finishes where it fails */
	struct str (*text)(void *connection, unsigned column);             /* valid until the next step */
	int64_t (*number)(void *connection, unsigned column);
	int64_t (*finish)(void *connection); /* the rows that a writing query changed */
	enum err (*script)(
		struct task *t, void *connection, const char *sql); /* several statements, within a transaction */
	enum err (*settle)(struct task *t, void *connection);
	enum err (*backup)(struct task *t, void *connection, const char *path);
};

extern const struct store_driver store_sqlite;

/* Brings an open connection's database to the newest schema. ERR_CONFIG: it is newer than this program, or not ours. */
enum err store_migrate(struct task *t, const struct store_driver *d, void *connection) must_use;

#endif
