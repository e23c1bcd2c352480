/* Active Directory: rights that the controller computes for whoever asks (MS-ADTS 3.1.1.4.5.32, 3.1.1.4.5.34), and
 * deleted entries. Rights to reset a password are no right on an attribute: only a trial tells. */
#include <ldap.h>

#include "federation/doctor/doctor_private.h"

#define CONTROL_SHOW_DELETED "1.2.840.113556.1.4.417" /* MS-ADTS 3.1.1.3.4.1.14 */

static bool has_value(const struct entry *e, struct str attribute, struct str value) {
	for (size_t i = 0; i < e->n_attributes; i++)
		if (str_eq_case(e->attributes[i].name, attribute))
			for (size_t k = 0; k < e->attributes[i].values.n; k++)
				if (str_eq_case(e->attributes[i].values.v[k], value))
					return true;
	return false;
}

/* Entries that are not there, or not shown, are told by another check. */
static bool read_rights(struct visit *v, struct str dn, struct entry **ret) {
	static const char *const names[] = {"allowedChildClasses", "allowedChildClassesEffective", "allowedAttributes",
		"allowedAttributesEffective", NULL};
	if (directory_read(v->t, v->d, dn, names, ret)) {
		task_clear(v->t);
		return false;
	}
	return true;
}

static void look_at_base(struct visit *v, const struct profile_config *p, struct str base) {
	struct entry *e = NULL;
	struct str class = STR("user");
	if (!read_rights(v, base, &e) || !has_value(e, STR("allowedChildClasses"), class) ||
		has_value(e, STR("allowedChildClassesEffective"), class))
		return;
	found(v, FINDING_ERROR, TEXT(v, "the service account may not make users in %.*s", FMT(base)),
		TEXT(v, "requests of the profile %.*s that go there are parked when they are approved", FMT(p->id)),
		TEXT(v, "dsacls \"%.*s\" /I:T /G \"DOMAIN\\account:CC;user\" (docs/directories.md has all rights)",
			FMT(base)));
}

static void look_at_group(struct visit *v, const struct profile_config *p, struct str group) {
	struct entry *e = NULL;
	struct str member = v->d->group_member_attribute;
	if (!read_rights(v, group, &e) || !has_value(e, STR("allowedAttributes"), member) ||
		has_value(e, STR("allowedAttributesEffective"), member))
		return;
	found(v, FINDING_ERROR, TEXT(v, "the service account may not write %.*s of %.*s", FMT(member), FMT(group)),
		TEXT(v, "requests of the profile %.*s that join this group are parked when they are approved",
			FMT(p->id)),
		TEXT(v, "dsacls \"%.*s\" /G \"DOMAIN\\account:RPWP;member\"", FMT(group)));
}

/* Of a person who is there already. */
static void look_at_person(struct visit *v, const struct entry *e, struct str dn) {
	static const struct {
		struct str attribute;
		enum finding_level level;
		const char *consequence;
	} rows[] = {
		{STR("userAccountControl"), FINDING_ERROR,
			"nobody's account can be enabled at the end of a registration"},
		{STR("pwdLastSet"), FINDING_WARNING,
			"where Unexpire-Password is missing too, the first login of every new person will demand "
			"another password"},
		{STR("lockoutTime"), FINDING_WARNING, "a forgotten password that is reset leaves the account locked"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!has_value(e, STR("allowedAttributes"), rows[i].attribute) ||
			has_value(e, STR("allowedAttributesEffective"), rows[i].attribute))
			continue;
		found(v, rows[i].level,
			TEXT(v, "the service account may not write %.*s of people, as of %.*s", FMT(rows[i].attribute),
				FMT(dn)),
			str_of(rows[i].consequence),
			TEXT(v, "dsacls \"%.*s\" /I:S /G \"DOMAIN\\account:RPWP;%.*s;user\"", FMT(v->d->people_base),
				FMT(rows[i].attribute)));
	}
}

