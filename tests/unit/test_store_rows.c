/* Every row comes back as it was written, whatever stands in it, and in its realm alone. */
#include "tests/unit/store_fixture.h"

#define A STR("staff")
#define B STR("students")

static const struct str hostile[] = {
	{"", 0},
	{"plain", 5},
	{"'; DROP TABLE account; --", 25},
	{"?1 :realm $columns % _ ! \\ \" `", 30},
	{"a\0b\0", 4},
	{"\xFF\xFE\x80 not UTF-8", 13},
	{"\xF0\x9F\x98\x80 \xE2\x80\xAE\xC3\x9F", 10},
	{"line\r\nbreak\ttab", 15},
	{"{\"name\": [1, \"\\u0000\"]}", 23},
};

static struct str tagged(struct task *t, const char *tag, struct str text) {
	return str_printf(t->arena, "%s-%zu-%p", tag, text.n, (const void *)text.p);
}

/* Fields of two rows that are texts or numbers; named once for filling and comparing. */
#define REGISTRATION_TEXTS(X)                                                                                          \
	X(profile)                                                                                                     \
	X(mail)                                                                                                        \
	X(mail_key)                                                                                                    \
	X(fields)                                                                                                      \
	X(login_proposed)                                                                                              \
	X(login) X(base) X(groups) X(approval_why) X(decided_by) X(reason) X(plan_id) X(account_id) X(address)
#define REGISTRATION_NUMBERS(X)                                                                                        \
	X(decided_at) X(created_at) X(updated_at) X(verified_at) X(reminded_at) X(due_at) X(version)
#define PLAN_TEXTS(X)      X(registration_id) X(directory) X(body) X(digest) X(dn) X(stable_id) X(failure)
#define PLAN_NUMBERS(X)    X(candidate) X(step) X(created_at) X(updated_at)
#define STEP_TEXTS(X)      X(title) X(controller) X(diagnostic)
#define STEP_NUMBERS(X)    X(step) X(result) X(ms) X(at)
#define ACCOUNT_TEXTS(X)   X(directory) X(dn) X(login) X(mail) X(marker)
#define ACCOUNT_NUMBERS(X) X(created_at) X(last_login_at)
#define TICKET_TEXTS(X)    X(purpose) X(subject) X(bound)
#define TICKET_NUMBERS(X)  X(created_at) X(expires_at) X(lease_until) X(used_at)
#define SESSION_TEXTS(X)   X(account_id) X(amr) X(address) X(agent)
#define SESSION_NUMBERS(X) X(created_at) X(auth_time) X(seen_at) X(expires_at)
#define GRANT_TEXTS(X)     X(client) X(account_id) X(sid) X(scope) X(nonce) X(redirect_uri) X(challenge) X(amr)
#define GRANT_NUMBERS(X)   X(code_expires_at) X(code_used_at) X(auth_time) X(created_at) X(expires_at) X(revoked_at)
#define REFRESH_TEXTS(X)   X(client)
#define REFRESH_NUMBERS(X) X(created_at) X(expires_at) X(used_at)
#define KEY_TEXTS(X)       X(alg) X(public_jwk) X(sealed)
#define KEY_NUMBERS(X)     X(created_at) X(retired_at)

#define MIRROR_TEXTS(X)   X(password_stamp) X(dn) X(login) X(mail) X(attributes) X(groups)
#define MIRROR_NUMBERS(X) X(locked) X(expires_at) X(read_at) X(groups_at) X(seen_at)
#define FEED_TEXTS(X)     X(kind) X(cookie) X(controller) X(detail)
#define FEED_NUMBERS(X)   X(heard_at) X(told_at) X(groups_at) X(pass_at) X(reconciled_at)

#define SET_TEXT(field)    row.field = text;
#define SET_NUMBER(field)  row.field = ++number;
#define SAME_TEXT(field)   assert_str(got->field, row.field);
#define SAME_NUMBER(field) assert_int_equal(got->field, row.field);
#define FILL(texts, numbers)                                                                                           \
	do {                                                                                                           \
		int64_t number = INT64_MAX - 100;                                                                      \
		texts(SET_TEXT) numbers(SET_NUMBER)                                                                    \
	} while (0)
