/* Steps of a plan that makes somebody, against one controller, which fails where it is told to. */
#include "tests/unit/plan_fixture.h"

#define CALLS_MAX 60

static int begin(void **state) {
	plan_begin(state);
	directory.transactions = true;
	fake_reset();
	fake.may_not = true; /* nothing here is renamed or removed */
	return 0;
}

static void groups_add(size_t n) {
	static const char *const dns[] = {GUESTS, VPN};
	while (fake.n_groups < n)
		fake_group_add(dns[fake.n_groups]);
}

/* As run_all, but what may be tried again is. */
static enum err run_on(const struct plan *p, struct plan_progress *progress) {
	for (size_t i = 0; i < CALLS_MAX && progress->step < plan_steps(p); i++) {
		enum err code = run(p, progress);
		if (code && !err_row(code)->retry)
			return code;
	}
	return progress->step == plan_steps(p) ? OK : ERR_INTERNAL;
}

static void assert_whole(const struct plan *p, const struct plan_progress *progress, const char *dn) {
	size_t ours = 0;
	for (size_t i = 0; i < fake.n_people; i++)
		ours += str_eq(str_of(fake.people[i].marker), p->marker);
	assert_int_equal(ours, 1);
	assert_true(str_eq(progress->dn, str_of(dn)));
	assert_false(str_empty(progress->stable_id));
	for (size_t i = 0; i < p->groups.n; i++) {
		assert_int_equal(fake.groups[i].n, 1);
		assert_true(dn_equal(arena, str_of(fake.groups[i].members[0]), progress->dn));
	}
}

static void runs(void **state) {
	for (int transactions = 0; transactions < 2; transactions++) {
		begin(state);
		directory.transactions = transactions;
		groups_add(2);
		struct plan *p = plan_of(1, 2);
		struct plan_progress progress = {0};
		assert_int_equal(run_all(p, &progress), OK);
		assert_whole(p, &progress, ANN);
		assert_int_equal(fake.applies, transactions ? 1 : 3); /* without, each group is a step of its own */
	}
}

/* Each step again with the progress of before: a crash between act and record. */
static void runs_each_step_twice(void **state) {
	(void)state;
	groups_add(2);
	struct plan *p = plan_of(2, 2);
	struct plan_progress progress = {0};
	while (progress.step < plan_steps(p)) {
		struct plan_progress lost = progress;
		assert_int_equal(run(p, &lost), OK);
		assert_int_equal(run(p, &progress), OK);
	}
	assert_whole(p, &progress, ANN);
	assert_int_equal(fake.adds, 1);
	for (size_t step = 0; step < plan_steps(p); step++) {
		struct plan_progress again = progress;
		again.step = step;
		assert_int_equal(run(p, &again), OK);
		assert_int_equal(again.step, step + 1);
	}
	assert_whole(p, &progress, ANN);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(fake.adds, 1);
}

/* One fault of each kind at each call, with and without transactions, the first name free or taken. */
static void survives_every_fault(void **state) {
	size_t visited = 0;
	for (size_t way = 0; way < 2 * 2 * (FAULT_LOST_HALF + 1); way++) {
		bool more = true;
		for (size_t at = 0; more; at++) {
			begin(state);
			directory.transactions = way & 1;
			fake_fail(at, (enum fake_fault)(way / 4));
			groups_add(2);
			if (way & 2)
				fake_entry_add(ANN, "ann", "other@x", "other");
			struct plan *p = plan_of(2, 2);
			struct plan_progress progress = {0};
			if (run_on(p, &progress))
				fail_msg("way %zu, fault at call %zu: %.*s", way, at, FMT(task.failure_detail));
			assert_whole(p, &progress, way & 2 ? ANN2 : ANN);
			assert_int_equal(fake.adds, 1);
			more = fake.calls > at && at < CALLS_MAX;
			visited++;
		}
	}
	assert_true(visited > 60);
}

/* A name that is taken is 68, also where the directory says 19. */
static void reports_what_happened(void **state) {
	for (int bare = 0; bare < 2; bare++) {
		begin(state);
		fake.bare_19 = bare;
		groups_add(1);
		fake_entry_add(ANN, "ann", "", "other");
		struct plan *p = plan_of(2, 1);
		struct plan_progress progress = {0};
		assert_int_equal(run(p, &progress), OK);
		assert_int_equal(report.result, 68);
		assert_int_equal(progress.candidate, 1);
		assert_int_equal(progress.step, 0);
		assert_int_equal(run(p, &progress), OK);
		assert_int_equal(report.result, 0);
		assert_int_equal(report.done, 2);
		assert_int_equal(progress.step, plan_steps(p) - 1);
		assert_int_equal(run(p, &progress), OK);
		assert_int_equal(report.result, 0);
		assert_text(progress.stable_id, fake.people[1].id);
	}
}

