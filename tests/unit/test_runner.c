/* The runner: claims, retries, parks, takes over, sweeps, stops. The kinds of jobs are those of this file. */
#include "tests/unit/business_fixture.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "broker/runner/runner_private.h"

#define PATIENCE_MS 20000

static atomic_int begun, ended, at_once, most_at_once, moved;
static atomic_int slow_ms;
static atomic_int answer; /* enum err of run_answer */

static enum err run_answer(struct task *t, const struct job *j) {
	begun++;
	assert_true(t->realm == &world_realm && str_eq(t->actor, STR("job")) && task_left_ms(t) > 50000);
	enum err e = (enum err)(int)answer;
	ended++;
	return e ? task_fail(t, e, "because of %.*s", FMT(j->body)) : OK;
}

static enum err run_slow(struct task *t, const struct job *j) {
	(void)t, (void)j;
	begun++;
	int now = ++at_once;
	if (now > most_at_once)
		most_at_once = now;
	usleep((useconds_t)slow_ms * 1000);
	at_once--;
	ended++;
	return OK;
}

static atomic_int hangs; /* logouts: until it is 0 */

static enum err run_hanging(void) {
	int now = ++at_once;
	if (now > most_at_once)
		most_at_once = now;
	while (hangs)
		usleep(5000);
	at_once--;
	return OK;
}

static enum err run_unknown(struct task *t, const struct job *j) {
	begun++;
	(void)j;
	if (hangs)
		return run_hanging();
	return store_begin(t) ? ERR_INTERNAL : ERR_REFUSED; /* leaves a transaction open */
}

const struct kind_row kinds[JOB_KINDS] = {
	[JOB_NOTICE] = {"answer", run_answer, 3},
	[JOB_PLAN_APPLY] = {"slow", run_slow, 2},
	[JOB_LOGOUT] = {"unknown", run_unknown, 2},
	[JOB_PLAN_SETTLE] = {"unknown", run_unknown, 2},
};

static const struct config *config_now(void) {
	return &world_config;
}
static void generation_moved(struct task *t) {
	(void)t;
	moved++;
}

static void start(unsigned workers) {
	struct runner_settings s = {.config_now = config_now, .workers = workers, .generation_moved = generation_moved};
	assert_ok(runner_start(&s));
}

static int setup(void **state) {
	begun = ended = at_once = most_at_once = moved = slow_ms = 0;
	answer = OK;
	return world_setup(state);
}

#define WAIT_UNTIL(condition)                                                                                          \
	do {                                                                                                           \
		int64_t end_ = clock_monotonic_ms() + PATIENCE_MS;                                                     \
		while (!(condition) && clock_monotonic_ms() < end_)                                                    \
			usleep(5000);                                                                                  \
		assert_true(condition);                                                                                \
	} while (0)

static struct str insert(struct task *t, enum job_kind kind, const char *body) {
	struct str id = STR_NONE;
	assert_ok(jobs_insert(t, kind, STR("subject"), str_of(body), 0, &id));
	return id;
}

static struct job *job_find(struct task *t, struct str id) {
	struct job *list = NULL;
	size_t n = 0;
	assert_ok(jobs_list(t, -1, &list, &n));
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].id, id))
			return &list[i];
	return NULL;
}

static void test_done(void **state) {
	struct task *t = world_task(*state);
	struct str before = insert(t, JOB_NOTICE, "1"), late = STR_NONE;
	assert_ok(jobs_insert(t, JOB_NOTICE, STR("s"), STR("later"), clock_wall_ms() + 1000000, &late));
	start(2);
	WAIT_UNTIL(!job_find(t, before));
	struct str after = insert(t, JOB_NOTICE, "2"); /* wakes it */
	WAIT_UNTIL(!job_find(t, after));
	runner_stop();
	assert_int_equal(begun, 2);
	assert_non_null(job_find(t, late));
	assert_int_equal(job_find(t, late)->attempts, 0);
}

static void test_retry(void **state) {
	static const struct { int64_t attempts_before, least, most; } rows[] = {{0, 1600, 2400}, {1, 3200, 4800}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct task *t = world_task(*state);
		struct job *j = NULL;
		struct str id = insert(t, JOB_NOTICE, "x");
		int64_t now = clock_wall_ms();
		for (int64_t k = 0; k < rows[i].attempts_before; k++)
			assert_ok(jobs_claim(t, now, now, true, &j)); /* begun by one that died: its lease is over */
		answer = i ? ERR_TIMEOUT : ERR_UNAVAILABLE;
		begun = 0;
		start(1);
		WAIT_UNTIL((j = job_find(t, id)) && j->state == JOB_QUEUED && j->failure.n);
		runner_stop();
		assert_int_equal(begun, 1);
		assert_int_equal(j->attempts, rows[i].attempts_before + 1);
		assert_str(j->failure, STR("because of x"));
		assert_in_range(j->due_at - now, rows[i].least, rows[i].most + PATIENCE_MS);
		assert_ok(jobs_done(t, id));
	}
}

