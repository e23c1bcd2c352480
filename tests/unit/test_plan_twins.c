/* Two entries where there should be one, as a step finds them and as the last look does: federation/plan/twins.c and
 * settle.c. */
#include "tests/unit/plan_fixture.h"

#define LONG_AGO (-1) /* created before anybody else */

static struct fake_person *person_at(const char *dn, const char *login, const char *marker, unsigned at) {
	struct fake_person *p = fake_entry_add(dn, login, "", marker);
	p->at = at;
	return p;
}

static size_t shown(void) {
	size_t n = 0;
	for (size_t i = 0; i < fake.n_people; i++)
		n += fake.people[i].at && !fake.people[i].gone;
	return n;
}

/* Until it says that there is nothing more to do. */
static enum err settle_all(const struct plan *p, struct plan_progress *progress) {
	for (size_t i = 0; i < 8; i++) {
		task_clear(&task);
		TRY(plan_settle(&task, &directory, p, progress, &report));
		assert_true(str_empty(task.pinned_to));
		assert_int_equal(fake.changes, fake.applies);
		if (report.result < 0 || progress->step < plan_steps(p))
			return OK;
	}
	return ERR_INTERNAL;
}

static struct plan_progress finished(const struct plan *p) {
	struct plan_progress progress = {0};
	assert_int_equal(run_all(p, &progress), OK);
	fake_replicate();
	return progress;
}

/* A second one of ours, before the first was read back: the older stays, and which one goes is kept before it does. */
static void removes_the_second_of_ours(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(run(p, &progress), OK);
	person_at("uid=ann+x=y,ou=people,dc=test", "ann", "other", FAKE_CONTROLLERS);
	person_at("nsuniqueid=1-2+" ANN, "ann", MARKER, FAKE_CONTROLLERS)->created_at = LONG_AGO;
	assert_int_equal(run(p, &progress), OK);
	assert_true(str_eq(progress.twin, str_of(fake.people[2].id)));
	assert_int_equal(shown(), 3);
	assert_int_equal(progress.step, 1);
	assert_int_equal(run(p, &progress), OK);
	assert_true(str_empty(progress.twin));
	assert_true(fake.people[2].gone);
	fake.people[1].at = 0;
	assert_int_equal(run_all(p, &progress), OK);
	assert_true(str_eq(progress.stable_id, str_of(fake.people[0].id)));
}

/* What is not provably made by the plan stays: another's name, one that is in use, one without a stable id. */
static void removes_nothing_else(void **state) {
	for (size_t way = 0; way < 4; way++) {
		plan_begin_apart(state);
		struct plan *p = plan_of(1, 1);
		struct plan_progress progress = finished(p);
		struct fake_person *other =
			person_at(way == 0 ? "uid=mallory,ou=people,dc=test" : "uid=Ann,ou=People,dc=test", "ann",
				MARKER, FAKE_CONTROLLERS);
		other->enabled = way == 1;
		if (way == 2)
			other->id[0] = 0;
		fake.may_not = way == 3;
		assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
		assert_true(str_contains(
			task.failure_detail, way == 3 ? STR("may not") : STR("is not provably made by it")));
		assert_int_equal(shown(), 2);
	}
}

static void settles_what_came_later(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = finished(p);
	fake.people[0].enabled = true; /* in use by now */
	assert_int_equal(settle_all(p, &progress), OK);
	struct fake_person *other = person_at("uid=ann\\0ACNF:0a,ou=people,dc=test", "ann", MARKER, 1 << 1);
	other->created_at = LONG_AGO; /* and yet not the one */
	fake.away = 1 << 2;
	assert_int_equal(settle_all(p, &progress), ERR_UNAVAILABLE);
	assert_true(str_contains(task.failure_detail, STR("ldaps://c does not answer")));
	assert_true(other->gone);
	fake.away = 0;
	fake.people[0].at = 1;
	assert_int_equal(settle_all(p, &progress), ERR_UNAVAILABLE);
	assert_true(str_contains(task.failure_detail, STR("does not show the entry yet")));
	fake_replicate();
	assert_int_equal(settle_all(p, &progress), OK);
	fake.people[0].at = 0;
	other->gone = false; /* the directory took the one for the other */
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	assert_true(str_contains(task.failure_detail, STR("is there instead")));
	other->gone = true; /* removed by others: nothing is left to look after */
	assert_int_equal(settle_all(p, &progress), OK);
	assert_int_equal(progress.step, plan_steps(p));
}

