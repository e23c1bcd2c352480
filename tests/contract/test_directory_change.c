/* The changing half of the contract of federation/directory/directory.h; see test_directory.c. Wants a freshly seeded
 * directory. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "federation/directory/directory.h"
#include "tests/contract/directory_fixture.h"

/* ---- plans, by hand ---- */
static struct str dup_c(struct fixture *f, const char *text) {
	return str_dup(f->config, str_of(text));
}

static struct change value_change(
	struct fixture *f, enum change_kind kind, struct str dn, const char *name, struct str value) {
	struct change c = {
		.kind = kind, .dn = dn, .attributes = arena_new_of(f->config, struct attribute), .n_attributes = 1};
	c.attributes[0].name = dup_c(f, name);
	strs_add(f->config, &c.attributes[0].values, value);
	return c;
}

static void add_attribute(struct fixture *f, struct change *c, const char *name, struct str value) {
	size_t size = sizeof(struct attribute);
	c->attributes = arena_grow(f->config, c->attributes, c->n_attributes * size, (c->n_attributes + 1) * size);
	struct attribute *added = &c->attributes[c->n_attributes++];
	*added = (struct attribute){.name = str_of(name)};
	strs_add(f->config, &added->values, value);
}

/* As plan_build makes it: what directory_new_entry gives, and the mapped ones. */
static struct change new_person(struct fixture *f, struct str dn, const char *marker) {
	struct change c = {.kind = CHANGE_ADD, .dn = dn};
	directory_new_entry(f->config, f->d, str_of(marker), &c.attributes, &c.n_attributes);
	struct str name = str_dup(f->config, dn_rdn_value(f->config, dn));
	struct str mail = str_printf(f->config, "%s@new.test", marker);
	bool named_by_cn = str_eq(f->d->rdn_attribute, STR("cn"));
	add_attribute(f, &c, "cn", named_by_cn ? name : STR("New Person"));
	add_attribute(f, &c, "sn", STR("Person"));
	add_attribute(f, &c, "mail", mail);
	add_attribute(f, &c, directory_attribute(f->d, STR("login")).p, name);
	return c;
}

static enum err apply(struct fixture *f, const struct change *list, size_t n, struct report *report) {
	return directory_apply(fixture_keep(f), f->d, list, n, report);
}

static bool exists(struct fixture *f, struct str dn) {
	struct entry *e = NULL;
	enum err err = directory_find_dn(fixture_keep(f), f->d, dn, &e);
	assert_true(err == OK || err == ERR_NOT_FOUND);
	return err == OK;
}

static size_t count_groups(struct fixture *f, struct str dn) {
	struct entry *e = NULL;
	struct groups g = {0};
	assert_ok(f, directory_find_dn(fixture_keep(f), f->d, dn, &e));
	assert_ok(f, directory_groups(fixture_keep(f), f->d, e, &g));
	return g.n;
}

static void create_person(struct fixture *f, struct str dn, const char *marker) {
	struct change add = new_person(f, dn, marker);
	struct report report;
	assert_ok(f, apply(f, &add, 1, &report));
}

/* ---- changes ---- */
static void adds_and_joins(void **state) {
	struct fixture *f = *state;
	struct str dn = person(f, "joiner");
	struct change list[] = {
		new_person(f, dn, "m-joiner"), value_change(f, CHANGE_VALUE_ADD, group(f, "team-blue"), "member", dn)};
	struct report report;
	struct entry *e = NULL;
	assert_ok(f, apply(f, list, 2, &report));
	assert_true(report.result == 0 && report.done == 2 && report.ms >= 0);
	assert_str(report.controller, f->d->uris.v[0]);
	assert_ok(f, directory_find_marker(fixture_keep(f), f->d, STR("m-joiner"), &e));
	assert_true(dn_equal(f->arena, e->dn, dn) && !e->enabled && e->stable_id.n == f->make->stable_id_length);
	assert_str(e->marker, STR("m-joiner"));
	assert_int_equal(count_groups(f, dn), f->make->cycle ? 4 : 3); /* team-blue and all above it */
	/* Again: there already. Nothing is changed, the name is reported. */
	assert_int_equal(apply(f, list, 2, &report), ERR_EXISTS);
	assert_true(report.result == 68 && report.done == 0);
}

