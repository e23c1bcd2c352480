/* The contract of federation/feed/feed.h, after a break: cookies, servers that stop, hang or are others, rights. Wants
 * a freshly seeded directory; USHER_DIRECTORY_DIR, where it is set, is the folder of the server, so that it can be
 * started anew. */
#include <signal.h>
#include <unistd.h>

#include "tests/contract/feed_follower.h"

/* So many that people are told long before them. */
static void many_groups(struct fixture *f, bool there) {
	for (int i = 0; i < 3 * (int)FEED_BATCH; i++) {
		struct str dn = str_printf(f->config, "cn=feed-many-%d,%.*s", i, FMT(f->d->groups_base));
		struct change c = {.kind = there ? CHANGE_ADD : CHANGE_DELETE, .dn = dn};
		if (there) {
			add_value(f, &c, STR("objectClass"), STR("groupOfNames"));
			add_value(f, &c, STR("member"), person(f, "alice"));
		}
		apply_as_admin(f, &c);
	}
}

/* One that was told before would be gone on with by a feed that never tells who is not there any more. */
static void has_no_cookie_before_all_is_told(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (kind->feed == FEED_SYNCREPL)
		many_groups(f, true);
	open_with(&w, f, STR_NONE);
	while (!w.whole) {
		assert_true(str_absent(w.cookie));
		listen_or_wait(&w);
	}
	settle(&w);
	assert_true(w.cookie.n > 0);
	done(&w);
	if (kind->feed == FEED_SYNCREPL)
		many_groups(f, false);
}

static void goes_on_with_a_cookie(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	create(f, "feed-gone");
	create(f, "feed-stays");
	struct str gone = id_of(f, person(f, "feed-gone")), stays = id_of(f, person(f, "feed-stays"));
	struct str alice = id_of(f, person(f, "alice")), blue = id_of(f, group(f, "team-blue"));
	open_with(&w, f, STR_NONE);
	settle(&w);
	done(&w);
	remove_entry(f, person(f, "feed-gone"));
	change_value(f, CHANGE_REPLACE, person(f, "feed-stays"), "telephoneNumber", STR("+49 2"));
	change_value(f, CHANGE_VALUE_ADD, group(f, "team-blue"), "member", person(f, "feed-stays"));
	create(f, "feed-new");
	open_with(&w, f, w.cookie);
	settle_gone(&w, gone);
	assert_false(w.restarted);
	assert_true(was_told(&w, FEED_CHANGED, stays) && was_told(&w, FEED_CHANGED, blue));
	assert_true(was_told(&w, FEED_CHANGED, id_of(f, person(f, "feed-new"))));
	assert_false(was_told(&w, FEED_CHANGED, alice));
	/* And again: nothing. */
	done(&w);
	open_with(&w, f, w.cookie);
	settle(&w);
	assert_false(w.restarted || was_told(&w, FEED_CHANGED, alice) || was_told(&w, FEED_GONE, alice));
	done(&w);
	remove_entry(f, person(f, "feed-stays"));
	remove_entry(f, person(f, "feed-new"));
}

static void takes_no_garbage_for_a_cookie(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	static const char *const texts[] = {
		"x", "P5:helloG0:", "P7:garbageG7:garbage", "P3:rid", "P99999999:", "P1:G1:"};
	struct str alice = id_of(f, person(f, "alice"));
	for (size_t i = 0; i < COUNT(texts); i++) {
		open_with(&w, f, str_of(texts[i]));
		settle(&w);
		if (!w.restarted || !w.whole || !was_told(&w, FEED_CHANGED, alice))
			fail_msg("%s: not told anew", texts[i]);
		done(&w);
	}
}

/* OpenLDAP has forgotten then who was deleted before, and tells who is there. */
static void goes_on_after_a_restart(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (!getenv("USHER_DIRECTORY_DIR") || !getenv("top_srcdir") || fixture_column(f) == MAKES /* it forgets all */)
		skip();
	create(f, "feed-before");
	create(f, "feed-after");
	create(f, "feed-still");
	struct str before = id_of(f, person(f, "feed-before")), after = id_of(f, person(f, "feed-after"));
	struct str alice = id_of(f, person(f, "alice")), still = id_of(f, person(f, "feed-still"));
	open_with(&w, f, STR_NONE);
	settle(&w);
	run_script("stop");
	enum err e = OK;
	for (int tries = 0; tries < 100 && !e; tries++)
		e = listen_once(&w, 100);
	assert_true(e == ERR_UNAVAILABLE || e == ERR_TIMEOUT);
	done(&w);
	run_script("start");
	fixture_reconnect(f);
	remove_entry(f, person(f, "feed-before"));
	run_script("stop");
	run_script("start");
	fixture_reconnect(f);
	remove_entry(f, person(f, "feed-after"));
	change_value(f, CHANGE_REPLACE, person(f, "feed-still"), "telephoneNumber", STR("+49 3"));
	open_with(&w, f, w.cookie);
	settle_gone(&w, before);
	assert_true(known_gone(&w, after) && !known_gone(&w, still));
	assert_true(was_told(&w, FEED_CHANGED, still) && !was_told(&w, FEED_CHANGED, alice));
	assert_false(w.whole && !was_told(&w, FEED_SEEN, alice));
	done(&w);
	remove_entry(f, person(f, "feed-still"));
}

