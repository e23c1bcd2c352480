/* What federation/directory/directory.h promises when the directory is slow, gone or not who it should be; see
 * test_directory.c. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "federation/directory/directory.h"
#include "tests/contract/directory_fixture.h"

static enum err find_alice(struct fixture *f, const struct directory_config *d) {
	struct entry *e = NULL;
	return directory_find_login(fixture_keep(f), d, STR("alice"), &e);
}

static enum err verify_alice(struct fixture *f, const struct directory_config *d, enum verdict *v) {
	return directory_verify(
		fixture_keep(f), d, person(f, "alice"), str_of(fixture_variable("USER_PASSWORD")), v, NULL);
}

/* The same directory with health of its own. */
static struct directory_config *copy(struct fixture *f, const char *id) {
	struct directory_config *d = arena_new_of(f->config, struct directory_config);
	*d = *f->d;
	d->id = str_of(id);
	d->operation_timeout_ms = d->network_timeout_ms = 800;
	return d;
}

static bool bounded_failure(enum err e, int64_t began) {
	return (e == ERR_TIMEOUT || e == ERR_UNAVAILABLE) && clock_monotonic_ms() - began < 12000;
}

static void survives_a_frozen_server(void **state) {
	struct fixture *f = *state;
	struct directory_config *d = copy(f, "frozen"), *fresh = copy(f, "frozen-fresh");
	enum verdict v = (enum verdict)99;
	struct report report;
	struct attribute title = {STR("title"), {&STR("x"), 1}};
	struct change change = {
		.kind = CHANGE_REPLACE, .dn = person(f, "alice"), .attributes = &title, .n_attributes = 1};
	assert_ok(f, find_alice(f, d));
	assert_ok(f, verify_alice(f, d, &v));
	fixture_freeze(f);
	int64_t began = clock_monotonic_ms();
	enum err wrote = directory_apply(fixture_keep(f), d, &change, 1, &report);
	bool found = bounded_failure(find_alice(f, d), began);
	bool verified = bounded_failure(verify_alice(f, d, &v), began);
	bool opened = bounded_failure(find_alice(f, fresh), began);
	fixture_thaw(f);
	assert_int_equal(wrote, ERR_TIMEOUT);
	assert_int_equal(report.result, -1);
	assert_true(found && verified && opened);
	assert_int_equal(v, VERDICT_OK); /* not touched by the failure */
	assert_ok(f, find_alice(f, d));
	assert_ok(f, verify_alice(f, d, &v));
	assert_ok(f, find_alice(f, fresh));
}

static void opens_the_breaker(void **state) {
	struct fixture *f = *state;
	struct directory_config *d = copy(f, "often");
	assert_ok(f, find_alice(f, d));
	enum err last = OK;
	fixture_freeze(f);
	struct str detail = STR("");
	/* A connection that is opened on a loaded machine may fail before its time is up, which is no time-out. */
	for (int i = 0; i < 9 && !str_contains(detail, STR("breaker")); i++) {
		last = find_alice(f, d);
		detail = f->t.failure_detail;
	}
	fixture_thaw(f);
	assert_int_equal(last, ERR_UNAVAILABLE);
	if (!str_contains(detail, STR("breaker")))
		fail_msg("%.*s", FMT(detail));
	/* Closed for others, and for itself after five seconds. */
	assert_ok(f, find_alice(f, f->d));
	assert_int_equal(find_alice(f, d), ERR_UNAVAILABLE);
	nanosleep(&(struct timespec){.tv_sec = 5, .tv_nsec = 100000000}, NULL);
	assert_ok(f, find_alice(f, d));
}

/* A certificate, but of no authority that vouches for the server. */
static struct str other_authority(struct fixture *f) {
	const char *top = getenv("top_srcdir");
	return str_printf(f->config, "%s/tests/contract/other_authority.pem", top ? top : ".");
}

static void demands_the_right_certificate(void **state) {
	struct fixture *f = *state;
	static const char *const schemes[] = {"URI", "URI_PLAIN"};
	for (size_t i = 0; i < COUNT(schemes); i++) {
		struct directory_config *d = copy(f, i ? "ca-starttls" : "ca-ldaps");
		enum verdict v = VERDICT_WRONG;
		d->uris = str_split(f->config, str_of(fixture_variable(schemes[i])), ' ');
		assert_ok(f, find_alice(f, d));
		assert_ok(f, verify_alice(f, d, &v));
		struct directory_config *wrong = copy(f, i ? "wrong-starttls" : "wrong-ldaps");
		wrong->uris = d->uris;
		wrong->ca_file = other_authority(f);
		enum err e = find_alice(f, wrong);
		if (e != ERR_CONFIG)
			fail_msg("%s: %s: %.*s", schemes[i], err_row(e)->name, FMT(f->t.failure_detail));
		v = VERDICT_WRONG;
		assert_int_not_equal(verify_alice(f, wrong, &v), OK);
		assert_int_equal(v, VERDICT_WRONG);
		wrong->ca_file = STR("/no/such/file");
		assert_int_equal(find_alice(f, wrong), ERR_CONFIG);
	}
}

