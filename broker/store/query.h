/* query.h: how the files of this folder say what they ask. Private to this folder.
 *
 * A query is constant data. In its text, ?N are the arguments in order. Where it names a record, words of the record
 * are put in:
 *   $columns   the names of the columns that are read back, in order
 *   $insert    (name, …) VALUES (?1, …), of all columns
 *   $set       name = ?N, … of all columns but the keys
 *   :name      ?N of that column
 *   ?+K        the Kth argument behind the columns
 * All but $columns are for queries run by record_write, which binds a row's columns first.
 *
 * A record is the shape of a row: a table of columns over a plain struct. Reading back copies every text into the
 * task's arena. */
#ifndef USHER_BROKER_STORE_QUERY_H
#define USHER_BROKER_STORE_QUERY_H

#include "broker/store/store.h"

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_BYTES };
struct value {
	enum value_kind kind;
	struct str text; /* absent is bound as empty */
	int64_t number;
};
#define TEXT(text_)     ((struct value){.kind = VALUE_TEXT, .text = (text_)})
#define NUMBER(number_) ((struct value){.kind = VALUE_NUMBER, .number = (number_)})

struct args {
	const struct value *v;
	size_t n;
};
#define ARGS(...)                                                                                                      \
	((struct args){(const struct value[]){__VA_ARGS__},                                                            \
		sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)})
#define NO_ARGS ((struct args){NULL, 0})

enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_ENUM, /* kept as its name, so that people can read the table */
	COLUMN_BYTES,
	COLUMN_DERIVED /* computed from the row when it is written, for look-ups; not read back */
};
struct column {
	const char *name;
	enum column_kind kind;
	size_t offset;
	bool key; /* not changed by $set; a query with $set must name it by :name */
	const char *const *names;
	size_t n_names;
	struct value (*derive)(struct task *t, const void *row);
};
struct record {
	size_t size;
	const struct column *columns;
	size_t n;
};
#define KEY_COLUMN(type, field)                                                                                        \
	{ .name = #field, .kind = COLUMN_TEXT, .offset = offsetof(struct type, field), .key = true }
#define TEXT_COLUMN(type, field)                                                                                       \
	{ .name = #field, .kind = COLUMN_TEXT, .offset = offsetof(struct type, field) }
#define BYTES_COLUMN(type, field)                                                                                      \
	{ .name = #field, .kind = COLUMN_BYTES, .offset = offsetof(struct type, field) }
#define NUMBER_COLUMN(type, field)                                                                                     \
	{ .name = #field, .kind = COLUMN_NUMBER, .offset = offsetof(struct type, field) }
#define ENUM_COLUMN(type, field, names_)                                                                               \
	{                                                                                                              \
		.name = #field, .kind = COLUMN_ENUM, .offset = offsetof(struct type, field), .names = (names_),        \
		.n_names = COUNT(names_)                                                                               \
	}
#define DERIVED_COLUMN(name_, derive_)                                                                                 \
	{ .name = #name_, .kind = COLUMN_DERIVED, .derive = (derive_) }
#define RECORD(type, columns_)                                                                                         \
	{ .size = sizeof(struct type), .columns = (columns_), .n = COUNT(columns_) }

enum query_effect {
	READS,
	WRITES, /* outside a transaction it gets one of its own */
	WAKES   /* the like; and the runner is woken when it is committed */
};
struct query {
	const char *sql;
	const struct record *record; /* of the rows bound or read back; NULL: none */
	enum query_effect effect;
};

/* One column "n": for count, min, max and the like. */
struct number_row {
	int64_t n;
};
extern const struct record number_record;

struct rows {
	void *v; /* an array of the record's struct */
	size_t n;
	int64_t changed; /* by a writing query */
};
#define ROWS_MAX 1000u /* a query that could answer more says LIMIT */

enum err query_run(struct task *t, const struct query *q, struct args args, struct rows *ret) must_use;
enum err query_one(struct task *t, const struct query *q, struct args args, void **ret) must_use; /* ERR_NOT_FOUND */
enum err query_number(struct task *t, const struct query *q, struct args args, int64_t *ret) must_use;
enum err query_change(struct task *t, const struct query *q, struct args args, int64_t *ret_changed) must_use;
/* As query_change where no row changed is no error. */
enum err query_do(struct task *t, const struct query *q, struct args args) must_use;
/* As query_change where no row changed is code. */
enum err query_must(struct task *t, const struct query *q, struct args args, enum err none) must_use;
/* Binds the row's columns, then extra. The column "realm" must hold the task's realm, or nothing, which means it:
 * else ERR_INTERNAL. */
enum err record_write(
	struct task *t, const struct query *q, const void *row, struct args extra, int64_t *ret_changed) must_use;
/* An insert: ERR_EXISTS where a unique value is there. */
enum err record_insert(struct task *t, const struct query *q, const void *row) must_use;

/* The query's text with the record's words put in, terminated. */
const char *query_text(struct arena *a, const struct query *q);
/* The name of an enum column's value, for conditions; "" outside the table. */
struct str enum_name(const char *const *names, size_t n, int value);

#define ID_LAST STR("~") /* above all ids */

/* A LIKE pattern (ESCAPE '!') for text in lower case that holds part, whose ASCII case is ignored. */
struct str like_part(struct arena *a, struct str part);

/* Runs do_it in the transaction that is open, or in one of its own. */
enum err store_within(struct task *t, enum err (*do_it)(struct task *t, const void *what), const void *what) must_use;

/* Every query of this folder, for tests. */
struct query_table {
	const char *name;
	const struct query *v;
	size_t n;
};
extern const struct query_table registrations_queries, plans_queries, accounts_queries, tickets_queries,
	mirrors_queries, sessions_queries, jobs_queries, audit_queries, grants_queries, oidc_rows_queries,
	signing_keys_queries, sweep_queries;
extern const struct query_table *const store_queries[];
extern const size_t store_queries_count;

#endif