#define COMPARE(texts, numbers)                                                                                        \
	do {                                                                                                           \
		texts(SAME_TEXT) numbers(SAME_NUMBER) assert_str(got->realm, A);                                       \
	} while (0)

static void registration_round(struct task *t, struct str text, int state) {
	struct registration row = {
		.id = tagged(t, "registration", text), .realm = A, .state = (enum registration_state)state};
	struct registration *got = NULL;
	FILL(REGISTRATION_TEXTS, REGISTRATION_NUMBERS);
	assert_ok(registrations_insert(t, &row));
	assert_ok(registrations_find(t, row.id, &got));
	assert_int_equal(got->state, row.state);
	COMPARE(REGISTRATION_TEXTS, REGISTRATION_NUMBERS);
	row.reason = tagged(t, "changed", text);
	row.state = REGISTRATION_WITHDRAWN;
	assert_ok(registrations_update(t, &row));
	assert_ok(registrations_find(t, row.id, &got));
	assert_int_equal(got->state, REGISTRATION_WITHDRAWN);
	COMPARE(REGISTRATION_TEXTS, REGISTRATION_NUMBERS);
}

static void plan_round(struct task *t, struct str text, int state) {
	struct plan_row row = {.id = tagged(t, "plan", text), .realm = A, .state = (enum plan_state)(state % 5)};
	struct plan_row *got = NULL;
	FILL(PLAN_TEXTS, PLAN_NUMBERS);
	assert_ok(plans_insert(t, &row));
	assert_ok(plans_find(t, row.id, &got));
	assert_int_equal(got->state, row.state);
	COMPARE(PLAN_TEXTS, PLAN_NUMBERS);
	row.failure = tagged(t, "changed", text);
	row.step = 7;
	row.state = PLAN_CANCELLED;
	assert_ok(plans_update(t, &row));
	assert_ok(plans_find(t, row.id, &got));
	assert_int_equal(got->state, PLAN_CANCELLED);
	COMPARE(PLAN_TEXTS, PLAN_NUMBERS);
}

static void step_round(struct task *t, struct str text, int state) {
	(void)state;
	struct plan_step_row row = {.plan_id = tagged(t, "plan", text), .realm = A}, *got = NULL;
	size_t n = 0;
	FILL(STEP_TEXTS, STEP_NUMBERS);
	assert_ok(plan_steps_insert(t, &row));
	assert_ok(plan_steps_insert(t, &row));
	assert_ok(plan_steps_list(t, row.plan_id, &got, &n));
	assert_int_equal(n, 2);
	assert_int_equal(got[0].seq, 1);
	assert_int_equal(got[1].seq, 2);
	COMPARE(STEP_TEXTS, STEP_NUMBERS);
	got++;
	COMPARE(STEP_TEXTS, STEP_NUMBERS);
}

static void account_round(struct task *t, struct str text, int state) {
	(void)state;
	struct account row = {.id = tagged(t, "account", text),
		.realm = A,
		.stable_id = tagged(t, "stable", text),
		.sub = tagged(t, "sub", text)};
	struct account *got = NULL;
	FILL(ACCOUNT_TEXTS, ACCOUNT_NUMBERS);
	assert_ok(accounts_insert(t, &row));
	assert_ok(accounts_find(t, row.id, &got));
	COMPARE(ACCOUNT_TEXTS, ACCOUNT_NUMBERS);
	assert_ok(accounts_find_sub(t, row.sub, &got));
	assert_str(got->id, row.id);
	row.dn = tagged(t, "changed", text);
	assert_ok(accounts_update(t, &row));
	assert_ok(accounts_find_stable(t, row.directory, row.stable_id, &got));
	COMPARE(ACCOUNT_TEXTS, ACCOUNT_NUMBERS);
}

