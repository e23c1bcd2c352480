/* The doctor without a directory: definitions of a schema, the list of findings, the person who might register. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/secret.h"
#include "federation/doctor/doctor_private.h"

static int open_arena(void **state) {
	secret_init();
	*state = arena_new();
	return 0;
}

static int close_arena(void **state) {
	arena_free(*state);
	return 0;
}

static void assert_list(struct arena *a, struct strs list, const char *wanted) {
	struct str text = str_join(a, list, STR(" "));
	assert_int_equal(text.n, strlen(wanted));
	assert_true(str_eq(text, str_of(wanted)));
}

static void reads_definitions(void **state) {
	static const struct {
		const char *text, *oid, *names, *superiors, *must, *may;
		bool operational;
	} rows[] = {
		{"( 2.5.4.4 NAME ( 'sn' 'surname' ) DESC 'RFC2256: last (family) name(s)' SUP name )", "2.5.4.4",
			"sn surname", "name", "", "", false},
		{"( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( userPassword $ description ) )",
			"2.5.6.6", "person", "top", "sn cn", "userPassword description", false},
		{"( 1.1 NAME 'one' SUP ( a $ b ) MUST c X-ORIGIN 'MUST ( d )' )", "1.1", "one", "a b", "c", "", false},
		{"( 1.2 NAME 'time' DESC 'MUST' USAGE directoryOperation )", "1.2", "time", "", "", "", true},
		{"( 1.3 NAME 'plain' USAGE userApplications )", "1.3", "plain", "", "", "", false},
		{"(1.4 NAME('tight')MUST(a$b))", "1.4", "tight", "", "a b", "", false},
		{"( 1.5 NAME ( 'unended", "1.5", "unended", "", "", "", false},
		{"( 1.6 MUST", "1.6", "", "", "", "", false},
		{"( 1.7 NAME '' )", "1.7", "", "", "", "", false},
	};
	struct arena *a = *state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct definition d;
		assert_true(definition_parse(a, str_of(rows[i].text), &d));
		assert_true(str_eq(d.oid, str_of(rows[i].oid)));
		assert_list(a, d.names, rows[i].names);
		assert_list(a, d.superiors, rows[i].superiors);
		assert_list(a, d.must, rows[i].must);
		assert_list(a, d.may, rows[i].may);
		assert_int_equal(d.operational, rows[i].operational);
	}
}

static void refuses_what_is_no_definition(void **state) {
	static const char *const texts[] = {"", " ", "(", "$", "2.5.4.3 NAME 'cn'", "'", ") 1.1 NAME 'a'"};
	struct definition d;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_false(definition_parse(*state, str_of(texts[i]), &d));
}

static void knows_names_without_case(void **state) {
	struct definition d;
	assert_true(definition_parse(*state, STR("( 2.5.4.4 NAME ( 'sn' 'surname' ) )"), &d));
	assert_true(definition_is(&d, STR("SN")));
	assert_true(definition_is(&d, STR("surName")));
	assert_true(definition_is(&d, STR("2.5.4.4")));
	assert_false(definition_is(&d, STR("s")));
}

static struct visit visit_of(struct arena *a, struct task *t, struct findings *f) {
	static struct directory_config d = {.id = {"main", 4},
		.rdn_attribute = {"uid", 3},
		.marker_attribute = {"employeeNumber", 14},
		.people_base = {"ou=people,dc=test", 17},
		.bind_dn = {"cn=svc,dc=test", 14}};
	static const struct doctor_options options;
	static const struct realm realm;
	task_begin(t, a, NULL, 1000);
	return (struct visit){.t = t, .realm = &realm, .d = &d, .options = &options, .findings = f, .answers = true};
}

static void renders_findings(void **state) {
	struct findings f = {0};
	struct task t;
	struct visit v = visit_of(*state, &t, &f);
	found_ok(&v, "all %d are there", 3);
	found(&v, FINDING_ERROR, STR("no \x1b[1mright\n"), STR("requests are parked"), STR("give it"));
	found(&v, FINDING_WARNING, STR("soon"), STR("later"), STR("renew"));
	const char *wanted = "ok      main: all 3 are there\n"
			     "error   main: no ?[1mright?\n"
			     "        then: requests are parked\n"
			     "        mend: give it\n"
			     "warning main: soon\n"
			     "        then: later\n"
			     "        mend: renew\n";
	assert_true(str_eq(findings_text(*state, &f), str_of(wanted)));
	assert_int_equal(findings_count(&f, FINDING_OK), 1);
	assert_int_equal(findings_count(&f, FINDING_ERROR), 1);
	assert_int_equal(findings_count(&f, FINDING_WARNING), 1);
}

static void bounds_findings(void **state) {
	struct findings f = {0};
	struct task t;
	struct visit v = visit_of(*state, &t, &f);
	for (size_t i = 0; i < FINDINGS_MOST + 20; i++)
		found_ok(&v, "%zu", i);
	assert_int_equal(f.n, FINDINGS_MOST);
	assert_int_equal(f.v[FINDINGS_MOST - 1].level, FINDING_WARNING);
	assert_true(str_contains(f.v[FINDINGS_MOST - 1].what, STR("more than this list holds")));
}

static void tells_what_could_not_be_looked_at(void **state) {
	struct findings f = {0};
	struct task t;
	struct visit v = visit_of(*state, &t, &f);
	found_unknown(&v, "the feed", task_fail(&t, ERR_TIMEOUT, "no answer in time"));
	assert_int_equal(f.v[0].level, FINDING_ERROR);
	assert_true(str_eq(f.v[0].what, STR("the feed could not be looked at: timeout: no answer in time")));
	assert_int_equal(t.failure, OK);
	assert_true(v.answers);
	for (int i = 0; i < 3; i++)
		found_unknown(&v, "operators", task_fail(&t, ERR_UNAVAILABLE, "it is gone"));
	assert_true(f.n == 2 && !v.answers); /* once for all */
}

