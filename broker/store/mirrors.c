/* What the directory told last of each linked account, and where each feed stands. */
#include "broker/store/query.h"

#define LIST_MAX   500u
#define LIST_MAX_S "500"

static const char *const states[] = {"live", "disabled", "expired", "gone"};
static const char *const feed_states[] = {"starting", "following", "failing", "stopped", "accepted"};

const char *mirror_state_name(enum mirror_state s) {
	return (size_t)s < COUNT(states) ? states[s] : "";
}

const char *feed_state_name(enum feed_state s) {
	return (size_t)s < COUNT(feed_states) ? feed_states[s] : "";
}

static const struct column columns[] = {
	KEY_COLUMN(mirror, realm),
	KEY_COLUMN(mirror, account_id),
	TEXT_COLUMN(mirror, directory),
	TEXT_COLUMN(mirror, stable_id),
	ENUM_COLUMN(mirror, state, states),
	NUMBER_COLUMN(mirror, locked),
	NUMBER_COLUMN(mirror, expires_at),
	TEXT_COLUMN(mirror, password_stamp),
	TEXT_COLUMN(mirror, dn),
	TEXT_COLUMN(mirror, login),
	TEXT_COLUMN(mirror, mail),
	TEXT_COLUMN(mirror, attributes),
	TEXT_COLUMN(mirror, groups),
	NUMBER_COLUMN(mirror, read_at),
	NUMBER_COLUMN(mirror, groups_at),
	NUMBER_COLUMN(mirror, seen_at),
};
static const struct record record = RECORD(mirror, columns);

/* Without what is long: hundreds of them fit into a task. */
static const struct column brief_columns[] = {
	KEY_COLUMN(mirror, realm),
	KEY_COLUMN(mirror, account_id),
	TEXT_COLUMN(mirror, directory),
	TEXT_COLUMN(mirror, stable_id),
	ENUM_COLUMN(mirror, state, states),
	NUMBER_COLUMN(mirror, expires_at),
	TEXT_COLUMN(mirror, dn),
	TEXT_COLUMN(mirror, login),
	NUMBER_COLUMN(mirror, read_at),
	NUMBER_COLUMN(mirror, groups_at),
	NUMBER_COLUMN(mirror, seen_at),
};
static const struct record brief = RECORD(mirror, brief_columns);

static const struct column feed_columns[] = {
	KEY_COLUMN(feed_row, realm),
	KEY_COLUMN(feed_row, directory),
	TEXT_COLUMN(feed_row, kind),
	BYTES_COLUMN(feed_row, cookie),
	TEXT_COLUMN(feed_row, controller),
	TEXT_COLUMN(feed_row, detail),
	ENUM_COLUMN(feed_row, state, feed_states),
	NUMBER_COLUMN(feed_row, heard_at),
	NUMBER_COLUMN(feed_row, told_at),
	NUMBER_COLUMN(feed_row, groups_at),
	NUMBER_COLUMN(feed_row, pass_at),
	NUMBER_COLUMN(feed_row, reconciled_at),
};
static const struct record feed_record = RECORD(feed_row, feed_columns);

/* A look that began before the one that is kept brings nothing. */
#define LATER(at, name)                                                                                                \
	name " = CASE WHEN excluded." at " >= mirror." at " THEN excluded." name " ELSE mirror." name " END"
#define LATER_ENTRY(name)  LATER("read_at", name)
#define LATER_GROUPS(name) LATER("groups_at", name)
/* clang-format off */
#define WHAT_IS_LATER \
	LATER_ENTRY("state") ", " LATER_ENTRY("locked") ", " LATER_ENTRY("expires_at") ", " \
	LATER_ENTRY("password_stamp") ", " LATER_ENTRY("dn") ", " LATER_ENTRY("login") ", " LATER_ENTRY("mail") ", " \
	LATER_ENTRY("attributes") ", " LATER_ENTRY("read_at") ", " LATER_GROUPS("groups") ", " \
	LATER_GROUPS("groups_at") ", " LATER("seen_at", "seen_at")
