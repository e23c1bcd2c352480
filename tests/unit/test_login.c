/* Passwords proved, and sessions. */
#include "tests/unit/login_fixture.h"

static void test_good(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "good", &p);
	struct login_state s = {0};
	struct login l = try(t, "  GOOD ", RIGHT);
	assert_int_equal(l.result, LOGIN_OK);
	assert_int_equal(l.session.n, 53);
	assert_ok(login_session(t, l.session, &s));
	assert_str(s.account->login, STR("good"));
	assert_str(s.session->sid, l.sid);
	assert_false(str_eq(l.sid, l.session));
	assert_int_equal(world_audits(t, l.account->id, "login.ok"), 1);
	/* By mail, in the same browser: another session, and the old one has ended. */
	struct login again = {0};
	assert_ok(login_password(t, STR("good@x.test"), STR(RIGHT), l.session, STR("test"), &again));
	assert_int_equal(again.result, LOGIN_OK);
	assert_str(again.account->id, l.account->id);
	assert_false(str_eq(again.session, l.session));
	assert_err(login_session(t, l.session, &s), ERR_LOGIN);
	assert_ok(login_session(t, again.session, &s));
}

/* ---- what happens between the bind and the session ---- */

static struct fake_person *racing;
static struct str racing_id;

static void ends_account(void) {
	struct worker other = {0};
	worker_new(&other);
	struct task *t = world_task(&other);
	assert_ok(store_begin(t));
	assert_ok(store_end(t, login_end_account(t, racing_id, "password")));
	worker_free(&other);
}
static void disables(void) {
	racing->enabled = false;
}
static void sets_password(void) {
	snprintf(racing->stamp, sizeof(racing->stamp), "another");
}
static void deletes(void) {
	racing->gone = true;
}

/* With the right password of a moment ago: nothing outlives what ended the account, and what the feed told before there
 * was an account to be told of counts too. */
static void test_races(void **state) {
	static const struct {
		const char *name;
		bool first; /* the first login */
		void (*happens)(void);
	} rows[] = {{"race-end", false, ends_account}, {"race-off", true, disables}, {"race-set", true, sets_password},
		{"race-gone", true, deletes}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct session *sessions = NULL;
		struct account *a = NULL;
		size_t n = 0;
		struct task *t = begin(state, rows[i].name, &racing);
		if (!rows[i].first)
			racing_id = try(t, rows[i].name, RIGHT).account->id;
		fake.after_bind = rows[i].happens;
		assert_int_equal(try(t, rows[i].name, RIGHT).result, LOGIN_REFUSED);
		assert_null(fake.after_bind);
		assert_ok(accounts_find_stable(t, STR("main"), str_of(racing->id), &a));
		assert_ok(sessions_list(t, a->id, &sessions, &n));
		assert_int_equal(n, 0);
		racing->enabled = true;
		racing->gone = false;
		assert_int_equal(try(t, rows[i].name, RIGHT).result, LOGIN_OK);
	}
}

/* One answer, one way: always one search and one bind. */
static void test_refused(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "refused", &p);
	struct fake_person *locked = fake_person_add("locked1", "locked1@x.test"),
			   *off = fake_person_add("off1", "off1@x.test");
	locked->locked = true;
	off->enabled = false;
	fake_person_add("twin", "one@x.test");
	fake_person_add("twin2", "twin");
	static const struct {
		const char *name, *password;
	} rows[] = {{"refused", "wrong"}, {"refused", ""}, {"nobody-here", "correct horse nobody-here"},
		{"locked1", "correct horse locked1"}, {"off1", "correct horse off1"}, {"twin", "correct horse twin"},
		{"*", RIGHT}, {"", RIGHT}, {"ref*", RIGHT}, {"refused)(uid=*", RIGHT}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t searches = fake.searches, binds = fake.binds;
		struct login l = try(t, rows[i].name, rows[i].password);
		if (l.result != LOGIN_REFUSED || l.session.n || l.account)
			fail_msg("row %zu: result %d", i, l.result);
		assert_int_equal(fake.searches - searches, 1);
		assert_int_equal(fake.binds - binds, 1);
	}
	assert_null(strstr(fake.bound, "refused)"));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "locked", NULL), 1);
	try(t, "locked1", "x");
	assert_int_equal(world_jobs(t, JOB_NOTICE, "locked", NULL), 1); /* once a day */
}

