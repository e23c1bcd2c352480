/* What each function of the store does beyond keeping rows: filters, order, what works once. */
#include "tests/unit/store_fixture.h"

static struct str list_ids(struct task *t, const struct registration *r, size_t n) {
	struct strs ids = {NULL, 0};
	for (size_t i = 0; i < n; i++)
		strs_add(t->arena, &ids, r[i].id);
	return str_join(t->arena, ids, STR(" "));
}

static void put(struct task *t, struct registration r) {
	assert_ok(registrations_insert(t, &r));
}

/* A queue of three profiles. */
static void put_queue(struct task *t) {
	put(t, (struct registration){.id = STR("1"),
		       .profile = STR("guest"),
		       .state = REGISTRATION_PENDING,
		       .mail = STR("Ann@x.org")});
	put(t, (struct registration){
		       .id = STR("2"), .profile = STR("staff"), .state = REGISTRATION_PENDING, .login = STR("bOb")});
	put(t, (struct registration){.id = STR("3"),
		       .profile = STR("guest"),
		       .state = REGISTRATION_ACTIVE,
		       .fields = STR("{\"city\": \"100%_Ulm!\", \"n\": 3}")});
	put(t, (struct registration){.id = STR("4"),
		       .profile = STR("other"),
		       .state = REGISTRATION_PENDING,
		       .mail = STR("ann@x.org")});
	put(t, (struct registration){.id = STR("5"),
		       .profile = STR("guest"),
		       .state = REGISTRATION_PENDING,
		       .login_proposed = STR("zoe")});
}

static void registrations_are_listed(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	struct str both[] = {STR("guest"), STR("staff"), STR("guest")};
	put_queue(t);
	static const struct {
		size_t profiles;
		int state;
		const char *search, *after;
		unsigned limit;
		const char *ids;
	} rows[] = {
		{3, -1, "", "", 10, "1 2 3 5"},
		{3, -1, "", "", 2, "1 2"},
		{3, -1, "", "2", 2, "3 5"},
		{3, -1, "", "5", 2, ""},
		{3, -1, "", "", 0, "1"},
		{1, -1, "", "", 1000000, "1 3 5"},
		{0, -1, "", "", 10, ""},
		{3, REGISTRATION_PENDING, "", "", 10, "1 2 5"},
		{3, REGISTRATION_REJECTED, "", "", 10, ""},
		{3, -1, "aNN@", "", 10, "1"},
		{3, -1, "bob", "", 10, "2"},
		{3, -1, "zo", "", 10, "5"},
		{3, -1, "%_ulm!", "", 10, "3"},
		{3, -1, "%", "", 10, "3"},
		{3, -1, "_", "", 10, "3"},
		{3, -1, "city", "", 10, ""}, /* the name of a field is no part of it */
		{3, REGISTRATION_PENDING, "ulm", "", 10, ""},
		{3, -1, "' OR 1=1 --", "", 10, ""},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct registration_filter f = {.profiles = {both, rows[i].profiles},
			.state = rows[i].state,
			.limit = rows[i].limit,
			.search = str_of(rows[i].search),
			.after = str_of(rows[i].after)};
		struct registration *got = NULL;
		size_t n = 99;
		assert_ok(registrations_list(t, &f, &got, &n));
		assert_str(list_ids(t, got, n), str_of(rows[i].ids));
	}
}

static void registrations_are_listed_newest_first(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	struct str both[] = {STR("guest"), STR("staff")};
	put_queue(t);
	static const struct {
		int state;
		const char *search, *after;
		unsigned limit;
		const char *ids;
	} rows[] = {{-1, "", "", 10, "5 3 2 1"}, {-1, "", "", 2, "5 3"}, {-1, "", "3", 2, "2 1"}, {-1, "", "1", 2, ""},
		{REGISTRATION_PENDING, "", "", 2, "5 2"}, {-1, "ann@", "", 10, "1"}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct registration_filter f = {.profiles = {both, 2},
			.state = rows[i].state,
			.newest = true,
			.limit = rows[i].limit,
			.search = str_of(rows[i].search),
			.after = str_of(rows[i].after)};
		struct registration *got = NULL;
		size_t n = 99;
		assert_ok(registrations_list(t, &f, &got, &n));
		assert_str(list_ids(t, got, n), str_of(rows[i].ids));
	}
}

