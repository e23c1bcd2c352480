/* RP-initiated logout: who is logged out at once, who is asked, and where nobody is sent. And ID tokens as hints. */
#include "tests/unit/oidc_fixture.h"

#define BYE "post_logout_redirect_uri=https%3A%2F%2Fwiki.example.org%2Fbye"

enum hint {
	HINT_NONE,
	HINT_OURS,
	HINT_LATE,
	HINT_TAMPERED,
	HINT_UNSIGNED,
	HINT_ACCESS,
	HINT_OTHER_REALM,
	HINT_NONSENSE
};

static const struct row {
	enum hint hint;
	const char *form;
	bool logged_in;
	enum err wanted;
	bool redirect, confirm;
} rows[] = {
	{HINT_OURS, BYE "&state=st", true, OK, true, false},
	{HINT_OURS, BYE, true, OK, true, false},
	{HINT_OURS, "", true, OK, false, false},
	{HINT_OURS, "state=st", true, OK, false, false},
	{HINT_OURS, BYE, false, OK, true, false},
	{HINT_LATE, BYE, true, OK, true, false},
	{HINT_OURS, BYE "&client_id=wiki", true, OK, true, false},
	{HINT_OURS, BYE "&client_id=ask", true, ERR_INVALID, false, false},
	{HINT_OURS, BYE "&client_id=nobody", true, ERR_INVALID, false, false},
	{HINT_OURS, BYE "%3Fx=1", true, ERR_INVALID, false, false},
	{HINT_OURS, "post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F", true, ERR_INVALID, false, false},
	{HINT_OURS, "post_logout_redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb", true, ERR_INVALID, false,
		false}, /* for logins only */
	{HINT_TAMPERED, BYE, true, ERR_INVALID, false, false},
	{HINT_UNSIGNED, BYE, true, ERR_INVALID, false, false},
	{HINT_ACCESS, BYE, true, ERR_INVALID, false, false},
	{HINT_OTHER_REALM, BYE, true, ERR_INVALID, false, false},
	{HINT_NONSENSE, "", true, ERR_INVALID, false, false},
	{HINT_NONE, "", true, OK, false, true},
	{HINT_NONE, "", false, OK, false, false},
	{HINT_NONE, BYE, true, ERR_INVALID, false, false},
	{HINT_NONE, BYE "&client_id=wiki", true, OK, true, true},
	{HINT_NONE, "post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F&client_id=wiki", true, ERR_INVALID, false,
		false},
};

static struct str hint_of(struct task *t, enum hint kind, struct str id_token, struct str access) {
	size_t dot = str_find(id_token, '.', 0);
	char *p;
	switch (kind) {
	case HINT_NONE:
		return STR_NONE;
	case HINT_ACCESS:
		return access;
	case HINT_NONSENSE:
		return STR("nonsense");
	case HINT_UNSIGNED:
		return str_printf(t->arena, "%.*s%.*s",
			FMT(base64url_encode(t->arena, STR("{\"alg\":\"none\",\"typ\":\"JWT\"}"))),
			FMT(str_sub(id_token, dot, str_find(id_token, '.', dot + 1) + 1 - dot)));
	case HINT_TAMPERED:
		p = (char *)str_dup(t->arena, id_token).p;
		p[dot + 20] = p[dot + 20] == 'A' ? 'B' : 'A';
		return str_slice(p, id_token.n);
	default:
		return id_token;
	}
}

static void reads_requests(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE;
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, ""), &json));
	struct str id_token = member(t, json, "id_token"), access = member(t, json, "access_token");
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		struct logout_request q = {0};
		struct str hint = hint_of(t, row->hint, id_token, access);
		const char *form = str_absent(hint) ? row->form : form_with(t, row->form, "id_token_hint", hint);
		t->realm = &realms[row->hint == HINT_OTHER_REALM];
		t->realm_name = t->realm->id;
		clock_shift_ms(row->hint == HINT_LATE ? 3600000 : 0);
		enum err e = logout_read(t, changed(t->arena, form, ""), row->logged_in ? &login : NULL, &q);
		clock_shift_ms(row->hint == HINT_LATE ? -3600000 : 0);
		if (e != row->wanted || q.confirm != row->confirm ||
			str_empty(q.post_logout_redirect_uri) == row->redirect)
			fail_msg("row %zu: %s (%.*s), confirm %d", i, err_row(e)->name, FMT(t->failure_detail),
				q.confirm);
		if (!e && row->hint == HINT_OURS) {
			assert_str(q.sub, ann.sub);
			assert_str(q.sid, STR("sid-1"));
			assert_ptr_equal(q.client, &clients[WIKI]);
		}
		task_clear(t);
	}
}

static void asks_somebody_else(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE;
	struct logout_request q = {0};
	struct account ben = {.sub = STR("sub-of-ben")};
	const struct login_state other = {&session, &ben};
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, ""), &json));
	const char *form = form_with(t, BYE "&state=a%20b", "id_token_hint", member(t, json, "id_token"));
	assert_ok(logout_read(t, changed(t->arena, form, ""), &other, &q));
	assert_true(q.confirm);
	assert_str(q.state, STR("a b"));
	assert_str(q.post_logout_redirect_uri, STR("https://wiki.example.org/bye"));
}

/* OpenID Connect Core 3.1.2.1: the hint names who is expected. */
static void expects_whom_the_hint_names(void **state) {
	struct task *t = oidc_begin(*state, 0);
	struct str json = STR_NONE;
	struct authorize a;
	bool redirect;
	struct account ben = {.id = STR("A2"), .sub = STR("sub-of-ben")};
	const struct login_state other = {&session, &ben};
	enum authorize_next next = AUTHORIZE_CONSENT;
	assert_ok(code_redeem(t, code_for(t, WIKI_REQUEST, ""), &json));
	const char *hint = form_with(t, "prompt=none", "id_token_hint", member(t, json, "id_token"));
	assert_ok(authorize_read(t, changed(t->arena, WIKI_REQUEST, hint), &a, &redirect));
	assert_str(a.hint_sub, ann.sub);
	assert_ok(authorize_next(t, &a, &login, false, false, &next));
	assert_int_equal(next, AUTHORIZE_GRANT);
	assert_err(authorize_next(t, &a, &other, false, false, &next), ERR_LOGIN_REQUIRED);
	hint = form_with(t, "prompt=", "id_token_hint", member(t, json, "id_token"));
	assert_ok(authorize_read(t, changed(t->arena, WIKI_REQUEST, hint), &a, &redirect));
	assert_ok(authorize_next(t, &a, &other, false, false, &next));
	assert_int_equal(next, AUTHORIZE_LOGIN);
	assert_err(authorize_next(t, &a, &other, true, false, &next),
		ERR_LOGIN_REQUIRED); /* logged in anew, and still another */
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_requests),
		cmocka_unit_test(asks_somebody_else),
		cmocka_unit_test(expects_whom_the_hint_names),
	};
	return cmocka_run_group_tests(tests, oidc_setup, fixture_teardown);
}