static void goes_through_names(void **state) {
	(void)state;
	fake.bare_19 = true; /* what slapd says of a unique value in a transaction */
	fake_entry_add("uid=ann,ou=elsewhere,ou=people,dc=test", "ANN", "", ""); /* another OU, the same login */
	fake_entry_add(ANN2, "x", "", "");
	struct plan *p = plan_of(3, 0);
	struct plan_progress progress = {0};
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(progress.candidate, 2);
	assert_whole(p, &progress, "uid=ann3,ou=people,dc=test");

	fake_entry_add("uid=ann3,ou=more,ou=people,dc=test", "ann3", "", ""); /* two have it: still taken */
	struct plan *other = plan_of(3, 0);
	other->marker = STR("01JOTHER");
	struct plan_progress none = {0};
	assert_int_equal(run_all(other, &none), ERR_EXISTS);
	assert_int_equal(task.failure, ERR_EXISTS);
	assert_int_equal(none.candidate, 2);
	assert_int_equal(none.step, 0);
}

static void tries_on_where_none_is_seen(void **state) {
	(void)state;
	fake_entry_add(ANN, "ann", "", "");
	fake.invisible = true;
	struct plan *p = plan_of(2, 0);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.candidate, 1);
}

struct parked {
	enum err code;
	const char *detail;
};

static void assert_parked(const struct plan *p, struct plan_progress *progress, struct parked wanted) {
	struct plan_progress before = *progress;
	enum err code = run(p, progress);
	if (code != wanted.code || task.failure != wanted.code ||
		!str_contains(task.failure_detail, str_of(wanted.detail)))
		fail_msg("%s: %.*s", err_row(code)->name, FMT(task.failure_detail));
	assert_memory_equal(&before, progress, sizeof(before));
}

static void parks(void **state) {
	(void)state;
	groups_add(1);
	struct plan *p = plan_of(2, 2);
	struct plan_progress progress = {0};
	assert_parked(p, &progress, (struct parked){ERR_NOT_FOUND, "no group " VPN});
	assert_int_equal(fake.n_people, 0);
	fake.no_place = true;
	p = plan_of(2, 1);
	assert_parked(p, &progress, (struct parked){ERR_NOT_FOUND, "no place for " ANN});
	fake.no_place = false;
	fake.bare_19 = true;
	fake_entry_add("uid=old,ou=people,dc=test", "old", "ANN@x", "");
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "the mail address belongs to uid=old"});
	fake_entry_add("uid=old2,ou=people,dc=test", "old2", "ann@x", "");
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "the mail address belongs to several"});
	fake.invisible = true;
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "fake: result 19"});
}

static void parks_at_a_group(void **state) {
	(void)state;
	directory.transactions = false;
	groups_add(1);
	struct plan *p = plan_of(1, 2);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.step, 1);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.step, 2);
	assert_parked(p, &progress, (struct parked){ERR_NOT_FOUND, "no group " VPN});
	groups_add(2);
	assert_int_equal(run_all(p, &progress), OK);
	assert_whole(p, &progress, ANN);
}

/* A marker on another entry than the plan's, two markers, an entry that became another. */
static void trusts_no_marker_alone(void **state) {
	(void)state;
	groups_add(1);
	struct plan *p = plan_of(2, 1);
	struct plan_progress progress = {0};
	fake_entry_add("uid=mallory,ou=people,dc=test", "mallory", "", MARKER);
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "uid=mallory,ou=people,dc=test has the marker"});
	fake_entry_add(ANN, "ann", "", MARKER);
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "more than one entry"});
	assert_int_equal(fake.applies, 0);
	fake.n_people = 0;
	assert_int_equal(run(p, &progress), OK);
	SET(fake.people[0].marker, "another");
	for (progress.step = 1; progress.step < 3; progress.step++)
		assert_parked(p, &progress, (struct parked){ERR_UNAVAILABLE, ANN " with our marker is not to be seen"});
	SET(fake.people[0].marker, MARKER);
	SET(fake.people[0].dn, "uid=moved,ou=people,dc=test");
	progress.step = 1;
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "is now uid=moved"});
	assert_int_equal(fake.applies, 1);
	SET(fake.people[0].dn, ANN);
	SET(fake.people[0].id, "");
	progress.step = 2;
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "stable id"});
	SET(fake.people[0].id, "another");
	progress.stable_id = STR("id-before");
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "another entry than before"});
}

static void adopts_what_is_ours(void **state) {
	(void)state;
	groups_add(1);
	struct plan *p = plan_of(3, 1);
	struct plan_progress progress = {0};
	fake_entry_add("UID=ann2, ou=people,dc=test", "ann2", "", MARKER);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.candidate, 1);
	assert_int_equal(progress.step, 1);
	assert_int_equal(fake.applies, 0);
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.groups[0].n, 1);
	assert_int_equal(fake.n_people, 1);
}

static void refuses_other_progress(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 0);
	assert_parked(p, &(struct plan_progress){.candidate = 1}, (struct parked){ERR_INTERNAL, "1 names"});
	assert_parked(
		p, &(struct plan_progress){.step = 1}, (struct parked){ERR_INTERNAL, "before the entry was created"});
	directory.id = STR("other");
	assert_parked(p, &(struct plan_progress){0}, (struct parked){ERR_INTERNAL, "directory main"});
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, plan_end)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(runs),
		TEST(runs_each_step_twice),
		TEST(survives_every_fault),
		TEST(reports_what_happened),
		TEST(goes_through_names),
		TEST(tries_on_where_none_is_seen),
		TEST(parks),
		TEST(parks_at_a_group),
		TEST(trusts_no_marker_alone),
		TEST(adopts_what_is_ours),
		TEST(refuses_other_progress),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
