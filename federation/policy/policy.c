#include "federation/policy/policy.h"

/* ---- what a policy says, by attribute ---- */

enum unit {
	UNIT_NUMBER,
	UNIT_TICKS, /* negative hundreds of nanoseconds (MS-ADTS 3.1.1.2.2.2.4), "never" is the least number */
	UNIT_BOOL,  /* TRUE, on */
	UNIT_BIT_0, /* of pwdProperties: DOMAIN_PASSWORD_COMPLEX (MS-SAMR 2.2.3.9) */
};
enum source { SOURCE_PPOLICY, SOURCE_DOMAIN, SOURCE_PSO, SOURCE_389DS };

struct row {
	enum source source;
	const char *attribute;
	enum unit unit;
	size_t offset;
};
#define ROW(source_, attribute_, unit_, member_)                                                                       \
	{ source_, attribute_, unit_, offsetof(struct password_policy, member_) }
static const struct row rows[] = {
	/* slapo-ppolicy(5). pwdCheckQuality says nothing of letters: that lengths are checked, and what a module adds.
	 */
	ROW(SOURCE_PPOLICY, "pwdMinLength", UNIT_NUMBER, min_length),
	ROW(SOURCE_PPOLICY, "pwdMaxLength", UNIT_NUMBER, max_length),
	ROW(SOURCE_PPOLICY, "pwdInHistory", UNIT_NUMBER, history),
	ROW(SOURCE_PPOLICY, "pwdMinAge", UNIT_NUMBER, min_age),
	ROW(SOURCE_PPOLICY, "pwdMaxAge", UNIT_NUMBER, max_age),
	ROW(SOURCE_PPOLICY, "pwdMaxFailure", UNIT_NUMBER, max_failures),
	ROW(SOURCE_PPOLICY, "pwdLockoutDuration", UNIT_NUMBER, lockout_duration),
	ROW(SOURCE_PPOLICY, "pwdUseCheckModule", UNIT_BOOL, module),
	ROW(SOURCE_PPOLICY, "pwdMustChange", UNIT_BOOL, must_change),
	/* MS-ADTS: the head of the domain */
	ROW(SOURCE_DOMAIN, "minPwdLength", UNIT_NUMBER, min_length),
	ROW(SOURCE_DOMAIN, "pwdHistoryLength", UNIT_NUMBER, history),
	ROW(SOURCE_DOMAIN, "minPwdAge", UNIT_TICKS, min_age),
	ROW(SOURCE_DOMAIN, "maxPwdAge", UNIT_TICKS, max_age),
	ROW(SOURCE_DOMAIN, "lockoutThreshold", UNIT_NUMBER, max_failures),
	ROW(SOURCE_DOMAIN, "lockoutDuration", UNIT_TICKS, lockout_duration),
	ROW(SOURCE_DOMAIN, "pwdProperties", UNIT_BIT_0, complexity),
	/* MS-ADTS 3.1.1.4.5.36: msDS-ResultantPSO */
	ROW(SOURCE_PSO, "msDS-MinimumPasswordLength", UNIT_NUMBER, min_length),
	ROW(SOURCE_PSO, "msDS-PasswordHistoryLength", UNIT_NUMBER, history),
	ROW(SOURCE_PSO, "msDS-MinimumPasswordAge", UNIT_TICKS, min_age),
	ROW(SOURCE_PSO, "msDS-MaximumPasswordAge", UNIT_TICKS, max_age),
	ROW(SOURCE_PSO, "msDS-LockoutThreshold", UNIT_NUMBER, max_failures),
	ROW(SOURCE_PSO, "msDS-LockoutDuration", UNIT_TICKS, lockout_duration),
	ROW(SOURCE_PSO, "msDS-PasswordComplexityEnabled", UNIT_BOOL, complexity),
	/* 389 Directory Server: cn=config */
	ROW(SOURCE_389DS, "passwordMinLength", UNIT_NUMBER, min_length),
	ROW(SOURCE_389DS, "passwordInHistory", UNIT_NUMBER, history),
	ROW(SOURCE_389DS, "passwordMinAge", UNIT_NUMBER, min_age),
	ROW(SOURCE_389DS, "passwordMaxAge", UNIT_NUMBER, max_age),
	ROW(SOURCE_389DS, "passwordMaxFailure", UNIT_NUMBER, max_failures),
	ROW(SOURCE_389DS, "passwordLockoutDuration", UNIT_NUMBER, lockout_duration),
	ROW(SOURCE_389DS, "passwordCheckSyntax", UNIT_BOOL, complexity),
	ROW(SOURCE_389DS, "passwordMustChange", UNIT_BOOL, must_change),
};
#define ATTRIBUTES_MAX 16

