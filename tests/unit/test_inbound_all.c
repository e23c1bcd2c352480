/* What follows when all people are told, or looked at, at once, and how many of them may be gone: inbound_apply,
 * reconcile_run. */
#include "tests/unit/inbound_fixture.h"

/* ---- everything told ---- */

static void tell_all(struct task *t, const struct someone *v, size_t n, size_t there) {
	struct feed_change *c = arena_array(t->arena, struct feed_change, n);
	for (size_t i = 0; i < there; i++)
		c[i] = change_of(t, i % 2 ? FEED_SEEN : FEED_CHANGED, v[i].p);
	apply(t, (struct feed_batch){
			 .v = c, .n = there, .cookie = STR("all"), .restarted = true, .whole = true, .current = true});
}

static size_t count_logged_in(struct task *t, const struct someone *v, size_t n) {
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += logged_in(t, &v[i]);
	return count;
}

static void what_was_not_told_is_gone(void **state) {
	struct task *t = world_task(*state);
	struct someone v[30];
	for (size_t i = 0; i < COUNT(v); i++)
		v[i] = someone(t, str_printf(t->arena, "p%zu%c", i, 0).p);
	world_clock(1000);
	tell_all(t, v, 30, 30);
	assert_int_equal(count_logged_in(t, v, 30), 30);
	assert_int_equal(row_of(t).state, FEED_FOLLOWING);
	world_clock(2000);
	for (size_t i = 24; i < 30; i++)
		v[i].p->gone = true;
	tell_all(t, v, 30, 24); /* 6 of 30: a fifth */
	assert_int_equal(count_logged_in(t, v, 30), 24);
	assert_str(row_of(t).cookie, STR("all"));
	world_clock(3000);
	tell_all(t, v, 30, 18); /* 6 of 24: more */
	struct feed_row f = row_of(t);
	assert_int_equal(f.state, FEED_STOPPED);
	assert_true(str_starts(f.detail, STR("6 of 24 ")));
	assert_int_equal(count_logged_in(t, v, 30), 24);
	f.cookie = STR("kept");
	assert_ok(feeds_put(t, &f));
	world_clock(4000);
	tell_all(t, v, 30, 0);
	assert_str(row_of(t).cookie, STR("kept"));
	assert_int_equal(row_of(t).state, FEED_STOPPED);
	/* The directory was mended. */
	world_clock(5000);
	tell_all(t, v, 30, 24);
	assert_int_equal(row_of(t).state, FEED_FOLLOWING);
	assert_str(row_of(t).cookie, STR("all"));
	assert_str(row_of(t).detail, STR(""));
	/* Or the operators accept. */
	world_clock(6000);
	tell_all(t, v, 30, 0);
	f = row_of(t);
	assert_int_equal(f.state, FEED_STOPPED);
	struct feed_row before = f;
	f.state = FEED_ACCEPTED;
	assert_ok(feeds_put(t, &f));
	world_clock(7000);
	struct feed_batch all = {.restarted = true, .whole = true, .current = true};
	assert_ok(inbound_apply(t, &world_directory, &all, &before)); /* of a watcher that did not see it yet */
	assert_int_equal(row_of(t).state, FEED_FOLLOWING);
	assert_int_equal(count_logged_in(t, v, 30), 0);
	world_clock(0);
}

/* Memory does not add up over those that are gone at once. */
static void hundreds_may_go(void **state) {
	struct task *t = world_task(*state);
	struct feed_row f = row_of(t);
	int64_t unseen = 0, all = 0;
	assert_ok(store_begin(t));
	for (int i = 0; i < 600; i++) {
		const struct account a = {.id = random_id(t->arena),
			.directory = STR("main"),
			.stable_id = str_printf(t->arena, "id-%d", i),
			.sub = random_id(t->arena),
			.last_login_at = 1};
		const struct mirror m = {.account_id = a.id, .directory = a.directory, .stable_id = a.stable_id};
		const struct session s = {.id_hash = a.id, .sid = a.id, .account_id = a.id};
		assert_ok(accounts_insert(t, &a));
		assert_ok(mirrors_put(t, &m));
		assert_ok(sessions_insert(t, &s));
	}
	f.state = FEED_ACCEPTED;
	assert_ok(store_end(t, feeds_put(t, &f)));
	size_t before = arena_used(t->arena);
	apply(t, (struct feed_batch){.restarted = true, .whole = true, .current = true});
	assert_true(arena_used(t->arena) - before < LIMIT_ARENA / 64);
	assert_ok(mirrors_count(t, STR("main"), INT64_MAX, &unseen, &all));
	assert_int_equal(all, 0);
}

static void a_few_may_always_go(void **state) {
	struct task *t = world_task(*state);
	struct someone v[5];
	for (size_t i = 0; i < COUNT(v); i++)
		v[i] = someone(t, str_printf(t->arena, "f%zu%c", i, 0).p);
	world_clock(1000);
	for (size_t i = 0; i < COUNT(v); i++)
		v[i].p->gone = true;
	tell_all(t, v, 5, 0);
	assert_int_equal(count_logged_in(t, v, 5), 0);
	assert_int_equal(row_of(t).state, FEED_FOLLOWING);
}

