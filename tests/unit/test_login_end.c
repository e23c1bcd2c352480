/* Who is told when sessions and accounts end: rows of jobs, in the transaction of the end. */
#include "tests/unit/business_fixture.h"

#include "broker/jose/jose.h"
#include "broker/login/login_private.h"

#define RIGHT    "correct horse anna"
#define TOLD_MAX 16u

enum { PORTAL, STRICT, MUTE, CLIENTS };
static struct client_config clients[CLIENTS];

static void clients_make(void) {
	static const char *const ids[CLIENTS] = {"portal", "strict", "mute"};
	for (size_t i = 0; i < CLIENTS; i++)
		clients[i] = (struct client_config){.id = str_of(ids[i]),
			.backchannel_logout_uri = i == MUTE ? STR("") : STR("https://app.test/bye"),
			.backchannel_logout_session_required = i == STRICT};
	world_realm.clients = clients;
	world_realm.n_clients = CLIENTS;
}

static struct task *begin(void **state, const char *name) {
	struct task *t = world_task(*state);
	struct str mail = str_printf(t->arena, "%s@x.test%c", name, 0);
	struct fake_person *p = fake_person_add(name, mail.p);
	snprintf(p->password, sizeof(p->password), RIGHT);
	t->address = str_printf(t->arena, "address of %s", name);
	clients_make();
	return t;
}

static struct login try(struct task *t, const char *name, struct str old_session) {
	struct login l = {0};
	assert_ok(login_password(t, str_of(name), STR(RIGHT), old_session, STR("test"), &l));
	assert_int_equal(l.result, LOGIN_OK);
	return l;
}

static struct str grant_new(
	struct task *t, const char *client, const struct login *l, const char *scope, bool redeemed) {
	struct grant g = {.id = random_id(t->arena),
		.realm = t->realm_name,
		.client = str_of(client),
		.account_id = l->account->id,
		.sid = l->sid,
		.scope = str_of(scope),
		.code_used_at = redeemed,
		.created_at = clock_wall_ms(),
		.expires_at = clock_wall_ms() + 1000000};
	assert_ok(grants_insert(t, &g));
	return g.id;
}

static bool revoked(struct task *t, struct str id) {
	struct grant *g = NULL;
	assert_ok(grants_find(t, id, &g));
	return g->revoked_at != 0;
}

/* "client sub sid" of each job, sorted; takes them away. */
static struct str told(struct task *t) {
	struct job *jobs = NULL;
	struct str lines[TOLD_MAX];
	size_t n = 0, count = 0;
	assert_ok(jobs_list(t, JOB_QUEUED, &jobs, &n));
	for (size_t i = 0; i < n; i++) {
		owned(json) json_t *body = NULL;
		if (jobs[i].kind != JOB_LOGOUT)
			continue;
		assert_ok(json_parse(t, jobs[i].body, &body));
		struct str line = str_printf(t->arena, "%.*s %.*s %.*s", FMT(json_member_str(body, "client")),
			FMT(json_member_str(body, "sub")), FMT(json_member_str(body, "sid")));
		size_t at = count++;
		assert_true(count <= TOLD_MAX);
		for (; at > 0 && str_cmp(lines[at - 1], line) > 0; at--)
			lines[at] = lines[at - 1];
		lines[at] = line;
		assert_ok(jobs_done(t, jobs[i].id));
	}
	return str_join(t->arena, (struct strs){lines, count}, STR("\n"));
}

static struct str line(struct task *t, const char *client, const struct login *l, bool with_sid) {
	return str_printf(t->arena, "%s %.*s %.*s", client, FMT(l->account->sub), FMT(with_sid ? l->sid : STR("")));
}

static struct str lines(struct task *t, struct str a, struct str b) {
	return str_printf(t->arena, "%.*s\n%.*s", FMT(a), FMT(b));
}

static enum err end_within(struct task *t, const struct login_state *s) {
	TRY(session_end(t, s->session));
	return ERR_REFUSED;
}

/* Each client once, however many logins it had in the session; the jobs come with the end or not at all. */
static void test_one_session(void **state) {
	struct task *t = begin(state, "told");
	struct login one = try(t, "told", STR("")), two = try(t, "told", STR(""));
	struct login_state s = {0};
	grant_new(t, "portal", &one, "openid", true);
	grant_new(t, "portal", &one, "openid email", true);
	grant_new(t, "strict", &one, "openid offline_access", true);
	grant_new(t, "mute", &one, "openid", true);
	grant_new(t, "gone", &one, "openid", true); /* no longer configured */
	grant_new(t, "portal", &two, "openid", true);
	assert_ok(login_session(t, one.session, &s));
	assert_ok(store_begin(t));
	assert_err(store_end(t, end_within(t, &s)), ERR_REFUSED);
	assert_str(told(t), STR(""));
	assert_ok(login_session(t, one.session, &s));
	assert_ok(login_end(t, &s));
	assert_str(told(t), lines(t, line(t, "portal", &one, true), line(t, "strict", &one, true)));
	assert_ok(login_end_sid(t, one.sid)); /* has ended already */
	assert_str(told(t), STR(""));
	assert_ok(login_end_sid(t, two.sid));
	assert_str(told(t), line(t, "portal", &two, true));
}