/* The audit tells what the page does not; about the account, as soon as there is one. */
static void test_refused_why(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "whyever", &p);
	struct account *a = try(t, "whyever", RIGHT).account;
	static const struct {
		const char *name, *password;
		bool locked, off, ended;
		const char *why;
	} rows[] = {{"whyever", "wrong", false, false, false, "credentials"},
		{"whyever", RIGHT, true, false, false, "locked"}, {"whyever", RIGHT, false, true, false, "disabled"},
		{"whyever", RIGHT, false, true, true, "expired"}, {"whynobody", RIGHT, false, false, false, "unknown"},
		{"whytwo", RIGHT, false, false, false, "ambiguous"},
		{"whynew", "wrong", false, false, false, "credentials"}};
	fake_person_add("whytwo", "one@x.test");
	fake_person_add("whytwo2", "whytwo");
	struct fake_person *fresh = fake_person_add("whynew", "whynew@x.test");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct audit_filter f = {.action = STR("login.refused"), .limit = 1};
		struct audit_row *list = NULL;
		size_t n = 0;
		p->locked = rows[i].locked;
		p->enabled = !rows[i].off;
		p->expires_at = rows[i].ended ? clock_wall_ms() - 1000 : 0;
		assert_int_equal(try(t, rows[i].name, rows[i].password).result, LOGIN_REFUSED);
		nanosleep(&(struct timespec){.tv_nsec = 2000000},
			NULL); /* records are in the order of their milliseconds */
		assert_ok(audit_list(t, &f, &list, &n));
		assert_int_equal(n, 1);
		if (!str_contains(list->detail, str_printf(t->arena, "\"%s\"", rows[i].why)))
			fail_msg("row %zu: %.*s", i, FMT(list->detail));
		bool whose = strcmp(rows[i].name, "whyever") == 0;
		assert_str(list->subject, whose                                 ? a->id
					  : strcmp(rows[i].name, "whynew") == 0 ? str_of(fresh->id)
										: STR(""));
	}
}

static void test_throttle(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "throttled", &p);
	for (int i = 0; i < 5; i++)
		assert_int_equal(try(t, "throttled", "wrong").result, LOGIN_REFUSED);
	size_t binds = fake.binds;
	struct login l = try(t, "Throttled", RIGHT);
	assert_int_equal(l.result, LOGIN_THROTTLED);
	assert_true(l.retry_after_s > 800);
	assert_int_equal(try(t, "\xef\xbd\x94hrottled", RIGHT).result, LOGIN_THROTTLED); /* fullwidth t */
	assert_int_equal(fake.binds, binds); /* the directory's own lock is not met */
}

/* All names of a person count together; the answer over the limit is that of a wrong password. */
static void test_throttle_entry(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "several", &p);
	size_t binds = fake.binds;
	for (int i = 0; i < 5; i++) {
		char one[] = "wrong 0", other[] = "wrong 5";
		one[6] = (char)(one[6] + i);
		other[6] = (char)(other[6] + i);
		assert_int_equal(try(t, "several", one).result, LOGIN_REFUSED);
		assert_int_equal(try(t, "several@x.test", other).result, LOGIN_REFUSED);
	}
	assert_int_equal(fake.binds - binds, 5);
}

/* The same wrong password again is refused without the directory, whose own lock it would bring nearer; another is
 * asked about, and so is the same one once the password was changed. */
static void test_wrong_once(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "once", &p);
	size_t binds = fake.binds;
	for (int i = 0; i < 3; i++)
		assert_int_equal(try(t, "once", "a stale one").result, LOGIN_REFUSED);
	assert_int_equal(fake.binds - binds, 1);
	assert_int_equal(try(t, "once", "A stale one").result, LOGIN_REFUSED);
	assert_int_equal(fake.binds - binds, 2);
	snprintf(p->password, sizeof(p->password), "a stale one");
	snprintf(p->stamp, sizeof(p->stamp), "2");
	assert_int_equal(try(t, "once", "a stale one").result, LOGIN_OK);
}

