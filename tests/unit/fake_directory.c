/* A directory in memory: fake_directory.h. */
#include "tests/unit/fake_directory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_directory fake;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- its contents ---- */

static void put(char *to, size_t room, struct str s) {
	if (s.n >= room)
		abort();
	if (s.n)
		memcpy(to, s.p, s.n);
	to[s.n] = 0;
}
#define PUT(member, s) put((member), sizeof(member), (s))

void fake_reset(void) {
	memset(&fake, 0, sizeof(fake));
	fake.fault_at = SIZE_MAX;
}

void fake_fail(size_t n, enum fake_fault fault) {
	fake.fault_at = fake.calls + n;
	fake.fault = fault;
}

static struct fake_person *person_new(void) {
	if (fake.n_people == FAKE_PEOPLE)
		abort();
	struct fake_person *p = &fake.people[fake.n_people++];
	*p = (struct fake_person){0};
	static size_t made; /* a stable id is never used again */
	snprintf(p->id, sizeof(p->id), "stable-%zu", ++made);
	return p;
}

struct fake_person *fake_person_add(const char *login, const char *mail) {
	struct fake_person *p = person_new();
	snprintf(p->dn, sizeof(p->dn), "uid=%s,ou=people,dc=test", login);
	snprintf(p->password, sizeof(p->password), "correct horse %s", login);
	PUT(p->login, str_of(login));
	PUT(p->mail, str_of(mail));
	p->enabled = true;
	return p;
}

struct fake_person *fake_person_find(const char *login) {
	for (size_t i = 0; i < fake.n_people; i++)
		if (!fake.people[i].gone && strcmp(fake.people[i].login, login) == 0)
			return &fake.people[i];
	return NULL;
}

struct fake_group *fake_group_add(const char *dn) {
	if (fake.n_groups == FAKE_GROUPS)
		abort();
	struct fake_group *g = &fake.groups[fake.n_groups++];
	PUT(g->dn, str_of(dn));
	return g;
}

bool fake_is_member(const struct fake_group *g, const struct fake_person *p) {
	for (size_t i = 0; i < g->n; i++)
		if (strcasecmp(g->members[i], p->dn) == 0)
			return true;
	return false;
}

static void join_dn(struct fake_group *g, struct str dn) {
	if (g->n == FAKE_MEMBERS)
		abort();
	PUT(g->members[g->n], dn);
	g->n++;
}

void fake_join(struct fake_group *g, const struct fake_person *p) {
	if (!fake_is_member(g, p))
		join_dn(g, str_of(p->dn));
}

/* ---- going wrong ---- */

/* Called under the lock at the begin of each call: what this one shall do. */
static enum err fault_now(struct task *t, enum fake_fault *ret) {
	enum fake_fault f = fake.calls++ == fake.fault_at ? fake.fault : fake.down ? FAULT_DOWN : FAULT_NONE;
	*ret = f;
	if (f == FAULT_DOWN)
		return task_fail(t, ERR_UNAVAILABLE, "fake: down");
	if (f == FAULT_REFUSED)
		return task_fail(t, ERR_REFUSED, "fake: no");
	return f ? task_fail(t, ERR_TIMEOUT, "fake: no answer") : OK;
}

static enum err locked(enum err e) {
	pthread_mutex_unlock(&lock);
	return e;
}

#define BEGIN(fault_)                                                                                                  \
	enum fake_fault fault_;                                                                                        \
	pthread_mutex_lock(&lock);                                                                                     \
	enum err failed = fault_now(t, &fault_);                                                                       \
	if (failed && fault_ != FAULT_LOST_AFTER)                                                                      \
	return locked(failed)

/* ---- one controller of several ---- */

void directory_pin(struct task *t, const struct directory_config *d, struct str controller) {
	(void)d;
	t->pinned_to = controller;
	if (!str_empty(controller))
		PUT(fake.pinned, controller);
}

enum err directory_controller_uris(struct task *t, const struct directory_config *d, struct strs *ret) {
	(void)t;
	*ret = d->uris;
	return OK;
}

enum err directory_controller(struct task *t, const struct directory_config *d, struct str *ret) {
	(void)d;
	BEGIN(fault);
	*ret = STR("ldap://fake");
	return locked(failed);
}

