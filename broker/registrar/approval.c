/* The approver's side: who may, what will be done, and the decision. */
#include "base/clock.h"
#include "broker/registrar/registrar_private.h"
#include "federation/roles/roles.h"

/* ---- who ---- */

enum err approval_actor(struct task *t, const struct account *a, struct approver *ret) {
	struct person person;
	struct approver who = {0};
	TRY(login_person(t, a, &person));
	who.is_operator =
		!str_empty(t->realm->operators) && roles_in_group(t->arena, &person.groups, t->realm->operators);
	for (size_t i = 0; i < t->realm->n_profiles; i++) {
		const struct profile_config *p = &t->realm->profiles[i];
		bool approves = !str_empty(p->approvers) && roles_in_group(t->arena, &person.groups, p->approvers);
		if (who.is_operator || approves)
			strs_add(t->arena, &who.profiles, p->id);
	}
	if (!who.is_operator && !who.profiles.n)
		return task_fail(t, ERR_DENIED, "neither an approver of a profile nor an operator");
	*ret = who;
	return OK;
}

static enum err approval_find(struct task *t, const struct approver *who, struct str id, struct registration **ret,
	const struct profile_config **ret_profile) {
	struct registration *r = NULL;
	TRY(registrations_find(t, id, &r));
	if (!strs_has(who->profiles, r->profile))
		return task_fail(t, ERR_NOT_FOUND, "a registration of a profile that this approver does not approve");
	TRY(registration_profile(t, r, ret_profile));
	*ret = r;
	return OK;
}

/* ---- what ---- */

static bool dn_listed(struct arena *a, struct strs list, struct str dn) {
	for (size_t i = 0; i < list.n; i++)
		if (dn_equal(a, list.v[i], dn))
			return true;
	return false;
}

static bool choice_allowed(struct arena *a, const struct profile_config *p, struct str base, struct strs groups) {
	if (!str_empty(base) && !dn_equal(a, base, p->base) && !dn_listed(a, p->bases_allowed, base))
		return false;
	for (size_t i = 0; i < groups.n; i++)
		if (!dn_listed(a, p->groups, groups.v[i]) && !dn_listed(a, p->groups_allowed, groups.v[i]))
			return false;
	return true;
}

/* The plan as it would be now; a directory that cannot be asked gives a reason instead. */
static enum err preview_plan(struct task *t, struct approval *view) {
	enum err e = registration_plan(t, view->registration, view->profile, view->base, view->groups, &view->plan);
	if (e) {
		view->failure = str_dup(t->arena, t->failure_detail);
		view->plan = NULL;
		task_clear(t);
		return OK;
	}
	view->digest = plan_digest(t->arena, view->plan);
	view->ldif = plan_ldif(t->arena, view->plan, realm_directory(t->realm, view->profile->directory), 0);
	return OK;
}

static enum err preview_decided(struct task *t, struct approval *view) {
	if (str_empty(view->registration->plan_id))
		return OK;
	TRY(plans_find(t, view->registration->plan_id, &view->running));
	TRY(plan_parse(t, view->running->body, &view->plan));
	const struct directory_config *d = realm_directory(t->realm, view->running->directory);
	if (d)
		view->ldif = plan_ldif(t->arena, view->plan, d, (size_t)view->running->candidate);
	view->digest = view->running->digest;
	return plan_steps_list(t, view->running->id, &view->steps, &view->n_steps);
}

enum err approval_preview(struct task *t, const struct approver *who, struct str id, struct str base,
	const struct strs *groups, struct approval **ret) {
	struct approval *view = arena_new_of(t->arena, struct approval);
	TRY(approval_find(t, who, id, &view->registration, &view->profile));
	struct registration *r = view->registration;
	struct audit_filter history = {.subject = r->id, .limit = 100};
	view->base = !str_empty(base) ? base : !str_empty(r->base) ? r->base : view->profile->base;
	view->groups = groups ? *groups : registration_groups(t, r, view->profile);
	if (r->state == REGISTRATION_PENDING && !choice_allowed(t->arena, view->profile, view->base, view->groups))
		return task_fail(t, ERR_DENIED, "a base or group outside the profile's allow-list");
	TRY(audit_list(t, &history, &view->history, &view->n_history));
	TRY(r->state == REGISTRATION_PENDING ? preview_plan(t, view) : preview_decided(t, view));
	*ret = view;
	return OK;
}

