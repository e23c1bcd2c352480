/* Answers leave in the order of their times, none twice, all at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "web/holder.h"

static _Atomic int n_released;
static int order[64];
static int64_t released_at[64];

static void release(void *item) {
	int *number = item;
	int at = atomic_load(&n_released);
	order[at] = *number;
	released_at[at] = clock_monotonic_ms();
	atomic_store(&n_released, at + 1);
}

static void reset(void) {
	atomic_store(&n_released, 0);
}

static void until(int n) {
	for (int i = 0; i < 1000 && atomic_load(&n_released) < n; i++)
		usleep(5000);
	assert_int_equal(atomic_load(&n_released), n);
}

static void the_earliest_leaves_first(void **state) {
	static const int delays[] = {90, 30, 60, 10, 75, 45};
	static const int expected[] = {3, 1, 5, 2, 4, 0};
	int numbers[] = {0, 1, 2, 3, 4, 5};
	int64_t now = clock_monotonic_ms();
	struct holder *h = holder_new(release);
	(void)state;
	reset();
	for (size_t i = 0; i < COUNT(delays); i++)
		assert_true(holder_keep(h, &numbers[i], now + delays[i]));
	until((int)COUNT(delays));
	holder_free(h);
	for (size_t i = 0; i < COUNT(delays); i++) {
		assert_int_equal(order[i], expected[i]);
		assert_true(released_at[i] >= now + delays[expected[i]]);
	}
}

static void the_end_releases_all(void **state) {
	int numbers[] = {0, 1, 2};
	struct holder *h = holder_new(release);
	(void)state;
	reset();
	for (int i = 0; i < 3; i++)
		assert_true(holder_keep(h, &numbers[i], clock_monotonic_ms() + 3600000));
	assert_int_equal(atomic_load(&n_released), 0);
	holder_free(h);
	assert_int_equal(atomic_load(&n_released), 3);
}

static void count_only(void *item) {
	(void)item;
	atomic_fetch_add(&n_released, 1);
}

static void a_full_one_keeps_no_more(void **state) {
	struct holder *h = holder_new(count_only);
	int number = 0, kept = 0;
	(void)state;
	reset();
	for (int i = 0; i < 5000; i++)
		kept += holder_keep(h, &number, clock_monotonic_ms() + 3600000);
	assert_int_equal(kept, 4096);
	holder_free(h);
	assert_int_equal(atomic_load(&n_released), kept);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_earliest_leaves_first),
		cmocka_unit_test(the_end_releases_all), cmocka_unit_test(a_full_one_keeps_no_more)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
