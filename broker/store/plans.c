#include "broker/store/query.h"

static const char *const states[] = {
	[PLAN_QUEUED] = "queued",
	[PLAN_RUNNING] = "running",
	[PLAN_DONE] = "done",
	[PLAN_PARKED] = "parked",
	[PLAN_CANCELLED] = "cancelled",
	[PLAN_DRAFT] = "draft",
};
_Static_assert(COUNT(states) == PLAN_STATES, "each state has a name");

static const struct column columns[] = {
	KEY_COLUMN(plan_row, realm),
	KEY_COLUMN(plan_row, id),
	TEXT_COLUMN(plan_row, registration_id),
	TEXT_COLUMN(plan_row, account_id),
	TEXT_COLUMN(plan_row, directory),
	TEXT_COLUMN(plan_row, body),
	TEXT_COLUMN(plan_row, digest),
	ENUM_COLUMN(plan_row, state, states),
	NUMBER_COLUMN(plan_row, candidate),
	NUMBER_COLUMN(plan_row, step),
	TEXT_COLUMN(plan_row, dn),
	TEXT_COLUMN(plan_row, stable_id),
	TEXT_COLUMN(plan_row, controller),
	NUMBER_COLUMN(plan_row, begun_at),
	TEXT_COLUMN(plan_row, twin),
	TEXT_COLUMN(plan_row, failure),
	NUMBER_COLUMN(plan_row, created_at),
	NUMBER_COLUMN(plan_row, updated_at),
};
static const struct record record = RECORD(plan_row, columns);

static const struct column step_columns[] = {
	KEY_COLUMN(plan_step_row, realm),
	KEY_COLUMN(plan_step_row, plan_id),
	NUMBER_COLUMN(plan_step_row, seq),
	NUMBER_COLUMN(plan_step_row, step),
	TEXT_COLUMN(plan_step_row, title),
	TEXT_COLUMN(plan_step_row, controller),
	TEXT_COLUMN(plan_step_row, diagnostic),
	NUMBER_COLUMN(plan_step_row, result),
	NUMBER_COLUMN(plan_step_row, ms),
	NUMBER_COLUMN(plan_step_row, at),
};
static const struct record step_record = RECORD(plan_step_row, step_columns);

enum { INSERT, FIND, UPDATE, LIST, LIST_STATE, LIST_ACCOUNT, STEP_LAST, STEP_INSERT, STEP_LIST };
static const struct query queries[] = {
	[INSERT] = {"INSERT INTO plan $insert", &record, WRITES},
	[FIND] = {"SELECT $columns FROM plan WHERE realm = ?1 AND id = ?2", &record, READS},
	[UPDATE] = {"UPDATE plan SET $set WHERE realm = :realm AND id = :id", &record, WRITES},
	[LIST] = {"SELECT $columns FROM plan WHERE realm = ?1 ORDER BY id DESC LIMIT 200", &record, READS},
	[LIST_STATE] = {"SELECT $columns FROM plan WHERE realm = ?1 AND state = ?2 ORDER BY id DESC LIMIT 200", &record,
		READS},
	[LIST_ACCOUNT] = {"SELECT $columns FROM plan WHERE realm = ?1 AND account_id = ?2 AND account_id <> '' "
			  "AND state <> 'draft' ORDER BY id DESC LIMIT 50",
		&record, READS},
	[STEP_LAST] = {"SELECT coalesce(max(seq), 0) FROM plan_step WHERE realm = ?1 AND plan_id = ?2", &number_record,
		READS},
	[STEP_INSERT] = {"INSERT INTO plan_step $insert", &step_record, WRITES},
	/* The newest, should one plan be tried that often; read back in order. */
	[STEP_LIST] = {"SELECT $columns FROM (SELECT * FROM plan_step WHERE realm = ?1 AND plan_id = ?2 ORDER BY seq "
		       "DESC LIMIT 500) AS "
		       "newest ORDER BY seq",
		&step_record, READS},
};
const struct query_table plans_queries = {"plans", queries, COUNT(queries)};

const char *plan_state_name(enum plan_state s) {
	return s >= 0 && s < PLAN_STATES ? states[s] : "";
}

enum err plans_insert(struct task *t, const struct plan_row *p) {
	return record_insert(t, &queries[INSERT], p);
}

enum err plans_find(struct task *t, struct str id, struct plan_row **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND], ARGS(TEXT(t->realm_name), TEXT(id)), &row));
	*ret = row;
	return OK;
}

enum err plans_update(struct task *t, const struct plan_row *p) {
	int64_t changed = 0;
	TRY(record_write(t, &queries[UPDATE], p, NO_ARGS, &changed));
	return changed ? OK : ERR_NOT_FOUND;
}

static enum err insert_step(struct task *t, const void *what) {
	struct plan_step_row step = *(const struct plan_step_row *)what;
	int64_t last = 0;
	TRY(query_number(t, &queries[STEP_LAST], ARGS(TEXT(t->realm_name), TEXT(step.plan_id)), &last));
	step.seq = last + 1;
	return record_insert(t, &queries[STEP_INSERT], &step);
}

enum err plan_steps_insert(struct task *t, const struct plan_step_row *s) {
	return store_within(t, insert_step, s);
}

enum err plan_steps_list(struct task *t, struct str plan_id, struct plan_step_row **ret, size_t *n) {
	struct rows rows;
	TRY(query_run(t, &queries[STEP_LIST], ARGS(TEXT(t->realm_name), TEXT(plan_id)), &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}

enum err plans_list(struct task *t, int state, struct plan_row **ret, size_t *n) {
	struct rows rows;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(enum_name(states, COUNT(states), state)));
	if (state < 0)
		args.n = 1;
	TRY(query_run(t, &queries[state < 0 ? LIST : LIST_STATE], args, &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}

enum err plans_list_account(struct task *t, struct str account_id, struct plan_row **ret, size_t *n) {
	struct rows rows;
	TRY(query_run(t, &queries[LIST_ACCOUNT], ARGS(TEXT(t->realm_name), TEXT(account_id)), &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}
