/* What the runner calls: provisioning, and what falls due. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/registrar/registrar_private.h"

#define BROWSER_WAITS_MS         6000   /* a little more than the page behind the link waits */
#define ACTIVATE_NOTICE_AFTER_MS 120000 /* where the person is on the way in the browser, the mail waits */
#define SUB_BYTES                18

/* ---- provisioning ---- */

static enum err plan_make(struct task *t, struct registration *r, const struct profile_config *p) {
	struct plan *plan = NULL;
	TRY(registration_plan(t, r, p, r->base, registration_groups(t, r, p), &plan));
	TRY(store_begin(t));
	enum err e = plan_queue(t, r, plan);
	return store_end(t, e ? e : registrations_update(t, r));
}

/* Where the directory does not keep the date itself. */
static int64_t ends_at(struct task *t, const struct registration *r) {
	const struct profile_config *p = realm_profile(t->realm, r->profile);
	const struct directory_config *d = p ? realm_directory(t->realm, p->directory) : NULL;
	int64_t ends = d ? registration_ends_at(p) : 0;
	struct attribute kept;
	return ends && !directory_ends_at(t->arena, d, ends, &kept) ? ends : 0;
}

/* The entry was made a second time, under another name. What was known of the first is not told of this one: its other
 * password would be taken for a change. */
static enum err account_again(struct task *t, const struct registration *r, const struct plan *plan,
	const struct plan_row *row, struct account *ret) {
	struct account *a = NULL;
	TRY(accounts_find(t, r->account_id, &a));
	a->stable_id = row->stable_id;
	a->dn = row->dn;
	a->login = plan->candidates[row->candidate].login;
	*ret = *a;
	TRY(mirrors_remove(t, a->id));
	return accounts_update(t, a);
}

/* Whether there is more than one controller to have taken something. */
static enum err settle_queue(struct task *t, const struct registration *r, const struct plan_row *row) {
	const struct directory_config *d = realm_directory(t->realm, row->directory);
	if (!d || !directory_has_several(d))
		return OK;
	return jobs_insert(t, JOB_PLAN_SETTLE, r->id, STR("{}"), clock_wall_ms() + d->replication_lag * 1000, NULL);
}

static enum err account_made(struct task *t, struct registration *r, const struct plan *plan,
	const struct plan_row *row, struct account *a) {
	struct account *known = NULL;
	if (!str_empty(r->account_id))
		return account_again(t, r, plan, row, a);
	*a = (struct account){
		.id = random_id(t->arena),
		.realm = t->realm_name,
		.directory = row->directory,
		.stable_id = row->stable_id,
		.sub = random_token(t->arena, SUB_BYTES),
		.dn = row->dn,
		.login = plan->candidates[row->candidate].login,
		.mail = r->mail,
		.marker = r->id,
		.created_at = clock_wall_ms(),
		.expires_at = ends_at(t, r),
	};
	enum err e = accounts_find_stable(t, row->directory, row->stable_id, &known);
	if (!e) {
		*a = *known;
		return OK;
	}
	return e == ERR_NOT_FOUND ? accounts_insert(t, a) : e;
}

static enum err provisioned(
	struct task *t, struct registration *r, const struct plan *plan, const struct plan_row *row) {
	struct account a;
	/* Where the person may still be waiting in the browser, which goes on by itself, the mail is kept back. */
	bool waits = str_eq(r->decided_by, STR("rule")) && clock_wall_ms() - r->verified_at < BROWSER_WAITS_MS;
	TRY(account_made(t, r, plan, row, &a));
	r->account_id = a.id;
	r->login = a.login;
	TRY(registration_transition(t, r, EVENT_PROVISIONED, a.dn));
	TRY(settle_queue(t, r, row));
	return notice_queue(t, "activate", r->id, waits ? clock_wall_ms() + ACTIVATE_NOTICE_AFTER_MS : 0);
}

enum err registrar_provision(struct task *t, struct str registration_id) {
	struct registration *r = NULL;
	const struct profile_config *p = NULL;
	struct plan_row *row = NULL;
	struct plan *plan = NULL;
	TRY(registrations_find(t, registration_id, &r));
	if (r->state != REGISTRATION_APPROVED)
		return OK;
	TRY(registration_profile(t, r, &p));
	if (str_empty(r->plan_id))
		TRY(plan_make(t, r, p));
	TRY(outbound_run(t, r->plan_id, &row, &plan));
	TRY(store_begin(t));
	return store_end(t, provisioned(t, r, plan, row));
}

static enum err gave_way(struct task *t, struct registration *r, const struct plan_row *row) {
	TRY(registration_transition(t, r, EVENT_GIVE_WAY, row->dn));
	TRY(tickets_void(t, STR(TICKET_ACTIVATE), r->id));
	return jobs_insert(t, JOB_PLAN_APPLY, r->id, STR("{}"), 0, NULL);
}

enum err registrar_settle(struct task *t, struct str registration_id) {
	struct registration *r = NULL;
	struct plan_row *row = NULL;
	struct plan *plan = NULL;
	enum err e = registrations_find(t, registration_id, &r);
	if (e == ERR_NOT_FOUND || (!e && r->state != REGISTRATION_PROVISIONED && r->state != REGISTRATION_ACTIVE)) {
		task_clear(t);
		return OK;
	}
	TRY(e);
	TRY(outbound_settle(t, r->plan_id, &row, &plan));
	if ((size_t)row->step == plan_steps(plan))
		return OK;
	if (r->state == REGISTRATION_ACTIVE) { /* just now: the look was at an entry that nobody used */
		row->step = (int64_t)plan_steps(plan);
		TRY(plans_update(t, row));
		return task_fail(t, ERR_UNAVAILABLE, "activated meanwhile: looked at again");
	}
	TRY(store_begin(t));
	return store_end(t, gave_way(t, r, row));
}

/* ---- what falls due ---- */

static enum err due_pending(struct task *t, struct registration *r, const struct profile_config *p, int64_t now) {
	int64_t ends = r->verified_at + p->undecided_ttl * 1000;
	if (now >= ends) {
		TRY(registration_transition(t, r, EVENT_EXPIRE, STR("nobody decided in time")));
		return notice_queue(t, "undecided", r->id, 0);
	}
	r->reminded_at = now;
	r->updated_at = now;
	r->due_at = p->remind_after && now + p->remind_after * 1000 < ends ? now + p->remind_after * 1000 : ends;
	TRY(registrations_update(t, r));
	return notice_queue(t, "reminder", r->id, 0);
}

static enum err due_move(struct task *t, struct registration *r, int64_t now) {
	const struct profile_config *p = realm_profile(t->realm, r->profile);
	switch (r->state) {
	case REGISTRATION_SUBMITTED:
		return registration_transition(t, r, EVENT_EXPIRE, STR("the address was not confirmed in time"));
	case REGISTRATION_PENDING:
		if (p)
			return due_pending(t, r, p, now);
		break;
	case REGISTRATION_REJECTED:
	case REGISTRATION_EXPIRED:
	case REGISTRATION_WITHDRAWN:
		TRY(audit_record(t, "registration.remove", r->id, AUDIT("why", STR("retention time is over"))));
		return registrations_remove(t, r->id);
	default:
		break;
	}
	r->due_at = 0;
	return registrations_update(t, r);
}

enum err registrar_due(struct task *t, struct registration *r) {
	TRY(store_begin(t));
	return store_end(t, due_move(t, r, clock_wall_ms()));
}
