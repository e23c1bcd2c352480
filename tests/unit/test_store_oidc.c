/* Codes and tokens; the generation; what the sweep takes. */
#include "tests/unit/store_fixture.h"

static void codes_and_tokens_once(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	struct grant *g = NULL;
	struct refresh *f = NULL;
	static const struct grant grants[] = {
		{.id = {"g", 1},
			.code_hash = {"c", 1},
			.code_expires_at = 100,
			.sid = {"s", 1},
			.account_id = {"a", 1}},
		{.id = {"late", 4}, .code_hash = {"late", 4}, .code_expires_at = 5, .sid = {"s", 1}},
		{.id = {"none", 4}, .account_id = {"a", 1}},
		{.id = {"nil", 3}},
	};
	for (size_t i = 0; i < COUNT(grants); i++)
		assert_ok(grants_insert(t, &grants[i]));
	assert_err(grants_use_code(t, STR("unknown"), 10, 1000, &g), ERR_NOT_FOUND);
	assert_err(grants_use_code(t, STR("nil"), 10, 1000, &g), ERR_EXPIRED); /* it never had a code */
	assert_err(grants_use_code(t, STR("late"), 10, 1000, &g), ERR_EXPIRED);
	assert_null(g);
	assert_ok(grants_use_code(t, STR("g"), 10, 1000, &g));
	assert_int_equal(g->code_used_at, 10);
	assert_int_equal(g->expires_at, 1000);
	g = NULL;
	assert_err(grants_use_code(t, STR("g"), 200, 1000, &g), ERR_STALE);
	assert_str(g->id, STR("g"));
	assert_ok(refresh_insert(t, &(struct refresh){.hash = STR("f"), .grant_id = STR("g"), .expires_at = 100}));
	assert_err(refresh_insert(t, &(struct refresh){.hash = STR("o"), .grant_id = STR("orphan")}), ERR_INTERNAL);
	assert_err(refresh_use(t, STR("f"), 100, &f), ERR_EXPIRED);
	assert_err(refresh_use(t, STR("unknown"), 1, &f), ERR_NOT_FOUND);
	assert_null(f);
	assert_ok(refresh_use(t, STR("f"), 99, &f));
	assert_int_equal(f->used_at, 99);
	assert_err(refresh_use(t, STR("f"), 99, &f), ERR_STALE);
	assert_str(f->grant_id, STR("g"));
	assert_ok(grants_revoke_sid(t, STR(""), 7));
	assert_ok(grants_revoke_sid(t, STR("s"), 8));
	assert_ok(grants_revoke_account(t, STR("a"), 9));
	static const int64_t revoked[] = {8, 8, 9, 0};
	for (size_t i = 0; i < COUNT(grants); i++) {
		assert_ok(grants_find(t, grants[i].id, &g));
		assert_int_equal(g->revoked_at, revoked[i]);
	}
	assert_ok(grants_revoke(t, STR("nil"), 10));
	assert_ok(grants_revoke(t, STR("nil"), 11));
	assert_ok(grants_find(t, STR("nil"), &g));
	assert_int_equal(g->revoked_at, 10);
}

static void revoked_tokens(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	bool revoked = false;
	assert_ok(revoked_tokens_insert(t, STR("j"), 5));
	assert_ok(revoked_tokens_insert(t, STR("j"), 5));
	assert_ok(revoked_tokens_has(t, STR("j"), &revoked));
	assert_true(revoked);
	assert_ok(revoked_tokens_has(t, STR("k"), &revoked));
	assert_false(revoked);
}

static void generation_moves(void **state) {
	struct task *t = worker_begin(*state, STR(""));
	int64_t before = 0, after = 0;
	assert_ok(generation_get(t, &before));
	assert_ok(generation_bump(t));
	assert_ok(store_check(t));
	assert_ok(generation_get(t, &after));
	assert_int_equal(after, before + 1);
}

static void expired_rows_are_swept(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	const int64_t day = 24 * 60 * 60 * 1000, now = 100 * day;
	struct ticket *k = NULL;
	struct session *s = NULL;
	struct grant *g = NULL;
	struct refresh *f = NULL;
	bool more = false, has = false;
	assert_ok(store_begin(t));
	for (int i = 0; i < 501; i++)
		assert_ok(revoked_tokens_insert(t, str_printf(t->arena, "%d", i), 1 + i));
	assert_ok(revoked_tokens_insert(t, STR("stays"), now + 1));
	assert_ok(tickets_insert(t, &(struct ticket){.hash = STR("old"), .expires_at = now - day}));
	assert_ok(tickets_insert(t, &(struct ticket){.hash = STR("recent"), .expires_at = now - day + 1}));
	assert_ok(sessions_insert(t, &(struct session){.id_hash = STR("old"), .sid = STR("1"), .expires_at = now}));
	assert_ok(
		sessions_insert(t, &(struct session){.id_hash = STR("live"), .sid = STR("2"), .expires_at = now + 1}));
	assert_ok(grants_insert(t, &(struct grant){.id = STR("old"), .expires_at = now - day}));
	assert_ok(grants_insert(
		t, &(struct grant){.id = STR("revoked"), .expires_at = now + day, .revoked_at = now - day}));
	assert_ok(grants_insert(t, &(struct grant){.id = STR("live"), .expires_at = now + day, .revoked_at = now - 1}));
	assert_ok(refresh_insert(
		t, &(struct refresh){.hash = STR("family"), .grant_id = STR("old"), .expires_at = now + day}));
	assert_ok(refresh_insert(t, &(struct refresh){.hash = STR("old"), .grant_id = STR("live"), .expires_at = now}));
	assert_ok(refresh_insert(
		t, &(struct refresh){.hash = STR("live"), .grant_id = STR("live"), .expires_at = now + 1}));
	assert_ok(store_end(t, OK));
	t = worker_begin(*state, STR("elsewhere"));
	assert_ok(store_sweep(t, now, &more));
	assert_true(more);
	assert_ok(store_sweep(t, now, &more));
	assert_false(more);
	t = worker_begin(*state, STR("staff"));
	assert_ok(revoked_tokens_has(t, STR("500"), &has));
	assert_false(has);
	assert_ok(revoked_tokens_has(t, STR("stays"), &has));
	assert_true(has);
	assert_err(tickets_find(t, STR("old"), &k), ERR_NOT_FOUND);
	assert_ok(tickets_find(t, STR("recent"), &k));
	assert_err(sessions_find(t, STR("old"), &s), ERR_NOT_FOUND);
	assert_ok(sessions_find(t, STR("live"), &s));
	assert_err(grants_find(t, STR("old"), &g), ERR_NOT_FOUND);
	assert_err(grants_find(t, STR("revoked"), &g), ERR_NOT_FOUND);
	assert_ok(grants_find(t, STR("live"), &g));
	assert_err(refresh_find(t, STR("family"), &f), ERR_NOT_FOUND);
	assert_err(refresh_find(t, STR("old"), &f), ERR_NOT_FOUND);
	assert_ok(refresh_find(t, STR("live"), &f));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(codes_and_tokens_once),
		TEST(revoked_tokens),
		TEST(generation_moves),
		TEST(expired_rows_are_swept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
