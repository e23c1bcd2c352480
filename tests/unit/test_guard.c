#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/secret.h"
#include "web/guard.h"

static unsigned taken, allowance = 1000;

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
	return str_printf(arena, "%d %.*s", (int)code, FMT(description));
}

enum err login_session(struct task *t, struct str secret, struct login_state *ret) {
	(void)secret;
	(void)ret;
	return task_fail(t, ERR_LOGIN, "nobody");
}

enum err throttle_take(struct task *t, enum throttle kind, struct str key) {
	assert_int_equal(kind, THROTTLE_REGISTER_ADDRESS);
	assert_true(str_eq(key, STR("192.0.2.1")));
	if (taken == allowance)
		return task_fail(t, ERR_TOO_MANY, "none left");
	taken++;
	return OK;
}

static struct arena *a;
static struct task t;
static struct realm staff = {.id = {"staff", 5}}, guests = {.id = {"guests", 6}};
static struct config config = {.public_url = {"https://id.example.org", 22}, .secure = true, .proof_of_work_bits = 8};
static const struct route csrf_route = {"", METHOD_POST, PLACE_WORKER, GUARD_CSRF, NULL, false};
static const struct route proof_route = {"", METHOD_POST, PLACE_WORKER, GUARD_PROOF, NULL, false};

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

static void in_realm(struct realm *r) {
	t.realm = r;
	t.realm_name = r->id;
}

static int each(void **state) {
	(void)state;
	arena_wipe(a);
	task_begin(&t, a, NULL, 1000);
	t.config = &config;
	t.address = STR("192.0.2.1");
	in_realm(&staff);
	config.proof_of_work_bits = 8;
	config.secure = true;
	taken = 0;
	allowance = 1000;
	return 0;
}

/* ---- forms ---- */
struct form {
	struct request q;
	struct param v[2];
};

/* A form as a browser would post it: the token and the cookie of a page that was shown. */
static void show_and_post(struct form *f) {
	struct request shown = {.method = METHOD_GET};
	struct response r = {.status = 200};
	struct str token = csrf_token(&t, &shown, &r), cookie = response_get(&r, "Set-Cookie");
	assert_true(str_starts(cookie, STR("__Host-csrf-staff=")));
	assert_true(str_ends(cookie, STR("; Path=/; HttpOnly; SameSite=Lax; Secure")));
	*f = (struct form){.q = {.method = METHOD_POST, .cookie = str_sub(cookie, 0, str_find(cookie, ';', 0))}};
	f->v[0] = (struct param){STR("csrf"), token};
	f->q.form = (struct params){f->v, 1};
}

static enum err post(struct form *f) {
	struct response r = {.status = 0};
	f->q.form.v = f->v;
	task_clear(&t);
	return guard_check(&t, &csrf_route, &f->q, &r);
}

static void takes_its_own_forms(void **state) {
	(void)state;
	struct form f;
	show_and_post(&f);
	assert_int_equal(post(&f), OK);
	f.q.fetch_site = STR("same-origin");
	f.q.origin = STR("https://id.example.org");
	assert_int_equal(post(&f), OK);
	f.q.origin = STR("null"); /* what browsers send under no-referrer */
	assert_int_equal(post(&f), OK);
}

static void refuses_other_sites(void **state) {
	(void)state;
	static const struct {
		struct str site, origin;
	} rows[] = {
		{STR("cross-site"), STR("")},
		{STR("same-site"), STR("")},
		{STR("none"), STR("")},
		{STR("cross-site"), STR("null")},
		{STR(""), STR("https://evil.example")},
		{STR(""), STR("https://id.example.org.evil.example")},
		{STR(""), STR("http://id.example.org")},
		{STR(""), STR("https://id.example.org:8443")},
		{STR("same-origin"), STR("https://evil.example")},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct form f;
		show_and_post(&f);
		f.q.fetch_site = rows[i].site;
		f.q.origin = rows[i].origin;
		assert_int_equal(post(&f), ERR_DENIED);
	}
}