static void registrations_are_counted(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	struct str both[] = {STR("guest"), STR("staff"), STR("guest")};
	put_queue(t);
	int64_t count = 0;
	assert_ok(registrations_count(t, (struct strs){both, 3}, -1, &count));
	assert_int_equal(count, 4);
	assert_ok(registrations_count(t, (struct strs){both, 3}, REGISTRATION_PENDING, &count));
	assert_int_equal(count, 3);
	assert_ok(registrations_count(t, (struct strs){NULL, 0}, -1, &count));
	assert_int_equal(count, 0);
}

static void registrations_by_mail(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	struct registration *got = NULL;
	int64_t count = 0;
	for (int s = 0; s < REGISTRATION_STATES; s++) {
		struct str key = str_printf(t->arena, "state-%d", s);
		put(t, (struct registration){.id = key, .mail_key = key, .state = (enum registration_state)s});
		bool open = s != REGISTRATION_REJECTED && s != REGISTRATION_EXPIRED && s != REGISTRATION_WITHDRAWN;
		assert_err(registrations_find_open(t, key, &got), open ? OK : ERR_NOT_FOUND);
		bool waits = s == REGISTRATION_PENDING || s == REGISTRATION_APPROVED || s == REGISTRATION_PROVISIONED;
		assert_err(registrations_find_waiting(t, key, &got), waits ? OK : ERR_NOT_FOUND);
		assert_true(strlen(registration_state_name((enum registration_state)s)) > 3);
	}
	put(t, (struct registration){.id = STR("z"), .mail_key = STR("m"), .created_at = 10});
	put(t, (struct registration){.id = STR("a"), .mail_key = STR("m"), .created_at = 20});
	put(t, (struct registration){
		       .id = STR("y"), .mail_key = STR("m"), .created_at = 30, .state = REGISTRATION_EXPIRED});
	assert_ok(registrations_find_open(t, STR("m"), &got));
	assert_str(got->id, STR("a"));
	assert_ok(registrations_count_since(t, STR("m"), 20, &count));
	assert_int_equal(count, 2);
	assert_err(registrations_insert(t, &(struct registration){.id = STR("z")}), ERR_EXISTS);
	assert_err(registrations_insert(t, &(struct registration){.id = STR("")}), ERR_INTERNAL);
	assert_err(registrations_insert(t, &(struct registration){.id = STR("q"), .state = REGISTRATION_STATES}),
		ERR_INTERNAL);
}

static void registrations_due_and_gone(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	struct registration *got = NULL;
	struct plan_step_row *steps = NULL;
	struct plan_row *plan = NULL;
	struct job *job = NULL;
	struct str parked;
	size_t n = 0;
	put(t, (struct registration){.id = STR("never"), .due_at = 0});
	put(t, (struct registration){.id = STR("later"), .due_at = 101});
	put(t, (struct registration){.id = STR("second"), .due_at = 100});
	struct task *other = worker_begin(*state, STR("students"));
	put(other, (struct registration){.id = STR("first"), .due_at = 50});
	assert_ok(registrations_due(other, 100, &got, &n));
	assert_str(list_ids(other, got, n), STR("first second"));
	assert_str(got[1].realm, STR("staff"));
	t = worker_begin(*state, STR("staff"));
	assert_ok(plans_insert(t, &(struct plan_row){.id = STR("p"), .registration_id = STR("second")}));
	assert_ok(plans_insert(t, &(struct plan_row){.id = STR("kept"), .registration_id = STR("later")}));
	assert_ok(plan_steps_insert(t, &(struct plan_step_row){.plan_id = STR("p")}));
	assert_ok(audit_insert(t, STR("x"), STR("second"), STR("{}")));
	assert_ok(jobs_insert(t, JOB_NOTICE, STR("second"), STR("{}"), 0, &parked));
	assert_ok(jobs_park(t, parked, STR("550 second@x.test: no such mailbox")));
	assert_ok(jobs_insert(t, JOB_NOTICE, STR("later"), STR("{}"), 0, &parked));
	assert_ok(jobs_park(t, parked, STR("550")));
	assert_ok(registrations_remove(t, STR("second")));
	assert_err(jobs_find_subject(t, JOB_NOTICE, STR("second"), &job), ERR_NOT_FOUND);
	assert_ok(jobs_find_subject(t, JOB_NOTICE, STR("later"), &job));
	assert_err(registrations_find(t, STR("second"), &got), ERR_NOT_FOUND);
	assert_err(plans_find(t, STR("p"), &plan), ERR_NOT_FOUND);
	assert_ok(plan_steps_list(t, STR("p"), &steps, &n));
	assert_int_equal(n, 0);
	assert_ok(plans_find(t, STR("kept"), &plan));
	struct audit_row *told = NULL;
	assert_ok(audit_list(t, &(struct audit_filter){.subject = STR("second"), .limit = 1}, &told, &n));
	assert_int_equal(n, 1);
}

