/* Who may register, with which values, and who needs an approval: tables. */
#include "tests/unit/business_fixture.h"

/* One field of a kind, and what a value gets. */
static const char *problem_of(struct task *t, struct field_config f, const char *value, size_t n, struct str *detail) {
	struct profile_config p = world_profile;
	f.name = STR("extra");
	if (!f.max_length)
		f.max_length = 50;
	p.fields = &f;
	p.n_fields = 1;
	struct typed typed = {.name = f.name, .value = str_slice(value, n)};
	struct submission s = {.profile = &p, .fields = &typed, .n = 1};
	enum err e = admission_check(t, &s);
	assert_err(e, typed.problem ? ERR_FIELDS : OK);
	task_clear(t);
	if (detail)
		*detail = typed.problem_detail;
	return typed.problem;
}

static bool same(const char *a, const char *b) {
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct field_option options[] = {{STR_NONE, STR_NONE}, {STR_NONE, STR_NONE}};

static void test_fields(void **state) {
	struct task *t = world_task(*state);
	options[0].value = STR("red");
	options[1].value = STR("blue");
	static const struct {
		enum field_type type;
		const char *value, *problem;
	} rows[] = {
		{FIELD_TEXT, "Anna", NULL},
		{FIELD_TEXT, "  \t ", "field.required"},
		{FIELD_TEXT, "", "field.required"},
		{FIELD_TEXT, "An\nna", "field.characters"},
		{FIELD_TEXT, "An\x01na", "field.characters"},
		{FIELD_TEXT, "\xff", "field.characters"},
		{FIELD_TEXT, "\xed\xa0\x80", "field.characters"},        /* surrogate */
		{FIELD_TEXT, "evil\xe2\x80\xaetxt", "field.characters"}, /* right-to-left override */
		{FIELD_TEXT, "zero\xe2\x80\x8bwidth", "field.characters"},
		{FIELD_TEXT,
			"\xef\xbb\xbf"
			"Anna",
			"field.characters"},                                            /* byte order mark */
		{FIELD_TEXT, "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7", NULL}, /* a joiner within a word */
		{FIELD_TEXT, "visit https://evil.test", "field.link"},
		{FIELD_TEXT, "WWW.evil.test", "field.link"},
		{FIELD_TEXT, "a@evil.test", "field.link"},
		{FIELD_TEXT, "J. R. O'Neil-Smith", NULL},
		{FIELD_TEXT, "<script>", NULL},                     /* escaped where it is shown */
		{FIELD_TEXT, "the {login} of", "field.characters"}, /* a plan would fill it in */
		{FIELD_TEXTAREA, "two\r\nlines", NULL},
		{FIELD_TEXTAREA, "two\nlines", NULL},
		{FIELD_TEXTAREA, "bell\x07", "field.characters"},
		{FIELD_TEXTAREA, "a\rb", "field.characters"},
		{FIELD_EMAIL, "a@b.test", NULL},
		{FIELD_EMAIL, "a@b", "field.email"},
		{FIELD_EMAIL, "-a@b.test", "field.email"},
		{FIELD_EMAIL, "\"a b\"@b.test", "field.email"},
		{FIELD_EMAIL, "a@b.test, c@d.test", "field.email"},
		{FIELD_TEL, "+49 (30) 1234-56", NULL},
		{FIELD_TEL, "123", "field.tel"},
		{FIELD_TEL, "1+234567", "field.tel"},
		{FIELD_TEL, "12345678901234567890123", "field.tel"},
		{FIELD_TEL, "call me", "field.tel"},
		{FIELD_DATE, "2024-02-29", NULL},
		{FIELD_DATE, "2023-02-29", "field.date"},
		{FIELD_DATE, "1900-02-29", "field.date"},
		{FIELD_DATE, "2000-02-29", NULL},
		{FIELD_DATE, "2024-13-01", "field.date"},
		{FIELD_DATE, "2024-04-31", "field.date"},
		{FIELD_DATE, "2024-4-3", "field.date"},
		{FIELD_DATE, "29.02.2024", "field.date"},
		{FIELD_SELECT, "red", NULL},
		{FIELD_SELECT, "Red", "field.option"},
		{FIELD_SELECT, "green", "field.option"},
		{FIELD_CHECKBOX, "yes", NULL},
		{FIELD_CHECKBOX, "on", "field.checkbox"},
		{FIELD_CHECKBOX, "", "field.required"},
		{FIELD_TERMS, "yes", NULL},
		{FIELD_TERMS, "", "field.terms"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct field_config f = {
			.type = rows[i].type, .required = true, .options = options, .n_options = COUNT(options)};
		const char *got = problem_of(t, f, rows[i].value, strlen(rows[i].value), NULL);
		if (!same(got, rows[i].problem))
			fail_msg("row %zu: \"%s\": %s", i, rows[i].value, got ? got : "fine");
		f.required = false;
		if (!*rows[i].value && problem_of(t, f, "", 0, NULL))
			fail_msg("row %zu: empty where nothing is required", i);
	}
	struct field_config text = {.type = FIELD_TEXT};
	assert_string_equal(problem_of(t, text, "a\0b", 3, NULL), "field.characters");
}

static void test_lengths(void **state) {
	struct task *t = world_task(*state);
	struct field_config f = {.type = FIELD_TEXT, .min_length = 3, .max_length = 5};
	struct str detail;
	assert_null(problem_of(t, f, "abc", 3, NULL));
	assert_null(problem_of(t, f, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9", 10, NULL)); /* five letters */
	assert_string_equal(problem_of(t, f, "ab", 2, &detail), "field.too_short");
	assert_str(detail, STR("3"));
	assert_string_equal(problem_of(t, f, "abcdef", 6, &detail), "field.too_long");
	assert_str(detail, STR("5"));
	assert_null(problem_of(t, f, "  abcde  ", 9, NULL)); /* cut before it is counted */
}

static void test_pattern(void **state) {
	struct task *t = world_task(*state);
	struct field_config f = {
		.type = FIELD_TEXT, .pattern = STR("[A-Z]{2}|[0-9]+"), .pattern_message = STR("two letters")};
	struct str detail;
	assert_null(problem_of(t, f, "AB", 2, NULL));
	assert_null(problem_of(t, f, "123", 3, NULL));
	assert_string_equal(
		problem_of(t, f, "ABC", 3, &detail), "field.pattern"); /* anchored at both ends, alternatives too */
	assert_str(detail, STR("two letters"));
	assert_string_equal(problem_of(t, f, "12x", 3, NULL), "field.pattern");
	f.pattern = STR("(");
	assert_string_equal(problem_of(t, f, "x", 1, NULL), "field.pattern"); /* refused, not let through */
}

static void test_mail_domains(void **state) {
	struct task *t = world_task(*state);
	static const struct {
		const char *mail, *allowed, *refused, *problem;
	} rows[] = {
		{"a@x.test", NULL, NULL, NULL},
		{"a@x.test", "x.test", NULL, NULL},
		{"a@X.TEST", "x.test", NULL, NULL},
		{"a@evil-x.test", "x.test", NULL, "field.domain"},
		{"a@x.test.evil", "x.test", NULL, "field.domain"},
		{"a@sub.x.test", "x.test", NULL, "field.domain"},
		{"a@sub.x.test", "*.x.test", NULL, NULL},
		{"a@x.test", "*.x.test", NULL, "field.domain"},
		{"a@evilx.test", "*.x.test", NULL, "field.domain"},
		{"a@x.test", NULL, "x.test", "field.domain"},
		{"a@x.test", "x.test", "x.test", "field.domain"},
		{"a@b\xc3\xbc"
		 "cher.test",
			"xn--bcher-kva.test", NULL, NULL},
		{"a@\xef\xbd\x98.test", NULL, "x.test", "field.domain"}, /* fullwidth x */
		{"not an address", NULL, "x.test", "field.email"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct submission s = world_submission(t, "Anna", "Alt", rows[i].mail);
		world_profile.mail_domains_allowed = rows[i].allowed ? world_one(5, rows[i].allowed) : (struct strs){0};
		world_profile.mail_domains_refused = rows[i].refused ? world_one(6, rows[i].refused) : (struct strs){0};
		assert_err(admission_check(t, &s), rows[i].problem ? ERR_FIELDS : OK);
		task_clear(t);
		if (!same(s.fields[2].problem, rows[i].problem))
			fail_msg("row %zu: %s", i, s.fields[2].problem ? s.fields[2].problem : "fine");
	}
}

static void test_login_name(void **state) {
	struct task *t = world_task(*state);
	static const struct {
		const char *value, *problem, *becomes;
	} rows[] = {{"anna", NULL, "anna"}, {"Anna.B-c_9", NULL, "anna.b-c_9"}, {"a", "field.login", "a"},
		{".anna", "field.login", ".anna"}, {"anna.", "field.login", "anna."}, {"an na", "field.login", "an na"},
		{"ann\xc3\xa4", "field.login", "ann\xc3\xa4"}, {"a,b=c", "field.login", "a,b=c"},
		{"a*b", "field.login", "a*b"}, {"abcdefghijklmnopqrstu", "field.login_long", "abcdefghijklmnopqrstu"},
		{"", NULL, ""}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct typed typed = {.name = STR("login_name"), .value = str_of(rows[i].value)};
		struct submission s = {.profile = &world_profile, .fields = &typed, .n = 1};
		assert_err(admission_check(t, &s), rows[i].problem ? ERR_FIELDS : OK);
		task_clear(t);
		if (!same(typed.problem, rows[i].problem))
			fail_msg("row %zu: %s", i, typed.problem ? typed.problem : "fine");
		assert_str(typed.value, str_of(rows[i].becomes));
	}
	world_profile.login_patterns = (struct strs){0}; /* then a name must be proposed */
	struct typed typed = {.name = STR("login_name"), .value = STR(" ")};
	struct submission s = {.profile = &world_profile, .fields = &typed, .n = 1};
	assert_err(admission_check(t, &s), ERR_FIELDS);
	assert_string_equal(typed.problem, "field.required");
}

/* The first rule that matches decides; none: an approval. */
static void test_rules(void **state) {
	struct task *t = world_task(*state);
	struct str why;
	static const struct {
		const char *mail, *note;
		bool approval;
	} rows[] = {
		{"a@strict.test", "", true},
		{"a@STRICT.test", "open", true},
		{"a@\xef\xbd\x93trict.test", "open", true}, /* fullwidth s: the same domain */
		{"a@x.test", "open", false},
		{"a@x.test", "OPEN", false},
		{"a@x.test", "opened", true},
		{"a@x.test", "", true},
		{"a@notstrict.test", "open", false},
		{"", "open", false},
	};
	world_rules[0] = (struct approval_rule){.mail_domains = world_one(5, "strict.test"), .approval = true};
	world_rules[1] =
		(struct approval_rule){.field = STR("note"), .values = world_one(6, "open"), .approval = false};
	world_profile.n_rules = 2;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct submission s = world_submission(t, "A", "B", rows[i].mail);
		s.fields[3].value = str_of(rows[i].note);
		bool got = admission_needs_approval(t->arena, &world_profile, s.fields, s.n, &why);
		if (got != rows[i].approval || got == str_empty(why))
			fail_msg("row %zu: %d, %.*s", i, got, FMT(why));
	}
	struct submission s = world_submission(t, "A", "B", "a@strict.test");
	world_profile.approval = APPROVAL_NEVER;
	assert_false(admission_needs_approval(t->arena, &world_profile, s.fields, s.n, &why));
	world_profile.approval = APPROVAL_ALWAYS;
	s = world_submission(t, "A", "B", "a@x.test");
	s.fields[3].value = STR("open");
	assert_true(admission_needs_approval(t->arena, &world_profile, s.fields, s.n, &why));
	assert_false(str_empty(why));
}

static void test_config_check(void **state) {
	struct task *t = world_task(*state);
	struct config_errors errors = {0};
	registrar_check_config(t->arena, &world_config, &errors);
	assert_int_equal(errors.n, 0);
	world_profile.login_patterns = (struct strs){0};
	world_profile.approvers = world_realm.operators = STR("");
	world_rules[0].mail_domains = (struct strs){0};
	registrar_check_config(t->arena, &world_config, &errors);
	assert_int_equal(errors.n, 3);
	assert_str(errors.v[0].key, STR("realms.staff.profiles.guest.login_name.patterns"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_fields), TEST(test_lengths), TEST(test_pattern),
		TEST(test_mail_domains), TEST(test_login_name), TEST(test_rules), TEST(test_config_check)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
