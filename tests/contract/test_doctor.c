/* The doctor on a real directory; see test_directory.c. A realm with one profile stands on the seed of the scripts. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "federation/doctor/doctor.h"
#include "tests/contract/directory_fixture.h"

#define DOCTOR_MS 60000

/* What a test may change, on its own copies. */
struct patient {
	struct realm realm;
	struct directory_config d;
	struct profile_config profile;
	struct field_config fields[3];
	struct findings findings;
};

static struct strs one(struct fixture *f, struct str s) {
	struct strs list = {0};
	strs_add(f->config, &list, s);
	return list;
}

static struct patient *patient(struct fixture *f) {
	struct patient *p = arena_new_of(f->config, struct patient);
	p->d = *f->d;
	p->d.feed = FEED_OFF; /* 389 allows ten a time, and forgets one that ended after a while */
	p->fields[0] =
		(struct field_config){.name = STR("mail"), .type = FIELD_EMAIL, .required = true, .max_length = 254};
	p->fields[1] = (struct field_config){.name = STR("given_name"),
		.attribute = STR("given_name"),
		.type = FIELD_TEXT,
		.required = true,
		.max_length = 64};
	p->fields[2] = (struct field_config){.name = STR("family_name"),
		.attribute = STR("family_name"),
		.type = FIELD_TEXT,
		.required = true,
		.max_length = 64};
	p->profile = (struct profile_config){.id = STR("staff"),
		.directory = STR("main"),
		.fields = p->fields,
		.n_fields = 3,
		.base = f->d->people_base,
		.groups = one(f, group(f, "team-blue")),
		.groups_allowed = one(f, group(f, "staff")),
		.approvers = group(f, "approvers")};
	p->realm = (struct realm){.id = STR("example"),
		.directories = &p->d,
		.n_directories = 1,
		.profiles = &p->profile,
		.n_profiles = 1,
		.operators = group(f, "approvers"),
		.login_max_failures = 2};
	return p;
}

static void examine(struct fixture *f, struct patient *p, bool trial) {
	struct doctor_options options = {.trial = trial};
	struct task *t = fixture_task(f);
	t->deadline += DOCTOR_MS;
	p->findings = (struct findings){0};
	assert_ok(f, doctor_run(t, &p->realm, &p->d, &options, &p->findings));
	fixture_reconnect(f); /* handles are known by the address of the configuration */
}

static void show(const struct fixture *f, const struct patient *p) {
	struct str text = findings_text(f->arena, &p->findings);
	print_error("%.*s", FMT(text));
}

static void assert_no_errors(struct fixture *f, const struct patient *p) {
	if (findings_count(&p->findings, FINDING_ERROR)) {
		show(f, p);
		fail_msg("a healthy directory has errors");
	}
}

/* A finding of this level that has all the words in what was found and what follows from it. */
static void assert_found(
	struct fixture *f, const struct patient *p, enum finding_level level, struct str what, struct str consequence) {
	for (size_t i = 0; i < p->findings.n; i++) {
		const struct finding *one = &p->findings.v[i];
		if (one->level == level && str_contains(one->what, what) &&
			str_contains(one->consequence, consequence)) {
			assert_true(level == FINDING_OK || !str_empty(one->remedy));
			return;
		}
	}
	show(f, p);
	fail_msg("no %s with \"%.*s\" and \"%.*s\"", finding_word(level), FMT(what), FMT(consequence));
}

static void finds_health(void **state) {
	struct fixture *f = *state;
	struct patient *p = patient(f);
	p->d.feed = FEED_AUTO;
	examine(f, p, false);
	assert_no_errors(f, p);
	assert_found(f, p, FINDING_OK, STR("its certificate is good until 20"), STR(""));
	assert_found(f, p, FINDING_OK, STR("all 7 entries that the configuration names are there"), STR(""));
	assert_found(f, p, FINDING_OK, STR("the schema has every attribute"), STR(""));
	assert_found(f, p, FINDING_OK, STR("people are found, with stable id"), STR(""));
	assert_found(f, p, FINDING_OK, STR("locked after 3 wrong ones"), STR(""));
	assert_found(f, p, FINDING_OK, STR("until it was current"), STR(""));
}

/* A global catalog that answers, and one at a port where nobody is. */
static void finds_catalogs(void **state) {
	struct fixture *f = *state;
	struct patient *p = patient(f);
	static const struct {
		const char *port, *what;
		enum finding_level level;
	} rows[] = {{"3269", "1 of 1 global catalogs answer", FINDING_OK},
		{"3267", "no global catalog answers", FINDING_ERROR}};
	if (!fixture_variable("KEYTAB")) /* played ones have no catalog */
		skip();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct directory_config catalog = p->d;
		catalog.id = STR("main (global catalog)");
		catalog.uris = one(f, str_printf(f->config, "%.*s:%s", FMT(p->d.uris.v[0]), rows[i].port));
		p->d.catalog = &catalog;
		examine(f, p, false);
		assert_found(f, p, rows[i].level, str_of(rows[i].what), STR(""));
		p->d.catalog = NULL;
	}
}

