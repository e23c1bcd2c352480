/* One person before an operator: what the directory says, what shall be changed, what will be written, and what was. */
#include "base/encode.h"
#include "web/pages/person.h"

#define ATTRIBUTES_SHOWN 40u  /* a form has LIMIT_FORM_FIELDS */
#define ORDER_WAITS_MS   4000 /* for a plan that is done at once */

struct shown {
	int status;
	const struct wishes *wishes; /* what was typed, or NULL */
	const struct proposal *proposal;
	struct wish_problem problem;
	const char *notice; /* catalogue key, or NULL */
};

static struct str name_of(struct task *t, const char *prefix, struct str name) {
	return str_printf(t->arena, "%s%.*s", prefix, FMT(name));
}

/* ---- what is shown ---- */

static const struct {
	const char *key, *sign;
} states[] = {{"person.live", "good"}, {"person.disabled", "bad"}, {"person.locked", "wait"}, {"person.gone", "bad"},
	{"person.unanswered", "wait"}};

static size_t state_of(const struct steward_person *p) {
	if (!p->entry)
		return p->why == ERR_NOT_FOUND ? 3 : 4;
	return !p->entry->enabled ? 1 : p->entry->locked ? 2 : 0;
}

static void add_facts(struct task *t, struct value *data, const struct steward_person *p) {
	const struct account *a = p->account;
	size_t state = state_of(p);
	int64_t ends = a->expires_at, theirs = p->entry ? p->entry->expires_at : 0;
	if (theirs && (!ends || theirs < ends))
		ends = theirs;
	value_text(t->arena, data, "id", a->id);
	value_text(t->arena, data, "login_name", visible(t, p->entry ? p->entry->login : a->login));
	value_text(t->arena, data, "mail", visible(t, p->entry ? p->entry->mail : a->mail));
	value_text(t->arena, data, "dn", visible(t, p->entry ? p->entry->dn : a->dn));
	value_text(t->arena, data, "directory", a->directory);
	value_text(t->arena, data, "registration", a->marker);
	value_text(t->arena, data, "state", text(states[state].key));
	value_text(t->arena, data, "sign", str_of(states[state].sign));
	value_bool(t->arena, data, "there", p->entry != NULL);
	value_bool(t->arena, data, "unanswered", state == 4);
	if (ends)
		page_time(t, data, "ends", ends);
	if (a->last_login_at)
		page_time(t, data, "last", a->last_login_at);
}

/* The first profile of the directory that asks for it names it. */
static struct str label_of(struct task *t, const struct steward_person *p, struct str name) {
	for (size_t i = 0; i < t->realm->n_profiles; i++) {
		const struct profile_config *profile = &t->realm->profiles[i];
		for (size_t k = 0; k < profile->n_fields && str_eq(profile->directory, p->directory->id); k++)
			if (str_eq(profile->fields[k].attribute, name))
				return profile->fields[k].label;
	}
	return text_named(t, "attribute.", name);
}

static struct strs values_of(const struct steward_person *p, const struct wishes *w, struct str name) {
	for (size_t i = 0; w && i < w->n_attributes; i++)
		if (str_eq(w->attributes[i].name, name))
			return w->attributes[i].values;
	return steward_values(p, name);
}

/* A value of several lines cannot be typed as one of several values. */
static bool is_typeable(struct strs values) {
	for (size_t i = 0; i < values.n; i++)
		if (str_has_control(values.v[i]) || !str_utf8(values.v[i]))
			return false;
	return true;
}

static void add_attribute(
	struct task *t, struct value *list, const struct steward_person *p, struct str name, const struct shown *s) {
	struct strs values = values_of(p, s->wishes, name);
	bool wrong = s->problem.key && str_eq(s->problem.field, name);
	if (!is_typeable(steward_values(p, name)))
		return;
	struct value *row = value_row(t->arena, list);
	value_text(t->arena, row, "name", name_of(t, "set_", name));
	value_text(t->arena, row, "label", label_of(t, p, name));
	value_text(t->arena, row, "value", str_join(t->arena, values, STR("\n")));
	value_bool(t->arena, row, "several", values.n > 1 || steward_values(p, name).n > 1);
	value_text(t->arena, row, "wrong", wrong ? text(s->problem.key) : STR(""));
}

static void add_attributes(struct task *t, struct value *data, const struct steward_person *p, const struct shown *s) {
	struct value *list = value_list(t->arena, data, "attributes"), *more = value_list(t->arena, data, "more");
	bool open = false;
	for (size_t i = 0; i < p->attributes.n && i < ATTRIBUTES_SHOWN; i++) {
		struct str name = p->attributes.v[i];
		bool asked = !str_eq(label_of(t, p, name), text_named(t, "attribute.", name));
		bool first = asked || steward_values(p, name).n || str_eq(name, STR("mail"));
		add_attribute(t, first ? list : more, p, name, s);
		open = open || (!first && values_of(p, s->wishes, name).n);
	}
	value_bool(t->arena, data, "more_open", open);
}

