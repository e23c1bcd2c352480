#include "federation/directory/binary.h"
#include "federation/directory/driver.h"
#include "federation/directory/ldap_text.h"

#define LIMIT_TYPED 320u /* bytes of what a person types as user name */
#define SEARCH_MOST 16u
#define VALUES_MOST 16u /* asked for at once */
#define USED_MOST   33  /* entries that may have them; where there are more, each is asked for */

/* libldap's list of attributes, terminated; the texts are of the configuration or of tables. */
static enum err attribute_list(struct task *t, struct strs names, char ***ret) {
	char **list = arena_array(t->arena, char *, names.n + 1);
	for (size_t i = 0; i < names.n; i++) {
		struct str copy = str_printf(t->arena, "%.*s", FMT(names.v[i]));
		list[i] = bv_of(copy).bv_val;
	}
	*ret = list;
	return OK;
}

static enum err search_once(struct task *t, struct conn *c, const struct search *s, LDAPMessage **ret) {
	const char *base = NULL, *filter = NULL;
	char **attributes = NULL;
	int msgid = 0;
	TRY(task_cstr(t, s->base, &base));
	TRY(task_cstr(t, s->filter, &filter));
	TRY(attribute_list(t, s->attributes, &attributes));
	int64_t ms = conn_budget_ms(t, c->directory);
	/* Whole seconds; Samba counts by the clock's, so that one may be over at once. */
	struct timeval limit = {.tv_sec = (time_t)(ms / 1000 + 2)};
	int rc = ldap_search_ext(c->ld, base, s->scope, filter, s->attributes.n ? attributes : NULL, 0, s->controls,
		NULL, &limit, s->size_limit, &msgid);
	return conn_wait(t, c, rc, msgid, ret);
}

enum err conn_search(struct task *t, const struct directory_config *d, const struct search *s, struct conn **ret_conn,
	LDAPMessage **ret) {
	owned(ldap_message) LDAPMessage *m = NULL;
	struct conn *c = NULL;
	struct answer answer;
	TRY(conn_get(t, d, CONN_SERVICE, &c));
	enum err e = search_once(t, c, s, &m);
	if (e == ERR_UNAVAILABLE || (e == ERR_TIMEOUT && d->uris.n != 1 && t->pinned != d)) {
		task_clear(t);
		TRY(conn_get(t, d, CONN_SERVICE, &c));
		e = search_once(t, c, s, &m);
	}
	TRY(e);
	TRY(conn_answer(t, c, m, &answer, NULL));
	if (!(answer.result == LDAP_SIZELIMIT_EXCEEDED && s->size_limit))
		TRY(conn_result(t, c, &answer, "search"));
	*ret_conn = c;
	*ret = m;
	m = NULL;
	return OK;
}

/* Exactly one: none is ERR_NOT_FOUND, several are ERR_EXISTS. */
static enum err find_one(struct task *t, const struct directory_config *d, struct search *s, struct entry **ret) {
	owned(ldap_message) LDAPMessage *m = NULL;
	struct conn *c = NULL;
	s->size_limit = 2;
	if (s->attributes.n == 0)
		s->attributes = entry_attributes(t->arena, d);
	enum err found = conn_search(t, d, s, &c, &m);
	/* "No such object" from a subtree search speaks of its base, which is ours. */
	if (found == ERR_NOT_FOUND && s->scope == LDAP_SCOPE_SUBTREE)
		return task_fail(
			t, ERR_CONFIG, "%.*s is not there, or is not shown to the service account", FMT(s->base));
	TRY(found);
	int n = ldap_count_entries(c->ld, m);
	if (n > 1)
		return task_fail(t, ERR_EXISTS, "more than one entry matches");
	if (n < 1)
		return task_fail(t, ERR_NOT_FOUND, "no entry matches");
	struct entry *e = arena_new_of(t->arena, struct entry);
	TRY(entry_read(t, c, ldap_first_entry(c->ld, m), e));
	*ret = e;
	return OK;
}