/* It comes again when its time has come, and then succeeds. */
static void test_retry_again(void **state) {
	struct task *t = world_task(*state);
	struct str id = insert(t, JOB_NOTICE, "x");
	answer = ERR_STALE; /* somebody was faster: look again */
	start(1);
	WAIT_UNTIL(begun == 1);
	answer = OK;
	WAIT_UNTIL(!job_find(t, id));
	runner_stop();
	assert_int_equal(begun, 2);
}

static void test_park(void **state) {
	static const enum err rows[] = {
		ERR_REFUSED, ERR_CONFIG, ERR_NOT_FOUND, ERR_EXISTS, ERR_INVALID, ERR_EXPIRED, ERR_DENIED};
	struct task *t = world_task(*state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct job *j = NULL;
		struct str id = insert(t, JOB_NOTICE, "x");
		answer = (int)rows[i];
		start(1);
		WAIT_UNTIL((j = job_find(t, id)) && j->state == JOB_PARKED);
		runner_stop();
		assert_str(j->failure, STR("because of x"));
		assert_int_equal(j->attempts, 1);
	}
	assert_int_equal(begun, COUNT(rows));
	struct str id = insert(t, JOB_LOGOUT, "x"); /* a function that forgets its transaction harms nobody */
	struct job *j = NULL;
	start(1);
	WAIT_UNTIL((j = job_find(t, id)) && j->state != JOB_RUNNING && j->attempts > 0);
	runner_stop();
	id = insert(t, JOB_NOTICE, "x");
	answer = OK;
	start(1);
	WAIT_UNTIL(!job_find(t, id));
	runner_stop();
}

static void test_park_last_attempt(void **state) {
	struct task *t = world_task(*state);
	struct job *j = NULL;
	struct str id = insert(t, JOB_NOTICE, "x");
	int64_t now = clock_wall_ms();
	for (int i = 0; i < 2; i++)
		assert_ok(jobs_claim(t, now, now, true, &j));
	answer = ERR_UNAVAILABLE;
	start(1);
	WAIT_UNTIL((j = job_find(t, id)) && j->state == JOB_PARKED);
	runner_stop();
	assert_int_equal(begun, 1);
	assert_int_equal(j->attempts, 3);
}

/* One that ends the process each time is not begun again for ever. */
static void test_park_deadly(void **state) {
	struct task *t = world_task(*state);
	struct job *j = NULL;
	struct str id = insert(t, JOB_NOTICE, "x");
	int64_t now = clock_wall_ms();
	for (int i = 0; i < 3; i++)
		assert_ok(jobs_claim(t, now, now, true, &j));
	start(1);
	WAIT_UNTIL((j = job_find(t, id)) && j->state == JOB_PARKED);
	runner_stop();
	assert_int_equal(begun, 0);
	assert_true(str_contains(j->failure, STR("never ended")));
}

static void test_lease(void **state) {
	struct task *t = world_task(*state);
	struct job *j = NULL;
	struct str held = insert(t, JOB_NOTICE, "held"), over = STR_NONE;
	int64_t now = clock_wall_ms();
	assert_ok(jobs_claim(t, now, now + 1000000, true, &j));
	over = insert(t, JOB_NOTICE, "over");
	now = clock_wall_ms();
	assert_ok(jobs_claim(t, now, now + 50, true, &j));
	assert_str(j->id, over);
	start(1);
	WAIT_UNTIL(!job_find(t, over));
	runner_stop();
	assert_int_equal(begun, 1);
	assert_int_equal(job_find(t, held)->state, JOB_RUNNING); /* another node has it */
}

/* The clock is set ahead while a job runs: its lease seems to be over, and yet no other worker here begins it. */
static void test_lease_and_clock(void **state) {
	struct task *t = world_task(*state);
	struct job *j = NULL;
	hangs = 1;
	struct str id = insert(t, JOB_PLAN_SETTLE, "x");
	start(3);
	WAIT_UNTIL(at_once == 1);
	for (int64_t ahead = 1; ahead <= 2; ahead++) {
		world_clock(ahead * 200000);
		WAIT_UNTIL((j = job_find(t, id)) && j->attempts == ahead + 1); /* another claimed it */
	}
	hangs = 0;
	WAIT_UNTIL(!job_find(t, id));
	runner_stop();
	assert_int_equal(begun, 1);
	assert_int_equal(most_at_once, 1);
}

/* The store takes nothing when the job's end is to be recorded; it is recorded as soon as it does. */
static void test_end_kept(void **state) {
	struct task *t = world_task(*state);
	sqlite3 *other = NULL;
	slow_ms = 500;
	struct str id = insert(t, JOB_PLAN_APPLY, "x");
	start(1);
	WAIT_UNTIL(begun == 1);
	assert_int_equal(sqlite3_open(fixture_path, &other), SQLITE_OK);
	sqlite3_busy_timeout(other, 1000);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	WAIT_UNTIL(ended == 1);
	usleep(6000 * 1000); /* a first try has failed */
	assert_non_null(job_find(t, id));
	sqlite3_close(other);
	t = world_task(*state);
	WAIT_UNTIL(!job_find(t, id));
	runner_stop();
	assert_int_equal(begun, 1);
}

