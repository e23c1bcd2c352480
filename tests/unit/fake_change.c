/* Changes in the directory in memory: fake_directory.h. */
#include "tests/unit/fake_directory_private.h"

static struct str attribute_of(const struct change *c, const char *name) {
	for (size_t i = 0; i < c->n_attributes; i++)
		if (str_eq_case(c->attributes[i].name, str_of(name)) && c->attributes[i].values.n)
			return c->attributes[i].values.v[0];
	return STR("");
}

static bool is_taken(struct arena *a, const struct fake_person *p, const struct change *c) {
	return dn_equal(a, str_of(p->dn), c->dn) || str_eq_case(str_of(p->login), attribute_of(c, "uid")) ||
	       (fake.bare_19 && p->mail[0] && str_eq_case(str_of(p->mail), attribute_of(c, "mail")));
}

static enum err add_entry(struct arena *a, const struct change *c) {
	if (fake.no_place)
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < fake.n_people; i++)
		if (fake_shows(&fake.people[i]) && is_taken(a, &fake.people[i], c))
			return ERR_EXISTS;
	struct fake_person *p = fake_person_new();
	PUT(p->dn, c->dn);
	PUT(p->login, attribute_of(c, "uid"));
	PUT(p->mail, attribute_of(c, "mail"));
	PUT(p->given, attribute_of(c, "givenName"));
	PUT(p->marker, attribute_of(c, "employeeNumber"));
	p->at = fake.lags ? 1u << fake.now : FAKE_CONTROLLERS;
	fake.adds++;
	return OK;
}

static void leave_dn(struct fake_group *g, struct str dn) {
	for (size_t i = 0; i < g->n; i++)
		if (str_eq_case(str_of(g->members[i]), dn)) {
			memmove(g->members[i], g->members[--g->n], sizeof(g->members[i]));
			return;
		}
}

static enum err change_group(struct arena *a, const struct change *c) {
	struct fake_group *g = fake_group_at(a, c->dn);
	struct str dn = attribute_of(c, "member");
	struct fake_person *p = fake_person_at(a, dn);
	if (!g || (c->kind == CHANGE_VALUE_ADD && !p))
		return ERR_NOT_FOUND;
	if (c->kind == CHANGE_VALUE_ADD)
		fake_join(g, p);
	else
		leave_dn(g, dn);
	return OK;
}

static bool has_attribute(const struct change *c, const char *name) {
	for (size_t i = 0; i < c->n_attributes; i++)
		if (str_eq_case(c->attributes[i].name, str_of(name)))
			return true;
	return false;
}

static enum err change_person(struct arena *a, const struct change *c) {
	struct fake_person *p = fake_person_at(a, c->dn);
	if (!p)
		return ERR_NOT_FOUND;
	if (fake.may_not && (c->kind == CHANGE_DELETE || c->kind == CHANGE_RENAME))
		return ERR_REFUSED;
	if (c->kind == CHANGE_DELETE)
		p->gone = true;
	if (c->kind == CHANGE_RENAME)
		PUT(p->dn, c->new_dn);
	if (has_attribute(c, "mail"))
		PUT(p->mail, attribute_of(c, "mail"));
	if (has_attribute(c, "givenName"))
		PUT(p->given, attribute_of(c, "givenName"));
	if (has_attribute(c, "fakeEnabled"))
		p->enabled = str_eq(attribute_of(c, "fakeEnabled"), STR("yes"));
	return OK;
}

static enum err change_one(struct arena *a, const struct change *c) {
	if (c->kind == CHANGE_ADD)
		return add_entry(a, c);
	if (c->kind == CHANGE_VALUE_ADD || c->kind == CHANGE_VALUE_DELETE)
		return change_group(a, c);
	return change_person(a, c);
}

void directory_enabling(struct arena *a, const struct directory_config *d, const struct entry *now, bool enabled,
	struct attribute **list, size_t *n) {
	(void)d;
	*list = NULL;
	*n = 0;
	if (now->enabled == enabled)
		return;
	*list = arena_array(a, struct attribute, 1);
	(*list)[0].name = STR("fakeEnabled");
	strs_add(a, &(*list)[0].values, enabled ? STR("yes") : STR("no"));
	*n = 1;
}

/* All or nothing, where there are transactions. */
static enum err change_all(
	struct task *t, const struct directory_config *d, const struct change *changes, size_t n, size_t *ret_done) {
	static struct fake_directory before;
	enum err e = OK;
	before = fake;
	for (*ret_done = 0; *ret_done < n && !e; *ret_done += !e)
		e = change_one(t->arena, &changes[*ret_done]);
	if (e && d->transactions) {
		fake = before;
		*ret_done = 0;
	}
	return e;
}

static enum err tell(struct task *t, enum err e, struct report *report) {
	bool bare = e == ERR_EXISTS && fake.bare_19;
	report->result = !e ? 0 : bare ? 19 : e == ERR_EXISTS ? 68 : e == ERR_REFUSED ? 50 : 32;
	return e ? task_fail(t, bare ? ERR_REFUSED : e, "fake: result %d", report->result) : OK;
}

enum err directory_apply(struct task *t, const struct directory_config *d, const struct change *changes, size_t n,
	struct report *report) {
	enum fake_fault fault;
	enum err failed = fake_begin(t, d, &fault);
	size_t done = 0;
	*report = (struct report){.result = -1};
	fake.applies++;
	fake.changes += n;
	if (!failed && fake.loses) {
		fault = FAULT_LOST_AFTER;
		failed = task_fail(t, ERR_TIMEOUT, "fake: no answer");
		fake.loses = false;
	}
	bool is_half = fault == FAULT_LOST_HALF && !d->transactions;
	if (failed && fault != FAULT_LOST_AFTER && !is_half)
		return fake_end(failed);
	report->controller = fake_controller(d);
	fake.last = fake.now;
	enum err e = change_all(t, d, changes, is_half ? 1 : n, &done);
	if (failed)
		return fake_end(failed);
	report->done = done;
	return fake_end(tell(t, e, report));
}

void directory_new_entry(
	struct arena *a, const struct directory_config *d, struct str marker, struct attribute **list, size_t *n) {
	*list = arena_array(a, struct attribute, 2);
	(*list)[0].name = STR("objectClass");
	strs_add(a, &(*list)[0].values, STR("inetOrgPerson"));
	(*list)[1].name = d->marker_attribute;
	strs_add(a, &(*list)[1].values, marker);
	*n = 2;
}
