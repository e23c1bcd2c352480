/* The person's side: submit, verify, wait, see, withdraw. */
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/metric.h"
#include "base/secret.h"
#include "broker/registrar/registrar_private.h"

#define AWAIT_STEP_MS 20

static struct str fields_json(struct arena *a, const struct submission *s) {
	struct buf out = buf_new(a, LIMIT_BODY);
	bool first = true;
	buf_byte(&out, '{');
	for (size_t i = 0; i < s->n; i++) {
		if (str_empty(s->fields[i].value) || str_eq(s->fields[i].name, STR("login_name")))
			continue;
		if (!first)
			buf_byte(&out, ',');
		first = false;
		json_escape(&out, s->fields[i].name);
		buf_byte(&out, ':');
		json_escape(&out, s->fields[i].value);
	}
	buf_byte(&out, '}');
	return buf_str(&out);
}

static enum err submission_row(struct task *t, const struct submission *s, struct registration *r) {
	struct str domain;
	int64_t now = clock_wall_ms();
	*r = (struct registration){
		.id = random_id(t->arena),
		.realm = t->realm_name,
		.profile = s->profile->id,
		.state = REGISTRATION_SUBMITTED,
		.mail = typed_value(s->fields, s->n, STR("mail")),
		.fields = fields_json(t->arena, s),
		.login_proposed =
			s->profile->login_proposed ? typed_value(s->fields, s->n, STR("login_name")) : STR(""),
		.address = t->address,
		.created_at = now,
		.updated_at = now,
		.due_at = now + s->profile->verify_ttl * 1000,
		.version = 1,
	};
	if (str_absent(r->login_proposed))
		r->login_proposed = STR("");
	return mail_address_key(t, r->mail, &r->mail_key, &domain);
}

static enum err submission_insert(struct task *t, const struct registration *r) {
	TRY(registrations_insert(t, r));
	TRY(notice_queue(t, "verify", r->id, 0));
	return audit_record(t, "registration.submit", r->id, AUDIT("profile", r->profile));
}

/* Over the mailbox's limit only the audit is written, and nothing is said: answer and time are those that everybody
 * gets. */
static enum err mailbox_full(struct task *t, const struct registration *r, bool *ret) {
	int64_t count = 0;
	TRY(registrations_count_since(t, r->mail_key, clock_wall_ms() - 3600000, &count));
	*ret = t->config->registrations_per_mailbox && count >= t->config->registrations_per_mailbox;
	if (*ret)
		metric_add(METRIC_THROTTLED, 1, 1);
	return OK;
}

enum err registration_submit(struct task *t, struct submission *s) {
	struct registration r;
	bool full = false;
	TRY(admission_check(t, s));
	TRY(throttle_take(t, THROTTLE_REGISTER_ADDRESS, t->address));
	TRY(submission_row(t, s, &r));
	TRY(store_begin(t));
	enum err e = mailbox_full(t, &r, &full);
	if (!e)
		e = full ? audit_record(t, "registration.limit", r.id, AUDIT("profile", r.profile))
			 : submission_insert(t, &r);
	metric_add(METRIC_REGISTRATIONS, 0, 1);
	return store_end(t, e);
}

enum err registrar_submission_end(struct task *t, struct registration *r) {
	TRY(store_begin(t));
	return store_end(t, registration_transition(t, r, EVENT_SUBMIT_AGAIN, STR("")));
}

enum err registrar_unactivated(struct task *t, const struct entry *entry, struct registration **ret) {
	struct registration *r = NULL;
	if (entry->enabled || str_empty(entry->marker))
		return task_fail(t, ERR_NOT_FOUND, "the entry does not wait for a first password");
	TRY(registrations_find(t, entry->marker, &r));
	if (r->state != REGISTRATION_PROVISIONED)
		return task_fail(t, ERR_NOT_FOUND, "the registration does not wait for a password");
	*ret = r;
	return OK;
}

/* Who missed the link is sent another one: a disabled account is no use to its owner, and has no password to forget. */
static enum err known_notice(struct task *t, const struct registration *r, const struct entry *entry,
	enum submission_notice *ret, struct registration **ret_open) {
	*ret = SUBMISSION_KNOWN;
	if (!entry)
		return OK;
	if (str_eq(entry->marker, r->id)) {
		*ret = SUBMISSION_NOTHING;
		return OK;
	}
	enum err e = registrar_unactivated(t, entry, ret_open);
	task_clear(t);
	if (!e)
		*ret = SUBMISSION_ACTIVATE;
	return e == ERR_NOT_FOUND ? OK : e;
}

