#include "broker/store/query.h"

struct scope_row {
	struct str scope;
};
static const struct column scope_columns[] = {TEXT_COLUMN(scope_row, scope)};
static const struct record scope_record = RECORD(scope_row, scope_columns);

enum { REVOKED_INSERT, REVOKED_HAS, CONSENT_PUT, CONSENT_FIND };
static const struct query queries[] = {
	[REVOKED_INSERT] = {"INSERT INTO revoked_token (realm, jti, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT "
			    "(realm, jti) DO NOTHING",
		NULL, WRITES},
	[REVOKED_HAS] = {"SELECT count(*) FROM revoked_token WHERE realm = ?1 AND jti = ?2", &number_record, READS},
	[CONSENT_PUT] =
		{"INSERT INTO consent (realm, account_id, client, scope, at) VALUES (?1, ?2, ?3, ?4, ?5) "
		 "ON CONFLICT (realm, account_id, client) DO UPDATE SET scope = excluded.scope, at = excluded.at",
			NULL, WRITES},
	[CONSENT_FIND] = {"SELECT $columns FROM consent WHERE realm = ?1 AND account_id = ?2 AND client = ?3",
		&scope_record, READS},
};
const struct query_table oidc_rows_queries = {"oidc_rows", queries, COUNT(queries)};

enum err revoked_tokens_insert(struct task *t, struct str jti, int64_t expires_at) {
	return query_do(t, &queries[REVOKED_INSERT], ARGS(TEXT(t->realm_name), TEXT(jti), NUMBER(expires_at)));
}

enum err revoked_tokens_has(struct task *t, struct str jti, bool *ret) {
	int64_t count = 0;
	TRY(query_number(t, &queries[REVOKED_HAS], ARGS(TEXT(t->realm_name), TEXT(jti)), &count));
	*ret = count > 0;
	return OK;
}

enum err consents_put(struct task *t, struct str account_id, struct str client, struct str scope, int64_t now) {
	struct args args = ARGS(TEXT(t->realm_name), TEXT(account_id), TEXT(client), TEXT(scope), NUMBER(now));
	return query_do(t, &queries[CONSENT_PUT], args);
}

enum err consents_find(struct task *t, struct str account_id, struct str client, struct str *ret_scope) {
	void *row = NULL;
	TRY(query_one(t, &queries[CONSENT_FIND], ARGS(TEXT(t->realm_name), TEXT(account_id), TEXT(client)), &row));
	*ret_scope = ((const struct scope_row *)row)->scope;
	return OK;
}