static void stale_updates_lose(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	struct registration *one = NULL, *two = NULL;
	put(t, (struct registration){.id = STR("r"), .version = 1});
	assert_ok(registrations_find(t, STR("r"), &one));
	assert_ok(registrations_find(t, STR("r"), &two));
	one->reason = STR("one");
	two->reason = STR("two");
	assert_ok(registrations_update(t, one));
	assert_int_equal(one->version, 2);
	assert_err(registrations_update(t, two), ERR_STALE);
	assert_int_equal(two->version, 1);
	assert_ok(registrations_update(t, one));
	assert_ok(registrations_find(t, STR("r"), &two));
	assert_str(two->reason, STR("one"));
	assert_int_equal(two->version, 3);
	assert_err(plans_update(t, &(struct plan_row){.id = STR("none")}), ERR_NOT_FOUND);
	assert_err(accounts_update(t, &(struct account){.id = STR("none"), .sub = STR("s"), .stable_id = STR("s")}),
		ERR_NOT_FOUND);
}

static void logins_are_reserved(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	put(t, (struct registration){.id = STR("1"), .state = REGISTRATION_APPROVED, .login_proposed = STR("Ann")});
	put(t, (struct registration){.id = STR("2"),
		       .state = REGISTRATION_PROVISIONED,
		       .login = STR("bob"),
		       .login_proposed = STR("rob")});
	put(t, (struct registration){.id = STR("3"), .state = REGISTRATION_PENDING, .login_proposed = STR("cid")});
	put(t, (struct registration){.id = STR("4"), .state = REGISTRATION_REJECTED, .login = STR("dan")});
	assert_ok(accounts_insert(
		t, &(struct account){.id = STR("a"), .stable_id = STR("s"), .sub = STR("u"), .login = STR("Eve")}));
	static const struct {
		const char *login, *except;
		bool reserved;
	} rows[] = {
		{"ann", "", true},
		{"ANN", "2", true},
		{"ann", "1", false},
		{"bob", "", true},
		{"rob", "", false},
		{"cid", "", false},
		{"dan", "", false},
		{"eve", "a", true},
		{"nobody", "", false},
		{"", "", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool reserved = !rows[i].reserved;
		assert_ok(registrations_login_reserved(t, str_of(rows[i].login), str_of(rows[i].except), &reserved));
		if (reserved != rows[i].reserved)
			fail_msg("row %zu", i);
	}
}

static void accounts_are_unique(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	static const struct {
		const char *id, *directory, *stable_id, *sub;
		enum err wanted;
	} rows[] = {
		{"1", "main", "s1", "u1", OK},
		{"1", "main", "s9", "u9", ERR_EXISTS},
		{"2", "main", "s1", "u2", ERR_EXISTS},
		{"3", "main", "s3", "u1", ERR_EXISTS},
		{"4", "second", "s1", "u4", OK},
		{"5", "main", "", "u5", ERR_INTERNAL},
		{"6", "main", "s6", "", ERR_INTERNAL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct account a = {.id = str_of(rows[i].id),
			.directory = str_of(rows[i].directory),
			.stable_id = str_of(rows[i].stable_id),
			.sub = str_of(rows[i].sub),
			.mail = str_of(rows[i].id),
			.login = STR("Joe")};
		assert_err(accounts_insert(t, &a), rows[i].wanted);
	}
	struct account *got = NULL;
	size_t n = 0;
	struct account taken = {.id = STR("4"), .directory = STR("main"), .stable_id = STR("s1"), .sub = STR("u4")};
	assert_err(accounts_update(t, &taken), ERR_EXISTS);
	assert_ok(accounts_list(t, STR("jO"), STR(""), 1, &got, &n));
	assert_int_equal(n, 1);
	assert_str(got->id, STR("1"));
	assert_ok(accounts_list(t, STR("jO"), STR("1"), 10, &got, &n));
	assert_int_equal(n, 1);
	assert_str(got->id, STR("4"));
	assert_ok(accounts_list(t, STR("_"), STR(""), 10, &got, &n));
	assert_int_equal(n, 0);
}

static void mirror_lists(void **state) {
	static const struct mirror rows[] = {
		{.account_id = {"a", 1},
			.stable_id = {"1", 1},
			.directory = {"d", 1},
			.seen_at = 10,
			.expires_at = 100},
		{.account_id = {"b", 1}, .stable_id = {"2", 1}, .directory = {"d", 1}, .seen_at = 20, .expires_at = 50},
		{.account_id = {"c", 1},
			.stable_id = {"3", 1},
			.directory = {"d", 1},
			.seen_at = 5,
			.state = MIRROR_GONE,
			.expires_at = 1},
		{.account_id = {"e", 1}, .stable_id = {"4", 1}, .directory = {"d", 1}, .seen_at = 5},
		{.account_id = {"f", 1}, .stable_id = {"1", 1}, .directory = {"other", 5}, .seen_at = 5},
	};
	struct task *t = worker_begin(*state, STR("staff"));
	struct mirror *m = NULL;
	int64_t unseen = 0, all = 0;
	size_t n = 0;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_ok(mirrors_put(t, &rows[i]));
	assert_err(
		mirrors_put(t, &(struct mirror){.account_id = STR("x"), .stable_id = STR("1"), .directory = STR("d")}),
		ERR_EXISTS);
	assert_ok(mirrors_unseen(t, STR("d"), 20, &m, &n));
	assert_int_equal(n, 2);
	assert_str(m[0].account_id, STR("e"));
	assert_str(m[1].account_id, STR("a"));
	assert_ok(mirrors_count(t, STR("d"), 20, &unseen, &all));
	assert_int_equal(unseen, 2);
	assert_int_equal(all, 3);
	assert_ok(mirrors_seen(t, STR("d"), STR("4"), 30));
	assert_ok(mirrors_seen(t, STR("d"), STR("4"), 7)); /* never back */
	assert_ok(mirrors_seen(t, STR("d"), STR("nobody"), 30));
	assert_ok(mirrors_unseen(t, STR("d"), 20, &m, &n));
	assert_int_equal(n, 1);
	assert_ok(mirrors_due(t, 99, &m, &n));
	assert_int_equal(n, 1);
	assert_str(m[0].account_id, STR("b"));
	assert_str(m[0].realm, STR("staff"));
	assert_ok(mirrors_due(t, 100, &m, &n));
	assert_int_equal(n, 2);
	assert_ok(mirrors_list(t, STR("d"), STR("a"), 2, &m, &n));
	assert_int_equal(n, 2);
	assert_str(m[0].account_id, STR("b"));
	assert_str(m[1].account_id, STR("c"));
	assert_int_equal(m[1].state, MIRROR_GONE);
}

static void tickets_work_once(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	struct ticket k = {.hash = STR("k"), .purpose = STR("activate"), .subject = STR("r"), .expires_at = 100};
	struct ticket *got = NULL;
	assert_ok(tickets_insert(t, &k));
	assert_err(tickets_lease(t, STR("none"), 10, 20), ERR_EXPIRED);
	assert_err(tickets_lease(t, k.hash, 100, 120), ERR_EXPIRED);
	assert_ok(tickets_lease(t, k.hash, 10, 20));
	assert_err(tickets_lease(t, k.hash, 19, 29), ERR_EXPIRED);
	assert_ok(tickets_lease(t, k.hash, 20, 30));
	assert_ok(tickets_release(t, k.hash));
	assert_ok(tickets_lease(t, k.hash, 21, 31));
	assert_err(tickets_use(t, k.hash, 100), ERR_EXPIRED);
	assert_ok(tickets_use(t, k.hash, 22));
	assert_err(tickets_use(t, k.hash, 23), ERR_EXPIRED);
	assert_err(tickets_lease(t, k.hash, 50, 60), ERR_EXPIRED);
	assert_ok(tickets_find(t, k.hash, &got));
	assert_int_equal(got->used_at, 22);
	static const char *const hashes[] = {"a", "b", "c", "d"};
	static const char *const purposes[] = {"activate", "activate", "verify", "activate"};
	for (size_t i = 0; i < COUNT(hashes); i++) {
		k.hash = str_of(hashes[i]);
		k.purpose = str_of(purposes[i]);
		k.subject = i == 3 ? STR("else") : STR("r");
		assert_ok(tickets_insert(t, &k));
	}
	assert_ok(tickets_void(t, STR("activate"), STR("r")));
	for (size_t i = 0; i < COUNT(hashes); i++)
		assert_err(tickets_use(t, str_of(hashes[i]), 30), i < 2 ? ERR_EXPIRED : OK);
}

static void sessions_end(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	struct session *got = NULL;
	size_t n = 0;
	static const char *const ids[] = {"1", "2", "3", "4"};
	for (size_t i = 0; i < COUNT(ids); i++)
		assert_ok(sessions_insert(t, &(struct session){.id_hash = str_of(ids[i]),
						     .sid = str_of(ids[i]),
						     .account_id = i == 3 ? STR("b") : STR("a"),
						     .created_at = (int64_t)i}));
	assert_err(sessions_insert(t, &(struct session){.id_hash = STR("5"), .sid = STR("1")}), ERR_EXISTS);
	assert_ok(sessions_list(t, STR("a"), &got, &n));
	assert_int_equal(n, 3);
	assert_str(got[0].id_hash, STR("3"));
	assert_ok(sessions_remove_account(t, STR("a"), STR("2")));
	assert_ok(sessions_list(t, STR("a"), &got, &n));
	assert_int_equal(n, 1);
	assert_str(got[0].id_hash, STR("2"));
	assert_ok(sessions_remove(t, STR("2")));
	assert_ok(sessions_remove(t, STR("2")));
	assert_err(sessions_find(t, STR("2"), &got), ERR_NOT_FOUND);
	assert_err(sessions_find_sid(t, STR("2"), &got), ERR_NOT_FOUND);
	assert_ok(sessions_find(t, STR("4"), &got));
}

static void jobs_come_due(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	struct str first = STR_NONE, second = STR_NONE;
	struct job *got = NULL;
	size_t n = 0;
	int64_t number = 0;
	assert_ok(jobs_next_due(t, &number));
	assert_true(number == INT64_MAX);
	assert_err(jobs_claim(t, INT64_MAX - 1, 1, true, &got), ERR_NOT_FOUND);
	assert_ok(jobs_insert(t, JOB_PLAN_APPLY, STR("p"), STR("{}"), 200, &second));
	assert_ok(jobs_insert(t, JOB_LOGOUT, STR("r"), STR("{}"), 100, &first));
	assert_err(jobs_claim(t, 99, 150, true, &got), ERR_NOT_FOUND);
	t = worker_begin(*state, STR("")); /* the runner belongs to no realm */
	assert_err(jobs_claim(t, 100, 150, false, &got), ERR_NOT_FOUND);
	assert_ok(jobs_claim(t, 100, 150, true, &got));
	assert_int_equal(got->state, JOB_RUNNING);
	assert_int_equal(got->attempts, 1);
	assert_int_equal(got->kind, JOB_LOGOUT);
	assert_str(got->realm, STR("staff"));
	assert_ok(jobs_next_due(t, &number));
	assert_int_equal(number, 150);
	assert_err(jobs_claim(t, 149, 999, true, &got), ERR_NOT_FOUND);
	assert_ok(jobs_claim(t, 150, 180, true, &got)); /* the lease of a dead worker is over */
	assert_int_equal(got->attempts, 2);
	assert_ok(jobs_retry(t, got->id, 300, STR("smtp down")));
	assert_ok(jobs_next_due(t, &number));
	assert_int_equal(number, 200);
	assert_ok(jobs_claim(t, 250, 260, true, &got));
	assert_int_equal(got->kind, JOB_PLAN_APPLY);
	assert_ok(jobs_done(t, got->id));
	assert_ok(jobs_done(t, got->id));
	assert_ok(jobs_claim(t, 300, 310, true, &got));
	assert_str(got->failure, STR("smtp down"));
	assert_ok(jobs_park(t, got->id, STR("refused")));
	assert_err(jobs_claim(t, INT64_MAX - 1, 1, true, &got), ERR_NOT_FOUND);
	assert_ok(jobs_count(t, JOB_PARKED, &number));
	assert_int_equal(number, 1);
	assert_ok(jobs_count(t, JOB_QUEUED, &number));
	assert_int_equal(number, 0);
	t = worker_begin(*state, STR("staff"));
	assert_ok(jobs_list(t, JOB_PARKED, &got, &n));
	assert_int_equal(n, 1);
	assert_ok(jobs_requeue(t, got->id));
	assert_err(jobs_requeue(t, got->id), ERR_NOT_FOUND);
	assert_ok(jobs_claim(t, clock_wall_ms(), INT64_MAX - 1, true, &got));
	assert_int_equal(got->attempts, 1);
	assert_err(jobs_retry(t, STR("none"), 1, STR("")), ERR_NOT_FOUND);
	assert_err(jobs_park(t, STR("none"), STR("")), ERR_NOT_FOUND);
	assert_err(jobs_find_subject(t, JOB_NOTICE, STR("r"), &got), ERR_NOT_FOUND);
}

static void audit_is_filtered(void **state) {
	struct task *t = worker_begin(*state, STR("staff"));
	static const char *const actions[] = {"login.ok", "login.failed", "registration.approve", "loginx"};
	struct audit_row *got = NULL;
	size_t n = 0;
	for (size_t i = 0; i < COUNT(actions); i++) {
		t->actor = i % 2 ? STR("job") : STR("cli");
		assert_ok(audit_insert(t, str_of(actions[i]), i < 2 ? STR("ann") : STR("bob"), STR("{}")));
	}
	static const struct {
		const char *subject, *actor, *action;
		size_t n;
	} rows[] = {
		{"", "", "", 4},
		{"ann", "", "", 2},
		{"", "job", "", 2},
		{"ann", "job", "", 1},
		{"", "", "login.", 2},
		{"", "", "login%", 0},
		{"bob", "", "login", 1},
		{"", "cli", "reg", 1},
		{"nobody", "", "", 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct audit_filter f = {.subject = str_of(rows[i].subject),
			.actor = str_of(rows[i].actor),
			.action = str_of(rows[i].action),
			.limit = 100};
		assert_ok(audit_list(t, &f, &got, &n));
		assert_int_equal(n, rows[i].n);
	}
	size_t seen = 0;
	struct audit_filter page = {.limit = 3};
	do {
		assert_ok(audit_list(t, &page, &got, &n));
		for (size_t i = 0; i < n; i++) {
			assert_true(str_empty(page.after) || str_cmp(got[i].id, page.after) < 0);
			page.after = got[i].id;
		}
		seen += n;
	} while (n);
	assert_int_equal(seen, 4);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(registrations_are_listed),
		TEST(registrations_are_listed_newest_first),
		TEST(registrations_are_counted),
		TEST(registrations_by_mail),
		TEST(registrations_due_and_gone),
		TEST(stale_updates_lose),
		TEST(logins_are_reserved),
		TEST(accounts_are_unique),
		TEST(mirror_lists),
		TEST(tickets_work_once),
		TEST(sessions_end),
		TEST(jobs_come_due),
		TEST(audit_is_filtered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
