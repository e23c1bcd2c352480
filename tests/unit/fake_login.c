/* Accounts and logins behind the pages, of one person: fake_doors.h. */
#include "tests/unit/fake_doors.h"

struct account fake_account = {.id = {"A1", 2},
	.sub = {"s1", 2},
	.login = {"grace", 5},
	.mail = {"grace@example.org", 17},
	.dn = {"uid=grace,ou=people,dc=example,dc=org", 37},
	.last_login_at = NOW};
struct session fake_sessions[] = {
	{.id_hash = {"h1", 2},
		.sid = {"sid1", 4},
		.account_id = {"A1", 2},
		.auth_time = NOW - 600000,
		.seen_at = NOW,
		.address = {"192.0.2.7", 9},
		.agent = {"Mozilla/5.0 (X11; Linux) Firefox/140.0", 38}},
	{.id_hash = {"h2", 2},
		.account_id = {"A1", 2},
		.auth_time = NOW - 90000000,
		.seen_at = NOW - 80000000,
		.address = {"2001:db8::7", 11},
		.agent = {"Mozilla/5.0 (iPhone) Version/18.0 Safari/604.1", 46}},
};
struct entry fake_entry = {.dn = {"uid=ada", 7}, .login = {"alovelace", 9}, .mail = {"ada@example.net", 15}};

enum err fake_password(struct task *t, enum err e, struct password_problem *problem) {
	if (e == ERR_FIELDS)
		*problem = (struct password_problem){.reason_key = world.password_reason, .old_wrong = world.old_wrong};
	return e ? task_fail(t, e, "password") : OK;
}

enum err login_password(struct task *t, struct str username, struct str password, struct str old_session,
	struct str agent, struct login *ret) {
	(void)t, (void)username, (void)password, (void)agent;
	world.replaced = str_eq(old_session, STR("S")) ? STR("S") : STR("");
	*ret = (struct login){.result = world.login,
		.account = &fake_account,
		.session = STR("SESSION"),
		.retry_after_s = 90,
		.expires_in = -1,
		.policy = {.known = true, .min_length = 13}};
	return OK;
}

enum err login_session(struct task *t, struct str secret, struct login_state *ret) {
	(void)t;
	if (!world.logged_in || str_empty(secret))
		return ERR_LOGIN;
	*ret = (struct login_state){&fake_sessions[0], &fake_account};
	return OK;
}

enum err login_end_sid(struct task *task, struct str sid) {
	(void)task;
	(void)sid;
	return OK;
}

enum err login_end(struct task *t, const struct login_state *s) {
	(void)t, (void)s;
	world.ended++;
	return OK;
}

enum err login_end_others(struct task *t, struct str account_id, struct str except) {
	(void)t, (void)account_id, (void)except;
	world.ended++;
	return OK;
}

enum err login_change_password(struct task *t, struct str username, struct str old_password, struct str new_password,
	struct password_problem *problem) {
	(void)old_password, (void)new_password;
	world.changed = str_eq(username, STR("bob")) ? STR("bob") : STR("grace");
	enum err e = fake_password(t, world.change, problem);
	problem->policy = (struct password_policy){.known = true, .min_length = 14};
	return e;
}

enum err login_reset_request(struct task *t, struct str username) {
	(void)t, (void)username;
	return OK;
}

enum err login_reset_complete(
	struct task *t, struct str secret, struct str new_password, struct password_problem *problem) {
	(void)secret, (void)new_password;
	return fake_password(t, world.reset, problem);
}

enum err login_password_rules(
	struct task *t, const struct directory_config *d, struct str dn, struct password_policy *ret) {
	(void)t, (void)d, (void)dn;
	*ret = (struct password_policy){.known = true, .min_length = 12};
	return OK;
}

enum err account_entry(
	struct task *t, const struct account *a, const struct directory_config **ret_d, struct entry **ret) {
	(void)t, (void)a;
	*ret_d = &fake_directory_config;
	*ret = &fake_entry;
	return OK;
}

enum err ticket_check(struct task *t, const char *purpose, struct str secret, struct ticket **ret) {
	(void)purpose;
	if (str_empty(secret) || world.reset == ERR_EXPIRED)
		return task_fail(t, ERR_EXPIRED, "link");
	*ret = arena_new_of(t->arena, struct ticket);
	(*ret)->subject = STR("1");
	return OK;
}

enum err ticket_issue(struct task *t, const char *purpose, struct str id, struct str subject, struct str bound,
	int64_t ttl_s, struct str *ret_secret) {
	(void)t, (void)purpose, (void)id, (void)subject, (void)bound, (void)ttl_s;
	*ret_secret = STR("STATUS");
	return OK;
}

enum err audit_write(struct task *t, const char *action, struct str subject, const struct audit_pair *pairs, size_t n) {
	(void)t, (void)action, (void)subject, (void)pairs, (void)n;
	return OK;
}

enum err throttle_take(struct task *t, enum throttle kind, struct str key) {
	(void)t, (void)kind, (void)key;
	return OK;
}

int64_t throttle_wait_s(struct task *t, enum throttle kind, struct str key) {
	(void)t, (void)kind, (void)key;
	return 61;
}
