/* Which template goes to whom. A notice job may run twice: the link is the same, and so is the Message-ID. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/metric.h"
#include "broker/jose/jose.h"
#include "broker/runner/runner_private.h"

const char *const notice_names[NOTICE_COUNT] = {"verify", "pending", "approvers", "reminder", "rejected", "undecided",
	"activate", "active", "reset", "changed", "locked"};

/* What a notice job is about, gathered before anything is written. */
struct notice_task {
	const struct job *job;
	json_t *body;
	enum notice notice;
	const char *template;
	struct str to;
	struct registration *registration; /* or NULL */
	const struct profile_config *profile;
	struct account *account; /* or NULL */
	const char *purpose;     /* of the link's ticket, or NULL */
	const char *path;
	struct str subject; /* of the ticket */
	int64_t ttl_s;
	struct str link;
	int64_t link_ends;
	bool skip; /* nothing is to be said any more */
};

/* ---- letters ---- */

static const char *link_path(const char *purpose) {
	const struct {
		const char *purpose, *path;
	} paths[] = {{TICKET_VERIFY, runner_settings.links.verify}, {TICKET_STATUS, runner_settings.links.status},
		{TICKET_ACTIVATE, runner_settings.links.activate}, {TICKET_RESET, runner_settings.links.reset}};
	for (size_t i = 0; i < COUNT(paths); i++)
		if (strcmp(paths[i].purpose, purpose) == 0)
			return paths[i].path;
	return "/";
}

static struct str absolute(struct task *t, const char *path) {
	return str_printf(t->arena, "%.*s%s", FMT(t->realm->issuer), path);
}

static enum err notice_link(struct task *t, struct notice_task *n) {
	struct str secret;
	struct ticket *k = NULL;
	if (n->path) {
		n->link = absolute(t, n->path);
		return OK;
	}
	if (!n->purpose)
		return OK;
	TRY(ticket_issue(t, n->purpose, n->job->id, n->subject, n->to, n->ttl_s, &secret));
	enum err e = ticket_check(t, n->purpose, secret, &k);
	if (e == ERR_EXPIRED) { /* of an earlier run whose mail arrived, or came to nothing for too long */
		task_clear(t);
		n->skip = true;
		return OK;
	}
	TRY(e);
	n->link_ends = k->expires_at;
	n->link = str_printf(t->arena, "%.*s%s?t=%.*s", FMT(t->realm->issuer), link_path(n->purpose), FMT(secret));
	return OK;
}

static struct str time_words(struct arena *a, int64_t at_ms) {
	struct str date = time_rfc5322(a, at_ms); /* "Mon, 23 Nov 2026 22:03:00 +0000" → "23 Nov 2026, 22:03 UTC" */
	return str_printf(a, "%.*s, %.*s UTC", FMT(str_sub(date, 5, 11)), FMT(str_sub(date, 17, 5)));
}

static struct str person_name(struct task *t, const struct typed *fields, size_t n) {
	struct str given = STR(""), family = STR("");
	for (size_t i = 0; i < n; i++) {
		if (str_eq(fields[i].name, STR("display_name")))
			return fields[i].value;
		if (str_eq(fields[i].name, STR("given_name")))
			given = fields[i].value;
		if (str_eq(fields[i].name, STR("family_name")))
			family = fields[i].value;
	}
	return str_trim(str_printf(t->arena, "%.*s %.*s", FMT(given), FMT(family)));
}

