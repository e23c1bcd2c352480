#include "broker/store/query.h"

static const char *const states[] = {[KEY_NEXT] = "next", [KEY_ACTIVE] = "active", [KEY_RETIRED] = "retired"};

static const struct column columns[] = {
	KEY_COLUMN(signing_key, realm),
	KEY_COLUMN(signing_key, kid),
	TEXT_COLUMN(signing_key, alg),
	ENUM_COLUMN(signing_key, state, states),
	TEXT_COLUMN(signing_key, public_jwk),
	BYTES_COLUMN(signing_key, sealed),
	NUMBER_COLUMN(signing_key, created_at),
	NUMBER_COLUMN(signing_key, retired_at),
};
static const struct record record = RECORD(signing_key, columns);

enum { INSERT, LIST, UPDATE, REMOVE };
static const struct query queries[] = {
	[INSERT] = {"INSERT INTO signing_key $insert", &record, WRITES},
	[LIST] = {"SELECT $columns FROM signing_key WHERE realm = ?1 ORDER BY created_at, kid LIMIT 200", &record,
		READS},
	[UPDATE] = {"UPDATE signing_key SET $set WHERE realm = :realm AND kid = :kid", &record, WRITES},
	[REMOVE] = {"DELETE FROM signing_key WHERE realm = ?1 AND kid = ?2", NULL, WRITES},
};
const struct query_table signing_keys_queries = {"signing_keys", queries, COUNT(queries)};

enum err signing_keys_insert(struct task *t, const struct signing_key *k) {
	return record_insert(t, &queries[INSERT], k);
}

enum err signing_keys_list(struct task *t, struct signing_key **ret, size_t *n) {
	struct rows rows;
	TRY(query_run(t, &queries[LIST], ARGS(TEXT(t->realm_name)), &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}

enum err signing_keys_update(struct task *t, const struct signing_key *k) {
	int64_t changed = 0;
	TRY(record_write(t, &queries[UPDATE], k, NO_ARGS, &changed));
	return changed ? OK : ERR_NOT_FOUND;
}

enum err signing_keys_remove(struct task *t, struct str kid) {
	return query_do(t, &queries[REMOVE], ARGS(TEXT(t->realm_name), TEXT(kid)));
}