/* A session whose time was over, and an application that logs out after it: what came of the login ends nevertheless.
 */
static void test_session_gone(void **state) {
	struct task *t = begin(state, "late");
	struct login l = try(t, "late", STR(""));
	struct str id = grant_new(t, "portal", &l, "openid", true),
		   offline = grant_new(t, "strict", &l, "openid offline_access", true);
	assert_ok(sessions_remove(t, session_hash(t, l.session))); /* as the sweep does */
	assert_ok(login_end_sid(t, l.sid));
	assert_true(revoked(t, id) && !revoked(t, offline));
	assert_str(told(t), lines(t, line(t, "portal", &l, true), line(t, "strict", &l, true)));
	assert_ok(login_end_sid(t, l.sid)); /* nobody is told twice */
	assert_str(told(t), STR(""));
}

/* More grants than one answer of the store holds: the first client of the session is not forgotten. */
static void test_many_grants(void **state) {
	struct task *t = begin(state, "busy");
	struct login l = try(t, "busy", STR(""));
	grant_new(t, "strict", &l, "openid", true);
	usleep(2000); /* ids sort by their millisecond */
	assert_ok(store_begin(t));
	for (int i = 0; i < 1001; i++)
		grant_new(t, "portal", &l, "openid", true);
	assert_ok(store_end(t, OK));
	assert_ok(login_end_sid(t, l.sid));
	assert_str(told(t), lines(t, line(t, "portal", &l, true), line(t, "strict", &l, true)));
}

/* Who has not redeemed its code knows no session, and will know none. */
static void test_unredeemed(void **state) {
	struct task *t = begin(state, "early");
	struct login l = try(t, "early", STR(""));
	struct str id = grant_new(t, "portal", &l, "openid offline_access", false);
	assert_ok(login_end_sid(t, l.sid));
	assert_str(told(t), STR(""));
	assert_true(revoked(t, id));
}

static void sessions_add(struct task *t, const struct login *l, size_t n) {
	assert_ok(store_begin(t));
	for (size_t i = 0; i < n; i++) {
		const struct session s = {.id_hash = random_id(t->arena),
			.sid = random_id(t->arena),
			.account_id = l->account->id,
			.created_at = (int64_t)i + 1,
			.expires_at = clock_wall_ms() + 1000000};
		assert_ok(sessions_insert(t, &s));
	}
	assert_ok(store_end(t, OK));
}

static size_t sessions_count(struct task *t, const struct login *l) {
	struct session *left = NULL;
	size_t n = 0;
	assert_ok(sessions_list(t, l->account->id, &left, &n));
	return n;
}

/* A person who logs in often is not the end of the process: memory does not add up over sessions. */
static void test_many_sessions(void **state) {
	struct task *t = begin(state, "often");
	struct login l = try(t, "often", STR(""));
	sessions_add(t, &l, SESSIONS_MOST);
	size_t before = arena_used(t->arena);
	assert_ok(store_begin(t));
	assert_ok(store_end(t, login_end_account(t, l.account->id, "disabled")));
	assert_true(arena_used(t->arena) - before < LIMIT_ARENA / 64);
	assert_int_equal(sessions_count(t, &l), 0);
}

/* And has no more of them than may be: the oldest ends. */
static void test_most_sessions(void **state) {
	struct task *t = begin(state, "more");
	struct login l = try(t, "more", STR(""));
	struct session *oldest = NULL, *now = NULL;
	sessions_add(t, &l, SESSIONS_MOST - 1);
	assert_err(sessions_find_beyond(t, l.account->id, SESSIONS_MOST, &oldest), ERR_NOT_FOUND);
	assert_ok(sessions_find_beyond(t, l.account->id, SESSIONS_MOST - 1, &oldest));
	assert_int_equal(oldest->created_at, 1);
	try(t, "more", STR(""));
	assert_err(sessions_find_sid(t, oldest->sid, &now), ERR_NOT_FOUND);
	assert_err(sessions_find_beyond(t, l.account->id, SESSIONS_MOST, &oldest), ERR_NOT_FOUND);
	assert_ok(sessions_find_sid(t, l.sid, &now));
}

