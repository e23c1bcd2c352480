/* Transactions: all or nothing, one sync for all, and one of many threads that wins. */
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/store_fixture.h"

#include "base/metric.h"
#include "broker/store/sync.h"

/* ---- transactions ---- */

static _Atomic int wakes;
static void count_wake(void) {
	wakes++;
}

static void all_or_nothing(void **state) {
	struct worker *w = *state;
	struct task *t = &w->task;
	struct job *got = NULL;
	store_on_jobs(count_wake);
	wakes = 0;
	assert_ok(store_begin(t));
	assert_err(store_begin(t), ERR_INTERNAL);
	assert_ok(jobs_insert(t, JOB_NOTICE, STR("r"), STR("{}"), 0, NULL));
	assert_ok(audit_insert(t, STR("x"), STR("r"), STR("{}")));
	assert_err(store_end(t, ERR_DENIED), ERR_DENIED);
	assert_err(jobs_find_subject(t, JOB_NOTICE, STR("r"), &got), ERR_NOT_FOUND);
	assert_int_equal(wakes, 0);
	assert_err(store_end(t, OK), ERR_INTERNAL);
	assert_err(store_end(t, ERR_STALE), ERR_STALE);
	assert_ok(store_begin(t));
	assert_ok(jobs_insert(t, JOB_NOTICE, STR("r"), STR("{}"), 0, NULL));
	assert_int_equal(wakes, 0);
	assert_ok(store_end(t, OK));
	assert_int_equal(wakes, 1);
	assert_ok(jobs_insert(t, JOB_NOTICE, STR("r"), STR("{}"), 0, NULL));
	assert_int_equal(wakes, 2);
	assert_ok(audit_insert(t, STR("x"), STR("r"), STR("{}")));
	assert_int_equal(wakes, 2);
	store_on_jobs(NULL);
}

