/* The contract of federation/feed/feed.h: what is told, for each kind of feed that the make of directory has. Wants a
 * freshly seeded directory. */
#include "tests/contract/feed_follower.h"

static void tells_all_at_first(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	struct str alice = id_of(f, person(f, "alice")), red = id_of(f, group(f, "team-red"));
	open_with(&w, f, STR_NONE);
	settle(&w);
	assert_true(w.restarted && w.whole && w.current && w.cookie.n > 0);
	const struct told *x = told(&w, alice);
	assert_true(x && x->kind == FEED_CHANGED && x->subject == FEED_PERSON && x->enabled);
	assert_true(dn_equal(f->config, x->dn, person(f, "alice")));
	x = told(&w, red);
	assert_true(x && x->kind == FEED_CHANGED && x->subject == FEED_GROUP);
	assert_true(dn_equal(f->config, x->dn, group(f, "team-red")));
	x = told(&w, id_of(f, person(f, "disabled")));
	assert_true(x && !x->enabled);
	/* What lies outside is not told. */
	for (size_t i = 0; i < w.n; i++) {
		struct arena *a = fixture_task(f)->arena;
		assert_true(dn_under(a, w.v[i].dn, f->d->people_base) || dn_under(a, w.v[i].dn, f->d->groups_base));
	}
	done(&w);
}

/* The entry of a batch is the one that a look-up gives. */
static void tells_entries_as_they_are(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	struct str alice = id_of(f, person(f, "alice"));
	struct feed_batch b = {0};
	struct entry *e = NULL;
	bool found = false;
	open_with(&w, f, STR_NONE);
	for (int tries = 0; tries < 100 && !found; tries++) {
		assert_ok(f, feed_next(fixture_task(f), w.feed, 100, &b));
		for (size_t i = 0; i < b.n && !found; i++) {
			if (!str_eq(b.v[i].stable_id, alice))
				continue;
			found = true;
			assert_ok(f, directory_find_id(fixture_keep(f), f->d, alice, &e));
			assert_str(b.v[i].entry->login, e->login);
			assert_str(b.v[i].entry->mail, e->mail);
			assert_str(b.v[i].entry->password_stamp, e->password_stamp);
			assert_str(entry_value(b.v[i].entry, STR("family_name")), entry_value(e, STR("family_name")));
			assert_true(b.v[i].entry->enabled == e->enabled);
		}
	}
	assert_true(found);
	done(&w);
}

static void tells_changes(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	open_with(&w, f, STR_NONE);
	settle(&w);
	forget(&w);
	create(f, "feed-one");
	struct str dn = person(f, "feed-one"), id = id_of(f, dn), red = id_of(f, group(f, "team-red"));
	const struct told *x = expect(&w, FEED_CHANGED, id);
	assert_true(x->subject == FEED_PERSON && !x->enabled && dn_equal(f->config, x->dn, dn));
	settle(&w);
	forget(&w);
	change_value(f, CHANGE_REPLACE, dn, "telephoneNumber", STR("+49 1"));
	assert_int_equal(expect(&w, FEED_CHANGED, id)->subject, FEED_PERSON);
	settle(&w);
	forget(&w);
	assert_ok(f, directory_set_enabled(fixture_task(f), f->d, person(f, "bob"), false));
	assert_false(expect(&w, FEED_CHANGED, id_of(f, person(f, "bob")))->enabled);
	assert_ok(f, directory_set_enabled(fixture_task(f), f->d, person(f, "bob"), true));
	for (int tries = 0; tries < 100 && !told(&w, id_of(f, person(f, "bob")))->enabled; tries++)
		assert_ok(f, listen_once(&w, 100)); /* a question that was under way does not tell it yet */
	assert_true(told(&w, id_of(f, person(f, "bob")))->enabled);
	settle(&w);
	forget(&w);
	change_value(f, CHANGE_VALUE_ADD, group(f, "team-red"), "member", dn);
	assert_int_equal(expect(&w, FEED_CHANGED, red)->subject, FEED_GROUP);
	settle(&w);
	forget(&w);
	move(f, dn, person(f, "feed-two"));
	x = expect(&w, FEED_CHANGED, id);
	assert_true(dn_equal(f->config, x->dn, person(f, "feed-two")));
	assert_false(w.whole || w.restarted);
	remove_entry(f, person(f, "feed-two"));
	if (kind->tells_gone)
		expect(&w, FEED_GONE, id);
	done(&w);
}

