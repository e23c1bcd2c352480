#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "federation/policy/policy.h"

static struct arena *arena;
static struct task task;

/* ---- a directory of this file: entries as rows of text ---- */
struct row {
	const char *dn, *attribute, *value;
};
static struct {
	const struct row *rows; /* until dn is NULL */
	enum err read, search;  /* what these answer instead */
	bool cut;
} fake;

static int begin(void **state) {
	(void)state;
	arena = arena_new();
	task_begin(&task, arena, NULL, 1000);
	memset(&fake, 0, sizeof(fake));
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static bool asked(const char *const *attributes, const char *name) {
	for (; *attributes; attributes++)
		if (str_eq_case(str_of(*attributes), str_of(name)))
			return true;
	return false;
}

static struct entry entry_of(const char *dn, const char *const *attributes) {
	struct entry e = {.dn = str_of(dn), .attributes = arena_array(arena, struct attribute, 16)};
	for (const struct row *r = fake.rows; r && r->dn; r++) {
		if (strcmp(r->dn, dn) != 0 || !asked(attributes, r->attribute))
			continue;
		struct attribute *v = &e.attributes[e.n_attributes++];
		v->name = str_lower(arena, str_of(r->attribute));
		v->values = str_split(arena, str_of(r->value), '|');
	}
	return e;
}

struct str entry_value(const struct entry *e, struct str name) {
	for (size_t i = 0; i < e->n_attributes; i++)
		if (str_eq(e->attributes[i].name, name))
			return e->attributes[i].values.v[0];
	return STR_NONE;
}

enum err directory_read(struct task *t, const struct directory_config *d, struct str dn, const char *const *attributes,
	struct entry **ret) {
	(void)d;
	if (fake.read)
		return task_fail(t, fake.read, "fake");
	for (const struct row *r = fake.rows; r && r->dn; r++) {
		if (!str_eq(str_of(r->dn), dn))
			continue;
		*ret = arena_new_of(arena, struct entry);
		**ret = entry_of(r->dn, attributes);
		return OK;
	}
	return task_fail(t, ERR_NOT_FOUND, "fake: none");
}

enum err directory_search(struct task *t, const struct directory_config *d, struct str base, const char *filter,
	const char *const *attributes, struct entry **ret, size_t *ret_n, bool *cut) {
	(void)d;
	size_t n = 0;
	assert_string_equal(filter, "(objectClass=pwdPolicy)");
	assert_true(str_eq(base, STR("dc=test")));
	if (fake.search)
		return task_fail(t, fake.search, "fake");
	struct entry *list = arena_array(arena, struct entry, 16);
	for (const struct row *r = fake.rows; r && r->dn; r++)
		if (strcmp(r->attribute, "pwdAttribute") == 0)
			list[n++] = entry_of(r->dn, attributes);
	*ret = list;
	*ret_n = n;
	*cut = fake.cut;
	return OK;
}

static const struct directory_config directories[] = {
	[DIRECTORY_OPENLDAP] = {.driver = DIRECTORY_OPENLDAP, .people_base = STR("ou=people,dc=test")},
	[DIRECTORY_ACTIVE_DIRECTORY] = {.driver = DIRECTORY_ACTIVE_DIRECTORY, .people_base = STR("ou=people,dc=test")},
	[DIRECTORY_389DS] = {.driver = DIRECTORY_389DS, .people_base = STR("ou=people,dc=test")},
};

static struct password_policy policy_of(enum directory_driver_id driver, const struct row *rows, const char *dn) {
	struct password_policy p;
	memset(&p, 0x55, sizeof(p));
	fake.rows = rows;
	assert_int_equal(policy_read(&task, &directories[driver], str_of(dn), &p), OK);
	assert_int_equal(task.failure, OK);
	return p;
}

#define PERSON  "uid=ann,ou=people,dc=test"
#define DEFAULT "cn=default,ou=policies,dc=test"
#define SUFFIXES                                                                                                       \
	{ "", "namingContexts", "cn=accesslog|dc=test" }
static const struct row ppolicy[] = {
	SUFFIXES,
	{DEFAULT, "pwdAttribute", "userPassword"},
	{DEFAULT, "pwdMinLength", "8"},
	{DEFAULT, "pwdMaxLength", "64"},
	{DEFAULT, "pwdInHistory", "3"},
	{DEFAULT, "pwdMinAge", "60"},
	{DEFAULT, "pwdMaxAge", "7776000"},
	{DEFAULT, "pwdMaxFailure", "5"},
	{DEFAULT, "pwdLockoutDuration", "900"},
	{DEFAULT, "pwdCheckQuality", "1"},
	{DEFAULT, "pwdMustChange", "TRUE"},
	{"cn=strict,dc=test", "pwdAttribute", "userPassword"},
	{"cn=strict,dc=test", "pwdMinLength", "14"},
	{"cn=strict,dc=test", "pwdMustChange", "FALSE"},
	{"cn=strict,dc=test", "pwdCheckQuality", "2"},
	{"cn=strict,dc=test", "pwdUseCheckModule", "TRUE"},
	{PERSON, "pwdPolicySubentry", "cn=strict,dc=test"},
	{"uid=bob,ou=people,dc=test", "uid", "bob"},
	{NULL, NULL, NULL},
};

static void reads_ppolicy(void **state) {
	(void)state;
	struct password_policy p = policy_of(DIRECTORY_OPENLDAP, ppolicy, ""), same;
	assert_true(p.known && p.must_change);
	assert_true(!p.complexity && !p.module); /* pwdCheckQuality asks for no kinds of letters */
	assert_int_equal(p.min_length, 8);
	assert_int_equal(p.max_length, 64);
	assert_int_equal(p.history, 3);
	assert_int_equal(p.min_age, 60);
	assert_int_equal(p.max_age, 7776000);
	assert_int_equal(p.max_failures, 5);
	assert_int_equal(p.lockout_duration, 900);
	same = policy_of(DIRECTORY_OPENLDAP, ppolicy, "uid=bob,ou=people,dc=test");
	assert_int_equal(same.min_length, 8);
	p = policy_of(DIRECTORY_OPENLDAP, ppolicy, PERSON);
	assert_true(p.known && !p.complexity && p.module && !p.must_change);
	assert_int_equal(p.min_length, 14);
	assert_int_equal(p.history, 0);
}

static void reads_what_is_shown(void **state) {
	(void)state;
	static const struct row none[] = {SUFFIXES, {NULL, NULL, NULL}},
				outside[] = {{"", "namingContexts", "dc=other"}, {NULL, NULL, NULL}},
				one[] = {SUFFIXES, {"cn=x,dc=test", "pwdAttribute", "a"},
					{"cn=x,dc=test", "pwdMinLength", "9"}, {NULL, NULL, NULL}},
				two[] = {SUFFIXES, {"cn=x,dc=test", "pwdAttribute", "a"},
					{"cn=x,dc=test", "pwdMinLength", "9"}, {"cn=y,dc=test", "pwdAttribute", "a"},
					{"cn=y,dc=test", "pwdMinLength", "10"}, {NULL, NULL, NULL}},
				doubled[] = {SUFFIXES, {"cn=default,dc=test", "pwdAttribute", "a"},
					{"cn=default,dc=test", "pwdMinLength", "9"}, {DEFAULT, "pwdAttribute", "a"},
					{DEFAULT, "pwdMinLength", "10"}, {NULL, NULL, NULL}},
				garbage[] = {SUFFIXES, {"cn=x,dc=test", "pwdAttribute", "a"},
					{"cn=x,dc=test", "pwdMinLength", "9x"},
					{"cn=x,dc=test", "pwdInHistory", "99999999999999999999"}, {NULL, NULL, NULL}};
	static const struct {
		const struct row *rows;
		bool known, cut;
		int64_t min_length;
	} cases[] = {
		{none, false, false, 0},
		{outside, false, false, 0},
		{one, true, false, 9},
		{one, false, true, 0},
		{two, false, false, 0},
		{doubled, false, false, 0},
		{garbage, true, false, 0},
		{NULL, false, false, 0},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		fake.cut = cases[i].cut;
		struct password_policy p = policy_of(DIRECTORY_OPENLDAP, cases[i].rows, "");
		if (p.known != cases[i].known || p.min_length != cases[i].min_length || p.history)
			fail_msg("case %zu: %d %d", i, p.known, (int)p.min_length);
	}
}

static void reads_with_failures(void **state) {
	(void)state;
	static const struct {
		enum err read, search, wanted;
	} rows[] = {
		{OK, ERR_REFUSED, OK},
		{OK, ERR_NOT_FOUND, OK},
		{OK, ERR_TIMEOUT, ERR_TIMEOUT},
		{ERR_REFUSED, OK, OK},
		{ERR_UNAVAILABLE, OK, ERR_UNAVAILABLE},
		{ERR_CONFIG, OK, ERR_CONFIG},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct password_policy p = {.min_length = 77};
		task_clear(&task);
		fake.rows = ppolicy;
		fake.read = rows[i].read;
		fake.search = rows[i].search;
		assert_int_equal(policy_read(&task, &directories[DIRECTORY_OPENLDAP], STR(""), &p), rows[i].wanted);
		assert_int_equal(task.failure, rows[i].wanted);
		assert_int_equal(p.min_length, rows[i].wanted ? 77 : 0);
		assert_false(p.known);
	}
}

static void reads_active_directory(void **state) {
	(void)state;
	static const struct row rows[] = {
		{"", "defaultNamingContext", "DC=test"},
		{"DC=test", "minPwdLength", "7"},
		{"DC=test", "pwdProperties", "1"},
		{"DC=test", "pwdHistoryLength", "24"},
		{"DC=test", "minPwdAge", "-864000000000"},
		{"DC=test", "maxPwdAge", "-9223372036854775808"},
		{"DC=test", "lockoutThreshold", "3"},
		{"DC=test", "lockoutDuration", "-18000000000"},
		{PERSON, "msDS-ResultantPSO", "CN=pso"},
		{"CN=pso", "msDS-MinimumPasswordLength", "15"},
		{"CN=pso", "msDS-PasswordComplexityEnabled", "FALSE"},
		{NULL, NULL, NULL},
	};
	struct password_policy p = policy_of(DIRECTORY_ACTIVE_DIRECTORY, rows, "");
	assert_true(p.known && p.complexity);
	assert_int_equal(p.min_length, 7);
	assert_int_equal(p.history, 24);
	assert_int_equal(p.min_age, 86400);
	assert_int_equal(p.max_age, 0);
	assert_int_equal(p.max_failures, 3);
	assert_int_equal(p.lockout_duration, 1800);
	p = policy_of(DIRECTORY_ACTIVE_DIRECTORY, rows, PERSON);
	assert_true(p.known && !p.complexity && !p.hidden);
	assert_int_equal(p.min_length, 15);
	static const struct row hidden[] = {
		{"", "defaultNamingContext", "DC=test"},
		{"DC=test", "minPwdLength", "7"},
		{PERSON, "msDS-ResultantPSO", "CN=pso"},
		{NULL, NULL, NULL},
	};
	p = policy_of(DIRECTORY_ACTIVE_DIRECTORY, hidden, PERSON); /* the domain's, where it is not shown */
	assert_true(p.known && p.hidden);
	assert_int_equal(p.min_length, 7);
	assert_false(policy_of(DIRECTORY_ACTIVE_DIRECTORY, hidden, "").hidden);
}

static void narrows(void **state) {
	(void)state;
	const int64_t now = 1800000000000, hour = 3600000;
	const struct password_policy strict = {
		.known = true, .min_length = 8, .complexity = true, .history = 24, .min_age = 86400};
	struct password_policy open = strict, unknown = strict, hidden = strict,
			       plain = {.known = true, .min_length = 8};
	open.min_age = 0;
	unknown.known = false;
	hidden.hidden = true;
	const struct {
		const struct password_policy *policy;
		const char *password;
		int64_t set_at; /* 0: never */
		enum refusal_reason wanted;
	} rows[] = {
		{&strict, "Aa1-567", 0, REFUSAL_TOO_SHORT},
		{&strict,
			"Aa1-5\xF0\x9F\x8C\x8A"
			"7",
			0, REFUSAL_LIKELY_HISTORY}, /* eight units */
		{&strict,
			"\xC3\xA4\xC3\xB6\xC3\xBC"
			"a",
			0, REFUSAL_TOO_SHORT},
		{&strict, "quietharbour", 0, REFUSAL_WEAK},
		{&strict, "quiet harbour", 0, REFUSAL_WEAK},
		{&strict, "quiet harbour 7", 0, REFUSAL_LIKELY_HISTORY},
		{&strict, "quiet harb\xC3\xB6ur", 0, REFUSAL_LIKELY_HISTORY}, /* may be of three kinds */
		{&strict, "My-vwALKER-17", 0, REFUSAL_WEAK},
		{&strict, "Vera-4711-sun", 0, REFUSAL_WEAK},
		{&strict, "Jo-4711-sunny", 0, REFUSAL_LIKELY_HISTORY}, /* two letters of a name count for nothing */
		{&strict, "Quiet-harbour-7", now - hour, REFUSAL_TOO_YOUNG},
		{&strict, "Quiet-harbour-7", now - 25 * hour, REFUSAL_LIKELY_HISTORY},
		{&open, "Quiet-harbour-7", now - hour, REFUSAL_LIKELY_HISTORY},
		{&plain, "quietharbour", 0, REFUSAL_RESTRICTED},
		{&unknown, "x", 0, REFUSAL_RESTRICTED},
		{&hidden, "x", 0, REFUSAL_RESTRICTED},
	};
	struct attribute name = {.name = STR("display_name")};
	strs_add(arena, &name.values, STR("Jo Vera, Walker"));
	struct entry e = {.login = STR("vwalker"), .attributes = &name, .n_attributes = 1};
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ticks = rows[i].set_at ? (rows[i].set_at + 11644473600000) * 10000 : 0;
		e.password_stamp = str_printf(arena, "%lld", (long long)ticks);
		enum refusal_reason got = policy_narrow(arena, rows[i].policy, &e, str_of(rows[i].password), now);
		if (got != rows[i].wanted)
			fail_msg("row %zu: %s", i, policy_reason_key(got));
	}
}