/* The feed was opened at a server that is behind: who is there, as another one says, is not ended. */
static void a_server_that_is_behind_ends_nobody(void **state) {
	static struct str uris[] = {{"ldap://one", 10}, {"ldap://two", 10}};
	struct task *t = world_task(*state);
	struct strs before = world_directory.uris;
	struct someone v[4];
	for (size_t i = 0; i < COUNT(v); i++)
		v[i] = someone(t, str_printf(t->arena, "b%zu%c", i, 0).p);
	world_directory.uris = (struct strs){uris, COUNT(uris)};
	v[1].p->gone = true;
	v[2].p->at = 1u << 1;
	world_clock(1000);
	tell_all(t, v, 4, 0);
	assert_true(logged_in(t, &v[0]) && logged_in(t, &v[2]) && logged_in(t, &v[3]));
	assert_false(logged_in(t, &v[1]));
	assert_int_equal(mirror_now(t, &v[1])->state, MIRROR_GONE);
	assert_int_equal(row_of(t).state, FEED_FOLLOWING);
	assert_str(row_of(t).cookie, STR("all"));
	fake.away = 1u << 0; /* the one that is left counts */
	v[2].p->gone = true;
	world_clock(2000);
	tell_all(t, v, 4, 0);
	assert_true(logged_in(t, &v[0]) && logged_in(t, &v[3]));
	assert_false(logged_in(t, &v[2]));
	fake.away = 0;
	world_directory.uris = before;
}

static void who_cannot_be_looked_at_is_not_ended(void **state) {
	struct task *t = world_task(*state);
	struct someone v[2];
	struct feed_batch all = {.cookie = STR("new"), .restarted = true, .whole = true, .current = true};
	for (size_t i = 0; i < COUNT(v); i++) {
		v[i] = someone(t, str_printf(t->arena, "n%zu%c", i, 0).p);
		v[i].p->gone = true;
	}
	struct feed_row f = row_of(t);
	world_clock(1000);
	fake.down = true;
	assert_err(inbound_apply(t, &world_directory, &all, &f), ERR_UNAVAILABLE);
	assert_str(f.cookie, STR("")); /* all is told once more */
	fake.down = false;
	task_clear(t);
	world_clock(2000);
	fake_fail(0, FAULT_REFUSED);
	assert_ok(inbound_apply(t, &world_directory, &all, &f));
	assert_str(f.cookie, STR("new"));
	assert_int_equal(count_logged_in(t, v, 2), 1);
}

/* ---- compare ---- */

static void reconcile_mends(void **state) {
	struct task *t = world_task(*state);
	struct someone v[6];
	struct drift x = {0};
	for (size_t i = 0; i < COUNT(v); i++)
		v[i] = someone(t, str_printf(t->arena, "r%zu%c", i, 0).p);
	assert_ok(reconcile_run(t, &world_directory, &x));
	assert_int_equal(x.looked, 6);
	assert_int_equal(x.changed + x.gone + x.failed, 0);
	v[0].p->enabled = false;
	v[1].p->gone = true;
	renames(v[2].p);
	assert_ok(reconcile_run(t, &world_directory, &x));
	assert_int_equal(x.looked, 6);
	assert_int_equal(x.changed, 2);
	assert_int_equal(x.gone, 1);
	assert_false(logged_in(t, &v[0]));
	assert_false(logged_in(t, &v[1]));
	assert_true(logged_in(t, &v[2]));
	assert_ok(reconcile_run(t, &world_directory, &x));
	assert_int_equal(x.looked, 5); /* who is gone is not asked for again */
	assert_int_equal(x.changed + x.gone + x.failed, 0);
	fake.down = true;
	assert_err(reconcile_run(t, &world_directory, &x), ERR_UNAVAILABLE);
	fake.down = false;
}

/* What the feed told while we looked counts more than what we saw. */
static void a_look_is_older_than_the_feed(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "looked");
	struct inbound in = {.directory = &world_directory, .now = clock_wall_ms(), .looked = true};
	struct feed_change live = change_of(t, FEED_CHANGED, s.p);
	world_clock(1000);
	s.p->enabled = false;
	tell(t, FEED_CHANGED, s.p);
	assert_ok(inbound_person(t, &in, s.a, live.entry));
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_DISABLED);
	in.now = clock_wall_ms();
	assert_ok(inbound_person(t, &in, s.a, live.entry));
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_LIVE);
}

static void reconcile_does_not_believe_everything(void **state) {
	struct task *t = world_task(*state);
	struct someone v[6];
	struct drift x = {0};
	for (size_t i = 0; i < COUNT(v); i++) {
		v[i] = someone(t, str_printf(t->arena, "d%zu%c", i, 0).p);
		v[i].p->gone = true;
	}
	assert_err(reconcile_run(t, &world_directory, &x), ERR_REFUSED);
	assert_int_equal(x.gone, 6);
	assert_int_equal(count_logged_in(t, v, 6), 6);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_was_not_told_is_gone),
		TEST(a_few_may_always_go),
		TEST(a_server_that_is_behind_ends_nobody),
		TEST(who_cannot_be_looked_at_is_not_ended),
		TEST(hundreds_may_go),
		TEST(reconcile_mends),
		TEST(a_look_is_older_than_the_feed),
		TEST(reconcile_does_not_believe_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