static bool is_ticked(struct task *t, const struct steward_person *p, const struct wishes *w, struct str group) {
	bool in = steward_is_in(t, p, group);
	if (!w)
		return in;
	return in ? !dn_in_list(t, w->leave, group) : dn_in_list(t, w->join, group);
}

static void add_groups(struct task *t, struct value *data, const struct steward_person *p, const struct wishes *w) {
	struct value *list = value_list(t->arena, data, "groups"), *others = value_list(t->arena, data, "others");
	for (size_t i = 0; i < p->choices.n; i++) {
		struct value *row = value_row(t->arena, list);
		value_text(t->arena, row, "dn", p->choices.v[i]);
		value_text(t->arena, row, "name", dn_rdn_value(t->arena, p->choices.v[i]));
		value_bool(t->arena, row, "checked", is_ticked(t, p, w, p->choices.v[i]));
		value_number(t->arena, row, "number", (int64_t)i);
	}
	size_t n = 0;
	for (size_t i = 0; i < p->groups.n; i++) {
		if (p->groups.v[i].via == SIZE_MAX && dn_in_list(t, p->choices, p->groups.v[i].dn))
			continue;
		value_item(t->arena, others, visible(t, p->groups.v[i].dn));
		n++;
	}
	value_bool(t->arena, data, "has_others", n > 0);
}

static void add_choices(struct task *t, struct value *data, const struct steward_person *p, const struct wishes *w) {
	struct value *bases = value_list(t->arena, data, "bases"), *enabled = value_list(t->arena, data, "enabled");
	struct str base = w ? w->base : STR(""), word = STR("");
	struct str ends = !w || str_empty(w->ends) ? steward_ends(t, p) : w->ends;
	value_text(t->arena, data, "ends_day", str_eq(ends, STR("never")) ? STR("") : ends);
	add_option(t, bases, STR(""), text("person.stays"), base);
	for (size_t i = 0; i < p->bases.n; i++)
		add_option(t, bases, p->bases.v[i], p->bases.v[i], base);
	if (w && w->enabled)
		word = w->enabled == WISH_ENABLE ? STR("enable") : STR("disable");
	add_option(t, enabled, STR(""), text("person.stays"), word);
	if (p->entry->enabled)
		add_option(t, enabled, STR("disable"), text("person.disable"), word);
	else
		add_option(t, enabled, STR("enable"), text("person.enable"), word);
}

static const char *sign_of(enum plan_state state) {
	return state == PLAN_DONE ? "good" : state == PLAN_PARKED ? "bad" : "wait";
}

static enum err add_plans(struct task *t, struct value *data, const struct steward_person *p) {
	struct value *list = value_list(t->arena, data, "plans");
	struct steward_plan *plans = NULL;
	size_t n = 0;
	TRY(steward_plans(t, p->account->id, &plans, &n));
	for (size_t i = 0; i < n; i++) {
		const struct plan_row *plan = plans[i].row;
		struct value *row = value_row(t->arena, list);
		bool open = plan->state == PLAN_PARKED || plan->state == PLAN_QUEUED || plan->state == PLAN_RUNNING;
		value_text(t->arena, row, "plan", plan->id);
		value_text(t->arena, row, "state", plan_state_words(plan->state));
		value_text(t->arena, row, "sign", str_of(sign_of(plan->state)));
		value_text(t->arena, row, "titles", visible(t, plans[i].titles));
		value_text(t->arena, row, "failure", visible(t, plan->failure));
		value_text(t->arena, row, "ldif", visible(t, plans[i].ldif));
		value_bool(t->arena, row, "open", open);
		page_time(t, row, "ordered", plan->created_at);
		add_steps(t, row, plans[i].steps, plans[i].n_steps);
	}
	return OK;
}

static enum err add_history(struct task *t, struct value *data, const struct steward_person *p) {
	struct audit_filter f = {.subject = p->account->id, .limit = 50};
	struct value *list = value_list(t->arena, data, "history");
	struct audit_row *rows = NULL;
	size_t n = 0;
	TRY(audit_list(t, &f, &rows, &n));
	for (size_t i = 0; i < n; i++)
		add_audit_row(t, list, &rows[i]);
	return OK;
}

static void add_form(struct task *t, struct value *data, const struct steward_person *p, const struct shown *s) {
	bool remove = s->wishes && s->wishes->remove;
	const struct wishes *typed = remove ? NULL : s->wishes;
	struct shown edit = *s;
	edit.wishes = typed;
	add_attributes(t, data, p, &edit);
	add_groups(t, data, p, typed);
	add_choices(t, data, p, typed);
	value_text(t->arena, data, "seen", person_seen(t, p));
	value_bool(t->arena, data, "removing", remove);
	if (!s->proposal)
		return;
	struct value *preview = value_child(t->arena, data, remove ? "end" : "preview");
	value_text(t->arena, preview, "digest", s->proposal->digest);
	value_text(t->arena, preview, "ldif", visible(t, s->proposal->ldif));
}

