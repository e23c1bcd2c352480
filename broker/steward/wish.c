/* What is wished for: whether it may be, and the plan that it makes. */
#include "broker/mail/mail.h"
#include "broker/steward/steward_private.h"

enum err wish_fail(struct task *t, struct wish_problem *problem, struct str field, const char *key) {
	*problem = (struct wish_problem){field, key};
	return task_fail(t, ERR_FIELDS, "%s (%.*s)", key, FMT(field));
}

/* ---- values ---- */

/* RFC 4519 3.12: a person has both; Active Directory's schema is laxer. */
static bool is_needed(const struct steward_person *p, struct str name) {
	struct str theirs = directory_attribute(p->directory, name);
	return p->directory->driver != DIRECTORY_ACTIVE_DIRECTORY &&
	       (str_eq_case(theirs, STR("sn")) || str_eq_case(theirs, STR("cn")));
}

static bool is_text(struct str value) {
	return value.n <= LIMIT_FIELD_VALUE && str_utf8(value) && !str_has_control(value);
}

/* A mail address is the person's alone: who has it receives the links for a new password. */
static enum err mail_check(
	struct task *t, const struct steward_person *p, struct str value, struct wish_problem *problem) {
	struct entry *e = NULL;
	if (mail_address_check(t, value)) {
		task_clear(t);
		return wish_fail(t, problem, STR("mail"), "field.email");
	}
	enum err code = directory_find_value(t, p->directory, STR("mail"), value, &e);
	if (code == ERR_EXISTS || (!code && !str_eq(e->stable_id, p->entry->stable_id))) {
		task_clear(t);
		return wish_fail(t, problem, STR("mail"), "change.mail_taken");
	}
	if (code == ERR_NOT_FOUND) {
		task_clear(t);
		return OK;
	}
	return code;
}

static enum err value_check(struct task *t, const struct steward_person *p, struct str name, struct str value,
	struct wish_problem *problem) {
	value = str_trim(value);
	if (str_empty(value))
		return OK;
	if (!is_text(value))
		return wish_fail(t, problem, name, "change.value");
	if (directory_check_value(t, p->directory, directory_attribute(p->directory, name), value)) {
		task_clear(t);
		return wish_fail(t, problem, name, "change.long");
	}
	if (str_eq(name, STR("manager")) && !dn_valid(t->arena, value))
		return wish_fail(t, problem, name, "change.dn");
	return str_eq(name, STR("mail")) ? mail_check(t, p, value, problem) : OK;
}

static bool has_some(struct strs values) {
	for (size_t i = 0; i < values.n; i++)
		if (!str_empty(str_trim(values.v[i])))
			return true;
	return false;
}

/* One that stays as it is needs no check: it may be older than the rules. */
static bool stays(const struct steward_person *p, const struct attribute *wish) {
	struct strs now = steward_values(p, wish->name);
	bool same = now.n == wish->values.n;
	for (size_t i = 0; same && i < now.n; i++)
		same = str_eq(now.v[i], wish->values.v[i]);
	return same;
}

static enum err attribute_check(
	struct task *t, const struct steward_person *p, const struct attribute *wish, struct wish_problem *problem) {
	if (stays(p, wish))
		return OK;
	if (!strs_has(p->attributes, wish->name))
		return wish_fail(t, problem, wish->name, "change.attribute");
	if (is_needed(p, wish->name) && !has_some(wish->values))
		return wish_fail(t, problem, wish->name, "field.required");
	if (wish->values.n > LIMIT_VALUES)
		return wish_fail(t, problem, wish->name, "change.long");
	for (size_t i = 0; i < wish->values.n; i++)
		TRY(value_check(t, p, wish->name, wish->values.v[i], problem));
	return OK;
}

/* ---- all of it ---- */

static enum err groups_check(
	struct task *t, const struct steward_person *p, struct strs groups, struct wish_problem *problem) {
	for (size_t i = 0; i < groups.n; i++)
		if (!dn_listed(t->arena, p->choices, groups.v[i]))
			return wish_fail(t, problem, STR("groups"), "change.group");
	return OK;
}

static bool is_alone(const struct wishes *w) {
	return !w->n_attributes && str_empty(w->ends) && !w->join.n && !w->leave.n && !w->enabled && str_empty(w->base);
}

enum err wishes_check(
	struct task *t, const struct steward_person *p, const struct wishes *w, struct wish_problem *problem) {
	if (w->remove)
		return is_alone(w) ? OK : wish_fail(t, problem, STR("confirm"), "change.alone");
	for (size_t i = 0; i < w->n_attributes; i++)
		TRY(attribute_check(t, p, &w->attributes[i], problem));
	TRY(groups_check(t, p, w->join, problem));
	TRY(groups_check(t, p, w->leave, problem));
	if (!str_empty(w->base) && !dn_listed(t->arena, p->bases, w->base))
		return wish_fail(t, problem, STR("base"), "change.base");
	return OK;
}

static enum err gone(struct task *t, const struct steward_person *p) {
	if (p->why == ERR_NOT_FOUND)
		return task_fail(t, ERR_STALE, "the entry of %.*s is gone from the directory", FMT(p->account->login));
	return task_fail(
		t, p->why ? p->why : ERR_CONFIG, "directory %.*s cannot be asked now", FMT(p->account->directory));
}

enum err steward_preview(struct task *t, const struct steward_person *p, const struct wishes *w,
	struct wish_problem *problem, struct proposal *ret) {
	struct plan *plan = NULL;
	if (!p->entry)
		return gone(t, p);
	TRY(wishes_check(t, p, w, problem));
	struct update_input in = {.directory = p->directory,
		.entry = p->entry,
		.groups = &p->groups,
		.attributes = w->attributes,
		.n_attributes = w->n_attributes,
		.join = w->join,
		.leave = w->leave,
		.enabled = w->enabled,
		.parent = w->base,
		.remove = w->remove};
	TRY(ends_add(t, p, w->ends, &in, problem));
	enum err built = update_build(t, &in, &plan);
	if (built == ERR_INVALID) { /* values of others that cannot be shown, or too many of them */
		task_clear(t);
		return wish_fail(t, problem, STR(""), "change.impossible");
	}
	TRY(built);
	if (!plan->n_updates)
		return wish_fail(t, problem, STR(""), "change.nothing");
	*ret = (struct proposal){plan, plan_digest(t->arena, plan), plan_ldif(t->arena, plan, p->directory, 0)};
	return OK;
}
