/* Login names: patterns, letters, cuts, what is reserved, what is taken. */
#include "tests/unit/business_fixture.h"

static void test_expand(void **state) {
	struct task *t = world_task(*state);
	static const struct {
		const char *pattern, *given, *family, *mail;
		int64_t n;
		const char *name;
	} rows[] = {
		{"{given_name}.{family_name}", "Anna", "Alt", "", 0, "anna.alt"},
		{"{given_name:1}{family_name}", "Anna", "Alt", "", 0, "aalt"},
		{"{given_name:2}{family_name:3}", "Anna", "Altmann", "", 0, "analt"},
		{"{given_name}{n}", "Anna", "", "", 0, "anna"},
		{"{given_name}{n}", "Anna", "", "", 12, "anna12"},
		{"{family_name}", "",
			"M\xc3\xbcller-L\xc3\xbc"
			"denscheidt",
			"", 0, "muller-ludenscheidt"},
		{"{family_name}", "", "Gro\xc3\x9f", "", 0, "gross"},
		{"{family_name:1}", "", "\xc3\x86ther", "", 0, "a"},
		{"{family_name}", "", "\xc3\x86sir \xc3\x98\xc5\x82\xc3\xbe\xc3\xb0", "", 0, "aesirolthd"},
		{"{family_name}", "", "\xc4\xb0stanbul \xc4\xb1\xc5\x9f\xc4\x9f", "", 0, "istanbulisg"},
		{"{family_name}", "", "\xef\xac\x81sh", "", 0, "fish"}, /* fi ligature */
		{"{family_name}", "",
			"\xe2\x84\xaa"
			"elvin",
			"", 0, "kelvin"},
		{"{family_name}", "", "O'Neil (Jr.)", "", 0, "oneiljr."},
		{"{family_name}", "", "\xe5\xbc\xa0\xe4\xbc\x9f", "", 0, ""},
		{"{family_name}", "", "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", "", 0, ""},
		{"{family_name}", "", "\xff\xfe", "", 0, ""},
		{"{mail_local}", "", "", "Anna.Alt+tag@x.test", 0, "anna.alttag"},
		{"x-{given_name}", "Anna", "", "", 0, "x-anna"},
		{"{given_name", "Anna", "", "", 0, "given_name"},
		{"{nothing}x", "Anna", "", "", 0, "x"},
		{"{given_name:0}", "Anna", "", "", 0, "anna"},
		{"{given_name:99}", "Anna", "", "", 0, "anna"},
		{"{}", "Anna", "", "", 0, ""},
		{"", "", "", "", 0, ""},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct submission s = world_submission(t, rows[i].given, rows[i].family, rows[i].mail);
		struct str got = naming_expand(t->arena, str_of(rows[i].pattern), s.fields, s.n, rows[i].n);
		if (!str_eq(got, str_of(rows[i].name)))
			fail_msg("row %zu: %.*s is not %s", i, FMT(got), rows[i].name);
	}
}

static struct registration registration_of(struct task *t, const char *given, const char *family) {
	return (struct registration){.id = random_id(t->arena),
		.realm = t->realm_name,
		.login_proposed = STR(""),
		.profile = STR("guest"),
		.fields =
			str_printf(t->arena, "{\"given_name\":\"%s\",\"family_name\":\"%s\",\"mail\":\"%s.x@x.test\"}",
				given, family, given)};
}

/* All candidates, in one text. */
static struct str settle(struct task *t, const struct registration *r) {
	struct strs names = {0};
	enum err e = naming_settle(t, &world_profile, r, &names);
	assert_ok(e);
	assert_in_range(names.n, 1, LIMIT_CANDIDATES);
	return str_join(t->arena, names, STR(" "));
}

static void test_settle(void **state) {
	struct task *t = world_task(*state);
	struct registration r = registration_of(t, "Anna", "Alt");
	assert_str(settle(t, &r), STR("aalt aalt2 aalt3 aalt4 aalt5"));
	fake_person_add("aalt", "1@x.test");
	fake_person_add("AALT3", "2@x.test");
	assert_str(settle(t, &r), STR("aalt2 aalt4 aalt5 aalt6 aalt7"));
	r.login_proposed = STR("annie");
	assert_true(str_starts(settle(t, &r), STR("annie aalt2 ")));
	r.login_proposed = STR("aalt");
	assert_true(str_starts(settle(t, &r), STR("aalt2 ")));
}

static void test_patterns_in_order(void **state) {
	struct task *t = world_task(*state);
	struct str patterns[] = {STR("{given_name}"), STR("{given_name}.{family_name}"), STR("{family_name}-{n}")};
	struct registration r = registration_of(t, "Anna", "Alt");
	world_profile.login_patterns = (struct strs){patterns, COUNT(patterns)};
	assert_str(settle(t, &r), STR("anna anna.alt alt alt-2 alt-3"));
	fake_person_add("anna.alt", "1@x.test");
	assert_str(settle(t, &r), STR("anna alt alt-2 alt-3 alt-4"));
}

static void test_cut(void **state) {
	struct task *t = world_task(*state);
	struct registration r = registration_of(t, "Maximilian", "Mustermann-Schmidt");
	world_profile.login_max_length = 8;
	assert_str(settle(t, &r), STR("mmusterm mmuster2 mmuster3 mmuster4 mmuster5"));
	world_profile.login_max_length = 2;
	struct str all = settle(t, &r);
	assert_true(str_starts(all, STR("mm m2 m3")));
	/* A cut that ends in a mark loses it. */
	world_profile.login_max_length = 12;
	assert_true(str_starts(settle(t, &r), STR("mmustermann mmustermann2")));
}