static enum err driver_wanted(struct task *t, const struct directory_config *d) {
	return driver_of(d) ? OK : task_fail(t, ERR_CONFIG, "directory %.*s: this driver is not built yet", FMT(d->id));
}

/* What no directory holds is asked of none. */
static bool can_stand(struct str value, size_t most) {
	return value.n && value.n <= most && str_utf8(value) && !memchr(value.p, '\0', value.n);
}

enum err directory_find_login(struct task *t, const struct directory_config *d, struct str typed, struct entry **ret) {
	struct buf filter = buf_new(t->arena, LIMIT_FILTER);
	TRY(driver_wanted(t, d));
	if (!can_stand(typed, LIMIT_TYPED) || d->login_attributes.n == 0)
		return task_fail(t, ERR_NOT_FOUND, "no user name");
	buf_put(&filter, STR("(&"));
	buf_put(&filter, d->people_filter);
	buf_put(&filter, STR("(|"));
	for (size_t i = 0; i < d->login_attributes.n; i++)
		filter_equal(&filter, directory_attribute(d, d->login_attributes.v[i]), typed);
	buf_put(&filter, STR("))"));
	struct search s = {.base = d->people_base, .scope = LDAP_SCOPE_SUBTREE, .filter = buf_str(&filter)};
	return find_one(t, d, &s, ret);
}

static enum err search_equal(
	struct task *t, const struct directory_config *d, struct str attribute, struct str value, struct search *ret) {
	struct buf filter = buf_new(t->arena, LIMIT_FILTER);
	struct str bytes = STR_NONE;
	if (!can_stand(value, LIMIT_DN) || !binary_value(t->arena, attribute, value, &bytes))
		return task_fail(t, ERR_NOT_FOUND, "no value");
	filter_equal(&filter, attribute, bytes);
	*ret = (struct search){.base = d->people_base, .scope = LDAP_SCOPE_SUBTREE, .filter = buf_str(&filter)};
	return OK;
}

static enum err find_equal(
	struct task *t, const struct directory_config *d, struct str attribute, struct str value, struct entry **ret) {
	struct search s;
	TRY(search_equal(t, d, attribute, value, &s));
	return find_one(t, d, &s, ret);
}

enum err directory_find_id(struct task *t, const struct directory_config *d, struct str stable_id, struct entry **ret) {
	TRY(driver_wanted(t, d));
	return find_equal(t, d, str_of(driver_of(d)->stable_id), stable_id, ret);
}

enum err directory_find_marker(
	struct task *t, const struct directory_config *d, struct str marker, struct entry **ret) {
	TRY(driver_wanted(t, d));
	if (str_empty(d->marker_attribute))
		return task_fail(t, ERR_CONFIG, "directory %.*s has no marker_attribute", FMT(d->id));
	return find_equal(t, d, d->marker_attribute, marker, ret);
}

enum err directory_find_value(
	struct task *t, const struct directory_config *d, struct str name, struct str value, struct entry **ret) {
	TRY(driver_wanted(t, d));
	return find_equal(t, d, directory_attribute(d, name), value, ret);
}

/* ---- several values at once ---- */

static bool has_value(const struct entry *e, struct str name, struct str value) {
	struct strs values = entry_values(e, name);
	for (size_t i = 0; i < values.n; i++)
		if (str_eq_case(values.v[i], value))
			return true;
	return false;
}

/* False where the entry was found by what the directory takes for equal, and we do not. */
static bool used_mark(const struct entry *e, struct str name, struct strs values, struct str *by) {
	bool told = false;
	for (size_t i = 0; i < values.n; i++) {
		if (!has_value(e, name, values.v[i]))
			continue;
		by[i] = str_absent(by[i]) ? e->marker : STR("");
		told = true;
	}
	return told;
}

static struct str any_filter(struct task *t, struct str attribute, struct strs values) {
	struct buf filter = buf_new(t->arena, LIMIT_FILTER);
	buf_put(&filter, STR("(|"));
	for (size_t i = 0; i < values.n; i++)
		filter_equal(&filter, attribute, values.v[i]);
	buf_put(&filter, STR(")"));
	return buf_full(&filter) ? STR_NONE : buf_str(&filter);
}