/* ---- the decision ---- */

static bool own_request(struct task *t, const struct registration *r, const struct account *actor) {
	struct str key = STR(""), domain;
	if (str_empty(actor->mail) || mail_address_key(t, actor->mail, &key, &domain)) {
		task_clear(t);
		return false;
	}
	return str_eq(key, r->mail_key);
}

static enum err decide_reject(struct task *t, struct registration *r, const struct decision *d) {
	r->reason = d->reason;
	TRY(registration_transition(t, r, EVENT_REJECT, d->reason));
	return notice_queue(t, "rejected", r->id, 0);
}

static enum err decide_approve(
	struct task *t, struct registration *r, const struct decision *d, const struct plan *plan) {
	r->reason = d->reason;
	r->base = d->base;
	r->groups = strs_json(t->arena, d->groups);
	TRY(plan_queue(t, r, plan));
	TRY(registration_transition(t, r, EVENT_APPROVE, d->reason));
	return jobs_insert(t, JOB_PLAN_APPLY, r->id, STR("{}"), 0, NULL);
}

static enum err decide_check(struct task *t, const struct registration *r, const struct profile_config *p,
	const struct account *actor, const struct decision *d) {
	if (r->version != d->version || r->state != REGISTRATION_PENDING)
		return task_fail(t, ERR_STALE, "registration %.*s was changed or decided meanwhile", FMT(r->id));
	if (own_request(t, r, actor))
		return task_fail(t, ERR_DENIED, "nobody decides on their own request");
	if (!d->approve && str_empty(str_trim(d->reason)))
		return task_fail(t, ERR_FIELDS, "a rejection needs a reason");
	if (!choice_allowed(t->arena, p, d->base, d->groups))
		return task_fail(t, ERR_DENIED, "a base or group outside the profile's allow-list");
	return OK;
}

/* What the approver saw is what is done: a plan that would differ by now is not carried out. */
static enum err decide_plan(struct task *t, const struct registration *r, const struct profile_config *p,
	const struct decision *d, struct plan **ret) {
	TRY(registration_plan(t, r, p, str_empty(d->base) ? p->base : d->base, d->groups, ret));
	if (!str_eq_secret(plan_digest(t->arena, *ret), d->digest))
		return task_fail(t, ERR_STALE, "the plan would differ by now from the one that was shown");
	return OK;
}

enum err approval_decide(
	struct task *t, const struct approver *who, const struct account *actor, const struct decision *d) {
	struct registration *r = NULL;
	const struct profile_config *p = NULL;
	struct plan *plan = NULL;
	TRY(approval_find(t, who, d->id, &r, &p));
	TRY(decide_check(t, r, p, actor, d));
	if (d->approve)
		TRY(decide_plan(t, r, p, d, &plan));
	r->decided_by = str_printf(t->arena, "%.*s", FMT(actor->login));
	r->decided_at = clock_wall_ms();
	TRY(store_begin(t));
	return store_end(t, d->approve ? decide_approve(t, r, d, plan) : decide_reject(t, r, d));
}

static enum err retry_parked(struct task *t, struct registration *r) {
	struct plan_row *plan = NULL;
	struct job *job = NULL;
	enum err e = jobs_find_subject(t, JOB_PLAN_APPLY, r->id, &job);
	if (e == ERR_NOT_FOUND)
		TRY(jobs_insert(t, JOB_PLAN_APPLY, r->id, STR("{}"), 0, NULL));
	else if (e)
		return e;
	else if (job->state == JOB_RUNNING || (job->state == JOB_QUEUED && !job->attempts))
		return OK; /* on its way already */
	else
		TRY(jobs_requeue(t, job->id));
	task_clear(t);
	if (!str_empty(r->plan_id)) {
		TRY(plans_find(t, r->plan_id, &plan));
		plan->state = PLAN_QUEUED;
		plan->failure = STR("");
		plan->updated_at = clock_wall_ms();
		TRY(plans_update(t, plan));
	}
	return audit_record(t, "plan.retry", r->id, AUDIT("plan", r->plan_id));
}

