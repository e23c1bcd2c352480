/* Pages of people and of applications, and what holds for all pages. */
#include "tests/unit/pages_fixture.h"

/* ---- registration ---- */

static void registration_form(void **state) {
	(void)state;
	world_reset();
	assert_int_equal(get("register", REALM "/register/guest"), 200);
	assert_true(says("name=\"given_name\"") && says("autocomplete=\"given-name\"") && says("name=\"register\"") &&
		    says("name=\"pow_challenge\""));
	assert_true(says("name=\"login_name\""));
	assert_int_equal(get("profiles", REALM "/register"), 200);
	assert_int_equal(get("not_found", REALM "/register/nobody"), 404);
	world.submit = ERR_FIELDS;
	assert_int_equal(
		post("register_wrong", REALM "/register/guest", "given_name=&family_name=%3Cb%3E&mail=a"), 422);
	assert_true(says("<title>Error: Guest account") && says("href=\"#f-given_name\"") &&
		    says("value=\"&lt;b&gt;\"") && says("aria-invalid"));
	world.submit = OK;
	assert_int_equal(post("register_sent", REALM "/register/guest", "given_name=Ada&mail=ada%40example.net"), 200);
	assert_int_equal(world.submitted, 2);
	assert_true(says("ada@example.net") && says("name=\"resend\""));
	assert_int_equal(post(NULL, REALM "/register/guest", "mail=a%40b.c&hp-website=x"), 200);
	assert_int_equal(world.submitted, 2);
	assert_int_equal(
		post("register_again", REALM "/register/guest/resend", "mail=ada%40example.net&resend=resend"), 200);
	assert_int_equal(world.resent, 1);
	world.submit = ERR_TOO_MANY;
	assert_int_equal(post("too_many", REALM "/register/guest", "mail=a%40b.c"), 429);
	assert_true(str_eq(response_get(&response, "Retry-After"), STR("61")));
}

static void verify(void **state) {
	(void)state;
	world_reset();
	assert_int_equal(get("verify", REALM "/verify?t=X"), 200);
	assert_true(says("name=\"verify\"") && says("ada@example.net"));
	assert_int_equal(post(NULL, REALM "/verify", "t=X&verify=verify"), 303);
	assert_location(REALM "/status?t=STATUS&confirmed=1");
	assert_int_equal(get("verify_pending", REALM "/status?t=STATUS&confirmed=1"), 200);
	assert_true(says("your address is confirmed") && !says("data-again"));
	assert_true(says("class=\"timeline\""));
	world.state = REGISTRATION_APPROVED;
	assert_int_equal(post(NULL, REALM "/verify", "t=X"), 303);
	assert_location(REALM "/status?t=STATUS&confirmed=1");
	assert_int_equal(get("verify_slow", REALM "/status?t=STATUS&confirmed=1"), 200);
	assert_true(says("status?t=STATUS\" data-again"));
	world.decided_at = clock_wall_ms() - 1000;
	assert_int_equal(get(NULL, REALM "/status?t=STATUS"), 200);
	assert_true(says("follows within minutes") && says("less than a minute"));
	world.decided_at = clock_wall_ms() - 3600000;
	assert_int_equal(get("status_late", REALM "/status?t=STATUS"), 200);
	assert_true(says("This takes longer than usual") && !says("minute"));
	world.ready = true;
	assert_int_equal(post(NULL, REALM "/verify", "t=X"), 303);
	assert_location(REALM "/activate?t=SECRET2");
	world.verify_look = world.verify = ERR_EXPIRED;
	assert_int_equal(get("link_ended", REALM "/verify?t=X"), 410);
	assert_int_equal(post(NULL, REALM "/verify", "t=X"), 410);
	world.verify_look = ERR_UNAVAILABLE;
	assert_int_equal(get("unavailable", REALM "/verify?t=X"), 503);
	assert_true(says("Try again"));
}

