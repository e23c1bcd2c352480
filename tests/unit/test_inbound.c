/* What follows from the word about one person, one group or one day: inbound_apply, inbound_due. */
#include "tests/unit/inbound_fixture.h"

#include "base/metric.h"

/* ---- what changes one person ---- */

static void nothing(struct fake_person *p) {
	(void)p;
}
static void locks(struct fake_person *p) {
	p->locked = true;
}
static void disables(struct fake_person *p) {
	p->enabled = false;
}
static void ends(struct fake_person *p) {
	p->expires_at = clock_wall_ms() - 1000;
}
static void will_end(struct fake_person *p) {
	p->expires_at = clock_wall_ms() + DAY;
}
static void sets_password(struct fake_person *p) {
	snprintf(p->stamp, sizeof(p->stamp), "stamp-2");
}
static void loses_stamp(struct fake_person *p) {
	p->stamp[0] = 0;
}
static const struct {
	const char *name;
	void (*change)(struct fake_person *p);
	enum feed_change_kind kind;
	bool ends, keeps; /* keeps: with session.end_on_password_change false nothing ends */
	enum mirror_state state;
	const char *audit;
} effects[] = {
	{"nothing", nothing, FEED_CHANGED, false, false, MIRROR_LIVE, NULL},
	{"locked", locks, FEED_CHANGED, false, false, MIRROR_LIVE, NULL},
	{"disabled", disables, FEED_CHANGED, true, false, MIRROR_DISABLED, "account.disabled"},
	{"expired", ends, FEED_CHANGED, true, false, MIRROR_EXPIRED, "account.expired"},
	{"willend", will_end, FEED_CHANGED, false, false, MIRROR_LIVE, NULL},
	{"password", sets_password, FEED_CHANGED, true, true, MIRROR_LIVE, "account.password"},
	{"unstamped", loses_stamp, FEED_CHANGED, false, false, MIRROR_LIVE, NULL},
	{"rename", renames, FEED_CHANGED, false, false, MIRROR_LIVE, NULL},
	{"deleted", nothing, FEED_GONE, true, false, MIRROR_GONE, "account.gone"},
	{"still", nothing, FEED_SEEN, false, false, MIRROR_LIVE, NULL},
};

static void each_change_has_its_effect(void **state) {
	for (size_t i = 0; i < COUNT(effects); i++) {
		struct task *t = world_task(*state);
		struct someone s = someone(t, effects[i].name);
		int64_t ended = metric_get(METRIC_INBOUND, METRIC_INBOUND_ENDED);
		assert_true(logged_in(t, &s));
		effects[i].change(s.p);
		for (int twice = 0; twice < 2; twice++) {
			tell(t, effects[i].kind, s.p);
			if (logged_in(t, &s) == effects[i].ends)
				fail_msg("%s: %s", effects[i].name, effects[i].ends ? "goes on" : "ended");
			assert_int_equal(mirror_now(t, &s)->state, effects[i].state);
			if (effects[i].audit)
				assert_int_equal(world_audits(t, s.a->id, effects[i].audit), 1);
			assert_int_equal(
				metric_get(METRIC_INBOUND, METRIC_INBOUND_ENDED) - ended, effects[i].ends ? 1 : 0);
		}
	}
}

static void a_password_may_leave_sessions(void **state) {
	for (size_t i = 0; i < COUNT(effects); i++) {
		struct task *t = world_task(*state);
		struct someone s = someone(t, str_printf(t->arena, "keep%s%c", effects[i].name, 0).p);
		world_realm.session_end_on_password_change = false;
		effects[i].change(s.p);
		tell(t, effects[i].kind, s.p);
		world_realm.session_end_on_password_change = true;
		assert_int_equal(logged_in(t, &s), !effects[i].ends || effects[i].keeps);
	}
}

/* Told that nothing which concerns us changed, the store is not written but for the cookie. */
static void nothing_new_writes_nothing(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "quiet");
	tell(t, FEED_CHANGED, s.p);
	struct mirror *before = mirror_now(t, &s);
	world_clock(60000);
	tell(t, FEED_CHANGED, s.p);
	struct mirror *after = mirror_now(t, &s);
	assert_int_equal(before->read_at, after->read_at);
	assert_int_equal(before->seen_at, after->seen_at);
}