static bool is_host_letter(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* Mail programs make a link of what could be a host's name: nobody is greeted by one that a stranger typed. */
static struct str greeted(struct str name) {
	bool link = str_find(name, '/', 0) < name.n;
	for (size_t i = 1; i + 2 < name.n; i++)
		link = link || (name.p[i] == '.' && is_host_letter(name.p[i - 1]) && is_host_letter(name.p[i + 1]) &&
				       is_host_letter(name.p[i + 2]));
	return link ? STR("") : name;
}

static enum err add_registration(struct task *t, struct value *data, const struct notice_task *n) {
	struct typed *fields = NULL;
	size_t count = 0;
	const struct registration *r = n->registration;
	TRY(registration_fields(t, r, n->profile, &fields, &count));
	struct str name = person_name(t, fields, count);
	value_text(t->arena, value_child(t->arena, data, "profile"), "title", n->profile->title);
	value_text(t->arena, data, "name", greeted(name));
	value_text(t->arena, data, "mail", r->mail);
	value_text(t->arena, data, "login", r->login);
	value_text(t->arena, data, "reason", r->reason);
	struct value *requester = value_child(t->arena, data, "requester");
	value_text(t->arena, requester, "name", name);
	value_text(t->arena, requester, "mail", r->mail);
	value_text(t->arena, requester, "profile", n->profile->title);
	value_text(t->arena, requester, "created", time_words(t->arena, r->created_at));
	return OK;
}

static enum err notice_data(struct task *t, const struct notice_task *n, struct value **ret) {
	struct value *data = value_object(t->arena);
	struct value *realm = value_child(t->arena, data, "realm");
	value_text(t->arena, realm, "title", t->realm->title);
	value_text(t->arena, realm, "contact", t->realm->contact);
	if (n->registration && n->profile)
		TRY(add_registration(t, data, n));
	if (n->account) {
		value_text(t->arena, data, "mail", n->account->mail);
		value_text(t->arena, data, "login", n->account->login);
	}
	value_text(t->arena, data, "link", n->link);
	if (n->link_ends)
		value_text(t->arena, data, "link_ends", time_words(t->arena, n->link_ends));
	value_text(t->arena, data, "login_link", absolute(t, runner_settings.links.login));
	value_text(t->arena, data, "forgotten_link", absolute(t, runner_settings.links.forgotten));
	*ret = data;
	return OK;
}

static enum err part_render(
	struct task *t, const struct notice_task *n, const char *part, const struct value *data, struct str *ret) {
	struct buf out = buf_new(t->arena, LIMIT_MAIL / 2);
	struct str name = str_printf(t->arena, "mail/%s.%s", n->template, part);
	const char *name_c = NULL;
	TRY(task_cstr(t, name, &name_c));
	enum err e = template_render(runner_settings.templates_now(), name_c, data, &out);
	if (e)
		return task_fail(t, ERR_INTERNAL, "template %s cannot be rendered", name_c);
	*ret = buf_str(&out);
	return OK;
}

/* Labels of METRIC_MAILS: sent, deferred, failed. */
static enum err notice_send(struct task *t, struct notice_task *n) {
	struct value *data = NULL;
	struct mail m = {.to = n->to, .from_name = t->realm->mail_from_name, .id = n->job->id};
	TRY(notice_link(t, n));
	if (n->skip)
		return OK;
	TRY(notice_data(t, n, &data));
	TRY(part_render(t, n, "subject", data, &m.subject));
	TRY(part_render(t, n, "txt", data, &m.text));
	TRY(part_render(t, n, "html", data, &m.html));
	m.subject = str_trim(m.subject);
	TRY(store_settle(t));
	enum err e = mail_send(t, &t->config->mail, &m);
	metric_add(METRIC_MAILS, !e ? 0 : err_row(e)->retry ? 1 : 2, 1);
	return e;
}

/* ---- who and what, one function a kind of subject ---- */

static enum err find_registration(struct task *t, struct notice_task *n) {
	enum err e = registrations_find(t, n->job->subject, &n->registration);
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		n->skip = true; /* removed by retention: nobody is left to be told */
		return OK;
	}
	TRY(e);
	n->profile = realm_profile(t->realm, n->registration->profile);
	if (!n->profile)
		return task_fail(t, ERR_CONFIG, "profile %.*s is no longer configured", FMT(n->registration->profile));
	n->to = n->registration->mail;
	n->subject = n->registration->id;
	return OK;
}

static enum err find_account(struct task *t, struct notice_task *n) {
	enum err e = accounts_find(t, n->job->subject, &n->account);
	if (e == ERR_NOT_FOUND || (!e && str_empty(n->account->mail))) {
		task_clear(t);
		n->skip = true;
		return OK;
	}
	TRY(e);
	n->to = n->account->mail;
	n->subject = n->account->id;
	return OK;
}

