#include "federation/directory/change.h"
#include "federation/directory/health.h"

void policy_control_read(LDAP *ld, LDAPControl **controls, struct bind_answer *ret) {
	LDAPControl *found = ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, NULL);
	ber_int_t expires = -1, grace = -1;
	LDAPPasswordPolicyError error = PP_noError;
	if (!found || ldap_parse_passwordpolicy_control(ld, found, &expires, &grace, &error) != LDAP_SUCCESS)
		return;
	ret->expires_in = expires;
	ret->grace_left = grace;
	ret->policy_error = error == PP_noError ? -1 : (int)error;
}

/* An empty password is an anonymous bind (RFC 4513 5.1.2), which succeeds. */
static bool can_be_password(struct str password) {
	return password.n && password.n <= LIMIT_PASSWORD && !memchr(password.p, '\0', password.n);
}

enum err bind_answer_read(struct task *t, struct conn *c, LDAPMessage *m, struct bind_answer *ret) {
	owned(ldap_controls) LDAPControl **controls = NULL;
	struct answer answer;
	TRY(conn_answer(t, c, m, &answer, &controls));
	*ret = (struct bind_answer){answer.result, answer.diagnostic, -1, -1, -1};
	policy_control_read(c->ld, controls, ret);
	return OK;
}

static enum err bind_as(struct task *t, struct conn *c, struct str dn, struct str password, struct bind_answer *ret) {
	owned(ldap_message) LDAPMessage *m = NULL;
	owned(ldap_control) LDAPControl *policy = NULL;
	struct berval credentials = bv_of(password);
	const char *name = NULL;
	int msgid = 0;
	TRY(task_cstr(t, dn, &name));
	if (ldap_create_passwordpolicy_control(c->ld, &policy) != LDAP_SUCCESS)
		return task_fail(t, ERR_INTERNAL, "no control");
	LDAPControl *controls[] = {policy, NULL};
	int rc = ldap_sasl_bind(c->ld, name, LDAP_SASL_SIMPLE, &credentials, controls, NULL, &msgid);
	TRY(conn_wait(t, c, rc, msgid, &m));
	return bind_answer_read(t, c, m, ret);
}

/* What an account is called there cannot be told from its DN; nobody, or an anonymous one, is called nothing. */
static bool is_named(struct arena *a, const struct driver *driver, struct str name, struct str dn) {
	if (driver->whoami_names_account && str_starts(name, STR("u:")))
		return name.n > 3 && str_find(name, '\\', 0) < name.n;
	return str_starts(name, STR("dn:")) && dn_equal(a, str_sub(name, 3, name.n), dn);
}

/* RFC 4532, once for each connection: a server, or a proxy before it, that says success to everybody is found out. */
static enum err prove(struct task *t, struct conn *c, struct str dn) {
	owned(ldap_message) LDAPMessage *m = NULL;
	owned(ldap_berval) struct berval *who = NULL;
	owned(ldap_memory) char *oid = NULL;
	struct answer answer;
	int msgid = 0, rc = c->proved ? LDAP_SUCCESS : ldap_whoami(c->ld, NULL, NULL, &msgid);
	if (c->proved)
		return OK;
	TRY(conn_wait(t, c, rc, msgid, &m));
	TRY(conn_answer(t, c, m, &answer, NULL));
	if (answer.result == LDAP_SUCCESS) {
		rc = ldap_parse_extended_result(c->ld, m, &oid, &who, 0);
		struct str name = rc == LDAP_SUCCESS && who ? str_of_bv(*who) : STR_NONE;
		if (!is_named(t->arena, driver_of(c->directory), name, dn))
			return task_fail(
				t, ERR_CONFIG, "after a successful bind the server takes us for \"%.*s\"", FMT(name));
	}
	c->proved = true;
	return OK;
}

static enum err verify(struct task *t, const struct directory_config *d, struct str dn, struct str password,
	struct bind_answer *ret, enum verdict *verdict) {
	struct conn *c = NULL;
	TRY(conn_get(t, d, CONN_PASSWORD, &c));
	TRY(bind_as(t, c, dn, password, ret));
	enum verdict found = VERDICT_WRONG;
	enum err e = bind_verdict(t, driver_of(d), ret, &found);
	conn_count(e);
	TRY(e);
	if (found == VERDICT_OK)
		TRY(prove(t, c, dn));
	*verdict = found;
	return OK;
}

static enum err bind_slot(struct task *t, const struct directory_config *d, struct health **ret) {
	if (!driver_of(d))
		return task_fail(t, ERR_CONFIG, "directory %.*s: this driver is not built yet", FMT(d->id));
	struct health *h = health_of(d);
	TRY(health_bind_enter(t, h, d->max_binds, conn_budget_ms(t, d)));
	*ret = h;
	return OK;
}

enum err directory_verify(struct task *t, const struct directory_config *d, struct str dn, struct str password,
	enum verdict *ret, struct verify_detail *detail) {
	owned(health_bind) struct health *slot = NULL;
	struct bind_answer answer = {-1, STR_NONE, -1, -1, -1};
	enum verdict verdict = VERDICT_WRONG;
	if (can_be_password(password) && dn_valid(t->arena, dn)) {
		TRY(bind_slot(t, d, &slot));
		TRY(verify(t, d, dn, password, &answer, &verdict));
	}
	*ret = verdict;
	if (detail)
		*detail = (struct verify_detail){answer.expires_in, answer.grace_left};
	return OK;
}

