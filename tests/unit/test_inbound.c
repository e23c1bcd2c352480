/* What follows from a change in the directory: inbound_apply, inbound_due, reconcile_run. */
#include "tests/unit/business_fixture.h"

#include "base/metric.h"
#include "broker/login/login.h"
#include "broker/sync/sync_private.h"

#define DAY 86400000

/* A person who is logged in, with an offline grant beside. */
struct someone {
	struct fake_person *p;
	struct account *a;
	struct str session;
};

static struct someone someone(struct task *t, const char *name) {
	struct someone s = {.p = fake_person_add(name, "some@x.test")};
	struct login l = {0};
	snprintf(s.p->stamp, sizeof(s.p->stamp), "stamp-1");
	t->address = str_printf(t->arena, "address of %s", name);
	assert_ok(login_password(t, str_of(name), str_of(s.p->password), STR(""), STR("test"), &l));
	assert_int_equal(l.result, LOGIN_OK);
	s.a = l.account;
	s.session = l.session;
	const struct grant g = {.id = l.account->id,
		.account_id = l.account->id,
		.client = STR("Portal"),
		.scope = STR("openid offline_access"),
		.expires_at = clock_wall_ms() + DAY};
	assert_ok(grants_insert(t, &g));
	return s;
}

static bool logged_in(struct task *t, const struct someone *s) {
	struct login_state state = {0};
	struct grant *g = NULL;
	enum err e = login_session(t, s->session, &state);
	assert_true(e == OK || e == ERR_LOGIN);
	assert_ok(grants_find(t, s->a->id, &g));
	assert_int_equal(e == OK, g->revoked_at == 0);
	task_clear(t);
	return e == OK;
}

static struct feed_row row_of(struct task *t) {
	struct feed_row *f = NULL;
	if (feeds_find(t, STR("main"), &f))
		return (struct feed_row){.directory = STR("main"), .cookie = STR(""), .reconciled_at = 1};
	return *f;
}

static struct feed_change change_of(struct task *t, enum feed_change_kind kind, const struct fake_person *p) {
	struct feed_change c = {kind, kind == FEED_CHANGED ? FEED_PERSON : FEED_UNKNOWN, str_of(p->id), NULL};
	if (kind == FEED_CHANGED)
		assert_ok(directory_find_id(t, &world_directory, c.stable_id, &c.entry));
	return c;
}

static void apply(struct task *t, struct feed_batch b) {
	struct feed_row f = row_of(t);
	assert_ok(inbound_apply(t, &world_directory, &b, &f));
}

static void tell(struct task *t, enum feed_change_kind kind, const struct fake_person *p) {
	struct feed_change c = change_of(t, kind, p);
	apply(t, (struct feed_batch){.v = &c, .n = 1, .cookie = STR("c"), .controller = STR("ldap://one")});
}

static struct mirror *mirror_now(struct task *t, const struct someone *s) {
	struct mirror *m = NULL;
	assert_ok(mirrors_find(t, s->a->id, &m));
	return m;
}

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
static void renames(struct fake_person *p) {
	snprintf(p->dn, sizeof(p->dn), "uid=renamed,ou=people,dc=test");
	snprintf(p->login, sizeof(p->login), "renamed");
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
	s.p->enabled = false;
	tell(t, FEED_CHANGED, s.p);
	tell(t, FEED_GONE, s.p);
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_GONE);
	assert_int_equal(world_audits(t, s.a->id, "account.gone"), 1);
	s.p->enabled = true;
	tell(t, FEED_CHANGED, s.p);
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_LIVE);
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

/* ---- everything told ---- */

static void tell_all(struct task *t, const struct someone *v, size_t n, size_t there) {
	struct feed_change *c = arena_array(t->arena, struct feed_change, n);
	for (size_t i = 0; i < there; i++)
		c[i] = change_of(t, i % 2 ? FEED_SEEN : FEED_CHANGED, v[i].p);
	apply(t, (struct feed_batch){
			 .v = c, .n = there, .cookie = STR("all"), .restarted = true, .whole = true, .current = true});
}

static size_t count_logged_in(struct task *t, const struct someone *v, size_t n) {
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += logged_in(t, &v[i]);
	return count;
}

static void what_was_not_told_is_gone(void **state) {
	struct task *t = world_task(*state);
	struct someone v[30];
	for (size_t i = 0; i < COUNT(v); i++)
		v[i] = someone(t, str_printf(t->arena, "p%zu%c", i, 0).p);
	world_clock(1000);
	tell_all(t, v, 30, 30);
	assert_int_equal(count_logged_in(t, v, 30), 30);
	assert_int_equal(row_of(t).state, FEED_FOLLOWING);
	world_clock(2000);
	tell_all(t, v, 30, 24); /* 6 of 30: a fifth */
	assert_int_equal(count_logged_in(t, v, 30), 24);
	assert_str(row_of(t).cookie, STR("all"));
	world_clock(3000);
	tell_all(t, v, 30, 18); /* 6 of 24: more */
	struct feed_row f = row_of(t);
	assert_int_equal(f.state, FEED_STOPPED);
	assert_true(str_starts(f.detail, STR("6 of 24 ")));
	assert_int_equal(count_logged_in(t, v, 30), 24);
	f.cookie = STR("kept");
	assert_ok(feeds_put(t, &f));
	world_clock(4000);
	tell_all(t, v, 30, 0);
	assert_str(row_of(t).cookie, STR("kept"));
	assert_int_equal(row_of(t).state, FEED_STOPPED);
	/* The directory was mended. */
	world_clock(5000);
	tell_all(t, v, 30, 24);
	assert_int_equal(row_of(t).state, FEED_FOLLOWING);
	assert_str(row_of(t).cookie, STR("all"));
	assert_str(row_of(t).detail, STR(""));
	/* Or the operators accept. */
	world_clock(6000);
	tell_all(t, v, 30, 0);
	f = row_of(t);
	assert_int_equal(f.state, FEED_STOPPED);
	struct feed_row before = f;
	f.state = FEED_ACCEPTED;
	assert_ok(feeds_put(t, &f));
	world_clock(7000);
	struct feed_batch all = {.restarted = true, .whole = true, .current = true};
	assert_ok(inbound_apply(t, &world_directory, &all, &before)); /* of a watcher that did not see it yet */
	assert_int_equal(row_of(t).state, FEED_FOLLOWING);
	assert_int_equal(count_logged_in(t, v, 30), 0);
	world_clock(0);
}

