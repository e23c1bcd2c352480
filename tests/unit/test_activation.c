/* The first password, with crashes and failures between all steps. */
#include "tests/unit/approval_fixture.h"

static void test_activate(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = NULL;
	struct password_problem problem = {0};
	struct str link = provisioned(t, &r);
	assert_err(activation_complete(t, link, STR("annaalt1"), &problem),
		ERR_FIELDS); /* too weak: the link stays good */
	assert_non_null(problem.reason_key);
	assert_err(activation_complete(t, world_link(t, TICKET_VERIFY, r), STR(PASSWORD), &problem), ERR_EXPIRED);
	problem = (struct password_problem){0};
	task_clear(t);
	assert_ok(activation_complete(t, link, STR(PASSWORD), &problem));
	assert_int_equal(world_again(t, r)->state, REGISTRATION_ACTIVE);
	assert_true(fake_person_find("aalt")->enabled);
	assert_string_equal(fake_person_find("aalt")->password, PASSWORD);
	assert_err(activation_complete(t, link, STR(OTHER_PASSWORD), &problem), ERR_EXPIRED);
	assert_string_equal(fake_person_find("aalt")->password, PASSWORD);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "active", NULL), 1);
	struct login l = {0};
	assert_ok(login_password(t, STR("aalt"), STR(PASSWORD), STR(""), STR(""), &l));
	assert_int_equal(l.result, LOGIN_OK);
	assert_str(l.account->id, r->account_id);
}

/* Whatever call fails, the same password again brings it to its end. */
static void test_activate_faults(void **state) {
	for (size_t n = 0; n < 4; n++)
		for (int fault = FAULT_DOWN; fault <= FAULT_LOST_AFTER; fault++) {
			struct task *t = world_task(*state);
			struct registration *r = NULL;
			struct password_problem problem = {0};
			world_reset();
			world_config.registrations_per_mailbox = 0;
			struct str link = provisioned(t, &r);
			fake_fail(n, (enum fake_fault)fault);
			enum err e = activation_complete(t, link, STR(PASSWORD), &problem);
			fake.fault_at = SIZE_MAX;
			if (e) {
				assert_true(e == ERR_UNAVAILABLE || e == ERR_TIMEOUT);
				assert_int_equal(world_again(t, r)->state, REGISTRATION_PROVISIONED);
				task_clear(t);
				assert_ok(activation_complete(t, link, STR(PASSWORD), &problem));
			}
			assert_int_equal(world_again(t, r)->state, REGISTRATION_ACTIVE);
			assert_true(fake_person_find("aalt")->enabled);
			struct account *a = NULL;
			assert_ok(accounts_find(t, r->account_id, &a));
			a->stable_id = r->id;
			a->login = r->id;
			assert_ok(accounts_update(t, a)); /* out of the next round's way */
			assert_ok(registrations_remove(t, r->id));
		}
}

/* Set and enabled, and then the process died before the commit. */
static void test_activate_crash(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = NULL;
	struct password_problem problem = {0};
	struct str link = provisioned(t, &r);
	struct fake_person *p = fake_person_find("aalt");
	fake_fail(2, FAULT_LOST_AFTER);
	assert_err(activation_complete(t, link, STR(PASSWORD), &problem), ERR_TIMEOUT);
	assert_true(p->enabled);
	task_clear(t);
	assert_err(activation_complete(t, link, STR("not-the-one-that-was-set-88"), &problem),
		OK); /* another one is set anew */
	assert_int_equal(world_again(t, r)->state, REGISTRATION_ACTIVE);
}

/* "The same" without an attempt of ours is no proof of anything. */
static void test_activate_foreign(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = NULL;
	struct password_problem problem = {0};
	struct str link = provisioned(t, &r);
	struct fake_person *p = fake_person_find("aalt");
	snprintf(p->password, sizeof(p->password), PASSWORD);
	assert_err(activation_complete(t, link, STR(PASSWORD), &problem), ERR_FIELDS);
	assert_false(p->enabled);
	p->gone = true;
	task_clear(t);
	assert_err(activation_complete(t, link, STR(PASSWORD), &problem), ERR_REFUSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_activate),
		TEST(test_activate_faults),
		TEST(test_activate_crash),
		TEST(test_activate_foreign),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