static void works_over_a_socket(void **state) {
	struct fixture *f = *state;
	struct directory_config *d = copy(f, "socket");
	enum verdict v = VERDICT_WRONG;
	fixture_skip_on(f, DIRECTORY_ACTIVE_DIRECTORY, "controllers have no socket for LDAP");
	d->uris = str_split(f->config, str_of(fixture_variable("URI_SOCKET")), ' ');
	assert_ok(f, find_alice(f, d));
	assert_ok(f, verify_alice(f, d, &v));
	assert_int_equal(v, VERDICT_OK);
}

static void tells_whose_fault(void **state) {
	struct fixture *f = *state;
	struct directory_config *d = copy(f, "bad-bind"), *nowhere = copy(f, "nowhere"), *other = copy(f, "other");
	struct str detail = STR_NONE;
	d->bind_password = STR("wrong");
	assert_int_equal(find_alice(f, d), ERR_CONFIG);
	assert_true(str_contains(f->t.failure_detail, STR("49")));
	assert_int_equal(directory_probe(fixture_keep(f), d, &detail), ERR_CONFIG);
	/* Not sent again: three of them would lock the account. The right ones are tried at once. */
	assert_int_equal(find_alice(f, d), ERR_CONFIG);
	assert_true(str_contains(f->t.failure_detail, STR("not tried again yet")));
	d->bind_password = f->d->bind_password;
	assert_ok(f, find_alice(f, d));
	struct directory_config *baseless = copy(f, "baseless");
	baseless->people_base = unit(f, "nowhere", str_of(fixture_variable("BASE")));
	assert_int_equal(find_alice(f, baseless), ERR_CONFIG);
	nowhere->uris = str_split(f->config, STR("ldaps://127.0.0.1:1"), ' ');
	assert_int_equal(find_alice(f, nowhere), ERR_UNAVAILABLE);
	assert_int_equal(directory_probe(fixture_keep(f), nowhere, &detail), ERR_UNAVAILABLE);
	assert_ok(f, directory_probe(fixture_keep(f), f->d, &detail));
	assert_true(str_contains(detail, STR("bound in")));
	other->driver = (enum directory_driver_id)MAKES;
	assert_int_equal(find_alice(f, other), ERR_CONFIG);
	enum verdict v = VERDICT_WRONG;
	assert_int_equal(verify_alice(f, other, &v), ERR_CONFIG);
}

/* A server that takes connections and never says a word. */
static int mute_server(struct fixture *f, struct str *ret_uri) {
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*ret_uri = str_printf(f->config, "ldaps://127.0.0.1:%d", ntohs(at.sin_port));
	return fd;
}

static void passes_a_mute_server(void **state) {
	struct fixture *f = *state;
	struct directory_config *d = copy(f, "mute"), *alone = copy(f, "mute-alone");
	struct str uri = STR_NONE;
	enum verdict v = VERDICT_WRONG;
	int fd = mute_server(f, &uri);
	int64_t began = clock_monotonic_ms();
	d->uris = alone->uris = (struct strs){NULL, 0};
	strs_add(f->config, &alone->uris, uri);
	assert_true(bounded_failure(find_alice(f, alone), began));
	assert_true(bounded_failure(verify_alice(f, alone, &v), began));
	strs_add(f->config, &d->uris, uri);
	strs_add(f->config, &d->uris, f->d->uris.v[0]);
	assert_ok(f, find_alice(f, d));
	assert_ok(f, verify_alice(f, d, &v));
	close(fd);
}

static void fails_over(void **state) {
	struct fixture *f = *state;
	struct directory_config *d = copy(f, "failover");
	struct attribute title = {STR("title"), {&STR("y"), 1}};
	struct change change = {
		.kind = CHANGE_REPLACE, .dn = person(f, "alice"), .attributes = &title, .n_attributes = 1};
	struct report report;
	enum verdict v = VERDICT_WRONG;
	d->uris = (struct strs){NULL, 0};
	strs_add(f->config, &d->uris, STR("ldaps://127.0.0.1:1"));
	strs_add(f->config, &d->uris, f->d->uris.v[0]);
	assert_ok(f, find_alice(f, d));
	assert_ok(f, verify_alice(f, d, &v));
	assert_ok(f, directory_apply(fixture_keep(f), d, &change, 1, &report));
	assert_str(report.controller, d->uris.v[1]);
}

