#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/metric.h"
#include "base/secret.h"
#include "base/worker.h"

static int begin(void **state) {
	(void)state;
	secret_init();
	return 0;
}

/* A work that says that it runs, and waits until it may go on. */
struct gated {
	struct work work;
	sem_t *runs, *go;
};

static void run_gated(struct task *t, struct work *work) {
	struct gated *g = (struct gated *)work;
	(void)t;
	sem_post(g->runs);
	sem_wait(g->go);
}

static sem_t runs, go;

static struct gated gated(unsigned lane) {
	return (struct gated){{.run = run_gated, .lane = lane}, &runs, &go};
}

static int open_gate(void **state) {
	sem_init(&runs, 0, 0);
	sem_init(&go, 0, 0);
	return begin(state);
}

static int close_gate(void **state) {
	(void)state;
	sem_destroy(&runs);
	sem_destroy(&go);
	return 0;
}

static void let_go(int n) {
	while (n--)
		sem_post(&go);
}

static void test_arguments(void **state) {
	(void)state;
	assert_null(pool_new("web", 0, 1, 0));
	assert_null(pool_new("web", 257, 1, 0));
	struct pool *p = pool_new("a-long-name-of-a-pool", 1, 1, 0);
	assert_non_null(p);
	assert_int_equal(pool_waiting(p), 0);
	pool_free(p);
}

static void test_queue_is_bounded(void **state) {
	struct gated g[4] = {gated(0), gated(0), gated(0), gated(0)};
	struct pool *p = pool_new("web", 1, 2, 0);
	(void)state;
	assert_int_equal(pool_submit(p, &g[0].work, 1000), OK);
	sem_wait(&runs);
	assert_int_equal(pool_submit(p, &g[1].work, 1000), OK);
	assert_int_equal(pool_submit(p, &g[2].work, 1000), OK);
	assert_int_equal(pool_submit(p, &g[3].work, 1000), ERR_UNAVAILABLE);
	assert_int_equal(pool_waiting(p), 2);
	assert_int_equal(metric_get(METRIC_QUEUE_LENGTH, 0), 2);
	let_go(3);
	pool_free(p); /* runs what is queued */
	for (int i = 0; i < 2; i++)
		assert_int_equal(sem_trywait(&runs), 0);
	assert_int_equal(sem_trywait(&runs), -1);
	assert_int_equal(metric_get(METRIC_QUEUE_LENGTH, 0), 0);
}

static void test_lanes_share(void **state) {
	struct gated g[6] = {gated(1), gated(1), gated(1), gated(2), gated(257), gated(1)};
	struct pool *p = pool_new("jobs", 1, 10, 2);
	(void)state;
	assert_int_equal(pool_submit(p, &g[0].work, 1000), OK);
	sem_wait(&runs); /* what runs counts too */
	assert_int_equal(pool_submit(p, &g[1].work, 1000), OK);
	assert_int_equal(pool_submit(p, &g[2].work, 1000), ERR_UNAVAILABLE);
	assert_int_equal(pool_submit(p, &g[4].work, 1000), ERR_UNAVAILABLE);
	assert_int_equal(pool_submit(p, &g[3].work, 1000), OK);
	assert_int_equal(metric_get(METRIC_QUEUE_LENGTH, 1), 2);
	let_go(2);
	sem_wait(&runs);
	sem_wait(&runs); /* the third runs, so the lane's two have ended */
	assert_int_equal(pool_submit(p, &g[2].work, 1000), OK);
	assert_int_equal(pool_submit(p, &g[4].work, 1000), OK);
	assert_int_equal(pool_submit(p, &g[5].work, 1000), ERR_UNAVAILABLE);
	let_go(3);
	pool_free(p);
}

/* False after ten seconds: what should run never does. */
static bool comes(sem_t *s) {
	struct timespec end;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 10;
	return sem_timedwait(s, &end) == 0;
}

/* One lane never has all threads: another's work goes past what waits of it. */
static void test_a_lane_leaves_a_thread(void **state) {
	struct gated g[6] = {gated(1), gated(1), gated(1), gated(1), gated(1), gated(2)};
	struct pool *p = pool_new("web", 4, 10, 10);
	sem_t other;
	(void)state;
	sem_init(&other, 0, 0);
	g[5].runs = &other;
	for (int i = 0; i < 6; i++)
		assert_int_equal(pool_submit(p, &g[i].work, 1000), OK);
	bool came = comes(&other);
	for (int i = 0; i < 3; i++)
		sem_wait(&runs);
	unsigned waiting = pool_waiting(p);
	let_go(6);
	pool_free(p); /* runs what waits */
	assert_true(came);
	assert_int_equal(waiting, 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sem_trywait(&runs), 0);
	assert_int_equal(sem_trywait(&runs), -1);
	sem_destroy(&other);
}

struct order {
	struct work work;
	char letter;
};
static char written[8];
static size_t n_written;

static void run_order(struct task *t, struct work *work) {
	(void)t;
	written[n_written++] = ((struct order *)work)->letter;
}