static void ticket_round(struct task *t, struct str text, int state) {
	(void)state;
	struct ticket row = {.hash = tagged(t, "ticket", text), .realm = A}, *got = NULL;
	FILL(TICKET_TEXTS, TICKET_NUMBERS);
	assert_ok(tickets_insert(t, &row));
	assert_ok(tickets_find(t, row.hash, &got));
	COMPARE(TICKET_TEXTS, TICKET_NUMBERS);
	struct ticket other = row;
	other.subject = STR("other");
	assert_ok(tickets_insert(t, &other));
	assert_ok(tickets_find(t, row.hash, &got));
	COMPARE(TICKET_TEXTS, TICKET_NUMBERS);
}

static void session_round(struct task *t, struct str text, int state) {
	(void)state;
	struct session row = {.id_hash = tagged(t, "session", text), .realm = A, .sid = tagged(t, "sid", text)},
		       *got = NULL;
	FILL(SESSION_TEXTS, SESSION_NUMBERS);
	assert_ok(sessions_insert(t, &row));
	assert_ok(sessions_find(t, row.id_hash, &got));
	COMPARE(SESSION_TEXTS, SESSION_NUMBERS);
	assert_ok(sessions_touch(t, row.id_hash, 5));
	assert_ok(sessions_find_sid(t, row.sid, &got));
	row.seen_at = 5;
	COMPARE(SESSION_TEXTS, SESSION_NUMBERS);
}

static void job_round(struct task *t, struct str text, int state) {
	struct str id = STR_NONE;
	struct job *got = NULL;
	enum job_kind kind = (enum job_kind)(state % JOB_KINDS);
	assert_ok(jobs_insert(t, kind, tagged(t, "job", text), text, 77, &id));
	assert_ok(jobs_find_subject(t, kind, tagged(t, "job", text), &got));
	assert_str(got->id, id);
	assert_str(got->body, text);
	assert_str(got->realm, A);
	assert_int_equal(got->kind, kind);
	assert_int_equal(got->due_at, 77);
	assert_ok(jobs_park(t, id, text));
	assert_ok(jobs_find_subject(t, kind, tagged(t, "job", text), &got));
	assert_str(got->failure, text);
	assert_int_equal(got->state, JOB_PARKED);
}

static void audit_round(struct task *t, struct str text, int state) {
	(void)state;
	struct audit_row *got = NULL;
	size_t n = 0;
	struct str subject = tagged(t, "audit", text);
	t->address = text;
	assert_ok(audit_insert(t, STR("test.round"), subject, text));
	assert_ok(audit_list(t, &(struct audit_filter){.subject = subject, .limit = 10}, &got, &n));
	assert_int_equal(n, 1);
	assert_str(got->detail, text);
	assert_str(got->address, text);
	assert_str(got->actor, t->actor);
	assert_str(got->action, STR("test.round"));
	assert_str(got->reference, t->reference);
	assert_true(got->at > 0);
}

static void grant_round(struct task *t, struct str text, int state) {
	(void)state;
	struct grant row = {.id = tagged(t, "grant", text), .realm = A, .code_hash = tagged(t, "code", text)},
		     *got = NULL;
	FILL(GRANT_TEXTS, GRANT_NUMBERS);
	assert_ok(grants_insert(t, &row));
	assert_ok(grants_find(t, row.id, &got));
	assert_str(got->code_hash, row.code_hash);
	COMPARE(GRANT_TEXTS, GRANT_NUMBERS);
}

static void refresh_round(struct task *t, struct str text, int state) {
	(void)state;
	struct refresh row = {.hash = tagged(t, "refresh", text), .realm = A, .grant_id = tagged(t, "grant", text)},
		       *got = NULL;
	FILL(REFRESH_TEXTS, REFRESH_NUMBERS);
	assert_ok(refresh_insert(t, &row));
	assert_ok(refresh_find(t, row.hash, &got));
	assert_str(got->grant_id, row.grant_id);
	COMPARE(REFRESH_TEXTS, REFRESH_NUMBERS);
}

static void consent_round(struct task *t, struct str text, int state) {
	(void)state;
	struct str account = tagged(t, "account", text), got = STR_NONE;
	assert_ok(consents_put(t, account, STR("app"), STR("openid"), 1));
	assert_ok(consents_put(t, account, STR("app"), text, 2));
	assert_ok(consents_find(t, account, STR("app"), &got));
	assert_str(got, text);
	assert_err(consents_find(t, account, STR("other"), &got), ERR_NOT_FOUND);
}