/* One controller, and no other, however long the list is. */
static void goes_where_it_is_pinned(void **state) {
	struct fixture *f = *state;
	struct entry *e = NULL;
	struct str there = f->d->uris.v[0], nobody = STR("ldaps://127.0.0.1:1"), now = STR_NONE;
	struct directory_config *d = copy(f, "pinned");
	d->uris = (struct strs){NULL, 0};
	strs_add(f->config, &d->uris, nobody);
	strs_add(f->config, &d->uris, there);
	struct task *t = fixture_keep(f);
	assert_ok(f, directory_controller(t, d, &now));
	assert_str(now, there);
	directory_pin(t, d, nobody);
	assert_int_equal(directory_find_login(t, d, STR("alice"), &e), ERR_UNAVAILABLE);
	assert_int_equal(directory_controller(t, d, &now), ERR_UNAVAILABLE);
	task_clear(t);
	directory_pin(t, d, there);
	assert_ok(f, directory_find_login(t, d, STR("alice"), &e));
	directory_pin(t, d, STR("ldaps://of.before"));
	assert_int_equal(directory_find_login(t, d, STR("alice"), &e), ERR_UNAVAILABLE);
	assert_true(str_contains(t->failure_detail, STR("no controller of directory")));
	task_clear(t);
	assert_ok(f, directory_find_login(t, f->d, STR("alice"), &e)); /* another directory */
	directory_pin(t, d, STR(""));
	assert_ok(f, directory_find_login(t, d, STR("alice"), &e));
	directory_pin(t, d, nobody);
	assert_ok(f, directory_find_login(fixture_keep(f), d, STR("alice"), &e)); /* it ends with the task */
}

/* More threads than max_binds: all get through, one after the other. */
static void *verify_often(void *state) {
	struct fixture *f = state,
		       own = {.arena = arena_new(), .config = arena_new(), .handles = handles_new(), .d = f->d};
	intptr_t wrong = 0;
	for (int i = 0; i < 5; i++) {
		enum verdict v = VERDICT_WRONG;
		if (verify_alice(&own, f->d, &v) || v != VERDICT_OK)
			wrong++;
	}
	handles_free(own.handles);
	arena_free(own.arena);
	arena_free(own.config);
	return (void *)wrong;
}

static void bounds_binds(void **state) {
	struct fixture *f = *state, with = *f;
	struct directory_config *d = copy(f, "bounded");
	pthread_t threads[6];
	d->max_binds = 2;
	d->operation_timeout_ms = 5000;
	with.d = d;
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &with), 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		void *wrong = NULL;
		pthread_join(threads[i], &wrong);
		assert_ptr_equal(wrong, NULL);
	}
}

/* A task takes no more memory the hundredth time than the first; the sanitizer sees what libldap was not given back. */
static void keeps_memory(void **state) {
	struct fixture *f = *state;
	size_t first = 0;
	for (int i = 0; i < 100; i++) {
		enum verdict v = VERDICT_WRONG;
		struct entry *e = NULL;
		struct groups g = {0};
		assert_ok(f, directory_find_login(fixture_task(f), f->d, STR("bob"), &e));
		assert_ok(f, directory_groups(fixture_keep(f), f->d, e, &g));
		assert_ok(f, directory_verify(fixture_keep(f), f->d, e->dn, STR("wrong"), &v, NULL));
		if (i == 0)
			first = arena_used(f->arena);
		assert_true(arena_used(f->arena) <= first + 4096);
		if (i % 20 == 0)
			fixture_reconnect(f);
	}
	assert_true(first < 512 * 1024);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_a_frozen_server),
		cmocka_unit_test(opens_the_breaker),
		cmocka_unit_test(demands_the_right_certificate),
		cmocka_unit_test(works_over_a_socket),
		cmocka_unit_test(tells_whose_fault),
		cmocka_unit_test(passes_a_mute_server),
		cmocka_unit_test(fails_over),
		cmocka_unit_test(goes_where_it_is_pinned),
		cmocka_unit_test(bounds_binds),
		cmocka_unit_test(keeps_memory),
	};
	return fixture_ready() ? cmocka_run_group_tests(tests, fixture_open, fixture_close) : 77;
}