static void rolls_back(void **state) {
	struct fixture *f = *state;
	if (!fixture_transactions())
		skip();
	struct str dn = person(f, "ghost");
	struct change list[] = {value_change(f, CHANGE_VALUE_ADD, group(f, "staff"), "member", dn),
		new_person(f, dn, "m-ghost"),
		value_change(f, CHANGE_VALUE_ADD, group(f, "no-such-group"), "member", dn)};
	struct report report;
	assert_int_equal(apply(f, list, 3, &report), ERR_NOT_FOUND);
	assert_true(report.result == 32 && report.done == 0);
	assert_false(exists(f, dn));
	static const char *const names[] = {"member", NULL};
	struct entry *e = NULL;
	assert_ok(f, directory_read(fixture_keep(f), f->d, group(f, "staff"), names, &e));
	assert_int_equal(e->attributes[0].values.n, 2);
	/* The connection is good for the next one. */
	struct change one[] = {
		new_person(f, dn, "m-ghost"), value_change(f, CHANGE_VALUE_ADD, group(f, "staff"), "member", dn)};
	assert_ok(f, apply(f, one, 2, &report));
	assert_true(exists(f, dn));
}

/* Without transactions what went before stays, and is counted. */
static void stops_in_order(void **state) {
	struct fixture *f = *state;
	struct str dn = person(f, "halfway");
	struct change list[] = {new_person(f, dn, "m-half"),
		value_change(f, CHANGE_VALUE_ADD, group(f, "no-such"), "member", dn),
		value_change(f, CHANGE_VALUE_ADD, group(f, "staff"), "member", dn)};
	struct report report;
	f->d->transactions = false;
	enum err e = apply(f, list, 3, &report);
	f->d->transactions = fixture_transactions();
	assert_int_equal(e, ERR_NOT_FOUND);
	assert_int_equal(report.done, 1);
	assert_true(exists(f, dn));
	assert_int_equal(count_groups(f, dn), 0);
}

static void done_already(void **state) {
	struct fixture *f = *state;
	struct str alice = person(f, "alice"), bob = person(f, "bob"), red = group(f, "team-red");
	struct change list[] = {value_change(f, CHANGE_VALUE_ADD, red, "member", alice),
		value_change(f, CHANGE_VALUE_ADD, red, "member", bob),
		value_change(f, CHANGE_VALUE_DELETE, red, "member", person(f, "carol"))};
	for (int transactions = 0; transactions < 1 + fixture_transactions(); transactions++) {
		struct change back = value_change(f, CHANGE_VALUE_DELETE, red, "member", bob);
		struct report report;
		f->d->transactions = transactions;
		enum err e = apply(f, list, 3, &report);
		f->d->transactions = fixture_transactions();
		assert_ok(f, e);
		assert_int_equal(report.done, 3);
		assert_int_equal(report.result, 0);
		assert_ok(f, apply(f, &back, 1, &report));
		assert_ok(f, apply(f, &back, 1, &report)); /* gone already */
	}
	struct change all = value_change(f, CHANGE_VALUE_ADD, red, "member", alice);
	struct report report;
	strs_add(f->config, &all.attributes[0].values, bob); /* one is there, the other is not */
	assert_ok(f, apply(f, &all, 1, &report));
	assert_ok(f, apply(f,
			     &(struct change){CHANGE_VALUE_DELETE, red,
				     value_change(f, CHANGE_ADD, red, "member", bob).attributes, 1, STR_NONE},
			     1, &report));
}

/* A new person whose value of an attribute that is guarded is alice's. */
static struct change same_value(struct fixture *f) {
	struct change c = new_person(f, person(f, "other"), "m-other");
	struct str attribute = str_of(f->make->unique);
	for (size_t i = 0; i < c.n_attributes; i++)
		if (str_eq(c.attributes[i].name, attribute))
			c.attributes[i].values.v[0] =
				str_eq(attribute, STR("mail")) ? STR("alice@example.test") : STR("alice");
	return c;
}