static void a_rename_keeps_the_account(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "before");
	struct account *a = NULL;
	renames(s.p);
	tell(t, FEED_CHANGED, s.p);
	assert_ok(accounts_find(t, s.a->id, &a));
	assert_str(a->sub, s.a->sub);
	assert_str(a->dn, STR("uid=renamed,ou=people,dc=test"));
	assert_str(a->login, STR("renamed"));
	assert_str(mirror_now(t, &s)->dn, a->dn);
	assert_true(mirror_now(t, &s)->groups_at < mirror_now(t, &s)->read_at);
	/* The name is free, and somebody else takes it: another id, and not this account. */
	struct fake_person *other = fake_person_add("before", "other@x.test");
	other->enabled = false;
	tell(t, FEED_CHANGED, other);
	tell(t, FEED_GONE, other);
	assert_true(logged_in(t, &s));
	assert_err(accounts_find_stable(t, STR("main"), str_of(other->id), &a), ERR_NOT_FOUND);
}

static void back_again(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "back");
	assert_ok(mirrors_groups(t, s.a->id, STR("[]"), INT64_MAX / 2));
	s.p->enabled = false;
	tell(t, FEED_CHANGED, s.p);
	assert_false(str_empty(mirror_now(t, &s)->attributes) || str_empty(mirror_now(t, &s)->groups));
	tell(t, FEED_GONE, s.p);
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_GONE);
	assert_true(str_empty(mirror_now(t, &s)->attributes) && str_empty(mirror_now(t, &s)->groups));
	assert_int_equal(world_audits(t, s.a->id, "account.gone"), 1);
	s.p->enabled = true;
	tell(t, FEED_CHANGED, s.p);
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_LIVE);
	assert_false(str_empty(mirror_now(t, &s)->attributes));
	assert_false(logged_in(t, &s));
}

/* Entries are born disabled, and nobody is told that an account ended which never began. */
static void birth_is_no_end(void **state) {
	struct task *t = world_task(*state);
	struct fake_person *p = fake_person_add("newborn", "n@x.test");
	struct someone s = {.p = p};
	struct account a = {
		.id = STR("newborn"), .directory = STR("main"), .stable_id = str_of(p->id), .sub = STR("s")};
	assert_ok(accounts_insert(t, &a));
	s.a = &a;
	p->enabled = false;
	tell(t, FEED_CHANGED, p);
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_DISABLED);
	assert_int_equal(world_audits(t, a.id, "account."), 0);
	p->enabled = true;
	tell(t, FEED_CHANGED, p);
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_LIVE);
}

/* An account that was there before the mirror was: what is told first may end it. */
static void the_first_word_counts(void **state) {
	struct task *t = world_task(*state);
	world_directory.feed = FEED_OFF; /* no row is made */
	struct someone s = someone(t, "early");
	struct mirror *m = NULL;
	world_directory.feed = FEED_AUTO;
	assert_err(mirrors_find(t, s.a->id, &m), ERR_NOT_FOUND);
	tell(t, FEED_GONE, s.p);
	assert_false(logged_in(t, &s));
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_GONE);
}

/* ---- our own changes of passwords ---- */

static void our_own_change_ends_nothing_twice(void **state) {
	static const struct {
		bool before, after; /* when the feed tells: also what was before, only after */
		int64_t ms;
		bool done, ends;
	} rows[] = {
		{false, true, 0, true, false}, {true, true, 0, true, false}, /* faster than our own look */
		{false, true, 600000, true, false},
		{false, true, 0, false, true}, /* ours was refused: then it is somebody else's */
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct task *t = world_task(*state);
		struct someone s = someone(t, str_printf(t->arena, "own%zu%c", i, 0).p);
		struct str other = STR("");
		assert_ok(mirror_password_begin(t, &world_directory, s.a->stable_id));
		if (rows[i].before) {
			tell(t, FEED_CHANGED, s.p);
			sets_password(s.p);
			tell(t, FEED_CHANGED, s.p);
		}
		if (rows[i].done)
			sets_password(s.p);
		mirror_password_end(t, &world_directory, s.a->stable_id, rows[i].done, &other);
		assert_str(other, STR(""));
		sets_password(s.p);
		world_clock(rows[i].ms);
		tell(t, FEED_CHANGED, s.p);
		assert_str(mirror_now(t, &s)->password_stamp, STR("stamp-2"));
		assert_int_equal(logged_in(t, &s), !rows[i].ends);
		world_clock(0);
	}
}

/* Who holds a change of their own open, that will be refused, while another changes the password: the feed's word in
 * between, or a look, does not take the other's change away. */