static void key_round(struct task *t, struct str text, int state) {
	struct signing_key row = {.kid = tagged(t, "kid", text), .realm = A, .state = (enum key_state)(state % 3)},
			   *got = NULL;
	size_t n = 0;
	FILL(KEY_TEXTS, KEY_NUMBERS);
	row.sealed = text;
	assert_ok(signing_keys_insert(t, &row));
	assert_ok(signing_keys_list(t, &got, &n));
	assert_int_equal(n, 1);
	assert_int_equal(got->state, row.state);
	COMPARE(KEY_TEXTS, KEY_NUMBERS);
	row.state = KEY_RETIRED;
	row.retired_at = 9;
	assert_ok(signing_keys_update(t, &row));
	assert_ok(signing_keys_list(t, &got, &n));
	assert_int_equal(got->state, KEY_RETIRED);
	COMPARE(KEY_TEXTS, KEY_NUMBERS);
	assert_ok(signing_keys_remove(t, row.kid));
	assert_ok(signing_keys_list(t, &got, &n));
	assert_int_equal(n, 0);
	assert_err(signing_keys_update(t, &row), ERR_NOT_FOUND);
}

static void mirror_round(struct task *t, struct str text, int state) {
	struct mirror row = {.account_id = tagged(t, "account", text),
		.realm = A,
		.directory = text,
		.stable_id = tagged(t, "stable", text),
		.state = (enum mirror_state)(state % 4)};
	struct mirror *got = NULL;
	FILL(MIRROR_TEXTS, MIRROR_NUMBERS);
	assert_ok(mirrors_put(t, &row));
	assert_ok(mirrors_find(t, row.account_id, &got));
	assert_int_equal(got->state, row.state);
	COMPARE(MIRROR_TEXTS, MIRROR_NUMBERS);
	row.mail = tagged(t, "changed", text);
	row.read_at++;
	row.state = MIRROR_LIVE;
	assert_ok(mirrors_put(t, &row));
	assert_ok(mirrors_find_stable(t, text, row.stable_id, &got));
	assert_int_equal(got->state, MIRROR_LIVE);
	COMPARE(MIRROR_TEXTS, MIRROR_NUMBERS);
}

static void feed_round(struct task *t, struct str text, int state) {
	struct feed_row row = {
		.directory = tagged(t, "directory", text), .realm = A, .state = (enum feed_state)(state % 5)};
	struct feed_row *got = NULL;
	FILL(FEED_TEXTS, FEED_NUMBERS);
	assert_ok(feeds_put(t, &row));
	row.cookie = tagged(t, "changed", text);
	assert_ok(feeds_put(t, &row));
	assert_ok(feeds_find(t, row.directory, &got));
	assert_int_equal(got->state, row.state);
	COMPARE(FEED_TEXTS, FEED_NUMBERS);
}

static void rows_come_back(void **state) {
	static void (*const rounds[])(struct task * t, struct str text, int state) = {
		registration_round,
		plan_round,
		step_round,
		account_round,
		ticket_round,
		session_round,
		job_round,
		audit_round,
		grant_round,
		refresh_round,
		consent_round,
		key_round,
		mirror_round,
		feed_round,
	};
	struct worker *w = *state;
	for (size_t i = 0; i < COUNT(hostile); i++)
		for (size_t r = 0; r < COUNT(rounds); r++)
			rounds[r](worker_begin(w, A), hostile[i], (int)i % REGISTRATION_STATES);
}

/* ---- realms ---- */

