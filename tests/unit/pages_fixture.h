/* pages_fixture.h: pages and endpoints by their routes, over fakes of the doors below. With USHER_PAGES_OUT=FOLDER
 * every page is written there, to be looked at. */
#ifndef USHER_TESTS_PAGES_FIXTURE_H
#define USHER_TESTS_PAGES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/secret.h"
#include "tests/unit/fake_doors.h"
#include "web/asset.h"

#define COOKIE_CSRF    "AAAAAAAAAAAAAAAAAAAAAAAA"
#define REALM          "/realms/staff"
#define SESSION_COOKIE "; __Host-session-staff=S"

static struct arena *arena, *setup_arena;
static struct task task;
static struct response response;
static struct str csrf;

static inline void begin(void) {
	arena_wipe(arena);
	task_begin(&task, arena, NULL, 10000);
	task.config = &fake_config;
	task.address = STR("192.0.2.1");
	task.actor = STR("anonymous");
	response = (struct response){.status = 500};
}

static inline void look_at(const char *name) {
	const char *folder = getenv("USHER_PAGES_OUT");
	char path[512];
	if (!folder || !name || !response.html)
		return;
	snprintf(path, sizeof(path), "%s/%s.html", folder, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fwrite(response.body.p, 1, response.body.n, f);
	fclose(f);
}

static inline void csrf_make(struct request *q) {
	struct response none = {.status = 200};
	task.realm = &fake_realms[0];
	task.realm_name = task.realm->id;
	csrf = str_dup(setup_arena, csrf_token(&task, q, &none));
}

static inline int run(const char *name, enum method method, const char *target, const char *body) {
	const struct route *route;
	struct str allow;
	begin();
	struct str cookie = str_printf(arena, "__Host-csrf-staff=%s%s%s", COOKIE_CSRF,
		world.logged_in ? SESSION_COOKIE : "", world.parked_at ? "; __Host-request-staff=PARKED" : "");
	struct request q = {.method = method,
		.cookie = cookie,
		.authorization = world.authorization,
		.origin = STR("https://id.example.org"),
		.fetch_site = STR("same-origin")};
	csrf_make(&q);
	assert_int_equal(target_read(&task, str_of(target), &q.path, &q.query_text), OK);
	q.content_type = STR("application/x-www-form-urlencoded");
	q.body = body ? str_printf(arena, "csrf=%.*s&%s", FMT(csrf), body) : STR("");
	enum err e = route_find(&task, &q, &route, &allow);
	if (e)
		route_error(&task, NULL, &q, &response, e);
	else
		route_run(&task, route, &q, &response);
	look_at(name);
	return response.status;
}

static inline int get(const char *name, const char *target) {
	return run(name, METHOD_GET, target, NULL);
}

static inline int post(const char *name, const char *target, const char *body) {
	return run(name, METHOD_POST, target, body);
}

static inline void world_reset(void) {
	memset(&world, 0, sizeof(world));
	world.state = REGISTRATION_PENDING;
	world.next = AUTHORIZE_GRANT;
}

static inline bool says(const char *part) {
	return str_contains(response.body, str_of(part));
}

static inline void assert_location(const char *wanted) {
	struct str location = response_get(&response, "Location");
	if (!str_eq(location, str_of(wanted)))
		fail_msg("Location: %.*s, wanted %s", FMT(location), wanted);
}

static inline int pages_setup(void **state) {
	static const uint8_t key[32] = {1};
	struct template_set *set = NULL;
	struct str why = STR("");
	(void)state;
	arena = arena_new();
	setup_arena = arena_new();
	secret_init();
	secret_use_key(key);
	assets_init(setup_arena);
	enum err e = pages_load(setup_arena, &fake_config, &set, &why);
	if (e)
		fprintf(stderr, "%.*s\n", FMT(why));
	pages_use(set);
	return e ? -1 : 0;
}

static inline int pages_teardown(void **state) {
	(void)state;
	arena_free(arena);
	arena_free(setup_arena);
	return 0;
}

#endif