static struct str planned(const struct plan *p, struct str name) {
	for (size_t i = 0; i < p->candidates[0].n_attributes; i++)
		if (str_eq_case(p->candidates[0].attributes[i].name, name))
			return p->candidates[0].attributes[i].values.v[0];
	return STR_NONE;
}

/* Optional fields are left empty; patterns, lengths and options hold. */
static void makes_a_sample(void **state) {
	struct field_option options[] = {{STR("red"), STR("Red")}};
	struct field_config fields[] = {
		{.name = STR("mail"), .type = FIELD_EMAIL},
		{.name = STR("family_name"), .attribute = STR("family_name"), .required = true, .max_length = 3},
		{.name = STR("title"), .attribute = STR("title")},
		{.name = STR("number"),
			.attribute = STR("employeeType"),
			.required = true,
			.max_length = 9,
			.pattern = STR("[0-9]{5}")},
		{.name = STR("boss"), .attribute = STR("manager"), .required = true, .max_length = 99},
		{.name = STR("team"),
			.attribute = STR("department"),
			.required = true,
			.type = FIELD_SELECT,
			.options = options,
			.n_options = 1},
	};
	struct constant_attribute constants[] = {{STR("description"), STR("of {team}, {login}")}};
	struct profile_config p = {.id = STR("staff"),
		.fields = fields,
		.n_fields = COUNT(fields),
		.constants = constants,
		.n_constants = 1};
	struct findings f = {0};
	struct task t;
	struct visit v = visit_of(*state, &t, &f);
	struct plan *plan = NULL, *again = NULL, *other = NULL;
	assert_int_equal(sample_plan(&v, &p, v.d->people_base, &plan), OK);
	assert_int_equal(sample_plan(&v, &p, v.d->people_base, &again), OK);
	assert_int_equal(sample_plan(&v, &p, STR("ou=elsewhere,dc=test"), &other), OK);
	struct str login = plan->candidates[0].login;
	assert_int_equal(login.n, 19); /* of 20 that Active Directory takes */
	assert_true(str_starts(login, STR("usher-doctor-")));
	assert_true(str_eq(login, again->candidates[0].login) && str_eq(plan->marker, again->marker)); /* found again */
	assert_false(str_eq(login, other->candidates[0].login));
	assert_false(str_eq(plan->marker, other->marker));
	assert_true(str_starts(plan->marker, STR("doctor-")));
	assert_true(str_eq(planned(plan, STR("employeeNumber")), plan->marker));
	assert_true(str_ends(planned(plan, STR("mail")), STR("@usher.invalid")));
	assert_true(str_eq(planned(plan, STR("sn")), STR("Doc")));
	assert_true(str_absent(planned(plan, STR("title"))));
	assert_true(str_eq(planned(plan, STR("employeeType")), STR("12345")));
	assert_true(str_eq(planned(plan, STR("manager")), v.d->bind_dn));
	assert_true(str_eq(planned(plan, STR("departmentNumber")), STR("red")));
	assert_true(str_eq(planned(plan, STR("description")), str_printf(*state, "of Doctor, %.*s", FMT(login))));
	assert_true(str_absent(planned(plan, STR("userPassword"))));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_definitions, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_definition, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(knows_names_without_case, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(renders_findings, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(bounds_findings, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(tells_what_could_not_be_looked_at, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(makes_a_sample, open_arena, close_arena),
	};
	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