/* What was asked for is the account that this registration made, which nobody could use yet. */
static enum err tell_activate(struct task *t, struct notice_task *n, struct registration *r) {
	n->profile = realm_profile(t->realm, r->profile);
	if (!n->profile)
		return task_fail(t, ERR_CONFIG, "profile %.*s is no longer configured", FMT(r->profile));
	n->template = "activate";
	n->registration = r;
	n->to = r->mail; /* not to a mailbox that only compares equal */
	n->subject = r->id;
	n->purpose = TICKET_ACTIVATE;
	n->ttl_s = n->profile->activate_ttl;
	return OK;
}

/* A submission: the mailbox's owner, and nobody else, learns what is known of the address. */
static enum err prepare_verify(struct task *t, struct notice_task *n) {
	enum submission_notice say = SUBMISSION_NOTHING;
	struct registration *open = NULL;
	TRY(registrar_submission_notice(t, n->registration, &say, &open));
	n->skip = say == SUBMISSION_NOTHING;
	n->purpose = TICKET_VERIFY;
	n->ttl_s = n->profile->verify_ttl;
	if (say == SUBMISSION_KNOWN) {
		n->template = "known";
		n->purpose = NULL;
	}
	if (say == SUBMISSION_PENDING) {
		n->template = "already";
		n->purpose = TICKET_STATUS;
		n->subject = open->id;
		n->to = open->mail; /* not to a mailbox that only compares equal */
		n->ttl_s = n->profile->undecided_ttl;
	}
	return say == SUBMISSION_ACTIVATE ? tell_activate(t, n, open) : OK;
}

static enum err prepare_status(struct task *t, struct notice_task *n) {
	(void)t;
	n->purpose = TICKET_STATUS;
	n->ttl_s = n->profile->undecided_ttl + n->profile->activate_ttl;
	n->skip = n->notice == NOTICE_PENDING && n->registration->state != REGISTRATION_PENDING;
	return OK;
}

static enum err prepare_activate(struct task *t, struct notice_task *n) {
	(void)t;
	n->purpose = TICKET_ACTIVATE;
	n->ttl_s = n->profile->activate_ttl;
	n->skip = n->registration->state != REGISTRATION_PROVISIONED;
	return OK;
}

static enum err prepare_login(struct task *t, struct notice_task *n) {
	(void)t;
	n->path = runner_settings.links.login;
	return OK;
}

static enum err prepare_none(struct task *t, struct notice_task *n) {
	(void)t;
	(void)n;
	return OK;
}

/* One job for each approver, so that one bad mailbox delays nobody else's. In the transaction that ends this job. */
static enum err fan_out(struct task *t, const struct notice_task *n, struct strs to) {
	for (size_t i = 0; i < to.n; i++) {
		struct buf body = buf_new(t->arena, LIMIT_FIELD_VALUE);
		buf_printf(&body, "{\"notice\":\"%s\",\"to\":", notice_names[n->notice]);
		json_escape(&body, to.v[i]);
		buf_byte(&body, '}');
		TRY(jobs_insert(t, JOB_NOTICE, n->job->subject, buf_str(&body), 0, NULL));
	}
	return jobs_done(t, n->job->id);
}

static enum err approver_mails(struct task *t, const struct profile_config *p, struct strs *ret) {
	struct strs to = p->approver_mails;
	struct entry *members = NULL;
	size_t count = 0;
	bool cut = false;
	struct str group = str_empty(p->approvers) ? t->realm->operators : p->approvers;
	if (!to.n) {
		TRY(directory_members(t, realm_directory(t->realm, p->directory), group, &members, &count, &cut));
		for (size_t i = 0; i < count; i++)
			if (!str_empty(members[i].mail))
				strs_add(t->arena, &to, members[i].mail);
	}
	if (!to.n)
		return task_fail(t, ERR_CONFIG,
			"nobody is told of requests for profile %.*s: no member of %.*s has a mail address", FMT(p->id),
			FMT(group));
	*ret = to;
	return OK;
}