static void status(void **state) {
	(void)state;
	world_reset();
	assert_int_equal(get("status", REALM "/status?t=X"), 200);
	assert_true(says("name=\"withdraw\""));
	assert_int_equal(post("withdrawn", REALM "/status", "t=X&withdraw=withdraw"), 200);
	assert_int_equal(world.withdrawn, 1);
	assert_false(says("name=\"withdraw\""));
	world.state = REGISTRATION_REJECTED;
	assert_int_equal(get("status_rejected", REALM "/status?t=X"), 200);
	assert_true(says("&lt;b&gt;yet&lt;/b&gt;"));
}

static void activation(void **state) {
	(void)state;
	world_reset();
	world.state = REGISTRATION_PROVISIONED;
	assert_int_equal(get("activate", REALM "/activate?t=X"), 200);
	assert_true(says("alovelace") && says("name=\"password\"") && says("at least 10 characters") &&
		    says("3 passwords"));
	assert_int_equal(post(NULL, REALM "/activate", "t=X&password=one+two+three&password_again=other"), 422);
	assert_true(says("The two passwords differ"));
	assert_false(says("one two three"));
	assert_int_equal(post(NULL, REALM "/activate", "t=X&password="), 422);
	world.activate = ERR_FIELDS;
	world.password_reason = "password.history";
	assert_int_equal(post("activate_wrong", REALM "/activate", "t=X&password=secretsecret"), 422);
	assert_true(says("You had this password before"));
	world.activate = ERR_UNAVAILABLE;
	assert_int_equal(post(NULL, REALM "/activate", "t=X&password=secretsecret"), 503);
	world.activate = OK;
	assert_int_equal(post("activated", REALM "/activate", "t=X&password=secretsecret&password_again="), 200);
	assert_true(says("alovelace"));
	world.activate_look = ERR_EXPIRED;
	assert_int_equal(get("activate_ended", REALM "/activate?t=X"), 410);
}

/* ---- login ---- */