/* Its name was taken from the one that stays. */
static void names_it_again(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = finished(p);
	SET(fake.people[0].dn, "uid=ann\\0ACNF:0a1b2c,ou=people,dc=test");
	progress.dn = str_dup(arena, str_of(fake.people[0].dn)); /* as it was read back */
	fake.people[0].enabled = true;
	person_at(ANN, "ann", MARKER, FAKE_CONTROLLERS);
	fake.may_not = true;
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	fake.may_not = false;
	assert_int_equal(settle_all(p, &progress), OK);
	assert_int_equal(shown(), 1);
	assert_true(str_eq(str_of(fake.people[0].dn), STR(ANN)));
	assert_text(progress.dn, ANN);
}

/* Somebody else has that name by now. */
static void takes_no_name_from_others(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 1);
	struct plan_progress progress = finished(p);
	SET(fake.people[0].dn, "uid=ann\\0ACNF:0a1b2c,ou=people,dc=test");
	fake.people[0].enabled = true;
	person_at(ANN, "other", "", FAKE_CONTROLLERS);
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	assert_true(str_contains(task.failure_detail, STR("is in use")));
	assert_text(str_of(fake.people[0].dn), "uid=ann\\0ACNF:0a1b2c,ou=people,dc=test");
}

/* Another's entry with the login name. */
static void gives_way_to_the_older(void **state) {
	struct plan *p = plan_of(2, 1);
	struct plan_progress progress = finished(p);
	person_at("uid=ann,ou=other,ou=people,dc=test", "ann", "", FAKE_CONTROLLERS)->created_at = LONG_AGO;
	assert_int_equal(settle_all(p, &progress), OK);
	assert_int_equal(progress.step, plan_steps(p) - 1);
	assert_int_equal(shown(), 2); /* it is the plan that removes */
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(progress.candidate, 1);
	assert_true(str_eq(progress.stable_id, str_of(fake.people[2].id)) &&
		    str_eq(progress.dn, STR("uid=ann2,ou=people,dc=test")));
	assert_true(fake.people[0].gone);
	assert_int_equal(shown(), 2);

	plan_begin_apart(state);
	p = plan_of(1, 1); /* no other name */
	progress = finished(p);
	person_at("uid=ann,ou=other,ou=people,dc=test", "ann", "", FAKE_CONTROLLERS)->created_at = LONG_AGO;
	assert_int_equal(settle_all(p, &progress), OK);
	assert_int_equal(run(p, &progress), ERR_EXISTS);
	assert_int_equal(shown(), 2);
}

static void stays_where_it_must(void **state) {
	(void)state;
	struct plan *p = plan_of(2, 1);
	struct plan_progress progress = finished(p);
	struct fake_person *other = person_at("uid=ann,ou=other,ou=people,dc=test", "ann", "", FAKE_CONTROLLERS);
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	assert_true(str_contains(task.failure_detail, STR("made later by somebody else")));
	SET(other->marker, "of another registration");
	assert_int_equal(settle_all(p, &progress), ERR_UNAVAILABLE);
	pass(&progress, LAG_MS);
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	other->created_at = LONG_AGO;
	fake.people[0].enabled = true;
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	assert_true(str_contains(task.failure_detail, STR("is in use")));
	assert_int_equal(shown(), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, plan_begin_apart, plan_end)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(removes_the_second_of_ours),
		TEST(removes_nothing_else),
		TEST(settles_what_came_later),
		TEST(names_it_again),
		TEST(takes_no_name_from_others),
		TEST(gives_way_to_the_older),
		TEST(stays_where_it_must),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
