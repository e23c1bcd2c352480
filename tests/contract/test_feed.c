/* The contract of federation/feed/feed.h, for each kind of feed that the make of directory has. Wants a freshly seeded
 * directory. USHER_DIRECTORY_DIR, where it is set, is the folder of the server, so that it can be started anew. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "federation/feed/feed.h"
#include "tests/contract/directory_fixture.h"

#define PATIENCE_MS 20000

/* ---- the kinds ---- */
static const struct kind {
	enum directory_driver_id make;
	enum directory_feed feed;
	const char *name;
	bool tells_gone; /* deletions one by one, also those of the time when nobody listened */
	int many;        /* entries of the large test */
} kinds[] = {
	{DIRECTORY_OPENLDAP, FEED_SYNCREPL, "syncrepl", true, 2000},
	{DIRECTORY_OPENLDAP, FEED_POLL, "poll", false, 1200},
	{DIRECTORY_ACTIVE_DIRECTORY, FEED_DIRSYNC, "dirsync", true, 600},
	{DIRECTORY_ACTIVE_DIRECTORY, FEED_USN, "usn", true, 600},
	{DIRECTORY_ACTIVE_DIRECTORY, FEED_POLL, "poll", false, 600},
	{DIRECTORY_389DS, FEED_SYNCREPL, "syncrepl", true, 600},
	{DIRECTORY_389DS, FEED_POLL, "poll", false, 600},
};
static const struct kind *kind;

/* ---- what was told ---- */
struct told {
	enum feed_change_kind kind;
	enum feed_subject subject;
	struct str id, dn;
	bool enabled;
};
struct follower {
	struct fixture *f;
	struct feed *feed;
	struct str cookie;
	struct told *v;
	size_t n, room;
	size_t batches, largest;
	bool restarted, whole, current;
};

static void keep(struct follower *w, const struct feed_change *c) {
	struct arena *a = w->f->config;
	if (w->n == w->room) {
		size_t wider = w->room ? w->room * 2 : 64;
		w->v = arena_grow(a, w->v, w->room * sizeof(*w->v), wider * sizeof(*w->v));
		w->room = wider;
	}
	assert_int_equal(c->entry != NULL, c->kind == FEED_CHANGED);
	assert_int_equal(c->stable_id.n, w->f->make->stable_id_length);
	w->v[w->n++] = (struct told){c->kind, c->subject, str_dup(a, c->stable_id),
		c->entry ? str_dup(a, c->entry->dn) : STR_NONE, c->entry && c->entry->enabled};
	if (c->entry)
		assert_str(c->entry->stable_id, c->stable_id);
}

static enum err listen_once(struct follower *w, int64_t ms) {
	struct feed_batch b = {0};
	TRY(feed_next(fixture_task(w->f), w->feed, ms, &b));
	assert_true(b.n <= FEED_BATCH);
	assert_str(b.controller, w->f->d->uris.v[0]);
	w->batches += b.n > 0;
	w->largest = b.n > w->largest ? b.n : w->largest;
	if (b.restarted) {
		w->restarted = true;
		w->n = 0;
	}
	for (size_t i = 0; i < b.n; i++)
		keep(w, &b.v[i]);
	w->whole = w->whole || b.whole;
	w->current = b.current;
	if (!str_absent(b.cookie))
		w->cookie = str_dup(w->f->config, b.cookie);
	return OK;
}

static void forget(struct follower *w) {
	w->n = w->batches = w->largest = 0;
	w->restarted = w->whole = w->current = false;
}

static void open_with(struct follower *w, struct fixture *f, struct str cookie) {
	w->f = f;
	forget(w);
	w->cookie = cookie;
	assert_ok(f, feed_open(fixture_task(f), f->d, cookie, &w->feed));
}

/* A server that takes no more feeds for now is asked again. */
static void listen_or_wait(struct follower *w) {
	enum err e = listen_once(w, 200);
	if (e == ERR_UNAVAILABLE && str_contains(w->f->t.failure_detail, STR("Too many active"))) {
		feed_close(w->feed);
		w->feed = NULL;
		usleep(500000);
		e = feed_open(fixture_task(w->f), w->f->d, w->cookie, &w->feed);
	}
	assert_ok(w->f, e);
}

/* Until all that is known is told. */
static void settle(struct follower *w) {
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;
	size_t n;
	do {
		n = w->n;
		listen_or_wait(w);
		assert_true(clock_monotonic_ms() < end);
	} while (!w->current || w->n > n);
}

