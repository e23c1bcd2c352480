/* One request before its approver: what was typed, what would be done, and the decision. */
#include "base/clock.h"
#include "base/encode.h"
#include "web/pages/admin.h"

/* What the approver chose, typed and saw; from a link's query or the form. */
struct choice {
	bool chosen; /* base and groups count; else what stands */
	struct str base, reason, decision;
	struct strs groups;
};

static struct choice choice_of(struct task *t, struct params p) {
	struct str base = param(p, "base"), reason = param(p, "reason"), decision = param(p, "decision");
	return (struct choice){
		.chosen = !str_absent(base),
		.base = str_absent(base) ? STR("") : base,
		.reason = str_absent(reason) ? STR("") : reason,
		.decision = str_absent(decision) ? STR("") : decision,
		.groups = lines_of(t, param(p, "groups")),
	};
}

/* ---- what is shown ---- */

static bool dn_in(struct task *t, struct strs list, struct str dn) {
	for (size_t i = 0; i < list.n; i++)
		if (dn_equal(t->arena, list.v[i], dn))
			return true;
	return false;
}

/* A choice is shown as the person read it. */
static struct str value_words(const struct field_config *f, struct str value) {
	for (size_t i = 0; i < f->n_options; i++)
		if (str_eq(f->options[i].value, value))
			return f->options[i].label;
	return value;
}

static enum err add_fields(struct task *t, struct value *data, const struct approval *a) {
	const struct registration *reg = a->registration;
	struct value *list = value_list(t->arena, data, "fields");
	struct typed *fields = NULL;
	size_t n = 0;
	TRY(registration_fields(t, reg, a->profile, &fields, &n));
	for (size_t i = 0; i < n; i++) {
		if (str_empty(fields[i].value) || str_eq(fields[i].name, STR("mail")))
			continue;
		struct value *row = value_row(t->arena, list);
		struct str shown = visible(t, fields[i].value);
		value_text(t->arena, row, "label", a->profile->fields[i].label);
		value_text(t->arena, row, "value", value_words(&a->profile->fields[i], shown));
		value_bool(t->arena, row, "odd", !str_eq(shown, fields[i].value));
	}
	struct str name = person_name(t, fields, n);
	value_text(t->arena, data, "name", visible(t, str_empty(name) ? reg->mail : name));
	value_text(t->arena, data, "mail", visible(t, reg->mail));
	value_text(t->arena, data, "mail_label", text(reg->verified_at ? "request.mail_confirmed" : "request.mail"));
	value_text(t->arena, data, "proposed", visible(t, reg->login_proposed));
	value_text(t->arena, data, "login_name", reg->login);
	value_text(t->arena, data, "address", reg->address);
	value_text(t->arena, data, "why", reg->approval_why);
	value_text(t->arena, data, "profile", a->profile->title);
	value_text(t->arena, data, "lasts",
		a->profile->expires_after ? duration_words(t, a->profile->expires_after) : STR(""));
	return OK;
}

static void add_groups(struct task *t, struct value *list, const struct approval *a, struct strs dns, bool standard) {
	for (size_t i = 0; i < dns.n; i++) {
		struct value *row = value_row(t->arena, list);
		value_text(t->arena, row, "dn", dns.v[i]);
		value_text(t->arena, row, "name", dn_rdn_value(t->arena, dns.v[i]));
		value_bool(t->arena, row, "checked", dn_in(t, a->groups, dns.v[i]));
		value_bool(t->arena, row, "standard", standard);
		value_number(t->arena, row, "number", (int64_t)i + (standard ? 0 : 1000));
	}
}

static void add_choices(struct task *t, struct value *data, const struct approval *a) {
	const struct profile_config *p = a->profile;
	struct value *bases = value_list(t->arena, data, "bases"), *groups = value_list(t->arena, data, "groups");
	add_option(t, bases, p->base, p->base, a->base);
	for (size_t i = 0; i < p->bases_allowed.n; i++)
		if (!dn_equal(t->arena, p->bases_allowed.v[i], p->base))
			add_option(t, bases, p->bases_allowed.v[i], p->bases_allowed.v[i], a->base);
	value_bool(t->arena, data, "several_bases", p->bases_allowed.n > 0);
	value_text(t->arena, data, "base", a->base);
	add_groups(t, groups, a, p->groups, true);
	add_groups(t, groups, a, p->groups_allowed, false);
}

/* A record that is there, or is where it is, because the approver chose so. Records: version, the entry, then each
 * group of the plan. */
