/* Passwords of Active Directory (MS-ADTS 3.1.1.3.1.5): unicodePwd holds the password in quotation marks in UTF-16LE,
 * may only be written, and only over an encrypted connection. */
#include "base/buf.h"
#include "federation/directory/change.h"

/* A ppolicy response control is unknown to it. The policy-hints control makes a reset heed history and minimum age as a
 * change does: SEQUENCE { INTEGER 1 } in BER. */
static const char hints_value[] = {0x30, 0x03, 0x02, 0x01, 0x01};

/* Characters beyond the first plane are two units (RFC 2781 2.1). */
static void put_units(struct buf *b, uint32_t c) {
	uint32_t units[2] = {c, 0};
	size_t n = 1;
	if (c > 0xffff) {
		units[0] = 0xd800 + ((c - 0x10000) >> 10);
		units[1] = 0xdc00 + ((c - 0x10000) & 0x3ff);
		n = 2;
	}
	for (size_t i = 0; i < n; i++) {
		buf_byte(b, (char)(units[i] & 0xff));
		buf_byte(b, (char)(units[i] >> 8));
	}
}

static enum err quoted(struct task *t, struct str password, struct str *ret) {
	struct buf b = buf_new(t->arena, 2 * LIMIT_PASSWORD + 4);
	size_t at = 0;
	uint32_t c = 0;
	if (!str_utf8(password))
		return task_fail(t, ERR_INVALID, "the password is not UTF-8");
	put_units(&b, '"');
	while (str_next_code_point(password, &at, &c))
		put_units(&b, c);
	put_units(&b, '"');
	*ret = buf_str(&b);
	return OK;
}

/* Set: replace. Change: delete the old value, add the new one, in one operation. */
static enum err mods_for(struct task *t, const struct password_change *change, struct op ops[2], size_t *ret_n) {
	struct str values[2] = {STR_NONE, STR_NONE};
	size_t n = 0;
	if (!str_absent(change->old))
		TRY(quoted(t, change->old, &values[n++]));
	TRY(quoted(t, change->new, &values[n++]));
	for (size_t i = 0; i < n; i++) {
		struct attribute *one = arena_new_of(t->arena, struct attribute);
		one->name = STR("unicodePwd");
		strs_add(t->arena, &one->values, values[i]);
		ops[i] = (struct op){NULL, one, 1};
	}
	*ret_n = n;
	return OK;
}

static enum err send(struct task *t, struct conn *c, const struct password_change *change, int *ret_msgid) {
	struct op ops[2];
	size_t n = 0;
	LDAPMod **first = NULL, **second = NULL, *mods[3] = {NULL, NULL, NULL};
	const char *dn = NULL;
	char oid[] = CONTROL_POLICY_HINTS;
	LDAPControl hints = {.ldctl_oid = oid, .ldctl_value = bv_of(str_slice(hints_value, sizeof(hints_value)))};
	LDAPControl *controls[] = {c->policy_hints ? &hints : NULL, NULL};
	TRY(task_cstr(t, change->dn, &dn));
	TRY(mods_for(t, change, ops, &n));
	TRY(mods_of(t, n == 1 ? LDAP_MOD_REPLACE : LDAP_MOD_DELETE, ops[0].attributes, 1, &first));
	mods[0] = first[0];
	if (n == 2) {
		TRY(mods_of(t, LDAP_MOD_ADD, ops[1].attributes, 1, &second));
		mods[1] = second[0];
	}
	int rc = ldap_modify_ext(c->ld, dn, mods, controls, NULL, ret_msgid);
	return rc == LDAP_SUCCESS ? OK : op_not_sent(t, c, rc);
}

/* Samba takes a password over a connection that anybody can read: we do not give it. */
static enum err sealed(struct task *t, struct conn *c) {
	if (conn_private(c))
		return OK;
	return task_fail(t, ERR_CONFIG, "%.*s: a password is sent over TLS or a sealed bind only",
		FMT(c->target));
}

enum err password_by_unicode_pwd(
	struct task *t, struct conn *c, const struct password_change *change, struct bind_answer *ret) {
	owned(ldap_message) LDAPMessage *m = NULL;
	int msgid = 0;
	TRY(sealed(t, c));
	TRY(send(t, c, change, &msgid));
	TRY(conn_wait_change(t, c, LDAP_SUCCESS, msgid, &m));
	TRY(bind_answer_read(t, c, m, ret));
	/* ERROR_INVALID_PASSWORD in front of the text: the old one is not right (any more). */
	if (!str_absent(change->old) && ret->result != LDAP_SUCCESS && str_starts(ret->diagnostic, STR("00000056")))
		return task_fail(t, ERR_CREDENTIALS, "the old password was refused");
	return OK;
}