#define NOT_REFUSED (-2)
static void reports_refusals(void **state) {
	struct fixture *f = *state;
	struct str outside = dn_child(f->config, f->d->rdn_attribute, STR("x"), str_of(fixture_variable("OUTSIDE")));
	struct str orphan = dn_child(f->config, f->d->rdn_attribute, STR("x"), unit(f, "none", f->d->people_base));
	struct change unknown = new_person(f, person(f, "other"), "m-other");
	add_attribute(f, &unknown, "noSuchAttribute", STR("x"));
	const struct {
		struct change change;
		enum err err;
		int results[MAKES_AND_WINDOWS];
	} rows[] = {
		{new_person(f, person(f, "alice"), "m-alice"), ERR_EXISTS, {68, 68, 68, 68}},
		{same_value(f), ERR_EXISTS, {19, 68, 19, 68}},
		{new_person(f, orphan, "m-x"), ERR_NOT_FOUND, {32, 32, 32, 32}},
		{new_person(f, outside, "m-x"), ERR_REFUSED, {50, 50, 50, 50}},
		{unknown, ERR_REFUSED, {17, 16, 65, 16}},
		{value_change(f, CHANGE_REPLACE, person(f, "alice"), "manager", STR("no dn")), ERR_REFUSED,
			{21, 34, 21, 21}},
		{value_change(f, CHANGE_REPLACE, person(f, "nobody"), "title", STR("x")), ERR_NOT_FOUND,
			{32, 32, 32, 32}},
		{{.kind = CHANGE_DELETE, .dn = person(f, "nobody")}, ERR_NOT_FOUND, {32, 32, 32, 32}},
		/* the last member */
		{value_change(f, CHANGE_VALUE_DELETE, group(f, "approvers"), "member", person(f, "carol")), ERR_REFUSED,
			{65, NOT_REFUSED, NOT_REFUSED, NOT_REFUSED}},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct report report;
		int wanted = rows[i].results[fixture_column(f)];
		if (wanted == NOT_REFUSED)
			continue;
		enum err e = apply(f, &rows[i].change, 1, &report);
		if (e != rows[i].err || report.result != wanted || report.done)
			fail_msg("row %zu: %s, %d: %.*s", i, err_row(e)->name, report.result, FMT(report.diagnostic));
	}
}

static void replaces_renames_deletes(void **state) {
	struct fixture *f = *state;
	struct str old = person(f, "mover"), moved = person(f, "mo,ved \"");
	struct report report;
	struct entry *e = NULL;
	create_person(f, old, "m-mover");
	struct change title = value_change(f, CHANGE_REPLACE, old, "title", STR("Chief * (of) \\ all"));
	assert_ok(f, apply(f, &title, 1, &report));
	assert_ok(f, directory_find_value(fixture_keep(f), f->d, STR("title"), STR("Chief * (of) \\ all"), &e));
	assert_str(entry_value(e, STR("title")), STR("Chief * (of) \\ all"));
	struct str id = e->stable_id;
	struct change rename = {.kind = CHANGE_RENAME, .dn = old, .new_dn = moved};
	assert_ok(f, apply(f, &rename, 1, &report));
	assert_false(exists(f, old));
	assert_ok(f, directory_find_dn(fixture_keep(f), f->d, moved, &e));
	assert_str(e->stable_id, id);
	bool named_by_login = !str_eq(f->d->rdn_attribute, STR("cn"));
	assert_str(e->login, named_by_login ? STR("mo,ved \"") : STR("mover"));
	struct change delete = {.kind = CHANGE_DELETE, .dn = moved};
	assert_ok(f, apply(f, &delete, 1, &report));
	assert_false(exists(f, moved));
}

/* ---- passwords and states ---- */
static enum verdict verdict(struct fixture *f, struct str dn, const char *password) {
	enum verdict v = (enum verdict)99;
	assert_ok(f, directory_verify(fixture_keep(f), f->d, dn, str_of(password), &v, NULL));
	return v;
}

