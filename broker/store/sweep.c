#include "broker/store/query.h"

#define STEP   "500"
#define STEP_N 500
#define DAY_MS (24LL * 60 * 60 * 1000)

#define PAST(table, key, time)                                                                                         \
	"DELETE FROM " table " WHERE (realm, " key ") IN (SELECT realm, " key " FROM " table " WHERE " time            \
	" > 0 AND " time " <= ?1 ORDER BY " time " LIMIT " STEP ")"
static const struct query queries[] = {
	{PAST("ticket", "hash", "expires_at"), NULL, WRITES},
	{PAST("session", "id_hash", "expires_at"), NULL, WRITES},
	{PAST("refresh_token", "hash", "expires_at"), NULL, WRITES},
	{PAST("revoked_token", "jti", "expires_at"), NULL, WRITES},
	{PAST("oidc_grant", "id", "expires_at"), NULL, WRITES},
	{PAST("oidc_grant", "id", "revoked_at"), NULL, WRITES},
	{"DELETE FROM plan WHERE (realm, id) IN (SELECT realm, id FROM plan WHERE state = 'draft' AND created_at <= ?1 "
	 "ORDER BY created_at LIMIT " STEP ")",
		NULL, WRITES},
	{"DELETE FROM plan WHERE (realm, id) IN (SELECT realm, id FROM plan WHERE account_id <> '' AND state IN "
	 "('done', 'cancelled') AND updated_at <= ?1 ORDER BY updated_at LIMIT " STEP ")",
		NULL, WRITES},
};
const struct query_table sweep_queries = {"sweep", queries, COUNT(queries)};

/* How long a row outlives its time: a link that expired is still told so, a code or token of an ended grant is still
 * known as one used before, a draft of a plan waits a week for its order, and what became of a change is shown for a
 * year. */
static const int64_t kept_ms[COUNT(queries)] = {DAY_MS, 0, 0, 0, DAY_MS, DAY_MS, 7 * DAY_MS, 365 * DAY_MS};

enum err store_sweep(struct task *t, int64_t now, bool *ret_more) {
	bool more = false;
	for (size_t i = 0; i < COUNT(queries); i++) {
		int64_t changed = 0;
		TRY(query_change(t, &queries[i], ARGS(NUMBER(now - kept_ms[i])), &changed));
		more = more || changed >= STEP_N;
	}
	*ret_more = more;
	return OK;
}
