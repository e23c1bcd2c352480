/* Changes of people: what may be wished for, the order, its end, and what follows from it here. */
#include "tests/unit/business_fixture.h"

#include "broker/steward/steward.h"

/* An operator and somebody with a session, each test its own. */
struct scene {
	struct task *t;
	struct account *boss, *ann;
	struct fake_person *person;
};

static struct account *account_new(struct task *t, const char *login, const char *mail) {
	struct account *a = NULL;
	struct entry *e = NULL;
	fake_person_add(login, mail);
	assert_ok(directory_find_login(t, &world_directory, str_of(login), &e));
	assert_ok(account_link(t, &world_directory, e, &a));
	return a;
}

static struct scene scene_of(void **state) {
	struct scene s = {.t = world_task(*state)};
	s.boss = account_new(s.t, "boss", "boss@x.test");
	s.ann = account_new(s.t, "ann", "ann@x.test");
	s.person = fake_person_find("ann");
	fake_join(&fake.groups[2], fake_person_find("boss"));
	fake_join(&fake.groups[0], s.person);
	s.ann->last_login_at = 1;
	assert_ok(accounts_update(s.t, s.ann));
	struct session session = {.id_hash = random_id(s.t->arena),
		.realm = STR("staff"),
		.sid = random_id(s.t->arena),
		.account_id = s.ann->id,
		.expires_at = INT64_MAX};
	assert_ok(sessions_insert(s.t, &session));
	return s;
}

static struct wishes given(struct task *t, const char *value) {
	struct wishes w = {.attributes = arena_new_of(t->arena, struct attribute), .n_attributes = 1};
	w.attributes[0] = (struct attribute){.name = STR("given_name")};
	strs_add(t->arena, &w.attributes[0].values, str_of(value));
	return w;
}

static enum err preview(struct scene *s, const struct wishes *w, struct wish_problem *problem, struct proposal *ret) {
	struct steward_person *p = NULL;
	task_clear(s->t);
	assert_ok(steward_look(s->t, s->ann->id, &p));
	return steward_preview(s->t, p, w, problem, ret);
}

static struct order order_of(struct scene *s, struct wishes w) {
	struct proposal proposal;
	struct wish_problem problem;
	assert_ok(preview(s, &w, &problem, &proposal));
	return (struct order){.wishes = w, .digest = proposal.digest, .actor = s->boss};
}

static enum err order(struct scene *s, const struct order *o, const char **ret_key, struct str *ret_id) {
	struct wish_problem problem = {STR(""), NULL};
	task_clear(s->t);
	enum err e = steward_order(s->t, s->ann->id, o, &problem, ret_id);
	*ret_key = problem.key;
	return e;
}

static struct str ordered(struct scene *s, struct wishes w) {
	struct order o = order_of(s, w);
	const char *key = NULL;
	struct str id = STR("");
	o.confirm = STR("ann");
	assert_ok(order(s, &o, &key, &id));
	return id;
}

static enum plan_state state_of(struct scene *s, struct str plan_id) {
	struct plan_row *row = NULL;
	assert_ok(plans_find(s->t, plan_id, &row));
	return row->state;
}

static size_t sessions(struct scene *s) {
	struct session *rows = NULL;
	size_t n = 0;
	assert_ok(sessions_list(s->t, s->ann->id, &rows, &n));
	return n;
}

/* ---- what may be wished for ---- */

