/* Every row is seen and changed in its realm alone. */
#include "tests/unit/store_fixture.h"

#define A STR("staff")
#define B STR("students")

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
		cmocka_unit_test_setup_teardown(realms_do_not_cross, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(realm_without_rows, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
