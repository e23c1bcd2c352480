/* Changes in the directory in memory: fake_directory.h. */
#include "tests/unit/fake_directory_private.h"

static struct str attribute_of(const struct change *c, const char *name) {
	for (size_t i = 0; i < c->n_attributes; i++)
		if (str_eq_case(c->attributes[i].name, str_of(name)) && c->attributes[i].values.n)
			return c->attributes[i].values.v[0];
	return STR("");
}

static enum err add_entry(struct arena *a, const struct change *c) {
	struct str login = attribute_of(c, "uid");
	for (size_t i = 0; i < fake.n_people; i++)
		if (!fake.people[i].gone && (dn_equal(a, str_of(fake.people[i].dn), c->dn) ||
						    str_eq_case(str_of(fake.people[i].login), login)))
			return ERR_EXISTS;
	struct fake_person *p = fake_person_new();
	PUT(p->dn, c->dn);
	PUT(p->login, login);
	PUT(p->mail, attribute_of(c, "mail"));
	PUT(p->given, attribute_of(c, "givenName"));
	PUT(p->marker, attribute_of(c, "employeeNumber"));
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

enum err directory_apply(struct task *t, const struct directory_config *d, const struct change *changes, size_t n,
	struct report *report) {
	enum err e = OK;
	(void)d;
	*report = (struct report){.controller = STR("ldap://fake"), .result = -1};
	BEGIN(fault);
	size_t done = 0;
	while (done < n && !e)
		if (!(e = change_one(t->arena, &changes[done])))
			done++;
	if (failed)
		return fake_end(failed);
	report->done = done;
	report->result = !e ? 0 : e == ERR_EXISTS ? 68 : 32;
	return fake_end(e ? task_fail(t, e, "fake: result %d", report->result) : OK);
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
