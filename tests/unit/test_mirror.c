/* The person behind an account: from the mirror while it is fresh, else from the directory. */
#include "tests/unit/business_fixture.h"

#include "broker/account/account_private.h"
#include "broker/login/login.h"

struct someone {
	struct fake_person *p;
	struct account *a;
};

static struct someone someone(struct task *t, const char *name) {
	struct someone s = {.p = fake_person_add(name, "some@x.test")};
	struct entry *e = NULL;
	snprintf(s.p->given, sizeof(s.p->given), "Given");
	snprintf(s.p->stamp, sizeof(s.p->stamp), "stamp-1");
	fake_join(&fake.groups[0], s.p);
	assert_ok(directory_find_id(t, &world_directory, str_of(s.p->id), &e));
	assert_ok(account_link(t, &world_directory, e, &s.a));
	mirror_unheard(t->realm_name, &world_directory);
	return s;
}

/* How many questions the directory was asked. */
static size_t look(struct task *t, const struct someone *s, struct entry **e, struct groups *g) {
	const struct directory_config *d = NULL;
	size_t calls = fake.calls;
	assert_ok(account_person(t, s->a, &d, e, g));
	assert_ptr_equal(d, &world_directory);
	return fake.calls - calls;
}

static struct mirror *row(struct task *t, const struct someone *s) {
	struct mirror *m = NULL;
	enum err e = mirrors_find(t, s->a->id, &m);
	task_clear(t);
	return e ? NULL : m;
}

static void fresh_or_live(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "fresh");
	struct entry *e = NULL, *live = NULL;
	struct groups g = {0}, live_groups = {0};
	assert_null(row(t, &s));
	assert_int_equal(look(t, &s, &live, &live_groups), 2);
	assert_non_null(row(t, &s));
	assert_int_equal(look(t, &s, &e, NULL), 1);
	assert_int_equal(look(t, &s, &e, &g), 2);
	mirror_heard(t->realm_name, &world_directory);
	assert_true(mirror_fresh(t->realm_name, &world_directory));
	assert_int_equal(look(t, &s, &e, &g), 0);
	assert_int_equal(look(t, &s, &e, NULL), 0);
	assert_str(e->dn, live->dn);
	assert_str(e->stable_id, live->stable_id);
	assert_str(e->login, live->login);
	assert_str(e->mail, live->mail);
	assert_str(entry_value(e, STR("given_name")), STR("Given"));
	assert_true(e->enabled && !e->locked);
	assert_int_equal(g.n, 1);
	assert_int_equal(live_groups.n, 1);
	assert_str(g.v[0].dn, live_groups.v[0].dn);
	assert_true(g.v[0].via == SIZE_MAX);
	/* What is heard counts for a realm's directory, by name. */
	const struct directory_config other = {.id = STR("other")}, again = {.id = STR("main")};
	assert_false(mirror_fresh(t->realm_name, &other));
	assert_false(mirror_fresh(STR("students"), &world_directory));
	assert_true(mirror_fresh(t->realm_name, &again));
	mirror_unheard(t->realm_name, &world_directory);
	assert_int_equal(look(t, &s, &e, &g), 2);
	world_directory.feed = FEED_OFF;
	struct someone off = someone(t, "off");
	assert_int_equal(look(t, &off, &e, &g), 2);
	assert_null(row(t, &off));
}

/* Where the mirror cannot say, the directory is asked although it is fresh. */
static void fresh_and_silent(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "silent");
	struct entry *e = NULL;
	struct groups g = {0};
	const struct directory_config *d = NULL;
	mirror_heard(t->realm_name, &world_directory);
	assert_int_equal(look(t, &s, &e, &g), 2);
	assert_int_equal(look(t, &s, &e, &g), 0);
	struct mirror m = *row(t, &s);
	m.attributes = STR("");
	assert_ok(mirrors_put(t, &m));
	assert_int_equal(look(t, &s, &e, &g), 2);
	assert_int_equal(look(t, &s, &e, &g), 0);
	assert_ok(mirrors_state(t, s.a->id, MIRROR_GONE, clock_wall_ms()));
	world_clock(1000);
	assert_int_equal(look(t, &s, &e, &g), 2); /* it has come back */
	assert_int_equal(row(t, &s)->state, MIRROR_LIVE);
	assert_int_equal(look(t, &s, &e, &g), 0);
	assert_ok(mirrors_state(t, s.a->id, MIRROR_GONE, clock_wall_ms()));
	s.p->gone = true;
	assert_err(account_person(t, s.a, &d, &e, &g), ERR_NOT_FOUND);
	world_realm.n_directories = 0;
	assert_err(account_person(t, s.a, &d, &e, &g), ERR_NOT_FOUND);
	world_realm.n_directories = 1;
}

