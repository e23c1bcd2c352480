/* The first password: set straight into the directory, which then enables the entry. */
#include "base/clock.h"
#include "broker/registrar/registrar_private.h"

#define ATTEMPT "activation.attempt"

struct activating {
	struct registration *registration;
	const struct directory_config *directory;
	struct account *account;
	struct entry *entry;
};

/* A controller that did not make the entry may not have heard of it yet. */
static enum err entry_find(struct task *t, struct activating *at) {
	struct plan_row *row = NULL;
	const struct directory_config *d = realm_directory(t->realm, at->account->directory);
	TRY(plans_find(t, at->registration->plan_id, &row));
	bool near = d && outbound_near(t, d, row);
	enum err e = account_entry(t, at->account, &at->directory, &at->entry);
	if (!near || (e != ERR_UNAVAILABLE && e != ERR_TIMEOUT))
		return e;
	task_clear(t);
	directory_pin(t, d, STR_NONE);
	e = account_entry(t, at->account, &at->directory, &at->entry);
	return e == ERR_NOT_FOUND ? task_fail(t, ERR_UNAVAILABLE, "%.*s, which has the entry, does not answer",
					    FMT(row->controller))
				  : e;
}

static enum err activating_find(struct task *t, const struct ticket *k, struct activating *ret) {
	TRY(registrations_find(t, k->subject, &ret->registration));
	if (ret->registration->state != REGISTRATION_PROVISIONED)
		return task_fail(t, ERR_EXPIRED, "the registration does not wait for a password");
	TRY(accounts_find(t, ret->registration->account_id, &ret->account));
	enum err e = entry_find(t, ret);
	if (e == ERR_NOT_FOUND)
		return task_fail(t, ERR_REFUSED, "the entry was removed from the directory after it was created");
	return e;
}

enum err activation_look(struct task *t, struct str secret, struct activation *ret) {
	struct ticket *k = NULL;
	struct activating at = {0};
	TRY(ticket_check(t, TICKET_ACTIVATE, secret, &k));
	TRY(activating_find(t, k, &at));
	struct activation look = {.registration = at.registration, .entry = at.entry};
	if (login_password_rules(t, at.directory, at.entry->dn, &look.policy))
		task_clear(t); /* the page then shows our own bounds only; the directory still decides */
	*ret = look;
	return OK;
}

static enum err attempted_before(struct task *t, const struct registration *r, bool *ret) {
	struct audit_filter f = {.subject = r->id, .action = STR(ATTEMPT), .limit = 1};
	struct audit_row *rows = NULL;
	size_t n = 0;
	TRY(audit_list(t, &f, &rows, &n));
	*ret = n > 0;
	return OK;
}

static bool repeated(const struct password_problem *problem) {
	return problem->reason_key && (strcmp(problem->reason_key, policy_reason_key(REFUSAL_SAME)) == 0 ||
					      strcmp(problem->reason_key, policy_reason_key(REFUSAL_HISTORY)) == 0);
}

/* After a crash between the password and the commit, the same password again is refused as "same" or "in history".
 * Following our own recorded attempt that means it is set: on an entry that was never enabled by itself, on an enabled
 * one when it is the very password. */
static bool set_already(struct task *t, const struct activating *at, struct str password) {
	enum verdict verdict = VERDICT_WRONG;
	if (!at->entry->enabled)
		return true;
	if (directory_verify(t, at->directory, at->entry->dn, password, &verdict, NULL))
		return false;
	return verdict == VERDICT_OK;
}

static enum err activating_set(
	struct task *t, const struct activating *at, struct str password, struct password_problem *problem) {
	bool attempted = false;
	TRY(attempted_before(t, at->registration, &attempted));
	if (!attempted)
		TRY(audit_record(t, ATTEMPT, at->registration->id, AUDIT("dn", at->entry->dn)));
	enum err e = login_set_password(t, at->directory, at->entry, password, problem);
	if (e == ERR_FIELDS && attempted && repeated(problem) && set_already(t, at, password)) {
		*problem = (struct password_problem){0};
		task_clear(t);
		e = OK;
	}
	TRY(e);
	return directory_set_enabled(t, at->directory, at->entry->dn, true);
}

static enum err activating_finish(struct task *t, const struct ticket *k, struct activating *at) {
	TRY(ticket_redeem(t, k));
	TRY(tickets_void(t, STR(TICKET_ACTIVATE), at->registration->id));
	TRY(registration_transition(t, at->registration, EVENT_ACTIVATE, at->account->login));
	return notice_queue(t, "active", at->registration->id, 0);
}

enum err activation_complete(struct task *t, struct str secret, struct str password, struct password_problem *problem) {
	struct ticket *k = NULL;
	struct activating at = {0};
	TRY(ticket_claim(t, TICKET_ACTIVATE, secret, &k));
	enum err e = activating_find(t, k, &at);
	if (!e)
		e = activating_set(t, &at, password, problem);
	if (e) {
		err_ignore(ticket_release(t, k), "the lease ends by itself in a minute");
		return e;
	}
	TRY(store_begin(t));
	TRY(store_end(t, activating_finish(t, k, &at)));
	login_forget_failures(t, at.directory, at.entry);
	return OK;
}
