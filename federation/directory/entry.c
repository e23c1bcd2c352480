#include "base/clock.h"
#include "federation/directory/binary.h"
#include "federation/directory/driver.h"

#define PLAIN_VALUES 8192u             /* of one attribute, in a plain read */
#define VALUES_MOST  (64u << 10)       /* bytes of one attribute of a person; a larger one is left out */
#define ENTRIES_MOST (LIMIT_ARENA / 2) /* bytes of a task's memory, beyond which no attribute is copied into it */

/* Never read, whoever asks: a service account that may write a password may often read its hash. */
static bool secret_attribute(struct str name) {
	return str_eq_case(name, STR("userPassword")) || str_eq_case(name, STR("unicodePwd")) ||
	       str_eq_case(name, STR("pwdHistory"));
}

static void add_once(struct arena *a, struct strs *list, struct str name) {
	for (size_t i = 0; i < list->n; i++)
		if (str_eq_case(list->v[i], name))
			return;
	if (!str_empty(name))
		strs_add(a, list, name);
}

struct strs entry_attributes(struct arena *a, const struct directory_config *d) {
	const struct driver *driver = driver_of(d);
	struct strs list = {NULL, 0};
	attributes_mapped(a, d, &list);
	for (const char *const *name = driver->state_attributes; *name; name++)
		strs_add(a, &list, str_of(*name));
	add_once(a, &list, str_of(driver->stable_id));
	add_once(a, &list, d->marker_attribute);
	add_once(a, &list, d->rdn_attribute);
	for (size_t i = 0; i < d->login_attributes.n; i++)
		add_once(a, &list, directory_attribute(d, d->login_attributes.v[i]));
	return list;
}

struct strs entry_values(const struct entry *e, struct str name) {
	for (size_t i = 0; i < e->n_attributes; i++)
		if (str_eq_case(e->attributes[i].name, name))
			return e->attributes[i].values;
	return (struct strs){NULL, 0};
}

struct str entry_value(const struct entry *e, struct str name) {
	struct strs values = entry_values(e, name);
	return values.n ? values.v[0] : STR_NONE;
}

/* The end of a task's memory is the end of the process: what a directory sends stays well below. */
static bool has_room(struct arena *a, const struct berval *values, size_t most) {
	size_t bytes = arena_used(a);
	for (size_t n = 0; n < most && values && values[n].bv_val; n++)
		bytes += values[n].bv_len + 2 * sizeof(struct str);
	return bytes <= ENTRIES_MOST;
}

/* What people may write of themselves must not keep the rest of their entry, and of a feed, from being read. */
static bool too_large(const struct berval *values) {
	size_t bytes = 0;
	for (size_t n = 0; n < LIMIT_VALUES && values && values[n].bv_val && bytes <= VALUES_MOST; n++)
		bytes += values[n].bv_len;
	return bytes > VALUES_MOST;
}

static struct strs copy_values(struct arena *a, struct str name, const struct berval *values, size_t most) {
	struct strs list = {NULL, 0};
	size_t n = 0;
	while (n < most && values && values[n].bv_val)
		n++;
	list.v = arena_array(a, struct str, n);
	for (; list.n < n; list.n++)
		list.v[list.n] = str_dup(a, binary_text(a, name, str_of_bv(values[list.n])));
	return list;
}

static struct str first(const struct entry *e, struct arena *a, const struct directory_config *d, struct str theirs) {
	struct str value = entry_value(e, attribute_ours(a, d, theirs));
	return str_absent(value) ? str_slice("", 0) : value;
}

static void name_entry(struct task *t, const struct directory_config *d, struct entry *e) {
	const struct driver *driver = driver_of(d);
	e->stable_id = first(e, t->arena, d, str_of(driver->stable_id));
	e->login = first(e, t->arena, d, directory_attribute(d, STR("login")));
	if (str_empty(e->login))
		e->login = first(e, t->arena, d, d->rdn_attribute);
	e->mail = first(e, t->arena, d, directory_attribute(d, STR("mail")));
	e->marker = first(e, t->arena, d, d->marker_attribute);
	e->created_at = directory_time_ms(first(e, t->arena, d, str_of(driver->created)));
	e->enabled = true;
	driver->entry_state(e, clock_wall_ms());
}

