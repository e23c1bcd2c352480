#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "federation/roles/roles.h"

static struct arena *arena;

static int begin(void **state) {
	(void)state;
	arena = arena_new();
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

/* The floor below: what a configuration error becomes is not the matter here. */
void config_error_add(
	struct arena *a, struct config_errors *errors, unsigned line, struct str key, const char *format, ...) {
	(void)a, (void)format;
	errors->v[errors->n++] = (struct config_error){.line = line, .key = key};
}

/* staff contains team-red, which the person is in; a circle of two besides. */
static struct group members_of[] = {
	{STR("cn=team-red,ou=groups,dc=test"), STR("team-red"), STR("1"), SIZE_MAX, STR_NONE},
	{STR("cn=staff,ou=groups,dc=test"), STR("staff"), STR("2"), 0, STR("S-1-5-21-7")},
	{STR("cn=everyone,ou=groups,dc=test"), STR("everyone"), STR("3"), 1, STR_NONE},
	{STR("cn=app-wiki,ou=groups,dc=test"), STR("app-wiki"), STR("4"), SIZE_MAX, STR_NONE},
	{STR("cn=app-Mail,ou=groups,dc=test"), STR("app-Mail"), STR("5"), SIZE_MAX, STR_NONE},
	{STR("cn=non-admins,ou=groups,dc=test"), STR("non-admins"), STR("6"), SIZE_MAX, STR_NONE},
	{STR("cn=a\\2Cb \\C3\\B6,ou=groups,dc=test"), STR("a,b \xC3\xB6"), STR("7"), SIZE_MAX, STR_NONE},
	{STR("cn=app-,ou=groups,dc=test"), STR("app-"), STR("8"), SIZE_MAX, STR_NONE},
	{STR("cn=app-x,ou=groups,dc=test"), STR("app-\033[2J"), STR("9"), SIZE_MAX, STR_NONE},
};
static const struct groups groups = {members_of, COUNT(members_of), false};

/* The names of the roles, a comma between. */
static struct str names_of(const struct roles *roles) {
	struct strs list = {0};
	for (size_t i = 0; i < roles->n; i++)
		strs_add(arena, &list, roles->v[i].name);
	return str_join(arena, list, STR(","));
}

static struct roles collected(struct role_rule *rules, size_t n) {
	struct realm realm = {.roles = rules, .n_roles = n};
	struct roles roles = {0};
	roles_collect(arena, &realm, &groups, &roles);
	return roles;
}

static void assert_text(struct str got, struct str wanted) {
	if (!str_eq(got, wanted))
		fail_msg("\"%.*s\" is not \"%.*s\"", FMT(got), FMT(wanted));
}

static void matches(void **state) {
	(void)state;
	static const struct {
		enum role_match match;
		struct str group, role, wanted;
	} rows[] = {
		{ROLE_GROUP_DN, STR("cn=staff,ou=groups,dc=test"), STR("r"), STR("r")},
		{ROLE_GROUP_DN, STR("CN=Staff, OU=groups,  DC=test"), STR("r"), STR("r")},
		{ROLE_GROUP_DN, STR("cn=staff,ou=other,dc=test"), STR("r"), STR("")},
		{ROLE_GROUP_DN, STR("cn=staff,dc=test"), STR("r"), STR("")},
		{ROLE_GROUP_DN, STR("staff"), STR("r"), STR("")},
		{ROLE_GROUP_DN, STR("cn=a\\,b \xC3\xB6,ou=groups,dc=test"), STR("r"), STR("r")},
		{ROLE_GROUP_DN, STR("cn=team -red,ou=groups,dc=test"), STR("r"), STR("")},
		{ROLE_GROUP_DN, STR("cn=staff,ou=groups,dc=test"), STR("{1}"), STR("{1}")},
		{ROLE_GROUP_NAME, STR("STAFF"), STR("r"), STR("r")},
		{ROLE_GROUP_NAME, STR("admins"), STR("r"), STR("")},
		{ROLE_GROUP_NAME, STR("non-admins"), STR("r"), STR("r")},
		{ROLE_GROUP_NAME, STR("app-*"), STR("r"), STR("")},
		{ROLE_GROUP_PATTERN, STR("app-*"), STR("{1}"), STR("wiki,Mail")},
		{ROLE_GROUP_PATTERN, STR("app-*"), STR("use-{1}-{1}"), STR("use-wiki-wiki,use-Mail-Mail,use--")},
		{ROLE_GROUP_PATTERN, STR("APP-*"), STR("app"), STR("app")},
		{ROLE_GROUP_PATTERN, STR("*-admins"), STR("{1}!"), STR("non!")},
		{ROLE_GROUP_PATTERN, STR("admins"), STR("r"), STR("")},
		{ROLE_GROUP_PATTERN, STR("staff"), STR("r"), STR("r")},
		{ROLE_GROUP_ID, STR("2"), STR("r"), STR("r")},
		{ROLE_GROUP_ID, STR("s-1-5-21-7"), STR("r"), STR("r")},
		{ROLE_GROUP_ID, STR("staff"), STR("r"), STR("")},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct role_rule rule = {rows[i].match, rows[i].group, rows[i].role, 7};
		struct roles roles = collected(&rule, 1);
		if (!str_eq(names_of(&roles), rows[i].wanted))
			fail_msg("row %zu: \"%.*s\"", i, FMT(names_of(&roles)));
	}
}

static struct role_rule sample_rules[] = {
	{ROLE_GROUP_PATTERN, STR("app-w*"), STR("app:w{1}"), 110},
	{ROLE_GROUP_NAME, STR("everyone"), STR("person"), 115},
	{ROLE_GROUP_DN, STR("cn=staff,ou=groups,dc=test"), STR("employee"), 120},
	{ROLE_GROUP_NAME, STR("team-red"), STR("employee"), 125},
};

static void keeps_order_and_the_first(void **state) {
	(void)state;
	struct roles roles = collected(sample_rules, COUNT(sample_rules));
	assert_text(names_of(&roles), STR("app:wiki,person,employee"));
	assert_int_equal(roles.v[2].group, 1);
	assert_int_equal(roles.v[2].rule, 2);
	roles = collected(NULL, 0);
	assert_int_equal(roles.n, 0);
}

static void projects(void **state) {
	(void)state;
	static const struct {
		struct str visible, wanted;
	} rows[] = {
		{STR(""), STR("")},
		{STR("*"), STR("app:wiki,person,employee")},
		{STR("app:*"), STR("app:wiki")},
		{STR("app"), STR("")},
		{STR("app:*,app:wiki"), STR("app:wiki")},
		{STR("employee,person"), STR("person,employee")},
	};
	struct roles roles = collected(sample_rules, COUNT(sample_rules));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client_config client = {.roles = str_split(arena, rows[i].visible, ',')};
		assert_text(str_join(arena, roles_project(arena, &client, &roles), STR(",")), rows[i].wanted);
	}
}