static void refuses_wrong_tokens(void **state) {
	(void)state;
	struct form f, other;
	show_and_post(&f);
	show_and_post(&other);
	struct str right = f.v[0].value, cookie = f.q.cookie;
	f.v[0].value = other.v[0].value; /* of another browser */
	assert_int_equal(post(&f), ERR_DENIED);
	f.v[0].value = str_sub(right, 0, right.n - 1);
	assert_int_equal(post(&f), ERR_DENIED);
	f.v[0].value = STR("");
	assert_int_equal(post(&f), ERR_DENIED);
	f.v[0] = (struct param){STR("other"), right};
	assert_int_equal(post(&f), ERR_DENIED);
	f.v[0] = (struct param){STR("csrf"), right};
	f.q.cookie = STR_NONE;
	assert_int_equal(post(&f), ERR_DENIED);
	f.q.cookie = STR("__Host-csrf-staff=");
	assert_int_equal(post(&f), ERR_DENIED);
	f.q.cookie = str_printf(a, "%.*s; %.*s", FMT(cookie), FMT(cookie));
	assert_int_equal(post(&f), ERR_DENIED);
	f.q.cookie = cookie;
	assert_int_equal(post(&f), OK);
}

/* The same cookie under the name of another realm gives another token. */
static void keeps_realms_apart(void **state) {
	(void)state;
	struct form f;
	show_and_post(&f);
	struct str value = str_sub(f.q.cookie, sizeof("__Host-csrf-staff=") - 1, SIZE_MAX);
	f.q.cookie = str_printf(a, "__Host-csrf-guests=%.*s", FMT(value));
	in_realm(&guests);
	assert_int_equal(post(&f), ERR_DENIED);
}

static void keeps_the_cookie_of_a_browser(void **state) {
	(void)state;
	struct form f;
	struct response r = {.status = 0};
	show_and_post(&f);
	assert_true(str_eq(csrf_token(&t, &f.q, &r), f.v[0].value));
	assert_int_equal(r.n_headers, 0);
	f.q.csrf = STR_NONE;
	f.q.cookie = STR("__Host-csrf-staff=short");
	assert_false(str_eq(csrf_token(&t, &f.q, &r), f.v[0].value));
	assert_int_equal(r.n_headers, 1);
	struct str again = csrf_token(&t, &f.q, &r);
	assert_true(str_eq(csrf_token(&t, &f.q, &r), again));
	assert_int_equal(r.n_headers, 1);
}

static void names_cookies(void **state) {
	(void)state;
	struct response r = {.status = 0};
	response_cookie(&t, &r, "session", STR("x"), 3600);
	assert_true(str_eq(response_get(&r, "Set-Cookie"),
		STR("__Host-session-staff=x; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=3600")));
	config.secure = false;
	r = (struct response){.status = 0};
	response_cookie(&t, &r, "session", STR("x"), -1);
	assert_true(str_eq(
		response_get(&r, "Set-Cookie"), STR("session-staff=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")));
	response_cookie(&t, &r, "session", STR("x; Domain=example.org"), 0);
	assert_true(r.broken);
}

static void allows_form_actions(void **state) {
	(void)state;
	static const struct {
		struct str uri, source;
	} rows[] = {
		{STR("https://app.example/cb?x=1"), STR("https:")},
		{STR("https://app.example:8443"), STR("https:")},
		{STR("http://127.0.0.1:1234/cb"), STR("http://127.0.0.1:1234")},
		{STR("http://[::1]/cb"), STR("http://[::1]")},
		{STR("org.example.app:/cb"), STR("org.example.app:")},
		{STR("https://app.example; script-src *"), STR("https:")},
		{STR("http://app.example; script-src *"), STR_NONE},
		{STR("http://app.example 'unsafe-inline'"), STR_NONE},
		{STR("http://app.example,x"), STR_NONE},
		{STR("http://*/"), STR_NONE},
		{STR("/relative"), STR_NONE},
		{STR(""), STR_NONE},
		{STR(":"), STR_NONE},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct response r = {.status = 200};
		response_form_action(&r, rows[i].uri);
		if (!str_eq(r.form_action, rows[i].source))
			fail_msg("%.*s: %.*s", FMT(rows[i].uri), FMT(r.form_action));
	}
}

