/* A registration from its submission to the decision: every state and event, and everybody at once. */
#include "tests/unit/business_fixture.h"

#include <pthread.h>

/* ---- the table ---- */

static struct registration *row_new(struct task *t, enum registration_state state) {
	struct registration *r = arena_new_of(t->arena, struct registration);
	*r = (struct registration){.id = random_id(t->arena),
		.realm = t->realm_name,
		.profile = STR("guest"),
		.state = state,
		.mail = STR("a@x.test"),
		.mail_key = STR("a@x.test"),
		.fields = STR("{}"),
		.version = 1,
		.created_at = clock_wall_ms()};
	assert_ok(registrations_insert(t, r));
	return r;
}

static void test_transitions(void **state) {
	enum { NO = -1, S, P, A, C, ACT, R, X, W };
	/* Columns: SUBMIT_AGAIN, VERIFY_PENDING, VERIFY_APPROVED, APPROVE, REJECT, PROVISIONED, ACTIVATE, GIVE_WAY,
	 * EXPIRE, WITHDRAW, CANCEL */
	static const int to[REGISTRATION_STATES][EVENTS] = {
		[REGISTRATION_SUBMITTED] = {X, P, A, NO, NO, NO, NO, NO, X, W, NO},
		[REGISTRATION_PENDING] = {NO, NO, NO, A, R, NO, NO, NO, X, W, NO},
		[REGISTRATION_APPROVED] = {NO, NO, NO, NO, NO, C, NO, NO, NO, NO, P},
		[REGISTRATION_PROVISIONED] = {NO, NO, NO, NO, NO, NO, ACT, A, NO, NO, NO},
		[REGISTRATION_ACTIVE] = {NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO},
		[REGISTRATION_REJECTED] = {NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO},
		[REGISTRATION_EXPIRED] = {NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO},
		[REGISTRATION_WITHDRAWN] = {NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO},
	};
	struct task *t = world_task(*state);
	for (int s = 0; s < REGISTRATION_STATES; s++)
		for (int e = 0; e < EVENTS; e++) {
			struct registration *r = row_new(t, (enum registration_state)s);
			enum err got = registration_transition(t, r, (enum event)e, STR("note"));
			int now = (int)world_again(t, r)->state;
			task_clear(t);
			if (got != (to[s][e] == NO ? ERR_STALE : OK) || now != (to[s][e] == NO ? s : to[s][e]) ||
				(int)r->state != now)
				fail_msg("state %d, event %d: %s, then state %d", s, e, err_row(got)->name, now);
			assert_int_equal(registration_can((enum registration_state)s, (enum event)e), to[s][e] != NO);
			assert_int_equal(world_audits(t, r->id, "registration."), to[s][e] != NO);
		}
}

static void test_transition_stale(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = row_new(t, REGISTRATION_PENDING), old = *r;
	assert_ok(registration_transition(t, r, EVENT_APPROVE, STR("")));
	assert_err(registration_transition(t, &old, EVENT_REJECT, STR("")), ERR_STALE);
	assert_int_equal(old.state, REGISTRATION_PENDING);
	assert_int_equal(world_again(t, r)->state, REGISTRATION_APPROVED);
}

/* ---- submit ---- */

static void test_submit(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = world_submit(t, " Anna ", "Alt", "Anna@X.test");
	assert_int_equal(r->state, REGISTRATION_SUBMITTED);
	assert_str(r->mail, STR("Anna@X.test"));
	assert_str(r->fields, STR("{\"given_name\":\"Anna\",\"family_name\":\"Alt\",\"mail\":\"Anna@X.test\"}"));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "verify", NULL), 1);
	assert_int_equal(world_audits(t, r->id, "registration.submit"), 1);
	assert_int_equal(fake.calls, 0); /* nothing about the address is asked while somebody waits */
	struct submission bad = world_submission(t, "", "Alt", "not an address");
	assert_err(registration_submit(t, &bad), ERR_FIELDS);
	assert_string_equal(bad.fields[0].problem, "field.required");
	assert_string_equal(bad.fields[2].problem, "field.email");
	assert_int_equal(world_jobs(t, JOB_NOTICE, "verify", NULL), 1);
}

/* The mailbox's limit is silent, the address's is told. */
static void test_submit_limits(void **state) {
	struct task *t = world_task(*state);
	static const char *const spellings[] = {
		"bomb@x.test", "Bomb@x.test", "bomb@X.TEST", "BOMB@x.test", "bomb@x.test"};
	for (size_t i = 0; i < COUNT(spellings); i++) {
		struct submission s = world_submission(t, "A", "B", spellings[i]);
		assert_ok(registration_submit(t, &s));
	}
	assert_int_equal(world_jobs(t, JOB_NOTICE, "verify", NULL), 3);
	world_config.registrations_per_address = 2;
	t->address = STR("limited address");
	for (int i = 0; i < 3; i++) {
		struct submission s = world_submission(t, "A", "B", str_printf(t->arena, "m%d@x.test%c", i, 0).p);
		assert_err(registration_submit(t, &s), i < 2 ? OK : ERR_TOO_MANY);
	}
	assert_int_equal(world_jobs(t, JOB_NOTICE, "verify", NULL), 5);
}

