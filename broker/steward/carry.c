/* What the runner calls: a plan carried out, with what follows from it here; and what falls due. */
#include "base/clock.h"
#include "broker/steward/steward_private.h"

/* ---- a plan ---- */

static bool changes_groups(const struct plan *p) {
	for (size_t i = 0; i < p->n_updates; i++)
		if (p->updates[i].kind == UPDATE_JOIN || p->updates[i].kind == UPDATE_LEAVE)
			return true;
	return false;
}

/* The job ends in the transaction that records its end, so that after a crash nothing is recorded twice. */
static enum err job_end(struct task *t, struct str plan_id) {
	struct job *job = NULL;
	enum err e = jobs_find_subject(t, JOB_CHANGE_APPLY, plan_id, &job);
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		return OK;
	}
	return e ? e : jobs_done(t, job->id);
}

static enum err follow(struct task *t, const struct plan_row *row, const struct entry *e, int64_t read_at) {
	struct account *a = NULL;
	TRY(accounts_find(t, row->account_id, &a));
	if (row->state == PLAN_DONE)
		TRY(job_end(t, row->id));
	TRY(outbound_follow(t, a, e, read_at));
	return audit_record(t, row->state == PLAN_DONE ? "change.done" : "change.parked", a->id, AUDIT("plan", row->id),
		AUDIT("why", row->failure));
}

static enum err consequences(struct task *t, const struct plan_row *row, const struct plan *plan) {
	const struct directory_config *d = realm_directory(t->realm, row->directory);
	struct entry *e = NULL;
	int64_t read_at = clock_wall_ms();
	if (!d)
		return task_fail(t, ERR_CONFIG, "directory %.*s is no longer configured", FMT(row->directory));
	bool near = outbound_near(t, d, row);
	enum err code = directory_find_id(t, d, row->stable_id, &e);
	if (near)
		directory_pin(t, d, STR_NONE);
	if (code == ERR_NOT_FOUND)
		task_clear(t);
	else
		TRY(code);
	if (changes_groups(plan))
		mirror_groups_changed(t->realm_name, d, read_at);
	TRY(store_begin(t));
	return store_end(t, follow(t, row, code ? NULL : e, read_at));
}

/* What is done of it counts: somebody who was disabled is out, whatever stands in the way of the rest. */
static enum err parked(struct task *t, struct str plan_id, enum err why) {
	struct plan_row *row = NULL;
	struct plan *plan = NULL;
	struct str detail = t->failure_detail;
	TRY(plans_find(t, plan_id, &row));
	if (row->state == PLAN_PARKED && row->step > 0 && plan_parse(t, row->body, &plan) == OK)
		err_ignore(consequences(t, row, plan), "the feed tells it too, and the next try does");
	task_clear(t);
	return task_fail(t, why, "%.*s", FMT(detail));
}

enum err steward_run(struct task *t, struct str plan_id) {
	struct plan_row *row = NULL;
	struct plan *plan = NULL;
	TRY(plans_find(t, plan_id, &row));
	if (row->state == PLAN_CANCELLED || row->state == PLAN_DRAFT)
		return OK;
	enum err e = outbound_run(t, plan_id, &row, &plan);
	return e ? parked(t, plan_id, e) : consequences(t, row, plan);
}

/* ---- accounts that end by date ---- */

/* What disables an entry of which nothing is known: the step itself looks again. */
static enum err due_plan(struct task *t, const struct directory_config *d, const struct account *a, struct plan **ret) {
	const struct entry e = {.dn = a->dn, .stable_id = a->stable_id, .login = a->login, .enabled = true};
	const struct groups none = {0};
	struct update_input in = {.directory = d, .entry = &e, .groups = &none, .enabled = WISH_DISABLE};
	return update_build(t, &in, ret);
}

static enum err due_order(struct task *t, struct account *due) {
	const struct directory_config *d = t->realm ? realm_directory(t->realm, due->directory) : NULL;
	struct account *a = NULL;
	struct plan *plan = NULL;
	struct str id;
	TRY(accounts_find(t, due->id, &a));
	if (!a->expires_at || a->expires_at > clock_wall_ms())
		return OK;                                  /* changed meanwhile */
	a->expires_at = d ? 0 : clock_wall_ms() + 86400000; /* should it be configured again */
	TRY(accounts_update(t, a));
	if (!d)
		return OK;
	TRY(due_plan(t, d, a, &plan));
	TRY(order_insert(t, a, plan, PLAN_QUEUED, &id));
	return audit_record(t, "account.due", a->id, AUDIT("plan", id));
}

static enum err due_one(struct task *t, void *what) {
	struct account *due = what;
	t->realm_name = due->realm;
	t->realm = config_realm(t->config, due->realm);
	TRY(store_begin(t));
	return store_end(t, due_order(t, due));
}

enum err steward_due(struct task *t) {
	struct account *due = NULL;
	size_t n = 0;
	const struct realm *realm = t->realm;
	struct str realm_name = t->realm_name;
	enum err e = accounts_due(t, clock_wall_ms(), &due, &n);
	for (size_t i = 0; e != ERR_UNAVAILABLE && i < n; i++) {
		enum err one = task_apart(t, due_one, &due[i]);
		e = one ? one : e; /* the others are not to wait for it */
	}
	t->realm = realm;
	t->realm_name = realm_name;
	return e;
}