static void states(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "states");
	struct person who = {0};
	struct entry *e = NULL;
	mirror_heard(t->realm_name, &world_directory);
	assert_ok(login_person(t, s.a, &who));
	assert_ok(mirrors_state(t, s.a->id, MIRROR_DISABLED, clock_wall_ms()));
	assert_err(login_person(t, s.a, &who), ERR_DENIED);
	assert_int_equal(look(t, &s, &e, NULL), 0);
	assert_false(e->enabled);
	/* An end by date needs nobody to tell it. */
	s.p->expires_at = clock_wall_ms() + 5000;
	mirror_unheard(t->realm_name, &world_directory);
	world_clock(1000);
	assert_ok(login_person(t, s.a, &who));
	mirror_heard(t->realm_name, &world_directory);
	assert_ok(login_person(t, s.a, &who));
	world_clock(5001);
	assert_err(login_person(t, s.a, &who), ERR_DENIED);
	/* The feed was faster than a login. */
	int64_t began = clock_wall_ms();
	assert_ok(mirrors_state(t, s.a->id, MIRROR_DISABLED, began + 1));
	assert_err(mirror_admits(t, s.a, began), ERR_DENIED);
	mirror_unheard(t->realm_name, &world_directory);
	assert_ok(mirror_admits(t, s.a, began + 2));
}

/* Another controller has not heard yet that they were disabled, and says that they are live: they come back by the
 * feed, or where the feed is not fresh, or a minute later. */
static void a_server_that_is_behind(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "behind");
	struct groups none = {0};
	struct entry *e = NULL;
	int64_t told = clock_wall_ms();
	s.a->last_login_at = told - 1000;
	assert_ok(directory_find_id(t, &world_directory, s.a->stable_id, &e));
	assert_ok(mirror_take(t, s.a, e, &none, told - 1));
	assert_ok(mirrors_state(t, s.a->id, MIRROR_DISABLED, told));
	mirror_heard(t->realm_name, &world_directory);
	assert_ok(mirror_take(t, s.a, e, &none, told + 50));
	assert_int_equal(row(t, &s)->state, MIRROR_DISABLED);
	assert_err(mirror_admits(t, s.a, told + 50), ERR_DENIED);
	task_clear(t);
	struct account newborn = *s.a;
	newborn.last_login_at = 0;
	assert_ok(mirror_admits(t, &newborn, told + 50));
	assert_ok(mirror_admits(t, s.a, told + 60000));
	mirror_unheard(t->realm_name, &world_directory);
	assert_ok(mirror_admits(t, s.a, told + 50));
	assert_ok(mirror_take(t, s.a, e, &none, told + 50));
	assert_int_equal(row(t, &s)->state, MIRROR_LIVE);
}

/* ---- what a look may write ---- */

static struct entry entry_of(struct task *t, const struct someone *s) {
	struct entry *e = NULL;
	assert_ok(directory_find_id(t, &world_directory, s->a->stable_id, &e));
	return *e;
}

static void an_older_look_does_not_overwrite(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "older");
	struct entry was = entry_of(t, &s), now = was;
	struct groups none = {0};
	now.mail = STR("new@x.test");
	assert_ok(mirror_take(t, s.a, &now, &none, 2000));
	assert_ok(mirror_take(t, s.a, &was, &none, 1999));
	assert_str(row(t, &s)->mail, STR("new@x.test"));
	assert_int_equal(row(t, &s)->read_at, 2000);
	assert_str(row(t, &s)->groups, STR("[]"));
	assert_ok(mirror_take(t, s.a, &was, NULL, 2001));
	assert_str(row(t, &s)->mail, was.mail);
	assert_int_equal(row(t, &s)->groups_at, 2000); /* older than the entry: read again at the next use */
	/* The store guards it too, where two come at once. */
	struct mirror m = *row(t, &s);
	m.read_at = 1000;
	m.groups_at = 1000;
	m.mail = STR("old@x.test");
	m.groups = STR("old");
	assert_ok(mirrors_put(t, &m));
	assert_str(row(t, &s)->mail, was.mail);
	assert_str(row(t, &s)->groups, STR("[]"));
	assert_ok(mirrors_groups(t, s.a->id, STR("older"), 1999));
	assert_str(row(t, &s)->groups, STR("[]"));
	assert_ok(mirrors_groups(t, s.a->id, STR("[]"), 2002));
	assert_int_equal(row(t, &s)->groups_at, 2002);
}