/* What the job finds out about an address. */
static void test_submission_notice(void **state) {
	struct task *t = world_task(*state);
	enum submission_notice say = SUBMISSION_NOTHING;
	struct registration *open = NULL;
	struct registration *r = world_submit(t, "A", "B", "new@x.test");
	assert_ok(registrar_submission_notice(t, r, &say, &open));
	assert_int_equal(say, SUBMISSION_VERIFY);
	fake_person_add("known", "known@x.test");
	r = world_submit(t, "A", "B", "Known@x.test");
	assert_ok(registrar_submission_notice(t, r, &say, &open));
	assert_int_equal(say, SUBMISSION_KNOWN);
	assert_ok(registrar_submission_end(t, r));
	assert_int_equal(r->state, REGISTRATION_EXPIRED);
	assert_ok(registrar_submission_notice(t, r, &say, &open));
	assert_int_equal(say, SUBMISSION_NOTHING);
	struct registration *pending = world_verified(t, "A", "B", "twice@x.test");
	assert_int_equal(pending->state, REGISTRATION_PENDING);
	nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL); /* the newest is found by its millisecond */
	r = world_submit(t, "A", "B", "Twice@x.test");
	r = world_registration(t, "Twice@x.test");
	assert_ok(registrar_submission_notice(t, r, &say, &open));
	assert_int_equal(say, SUBMISSION_PENDING);
	assert_str(open->id, pending->id);
	fake.down = true;
	assert_err(registrar_submission_notice(t, r, &say, &open), ERR_UNAVAILABLE);
}

/* ---- verify ---- */

static void test_verify(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = world_submit(t, "Anna", "Alt", "anna@x.test"), *seen = NULL;
	struct str link = world_link(t, TICKET_VERIFY, r), second = STR_NONE;
	assert_ok(ticket_issue(t, TICKET_VERIFY, STR("resent"), r->id, r->mail, 3600, &second));
	assert_ok(registration_verify_look(t, link, &seen));
	assert_ok(registration_verify_look(t, link, &seen)); /* looking changes nothing */
	assert_int_equal(world_again(t, r)->state, REGISTRATION_SUBMITTED);
	assert_ok(registration_verify(t, link, &seen));
	assert_int_equal(seen->state, REGISTRATION_PENDING);
	assert_true(seen->verified_at > 0 && seen->approval_why.n > 0);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "pending", NULL), 1);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "approvers", NULL), 1);
	assert_int_equal(world_jobs(t, JOB_PLAN_APPLY, "", NULL), 0);
	assert_err(registration_verify(t, link, &seen), ERR_EXPIRED);
	assert_err(registration_verify(t, second, &seen), ERR_EXPIRED); /* all links of the step end with it */
}

static void test_verify_by_rule(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = world_verified(t, "Anna", "Alt", "anna@partner.test");
	assert_int_equal(r->state, REGISTRATION_APPROVED);
	assert_str(r->decided_by, STR("rule"));
	assert_int_equal(world_jobs(t, JOB_PLAN_APPLY, "", NULL), 1);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "approvers", NULL), 0);
}

static void test_verify_refused(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = world_submit(t, "Anna", "Alt", "anna@x.test"), *seen = NULL;
	struct str other = STR_NONE;
	assert_ok(ticket_issue(t, TICKET_VERIFY, STR("o"), r->id, STR("other@x.test"), 3600, &other));
	assert_err(registration_verify(t, other, &seen), ERR_EXPIRED); /* proves another address */
	assert_err(registration_verify_look(t, other, &seen), ERR_EXPIRED);
	assert_err(registration_verify(t, world_link(t, TICKET_STATUS, r), &seen), ERR_EXPIRED);
	assert_err(registration_verify(t, STR("x"), &seen), ERR_EXPIRED);
	struct str link = world_link(t, TICKET_VERIFY, r);
	assert_ok(registration_transition(t, world_again(t, r), EVENT_EXPIRE, STR("")));
	assert_err(registration_verify(t, link, &seen), ERR_EXPIRED);
	assert_err(registration_verify_look(t, link, &seen), ERR_EXPIRED);
	assert_ok(registrations_remove(t, r->id));
	assert_err(registration_verify(t, link, &seen), ERR_EXPIRED);
}

