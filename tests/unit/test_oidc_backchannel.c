/* Logout tokens, and what the runner makes of an application's answer. The application is a thread with a socket. */
#include "tests/unit/oidc_fixture.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#include "broker/oidc/oidc_private.h"

#define EVENTS "{\"http://schemas.openid.net/event/backchannel-logout\":{}}"

/* ---- the token ---- */

static void token_says_who(void **state) {
	static const struct {
		int client;
		struct str sub, sid, alg;
	} rows[] = {
		{WIKI, TEXT("sub-1"), TEXT("sid-1"), TEXT("ES256")},
		{APP, TEXT("sub-1"), TEXT(""), TEXT("EdDSA")},
		{GATE, TEXT(""), TEXT("sid-1"), TEXT("RS256")},
		{ASK, TEXT("sub-1"), TEXT("sid-1"), TEXT("PS256")},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct task *t = oidc_begin(*state, 0);
		const struct logout_notice n = {&clients[rows[i].client], rows[i].sub, rows[i].sid, STR("J1")};
		struct str token = STR_NONE;
		struct jws j;
		int64_t now = clock_wall_ms() / 1000;
		assert_ok(logout_token_make(t, &n, &token));
		assert_ok(jws_parse(t, token, &j));
		assert_str(j.alg, rows[i].alg);
		owned(json) json_t *claims = token_open(t, token, "logout+jwt");
		assert_member(claims, "iss", STR(ISSUER));
		assert_member(claims, "aud", n.client->id);
		assert_member(claims, "jti", STR("J1"));
		assert_str(json_text(t->arena, json_object_get(claims, "events")), STR(EVENTS));
		assert_int_equal(!json_object_get(claims, "sub"), str_empty(n.sub)); /* what is empty is left out */
		assert_int_equal(!json_object_get(claims, "sid"), str_empty(n.sid));
		if (n.sub.n)
			assert_member(claims, "sub", n.sub);
		if (n.sid.n)
			assert_member(claims, "sid", n.sid);
		assert_null(json_object_get(claims, "nonce")); /* Back-Channel Logout 1.0, 2.4 */
		int64_t iat = json_integer_value(json_object_get(claims, "iat"));
		assert_in_range(iat, now, now + 60);
		assert_int_equal(json_integer_value(json_object_get(claims, "exp")), iat + 120);
	}
}

/* Nor is one a hint of who is logged in, or an access token. */
static void token_is_no_other(void **state) {
	struct task *t = oidc_begin(*state, 0);
	const struct logout_notice n = {&clients[WIKI], ann.sub, STR("sid-1"), STR("J1")};
	struct str token = STR_NONE, json = STR_NONE;
	struct hint hint;
	assert_ok(logout_token_make(t, &n, &token));
	assert_err(hint_read(t, token, &hint), ERR_INVALID);
	assert_err(oidc_userinfo(t, token, &json), ERR_TOKEN);
}

/* ---- an application ---- */

static struct {
	int listener;
	uint16_t port;
	const char *answer; /* NULL: the connection is closed */
	size_t padding;     /* of the body */
	char request[8192];
	size_t n;
	pthread_t thread;
} app;

static bool request_whole(void) {
	const char *end = strstr(app.request, "\r\n\r\n"), *length = strcasestr(app.request, "content-length:");
	return end && length && app.n >= (size_t)(end + 4 - app.request) + strtoul(length + 15, NULL, 10);
}

static void *app_main(void *unused) {
	(void)unused;
	char filler[1024];
	memset(filler, ' ', sizeof(filler));
	int fd = accept(app.listener, NULL, NULL);
	app.n = 0;
	for (ssize_t got = 1; got > 0 && !request_whole();) {
		got = read(fd, app.request + app.n, sizeof(app.request) - 1 - app.n);
		app.n += got > 0 ? (size_t)got : 0;
		app.request[app.n] = 0;
	}
	bool open = app.answer && send(fd, app.answer, strlen(app.answer), MSG_NOSIGNAL) > 0;
	for (size_t i = 0; open && i < app.padding; i += sizeof(filler))
		open = send(fd, filler, sizeof(filler), MSG_NOSIGNAL) > 0;
	close(fd);
	return NULL;
}

static void app_open(void) {
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	app.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(app.listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(app.listener, 4), 0);
	assert_int_equal(getsockname(app.listener, (struct sockaddr *)&at, &n), 0);
	app.port = ntohs(at.sin_port);
}

/* The claims of the token that it got. */
static json_t *app_token(struct task *t) {
	static const char name[] = "\r\n\r\nlogout_token=";
	const char *at = strstr(app.request, name);
	assert_non_null(at);
	assert_ptr_equal(strstr(app.request, "POST /bye?x=1 HTTP/1.1\r\n"), app.request);
	assert_non_null(strstr(app.request, "Content-Type: application/x-www-form-urlencoded\r\n"));
	return token_open(t, str_of(at + sizeof(name) - 1), "logout+jwt");
}

#define HEAD(status, length) "HTTP/1.1 " status "\r\nContent-Length: " length "\r\n"
#define REFUSAL              "{\"error\":\"invalid_request\",\"error_description\":\"what is this\"}"

