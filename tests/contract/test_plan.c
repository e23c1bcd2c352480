/* Plans carried out on a real directory; see test_directory.c. Each test makes people of its own names and removes
 * them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/secret.h"
#include "federation/plan/plan.h"
#include "federation/policy/policy.h"
#include "tests/contract/directory_fixture.h"

/* A plan with these logins, each behind a prefix of its own run, in two groups. */
static struct plan *plan_of(struct fixture *f, struct str prefix, const char *given, size_t n) {
	struct task *t = fixture_keep(f);
	struct attribute *list = arena_array(f->config, struct attribute, 4);
	const char *names[] = {"given_name", "family_name", "mail", "description"};
	const char *values[] = {given, "Example", "{login}@new.test", "a, b+c \"d\" <e>;f=#g \\"};
	for (size_t i = 0; i < COUNT(names); i++) {
		list[i].name = str_of(names[i]);
		strs_add(f->config, &list[i].values, str_of(values[i]));
	}
	struct plan_input in = {.directory = f->d,
		.marker = random_id(f->config),
		.base = f->d->people_base,
		.attributes = list,
		.n_attributes = 4};
	for (size_t i = 0; i < n; i++)
		strs_add(f->config, &in.logins, str_printf(f->config, "%.*s%zu", FMT(prefix), i));
	strs_add(f->config, &in.groups, group(f, "team-blue"));
	strs_add(f->config, &in.groups, group(f, "approvers"));
	struct plan *p = NULL;
	assert_ok(f, plan_build(t, &in, &p));
	return p;
}

static void finish(struct fixture *f, const struct plan *p, struct plan_progress *progress) {
	struct report report;
	for (size_t i = 0; i < 20 && progress->step < plan_steps(p); i++)
		assert_ok(f, plan_step_run(fixture_keep(f), f->d, p, progress, &report));
	assert_int_equal(progress->step, plan_steps(p));
}

static void assert_whole(struct fixture *f, const struct plan *p, const struct plan_progress *progress) {
	struct entry *e = NULL;
	struct groups groups = {0};
	assert_ok(f, directory_find_marker(fixture_keep(f), f->d, p->marker, &e));
	assert_true(dn_equal(f->arena, e->dn, progress->dn));
	assert_str(e->stable_id, progress->stable_id);
	assert_false(e->enabled);
	assert_ok(f, directory_groups(&f->t, f->d, e, &groups));
	for (size_t i = 0; i < p->groups.n; i++) {
		bool found = false;
		for (size_t k = 0; k < groups.n; k++)
			found |= groups.v[k].via == SIZE_MAX && dn_equal(f->arena, groups.v[k].dn, p->groups.v[i]);
		assert_true(found);
	}
}

static void removed(struct fixture *f, struct str dn) {
	struct change change = {.kind = CHANGE_DELETE, .dn = dn};
	struct report report;
	assert_ok(f, directory_apply(fixture_keep(f), f->d, &change, 1, &report));
}

static struct str prefix_of(struct fixture *f) {
	return str_sub(str_lower(f->config, random_id(f->config)), 0, 12); /* sAMAccountName has 20 letters at most */
}

static void makes_a_person(void **state) {
	struct fixture *f = *state;
	for (int transactions = 0; transactions < 1 + fixture_transactions(); transactions++) {
		f->d->transactions = transactions;
		struct plan *p = plan_of(f, prefix_of(f), "J\xC3\xB6rg", 1);
		struct plan_progress progress = {0};
		finish(f, p, &progress);
		assert_whole(f, p, &progress);
		removed(f, progress.dn);
	}
}

/* Each step with the progress of before it: what a crash before the record leaves. */
static void runs_each_step_twice(void **state) {
	struct fixture *f = *state;
	struct plan *p = plan_of(f, prefix_of(f), "Ann", 2);
	struct plan_progress progress = {0};
	struct report report;
	while (progress.step < plan_steps(p)) {
		struct plan_progress lost = progress;
		assert_ok(f, plan_step_run(fixture_keep(f), f->d, p, &lost, &report));
		assert_ok(f, plan_step_run(fixture_keep(f), f->d, p, &progress, &report));
	}
	assert_int_equal(progress.candidate, 0);
	assert_whole(f, p, &progress);
	removed(f, progress.dn);
}