/* Ends and passwords are for the feed to tell: a look that came first must not take the change away. */
static void ends_are_left_to_the_feed(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "left");
	struct entry e = entry_of(t, &s);
	e.enabled = false;
	assert_ok(mirror_take(t, s.a, &e, NULL, 1000));
	assert_null(row(t, &s));
	e.enabled = true;
	assert_ok(mirror_take(t, s.a, &e, NULL, 1000));
	e.enabled = false;
	assert_ok(mirror_take(t, s.a, &e, NULL, 2000));
	assert_int_equal(row(t, &s)->state, MIRROR_LIVE);
	e.enabled = true;
	e.password_stamp = STR("stamp-2");
	e.mail = STR("new@x.test");
	assert_ok(mirror_take(t, s.a, &e, NULL, 3000));
	assert_str(row(t, &s)->password_stamp, STR("stamp-1"));
	assert_str(row(t, &s)->mail, STR("new@x.test"));
	assert_ok(mirrors_state(t, s.a->id, MIRROR_DISABLED, 4000));
	assert_ok(mirror_take(t, s.a, &e, NULL, 3999));
	assert_int_equal(row(t, &s)->state, MIRROR_DISABLED);
	assert_ok(mirror_take(t, s.a, &e, NULL, 4001));
	assert_int_equal(row(t, &s)->state, MIRROR_LIVE);
}

/* The same again costs no write, whether the feed is fresh or not. */
static void the_same_again_is_not_written(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "again");
	struct entry *e = NULL;
	struct groups g = {0};
	look(t, &s, &e, &g);
	int64_t read_at = row(t, &s)->read_at;
	world_clock(60000);
	look(t, &s, &e, &g);
	look(t, &s, &e, NULL);
	assert_int_equal(row(t, &s)->read_at, read_at);
	assert_int_equal(row(t, &s)->groups_at, read_at);
	mirror_groups_changed(t->realm_name, &world_directory, clock_wall_ms());
	look(t, &s, &e, &g);
	assert_true(row(t, &s)->groups_at > read_at);
	mirror_groups_changed(t->realm_name, &world_directory, 0);
}

static void odd_values(void **state) {
	struct task *t = world_task(*state);
	struct someone s = someone(t, "odd");
	struct str texts[] = {STR("\"quoted\" \\ \n \xE2\x80\xAE"), STR("\xFF\xFE"), STR("a\0b"), STR("last")};
	struct attribute attributes[] = {
		{STR("zeta"), {texts, COUNT(texts)}},
		{STR("employee_number"), {&texts[3], 1}},
		{STR("alpha"), {NULL, 0}},
		{STR("zeta"), {&texts[3], 1}},
	};
	struct entry e = entry_of(t, &s), *got = NULL;
	e.attributes = attributes;
	e.n_attributes = COUNT(attributes);
	world_directory.marker_attribute = STR("employeeNumber");
	struct mirror m = mirror_of(t, s.a, &e, NULL, 1), turned;
	assert_ok(mirror_entry(t, &world_directory, &m, &got));
	assert_int_equal(got->n_attributes, 3);
	assert_str(got->attributes[0].name, STR("alpha"));
	assert_int_equal(got->attributes[0].values.n, 0);
	assert_str(got->attributes[2].name, STR("zeta"));
	assert_int_equal(got->attributes[2].values.n, 2);
	assert_str(got->attributes[2].values.v[0], texts[0]);
	assert_str(got->attributes[2].values.v[1], STR("last"));
	assert_str(got->marker, STR("last"));
	/* In another order it says the same. */
	struct attribute first = attributes[0];
	attributes[0] = attributes[2];
	attributes[2] = first;
	turned = mirror_of(t, s.a, &e, NULL, 2);
	assert_true(mirror_same(&m, &turned));
	e.n_attributes = 0;
	turned = mirror_of(t, s.a, &e, NULL, 2);
	assert_false(mirror_same(&m, &turned));
	/* Too much is not kept, and asked for each time. */
	struct str big = {arena_array(t->arena, char, LIMIT_RESPONSE), LIMIT_RESPONSE};
	memset((char *)big.p, 'x', big.n);
	attributes[0] = (struct attribute){STR("big"), {&big, 1}};
	e.n_attributes = 1;
	assert_str(mirror_of(t, s.a, &e, NULL, 1).attributes, STR(""));
	m.attributes = STR("{broken");
	assert_err(mirror_entry(t, &world_directory, &m, &got), ERR_INVALID);
}

