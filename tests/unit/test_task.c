#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "base/task.h"

static struct arena *arena;

static int begin(void **state) {
	(void)state;
	secret_init();
	arena = arena_new();
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static void assert_str(struct str got, const char *wanted) {
	if (!str_eq(got, str_of(wanted)))
		print_error("got: %.*s\nwanted: %s\n", FMT(got), wanted);
	assert_true(str_eq(got, str_of(wanted)));
}

static void test_begin(void **state) {
	struct task t, other;
	(void)state;
	memset(&t, 0xff, sizeof(t));
	task_begin(&t, arena, NULL, 60000);
	task_begin(&other, arena, NULL, -5);
	assert_ptr_equal(t.arena, arena);
	assert_null(t.handles);
	assert_null(t.config);
	assert_null(t.realm);
	assert_int_equal(t.realm_name.n, 0);
	assert_true(t.actor.n > 0);
	assert_int_equal(t.failure, OK);
	assert_true(task_left_ms(&t) > 0);
	assert_true(task_left_ms(&t) <= 60000);
	assert_int_equal(task_left_ms(&other), 0);
	assert_int_equal(t.reference.n, 8);
	for (size_t i = 0; i < t.reference.n; i++)
		assert_true(t.reference.p[i] >= 'A' && t.reference.p[i] <= 'Z');
	assert_false(str_eq(t.reference, other.reference));
}

static void test_fail(void **state) {
	struct task t;
	(void)state;
	task_begin(&t, arena, NULL, 1000);
	assert_int_equal(task_fail(&t, ERR_TIMEOUT, "no answer from %s", "ldap"), ERR_TIMEOUT);
	assert_int_equal(t.failure, ERR_TIMEOUT);
	assert_str(t.failure_detail, "no answer from ldap");
	assert_int_equal(task_fail(&t, ERR_UNAVAILABLE, "find %d", 7), ERR_UNAVAILABLE);
	assert_int_equal(t.failure, ERR_TIMEOUT);
	assert_str(t.failure_detail, "find 7: no answer from ldap");
	task_clear(&t);
	assert_int_equal(t.failure, OK);
	assert_true(str_absent(t.failure_detail));
	task_clear(&t);
	assert_int_equal(t.cleared, ERR_TIMEOUT); /* for the log of an answer that was made of it */
	assert_str(t.cleared_detail, "find 7: no answer from ldap");
	assert_int_equal(task_fail(&t, ERR_DENIED, "again"), ERR_DENIED);
	assert_str(t.failure_detail, "again");
}

static void test_detail_is_bounded(void **state) {
	struct task t;
	(void)state;
	task_begin(&t, arena, NULL, 1000);
	for (int i = 0; i < 100; i++)
		assert_int_equal(task_fail(&t, ERR_INTERNAL, "%0500d", i), ERR_INTERNAL);
	assert_true(t.failure_detail.n < 1100);
	assert_int_equal(task_fail(&t, ERR_INTERNAL, "%05000d", 1), ERR_INTERNAL);
	assert_true(t.failure_detail.n < 1100);
	assert_true(str_starts(t.failure_detail, STR("0000")));
}

static void test_cstr(void **state) {
	struct task t;
	const char *c = "kept";
	(void)state;
	task_begin(&t, arena, NULL, 1000);
	assert_int_equal(task_cstr(&t, STR("a\0b"), &c), ERR_INVALID);
	assert_string_equal(c, "kept");
	assert_int_equal(t.failure, ERR_INVALID);
	assert_int_equal(task_cstr(&t, str_sub(STR("abc"), 0, 2), &c), OK);
	assert_string_equal(c, "ab");
	assert_int_equal(task_cstr(&t, STR_NONE, &c), OK);
	assert_string_equal(c, "");
	assert_int_equal(task_cstr(&t, STR(""), &c), OK);
	assert_string_equal(c, "");
}

/* Handles that note what happens to them. */
static char opened[200], closed[200];
static size_t n_opened, n_closed;

static enum err open_handle(struct task *t, const void *key, void **ret) {
	const char *name = key;
	if (*name == '!')
		return task_fail(t, ERR_UNAVAILABLE, "down");
	opened[n_opened++] = *name;
	*ret = (void *)(uintptr_t)name;
	return OK;
}

static void close_handle(void *handle) {
	closed[n_closed++] = *(const char *)handle;
}

static const struct handle_kind kind = {"one", open_handle, close_handle};
static const struct handle_kind other_kind = {"two", open_handle, close_handle};

static enum err open_nested(struct task *t, const void *key, void **ret) {
	void *inner;
	TRY(task_handle(t, &kind, key, &inner));
	*ret = (char *)inner + 1;
	return OK;
}

static const struct handle_kind nested_kind = {"nested", open_nested, close_handle};

static int forget(void **state) {
	memset(opened, 0, sizeof(opened));
	memset(closed, 0, sizeof(closed));
	n_opened = n_closed = 0;
	return begin(state);
}

static void *get(struct task *t, const struct handle_kind *k, const char *key) {
	void *handle = NULL;
	assert_int_equal(task_handle(t, k, key, &handle), OK);
	return handle;
}

static void test_handles(void **state) {
	struct task t;
	struct handles *h = handles_new();
	static const char a[] = "a", b[] = "bx";
	(void)state;
	task_begin(&t, arena, h, 1000);
	assert_ptr_equal(get(&t, &kind, a), a);
	assert_ptr_equal(get(&t, &kind, b), b);
	assert_ptr_equal(get(&t, &kind, a), a);
	assert_ptr_equal(get(&t, &other_kind, a), a);
	assert_string_equal(opened, "aba");
	task_handle_drop(&t, &kind, a);
	task_handle_drop(&t, &kind, a);
	assert_string_equal(closed, "a");
	assert_ptr_equal(get(&t, &kind, b), b);
	assert_ptr_equal(get(&t, &nested_kind, b), b + 1);
	assert_string_equal(opened, "aba");
	handles_close_all(h);
	assert_string_equal(closed, "axab");
	handles_close_all(h);
	assert_ptr_equal(get(&t, &nested_kind, b), b + 1);
	handles_free(h);
	assert_string_equal(closed, "axabxb");
}

static void test_handle_failures(void **state) {
	struct task t;
	struct handles *h = handles_new();
	void *handle = h;
	(void)state;
	task_begin(&t, arena, h, 1000);
	assert_int_equal(task_handle(&t, &kind, "!", &handle), ERR_UNAVAILABLE);
	assert_ptr_equal(handle, h);
	assert_str(t.failure_detail, "down");
	handles_free(h);
	assert_int_equal(n_closed, 0);
	task_begin(&t, arena, NULL, 1000);
	assert_int_equal(task_handle(&t, &kind, "a", &handle), ERR_INTERNAL);
	assert_ptr_equal(handle, h);
	task_handle_drop(&t, &kind, "a");
}

static void test_handles_are_bounded(void **state) {
	static const char keys[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	struct task t;
	struct handles *h = handles_new();
	void *handle = h;
	(void)state;
	task_begin(&t, arena, h, 1000);
	for (size_t i = 0; i < LIMIT_HANDLES; i++)
		get(&t, &kind, &keys[i]);
	assert_int_equal(task_handle(&t, &kind, &keys[32], &handle), ERR_UNAVAILABLE);
	assert_ptr_equal(handle, h);
	assert_int_equal(n_closed, 0);
	task_begin(&t, arena, h, 1000);
	get(&t, &kind, &keys[0]);
	get(&t, &kind, &keys[32]);
	assert_string_equal(closed, "1");
	task_begin(&t, arena, h, 1000);
	get(&t, &kind, &keys[0]);
	get(&t, &nested_kind, &keys[33]);
	assert_string_equal(closed, "123");
	handles_free(h);
	assert_int_equal(n_closed, 3 + LIMIT_HANDLES);
}

static enum err spend(struct task *t, void *what) {
	task_fail(t, ERR_STALE, "of an arena that ends");
	task_clear(t);
	arena_alloc(t->arena, 1u << 20);
	*(size_t *)what += 1;
	return task_fail(t, ERR_REFUSED, "%s", "because");
}

/* Far more in all than one arena may hold. */
static void test_apart(void **state) {
	struct task t;
	size_t times = 0;
	(void)state;
	task_begin(&t, arena, NULL, 1000);
	for (size_t i = 0; i < 2 * (LIMIT_ARENA >> 20); i++) {
		task_clear(&t);
		assert_int_equal(t.cleared, i ? ERR_REFUSED : OK);
		assert_int_equal(task_apart(&t, spend, &times), ERR_REFUSED);
		assert_ptr_equal(t.arena, arena);
		assert_str(t.failure_detail, "because");
	}
	assert_int_equal(times, 2 * (LIMIT_ARENA >> 20));
	assert_true(arena_used(arena) < 1u << 20);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_begin, begin, end),
		cmocka_unit_test_setup_teardown(test_fail, begin, end),
		cmocka_unit_test_setup_teardown(test_detail_is_bounded, begin, end),
		cmocka_unit_test_setup_teardown(test_cstr, begin, end),
		cmocka_unit_test_setup_teardown(test_apart, begin, end),
		cmocka_unit_test_setup_teardown(test_handles, forget, end),
		cmocka_unit_test_setup_teardown(test_handle_failures, forget, end),
		cmocka_unit_test_setup_teardown(test_handles_are_bounded, forget, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