static void attributes_of(enum source source, const char *names[ATTRIBUTES_MAX]) {
	size_t n = 0;
	for (size_t i = 0; i < COUNT(rows) && n < ATTRIBUTES_MAX - 1; i++)
		if (rows[i].source == source)
			names[n++] = rows[i].attribute;
	names[n] = NULL;
}

static struct str value_of(const struct entry *e, const char *attribute) {
	struct str name = str_of(attribute);
	for (size_t i = 0; i < e->n_attributes; i++)
		if (str_eq_case(e->attributes[i].name, name) && e->attributes[i].values.n)
			return e->attributes[i].values.v[0];
	return STR_NONE;
}

static bool is_true(struct str text) {
	return str_eq_case(text, STR("TRUE")) || str_eq_case(text, STR("on"));
}

static void read_number(enum unit unit, struct str text, int64_t *ret) {
	struct str digits = str_starts(text, STR("-")) ? str_sub(text, 1, text.n) : text;
	int64_t number = 0;
	if (!str_int(digits, 0, INT64_MAX, &number))
		return; /* the least number, "never", has no positive counterpart: 0, none */
	*ret = unit == UNIT_TICKS ? number / 10000000 : number;
}

static void read_row(const struct row *row, struct str text, struct password_policy *p) {
	char *at = (char *)p + row->offset;
	int64_t number = 0;
	switch (row->unit) {
	case UNIT_NUMBER:
	case UNIT_TICKS:
		read_number(row->unit, text, (int64_t *)(void *)at);
		break;
	case UNIT_BOOL:
		*(bool *)at = is_true(text);
		break;
	case UNIT_BIT_0:
		read_number(row->unit, text, &number);
		*(bool *)at = (number & 1) != 0;
		break;
	}
}

/* Known when at least one row of the source was shown. */
static struct password_policy policy_of(enum source source, const struct entry *e) {
	struct password_policy p = {0};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str text = rows[i].source == source ? value_of(e, rows[i].attribute) : STR_NONE;
		if (str_empty(text))
			continue;
		p.known = true;
		read_row(&rows[i], text, &p);
	}
	return p;
}

/* ---- where it is ---- */

/* An entry that is not there, or not shown to us, is no failure here: *ret is NULL. */
static enum err read_entry(
	struct task *t, const struct directory_config *d, struct str dn, const char *const *names, struct entry **ret) {
	struct entry *e = NULL;
	enum err code = directory_read(t, d, dn, names, &e);
	if (code == ERR_NOT_FOUND || code == ERR_REFUSED) {
		task_clear(t);
		e = NULL;
	} else if (code) {
		return code;
	}
	*ret = e;
	return OK;
}

static enum err read_source(struct task *t, const struct directory_config *d, enum source source, struct str dn,
	struct password_policy *ret) {
	const char *names[ATTRIBUTES_MAX];
	struct entry *e = NULL;
	attributes_of(source, names);
	TRY(read_entry(t, d, dn, names, &e));
	*ret = e ? policy_of(source, e) : (struct password_policy){0};
	return OK;
}

/* A value of the root DSE (RFC 4512 5.1); for namingContexts the one that holds our people. */
static enum err read_root(struct task *t, const struct directory_config *d, const char *attribute, struct str *ret) {
	const char *const names[] = {attribute, NULL};
	struct entry *e = NULL;
	TRY(read_entry(t, d, STR(""), names, &e));
	for (size_t i = 0; e && i < e->n_attributes; i++) {
		struct strs values = e->attributes[i].values;
		for (size_t k = 0; k < values.n && str_eq_case(e->attributes[i].name, str_of(attribute)); k++)
			if (dn_under(t->arena, d->people_base, values.v[k]))
				*ret = values.v[k];
	}
	return OK;
}