static void groups_kept(void **state) {
	struct task *t = world_task(*state);
	struct group v[] = {{STR("cn=a \"q\",dc=x"), STR("a"), STR("id-a"), SIZE_MAX, STR_NONE},
		{STR("cn=b,dc=x"), STR("b"), STR("id-b"), 0, STR("S-1-5-21-1-2-3-513")},
		{STR("cn=c,dc=x"), STR("\xC3\xBC"), STR(""), 1, STR_NONE}};
	struct groups g = {v, COUNT(v), false}, got = {0};
	struct mirror m = {.groups = groups_text(t->arena, &g)};
	assert_ok(mirror_groups(t, &m, &got));
	assert_int_equal(got.n, COUNT(v));
	for (size_t i = 0; i < COUNT(v); i++) {
		assert_str(got.v[i].dn, v[i].dn);
		assert_str(got.v[i].name, v[i].name);
		assert_str(got.v[i].stable_id, v[i].stable_id);
		assert_true(got.v[i].via == v[i].via);
		assert_str(got.v[i].sid, v[i].sid);
		assert_int_equal(str_absent(got.v[i].sid), str_absent(v[i].sid));
	}
	g.cut = true;
	assert_str(groups_text(t->arena, &g), STR(""));
	g.cut = false;
	v[1].name = STR("\xFF");
	assert_str(groups_text(t->arena, &g), STR(""));
}

static void stamps(void **state) {
	static const struct {
		const char *before, *told, *after;
		int64_t now;
		bool changed;
	} rows[] = {
		{"", "", "", 0, false},
		{"", "a", "a", 0, false},
		{"a", "a", "a", 0, false},
		{"a", "", "a", 0, false},
		{"a", "b", "b", 0, true},
		{"own:1000:a", "a", "own:1000:a", 2000, false},
		{"own:1000:a", "b", "own:1000:a", 2000, false}, /* who ends the mark looks */
		{"own:1000:a", "b", "b", 1000 + 2 * TASK_JOB_MS + 1, true},
		{"own:1000:a", "a", "a", 1000 + 2 * TASK_JOB_MS + 1, false},
		{"own:1000:", "b", "b", 1000 + 2 * TASK_JOB_MS + 1, false},
		{"own:x:a", "own:x:a", "own:x:a", 0, false},
		{"own:1", "b", "b", 0, true},
		{"", "20261125162726Z", "20261125162726Z", 0, true}, /* the second of read_at */
		{"", "20261125162626Z", "20261125162626Z", 0, true},
		{"", "20261125162625Z", "20261125162625Z", 0, false},
		{"", "20271125162525.5Z", "20271125162525.5Z", 0, true},
		{"", "2027112516252xZ", "2027112516252xZ", 0, false},
		{"", "20271125162525", "20271125162525", 0, false},
	};
	struct task *t = world_task(*state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str after = STR_NONE;
		const struct mirror m = {.password_stamp = str_of(rows[i].before), .read_at = 1795624046275};
		bool changed = mirror_password_changed(&m, str_of(rows[i].told), rows[i].now, &after);
		assert_int_equal(changed, rows[i].changed);
		assert_str(after, str_of(rows[i].after));
	}
	struct str after = STR_NONE;
	assert_false(mirror_password_changed(NULL, STR("20271125162525Z"), 0, &after));
	assert_str(stamp_own(t->arena, STR("a:b"), 5), STR("own:5:a:b"));
	assert_str(stamp_own(t->arena, STR("own:5:a:b"), 6), STR("own:6:a:b"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(fresh_or_live),
		TEST(fresh_and_silent),
		TEST(states),
		TEST(a_server_that_is_behind),
		TEST(an_older_look_does_not_overwrite),
		TEST(ends_are_left_to_the_feed),
		TEST(the_same_again_is_not_written),
		TEST(odd_values),
		TEST(groups_kept),
		TEST(stamps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
