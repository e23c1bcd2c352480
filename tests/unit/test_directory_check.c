#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "federation/directory/directory.h"

static struct directory_config good(struct arena *a) {
	return (struct directory_config){
		.id = STR("main"),
		.driver = DIRECTORY_OPENLDAP,
		.uris = str_split(a, STR("ldaps://127.0.0.1:636 ldap://ldap.example.test ldapi://%2Frun%2Fldapi"), ' '),
		.ca_file = STR(""),
		.bind_dn = STR("cn=svc,dc=test"),
		.bind_password = STR("x"),
		.people_base = STR("ou=people,dc=test"),
		.groups_base = STR("ou=groups,dc=test"),
		.people_filter = STR("(objectClass=inetOrgPerson)"),
		.group_filter = STR("(objectClass=groupOfNames)"),
		.login_attributes = str_split(a, STR("login mail"), ' '),
		.rdn_attribute = STR("uid"),
		.group_member_attribute = STR("member"),
		.marker_attribute = STR("employeeNumber"),
		.at = 7,
	};
}

static struct config_errors *check(struct arena *a, struct directory_config *d, struct profile_config *p) {
	struct realm realm = {.id = STR("staff"), .directories = d, .n_directories = 1, .profiles = p, .n_profiles = 1};
	struct config config = {.realms = &realm, .n_realms = 1};
	struct config_errors *errors = arena_new_of(a, struct config_errors);
	directory_check_config(a, &config, errors);
	return errors;
}

struct row {
	size_t offset; /* of a struct str in the configuration */
	const char *value, *key;
};
#define ROW(member, value)                                                                                             \
	{ offsetof(struct directory_config, member), value, "realms.staff.directories.main." #member }

static void reports_values(void **state) {
	(void)state;
	static const struct row rows[] = {
		ROW(bind_dn, ""),
		ROW(bind_dn, "svc"),
		ROW(people_base, "ou=people,"),
		ROW(groups_base, ""),
		ROW(people_filter, "objectClass=x"),
		ROW(people_filter, "(uid=a"),
		ROW(group_filter, ""),
		ROW(rdn_attribute, "u id"),
		ROW(group_member_attribute, ""),
		ROW(marker_attribute, "a)(b"),
		ROW(ca_file, "/no/such/file"),
		ROW(ca_file, "/dev/null"),
		ROW(marker_attribute, "uid"),
		ROW(marker_attribute, "MAIL"),
		{offsetof(struct directory_config, feed_bind_dn), "cn=feed,dc=test",
			"realms.staff.directories.main.feed_bind_password_file"},
		{offsetof(struct directory_config, feed_bind_password), "x",
			"realms.staff.directories.main.feed_bind_dn"},
	};
	owned(arena) struct arena *a = arena_new();
	struct profile_config p = {.id = STR("guest"), .base = STR("ou=people,dc=test")};
	struct directory_config d = good(a);
	assert_int_equal(check(a, &d, &p)->n, 0);
	d.driver = DIRECTORY_389DS;
	assert_int_equal(check(a, &d, &p)->n, 0);
	d.driver = DIRECTORY_ACTIVE_DIRECTORY;
	assert_int_equal(check(a, &d, &p)->n, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		d = good(a);
		*(struct str *)(void *)((char *)&d + rows[i].offset) = str_of(rows[i].value);
		struct config_errors *errors = check(a, &d, &p);
		if (errors->n != 1 || !str_eq(errors->v[0].key, str_of(rows[i].key)) || errors->v[0].line != 7)
			fail_msg("row %zu: %zu errors, %.*s", i, errors->n, FMT(errors->v[0].key));
	}
}

static void reports_uris(void **state) {
	(void)state;
	static const char *const wrong[] = {
		"http://x", "ldap:", "ldaps://", "ldaps:///dc=x", "127.0.0.1", "ldaps://x/dc=test", "ldaps://a b"};
	owned(arena) struct arena *a = arena_new();
	struct profile_config p = {.id = STR("guest"), .base = STR("ou=people,dc=test")};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct directory_config d = good(a);
		d.uris = (struct strs){&(struct str){wrong[i], strlen(wrong[i])}, 1};
		if (check(a, &d, &p)->n != 1)
			fail_msg("%s", wrong[i]);
	}
	struct directory_config d = good(a);
	d.uris.n = 0;
	assert_int_equal(check(a, &d, &p)->n, 1);
}

static void reports_all_at_once(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	struct directory_config d = good(a);
	struct profile_config p = {.id = STR("guest"), .base = STR("nowhere"), .approvers = STR("x"), .at = 9};
	strs_add(a, &p.groups, STR("cn=ok,dc=test"));
	strs_add(a, &p.groups, STR("cn=bad,,dc=test"));
	strs_add(a, &d.object_classes, STR("in etOrgPerson"));
	struct config_errors *errors = check(a, &d, &p);
	assert_int_equal(errors->n, 4);
	assert_true(str_eq(errors->v[1].key, STR("realms.staff.profiles.guest.base")));
	assert_int_equal(errors->v[1].line, 9);
	assert_true(str_eq(errors->v[2].key, STR("realms.staff.profiles.guest.groups[1]")));
	assert_true(str_contains(errors->v[2].expected, STR("cn=bad,,dc=test")));
	assert_true(str_eq(errors->v[3].key, STR("realms.staff.profiles.guest.approvers.group")));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_values),
		cmocka_unit_test(reports_uris),
		cmocka_unit_test(reports_all_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