/* slapd 2.5 cannot rename a container that an entry was moved into before: this one is made in it. */
static void tells_places(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	struct str dn = place(f, "feed-place"), inner = dn_child(f->config, f->d->rdn_attribute, STR("feed-in"), dn);
	create_at(f, inner);
	struct str who = id_of(f, inner);
	open_with(&w, f, STR_NONE);
	settle(&w);
	assert_true(dn_equal(f->config, told(&w, who)->dn, inner));
	forget(&w);
	struct str renamed = unit(f, "feed-renamed", f->d->people_base), id = id_of(f, dn);
	move(f, dn, renamed);
	const struct told *x = expect(&w, FEED_CHANGED, id);
	assert_true(x->subject == FEED_PLACE && dn_equal(f->config, x->dn, renamed));
	settle(&w);
	forget(&w);
	inner = dn_child(f->config, f->d->rdn_attribute, STR("feed-in"), renamed);
	move(f, inner, person(f, "feed-in"));
	assert_true(dn_equal(f->config, expect(&w, FEED_CHANGED, who)->dn, person(f, "feed-in")));
	remove_entry(f, person(f, "feed-in"));
	remove_entry(f, renamed);
	done(&w);
}

/* An entry in a chain of places whose names are together longer than a DN may be here: nobody else waits for it. */
static void is_not_held_up_by_a_long_name(void **state) {
	enum { DEPTH = 10, NAME = 230 };
	struct fixture *f = *state;
	struct follower w = {0};
	struct str at = f->d->people_base, chain[DEPTH + 1];
	char name[NAME + 1] = {0};
	if (kind->make == DIRECTORY_ACTIVE_DIRECTORY)
		skip();
	memset(name, 'n', NAME);
	for (size_t i = 0; i <= DEPTH; i++) {
		struct change c = {.kind = CHANGE_ADD, .dn = dn_child(f->config, STR("ou"), str_of(name), at)};
		add_value(f, &c, STR("objectClass"), STR("organizationalUnit"));
		add_value(f, &c, STR("ou"), str_of(name));
		if (i == DEPTH) {
			c.attributes[0].values.v[0] = STR("inetOrgPerson");
			add_value(f, &c, STR("cn"), STR("n"));
			add_value(f, &c, STR("sn"), STR("n"));
		}
		apply_as_admin(f, &c);
		at = chain[i] = c.dn;
	}
	open_with(&w, f, STR_NONE);
	settle(&w);
	assert_true(w.whole && was_told(&w, FEED_CHANGED, id_of(f, person(f, "bob"))));
	forget(&w);
	change_value(f, CHANGE_REPLACE, person(f, "bob"), "telephoneNumber", STR("+49 9"));
	expect(&w, FEED_CHANGED, id_of(f, person(f, "bob")));
	done(&w);
	for (size_t i = DEPTH + 1; i-- > 0;)
		remove_entry(f, chain[i]);
}

/* Out of people_base is gone, whatever else is there; and the same comes back. */
static void tells_moves_out(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	create(f, "feed-mover");
	struct str dn = person(f, "feed-mover"), id = id_of(f, dn);
	struct str out = dn_child(f->config, f->d->rdn_attribute, STR("feed-mover"), f->d->groups_base);
	open_with(&w, f, STR_NONE);
	settle(&w);
	forget(&w);
	move(f, dn, out);
	if (kind->tells_gone)
		expect(&w, FEED_GONE, id);
	settle(&w);
	forget(&w);
	move(f, out, dn);
	if (kind->tells_gone) /* else nobody was told that it had been away */
		assert_true(dn_equal(f->config, expect(&w, FEED_CHANGED, id)->dn, dn));
	settle(&w);
	remove_entry(f, dn);
	done(&w);
}