static bool next_attribute(
	struct conn *c, LDAPMessage *m, BerElement *ber, struct berval *name, struct berval **values) {
	return ldap_get_attribute_ber(c->ld, m, ber, name, values) == LDAP_SUCCESS && name->bv_val;
}

struct reading {
	struct conn *c;
	LDAPMessage *m;
	bool plain;
};

static enum err read_attribute(struct task *t, const struct reading *r, struct str theirs, const struct berval *values,
	struct attribute *ret) {
	size_t most = r->plain ? PLAIN_VALUES : LIMIT_VALUES;
	if (theirs.n > LIMIT_FIELD_VALUE || !has_room(t->arena, values, most))
		return task_fail(t, ERR_UNAVAILABLE, "an entry too large");
	ret->name = r->plain ? str_lower(t->arena, theirs) : attribute_ours(t->arena, r->c->directory, theirs);
	ret->values = copy_values(t->arena, theirs, values, most);
	return OK;
}

static enum err read_attributes(struct task *t, const struct reading *r, BerElement *ber, struct entry *e) {
	struct berval name;
	size_t room = 0;
	for (;;) {
		owned(ldap_bervals) struct berval *values = NULL;
		if (!next_attribute(r->c, r->m, ber, &name, &values))
			return OK;
		if (secret_attribute(str_of_bv(name)) || (!r->plain && too_large(values)))
			continue;
		if (e->n_attributes == room) {
			size_t wider = room ? room * 2 : 32;
			e->attributes = arena_grow(t->arena, e->attributes, room * sizeof(struct attribute),
				wider * sizeof(struct attribute));
			room = wider;
		}
		TRY(read_attribute(t, r, str_of_bv(name), values, &e->attributes[e->n_attributes++]));
	}
}

static enum err read_entry(struct task *t, const struct reading *r, struct entry *ret) {
	owned(ldap_reader) BerElement *ber = NULL;
	struct berval dn;
	struct entry e = {0};
	if (ldap_get_dn_ber(r->c->ld, r->m, &ber, &dn) != LDAP_SUCCESS)
		return task_fail(t, ERR_UNAVAILABLE, "an entry that cannot be read");
	if (dn.bv_len > LIMIT_DN)
		return task_fail(t, ERR_UNAVAILABLE, "an entry whose DN is longer than %u bytes", LIMIT_DN);
	e.dn = str_dup(t->arena, str_of_bv(dn));
	TRY(read_attributes(t, r, ber, &e));
	*ret = e;
	return OK;
}

enum err entry_read(struct task *t, struct conn *c, LDAPMessage *m, struct entry *ret) {
	struct reading r = {c, m, false};
	struct entry e;
	TRY(read_entry(t, &r, &e));
	if (!dn_valid(t->arena, e.dn) || !str_utf8(e.dn))
		return task_fail(t, ERR_UNAVAILABLE, "an entry whose DN is none");
	name_entry(t, c->directory, &e);
	*ret = e;
	return OK;
}

enum err entry_read_plain(struct task *t, struct conn *c, LDAPMessage *m, struct entry *ret) {
	struct reading r = {c, m, true};
	return read_entry(t, &r, ret);
}

bool root_dse_has(LDAP *ld, LDAPMessage *entry, const char *attribute, struct str value) {
	struct berval **values = ldap_get_values_len(ld, entry, attribute);
	bool has = false;
	for (size_t i = 0; values && values[i]; i++)
		has = has || str_eq(str_of_bv(*values[i]), value);
	ldap_value_free_len(values);
	return has;
}
