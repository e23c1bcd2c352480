/* The order: a plan and its job, tried again, cancelled. */
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "broker/steward/steward_private.h"
#include "federation/roles/roles.h"

#define AWAIT_STEP_MS 20

/* ---- rows ---- */

struct str plan_titles(struct arena *a, const struct plan *p) {
	struct strs list = {NULL, 0};
	for (size_t i = 0; i < plan_steps(p) && i < 20; i++)
		strs_add(a, &list, plan_step_title(a, p, i));
	if (plan_steps(p) > list.n)
		strs_add(a, &list, STR("…"));
	return str_join(a, list, STR(", "));
}

static enum err queue(struct task *t, struct str account_id, struct str plan_id, struct str steps) {
	TRY(jobs_insert(t, JOB_CHANGE_APPLY, plan_id, STR("{}"), 0, NULL));
	return audit_record(t, "change.order", account_id, AUDIT("plan", plan_id), AUDIT("steps", steps));
}

enum err order_insert(
	struct task *t, const struct account *a, const struct plan *plan, enum plan_state state, struct str *ret_id) {
	int64_t now = clock_wall_ms();
	struct plan_row row = {
		.id = random_id(t->arena),
		.realm = t->realm_name,
		.account_id = a->id,
		.directory = plan->directory,
		.body = plan_json(t->arena, plan),
		.digest = plan_digest(t->arena, plan),
		.state = state,
		.dn = plan->dn,
		.stable_id = plan->stable_id,
		.created_at = now,
		.updated_at = now,
	};
	TRY(plans_insert(t, &row));
	if (state == PLAN_QUEUED)
		TRY(queue(t, a->id, row.id, plan_titles(t->arena, plan)));
	*ret_id = row.id;
	return OK;
}

/* Two plans at once, each for what was seen before the other, would stand in each other's way. */
static enum err none_open(struct task *t, struct str account_id) {
	struct plan_row *rows = NULL;
	size_t n = 0;
	TRY(plans_list_account(t, account_id, &rows, &n));
	for (size_t i = 0; i < n; i++)
		if (rows[i].state == PLAN_QUEUED || rows[i].state == PLAN_RUNNING || rows[i].state == PLAN_PARKED)
			return task_fail(t, ERR_STALE,
				"plan %.*s of this person is under way or parked: try it again, or cancel it, first",
				FMT(rows[i].id));
	return OK;
}

/* ---- the order ---- */

static enum err actor_check(struct task *t, const struct account *actor) {
	struct person person;
	if (!actor)
		return OK;
	TRY(login_person(t, actor, &person));
	if (str_empty(t->realm->operators) || !roles_in_group(t->arena, &person.groups, t->realm->operators))
		return task_fail(t, ERR_DENIED, "not an operator");
	return OK;
}

static enum err order_check(
	struct task *t, const struct steward_person *p, const struct order *o, struct wish_problem *problem) {
	bool ends = o->wishes.remove || o->wishes.enabled == WISH_DISABLE;
	if (ends && o->actor && str_eq(o->actor->id, p->account->id))
		return wish_fail(t, problem, o->wishes.remove ? STR("confirm") : STR("enabled"), "change.self");
	if (o->wishes.remove && !str_eq(str_trim(o->confirm), p->entry->login))
		return wish_fail(t, problem, STR("confirm"), "change.confirm");
	return OK;
}

static enum err order_write(
	struct task *t, const struct account *a, const struct plan *plan, enum plan_state state, struct str *ret_id) {
	TRY(none_open(t, a->id));
	return order_insert(t, a, plan, state, ret_id);
}

enum err steward_order(struct task *t, struct str account_id, const struct order *o, struct wish_problem *problem,
	struct str *ret_plan_id) {
	struct steward_person *p = NULL;
	struct proposal proposal;
	TRY(actor_check(t, o->actor));
	TRY(steward_look(t, account_id, &p));
	TRY(steward_preview(t, p, &o->wishes, problem, &proposal));
	TRY(order_check(t, p, o, problem));
	if (!str_eq_secret(proposal.digest, o->digest))
		return task_fail(t, ERR_STALE, "the plan would differ by now from the one that was shown");
	TRY(store_begin(t));
	return store_end(t, order_write(t, p->account, proposal.plan, PLAN_QUEUED, ret_plan_id));
}

enum err steward_draft(
	struct task *t, const struct steward_person *p, const struct proposal *proposal, struct str *ret_plan_id) {
	TRY(store_begin(t));
	return store_end(t, order_insert(t, p->account, proposal->plan, PLAN_DRAFT, ret_plan_id));
}