/* ---- reading ---- */

static struct entry *entry_of(struct arena *a, const struct fake_person *p) {
	struct entry *e = arena_new_of(a, struct entry);
	*e = (struct entry){
		.dn = str_dup(a, str_of(p->dn)),
		.stable_id = str_dup(a, str_of(p->id)),
		.login = str_dup(a, str_of(p->login)),
		.mail = str_dup(a, str_of(p->mail)),
		.marker = str_dup(a, str_of(p->marker)),
		.enabled = p->enabled,
		.locked = p->locked,
		.expires_at = p->expires_at,
		.created_at = p->created_at ? p->created_at : 1 + (p - fake.people),
		.password_stamp = str_dup(a, str_of(p->stamp)),
		.attributes = arena_array(a, struct attribute, 1),
		.n_attributes = 1,
	};
	e->attributes[0].name = STR("given_name");
	strs_add(a, &e->attributes[0].values, str_dup(a, str_of(p->given)));
	return e;
}

struct str entry_value(const struct entry *e, struct str name) {
	for (size_t i = 0; i < e->n_attributes; i++)
		if (str_eq(e->attributes[i].name, name))
			return e->attributes[i].values.v[0];
	return STR_NONE;
}

enum by { BY_TYPED, BY_ID, BY_DN, BY_MARKER, BY_LOGIN, BY_MAIL };

static bool matches(struct arena *a, const struct fake_person *p, enum by by, struct str value) {
	switch (by) {
	case BY_TYPED:
		return str_eq_case(str_of(p->login), value) || str_eq_case(str_of(p->mail), value);
	case BY_ID:
		return str_eq(str_of(p->id), value);
	case BY_DN:
		return dn_equal(a, str_of(p->dn), value);
	case BY_MARKER:
		return str_eq(str_of(p->marker), value);
	case BY_LOGIN:
		return str_eq_case(str_of(p->login), value);
	case BY_MAIL:
		return str_eq_case(str_of(p->mail), value);
	}
	return false;
}

static enum err find(struct task *t, enum by by, struct str value, struct entry **ret) {
	const struct fake_person *found = NULL;
	BEGIN(fault);
	fake.searches++;
	for (size_t i = 0; i < fake.n_people && !failed; i++) {
		if (fake.people[i].gone || str_empty(value) || !matches(t->arena, &fake.people[i], by, value))
			continue;
		if (found)
			return locked(task_fail(t, ERR_EXISTS, "fake: several"));
		found = &fake.people[i];
	}
	if (failed)
		return locked(failed);
	if (!found)
		return locked(task_fail(t, ERR_NOT_FOUND, "fake: none"));
	*ret = entry_of(t->arena, found);
	return locked(OK);
}

enum err directory_find_login(struct task *t, const struct directory_config *d, struct str typed, struct entry **ret) {
	if (fake.silent && str_eq(d->id, str_of(fake.silent)))
		return task_fail(t, ERR_UNAVAILABLE, "fake: silent");
	return find(t, BY_TYPED, typed, ret);
}
enum err directory_find_id(struct task *t, const struct directory_config *d, struct str stable_id, struct entry **ret) {
	(void)d;
	return find(t, BY_ID, stable_id, ret);
}
enum err directory_find_dn(struct task *t, const struct directory_config *d, struct str dn, struct entry **ret) {
	(void)d;
	return find(t, BY_DN, dn, ret);
}
enum err directory_find_marker(
	struct task *t, const struct directory_config *d, struct str marker, struct entry **ret) {
	(void)d;
	return find(t, BY_MARKER, marker, ret);
}
enum err directory_find_value(
	struct task *t, const struct directory_config *d, struct str name, struct str value, struct entry **ret) {
	(void)d;
	return find(t, str_eq(name, STR("login")) ? BY_LOGIN : BY_MAIL, value, ret);
}

bool directory_is_silent(const struct directory_config *d) {
	return fake.silent && str_eq(d->id, str_of(fake.silent));
}

