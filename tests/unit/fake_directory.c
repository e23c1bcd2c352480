/* A directory in memory: fake_directory.h. */
#include "tests/unit/fake_directory_private.h"

#include <pthread.h>

struct fake_directory fake;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- its contents ---- */

void fake_put(char *to, size_t room, struct str s) {
	if (s.n >= room)
		abort();
	if (s.n)
		memcpy(to, s.p, s.n);
	to[s.n] = 0;
}

void fake_reset(void) {
	memset(&fake, 0, sizeof(fake));
	fake.fault_at = SIZE_MAX;
}

void fake_fail(size_t n, enum fake_fault fault) {
	fake.fault_at = fake.calls + n;
	fake.fault = fault;
}

struct fake_person *fake_person_new(void) {
	if (fake.n_people == FAKE_PEOPLE)
		abort();
	struct fake_person *p = &fake.people[fake.n_people++];
	*p = (struct fake_person){.at = FAKE_CONTROLLERS};
	static size_t made; /* a stable id is never used again */
	snprintf(p->id, sizeof(p->id), "stable-%zu", ++made);
	return p;
}

struct fake_person *fake_person_add(const char *login, const char *mail) {
	struct fake_person *p = fake_person_new();
	snprintf(p->dn, sizeof(p->dn), "uid=%s,ou=people,dc=test", login);
	snprintf(p->password, sizeof(p->password), "correct horse %s", login);
	PUT(p->login, str_of(login));
	PUT(p->mail, str_of(mail));
	p->enabled = true;
	return p;
}

struct fake_person *fake_entry_add(const char *dn, const char *login, const char *mail, const char *marker) {
	struct fake_person *p = fake_person_new();
	PUT(p->dn, str_of(dn));
	PUT(p->login, str_of(login));
	PUT(p->mail, str_of(mail));
	PUT(p->marker, str_of(marker));
	return p;
}

void fake_replicate(void) {
	for (size_t i = 0; i < fake.n_people; i++)
		fake.people[i].at = fake.people[i].at ? FAKE_CONTROLLERS : 0;
}

struct fake_person *fake_person_find(const char *login) {
	for (size_t i = 0; i < fake.n_people; i++)
		if (!fake.people[i].gone && strcmp(fake.people[i].login, login) == 0)
			return &fake.people[i];
	return NULL;
}