/* ---- once more, or not at all ---- */

static enum err job_of(struct task *t, struct str plan_id, struct job **ret) {
	*ret = NULL;
	enum err e = jobs_find_subject(t, JOB_CHANGE_APPLY, plan_id, ret);
	if (e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	return OK;
}

static enum err plan_find(struct task *t, struct str plan_id, struct plan_row **ret) {
	TRY(plans_find(t, plan_id, ret));
	return str_empty((*ret)->account_id) ? task_fail(t, ERR_NOT_FOUND, "plan %.*s changes nobody", FMT(plan_id))
					     : OK;
}

static enum err plan_move(struct task *t, struct plan_row *row, enum plan_state state) {
	row->state = state;
	row->failure = STR("");
	row->updated_at = clock_wall_ms();
	return plans_update(t, row);
}

static bool deletes(const struct plan *p) {
	return p->n_updates && p->updates[p->n_updates - 1].kind == UPDATE_DELETE;
}

static enum err draft_order(struct task *t, struct plan_row *row, struct str confirm) {
	struct plan *plan = NULL;
	struct account *a = NULL;
	TRY(plan_parse(t, row->body, &plan));
	TRY(accounts_find(t, row->account_id, &a));
	if (deletes(plan) && !str_eq(confirm, a->login))
		return task_fail(t, ERR_INVALID, "a deletion is confirmed by the login name");
	TRY(none_open(t, row->account_id));
	TRY(plan_move(t, row, PLAN_QUEUED));
	return queue(t, row->account_id, row->id, plan_titles(t->arena, plan));
}

static enum err requeue(struct task *t, struct plan_row *row) {
	struct job *job = NULL;
	TRY(job_of(t, row->id, &job));
	if (job && (job->state == JOB_RUNNING || (job->state == JOB_QUEUED && !job->attempts)))
		return OK; /* on its way already */
	if (job)
		TRY(jobs_requeue(t, job->id));
	else
		TRY(jobs_insert(t, JOB_CHANGE_APPLY, row->id, STR("{}"), 0, NULL));
	TRY(plan_move(t, row, PLAN_QUEUED));
	return audit_record(t, "change.retry", row->account_id, AUDIT("plan", row->id));
}

static enum err apply(struct task *t, struct str plan_id, struct str confirm) {
	struct plan_row *row = NULL;
	TRY(plan_find(t, plan_id, &row));
	if (row->state == PLAN_DRAFT)
		return draft_order(t, row, confirm);
	if (row->state == PLAN_DONE || row->state == PLAN_CANCELLED)
		return task_fail(t, ERR_STALE, "plan %.*s is %s", FMT(plan_id), plan_state_name(row->state));
	return requeue(t, row);
}

enum err steward_apply(struct task *t, struct str plan_id, struct str confirm) {
	TRY(store_begin(t));
	return store_end(t, apply(t, plan_id, confirm));
}

static enum err cancel(struct task *t, struct str plan_id) {
	struct plan_row *row = NULL;
	struct job *job = NULL;
	TRY(plan_find(t, plan_id, &row));
	if (row->state == PLAN_DONE || row->state == PLAN_CANCELLED)
		return task_fail(t, ERR_STALE, "plan %.*s is %s", FMT(plan_id), plan_state_name(row->state));
	TRY(job_of(t, plan_id, &job));
	if (job && job->state == JOB_RUNNING)
		return task_fail(t, ERR_STALE, "plan %.*s is being carried out right now", FMT(plan_id));
	if (job)
		TRY(jobs_done(t, job->id));
	TRY(plan_move(t, row, PLAN_CANCELLED));
	return audit_record(t, "change.cancel", row->account_id, AUDIT("plan", plan_id));
}

enum err steward_cancel(struct task *t, struct str plan_id) {
	TRY(store_begin(t));
	return store_end(t, cancel(t, plan_id));
}

enum err steward_await(struct task *t, struct str plan_id, int64_t ms) {
	int64_t end = clock_monotonic_ms() + ms;
	struct plan_row *row = NULL;
	do {
		TRY(plans_find(t, plan_id, &row));
		if (row->state != PLAN_QUEUED && row->state != PLAN_RUNNING)
			return OK;
		usleep(AWAIT_STEP_MS * 1000);
	} while (clock_monotonic_ms() < end && task_left_ms(t) > 500);
	return OK;
}