static void finds_a_group(void **state) {
	(void)state;
	assert_true(roles_in_group(arena, &groups, STR("cn=STAFF, ou=groups,dc=test")));
	assert_true(roles_in_group(arena, &groups, STR("cn=a\\,b \xC3\xB6,ou=groups,dc=test")));
	assert_false(roles_in_group(arena, &groups, STR("cn=taff,ou=groups,dc=test")));
	assert_false(roles_in_group(arena, &groups, STR("")));
	assert_false(roles_in_group(arena, &(struct groups){0}, STR("cn=staff,ou=groups,dc=test")));
}

static void explains(void **state) {
	(void)state;
	struct realm realm = {.roles = sample_rules, .n_roles = COUNT(sample_rules)};
	struct roles roles = collected(sample_rules, COUNT(sample_rules));
	assert_text(roles_explain(arena, &realm, &groups, &roles),
		STR("app:wiki  ← cn=app-wiki,ou=groups,dc=test  (rule 1, line 110)\n"
		    "person  ← cn=team-red,ou=groups,dc=test ← member of cn=staff,ou=groups,dc=test"
		    " ← member of cn=everyone,ou=groups,dc=test  (rule 2, line 115)\n"
		    "employee  ← cn=team-red,ou=groups,dc=test ← member of cn=staff,ou=groups,dc=test  (rule 3, line "
		    "120)\n"));
	assert_text(roles_explain(arena, &realm, &groups, &(struct roles){0}), STR(""));
}

