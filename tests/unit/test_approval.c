/* The decision: who may, what they see, and what becomes of it. */
#include "tests/unit/approval_fixture.h"

#include <pthread.h>

/* ---- who ---- */

static struct account *account_new(struct task *t, const char *login, const char *mail) {
	struct account *a = arena_new_of(t->arena, struct account);
	struct entry *e = NULL;
	fake_person_add(login, mail);
	assert_ok(directory_find_login(t, &world_directory, str_of(login), &e));
	assert_ok(account_link(t, &world_directory, e, &a));
	return a;
}

static void test_actor(void **state) {
	struct task *t = world_task(*state);
	struct account *a = account_new(t, "boss", "boss@x.test");
	struct approver who = {0};
	assert_err(approval_actor(t, a, &who), ERR_DENIED);
	fake_join(&fake.groups[1], fake_person_find("boss"));
	task_clear(t);
	assert_ok(approval_actor(t, a, &who));
	assert_false(who.is_operator);
	assert_true(strs_has(who.profiles, STR("guest")));
	fake.groups[1].n = 0;
	fake_join(&fake.groups[2], fake_person_find("boss"));
	assert_ok(approval_actor(t, a, &who));
	assert_true(who.is_operator);
	fake_person_find("boss")->enabled = false;
	assert_err(approval_actor(t, a, &who), ERR_DENIED);
	world_realm.operators = world_profile.approvers = STR(""); /* no group is nobody, not everybody */
	fake_person_find("boss")->enabled = true;
	task_clear(t);
	assert_err(approval_actor(t, a, &who), ERR_DENIED);
}

/* ---- preview and decide ---- */

static void test_preview(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = world_verified(t, "Anna", "Alt", "anna@x.test");
	struct approver who = approver_of(t), stranger = {0};
	struct approval *view = NULL;
	struct str outside[] = {STR(OPERATORS_GROUP)}, extra[] = {STR(STAFF_GROUP), STR(EXTRA_GROUP)};
	struct strs list = {outside, 1};
	assert_ok(approval_preview(t, &who, r->id, STR(""), NULL, &view));
	assert_true(str_contains(view->ldif, STR("uid=aalt,ou=people,dc=test")));
	assert_true(str_empty(view->failure) && view->n_history > 0);
	assert_err(approval_preview(t, &stranger, r->id, STR(""), NULL, &view), ERR_NOT_FOUND);
	assert_err(approval_preview(t, &who, r->id, STR(""), &list, &view), ERR_DENIED);
	assert_err(approval_preview(t, &who, r->id, STR("ou=secret,dc=test"), NULL, &view), ERR_DENIED);
	assert_err(approval_preview(t, &who, r->id, STR("not a dn"), NULL, &view), ERR_DENIED);
	list = (struct strs){extra, 2};
	task_clear(t);
	assert_ok(approval_preview(t, &who, r->id, STR("ou=people, ou=OTHER,dc=test"), &list, &view));
	assert_true(str_contains(view->ldif, STR("cn=extra")));
	fake.down = true;
	assert_ok(approval_preview(t, &who, r->id, STR(""), NULL, &view));
	assert_true(str_empty(view->ldif) && view->failure.n > 0);
}

