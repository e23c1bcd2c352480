/* From the decision to the account, with failures between all steps; and the last look where there are several
 * controllers. */
#include "tests/unit/approval_fixture.h"

static void test_provision(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = approved(t, "Anna", "anna@x.test");
	struct account *a = NULL;
	assert_ok(registrar_provision(t, r->id));
	r = world_again(t, r);
	struct fake_person *p = fake_person_find("aalt");
	assert_int_equal(r->state, REGISTRATION_PROVISIONED);
	assert_str(r->login, STR("aalt"));
	assert_non_null(p);
	assert_false(p->enabled);
	assert_str(str_of(p->marker), r->id);
	assert_string_equal(p->given, "Anna");
	assert_true(fake_is_member(&fake.groups[0], p));
	assert_ok(accounts_find(t, r->account_id, &a));
	assert_str(a->stable_id, str_of(p->id));
	assert_str(a->marker, r->id);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "activate", NULL), 1);
	assert_ok(registrar_provision(t, r->id)); /* done already */
	assert_int_equal(world_jobs(t, JOB_NOTICE, "activate", NULL), 1);
	assert_int_equal(fake.adds, 1);
}

/* The n-th call fails in each way, for every n; then the job runs again: one entry, one account. */
static void test_provision_faults(void **state) {
	struct task *t = world_task(*state);
	bool more = true;
	for (size_t n = 0; more; n++)
		for (int fault = FAULT_DOWN; fault <= FAULT_LOST_AFTER; fault++) {
			t = world_task(*state);
			struct str given = str_printf(t->arena, "A%zu%c%c", n, 'a' + fault, 0);
			struct registration *r =
				approved(t, given.p, str_printf(t->arena, "m%zu-%d@x.test%c", n, fault, 0).p);
			size_t adds = fake.adds, calls = fake.calls;
			fake.n_people = 0; /* room; those before are of no interest */
			fake_fail(n, (enum fake_fault)fault);
			enum err e = registrar_provision(t, r->id);
			more = fake.calls > calls + n;
			task_clear(t);
			fake.fault_at = SIZE_MAX;
			if (e)
				assert_true(e == ERR_UNAVAILABLE || e == ERR_TIMEOUT);
			for (int again = 0; again < 2; again++)
				assert_ok(registrar_provision(t, r->id));
			assert_int_equal(world_again(t, r)->state, REGISTRATION_PROVISIONED);
			assert_int_equal(fake.adds - adds, 1);
			assert_int_equal(fake.n_people, 1);
			snprintf(fake.people[0].id, sizeof(fake.people[0].id),
				"gone"); /* the next one is another entry */
			assert_true(n < 40);
			fake.groups[0].n = 0;
			struct account *a = NULL;
			assert_ok(accounts_find(t, world_again(t, r)->account_id, &a));
			a->stable_id = r->id;
			assert_ok(accounts_update(t, a));
		}
}

/* A name that is taken at the last moment: the next candidate of the same plan. */
static void test_provision_taken(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = approved(t, "Anna", "anna@x.test");
	fake_person_add("aalt", "other@x.test");
	fake_person_add("aalt2", "other2@x.test");
	assert_ok(registrar_provision(t, r->id));
	assert_str(world_again(t, r)->login, STR("aalt3"));
}

static void test_provision_parked(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = approved(t, "Anna", "anna@x.test");
	struct approver who = approver_of(t);
	struct plan_row *row = NULL;
	struct job job;
	fake.n_groups = 0; /* its group was removed */
	assert_err(registrar_provision(t, r->id), ERR_NOT_FOUND);
	task_clear(t);
	assert_ok(plans_find(t, r->plan_id, &row));
	assert_int_equal(row->state, PLAN_PARKED);
	assert_true(str_contains(row->failure, STR("cn=staff")));
	assert_ok(approval_retry(t, &who, r->id)); /* its job is still queued: nothing to do */
	assert_int_equal(world_jobs(t, JOB_PLAN_APPLY, "", &job), 1);
	assert_ok(jobs_park(t, job.id, STR("why")));
	assert_ok(approval_retry(t, &who, r->id));
	assert_ok(approval_retry(t, &who, r->id)); /* pressed twice */
	assert_int_equal(world_jobs(t, JOB_PLAN_APPLY, "", &job), 1);
	assert_int_equal(job.state, JOB_QUEUED);
	fake_group_add(STAFF_GROUP);
	assert_ok(registrar_provision(t, r->id));
	assert_ok(plans_find(t, r->plan_id, &row));
	assert_int_equal(row->state, PLAN_DONE);
	assert_true(str_empty(row->failure));
	assert_err(approval_retry(t, &who, r->id), ERR_STALE);
}

