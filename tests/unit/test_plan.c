/* Plans that make somebody: what is built, and written as LDIF and JSON. The names and attributes of the floor below
 * are the real ones. */
#include "tests/unit/plan_fixture.h"

#include "base/buf.h"
#include "base/secret.h"

/* ---- building ---- */
struct pair {
	const char *name, *value;
};

/* One attribute a pair, until the name is NULL. */
static struct plan_input input_of(const struct pair *pairs, const char *login) {
	struct plan_input in = {.directory = &directory, .marker = STR(MARKER), .base = directory.people_base};
	struct attribute *v = arena_array(arena, struct attribute, 80);
	for (; pairs && pairs[in.n_attributes].name; in.n_attributes++) {
		v[in.n_attributes].name = str_of(pairs[in.n_attributes].name);
		strs_add(arena, &v[in.n_attributes].values, str_of(pairs[in.n_attributes].value));
	}
	in.attributes = v;
	if (login)
		strs_add(arena, &in.logins, str_of(login));
	return in;
}

static const struct pair ann[] = {
	{"given_name", "Ann"}, {"family_name", "Example"}, {"mail", "ann@example.test"}, {NULL, NULL}};

static struct plan *built(const struct plan_input *in) {
	struct plan *p = NULL;
	if (plan_build(&task, in, &p))
		fail_msg("%.*s", FMT(task.failure_detail));
	return p;
}

/* "name=value|value" of a candidate's attribute, "" where there is none. */
static const char *shown(const struct plan_candidate *c, const char *name) {
	for (size_t i = 0; i < c->n_attributes; i++)
		if (str_eq_case(c->attributes[i].name, str_of(name)))
			return str_printf(arena, "%.*s", FMT(str_join(arena, c->attributes[i].values, STR("|")))).p;
	return "";
}