static void returns_within_the_realm(void **state) {
	(void)state;
	static const struct {
		struct str to;
		bool allowed;
	} rows[] = {
		{STR("/realms/staff/account"), true},
		{STR("/realms/staff/account?a=%2F%2Fb"), true},
		{STR("/realms/staff/"), true},
		{STR("/realms/staff"), false},
		{STR("/realms/staffx/account"), false},
		{STR("/realms/guests/account"), false},
		{STR("/"), false},
		{STR(""), false},
		{STR_NONE, false},
		{STR("//evil.example/realms/staff/"), false},
		{STR("https://evil.example/realms/staff/"), false},
		{STR("/realms/staff//evil.example"), false},
		{STR("/realms/staff/../guests/"), false},
		{STR("/realms/staff/%2e%2e/guests"), false},
		{STR("/realms/staff/\\evil.example"), false},
		{STR("/realms/staff/a\r\nb"), false},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (guard_return_allowed(&t, rows[i].to) != rows[i].allowed)
			fail_msg("%.*s", FMT(rows[i].to));
}

/* ---- proof of work ---- */
static bool solves(struct str challenge, long long number, int bits) {
	uint8_t hash[HASH_SIZE];
	sha256_into(hash, str_printf(a, "%.*s.%lld", FMT(challenge), number));
	for (int i = 0; i < bits; i++)
		if (hash[i / 8] & (0x80 >> (i % 8)))
			return false;
	return true;
}

static struct str solve(struct str challenge, bool right) {
	long long number = 0;
	while (solves(challenge, number, 8) != right)
		number++;
	return str_printf(a, "%lld", number);
}

static void checks_proofs(void **state) {
	(void)state;
	struct str challenge = proof_challenge(&t), answer = solve(challenge, true);
	assert_true(str_starts(challenge, STR("v1.")));
	assert_false(proof_check(&t, challenge, solve(challenge, false)));
	assert_false(proof_check(&t, challenge, STR("")));
	assert_false(proof_check(&t, challenge, STR_NONE));
	assert_false(proof_check(&t, challenge, STR("-1")));
	assert_false(proof_check(&t, STR_NONE, answer));
	assert_false(proof_check(&t, STR(""), answer));
	assert_true(proof_check(&t, challenge, answer));
	assert_false(proof_check(&t, challenge, answer)); /* used */
}

static void refuses_forged_challenges(void **state) {
	(void)state;
	static const char *const forged[] = {
		"v1", "v1....", "v1.9999999999.AAAAAAAAAAAAAAAAAAAA.0.AAAA", "v2.1.2.3.4", "a.b.c.d.e.f", "....."};
	for (size_t i = 0; i < COUNT(forged); i++)
		assert_false(proof_check(&t, str_of(forged[i]), STR("1")));
	struct str challenge = proof_challenge(&t), answer = solve(challenge, true);
	for (size_t i = 0; i < challenge.n; i++) {
		struct str changed = str_dup(a, challenge);
		((char *)changed.p)[i] ^= 1;
		assert_false(proof_check(&t, changed, answer));
	}
	in_realm(&guests);
	assert_false(proof_check(&t, challenge, answer));
	in_realm(&staff);
	assert_true(proof_check(&t, challenge, answer));
}

static void ends_challenges(void **state) {
	(void)state;
	struct str challenge = proof_challenge(&t), answer = solve(challenge, true);
	clock_shift_ms(601000);
	assert_false(proof_check(&t, challenge, answer));
	clock_shift_ms(-601000);
	assert_true(proof_check(&t, challenge, answer));
}

static enum err register_with(struct str challenge, struct str answer, bool *scripted) {
	struct param v[] = {{STR("pow_challenge"), challenge}, {STR("pow_answer"), answer}};
	struct request q = {.method = METHOD_POST, .form = {v, 2}};
	struct response r = {.status = 0};
	task_clear(&t);
	enum err code = guard_check(&t, &proof_route, &q, &r);
	*scripted = q.scripted;
	return code;
}

static void costs_more_without_proof(void **state) {
	(void)state;
	struct str challenge = proof_challenge(&t);
	bool scripted;
	assert_int_equal(register_with(challenge, solve(challenge, true), &scripted), OK);
	assert_true(scripted);
	assert_int_equal(taken, 0);
	assert_int_equal(register_with(STR(""), STR(""), &scripted), OK);
	assert_false(scripted);
	assert_true(taken > 0);
	allowance = taken;
	assert_int_equal(register_with(STR(""), STR(""), &scripted), ERR_TOO_MANY);
	config.proof_of_work_bits = 0; /* off: nobody is asked for it */
	assert_int_equal(register_with(STR(""), STR(""), &scripted), OK);
	assert_true(scripted);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(takes_its_own_forms, each),
		cmocka_unit_test_setup(refuses_other_sites, each),
		cmocka_unit_test_setup(refuses_wrong_tokens, each),
		cmocka_unit_test_setup(keeps_realms_apart, each),
		cmocka_unit_test_setup(keeps_the_cookie_of_a_browser, each),
		cmocka_unit_test_setup(names_cookies, each),
		cmocka_unit_test_setup(allows_form_actions, each),
		cmocka_unit_test_setup(returns_within_the_realm, each),
		cmocka_unit_test_setup(checks_proofs, each),
		cmocka_unit_test_setup(refuses_forged_challenges, each),
		cmocka_unit_test_setup(ends_challenges, each),
		cmocka_unit_test_setup(costs_more_without_proof, each),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
