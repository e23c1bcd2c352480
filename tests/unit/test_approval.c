/* From the decision to the account: approve, provision, activate; with crashes and failures between all steps. */
#include "tests/unit/business_fixture.h"

#include <pthread.h>

static struct account *account_new(struct task *t, const char *login, const char *mail) {
	struct account *a = arena_new_of(t->arena, struct account);
	struct entry *e = NULL;
	fake_person_add(login, mail);
	assert_ok(directory_find_login(t, &world_directory, str_of(login), &e));
	assert_ok(account_link(t, &world_directory, e, &a));
	return a;
}

static struct approver approver_of(struct task *t) {
	struct approver who = {0};
	strs_add(t->arena, &who.profiles, STR("guest"));
	return who;
}

/* What the page would post after this preview. */
static struct decision decision_of(struct task *t, const struct registration *r) {
	struct approver who = approver_of(t);
	struct approval *view = NULL;
	assert_ok(approval_preview(t, &who, r->id, STR(""), NULL, &view));
	return (struct decision){.id = r->id,
		.approve = true,
		.reason = STR("fine"),
		.groups = view->groups,
		.digest = view->digest,
		.version = view->registration->version};
}

static struct registration *approved(struct task *t, const char *given, const char *mail) {
	struct registration *r = world_verified(t, given, "Alt", mail);
	struct approver who = approver_of(t);
	struct account boss = {.id = STR("b"), .login = STR("boss"), .mail = STR("boss@x.test")};
	struct decision d = decision_of(t, r);
	assert_ok(approval_decide(t, &who, &boss, &d));
	return world_again(t, r);
}

/* ---- who ---- */

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

/* ---- provision ---- */

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

/* Before its entry is made, a plan is taken back: the registration is to be decided again. */
static void test_cancelled(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = approved(t, "Anna", "anna@x.test");
	struct approver who = approver_of(t), other = {0};
	struct plan_row *row = NULL;
	struct job *job = NULL;
	struct str plan_id = r->plan_id;
	assert_err(approval_cancel(t, &other, r->id), ERR_NOT_FOUND);
	assert_ok(jobs_claim(t, INT64_MAX - 1, INT64_MAX - 1, JOB_KINDS, &job));
	while (job->kind != JOB_PLAN_APPLY)
		assert_ok(jobs_claim(t, INT64_MAX - 1, INT64_MAX - 1, JOB_KINDS, &job));
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

/* ---- activate ---- */

static struct str provisioned(struct task *t, struct registration **ret) {
	struct registration *r = approved(t, "Anna", "anna@x.test");
	assert_ok(registrar_provision(t, r->id));
	*ret = world_again(t, r);
	return world_link(t, TICKET_ACTIVATE, r);
}

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
	const struct CMUnitTest tests[] = {TEST(test_actor), TEST(test_preview), TEST(test_decide_refused),
		TEST(test_reject), TEST(test_preview_decided), TEST(test_decide_parallel), TEST(test_provision),
		TEST(test_provision_faults), TEST(test_provision_taken), TEST(test_provision_parked),
		TEST(test_cancelled), TEST(test_cancelled_too_late), TEST(test_cancelled_after_deletion),
		TEST(test_by_rule), TEST(test_activate), TEST(test_activate_faults), TEST(test_activate_crash),
		TEST(test_activate_foreign), TEST(test_settle), TEST(test_settle_gives_way)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