/* Nothing is half done: with the store failing (here: another was faster), the link stays good. */
static void test_verify_rolls_back(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = world_submit(t, "Anna", "Alt", "anna@x.test"), *seen = NULL;
	struct str link = world_link(t, TICKET_VERIFY, r);
	world_profile.fields = NULL;
	world_profile.n_fields = 0;
	world_profile.id = STR("renamed");
	assert_err(registration_verify(t, link, &seen), ERR_CONFIG);
	world_profile.id = STR("guest");
	world_profile.fields = world_fields;
	world_profile.n_fields = 4;
	task_clear(t);
	assert_ok(registration_verify(t, link, &seen));
}

static struct str contested;
static pthread_barrier_t barrier;

static void *verify(void *result) {
	struct worker w;
	struct registration *r = NULL;
	worker_new(&w);
	struct task *t = world_task(&w);
	pthread_barrier_wait(&barrier);
	*(enum err *)result = registration_verify(t, contested, &r);
	worker_free(&w);
	return NULL;
}

static void test_verify_parallel(void **state) {
	enum { N = 8 };
	struct task *t = world_task(*state);
	pthread_t threads[N];
	enum err results[N];
	int won = 0;
	struct registration *r = world_submit(t, "Anna", "Alt", "anna@partner.test");
	contested = world_link(t, TICKET_VERIFY, r);
	pthread_barrier_init(&barrier, NULL, N);
	for (int i = 0; i < N; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify, &results[i]), 0);
	for (int i = 0; i < N; i++) {
		pthread_join(threads[i], NULL);
		won += results[i] == OK;
		if (results[i] && results[i] != ERR_EXPIRED && results[i] != ERR_STALE)
			fail_msg("%s", err_row(results[i])->name);
	}
	pthread_barrier_destroy(&barrier);
	assert_int_equal(won, 1);
	assert_int_equal(world_jobs(t, JOB_PLAN_APPLY, "", NULL), 1);
	assert_int_equal(world_audits(t, r->id, "registration.verify"), 1);
}

/* Two registrations of one mailbox before either link is used: one goes on, whatever became of it meanwhile. */
static void test_verify_twins(void **state) {
	static const enum registration_state first_now[] = {REGISTRATION_PENDING, REGISTRATION_APPROVED,
		REGISTRATION_PROVISIONED, REGISTRATION_ACTIVE, REGISTRATION_REJECTED, REGISTRATION_WITHDRAWN};
	struct task *t = world_task(*state);
	for (size_t i = 0; i < COUNT(first_now); i++) {
		const char *mail = str_printf(t->arena, "twin%zu@x.test%c", i, 0).p;
		struct registration *first = world_submit(t, "A", "B", mail), *second = NULL, *seen = NULL;
		struct str link = world_link(t, TICKET_VERIFY, first);
		nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL); /* the newest is found by its millisecond */
		second = world_submit(t, "C", "D", mail);
		second = world_registration(t, mail);
		assert_false(str_eq(first->id, second->id));
		struct str other = world_link(t, TICKET_VERIFY, second);
		assert_ok(registration_verify(t, link, &seen));
		nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
		seen->state = first_now[i];
		seen->updated_at = clock_wall_ms();
		assert_ok(registrations_update(t, seen));
		bool goes_on = first_now[i] >= REGISTRATION_REJECTED;
		assert_int_equal(registration_verify(t, other, &seen), goes_on ? OK : ERR_EXPIRED);
		task_clear(t);
		assert_int_equal(world_again(t, second)->state, goes_on ? REGISTRATION_PENDING : REGISTRATION_EXPIRED);
	}
}

/* ---- once more, status ---- */

static void test_resend(void **state) {
	struct task *t = world_task(*state);
	world_submit(t, "A", "B", "again@x.test");
	size_t before = world_jobs(t, JOB_NOTICE, "verify", NULL);
	assert_ok(registration_resend(t, &world_profile, STR(" Again@X.test ")));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "verify", NULL), before + 1);
	assert_ok(registration_resend(t, &world_profile, STR("again@x.test"))); /* cool-down */
	assert_int_equal(world_jobs(t, JOB_NOTICE, "verify", NULL), before + 1);
	struct registration *r = world_verified(t, "A", "B", "wait@x.test");
	assert_ok(registration_resend(t, &world_profile, r->mail));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "pending", NULL), 2);
	/* An unknown address costs the same: a job, about nothing. */
	struct job j;
	struct registration *nothing = NULL;
	before = world_jobs(t, JOB_NOTICE, "verify", NULL);
	assert_ok(registration_resend(t, &world_profile, STR("unknown@x.test")));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "verify", &j), before + 1);
	struct job *jobs = NULL;
	size_t n = 0;
	assert_ok(jobs_list(t, -1, &jobs, &n));
	int about_nothing = 0;
	for (size_t i = 0; i < n; i++)
		about_nothing += registrations_find(t, jobs[i].subject, &nothing) == ERR_NOT_FOUND;
	assert_int_equal(about_nothing, 1);
	assert_ok(registration_resend(t, &world_profile, STR("not an address")));
}