static enum err prepare_approvers(struct task *t, struct notice_task *n) {
	struct strs to = {0};
	struct str one = json_member_str(n->body, "to");
	if (n->registration->state != REGISTRATION_PENDING) {
		n->skip = true;
		return OK;
	}
	if (!str_empty(one)) {
		const char *path = NULL;
		n->to = str_dup(t->arena, one);
		TRY(task_cstr(t,
			str_printf(t->arena, "%s/%.*s", runner_settings.links.approvals, FMT(n->registration->id)),
			&path));
		n->path = path;
		return OK;
	}
	n->skip = true;
	TRY(approver_mails(t, n->profile, &to));
	TRY(store_begin(t));
	return store_end(t, fan_out(t, n, to));
}

/* No password was forgotten where none was chosen yet. */
static enum err reset_disabled(struct task *t, struct notice_task *n, const struct entry *e) {
	struct registration *r = NULL;
	enum err waits = registrar_unactivated(t, e, &r);
	if (!waits)
		return tell_activate(t, n, r);
	task_clear(t);
	n->skip = true;
	return waits == ERR_NOT_FOUND ? OK : waits;
}

/* A forgotten password: whoever the typed name is, the page said the same; here it is looked up. */
static enum err prepare_reset(struct task *t, struct notice_task *n) {
	struct str typed = str_dup(t->arena, json_member_str(n->body, "username"));
	struct entry *e = NULL;
	const struct directory_config *d = NULL;
	enum err found = login_lookup(t, typed, &d, &e);
	if (!found && !e->enabled)
		return reset_disabled(t, n, e);
	if (found == ERR_NOT_FOUND || found == ERR_EXISTS || (!found && str_empty(e->mail))) {
		task_clear(t);
		n->skip = true;
		return OK;
	}
	TRY(found);
	TRY(account_link(t, d, e, &n->account));
	n->to = e->mail;
	n->subject = n->account->id;
	n->purpose = TICKET_RESET;
	n->ttl_s = t->realm->reset_ttl;
	return OK;
}

struct notice_row {
	const char *template;
	enum err (*find)(struct task *t, struct notice_task *n);
	enum err (*prepare)(struct task *t, struct notice_task *n);
};
static const struct notice_row rows[NOTICE_COUNT] = {
	[NOTICE_VERIFY] = {"verify", find_registration, prepare_verify},
	[NOTICE_PENDING] = {"pending", find_registration, prepare_status},
	[NOTICE_APPROVERS] = {"approvers", find_registration, prepare_approvers},
	[NOTICE_REMINDER] = {"reminder", find_registration, prepare_approvers},
	[NOTICE_REJECTED] = {"rejected", find_registration, prepare_none},
	[NOTICE_UNDECIDED] = {"undecided", find_registration, prepare_none},
	[NOTICE_ACTIVATE] = {"activate", find_registration, prepare_activate},
	[NOTICE_ACTIVE] = {"active", find_registration, prepare_login},
	[NOTICE_RESET] = {"reset", prepare_none, prepare_reset},
	[NOTICE_CHANGED] = {"changed", find_account, prepare_none},
	[NOTICE_LOCKED] = {"locked", find_account, prepare_none},
};

static bool notice_find(struct str name, enum notice *ret) {
	for (int i = 0; i < NOTICE_COUNT; i++)
		if (str_eq(name, str_of(notice_names[i]))) {
			*ret = (enum notice)i;
			return true;
		}
	return false;
}

enum err notice_run(struct task *t, const struct job *j) {
	owned(json) json_t *body = NULL;
	struct notice_task n = {.job = j};
	TRY(json_parse(t, j->body, &body));
	n.body = body;
	if (!notice_find(json_member_str(body, "notice"), &n.notice))
		return task_fail(t, ERR_CONFIG, "a notice that this version does not know");
	n.template = rows[n.notice].template;
	TRY(rows[n.notice].find(t, &n));
	struct registration *submission = n.registration; /* the mail may be about an earlier one */
	if (!n.skip)
		TRY(rows[n.notice].prepare(t, &n));
	if (n.skip)
		return OK;
	TRY(notice_send(t, &n));
	bool told_otherwise = n.notice == NOTICE_VERIFY && strcmp(n.template, "verify") != 0;
	return told_otherwise ? registrar_submission_end(t, submission) : OK;
}