static enum err used_values(struct task *t, const struct directory_config *d, struct str name, struct strs values) {
	TRY(driver_wanted(t, d));
	bool can = values.n > 0 && values.n <= VALUES_MOST;
	for (size_t i = 0; can && i < values.n; i++)
		can = can_stand(values.v[i], LIMIT_TYPED);
	return can ? OK : task_fail(t, ERR_INVALID, "not values of %.*s", FMT(name));
}

/* *ret_told false: what was found does not tell which values are used. */
static enum err used_at_once(struct task *t, const struct directory_config *d, struct str name, struct strs values,
	struct str *by, bool *ret_told) {
	owned(ldap_message) LDAPMessage *m = NULL;
	struct conn *c = NULL;
	struct search s = {d->people_base, LDAP_SCOPE_SUBTREE, any_filter(t, directory_attribute(d, name), values),
		entry_attributes(t->arena, d), USED_MOST, NULL};
	*ret_told = false;
	if (str_absent(s.filter))
		return OK;
	enum err e = conn_search(t, d, &s, &c, &m);
	if (e == ERR_NOT_FOUND) { /* the base: the single questions say so */
		task_clear(t);
		return OK;
	}
	TRY(e);
	bool told = ldap_count_entries(c->ld, m) < USED_MOST;
	for (LDAPMessage *found = ldap_first_entry(c->ld, m); told && found; found = ldap_next_entry(c->ld, found)) {
		struct entry entry;
		TRY(entry_read(t, c, found, &entry));
		told = used_mark(&entry, name, values, by);
	}
	*ret_told = told;
	return OK;
}

static enum err used_one(
	struct task *t, const struct directory_config *d, struct str name, struct str value, struct str *ret) {
	struct entry *e = NULL;
	enum err found = find_equal(t, d, directory_attribute(d, name), value, &e);
	if (found && found != ERR_NOT_FOUND && found != ERR_EXISTS)
		return found;
	task_clear(t);
	*ret = found == ERR_NOT_FOUND ? STR_NONE : found ? STR("") : e->marker;
	return OK;
}

enum err directory_find_used(
	struct task *t, const struct directory_config *d, struct str name, struct strs values, struct str *ret_by) {
	struct str by[VALUES_MOST];
	bool told = false;
	TRY(used_values(t, d, name, values));
	for (size_t i = 0; i < values.n; i++)
		by[i] = STR_NONE;
	TRY(used_at_once(t, d, name, values, by, &told));
	for (size_t i = 0; !told && i < values.n; i++)
		TRY(used_one(t, d, name, values.v[i], &by[i]));
	memcpy(ret_by, by, values.n * sizeof(*by));
	return OK;
}

enum err directory_find_all(struct task *t, const struct directory_config *d, struct str name, struct str value,
	struct entry **ret, size_t *ret_n) {
	owned(ldap_message) LDAPMessage *m = NULL;
	struct conn *c = NULL;
	struct search s;
	TRY(driver_wanted(t, d));
	bool marker = str_eq(name, STR("marker"));
	TRY(search_equal(t, d, marker ? d->marker_attribute : directory_attribute(d, name), value, &s));
	s.attributes = entry_attributes(t->arena, d);
	strs_add(t->arena, &s.attributes, str_of(driver_of(d)->created));
	s.size_limit = SEARCH_MOST + 1;
	TRY(conn_search(t, d, &s, &c, &m));
	struct entry *list = arena_array(t->arena, struct entry, SEARCH_MOST);
	size_t n = 0;
	if (ldap_count_entries(c->ld, m) > (int)SEARCH_MOST)
		return task_fail(t, ERR_REFUSED, "more than %u entries have the %.*s", SEARCH_MOST, FMT(name));
	for (LDAPMessage *e = ldap_first_entry(c->ld, m); e; e = ldap_next_entry(c->ld, e))
		TRY(entry_read(t, c, e, &list[n++]));
	*ret = list;
	*ret_n = n;
	return OK;
}