static void takes_the_next_name(void **state) {
	struct fixture *f = *state;
	struct str prefix = prefix_of(f);
	struct plan *first = plan_of(f, prefix, "Ann", 1), *second = plan_of(f, prefix, "Ben", 2),
		    *third = plan_of(f, prefix, "Cleo", 2);
	struct plan_progress a = {0}, b = {0}, c = {0};
	struct report report;
	finish(f, first, &a);
	assert_ok(f, plan_step_run(fixture_keep(f), f->d, second, &b, &report));
	assert_int_equal(report.result, 68);
	assert_int_equal(b.candidate, 1);
	finish(f, second, &b);
	assert_whole(f, first, &a);
	assert_whole(f, second, &b);
	assert_ok(f, plan_step_run(fixture_keep(f), f->d, third, &c, &report));
	assert_int_equal(plan_step_run(fixture_keep(f), f->d, third, &c, &report), ERR_EXISTS);
	removed(f, a.dn);
	removed(f, b.dn);
}

static void parks(void **state) {
	struct fixture *f = *state;
	for (int transactions = 0; transactions < 1 + fixture_transactions(); transactions++) {
		f->d->transactions = transactions;
		struct plan *p = plan_of(f, prefix_of(f), "Ann", 1);
		p->groups.v[1] = group(f, "nowhere");
		struct plan_progress progress = {0};
		struct report report;
		enum err code = OK;
		for (size_t i = 0; i < 5 && !code; i++)
			code = plan_step_run(fixture_keep(f), f->d, p, &progress, &report);
		assert_int_equal(code, ERR_NOT_FOUND);
		assert_true(str_contains(f->t.failure_detail, STR("cn=nowhere")));
		struct entry *e = NULL;
		code = directory_find_marker(fixture_keep(f), f->d, p->marker, &e);
		assert_int_equal(code, transactions ? ERR_NOT_FOUND : OK);
		if (!code)
			removed(f, e->dn);
	}
	struct plan *outside = plan_of(f, prefix_of(f), "Ann", 1);
	outside->candidates[0].dn = dn_child(
		f->config, f->d->rdn_attribute, outside->candidates[0].login, unit(f, "nowhere", f->d->people_base));
	struct plan_progress none = {0};
	struct report report;
	assert_int_equal(plan_step_run(fixture_keep(f), f->d, outside, &none, &report), ERR_NOT_FOUND);
	assert_true(str_contains(f->t.failure_detail, STR("no place for")));
}

/* A value that the unique overlay guards: told by 68 never, by 19 with a text or, in a transaction, without one. */
static void parks_a_taken_mail(void **state) {
	struct fixture *f = *state;
	fixture_skip_on(f, DIRECTORY_ACTIVE_DIRECTORY, "a mail address need not be unique");
	fixture_skip_on(f, DIRECTORY_389DS, "its seed guards uid, and not mail");
	for (int transactions = 0; transactions < 1 + fixture_transactions(); transactions++) {
		f->d->transactions = transactions;
		struct plan *p = plan_of(f, prefix_of(f), "Ann", 3);
		for (size_t i = 0; i < p->candidates[0].n_attributes; i++)
			if (str_eq(p->candidates[0].attributes[i].name, STR("mail")))
				p->candidates[0].attributes[i].values.v[0] = STR("alice@example.test");
		struct plan_progress progress = {0};
		struct report report;
		assert_int_equal(plan_step_run(fixture_keep(f), f->d, p, &progress, &report), ERR_REFUSED);
		assert_true(str_contains(f->t.failure_detail, STR("belongs to uid=alice")));
	}
}

/* The same uid under another place is no 68. */
static void takes_the_next_name_of_another_place(void **state) {
	struct fixture *f = *state;
	fixture_skip_on(f, DIRECTORY_ACTIVE_DIRECTORY, "the service account may make people, and no other entries");
	for (int transactions = 0; transactions < 1 + fixture_transactions(); transactions++) {
		f->d->transactions = transactions;
		struct plan *p = plan_of(f, prefix_of(f), "Ann", 2);
		struct str login = p->candidates[0].login;
		struct attribute list[] = {{.name = STR("objectClass")}, {.name = STR("ou")}};
		strs_add(f->config, &list[0].values, STR("organizationalUnit"));
		strs_add(f->config, &list[1].values, login);
		struct str place = dn_child(f->config, STR("ou"), login, f->d->people_base);
		struct change change = {.kind = CHANGE_ADD, .dn = place, .attributes = list, .n_attributes = 2};
		struct report report;
		assert_ok(f, directory_apply(fixture_keep(f), f->d, &change, 1, &report));
		struct plan *other = plan_of(f, str_sub(login, 0, login.n - 1), "Ben", 1);
		other->candidates[0].dn = dn_child(f->config, f->d->rdn_attribute, login, place);
		struct plan_progress progress = {0}, elsewhere = {0};
		finish(f, other, &elsewhere);
		finish(f, p, &progress);
		assert_int_equal(progress.candidate, 1);
		assert_whole(f, p, &progress);
		removed(f, progress.dn);
		removed(f, elsewhere.dn);
		removed(f, place);
	}
}

