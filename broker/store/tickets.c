#include "base/clock.h"
#include "broker/store/query.h"

static const struct column columns[] = {
	KEY_COLUMN(ticket, realm),
	KEY_COLUMN(ticket, hash),
	TEXT_COLUMN(ticket, purpose),
	TEXT_COLUMN(ticket, subject),
	TEXT_COLUMN(ticket, bound),
	NUMBER_COLUMN(ticket, created_at),
	NUMBER_COLUMN(ticket, expires_at),
	NUMBER_COLUMN(ticket, lease_until),
	NUMBER_COLUMN(ticket, used_at),
};
static const struct record record = RECORD(ticket, columns);

enum { INSERT, FIND, LEASE, RELEASE, USE, VOID, FREE };
static const struct query queries[] = {
	[INSERT] = {"INSERT INTO ticket $insert ON CONFLICT (realm, hash) DO NOTHING", &record, WRITES},
	[FIND] = {"SELECT $columns FROM ticket WHERE realm = ?1 AND hash = ?2", &record, READS},
	[LEASE] = {"UPDATE ticket SET lease_until = ?4 "
		   "WHERE realm = ?1 AND hash = ?2 AND used_at = 0 AND expires_at > ?3 AND lease_until <= ?3",
		NULL, WRITES},
	[RELEASE] = {"UPDATE ticket SET lease_until = 0 WHERE realm = ?1 AND hash = ?2", NULL, WRITES},
	[USE] = {"UPDATE ticket SET used_at = ?3 WHERE realm = ?1 AND hash = ?2 AND used_at = 0 AND expires_at > ?3",
		NULL, WRITES},
	[VOID] = {"UPDATE ticket SET used_at = ?4 WHERE realm = ?1 AND subject = ?2 AND purpose = ?3 AND used_at = 0",
		NULL, WRITES},
	[FREE] = {"UPDATE ticket SET lease_until = 0 WHERE expires_at > ?1 AND lease_until > 0", NULL, WRITES},
};
const struct query_table tickets_queries = {"tickets", queries, COUNT(queries)};

enum err tickets_insert(struct task *t, const struct ticket *k) {
	int64_t changed = 0;
	return record_write(t, &queries[INSERT], k, NO_ARGS, &changed);
}

enum err tickets_find(struct task *t, struct str hash, struct ticket **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND], ARGS(TEXT(t->realm_name), TEXT(hash)), &row));
	*ret = row;
	return OK;
}

enum err tickets_lease(struct task *t, struct str hash, int64_t now, int64_t until) {
	struct args args = ARGS(TEXT(t->realm_name), TEXT(hash), NUMBER(now), NUMBER(until));
	return query_must(t, &queries[LEASE], args, ERR_EXPIRED);
}

enum err tickets_release(struct task *t, struct str hash) {
	return query_do(t, &queries[RELEASE], ARGS(TEXT(t->realm_name), TEXT(hash)));
}

enum err tickets_use(struct task *t, struct str hash, int64_t now) {
	return query_must(t, &queries[USE], ARGS(TEXT(t->realm_name), TEXT(hash), NUMBER(now)), ERR_EXPIRED);
}

enum err tickets_void(struct task *t, struct str purpose, struct str subject) {
	struct args args = ARGS(TEXT(t->realm_name), TEXT(subject), TEXT(purpose), NUMBER(clock_wall_ms()));
	return query_do(t, &queries[VOID], args);
}

enum err tickets_free(struct task *t, int64_t now) {
	return query_do(t, &queries[FREE], ARGS(NUMBER(now)));
}
