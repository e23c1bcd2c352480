#include "broker/store/query.h"

static const struct column columns[] = {
	KEY_COLUMN(session, realm),
	KEY_COLUMN(session, id_hash),
	TEXT_COLUMN(session, sid),
	TEXT_COLUMN(session, account_id),
	TEXT_COLUMN(session, amr),
	NUMBER_COLUMN(session, created_at),
	NUMBER_COLUMN(session, auth_time),
	NUMBER_COLUMN(session, seen_at),
	NUMBER_COLUMN(session, expires_at),
	TEXT_COLUMN(session, address),
	TEXT_COLUMN(session, agent),
};
static const struct record record = RECORD(session, columns);

enum { INSERT, FIND, FIND_SID, TOUCH, REMOVE, REMOVE_ACCOUNT, LIST, BEYOND };
static const struct query queries[] = {
	[INSERT] = {"INSERT INTO session $insert", &record, WRITES},
	[FIND] = {"SELECT $columns FROM session WHERE realm = ?1 AND id_hash = ?2", &record, READS},
	[FIND_SID] = {"SELECT $columns FROM session WHERE realm = ?1 AND sid = ?2", &record, READS},
	[TOUCH] = {"UPDATE session SET seen_at = ?3 WHERE realm = ?1 AND id_hash = ?2", NULL, WRITES},
	[REMOVE] = {"DELETE FROM session WHERE realm = ?1 AND id_hash = ?2", NULL, WRITES},
	[REMOVE_ACCOUNT] = {"DELETE FROM session WHERE realm = ?1 AND account_id = ?2 AND id_hash <> ?3", NULL, WRITES},
	[LIST] =
		{"SELECT $columns FROM session WHERE realm = ?1 AND account_id = ?2 ORDER BY created_at DESC LIMIT 200",
			&record, READS},
	[BEYOND] = {"SELECT $columns FROM session WHERE realm = ?1 AND account_id = ?2 ORDER BY created_at DESC "
		    "LIMIT 1 OFFSET ?3",
		&record, READS},
};
const struct query_table sessions_queries = {"sessions", queries, COUNT(queries)};

enum err sessions_insert(struct task *t, const struct session *s) {
	return record_insert(t, &queries[INSERT], s);
}

enum err sessions_find(struct task *t, struct str id_hash, struct session **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND], ARGS(TEXT(t->realm_name), TEXT(id_hash)), &row));
	*ret = row;
	return OK;
}

enum err sessions_find_sid(struct task *t, struct str sid, struct session **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND_SID], ARGS(TEXT(t->realm_name), TEXT(sid)), &row));
	*ret = row;
	return OK;
}

enum err sessions_touch(struct task *t, struct str id_hash, int64_t seen_at) {
	struct args args = ARGS(TEXT(t->realm_name), TEXT(id_hash), NUMBER(seen_at));
	return query_must(t, &queries[TOUCH], args, ERR_NOT_FOUND);
}

enum err sessions_remove(struct task *t, struct str id_hash) {
	return query_do(t, &queries[REMOVE], ARGS(TEXT(t->realm_name), TEXT(id_hash)));
}

enum err sessions_remove_account(struct task *t, struct str account_id, struct str except_id_hash) {
	return query_do(t, &queries[REMOVE_ACCOUNT], ARGS(TEXT(t->realm_name), TEXT(account_id), TEXT(except_id_hash)));
}

enum err sessions_list(struct task *t, struct str account_id, struct session **ret, size_t *n) {
	struct rows rows;
	TRY(query_run(t, &queries[LIST], ARGS(TEXT(t->realm_name), TEXT(account_id)), &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}

enum err sessions_find_beyond(struct task *t, struct str account_id, size_t most, struct session **ret) {
	void *row = NULL;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(account_id), NUMBER((int64_t)most));
	TRY(query_one(t, &queries[BEYOND], args, &row));
	*ret = row;
	return OK;
}