enum err directory_find_dn(struct task *t, const struct directory_config *d, struct str dn, struct entry **ret) {
	TRY(driver_wanted(t, d));
	if (!dn_valid(t->arena, dn))
		return task_fail(t, ERR_NOT_FOUND, "not a DN");
	struct search s = {.base = dn, .scope = LDAP_SCOPE_BASE, .filter = STR("(objectClass=*)")};
	return find_one(t, d, &s, ret);
}

/* ---- the forest ---- */
/* An empty base at a port of the global catalog is the whole forest (MS-ADTS 3.1.1.3.1.10). */
enum err directory_principal_taken(struct task *t, const struct directory_config *d, struct str login, bool *ret) {
	owned(ldap_message) LDAPMessage *m = NULL;
	struct conn *c = NULL;
	struct buf filter = buf_new(t->arena, LIMIT_FILTER);
	struct str principal = directory_principal(t->arena, d, login);
	struct strs attributes = {NULL, 0};
	if (!d->catalog || str_absent(principal)) {
		*ret = false;
		return OK;
	}
	filter_equal(&filter, STR("userPrincipalName"), principal);
	strs_add(t->arena, &attributes, STR("userPrincipalName"));
	struct search s = {STR(""), LDAP_SCOPE_SUBTREE, buf_str(&filter), attributes, 1, NULL};
	TRY(conn_search(t, d->catalog, &s, &c, &m));
	*ret = ldap_count_entries(c->ld, m) > 0;
	return OK;
}

/* ---- entries as they are ---- */
static struct strs names_of(struct arena *a, const char *const *names) {
	struct strs list = {NULL, 0};
	for (; *names; names++)
		strs_add(a, &list, str_of(*names));
	return list;
}

static enum err read_plain(struct task *t, const struct directory_config *d, const struct search *s, size_t most,
	struct entry **ret, size_t *ret_n) {
	owned(ldap_message) LDAPMessage *m = NULL;
	struct conn *c = NULL;
	struct entry *list = arena_array(t->arena, struct entry, most);
	size_t n = 0;
	TRY(conn_search(t, d, s, &c, &m));
	for (LDAPMessage *e = ldap_first_entry(c->ld, m); e && n < most; e = ldap_next_entry(c->ld, e))
		TRY(entry_read_plain(t, c, e, &list[n++]));
	*ret = list;
	*ret_n = n;
	return OK;
}

enum err directory_read(struct task *t, const struct directory_config *d, struct str dn, const char *const *attributes,
	struct entry **ret) {
	struct entry *found = NULL;
	size_t n = 0;
	TRY(driver_wanted(t, d));
	if (!str_empty(dn) && !dn_valid(t->arena, dn))
		return task_fail(t, ERR_NOT_FOUND, "not a DN");
	struct search s = {dn, LDAP_SCOPE_BASE, STR("(objectClass=*)"), names_of(t->arena, attributes), 0, NULL};
	TRY(read_plain(t, d, &s, 1, &found, &n));
	if (n == 0)
		return task_fail(t, ERR_NOT_FOUND, "no entry, or not shown to us");
	*ret = found;
	return OK;
}

enum err directory_search(struct task *t, const struct directory_config *d, struct str base, const char *filter,
	const char *const *attributes, struct entry **ret, size_t *ret_n, bool *cut) {
	struct entry *found = NULL;
	size_t n = 0;
	TRY(driver_wanted(t, d));
	if (!dn_valid(t->arena, base))
		return task_fail(t, ERR_NOT_FOUND, "not a DN");
	struct search s = {
		base, LDAP_SCOPE_SUBTREE, str_of(filter), names_of(t->arena, attributes), SEARCH_MOST + 1, NULL};
	TRY(read_plain(t, d, &s, SEARCH_MOST + 1, &found, &n));
	*cut = n > SEARCH_MOST;
	*ret_n = *cut ? SEARCH_MOST : n;
	*ret = found;
	return OK;
}
