/* The watcher: a thread that follows a feed in memory, through breaks and restarts. Nothing here waits for a time; what
 * shall come is waited for, half a minute at most. */
#include "tests/unit/business_fixture.h"

#include "base/log.h"
#include "base/metric.h"
#include "broker/login/login.h"
#include "broker/sync/sync.h"
#include "tests/unit/fake_feed.h"

static _Atomic(const struct config *) present;

static const struct config *config_now(void) {
	return present;
}

static const struct watch_settings settings = {config_now};

#define EVENTUALLY(condition)                                                                                          \
	do {                                                                                                           \
		int tries = 0;                                                                                         \
		while (!(condition) && tries++ < 15000)                                                                \
			usleep(2000);                                                                                  \
		if (tries >= 15000)                                                                                    \
			fail_msg("line %d: never: %s", __LINE__, #condition);                                          \
	} while (0)

static int watch_setup(void **state) {
	int failed = world_setup(state);
	present = &world_config;
	fake_feed_reset();
	log_set_level(LEVEL_ERROR);
	return failed;
}

static int watch_teardown(void **state) {
	watch_stop();
	log_set_level(LEVEL_INFO);
	return world_teardown(state);
}

static struct account *log_in(struct task *t, const char *name, struct str *ret_session) {
	struct fake_person *p = fake_person_add(name, "some@x.test");
	struct login l = {0};
	t->address = str_printf(t->arena, "address of %s", name);
	assert_ok(login_password(t, str_of(name), str_of(p->password), STR(""), STR("test"), &l));
	assert_int_equal(l.result, LOGIN_OK);
	*ret_session = l.session;
	return l.account;
}

static enum err session_state(struct worker *w, struct str session) {
	struct login_state s = {0};
	enum err e = login_session(world_task(w), session, &s);
	task_clear(&w->task);
	return e;
}

static struct feed_row row(struct worker *w) {
	struct feed_row *f = NULL;
	struct task *t = world_task(w);
	if (feeds_find(t, STR("main"), &f))
		return (struct feed_row){.cookie = STR(""), .detail = STR("")};
	return *f;
}

static bool follows(void) {
	return mirror_fresh(STR("staff"), &world_directory);
}

static size_t counted(const size_t *what) {
	fake_feed_lock();
	size_t n = *what;
	fake_feed_unlock();
	return n;
}

static void set(bool *what, bool value) {
	fake_feed_lock();
	*what = value;
	fake_feed_unlock();
}

static void follows_and_acts(void **state) {
	struct worker *w = *state;
	struct str session;
	struct account *a = log_in(&w->task, "watched", &session);
	struct fake_person *p = fake_person_find("watched");
	assert_false(follows());
	assert_ok(watch_start(&settings));
	EVENTUALLY(follows());
	assert_int_equal(metric_get(METRIC_FEEDS, 0), 1);
	EVENTUALLY(metric_get(METRIC_FEEDS_FRESH, 0) == 1);
	assert_int_equal(row(w).state, FEED_FOLLOWING);
	assert_str(row(w).kind, STR("poll"));
	assert_str(row(w).controller, STR("ldap://fake"));
	assert_ok(session_state(w, session));
	p->enabled = false;
	fake_feed_tell(FEED_CHANGED, FEED_PERSON, p->id);
	EVENTUALLY(session_state(w, session) == ERR_LOGIN);
	EVENTUALLY(str_eq(row(w).cookie, STR("cookie-2")));
	assert_int_equal(world_audits(world_task(w), a->id, "account.disabled"), 1);
	watch_stop();
	assert_false(follows());
	assert_int_equal(metric_get(METRIC_FEEDS_FRESH, 0), 0);
	assert_int_equal(counted(&fake_feed.opens), counted(&fake_feed.closes));
	/* What happens meanwhile is told after the start, from the cookie on. */
	p->enabled = true;
	fake_feed_tell(FEED_CHANGED, FEED_PERSON, p->id);
	assert_ok(watch_start(&settings));
	EVENTUALLY(str_eq(row(w).cookie, STR("cookie-3")));
	fake_feed_lock();
	assert_string_equal(fake_feed.opened_with, "cookie-2");
	fake_feed_unlock();
	EVENTUALLY(follows());
}

static void breaks_and_comes_back(void **state) {
	struct worker *w = *state;
	struct str session;
	struct account *a = log_in(&w->task, "broken", &session);
	const struct directory_config *d = NULL;
	struct entry *e = NULL;
	assert_ok(watch_start(&settings));
	EVENTUALLY(follows());
	set(&fake_feed.broken, true);
	EVENTUALLY(row(w).state == FEED_FAILING);
	assert_true(str_contains(row(w).detail, STR("fake feed: broken")));
	EVENTUALLY(metric_get(METRIC_FEEDS_FRESH, 0) == 0);
	EVENTUALLY(counted(&fake_feed.opens) >= 3);
	EVENTUALLY(!follows());
	fake.down = true; /* not fresh: the directory is asked, and it is down */
	assert_err(account_person(world_task(w), a, &d, &e, NULL), ERR_UNAVAILABLE);
	fake.down = false;
	set(&fake_feed.broken, false);
	EVENTUALLY(follows());
	EVENTUALLY(row(w).state == FEED_FOLLOWING);
	assert_str(row(w).detail, STR(""));
	assert_str(row(w).cookie, STR("cookie-1"));
	/* Connected, and yet not heard. */
	set(&fake_feed.silent, true);
	EVENTUALLY(!follows());
	set(&fake_feed.silent, false);
	EVENTUALLY(follows());
}

static void another_kind_needs_another_cookie(void **state) {
	struct worker *w = *state;
	assert_ok(watch_start(&settings));
	EVENTUALLY(str_eq(row(w).cookie, STR("cookie-1")));
	watch_stop();
	world_directory.feed = FEED_USN;
	assert_ok(watch_start(&settings));
	EVENTUALLY(str_eq(row(w).cookie, STR("cookie-2")));
	fake_feed_lock();
	assert_string_equal(fake_feed.opened_with, "");
	fake_feed_unlock();
}

static void an_empty_answer_stops_it(void **state) {
	struct worker *w = *state;
	struct str sessions[8];
	for (size_t i = 0; i < COUNT(sessions); i++)
		log_in(&w->task, str_printf(w->task.arena, "empty%zu%c", i, 0).p, &sessions[i]);
	fake_feed.empty = true;
	world_clock(1000); /* the rows are older than the pass */
	assert_ok(watch_start(&settings));
	EVENTUALLY(row(w).state == FEED_STOPPED);
	assert_false(follows());
	assert_true(str_starts(row(w).detail, STR("8 of 8 ")));
	for (size_t i = 0; i < COUNT(sessions); i++)
		assert_ok(session_state(w, sessions[i]));
	size_t opens = counted(&fake_feed.opens);
	assert_int_equal(opens, 1);
	struct feed_row f = row(w);
	f.state = FEED_ACCEPTED; /* as usherctl feed accept */
	assert_ok(feeds_put(world_task(w), &f));
	EVENTUALLY(row(w).state == FEED_FOLLOWING);
	EVENTUALLY(follows());
	for (size_t i = 0; i < COUNT(sessions); i++)
		assert_err(session_state(w, sessions[i]), ERR_LOGIN);
}

static void what_is_refused_is_tried_again(void **state) {
	struct worker *w = *state;
	fake_feed.refuses = ERR_REFUSED;
	assert_ok(watch_start(&settings));
	EVENTUALLY(row(w).state == FEED_FAILING);
	fake_feed_lock();
	fake_feed.refuses = OK;
	fake_feed_unlock();
	EVENTUALLY(follows());
}

static void what_never_ends_is_left(void **state) {
	struct worker *w = *state;
	assert_ok(watch_start(&settings));
	EVENTUALLY(follows());
	set(&fake_feed.endless, true);
	usleep(100000); /* it is in there */
	watch_stop();
	assert_int_equal(row(w).state, FEED_FOLLOWING); /* that it was left is no failure */
}

/* Thousands of entries are told page by page, each within the operation's time-out. */
static void a_first_pass_has_its_time(void **state) {
	(void)state;
	assert_ok(watch_start(&settings));
	EVENTUALLY(follows());
	watch_stop();
	assert_true(fake_feed.least_left > 2 * TASK_JOB_MS);
}

static void a_moved_container_is_compared(void **state) {
	struct worker *w = *state;
	struct str session;
	struct account *a = log_in(&w->task, "moved", &session), *now = NULL;
	struct fake_person *p = fake_person_find("moved");
	assert_ok(watch_start(&settings));
	EVENTUALLY(follows());
	snprintf(p->dn, sizeof(p->dn), "uid=moved,ou=elsewhere,dc=test");
	fake_feed_tell(FEED_CHANGED, FEED_PLACE, "ou");
	EVENTUALLY(
		!accounts_find(world_task(w), a->id, &now) && str_eq(now->dn, STR("uid=moved,ou=elsewhere,dc=test")));
	EVENTUALLY(row(w).reconciled_at > 0);
	assert_ok(session_state(w, session));
}

/* The names of all below "ou" are of the container's third name from here on. */
static void rename_again(void) {
	for (size_t i = 0; i < fake.n_people; i++)
		snprintf(fake.people[i].dn, sizeof(fake.people[i].dn), "uid=%s,ou=third,dc=test", fake.people[i].login);
	fake_feed_tell(FEED_CHANGED, FEED_PLACE, "ou");
}

static size_t placed(struct worker *w, const char *place) {
	struct account *list = NULL;
	size_t n = 0, found = 0;
	arena_wipe(w->task.arena);
	assert_ok(accounts_list(world_task(w), STR(""), STR(""), 200, &list, &n));
	for (size_t i = 0; i < n; i++)
		found += str_contains(list[i].dn, str_of(place));
	return found;
}

static void a_container_moved_while_comparing_is_compared(void **state) {
	enum { PEOPLE = 120 }; /* more than a page */
	struct worker *w = *state;
	for (int i = 0; i < PEOPLE; i++) {
		struct task *t = world_task(w);
		struct account *a = NULL;
		struct entry *e = NULL;
		struct str name = str_printf(t->arena, "many%d%c", i, 0);
		fake_person_add(name.p, "many@x.test");
		assert_ok(directory_find_id(t, &world_directory, str_of(fake_person_find(name.p)->id), &e));
		assert_ok(account_link(t, &world_directory, e, &a));
	}
	assert_ok(watch_start(&settings));
	EVENTUALLY(follows());
	assert_int_equal(placed(w, "ou=people"), PEOPLE);
	fake.after_id = rename_again;
	fake_feed_tell(FEED_CHANGED, FEED_PLACE, "ou");
	EVENTUALLY(placed(w, "ou=third") >= PEOPLE - 100); /* the second page */
	size_t nexts = counted(&fake_feed.nexts);
	EVENTUALLY(counted(&fake_feed.nexts) > nexts + 2);
	watch_stop(); /* a compare that was just made is made again only later, or after a start */
	assert_ok(watch_start(&settings));
	EVENTUALLY(placed(w, "ou=third") == PEOPLE);
	EVENTUALLY(row(w).reconciled_at > 0);
}

static void a_reload_starts_anew(void **state) {
	struct worker *w = *state;
	(void)w;
	assert_ok(watch_start(&settings));
	EVENTUALLY(follows());
	struct directory_config off = world_directory;
	struct realm realm = world_realm;
	struct config other = world_config;
	off.feed = FEED_OFF;
	realm.directories = &off;
	other.realms = &realm;
	present = &other;
	watch_reload();
	assert_false(follows());
	assert_int_equal(metric_get(METRIC_FEEDS, 0), 0);
	present = &world_config;
	watch_reload();
	EVENTUALLY(follows());
	assert_int_equal(metric_get(METRIC_FEEDS, 0), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, watch_setup, watch_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(follows_and_acts),
		TEST(breaks_and_comes_back),
		TEST(another_kind_needs_another_cookie),
		TEST(an_empty_answer_stops_it),
		TEST(what_is_refused_is_tried_again),
		TEST(what_never_ends_is_left),
		TEST(a_first_pass_has_its_time),
		TEST(a_moved_container_is_compared),
		TEST(a_container_moved_while_comparing_is_compared),
		TEST(a_reload_starts_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