enum err directory_principal_taken(struct task *t, const struct directory_config *d, struct str login, bool *ret) {
	(void)d;
	if (fake.catalog_down)
		return task_fail(t, ERR_UNAVAILABLE, "fake: no catalog");
	*ret = fake.elsewhere && str_eq(login, str_of(fake.elsewhere));
	return OK;
}

enum err directory_find_used(
	struct task *t, const struct directory_config *d, struct str name, struct strs values, struct str *ret_by) {
	struct str by[16];
	for (size_t i = 0; i < values.n; i++) {
		struct entry *e = NULL;
		enum err found = directory_find_value(t, d, name, values.v[i], &e);
		if (found && found != ERR_NOT_FOUND && found != ERR_EXISTS)
			return found;
		by[i] = found == ERR_NOT_FOUND ? STR_NONE : found ? STR("") : e->marker;
		task_clear(t);
	}
	memcpy(ret_by, by, values.n * sizeof(*by));
	return OK;
	return OK;
}

enum err directory_find_all(struct task *t, const struct directory_config *d, struct str name, struct str value,
	struct entry **ret, size_t *ret_n) {
	enum by by = str_eq(name, STR("marker")) ? BY_MARKER : str_eq(name, STR("login")) ? BY_LOGIN : BY_MAIL;
	(void)d;
	BEGIN(fault);
	if (failed)
		return locked(failed);
	*ret = arena_array(t->arena, struct entry, FAKE_PEOPLE);
	*ret_n = 0;
	for (size_t i = 0; i < fake.n_people; i++)
		if (!fake.people[i].gone && matches(t->arena, &fake.people[i], by, value))
			(*ret)[(*ret_n)++] = *entry_of(t->arena, &fake.people[i]);
	return locked(OK);
}

static struct fake_group *group_find(struct arena *a, struct str dn) {
	for (size_t i = 0; i < fake.n_groups; i++)
		if (dn_equal(a, str_of(fake.groups[i].dn), dn))
			return &fake.groups[i];
	return NULL;
}

enum err directory_read(struct task *t, const struct directory_config *d, struct str dn, const char *const *attributes,
	struct entry **ret) {
	(void)d, (void)attributes;
	BEGIN(fault);
	if (failed || !group_find(t->arena, dn))
		return locked(failed ? failed : task_fail(t, ERR_NOT_FOUND, "fake: none"));
	*ret = arena_new_of(t->arena, struct entry);
	return locked(OK);
}

enum err directory_search(struct task *t, const struct directory_config *d, struct str base, const char *filter,
	const char *const *attributes, struct entry **ret, size_t *ret_n, bool *cut) {
	(void)d, (void)base, (void)filter, (void)attributes;
	BEGIN(fault);
	if (failed)
		return locked(failed);
	*ret = NULL;
	*ret_n = 0;
	*cut = false;
	return locked(OK);
}

enum err directory_groups(struct task *t, const struct directory_config *d, const struct entry *e, struct groups *ret) {
	(void)d;
	BEGIN(fault);
	if (failed)
		return locked(failed);
	*ret = (struct groups){.v = arena_array(t->arena, struct group, FAKE_GROUPS)};
	for (size_t i = 0; i < fake.n_groups; i++)
		for (size_t k = 0; k < fake.groups[i].n; k++)
			if (dn_equal(t->arena, str_of(fake.groups[i].members[k]), e->dn))
				ret->v[ret->n++] = (struct group){
					.dn = str_dup(t->arena, str_of(fake.groups[i].dn)), .via = SIZE_MAX};
	return locked(OK);
}

enum err directory_members(struct task *t, const struct directory_config *d, struct str group_dn, struct entry **ret,
	size_t *ret_n, bool *cut) {
	(void)d;
	BEGIN(fault);
	struct fake_group *g = group_find(t->arena, group_dn);
	if (failed || !g)
		return locked(failed ? failed : task_fail(t, ERR_NOT_FOUND, "fake: no group"));
	*ret = arena_array(t->arena, struct entry, FAKE_PEOPLE);
	*ret_n = 0;
	*cut = false;
	for (size_t i = 0; i < fake.n_people; i++)
		if (fake_is_member(g, &fake.people[i]))
			(*ret)[(*ret_n)++] = *entry_of(t->arena, &fake.people[i]);
	return locked(OK);
}