/* Fields of the form have names that are not those of the problem. */
static struct str problem_field(struct task *t, const struct steward_person *p, struct str field) {
	return strs_has(p->attributes, field) ? name_of(t, "set_", field) : field;
}

static enum err render(
	struct task *t, struct request *q, struct response *r, const struct steward_person *p, const struct shown *s) {
	const struct approver who = {.is_operator = true};
	struct value *data = admin_data(t, q, r, "people", &who);
	add_facts(t, data, p);
	if (p->entry)
		add_form(t, data, p, s);
	TRY(add_plans(t, data, p));
	TRY(add_history(t, data, p));
	if (s->problem.key)
		page_problem(t, data, problem_field(t, p, s->problem.field), text(s->problem.key));
	value_text(t->arena, data, "notice", s->notice ? text(s->notice) : STR(""));
	return page_render(t, r, s->status, "admin_person", data);
}

enum err page_person(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	struct steward_person *p = NULL;
	struct str done = asked(q, "done");
	struct shown s = {.status = 200};
	TRY(admin_operator(t, q, &who));
	TRY(steward_look(t, q->rest, &p));
	s.notice = str_eq(done, STR("order"))    ? "notice.ordered"
		   : str_eq(done, STR("retry"))  ? "notice.retried"
		   : str_eq(done, STR("cancel")) ? "notice.cancelled"
						 : NULL;
	return render(t, q, r, p, &s);
}

/* ---- what is ordered ---- */

static struct str person_path(struct task *t, struct str id, const char *query) {
	return str_printf(t->arena, "%.*s/%.*s%s", FMT(realm_path(t, "/admin/people")), FMT(id), query);
}

/* The plan of what was typed, below it; or what is wrong with it. */
static enum err preview(
	struct task *t, struct request *q, struct response *r, const struct steward_person *p, struct shown *s) {
	struct proposal proposal;
	struct wish_problem problem = {STR(""), NULL};
	enum err e = steward_preview(t, p, s->wishes, &problem, &proposal);
	if (e == ERR_FIELDS || e == ERR_STALE) {
		s->status = e == ERR_STALE || s->status == 409 ? 409 : 422;
		s->problem = e == ERR_STALE ? (struct wish_problem){STR(""), "person.gone"} : problem;
	} else {
		TRY(e);
		s->proposal = &proposal;
	}
	task_clear(t);
	return render(t, q, r, p, s);
}

/* With the plan as it would be now, to be looked at again. */
static enum err refused(struct task *t, struct request *q, struct response *r, enum err why, struct shown *s) {
	struct steward_person *p = NULL;
	task_clear(t);
	TRY(steward_look(t, q->rest, &p));
	s->status = why == ERR_STALE ? 409 : 422;
	if (why == ERR_STALE)
		s->problem = (struct wish_problem){STR(""), "change.stale"};
	return preview(t, q, r, p, s);
}

enum err page_person_change(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	struct steward_person *p = NULL;
	struct str plan_id = STR("");
	TRY(admin_operator(t, q, &who));
	TRY(steward_look(t, q->rest, &p));
	if (!p->entry)
		return page_person(t, q, r);
	struct order o = {.wishes = person_wishes(t, q, p),
		.digest = field(q, "digest"),
		.confirm = field(q, "confirm"),
		.actor = q->login->account};
	struct shown s = {.status = 200, .wishes = &o.wishes};
	if (!pressed(q, "apply"))
		return preview(t, q, r, p, &s);
	enum err e = steward_order(t, q->rest, &o, &s.problem, &plan_id);
	if (e == ERR_STALE || e == ERR_FIELDS)
		return refused(t, q, r, e, &s);
	TRY(e);
	TRY(steward_await(t, plan_id, ORDER_WAITS_MS));
	response_redirect(r, person_path(t, q->rest, "?done=order#h-plans"));
	return OK;
}

enum err page_person_plan(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	bool retry = pressed(q, "retry");
	TRY(admin_operator(t, q, &who));
	enum err e = retry ? steward_apply(t, field(q, "plan"), STR("")) : steward_cancel(t, field(q, "plan"));
	if (e == ERR_STALE || e == ERR_NOT_FOUND)
		task_clear(t);
	else if (e)
		return e;
	else if (retry)
		TRY(steward_await(t, field(q, "plan"), ORDER_WAITS_MS));
	response_redirect(r, person_path(t, q->rest, e ? "" : retry ? "?done=retry#h-plans" : "?done=cancel#h-plans"));
	return OK;
}
