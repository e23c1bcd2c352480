/* Pages of approvers and operators. */
#include "tests/unit/pages_fixture.h"

/* ---- approvers ---- */

static void approval(void **state) {
	(void)state;
	world_reset();
	world.logged_in = true;
	assert_int_equal(get("queue", REALM "/admin/registrations"), 200);
	assert_true(says("6 days") && says("ada@example.net"));
	assert_int_equal(get(NULL, REALM "/admin/registrations?age=5"), 200);
	assert_false(says("2 days</span>"));
	assert_int_equal(get(NULL, REALM "/admin/registrations?age=14"), 200);
	assert_true(says("No request is like this") && !says("Nothing waits"));
	assert_int_equal(get("request", REALM "/admin/registrations/R1"), 200);
	assert_true(says("name=\"decision\"") && says("name=\"groups[]\"") && says("value=\"DIGEST\"") &&
		    says("objectClass: inetOrgPerson"));
	assert_false(says("<mark>"));
	assert_int_equal(get("request_choice", REALM "/admin/registrations/"
						     "R1?base=ou%3Dguests%2Cdc%3Dexample%2Cdc%3Dorg&groups%5B%5D=cn%"
						     "3Dvpn%2Cou%3Dgroups%2Cdc%3Dexample%2Cdc%3Dorg"),
		200);
	assert_true(says("<mark>dn: uid=alovelace,ou=guests") && says("<mark>dn: cn=vpn"));
	assert_int_equal(get(NULL, REALM "/admin/registrations/R2"), 404);
	world.actor = ERR_DENIED;
	assert_int_equal(get("denied", REALM "/admin/registrations"), 403);
}

static void decision(void **state) {
	(void)state;
	world_reset();
	world.logged_in = true;
	assert_int_equal(
		post("request_undecided", REALM "/admin/registrations/R1", "base=x&version=3&digest=DIGEST"), 422);
	assert_int_equal(world.decided, 0);
	assert_true(says("href=\"#f-approve\"") && says("id=\"f-approve-problem\">") &&
		    says("aria-describedby=\"f-approve-problem\""));
	assert_int_equal(
		post(NULL, REALM "/admin/registrations/R1", "base=b&groups%5B%5D=g1&groups%5B%5D=g2&preview=1"), 303);
	assert_location(REALM "/admin/registrations/R1?base=b&groups%5B%5D=g1&groups%5B%5D=g2#plan");
	assert_int_equal(post(NULL, REALM "/admin/registrations/R1",
				 "decision=approve&base=b&groups%5B%5D=g1&version=3&digest=DIGEST&decide=1"),
		303);
	assert_location(REALM "/admin/registrations/R1?done=approve");
	assert_true(world.decision.approve && world.decision.version == 3 && world.decision.groups.n == 1);
	world.decide = ERR_FIELDS;
	assert_int_equal(
		post("request_reason", REALM "/admin/registrations/R1", "decision=reject&base=b&version=3&digest=D"),
		422);
	assert_true(says("href=\"#f-reason\""));
	world.decide = ERR_STALE;
	assert_int_equal(post("request_stale", REALM "/admin/registrations/R1",
				 "decision=approve&base=b&version=3&digest=D&reason=because"),
		409);
	assert_true(says("The plan is another") && says("because"));
	world.state = REGISTRATION_APPROVED;
	assert_int_equal(
		post("request_parked", REALM "/admin/registrations/R1", "decision=approve&version=3&digest=D"), 409);
	assert_true(says("It was stopped and waits for you") && !says("less than a minute"));
	assert_true(says("Somebody else was faster") && says("name=\"retry\"") && says("name=\"cancel\""));
	assert_int_equal(post(NULL, REALM "/admin/registrations/R1/retry", "cancel=1"), 303);
	assert_location(REALM "/admin/registrations/R1?done=cancel");
	world.plan = ERR_STALE;
	assert_int_equal(post(NULL, REALM "/admin/registrations/R1/retry", "cancel=1"), 303);
	assert_location(REALM "/admin/registrations/R1?done=uncancelled");
	assert_int_equal(world.cancelled, 2);
	world.state = REGISTRATION_ACTIVE;
	assert_int_equal(get("request_active", REALM "/admin/registrations/R1?done=approve"), 200);
}

static void hidden_letters(void **state) {
	static const struct {
		const char *typed, *shown;
	} cases[] = {
		{"Ada Lovelace", "Ada Lovelace"},
		{"José Ångström", "José Ångström"},
		{"Анна", "Анна"},
		{"Aнна", "A[U+043D][U+043D][U+0430]"},
		{"a\xe2\x80\xaetxt", "a[U+202E]txt"},
		{"a\xe2\x80\x8b\xef\xbb\xbf", "a[U+200B][U+FEFF]"},
		{"a\xc2\xa0\x62", "a[U+00A0]b"},
		{"line\nbreak", "line\nbreak"},
		{"dotless \xc4\xb1", "dotless [U+0131]"},
		{"", ""},
	};
	(void)state;
	begin();
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str shown = visible(&task, str_of(cases[i].typed));
		if (!str_eq(shown, str_of(cases[i].shown)))
			fail_msg("%s: %.*s", cases[i].typed, FMT(shown));
	}
	world_reset();
	world.logged_in = true;
	world.name = "A\xe2\x80\xae"
		     "da";
	assert_int_equal(get("request_hidden", REALM "/admin/registrations/R1"), 200);
	assert_true(says("A[U+202E]da") && says("hidden or confusable"));
}