static void reads_389ds(void **state) {
	(void)state;
	static const struct row rows[] = {
		{"cn=config", "passwordMinLength", "8"},
		{"cn=config", "passwordCheckSyntax", "on"},
		{"cn=config", "passwordMustChange", "off"},
		{NULL, NULL, NULL},
	};
	struct password_policy p = policy_of(DIRECTORY_389DS, rows, PERSON);
	assert_true(p.known && p.complexity && !p.must_change);
	assert_int_equal(p.min_length, 8);
	p = policy_of(DIRECTORY_389DS, NULL, PERSON);
	assert_false(p.known);
}

/* ---- refusals, as the three makes of directory were seen to tell them ---- */
static void classifies(void **state) {
	(void)state;
	static const struct {
		enum directory_driver_id driver;
		int result, policy_error;
		const char *diagnostic;
		enum refusal_reason wanted;
	} rows[] = {
		{DIRECTORY_OPENLDAP, 19, 6, "Password fails quality checking policy", REFUSAL_TOO_SHORT},
		{DIRECTORY_OPENLDAP, 19, 9, "", REFUSAL_TOO_LONG},
		{DIRECTORY_OPENLDAP, 19, 5, "Password fails quality checking policy", REFUSAL_WEAK},
		{DIRECTORY_OPENLDAP, 19, 8, "Password is in history of old passwords", REFUSAL_HISTORY},
		{DIRECTORY_OPENLDAP, 19, 8, "Password is not being changed from existing value", REFUSAL_SAME},
		{DIRECTORY_OPENLDAP, 19, 7, "Password is too young to change", REFUSAL_TOO_YOUNG},
		{DIRECTORY_OPENLDAP, 19, 3, "User alteration of password is not allowed", REFUSAL_FORBIDDEN},
		{DIRECTORY_OPENLDAP, 19, -1, "Password fails quality checking policy", REFUSAL_WEAK},
		{DIRECTORY_OPENLDAP, 19, -1, "Password is in history of old passwords", REFUSAL_HISTORY},
		{DIRECTORY_OPENLDAP, 19, 65535, "something", REFUSAL_OTHER},
		{DIRECTORY_OPENLDAP, 19, 10, "something", REFUSAL_OTHER},
		{DIRECTORY_OPENLDAP, 50, -1, "", REFUSAL_FORBIDDEN},
		{DIRECTORY_OPENLDAP, 53, -1, NULL, REFUSAL_OTHER},
		{DIRECTORY_389DS, 19, 5, "Failed to update password", REFUSAL_WEAK},
		{DIRECTORY_389DS, 19, 8, "Failed to update password", REFUSAL_HISTORY},
		{DIRECTORY_389DS, 19, -1, "Failed to update password\n", REFUSAL_SAME},
		{DIRECTORY_OPENLDAP, 19, -1, "Failed to update password\n", REFUSAL_OTHER},
		{DIRECTORY_389DS, 53, -1, "Failed to update password\n", REFUSAL_OTHER},
		{DIRECTORY_389DS, 19, -1, "invalid password syntax - password must be at least 8 characters long",
			REFUSAL_TOO_SHORT},
		{DIRECTORY_389DS, 19, -1, "password in history", REFUSAL_HISTORY},
		{DIRECTORY_389DS, 19, -1, "within password minimum age", REFUSAL_TOO_YOUNG},
		{DIRECTORY_ACTIVE_DIRECTORY, 19, -1,
			"0000052D: Constraint violation - check_password_restrictions: the password is too short. It "
			"should be "
			"equal or longer than 7 characters!",
			REFUSAL_TOO_SHORT},
		{DIRECTORY_ACTIVE_DIRECTORY, 19, -1, "0000052D: x: the password does not meet the complexity criteria!",
			REFUSAL_WEAK},
		{DIRECTORY_ACTIVE_DIRECTORY, 19, -1, "0000052D: x: the password was already used (in history)!",
			REFUSAL_HISTORY},
		{DIRECTORY_ACTIVE_DIRECTORY, 19, -1, "0000052D: x: the password was already used (previous password)!",
			REFUSAL_SAME},
		{DIRECTORY_ACTIVE_DIRECTORY, 19, -1, "0000052D: x: password is too young to change!",
			REFUSAL_TOO_YOUNG},
		{DIRECTORY_ACTIVE_DIRECTORY, 53, -1,
			"0000052d: SvcErr: DSID-031A126C, problem 5003 (WILL_NOT_PERFORM), data 0", REFUSAL_RESTRICTED},
		{DIRECTORY_ACTIVE_DIRECTORY, 19, -1, "0000052D: AtrErr: DSID-03191083, #1: 0: 0000052D",
			REFUSAL_RESTRICTED},
		{DIRECTORY_ACTIVE_DIRECTORY, 53, -1, "0000001F: SvcErr: DSID-031A12D2, problem 5003, too short",
			REFUSAL_OTHER},
		{DIRECTORY_ACTIVE_DIRECTORY, 50, -1, "00000005: SecErr: DSID-1", REFUSAL_FORBIDDEN},
		{DIRECTORY_ACTIVE_DIRECTORY, 50, -1,
			"error in module acl: insufficient access rights during LDB_MODIFY (50)", REFUSAL_FORBIDDEN},
		{DIRECTORY_ACTIVE_DIRECTORY, 19, -1, "000", REFUSAL_OTHER},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct refusal r = {rows[i].result, rows[i].policy_error, str_of(rows[i].diagnostic)};
		enum refusal_reason got = policy_classify(&directories[rows[i].driver], &r);
		if (got != rows[i].wanted)
			fail_msg("row %zu: %s", i, policy_reason_key(got));
	}
}