static const struct told *told(const struct follower *w, struct str id) {
	for (size_t i = w->n; i-- > 0;)
		if (str_eq(w->v[i].id, id))
			return &w->v[i];
	return NULL;
}

static bool was_told(const struct follower *w, enum feed_change_kind k, struct str id) {
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].kind == k && str_eq(w->v[i].id, id))
			return true;
	return false;
}

/* Waits until it is told; the last of what was told of it. */
static const struct told *expect(struct follower *w, enum feed_change_kind k, struct str id) {
	int64_t began = clock_monotonic_ms();
	while (!was_told(w, k, id)) {
		assert_ok(w->f, listen_once(w, 100));
		if (clock_monotonic_ms() - began > PATIENCE_MS)
			fail_msg("%d of %.*s was not told", (int)k, FMT(id));
	}
	print_message("# %s: %d told after %d ms\n", kind->name, (int)k, (int)(clock_monotonic_ms() - began));
	return told(w, id);
}

static void done(struct follower *w) {
	if (w->feed)
		feed_close(w->feed);
	w->feed = NULL;
}

/* ---- changes ---- */
static void apply(struct fixture *f, const struct change *c) {
	struct report report;
	assert_ok(f, directory_apply(fixture_task(f), f->d, c, 1, &report));
}

/* What the service account has no right to do everywhere. */
static void apply_as_admin(struct fixture *f, const struct change *c) {
	struct directory_config *admin = arena_new_of(f->config, struct directory_config);
	struct report report;
	*admin = *f->d;
	admin->id = STR("admin");
	admin->bind = BIND_SIMPLE;
	admin->uris = str_split(f->config, str_of(fixture_variable("URI")), ' ');
	admin->bind_dn = str_of(fixture_variable("ADMIN_DN"));
	admin->bind_password = str_of(fixture_variable("ADMIN_PASSWORD"));
	assert_ok(f, directory_apply(fixture_task(f), admin, c, 1, &report));
	fixture_reconnect(f);
}

static void add_value(struct fixture *f, struct change *c, struct str name, struct str value) {
	size_t size = sizeof(struct attribute);
	c->attributes = arena_grow(f->config, c->attributes, c->n_attributes * size, (c->n_attributes + 1) * size);
	struct attribute *added = &c->attributes[c->n_attributes++];
	*added = (struct attribute){.name = name};
	strs_add(f->config, &added->values, value);
}

static void change_value(struct fixture *f, enum change_kind k, struct str dn, const char *name, struct str value) {
	struct change c = {.kind = k, .dn = dn};
	add_value(f, &c, str_of(name), value);
	apply(f, &c);
}

static void create_at(struct fixture *f, struct str dn) {
	struct str name = str_dup(f->config, dn_rdn_value(f->config, dn));
	struct change c = {.kind = CHANGE_ADD, .dn = dn};
	directory_new_entry(f->config, f->d, name, &c.attributes, &c.n_attributes);
	add_value(f, &c, STR("cn"), name);
	add_value(f, &c, STR("sn"), STR("Feed"));
	if (!str_eq(f->d->rdn_attribute, STR("cn")) || f->d->driver == DIRECTORY_ACTIVE_DIRECTORY)
		add_value(f, &c, directory_attribute(f->d, STR("login")), name);
	apply(f, &c);
}

static void create(struct fixture *f, const char *uid) {
	create_at(f, person(f, uid));
}

static void move(struct fixture *f, struct str dn, struct str new_dn) {
	struct change c = {.kind = CHANGE_RENAME, .dn = dn, .new_dn = new_dn};
	apply_as_admin(f, &c);
}

static void remove_entry(struct fixture *f, struct str dn) {
	struct change c = {.kind = CHANGE_DELETE, .dn = dn};
	apply_as_admin(f, &c);
}

static struct str id_of(struct fixture *f, struct str dn) {
	struct entry *e = NULL;
	assert_ok(f, directory_find_dn(fixture_task(f), f->d, dn, &e));
	return str_dup(f->config, e->stable_id);
}

/* An organizational unit below people_base. */
static struct str place(struct fixture *f, const char *ou) {
	struct str dn = unit(f, ou, f->d->people_base);
	struct change c = {.kind = CHANGE_ADD, .dn = dn};
	add_value(f, &c, STR("objectClass"), STR("organizationalUnit"));
	add_value(f, &c, STR("ou"), str_of(ou));
	apply_as_admin(f, &c);
	return dn;
}