/* The letters that RFC 4514 escapes, in names and groups of a real entry. */
static void makes_people_with_special_names(void **state) {
	struct fixture *f = *state;
	fixture_skip_on(f, DIRECTORY_ACTIVE_DIRECTORY, "sAMAccountName may not hold these (MS-SAMR 3.1.1.6)");
	static const char *const logins[] = {
		"#%s,", "%s+x", "%s \"x\"", "%s\\x", "<%s>;", "%s=x", "%s(*)&|", "\xC3\xB6%s"};
	/* 389's 7-bit check, which is on by default, refuses the last. */
	size_t n = f->d->driver == DIRECTORY_389DS ? COUNT(logins) - 1 : COUNT(logins);
	for (size_t i = 0; i < n; i++) {
		struct str parts = str_of(logins[i]);
		size_t at = str_find(parts, '%', 0);
		struct strs list = {0};
		strs_add(f->config, &list, str_sub(parts, 0, at));
		strs_add(f->config, &list, str_sub(parts, at + 2, parts.n));
		struct plan_input in = {.directory = f->d, .marker = random_id(f->config), .base = f->d->people_base};
		strs_add(f->config, &in.logins, str_join(f->config, list, prefix_of(f)));
		strs_add(f->config, &in.groups, group(f, "team-blue"));
		struct plan *p = NULL;
		struct plan_progress progress = {0};
		assert_ok(f, plan_build(fixture_keep(f), &in, &p));
		finish(f, p, &progress);
		assert_whole(f, p, &progress);
		struct entry *e = NULL;
		assert_ok(f, directory_find_value(fixture_keep(f), f->d, STR("login"), in.logins.v[0], &e));
		assert_str(e->login, in.logins.v[0]);
		removed(f, progress.dn);
	}
}

/* ---- changes of somebody who is there ---- */

/* As the administrator, who may make places. */
static void place_change(struct fixture *f, enum change_kind kind, struct str place) {
	struct str dn = f->d->bind_dn, password = f->d->bind_password;
	struct attribute list[] = {{.name = STR("objectClass")}, {.name = STR("ou")}};
	struct report report;
	strs_add(f->config, &list[0].values, STR("organizationalUnit"));
	strs_add(f->config, &list[1].values, dn_rdn_value(f->config, place));
	struct change change = {
		.kind = kind, .dn = place, .attributes = list, .n_attributes = kind == CHANGE_ADD ? 2 : 0};
	enum directory_bind bind = f->d->bind;
	f->d->bind = BIND_SIMPLE;
	f->d->bind_dn = str_of(fixture_variable("ADMIN_DN"));
	f->d->bind_password = str_of(fixture_variable("ADMIN_PASSWORD"));
	fixture_reconnect(f);
	enum err e = directory_apply(fixture_keep(f), f->d, &change, 1, &report);
	f->d->bind = bind;
	f->d->bind_dn = dn;
	f->d->bind_password = password;
	fixture_reconnect(f);
	assert_int_equal(e, OK);
}

/* Somebody who may log in, in both groups; ends in a year where the directory keeps a date. */
static struct entry *somebody(struct fixture *f) {
	struct plan *p = plan_of(f, prefix_of(f), "Ann", 1);
	struct plan_progress progress = {0};
	struct refusal refusal;
	struct entry *e = NULL;
	struct attribute ends;
	struct plan_candidate *c = &p->candidates[0];
	if (directory_ends_at(f->config, f->d, clock_wall_ms() + 31536000000, &ends)) {
		c->attributes = arena_grow(
			f->config, c->attributes, c->n_attributes * sizeof(ends), (c->n_attributes + 1) * sizeof(ends));
		c->attributes[c->n_attributes++] = ends;
	}
	finish(f, p, &progress);
	assert_ok(f, directory_set_password(fixture_keep(f), f->d, progress.dn, STR("A first one-7319"), &refusal));
	assert_ok(f, directory_set_enabled(fixture_keep(f), f->d, progress.dn, true));
	assert_ok(f, directory_find_id(fixture_keep(f), f->d, progress.stable_id, &e));
	assert_true(e->enabled);
	return e;
}

static struct entry *again(struct fixture *f, struct str stable_id) {
	struct entry *e = NULL;
	assert_ok(f, directory_find_id(fixture_keep(f), f->d, stable_id, &e));
	return e;
}

