#include "broker/store/query.h"

#define LIST_MAX 200u

static struct value login_key(struct task *t, const void *row) {
	return TEXT(str_lower(t->arena, ((const struct account *)row)->login));
}

static struct value search(struct task *t, const void *row) {
	const struct account *a = row;
	struct str parts[] = {a->login, a->mail, a->sub};
	return TEXT(str_lower(t->arena, str_join(t->arena, (struct strs){parts, COUNT(parts)}, STR("\n"))));
}

static const struct column columns[] = {
	KEY_COLUMN(account, realm),
	KEY_COLUMN(account, id),
	TEXT_COLUMN(account, directory),
	TEXT_COLUMN(account, stable_id),
	TEXT_COLUMN(account, sub),
	TEXT_COLUMN(account, dn),
	TEXT_COLUMN(account, login),
	TEXT_COLUMN(account, mail),
	TEXT_COLUMN(account, marker),
	NUMBER_COLUMN(account, created_at),
	NUMBER_COLUMN(account, last_login_at),
	NUMBER_COLUMN(account, expires_at),
	DERIVED_COLUMN(login_key, login_key),
	DERIVED_COLUMN(search, search),
};
static const struct record record = RECORD(account, columns);

enum { INSERT, FIND, FIND_STABLE, FIND_SUB, UPDATE, LOGGED_IN, LIST, DUE };
static const struct query queries[] = {
	[INSERT] = {"INSERT INTO account $insert ON CONFLICT DO NOTHING", &record, WRITES},
	[FIND] = {"SELECT $columns FROM account WHERE realm = ?1 AND id = ?2", &record, READS},
	[FIND_STABLE] = {"SELECT $columns FROM account WHERE realm = ?1 AND directory = ?2 AND stable_id = ?3", &record,
		READS},
	[FIND_SUB] = {"SELECT $columns FROM account WHERE realm = ?1 AND sub = ?2", &record, READS},
	[UPDATE] = {"UPDATE account SET $set WHERE realm = :realm AND id = :id", &record, WRITES},
	[LOGGED_IN] = {"UPDATE account SET last_login_at = ?3 WHERE realm = ?1 AND id = ?2", NULL, WRITES},
	[LIST] = {"SELECT $columns FROM account WHERE realm = ?1 AND id > ?2 AND search LIKE ?3 ESCAPE '!' ORDER BY id "
		  "LIMIT ?4",
		&record, READS},
	[DUE] = {"SELECT $columns FROM account WHERE expires_at > 0 AND expires_at <= ?1 ORDER BY expires_at LIMIT 100",
		&record, READS},
};
const struct query_table accounts_queries = {"accounts", queries, COUNT(queries)};

enum err accounts_insert(struct task *t, const struct account *a) {
	return record_insert(t, &queries[INSERT], a);
}

enum err accounts_find(struct task *t, struct str id, struct account **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND], ARGS(TEXT(t->realm_name), TEXT(id)), &row));
	*ret = row;
	return OK;
}

enum err accounts_find_stable(struct task *t, struct str directory, struct str stable_id, struct account **ret) {
	void *row = NULL;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(directory), TEXT(stable_id));
	TRY(query_one(t, &queries[FIND_STABLE], args, &row));
	*ret = row;
	return OK;
}

enum err accounts_find_sub(struct task *t, struct str sub, struct account **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND_SUB], ARGS(TEXT(t->realm_name), TEXT(sub)), &row));
	*ret = row;
	return OK;
}

enum err accounts_update(struct task *t, const struct account *a) {
	int64_t changed = 0;
	TRY(record_write(t, &queries[UPDATE], a, NO_ARGS, &changed));
	return changed ? OK : ERR_NOT_FOUND;
}

enum err accounts_logged_in(struct task *t, struct str id, int64_t at) {
	return query_must(t, &queries[LOGGED_IN], ARGS(TEXT(t->realm_name), TEXT(id), NUMBER(at)), ERR_NOT_FOUND);
}

enum err accounts_list(
	struct task *t, struct str search_for, struct str after, unsigned limit, struct account **ret, size_t *n) {
	struct rows rows;
	unsigned rows_most = limit < 1 ? 1 : limit > LIST_MAX ? LIST_MAX : limit;
	struct args args =
		ARGS(TEXT(t->realm_name), TEXT(after), TEXT(like_part(t->arena, search_for)), NUMBER(rows_most));
	TRY(query_run(t, &queries[LIST], args, &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}

enum err accounts_due(struct task *t, int64_t now, struct account **ret, size_t *n) {
	struct rows rows;
	TRY(query_run(t, &queries[DUE], ARGS(NUMBER(now)), &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}
