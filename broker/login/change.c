/* New passwords: strength and bounds, then straight into the directory, whose own policy answers. */
#include "base/clock.h"
#include "base/encode.h"
#include "broker/login/login_private.h"

struct strs password_words(struct task *t, const struct entry *e) {
	static const char *const names[] = {
		"given_name", "family_name", "display_name", "organization", "department", "phone"};
	struct strs words = {0};
	strs_add(t->arena, &words, e->login);
	strs_add(t->arena, &words, e->mail);
	strs_add(t->arena, &words, str_sub(e->mail, 0, str_find(e->mail, '@', 0)));
	for (size_t i = 0; i < COUNT(names); i++) {
		struct str value = entry_value(e, str_of(names[i]));
		if (!str_empty(value))
			strs_add(t->arena, &words, value);
	}
	strs_add(t->arena, &words, t->realm->title);
	return words;
}

enum err password_check(struct task *t, const struct entry *e, struct str password, struct password_problem *problem) {
	struct strength s = policy_strength(t->arena, password, password_words(t, e));
	if (s.acceptable)
		return OK;
	problem->reason_key = s.reason_key;
	return task_fail(t, ERR_FIELDS, "the new password is too weak");
}

struct refused {
	const struct directory_config *d;
	const struct entry *e;
	struct str password;
	struct refusal refusal;
};

/* Windows gives one answer for all that a policy refuses. */
static enum refusal_reason reason_of(struct task *t, const struct refused *r) {
	enum refusal_reason reason = policy_classify(r->d, &r->refusal);
	struct password_policy p = {0};
	struct str told = t->failure_detail;
	if (reason != REFUSAL_RESTRICTED)
		return reason;
	bool is_read = policy_read(t, r->d, r->e->dn, &p) == OK;
	t->failure = ERR_REFUSED; /* what the directory said is for the log */
	t->failure_detail = told;
	return is_read ? policy_narrow(t->arena, &p, r->e, r->password, clock_wall_ms()) : reason;
}

static enum err password_refused(struct task *t, const struct refused *r, struct password_problem *problem) {
	enum refusal_reason reason = reason_of(t, r);
	if (reason == REFUSAL_FORBIDDEN)
		return ERR_REFUSED;
	problem->reason_key = policy_reason_key(reason);
	return task_fail(t, ERR_FIELDS, "the directory refused the new password");
}

static enum err others_change(
	struct task *t, const struct directory_config *d, const struct entry *e, struct str stamp) {
	struct account *a = NULL;
	TRY(accounts_find_stable(t, d->id, e->stable_id, &a));
	TRY(mirrors_stamp(t, d->id, e->stable_id, stamp));
	return t->realm->session_end_on_password_change ? login_end_account(t, a->id, "password") : OK;
}

/* Keeps the task's failure. */
static void own_change_end(struct task *t, const struct directory_config *d, const struct entry *e, bool done) {
	struct str other = STR("");
	enum err failure = t->failure;
	struct str detail = t->failure_detail;
	mirror_password_end(t, d, e->stable_id, done, &other);
	if (str_empty(other))
		return;
	enum err ended = store_begin(t);
	if (!ended)
		ended = store_end(t, others_change(t, d, e, other));
	err_ignore(ended, "the mark ends by its time, and what is told after it ends the account");
	t->failure = failure;
	t->failure_detail = detail;
}

enum err login_set_password(struct task *t, const struct directory_config *d, const struct entry *e,
	struct str password, struct password_problem *problem) {
	struct refused r = {d, e, password, {.policy_error = -1}};
	TRY(password_check(t, e, password, problem));
	TRY(mirror_password_begin(t, d, e->stable_id));
	TRY(store_settle(t));
	enum err set = directory_set_password(t, d, e->dn, password, &r.refusal);
	own_change_end(t, d, e, set != ERR_REFUSED);
	return set == ERR_REFUSED ? password_refused(t, &r, problem) : set;
}

static enum err change_done(struct task *t, const struct account *a, const char *action) {
	TRY(account_end(t, a->id));
	TRY(tickets_void(t, STR(TICKET_RESET), a->id));
	TRY(audit_record(t, action, a->id, AUDIT("login", a->login)));
	return jobs_insert(t, JOB_NOTICE, a->id, STR("{\"notice\":\"changed\"}"), 0, NULL);
}

static enum err change_record(struct task *t, const struct found *found, const char *action) {
	struct account *a = NULL;
	TRY(account_link(t, found->directory, found->entry, &a));
	TRY(store_begin(t));
	return store_end(t, change_done(t, a, action));
}