static void test_decide_refused(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = world_verified(t, "Anna", "Alt", "anna@x.test");
	struct approver who = approver_of(t), stranger = {0};
	struct account boss = {.id = STR("b"), .login = STR("boss"), .mail = STR("boss@x.test")}, self = boss;
	struct str outside[] = {STR(OPERATORS_GROUP)};
	const struct decision good = decision_of(t, r);
	struct decision d = good;
	self.mail = STR("Anna@X.test");
	assert_err(approval_decide(t, &who, &self, &d), ERR_DENIED); /* their own request, however spelt */
	assert_err(approval_decide(t, &stranger, &boss, &d), ERR_NOT_FOUND);
	d.version++;
	assert_err(approval_decide(t, &who, &boss, &d), ERR_STALE);
	d = good;
	d.digest = STR("");
	assert_err(approval_decide(t, &who, &boss, &d), ERR_STALE);
	d = good;
	d.groups = (struct strs){outside, 1};
	assert_err(approval_decide(t, &who, &boss, &d), ERR_DENIED);
	d = good;
	d.base = STR("ou=secret,dc=test");
	assert_err(approval_decide(t, &who, &boss, &d), ERR_DENIED);
	d = good;
	d.approve = false;
	d.reason = STR("  ");
	assert_err(approval_decide(t, &who, &boss, &d), ERR_FIELDS);
	fake_person_add("aalt", "someone@x.test"); /* the name that was shown is gone by now */
	d = good;
	assert_err(approval_decide(t, &who, &boss, &d), ERR_STALE);
	assert_int_equal(world_again(t, r)->state, REGISTRATION_PENDING);
	assert_int_equal(world_jobs(t, JOB_PLAN_APPLY, "", NULL), 0);
	task_clear(t);
	d = decision_of(t, r);
	assert_ok(approval_decide(t, &who, &boss, &d));
	assert_err(approval_decide(t, &who, &boss, &d), ERR_STALE); /* twice */
	d.approve = false;
	assert_err(approval_decide(t, &who, &boss, &d), ERR_STALE);
	assert_int_equal(world_jobs(t, JOB_PLAN_APPLY, "", NULL), 1);
}

static void test_reject(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = world_verified(t, "Anna", "Alt", "anna@x.test");
	struct approver who = approver_of(t);
	struct account boss = {.id = STR("b"), .login = STR("boss"), .mail = STR("boss@x.test")};
	struct decision d = {.id = r->id, .reason = STR("not known here"), .version = r->version};
	fake.down = true; /* no directory is needed to say no */
	assert_ok(approval_decide(t, &who, &boss, &d));
	r = world_again(t, r);
	assert_int_equal(r->state, REGISTRATION_REJECTED);
	assert_str(r->reason, STR("not known here"));
	assert_str(r->decided_by, STR("boss"));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "rejected", NULL), 1);
	assert_int_equal(world_jobs(t, JOB_PLAN_APPLY, "", NULL), 0);
}

/* What was decided can still be looked at when the allow-list is another by now. */
static void test_preview_decided(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = approved(t, "Anna", "anna@x.test");
	struct approver who = approver_of(t);
	struct approval *view = NULL;
	world_profile.groups = (struct strs){0};
	assert_ok(approval_preview(t, &who, r->id, STR(""), NULL, &view));
	assert_non_null(view->running);
	assert_true(view->ldif.n > 0);
}

static struct decision contested;
static pthread_barrier_t barrier;

static void *decide(void *result) {
	struct worker w;
	worker_new(&w);
	struct task *t = world_task(&w);
	struct approver who = approver_of(t);
	struct decision d = contested;
	struct account boss = {.id = STR("b"), .login = STR("boss"), .mail = STR("boss@x.test")};
	d.approve = *(enum err *)result == OK;
	pthread_barrier_wait(&barrier);
	*(enum err *)result = approval_decide(t, &who, &boss, &d);
	worker_free(&w);
	return NULL;
}

/* Two approve, two reject, at once: one wins. */
static void test_decide_parallel(void **state) {
	enum { N = 4 };
	struct task *t = world_task(*state);
	struct registration *r = world_verified(t, "Anna", "Alt", "anna@x.test");
	enum err results[N] = {OK, OK, ERR_INVALID, ERR_INVALID};
	pthread_t threads[N];
	int won = 0;
	contested = decision_of(t, r);
	pthread_barrier_init(&barrier, NULL, N);
	for (int i = 0; i < N; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, decide, &results[i]), 0);
	for (int i = 0; i < N; i++) {
		pthread_join(threads[i], NULL);
		won += results[i] == OK;
		if (results[i])
			assert_err(results[i], ERR_STALE);
	}
	pthread_barrier_destroy(&barrier);
	assert_int_equal(won, 1);
	assert_int_equal(world_jobs(t, JOB_PLAN_APPLY, "", NULL) + world_jobs(t, JOB_NOTICE, "rejected", NULL), 1);
}

