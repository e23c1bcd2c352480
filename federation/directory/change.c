#include "base/clock.h"
#include "federation/directory/change.h"

void attribute_add(struct arena *a, struct attribute **list, size_t *n, struct str name, struct str value) {
	*list = arena_grow(a, *list, *n * sizeof(**list), (*n + 1) * sizeof(**list));
	struct attribute *added = &(*list)[(*n)++];
	*added = (struct attribute){.name = name};
	if (!str_absent(value))
		strs_add(a, &added->values, value);
}

void directory_new_entry(
	struct arena *a, const struct directory_config *d, struct str marker, struct attribute **list, size_t *n) {
	const struct driver *driver = driver_of(d);
	struct attribute *made = NULL;
	size_t made_n = 0;
	struct strs classes = d->object_classes;
	if (!driver)
		return;
	if (classes.n == 0)
		strs_add(a, &classes, driver->default_class);
	attribute_add(a, &made, &made_n, STR("objectClass"), STR_NONE);
	made[0].values = classes;
	if (!str_empty(d->marker_attribute))
		attribute_add(a, &made, &made_n, d->marker_attribute, marker);
	driver->disabled_attributes(a, d, &made, &made_n);
	*list = made;
	*n = made_n;
}

void directory_enabling(struct arena *a, const struct directory_config *d, const struct entry *now, bool enabled,
	struct attribute **list, size_t *n) {
	*list = NULL;
	*n = 0;
	if (driver_of(d))
		driver_of(d)->enable(a, d, now, enabled, list, n);
}

/* ---- what libldap takes ---- */
static struct berval **values_of(struct arena *a, struct strs values) {
	struct berval **list = arena_array(a, struct berval *, values.n + 1);
	for (size_t i = 0; i < values.n; i++) {
		list[i] = arena_new_of(a, struct berval);
		*list[i] = bv_of(values.v[i]);
	}
	return list;
}

enum err mods_of(struct task *t, int op, const struct attribute *attributes, size_t n, LDAPMod ***ret) {
	LDAPMod **mods = arena_array(t->arena, LDAPMod *, n + 1);
	for (size_t i = 0; i < n; i++) {
		const char *name = NULL;
		TRY(task_cstr(t, attributes[i].name, &name));
		LDAPMod *mod = mods[i] = arena_new_of(t->arena, LDAPMod);
		mod->mod_op = op | LDAP_MOD_BVALUES;
		mod->mod_type = bv_of(str_of(name)).bv_val;
		mod->mod_bvalues =
			attributes[i].values.n || op == LDAP_MOD_ADD ? values_of(t->arena, attributes[i].values) : NULL;
	}
	*ret = mods;
	return OK;
}

/* "cn=new,ou=there" is a new RDN and a new parent to libldap. */
static enum err send_rename(
	struct task *t, struct conn *c, const struct op *op, LDAPControl **controls, int *ret_msgid) {
	const char *dn = NULL, *rdn = NULL, *parent = NULL;
	struct str new_dn = op->change->new_dn;
	size_t comma = 0;
	for (comma = 0; comma < new_dn.n && new_dn.p[comma] != ','; comma++)
		comma += new_dn.p[comma] == '\\';
	if (comma >= new_dn.n)
		return task_fail(t, ERR_INVALID, "a new name without a parent");
	TRY(task_cstr(t, op->change->dn, &dn));
	TRY(task_cstr(t, str_sub(new_dn, 0, comma), &rdn));
	TRY(task_cstr(t, str_sub(new_dn, comma + 1, new_dn.n), &parent));
	int rc = ldap_rename(c->ld, dn, rdn, parent, 1, controls, NULL, ret_msgid);
	return rc == LDAP_SUCCESS ? OK : op_not_sent(t, c, rc);
}

static enum err send_modify(
	struct task *t, struct conn *c, const struct op *op, LDAPControl **controls, int *ret_msgid) {
	static const int kinds[] = {[CHANGE_VALUE_ADD] = LDAP_MOD_ADD,
		[CHANGE_VALUE_DELETE] = LDAP_MOD_DELETE,
		[CHANGE_REPLACE] = LDAP_MOD_REPLACE};
	LDAPMod **mods = NULL;
	const char *dn = NULL;
	TRY(task_cstr(t, op->change->dn, &dn));
	TRY(mods_of(t, kinds[op->change->kind], op->attributes, op->n_attributes, &mods));
	int rc = ldap_modify_ext(c->ld, dn, mods, controls, NULL, ret_msgid);
	return rc == LDAP_SUCCESS ? OK : op_not_sent(t, c, rc);
}

static enum err send_add(struct task *t, struct conn *c, const struct op *op, LDAPControl **controls, int *ret_msgid) {
	LDAPMod **mods = NULL;
	const char *dn = NULL;
	TRY(task_cstr(t, op->change->dn, &dn));
	TRY(mods_of(t, LDAP_MOD_ADD, op->attributes, op->n_attributes, &mods));
	int rc = ldap_add_ext(c->ld, dn, mods, controls, NULL, ret_msgid);
	return rc == LDAP_SUCCESS ? OK : op_not_sent(t, c, rc);
}