static void tells_how_it_bound(void **state) {
	struct fixture *f = *state;
	struct patient *p = patient(f);
	static const struct {
		enum directory_bind bind;
		const char *uris, *what;
	} rows[] = {{BIND_SIMPLE, "URI", "with a password"}, {BIND_GSSAPI, "URI", "by Kerberos, bound to TLS"},
		{BIND_GSSAPI_SEALED, "URI_PLAIN", "by Kerberos, sealed with "}};
	if (!fixture_variable("KEYTAB") || !directory_has_kerberos())
		skip();
	p->d.bind_password = str_of(fixture_variable("BIND_PASSWORD"));
	p->d.keytab = str_of(fixture_variable("KEYTAB"));
	p->d.principal = str_of(fixture_variable("PRINCIPAL"));
	setenv("KRB5_CONFIG", fixture_variable("KRB5_CONFIG"), 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		p->d.bind = rows[i].bind;
		p->d.uris = str_split(f->config, str_of(fixture_variable(rows[i].uris)), ' ');
		examine(f, p, false);
		assert_no_errors(f, p);
		assert_found(f, p, FINDING_OK, str_of(rows[i].what), STR(""));
		assert_found(f, p, FINDING_OK, STR("its certificate is good until 20"), STR(""));
	}
	/* People's passwords need TLS; where it cannot be had, no one can log in, sealed or not. */
	p->d.ca_file = STR("/no/such/file");
	examine(f, p, false);
	assert_int_not_equal(findings_count(&p->findings, FINDING_ERROR), 0);
}

static size_t entries(struct fixture *f) {
	static const char *const nothing[] = {"1.1", NULL};
	const char *filter =
		f->d->driver == DIRECTORY_ACTIVE_DIRECTORY ? "(sAMAccountName=usher-doctor-*)" : "(uid=usher-doctor-*)";
	struct entry *list = NULL;
	size_t n = 0;
	bool cut = false;
	assert_ok(f, directory_search(fixture_keep(f), f->d, f->d->people_base, filter, nothing, &list, &n, &cut));
	return n;
}

static void makes_a_trial(void **state) {
	struct fixture *f = *state;
	struct patient *p = patient(f);
	if (getenv("USHER_NO_UNEXPIRE"))
		skip();
	examine(f, p, true);
	assert_no_errors(f, p);
	assert_found(f, p, FINDING_OK, STR("a trial entry of the profile staff was made, used and removed"), STR(""));
	assert_int_equal(entries(f), 0);
}

/* The right Unexpire-Password and write access to pwdLastSet, or neither of them: a fake has this switch. */
static void finds_passwords_that_must_be_changed(void **state) {
	struct fixture *f = *state;
	struct patient *p = patient(f);
	if (!getenv("USHER_NO_UNEXPIRE"))
		skip();
	examine(f, p, true);
	assert_found(f, p, FINDING_ERROR, STR("pwdLastSet is 0: the service account lacks Unexpire-Password"),
		STR("the first login of every new person will demand another password"));
	assert_int_equal(findings_count(&p->findings, FINDING_ERROR), 1);
	assert_int_equal(entries(f), 0);
}

static void finds_what_is_not_there(void **state) {
	struct fixture *f = *state;
	struct patient *p = patient(f);
	p->profile.groups = one(f, group(f, "nowhere"));
	p->profile.approvers = group(f, "nobody");
	p->profile.base = unit(f, "nowhere", f->d->people_base);
	examine(f, p, false);
	assert_found(f, p, FINDING_ERROR, STR("profiles.staff.groups: cn=nowhere"),
		STR("requests of the profile staff are parked"));
	assert_found(f, p, FINDING_ERROR, STR("profiles.staff.approvers.group: cn=nobody"),
		STR("nobody but operators can decide requests of the profile staff"));
	assert_found(f, p, FINDING_ERROR, STR("profiles.staff.base: ou=nowhere"),
		STR("requests of the profile staff are parked"));
}

static void finds_what_the_schema_lacks(void **state) {
	struct fixture *f = *state;
	struct patient *p = patient(f);
	p->fields[1].attribute = STR("favouriteTea");
	p->d.marker_attribute = STR("noSuchMarker");
	examine(f, p, false);
	assert_found(f, p, FINDING_ERROR,
		STR("profiles.staff.fields.given_name: the directory's schema has no attribute favouriteTea"),
		STR("requests of the profile staff with this field are parked"));
	assert_found(f, p, FINDING_ERROR, STR("marker_attribute: the directory's schema has no attribute noSuchMarker"),
		STR("all requests are parked"));
}

