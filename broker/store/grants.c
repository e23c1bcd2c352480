#include "broker/store/query.h"

static const struct column columns[] = {
	KEY_COLUMN(grant, realm),
	KEY_COLUMN(grant, id),
	TEXT_COLUMN(grant, client),
	TEXT_COLUMN(grant, account_id),
	TEXT_COLUMN(grant, sid),
	TEXT_COLUMN(grant, scope),
	TEXT_COLUMN(grant, nonce),
	TEXT_COLUMN(grant, redirect_uri),
	TEXT_COLUMN(grant, challenge),
	TEXT_COLUMN(grant, code_hash),
	NUMBER_COLUMN(grant, code_expires_at),
	NUMBER_COLUMN(grant, code_used_at),
	NUMBER_COLUMN(grant, auth_time),
	NUMBER_COLUMN(grant, created_at),
	NUMBER_COLUMN(grant, expires_at),
	NUMBER_COLUMN(grant, revoked_at),
	TEXT_COLUMN(grant, amr),
};
static const struct record record = RECORD(grant, columns);

#define PARTY_PAGES 20 /* of ROWS_MAX grants, the newest first */
struct party_row {
	struct str id, client, sid;
};
static const struct column party_columns[] = {
	TEXT_COLUMN(party_row, id),
	TEXT_COLUMN(party_row, client),
	TEXT_COLUMN(party_row, sid),
};
static const struct record party_record = RECORD(party_row, party_columns);

static const struct column refresh_columns[] = {
	KEY_COLUMN(refresh, realm),
	KEY_COLUMN(refresh, hash),
	TEXT_COLUMN(refresh, grant_id),
	TEXT_COLUMN(refresh, client),
	NUMBER_COLUMN(refresh, created_at),
	NUMBER_COLUMN(refresh, expires_at),
	NUMBER_COLUMN(refresh, used_at),
};
static const struct record refresh_record = RECORD(refresh, refresh_columns);

enum {
	INSERT,
	FIND,
	USE_CODE,
	REVOKE,
	REVOKE_ACCOUNT,
	REVOKE_SID,
	LIST_SID,
	LIST_ACCOUNT,
	PARTIES_SID,
	PARTIES_ACCOUNT,
	REFRESH_INSERT,
	REFRESH_FIND,
	REFRESH_USE
};
static const struct query queries[] = {
	[INSERT] = {"INSERT INTO oidc_grant $insert", &record, WRITES},
	[FIND] = {"SELECT $columns FROM oidc_grant WHERE realm = ?1 AND id = ?2", &record, READS},
	[USE_CODE] = {"UPDATE oidc_grant SET code_used_at = ?3, expires_at = ?4 WHERE realm = ?1 AND id = ?2 AND "
		      "code_hash <> '' AND "
		      "code_used_at = 0 AND code_expires_at > ?3 AND revoked_at = 0 RETURNING $columns",
		&record, WRITES},
	[REVOKE] = {"UPDATE oidc_grant SET revoked_at = ?3 WHERE realm = ?1 AND id = ?2 AND revoked_at = 0", NULL,
		WRITES},
	[REVOKE_ACCOUNT] =
		{"UPDATE oidc_grant SET revoked_at = ?3 WHERE realm = ?1 AND account_id = ?2 AND revoked_at = 0", NULL,
			WRITES},
	[REVOKE_SID] = {"UPDATE oidc_grant SET revoked_at = ?3 WHERE realm = ?1 AND sid = ?2 AND sid <> '' AND "
			"revoked_at = 0 AND (code_used_at = 0 OR replace(' ' || scope || ' ', ' offline_access ', '') "
			"= ' ' || scope || ' ')",
		NULL, WRITES},
	[LIST_SID] = {"SELECT $columns FROM oidc_grant WHERE realm = ?1 AND sid = ?2 AND sid <> '' ORDER BY id DESC "
		      "LIMIT 1000",
		&record, READS},
	[LIST_ACCOUNT] =
		{"SELECT $columns FROM oidc_grant WHERE realm = ?1 AND account_id = ?2 ORDER BY id DESC LIMIT 1000",
			&record, READS},
	[PARTIES_SID] = {"SELECT $columns FROM oidc_grant WHERE realm = ?1 AND sid = ?2 AND sid <> '' AND id < ?3 AND "
			 "code_used_at > 0 ORDER BY id DESC LIMIT 1000",
		&party_record, READS},
	[PARTIES_ACCOUNT] = {"SELECT $columns FROM oidc_grant WHERE realm = ?1 AND account_id = ?2 AND id < ?3 AND "
			     "code_used_at > 0 AND revoked_at = 0 ORDER BY id DESC LIMIT 1000",
		&party_record, READS},
	[REFRESH_INSERT] = {"INSERT INTO refresh_token $insert", &refresh_record, WRITES},
	[REFRESH_FIND] = {"SELECT $columns FROM refresh_token WHERE realm = ?1 AND hash = ?2", &refresh_record, READS},
	[REFRESH_USE] = {"UPDATE refresh_token SET used_at = ?3 WHERE realm = ?1 AND hash = ?2 AND used_at = 0 AND "
			 "expires_at > ?3 "
			 "RETURNING $columns",
		&refresh_record, WRITES},
};
const struct query_table grants_queries = {"grants", queries, COUNT(queries)};