static void look_at_people(struct visit *v) {
	static const char *const nothing[] = {"1.1", NULL};
	struct entry *list = NULL, *e = NULL;
	const char *filter = NULL;
	size_t n = 0;
	bool cut = false;
	if (task_cstr(v->t, v->d->people_filter, &filter) ||
		directory_search(v->t, v->d, v->d->people_base, filter, nothing, &list, &n, &cut) || n == 0) {
		task_clear(v->t);
		return;
	}
	if (read_rights(v, list[0].dn, &e))
		look_at_person(v, e, list[0].dn);
}

void check_rights(struct visit *v) {
	size_t before = v->findings->n;
	for (size_t i = 0; i < v->realm->n_profiles; i++) {
		const struct profile_config *p = &v->realm->profiles[i];
		if (!profile_is_here(v, p))
			continue;
		look_at_base(v, p, p->base);
		for (size_t k = 0; k < p->bases_allowed.n; k++)
			look_at_base(v, p, p->bases_allowed.v[k]);
		for (size_t k = 0; k < p->groups.n; k++)
			look_at_group(v, p, p->groups.v[k]);
		for (size_t k = 0; k < p->groups_allowed.n; k++)
			look_at_group(v, p, p->groups_allowed.v[k]);
	}
	look_at_people(v);
	if (v->findings->n == before)
		found_ok(v, "the controller names no right that is missing (resetting passwords: --probe tells)");
}

/* ---- deleted entries ---- */

static enum err context_read(struct visit *v, struct str *ret) {
	static const char *const names[] = {"defaultNamingContext", NULL};
	struct entry *e = NULL;
	TRY(directory_read(v->t, v->d, STR(""), names, &e));
	*ret = entry_value(e, STR("defaultnamingcontext"));
	return OK;
}

/* Samba shows the container's name to all, and what is in it, itself too, to those who may read it. */
static bool is_shown(struct ldap *ld, LDAPMessage *m) {
	LDAPMessage *e = ldap_first_entry(ld, m);
	struct berval **values = e ? ldap_get_values_len(ld, e, "objectClass") : NULL;
	bool shown = ldap_count_values_len(values) > 0;
	ldap_value_free_len(values);
	return shown;
}

/* The LDAP result of a base read with the control; as the account that follows changes. */
static enum err deleted_read(struct visit *v, struct str context, int *ret) {
	char name[] = "objectClass", *attributes[] = {name, NULL}, oid[] = CONTROL_SHOW_DELETED;
	LDAPControl shown = {.ldctl_oid = oid, .ldctl_iscritical = 1}, *controls[] = {&shown, NULL};
	struct timeval limit = {.tv_sec = (time_t)(v->d->operation_timeout_ms / 1000 + 1)};
	struct directory_link *link = NULL;
	LDAPMessage *m = NULL;
	const char *dn = NULL;
	TRY(task_cstr(v->t, TEXT(v, "CN=Deleted Objects,%.*s", FMT(context)), &dn));
	TRY(directory_link_open(v->t, v->d, &link));
	*ret = ldap_search_ext_s(directory_link_ld(link), dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0,
		controls, NULL, &limit, 1, &m);
	if (*ret == LDAP_SUCCESS && !is_shown(directory_link_ld(link), m))
		*ret = LDAP_NO_SUCH_OBJECT;
	ldap_msgfree(m);
	directory_link_close(link);
	return OK;
}

void check_deleted(struct visit *v) {
	struct str context = STR_NONE;
	int result = -1;
	enum err e = context_read(v, &context);
	if (!e && !str_empty(context))
		e = deleted_read(v, context, &result);
	if (e || result < 0) {
		found_unknown(v, "CN=Deleted Objects", e ? e : ERR_UNAVAILABLE);
		return;
	}
	if (result == LDAP_SUCCESS) {
		found_ok(v, "deleted entries are shown");
		return;
	}
	found(v, FINDING_WARNING,
		TEXT(v, "CN=Deleted Objects,%.*s is not shown to the account that follows changes (%d)", FMT(context),
			result),
		STR("sessions and tokens of a person who is deleted end minutes later, not within a second"),
		TEXT(v,
			"dsacls \"CN=Deleted Objects,%.*s\" /takeownership, then dsacls \"CN=Deleted Objects,%.*s\" /G "
			"\"DOMAIN\\account:LCRP\"",
			FMT(context), FMT(context)));
}