static void test_realm_gone(void **state) {
	struct task *t = world_task(*state);
	struct job *j = NULL;
	t->realm_name = STR("gone");
	struct str id = insert(t, JOB_NOTICE, "x");
	start(1);
	WAIT_UNTIL((j = job_find(t, id)) && j->state == JOB_PARKED);
	runner_stop();
	assert_int_equal(begun, 0);
}

/* Many from one commit: all workers take part, and each job runs once. */
static void test_burst(void **state) {
	enum { N = 12 };
	struct task *t = world_task(*state);
	slow_ms = 300;
	start(4);
	usleep(50000);
	assert_ok(store_begin(t));
	enum err e = OK;
	for (int i = 0; i < N && !e; i++)
		e = jobs_insert(t, JOB_PLAN_APPLY, STR("s"), STR("{}"), 0, NULL);
	assert_ok(store_end(t, e));
	WAIT_UNTIL(ended == N);
	runner_stop();
	int64_t left = -1;
	assert_ok(jobs_count(t, -1, &left));
	assert_int_equal(left, 0);
	assert_int_equal(begun, N);
	assert_int_equal(most_at_once, 4);
}

/* Applications that do not answer keep nobody's mail. */
static void test_logouts_leave_room(void **state) {
	struct task *t = world_task(*state);
	int64_t left = -1;
	hangs = 1;
	assert_ok(store_begin(t));
	enum err e = OK;
	for (int i = 0; i < 20 && !e; i++)
		e = jobs_insert(t, JOB_LOGOUT, STR("s"), STR("{}"), 0, NULL);
	assert_ok(store_end(t, e));
	start(4);
	WAIT_UNTIL(at_once == 2);
	for (int i = 0; i < 3; i++) {
		struct str mail = insert(t, JOB_NOTICE, "mail");
		WAIT_UNTIL(!job_find(t, mail));
	}
	assert_int_equal(most_at_once, 2);
	hangs = 0;
	WAIT_UNTIL(jobs_count(t, JOB_QUEUED, &left) == OK && left == 0);
	runner_stop();
}

/* To stop is to end what runs, and to begin nothing more. */
static void test_stop(void **state) {
	struct task *t = world_task(*state);
	slow_ms = 500;
	for (int i = 0; i < 5; i++)
		insert(t, JOB_PLAN_APPLY, "{}");
	start(1);
	WAIT_UNTIL(begun == 1);
	runner_stop();
	assert_int_equal(ended, begun);
	assert_int_equal(begun, 1);
	int64_t left = 0;
	assert_ok(jobs_count(t, -1, &left));
	assert_int_equal(left, 4);
	slow_ms = 0;
	start(3); /* and again */
	WAIT_UNTIL(ended == 5);
	runner_stop();
}

static struct registration *due_new(struct task *t, const char *realm) {
	struct registration *r = arena_new_of(t->arena, struct registration);
	t->realm_name = str_of(realm);
	*r = (struct registration){.id = random_id(t->arena),
		.realm = t->realm_name,
		.profile = STR("guest"),
		.state = REGISTRATION_SUBMITTED,
		.mail = STR("a@x.test"),
		.fields = STR("{}"),
		.version = 1,
		.due_at = 1};
	assert_ok(registrations_insert(t, r));
	return r;
}

/* A hundred of a realm that is gone do not stand before the one that is due. */
static void test_sweep(void **state) {
	struct task *t = world_task(*state);
	struct registration *stale = NULL, *due = NULL, *now = NULL;
	for (int i = 0; i < 100; i++)
		stale = due_new(t, "gone");
	start(1);
	for (int i = 0; i < 3; i++)
		WAIT_UNTIL(registrations_find(t, stale->id, &now) == OK && now->due_at > clock_wall_ms());
	runner_stop();
	due = due_new(t, "staff");
	start(1);
	WAIT_UNTIL(registrations_find(t, due->id, &now) == OK && now->state == REGISTRATION_EXPIRED);
	assert_ok(generation_bump(t));
	WAIT_UNTIL(moved == 1);
	runner_stop();
	/* Whose time has come ends without a word from the directory. */
	struct mirror m = {.account_id = STR("guest"),
			      .directory = STR("main"),
			      .stable_id = STR("guest"),
			      .expires_at = 1},
		      *ended;
	t = world_task(*state);
	assert_ok(mirrors_put(t, &m));
	start(1);
	WAIT_UNTIL(mirrors_find(t, m.account_id, &ended) == OK && ended->state == MIRROR_EXPIRED);
	runner_stop();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_done), TEST(test_retry), TEST(test_retry_again), TEST(test_park),
		TEST(test_park_last_attempt), TEST(test_park_deadly), TEST(test_lease), TEST(test_lease_and_clock),
		TEST(test_end_kept), TEST(test_realm_gone), TEST(test_burst), TEST(test_logouts_leave_room),
		TEST(test_stop), TEST(test_sweep)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