/* Memory does not add up over those that are gone at once. */
static void hundreds_may_go(void **state) {
	struct task *t = world_task(*state);
	struct feed_row f = row_of(t);
	int64_t unseen = 0, all = 0;
	assert_ok(store_begin(t));
	for (int i = 0; i < 600; i++) {
		const struct account a = {.id = random_id(t->arena),
			.directory = STR("main"),
			.stable_id = str_printf(t->arena, "id-%d", i),
			.sub = random_id(t->arena),
			.last_login_at = 1};
		const struct mirror m = {.account_id = a.id, .directory = a.directory, .stable_id = a.stable_id};
		const struct session s = {.id_hash = a.id, .sid = a.id, .account_id = a.id};
		assert_ok(accounts_insert(t, &a));
		assert_ok(mirrors_put(t, &m));
		assert_ok(sessions_insert(t, &s));
	}
	f.state = FEED_ACCEPTED;
	assert_ok(store_end(t, feeds_put(t, &f)));
	size_t before = arena_used(t->arena);
	apply(t, (struct feed_batch){.restarted = true, .whole = true, .current = true});
	assert_true(arena_used(t->arena) - before < LIMIT_ARENA / 64);
	assert_ok(mirrors_count(t, STR("main"), INT64_MAX, &unseen, &all));
	assert_int_equal(all, 0);
}

static void a_few_may_always_go(void **state) {
	struct task *t = world_task(*state);
	struct someone v[5];
	for (size_t i = 0; i < COUNT(v); i++)
		v[i] = someone(t, str_printf(t->arena, "f%zu%c", i, 0).p);
	world_clock(1000);
	tell_all(t, v, 5, 0);
	assert_int_equal(count_logged_in(t, v, 5), 0);
	assert_int_equal(row_of(t).state, FEED_FOLLOWING);
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

/* ---- compare ---- */

static void reconcile_mends(void **state) {
	struct task *t = world_task(*state);
	struct someone v[6];
	struct drift x = {0};
	for (size_t i = 0; i < COUNT(v); i++)
		v[i] = someone(t, str_printf(t->arena, "r%zu%c", i, 0).p);
	assert_ok(reconcile_run(t, &world_directory, &x));
	assert_int_equal(x.looked, 6);
	assert_int_equal(x.changed + x.gone + x.failed, 0);
	v[0].p->enabled = false;
	v[1].p->gone = true;
	renames(v[2].p);
	assert_ok(reconcile_run(t, &world_directory, &x));
	assert_int_equal(x.looked, 6);
	assert_int_equal(x.changed, 2);
	assert_int_equal(x.gone, 1);
	assert_false(logged_in(t, &v[0]));
	assert_false(logged_in(t, &v[1]));
	assert_true(logged_in(t, &v[2]));
	assert_ok(reconcile_run(t, &world_directory, &x));
	assert_int_equal(x.looked, 5); /* who is gone is not asked for again */
	assert_int_equal(x.changed + x.gone + x.failed, 0);
	fake.down = true;
	assert_err(reconcile_run(t, &world_directory, &x), ERR_UNAVAILABLE);
	fake.down = false;
}

/* What the feed told while we looked counts more than what we saw. */
static void a_look_is_older_than_the_feed(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "looked");
	struct inbound in = {.directory = &world_directory, .now = clock_wall_ms(), .looked = true};
	struct feed_change live = change_of(t, FEED_CHANGED, s.p);
	world_clock(1000);
	s.p->enabled = false;
	tell(t, FEED_CHANGED, s.p);
	assert_ok(inbound_person(t, &in, s.a, live.entry));
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_DISABLED);
	in.now = clock_wall_ms();
	assert_ok(inbound_person(t, &in, s.a, live.entry));
	assert_int_equal(mirror_now(t, &s)->state, MIRROR_LIVE);
}

static void reconcile_does_not_believe_everything(void **state) {
	struct task *t = world_task(*state);
	struct someone v[6];
	struct drift x = {0};
	for (size_t i = 0; i < COUNT(v); i++) {
		v[i] = someone(t, str_printf(t->arena, "d%zu%c", i, 0).p);
		v[i].p->gone = true;
	}
	assert_err(reconcile_run(t, &world_directory, &x), ERR_REFUSED);
	assert_int_equal(x.gone, 6);
	assert_int_equal(count_logged_in(t, v, 6), 6);
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
		TEST(what_was_not_told_is_gone),
		TEST(a_few_may_always_go),
		TEST(hundreds_may_go),
		TEST(groups_grow_old),
		TEST(groups_of_a_changed_entry_are_old),
		TEST(all_or_nothing),
		TEST(the_day_comes),
		TEST(the_day_of_a_realm_that_is_gone),
		TEST(reconcile_mends),
		TEST(a_look_is_older_than_the_feed),
		TEST(reconcile_does_not_believe_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