static void test_wishes(void **state) {
	struct scene s = scene_of(state);
	struct str extra = STR(EXTRA_GROUP), operators = STR(OPERATORS_GROUP);
	struct strs none = {NULL, 0};
	struct attribute attributes[] = {{STR("given_name"), world_one(5, "Bea")}, {STR("login"), world_one(5, "Bea")},
		{STR("employeeNumber"), world_one(5, "Bea")}, {STR("family_name"), none},
		{STR("given_name"), world_one(6, "a\nb")}, {STR("mail"), world_one(7, "boss@x.test")},
		{STR("mail"), world_one(8, "no address")}};
	const struct {
		struct wishes w;
		const char *key; /* NULL: it may be */
	} rows[] = {
		{{.attributes = &attributes[0], .n_attributes = 1}, NULL},
		{{.attributes = &attributes[1], .n_attributes = 1}, "change.attribute"},
		{{.attributes = &attributes[2], .n_attributes = 1}, "change.attribute"},
		{{.attributes = &attributes[4], .n_attributes = 1}, "change.value"},
		{{.attributes = &attributes[5], .n_attributes = 1}, "change.mail_taken"},
		{{.attributes = &attributes[6], .n_attributes = 1}, "field.email"},
		{{.join = {&extra, 1}}, NULL},
		{{.join = {&operators, 1}}, "change.group"},
		{{.leave = {&operators, 1}}, "change.group"},
		{{.base = STR("ou=people,ou=other,dc=test")}, NULL},
		{{.base = STR("dc=test")}, "change.base"},
		{{.remove = true}, NULL},
		{{.remove = true, .enabled = WISH_DISABLE}, "change.alone"},
		{{.enabled = WISH_ENABLE}, "change.nothing"},
		{{.enabled = WISH_DISABLE}, NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct wish_problem problem = {STR(""), NULL};
		struct proposal proposal;
		enum err e = preview(&s, &rows[i].w, &problem, &proposal);
		assert_int_equal(e, rows[i].key ? ERR_FIELDS : OK);
		if (rows[i].key)
			assert_string_equal(problem.key, rows[i].key);
	}
}

static void test_gone(void **state) {
	struct scene s = scene_of(state);
	struct wish_problem problem;
	struct proposal proposal;
	struct wishes w = given(s.t, "Bea");
	s.person->gone = true;
	assert_err(preview(&s, &w, &problem, &proposal), ERR_STALE);
	s.person->gone = false;
	fake.down = true;
	assert_err(preview(&s, &w, &problem, &proposal), ERR_UNAVAILABLE);
}

/* ---- the order ---- */

static void test_order(void **state) {
	struct scene s = scene_of(state);
	struct order o = order_of(&s, given(s.t, "Bea"));
	const char *key = NULL;
	struct str id = STR("");
	struct job job;
	snprintf(s.person->given, sizeof(s.person->given), "Cleo");
	assert_err(order(&s, &o, &key, &id), ERR_STALE); /* it would differ by now */
	o = order_of(&s, given(s.t, "Bea"));
	o.actor = s.ann;
	assert_err(order(&s, &o, &key, &id), ERR_DENIED);
	assert_int_equal(world_jobs(s.t, JOB_CHANGE_APPLY, "", NULL), 0);
	o.actor = s.boss;
	assert_ok(order(&s, &o, &key, &id));
	assert_int_equal(world_jobs(s.t, JOB_CHANGE_APPLY, "", &job), 1);
	assert_true(str_eq(job.subject, id));
	assert_int_equal(world_audits(s.t, s.ann->id, "change.order"), 1);
	assert_err(order(&s, &o, &key, &id), ERR_STALE); /* one is under way */
	assert_string_equal(s.person->given, "Cleo");
	assert_ok(steward_run(s.t, id));
	assert_string_equal(s.person->given, "Bea");
	assert_int_equal(state_of(&s, id), PLAN_DONE);
	assert_int_equal(world_jobs(s.t, JOB_CHANGE_APPLY, "", NULL), 0);
	assert_int_equal(world_audits(s.t, s.ann->id, "change.done"), 1);
	assert_int_equal(sessions(&s), 1);
}

static void test_confirmed(void **state) {
	struct scene s = scene_of(state);
	struct wishes remove = {.remove = true}, disable = {.enabled = WISH_DISABLE};
	struct order o = order_of(&s, remove);
	const char *key = NULL;
	struct str id;
	static const char *const wrong[] = {"", "Ann", "boss", "ann@x.test"};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		o.confirm = str_of(wrong[i]);
		assert_err(order(&s, &o, &key, &id), ERR_FIELDS);
		assert_string_equal(key, "change.confirm");
	}
	fake_join(&fake.groups[2], s.person); /* nobody ends themselves */
	o = order_of(&s, disable);
	o.actor = s.ann;
	assert_err(order(&s, &o, &key, &id), ERR_FIELDS);
	assert_string_equal(key, "change.self");
}

