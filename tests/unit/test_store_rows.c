/* Every row comes back as it was written, whatever stands in it. */
#include "tests/unit/store_fixture.h"

#define A STR("staff")

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

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_come_back, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