/* The only one, or the one named cn=default: slapd does not tell which its ppolicy_default is. */
static const struct entry *choose_default(struct arena *a, const struct entry *list, size_t n, bool cut) {
	const struct entry *found = NULL;
	if (n == 1 && !cut)
		return list;
	for (size_t i = 0; i < n; i++) {
		if (!str_starts(list[i].dn, STR("cn=")) || !str_eq_case(dn_rdn_value(a, list[i].dn), STR("default")))
			continue;
		if (found)
			return NULL;
		found = &list[i];
	}
	return cut ? NULL : found;
}

static enum err read_default(struct task *t, const struct directory_config *d, struct password_policy *ret) {
	const char *names[ATTRIBUTES_MAX];
	struct str suffix = STR_NONE;
	struct entry *list = NULL;
	size_t n = 0;
	bool cut = false;
	attributes_of(SOURCE_PPOLICY, names);
	TRY(read_root(t, d, "namingContexts", &suffix));
	if (str_empty(suffix))
		return OK;
	enum err code = directory_search(t, d, suffix, "(objectClass=pwdPolicy)", names, &list, &n, &cut);
	if (code == ERR_NOT_FOUND || code == ERR_REFUSED) {
		task_clear(t);
		return OK;
	}
	TRY(code);
	const struct entry *e = choose_default(t->arena, list, n, cut);
	if (e)
		*ret = policy_of(SOURCE_PPOLICY, e);
	return OK;
}

/* The DN in this attribute of the person's entry, or an empty one. */
static enum err read_pointer(
	struct task *t, const struct directory_config *d, struct str dn, const char *attribute, struct str *ret) {
	const char *const names[] = {attribute, NULL};
	struct entry *e = NULL;
	if (str_empty(dn))
		return OK;
	TRY(read_entry(t, d, dn, names, &e));
	if (e)
		*ret = value_of(e, attribute);
	return OK;
}

static enum err read_openldap(
	struct task *t, const struct directory_config *d, struct str dn, struct password_policy *ret) {
	struct str policy = STR_NONE;
	TRY(read_pointer(t, d, dn, "pwdPolicySubentry", &policy));
	return str_empty(policy) ? read_default(t, d, ret) : read_source(t, d, SOURCE_PPOLICY, policy, ret);
}

static enum err read_active_directory(
	struct task *t, const struct directory_config *d, struct str dn, struct password_policy *ret) {
	struct str own = STR_NONE, domain = STR_NONE;
	TRY(read_pointer(t, d, dn, "msDS-ResultantPSO", &own));
	if (!str_empty(own))
		TRY(read_source(t, d, SOURCE_PSO, own, ret));
	if (ret->known)
		return OK;
	TRY(read_root(t, d, "defaultNamingContext", &domain));
	if (!str_empty(domain))
		TRY(read_source(t, d, SOURCE_DOMAIN, domain, ret));
	ret->hidden = !str_empty(own);
	return OK;
}

static enum err read_389ds(
	struct task *t, const struct directory_config *d, struct str dn, struct password_policy *ret) {
	struct str policy = STR_NONE;
	TRY(read_pointer(t, d, dn, "pwdPolicySubentry", &policy));
	return read_source(t, d, SOURCE_389DS, str_empty(policy) ? STR("cn=config") : policy, ret);
}

enum err policy_read(struct task *t, const struct directory_config *d, struct str dn, struct password_policy *ret) {
	static enum err (*const readers[])(
		struct task *, const struct directory_config *, struct str, struct password_policy *) = {
		[DIRECTORY_OPENLDAP] = read_openldap,
		[DIRECTORY_ACTIVE_DIRECTORY] = read_active_directory,
		[DIRECTORY_389DS] = read_389ds,
	};
	struct password_policy found = {0};
	TRY(readers[d->driver](t, d, dn, &found));
	*ret = found;
	return OK;
}