static struct plan *update_of(struct fixture *f, struct str stable_id, struct update_input in) {
	struct plan *p = NULL;
	struct groups groups = {0};
	in.directory = f->d;
	in.entry = again(f, stable_id);
	assert_ok(f, directory_groups(&f->t, f->d, in.entry, &groups));
	in.groups = &groups;
	assert_ok(f, update_build(fixture_keep(f), &in, &p));
	return p;
}

/* Each step with the progress of before it, too: what a crash before the record leaves. */
static void update_twice(struct fixture *f, const struct plan *p) {
	struct plan_progress progress = {0};
	struct report report;
	while (progress.step < plan_steps(p)) {
		struct plan_progress lost = progress;
		assert_ok(f, plan_step_run(fixture_keep(f), f->d, p, &lost, &report));
		assert_int_equal(report.result, 0);
		assert_ok(f, plan_step_run(fixture_keep(f), f->d, p, &progress, &report));
		assert_int_equal(report.result, 0);
	}
}

static bool is_member(struct fixture *f, const char *name, struct str dn) {
	struct strs members = {0};
	assert_ok(f, directory_values(fixture_keep(f), f->d, group(f, name), f->d->group_member_attribute, &members));
	for (size_t i = 0; i < members.n; i++)
		if (dn_equal(f->config, members.v[i], dn))
			return true;
	return false;
}

static void changes_a_person(void **state) {
	struct fixture *f = *state;
	struct entry *e = somebody(f), *now;
	struct str id = e->stable_id, place = dn_child(f->config, STR("ou"), prefix_of(f), f->d->people_base);
	int64_t ends = e->expires_at;
	struct attribute list[] = {{.name = STR("title")}, {.name = STR("given_name")}, {.name = STR("description")},
		{.name = STR("phone")}};
	struct update_input in = {.attributes = list, .n_attributes = 4, .enabled = WISH_DISABLE, .parent = place};
	strs_add(f->config, &list[0].values, STR("Head, of \"J\xC3\xB8rgen\""));
	strs_add(f->config, &list[1].values, STR("Bea"));
	strs_add(f->config, &list[3].values, STR("+49 30 1"));
	strs_add(f->config, &in.leave, group(f, "team-blue"));
	strs_add(f->config, &in.join, group(f, "team-red"));
	place_change(f, CHANGE_ADD, place);
	assert_int_equal(ends > 0, f->d->driver == DIRECTORY_ACTIVE_DIRECTORY);
	update_twice(f, update_of(f, id, in));
	now = again(f, id);
	assert_str(entry_value(now, STR("title")), list[0].values.v[0]);
	assert_str(entry_value(now, STR("given_name")), STR("Bea"));
	assert_true(str_absent(entry_value(now, STR("description"))));
	assert_true(dn_under(f->arena, now->dn, place));
	assert_false(now->enabled);
	assert_int_equal(now->expires_at, ends);
	assert_true(is_member(f, "team-red", now->dn) && is_member(f, "approvers", now->dn));
	assert_false(is_member(f, "team-blue", now->dn) || is_member(f, "approvers", e->dn));
	update_twice(f, update_of(f, id, (struct update_input){.enabled = WISH_ENABLE, .parent = f->d->people_base}));
	now = again(f, id);
	assert_true(now->enabled && dn_equal(f->arena, now->dn, e->dn));
	assert_int_equal(now->expires_at, ends);
	update_twice(f, update_of(f, id, (struct update_input){.remove = true}));
	assert_int_equal(directory_find_id(fixture_keep(f), f->d, id, &now), ERR_NOT_FOUND);
	assert_false(is_member(f, "team-red", e->dn) || is_member(f, "approvers", e->dn));
	place_change(f, CHANGE_DELETE, place);
}

static void leaves_what_others_changed(void **state) {
	struct fixture *f = *state;
	struct str id = somebody(f)->stable_id;
	struct attribute list[] = {{.name = STR("title")}, {.name = STR("city")}};
	struct update_input in = {.attributes = list, .n_attributes = 2};
	struct plan_progress progress = {0};
	struct report report;
	strs_add(f->config, &list[0].values, STR("Ours"));
	strs_add(f->config, &list[1].values, STR("Oslo"));
	struct plan *p = update_of(f, id, in);
	struct attribute theirs = {.name = STR("l")};
	strs_add(f->config, &theirs.values, STR("Bergen"));
	struct change change = {
		.kind = CHANGE_REPLACE, .dn = again(f, id)->dn, .attributes = &theirs, .n_attributes = 1};
	assert_ok(f, directory_apply(fixture_keep(f), f->d, &change, 1, &report));
	assert_ok(f, plan_step_run(fixture_keep(f), f->d, p, &progress, &report));
	assert_int_equal(plan_step_run(fixture_keep(f), f->d, p, &progress, &report), ERR_REFUSED);
	assert_str(f->t.failure_detail, STR("attribute l was changed by others meanwhile"));
	struct entry *now = again(f, id);
	assert_str(entry_value(now, STR("title")), STR("Ours"));
	assert_str(entry_value(now, STR("city")), STR("Bergen"));
	removed(f, now->dn);
}