static void builds(void **state) {
	(void)state;
	static const struct {
		const char *label;
		struct pair in[5];
		const char *login, *name, *wanted;
	} rows[] = {
		{"mapped", {{"given_name", "Ann"}}, "aexample", "givenName", "Ann"},
		{"trimmed", {{"given_name", " Ann\t"}}, "aexample", "givenName", "Ann"},
		{"empty left out", {{"given_name", "  "}}, "aexample", "givenName", ""},
		{"unknown names stay", {{"employeeType", "guest"}}, "aexample", "employeeType", "guest"},
		{"login put in", {{"homeDirectory", "/home/{login}"}}, "ann", "homeDirectory", "/home/ann"},
		{"login put in twice", {{"description", "{login}+{login}{log"}}, "ann", "description", "ann+ann{log"},
		{"the login is not expanded again", {{"description", "<{login}>"}}, "{login}", "description",
			"<{login}>"},
		{"no login", {{"description", "{a} {loginx"}}, "ann", "description", "{a} {loginx"},
		{"names without case", {{"Mail", "a@x"}, {"mAIL", "b@x"}}, "ann", "mail", "a@x|b@x"},
		{"mapped and not", {{"family_name", "Li"}, {"SN", "Li"}}, "ann", "sn", "Li"},
		{"values without case", {{"description", "One"}, {"description", "one"}}, "ann", "description", "One"},
		{"cn from display_name", {{"display_name", "A. E."}, {"given_name", "Ann"}}, "ann", "cn", "A. E."},
		{"cn from both names", {{"given_name", "Ann"}, {"family_name", "Ex"}}, "ann", "cn", "Ann Ex"},
		{"cn from one", {{"given_name", "Ann"}}, "ann", "cn", "Ann"},
		{"cn from login", {{"mail", "a@x"}}, "ann", "cn", "ann"},
		{"cn as given", {{"cn", "Annie"}, {"given_name", "Ann"}}, "ann", "cn", "Annie"},
		{"sn from login", {{"given_name", "Ann"}}, "ann", "sn", "ann"},
		{"sn as given", {{"family_name", "Ex"}}, "ann", "sn", "Ex"},
		{"the login alone", {{"uid", "root"}}, "ann", "uid", "ann"},
		{"the login alone, ours", {{"login", "root"}}, "ann", "uid", "ann"},
		{"no other login by an option", {{"uid;x-a", "root"}}, "ann", "uid;x-a", ""},
		{"object classes added", {{"objectclass", "posixAccount"}}, "ann", "objectClass",
			"inetOrgPerson|posixAccount"},
		{"marker", {{"mail", "a@x"}}, "ann", "employeeNumber", "01JABC"},
		{"disabled", {{"mail", "a@x"}}, "ann", "pwdAccountLockedTime", "000001010000Z"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan_input in = input_of(rows[i].in, rows[i].login);
		const char *got = shown(&built(&in)->candidates[0], rows[i].name);
		if (strcmp(got, rows[i].wanted) != 0)
			fail_msg("%s: \"%s\" is not \"%s\"", rows[i].label, got, rows[i].wanted);
	}
}

static void refuses_input(void **state) {
	(void)state;
	static const struct {
		const char *label;
		struct pair in[2];
		const char *login;
	} rows[] = {
		{"no login", {{"mail", "a@x"}}, NULL},
		{"empty login", {{"mail", "a@x"}}, " "},
		{"login with a control", {{"mail", "a@x"}}, "a\001b"},
		{"login no UTF-8", {{"mail", "a@x"}}, "a\xFF"},
		{"line break", {{"description", "a\nmanager: b"}}, "ann"},
		{"control", {{"description", "a\033[2J"}}, "ann"},
		{"line separator", {{"description", "a\xE2\x80\xA8z"}}, "ann"},
		{"not UTF-8", {{"description", "\xC3("}}, "ann"},
		{"name with a colon", {{"mail: x", "a"}}, "ann"},
		{"name empty", {{"", "a"}}, "ann"},
		{"name an OID", {{"2.5.4.35", "secret"}}, "ann"},
		{"marker", {{"employeenumber", "1"}}, "ann"},
		{"marker with an option", {{"employeeNumber;x-a", "1"}}, "ann"},
		{"enabling", {{"pwdAccountLockedTime", "never"}}, "ann"},
		{"password", {{"USERPASSWORD", "secret"}}, "ann"},
		{"password with an option", {{"userPassword;x-a", "secret"}}, "ann"},
		{"password of AD", {{"unicodePwd", "secret"}}, "ann"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan_input in = input_of(rows[i].in, rows[i].login);
		struct plan *untouched = (struct plan *)arena, *p = untouched;
		task_clear(&task);
		enum err code = plan_build(&task, &in, &p);
		if (code != ERR_INVALID || p != untouched || str_empty(task.failure_detail))
			fail_msg("%s: %s", rows[i].label, err_row(code)->name);
		if (str_contains(task.failure_detail, STR("secret")))
			fail_msg("%s: a value in the detail", rows[i].label);
	}
}

static char *filled(size_t n) {
	char *text = arena_alloc(arena, n + 1);
	memset(text, 'x', n);
	return text;
}

static void has_bounds(void **state) {
	(void)state;
	struct plan *p = NULL;
	struct pair longest[] = {{"description", filled(LIMIT_FIELD_VALUE)}, {NULL, NULL}};
	struct pair longer[] = {{"description", filled(LIMIT_FIELD_VALUE + 1)}, {NULL, NULL}};
	struct plan_input in = input_of(longest, "ann");
	assert_int_equal(plan_build(&task, &in, &p), OK);
	in = input_of(longer, "ann");
	assert_int_equal(plan_build(&task, &in, &p), ERR_INVALID);
	in = input_of(ann, filled(LIMIT_DN));
	assert_int_equal(plan_build(&task, &in, &p), ERR_INVALID);

	in = input_of(ann, NULL);
	for (size_t i = 0; i <= LIMIT_CANDIDATES; i++)
		strs_add(arena, &in.logins, str_printf(arena, "ann%zu", i));
	assert_int_equal(plan_build(&task, &in, &p), ERR_INVALID);
	in.logins.n = LIMIT_CANDIDATES;
	assert_int_equal(plan_build(&task, &in, &p), OK);
	assert_int_equal(p->n_candidates, LIMIT_CANDIDATES);

	struct pair many[72] = {{NULL, NULL}};
	for (size_t i = 0; i < 70; i++)
		many[i] = (struct pair){str_printf(arena, "x%zu", i).p, "v"};
	in = input_of(many, "ann");
	assert_int_equal(plan_build(&task, &in, &p), ERR_INVALID);

	in = input_of(ann, "ann");
	in.base = STR("people");
	assert_int_equal(plan_build(&task, &in, &p), ERR_INVALID);
	in.base = directory.people_base;
	strs_add(arena, &in.groups, STR("no dn"));
	assert_int_equal(plan_build(&task, &in, &p), ERR_INVALID);
}

static void bounds_the_whole(void **state) {
	(void)state;
	struct plan *p = NULL;
	struct plan_input in = input_of(ann, NULL);
	for (size_t i = 0; i < LIMIT_CANDIDATES; i++)
		strs_add(arena, &in.logins, str_printf(arena, "ann%zu", i));
	struct attribute large = {.name = STR("description")};
	for (size_t i = 0; i < 3; i++)
		strs_add(arena, &large.values, str_printf(arena, "%zu%s", i, filled(8000)));
	in.attributes = &large;
	in.n_attributes = 1;
	assert_int_equal(plan_build(&task, &in, &p), ERR_INVALID);
	in.logins.n = 8;
	assert_int_equal(plan_build(&task, &in, &p), OK);
}

static void drops_doubles(void **state) {
	(void)state;
	struct plan_input in = input_of(ann, "ann");
	strs_add(arena, &in.logins, STR("ANN"));
	strs_add(arena, &in.logins, STR("ann2"));
	strs_add(arena, &in.groups, STR("cn=a,ou=groups,dc=test"));
	strs_add(arena, &in.groups, STR("CN=A, ou=groups, dc=test"));
	strs_add(arena, &in.groups, STR("cn=b,ou=groups,dc=test"));
	struct plan *p = built(&in);
	assert_int_equal(p->n_candidates, 2);
	assert_int_equal(p->groups.n, 2);
	assert_true(str_eq(p->candidates[1].login, STR("ann2")));
	assert_true(str_eq(p->candidates[1].dn, STR("uid=ann2,ou=people,dc=test")));
}

static void builds_for_active_directory(void **state) {
	(void)state;
	struct directory_config ad = directory;
	ad.driver = DIRECTORY_ACTIVE_DIRECTORY;
	ad.rdn_attribute = STR("cn");
	static const struct pair given[] = {
		{"given_name", "Ann"}, {"userPrincipalName", "{login}@example.test"}, {"CN", "Root"}, {NULL, NULL}};
	struct plan_input in = input_of(given, "ann");
	in.directory = &ad;
	const struct plan_candidate *c = &built(&in)->candidates[0];
	assert_string_equal(shown(c, "cn"), "ann");
	assert_string_equal(shown(c, "sAMAccountName"), "ann");
	assert_string_equal(shown(c, "userPrincipalName"), "ann@example.test");
	assert_string_equal(shown(c, "userAccountControl"), "514");
	assert_string_equal(shown(c, "sn"), "");
	assert_true(str_eq(c->dn, STR("cn=ann,ou=people,dc=test")));
	static const struct pair enabling[] = {{"userAccountControl", "512"}, {NULL, NULL}};
	struct plan *p = NULL;
	in = input_of(enabling, "ann");
	in.directory = &ad;
	assert_int_equal(plan_build(&task, &in, &p), ERR_INVALID);
}

/* ---- LDIF ---- */
static void writes_ldif(void **state) {
	(void)state;
	static const struct pair given[] = {
		{"given_name", "Jörg"},
		{"family_name", "Example"},
		{"description",
			"a line that is longer than seventy-six letters and therefore goes on in the next one, twice: "
			"for the continuation has one letter less than the first"},
		{"title", ":begins with a colon"},
		{NULL, NULL},
	};
	struct plan_input in = input_of(given, "jexample");
	strs_add(arena, &in.groups, STR("cn=guests,ou=groups,dc=test"));
	assert_text(plan_ldif(arena, built(&in), &directory, 0),
		"version: 1\n"
		"\n"
		"dn: uid=jexample,ou=people,dc=test\n"
		"changetype: add\n"
		"objectClass: inetOrgPerson\n"
		"employeeNumber: 01JABC\n"
		"pwdAccountLockedTime: 000001010000Z\n"
		"uid: jexample\n"
		"# givenName: Jörg\n"
		"givenName:: SsO2cmc=\n"
		"sn: Example\n"
		"description: a line that is longer than seventy-six letters and therefore go\n"
		" es on in the next one, twice: for the continuation has one letter less than\n"
		"  the first\n"
		"# title: :begins with a colon\n"
		"title:: OmJlZ2lucyB3aXRoIGEgY29sb24=\n"
		"# cn: Jörg Example\n"
		"cn:: SsO2cmcgRXhhbXBsZQ==\n"
		"\n"
		"dn: cn=guests,ou=groups,dc=test\n"
		"changetype: modify\n"
		"add: member\n"
		"member: uid=jexample,ou=people,dc=test\n"
		"-\n");
	assert_text(plan_ldif(arena, built(&in), &directory, 1), "");
}

/* RFC 4514 2.4: each special letter in a login name. */
static void writes_special_names(void **state) {
	(void)state;
	static const struct {
		const char *login, *rdn;
	} rows[] = {
		{"a,b", "a\\,b"},
		{"a+b", "a\\+b"},
		{"a\"b", "a\\\"b"},
		{"a\\b", "a\\\\b"},
		{"a<b", "a\\<b"},
		{"a>b", "a\\>b"},
		{"a;b", "a\\;b"},
		{"#a", "\\#a"},
		{"a#", "a#"},
		{"a=b", "a=b"},
		{"a b", "a b"},
		{"x'(*)&|!", "x'(*)&|!"},
		{"\\", "\\\\"},
		{",", "\\,"},
		{"##", "\\##"},
		{"\\,", "\\\\\\,"},
		{"a,cn=x", "a\\,cn=x"},
		{"{login}", "{login}"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan_input in = input_of(ann, rows[i].login);
		struct plan *p = built(&in), *again = NULL;
		struct str ldif = plan_ldif(arena, p, &directory, 0);
		if (!str_contains(ldif, str_printf(arena, "\ndn: uid=%s,ou=people,dc=test\n", rows[i].rdn)))
			fail_msg("%s:\n%.*s", rows[i].login, FMT(ldif));
		assert_true(str_eq(dn_rdn_value(arena, p->candidates[0].dn), str_of(rows[i].login)));
		assert_int_equal(plan_parse(&task, plan_json(arena, p), &again), OK);
		assert_true(str_eq(again->candidates[0].dn, p->candidates[0].dn));
	}
}

/* What an approver reads in a comment is what is there, and no comment ends before its line. */
static void shows_hidden_letters(void **state) {
	(void)state;
	static const struct pair given[] = {{"title", "a\xE2\x80\xAE"
						      "b\xE2\x80\x8B"},
		{"l", "Zü\xC2\xADrich"}, {NULL, NULL}};
	struct plan_input in = input_of(given, "ann");
	struct str ldif = plan_ldif(arena, built(&in), &directory, 0);
	assert_true(str_contains(ldif, STR("# title: a<U+202E>b<U+200B>\ntitle:: YeKArmLigIs=\n")));
	assert_true(str_contains(ldif, STR("# l: Zü<U+00AD>rich\n")));
}

static void folds_between_characters(void **state) {
	(void)state;
	struct buf b = buf_new(arena, 1000);
	for (size_t i = 0; i < 100; i++)
		buf_put(&b, STR("ü"));
	buf_byte(&b, '\0');
	struct pair given[] = {{"l", buf_str(&b).p}, {NULL, NULL}};
	struct plan_input in = input_of(given, "ann");
	struct str ldif = plan_ldif(arena, built(&in), &directory, 0), line;
	assert_true(str_utf8(ldif));
	size_t comment = 0;
	while (str_next(&ldif, '\n', &line)) {
		assert_true(line.n <= 76);
		assert_true(str_utf8(line));
		comment += str_starts(line, STR("# l: ")) || str_starts(line, STR(" \xC3"));
	}
	assert_int_equal(comment, 3);
}

/* ---- JSON ---- */
static struct plan *sample(void) {
	static const struct pair given[] = {
		{"given_name", "J\xC3\xB6rg \"<&>\\"},
		{"title", "a\xE2\x80\xAE"},
		{"mail", "a@x"},
		{"mail", "b@x"},
		{NULL, NULL},
	};
	struct plan_input in = input_of(given, "ann");
	strs_add(arena, &in.logins, STR("ann,2"));
	strs_add(arena, &in.groups, STR("cn=a\\2Cb,ou=groups,dc=test"));
	return built(&in);
}

static void goes_through_json(void **state) {
	(void)state;
	struct plan *p = sample(), *again = NULL;
	struct str json = plan_json(arena, p);
	assert_int_equal(plan_parse(&task, json, &again), OK);
	assert_text(plan_json(arena, again), str_printf(arena, "%.*s", FMT(json)).p);
	assert_true(str_eq(plan_digest(arena, p), plan_digest(arena, again)));
	assert_text(plan_ldif(arena, again, &directory, 1),
		str_printf(arena, "%.*s", FMT(plan_ldif(arena, p, &directory, 1))).p);
}

static void is_canonical(void **state) {
	(void)state;
	struct plan_input in = input_of(NULL, "ann");
	strs_add(arena, &in.groups, STR("cn=g,dc=test"));
	struct plan *p = built(&in);
	assert_text(plan_json(arena, p),
		"{\"version\":1,\"directory\":\"main\",\"marker\":\"01JABC\",\"candidates\":[{\"login\":\"ann\","
		"\"dn\":\"uid=ann,ou=people,dc=test\",\"attributes\":["
		"{\"name\":\"objectClass\",\"values\":[\"inetOrgPerson\"]},{\"name\":\"employeeNumber\",\"values\":["
		"\"01JABC\"]},"
		"{\"name\":\"pwdAccountLockedTime\",\"values\":[\"000001010000Z\"]},{\"name\":\"uid\",\"values\":["
		"\"ann\"]},"
		"{\"name\":\"cn\",\"values\":[\"ann\"]},{\"name\":\"sn\",\"values\":[\"ann\"]}]}],\"groups\":[\"cn=g,"
		"dc=test\"]}");
	assert_int_equal(plan_digest(arena, p).n, 43);
	struct str before = plan_digest(arena, p);
	p->candidates[0].attributes[4].values.v[0] = STR("anne");
	assert_false(str_eq(before, plan_digest(arena, p)));
}

/* Each text is the canonical one with a part replaced. */
static void refuses_json(void **state) {
	(void)state;
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"\"version\":1", "\"version\":2"},
		{"\"version\":1", "\"version\":\"1\""},
		{"\"version\":1", "\"version\":1,\"more\":1"},
		{"\"version\":1", "\"version\":1,\"version\":1"},
		{"\"directory\":\"main\"", "\"directory\":\"\""},
		{"\"directory\":\"main\"", "\"directory\":1"},
		{"\"marker\":\"01JABC\"", "\"marker\":null"},
		{"\"marker\":\"01JABC\"", "\"marker\":\"a\\u0000b\""},
		{"\"marker\":\"01JABC\"", "\"marker\":\"a\\nb\""},
		{"\"login\":\"ann\"", "\"login\":[]"},
		{"\"dn\":\"uid=ann,", "\"dn\":\"ann,"},
		{"\"name\":\"cn\"", "\"name\":\"cn: x\""},
		{"\"name\":\"cn\"", "\"name\":\"SN\""},
		{"{\"name\":\"cn\",", "{\"name\":\"cn\",\"x\":1,"},
		{"\"values\":[\"inetOrgPerson\"]", "\"values\":[]"},
		{"\"values\":[\"inetOrgPerson\"]", "\"values\":\"inetOrgPerson\""},
		{"\"values\":[\"inetOrgPerson\"]", "\"values\":[1]"},
		{"\"values\":[\"inetOrgPerson\"]", "\"values\":[\"\"]"},
		{"\"groups\":[", "\"groups\":[\"\","},
		{"\"groups\":[", "\"groups\":[7,"},
		{"\"groups\":[\"cn=g,dc=test\"]}", "\"groups\":[\"cn=g,dc=test\"]} x"},
		{"\"groups\":[\"cn=g,dc=test\"]}", "\"groups\":{}}"},
		{"\"groups\":[\"cn=g,dc=test\"]}", ""},
	};
	struct plan_input in = input_of(NULL, "ann");
	strs_add(arena, &in.groups, STR("cn=g,dc=test"));
	const char *json = str_printf(arena, "%.*s", FMT(plan_json(arena, built(&in)))).p;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *at = strstr(json, rows[i].from);
		assert_non_null(at);
		struct str changed =
			str_printf(arena, "%.*s%s%s", (int)(at - json), json, rows[i].to, at + strlen(rows[i].from));
		struct plan *untouched = (struct plan *)arena, *p = untouched;
		if (plan_parse(&task, changed, &p) != ERR_INVALID || p != untouched)
			fail_msg("taken: %.*s", FMT(changed));
	}
	struct plan *p = NULL;
	assert_int_equal(plan_parse(&task, STR_NONE, &p), ERR_INVALID);
	assert_int_equal(plan_parse(&task, str_slice(filled(3u << 20), 3u << 20), &p), ERR_INVALID);
}

static void names_its_steps(void **state) {
	(void)state;
	struct plan *p = sample();
	assert_int_equal(plan_steps(p), 3);
	assert_text(plan_step_title(arena, p, 0), "create uid=ann");
	assert_text(plan_step_title(arena, p, 1), "join cn=a\\2Cb");
	assert_text(plan_step_title(arena, p, 2), "read back");
	assert_text(plan_step_title(arena, p, 3), "look for a second entry");
	assert_text(plan_step_title(arena, p, 4), "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, plan_begin, plan_end)
int main(void) {
	secret_init();
	const struct CMUnitTest tests[] = {
		TEST(builds),
		TEST(refuses_input),
		TEST(has_bounds),
		TEST(bounds_the_whole),
		TEST(drops_doubles),
		TEST(builds_for_active_directory),
		TEST(writes_ldif),
		TEST(writes_special_names),
		TEST(shows_hidden_letters),
		TEST(folds_between_characters),
		TEST(goes_through_json),
		TEST(is_canonical),
		TEST(refuses_json),
		TEST(names_its_steps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