/* clang-format on */

enum {
	PUT,
	FIND,
	FIND_STABLE,
	SEEN,
	GROUPS,
	STAMP,
	STATE,
	REMOVE,
	UNSEEN,
	COUNT_UNSEEN,
	COUNT_ALL,
	DUE,
	LIST,
	FEED_PUT,
	FEED_FIND,
	FEED_LIST
};
static const struct query queries[] = {
	[PUT] = {"INSERT INTO mirror $insert ON CONFLICT (realm, account_id) DO UPDATE SET " WHAT_IS_LATER, &record,
		WRITES},
	[FIND] = {"SELECT $columns FROM mirror WHERE realm = ?1 AND account_id = ?2", &record, READS},
	[FIND_STABLE] = {"SELECT $columns FROM mirror WHERE realm = ?1 AND directory = ?2 AND stable_id = ?3", &record,
		READS},
	[SEEN] = {"UPDATE mirror SET seen_at = ?4 WHERE realm = ?1 AND directory = ?2 AND stable_id = "
		  "?3 AND seen_at < ?4",
		NULL, WRITES},
	[REMOVE] = {"DELETE FROM mirror WHERE realm = ?1 AND account_id = ?2", NULL, WRITES},
	[GROUPS] = {"UPDATE mirror SET groups = ?3, groups_at = ?4 WHERE realm = ?1 AND account_id = ?2 AND "
		    "groups_at <= ?4",
		NULL, WRITES},
	[STAMP] = {"UPDATE mirror SET password_stamp = ?4 WHERE realm = ?1 AND directory = ?2 AND "
		   "stable_id = ?3",
		NULL, WRITES},
	[STATE] = {"UPDATE mirror SET state = ?3, read_at = CASE WHEN read_at < ?4 THEN ?4 ELSE read_at END, "
		   "attributes = CASE WHEN ?3 = 'gone' THEN '' ELSE attributes END, "
		   "groups = CASE WHEN ?3 = 'gone' THEN '' ELSE groups END "
		   "WHERE realm = ?1 AND account_id = ?2",
		NULL, WRITES},
	[UNSEEN] = {"SELECT $columns FROM mirror WHERE realm = ?1 AND directory = ?2 AND seen_at < ?3 "
		    "AND state <> 'gone' ORDER BY seen_at LIMIT " LIST_MAX_S,
		&brief, READS},
	[COUNT_UNSEEN] = {"SELECT count(*) FROM mirror WHERE realm = ?1 AND directory = ?2 AND seen_at < ?3 AND "
			  "state <> 'gone'",
		&number_record, READS},
	[COUNT_ALL] = {"SELECT count(*) FROM mirror WHERE realm = ?1 AND directory = ?2 AND state <> 'gone'",
		&number_record, READS},
	[DUE] = {"SELECT $columns FROM mirror WHERE expires_at > 0 AND expires_at <= ?1 AND state = 'live' "
		 "ORDER BY expires_at LIMIT 100",
		&brief, READS},
	[LIST] = {"SELECT $columns FROM mirror WHERE realm = ?1 AND directory = ?2 AND account_id > ?3 "
		  "ORDER BY account_id LIMIT ?4",
		&brief, READS},
	[FEED_PUT] = {"INSERT INTO feed $insert ON CONFLICT (realm, directory) DO UPDATE SET $set", &feed_record,
		WRITES},
	[FEED_FIND] = {"SELECT $columns FROM feed WHERE realm = ?1 AND directory = ?2", &feed_record, READS},
	[FEED_LIST] = {"SELECT $columns FROM feed WHERE realm = ?1 ORDER BY directory LIMIT 200", &feed_record, READS},
};
const struct query_table mirrors_queries = {"mirrors", queries, COUNT(queries)};

enum err mirrors_put(struct task *t, const struct mirror *m) {
	int64_t changed = 0;
	return record_write(t, &queries[PUT], m, NO_ARGS, &changed);
}