/* ---- the policy that the server has ---- */
static void reads_the_policy(void **state) {
	struct fixture *f = *state;
	static const int64_t max_age[MAKES] = {0, 42 * 86400, 100 * 86400}; /* two of them by default */
	struct password_policy p = {0};
	assert_ok(f, policy_read(fixture_keep(f), f->d, STR(""), &p));
	assert_true(p.known);
	assert_true(p.min_length > 0);
	assert_int_equal(p.max_age, max_age[f->d->driver]);
	assert_int_equal(p.max_failures, 3);
	if (f->d->driver != DIRECTORY_OPENLDAP)
		return; /* no seeded person has a policy of their own */
	assert_ok(f, policy_read(fixture_keep(f), f->d, person(f, "pwwarn"), &p));
	assert_true(p.known);
	assert_int_equal(p.max_age, 1000000);
}

#define TAKEN ((enum refusal_reason)98) /* not refused */
static void tells_refusals(void **state) {
	struct fixture *f = *state;
	struct plan *p = plan_of(f, prefix_of(f), "Ann", 1);
	struct plan_progress progress = {0};
	finish(f, p, &progress);
	static const struct {
		struct str password;
		enum refusal_reason reasons[MAKES_AND_WINDOWS];
	} rows[] = {
		{STR("x"), {REFUSAL_TOO_SHORT, REFUSAL_TOO_SHORT, REFUSAL_WEAK, REFUSAL_RESTRICTED}},
		{STR("A first one-7319"), {TAKEN, TAKEN, TAKEN, TAKEN}},
		{STR("A first one-7319"), {REFUSAL_SAME, TAKEN, REFUSAL_SAME, REFUSAL_RESTRICTED}},
		{STR("A second one-7319"), {TAKEN, TAKEN, TAKEN, TAKEN}},
		{STR("A first one-7319"), {REFUSAL_HISTORY, TAKEN, REFUSAL_HISTORY, REFUSAL_RESTRICTED}},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct refusal refusal = {0, -1, STR_NONE};
		enum refusal_reason wanted = rows[i].reasons[fixture_column(f)];
		enum err code = directory_set_password(fixture_keep(f), f->d, progress.dn, rows[i].password, &refusal);
		if (code != (wanted == TAKEN ? OK : ERR_REFUSED) || (code && policy_classify(f->d, &refusal) != wanted))
			fail_msg("row %zu: %s, %d %d %.*s", i, err_row(code)->name, refusal.result,
				refusal.policy_error, FMT(refusal.diagnostic));
	}
	if (fixture_column(f) == MAKES) { /* Windows, played: the policy tells what its answer does not */
		struct password_policy policy = {0};
		struct entry *e = NULL;
		assert_ok(f, policy_read(fixture_keep(f), f->d, progress.dn, &policy));
		assert_ok(f, directory_find_dn(fixture_keep(f), f->d, progress.dn, &e));
		assert_int_equal(policy_narrow(f->config, &policy, e, STR("x"), 0), REFUSAL_TOO_SHORT);
		assert_int_equal(policy_narrow(f->config, &policy, e, STR("quietharbour"), 0), REFUSAL_WEAK);
		assert_int_equal(
			policy_narrow(f->config, &policy, e, rows[4].password, INT64_MAX / 2), REFUSAL_LIKELY_HISTORY);
	}
	removed(f, progress.dn);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_open, fixture_close)
int main(void) {
	secret_init();
	const struct CMUnitTest tests[] = {
		TEST(makes_a_person),
		TEST(runs_each_step_twice),
		TEST(takes_the_next_name),
		TEST(parks),
		TEST(parks_a_taken_mail),
		TEST(takes_the_next_name_of_another_place),
		TEST(makes_people_with_special_names),
		TEST(changes_a_person),
		TEST(leaves_what_others_changed),
		TEST(reads_the_policy),
		TEST(tells_refusals),
	};
	return fixture_ready() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
