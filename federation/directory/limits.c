/* What a value may be in Active Directory. Windows holds to rangeUpper of its schema (MS-ADA1 to 3) and to the rules of
 * the SAM (MS-SAMR 3.1.1.6); Samba takes more, so that the limits are kept here. Lengths are UTF-16 units. */
#include "federation/directory/directory.h"

#define LOGIN_MOST 20 /* of a user; Windows refuses longer ones, whatever the schema says */

static const struct {
	struct str name;
	size_t most;
} limits[] = {
	{{"sAMAccountName", 14}, LOGIN_MOST},
	{{"userPrincipalName", 17}, 1024},
	{{"cn", 2}, 64},
	{{"displayName", 11}, 256},
	{{"givenName", 9}, 64},
	{{"sn", 2}, 64},
	{{"initials", 8}, 6},
	{{"mail", 4}, 256},
	{{"telephoneNumber", 15}, 64},
	{{"mobile", 6}, 64},
	{{"title", 5}, 128},
	{{"company", 7}, 64},
	{{"department", 10}, 64},
	{{"physicalDeliveryOfficeName", 26}, 128},
	{{"streetAddress", 13}, 1024},
	{{"postalCode", 10}, 40},
	{{"l", 1}, 128},
	{{"st", 2}, 128},
	{{"c", 1}, 3},
	{{"employeeID", 10}, 16},
	{{"employeeNumber", 14}, 512},
	{{"employeeType", 12}, 256},
	{{"description", 11}, 1024},
};

static size_t units(struct str s) {
	size_t at = 0, n = 0;
	uint32_t c = 0;
	while (str_next_code_point(s, &at, &c))
		n += c > 0xffff ? 2 : 1;
	return n;
}

/* MS-SAMR 3.1.1.6: none of these, no control, and no dot at the end. */
static bool login_is_good(struct str login) {
	for (size_t i = 0; i < login.n; i++)
		if ((unsigned char)login.p[i] < 0x20 || memchr("\"/\\[]:|<>+=;?,*@", login.p[i], 16))
			return false;
	return !str_empty(str_trim(login)) && !str_ends(login, STR("."));
}

static enum err check_value(struct task *t, struct str name, struct str value) {
	for (size_t i = 0; i < COUNT(limits); i++)
		if (str_eq_case(limits[i].name, name) && units(value) > limits[i].most)
			return task_fail(t, ERR_INVALID,
				"%.*s: longer than the %zu characters that Active Directory takes", FMT(name),
				limits[i].most);
	if (str_eq_case(name, STR("sAMAccountName")) && !login_is_good(value))
		return task_fail(t, ERR_INVALID, "sAMAccountName: a character that Active Directory does not take");
	return OK;
}

enum err directory_check_value(struct task *t, const struct directory_config *d, struct str theirs, struct str value) {
	return d->driver == DIRECTORY_ACTIVE_DIRECTORY ? check_value(t, theirs, value) : OK;
}

int64_t directory_login_most(const struct directory_config *d) {
	return d->driver == DIRECTORY_ACTIVE_DIRECTORY ? LOGIN_MOST : INT64_MAX;
}

/* "DC=ad,DC=example,DC=test" at the end of a DN is the domain ad.example.test (RFC 2247). */
static struct str domain_of(struct arena *a, struct str dn) {
	struct strs labels = {NULL, 0};
	struct str rest = dn, rdn;
	while (str_next(&rest, ',', &rdn)) {
		rdn = str_trim(rdn);
		if (str_eq_case(str_sub(rdn, 0, 3), STR("dc=")))
			strs_add(a, &labels, str_sub(rdn, 3, rdn.n));
	}
	return str_join(a, labels, STR("."));
}

struct str directory_principal(struct arena *a, const struct directory_config *d, struct str login) {
	if (d->driver != DIRECTORY_ACTIVE_DIRECTORY)
		return STR_NONE;
	struct str suffix = str_empty(d->upn_suffix) ? domain_of(a, d->people_base) : d->upn_suffix;
	return str_empty(suffix) ? STR_NONE : str_printf(a, "%.*s@%.*s", FMT(login), FMT(suffix));
}

/* accountExpires is a FILETIME (MS-ADA1 2.1, MS-DTYP 2.3.3): hundreds of nanoseconds since 1601. */
bool directory_ends_at(struct arena *a, const struct directory_config *d, int64_t at_ms, struct attribute *ret) {
	const int64_t epoch_ms = 11644473600000;
	if (d->driver != DIRECTORY_ACTIVE_DIRECTORY)
		return false;
	*ret = (struct attribute){.name = STR("accountExpires")};
	strs_add(a, &ret->values, str_printf(a, "%lld", (long long)((at_ms + epoch_ms) * 10000)));
	return true;
}
