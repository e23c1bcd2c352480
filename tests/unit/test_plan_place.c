/* On which of three controllers each step looks and acts: federation/plan/place.c. */
#include "tests/unit/plan_fixture.h"

static void chooses_before_it_acts(void **state) {
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(fake.adds, 0);
	assert_int_equal(progress.step, 0);
	assert_true(str_eq(progress.controller, controllers[0]) && str_eq(report.controller, controllers[0]));
	assert_true(progress.begun_at > 0);
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 1);

	plan_begin_apart(state);
	directory.uris.n = 1;
	struct plan_progress one = {0};
	assert_int_equal(run(plan_of(1, 1), &one), OK);
	assert_int_equal(fake.adds, 1);
	assert_true(str_empty(one.controller));
}

/* The answer is lost, the controller goes, and no other one has heard of the entry. */
static void waits_for_the_controller(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	fake.loses = true;
	assert_int_equal(run(p, &progress), ERR_TIMEOUT);
	assert_int_equal(fake.adds, 1);
	fake.away = 1;
	pass(&progress, LAG_MS / 2);
	assert_int_equal(run(p, &progress), ERR_UNAVAILABLE);
	assert_true(str_contains(task.failure_detail, STR("ldaps://a does not answer")));
	assert_true(str_contains(task.failure_detail, STR("replication_lag")));
	assert_int_equal(fake.adds, 1);
	fake.away = 0;
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 1);
	assert_true(str_eq(progress.stable_id, str_of(fake.people[0].id)));
}

/* The last of the others has heard of it. */
static void goes_on_where_it_is_seen(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	fake.loses = true;
	assert_int_equal(run(p, &progress), ERR_TIMEOUT);
	fake.away = 1;
	fake.people[0].at = 1 | 1 << 2;
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.step, 1);
	assert_true(str_eq(progress.controller, controllers[2]));
	fake.away = 0;
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(fake.last, 2);
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 1);
}

static void makes_it_anew_after_the_bound(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK); /* and nothing was sent */
	fake.away = 1;
	pass(&progress, LAG_MS);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(fake.adds, 0);
	assert_true(str_eq(progress.controller, controllers[1]));
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 1);
	assert_int_equal(fake.last, 1);
}

/* Nothing is sent on the word of a time that is long over, or is still to come. */
static void keeps_the_time_anew(void **state) {
	static const int64_t ages[] = {LAG_MS * 10, -LAG_MS};
	for (size_t i = 0; i < COUNT(ages); i++) {
		plan_begin_apart(state);
		struct plan *p = plan_of(1, 1);
		struct plan_progress progress = {0};
		assert_int_equal(run(p, &progress), OK);
		pass(&progress, ages[i]);
		assert_int_equal(run(p, &progress), OK);
		assert_int_equal(fake.adds, 0);
		assert_true(clock_wall_ms() - progress.begun_at < LAG_MS / 2 && progress.begun_at <= clock_wall_ms());
		fake.away = 1;
		pass(&progress, ages[i] < 0 ? ages[i] : 0);
		enum err code = run(p, &progress);
		assert_int_equal(code, ages[i] < 0 ? OK : ERR_UNAVAILABLE);
		assert_true(str_eq(progress.controller, controllers[0]));
	}
}

/* The controller that took the entry goes for good before another heard of it. */
static void goes_back_when_it_was_lost(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.step, 1);
	fake.away = 1;
	assert_int_equal(run(p, &progress), ERR_UNAVAILABLE);
	pass(&progress, LAG_MS);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.step, 0);
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 2);
	assert_true(str_eq(progress.stable_id, str_of(fake.people[1].id)));
}

static void waits_where_none_answers(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	fake.away = FAKE_CONTROLLERS;
	pass(&progress, LAG_MS * 2);
	assert_int_equal(run(p, &progress), ERR_UNAVAILABLE);
	assert_true(str_contains(task.failure_detail, STR("no controller answers")));
}

/* It was taken out of the configuration: the same as away. */
static void knows_a_controller_of_before(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	fake.loses = true;
	assert_int_equal(run(p, &progress), ERR_TIMEOUT);
	directory.uris = (struct strs){controllers + 1, 1};
	fake.people[0].at = 0;
	assert_int_equal(run(p, &progress), ERR_UNAVAILABLE);
	fake.people[0].at = 1;
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 1);
	assert_true(str_eq(progress.controller, controllers[1]));
}

/* Whatever is lost, at whatever step, and whoever is away then: one entry in the end. */
static void makes_one_whatever_is_lost(void **state) {
	for (size_t at = 0; at < 5; at++) {
		for (unsigned down = 0; down < (1u << COUNT(controllers)) - 1; down++) {
			plan_begin_apart(state);
			struct plan *p = plan_of(2, 1);
			struct plan_progress progress = {0};
			for (size_t i = 0; i < 12; i++) {
				fake.loses = i == at;
				fake.away = i == at + 1 ? down : 0;
				enum err code = run(p, &progress);
				assert_true(!code || err_row(code)->retry);
			}
			assert_int_equal(progress.step, plan_steps(p));
			assert_int_equal(fake.adds, 1);
			assert_int_equal(fake.groups[0].n, 1);
			assert_true(str_eq(progress.dn, STR(ANN)));
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, plan_begin_apart, plan_end)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(chooses_before_it_acts),
		TEST(waits_for_the_controller),
		TEST(goes_on_where_it_is_seen),
		TEST(makes_it_anew_after_the_bound),
		TEST(keeps_the_time_anew),
		TEST(goes_back_when_it_was_lost),
		TEST(waits_where_none_answers),
		TEST(knows_a_controller_of_before),
		TEST(makes_one_whatever_is_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