static bool record_changed(struct task *t, const struct approval *a, size_t number) {
	if (number == 1)
		return !dn_equal(t->arena, a->base, a->profile->base);
	if (!number || !a->plan || number - 2 >= a->plan->groups.n)
		return false;
	return !dn_in(t, a->profile->groups, a->plan->groups.v[number - 2]);
}

static size_t record_end(struct str ldif) {
	for (size_t i = 0; i + 1 < ldif.n; i++)
		if (ldif.p[i] == '\n' && ldif.p[i + 1] == '\n')
			return i + 2;
	return ldif.n;
}

static void add_ldif(struct task *t, struct value *data, const struct approval *a) {
	struct value *records = value_list(t->arena, data, "records");
	struct str rest = a->ldif;
	bool marked = false;
	for (size_t number = 0; rest.n; number++) {
		size_t end = record_end(rest);
		struct str record = str_sub(rest, 0, end);
		bool changed = record_changed(t, a, number);
		struct value *row = value_row(t->arena, records);
		value_text(t->arena, row, "text", visible(t, record));
		value_bool(t->arena, row, "changed", changed);
		marked = marked || changed;
		rest = str_sub(rest, end, rest.n);
	}
	value_bool(t->arena, data, "marked", marked);
	value_bool(t->arena, data, "plan", a->ldif.n > 0);
	value_text(t->arena, data, "failure", a->failure);
}

static bool is_parked(const struct approval *a) {
	return a->running && a->running->state == PLAN_PARKED;
}

static void add_run(struct task *t, struct value *data, const struct approval *a) {
	if (!a->running)
		return;
	struct value *run = value_child(t->arena, data, "run");
	value_text(t->arena, run, "state", plan_state_words(a->running->state));
	value_text(t->arena, run, "failure", visible(t, a->running->failure));
	value_bool(t->arena, run, "parked", is_parked(a));
	add_steps(t, run, a->steps, a->n_steps);
}

static void add_decided(struct task *t, struct value *data, const struct registration *reg) {
	if (!reg->decided_at || str_eq(reg->decided_by, STR("rule")))
		return;
	struct value *decided = value_child(t->arena, data, "decided");
	value_text(t->arena, decided, "by", reg->decided_by);
	value_text(t->arena, decided, "reason", reg->reason);
	page_time(t, decided, "at", reg->decided_at);
}

static enum err detail_data(struct task *t, struct value *data, const struct approval *a, const struct choice *c) {
	const struct registration *reg = a->registration;
	struct value *history = value_list(t->arena, data, "history");
	TRY(add_fields(t, data, a));
	add_timeline(t, data, reg, a->profile, is_parked(a) ? "stopped." : "turn.");
	add_choices(t, data, a);
	add_ldif(t, data, a);
	add_run(t, data, a);
	add_decided(t, data, reg);
	for (size_t i = 0; i < a->n_history; i++)
		add_audit_row(t, history, &a->history[i]);
	value_text(t->arena, data, "id", reg->id);
	add_state(t, data, reg->state);
	value_bool(t->arena, data, "pending", reg->state == REGISTRATION_PENDING);
	value_bool(t->arena, data, "unactivated", reg->state == REGISTRATION_PROVISIONED);
	value_text(t->arena, data, "digest", a->digest);
	value_number(t->arena, data, "version", reg->version);
	value_text(t->arena, data, "reason", c->reason);
	value_bool(t->arena, data, "approve", str_eq(c->decision, STR("approve")));
	value_bool(t->arena, data, "reject", str_eq(c->decision, STR("reject")));
	page_time(t, data, "created", reg->created_at);
	return OK;
}

struct shown {
	int status;
	const char *field, *problem; /* catalogue key, or NULL */
	const char *notice;          /* catalogue key, or NULL */
};

static enum err render(
	struct task *t, struct request *q, struct response *r, const struct choice *c, const struct shown *s) {
	struct approver who;
	struct approval *a = NULL;
	TRY(admin_actor(t, q, &who));
	TRY(approval_preview(t, &who, q->rest, c->base, c->chosen ? &c->groups : NULL, &a));
	struct value *data = admin_data(t, q, r, "request", &who);
	TRY(detail_data(t, data, a, c));
	if (s->problem)
		page_problem(t, data, str_of(s->field), text(s->problem));
	value_text(t->arena, data, "notice", s->notice ? text(s->notice) : STR(""));
	return page_render(t, r, s->status, "admin_registration", data);
}

/* What the page that a button led back to says. */
static const struct {
	const char *done, *notice;
} notices[] = {
	{"approve", "notice.approved"},
	{"reject", "notice.rejected"},
	{"retry", "notice.retried"},
	{"cancel", "notice.undecided"},
	{"uncancelled", "notice.uncancelled"},
	{"resent", "notice.resent"},
	{"waits", "notice.waits"},
};