static void operations(void **state) {
	static const char *const paths[] = {"jobs", "people", "audit", "health"};
	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		char target[64];
		world_reset();
		world.logged_in = true;
		snprintf(target, sizeof(target), REALM "/admin/%s", paths[i]);
		assert_int_equal(get(NULL, target), 403);
		world.is_operator = true;
		assert_int_equal(get(paths[i], target), 200);
		assert_int_equal(
			says("stopped, an operator must decide") && says("6 of 20 &lt;are&gt; not there"), i == 3);
		assert_int_equal(says("Log out at applications: bye&amp;bye") && says("it answers 503"), i == 0);
	}
	assert_int_equal(get(NULL, REALM "/admin/audit.csv"), 200);
	assert_true(says("\"'=HYPERLINK(1)\"") && says("\"say \"\"x\"\"\""));
	assert_int_equal(get(NULL, REALM "/admin/audit?actor=GRACE&subject=grace"), 200);
	assert_true(str_eq(world.audit_actor, STR("person:s1")) && str_eq(world.audit_subject, STR("A1")));
	assert_true(says("value=\"GRACE\"") && says("<code>login.ok</code>"));
	assert_int_equal(get(NULL, REALM "/admin/audit?actor=job&subject=R1"), 200);
	assert_true(str_eq(world.audit_actor, STR("job")) && str_eq(world.audit_subject, STR("R1")));
	assert_int_equal(post(NULL, REALM "/admin/jobs", "id=J2&retry=1"), 303);
	assert_location(REALM "/admin/jobs?done=1");
	assert_int_equal(post(NULL, REALM "/admin/jobs", "id=J9&retry=1"), 303);
	assert_location(REALM "/admin/jobs");
}

#define ADA REALM "/admin/people/A1"
/* The first letters of base64url(SHA-256) of "Old" and of the group's name. */
#define TITLE_MARK "vKlxYPThIR_m"
#define WIKI_MARK  "pTkhpldhrLdQ"

static void person(void **state) {
	(void)state;
	world_reset();
	world.logged_in = true;
	assert_int_equal(get(NULL, ADA), 403);
	world.is_operator = true;
	assert_int_equal(get(NULL, REALM "/admin/people/A2"), 404);
	assert_int_equal(get("person", ADA), 200);
	assert_true(says("Ada &lt;b&gt;") && says("name=\"set_phone\"") && says("title was &lt;changed&gt;"));
	assert_true(says("cn=all,ou=groups") && says("name=\"retry\"") && says("name=\"cancel\""));
	assert_false(says("name=\"apply\""));
	world.person = ERR_UNAVAILABLE;
	assert_int_equal(get("person_unanswered", ADA), 200);
	assert_true(says("does not answer") && !says("name=\"preview\"") && says("name=\"retry\""));
	world.person = ERR_NOT_FOUND;
	assert_int_equal(get("person_gone", ADA), 200);
	assert_true(says("No longer in the directory") && !says("name=\"preview\""));
}