/* An account that sees no deleted objects: who is gone is known by who is there. */
static void works_with_few_rights(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (kind->make != DIRECTORY_ACTIVE_DIRECTORY)
		skip();
	f->d->feed_bind_dn = person(f, "carol");
	f->d->feed_bind_password = str_of(fixture_variable("USER_PASSWORD"));
	create(f, "feed-unseen");
	struct str gone = id_of(f, person(f, "feed-unseen")), alice = id_of(f, person(f, "alice"));
	open_with(&w, f, STR_NONE);
	settle(&w);
	assert_true(w.whole && was_told(&w, FEED_CHANGED, gone));
	forget(&w);
	change_value(f, CHANGE_REPLACE, person(f, "feed-unseen"), "telephoneNumber", STR("+49 4"));
	expect(&w, FEED_CHANGED, gone);
	done(&w);
	remove_entry(f, person(f, "feed-unseen"));
	open_with(&w, f, w.cookie);
	settle_gone(&w, gone);
	assert_true(w.whole && !w.restarted);
	assert_true(was_told(&w, FEED_SEEN, alice) && !was_told(&w, FEED_CHANGED, alice));
	done(&w);
}

/* With two controllers: the numbers of one say nothing on the other, the cookie of DirSync does. */
static void goes_on_at_another_controller(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (f->d->uris.n < 2)
		skip();
	struct str alice = id_of(f, person(f, "alice")), first = f->d->uris.v[0];
	open_with(&w, f, STR_NONE);
	settle(&w);
	done(&w);
	f->d->uris.v[0] = f->d->uris.v[1];
	open_with(&w, f, w.cookie);
	settle(&w);
	assert_true(w.restarted == (kind->feed == FEED_USN));
	assert_true(was_told(&w, FEED_CHANGED, alice) == (kind->feed == FEED_USN));
	done(&w);
	f->d->uris.v[0] = first;
}

/* With the right beginning and the wrong end: nothing breaks. */
static void survives_a_garbled_cookie(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	static const char *const ends[] = {
		"x", "P5:helloG0:", "P7:garbageG7:garbage", "P3:rid", "P99999999:", "P1:G1:"};
	open_with(&w, f, STR_NONE);
	settle(&w);
	done(&w);
	struct str good = w.cookie;
	for (size_t i = 0; i < good.n; i += good.n / 8 + 1) {
		open_with(&w, f, str_sub(good, 0, i));
		settle(&w);
		done(&w);
	}
	for (size_t i = 0; i < COUNT(ends); i++) {
		open_with(&w, f, str_printf(f->config, "%.*s%s", FMT(str_sub(good, 0, 17)), ends[i]));
		settle(&w);
		done(&w);
	}
}

/* Who is to be told has changed: what the cookie left out is told now. */
static void forgets_the_cookie_of_another_question(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	struct str alice = id_of(f, person(f, "alice")), all = f->d->people_filter;
	f->d->people_filter = str_printf(f->config, "(&%.*s(!(sn=Example)))", FMT(all));
	open_with(&w, f, STR_NONE);
	settle(&w);
	assert_null(told(&w, alice));
	done(&w);
	f->d->people_filter = all;
	open_with(&w, f, w.cookie);
	settle(&w);
	assert_true(w.restarted && w.whole && was_told(&w, FEED_CHANGED, alice));
	done(&w);
}

static void notices_a_frozen_server(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	struct feed *other = NULL;
	open_with(&w, f, STR_NONE);
	settle(&w);
	fixture_freeze(f);
	int64_t began = clock_monotonic_ms();
	enum err e = OK;
	while (!e && clock_monotonic_ms() - began < PATIENCE_MS)
		e = listen_once(&w, 200);
	int64_t took = clock_monotonic_ms() - began;
	enum err opened = feed_open(fixture_task(f), f->d, w.cookie, &other);
	fixture_thaw(f);
	assert_int_equal(e, ERR_TIMEOUT);
	assert_true(took < 10000);
	assert_true(opened == ERR_UNAVAILABLE || opened == ERR_TIMEOUT);
	done(&w);
}

/* However much it still has to say. */
static void ends_when_nobody_listens(void **state) {
	static const atomic_bool over = true;
	struct fixture *f = *state;
	struct follower w = {0};
	struct feed_batch b;
	open_with(&w, f, STR_NONE);
	struct task *t = fixture_task(f);
	t->over = &over;
	enum err e = OK;
	for (int tries = 0; tries < 10 && !e; tries++) /* one that polls has nothing to wait for until then */
		e = feed_next(t, w.feed, f->d->feed_interval_ms, &b);
	assert_int_equal(e, ERR_UNAVAILABLE);
	assert_str(t->failure_detail, STR("nobody listens any more"));
	done(&w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, feed_fixture, fixture_close)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(has_no_cookie_before_all_is_told),
		TEST(goes_on_with_a_cookie),
		TEST(goes_on_after_a_restart),
		TEST(works_with_few_rights),
		TEST(goes_on_at_another_controller),
		TEST(takes_no_garbage_for_a_cookie),
		TEST(survives_a_garbled_cookie),
		TEST(forgets_the_cookie_of_another_question),
		TEST(notices_a_frozen_server),
		TEST(ends_when_nobody_listens),
	};
	return feeds_run(tests, COUNT(tests));
}