/* Attributes that exist, and that the classes of a person do not take or demand. */
static void finds_what_the_classes_say(void **state) {
	struct fixture *f = *state;
	fixture_skip_on(f, DIRECTORY_ACTIVE_DIRECTORY, "its content rules are not read");
	struct patient *p = patient(f);
	p->d.marker_attribute = STR("uniqueMember");
	p->d.object_classes = str_split(f->config, STR("inetOrgPerson posixAccount"), ' ');
	examine(f, p, false);
	assert_found(f, p, FINDING_ERROR, STR("profiles.staff: object_classes do not allow the attribute uniqueMember"),
		STR("all requests of the profile staff are parked"));
	assert_found(f, p, FINDING_ERROR, STR("object_classes demand the attribute homeDirectory"),
		STR("requests of the profile staff without it are parked"));
}

static void finds_where_nothing_may_be_made(void **state) {
	struct fixture *f = *state;
	bool ad = f->d->driver == DIRECTORY_ACTIVE_DIRECTORY;
	struct patient *p = patient(f);
	p->profile.base = str_of(fixture_variable("OUTSIDE"));
	examine(f, p, true);
	assert_found(f, p, FINDING_ERROR, STR("is not below people_base"), STR("never found again"));
	assert_found(f, p, FINDING_ERROR,
		str_printf(f->config, "no trial entry could be made in %.*s", FMT(p->profile.base)),
		STR("requests of the profile staff that go there are parked"));
	if (ad)
		assert_found(f, p, FINDING_ERROR,
			str_printf(f->config, "the service account may not make users in %.*s", FMT(p->profile.base)),
			STR("parked"));
}

static void finds_a_lock_by_strangers(void **state) {
	struct fixture *f = *state;
	struct patient *p = patient(f);
	p->realm.login_max_failures = 3;
	examine(f, p, false);
	assert_found(f, p, FINDING_WARNING, STR("the directory locks after 3 wrong passwords"),
		STR("can lock its owner out"));
}

/* As carol, who may not read deleted entries; the account of the daily work may. */
static void finds_deletions_that_are_not_shown(void **state) {
	struct fixture *f = *state;
	struct patient *p = patient(f);
	if (f->d->driver != DIRECTORY_ACTIVE_DIRECTORY)
		skip();
	p->d.feed = FEED_DIRSYNC;
	examine(f, p, false);
	assert_found(f, p, FINDING_OK, STR("deleted entries are shown"), STR(""));
	p->d.feed_bind_dn = person(f, "carol");
	p->d.feed_bind_password = str_of(fixture_variable("USER_PASSWORD"));
	examine(f, p, false);
	assert_found(f, p, FINDING_WARNING, STR("is not shown to the account that follows changes"),
		STR("end minutes later"));
}

static void finds_controllers_that_fail(void **state) {
	struct fixture *f = *state;
	struct patient *p = patient(f);
	struct str good = f->d->uris.v[0];
	p->d.id = STR("main");
	p->d.uris = str_split(f->config, str_printf(f->config, "ldaps://127.0.0.1:1 %.*s", FMT(good)), ' ');
	examine(f, p, false);
	assert_no_errors(f, p);
	assert_found(f, p, FINDING_WARNING, STR("ldaps://127.0.0.1:1: Connection refused"),
		STR("another controller answers"));
	p->d.uris = str_split(f->config, STR("ldaps://127.0.0.1:1"), ' ');
	examine(f, p, false);
	assert_int_equal(p->findings.n, 1);
	assert_found(f, p, FINDING_ERROR, STR("ldaps://127.0.0.1:1: unavailable"), STR("nobody of this directory"));
	p->d.uris = one(f, good);
	p->d.ca_file = str_printf(f->config, "%s/tests/contract/other_authority.pem", getenv("top_srcdir"));
	examine(f, p, false);
	assert_found(f, p, FINDING_ERROR, STR("its certificate is not vouched for"), STR("nobody of this directory"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_health, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(finds_catalogs, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(tells_how_it_bound, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(makes_a_trial, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(finds_passwords_that_must_be_changed, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(finds_what_is_not_there, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(finds_what_the_schema_lacks, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(finds_what_the_classes_say, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(finds_where_nothing_may_be_made, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(finds_a_lock_by_strangers, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(finds_deletions_that_are_not_shown, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(finds_controllers_that_fail, fixture_open, fixture_close),
	};
	if (!fixture_ready())
		return 77;
	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
