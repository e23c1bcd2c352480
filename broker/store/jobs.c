#include "base/clock.h"
#include "base/secret.h"
#include "broker/store/query.h"

#define NEVER "9223372036854775807"

static const char *const kinds[] = {[JOB_NOTICE] = "notice",
	[JOB_PLAN_APPLY] = "plan_apply",
	[JOB_LOGOUT] = "logout",
	[JOB_CHANGE_APPLY] = "change_apply",
	[JOB_PLAN_SETTLE] = "plan_settle"};
static const char *const states[] = {[JOB_QUEUED] = "queued", [JOB_RUNNING] = "running", [JOB_PARKED] = "parked"};
_Static_assert(COUNT(kinds) == JOB_KINDS, "each kind has a name");

static struct value next_at(struct task *t, const void *row) {
	(void)t;
	return NUMBER(((const struct job *)row)->due_at);
}

static const struct column columns[] = {
	KEY_COLUMN(job, id),
	KEY_COLUMN(job, realm),
	ENUM_COLUMN(job, kind, kinds),
	ENUM_COLUMN(job, state, states),
	TEXT_COLUMN(job, subject),
	TEXT_COLUMN(job, body),
	NUMBER_COLUMN(job, due_at),
	NUMBER_COLUMN(job, attempts),
	NUMBER_COLUMN(job, lease_until),
	NUMBER_COLUMN(job, created_at),
	TEXT_COLUMN(job, failure),
	DERIVED_COLUMN(next_at, next_at),
};
static const struct record record = RECORD(job, columns);

enum {
	INSERT,
	CLAIM,
	CLAIM_OTHERS,
	DONE,
	RETRY,
	PARK,
	REQUEUE,
	FIND_SUBJECT,
	LIST,
	LIST_STATE,
	COUNT_STATE,
	COUNT_ALL,
	NEXT_DUE,
	FREE
};
/* The condition stands twice: a database that lets two choose the same row lets only one of them change it. */
#define CLAIM_OF(which)                                                                                                \
	"UPDATE job SET state = 'running', lease_until = ?2, next_at = ?2, attempts = attempts + 1 WHERE id = "        \
	"(SELECT id FROM job WHERE next_at <= ?1" which " ORDER BY next_at LIMIT 1) AND next_at <= ?1 "                \
	"RETURNING $columns"
static const struct query queries[] = {
	[INSERT] = {"INSERT INTO job $insert", &record, WAKES},
	[CLAIM] = {CLAIM_OF(""), &record, WRITES},
	[CLAIM_OTHERS] = {CLAIM_OF(" AND kind <> 'logout'"), &record, WRITES}, /* as its index says it */
	[DONE] = {"DELETE FROM job WHERE id = ?1", NULL, WRITES},
	[RETRY] = {"UPDATE job SET state = 'queued', lease_until = 0, due_at = ?2, next_at = ?2, failure = ?3 WHERE id "
		   "= ?1",
		NULL, WRITES},
	[PARK] = {"UPDATE job SET state = 'parked', lease_until = 0, next_at = " NEVER ", failure = ?2 WHERE id = ?1",
		NULL, WRITES},
	[REQUEUE] = {"UPDATE job SET state = 'queued', lease_until = 0, due_at = ?3, next_at = ?3, attempts = 0 "
		     "WHERE realm = ?1 AND id = ?2 AND (state = 'parked' OR (state = 'queued' AND attempts > 0))",
		NULL, WAKES},
	[FIND_SUBJECT] =
		{"SELECT $columns FROM job WHERE realm = ?1 AND subject = ?2 AND kind = ?3 ORDER BY id DESC LIMIT 1",
			&record, READS},
	[LIST] = {"SELECT $columns FROM job WHERE realm = ?1 ORDER BY id DESC LIMIT 200", &record, READS},
	[LIST_STATE] = {"SELECT $columns FROM job WHERE realm = ?1 AND state = ?2 ORDER BY id DESC LIMIT 200", &record,
		READS},
	[COUNT_STATE] = {"SELECT count(*) FROM job WHERE state = ?1", &number_record, READS},
	[COUNT_ALL] = {"SELECT count(*) FROM job WHERE state IN ('queued', 'running', 'parked')", &number_record,
		READS},
	[NEXT_DUE] = {"SELECT coalesce(min(next_at), " NEVER ") FROM job WHERE next_at >= 0", &number_record, READS},
	[FREE] = {"UPDATE job SET state = 'queued', lease_until = 0, next_at = due_at WHERE state = 'running'", NULL,
		WRITES},
};
const struct query_table jobs_queries = {"jobs", queries, COUNT(queries)};

enum err jobs_insert(
	struct task *t, enum job_kind kind, struct str subject, struct str body, int64_t due_at, struct str *ret_id) {
	int64_t now = clock_wall_ms();
	struct job job = {
		.id = random_id(t->arena),
		.realm = t->realm_name,
		.kind = kind,
		.state = JOB_QUEUED,
		.subject = subject,
		.body = body,
		.due_at = due_at > 0 ? due_at : now,
		.created_at = now,
	};
	TRY(record_insert(t, &queries[INSERT], &job));
	if (ret_id)
		*ret_id = job.id;
	return OK;
}

enum err jobs_claim(struct task *t, int64_t now, int64_t lease_until, bool logouts_too, struct job **ret) {
	void *row = NULL;
	const struct query *q = &queries[logouts_too ? CLAIM : CLAIM_OTHERS];
	TRY(query_one(t, q, ARGS(NUMBER(now), NUMBER(lease_until)), &row));
	*ret = row;
	return OK;
}

enum err jobs_done(struct task *t, struct str id) {
	return query_do(t, &queries[DONE], ARGS(TEXT(id)));
}

enum err jobs_retry(struct task *t, struct str id, int64_t due_at, struct str failure) {
	return query_must(t, &queries[RETRY], ARGS(TEXT(id), NUMBER(due_at), TEXT(failure)), ERR_NOT_FOUND);
}

enum err jobs_park(struct task *t, struct str id, struct str failure) {
	return query_must(t, &queries[PARK], ARGS(TEXT(id), TEXT(failure)), ERR_NOT_FOUND);
}

enum err jobs_requeue(struct task *t, struct str id) {
	struct args args = ARGS(TEXT(t->realm_name), TEXT(id), NUMBER(clock_wall_ms()));
	return query_must(t, &queries[REQUEUE], args, ERR_NOT_FOUND);
}

enum err jobs_find_subject(struct task *t, enum job_kind kind, struct str subject, struct job **ret) {
	void *row = NULL;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(subject), TEXT(enum_name(kinds, COUNT(kinds), (int)kind)));
	TRY(query_one(t, &queries[FIND_SUBJECT], args, &row));
	*ret = row;
	return OK;
}

enum err jobs_list(struct task *t, int state, struct job **ret, size_t *n) {
	struct rows rows;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(enum_name(states, COUNT(states), state)));
	if (state < 0)
		args.n = 1;
	TRY(query_run(t, &queries[state < 0 ? LIST : LIST_STATE], args, &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}

enum err jobs_count(struct task *t, int state, int64_t *ret) {
	if (state < 0)
		return query_number(t, &queries[COUNT_ALL], NO_ARGS, ret);
	return query_number(t, &queries[COUNT_STATE], ARGS(TEXT(enum_name(states, COUNT(states), state))), ret);
}

enum err jobs_next_due(struct task *t, int64_t *ret) {
	return query_number(t, &queries[NEXT_DUE], NO_ARGS, ret);
}

enum err jobs_free(struct task *t) {
	return query_do(t, &queries[FREE], NO_ARGS);
}