static void activate(struct fixture *f, const char *uid, enum directory_disable disable) {
	struct refusal refusal = {0};
	struct str dn = person(f, uid);
	struct entry *e = NULL;
	f->d->disable = disable;
	create_person(f, dn, uid);
	assert_int_not_equal(verdict(f, dn, "F1rst-passw0rd"), VERDICT_OK);
	assert_ok(f, directory_set_password(fixture_keep(f), f->d, dn, STR("F1rst-passw0rd"), &refusal));
	/* A password alone enables nobody, although slapo-ppolicy drops its lock with it. */
	assert_ok(f, directory_find_dn(fixture_keep(f), f->d, dn, &e));
	assert_false(e->enabled);
	assert_int_equal(verdict(f, dn, "F1rst-passw0rd"), f->make->disabled);
	for (int again = 0; again < 2; again++)
		assert_ok(f, directory_set_enabled(fixture_keep(f), f->d, dn, true));
	assert_int_equal(
		verdict(f, dn, "F1rst-passw0rd"), VERDICT_OK); /* not VERDICT_MUST_CHANGE, with pwdMustChange TRUE */
	for (int again = 0; again < 2; again++)
		assert_ok(f, directory_set_enabled(fixture_keep(f), f->d, dn, false));
	assert_int_equal(verdict(f, dn, "F1rst-passw0rd"), f->make->disabled);
	assert_ok(f, directory_find_dn(fixture_keep(f), f->d, dn, &e));
	assert_true(!e->enabled && !e->locked);
	assert_ok(f, directory_set_enabled(fixture_keep(f), f->d, dn, true));
	assert_int_equal(verdict(f, dn, "F1rst-passw0rd"), VERDICT_OK);
	f->d->disable = DISABLE_DRIVER;
}

static void activates(void **state) {
	activate(*state, "act1", DISABLE_DRIVER);
}

static void activates_by_configured_ways(void **state) {
	fixture_skip_on(*state, DIRECTORY_ACTIVE_DIRECTORY, "userAccountControl is the only way");
	fixture_skip_on(*state, DIRECTORY_389DS, "nsAccountLock is the only way");
	activate(*state, "act2", DISABLE_START_TIME);
	activate(*state, "act3", DISABLE_LOCKED_TIME);
}

/* An end that somebody else set is no business of ours. */
static void keeps_foreign_dates(void **state) {
	struct fixture *f = *state;
	struct str dn = person(f, "guest");
	struct entry *e = NULL;
	struct report report;
	fixture_skip_on(f, DIRECTORY_ACTIVE_DIRECTORY, "enabling writes no dates");
	fixture_skip_on(f, DIRECTORY_389DS, "enabling writes no dates");
	f->d->disable = DISABLE_START_TIME;
	create_person(f, dn, "m-guest");
	assert_ok(f, directory_set_enabled(fixture_keep(f), f->d, dn, true));
	struct change end = value_change(f, CHANGE_REPLACE, dn, "pwdEndTime", STR("20900101000000Z"));
	assert_ok(f, apply(f, &end, 1, &report));
	assert_ok(f, directory_set_enabled(fixture_keep(f), f->d, dn, false));
	assert_ok(f, directory_set_enabled(fixture_keep(f), f->d, dn, true));
	f->d->disable = DISABLE_DRIVER;
	assert_ok(f, directory_find_dn(fixture_keep(f), f->d, dn, &e));
	assert_true(e->enabled);
	assert_str(entry_value(e, STR("pwdendtime")), STR("20900101000000Z"));
}