/* ---- the server ---- */
/* "export NAME='value'" of a script in tests/directories. */
static void take_variable(char *line) {
	char *name = line + sizeof("export ") - 1, *value = strstr(line, "='"), *end = strrchr(line, '\'');
	if (strncmp(line, "export ", sizeof("export ") - 1) != 0 || !value || end <= value + 1)
		return;
	*value = *end = '\0';
	setenv(name, value + 2, 1);
}

static void run_script(const char *command) {
	static const char *const scripts[] = {"openldap", "samba-ad", "389ds"};
	char line[1024];
	snprintf(line, sizeof(line), "%s/tests/directories/%s %s %s 2>/dev/null", getenv("top_srcdir"),
		scripts[kind->make], command, getenv("USHER_DIRECTORY_DIR"));
	char *arguments[] = {"/bin/sh", "-c", line, NULL};
	int ends[2], status = -1;
	pid_t child = -1;
	posix_spawn_file_actions_t actions;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
	assert_int_equal(posix_spawn(&child, arguments[0], &actions, NULL, arguments, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	FILE *out = fdopen(ends[0], "r");
	assert_non_null(out);
	while (fgets(line, sizeof(line), out))
		take_variable(line);
	fclose(out);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* ---- setting up ---- */
static int feed_fixture(void **state) {
	if (fixture_open(state))
		return -1;
	struct fixture *f = *state;
	f->d->feed = kind->feed;
	f->d->feed_interval_ms = 100;
	if (fixture_variable("FEED_DN")) {
		f->d->feed_bind_dn = str_of(fixture_variable("FEED_DN"));
		f->d->feed_bind_password = str_of(fixture_variable("FEED_PASSWORD"));
	}
	assert_string_equal(feed_name(f->d), kind->name);
	return 0;
}

/* ---- tests ---- */
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

/* Whether the caller knows by now that it is gone. */
static bool known_gone(const struct follower *w, struct str id) {
	const struct told *x = told(w, id);
	return x ? x->kind == FEED_GONE : w->whole;
}

/* One that polls has told the changes some time before it lists who is there. */
static void settle_gone(struct follower *w, struct str id) {
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;
	settle(w);
	while (!known_gone(w, id)) {
		listen_or_wait(w);
		assert_true(clock_monotonic_ms() < end);
	}
	settle(w);
}

/* So many that people are told long before them. */
static void many_groups(struct fixture *f, bool there) {
	for (int i = 0; i < 3 * (int)FEED_BATCH; i++) {
		struct str dn = str_printf(f->config, "cn=feed-many-%d,%.*s", i, FMT(f->d->groups_base));
		struct change c = {.kind = there ? CHANGE_ADD : CHANGE_DELETE, .dn = dn};
		if (there) {
			add_value(f, &c, STR("objectClass"), STR("groupOfNames"));
			add_value(f, &c, STR("member"), person(f, "alice"));
		}
		apply_as_admin(f, &c);
	}
}

/* One that was told before would be gone on with by a feed that never tells who is not there any more. */
static void has_no_cookie_before_all_is_told(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (kind->feed == FEED_SYNCREPL)
		many_groups(f, true);
	open_with(&w, f, STR_NONE);
	while (!w.whole) {
		assert_true(str_absent(w.cookie));
		listen_or_wait(&w);
	}
	settle(&w);
	assert_true(w.cookie.n > 0);
	done(&w);
	if (kind->feed == FEED_SYNCREPL)
		many_groups(f, false);
}

static void goes_on_with_a_cookie(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	create(f, "feed-gone");
	create(f, "feed-stays");
	struct str gone = id_of(f, person(f, "feed-gone")), stays = id_of(f, person(f, "feed-stays"));
	struct str alice = id_of(f, person(f, "alice")), blue = id_of(f, group(f, "team-blue"));
	open_with(&w, f, STR_NONE);
	settle(&w);
	done(&w);
	remove_entry(f, person(f, "feed-gone"));
	change_value(f, CHANGE_REPLACE, person(f, "feed-stays"), "telephoneNumber", STR("+49 2"));
	change_value(f, CHANGE_VALUE_ADD, group(f, "team-blue"), "member", person(f, "feed-stays"));
	create(f, "feed-new");
	open_with(&w, f, w.cookie);
	settle_gone(&w, gone);
	assert_false(w.restarted);
	assert_true(was_told(&w, FEED_CHANGED, stays) && was_told(&w, FEED_CHANGED, blue));
	assert_true(was_told(&w, FEED_CHANGED, id_of(f, person(f, "feed-new"))));
	assert_false(was_told(&w, FEED_CHANGED, alice));
	/* And again: nothing. */
	done(&w);
	open_with(&w, f, w.cookie);
	settle(&w);
	assert_false(w.restarted || was_told(&w, FEED_CHANGED, alice) || was_told(&w, FEED_GONE, alice));
	done(&w);
	remove_entry(f, person(f, "feed-stays"));
	remove_entry(f, person(f, "feed-new"));
}

static void takes_no_garbage_for_a_cookie(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	static const char *const texts[] = {
		"x", "P5:helloG0:", "P7:garbageG7:garbage", "P3:rid", "P99999999:", "P1:G1:"};
	struct str alice = id_of(f, person(f, "alice"));
	for (size_t i = 0; i < COUNT(texts); i++) {
		open_with(&w, f, str_of(texts[i]));
		settle(&w);
		if (!w.restarted || !w.whole || !was_told(&w, FEED_CHANGED, alice))
			fail_msg("%s: not told anew", texts[i]);
		done(&w);
	}
}

/* OpenLDAP has forgotten then who was deleted before, and tells who is there. */
static void goes_on_after_a_restart(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (!getenv("USHER_DIRECTORY_DIR") || !getenv("top_srcdir") || fixture_column(f) == MAKES /* it forgets all */)
		skip();
	create(f, "feed-before");
	create(f, "feed-after");
	create(f, "feed-still");
	struct str before = id_of(f, person(f, "feed-before")), after = id_of(f, person(f, "feed-after"));
	struct str alice = id_of(f, person(f, "alice")), still = id_of(f, person(f, "feed-still"));
	open_with(&w, f, STR_NONE);
	settle(&w);
	run_script("stop");
	enum err e = OK;
	for (int tries = 0; tries < 100 && !e; tries++)
		e = listen_once(&w, 100);
	assert_true(e == ERR_UNAVAILABLE || e == ERR_TIMEOUT);
	done(&w);
	run_script("start");
	fixture_reconnect(f);
	remove_entry(f, person(f, "feed-before"));
	run_script("stop");
	run_script("start");
	fixture_reconnect(f);
	remove_entry(f, person(f, "feed-after"));
	change_value(f, CHANGE_REPLACE, person(f, "feed-still"), "telephoneNumber", STR("+49 3"));
	open_with(&w, f, w.cookie);
	settle_gone(&w, before);
	assert_true(known_gone(&w, after) && !known_gone(&w, still));
	assert_true(was_told(&w, FEED_CHANGED, still) && !was_told(&w, FEED_CHANGED, alice));
	assert_false(w.whole && !was_told(&w, FEED_SEEN, alice));
	done(&w);
	remove_entry(f, person(f, "feed-still"));
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

/* An account that sees no deleted objects: who is gone is known by who is there. */
static void works_with_few_rights(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (kind->make != DIRECTORY_ACTIVE_DIRECTORY)
		skip();
	f->d->feed_bind_dn = person(f, "carol");
	f->d->feed_bind_password = str_of(fixture_variable("USER_PASSWORD"));
	create(f, "feed-unseen");
	struct str gone = id_of(f, person(f, "feed-unseen")), alice = id_of(f, person(f, "alice"));
	open_with(&w, f, STR_NONE);
	settle(&w);
	assert_true(w.whole && was_told(&w, FEED_CHANGED, gone));
	forget(&w);
	change_value(f, CHANGE_REPLACE, person(f, "feed-unseen"), "telephoneNumber", STR("+49 4"));
	expect(&w, FEED_CHANGED, gone);
	done(&w);
	remove_entry(f, person(f, "feed-unseen"));
	open_with(&w, f, w.cookie);
	settle_gone(&w, gone);
	assert_true(w.whole && !w.restarted);
	assert_true(was_told(&w, FEED_SEEN, alice) && !was_told(&w, FEED_CHANGED, alice));
	done(&w);
}

/* With two controllers: the numbers of one say nothing on the other, the cookie of DirSync does. */
static void goes_on_at_another_controller(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	if (f->d->uris.n < 2)
		skip();
	struct str alice = id_of(f, person(f, "alice")), first = f->d->uris.v[0];
	open_with(&w, f, STR_NONE);
	settle(&w);
	done(&w);
	f->d->uris.v[0] = f->d->uris.v[1];
	open_with(&w, f, w.cookie);
	settle(&w);
	assert_true(w.restarted == (kind->feed == FEED_USN));
	assert_true(was_told(&w, FEED_CHANGED, alice) == (kind->feed == FEED_USN));
	done(&w);
	f->d->uris.v[0] = first;
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

/* With the right beginning and the wrong end: nothing breaks. */
static void survives_a_garbled_cookie(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	static const char *const ends[] = {
		"x", "P5:helloG0:", "P7:garbageG7:garbage", "P3:rid", "P99999999:", "P1:G1:"};
	open_with(&w, f, STR_NONE);
	settle(&w);
	done(&w);
	struct str good = w.cookie;
	for (size_t i = 0; i < good.n; i += good.n / 8 + 1) {
		open_with(&w, f, str_sub(good, 0, i));
		settle(&w);
		done(&w);
	}
	for (size_t i = 0; i < COUNT(ends); i++) {
		open_with(&w, f, str_printf(f->config, "%.*s%s", FMT(str_sub(good, 0, 17)), ends[i]));
		settle(&w);
		done(&w);
	}
}

/* Who is to be told has changed: what the cookie left out is told now. */
static void forgets_the_cookie_of_another_question(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	struct str alice = id_of(f, person(f, "alice")), all = f->d->people_filter;
	f->d->people_filter = str_printf(f->config, "(&%.*s(!(sn=Example)))", FMT(all));
	open_with(&w, f, STR_NONE);
	settle(&w);
	assert_null(told(&w, alice));
	done(&w);
	f->d->people_filter = all;
	open_with(&w, f, w.cookie);
	settle(&w);
	assert_true(w.restarted && w.whole && was_told(&w, FEED_CHANGED, alice));
	done(&w);
}

static void notices_a_frozen_server(void **state) {
	struct fixture *f = *state;
	struct follower w = {0};
	struct feed *other = NULL;
	open_with(&w, f, STR_NONE);
	settle(&w);
	fixture_freeze(f);
	int64_t began = clock_monotonic_ms();
	enum err e = OK;
	while (!e && clock_monotonic_ms() - began < PATIENCE_MS)
		e = listen_once(&w, 200);
	int64_t took = clock_monotonic_ms() - began;
	enum err opened = feed_open(fixture_task(f), f->d, w.cookie, &other);
	fixture_thaw(f);
	assert_int_equal(e, ERR_TIMEOUT);
	assert_true(took < 10000);
	assert_true(opened == ERR_UNAVAILABLE || opened == ERR_TIMEOUT);
	done(&w);
}

/* However much it still has to say. */
static void ends_when_nobody_listens(void **state) {
	static const atomic_bool over = true;
	struct fixture *f = *state;
	struct follower w = {0};
	struct feed_batch b;
	open_with(&w, f, STR_NONE);
	struct task *t = fixture_task(f);
	t->over = &over;
	enum err e = OK;
	for (int tries = 0; tries < 10 && !e; tries++) /* one that polls has nothing to wait for until then */
		e = feed_next(t, w.feed, f->d->feed_interval_ms, &b);
	assert_int_equal(e, ERR_UNAVAILABLE);
	assert_str(t->failure_detail, STR("nobody listens any more"));
	done(&w);
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

int main(void) {
	int failed = 0;
	if (!fixture_ready())
		return 77;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_all_at_first, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(tells_entries_as_they_are, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(tells_changes, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(tells_places, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(is_not_held_up_by_a_long_name, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(tells_moves_out, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(tells_groups_elsewhere, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(has_no_cookie_before_all_is_told, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(goes_on_with_a_cookie, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(goes_on_after_a_restart, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(works_with_few_rights, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(goes_on_at_another_controller, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(takes_no_garbage_for_a_cookie, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(survives_a_garbled_cookie, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(forgets_the_cookie_of_another_question, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(notices_a_frozen_server, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(ends_when_nobody_listens, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(wakes_before_its_time, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(tells_many_in_batches, feed_fixture, fixture_close),
		cmocka_unit_test_setup_teardown(says_what_limits_it, feed_fixture, fixture_close),
	};
	const char *make = getenv("USHER_DIRECTORY"), *only = getenv("USHER_FEED");
	if (getenv("USHER_TEST")) /* one of them, by hand */
		cmocka_set_test_filter(getenv("USHER_TEST"));
	static const char *const makes[] = {"openldap", "active_directory", "389ds"};
	for (kind = kinds; kind < kinds + COUNT(kinds); kind++) {
		if (strcmp(makes[kind->make], make ? make : "openldap") != 0 || (only && strcmp(only, kind->name) != 0))
			continue;
		failed += cmocka_run_group_tests_name(kind->name, tests, NULL, NULL);
	}
	return failed;
}