enum err grants_insert(struct task *t, const struct grant *g) {
	return record_insert(t, &queries[INSERT], g);
}

enum err grants_find(struct task *t, struct str id, struct grant **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND], ARGS(TEXT(t->realm_name), TEXT(id)), &row));
	*ret = row;
	return OK;
}

enum err grants_use_code(struct task *t, struct str id, int64_t now, int64_t expires_at, struct grant **ret) {
	void *row = NULL;
	struct grant *found = NULL;
	enum err e = query_one(
		t, &queries[USE_CODE], ARGS(TEXT(t->realm_name), TEXT(id), NUMBER(now), NUMBER(expires_at)), &row);
	if (e == OK)
		*ret = row;
	if (e != ERR_NOT_FOUND)
		return e;
	TRY(grants_find(t, id, &found));
	if (found->code_used_at == 0)
		return ERR_EXPIRED;
	*ret = found;
	return ERR_STALE;
}

enum err grants_revoke(struct task *t, struct str id, int64_t now) {
	return query_do(t, &queries[REVOKE], ARGS(TEXT(t->realm_name), TEXT(id), NUMBER(now)));
}

enum err grants_revoke_account(struct task *t, struct str account_id, int64_t now) {
	return query_do(t, &queries[REVOKE_ACCOUNT], ARGS(TEXT(t->realm_name), TEXT(account_id), NUMBER(now)));
}

enum err grants_revoke_sid(struct task *t, struct str sid, int64_t now) {
	return query_do(t, &queries[REVOKE_SID], ARGS(TEXT(t->realm_name), TEXT(sid), NUMBER(now)));
}

static enum err list(struct task *t, int query, struct str of, struct grant **ret, size_t *n) {
	struct rows rows;
	TRY(query_run(t, &queries[query], ARGS(TEXT(t->realm_name), TEXT(of)), &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}

enum err grants_list_sid(struct task *t, struct str sid, struct grant **ret, size_t *n) {
	return list(t, LIST_SID, sid, ret, n);
}

enum err grants_list_account(struct task *t, struct str account_id, struct grant **ret, size_t *n) {
	return list(t, LIST_ACCOUNT, account_id, ret, n);
}

struct parties {
	struct arena *arena; /* of the list: the pages' ends with each */
	int query;
	struct str of, before;
	struct party *v;
	size_t n, room;
	bool more;
};

static void party_add(struct parties *p, const struct party_row *row) {
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->v[i].client, row->client) && str_eq(p->v[i].sid, row->sid))
			return;
	if (p->n == ROWS_MAX)
		return;
	if (p->n == p->room) {
		size_t wider = p->room ? p->room * 2 : 4;
		p->v = arena_grow(p->arena, p->v, p->room * sizeof(*p->v), wider * sizeof(*p->v));
		p->room = wider;
	}
	p->v[p->n++] = (struct party){str_dup(p->arena, row->client), str_dup(p->arena, row->sid)};
}

static enum err parties_page(struct task *t, void *what) {
	struct parties *p = what;
	struct rows rows;
	TRY(query_run(t, &queries[p->query], ARGS(TEXT(t->realm_name), TEXT(p->of), TEXT(p->before)), &rows));
	const struct party_row *v = rows.v;
	for (size_t i = 0; i < rows.n; i++)
		party_add(p, &v[i]);
	if (rows.n)
		p->before = str_dup(p->arena, v[rows.n - 1].id);
	p->more = rows.n == ROWS_MAX;
	return OK;
}

/* Each once: a query with DISTINCT would sort, for there is no index that it could follow. */
static enum err parties(struct task *t, int query, struct str of, struct party **ret, size_t *ret_n) {
	struct parties p = {.arena = t->arena, .query = query, .of = of, .before = ID_LAST, .more = true};
	for (int page = 0; page < PARTY_PAGES && p.more; page++)
		TRY(task_apart(t, parties_page, &p));
	*ret = p.v;
	*ret_n = p.n;
	return OK;
}

enum err parties_list_sid(struct task *t, struct str sid, struct party **ret, size_t *n) {
	return parties(t, PARTIES_SID, sid, ret, n);
}

enum err parties_list_account(struct task *t, struct str account_id, struct party **ret, size_t *n) {
	return parties(t, PARTIES_ACCOUNT, account_id, ret, n);
}

enum err refresh_insert(struct task *t, const struct refresh *r) {
	return record_insert(t, &queries[REFRESH_INSERT], r);
}

enum err refresh_find(struct task *t, struct str hash, struct refresh **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[REFRESH_FIND], ARGS(TEXT(t->realm_name), TEXT(hash)), &row));
	*ret = row;
	return OK;
}

enum err refresh_use(struct task *t, struct str hash, int64_t now, struct refresh **ret) {
	void *row = NULL;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(hash), NUMBER(now));
	enum err e = query_one(t, &queries[REFRESH_USE], args, &row);
	if (e == ERR_NOT_FOUND) {
		args.n = 2;
		TRY(query_one(t, &queries[REFRESH_FIND], args, &row));
		if (((const struct refresh *)row)->used_at == 0)
			return ERR_EXPIRED;
		e = ERR_STALE;
	}
	if (e == OK || e == ERR_STALE)
		*ret = row;
	return e;
}