/* An approver sends the mail again that its owner missed; not in any other state, and not at once again. */
static void test_resend_activation(void **state) {
	struct task *t = world_task(*state);
	struct str profiles[] = {STR("guest")};
	const struct approver who = {.profiles = {profiles, 1}}, stranger = {0};
	struct registration *r = world_verified(t, "A", "B", "late@x.test");
	assert_err(approval_resend(t, &who, r->id), ERR_STALE);
	r->state = REGISTRATION_PROVISIONED;
	assert_ok(registrations_update(t, r));
	task_clear(t);
	assert_err(approval_resend(t, &stranger, r->id), ERR_NOT_FOUND);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "activate", NULL), 0);
	task_clear(t);
	assert_ok(approval_resend(t, &who, r->id));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "activate", NULL), 1);
	assert_int_equal(world_audits(t, r->id, "registration.resend"), 1);
	assert_err(approval_resend(t, &who, r->id), ERR_TOO_MANY);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "activate", NULL), 1);
	assert_int_equal(world_audits(t, r->id, "registration.resend"), 1);
}

static void test_status(void **state) {
	struct task *t = world_task(*state);
	struct registration *r = world_verified(t, "A", "B", "status@x.test"), *seen = NULL;
	struct str link = world_link(t, TICKET_STATUS, r);
	struct timeline line;
	assert_ok(registration_status(t, link, &seen));
	registration_timeline(t, seen, &world_profile, &line);
	assert_int_equal(line.n, 5);
	assert_true(line.v[1].done && line.v[2].now && !line.v[2].done);
	assert_ok(registration_withdraw(t, link));
	assert_err(registration_withdraw(t, link), ERR_STALE);
	task_clear(t);
	assert_ok(registration_status(t, link, &seen));
	assert_int_equal(seen->state, REGISTRATION_WITHDRAWN);
	registration_timeline(t, seen, &world_profile, &line);
	assert_string_equal(line.v[line.n - 1].key, "timeline.withdrawn");
	assert_true(line.v[line.n - 1].bad);
	assert_err(registration_status(t, world_link(t, TICKET_VERIFY, r), &seen), ERR_EXPIRED);
}

/* ---- what falls due ---- */

static struct registration *due(struct task *t, int64_t at, struct str id) {
	struct registration *list = NULL;
	size_t n = 0;
	world_clock(at);
	assert_ok(registrations_due(t, clock_wall_ms(), &list, &n));
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].id, id))
			return &list[i];
	return NULL;
}

static void test_due(void **state) {
	struct task *t = world_task(*state);
	const int64_t s = 1000;
	struct registration *sent = world_submit(t, "A", "B", "due1@x.test"), *r = NULL;
	struct registration *waits = world_verified(t, "A", "B", "due2@x.test");
	assert_null(due(t, 3500 * s, sent->id));
	assert_non_null(r = due(t, 3601 * s, sent->id));
	assert_ok(registrar_due(t, r));
	assert_int_equal(world_again(t, sent)->state, REGISTRATION_EXPIRED);
	assert_non_null(r = due(t, 7201 * s, waits->id)); /* reminders until the end, then the end */
	assert_ok(registrar_due(t, r));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "reminder", NULL), 1);
	assert_null(due(t, 14000 * s, waits->id));
	for (int i = 2; i <= 4; i++) {
		assert_non_null(r = due(t, (7203 * i) * s, waits->id));
		assert_ok(registrar_due(t, r));
	}
	assert_int_equal(world_jobs(t, JOB_NOTICE, "reminder", NULL), 4);
	assert_non_null(r = due(t, 36001 * s, waits->id));
	assert_ok(registrar_due(t, r));
	assert_int_equal(world_again(t, waits)->state, REGISTRATION_EXPIRED);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "undecided", NULL), 1);
	assert_non_null(r = due(t, (36001 + 864001) * s, waits->id));
	assert_ok(registrar_due(t, r));
	assert_err(registrations_find(t, waits->id, &r), ERR_NOT_FOUND);
	assert_int_equal(world_audits(t, waits->id, "registration.remove"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_transitions), TEST(test_transition_stale), TEST(test_submit),
		TEST(test_submit_limits), TEST(test_submission_notice), TEST(test_verify), TEST(test_verify_by_rule),
		TEST(test_verify_refused), TEST(test_verify_rolls_back), TEST(test_verify_parallel),
		TEST(test_verify_twins), TEST(test_resend), TEST(test_resend_activation), TEST(test_status),
		TEST(test_due)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
