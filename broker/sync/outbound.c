/* A plan carried out and recorded. One loop: look, act and record, one step after the other. */
#include "base/clock.h"
#include "broker/login/login.h"
#include "broker/sync/sync_private.h"

#define TRIES_PER_STEP (2 * LIMIT_CANDIDATES + 4) /* every candidate may be taken; the controller is told before */
#define SETTLE_MOST    32                         /* things done in one go */

struct run {
	const struct directory_config *directory;
	struct plan *plan;
	struct plan_row *row;
	struct plan_progress progress;
};

static enum err run_load(struct task *t, struct str plan_id, struct run *run) {
	TRY(plans_find(t, plan_id, &run->row));
	TRY(plan_parse(t, run->row->body, &run->plan));
	run->directory = realm_directory(t->realm, run->row->directory);
	if (!run->directory)
		return task_fail(t, ERR_CONFIG, "directory %.*s is no longer configured", FMT(run->row->directory));
	run->progress = (struct plan_progress){
		.candidate = (size_t)run->row->candidate,
		.step = (size_t)run->row->step,
		.dn = run->row->dn,
		.stable_id = run->row->stable_id,
		.controller = run->row->controller,
		.begun_at = run->row->begun_at,
		.twin = run->row->twin,
	};
	return OK;
}

static enum err run_record(struct task *t, struct run *run, size_t step, const struct report *report) {
	struct plan_step_row record = {
		.plan_id = run->row->id,
		.realm = t->realm_name,
		.step = (int64_t)step,
		.title = plan_step_title(t->arena, run->plan, step),
		.controller = report->controller,
		.diagnostic = report->diagnostic,
		.result = report->result,
		.ms = report->ms,
		.at = clock_wall_ms(),
	};
	TRY(plan_steps_insert(t, &record));
	run->row->candidate = (int64_t)run->progress.candidate;
	run->row->step = (int64_t)run->progress.step;
	run->row->dn = run->progress.dn;
	run->row->stable_id = run->progress.stable_id;
	run->row->controller = run->progress.controller;
	run->row->begun_at = run->progress.begun_at;
	run->row->twin = run->progress.twin;
	run->row->updated_at = clock_wall_ms();
	return plans_update(t, run->row);
}

/* The record is kept whether the step succeeded or not; the step's own result is what the caller gets. */
static enum err run_step(struct task *t, struct run *run) {
	struct report report = {.result = -1};
	size_t step = run->progress.step;
	TRY(store_settle(t));
	enum err acted = plan_step_run(t, run->directory, run->plan, &run->progress, &report);
	struct str detail = t->failure_detail;
	if (acted && str_empty(report.diagnostic))
		report.diagnostic = detail;
	TRY(store_begin(t));
	TRY(store_end(t, run_record(t, run, step, &report)));
	return acted;
}

/* What was looked for and not found is no record; what could not be looked at is told by the job. */
static enum err run_settle(struct task *t, struct run *run, bool *ret_again) {
	struct report report;
	size_t step = run->progress.step;
	TRY(store_settle(t));
	enum err acted = plan_settle(t, run->directory, run->plan, &run->progress, &report);
	if (acted == ERR_UNAVAILABLE || acted == ERR_TIMEOUT)
		return acted;
	if (acted && str_empty(report.diagnostic))
		report.diagnostic = t->failure_detail;
	*ret_again = report.result >= 0;
	if (!acted && !*ret_again)
		return OK;
	TRY(store_begin(t));
	TRY(store_end(t, run_record(t, run, step, &report)));
	return acted;
}

/* The day on which an account ends, where the plan says that Usher keeps it. */
static enum err keep_end(struct task *t, const struct run *run) {
	struct account *a = NULL;
	for (size_t i = 0; i < run->plan->n_updates; i++) {
		const struct update_step *s = &run->plan->updates[i];
		if (s->kind != UPDATE_KEEP)
			continue;
		TRY(accounts_find(t, run->row->account_id, &a));
		a->expires_at = s->attributes[0].values.n ? directory_time_ms(s->attributes[0].values.v[0]) : 0;
		return accounts_update(t, a);
	}
	return OK;
}

static enum err finish_write(struct task *t, struct run *run, enum plan_state state, struct str why) {
	run->row->state = state;
	run->row->failure = why;
	run->row->updated_at = clock_wall_ms();
	if (state == PLAN_DONE)
		TRY(keep_end(t, run));
	return plans_update(t, run->row);
}

/* What was done before stays as it was then: another plan may have changed the day since. */
static enum err run_finish(struct task *t, struct run *run, enum plan_state state, struct str why) {
	if (state == PLAN_DONE && run->row->state == PLAN_DONE)
		return OK;
	TRY(store_begin(t));
	return store_end(t, finish_write(t, run, state, why));
}

static bool heals(enum err e) {
	return err_row(e)->retry;
}

bool outbound_near(struct task *t, const struct directory_config *d, const struct plan_row *row) {
	if (str_empty(row->controller) || clock_wall_ms() - row->updated_at >= d->replication_lag * 1000)
		return false;
	directory_pin(t, d, row->controller);
	return true;
}

enum err outbound_settle(struct task *t, struct str plan_id, struct plan_row **ret, struct plan **ret_plan) {
	struct run run = {0};
	TRY(run_load(t, plan_id, &run));
	size_t steps = plan_steps(run.plan);
	bool again = true;
	for (size_t tries = 0; again && run.progress.step == steps && tries < SETTLE_MOST; tries++)
		TRY(run_settle(t, &run, &again));
	if (again && run.progress.step == steps)
		return task_fail(t, ERR_UNAVAILABLE, "more was found than is repaired in one go");
	*ret = run.row;
	*ret_plan = run.plan;
	return OK;
}

enum err outbound_run(struct task *t, struct str plan_id, struct plan_row **ret, struct plan **ret_plan) {
	struct run run = {0};
	TRY(run_load(t, plan_id, &run));
	size_t steps = plan_steps(run.plan);
	enum err e = OK;
	for (size_t tries = 0; !e && run.progress.step < steps && tries < steps + TRIES_PER_STEP; tries++)
		e = run_step(t, &run);
	if (!e && run.progress.step < steps)
		e = task_fail(t, ERR_EXISTS, "every login name of the plan is taken");
	if (e && heals(e))
		return e;
	struct str why = e ? str_dup(t->arena, t->failure_detail) : STR("");
	TRY(run_finish(t, &run, e ? PLAN_PARKED : PLAN_DONE, why));
	if (e)
		return e;
	*ret = run.row;
	*ret_plan = run.plan;
	return OK;
}

/* Where no feed is followed there is no mirror to compare with. */
static enum err follow_unmirrored(struct task *t, const struct account *a, const struct entry *e) {
	if (e)
		TRY(account_follow(t, a, e));
	if ((e && e->enabled) || !a->last_login_at)
		return OK;
	return login_end_account(t, a->id, e ? "disabled" : "gone");
}

enum err outbound_follow(struct task *t, const struct account *a, const struct entry *e, int64_t read_at) {
	const struct directory_config *d = realm_directory(t->realm, a->directory);
	if (!d || d->feed == FEED_OFF)
		return follow_unmirrored(t, a, e);
	struct inbound in = {.directory = d, .controller = STR("plan"), .now = read_at, .looked = true};
	return inbound_person(t, &in, a, e);
}