static void a_refused_change_hides_nothing(void **state) {
	for (int row = 0; row < 4; row++) {
		struct task *t = world_task(*state);
		bool by_look = row % 2, first = row / 2; /* first: no stamp was there before */
		struct someone s = someone(t, str_printf(t->arena, "hides%d%c", row, 0).p);
		if (first)
			assert_ok(mirrors_stamp(t, STR("main"), s.a->stable_id, STR("")));
		const char *stamp = first ? "20991231235959Z" : "stamp-2";
		struct str other = STR("");
		const struct directory_config *d = NULL;
		struct entry *e = NULL;
		assert_ok(mirror_password_begin(t, &world_directory, s.a->stable_id));
		snprintf(s.p->stamp, sizeof(s.p->stamp), "%s", stamp);
		if (by_look)
			assert_ok(account_person(t, s.a, &d, &e, NULL));
		tell(t, FEED_CHANGED, s.p);
		assert_true(logged_in(t, &s));
		mirror_password_end(t, &world_directory, s.a->stable_id, false, &other);
		assert_str(other, str_of(stamp));
		assert_true(str_starts(mirror_now(t, &s)->password_stamp, STR("own:")));
	}
}

/* The like by the page: the directory has the old password in its history, and the sessions end. */
static void a_refused_change_ends_what_another_ended(void **state) {
	for (int ends = 0; ends < 2; ends++) {
		struct task *t = world_task(*state);
		struct someone s = someone(t, ends ? "ended" : "kept");
		struct password_problem problem = {0};
		snprintf(s.p->before, sizeof(s.p->before), OTHER_PASSWORD);
		sets_password(s.p); /* which the feed has told while a change of ours was open */
		world_realm.session_end_on_password_change = ends;
		assert_err(login_change_password(
				   t, str_of(s.p->login), str_of(s.p->password), STR(OTHER_PASSWORD), &problem),
			ERR_FIELDS);
		world_realm.session_end_on_password_change = true;
		assert_int_equal(logged_in(t, &s), !ends);
		assert_str(mirror_now(t, &s)->password_stamp, STR("stamp-2"));
	}
}

/* A crash leaves the mark: it counts for two minutes and no longer. */
static void a_mark_ends(void **state) {
	for (int late = 0; late < 2; late++) {
		struct task *t = world_task(*state);
		struct someone s = someone(t, late ? "late" : "soon");
		assert_ok(mirror_password_begin(t, &world_directory, s.a->stable_id));
		world_clock(late ? 300000 : 1000);
		sets_password(s.p);
		tell(t, FEED_CHANGED, s.p);
		assert_int_equal(logged_in(t, &s), !late);
		world_clock(0);
	}
}

static void a_change_by_the_person_is_ours(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "changer");
	struct password_problem problem = {0};
	struct login l = {0};
	assert_ok(
		login_change_password(t, STR("changer"), STR("correct horse changer"), STR(OTHER_PASSWORD), &problem));
	assert_ok(login_password(t, STR("changer"), STR(OTHER_PASSWORD), STR(""), STR("test"), &l));
	s.session = l.session;
	tell(t, FEED_CHANGED, s.p);
	struct login_state still = {0};
	assert_ok(login_session(t, l.session, &still));
	assert_int_equal(world_audits(t, s.a->id, "account.password"), 0);
	sets_password(s.p);
	tell(t, FEED_CHANGED, s.p);
	assert_err(login_session(t, l.session, &still), ERR_LOGIN);
}

/* ---- groups ---- */

static void groups_grow_old(void **state) {
	static const struct {
		enum feed_change_kind kind;
		enum feed_subject subject;
		bool old, place;
	} rows[] = {
		{FEED_CHANGED, FEED_GROUP, true, false},
		{FEED_GONE, FEED_GROUP, true, false},
		{FEED_GONE, FEED_UNKNOWN, true, false}, /* of nobody we know: it may be a group */
		{FEED_GONE, FEED_PERSON, false, false},
		{FEED_SEEN, FEED_UNKNOWN, false, false},
		{FEED_CHANGED, FEED_PLACE, true, true},
	};
	struct task *t = world_task(*state);
	struct someone s = someone(t, "grouped");
	const struct directory_config *d = NULL;
	struct entry *e = NULL;
	struct groups g = {0};
	for (size_t i = 0; i < COUNT(rows); i++) {
		world_clock((int64_t)(i + 1) * 1000);
		mirror_heard(t->realm_name, &world_directory);
		assert_ok(account_person(t, s.a, &d, &e, &g));
		size_t calls = fake.calls;
		assert_ok(account_person(t, s.a, &d, &e, &g));
		assert_int_equal(fake.calls, calls);
		world_clock((int64_t)(i + 1) * 1000 + 500);
		struct feed_change c = {
			rows[i].kind, rows[i].subject, STR("nobody"), arena_new_of(t->arena, struct entry)};
		apply(t, (struct feed_batch){.v = &c, .n = 1});
		assert_int_equal(row_of(t).reconciled_at == 0, rows[i].place);
		assert_ok(account_person(t, s.a, &d, &e, &g));
		assert_int_equal(fake.calls - calls, rows[i].old);
	}
}