enum err page_registration(struct task *t, struct request *q, struct response *r) {
	struct choice c = choice_of(t, q->query);
	struct str done = asked(q, "done");
	struct shown s = {.status = 200};
	for (size_t i = 0; i < COUNT(notices); i++)
		if (str_eq(done, str_of(notices[i].done)))
			s.notice = notices[i].notice;
	c.reason = c.decision = STR("");
	return render(t, q, r, &c, &s);
}

/* ---- what is decided ---- */

static struct str detail_path(struct task *t, struct str id, const char *query) {
	return str_printf(t->arena, "%.*s/%.*s%s", FMT(realm_path(t, "/admin/registrations")), FMT(id), query);
}

/* The choice as a link, so that the page before the decision can be reloaded and sent on. */
static enum err preview(struct task *t, struct request *q, struct response *r, const struct choice *c) {
	struct buf link = buf_new(t->arena, LIMIT_TARGET);
	buf_put(&link, detail_path(t, q->rest, "?base="));
	buf_put(&link, form_encode(t->arena, c->base));
	for (size_t i = 0; i < c->groups.n; i++) {
		buf_put(&link, STR("&groups%5B%5D="));
		buf_put(&link, form_encode(t->arena, c->groups.v[i]));
	}
	buf_put(&link, STR("#plan"));
	if (buf_full(&link))
		return task_fail(t, ERR_TOO_LARGE, "a choice of too many groups for a preview");
	response_redirect(r, buf_str(&link));
	return OK;
}

/* Another approver was faster, or the plan is another by now: the page shows what is. */
static enum err stale(struct task *t, struct request *q, struct response *r, struct choice c) {
	struct registration *reg = NULL;
	task_clear(t);
	TRY(registrations_find(t, q->rest, &reg));
	bool open = reg->state == REGISTRATION_PENDING;
	struct shown s = {.status = 409,
		.field = open ? "plan" : "",
		.problem = open ? "decide.stale_plan" : "decide.stale_state"};
	if (!open)
		c = (struct choice){0};
	return render(t, q, r, &c, &s);
}

static struct decision decision_of(const struct request *q, const struct choice *c) {
	struct decision d = {
		.id = q->rest,
		.approve = str_eq(c->decision, STR("approve")),
		.reason = str_trim(c->reason),
		.base = c->base,
		.groups = c->groups,
		.digest = field(q, "digest"),
	};
	if (!str_int(field(q, "version"), 0, INT64_MAX, &d.version))
		d.version = -1;
	return d;
}

enum err page_registration_decide(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	struct choice c = choice_of(t, q->form);
	struct decision d = decision_of(q, &c);
	if (pressed(q, "preview"))
		return preview(t, q, r, &c);
	if (!d.approve && !str_eq(c.decision, STR("reject")))
		return render(
			t, q, r, &c, &(struct shown){.status = 422, .field = "approve", .problem = "decide.none"});
	TRY(admin_actor(t, q, &who));
	enum err e = approval_decide(t, &who, q->login->account, &d);
	if (e == ERR_STALE)
		return stale(t, q, r, c);
	if (e == ERR_FIELDS) {
		task_clear(t);
		return render(
			t, q, r, &c, &(struct shown){.status = 422, .field = "reason", .problem = "decide.reason"});
	}
	TRY(e);
	response_redirect(r, detail_path(t, q->rest, d.approve ? "?done=approve" : "?done=reject"));
	return OK;
}

enum err page_registration_retry(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	bool cancel = pressed(q, "cancel");
	TRY(admin_actor(t, q, &who));
	enum err e = cancel ? approval_cancel(t, &who, q->rest) : approval_retry(t, &who, q->rest);
	if (e == ERR_STALE)
		task_clear(t);
	else if (e)
		return e;
	const char *told = cancel ? "?done=cancel" : "?done=retry";
	response_redirect(r, detail_path(t, q->rest, e ? cancel ? "?done=uncancelled" : "" : told));
	return OK;
}

/* Once more the mail with the link to choose a password. Activated meanwhile, the page shows it. */
enum err page_registration_resend(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	TRY(admin_actor(t, q, &who));
	enum err e = approval_resend(t, &who, q->rest);
	if (e == ERR_STALE || e == ERR_TOO_MANY)
		task_clear(t);
	else if (e)
		return e;
	const char *told = !e ? "?done=resent" : e == ERR_TOO_MANY ? "?done=waits" : "";
	response_redirect(r, detail_path(t, q->rest, told));
	return OK;
}
