/* Allowances: counted, given back, forgotten, and never overrun by threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/metric.h"
#include "base/secret.h"
#include "broker/account/account.h"

#define THREADS 8
#define TRIES   50

static struct realm realm = {.id = STR("staff"), .login_max_failures = 5, .login_window = 900};
static struct config config = {.registrations_per_address = 20, .registrations_per_mailbox = 3};
static struct arena *arena;
static struct task task;

static int begin(void **state) {
	(void)state;
	secret_init();
	arena = arena_new();
	task_begin(&task, arena, NULL, 1000);
	task.config = &config;
	task.realm = &realm;
	task.realm_name = realm.id;
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static int granted(enum throttle kind, const char *key, int tries) {
	int n = 0;
	for (int i = 0; i < tries; i++) {
		enum err e = throttle_take(&task, kind, str_of(key));
		n += e == OK;
		if (e)
			assert_int_equal(e, ERR_TOO_MANY);
		task_clear(&task);
	}
	return n;
}

static void test_allowances(void **state) {
	static const struct {
		enum throttle kind;
		int allowed;
		unsigned label;
	} rows[] = {{THROTTLE_REGISTER_ADDRESS, 20, 0}, {THROTTLE_REGISTER_MAILBOX, 3, 1}, {THROTTLE_LOGIN_NAME, 5, 2},
		{THROTTLE_LOGIN_ENTRY, 5, 2}, {THROTTLE_WRONG, 1, 2}, {THROTTLE_LOGIN_ADDRESS, 50, 0},
		{THROTTLE_RESET, 3, 1}, {THROTTLE_MAIL_ADDRESS, 100, 0}, {THROTTLE_RESEND, 1, 1},
		{THROTTLE_LOCKED, 1, 1}, {THROTTLE_CLIENT, 20, 3}};
	(void)state;
	assert_int_equal(COUNT(rows), THROTTLE_COUNT);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t before = metric_get(METRIC_THROTTLED, rows[i].label);
		assert_int_equal(granted(rows[i].kind, "allowance", rows[i].allowed + 7), rows[i].allowed);
		assert_int_equal(metric_get(METRIC_THROTTLED, rows[i].label) - before, 7);
		assert_int_equal(granted(rows[i].kind, "allowance of another", 1), 1);
	}
}

static void test_no_limit(void **state) {
	(void)state;
	config.registrations_per_address = 0;
	assert_int_equal(granted(THROTTLE_REGISTER_ADDRESS, "unlimited", 100), 100);
	config.registrations_per_address = 20;
}

static void test_realms_apart(void **state) {
	(void)state;
	assert_int_equal(granted(THROTTLE_RESET, "realms", 4), 3);
	task.realm_name = STR("other");
	assert_int_equal(granted(THROTTLE_RESET, "realms", 4), 3);
}

/* Spellings that share one allowance, or do not. */
static void test_keys(void **state) {
	static const struct {
		enum throttle kind;
		const char *a, *b;
		bool same;
	} rows[] = {
		{THROTTLE_LOGIN_ADDRESS, "192.0.2.1", "192.0.2.2", false},
		{THROTTLE_LOGIN_ADDRESS, "2001:db8:1:2::1", "2001:db8:1:2:ffff:1:2:3", true},
		{THROTTLE_LOGIN_ADDRESS, "2001:db8:1:2::1", "2001:DB8:1:2::9", true},
		{THROTTLE_LOGIN_ADDRESS, "2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{THROTTLE_LOGIN_ADDRESS, "2001:db8::1", "2001:db8:0:0:1::", true},
		{THROTTLE_LOGIN_ADDRESS, "2001:db8::1", "2001:db8:0:0:0:0:0:2", true},
		{THROTTLE_LOGIN_ADDRESS, "2001:db8::2:1", "2001:db8::2:0:0:0:1", false},
		{THROTTLE_LOGIN_ADDRESS, "::ffff:192.0.2.7", "::ffff:192.0.2.8", false},
		{THROTTLE_LOGIN_ADDRESS, "::ffff:192.0.2.9", "192.0.2.9", true},
		{THROTTLE_LOGIN_ADDRESS, "::1", "::2", true},
		{THROTTLE_LOGIN_ADDRESS, "unix:", "unix:x", false},
		{THROTTLE_REGISTER_ADDRESS, "2001:db8:9:2::1", "2001:db8:9:2::2", true},
		{THROTTLE_CLIENT, "2001:db8:8:2::1", "2001:db8:8:2::2", false},
		{THROTTLE_LOGIN_NAME, "anna", "ANNA", true},
		{THROTTLE_LOGIN_NAME, "anna", "\xef\xbd\x81nna", true},  /* fullwidth a */
		{THROTTLE_LOGIN_NAME, "anna", "an\xc2\xadna", true},     /* soft hyphen */
		{THROTTLE_LOGIN_NAME, "anna", "an\xe2\x80\x8bna", true}, /* zero width space */
		{THROTTLE_LOGIN_NAME, "anna b", "anna  b", true},
		{THROTTLE_LOGIN_NAME, "ren\xc3\xa9", "rene\xcc\x81", true},
		{THROTTLE_LOGIN_NAME, "ren\xc3\xa9", "RENE", true},
		{THROTTLE_LOGIN_NAME, "gro\xc3\x9f", "GROSS", true},
		{THROTTLE_LOGIN_NAME, "anna", "anne", false},
		{THROTTLE_LOGIN_NAME, "\xff\xfe", "\xff\xfd", false}, /* no UTF-8 */
		{THROTTLE_LOGIN_NAME, "\xd0\xb0nna", "\xd0\xb1nna", false},
		{THROTTLE_RESET, "anna", "\xef\xbd\x81nna", true},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		task.realm_name = str_printf(arena, "keys-%zu", i);
		int all = granted(rows[i].kind, rows[i].a, 100);
		int more = granted(rows[i].kind, rows[i].b, 100);
		if (more != (rows[i].same ? 0 : all))
			fail_msg("row %zu: %s and %s: %d of %d", i, rows[i].a, rows[i].b, more, all);
	}
}

static void test_long_keys(void **state) {
	struct str long_key = {arena_alloc(arena, 100000), 100000};
	(void)state;
	memset((char *)long_key.p, 'x', long_key.n);
	for (int i = 0; i < 5; i++)
		assert_int_equal(throttle_take(&task, THROTTLE_LOGIN_NAME, long_key), OK);
	assert_int_equal(throttle_take(&task, THROTTLE_LOGIN_NAME, long_key), ERR_TOO_MANY);
}

static void test_give_back(void **state) {
	(void)state;
	assert_int_equal(granted(THROTTLE_LOGIN_NAME, "back", 9), 5);
	throttle_give_back(&task, THROTTLE_LOGIN_NAME, STR("back"));
	throttle_give_back(&task, THROTTLE_LOGIN_NAME, STR("back"));
	assert_int_equal(granted(THROTTLE_LOGIN_NAME, "back", 9), 2);
	throttle_clear(&task, THROTTLE_LOGIN_NAME, STR("back"));
	for (int i = 0; i < 9; i++) /* never below none */
		throttle_give_back(&task, THROTTLE_LOGIN_NAME, STR("back"));
	assert_int_equal(granted(THROTTLE_LOGIN_NAME, "back", 9), 5);
}

static void test_wait(void **state) {
	(void)state;
	assert_int_equal(throttle_wait_s(&task, THROTTLE_LOGIN_NAME, STR("wait")), 1);
	assert_int_equal(granted(THROTTLE_LOGIN_NAME, "wait", 9), 5);
	int64_t wait = throttle_wait_s(&task, THROTTLE_LOGIN_NAME, STR("wait"));
	assert_in_range(wait, 800, 900);
}

/* A window of no time is over at once. */
static void test_window(void **state) {
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(throttle_take_for(&task, THROTTLE_RESEND, STR("window"), 0), OK);
	assert_int_equal(throttle_take_for(&task, THROTTLE_RESEND, STR("hour"), 3600), OK);
	assert_int_equal(throttle_take_for(&task, THROTTLE_RESEND, STR("hour"), 3600), ERR_TOO_MANY);
	assert_in_range(throttle_wait_s(&task, THROTTLE_RESEND, STR("hour")), 3500, 3600);
}

/* Far more keys than slots: memory is bounded, and the newest key still counts. */
static void test_many_keys(void **state) {
	(void)state;
	for (int i = 0; i < 50000; i++) {
		char key[32];
		snprintf(key, sizeof(key), "10.%d.%d.%d", i >> 16, (i >> 8) & 255, i & 255);
		assert_int_equal(granted(THROTTLE_REGISTER_ADDRESS, key, 1), 1);
		if (i % 1000 == 0) {
			arena_wipe(arena);
			task_begin(&task, arena, NULL, 1000);
			task.config = &config;
			task.realm = &realm;
			task.realm_name = realm.id;
		}
	}
	assert_int_equal(granted(THROTTLE_REGISTER_ADDRESS, "10.99.99.99", 30), 20);
}

/* A name that is refused stays so, however many other names are tried once, and whatever else is counted. */
static void test_flood(void **state) {
	static const enum throttle kinds[] = {THROTTLE_LOGIN_NAME, THROTTLE_RESET, THROTTLE_CLIENT};
	(void)state;
	assert_int_equal(granted(THROTTLE_LOGIN_NAME, "victim", 9), 5);
	for (int i = 0; i < 100000; i++) {
		char key[32];
		snprintf(key, sizeof(key), "name-%d", i);
		assert_int_equal(granted(kinds[i % 3], key, 1), 1);
		if (i % 1000 == 0) {
			arena_wipe(arena);
			task_begin(&task, arena, NULL, 1000);
			task.config = &config;
			task.realm = &realm;
			task.realm_name = realm.id;
		}
	}
	assert_int_equal(granted(THROTTLE_LOGIN_NAME, "victim", 9), 0);
}

static pthread_barrier_t barrier;

static void *take_all(void *result) {
	struct arena *own = arena_new();
	struct task t;
	int *n = result;
	task_begin(&t, own, NULL, 1000);
	t.config = &config;
	t.realm = &realm;
	t.realm_name = realm.id;
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < TRIES; i++)
		*n += throttle_take(&t, THROTTLE_REGISTER_ADDRESS, STR("2001:db8:77:1::5")) == OK;
	arena_free(own);
	return NULL;
}

static void test_threads(void **state) {
	pthread_t threads[THREADS];
	int counts[THREADS] = {0}, all = 0;
	(void)state;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_all, &counts[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		all += counts[i];
	}
	pthread_barrier_destroy(&barrier);
	assert_int_equal(all, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_allowances), TEST(test_no_limit), TEST(test_realms_apart),
		TEST(test_keys), TEST(test_long_keys), TEST(test_give_back), TEST(test_wait), TEST(test_window),
		TEST(test_many_keys), TEST(test_flood), TEST(test_threads)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