static void test_others(void **state) {
	struct task *t = begin(state, "others");
	struct login here = try(t, "others", STR("")), there = try(t, "others", STR(""));
	struct login_state s = {0};
	grant_new(t, "portal", &here, "openid", true);
	grant_new(t, "portal", &there, "openid", true);
	assert_ok(login_session(t, here.session, &s));
	assert_ok(login_end_others(t, here.account->id, s.session->id_hash));
	assert_str(told(t), line(t, "portal", &there, true));
	for (int i = 0; i < 201; i++) /* more than one list of the store holds */
		try(t, "others", STR(""));
	assert_ok(login_end_others(t, here.account->id, s.session->id_hash));
	struct session *left = NULL;
	size_t n = 0;
	assert_ok(sessions_list(t, here.account->id, &left, &n));
	assert_int_equal(n, 1);
	assert_str(left[0].sid, here.sid);
}

/* "Log out everywhere else" also means the logins whose sessions went by their time, but not what was granted for good.
 */
static void test_others_gone(void **state) {
	struct task *t = begin(state, "elsewhere");
	struct login here = try(t, "elsewhere", STR("")), late = try(t, "elsewhere", STR(""));
	struct login_state s = {0};
	struct str mine = grant_new(t, "portal", &here, "openid", true),
		   id = grant_new(t, "portal", &late, "openid", true),
		   offline = grant_new(t, "mute", &late, "openid offline_access", true);
	assert_ok(sessions_remove(t, session_hash(t, late.session)));
	assert_ok(login_session(t, here.session, &s));
	assert_ok(store_begin(t));
	assert_ok(store_end(t, login_end_others(t, here.account->id, s.session->id_hash)));
	assert_true(revoked(t, id) && !revoked(t, offline) && !revoked(t, mine));
	assert_str(told(t), line(t, "portal", &late, true));
	assert_ok(login_end_others(t, here.account->id, s.session->id_hash));
	assert_str(told(t), STR("")); /* nobody is told twice */
}

/* A login over one's own session goes on with its public id; over somebody else's it ends that one. */
static void test_again(void **state) {
	struct task *t = begin(state, "again");
	struct login one = try(t, "again", STR("")), two, three;
	struct login_state s = {0};
	struct str id = grant_new(t, "portal", &one, "openid", true);
	two = try(t, "again", one.session);
	assert_str(two.sid, one.sid);
	assert_err(login_session(t, one.session, &s), ERR_LOGIN);
	assert_false(revoked(t, id));
	assert_str(told(t), STR(""));
	begin(state, "another");
	three = try(t, "another", two.session);
	assert_false(str_eq(three.sid, one.sid));
	assert_str(told(t), line(t, "portal", &one, true));
	assert_true(revoked(t, id));
}

static enum err whole_end(struct task *t, const struct login *l) {
	TRY(store_begin(t));
	return store_end(t, login_end_account(t, l->account->id, "disabled"));
}

/* All that an account has: sessions, and offline grants of sessions that are gone. */
static void test_account(void **state) {
	struct task *t = begin(state, "whole");
	struct login gone = try(t, "whole", STR("")), older = try(t, "whole", STR("")), live;
	struct str offline = grant_new(t, "portal", &gone, "openid offline_access", true);
	grant_new(t, "portal", &older, "openid offline_access", true);
	grant_new(t, "strict", &gone, "openid offline_access", true);
	grant_new(t, "mute", &gone, "openid offline_access", true);
	grant_new(t, "strict", &older, "openid", true);
	assert_ok(login_end_sid(t, gone.sid));
	assert_ok(login_end_sid(t, older.sid));
	told(t);
	assert_false(revoked(t, offline));
	live = try(t, "whole", STR(""));
	struct str online = grant_new(t, "strict", &live, "openid", true);
	assert_ok(whole_end(t, &live));
	struct str strict_one = line(t, "strict", &gone, true), strict_two = line(t, "strict", &live, true);
	bool first = str_cmp(strict_one, strict_two) < 0;
	assert_str(told(t), lines(t, line(t, "portal", &gone, false),
				    lines(t, first ? strict_one : strict_two, first ? strict_two : strict_one)));
	assert_true(revoked(t, offline));
	assert_true(revoked(t, online));
	struct login_state s = {0};
	assert_err(login_session(t, live.session, &s), ERR_LOGIN);
	assert_int_equal(world_audits(t, live.account->id, "account.sessions_ended"), 1);
	assert_ok(whole_end(t, &live)); /* nothing is left to be told of */
	assert_str(told(t), STR(""));
}

static void test_password(void **state) {
	struct task *t = begin(state, "changes");
	struct login l = try(t, "changes", STR(""));
	struct password_problem problem = {0};
	grant_new(t, "portal", &l, "openid", true);
	assert_ok(login_change_password(t, STR("changes"), STR(RIGHT), STR(PASSWORD), &problem));
	assert_str(told(t), line(t, "portal", &l, true));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_one_session), TEST(test_session_gone), TEST(test_many_grants),
		TEST(test_unredeemed), TEST(test_others), TEST(test_others_gone), TEST(test_many_sessions),
		TEST(test_most_sessions), TEST(test_again), TEST(test_account), TEST(test_password)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