/* The same ids are in both realms; mail tells whose row it is. */
static void fill_realm(struct task *t) {
	int64_t far = INT64_MAX - 1;
	struct str name = t->realm_name;
	struct registration r = {
		.id = STR("r"), .profile = STR("guest"), .mail = name, .mail_key = STR("m"), .login_proposed = name};
	struct plan_row p = {.id = STR("p"), .registration_id = STR("r"), .dn = name};
	struct plan_step_row s = {.plan_id = STR("p"), .title = name};
	struct account a = {.id = STR("a"), .stable_id = STR("s"), .sub = STR("u"), .mail = name, .login = name};
	struct ticket k = {
		.hash = STR("k"), .purpose = STR("verify"), .subject = STR("r"), .bound = name, .expires_at = far};
	struct session e = {
		.id_hash = STR("e"), .sid = STR("sid"), .account_id = STR("a"), .agent = name, .expires_at = far};
	struct grant g = {.id = STR("g"),
		.account_id = STR("a"),
		.sid = STR("sid"),
		.scope = name,
		.code_hash = STR("c"),
		.code_expires_at = far,
		.expires_at = far};
	struct grant h = {.id = STR("h"),
		.account_id = STR("b"),
		.sid = STR("told"),
		.client = name,
		.code_used_at = 1,
		.expires_at = far};
	struct refresh f = {.hash = STR("f"), .grant_id = STR("g"), .client = name, .expires_at = far};
	struct signing_key y = {.kid = STR("y"), .alg = name};
	assert_ok(registrations_insert(t, &r));
	assert_ok(plans_insert(t, &p));
	assert_ok(plan_steps_insert(t, &s));
	assert_ok(accounts_insert(t, &a));
	assert_ok(tickets_insert(t, &k));
	assert_ok(sessions_insert(t, &e));
	assert_ok(grants_insert(t, &g));
	assert_ok(grants_insert(t, &h));
	assert_ok(refresh_insert(t, &f));
	assert_ok(signing_keys_insert(t, &y));
	assert_ok(jobs_insert(t, JOB_NOTICE, STR("r"), name, 0, NULL));
	assert_ok(audit_insert(t, STR("registration.submit"), STR("r"), name));
	assert_ok(consents_put(t, STR("a"), STR("app"), name, 1));
	assert_ok(revoked_tokens_insert(t, name, far));
	assert_ok(mirrors_put(t, &(struct mirror){.account_id = STR("a"), .stable_id = STR("s"), .dn = name}));
	assert_ok(feeds_put(t, &(struct feed_row){.directory = STR("d"), .cookie = STR(""), .detail = name}));
}

#define SEES(call, row, field)                                                                                         \
	do {                                                                                                           \
		assert_ok(call);                                                                                       \
		assert_str((row)->field, t->realm_name);                                                               \
	} while (0)
#define SEES_ONE(call, row, field)                                                                                     \
	do {                                                                                                           \
		SEES(call, row, field);                                                                                \
		assert_int_equal(n, 1);                                                                                \
	} while (0)

static void sees_its_requests(struct task *t) {
	struct registration *r = NULL;
	struct plan_row *p = NULL;
	struct plan_step_row *s = NULL;
	struct account *a = NULL;
	struct ticket *k = NULL;
	size_t n = 0;
	int64_t count = 0;
	bool reserved = false;
	struct str profiles[] = {STR("guest")};
	struct registration_filter f = {.profiles = {profiles, 1}, .state = -1, .limit = 10};
	SEES(registrations_find(t, STR("r"), &r), r, mail);
	SEES(registrations_find_open(t, STR("m"), &r), r, mail);
	SEES_ONE(registrations_list(t, &f, &r, &n), r, mail);
	assert_ok(registrations_count(t, f.profiles, -1, &count));
	assert_int_equal(count, 1);
	assert_ok(registrations_count_since(t, STR("m"), 0, &count));
	assert_int_equal(count, 1);
	assert_ok(registrations_login_reserved(t, str_eq(t->realm_name, A) ? B : A, STR(""), &reserved));
	assert_false(reserved);
	SEES(plans_find(t, STR("p"), &p), p, dn);
	SEES_ONE(plans_list(t, -1, &p, &n), p, dn);
	SEES_ONE(plans_list(t, PLAN_QUEUED, &p, &n), p, dn);
	SEES_ONE(plan_steps_list(t, STR("p"), &s, &n), s, title);
	SEES(accounts_find(t, STR("a"), &a), a, mail);
	SEES(accounts_find_stable(t, STR(""), STR("s"), &a), a, mail);
	SEES(accounts_find_sub(t, STR("u"), &a), a, mail);
	SEES_ONE(accounts_list(t, STR(""), STR(""), 10, &a, &n), a, mail);
	SEES(tickets_find(t, STR("k"), &k), k, bound);
}

