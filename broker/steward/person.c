/* Who it is, and what may be changed of them. */
#include "broker/steward/steward_private.h"

#define PLANS_SHOWN 10

bool dn_listed(struct arena *a, struct strs list, struct str dn) {
	for (size_t i = 0; i < list.n; i++)
		if (dn_equal(a, list.v[i], dn))
			return true;
	return false;
}

/* ---- what may be changed ---- */

static void dn_add(struct arena *a, struct strs *list, struct str dn) {
	if (!str_empty(dn) && !dn_listed(a, *list, dn))
		strs_add(a, list, dn);
}

static void dns_add(struct arena *a, struct strs *list, struct strs dns) {
	for (size_t i = 0; i < dns.n; i++)
		dn_add(a, list, dns.v[i]);
}

/* What a name, the marker and the state of an entry are made of is not changed by wish. */
static bool is_own(struct task *t, const struct directory_config *d, struct str name) {
	struct str theirs = directory_attribute(d, name);
	struct attribute *fixed = NULL;
	size_t n = 0;
	directory_new_entry(t->arena, d, STR("-"), &fixed, &n);
	for (size_t i = 0; i < n; i++)
		if (str_eq_case(fixed[i].name, theirs))
			return true;
	return str_eq_case(theirs, d->rdn_attribute) || str_eq_case(theirs, directory_attribute(d, STR("login")));
}

static void attribute_add(struct task *t, struct steward_person *p, struct strs mapped, struct str name) {
	if (!str_empty(name) && strs_has(mapped, name) && !strs_has(p->attributes, name) &&
		!is_own(t, p->directory, name))
		strs_add(t->arena, &p->attributes, name);
}

static void allow_of_profile(
	struct task *t, struct steward_person *p, struct strs mapped, const struct profile_config *profile) {
	dn_add(t->arena, &p->bases, profile->base);
	dns_add(t->arena, &p->bases, profile->bases_allowed);
	dns_add(t->arena, &p->choices, profile->groups);
	dns_add(t->arena, &p->choices, profile->groups_allowed);
	for (size_t i = 0; i < profile->n_fields; i++)
		attribute_add(t, p, mapped, profile->fields[i].attribute);
	for (size_t i = 0; i < profile->n_constants; i++)
		attribute_add(t, p, mapped, profile->constants[i].attribute);
}

/* Attributes that people are asked for come first, then all others that are mapped. */
static void allow(struct task *t, struct steward_person *p) {
	struct strs mapped = directory_mapped(t->arena, p->directory);
	attribute_add(t, p, mapped, STR("mail"));
	for (size_t i = 0; i < t->realm->n_profiles; i++)
		if (str_eq(t->realm->profiles[i].directory, p->directory->id))
			allow_of_profile(t, p, mapped, &t->realm->profiles[i]);
	for (size_t i = 0; i < mapped.n; i++)
		attribute_add(t, p, mapped, mapped.v[i]);
}

/* ---- who ---- */

static enum err read_entry(struct task *t, struct steward_person *p) {
	TRY(account_entry(t, p->account, &p->directory, &p->entry));
	enum err e = directory_groups(t, p->directory, p->entry, &p->groups);
	if (e)
		p->entry = NULL;
	return e;
}

/* Where a change was just written, others of several controllers may still show what was before. */
static enum err read_near(struct task *t, struct steward_person *p) {
	const struct directory_config *d = p->directory;
	struct plan_row *rows = NULL;
	size_t n = 0;
	TRY(plans_list_account(t, p->account->id, &rows, &n));
	if (!n || !outbound_near(t, d, &rows[0]))
		return read_entry(t, p);
	enum err e = read_entry(t, p);
	directory_pin(t, d, STR_NONE);
	if (e != ERR_UNAVAILABLE && e != ERR_TIMEOUT)
		return e;
	task_clear(t);
	return read_entry(t, p);
}

enum err steward_look(struct task *t, struct str account_id, struct steward_person **ret) {
	struct steward_person *p = arena_new_of(t->arena, struct steward_person);
	*p = (struct steward_person){0};
	TRY(accounts_find(t, account_id, &p->account));
	p->directory = realm_directory(t->realm, p->account->directory);
	p->why = p->directory ? read_near(t, p) : ERR_CONFIG;
	task_clear(t);
	if (p->directory)
		allow(t, p);
	*ret = p;
	return OK;
}

struct strs steward_values(const struct steward_person *p, struct str name) {
	for (size_t i = 0; p->entry && i < p->entry->n_attributes; i++)
		if (str_eq_case(p->entry->attributes[i].name, name))
			return p->entry->attributes[i].values;
	return (struct strs){NULL, 0};
}

bool steward_is_in(struct task *t, const struct steward_person *p, struct str group) {
	for (size_t i = 0; i < p->groups.n; i++)
		if (p->groups.v[i].via == SIZE_MAX && dn_equal(t->arena, p->groups.v[i].dn, group))
			return true;
	return false;
}

/* ---- what was ordered before ---- */

static enum err plan_view(struct task *t, struct plan_row *row, struct steward_plan *ret) {
	const struct directory_config *d = realm_directory(t->realm, row->directory);
	struct plan *plan = NULL;
	*ret = (struct steward_plan){.row = row, .ldif = STR("")};
	TRY(plan_parse(t, row->body, &plan));
	ret->titles = plan_titles(t->arena, plan);
	if (d)
		ret->ldif = plan_ldif(t->arena, plan, d, 0);
	return plan_steps_list(t, row->id, &ret->steps, &ret->n_steps);
}

enum err steward_plans(struct task *t, struct str account_id, struct steward_plan **ret, size_t *n) {
	struct plan_row *rows = NULL;
	size_t found = 0;
	TRY(plans_list_account(t, account_id, &rows, &found));
	size_t most = found < PLANS_SHOWN ? found : PLANS_SHOWN;
	struct steward_plan *list = arena_array(t->arena, struct steward_plan, most);
	for (size_t i = 0; i < most; i++)
		TRY(plan_view(t, &rows[i], &list[i]));
	*ret = list;
	*n = most;
	return OK;
}