enum err mirrors_find(struct task *t, struct str account_id, struct mirror **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND], ARGS(TEXT(t->realm_name), TEXT(account_id)), &row));
	*ret = row;
	return OK;
}

enum err mirrors_find_stable(struct task *t, struct str directory, struct str stable_id, struct mirror **ret) {
	void *row = NULL;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(directory), TEXT(stable_id));
	TRY(query_one(t, &queries[FIND_STABLE], args, &row));
	*ret = row;
	return OK;
}

enum err mirrors_seen(struct task *t, struct str directory, struct str stable_id, int64_t at) {
	struct args args = ARGS(TEXT(t->realm_name), TEXT(directory), TEXT(stable_id), NUMBER(at));
	return query_do(t, &queries[SEEN], args);
}

enum err mirrors_groups(struct task *t, struct str account_id, struct str groups, int64_t groups_at) {
	struct args args = ARGS(TEXT(t->realm_name), TEXT(account_id), TEXT(groups), NUMBER(groups_at));
	return query_do(t, &queries[GROUPS], args);
}

enum err mirrors_state(struct task *t, struct str account_id, enum mirror_state state, int64_t at) {
	struct args args =
		ARGS(TEXT(t->realm_name), TEXT(account_id), TEXT(str_of(mirror_state_name(state))), NUMBER(at));
	return query_do(t, &queries[STATE], args);
}

enum err mirrors_remove(struct task *t, struct str account_id) {
	return query_do(t, &queries[REMOVE], ARGS(TEXT(t->realm_name), TEXT(account_id)));
}

enum err mirrors_stamp(struct task *t, struct str directory, struct str stable_id, struct str stamp) {
	struct args args = ARGS(TEXT(t->realm_name), TEXT(directory), TEXT(stable_id), TEXT(stamp));
	return query_do(t, &queries[STAMP], args);
}

static enum err list(struct task *t, int which, struct args args, struct mirror **ret, size_t *n) {
	struct rows rows;
	TRY(query_run(t, &queries[which], args, &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}

enum err mirrors_unseen(struct task *t, struct str directory, int64_t at, struct mirror **ret, size_t *n) {
	return list(t, UNSEEN, ARGS(TEXT(t->realm_name), TEXT(directory), NUMBER(at)), ret, n);
}

enum err mirrors_count(
	struct task *t, struct str directory, int64_t unseen_since, int64_t *ret_unseen, int64_t *ret_all) {
	int64_t unseen = 0;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(directory), NUMBER(unseen_since));
	TRY(query_number(t, &queries[COUNT_UNSEEN], args, &unseen));
	TRY(query_number(t, &queries[COUNT_ALL], ARGS(TEXT(t->realm_name), TEXT(directory)), ret_all));
	*ret_unseen = unseen;
	return OK;
}

enum err mirrors_due(struct task *t, int64_t now, struct mirror **ret, size_t *n) {
	return list(t, DUE, ARGS(NUMBER(now)), ret, n);
}

enum err mirrors_list(
	struct task *t, struct str directory, struct str after, unsigned limit, struct mirror **ret, size_t *n) {
	unsigned most = limit < 1 ? 1 : limit > LIST_MAX ? LIST_MAX : limit;
	return list(t, LIST, ARGS(TEXT(t->realm_name), TEXT(directory), TEXT(after), NUMBER(most)), ret, n);
}

/* ---- feeds ---- */

enum err feeds_put(struct task *t, const struct feed_row *f) {
	int64_t changed = 0;
	return record_write(t, &queries[FEED_PUT], f, NO_ARGS, &changed);
}

enum err feeds_find(struct task *t, struct str directory, struct feed_row **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FEED_FIND], ARGS(TEXT(t->realm_name), TEXT(directory)), &row));
	*ret = row;
	return OK;
}

enum err feeds_list(struct task *t, struct feed_row **ret, size_t *n) {
	struct rows rows;
	TRY(query_run(t, &queries[FEED_LIST], ARGS(TEXT(t->realm_name)), &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}