static void sees_its_mirror(struct task *t) {
	struct mirror *m = NULL;
	struct feed_row *f = NULL;
	int64_t unseen = 0, all = 0;
	size_t n = 0;
	SEES(mirrors_find(t, STR("a"), &m), m, dn);
	SEES(mirrors_find_stable(t, STR(""), STR("s"), &m), m, dn);
	SEES_ONE(mirrors_unseen(t, STR(""), 1, &m, &n), m, dn);
	SEES_ONE(mirrors_list(t, STR(""), STR(""), 10, &m, &n), m, dn);
	assert_ok(mirrors_count(t, STR(""), 1, &unseen, &all));
	assert_int_equal(unseen, 1);
	assert_int_equal(all, 1);
	SEES(feeds_find(t, STR("d"), &f), f, detail);
	SEES_ONE(feeds_list(t, &f, &n), f, detail);
}

static void sees_its_logins(struct task *t) {
	struct session *e = NULL;
	struct job *j = NULL;
	struct audit_row *u = NULL;
	struct grant *g = NULL;
	struct party *party = NULL;
	struct refresh *f = NULL;
	struct signing_key *y = NULL;
	struct str scope = STR_NONE;
	bool revoked = false;
	size_t n = 0;
	SEES(sessions_find(t, STR("e"), &e), e, agent);
	SEES(sessions_find_sid(t, STR("sid"), &e), e, agent);
	SEES_ONE(sessions_list(t, STR("a"), &e, &n), e, agent);
	SEES(jobs_find_subject(t, JOB_NOTICE, STR("r"), &j), j, body);
	SEES_ONE(jobs_list(t, -1, &j, &n), j, body);
	SEES_ONE(jobs_list(t, JOB_QUEUED, &j, &n), j, body);
	SEES_ONE(audit_list(t, &(struct audit_filter){.limit = 9}, &u, &n), u, detail);
	SEES_ONE(audit_list(t, &(struct audit_filter){.actor = t->actor, .limit = 9}, &u, &n), u, detail);
	SEES_ONE(audit_list(t, &(struct audit_filter){.subject = STR("r"), .limit = 9}, &u, &n), u, detail);
	SEES(grants_find(t, STR("g"), &g), g, scope);
	SEES_ONE(grants_list_sid(t, STR("sid"), &g, &n), g, scope);
	SEES_ONE(grants_list_account(t, STR("a"), &g, &n), g, scope);
	SEES_ONE(parties_list_sid(t, STR("told"), &party, &n), party, client);
	SEES_ONE(parties_list_account(t, STR("b"), &party, &n), party, client);
	SEES(refresh_find(t, STR("f"), &f), f, client);
	SEES_ONE(signing_keys_list(t, &y, &n), y, alg);
	assert_ok(consents_find(t, STR("a"), STR("app"), &scope));
	assert_str(scope, t->realm_name);
	assert_ok(revoked_tokens_has(t, str_eq(t->realm_name, A) ? B : A, &revoked));
	assert_false(revoked);
}