static void test_first_come_first_served(void **state) {
	struct gated g = gated(0);
	struct order o[3] = {{{.run = run_order}, 'a'}, {{.run = run_order}, 'b'}, {{.run = run_order}, 'c'}};
	struct pool *p = pool_new("test", 1, 10, 0);
	(void)state;
	assert_int_equal(pool_submit(p, &g.work, 1000), OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pool_submit(p, &o[i].work, 1000), OK);
	let_go(1);
	pool_free(p);
	assert_string_equal(written, "abc");
}

/* What a work finds: its task. */
struct found {
	struct work work;
	struct arena *arena;
	struct handles *handles;
	size_t used;
	int64_t deadline;
	enum err failure;
	char name[16];
	bool masked;
};

static void run_found(struct task *t, struct work *work) {
	struct found *f = (struct found *)work;
	sigset_t mask;
	f->arena = t->arena;
	f->handles = t->handles;
	f->used = arena_used(t->arena);
	f->deadline = t->deadline;
	f->failure = t->failure;
	pthread_getname_np(pthread_self(), f->name, sizeof(f->name));
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	f->masked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGHUP);
	arena_alloc(t->arena, 1000);
	err_ignore(task_fail(t, ERR_INTERNAL, "left behind"), "test");
}

static void test_task_of_a_work(void **state) {
	struct gated g = gated(0);
	struct found f[2] = {{.work.run = run_found}, {.work.run = run_found}};
	struct pool *p = pool_new("web", 1, 10, 0);
	sigset_t mask;
	(void)state;
	assert_int_equal(pool_submit(p, &g.work, 1000), OK);
	sem_wait(&runs); /* the worker has its name by the time it is asked */
	int64_t before = clock_monotonic_ms();
	assert_int_equal(pool_submit(p, &f[0].work, 5000), OK);
	assert_int_equal(pool_submit(p, &f[1].work, 7000), OK);
	int64_t after = clock_monotonic_ms();
	let_go(1);
	pool_free(p);
	assert_true(f[0].deadline >= before + 5000 && f[0].deadline <= after + 5000);
	assert_true(f[1].deadline >= before + 7000 && f[1].deadline <= after + 7000);
	assert_non_null(f[0].arena);
	assert_non_null(f[0].handles);
	assert_ptr_equal(f[0].arena, f[1].arena);
	assert_ptr_equal(f[0].handles, f[1].handles);
	assert_int_equal(f[0].used, f[1].used);
	assert_int_equal(f[1].failure, OK);
	assert_string_equal(f[0].name, "web/0");
	assert_true(f[0].masked);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM));
}

static atomic_uint counted;

static void run_freed(struct task *t, struct work *work) {
	arena_alloc(t->arena, 100);
	free(work);
	atomic_fetch_add(&counted, 1);
}

/* Many threads submit what frees itself; what was accepted runs once. */
static void *submit_many(void *argument) {
	unsigned accepted = 0;
	for (int i = 0; i < 500; i++) {
		struct work *work = calloc(1, sizeof(*work));
		work->run = run_freed;
		work->lane = (unsigned)i;
		if (pool_submit(argument, work, 1000))
			free(work);
		else
			accepted++;
	}
	return (void *)(uintptr_t)accepted;
}

static void test_many(void **state) {
	struct pool *p = pool_new("web", 4, 100, 10);
	pthread_t threads[4];
	unsigned accepted = 0;
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, submit_many, p), 0);
	for (int i = 0; i < 4; i++) {
		void *part;
		pthread_join(threads[i], &part);
		accepted += (unsigned)(uintptr_t)part;
	}
	pool_free(p);
	assert_true(accepted >= 100);
	assert_int_equal(atomic_load(&counted), accepted);
}

/* A work that submits while the pool drains: refused. */
struct late {
	struct work work;
	struct pool *pool;
	struct order then;
	enum err got;
};

static void run_late(struct task *t, struct work *work) {
	struct late *l = (struct late *)work;
	(void)t;
	sem_post(&runs);
	do { /* the drain begins soon after the semaphore */
		l->got = pool_submit(l->pool, &l->then.work, 1000);
		if (!l->got)
			sem_wait(&go);
	} while (!l->got);
}

static void run_go(struct task *t, struct work *work) {
	(void)t;
	(void)work;
	sem_post(&go);
}

static void test_drain_refuses(void **state) {
	struct late l = {.work.run = run_late, .then.work.run = run_go};
	struct pool *p = pool_new("test", 2, 10, 0);
	(void)state;
	l.pool = p;
	assert_int_equal(pool_submit(p, &l.work, 1000), OK);
	sem_wait(&runs);
	pool_free(p);
	assert_int_equal(l.got, ERR_UNAVAILABLE);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_arguments, begin, NULL),
		cmocka_unit_test_setup_teardown(test_queue_is_bounded, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(test_lanes_share, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(test_a_lane_leaves_a_thread, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(test_first_come_first_served, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(test_task_of_a_work, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(test_many, begin, NULL),
		cmocka_unit_test_setup_teardown(test_drain_refuses, open_gate, close_gate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