/* ---- new passwords ---- */
enum err password_by_exop(
	struct task *t, struct conn *c, const struct password_change *change, struct bind_answer *ret) {
	owned(ldap_message) LDAPMessage *m = NULL;
	owned(ldap_control) LDAPControl *policy = NULL;
	struct berval user = bv_of(change->dn), was = bv_of(change->old), is = bv_of(change->new);
	int msgid = 0;
	if (ldap_create_passwordpolicy_control(c->ld, &policy) != LDAP_SUCCESS)
		return task_fail(t, ERR_INTERNAL, "no control");
	LDAPControl *controls[] = {policy, NULL};
	int rc = ldap_passwd(c->ld, &user, str_absent(change->old) ? NULL : &was, &is, controls, NULL, &msgid);
	TRY(conn_wait_change(t, c, rc, msgid, &m));
	TRY(bind_answer_read(t, c, m, ret));
	if (!str_absent(change->old) && ret->result == LDAP_INVALID_CREDENTIALS) /* 389: it is another by now */
		return task_fail(t, ERR_CREDENTIALS, "the old password was refused");
	return OK;
}

static enum err refused(struct task *t, struct conn *c, const struct bind_answer *answer, struct refusal *refusal) {
	struct answer plain = {answer->result, answer->diagnostic};
	enum err e = conn_result(t, c, &plain, "password modify");
	if (e == ERR_REFUSED)
		*refusal = (struct refusal){answer->result, answer->policy_error, answer->diagnostic};
	return e;
}

static enum err modify_entry(
	struct task *t, const struct directory_config *d, struct str dn, struct attribute *list, size_t n) {
	struct change change = {.kind = CHANGE_REPLACE, .dn = dn, .attributes = list, .n_attributes = n};
	struct report report;
	return n ? directory_apply(t, d, &change, 1, &report) : OK;
}

/* What must follow when the service account has set a password. */
static enum err settle(struct task *t, const struct directory_config *d, struct str dn, const struct entry *before) {
	struct entry *after = NULL;
	struct attribute *list = NULL;
	size_t n = 0;
	TRY(directory_find_dn(t, d, dn, &after));
	TRY(driver_of(d)->after_password(t, d, before, after, &list, &n));
	enum err e = modify_entry(t, d, dn, list, n);
	if (e == ERR_REFUSED && driver_of(d)->settle_may_be_refused) {
		task_clear(t);
		return OK;
	}
	return e;
}

enum err directory_set_password(
	struct task *t, const struct directory_config *d, struct str dn, struct str password, struct refusal *refusal) {
	struct entry *before = NULL;
	struct bind_answer answer;
	struct conn *c = NULL;
	if (!can_be_password(password))
		return task_fail(t, ERR_INVALID, "not a password");
	TRY(directory_find_dn(t, d, dn, &before));
	TRY(conn_get(t, d, CONN_SERVICE, &c));
	const struct password_change change = {dn, STR_NONE, password};
	TRY(driver_of(d)->modify_password(t, c, &change, &answer));
	TRY(refused(t, c, &answer, refusal));
	return settle(t, d, dn, before);
}

/* With a password that has expired, or in Active Directory one that must be changed, nobody is bound; it was found
 * right, so that the service account may carry the change out, old password and all. */
static enum err change_bound(
	struct task *t, const struct directory_config *d, enum verdict verdict, bool bound, struct conn **ret) {
	if (verdict != VERDICT_OK && verdict != VERDICT_MUST_CHANGE && verdict != VERDICT_EXPIRED)
		return task_fail(t, ERR_CREDENTIALS, "the old password was refused");
	return conn_get(t, d, bound ? CONN_PASSWORD : CONN_SERVICE, ret);
}

enum err directory_change_password(struct task *t, const struct directory_config *d, struct str dn,
	struct str old_password, struct str new_password, struct refusal *refusal) {
	owned(health_bind) struct health *slot = NULL;
	enum verdict verdict = VERDICT_WRONG;
	struct bind_answer answer;
	struct entry *before = NULL;
	struct conn *c = NULL;
	if (!can_be_password(new_password))
		return task_fail(t, ERR_INVALID, "not a password");
	if (!can_be_password(old_password) || !dn_valid(t->arena, dn))
		return task_fail(t, ERR_CREDENTIALS, "not a password");
	TRY(bind_slot(t, d, &slot));
	TRY(verify(t, d, dn, old_password, &answer, &verdict));
	bool bound = answer.result == LDAP_SUCCESS;
	if (!bound && (verdict == VERDICT_EXPIRED || verdict == VERDICT_MUST_CHANGE))
		TRY(directory_find_dn(t, d, dn, &before));
	TRY(change_bound(t, d, verdict, bound, &c));
	const struct password_change change = {dn, old_password, new_password};
	TRY(driver_of(d)->modify_password(t, c, &change, &answer));
	TRY(refused(t, c, &answer, refusal));
	return before ? settle(t, d, dn, before) : OK;
}

enum err directory_set_enabled(struct task *t, const struct directory_config *d, struct str dn, bool enabled) {
	struct entry *now = NULL;
	struct attribute *list = NULL;
	size_t n = 0;
	TRY(directory_find_dn(t, d, dn, &now));
	driver_of(d)->enable(t->arena, d, now, enabled, &list, &n);
	return modify_entry(t, d, dn, list, n);
}