static void answers_are_heard(void **state) {
	static const struct {
		const char *answer;
		size_t padding;
		int64_t attempts;
		enum err wanted;
		const char *detail;
	} rows[] = {
		{HEAD("200 OK", "0") "\r\n", 0, 1, OK, NULL},
		{"HTTP/1.1 204 No Content\r\n\r\n", 0, 1, OK, NULL},
		{HEAD("200 OK", "100000000") "\r\n", 1 << 20, 1, OK, NULL}, /* more than is read */
		{HEAD("400 Bad Request", "65") "\r\n" REFUSAL "  ", 0, 1, ERR_REFUSED,
			"client wiki at http://127.0.0.1:"},
		{HEAD("400 Bad Request", "65") "\r\n" REFUSAL "  ", 0, 1, ERR_REFUSED,
			"refuses the logout token: invalid_request, what is this"},
		{HEAD("400 Bad Request", "0") "\r\n", 0, 2, ERR_REFUSED,
			"refuses the logout token; an earlier try may have reached it"},
		{HEAD("503 Busy", "0") "\r\n", 0, 1, ERR_UNAVAILABLE, "answers 503"},
		{HEAD("500 Oh", "0") "\r\n", 0, 1, ERR_UNAVAILABLE, "answers 500"},
		{HEAD("404 Not Found", "0") "\r\n", 0, 1, ERR_UNAVAILABLE, "answers 404"},
		{HEAD("302 Found", "0") "Location: /elsewhere\r\n\r\n", 0, 1, ERR_UNAVAILABLE, "answers 302"},
		{HEAD("201 Created", "0") "\r\n", 0, 1, ERR_UNAVAILABLE, "answers 201"},
		{"what?\r\n", 0, 1, ERR_UNAVAILABLE, "client wiki at "},
		{NULL, 0, 1, ERR_UNAVAILABLE, "client wiki at "},
	};
	const struct job job = {.id = STR("01JOB"),
		.kind = JOB_LOGOUT,
		.body = STR("{\"client\":\"wiki\",\"sub\":\"sub-1\",\"sid\":\"sid-1\"}")};
	app_open();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct task *t = oidc_begin(*state, 0);
		struct job j = job;
		j.attempts = rows[i].attempts;
		app.answer = rows[i].answer;
		app.padding = rows[i].padding;
		clients[WIKI].backchannel_logout_uri =
			str_printf(t->arena, "http://127.0.0.1:%u/bye?x=1", (unsigned)app.port);
		assert_int_equal(pthread_create(&app.thread, NULL, app_main, NULL), 0);
		enum err e = backchannel_run(t, &j);
		pthread_join(app.thread, NULL);
		if (e != rows[i].wanted || (e && !str_contains(t->failure_detail, str_of(rows[i].detail))))
			fail_msg("row %zu: %s (%.*s)", i, err_row(e)->name, FMT(t->failure_detail));
		owned(json) json_t *claims = app_token(t);
		assert_member(claims, "jti", j.id);
		assert_member(claims, "sub", STR("sub-1"));
		assert_member(claims, "sid", STR("sid-1"));
	}
	close(app.listener);
	struct task *t = oidc_begin(*state, 0);
	assert_err(backchannel_run(t, &job), ERR_UNAVAILABLE); /* nobody listens any more */
	clients[WIKI].backchannel_logout_uri = STR("");
	assert_ok(backchannel_run(t, &job)); /* taken out of the configuration: nobody is to be told */
	struct job gone = job;
	gone.body = STR("{\"client\":\"nobody\",\"sub\":\"sub-1\",\"sid\":\"\"}");
	assert_ok(backchannel_run(t, &gone));
	gone.body = STR("no JSON");
	assert_err(backchannel_run(t, &gone), ERR_INVALID);
}

enum redeeming { NOT_REDEEMED, REDEEMED, REDEEMED_AFTER_SESSION };

/* When the row of a grant may go: of the code alone, or once it is redeemed. */
static int64_t expiry(struct task *t, enum redeeming how) {
	struct str code = code_for(t, WIKI_REQUEST, ""), json;
	struct grant *g = NULL;
	if (how == REDEEMED_AFTER_SESSION)
		assert_ok(sessions_remove(t, session.id_hash));
	if (how != NOT_REDEEMED)
		assert_ok(code_redeem(t, code, &json));
	assert_ok(grants_find(t, str_sub(code, 0, str_find(code, '.', 0)), &g));
	return g->expires_at;
}

/* A code that nobody redeems leaves nothing; else the grant is there as long as its tokens, and as long as the session,
 * whose end it is to tell of. */
static void grants_last_as_long(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct session before = session;
	int64_t now = clock_wall_ms(), end = now + 900LL * 86400 * 1000;
	session.id_hash = STR("S9");
	session.sid = STR("sid-9");
	session.expires_at = end;
	assert_ok(sessions_insert(t, &session));
	assert_in_range(expiry(t, NOT_REDEEMED), now, now + 120 * 1000);
	int64_t refresh_ends = now + clients[WIKI].refresh_ttl * 1000;
	assert_in_range(expiry(t, REDEEMED), refresh_ends, end - 1);
	clients[WIKI].backchannel_logout_uri = STR("https://wiki.example.org/bye");
	assert_in_range(expiry(t, NOT_REDEEMED), now, now + 120 * 1000);
	assert_int_equal(expiry(t, REDEEMED), end);
	assert_in_range(expiry(t, REDEEMED_AFTER_SESSION), refresh_ends, end - 1);
	session = before;
	clients[WIKI].backchannel_logout_uri = STR("");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(token_says_who),
		cmocka_unit_test(token_is_no_other),
		cmocka_unit_test(answers_are_heard),
		cmocka_unit_test(grants_last_as_long),
	};
	return cmocka_run_group_tests(tests, oidc_setup, fixture_teardown);
}
