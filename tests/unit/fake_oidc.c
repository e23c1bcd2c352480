/* The provider behind the pages, with one application: fake_doors.h. */
#include "tests/unit/fake_doors.h"

struct str param(struct params p, const char *name) {
	for (size_t i = 0; i < p.n; i++)
		if (str_eq(p.v[i].name, str_of(name)))
			return p.v[i].value;
	return STR_NONE;
}

static struct authorize fake_authorize(void) {
	return (struct authorize){.client = &fake_client,
		.redirect_uri = STR("https://wiki.example.org/cb"),
		.state = STR("st"),
		.scope = STR("openid profile"),
		.response_mode = world.form_post ? STR("form_post") : STR("query"),
		.prompt = world.silent ? STR("none") : STR(""),
		.max_age = -1};
}

enum err authorize_read(struct task *t, struct params p, struct authorize *ret, bool *ret_redirect) {
	(void)p;
	*ret = fake_authorize();
	*ret_redirect = world.redirect;
	return world.authorize ? task_fail(t, world.authorize, "authorize") : OK;
}

struct str authorize_park(struct task *t, const struct authorize *a) {
	(void)t, (void)a;
	return STR("PARKED");
}

enum err authorize_resume(struct task *t, struct str parked, struct authorize *ret) {
	if (world.resume || !str_eq(parked, STR("PARKED")))
		return task_fail(t, ERR_EXPIRED, "parked");
	*ret = fake_authorize();
	ret->parked_at = world.parked_at;
	return OK;
}

enum err authorize_next(struct task *t, const struct authorize *a, const struct login_state *state, bool fresh,
	bool consented, enum authorize_next *ret) {
	(void)a, (void)fresh;
	*ret = !state ? AUTHORIZE_LOGIN : consented ? AUTHORIZE_GRANT : world.next;
	return world.silent && !state ? task_fail(t, ERR_LOGIN_REQUIRED, "silent") : OK;
}

enum err authorize_grant(struct task *t, const struct authorize *a, const struct login_state *state, bool consented,
	struct str *ret_code) {
	(void)t, (void)a, (void)state, (void)consented;
	world.granted++;
	*ret_code = STR("CODE");
	return OK;
}

void authorize_answer_code(struct task *t, const struct authorize *a, struct str code, struct answer *ret) {
	(void)t;
	*ret = (struct answer){.redirect_uri = a->redirect_uri,
		.v = {{STR("code"), code}, {STR("state"), a->state},
			{STR("iss"), STR("https://id.example.org/realms/staff")}},
		.n = 3};
}

void authorize_answer_error(struct task *t, const struct authorize *a, enum err code, struct answer *ret) {
	world.refusal = t->failure == code ? t->failure_detail : STR("");
	*ret = (struct answer){
		.redirect_uri = a->redirect_uri, .v = {{STR("error"), str_of(err_row(code)->oauth)}}, .n = 1};
}

struct str answer_uri(struct arena *a, const struct answer *answer) {
	return str_printf(
		a, "%.*s?%.*s=%.*s", FMT(answer->redirect_uri), FMT(answer->v[0].name), FMT(answer->v[0].value));
}

size_t consent_lines(const struct authorize *a, struct arena *arena, struct scope_line **ret) {
	(void)a;
	*ret = arena_array(arena, struct scope_line, 2);
	(*ret)[0] = (struct scope_line){STR("openid"), "consent.scope.email"};
	(*ret)[1] = (struct scope_line){STR("profile"), "consent.scope.profile"};
	return 2;
}

enum err oidc_metadata(struct task *t, struct str *ret) {
	(void)t;
	*ret = STR("{}");
	return OK;
}

enum err oidc_jwks(struct task *t, struct str *ret) {
	return oidc_metadata(t, ret);
}

enum err oidc_token(struct task *t, const struct credentials *c, struct str *ret) {
	(void)c;
	return oidc_metadata(t, ret);
}

enum err oidc_introspect(struct task *t, const struct credentials *c, struct str *ret) {
	(void)c;
	return oidc_metadata(t, ret);
}

enum err oidc_revoke(struct task *t, const struct credentials *c) {
	(void)t, (void)c;
	return OK;
}

enum err oidc_userinfo(struct task *t, struct str bearer, struct str *ret) {
	*ret = str_dup(t->arena, bearer);
	return OK;
}

enum err oidc_claims(struct task *t, struct str bearer, struct str *ret) {
	return oidc_userinfo(t, bearer, ret);
}

struct str oauth_description(struct task *task, enum err code) {
	(void)task;
	(void)code;
	return STR("what to mend");
}

struct str oauth_error_json(struct arena *a, enum err code, struct str description) {
	(void)description;
	return str_printf(a, "{\"error\":\"%s\"}", err_row(code)->oauth);
}

enum err logout_read(struct task *t, struct params p, const struct login_state *state, struct logout_request *ret) {
	(void)state;
	struct str sid = param(p, "id_token_hint");
	*ret = (struct logout_request){.client = &fake_client, .sid = sid, .confirm = world.confirm};
	if (world.has_return)
		*ret = (struct logout_request){.client = &fake_client,
			.sid = sid,
			.confirm = world.confirm,
			.post_logout_redirect_uri = STR("https://wiki.example.org/"),
			.state = STR("a b")};
	return world.logout_read ? task_fail(t, world.logout_read, "logout") : OK;
}