/* Of one person: an entry that changed may be in other groups, by its name or its primary one. */
static void groups_of_a_changed_entry_are_old(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "regrouped");
	const struct directory_config *d = NULL;
	struct entry *e = NULL;
	struct groups g = {0};
	mirror_groups_changed(t->realm_name, &world_directory, 0); /* of another test's clock */
	mirror_heard(t->realm_name, &world_directory);
	assert_ok(account_person(t, s.a, &d, &e, &g));
	world_clock(1000);
	renames(s.p);
	tell(t, FEED_CHANGED, s.p);
	size_t calls = fake.calls;
	for (int i = 0; i < 2; i++)
		assert_ok(account_person(t, s.a, &d, &e, &g));
	assert_int_equal(fake.calls - calls, 1);
}

/* ---- one transaction ---- */

static void all_or_nothing(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "atom");
	s.p->enabled = false;
	struct feed_change c = change_of(t, FEED_CHANGED, s.p);
	struct feed_batch b = {.v = &c, .n = 1, .cookie = STR("next")};
	struct feed_row f = row_of(t);
	f.realm = STR("other"); /* cannot be written */
	assert_err(inbound_apply(t, &world_directory, &b, &f), ERR_INTERNAL);
	assert_true(logged_in(t, &s));
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_LIVE);
	assert_int_equal(world_audits(t, s.a->id, "account.disabled"), 0);
	assert_str(f.cookie, STR(""));
	f.realm = STR("staff");
	assert_ok(inbound_apply(t, &world_directory, &b, &f));
	assert_false(logged_in(t, &s));
	assert_str(row_of(t).cookie, STR("next"));
}

/* ---- by date ---- */

static void the_day_comes(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "guest"), other = someone(t, "stays");
	will_end(s.p);
	tell(t, FEED_CHANGED, s.p);
	assert_ok(inbound_due(t));
	assert_true(logged_in(t, &s));
	world_clock(DAY + 1000);
	t->realm = NULL;
	t->realm_name = STR("");
	assert_ok(inbound_due(t));
	assert_null(t->realm);
	t = world_task(*state);
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_EXPIRED);
	assert_int_equal(world_audits(t, s.a->id, "account.expired"), 1);
	assert_int_equal(mirror_now(t, &other)->state, MIRROR_LIVE);
	assert_ok(inbound_due(t));
	assert_int_equal(world_audits(t, s.a->id, "account.expired"), 1);
	/* Some servers then tell the person disabled, and no end any more. */
	s.p->enabled = false;
	s.p->expires_at = 0;
	tell(t, FEED_CHANGED, s.p);
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_EXPIRED);
	assert_int_equal(world_audits(t, s.a->id, "account.disabled"), 0);
	world_clock(0);
	assert_false(logged_in(t, &s));
}

static void the_day_of_a_realm_that_is_gone(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "orphan");
	will_end(s.p);
	tell(t, FEED_CHANGED, s.p);
	world_clock(DAY + 1000);
	world_config.n_realms = 0;
	assert_ok(inbound_due(t));
	world_config.n_realms = 1;
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_EXPIRED);
	world_clock(0);
	assert_false(logged_in(t, &s));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(each_change_has_its_effect),
		TEST(a_password_may_leave_sessions),
		TEST(nothing_new_writes_nothing),
		TEST(a_rename_keeps_the_account),
		TEST(back_again),
		TEST(birth_is_no_end),
		TEST(the_first_word_counts),
		TEST(our_own_change_ends_nothing_twice),
		TEST(a_mark_ends),
		TEST(a_refused_change_hides_nothing),
		TEST(a_refused_change_ends_what_another_ended),
		TEST(a_change_by_the_person_is_ours),
		TEST(groups_grow_old),
		TEST(groups_of_a_changed_entry_are_old),
		TEST(all_or_nothing),
		TEST(the_day_comes),
		TEST(the_day_of_a_realm_that_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