/* A circle ends, and a terminal sees no control. */
static void explains_odd_groups(void **state) {
	(void)state;
	struct group odd[] = {{STR("cn=a\033[2J"), STR("a"), STR("1"), 1, STR_NONE},
		{STR("cn=b\xFF"), STR("b"), STR("2"), 0, STR_NONE}};
	struct groups circle = {odd, 2, false};
	struct role_rule rule = {ROLE_GROUP_NAME, STR("a"), STR("r"), 9};
	struct realm realm = {.roles = &rule, .n_roles = 1};
	struct roles roles;
	roles_collect(arena, &realm, &circle, &roles);
	assert_text(roles_explain(arena, &realm, &circle, &roles),
		STR("r  ← cn=b? ← member of cn=a?[2J  (rule 1, line 9)\n"));
}

/* Must end, and stay within an arena: the most groups, and a rule that none of them fits. */
static void takes_many_groups(void **state) {
	(void)state;
	struct groups many = {arena_array(arena, struct group, LIMIT_GROUPS), LIMIT_GROUPS, true};
	for (size_t i = 0; i < many.n; i++)
		many.v[i] = (struct group){str_printf(arena, "cn=g%zu,ou=groups,dc=test", i),
			str_printf(arena, "g%zu", i), STR("1"), i ? i - 1 : SIZE_MAX, STR_NONE};
	struct role_rule rules[50];
	for (size_t i = 0; i < COUNT(rules); i++)
		rules[i] = (struct role_rule){
			ROLE_GROUP_DN, str_printf(arena, "cn=none%zu,ou=groups,dc=test", i), STR("r"), 1};
	rules[49] = (struct role_rule){ROLE_GROUP_PATTERN, STR("g*"), STR("{1}"), 1};
	struct realm realm = {.roles = rules, .n_roles = COUNT(rules)};
	struct roles roles;
	size_t before = arena_used(arena);
	roles_collect(arena, &realm, &many, &roles);
	assert_int_equal(roles.n, LIMIT_GROUPS);
	assert_true(arena_used(arena) - before < 2u << 20);
	assert_true(str_starts(
		roles_explain(arena, &realm, &many, &roles), STR("0  ← cn=g0,ou=groups,dc=test  (rule 50, line 1)\n")));
}

static void checks_configuration(void **state) {
	(void)state;
	struct role_rule rules[] = {
		{ROLE_GROUP_DN, STR("staff"), STR("r"), 1},
		{ROLE_GROUP_DN, STR("cn=staff,dc=test"), STR("r"), 2},
		{ROLE_GROUP_DN, STR("cn=staff,dc=test"), STR("{1}"), 3},
		{ROLE_GROUP_NAME, STR("a*"), STR("r"), 4},
		{ROLE_GROUP_NAME, STR(""), STR("r"), 5},
		{ROLE_GROUP_PATTERN, STR("abc"), STR("{1}"), 6},
		{ROLE_GROUP_PATTERN, STR("a*"), STR("{1}"), 7},
		{ROLE_GROUP_NAME, STR("a"), STR(""), 8},
		{ROLE_GROUP_NAME, STR("a"), STR("a\nb"), 9},
	};
	struct client_config client = {.id = STR("wiki"), .at = 20};
	strs_add(arena, &client.roles, STR("app-*"));
	strs_add(arena, &client.roles, STR(""));
	struct realm realm = {
		.id = STR("staff"), .roles = rules, .n_roles = COUNT(rules), .clients = &client, .n_clients = 1};
	struct config config = {.realms = &realm, .n_realms = 1};
	struct config_errors *errors = arena_new_of(arena, struct config_errors);
	static const unsigned lines[] = {1, 3, 4, 5, 6, 8, 9, 20};
	roles_check_config(arena, &config, errors);
	assert_int_equal(errors->n, COUNT(lines));
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_int_equal(errors->v[i].line, lines[i]);
	assert_text(errors->v[0].key, STR("realms.staff.roles[0].group"));
	assert_text(errors->v[1].key, STR("realms.staff.roles[2].role"));
	assert_text(errors->v[7].key, STR("realms.staff.clients.wiki.roles.visible[1]"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(matches),
		TEST(keeps_order_and_the_first),
		TEST(projects),
		TEST(finds_a_group),
		TEST(explains),
		TEST(explains_odd_groups),
		TEST(takes_many_groups),
		TEST(checks_configuration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