static void ends(void **state, struct wishes w) {
	struct scene s = scene_of(state);
	struct str id = ordered(&s, w);
	assert_int_equal(sessions(&s), 1);
	assert_ok(steward_run(s.t, id));
	assert_int_equal(sessions(&s), 0);
	assert_int_equal(world_audits(s.t, s.ann->id, "account.sessions_ended"), 1);
	assert_ok(steward_run(s.t, id)); /* what a crash before the job's end leaves */
	assert_int_equal(world_audits(s.t, s.ann->id, "account.sessions_ended"), 1);
	assert_int_equal(s.person->gone, w.remove);
	assert_false(!w.remove && s.person->enabled);
}

static void test_disable_ends_sessions(void **state) {
	ends(state, (struct wishes){.enabled = WISH_DISABLE});
}

static void test_delete_ends_sessions(void **state) {
	ends(state, (struct wishes){.remove = true});
	assert_int_equal(fake.groups[0].n, 0);
}

/* Where no feed is followed. */
static void test_ends_without_a_feed(void **state) {
	struct scene s = scene_of(state);
	world_directory.feed = FEED_OFF;
	struct str id = ordered(&s, (struct wishes){.enabled = WISH_DISABLE});
	assert_ok(steward_run(s.t, id));
	assert_int_equal(sessions(&s), 0);
}

static void test_account_follows(void **state) {
	struct scene s = scene_of(state);
	struct account *now = NULL;
	struct str id = ordered(&s, (struct wishes){.base = STR("ou=people,ou=other,dc=test")});
	assert_ok(steward_run(s.t, id));
	assert_ok(accounts_find(s.t, s.ann->id, &now));
	assert_true(str_eq(now->dn, STR("uid=ann,ou=people,ou=other,dc=test")));
	assert_true(fake_is_member(&fake.groups[0], s.person));
}

/* ---- once more, or not at all ---- */

static void test_parked(void **state) {
	struct scene s = scene_of(state);
	struct wishes w = given(s.t, "Bea");
	struct str group = STR(EXTRA_GROUP);
	struct plan_row *row = NULL;
	w.enabled = WISH_DISABLE;
	w.join = (struct strs){&group, 1};
	struct job *job = NULL;
	struct str id = ordered(&s, w);
	snprintf(s.person->given, sizeof(s.person->given), "Cleo");
	assert_ok(jobs_claim(s.t, INT64_MAX - 1, INT64_MAX - 1, true, &job));
	assert_err(steward_run(s.t, id), ERR_REFUSED);
	assert_ok(jobs_park(s.t, job->id, STR("why")));
	assert_int_equal(sessions(&s), 0); /* what was done counts */
	assert_ok(plans_find(s.t, id, &row));
	assert_int_equal(row->state, PLAN_PARKED);
	assert_true(str_contains(row->failure, STR("givenName")));
	assert_false(str_contains(row->failure, STR("Cleo")));
	snprintf(s.person->given, sizeof(s.person->given), "%s", "");
	task_clear(s.t);
	assert_ok(steward_apply(s.t, id, STR("")));
	assert_int_equal(state_of(&s, id), PLAN_QUEUED);
	assert_ok(steward_run(s.t, id));
	assert_string_equal(s.person->given, "Bea");
	assert_true(fake_is_member(&fake.groups[3], s.person));
	assert_err(steward_apply(s.t, id, STR("")), ERR_STALE);
	assert_err(steward_cancel(s.t, id), ERR_STALE);
}

static void test_cancelled(void **state) {
	struct scene s = scene_of(state);
	struct str id = ordered(&s, given(s.t, "Bea"));
	struct job *job = NULL;
	assert_ok(jobs_claim(s.t, INT64_MAX - 1, INT64_MAX - 1, true, &job));
	assert_err(steward_cancel(s.t, id), ERR_STALE); /* right now */
	assert_ok(jobs_retry(s.t, job->id, 0, STR("")));
	task_clear(s.t);
	assert_ok(steward_cancel(s.t, id));
	assert_int_equal(world_jobs(s.t, JOB_CHANGE_APPLY, "", NULL), 0);
	assert_ok(steward_run(s.t, id)); /* should one be left */
	assert_string_equal(s.person->given, "");
	assert_int_equal(state_of(&s, id), PLAN_CANCELLED);
}