static void has_keys(void **state) {
	(void)state;
	for (int reason = 0; reason <= REFUSAL_OTHER; reason++)
		assert_true(str_starts(str_of(policy_reason_key((enum refusal_reason)reason)), STR("password.")));
	assert_string_equal(policy_reason_key(REFUSAL_TOO_SHORT), "password.too_short");
	assert_string_equal(policy_reason_key((enum refusal_reason)99), "password.refused");
}

/* ---- strength ---- */
static struct str repeated(const char *part, size_t n) {
	struct strs parts = {0};
	for (size_t i = 0; i < n; i++)
		strs_add(arena, &parts, str_of(part));
	return str_join(arena, parts, STR(""));
}

static void measures(void **state) {
	(void)state;
	static const struct {
		struct str password;
		const char *words, *key; /* NULL: acceptable */
	} rows[] = {
		{STR(""), "", "password.too_short"},
		{STR("X7#kq9$"), "", "password.too_short"},
		{STR("\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6"), "", "password.too_short"}, /* 8 bytes, 4 letters */
		{STR("X7#kq9$L"), "", NULL},
		{STR("password"), "", "password.weak"},
		{STR("Passw0rd!"), "", "password.weak"},
		{STR("Summer2026!"), "", "password.weak"},
		{STR("qwertyuiop123"), "", "password.weak"},
		{STR("aaaaaaaaaaaaaaaaaaaa"), "", "password.weak"},
		{STR("correct horse battery staple"), "", NULL},
		{STR("wilhelmina.tannenzapfen"), "", NULL},
		{STR("wilhelmina.tannenzapfen"), "Wilhelmina Tannenzapfen", "password.weak"},
		{STR("wilhelmina.tannenzapfen"), "ann@x,Wilhelmina.Tannenzapfen@example.test", "password.weak"},
		{STR("X7#kq9$Lm2@vP\0x"), "", "password.characters"},
		{STR("X7#kq9$Lm2@vP\xFF"), "", "password.characters"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct strength s =
			policy_strength(arena, rows[i].password, str_split(arena, str_of(rows[i].words), ','));
		const char *key = s.reason_key ? s.reason_key : "none";
		if (strcmp(key, rows[i].key ? rows[i].key : "none") != 0 || s.acceptable != !rows[i].key ||
			s.score < 0 || s.score > 4)
			fail_msg("row %zu: score %d, %s", i, s.score, key);
	}
}

static void measures_within_bounds(void **state) {
	(void)state;
	struct strs words = {0};
	for (size_t i = 0; i < 1000; i++)
		strs_add(arena, &words, repeated("ab c-", 500));
	assert_true(policy_strength(arena, repeated("aX7#kq9$", 32), words).acceptable);
	assert_true(policy_strength(arena, repeated("\xF0\x9F\x98\x80z", 128), (struct strs){0}).acceptable);
	assert_string_equal(policy_strength(arena, repeated("a", 257), words).reason_key, "password.too_long");
	assert_string_equal(
		policy_strength(arena, repeated("\xF0\x9F\x98\x80", 257), words).reason_key, "password.too_long");
	assert_string_equal(policy_strength(arena, repeated("a", 100000), words).reason_key, "password.too_long");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(reads_ppolicy),
		TEST(reads_what_is_shown),
		TEST(reads_with_failures),
		TEST(reads_active_directory),
		TEST(narrows),
		TEST(reads_389ds),
		TEST(classifies),
		TEST(has_keys),
		TEST(measures),
		TEST(measures_within_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
