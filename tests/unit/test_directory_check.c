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

/* Without quotes in [ ], a DN of YAML is cut at its commas, and the parts are DNs by themselves. */
static void a_dn_in_pieces_is_told(void **state) {
	(void)state;
	static const char *const good_ones[] = {
		"cn=a,ou=groups,dc=test", "cn=a,DC=Test", "cn=a , dc = test", "dc=test"};
	static const char *const pieces[] = {
		"cn=guests", "ou=groups", "dc=example", "cn=a,dc=test,dc=org", "dc=testing"};
	owned(arena) struct arena *a = arena_new();
	struct directory_config d = good(a);
	for (size_t i = 0; i < COUNT(good_ones); i++) {
		struct str dn = str_of(good_ones[i]);
		struct profile_config p = {.id = STR("guest"), .base = dn, .groups = {&dn, 1}, .approvers = dn};
		if (check(a, &d, &p)->n)
			fail_msg("%s", good_ones[i]);
	}
	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct str dn = str_of(pieces[i]);
		struct profile_config p = {.id = STR("guest"), .base = STR("dc=test"), .groups_allowed = {&dn, 1}};
		struct config_errors *errors = check(a, &d, &p);
		if (errors->n != 1 || !str_eq(errors->v[0].key, STR("realms.staff.profiles.guest.groups_allowed[0]")) ||
			!str_contains(errors->v[0].expected, STR("needs quotes")))
			fail_msg("%s", pieces[i]);
	}
	d.people_base = STR("nowhere"); /* told of itself; the other counts */
	struct str piece = STR("cn=guests");
	struct profile_config cut = {.id = STR("guest"), .base = STR("dc=test"), .groups = {&piece, 1}};
	assert_int_equal(check(a, &d, &cut)->n, 2);
	d = good(a);
	d.groups_base = STR("ou=groups,o=other"); /* either will do */
	struct str both[] = {STR("cn=a,o=other"), STR("cn=a,dc=test")};
	struct profile_config p = {.id = STR("guest"), .base = STR("dc=test"), .groups = {both, 2}};
	assert_int_equal(check(a, &d, &p)->n, 0);
}

/* A realm's groups may be in any of its directories; a profile's are in its own. */
static void a_dn_may_be_of_another_directory(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	struct directory_config d[] = {good(a), good(a)};
	d[1].id = STR("partner");
	d[1].people_base = d[1].groups_base = STR("o=partner");
	struct role_rule rules[] = {{ROLE_GROUP_DN, STR("cn=a,o=partner"), STR("r"), 3},
		{ROLE_GROUP_DN, STR("cn=a,o=nowhere"), STR("r"), 4}, {ROLE_GROUP_NAME, STR("cn=a"), STR("r"), 5}};
	struct profile_config p = {.id = STR("guest"), .directory = STR("main"), .base = STR("o=partner"), .at = 6};
	struct realm realm = {.id = STR("staff"),
		.directories = d,
		.n_directories = 2,
		.profiles = &p,
		.n_profiles = 1,
		.roles = rules,
		.n_roles = COUNT(rules),
		.operators = STR("cn=o,o=partner")};
	struct config config = {.realms = &realm, .n_realms = 1};
	struct config_errors *errors = arena_new_of(a, struct config_errors);
	directory_check_config(a, &config, errors);
	assert_int_equal(errors->n, 2);
	assert_true(str_eq(errors->v[0].key, STR("realms.staff.roles[1].group")));
	assert_int_equal(errors->v[0].line, 4);
	assert_true(str_eq(errors->v[1].key, STR("realms.staff.profiles.guest.base")));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_values),
		cmocka_unit_test(reports_uris),
		cmocka_unit_test(reports_all_at_once),
		cmocka_unit_test(a_dn_in_pieces_is_told),
		cmocka_unit_test(a_dn_may_be_of_another_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