static void test_draft(void **state) {
	struct scene s = scene_of(state);
	struct steward_person *p = NULL;
	struct wishes w = given(s.t, "Bea");
	struct proposal proposal;
	struct wish_problem problem;
	struct str first = STR(""), second = STR("");
	bool more = false;
	struct plan_row *row = NULL;
	assert_ok(preview(&s, &w, &problem, &proposal));
	assert_ok(steward_look(s.t, s.ann->id, &p));
	assert_ok(steward_draft(s.t, p, &proposal, &first));
	assert_ok(steward_draft(s.t, p, &proposal, &second));
	assert_int_equal(world_jobs(s.t, JOB_CHANGE_APPLY, "", NULL), 0);
	assert_ok(steward_run(s.t, first));
	assert_string_equal(s.person->given, "");
	assert_ok(steward_apply(s.t, first, STR("")));
	assert_err(steward_apply(s.t, second, STR("")), ERR_STALE); /* the first is under way */
	task_clear(s.t);
	assert_ok(steward_run(s.t, first));
	assert_string_equal(s.person->given, "Bea");
	assert_ok(store_sweep(s.t, clock_wall_ms() + 8LL * 86400000, &more));
	assert_ok(plans_find(s.t, first, &row));
	assert_err(plans_find(s.t, second, &row), ERR_NOT_FOUND);
	assert_ok(store_sweep(s.t, clock_wall_ms() + 366LL * 86400000, &more));
	assert_err(plans_find(s.t, first, &row), ERR_NOT_FOUND);
}

static void test_draft_of_an_end(void **state) {
	struct scene s = scene_of(state);
	struct steward_person *p = NULL;
	struct wishes w = {.remove = true};
	struct proposal proposal;
	struct wish_problem problem;
	struct str id = STR("");
	assert_ok(preview(&s, &w, &problem, &proposal));
	assert_ok(steward_look(s.t, s.ann->id, &p));
	assert_ok(steward_draft(s.t, p, &proposal, &id));
	assert_err(steward_apply(s.t, id, STR("")), ERR_INVALID);
	assert_err(steward_apply(s.t, id, STR("boss")), ERR_INVALID);
	assert_int_equal(state_of(&s, id), PLAN_DRAFT);
	task_clear(s.t);
	assert_ok(steward_apply(s.t, id, STR("ann")));
	assert_ok(steward_run(s.t, id));
	assert_true(s.person->gone);
}

/* ---- by date ---- */

/* The account of a registration ends at midnight after its time; where the directory keeps the date, Usher does not. */
static void test_ends_at(void **state) {
	struct task *t = world_task(*state);
	struct account *a = NULL;
	struct registration *r = NULL;
	struct plan_row *row = NULL;
	for (int ad = 0; ad <= 1; ad++) {
		world_profile.expires_after = 90 * 86400;
		world_directory.driver = ad ? DIRECTORY_ACTIVE_DIRECTORY : DIRECTORY_OPENLDAP;
		r = world_verified(t, ad ? "Cleo" : "Bea", "Alt", ad ? "cleo@partner.test" : "bea@partner.test");
		int64_t least = clock_wall_ms() + 90LL * 86400000;
		assert_ok(registrar_provision(t, r->id));
		r = world_again(t, r);
		assert_ok(accounts_find(t, r->account_id, &a));
		assert_ok(plans_find(t, r->plan_id, &row));
		assert_int_equal(str_contains(row->body, STR("accountExpires")), ad);
		if (ad) {
			assert_int_equal(a->expires_at, 0);
			continue;
		}
		assert_true(a->expires_at > least && a->expires_at <= least + 86400000);
		assert_int_equal(a->expires_at % 86400000, 0);
	}
}

