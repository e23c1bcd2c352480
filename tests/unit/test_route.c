#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/secret.h"
#include "web/page.h"

/* What the pages and the domain would do. */
struct str param(struct params p, const char *name) {
	for (size_t i = 0; i < p.n; i++)
		if (str_eq(p.v[i].name, str_of(name)))
			return p.v[i].value;
	return STR_NONE;
}

struct str oauth_description(struct task *task, enum err code) {
	(void)task;
	(void)code;
	return STR("what to mend");
}

struct str oauth_error_json(struct arena *arena, enum err code, struct str description) {
	return str_printf(
		arena, "{\"error\":\"%s\",\"error_description\":\"%.*s\"}", err_row(code)->oauth, FMT(description));
}

void page_error(struct task *t, struct request *q, struct response *r, enum err code) {
	(void)q;
	response_html(r, err_row(code)->http_status, str_printf(t->arena, "page %s", err_row(code)->name));
}

enum err login_session(struct task *t, struct str secret, struct login_state *ret) {
	static struct account account = {.sub = {"sub1", 4}};
	if (str_eq(secret, STR("down")))
		return task_fail(t, ERR_UNAVAILABLE, "the store is down");
	if (!str_eq(secret, STR("good")))
		return task_fail(t, ERR_LOGIN, "no such session");
	ret->account = &account;
	return OK;
}

enum err throttle_take(struct task *t, enum throttle kind, struct str key) {
	(void)kind;
	(void)key;
	return task_fail(t, ERR_INTERNAL, "no route here asks for it");
}

static enum err answer = OK;
static enum err handle(struct task *t, struct request *q, struct response *r) {
	if (answer)
		return answer;
	response_html(r, 200,
		str_printf(t->arena, "%.*s|%.*s|%.*s|%d", FMT(q->rest), FMT(q->rest2), FMT(t->actor), (int)q->method));
	return OK;
}

static enum err split_header(struct task *t, struct request *q, struct response *r) {
	(void)t;
	(void)q;
	response_text(r, 200, STR("secret"));
	response_header(r, "Location", STR("/x\r\nSet-Cookie: a=1"));
	return OK;
}

static enum err slow_down(struct task *t, struct request *q, struct response *r) {
	(void)q;
	response_text(r, 200, STR("half an answer"));
	response_header(r, "Set-Cookie", STR("a=1"));
	response_header(r, "Retry-After", STR("17"));
	return task_fail(t, ERR_TOO_MANY, "too many");
}

static const struct route table_rows[] = {
	{"/", METHOD_GET, PLACE_INLINE, GUARD_NONE, handle, false},
	{"/realms/{realm}/login", METHOD_GET, PLACE_WORKER, GUARD_SESSION, handle, false},
	{"/realms/{realm}/login", METHOD_POST, PLACE_WORKER, GUARD_CSRF, handle, false},
	{"/realms/{realm}/register/new", METHOD_GET, PLACE_WORKER, GUARD_NONE, handle, false},
	{"/realms/{realm}/register/*", METHOD_GET | METHOD_POST, PLACE_WORKER, GUARD_NONE, handle, false},
	{"/realms/{realm}/a/*/b/*", METHOD_GET, PLACE_WORKER, GUARD_NONE, handle, false},
	{"/realms/{realm}/token", METHOD_POST, PLACE_TOKEN, GUARD_CLIENT | GUARD_CORS, handle, true},
	{"/realms/{realm}/account", METHOD_GET | METHOD_POST, PLACE_WORKER, GUARD_LOGIN, handle, false},
	{"/realms/{realm}/split", METHOD_GET, PLACE_WORKER, GUARD_NONE, split_header, false},
	{"/realms/{realm}/many", METHOD_GET, PLACE_WORKER, GUARD_NONE, slow_down, false},
	{"/.well-known/oauth-authorization-server/realms/{realm}", METHOD_GET, PLACE_INLINE, GUARD_CORS, handle, true},
};
static const struct route_table table = {table_rows, COUNT(table_rows)};

static struct arena *a;
static struct task t;
static struct realm realms[] = {{.id = {"staff", 5}}, {.id = {"guests", 6}}};
static struct config config = {
	.public_url = {"https://id.example.org", 22}, .secure = true, .realms = realms, .n_realms = 2};

static int begin(void **state) {
	static const uint8_t key[32] = {7};
	(void)state;
	secret_init();
	secret_use_key(key);
	a = arena_new();
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(a);
	return 0;
}