/* Approved by rule while the directory is down: the person goes on, the plan is made later. */
static void test_by_rule(void **state) {
	struct task *t = world_task(*state);
	bool ready = true;
	struct str secret = STR_NONE;
	fake.down = true;
	struct registration *r = world_verified(t, "Anna", "Alt", "anna@partner.test");
	assert_err(registrar_provision(t, r->id), ERR_UNAVAILABLE);
	task_clear(t);
	assert_ok(registration_await(t, r->id, 30, &ready, &secret));
	assert_false(ready);
	fake.down = false;
	assert_ok(registrar_provision(t, r->id));
	assert_ok(registration_await(t, r->id, 1000, &ready, &secret));
	assert_true(ready);
	struct activation look = {0};
	assert_ok(activation_look(t, secret, &look));
	struct job job;
	assert_int_equal(world_jobs(t, JOB_NOTICE, "activate", &job), 1);
	assert_true(job.due_at > clock_wall_ms() + 60000); /* the mail waits for who is on the way in the browser */
}

/* ---- several controllers ---- */

static struct str two_uris[] = {{"ldap://fake", 11}, {"ldap://second", 13}};

static void test_settle(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = NULL;
	struct job job = {0};
	provisioned(t, &r);
	assert_int_equal(
		world_jobs(t, JOB_PLAN_SETTLE, "", NULL), 0); /* one controller: there is nothing to look for */

	world_directory.uris = (struct strs){two_uris, COUNT(two_uris)};
	world_directory.replication_lag = 60;
	r = approved(t, "Berta", "berta@x.test");
	assert_ok(registrar_provision(t, r->id));
	assert_int_equal(world_jobs(t, JOB_PLAN_SETTLE, "", &job), 1);
	assert_true(job.due_at > clock_wall_ms() + 30000 && str_eq(job.subject, r->id));
	struct plan_row *row = NULL;
	assert_ok(plans_find(t, r->plan_id, &row));
	assert_str(row->controller, two_uris[0]);
	assert_true(row->begun_at > 0);
	assert_ok(registrar_settle(t, r->id));
	assert_int_equal(world_again(t, r)->state, REGISTRATION_PROVISIONED);
	assert_ok(registrar_settle(t, STR("gone")));
	struct fake_person *twin = fake_person_add("balt", "berta@x.test"); /* made by the same plan, elsewhere */
	twin->enabled = false;
	snprintf(twin->dn, sizeof(twin->dn), "nsuniqueid=7+uid=balt,ou=people,dc=test");
	snprintf(twin->marker, sizeof(twin->marker), "%.*s", FMT(r->id));
	assert_ok(registrar_settle(t, r->id));
	assert_true(twin->gone);
	assert_int_equal(world_again(t, r)->state, REGISTRATION_PROVISIONED);
	struct plan_step_row *steps = NULL;
	size_t n = 0;
	assert_ok(plan_steps_list(t, r->plan_id, &steps, &n));
	assert_true(n >= 2 && str_contains(steps[n - 2].diagnostic, STR("is to be removed")));
	assert_true(str_contains(steps[n - 1].diagnostic, STR("was removed")));
}

/* Somebody else's entry had the login name before, as another controller tells now. */
static void test_settle_gives_way(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = NULL;
	struct account *a = NULL, *again = NULL;
	struct activation look;
	struct password_problem problem = {0};
	world_directory.uris = (struct strs){two_uris, COUNT(two_uris)};
	world_directory.replication_lag = 60;
	struct str link = provisioned(t, &r);
	assert_ok(accounts_find(t, r->account_id, &a));
	fake_person_find("aalt")->created_at = 1000;
	struct fake_person *ours = fake_person_find("aalt"), *other = fake_person_add("aalt", "aalt@y.test");
	snprintf(other->dn, sizeof(other->dn), "uid=aalt,ou=other,dc=test");
	assert_ok(registrar_settle(t, r->id));
	assert_int_equal(world_again(t, r)->state, REGISTRATION_APPROVED);
	assert_false(ours->gone);
	assert_err(activation_look(t, link, &look), ERR_EXPIRED);
	task_clear(t);
	assert_ok(registrar_settle(t, r->id)); /* meanwhile there is nothing to do */
	assert_ok(registrar_provision(t, r->id));
	assert_true(ours->gone && !other->gone);
	r = world_again(t, r);
	assert_int_equal(r->state, REGISTRATION_PROVISIONED);
	assert_str(r->login, STR("aalt2"));
	assert_ok(accounts_find(t, r->account_id, &again));
	assert_str(again->sub, a->sub);
	assert_str(again->login, STR("aalt2"));
	assert_false(str_eq(again->stable_id, a->stable_id));
	assert_ok(ticket_issue(t, TICKET_ACTIVATE, STR("another mail"), r->id, r->mail, 3600, &link));
	assert_ok(activation_complete(t, link, STR(PASSWORD), &problem));

	ours = fake_person_find("aalt2");
	ours->created_at = 1000;
	other = fake_person_add("aalt2", "aalt2@y.test");
	snprintf(other->dn, sizeof(other->dn), "uid=aalt2,ou=other,dc=test");
	assert_err(registrar_settle(t, r->id), ERR_REFUSED);
	assert_true(str_contains(t->failure_detail, STR("is in use")));
	assert_false(ours->gone || other->gone);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_provision),
		TEST(test_provision_faults),
		TEST(test_provision_taken),
		TEST(test_provision_parked),
		TEST(test_by_rule),
		TEST(test_settle),
		TEST(test_settle_gives_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