static void test_reserved(void **state) {
	struct task *t = world_task(*state);
	static const char *const names[] = {"admin", "Administrator", "ROOT", "krbtgt", "portal", "boss",
		"\xef\xbd\x92oot", "Staff", "extra", "approvers", "operators"};
	world_profile.login_patterns = world_one(5, "{given_name}");
	world_profile.reserved_names = world_one(6, "Boss");
	for (size_t i = 0; i < COUNT(names); i++) {
		struct registration r = registration_of(t, names[i], "x");
		struct str all = settle(t, &r);
		struct str first = str_sub(all, 0, str_find(all, ' ', 0));
		if (!str_ends(first, STR("2")))
			fail_msg("%s became %.*s", names[i], FMT(first));
		r = registration_of(t, "nobody", "x");
		r.login_proposed = str_lower(t->arena, str_of(names[i]));
		assert_str(str_sub(settle(t, &r), 0, 8), STR("nobody2 "));
	}
}

/* Also what our own registrations and accounts hold. */
static void test_taken_by_us(void **state) {
	struct task *t = world_task(*state);
	struct registration r = registration_of(t, "Anna", "Alt");
	struct registration other = {.id = random_id(t->arena),
		.realm = t->realm_name,
		.profile = STR("guest"),
		.state = REGISTRATION_APPROVED,
		.login_proposed = STR("Aalt"),
		.version = 1};
	assert_ok(registrations_insert(t, &other));
	assert_true(str_starts(settle(t, &r), STR("aalt2 ")));
	struct account a = {.id = STR("a1"),
		.realm = t->realm_name,
		.directory = STR("main"),
		.stable_id = STR("gone-1"),
		.sub = STR("s1"),
		.login = STR("AALT2")};
	assert_ok(accounts_insert(t, &a)); /* the name of an entry that was deleted is not given to somebody else */
	assert_true(str_starts(settle(t, &r), STR("aalt3 ")));
}

/* An entry with our marker is ours, from a run whose answer was lost. */
static void test_own_entry(void **state) {
	struct task *t = world_task(*state);
	struct registration r = registration_of(t, "Anna", "Alt");
	struct fake_person *p = fake_person_add("aalt", "1@x.test");
	snprintf(p->marker, sizeof(p->marker), "%.*s", FMT(r.id));
	assert_true(str_starts(settle(t, &r), STR("aalt aalt2")));
}

/* A script without letters, for the first person and for the hundredth. */
static void test_no_letters(void **state) {
	struct task *t = world_task(*state);
	struct str names[60];
	for (size_t i = 0; i < COUNT(names); i++) {
		struct registration r = registration_of(t, "\xe4\xbc\x9f", "\xe5\xbc\xa0");
		struct str all = settle(t, &r);
		struct str again = settle(t, &r);
		assert_str(again, all); /* what an approver saw is what is done */
		names[i] = str_sub(all, 0, str_find(all, ' ', 0));
		assert_true(str_starts(names[i], STR("user")) && names[i].n > 4);
		fake_person_add(str_printf(t->arena, "%.*s%c", FMT(names[i]), 0).p, "x@x.test");
		for (size_t k = 0; k < i; k++)
			assert_false(str_eq(names[i], names[k]));
	}
}

/* A common name: small numbers first, and then still one. */
static void test_common_name(void **state) {
	struct task *t = world_task(*state);
	struct registration r = registration_of(t, "Jo", "Smith");
	struct str first = STR("jsmith");
	for (int i = 1; i <= 50; i++) {
		struct str login = i == 1 ? first : str_printf(t->arena, "jsmith%d", i);
		fake_person_add(str_printf(t->arena, "%.*s%c", FMT(login), 0).p, "x@x.test");
	}
	struct str all = settle(t, &r);
	assert_true(str_starts(all, first));
	assert_int_equal(str_find(all, ' ', 0), first.n + 5);
	assert_str(settle(t, &r), all);
	world_profile.login_max_length = 8; /* the number survives the cut */
	struct str cut = settle(t, &r);
	assert_int_equal(str_find(cut, ' ', 0), 8);
	assert_true(str_starts(cut, STR("jsm")));
}

static void test_directory_down(void **state) {
	struct task *t = world_task(*state);
	struct registration r = registration_of(t, "Anna", "Alt");
	struct strs names = {0};
	fake.down = true;
	assert_err(naming_settle(t, &world_profile, &r, &names), ERR_UNAVAILABLE);
	assert_int_equal(names.n, 0);
	task_clear(t);
	fake.down = false;
	world_profile.directory = STR("gone");
	assert_err(naming_settle(t, &world_profile, &r, &names), ERR_CONFIG);
}

/* Whose name somebody elsewhere in the forest has goes to the next candidate; while that cannot be asked, nobody does.
 */
static void test_forest(void **state) {
	struct task *t = world_task(*state);
	struct registration r = registration_of(t, "Anna", "Alt");
	struct strs names = {0};
	fake.elsewhere = "aalt";
	assert_str(settle(t, &r), STR("aalt2 aalt3 aalt4 aalt5 aalt6"));
	fake.catalog_down = true;
	assert_err(naming_settle(t, &world_profile, &r, &names), ERR_UNAVAILABLE);
	assert_int_equal(names.n, 0);
	/* Our own entry, of a run whose answer was lost, has its principal there. */
	fake.catalog_down = false;
	struct fake_person *ours = fake_person_add("aalt", "1@x.test");
	snprintf(ours->marker, sizeof(ours->marker), "%.*s", FMT(r.id));
	assert_true(str_starts(settle(t, &r), STR("aalt ")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_expand), TEST(test_settle), TEST(test_patterns_in_order),
		TEST(test_cut), TEST(test_reserved), TEST(test_taken_by_us), TEST(test_own_entry),
		TEST(test_no_letters), TEST(test_common_name), TEST(test_forest), TEST(test_directory_down)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