static enum err change_as_person(struct task *t, const struct found *found, struct str old_password,
	struct str new_password, struct password_problem *problem) {
	struct refused r = {found->directory, found->entry, new_password, {.policy_error = -1}};
	TRY(password_check(t, found->entry, new_password, problem));
	TRY(mirror_password_begin(t, found->directory, found->entry->stable_id));
	TRY(store_settle(t));
	enum err e = directory_change_password(
		t, found->directory, found->entry->dn, old_password, new_password, &r.refusal);
	own_change_end(t, found->directory, found->entry, e != ERR_REFUSED && e != ERR_CREDENTIALS);
	if (e == ERR_REFUSED)
		return password_refused(t, &r, problem);
	if (e == ERR_CREDENTIALS) {
		problem->old_wrong = true;
		problem->reason_key = "password.old_wrong";
		return task_fail(t, ERR_FIELDS, "the old password is wrong");
	}
	return e;
}

enum err login_change_password(struct task *t, struct str username, struct str old_password, struct str new_password,
	struct password_problem *problem) {
	struct found found = {0};
	enum verdict verdict = VERDICT_WRONG;
	int64_t wait = 0;
	username = str_trim(username);
	TRY(login_admit(t, username, &wait));
	enum err e = login_verify(t, username, old_password, &found, &verdict, NULL);
	if (e) {
		login_admit_undo(t, username, false);
		return e;
	}
	if (verdict != VERDICT_OK && verdict != VERDICT_EXPIRED && verdict != VERDICT_MUST_CHANGE) {
		problem->old_wrong = true;
		problem->reason_key = "password.old_wrong";
		return task_fail(t, ERR_FIELDS, "the old password is wrong");
	}
	login_admit_undo(t, username, true);
	e = change_as_person(t, &found, old_password, new_password, problem);
	if (e == ERR_FIELDS && !problem->old_wrong) {
		problem->policy = rules_to_show(t, &found);
		return task_fail(t, ERR_FIELDS, "the new password was refused");
	}
	TRY(e);
	return change_record(t, &found, "password.change");
}

enum err login_reset_request(struct task *t, struct str username) {
	struct buf body = buf_new(t->arena, LIMIT_FIELD_VALUE);
	username = str_trim(username);
	if (str_empty(username) || username.n > LIMIT_MAIL_ADDRESS || !str_utf8(username))
		return OK;
	TRY(throttle_take(t, THROTTLE_MAIL_ADDRESS, t->address));
	if (throttle_take(t, THROTTLE_RESET, username)) {
		task_clear(t);
		return OK;
	}
	buf_put(&body, STR("{\"notice\":\"reset\",\"username\":"));
	json_escape(&body, username);
	buf_byte(&body, '}');
	TRY(store_begin(t));
	return store_end(t, jobs_insert(t, JOB_NOTICE, STR(""), buf_str(&body), 0, NULL));
}

static enum err reset_set(struct task *t, const struct ticket *k, struct str new_password,
	struct password_problem *problem, struct found *found) {
	struct account *a = NULL;
	enum err e = accounts_find(t, k->subject, &a);
	if (!e)
		e = account_entry(t, a, &found->directory, &found->entry);
	if (e == ERR_NOT_FOUND)
		return task_fail(t, ERR_EXPIRED, "the account is no longer there");
	TRY(e);
	if (!found->entry->enabled)
		return task_fail(t, ERR_EXPIRED, "the account is disabled in the directory");
	if (!str_eq(k->bound, found->entry->mail))
		return task_fail(t, ERR_EXPIRED, "the account has another mail address than the link was sent to");
	return login_set_password(t, found->directory, found->entry, new_password, problem);
}

static enum err reset_finish(struct task *t, const struct ticket *k, const struct found *found) {
	struct account *a = NULL;
	TRY(account_link(t, found->directory, found->entry, &a));
	TRY(store_begin(t));
	enum err e = ticket_redeem(t, k);
	TRY(store_end(t, e ? e : change_done(t, a, "password.reset")));
	login_forget_failures(t, found->directory, found->entry);
	return OK;
}

enum err login_reset_complete(
	struct task *t, struct str secret, struct str new_password, struct password_problem *problem) {
	struct ticket *k = NULL;
	struct found found = {0};
	TRY(ticket_claim(t, TICKET_RESET, secret, &k));
	enum err e = reset_set(t, k, new_password, problem, &found);
	if (e) {
		err_ignore(ticket_release(t, k), "the lease ends by itself in a minute");
		return e;
	}
	return reset_finish(t, k, &found);
}
