#include "federation/directory/driver.h"

#define T(text)                                                                                                        \
	{ text, sizeof(text) - 1 } /* STR, as an initialiser */

/* Active Directory is LDAP with other tables. */
static const struct {
	struct str ours;
	struct str theirs[3]; /* by enum directory_driver_id: OpenLDAP, Active Directory, 389 */
} map[] = {
	{T("login"), {T("uid"), T("sAMAccountName"), T("uid")}},
	{T("mail"), {T("mail"), T("mail"), T("mail")}},
	{T("given_name"), {T("givenName"), T("givenName"), T("givenName")}},
	{T("family_name"), {T("sn"), T("sn"), T("sn")}},
	{T("name"), {T("cn"), T("cn"), T("cn")}},
	{T("display_name"), {T("displayName"), T("displayName"), T("displayName")}},
	{T("initials"), {T("initials"), T("initials"), T("initials")}},
	{T("title"), {T("title"), T("title"), T("title")}},
	{T("phone"), {T("telephoneNumber"), T("telephoneNumber"), T("telephoneNumber")}},
	{T("mobile"), {T("mobile"), T("mobile"), T("mobile")}},
	{T("organization"), {T("o"), T("company"), T("o")}},
	{T("department"), {T("departmentNumber"), T("department"), T("departmentNumber")}},
	{T("office"),
		{T("physicalDeliveryOfficeName"), T("physicalDeliveryOfficeName"), T("physicalDeliveryOfficeName")}},
	{T("street"), {T("street"), T("streetAddress"), T("street")}},
	{T("postal_code"), {T("postalCode"), T("postalCode"), T("postalCode")}},
	{T("city"), {T("l"), T("l"), T("l")}},
	{T("state"), {T("st"), T("st"), T("st")}},
	{T("country"), {T("c"), T("c"), T("c")}},
	{T("language"), {T("preferredLanguage"), T("preferredLanguage"), T("preferredLanguage")}},
	{T("employee_number"), {T("employeeNumber"), T("employeeID"), T("employeeNumber")}},
	{T("employee_type"), {T("employeeType"), T("employeeType"), T("employeeType")}},
	{T("manager"), {T("manager"), T("manager"), T("manager")}},
	{T("description"), {T("description"), T("description"), T("description")}},
};

struct str directory_attribute(const struct directory_config *d, struct str ours) {
	for (size_t i = 0; i < d->n_attributes; i++)
		if (str_eq(d->attributes[i].ours, ours))
			return d->attributes[i].theirs;
	for (size_t i = 0; i < COUNT(map); i++)
		if (str_eq(map[i].ours, ours))
			return map[i].theirs[d->driver];
	return ours;
}

/* Whether a row of the configuration takes the place of the built-in row of this name. */
static bool overridden(const struct directory_config *d, struct str ours) {
	for (size_t i = 0; i < d->n_attributes; i++)
		if (str_eq(d->attributes[i].ours, ours))
			return true;
	return false;
}

struct str attribute_ours(struct arena *a, const struct directory_config *d, struct str theirs) {
	for (size_t i = 0; i < d->n_attributes; i++)
		if (str_eq_case(d->attributes[i].theirs, theirs))
			return d->attributes[i].ours;
	for (size_t i = 0; i < COUNT(map); i++)
		if (str_eq_case(map[i].theirs[d->driver], theirs) && !overridden(d, map[i].ours))
			return map[i].ours;
	return str_lower(a, theirs);
}

void attributes_mapped(struct arena *a, const struct directory_config *d, struct strs *list) {
	for (size_t i = 0; i < d->n_attributes; i++)
		strs_add(a, list, d->attributes[i].theirs);
	for (size_t i = 0; i < COUNT(map); i++)
		if (!overridden(d, map[i].ours))
			strs_add(a, list, map[i].theirs[d->driver]);
}

struct strs directory_mapped(struct arena *a, const struct directory_config *d) {
	struct strs list = {NULL, 0};
	for (size_t i = 0; i < d->n_attributes; i++)
		strs_add(a, &list, d->attributes[i].ours);
	for (size_t i = 0; i < COUNT(map); i++)
		if (!overridden(d, map[i].ours))
			strs_add(a, &list, map[i].ours);
	return list;
}