enum err registrar_submission_notice(
	struct task *t, struct registration *r, enum submission_notice *ret, struct registration **ret_open) {
	const struct profile_config *p = NULL;
	struct entry *entry = NULL;
	if (r->state != REGISTRATION_SUBMITTED) {
		*ret = SUBMISSION_NOTHING;
		return OK;
	}
	TRY(registration_profile(t, r, &p));
	enum err e = directory_find_value(t, realm_directory(t->realm, p->directory), STR("mail"), r->mail, &entry);
	if (e == OK || e == ERR_EXISTS) {
		task_clear(t);
		return known_notice(t, r, entry, ret, ret_open);
	}
	if (e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	e = registrations_find_waiting(t, r->mail_key, ret_open);
	task_clear(t);
	/* Its own link may have been used since the row was read: then nothing is left to say. */
	bool own = !e && str_eq((*ret_open)->id, r->id);
	*ret = own ? SUBMISSION_NOTHING : !e ? SUBMISSION_PENDING : SUBMISSION_VERIFY;
	return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- the link ---- */

/* A link whose registration ended meanwhile, or is no longer kept, has ended too. */
static enum err verify_find(struct task *t, const struct ticket *k, struct registration **ret) {
	struct registration *r = NULL;
	enum err e = registrations_find(t, k->subject, &r);
	if (e == ERR_NOT_FOUND || (!e && r->state != REGISTRATION_SUBMITTED))
		return task_fail(t, ERR_EXPIRED, "the registration does not wait for this link");
	TRY(e);
	if (!str_eq(k->bound, r->mail))
		return task_fail(t, ERR_EXPIRED, "the link proves another address");
	*ret = r;
	return OK;
}

enum err registration_verify_look(struct task *t, struct str secret, struct registration **ret) {
	struct ticket *k = NULL;
	TRY(ticket_check(t, TICKET_VERIFY, secret, &k));
	return verify_find(t, k, ret);
}

/* The rest of the way where no approval is asked for. A directory that is down does not keep the person: the job makes
 * the plan then. */
static enum err verify_approved(struct task *t, struct registration *r) {
	r->decided_at = r->verified_at;
	r->decided_by = STR("rule");
	TRY(registration_transition(t, r, EVENT_VERIFY_APPROVED, STR("approved by rule")));
	return jobs_insert(t, JOB_PLAN_APPLY, r->id, STR("{}"), 0, NULL);
}

static enum err verify_pending(struct task *t, struct registration *r, struct str why) {
	r->approval_why = why;
	TRY(registration_transition(t, r, EVENT_VERIFY_PENDING, why));
	TRY(notice_queue(t, "pending", r->id, 0));
	return notice_queue(t, "approvers", r->id, 0);
}

static enum err verify_move(
	struct task *t, const struct ticket *k, struct registration *r, const struct profile_config *p) {
	struct typed *fields = NULL;
	struct str why;
	size_t n = 0;
	bool twin = false;
	TRY(ticket_redeem(t, k));
	TRY(tickets_void(t, STR(TICKET_VERIFY), r->id));
	/* Two registrations of one mailbox, each with its link: the first that is confirmed goes on, the other ends. */
	TRY(registrations_has_twin(t, r, &twin));
	if (twin)
		return registration_transition(t, r, EVENT_SUBMIT_AGAIN, STR(""));
	TRY(registration_fields(t, r, p, &fields, &n));
	r->verified_at = clock_wall_ms();
	if (admission_needs_approval(t->arena, p, fields, n, &why))
		return verify_pending(t, r, why);
	return verify_approved(t, r);
}

enum err registration_verify(struct task *t, struct str secret, struct registration **ret) {
	struct ticket *k = NULL;
	struct registration *r = NULL;
	const struct profile_config *p = NULL;
	TRY(ticket_check(t, TICKET_VERIFY, secret, &k));
	TRY(verify_find(t, k, &r));
	TRY(registration_profile(t, r, &p));
	TRY(store_begin(t));
	TRY(store_end(t, verify_move(t, k, r, p)));
	if (r->state == REGISTRATION_EXPIRED)
		return task_fail(t, ERR_EXPIRED, "another registration of this address was confirmed before");
	*ret = r;
	return OK;
}

enum err registration_await(
	struct task *t, struct str id, int64_t ms, bool *ret_ready, struct str *ret_activate_secret) {
	int64_t end = clock_monotonic_ms() + ms;
	struct registration *r = NULL;
	const struct profile_config *p = NULL;
	bool ready = false;
	while (!ready && clock_monotonic_ms() < end && task_left_ms(t) > 500) {
		TRY(registrations_find(t, id, &r));
		ready = r->state == REGISTRATION_PROVISIONED;
		if (!ready)
			usleep(AWAIT_STEP_MS * 1000);
	}
	*ret_ready = ready;
	if (!ready)
		return OK;
	TRY(registration_profile(t, r, &p));
	struct str own = str_printf(t->arena, "inline-%.*s", FMT(id));
	return ticket_issue(t, TICKET_ACTIVATE, own, id, r->mail, p->activate_ttl, ret_activate_secret);
}

/* ---- once more ---- */

static const char *const resend_notice[REGISTRATION_STATES] = {[REGISTRATION_SUBMITTED] = "verify",
	[REGISTRATION_PENDING] = "pending",
	[REGISTRATION_PROVISIONED] = "activate"};

enum err registration_resend(struct task *t, const struct profile_config *p, struct str mail) {
	struct str key, domain;
	struct registration *r = NULL;
	TRY(throttle_take(t, THROTTLE_MAIL_ADDRESS, t->address));
	if (mail_address_key(t, str_trim(mail), &key, &domain) ||
		throttle_take_for(t, THROTTLE_RESEND, key, p->resend_after)) {
		task_clear(t);
		return OK;
	}
	enum err e = registrations_find_open(t, key, &r);
	if (e && e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	bool known = !e && str_eq(r->profile, p->id) && resend_notice[r->state];
	/* A job in both cases, so that the time tells nothing; one about nothing says nothing. */
	struct str subject = known ? r->id : random_id(t->arena);
	TRY(store_begin(t));
	return store_end(t, notice_queue(t, known ? resend_notice[r->state] : "verify", subject, 0));
}

/* ---- status ---- */

enum err registration_status(struct task *t, struct str secret, struct registration **ret) {
	struct ticket *k = NULL;
	TRY(ticket_check(t, TICKET_STATUS, secret, &k));
	enum err e = registrations_find(t, k->subject, ret);
	return e == ERR_NOT_FOUND ? task_fail(t, ERR_EXPIRED, "the registration is no longer kept") : e;
}

enum err registration_withdraw(struct task *t, struct str secret) {
	struct registration *r = NULL;
	TRY(registration_status(t, secret, &r));
	TRY(store_begin(t));
	return store_end(t, registration_transition(t, r, EVENT_WITHDRAW, STR("by the person")));
}