/* Another last day: by the directory where it keeps one, else by the account's row once the plan is done. */
static void test_ends(void **state) {
	struct scene s = scene_of(state);
	struct wish_problem problem;
	struct proposal proposal;
	struct account *a = NULL;
	static const struct {
		const char *day, *key;
	} wrong[] = {{"tomorrow", "field.date"}, {"2031-02-30", "field.date"}, {"2020-01-01", "change.past"},
		{"never", "change.nothing"}};
	struct wishes w = {.ends = STR("2031-02-28")};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct wishes bad = {.ends = str_of(wrong[i].day)};
		assert_err(preview(&s, &bad, &problem, &proposal), ERR_FIELDS);
		assert_string_equal(problem.key, wrong[i].key);
	}
	struct str id = ordered(&s, w);
	assert_ok(accounts_find(s.t, s.ann->id, &a));
	assert_int_equal(a->expires_at, 0);
	assert_ok(steward_run(s.t, id));
	assert_ok(accounts_find(s.t, s.ann->id, &a));
	assert_int_equal(a->expires_at, 1930089600000LL); /* the midnight after it */
	assert_err(preview(&s, &w, &problem, &proposal), ERR_FIELDS);
	id = ordered(&s, (struct wishes){.ends = STR("never")});
	assert_ok(steward_run(s.t, id));
	assert_ok(accounts_find(s.t, s.ann->id, &a));
	assert_int_equal(a->expires_at, 0);
	world_directory.driver = DIRECTORY_ACTIVE_DIRECTORY;
	assert_ok(preview(&s, &w, &problem, &proposal));
	assert_true(str_contains(proposal.ldif, STR("replace: accountExpires\naccountExpires: 135745632")));
}

/* The day is kept with the plan's end, whatever happens to the look that follows; and a look that is made up for later
 * does not bring it back. */
static void test_ends_at_once(void **state) {
	struct scene s = scene_of(state);
	struct account *a = NULL;
	struct plan_row *row = NULL;
	struct str id = ordered(&s, (struct wishes){.ends = STR("2031-02-28")});
	fake_fail(1, FAULT_REFUSED);
	assert_err(steward_run(s.t, id), ERR_REFUSED);
	task_clear(s.t);
	assert_ok(plans_find(s.t, id, &row));
	assert_int_equal(row->state, PLAN_DONE);
	assert_ok(accounts_find(s.t, s.ann->id, &a));
	assert_int_equal(a->expires_at, 1930089600000LL);
	struct str later = ordered(&s, (struct wishes){.ends = STR("never")});
	assert_ok(steward_run(s.t, later));
	assert_ok(steward_run(s.t, id)); /* requeued */
	assert_ok(accounts_find(s.t, s.ann->id, &a));
	assert_int_equal(a->expires_at, 0);
	assert_int_equal(world_jobs(s.t, JOB_CHANGE_APPLY, "", NULL), 0);
}

static void test_due(void **state) {
	struct scene s = scene_of(state);
	struct job job;
	struct account *now = NULL;
	s.ann->expires_at = clock_wall_ms() + 1000;
	assert_ok(accounts_update(s.t, s.ann));
	assert_ok(steward_due(s.t));
	assert_int_equal(world_jobs(s.t, JOB_CHANGE_APPLY, "", NULL), 0);
	world_clock(2000);
	fake.down = true; /* nobody is asked */
	assert_ok(steward_due(s.t));
	assert_ok(steward_due(s.t));
	assert_int_equal(world_jobs(s.t, JOB_CHANGE_APPLY, "", &job), 1);
	assert_ok(accounts_find(s.t, s.ann->id, &now));
	assert_int_equal(now->expires_at, 0);
	assert_err(steward_run(s.t, job.subject), ERR_UNAVAILABLE);
	task_clear(s.t);
	s.boss->dn = STR("no DN"); /* of which no plan can be made; the next one is not to wait for it */
	s.boss->expires_at = 1;
	assert_ok(accounts_update(s.t, s.boss));
	now->expires_at = 2;
	assert_ok(accounts_update(s.t, now));
	assert_err(steward_due(s.t), ERR_INVALID);
	assert_int_equal(world_jobs(s.t, JOB_CHANGE_APPLY, "", NULL), 2);
	fake.down = false;
	task_clear(s.t);
	assert_ok(steward_run(s.t, job.subject));
	assert_false(s.person->enabled);
	assert_int_equal(sessions(&s), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_wishes),
		TEST(test_gone),
		TEST(test_order),
		TEST(test_confirmed),
		TEST(test_disable_ends_sessions),
		TEST(test_delete_ends_sessions),
		TEST(test_ends_without_a_feed),
		TEST(test_account_follows),
		TEST(test_parked),
		TEST(test_cancelled),
		TEST(test_draft),
		TEST(test_draft_of_an_end),
		TEST(test_ends_at),
		TEST(test_due),
		TEST(test_ends),
		TEST(test_ends_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
