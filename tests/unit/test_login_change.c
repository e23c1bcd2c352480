/* Passwords changed by the person, and set anew by a link. */
#include "tests/unit/login_fixture.h"

static void test_change(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "changer", &p);
	struct password_problem problem = {0};
	struct login_state s = {0};
	struct login l = try(t, "changer", RIGHT);
	struct str link = STR_NONE;
	struct ticket *k = NULL;
	grant_new(t, "g1", l.account->id, l.sid, "openid offline_access");
	assert_ok(ticket_issue(t, TICKET_RESET, STR("n1"), l.account->id, STR("changer@x.test"), 3600, &link));
	assert_err(login_change_password(t, STR("changer"), STR("wrong"), STR(PASSWORD), &problem), ERR_FIELDS);
	assert_true(problem.old_wrong);
	problem = (struct password_problem){0};
	assert_err(login_change_password(t, STR("changer"), STR(RIGHT), STR("changer1"), &problem), ERR_FIELDS);
	assert_non_null(problem.reason_key);
	assert_false(problem.old_wrong);
	problem = (struct password_problem){0};
	assert_err(login_change_password(t, STR("changer"), STR(RIGHT), STR(RIGHT), &problem), ERR_FIELDS);
	assert_string_equal(problem.reason_key, policy_reason_key(REFUSAL_SAME));
	task_clear(t);
	p->verdict = VERDICT_MUST_CHANGE;
	assert_ok(login_change_password(t, STR("changer"), STR(RIGHT), STR(PASSWORD), &problem));
	assert_string_equal(p->password, PASSWORD);
	assert_err(login_session(t, l.session, &s), ERR_LOGIN);
	assert_true(revoked(t, "g1"));
	assert_err(ticket_check(t, TICKET_RESET, link, &k), ERR_EXPIRED); /* links sent before are worth nothing now */
	assert_int_equal(world_jobs(t, JOB_NOTICE, "changed", NULL), 1);
	assert_int_equal(world_audits(t, l.account->id, "password.change"), 1);
}

static void test_change_throttled(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "guessed", &p);
	struct password_problem problem = {0};
	for (int i = 0; i < 5; i++)
		assert_err(login_change_password(t, STR("guessed"), STR("wrong"), STR(PASSWORD), &problem), ERR_FIELDS);
	assert_err(login_change_password(t, STR("guessed"), STR(RIGHT), STR(PASSWORD), &problem), ERR_TOO_MANY);
	assert_string_equal(p->password, RIGHT);
}

static void test_reset_request(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "forgot", &p);
	struct job j;
	assert_ok(login_reset_request(t, STR("forgot")));
	assert_ok(login_reset_request(t, STR("nobody \"at\" all")));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "reset", &j), 2);
	for (int i = 0; i < 9; i++)
		assert_ok(login_reset_request(t, i % 2 ? STR("FORGOT") : STR("f\xc3\xb3rgot")));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "reset", &j), 4); /* three an hour and name */
	assert_ok(login_reset_request(t, STR("")));
	assert_ok(login_reset_request(t, STR("\xff")));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "reset", &j), 4);
	assert_int_equal(fake.calls, 0); /* the page's time tells nothing: the job looks */
}

struct reset {
	struct account *account;
	struct str link;
};

static struct reset reset_begin(struct task *t, const char *name, const char *mail) {
	struct reset r = {0};
	struct entry *e = NULL;
	assert_ok(directory_find_login(t, &world_directory, str_of(name), &e));
	assert_ok(account_link(t, &world_directory, e, &r.account));
	assert_ok(ticket_issue(t, TICKET_RESET, str_of(name), r.account->id, str_of(mail), 3600, &r.link));
	return r;
}

/* Who forgot the password, tried it too often and chose another one by the link may log in at once, by every name. */
static void test_reset_after_throttle(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "tooften", &p);
	struct password_problem problem = {0};
	for (int i = 0; i < 5; i++)
		assert_int_equal(try(t, i % 2 ? "tooften@x.test" : "tooften", "wrong").result, LOGIN_REFUSED);
	for (int i = 0; i < 5; i++)
		try(t, i % 2 ? "tooften@x.test" : "tooften", "wrong");
	assert_int_equal(try(t, "tooften", RIGHT).result, LOGIN_THROTTLED);
	struct reset r = reset_begin(t, "tooften", "tooften@x.test");
	assert_err(login_reset_complete(t, r.link, STR("short"), &problem), ERR_FIELDS);
	assert_int_equal(try(t, "tooften", RIGHT).result, LOGIN_THROTTLED);
	task_clear(t);
	assert_ok(login_reset_complete(t, r.link, STR(PASSWORD), &problem));
	assert_int_equal(try(t, "tooften", PASSWORD).result, LOGIN_OK);
	assert_int_equal(try(t, "tooften@x.test", PASSWORD).result, LOGIN_OK);
}

static void test_reset(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "resetter", &p);
	struct password_problem problem = {0};
	struct login_state s = {0};
	struct login l = try(t, "resetter", RIGHT);
	struct reset r = reset_begin(t, "resetter", "resetter@x.test");
	assert_err(login_reset_complete(t, r.link, STR("short"), &problem), ERR_FIELDS);
	fake_fail(1, FAULT_DOWN);
	assert_err(login_reset_complete(t, r.link, STR(PASSWORD), &problem), ERR_UNAVAILABLE);
	task_clear(t);
	assert_ok(login_reset_complete(t, r.link, STR(PASSWORD), &problem)); /* the link was given back */
	assert_string_equal(p->password, PASSWORD);
	assert_err(login_session(t, l.session, &s), ERR_LOGIN);
	assert_err(login_reset_complete(t, r.link, STR(OTHER_PASSWORD), &problem), ERR_EXPIRED);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "changed", NULL), 1);
}

/* The link proves the address that it was sent to, for the account as it was. */
static void test_reset_refused(void **state) {
	struct fake_person *p;
	struct task *t = begin(state, "moved", &p);
	struct password_problem problem = {0};
	struct reset r = reset_begin(t, "moved", "moved@x.test");
	snprintf(p->mail, sizeof(p->mail), "new@x.test");
	assert_err(login_reset_complete(t, r.link, STR(PASSWORD), &problem), ERR_EXPIRED);
	snprintf(p->mail, sizeof(p->mail), "moved@x.test");
	p->enabled = false;
	assert_err(login_reset_complete(t, r.link, STR(PASSWORD), &problem), ERR_EXPIRED);
	p->gone = true;
	assert_err(login_reset_complete(t, r.link, STR(PASSWORD), &problem), ERR_EXPIRED);
	assert_string_equal(p->password, RIGHT);
}

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_change), TEST(test_change_throttled), TEST(test_reset_request),
		TEST(test_reset_after_throttle), TEST(test_reset), TEST(test_reset_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