static void login(void **state) {
	static const struct {
		enum login_result result;
		const char *body;
		int status;
		const char *location, *part;
	} cases[] = {
		{LOGIN_OK, "username=g&password=p", 303, REALM "/account", NULL},
		{LOGIN_OK, "username=g&password=p&to=/realms/staff/admin/jobs", 303, REALM "/admin/jobs", NULL},
		{LOGIN_OK, "username=g&password=p&to=//evil.example", 303, REALM "/account", NULL},
		{LOGIN_OK, "username=g&password=p&to=/realms/other/account", 303, REALM "/account", NULL},
		{LOGIN_OK, "username=&password=p", 422, NULL, "Please enter your login name"},
		{LOGIN_OK, "username=g&password=", 422, NULL, "Please enter your login name"},
		{LOGIN_REFUSED, "username=%3Ci%3E&password=p", 401, NULL, "value=\"&lt;i&gt;\""},
		{LOGIN_THROTTLED, "username=g&password=p", 429, NULL, "Please wait 2 minutes"},
		{LOGIN_MUST_CHANGE, "username=g&password=p", 200, NULL, "name=\"new_password\""},
		{LOGIN_MUST_CHANGE, "username=g&password=p", 200, NULL, "at least 13 characters"},
		{LOGIN_EXPIRED, "username=g&password=p", 200, NULL, "has expired"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		world_reset();
		world.login = cases[i].result;
		assert_int_equal(post(i == 6       ? "login_refused"
					 : i == 10 ? "password_expired"
						   : NULL,
					 REALM "/login", cases[i].body),
			cases[i].status);
		if (cases[i].location)
			assert_location(cases[i].location);
		if (cases[i].part && !says(cases[i].part))
			fail_msg("case %zu: no \"%s\"", i, cases[i].part);
		if (cases[i].status >= 400)
			assert_true(
				says("id=\"f-username-problem\">") && says("aria-describedby=\"f-username-problem\""));
	}
	assert_int_equal(get("login", REALM "/login"), 200);
	assert_true(says("href=\"" REALM "/register\""));
	fake_profiles[0].open = fake_profiles[1].open = false;
	assert_int_equal(get(NULL, REALM "/login"), 200);
	assert_false(says("href=\"" REALM "/register\"")); /* nobody may */
	fake_profiles[0].open = fake_profiles[1].open = true;
	assert_true(says("name=\"username\"") && says("name=\"login\"") && says("autocomplete=\"current-password\""));
}

static void login_throttled_says_when(void **state) {
	(void)state;
	world_reset();
	world.login = LOGIN_THROTTLED;
	post("login_throttled", REALM "/login", "username=g&password=p");
	assert_true(str_eq(response_get(&response, "Retry-After"), STR("90")));
}

static void password(void **state) {
	(void)state;
	world_reset();
	assert_int_equal(get("password", REALM "/password"), 200);
	world.change = ERR_FIELDS;
	world.password_reason = "password.weak";
	assert_int_equal(post("password_wrong", REALM "/password", "username=g&password=old&new_password=newnew"), 422);
	assert_true(says("href=\"#f-new_password\"") && says("too easy to guess"));
	assert_false(says("newnew"));
	assert_true(says("at least 14 characters"));
	world.old_wrong = true;
	world.password_reason = NULL;
	assert_int_equal(post(NULL, REALM "/password", "username=g&password=old&new_password=newnew"), 422);
	assert_true(says("href=\"#f-password\""));
	assert_int_equal(post(NULL, REALM "/password", "username=&password=old&new_password=newnew"), 422);
	assert_true(says("id=\"f-username-problem\">") && says("aria-describedby=\"f-username-problem\""));
	world.change = OK;
	assert_int_equal(
		post("password_changed", REALM "/password", "username=g&password=old&new_password=newnew"), 200);
	assert_true(str_starts(response_get(&response, "Set-Cookie"), STR("__Host-session-staff=SESSION")));
	assert_int_equal(get("reset", REALM "/reset"), 200);
	assert_int_equal(post("reset_sent", REALM "/reset", "username=nobody&send=send"), 200);
	assert_int_equal(post(NULL, REALM "/reset", "username=&send=send"), 422);
	assert_int_equal(get("reset_set", REALM "/reset?t=X"), 200);
	assert_int_equal(post("reset_done", REALM "/reset", "t=X&password=newnew"), 200);
	world.reset = ERR_EXPIRED;
	assert_int_equal(post("reset_ended", REALM "/reset", "t=X&password=newnew"), 410);
}

/* Who must change a password first, in a browser where somebody else is logged in. */
static void password_of_another(void **state) {
	(void)state;
	world_reset();
	world.logged_in = true;
	world.login = LOGIN_MUST_CHANGE;
	assert_int_equal(post(NULL, REALM "/login", "username=bob&password=p"), 200);
	assert_true(says("value=\"bob\""));
	world.login = LOGIN_OK;
	world.change = ERR_FIELDS;
	world.password_reason = "password.weak";
	assert_int_equal(post(NULL, REALM "/password", "username=bob&password=p&new_password=n"), 422);
	assert_true(says("value=\"bob\"") && str_eq(world.changed, STR("bob")));
	world.change = OK;
	assert_int_equal(post(NULL, REALM "/password", "username=bob&password=p&new_password=n"), 200);
	assert_true(str_eq(world.changed, STR("bob")) && str_eq(world.replaced, STR("S")));
	assert_int_equal(post(NULL, REALM "/password", "username=&password=p&new_password=n"), 200);
	assert_true(str_eq(world.changed, STR("grace"))); /* who is logged in need not say who they are */
}

/* ---- applications ---- */

static void authorize(void **state) {
	(void)state;
	world_reset();
	assert_int_equal(get(NULL, REALM "/authorize?client_id=wiki"), 303);
	assert_location(REALM "/login");
	assert_true(str_starts(response_get(&response, "Set-Cookie"), STR("__Host-request-staff=PARKED;")));
	assert_int_equal(post(NULL, REALM "/authorize", "client_id=wiki"), 303); /* came without the session's cookie */
	assert_location(REALM "/authorize/resume");
	assert_true(str_starts(response_get(&response, "Set-Cookie"), STR("__Host-request-staff=PARKED;")));
	world.silent = true; /* a hidden frame, that keeps no cookie of ours */
	assert_int_equal(post(NULL, REALM "/authorize", "client_id=wiki"), 303);
	assert_location("https://wiki.example.org/cb?error=login_required");
	world.silent = false;
	world.parked_at = NOW;
	assert_int_equal(get(NULL, REALM "/authorize/resume"), 303);
	assert_location(REALM "/login");
	assert_int_equal(get("login_application", REALM "/login"), 200);
	assert_true(says("The wiki") && says("name=\"request\""));
	assert_true(
		str_contains(response_get(&response, "Content-Security-Policy"), STR("form-action 'self' https:;")));
	assert_int_equal(post(NULL, REALM "/login", "username=g&password=p"), 303);
	assert_location(REALM "/authorize/resume");
	world.logged_in = true;
	assert_int_equal(get(NULL, REALM "/authorize/resume"), 303);
	assert_location("https://wiki.example.org/cb?code=CODE");
	assert_true(str_starts(response_get(&response, "Set-Cookie"), STR("__Host-request-staff=; ")));
	world.form_post = true;
	assert_int_equal(get("form_post", REALM "/authorize/resume"), 200);
	assert_true(says("action=\"https://wiki.example.org/cb\"") && says("value=\"CODE\""));
	world_reset();
	world.authorize = ERR_CLIENT;
	assert_int_equal(get("application_unknown", REALM "/authorize?client_id=x"), 400);
	assert_true(str_absent(response_get(&response, "Location")));
	world.authorize = ERR_SCOPE;
	world.redirect = true;
	assert_int_equal(get(NULL, REALM "/authorize?client_id=x"), 303);
	assert_location("https://wiki.example.org/cb?error=invalid_scope");
	assert_true(str_eq(world.refusal, STR("authorize")));
	assert_int_equal(task.failure, OK);
	assert_int_equal(get("expired", REALM "/authorize/resume"), 410);
}

static void consent(void **state) {
	(void)state;
	world_reset();
	world.logged_in = true;
	world.next = AUTHORIZE_CONSENT;
	assert_int_equal(get(NULL, REALM "/authorize"), 303);
	assert_location(REALM "/consent");
	world.parked_at = NOW;
	assert_int_equal(get("consent", REALM "/consent"), 200);
	assert_true(says("your mail address") && !says("consent.scope"));
	assert_true(says("name=\"allow\"") && says("name=\"deny\"") && says("The wiki would like to know"));
	assert_int_equal(post(NULL, REALM "/consent", "deny=deny"), 303);
	assert_location("https://wiki.example.org/cb?error=access_denied");
	assert_int_equal(world.granted, 0);
	assert_int_equal(post(NULL, REALM "/consent", "allow=allow"), 303);
	assert_location("https://wiki.example.org/cb?code=CODE");
}

static void logout(void **state) {
	(void)state;
	world_reset();
	world.logged_in = world.confirm = true;
	assert_int_equal(get("logout", REALM "/logout"), 200);
	assert_int_equal(world.ended, 0);
	assert_true(says("name=\"logout\""));
	assert_int_equal(post("logged_out", REALM "/logout", "logout=logout"), 200);
	assert_int_equal(world.ended, 1);
	world.confirm = false;
	world.has_return = true;
	assert_int_equal(get(NULL, REALM "/logout?id_token_hint=x"), 303);
	assert_location("https://wiki.example.org/?state=a%20b");
	world.logout_read = ERR_INVALID;
	assert_int_equal(get(NULL, REALM "/logout?id_token_hint=x"), 400);
	assert_int_equal(world.ended, 2);
}

/* An application's POST comes without the session's cookie, whoever is logged in. */
static void logout_from_elsewhere(void **state) {
	(void)state;
	world_reset();
	assert_int_equal(post(NULL, REALM "/logout", "client_id=wiki&state=a%20b&ui_locales=en"), 303);
	assert_location(REALM "/logout?client_id=wiki&state=a%20b");
	assert_true(str_absent(response_get(&response, "Set-Cookie")));
	world.has_return = true;
	assert_int_equal(post(NULL, REALM "/logout", "id_token_hint=x"), 303);
	assert_location("https://wiki.example.org/?state=a%20b");
	assert_true(str_absent(response_get(&response, "Set-Cookie")));      /* it may be another person's */
	assert_int_equal(post(NULL, REALM "/logout", "logout=logout"), 303); /* our own form, after the session's end */
	assert_location("https://wiki.example.org/?state=a%20b");
	assert_true(str_starts(response_get(&response, "Set-Cookie"), STR("__Host-session-staff=;")));
	assert_int_equal(get(NULL, REALM "/logout"), 303);
	assert_true(str_starts(response_get(&response, "Set-Cookie"), STR("__Host-session-staff=;")));
}

static void account(void **state) {
	(void)state;
	world_reset();
	assert_int_equal(get(NULL, REALM "/account"), 303);
	assert_location(REALM "/login?to=%2Frealms%2Fstaff%2Faccount");
	world.logged_in = true;
	assert_int_equal(get("account", REALM "/account"), 200);
	assert_true(says("grace") && says("Firefox") && says("Safari") && says("name=\"end_others\""));
	assert_int_equal(post(NULL, REALM "/account", "end_others=1"), 303);
	assert_int_equal(world.ended, 1);
	assert_int_equal(get("home", REALM "/"), 200);
	world.logged_in = false;
	assert_int_equal(get("home_out", REALM "/"), 200);
}

/* ---- everywhere ---- */

static void texts_are_there(void **state) {
	(void)state;
	for (int code = 0; code < ERR_COUNT; code++) {
		begin();
		struct request q = {.method = METHOD_GET, .path = STR("/")};
		page_error(&task, &q, &response, (enum err)code);
		assert_true(response.html && says("<h1>") && says("<code>"));
		if (says(">error."))
			fail_msg("no text for %s", err_row((enum err)code)->sentence);
	}
}

static void files(void **state) {
	(void)state;
	world_reset();
	assert_int_equal(get(NULL, "/"), 303);
	assert_location(REALM "/");
	begin();
	const struct asset *css = asset_named("usher.css"), *js = asset_named("usher.js");
	assert_non_null(css);
	assert_true(css->body.n < 20480 && js->body.n < 10240);
	char target[128];
	snprintf(target, sizeof(target), "%.*s", FMT(css->path));
	assert_int_equal(get(NULL, target), 200);
	assert_true(str_contains(response_get(&response, "Cache-Control"), STR("immutable")));
	begin();
	snprintf(target, sizeof(target), "%.*s", FMT(theme_path(arena, &fake_realms[0])));
	assert_int_equal(get(NULL, target), 200);
	assert_true(says("--accent"));
	assert_int_equal(get(NULL, REALM "/nothing"), 404);
	assert_int_equal(get(NULL, "/nothing"), 404);
	assert_int_equal(get(NULL, REALM "/.well-known/openid-configuration"), 200);
	assert_int_equal(get(NULL, "/.well-known/oauth-authorization-server" REALM), 200);
	world.has_return = false;
	assert_int_equal(post(NULL, REALM "/userinfo", "access_token=tok"), 200);
	assert_true(says("tok"));
	assert_int_equal(get(NULL, REALM "/userinfo"), 401);
	world.authorization = STR("Bearer tok");
	assert_int_equal(post(NULL, REALM "/userinfo", "access_token=tok"), 400);
	assert_int_equal(post(NULL, REALM "/userinfo", "access_token="), 200);
	world.authorization = STR("");
	assert_int_equal(post(NULL, REALM "/claims", "access_token=tok"), 200);
	assert_true(str_eq(response_get(&response, "Content-Type"), STR("application/jwt")));
	assert_int_equal(get(NULL, REALM "/claims"), 401);
}

static void forms_need_their_token(void **state) {
	static const char *const targets[] = {"/login", "/register/guest", "/register/guest/resend", "/verify",
		"/status", "/activate", "/password", "/reset", "/consent", "/account", "/admin/registrations/R1",
		"/admin/registrations/R1/retry", "/admin/registrations/R1/resend", "/admin/jobs", "/admin/people/A1",
		"/admin/people/A1/plan"};
	(void)state;
	for (size_t i = 0; i < COUNT(targets); i++) {
		char target[128];
		const struct route *route;
		struct str allow;
		world_reset();
		world.logged_in = true;
		begin();
		snprintf(target, sizeof(target), REALM "%s", targets[i]);
		struct request q = {.method = METHOD_POST,
			.cookie = STR("__Host-csrf-staff=" COOKIE_CSRF SESSION_COOKIE),
			.path = str_of(target),
			.query_text = STR_NONE,
			.content_type = STR("application/x-www-form-urlencoded"),
			.body = STR("csrf=wrong&username=g&password=p")};
		assert_int_equal(route_find(&task, &q, &route, &allow), OK);
		route_run(&task, route, &q, &response);
		if (response.status != 403)
			fail_msg("%s: %d", target, response.status);
	}
}

static void every_mail_renders(void **state) {
	static const char *const names[] = {"verify", "known", "already", "pending", "approvers", "reminder",
		"rejected", "undecided", "activate", "active", "reset", "changed", "locked"};
	static const char *const parts[] = {"subject", "txt", "html"};
	(void)state;
	begin();
	struct value *data = value_object(arena), *realm = value_child(arena, data, "realm"),
		     *requester = value_child(arena, data, "requester");
	value_text(arena, realm, "title", STR("Example Corporation"));
	value_text(arena, realm, "contact", STR("helpdesk@example.org"));
	value_text(arena, data, "name", STR("Ada"));
	value_text(arena, data, "login", STR("alovelace"));
	value_text(arena, data, "reason", STR("no <b>room</b>"));
	value_text(arena, data, "link", STR("https://id.example.org/realms/staff/verify?t=SECRET"));
	value_text(arena, data, "link_ends", STR("24 Nov 2026, 22:03 UTC"));
	value_text(arena, data, "login_link", STR("https://id.example.org/realms/staff/login"));
	value_text(arena, data, "forgotten_link", STR("https://id.example.org/realms/staff/reset"));
	value_text(arena, requester, "name", STR("Ada Lovelace"));
	for (size_t i = 0; i < COUNT(names) * COUNT(parts); i++) {
		char name[64], file[64];
		struct buf out = buf_new(arena, LIMIT_MAIL / 2);
		snprintf(name, sizeof(name), "mail/%s.%s", names[i / 3], parts[i % 3]);
		assert_int_equal(template_render(pages_now(), name, data, &out), OK);
		response = (struct response){.html = true, .body = buf_str(&out)};
		assert_true(says("Example Corporation"));
		assert_false(says("#blocked"));
		snprintf(file, sizeof(file), "mail_%s_%s", names[i / 3], parts[i % 3]);
		look_at(file);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registration_form),
		cmocka_unit_test(verify),
		cmocka_unit_test(status),
		cmocka_unit_test(activation),
		cmocka_unit_test(login),
		cmocka_unit_test(login_throttled_says_when),
		cmocka_unit_test(password),
		cmocka_unit_test(password_of_another),
		cmocka_unit_test(authorize),
		cmocka_unit_test(consent),
		cmocka_unit_test(logout),
		cmocka_unit_test(logout_from_elsewhere),
		cmocka_unit_test(account),
		cmocka_unit_test(texts_are_there),
		cmocka_unit_test(files),
		cmocka_unit_test(forms_need_their_token),
		cmocka_unit_test(every_mail_renders),
	};
	return cmocka_run_group_tests(tests, pages_setup, pages_teardown);
}