/* Everything that changes or removes by id, in realm B. */
static void change_realm(struct task *t) {
	struct registration *r = NULL;
	struct plan_row p = {.id = STR("p")};
	struct account a = {.id = STR("a"), .stable_id = STR("s"), .sub = STR("u")};
	struct signing_key y = {.kid = STR("y")};
	struct grant *g = NULL;
	struct refresh *f = NULL;
	assert_ok(plans_update(t, &p));
	assert_ok(mirrors_state(t, STR("a"), MIRROR_GONE, 5));
	assert_ok(mirrors_stamp(t, STR(""), STR("s"), STR("x")));
	assert_ok(mirrors_seen(t, STR(""), STR("s"), 5));
	assert_ok(mirrors_groups(t, STR("a"), STR("x"), 5));
	assert_ok(mirrors_put(t, &(struct mirror){.account_id = STR("a"), .stable_id = STR("s"), .read_at = 6}));
	assert_ok(feeds_put(t, &(struct feed_row){.directory = STR("d"), .cookie = STR("")}));
	assert_ok(mirrors_remove(t, STR("a")));
	assert_ok(accounts_update(t, &a));
	assert_ok(signing_keys_update(t, &y));
	assert_ok(tickets_lease(t, STR("k"), 1, 2));
	assert_ok(tickets_release(t, STR("k")));
	assert_ok(tickets_use(t, STR("k"), 1));
	assert_ok(tickets_void(t, STR("verify"), STR("r")));
	assert_ok(sessions_touch(t, STR("e"), 9));
	assert_ok(sessions_remove(t, STR("e")));
	assert_ok(sessions_remove_account(t, STR("a"), STR("")));
	assert_ok(grants_use_code(t, STR("g"), 1, 1000, &g));
	assert_ok(refresh_use(t, STR("f"), 1, &f));
	assert_ok(grants_revoke(t, STR("g"), 1));
	assert_ok(grants_revoke_account(t, STR("a"), 1));
	assert_ok(grants_revoke_sid(t, STR("sid"), 1));
	assert_ok(grants_revoke_sid(t, STR("told"), 1));
	assert_ok(grants_revoke_account(t, STR("b"), 1));
	assert_ok(consents_put(t, STR("a"), STR("app"), STR("none"), 1));
	assert_ok(signing_keys_remove(t, STR("y")));
	assert_ok(registrations_find(t, STR("r"), &r));
	r->mail = STR("changed");
	assert_ok(registrations_update(t, r));
	assert_ok(registrations_remove(t, STR("r")));
}

static void realms_do_not_cross(void **state) {
	struct worker *w = *state;
	fill_realm(worker_begin(w, A));
	fill_realm(worker_begin(w, B));
	for (int i = 0; i < 2; i++) {
		sees_its_requests(worker_begin(w, i ? A : B));
		sees_its_logins(worker_begin(w, i ? A : B));
		sees_its_mirror(worker_begin(w, i ? A : B));
	}
	change_realm(worker_begin(w, B));
	struct task *t = worker_begin(w, A);
	struct grant *g = NULL;
	struct refresh *f = NULL;
	sees_its_requests(t);
	sees_its_logins(t);
	sees_its_mirror(t);
	assert_ok(tickets_use(t, STR("k"), 1));
	assert_ok(grants_use_code(t, STR("g"), 1, 1000, &g));
	assert_int_equal(g->revoked_at, 0);
	assert_ok(refresh_use(t, STR("f"), 1, &f));
	struct account foreign = {.id = STR("x"), .realm = B, .stable_id = STR("x"), .sub = STR("x")};
	assert_err(accounts_insert(t, &foreign), ERR_INTERNAL);
}

static void realm_without_rows(void **state) {
	struct worker *w = *state;
	struct registration *r = NULL;
	struct job *j = NULL;
	fill_realm(worker_begin(w, A));
	struct task *t = worker_begin(w, A);
	assert_ok(jobs_find_subject(t, JOB_NOTICE, STR("r"), &j));
	struct str id = j->id;
	assert_ok(jobs_park(t, id, STR("no")));
	t = worker_begin(w, B);
	struct registration stolen = {.id = STR("r")};
	struct plan_step_row step = {.plan_id = STR("p")};
	struct refresh f = {.hash = STR("z"), .grant_id = STR("g")};
	assert_err(registrations_find(t, STR("r"), &r), ERR_NOT_FOUND);
	assert_err(registrations_update(t, &stolen), ERR_STALE);
	assert_err(plan_steps_insert(t, &step), ERR_INTERNAL);
	assert_err(refresh_insert(t, &f), ERR_INTERNAL);
	assert_err(tickets_lease(t, STR("k"), 1, 2), ERR_EXPIRED);
	assert_err(jobs_requeue(t, id), ERR_NOT_FOUND);
	assert_err(sessions_touch(t, STR("e"), 1), ERR_NOT_FOUND);
	assert_ok(jobs_requeue(worker_begin(w, A), id));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_come_back, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(realms_do_not_cross, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(realm_without_rows, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