/* A right password starts the name's count anew, and costs nothing. */
static void test_throttle_clear(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "cleared", &p);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 4; i++)
			assert_int_equal(try(t, "cleared", "wrong").result, LOGIN_REFUSED);
		assert_int_equal(try(t, "cleared", RIGHT).result, LOGIN_OK);
	}
	p->verdict = VERDICT_EXPIRED;
	for (int i = 0; i < 20; i++)
		assert_int_equal(try(t, "cleared", RIGHT).result, LOGIN_EXPIRED);
	p->verdict = VERDICT_MUST_CHANGE;
	assert_int_equal(try(t, "cleared", RIGHT).result, LOGIN_MUST_CHANGE);
}

/* One address may try ten times as much as one name. */
static void test_throttle_address(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "sprayed", &p);
	for (int i = 0; i < 50; i++) {
		struct str name = str_printf(t->arena, "spray%d%c", i, 0);
		assert_int_equal(try(t, name.p, "Summer2026").result, LOGIN_REFUSED);
	}
	assert_int_equal(try(t, "sprayed", RIGHT).result, LOGIN_THROTTLED);
	t->address = STR("another address");
	assert_int_equal(try(t, "sprayed", RIGHT).result, LOGIN_OK); /* the name was not charged */
}

static void test_down(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "down", &p);
	struct login l = {.result = LOGIN_THROTTLED};
	for (int i = 0; i < 20; i++) { /* an outage is nobody's failure */
		fake_fail((size_t)(i % 2), i % 4 < 2 ? FAULT_DOWN : FAULT_LOST_AFTER);
		enum err e = login_password(t, STR("down"), STR(RIGHT), STR(""), STR(""), &l);
		assert_true(e == ERR_UNAVAILABLE || e == ERR_TIMEOUT);
		assert_int_equal(l.result, LOGIN_THROTTLED);
		task_clear(t);
	}
	assert_int_equal(try(t, "down", RIGHT).result, LOGIN_OK);
}

static void test_session_ends(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "sessions", &p);
	struct login_state s = {0};
	struct login l = try(t, "sessions", RIGHT);
	static const char *const bad[] = {"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_err(login_session(t, str_of(bad[i]), &s), ERR_LOGIN);
	assert_err(login_session(t, session_hash(t, l.session), &s), ERR_LOGIN); /* what the store holds is no key */
	world_clock(3599000);
	assert_ok(login_session(t, l.session, &s)); /* touched */
	world_clock(3599000 * 2);
	assert_ok(login_session(t, l.session, &s));
	world_clock(3599000 * 2 + 3601000);
	assert_err(login_session(t, l.session, &s), ERR_LOGIN); /* idle */
	world_clock(0);
	struct login other = try(t, "sessions", RIGHT);
	for (int i = 1; i <= 10; i++) {
		world_clock(i * 3590000);
		assert_ok(login_session(t, other.session, &s));
	}
	world_clock(36000001);
	assert_err(login_session(t, other.session, &s), ERR_LOGIN); /* past its time though in use */
}

static void test_end(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "ended", &p);
	struct login_state s = {0}, kept = {0};
	struct login one = try(t, "ended", RIGHT), two = try(t, "ended", RIGHT), three = try(t, "ended", RIGHT);
	grant_new(t, "online", one.account->id, one.sid, "openid");
	grant_new(t, "offline", one.account->id, one.sid, "openid offline_access");
	grant_new(t, "two", one.account->id, two.sid, "openid");
	assert_ok(login_session(t, one.session, &s));
	assert_ok(login_end(t, &s));
	assert_err(login_session(t, one.session, &s), ERR_LOGIN);
	assert_true(revoked(t, "online"));
	assert_false(revoked(t, "offline"));
	assert_false(revoked(t, "two"));
	assert_ok(login_session(t, three.session, &kept));
	assert_ok(login_end_others(t, three.account->id, kept.session->id_hash));
	assert_err(login_session(t, two.session, &s), ERR_LOGIN);
	assert_ok(login_session(t, three.session, &s));
	assert_true(revoked(t, "two"));
}