struct fake_person *fake_person_at(struct arena *a, struct str dn) {
	for (size_t i = 0; i < fake.n_people; i++)
		if (fake_shows(&fake.people[i]) && dn_equal(a, str_of(fake.people[i].dn), dn))
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

struct fake_group *fake_group_at(struct arena *a, struct str dn) {
	for (size_t i = 0; i < fake.n_groups; i++)
		if (dn_equal(a, str_of(fake.groups[i].dn), dn))
			return &fake.groups[i];
	return NULL;
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

/* ---- controllers ---- */

struct str fake_controller(const struct directory_config *d) {
	return d->uris.n ? d->uris.v[fake.now] : STR("ldap://fake");
}

bool fake_shows(const struct fake_person *p) {
	return !p->gone && (p->at >> fake.now & 1);
}

/* The first one that is not away; the one that the task is pinned to, and no other. */
static bool somebody_answers(const struct task *t, const struct directory_config *d) {
	size_t n = d->uris.n ? d->uris.n : 1;
	for (fake.now = 0; fake.now < n; fake.now++)
		if (!(fake.away >> fake.now & 1) &&
			(str_empty(t->pinned_to) || str_eq(fake_controller(d), t->pinned_to)))
			return true;
	return false;
}

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
	BEGIN(fault);
	*ret = fake_controller(d);
	return fake_end(failed);
}

/* ---- going wrong ---- */

static enum fake_fault fault_now(const struct task *t, const struct directory_config *d) {
	bool is_told = fake.calls++ == fake.fault_at;
	return !somebody_answers(t, d) ? FAULT_DOWN : is_told ? fake.fault : fake.down ? FAULT_DOWN : FAULT_NONE;
}

enum err fake_begin(struct task *t, const struct directory_config *d, enum fake_fault *ret) {
	pthread_mutex_lock(&lock);
	*ret = fault_now(t, d);
	if (*ret == FAULT_DOWN)
		return task_fail(t, ERR_UNAVAILABLE, "fake: down");
	if (*ret == FAULT_REFUSED)
		return task_fail(t, ERR_REFUSED, "fake: no");
	return *ret ? task_fail(t, ERR_TIMEOUT, "fake: no answer") : OK;
}

enum err fake_end(enum err e) {
	pthread_mutex_unlock(&lock);
	return e;
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

static enum err find(
	struct task *t, const struct directory_config *d, enum by by, struct str value, struct entry **ret) {
	const struct fake_person *found = NULL;
	BEGIN(fault);
	fake.searches++;
	for (size_t i = 0; i < fake.n_people && !failed && !fake.invisible; i++) {
		if (!fake_shows(&fake.people[i]) || str_empty(value) || !matches(t->arena, &fake.people[i], by, value))
			continue;
		if (found)
			return fake_end(task_fail(t, ERR_EXISTS, "fake: several"));
		found = &fake.people[i];
	}
	if (failed)
		return fake_end(failed);
	if (!found)
		return fake_end(task_fail(t, ERR_NOT_FOUND, "fake: none"));
	*ret = entry_of(t->arena, found);
	return fake_end(OK);
}

enum err directory_find_login(struct task *t, const struct directory_config *d, struct str typed, struct entry **ret) {
	if (fake.silent && str_eq(d->id, str_of(fake.silent)))
		return task_fail(t, ERR_UNAVAILABLE, "fake: silent");
	return find(t, d, BY_TYPED, typed, ret);
}
enum err directory_find_id(struct task *t, const struct directory_config *d, struct str stable_id, struct entry **ret) {
	enum err e = find(t, d, BY_ID, stable_id, ret);
	pthread_mutex_lock(&lock);
	void (*after)(void) = fake.after_id;
	fake.after_id = NULL;
	pthread_mutex_unlock(&lock);
	if (after)
		after();
	return e;
}
enum err directory_find_dn(struct task *t, const struct directory_config *d, struct str dn, struct entry **ret) {
	return find(t, d, BY_DN, dn, ret);
}
enum err directory_find_marker(
	struct task *t, const struct directory_config *d, struct str marker, struct entry **ret) {
	return find(t, d, BY_MARKER, marker, ret);
}
enum err directory_find_value(
	struct task *t, const struct directory_config *d, struct str name, struct str value, struct entry **ret) {
	return find(t, d, str_eq(name, STR("login")) ? BY_LOGIN : BY_MAIL, value, ret);
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
}

enum err directory_find_all(struct task *t, const struct directory_config *d, struct str name, struct str value,
	struct entry **ret, size_t *ret_n) {
	enum by by = str_eq(name, STR("marker")) ? BY_MARKER : str_eq(name, STR("login")) ? BY_LOGIN : BY_MAIL;
	BEGIN(fault);
	if (failed)
		return fake_end(failed);
	*ret = arena_array(t->arena, struct entry, FAKE_PEOPLE);
	*ret_n = 0;
	for (size_t i = 0; i < fake.n_people; i++)
		if (!fake.invisible && fake_shows(&fake.people[i]) && matches(t->arena, &fake.people[i], by, value))
			(*ret)[(*ret_n)++] = *entry_of(t->arena, &fake.people[i]);
	return fake_end(OK);
}

enum err directory_read(struct task *t, const struct directory_config *d, struct str dn, const char *const *attributes,
	struct entry **ret) {
	(void)attributes;
	BEGIN(fault);
	if (failed || !fake_group_at(t->arena, dn))
		return fake_end(failed ? failed : task_fail(t, ERR_NOT_FOUND, "fake: none"));
	*ret = arena_new_of(t->arena, struct entry);
	return fake_end(OK);
}

enum err directory_search(struct task *t, const struct directory_config *d, struct str base, const char *filter,
	const char *const *attributes, struct entry **ret, size_t *ret_n, bool *cut) {
	(void)base, (void)filter, (void)attributes;
	BEGIN(fault);
	if (failed)
		return fake_end(failed);
	*ret = NULL;
	*ret_n = 0;
	*cut = false;
	return fake_end(OK);
}

enum err directory_groups(struct task *t, const struct directory_config *d, const struct entry *e, struct groups *ret) {
	BEGIN(fault);
	if (failed)
		return fake_end(failed);
	*ret = (struct groups){.v = arena_array(t->arena, struct group, FAKE_GROUPS)};
	for (size_t i = 0; i < fake.n_groups; i++)
		for (size_t k = 0; k < fake.groups[i].n; k++)
			if (dn_equal(t->arena, str_of(fake.groups[i].members[k]), e->dn))
				ret->v[ret->n++] = (struct group){
					.dn = str_dup(t->arena, str_of(fake.groups[i].dn)), .via = SIZE_MAX};
	return fake_end(OK);
}

enum err directory_members(struct task *t, const struct directory_config *d, struct str group_dn, struct entry **ret,
	size_t *ret_n, bool *cut) {
	BEGIN(fault);
	struct fake_group *g = fake_group_at(t->arena, group_dn);
	if (failed || !g)
		return fake_end(failed ? failed : task_fail(t, ERR_NOT_FOUND, "fake: no group"));
	*ret = arena_array(t->arena, struct entry, FAKE_PEOPLE);
	*ret_n = 0;
	*cut = false;
	for (size_t i = 0; i < fake.n_people; i++)
		if (fake_is_member(g, &fake.people[i]))
			(*ret)[(*ret_n)++] = *entry_of(t->arena, &fake.people[i]);
	return fake_end(OK);
}

enum err directory_values(
	struct task *t, const struct directory_config *d, struct str dn, struct str attribute, struct strs *ret) {
	(void)attribute;
	BEGIN(fault);
	struct fake_group *g = fake_group_at(t->arena, dn);
	if (failed || !g)
		return fake_end(failed ? failed : task_fail(t, ERR_NOT_FOUND, "fake: no group"));
	for (size_t i = 0; i < g->n; i++)
		strs_add(t->arena, ret, str_dup(t->arena, str_of(g->members[i])));
	return fake_end(OK);
}