/* ---- take back ---- */

/* Before its entry is made, a plan is taken back: the registration is to be decided again. */
static void test_cancelled(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = approved(t, "Anna", "anna@x.test");
	struct approver who = approver_of(t), other = {0};
	struct plan_row *row = NULL;
	struct job *job = NULL;
	struct str plan_id = r->plan_id;
	assert_err(approval_cancel(t, &other, r->id), ERR_NOT_FOUND);
	assert_ok(jobs_claim(t, INT64_MAX - 1, INT64_MAX - 1, true, &job));
	while (job->kind != JOB_PLAN_APPLY)
		assert_ok(jobs_claim(t, INT64_MAX - 1, INT64_MAX - 1, true, &job));
	assert_err(approval_cancel(t, &who, r->id), ERR_STALE); /* it is under way */
	assert_ok(jobs_park(t, job->id, STR("why")));
	task_clear(t);
	assert_ok(approval_cancel(t, &who, r->id));
	assert_int_equal(world_again(t, r)->state, REGISTRATION_PENDING);
	assert_ok(plans_find(t, plan_id, &row));
	assert_int_equal(row->state, PLAN_CANCELLED);
	assert_int_equal(world_jobs(t, JOB_PLAN_APPLY, "", NULL), 0);
	assert_err(approval_cancel(t, &who, r->id), ERR_STALE);
	assert_int_equal(fake.adds, 0);
	struct decision d = decision_of(t, world_again(t, r));
	struct account boss = {.id = STR("b"), .login = STR("boss"), .mail = STR("boss@x.test")};
	assert_ok(approval_decide(t, &who, &boss, &d));
	assert_ok(registrar_provision(t, r->id));
	assert_int_equal(fake.adds, 1);
}

/* An entry that is there, though the answer that would say so was lost, is to be finished. */
static void test_cancelled_too_late(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = approved(t, "Anna", "anna@x.test");
	struct approver who = approver_of(t);
	for (size_t n = 0; !fake.adds; n++) {
		fake_fail(n, FAULT_LOST_AFTER);
		assert_err(registrar_provision(t, r->id), ERR_TIMEOUT);
		task_clear(t);
	}
	assert_err(approval_cancel(t, &who, r->id), ERR_STALE);
	assert_int_equal(world_again(t, r)->state, REGISTRATION_APPROVED);
	assert_ok(registrar_provision(t, r->id));
	assert_int_equal(fake.adds, 1);
	assert_err(approval_cancel(t, &who, r->id), ERR_STALE);
}

/* An entry that waits for a group of a mistyped name: whoever deletes it by hand may decide again. */
static void test_cancelled_after_deletion(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = approved(t, "Anna", "anna@x.test");
	struct approver who = approver_of(t);
	fake.n_groups = 0;
	assert_err(registrar_provision(t, r->id), ERR_NOT_FOUND);
	assert_int_equal(fake.adds, 1);
	task_clear(t);
	assert_err(approval_cancel(t, &who, r->id), ERR_STALE);
	assert_true(str_contains(t->failure_detail, STR("uid=aalt,ou=people,dc=test is made already: delete it")));
	task_clear(t);
	fake_person_find("aalt")->gone = true;
	assert_ok(approval_cancel(t, &who, r->id));
	assert_int_equal(world_again(t, r)->state, REGISTRATION_PENDING);
	fake_group_add(STAFF_GROUP);
	struct decision d = decision_of(t, world_again(t, r));
	struct account boss = {.id = STR("b"), .login = STR("boss"), .mail = STR("boss@x.test")};
	assert_ok(approval_decide(t, &who, &boss, &d));
	assert_ok(registrar_provision(t, r->id));
	assert_int_equal(fake.adds, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_actor),
		TEST(test_preview),
		TEST(test_decide_refused),
		TEST(test_reject),
		TEST(test_preview_decided),
		TEST(test_decide_parallel),
		TEST(test_cancelled),
		TEST(test_cancelled_too_late),
		TEST(test_cancelled_after_deletion),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