static enum err send_delete(
	struct task *t, struct conn *c, const struct op *op, LDAPControl **controls, int *ret_msgid) {
	const char *dn = NULL;
	TRY(task_cstr(t, op->change->dn, &dn));
	int rc = ldap_delete_ext(c->ld, dn, controls, NULL, ret_msgid);
	return rc == LDAP_SUCCESS ? OK : op_not_sent(t, c, rc);
}

/* A connection that fails while sending is closed by conn_wait_change. */
enum err op_not_sent(struct task *t, struct conn *c, int rc) {
	LDAPMessage *none = NULL;
	return conn_wait_change(t, c, rc, 0, &none);
}

enum err op_send(struct task *t, struct conn *c, const struct op *op, LDAPControl **controls, int *ret_msgid) {
	static enum err (*const senders[])(struct task *, struct conn *, const struct op *, LDAPControl **, int *) = {
		[CHANGE_ADD] = send_add,
		[CHANGE_VALUE_ADD] = send_modify,
		[CHANGE_VALUE_DELETE] = send_modify,
		[CHANGE_REPLACE] = send_modify,
		[CHANGE_RENAME] = send_rename,
		[CHANGE_DELETE] = send_delete,
	};
	return senders[op->change->kind](t, c, op, controls, ret_msgid);
}

/* ---- one after the other ---- */
/* A member that is one already; a value that is gone already. */
bool value_done_already(enum change_kind kind, const struct answer *answer) {
	return (kind == CHANGE_VALUE_ADD && answer->result == LDAP_TYPE_OR_VALUE_EXISTS) ||
	       (kind == CHANGE_VALUE_DELETE && answer->result == LDAP_NO_SUCH_ATTRIBUTE);
}

static enum err run_one(struct task *t, struct conn *c, const struct op *op, struct report *report) {
	owned(ldap_message) LDAPMessage *m = NULL;
	struct answer answer = {-1, STR_NONE};
	int msgid = 0;
	report->result = -1;
	TRY(op_send(t, c, op, NULL, &msgid));
	TRY(conn_wait_change(t, c, LDAP_SUCCESS, msgid, &m));
	TRY(conn_answer(t, c, m, &answer, NULL));
	if (driver_of(c->directory)->done_already(op->change->kind, &answer))
		answer.result = LDAP_SUCCESS;
	report->result = answer.result;
	report->diagnostic = answer.diagnostic;
	return conn_result(t, c, &answer, "change");
}

static enum err run_in_order(struct task *t, struct conn *c, struct ops *ops, struct report *report) {
	for (size_t i = 0; i < ops->n; i++) {
		TRY(run_one(t, c, &ops->v[i], report));
		if (i + 1 == ops->n || ops->v[i + 1].change != ops->v[i].change)
			report->done++;
	}
	return OK;
}

/* One operation per value, where a value may be there (or gone) already: the others are not to fail with it. */
static void ops_add(struct arena *a, struct ops *ops, const struct change *change) {
	if (change->kind != CHANGE_VALUE_ADD && change->kind != CHANGE_VALUE_DELETE) {
		ops->v[ops->n++] = (struct op){change, change->attributes, change->n_attributes};
		return;
	}
	for (size_t i = 0; i < change->n_attributes; i++) {
		for (size_t k = 0; k < change->attributes[i].values.n; k++) {
			struct attribute *one = arena_new_of(a, struct attribute);
			*one = (struct attribute){change->attributes[i].name, {&change->attributes[i].values.v[k], 1}};
			ops->v[ops->n++] = (struct op){change, one, 1};
		}
	}
}

static struct ops ops_of(struct arena *a, const struct change *changes, size_t n) {
	struct ops ops = {NULL, 0};
	size_t most = n;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < changes[i].n_attributes; k++)
			most += changes[i].attributes[k].values.n;
	ops.v = arena_array(a, struct op, most);
	for (size_t i = 0; i < n; i++)
		ops_add(a, &ops, &changes[i]);
	return ops;
}

enum err directory_apply(struct task *t, const struct directory_config *d, const struct change *changes, size_t n,
	struct report *report) {
	struct conn *c = NULL;
	int64_t began = clock_monotonic_ms();
	struct ops ops = ops_of(t->arena, changes, n);
	*report = (struct report){.result = -1, .diagnostic = STR("")};
	TRY(conn_get(t, d, CONN_SERVICE, &c));
	report->controller = c->target;
	enum err e = ops.n > 1 && d->transactions && c->transactions ? transaction_run(t, c, &ops, report)
								     : run_in_order(t, c, &ops, report);
	if (!e)
		report->done = n;
	report->ms = clock_monotonic_ms() - began;
	return e;
}