/* ---- passwords ---- */

static struct fake_person *person_of(struct arena *a, struct str dn) {
	for (size_t i = 0; i < fake.n_people; i++)
		if (!fake.people[i].gone && dn_equal(a, str_of(fake.people[i].dn), dn))
			return &fake.people[i];
	return NULL;
}

enum err directory_verify(struct task *t, const struct directory_config *d, struct str dn, struct str password,
	enum verdict *ret, struct verify_detail *detail) {
	(void)d;
	BEGIN(fault);
	fake.binds++;
	PUT(fake.bound, dn);
	if (failed)
		return locked(failed);
	const struct fake_person *p = person_of(t->arena, dn);
	bool right = p && !str_empty(password) && str_eq(str_of(p->password), password);
	*ret = p && p->locked ? VERDICT_LOCKED : !right ? VERDICT_WRONG : p->verdict;
	if (detail)
		*detail = (struct verify_detail){-1, -1};
	void (*then)(void) = fake.after_bind;
	fake.after_bind = NULL;
	locked(OK);
	if (then)
		then();
	return OK;
}

static enum err password_put(struct task *t, struct fake_person *p, struct str password, struct refusal *refusal) {
	bool same = str_eq(str_of(p->password), password), old = str_eq(str_of(p->before), password);
	if (same || old) {
		*refusal = (struct refusal){19, -1,
			same ? STR("Password is not being changed from existing value")
			     : STR("Password is in history of old passwords")};
		return task_fail(t, ERR_REFUSED, "fake: password");
	}
	memcpy(p->before, p->password, sizeof(p->before));
	PUT(p->password, password);
	snprintf(p->stamp, sizeof(p->stamp), "set-%zu", ++fake.sets);
	return OK;
}

enum err directory_set_password(
	struct task *t, const struct directory_config *d, struct str dn, struct str password, struct refusal *refusal) {
	(void)d;
	BEGIN(fault);
	struct fake_person *p = person_of(t->arena, dn);
	enum err e = p ? password_put(t, p, password, refusal) : task_fail(t, ERR_NOT_FOUND, "fake: none");
	return locked(failed ? failed : e);
}

enum err directory_change_password(struct task *t, const struct directory_config *d, struct str dn,
	struct str old_password, struct str new_password, struct refusal *refusal) {
	(void)d;
	BEGIN(fault);
	struct fake_person *p = person_of(t->arena, dn);
	if (!p || !str_eq(str_of(p->password), old_password))
		return locked(task_fail(t, ERR_CREDENTIALS, "fake: wrong"));
	enum err e = password_put(t, p, new_password, refusal);
	if (!e)
		p->verdict = VERDICT_OK;
	return locked(failed ? failed : e);
}

enum err directory_set_enabled(struct task *t, const struct directory_config *d, struct str dn, bool enabled) {
	(void)d;
	BEGIN(fault);
	struct fake_person *p = person_of(t->arena, dn);
	if (p)
		p->enabled = enabled;
	return locked(failed ? failed : p ? OK : task_fail(t, ERR_NOT_FOUND, "fake: none"));
}

/* ---- changes ---- */

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
	struct fake_person *p = person_new();
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
	struct fake_group *g = group_find(a, c->dn);
	struct str dn = attribute_of(c, "member");
	struct fake_person *p = person_of(a, dn);
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
	struct fake_person *p = person_of(a, c->dn);
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

enum err directory_values(
	struct task *t, const struct directory_config *d, struct str dn, struct str attribute, struct strs *ret) {
	(void)d, (void)attribute;
	BEGIN(fault);
	struct fake_group *g = group_find(t->arena, dn);
	if (failed || !g)
		return locked(failed ? failed : task_fail(t, ERR_NOT_FOUND, "fake: no group"));
	for (size_t i = 0; i < g->n; i++)
		strs_add(t->arena, ret, str_dup(t->arena, str_of(g->members[i])));
	return locked(OK);
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
		return locked(failed);
	report->done = done;
	report->result = !e ? 0 : e == ERR_EXISTS ? 68 : 32;
	return locked(e ? task_fail(t, e, "fake: result %d", report->result) : OK);
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