static void a_writer_waits_until_its_deadline(void **state) {
	struct worker *w = *state, other;
	struct account *got = NULL;
	worker_new(&other);
	assert_ok(store_begin(&w->task));
	assert_ok(accounts_insert(&w->task, &(struct account){.id = STR("a"), .stable_id = STR("s"), .sub = STR("u")}));
	other.task.deadline = clock_monotonic_ms() + 30;
	assert_err(store_begin(&other.task), ERR_UNAVAILABLE);
	worker_begin(&other, STR("staff"));
	assert_err(accounts_find(&other.task, STR("a"), &got), ERR_NOT_FOUND); /* not yet, and without waiting */
	assert_ok(store_end(&w->task, OK));
	assert_ok(accounts_find(&other.task, STR("a"), &got));
	/* A lock of another process. */
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open_v2(fixture_path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	other.task.deadline = clock_monotonic_ms() + 30;
	assert_err(store_check(&other.task), ERR_UNAVAILABLE);
	sqlite3_close(db);
	assert_ok(store_check(worker_begin(&other, STR("staff"))));
	worker_free(&other);
}

static void a_forgotten_transaction_ends(void **state) {
	struct worker *w = *state, other;
	struct account *got = NULL;
	worker_new(&other);
	assert_ok(store_begin(&w->task));
	assert_ok(accounts_insert(&w->task, &(struct account){.id = STR("a"), .stable_id = STR("s"), .sub = STR("u")}));
	assert_err(store_settle(&w->task), ERR_INTERNAL);
	assert_ok(store_check(&other.task));
	assert_err(accounts_find(&w->task, STR("a"), &got), ERR_NOT_FOUND);
	assert_ok(store_begin(&other.task));
	worker_free(&other); /* a worker that ends lets go */
	assert_ok(store_check(&w->task));
}

static void one_sync_for_all(void **state) {
	struct worker *w = *state, other;
	struct account *got = NULL;
	worker_new(&other);
	assert_ok(store_settle(&w->task));
	int64_t before = metric_get(METRIC_STORE_SYNCS, 0);
	assert_err(accounts_find(&w->task, STR("a"), &got), ERR_NOT_FOUND);
	assert_ok(store_settle(&w->task));
	assert_int_equal(metric_get(METRIC_STORE_SYNCS, 0), before); /* all was safe */
	assert_ok(store_check(&w->task));
	assert_ok(store_check(&w->task));
	assert_ok(store_settle(worker_begin(&other, STR("staff"))));
	assert_int_equal(metric_get(METRIC_STORE_SYNCS, 0), before); /* it used nothing */
	assert_err(accounts_find(&other.task, STR("a"), &got), ERR_NOT_FOUND);
	assert_ok(store_settle(&other.task));
	assert_int_equal(metric_get(METRIC_STORE_SYNCS, 0), before + 1); /* it may have read them */
	assert_ok(store_settle(&w->task));
	assert_int_equal(metric_get(METRIC_STORE_SYNCS, 0), before + 1);
	assert_ok(tickets_release(&w->task, STR("none"))); /* changes nothing */
	assert_ok(store_settle(&w->task));
	assert_int_equal(metric_get(METRIC_STORE_SYNCS, 0), before + 1);
	worker_free(&other);
}

/* It is there for all, and nobody waits for it. */
static void passing_commits_wait_for_none(void **state) {
	struct worker *w = *state;
	struct session s = {.id_hash = STR("k"), .sid = STR("s")}, *got = NULL;
	assert_ok(store_check(&w->task));
	assert_ok(store_settle(&w->task));
	int64_t before = metric_get(METRIC_STORE_SYNCS, 0), commits = metric_get(METRIC_STORE_COMMITS, 0);
	assert_ok(store_begin(&w->task));
	assert_ok(store_end_passing(&w->task, sessions_insert(&w->task, &s)));
	assert_ok(sessions_find(&w->task, STR("k"), &got));
	assert_ok(store_settle(&w->task));
	assert_int_equal(metric_get(METRIC_STORE_COMMITS, 0), commits + 1);
	assert_int_equal(metric_get(METRIC_STORE_SYNCS, 0), before);
	assert_ok(store_begin(&w->task)); /* a job waits for nobody to ask for it: it must last */
	assert_ok(store_end_passing(&w->task, jobs_insert(&w->task, JOB_NOTICE, STR("s"), STR("{}"), 0, NULL)));
	assert_ok(store_settle(&w->task));
	assert_int_equal(metric_get(METRIC_STORE_SYNCS, 0), before + 1);
	assert_ok(store_begin(&w->task));
	assert_err(store_end_passing(&w->task, ERR_DENIED), ERR_DENIED);
}

static bool broken_disk(void *connection) {
	(void)connection;
	return false;
}

static void a_failed_sync_ends_the_process(void **state) {
	struct worker *w = *state;
	int status = 0;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		signal(SIGABRT, SIG_DFL);
		sync_commit_begins();
		sync_commit_ended();
		err_ignore(sync_wait(&w->task, sync_mark(), broken_disk, NULL), "it does not return");
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static int syncs_run;
static bool counting_disk(void *connection) {
	(void)connection;
	syncs_run++;
	return true;
}

/* A commit that is counted but has not returned may have been read: one sync from then on is enough, and
 * does not make it safe for later readers. */
static void a_commit_under_way_is_synced(void **state) {
	struct worker *w = *state;
	syncs_run = 0;
	sync_commit_begins();
	assert_ok(sync_wait(&w->task, sync_mark(), counting_disk, NULL));
	assert_int_equal(syncs_run, 1);
	assert_ok(sync_wait(&w->task, sync_mark(), counting_disk, NULL));
	assert_int_equal(syncs_run, 2);
	sync_commit_ended();
	assert_ok(sync_wait(&w->task, sync_mark(), counting_disk, NULL));
	assert_int_equal(syncs_run, 3);
	assert_ok(sync_wait(&w->task, sync_mark(), counting_disk, NULL));
	assert_int_equal(syncs_run, 3);
}

/* ---- threads ---- */

#define THREADS 8
#define ROUNDS  25

static pthread_barrier_t together;
static _Atomic int code_winners[ROUNDS], refresh_winners[ROUNDS], lease_winners[ROUNDS], claims[ROUNDS], strange;

static void count_result(enum err e, enum err loser, _Atomic int *winners) {
	if (e == OK)
		(*winners)++;
	else if (e != loser)
		strange++;
}

static struct str numbered(struct task *t, int round) {
	return str_printf(t->arena, "%d", round);
}

static void *race(void *argument) {
	struct worker *w = argument;
	for (int i = 0; i < ROUNDS; i++) {
		struct grant *g = NULL;
		struct refresh *f = NULL;
		struct job *j = NULL;
		int64_t of = 0;
		pthread_barrier_wait(&together);
		arena_wipe(w->arena);
		struct task *t = worker_begin(w, STR("staff"));
		count_result(grants_use_code(t, numbered(t, i), 5, 1000, &g), ERR_STALE, &code_winners[i]);
		count_result(refresh_use(t, numbered(t, i), 5, &f), ERR_STALE, &refresh_winners[i]);
		count_result(tickets_lease(t, numbered(t, i), 5, 10), ERR_EXPIRED, &lease_winners[i]);
		enum err e = jobs_claim(t, 5, 10, true, &j);
		if (e == OK && str_int(j->subject, 0, ROUNDS - 1, &of))
			claims[of]++;
		else if (e != ERR_NOT_FOUND)
			strange++;
		if (audit_insert(t, STR("race"), numbered(t, i), STR("{}")) || store_settle(t))
			strange++;
	}
	return NULL;
}

static void one_of_many_wins(void **state) {
	struct task *t = &((struct worker *)*state)->task;
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	struct audit_row *told = NULL;
	size_t n = 0;
	int64_t left = 0;
	for (int i = 0; i < ROUNDS; i++) {
		struct str id = numbered(t, i);
		assert_ok(grants_insert(
			t, &(struct grant){.id = id, .code_hash = id, .code_expires_at = 99, .expires_at = 99}));
		assert_ok(refresh_insert(t, &(struct refresh){.hash = id, .grant_id = id, .expires_at = 99}));
		assert_ok(tickets_insert(t, &(struct ticket){.hash = id, .expires_at = 99}));
		assert_ok(jobs_insert(t, JOB_NOTICE, id, STR("{}"), 1, NULL));
	}
	pthread_barrier_init(&together, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		worker_new(&workers[i]);
		assert_int_equal(pthread_create(&threads[i], NULL, race, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		worker_free(&workers[i]);
	}
	pthread_barrier_destroy(&together);
	assert_int_equal(strange, 0);
	assert_ok(jobs_count(t, JOB_QUEUED, &left));
	assert_int_equal(left, 0);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(code_winners[i], 1);
		assert_int_equal(refresh_winners[i], 1);
		assert_int_equal(lease_winners[i], 1);
		assert_int_equal(claims[i], 1);
		assert_ok(audit_list(t, &(struct audit_filter){.subject = numbered(t, i), .limit = 100}, &told, &n));
		assert_int_equal(n, THREADS);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(all_or_nothing),
		TEST(a_writer_waits_until_its_deadline),
		TEST(a_forgotten_transaction_ends),
		TEST(one_sync_for_all),
		TEST(passing_commits_wait_for_none),
		TEST(a_failed_sync_ends_the_process),
		TEST(a_commit_under_way_is_synced),
		TEST(one_of_many_wins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
