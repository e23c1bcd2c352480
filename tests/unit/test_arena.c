#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"

static void assert_zero(const char *p, size_t n) {
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], 0);
}

static void allocations_are_aligned_zeroed_and_apart(void **state) {
	(void)state;
	static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 16384, 16385, 100000, 3, 1 << 20, 7};
	owned(arena) struct arena *a = arena_new();
	char *given[COUNT(sizes)];
	for (size_t i = 0; i < COUNT(sizes); i++) {
		given[i] = arena_alloc(a, sizes[i]);
		assert_int_equal((uintptr_t)given[i] % 16, 0);
		assert_zero(given[i], sizes[i]);
		memset(given[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < COUNT(sizes); i++) {
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(given[i][k], (int)i + 1);
		for (size_t k = 0; k < i; k++)
			assert_ptr_not_equal(given[i], given[k]);
	}
}

static void used_counts_and_wipe_forgets(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	assert_int_equal(arena_used(a), 0);
	arena_alloc(a, 1000);
	assert_true(arena_used(a) >= 1000);
	arena_alloc(a, 50000);
	assert_true(arena_used(a) >= 51000);
	arena_wipe(a);
	assert_int_equal(arena_used(a), 0);
}

static void wipe_keeps_the_first_block_and_clears_it(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	char *p = arena_alloc(a, 5000);
	memset(p, 'x', 5000);
	memset(arena_alloc(a, 200000), 'y', 200000);
	arena_wipe(a);
	char *again = arena_alloc(a, 5000);
	assert_ptr_equal(again, p);
	assert_zero(again, 5000);
}

static void the_newest_grows_in_place(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	char *p = arena_grow(a, NULL, 0, 10);
	memset(p, 'p', 10);
	assert_ptr_equal(arena_grow(a, p, 10, 1000), p);
	assert_int_equal(p[9], 'p');
	assert_zero(p + 10, 990);
	assert_ptr_equal(arena_grow(a, p, 1000, 500), p);
}

static void an_older_one_is_copied(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	char *p = arena_alloc(a, 10);
	memset(p, 'p', 10);
	char *other = arena_alloc(a, 10);
	memset(other, 'o', 10);
	char *grown = arena_grow(a, p, 10, 40);
	assert_ptr_not_equal(grown, p);
	assert_memory_equal(grown, "pppppppppp", 10);
	assert_zero(grown + 10, 30);
	char *large = arena_grow(a, grown, 40, 70000);
	assert_memory_equal(large, "pppppppppp", 10);
	assert_zero(large + 10, 70000 - 10);
	assert_memory_equal(other, "oooooooooo", 10);
}

/* What ends the process is tried in a child. */
static int status_of(void (*act)(struct arena *a)) {
	pid_t child = fork();
	if (child == 0) {
		close(STDERR_FILENO);
		act(arena_new());
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void take_much(struct arena *a) {
	for (size_t i = 0; i < 12; i++)
		arena_alloc(a, 1 << 20);
}
static void take_too_much(struct arena *a) {
	for (size_t i = 0; i < 17; i++)
		arena_alloc(a, 1 << 20);
}
static void take_too_much_at_once(struct arena *a) {
	arena_alloc(a, LIMIT_ARENA + 1);
}
static void take_an_overflow(struct arena *a) {
	arena_calloc(a, SIZE_MAX / 2, 3);
}
static void grow_too_much(struct arena *a) {
	arena_grow(a, arena_alloc(a, 1), 1, SIZE_MAX);
}

static void the_limit_ends_the_process(void **state) {
	(void)state;
	assert_true(WIFEXITED(status_of(take_much)) && WEXITSTATUS(status_of(take_much)) == 0);
	void (*const fatal[])(struct arena *) = {take_too_much, take_too_much_at_once, take_an_overflow, grow_too_much};
	for (size_t i = 0; i < COUNT(fatal); i++)
		assert_true(WIFSIGNALED(status_of(fatal[i])));
}

static void buf_stops_at_its_ceiling(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	struct buf b = buf_new(a, 10);
	assert_true(str_eq(buf_str(&b), STR("")));
	assert_false(str_absent(buf_str(&b)));
	buf_put(&b, STR("12345"));
	buf_printf(&b, "%d", 67890);
	assert_false(buf_full(&b));
	assert_true(str_eq(buf_str(&b), STR("1234567890")));
	buf_put(&b, STR(""));
	assert_false(buf_full(&b));
	buf_byte(&b, 'x');
	assert_true(buf_full(&b));
	assert_true(str_eq(buf_str(&b), STR("1234567890")));
}

static void buf_drops_the_piece_and_all_after_it(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	struct buf b = buf_new(a, 4);
	buf_put(&b, STR("abc"));
	buf_printf(&b, "%s", "de");
	buf_byte(&b, 'f');
	assert_true(buf_full(&b));
	assert_true(str_eq(buf_str(&b), STR("abc")));
}

static void buf_grows(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	struct buf b = buf_new(a, 100000);
	for (size_t i = 0; i < 10000; i++) {
		buf_printf(&b, "%04zu", i);
		if (i % 1000 == 0)
			arena_alloc(a, 1);
	}
	assert_false(buf_full(&b));
	assert_int_equal(buf_str(&b).n, 40000);
	assert_true(str_eq(str_sub(buf_str(&b), 4 * 9999, 4), STR("9999")));
	assert_true(str_eq(str_sub(buf_str(&b), 0, 8), STR("00000001")));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_aligned_zeroed_and_apart),
		cmocka_unit_test(used_counts_and_wipe_forgets),
		cmocka_unit_test(wipe_keeps_the_first_block_and_clears_it),
		cmocka_unit_test(the_newest_grows_in_place),
		cmocka_unit_test(an_older_one_is_copied),
		cmocka_unit_test(the_limit_ends_the_process),
		cmocka_unit_test(buf_stops_at_its_ceiling),
		cmocka_unit_test(buf_drops_the_piece_and_all_after_it),
		cmocka_unit_test(buf_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