static void person_changed(void **state) {
	(void)state;
	world_reset();
	world.logged_in = true;
	assert_int_equal(post(NULL, ADA, "set_title=Head&preview=1"), 403);
	world.is_operator = true;
	assert_int_equal(
		post("person_preview", ADA,
			"set_title=Head&set_phone=%2B1%0D%0A%0D%0A+%2B2&set_login=x&groups%5B%5D=cn%3Dwiki%2Cou%3D"
			"groups%2Cdc%3Dexample%2Cdc%3Dorg&base=ou%3Dguests&enabled=disable&ends=2027-01-31&preview=1"),
		200);
	assert_true(says("DIGEST") && says("name=\"apply\"") && says("value=\"Head\"") && says("+1\n+2"));
	assert_int_equal(world.wishes.n_attributes, 2);
	assert_int_equal(world.wishes.attributes[0].values.n, 2); /* of phone: no login, and no empty line */
	assert_int_equal(world.wishes.enabled, WISH_DISABLE);
	assert_true(world.wishes.join.n == 1 && str_eq(world.wishes.join.v[0], fake_more[1]));
	assert_true(world.wishes.leave.n == 1 && str_eq(world.wishes.leave.v[0], fake_more[0]));
	assert_true(str_eq(world.wishes.base, STR("ou=guests")));
	assert_true(str_empty(world.wishes.ends)); /* as it was shown */
	assert_int_equal(post(NULL, ADA, "ends=&preview=1"), 200);
	assert_true(str_eq(world.wishes.ends, STR("never")));
	assert_int_equal(post(NULL, ADA, "ends=2027-02-01&preview=1"), 200);
	assert_true(str_eq(world.wishes.ends, STR("2027-02-01")) && says("value=\"2027-02-01\""));
	assert_int_equal(post(NULL, ADA, "set_title=Head&digest=DIGEST&apply=1"), 303);
	assert_location(ADA "?done=order#h-plans");
	assert_true(str_eq(world.ordered.digest, STR("DIGEST")) && world.ordered.actor);
	/* What stood in the form as it was shown: no wish, whatever it is by now. */
	assert_int_equal(get(NULL, ADA), 200);
	assert_true(says("name=\"seen\" value=\"ends=2027-01-31 mail="));
	assert_int_equal(
		post(NULL, ADA,
			"seen=ends%3D2026-01-01%20title%3D" TITLE_MARK "%20in%3D" WIKI_MARK
			"&set_title=Old&set_given_name=Bea&ends=2026-01-01&groups%5B%5D=cn%3Dwiki%2Cou%3Dgroups"
			"%2Cdc%3Dexample%2Cdc%3Dorg&preview=1"),
		200);
	assert_true(world.wishes.n_attributes == 1 && str_eq(world.wishes.attributes[0].name, STR("given_name")));
	assert_true(!world.wishes.join.n && !world.wishes.leave.n && str_empty(world.wishes.ends));
	world.preview = ERR_FIELDS;
	world.wrong_field = "mail";
	world.wrong_key = "change.mail_taken";
	assert_int_equal(post("person_wrong", ADA, "set_mail=b%40x&preview=1"), 422);
	assert_true(says("href=\"#f-set_mail\"") && says("id=\"f-set_mail-problem\"") && says("value=\"b@x\""));
	assert_false(says("name=\"apply\""));
	world.preview = OK;
	world.order = ERR_STALE;
	assert_int_equal(post("person_stale", ADA, "set_title=Head&digest=OLD&apply=1"), 409);
	assert_true(says("not as you saw it") && says("DIGEST") && says("value=\"Head\""));
	world.order = ERR_DENIED;
	assert_int_equal(post(NULL, ADA, "set_title=Head&digest=DIGEST&apply=1"), 403);
}

static void person_removed(void **state) {
	(void)state;
	world_reset();
	world.logged_in = world.is_operator = true;
	assert_int_equal(post("person_remove", ADA, "remove=yes&set_title=x&preview=1"), 200);
	assert_true(world.wishes.remove && !world.wishes.n_attributes && says("name=\"confirm\"") && says("DIGEST"));
	world.order = ERR_FIELDS;
	world.wrong_field = "confirm";
	world.wrong_key = "change.confirm";
	assert_int_equal(post("person_unconfirmed", ADA, "remove=yes&digest=DIGEST&confirm=bob&apply=1"), 422);
	assert_true(says("href=\"#f-confirm\"") && !says("value=\"bob\""));
	assert_true(str_eq(world.ordered.confirm, STR("bob")));
	assert_int_equal(post(NULL, ADA "/plan", "plan=P1&retry=1"), 303);
	assert_location(ADA "?done=retry#h-plans");
	assert_int_equal(post(NULL, ADA "/plan", "plan=P1&cancel=1"), 303);
	assert_location(ADA "?done=cancel#h-plans");
	world.plan = ERR_STALE;
	assert_int_equal(post(NULL, ADA "/plan", "plan=P1&cancel=1"), 303);
	assert_location(ADA);
	assert_true(world.applied == 1 && world.cancelled == 2);
	world.is_operator = false;
	assert_int_equal(post(NULL, ADA "/plan", "plan=P1&cancel=1"), 403);
	assert_int_equal(world.cancelled, 2);
}

/* What is wrong is said at the field, also to who does not see it. */
static void person_wrong(void **state) {
	static const char *const fields[] = {"base", "ends", "enabled"};
	(void)state;
	for (size_t i = 0; i < COUNT(fields); i++) {
		world_reset();
		world.logged_in = world.is_operator = true;
		world.preview = ERR_FIELDS;
		world.wrong_field = fields[i];
		world.wrong_key = "person.gone";
		assert_int_equal(post(NULL, REALM "/admin/people/A1", "preview=1"), 422);
		char described[64];
		snprintf(described, sizeof(described), "aria-describedby=\"f-%s-problem\"", fields[i]);
		if (!says(described))
			fail_msg("no %s", described);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(approval),
		cmocka_unit_test(decision),
		cmocka_unit_test(hidden_letters),
		cmocka_unit_test(operations),
		cmocka_unit_test(person),
		cmocka_unit_test(person_changed),
		cmocka_unit_test(person_removed),
		cmocka_unit_test(person_wrong),
	};
	return cmocka_run_group_tests(tests, pages_setup, pages_teardown);
}
