#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/feed_follower.h"

/* ---- the kinds ---- */
static const struct kind kinds[] = {
	{DIRECTORY_OPENLDAP, FEED_SYNCREPL, "syncrepl", true, 2000},
	{DIRECTORY_OPENLDAP, FEED_POLL, "poll", false, 1200},
	{DIRECTORY_ACTIVE_DIRECTORY, FEED_DIRSYNC, "dirsync", true, 600},
	{DIRECTORY_ACTIVE_DIRECTORY, FEED_USN, "usn", true, 600},
	{DIRECTORY_ACTIVE_DIRECTORY, FEED_POLL, "poll", false, 600},
	{DIRECTORY_389DS, FEED_SYNCREPL, "syncrepl", true, 600},
	{DIRECTORY_389DS, FEED_POLL, "poll", false, 600},
};
const struct kind *kind;

/* ---- what was told ---- */
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

enum err listen_once(struct follower *w, int64_t ms) {
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

void forget(struct follower *w) {
	w->n = w->batches = w->largest = 0;
	w->restarted = w->whole = w->current = false;
}

void open_with(struct follower *w, struct fixture *f, struct str cookie) {
	w->f = f;
	forget(w);
	w->cookie = cookie;
	assert_ok(f, feed_open(fixture_task(f), f->d, cookie, &w->feed));
}

/* A server that takes no more feeds for now is asked again. */
void listen_or_wait(struct follower *w) {
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
void settle(struct follower *w) {
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;
	size_t n;
	do {
		n = w->n;
		listen_or_wait(w);
		assert_true(clock_monotonic_ms() < end);
	} while (!w->current || w->n > n);
}

const struct told *told(const struct follower *w, struct str id) {
	for (size_t i = w->n; i-- > 0;)
		if (str_eq(w->v[i].id, id))
			return &w->v[i];
	return NULL;
}

bool was_told(const struct follower *w, enum feed_change_kind k, struct str id) {
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].kind == k && str_eq(w->v[i].id, id))
			return true;
	return false;
}

/* Waits until it is told; the last of what was told of it. */
const struct told *expect(struct follower *w, enum feed_change_kind k, struct str id) {
	int64_t began = clock_monotonic_ms();
	while (!was_told(w, k, id)) {
		assert_ok(w->f, listen_once(w, 100));
		if (clock_monotonic_ms() - began > PATIENCE_MS)
			fail_msg("%d of %.*s was not told", (int)k, FMT(id));
	}
	print_message("# %s: %d told after %d ms\n", kind->name, (int)k, (int)(clock_monotonic_ms() - began));
	return told(w, id);
}

void done(struct follower *w) {
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
void apply_as_admin(struct fixture *f, const struct change *c) {
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

void add_value(struct fixture *f, struct change *c, struct str name, struct str value) {
	size_t size = sizeof(struct attribute);
	c->attributes = arena_grow(f->config, c->attributes, c->n_attributes * size, (c->n_attributes + 1) * size);
	struct attribute *added = &c->attributes[c->n_attributes++];
	*added = (struct attribute){.name = name};
	strs_add(f->config, &added->values, value);
}

void change_value(struct fixture *f, enum change_kind k, struct str dn, const char *name, struct str value) {
	struct change c = {.kind = k, .dn = dn};
	add_value(f, &c, str_of(name), value);
	apply(f, &c);
}

void create_at(struct fixture *f, struct str dn) {
	struct str name = str_dup(f->config, dn_rdn_value(f->config, dn));
	struct change c = {.kind = CHANGE_ADD, .dn = dn};
	directory_new_entry(f->config, f->d, name, &c.attributes, &c.n_attributes);
	add_value(f, &c, STR("cn"), name);
	add_value(f, &c, STR("sn"), STR("Feed"));
	if (!str_eq(f->d->rdn_attribute, STR("cn")) || f->d->driver == DIRECTORY_ACTIVE_DIRECTORY)
		add_value(f, &c, directory_attribute(f->d, STR("login")), name);
	apply(f, &c);
}

void create(struct fixture *f, const char *uid) {
	create_at(f, person(f, uid));
}

void move(struct fixture *f, struct str dn, struct str new_dn) {
	struct change c = {.kind = CHANGE_RENAME, .dn = dn, .new_dn = new_dn};
	apply_as_admin(f, &c);
}

void remove_entry(struct fixture *f, struct str dn) {
	struct change c = {.kind = CHANGE_DELETE, .dn = dn};
	apply_as_admin(f, &c);
}

struct str id_of(struct fixture *f, struct str dn) {
	struct entry *e = NULL;
	assert_ok(f, directory_find_dn(fixture_task(f), f->d, dn, &e));
	return str_dup(f->config, e->stable_id);
}

/* An organizational unit below people_base. */
struct str place(struct fixture *f, const char *ou) {
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

void run_script(const char *command) {
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
int feed_fixture(void **state) {
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

/* Whether the caller knows by now that it is gone. */
bool known_gone(const struct follower *w, struct str id) {
	const struct told *x = told(w, id);
	return x ? x->kind == FEED_GONE : w->whole;
}

/* One that polls has told the changes some time before it lists who is there. */
void settle_gone(struct follower *w, struct str id) {
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;
	settle(w);
	while (!known_gone(w, id)) {
		listen_or_wait(w);
		assert_true(clock_monotonic_ms() < end);
	}
	settle(w);
}

/* ---- running ---- */
int feeds_run(const struct CMUnitTest *tests, size_t n) {
	static const char *const makes[] = {"openldap", "active_directory", "389ds"};
	const char *make = getenv("USHER_DIRECTORY"), *only = getenv("USHER_FEED");
	int failed = 0;
	if (!fixture_ready())
		return 77;
	if (getenv("USHER_TEST"))
		cmocka_set_test_filter(getenv("USHER_TEST"));
	for (kind = kinds; kind < kinds + COUNT(kinds); kind++) {
		if (strcmp(makes[kind->make], make ? make : "openldap") != 0 || (only && strcmp(only, kind->name) != 0))
			continue;
		failed += _cmocka_run_group_tests(kind->name, tests, n, NULL, NULL);
	}
	return failed;
}