static void refuses_weak_passwords(void **state) {
	struct fixture *f = *state;
	struct str dn = person(f, "weak");
	create_person(f, dn, "m-weak");
	/* Samba knows no policy hints (1.2.840.113556.1.4.2239), and heeds no history where another sets a password. */
	static const struct {
		const char *password;
		int results[MAKES_AND_WINDOWS], policies[MAKES_AND_WINDOWS];
	} rows[] = {
		{"short", {19, 19, 19, 53}, {6, -1, 5, -1}},
		{"G00d-passw0rd", {0}, {0}},
		{"G00d-passw0rd", {19, 0, 19, 53}, {8, 0, -1, -1}},
		{"An0ther-passw0rd", {0}, {0}},
		{"G00d-passw0rd", {19, 0, 19, 53}, {8, 0, 8, -1}},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct refusal r = {0, 0, STR_NONE};
		enum err e = directory_set_password(fixture_keep(f), f->d, dn, str_of(rows[i].password), &r);
		int result = rows[i].results[fixture_column(f)];
		if (e != (result ? ERR_REFUSED : OK) || r.result != result ||
			r.policy_error != rows[i].policies[fixture_column(f)])
			fail_msg("row %zu: %s, %d, %d: %.*s", i, err_row(e)->name, r.result, r.policy_error,
				FMT(r.diagnostic));
	}
	struct refusal r = {0, 0, STR_NONE};
	assert_int_equal(directory_set_password(fixture_keep(f), f->d, dn, STR(""), &r), ERR_INVALID);
	assert_int_equal(
		directory_set_password(fixture_keep(f), f->d, dn, str_slice("Good\0passw0rd", 13), &r), ERR_INVALID);
	assert_int_equal(directory_set_password(fixture_keep(f), f->d, person(f, "nobody"), STR("G00d-passw0rd"), &r),
		ERR_NOT_FOUND);
	struct str outsider = unit(f, "none", str_of(fixture_variable("OUTSIDE")));
	assert_int_equal(
		directory_set_password(fixture_keep(f), f->d, outsider, STR("G00d-passw0rd"), &r), ERR_NOT_FOUND);
}

static void changes_passwords(void **state) {
	struct fixture *f = *state;
	const char *seeded = fixture_variable("USER_PASSWORD");
	static const struct {
		const char *who, *old, *new; /* NULL: the seeded one */
		enum err err;
		int policies[MAKES];
		enum verdict after; /* with the new one */
	} rows[] = {
		{"carol", "wrong", "Tw1ce-passw0rd", ERR_CREDENTIALS, {0}, VERDICT_WRONG},
		{"alice", "", "Tw1ce-passw0rd", ERR_CREDENTIALS, {0}, VERDICT_WRONG},
		{"nobody", NULL, "Tw1ce-passw0rd", ERR_CREDENTIALS, {0}, VERDICT_WRONG},
		{"disabled", NULL, "Tw1ce-passw0rd", ERR_CREDENTIALS, {0}, VERDICT_WRONG},
		{"alice", NULL, "short", ERR_REFUSED, {6, -1, 5}, VERDICT_WRONG},
		{"alice", NULL, "Tw1ce-passw0rd", OK, {0}, VERDICT_OK},
		{"alice", "Tw1ce-passw0rd", NULL, ERR_REFUSED, {8, -1, 8}, VERDICT_WRONG},
		{"mustchange", NULL, NULL, ERR_REFUSED, {8, -1, -1}, VERDICT_MUST_CHANGE},
		{"mustchange", NULL, "Tw1ce-passw0rd", OK, {0}, VERDICT_OK},
		{"pwexpired", "wrong", "Tw1ce-passw0rd", ERR_CREDENTIALS, {0}, VERDICT_WRONG},
		{"pwexpired", NULL, "short", ERR_REFUSED, {6, -1, 5}, VERDICT_WRONG},
		{"pwexpired", NULL, "Tw1ce-passw0rd", OK, {0}, VERDICT_OK},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct refusal r = {0, 0, STR_NONE};
		const char *old = rows[i].old ? rows[i].old : seeded, *new = rows[i].new ? rows[i].new : seeded;
		struct str dn = person(f, rows[i].who);
		enum err e = directory_change_password(fixture_keep(f), f->d, dn, str_of(old), str_of(new), &r);
		if (e != rows[i].err || r.policy_error != rows[i].policies[f->d->driver])
			fail_msg("row %zu: %s, %d, %d: %.*s", i, err_row(e)->name, r.result, r.policy_error,
				FMT(f->t.failure_detail));
		/* Each wrong one counts towards a lock. */
		enum verdict v = rows[i].after == VERDICT_WRONG ? VERDICT_WRONG : verdict(f, dn, new);
		if (v != rows[i].after)
			fail_msg("row %zu: verdict %d, not %d", i, (int)v, (int)rows[i].after);
	}
	assert_int_equal(verdict(f, person(f, "disabled"), seeded), f->make->disabled);
}