static void next(void) {
	arena_wipe(a);
	task_begin(&t, a, NULL, 1000);
	t.config = &config;
	answer = OK;
}

static int each(void **state) {
	(void)state;
	next();
	return 0;
}

static void same(struct str got, struct str wanted, const char *of) {
	if (!str_eq(got, wanted) || str_absent(got) != str_absent(wanted))
		fail_msg("%s: \"%.*s\" is not \"%.*s\"", of, FMT(got), FMT(wanted));
}

static void finds(void **state) {
	(void)state;
	static const struct {
		const char *path;
		unsigned method;
		enum err code;
		int row; /* found */
		const char *realm, *rest, *rest2, *allow;
	} rows[] = {
		{"/", METHOD_GET, OK, 0, "", NULL, NULL, NULL},
		{"/realms/staff/login", METHOD_GET, OK, 1, "staff", NULL, NULL, NULL},
		{"/realms/guests/login", METHOD_POST, OK, 2, "guests", NULL, NULL, NULL},
		{"/realms/staff/login", METHOD_HEAD, OK, 1, "staff", NULL, NULL, NULL},
		{"/realms/staff/login", METHOD_OPTIONS, ERR_METHOD, 0, "staff", NULL, NULL, "GET, HEAD, POST"},
		{"/realms/staff/login", 0, ERR_METHOD, 0, "staff", NULL, NULL, "GET, HEAD, POST"},
		{"/realms/staff/login/", METHOD_GET, ERR_NOT_FOUND, 0, "staff", NULL, NULL, NULL},
		{"/realms/staff/Login", METHOD_GET, ERR_NOT_FOUND, 0, "staff", NULL, NULL, NULL},
		{"/realms/other/login", METHOD_GET, ERR_NOT_FOUND, 0, "", NULL, NULL, NULL},
		{"/realms//login", METHOD_GET, ERR_NOT_FOUND, 0, "", NULL, NULL, NULL},
		{"/realms/staff", METHOD_GET, ERR_NOT_FOUND, 0, "staff", NULL, NULL, NULL},
		{"/realms/staff/register/new", METHOD_GET, OK, 3, "staff", NULL, NULL, NULL},
		{"/realms/staff/register/new", METHOD_POST, OK, 4, "staff", "new", NULL, NULL},
		{"/realms/staff/register/x y", METHOD_GET, OK, 4, "staff", "x y", NULL, NULL},
		{"/realms/staff/register/", METHOD_GET, ERR_NOT_FOUND, 0, "staff", NULL, NULL, NULL},
		{"/realms/staff/register/a/b", METHOD_GET, ERR_NOT_FOUND, 0, "staff", NULL, NULL, NULL},
		{"/realms/staff/a/1/b/2", METHOD_GET, OK, 5, "staff", "1", "2", NULL},
		{"/realms/staff/a/1/c/2", METHOD_GET, ERR_NOT_FOUND, 0, "staff", NULL, NULL, NULL},
		{"/realms/staff/token", METHOD_GET, ERR_METHOD, 0, "staff", NULL, NULL, "POST, OPTIONS"},
		{"/realms/staff/token", METHOD_OPTIONS, OK, 6, "staff", NULL, NULL, NULL},
		{"/.well-known/oauth-authorization-server/realms/guests", METHOD_GET, OK, 10, "guests", NULL, NULL,
			NULL},
		{"/.well-known/oauth-authorization-server/realms/x", METHOD_GET, ERR_NOT_FOUND, 0, "", NULL, NULL,
			NULL},
		{"/nothing", METHOD_GET, ERR_NOT_FOUND, 0, "", NULL, NULL, NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request q = {.method = (enum method)rows[i].method, .path = str_of(rows[i].path)};
		const struct route *found = NULL;
		struct str allow = STR_NONE;
		next();
		enum err code = route_find_in(&t, table, &q, &found, &allow);
		if (code != rows[i].code || (!code && found != &table_rows[rows[i].row]))
			fail_msg("%s: %d, row %td", rows[i].path, code, found ? found - table_rows : -1);
		same(t.realm_name, str_of(rows[i].realm), rows[i].path);
		same(allow, str_of(rows[i].allow), rows[i].path);
		same(q.rest, str_of(rows[i].rest), rows[i].path);
		same(q.rest2, str_of(rows[i].rest2), rows[i].path);
		assert_true(code || q.method != METHOD_HEAD);
	}
}

static void run(struct request *q, struct response *r) {
	const struct route *route = NULL;
	struct str allow;
	*r = (struct response){.status = 0};
	assert_int_equal(route_find_in(&t, table, q, &route, &allow), OK);
	route_run(&t, route, q, r);
}

static void answers_a_page(void **state) {
	(void)state;
	struct request q = {.method = METHOD_GET, .path = STR("/realms/staff/register/guest")};
	struct response r;
	run(&q, &r);
	assert_int_equal(r.status, 200);
	same(r.body, STR("guest||nobody|1"), "body");
	same(response_get(&r, "content-type"), STR("text/html; charset=utf-8"), "type");
	same(response_get(&r, "Cache-Control"), STR("no-store"), "cache");
	same(response_get(&r, "X-Content-Type-Options"), STR("nosniff"), "sniff");
	same(response_get(&r, "Referrer-Policy"), STR("no-referrer"), "referrer");
	same(response_get(&r, "Strict-Transport-Security"), STR("max-age=31536000"), "hsts");
	struct str policy = response_get(&r, "Content-Security-Policy");
	assert_true(str_starts(policy, STR("default-src 'none';")));
	assert_true(str_contains(policy, STR("; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")));
	assert_false(str_contains(policy, STR("unsafe")));
}

static void answers_errors(void **state) {
	(void)state;
	static const struct {
		enum err code;
		int page, oauth;
		const char *retry, *challenge;
	} rows[] = {
		{ERR_INVALID, 400, 400, NULL, NULL},
		{ERR_NOT_FOUND, 404, 400, NULL, NULL},
		{ERR_STALE, 409, 400, NULL, NULL},
		{ERR_EXPIRED, 410, 400, NULL, NULL},
		{ERR_DENIED, 403, 403, NULL, NULL},
		{ERR_TOO_MANY, 429, 429, "60", NULL},
		{ERR_UNAVAILABLE, 503, 503, "5", NULL},
		{ERR_TIMEOUT, 503, 503, "5", NULL},
		{ERR_INTERNAL, 500, 500, NULL, NULL},
		{ERR_GRANT, 400, 400, NULL, NULL},
		{ERR_CLIENT, 401, 401, NULL, "Basic realm=\"staff\""},
		{ERR_TOKEN, 401, 401, NULL, "Bearer realm=\"staff\", error=\"invalid_token\""},
		{ERR_INSUFFICIENT_SCOPE, 403, 403, NULL, "Bearer realm=\"staff\", error=\"insufficient_scope\""},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct response r;
		next();
		answer = rows[i].code;
		run(&(struct request){.method = METHOD_GET, .path = STR("/realms/staff/register/x")}, &r);
		assert_int_equal(r.status, rows[i].page);
		assert_true(str_starts(r.body, STR("page ")));
		assert_int_equal(t.failure, rows[i].code);
		same(response_get(&r, "Retry-After"), str_of(rows[i].retry), "retry");
		next();
		answer = rows[i].code;
		run(&(struct request){.method = METHOD_POST, .path = STR("/realms/staff/token")}, &r);
		assert_int_equal(r.status, rows[i].oauth);
		assert_true(str_starts(r.body, STR("{\"error\":\"")));
		same(response_get(&r, "Content-Type"), STR("application/json"), "type");
		same(response_get(&r, "Retry-After"), str_of(rows[i].retry), "retry");
		same(response_get(&r, "WWW-Authenticate"), str_of(rows[i].challenge), "challenge");
		same(response_get(&r, "Access-Control-Allow-Origin"), STR("*"), "cors");
		assert_true(str_absent(response_get(&r, "Access-Control-Allow-Credentials")));
	}
}

/* The server answers so when its queue is full: a page's script must be able to read that it shall wait. */
static void lets_scripts_read_errors(void **state) {
	(void)state;
	const struct route *route = NULL;
	struct request q = {.method = METHOD_POST, .path = STR("/realms/staff/token")};
	struct response r = {.status = 500};
	struct str allow;
	next();
	assert_int_equal(route_find_in(&t, table, &q, &route, &allow), OK);
	route_error(&t, route, &q, &r, ERR_UNAVAILABLE);
	assert_int_equal(r.status, 503);
	same(response_get(&r, "Access-Control-Allow-Origin"), STR("*"), "origin");
	same(response_get(&r, "Access-Control-Expose-Headers"), STR("WWW-Authenticate, Retry-After"), "headers");
}

static void forgets_half_an_answer(void **state) {
	(void)state;
	struct response r;
	run(&(struct request){.method = METHOD_GET, .path = STR("/realms/staff/many")}, &r);
	assert_int_equal(r.status, 429);
	same(response_get(&r, "Retry-After"), STR("17"), "retry");
	assert_true(str_absent(response_get(&r, "Set-Cookie")));
}

static void refuses_split_headers(void **state) {
	(void)state;
	struct response r;
	run(&(struct request){.method = METHOD_GET, .path = STR("/realms/staff/split")}, &r);
	assert_int_equal(r.status, 500);
	assert_false(str_contains(r.body, STR("secret")));
	assert_true(str_absent(response_get(&r, "Location")));
}

static void answers_preflights(void **state) {
	(void)state;
	struct response r;
	answer = ERR_INTERNAL; /* the handler is not asked */
	run(&(struct request){.method = METHOD_OPTIONS, .path = STR("/realms/staff/token")}, &r);
	assert_int_equal(r.status, 204);
	same(response_get(&r, "Access-Control-Allow-Origin"), STR("*"), "origin");
	same(response_get(&r, "Access-Control-Allow-Methods"), STR("POST, OPTIONS"), "methods");
}

static void refuses_bad_parameters(void **state) {
	(void)state;
	struct response r;
	run(
		&(struct request){
			.method = METHOD_GET, .path = STR("/realms/staff/register/x"), .query_text = STR("a=1&a=2")},
		&r);
	assert_int_equal(r.status, 400);
	next();
	run(&(struct request){.method = METHOD_POST,
		    .path = STR("/realms/staff/token"),
		    .content_type = STR("application/x-www-form-urlencoded"),
		    .body = STR("code=%00")},
		&r);
	assert_int_equal(r.status, 400);
	assert_true(str_contains(r.body, STR("invalid_request")));
}

static void leads_to_the_login(void **state) {
	(void)state;
	static const struct {
		struct str cookie;
		enum method method;
		int status;
		const char *location;
	} rows[] = {
		{STR(""), METHOD_GET, 303, "/realms/staff/login?to=%2Frealms%2Fstaff%2Faccount%3Fa%3D1"},
		{STR("__Host-session-staff=wrong"), METHOD_GET, 303,
			"/realms/staff/login?to=%2Frealms%2Fstaff%2Faccount%3Fa%3D1"},
		{STR("__Host-session-guests=good"), METHOD_GET, 303,
			"/realms/staff/login?to=%2Frealms%2Fstaff%2Faccount%3Fa%3D1"},
		{STR("session-staff=good"), METHOD_GET, 303,
			"/realms/staff/login?to=%2Frealms%2Fstaff%2Faccount%3Fa%3D1"},
		{STR("__Host-session-staff=good; __Host-session-staff=good"), METHOD_GET, 303,
			"/realms/staff/login?to=%2Frealms%2Fstaff%2Faccount%3Fa%3D1"},
		{STR(""), METHOD_POST, 401, NULL},
		{STR("__Host-session-staff=down"), METHOD_GET, 503, NULL}, /* never open when the store is down */
		{STR("__Host-session-staff=good"), METHOD_GET, 200, NULL},
		{STR("__Host-session-staff=good"), METHOD_POST, 200, NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request q = {.method = rows[i].method,
			.path = STR("/realms/staff/account"),
			.query_text = STR("a=1"),
			.cookie = rows[i].cookie};
		struct response r;
		next();
		run(&q, &r);
		assert_int_equal(r.status, rows[i].status);
		same(response_get(&r, "Location"), str_of(rows[i].location), "location");
		if (r.status != 200)
			continue;
		assert_true(str_contains(r.body, STR("person:sub1")));
		assert_non_null(q.login);
		same(q.session, STR("good"), "session");
	}
}

static void runs_without_a_session_where_none_is_needed(void **state) {
	(void)state;
	struct request q = {
		.method = METHOD_GET, .path = STR("/realms/staff/login"), .cookie = STR("__Host-session-staff=old")};
	struct response r;
	run(&q, &r);
	assert_int_equal(r.status, 200);
	assert_null(q.login);
	assert_int_equal(t.failure, OK);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(finds, each),
		cmocka_unit_test_setup(answers_a_page, each),
		cmocka_unit_test_setup(answers_errors, each),
		cmocka_unit_test_setup(lets_scripts_read_errors, each),
		cmocka_unit_test_setup(forgets_half_an_answer, each),
		cmocka_unit_test_setup(refuses_split_headers, each),
		cmocka_unit_test_setup(answers_preflights, each),
		cmocka_unit_test_setup(refuses_bad_parameters, each),
		cmocka_unit_test_setup(leads_to_the_login, each),
		cmocka_unit_test_setup(runs_without_a_session_where_none_is_needed, each),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