enum err approval_retry(struct task *t, const struct approver *who, struct str id) {
	struct registration *r = NULL;
	const struct profile_config *p = NULL;
	TRY(approval_find(t, who, id, &r, &p));
	if (r->state != REGISTRATION_APPROVED)
		return task_fail(t, ERR_STALE, "registration %.*s is not waiting for its plan", FMT(r->id));
	TRY(store_begin(t));
	return store_end(t, retry_parked(t, r));
}

static enum err cancel_plan(struct task *t, struct registration *r) {
	struct plan_row *plan = NULL;
	if (str_empty(r->plan_id))
		return OK;
	TRY(plans_find(t, r->plan_id, &plan));
	if (plan->state == PLAN_DONE)
		return task_fail(t, ERR_STALE, "the entry %.*s is made already", FMT(plan->dn));
	plan->state = PLAN_CANCELLED;
	plan->updated_at = clock_wall_ms();
	TRY(plans_update(t, plan));
	return audit_record(t, "plan.cancel", r->id, AUDIT("plan", plan->id));
}

static enum err cancel_approved(struct task *t, struct registration *r) {
	struct job *job = NULL;
	enum err e = jobs_find_subject(t, JOB_PLAN_APPLY, r->id, &job);
	if (e && e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	if (!e && job->state == JOB_RUNNING)
		return task_fail(t, ERR_STALE, "the plan is being carried out right now");
	if (!e)
		TRY(jobs_done(t, job->id));
	TRY(cancel_plan(t, r));
	r->plan_id = STR("");
	r->decided_by = STR("");
	r->decided_at = 0;
	if (str_empty(r->approval_why))
		r->approval_why = STR("its plan was cancelled");
	return registration_transition(t, r, EVENT_CANCEL, STR(""));
}

/* What is in the directory counts: a request whose answer was lost may have made the entry, though no step says so, and
 * somebody may have deleted it since. It would be an orphan, with our marker, and of a registration that may yet be
 * rejected. */
static enum err none_made(struct task *t, const struct registration *r) {
	struct plan_step_row *steps = NULL;
	struct plan_row *plan = NULL;
	struct entry *made = NULL;
	size_t n = 0;
	if (str_empty(r->plan_id))
		return OK;
	TRY(plans_find(t, r->plan_id, &plan));
	TRY(plan_steps_list(t, r->plan_id, &steps, &n));
	const struct directory_config *d = realm_directory(t->realm, plan->directory);
	if (!n || !d)
		return OK;
	bool near = outbound_near(t, d, plan);
	enum err e = directory_find_marker(t, d, r->id, &made);
	if (near)
		directory_pin(t, d, STR_NONE);
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		return OK;
	}
	return e && e != ERR_EXISTS
		       ? e
		       : task_fail(t, ERR_STALE, "the entry %.*s is made already: delete it in the directory first",
				 FMT(e ? plan->dn : made->dn));
}

enum err approval_cancel(struct task *t, const struct approver *who, struct str id) {
	struct registration *r = NULL;
	const struct profile_config *p = NULL;
	TRY(approval_find(t, who, id, &r, &p));
	if (r->state != REGISTRATION_APPROVED)
		return task_fail(t, ERR_STALE, "registration %.*s is not waiting for its plan", FMT(r->id));
	TRY(none_made(t, r));
	TRY(store_begin(t));
	return store_end(t, cancel_approved(t, r));
}

static enum err resend_activation(struct task *t, const struct registration *r) {
	TRY(notice_queue(t, "activate", r->id, 0));
	return audit_record(t, "registration.resend", r->id, AUDIT("login", r->login));
}

enum err approval_resend(struct task *t, const struct approver *who, struct str id) {
	struct registration *r = NULL;
	const struct profile_config *p = NULL;
	TRY(approval_find(t, who, id, &r, &p));
	if (r->state != REGISTRATION_PROVISIONED)
		return task_fail(t, ERR_STALE, "registration %.*s is not waiting for a password", FMT(r->id));
	TRY(throttle_take_for(t, THROTTLE_RESEND, r->mail_key, p->resend_after));
	TRY(store_begin(t));
	return store_end(t, resend_activation(t, r));
}