/* Wrong passwords lock; the owner's new one, which came by mail, is not to wait for the end of the lock. */
static void unlocks_with_a_new_password(void **state) {
	struct fixture *f = *state;
	struct refusal r = {0};
	struct entry *e = NULL;
	struct str dn = person(f, "forgetful");
	create_person(f, dn, "m-forgetful");
	assert_ok(f, directory_set_password(fixture_keep(f), f->d, dn, STR("F1rst-passw0rd"), &r));
	assert_ok(f, directory_set_enabled(fixture_keep(f), f->d, dn, true));
	for (int i = 0; i < 3; i++)
		assert_int_equal(verdict(f, dn, "wrong"), VERDICT_WRONG);
	assert_int_equal(verdict(f, dn, "F1rst-passw0rd"), VERDICT_LOCKED);
	assert_ok(f, directory_set_password(fixture_keep(f), f->d, dn, STR("S3cond-passw0rd"), &r));
	assert_ok(f, directory_find_dn(fixture_keep(f), f->d, dn, &e));
	assert_true(e->enabled && !e->locked);
	assert_int_equal(verdict(f, dn, "S3cond-passw0rd"), VERDICT_OK);
}

/* 389 expires what the service account has set; it is to expire as a password that the person has set, by the policy.
 */
static void keeps_the_age_of_passwords(void **state) {
	struct fixture *f = *state;
	struct refusal r = {0};
	struct entry *e = NULL;
	struct str dn = person(f, "ages");
	char text[32];
	fixture_skip_on(f, DIRECTORY_OPENLDAP, "no date stands in the entry");
	fixture_skip_on(f, DIRECTORY_ACTIVE_DIRECTORY, "no date stands in the entry");
	time_t at = (time_t)(clock_wall_ms() / 1000) + 100 * 86400 - 60; /* passwordMaxAge, and a slow machine */
	struct tm tm;
	gmtime_r(&at, &tm);
	struct str least = str_slice(text, strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm));
	create_person(f, dn, "m-ages");
	assert_ok(f, directory_set_password(fixture_keep(f), f->d, dn, STR("F1rst-passw0rd"), &r));
	assert_ok(f, directory_find_dn(fixture_keep(f), f->d, dn, &e));
	struct str ends = entry_value(e, STR("passwordexpirationtime"));
	assert_int_equal(ends.n, 15);
	assert_true(str_cmp(ends, least) >= 0 && str_cmp(ends, STR("20380119031407Z")) < 0);
}

/* Where the service account may manage userPassword, slapd sets pwdReset after it has set a password; other makes ask
 * for a change whoever set it. */
static void clears_must_change(void **state) {
	struct fixture *f = *state;
	struct directory_config admin = *f->d;
	struct refusal r = {0};
	struct str dn = person(f, "managed");
	create_person(f, dn, "m-managed");
	admin.id = STR("admin");
	admin.bind_dn = str_of(fixture_variable("ADMIN_DN"));
	admin.bind_password = str_of(fixture_variable("ADMIN_PASSWORD"));
	assert_ok(f, directory_set_password(fixture_keep(f), &admin, dn, STR("Adm1n-gave-this"), &r));
	assert_ok(f, directory_set_enabled(fixture_keep(f), &admin, dn, true));
	assert_int_equal(verdict(f, dn, "Adm1n-gave-this"), VERDICT_OK);
	fixture_reconnect(f); /* before admin goes out of scope */
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_and_joins),
		cmocka_unit_test(rolls_back),
		cmocka_unit_test(stops_in_order),
		cmocka_unit_test(done_already),
		cmocka_unit_test(reports_refusals),
		cmocka_unit_test(replaces_renames_deletes),
		cmocka_unit_test(activates),
		cmocka_unit_test(activates_by_configured_ways),
		cmocka_unit_test(keeps_foreign_dates),
		cmocka_unit_test(refuses_weak_passwords),
		cmocka_unit_test(changes_passwords),
		cmocka_unit_test(unlocks_with_a_new_password),
		cmocka_unit_test(keeps_the_age_of_passwords),
		cmocka_unit_test(clears_must_change),
	};
	return fixture_ready() ? cmocka_run_group_tests(tests, fixture_open, fixture_close) : 77;
}