/* ---- changes ---- */

static void test_person(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "person", &p);
	struct login l = try(t, "person", RIGHT);
	struct person who = {0};
	fake_join(&fake.groups[0], p);
	assert_ok(login_person(t, l.account, &who));
	assert_int_equal(who.groups.n, 1);
	p->enabled = false;
	assert_err(login_person(t, l.account, &who), ERR_DENIED);
	p->gone = true;
	assert_err(login_person(t, l.account, &who), ERR_NOT_FOUND);
}

/* Names are asked of the directory that their domain belongs to. */
static void test_routing(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "routed", &p);
	world_directory.mail_domains = world_one(5, "x.test");
	assert_int_equal(try(t, "routed@X.test", RIGHT).result, LOGIN_OK);
	size_t calls = fake.calls;
	assert_int_equal(try(t, "routed@y.test", RIGHT).result, LOGIN_REFUSED);
	assert_int_equal(try(t, "routed", RIGHT).result, LOGIN_REFUSED);
	assert_int_equal(fake.calls, calls);
}

/* A realm with two directories, which hold the same people here. */
static struct directory_config two[2];

static void begin_two(void) {
	two[0] = two[1] = world_directory;
	two[1].id = STR("second");
	world_realm.directories = two;
	world_realm.n_directories = 2;
}

static void test_two_directories(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "twin", &p);
	begin_two();
	/* A name that both know is nobody's: not the first one's either, with whatever password. */
	assert_int_equal(try(t, "twin", RIGHT).result, LOGIN_REFUSED);
	assert_true(fake.bound[0] != 0 && !strstr(fake.bound, "uid=twin")); /* it takes as long as a wrong one */
	two[1].mail_domains = world_one(5, "x.test");
	assert_int_equal(try(t, "twin", RIGHT).result, LOGIN_OK);
	assert_int_equal(try(t, "twin@x.test", RIGHT).result, LOGIN_REFUSED);
	two[0].mail_domains = world_one(6, "y.test");
	assert_int_equal(try(t, "twin@x.test", RIGHT).result, LOGIN_OK);
	assert_int_equal(try(t, "twin", RIGHT).result, LOGIN_REFUSED);
}

static void test_login_suffix(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "suffixed", &p);
	begin_two();
	two[1].login_suffix = STR("PARTNER");
	static const struct {
		const char *typed;
		enum login_result result;
	} rows[] = {{"suffixed", LOGIN_REFUSED}, {"suffixed@partner", LOGIN_OK}, {"Partner\\suffixed", LOGIN_OK},
		{"suffixed@other", LOGIN_REFUSED}, {"other\\suffixed", LOGIN_REFUSED}, {"@partner", LOGIN_REFUSED},
		{"suffixed@partner@partner", LOGIN_REFUSED}, {"partner\\", LOGIN_REFUSED}};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (try(t, rows[i].typed, RIGHT).result != rows[i].result)
			fail_msg("row %zu", i);
	/* Its own directory alone is asked: the other one's being away does not matter. */
	fake.silent = "main";
	assert_int_equal(try(t, "suffixed@partner", RIGHT).result, LOGIN_OK);
}

/* One that is silent holds nobody whom another directory knows; its own people are told. */
static void test_silent_directory(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "quick", &p);
	struct login l;
	begin_two();
	fake.silent = "main";
	assert_int_equal(try(t, "quick", RIGHT).result, LOGIN_OK);
	assert_err(login_password(t, STR("slow"), STR(RIGHT), STR(""), STR(""), &l), ERR_UNAVAILABLE);
}

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_good), TEST(test_races), TEST(test_refused),
		TEST(test_refused_why), TEST(test_throttle), TEST(test_throttle_entry), TEST(test_wrong_once),
		TEST(test_throttle_clear), TEST(test_throttle_address), TEST(test_down), TEST(test_session_ends),
		TEST(test_end), TEST(test_person), TEST(test_routing), TEST(test_two_directories),
		TEST(test_login_suffix), TEST(test_silent_directory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