/* Who leaves a group that is elsewhere, and within one of ours, has left ours too. */
static void tells_groups_elsewhere(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (kind->feed != FEED_DIRSYNC && kind->feed != FEED_USN)
		skip();
	struct str name = str_printf(f->config, "feed-elsewhere-%s", kind->name);
	struct str dn = dn_child(f->config, STR("cn"), name, str_of(fixture_variable("OUTSIDE")));
	struct change made = {.kind = CHANGE_ADD, .dn = dn};
	add_value(f, &made, STR("objectClass"), STR("group"));
	add_value(f, &made, STR("sAMAccountName"), name);
	struct change within = {.kind = CHANGE_VALUE_ADD, .dn = group(f, "team-blue")},
		      joined = {.kind = CHANGE_VALUE_ADD, .dn = dn}, left = {.kind = CHANGE_VALUE_DELETE, .dn = dn};
	add_value(f, &within, STR("member"), dn);
	add_value(f, &joined, STR("member"), person(f, "alice"));
	add_value(f, &left, STR("member"), person(f, "alice"));
	apply_as_admin(f, &made);
	apply_as_admin(f, &within);
	apply_as_admin(f, &joined);
	open_with(&w, f, STR_NONE);
	settle(&w);
	forget(&w);
	apply_as_admin(f, &left);
	for (int64_t began = clock_monotonic_ms(); !w.n && clock_monotonic_ms() - began < PATIENCE_MS / 4;)
		assert_ok(f, listen_once(&w, 100));
	assert_true(w.n > 0 && w.v[0].subject != FEED_PERSON && w.v[0].subject != FEED_PLACE);
	done(&w);
	remove_entry(f, dn);
}

/* An account with a limit of size cannot follow: said with what to do, not taken for a small directory. */
static void says_what_limits_it(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (kind->make != DIRECTORY_OPENLDAP || kind->feed != FEED_SYNCREPL)
		skip();
	f->d->feed_bind_dn = f->d->feed_bind_password = STR_NONE; /* the service account has 1,000 */
	assert_int_equal(feed_open(fixture_task(f), f->d, STR_NONE, &w.feed), ERR_REFUSED);
	assert_true(str_contains(f->t.failure_detail, STR("feed_bind_dn")));
}

/* Active Directory says that something changed before it is asked again. */
static void wakes_before_its_time(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (kind->feed != FEED_DIRSYNC && kind->feed != FEED_USN)
		skip();
	f->d->feed_interval_ms = 3 * PATIENCE_MS;
	open_with(&w, f, STR_NONE);
	for (int tries = 0; tries < 100 && !w.current; tries++)
		assert_ok(f, listen_once(&w, 100));
	assert_true(w.current);
	assert_ok(f, listen_once(&w, 200)); /* it rests, and listens */
	forget(&w);
	create(f, kind->feed == FEED_DIRSYNC ? "feed-woken" : "feed-woken-usn");
	struct str id = id_of(f, person(f, kind->feed == FEED_DIRSYNC ? "feed-woken" : "feed-woken-usn"));
	assert_int_equal(expect(&w, FEED_CHANGED, id)->subject, FEED_PERSON);
	done(&w);
}

static void tells_many_in_batches(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	char name[32];
	for (int i = 0; i < kind->many; i++) {
		snprintf(name, sizeof(name), "feed-%s-%d", kind->name, i);
		create(f, name);
	}
	int64_t began = clock_monotonic_ms();
	open_with(&w, f, STR_NONE);
	settle(&w);
	print_message("# %s: %zu told in %zu batches, %d ms\n", kind->name, w.n, w.batches,
		(int)(clock_monotonic_ms() - began));
	assert_true(w.n >= (size_t)kind->many && w.whole);
	assert_true(w.batches >= (size_t)kind->many / FEED_BATCH);
	done(&w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, feed_fixture, fixture_close)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(tells_all_at_first),
		TEST(tells_entries_as_they_are),
		TEST(tells_changes),
		TEST(tells_places),
		TEST(is_not_held_up_by_a_long_name),
		TEST(tells_moves_out),
		TEST(tells_groups_elsewhere),
		TEST(wakes_before_its_time),
		TEST(tells_many_in_batches),
		TEST(says_what_limits_it),
	};
	return feeds_run(tests, COUNT(tests));
}
