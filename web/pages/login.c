#include "web/pages/pages.h"

/* What the page holds besides the fields. */
struct entrance {
	struct flow flow;
	bool waits;    /* an application waits: flow is filled */
	struct str to; /* path to go on to, checked, or empty */
};

/* A path that was asked for before the login goes before an application's request that was left behind. */
static enum err entrance_find(struct task *t, const struct request *q, struct entrance *ret) {
	struct str to = q->method == METHOD_POST ? param(q->form, "to") : param(q->query, "to");
	*ret = (struct entrance){.to = guard_return_allowed(t, to) ? to : STR("")};
	if (!str_empty(ret->to))
		return OK;
	enum err e = flow_find(t, q, &ret->flow);
	ret->waits = e == OK;
	if (e && e != ERR_EXPIRED)
		return e;
	task_clear(t);
	return OK;
}

static void add_entrance(struct task *t, struct response *r, struct value *data, const struct entrance *in) {
	value_text(t->arena, data, "to", in->to);
	value_text(t->arena, data, "request", in->flow.value);
	value_text(t->arena, data, "application", in->waits ? in->flow.authorize.client->title : STR(""));
	if (in->waits)
		response_form_action(r, in->flow.authorize.redirect_uri);
}

static struct value *login_data(
	struct task *t, struct request *q, struct response *r, const struct entrance *in, struct str username) {
	struct value *data = page_data_of(t, q, r, "login");
	add_entrance(t, r, data, in);
	value_bool(t->arena, data, "open", may_register(t));
	value_text(t->arena, data, "username", username);
	return data;
}

enum err page_login(struct task *t, struct request *q, struct response *r) {
	struct entrance in;
	TRY(entrance_find(t, q, &in));
	struct str name =
		in.waits && !str_absent(in.flow.authorize.login_hint) ? in.flow.authorize.login_hint : STR("");
	return page_render(t, r, 200, "login", login_data(t, q, r, &in, name));
}

struct refused {
	int status;
	struct str message;
};

static enum err again(
	struct task *t, struct request *q, struct response *r, const struct entrance *in, struct refused why) {
	struct value *data = login_data(t, q, r, in, field(q, "username"));
	page_problem(t, data, STR("username"), why.message);
	return page_render(t, r, why.status, "login", data);
}

static enum err throttled(
	struct task *t, struct request *q, struct response *r, const struct entrance *in, int64_t seconds) {
	response_header(r, "Retry-After", str_printf(t->arena, "%lld", (long long)seconds));
	return again(t, q, r, in, (struct refused){429, text_with(t, "login.throttled", wait_words(t, seconds))});
}

/* The right password, that must be changed first. */
static enum err change_first(
	struct task *t, struct request *q, struct response *r, const struct entrance *in, const struct login *login) {
	struct value *data = page_data_of(t, q, r, "password");
	add_entrance(t, r, data, in);
	value_text(t->arena, data, "username", field(q, "username"));
	value_text(t->arena, data, "note",
		text(login->result == LOGIN_EXPIRED ? "password.note_expired" : "password.note_must_change"));
	add_password_rules(t, data, &login->policy);
	return page_render(t, r, 200, "password", data);
}

static enum err enter(struct task *t, struct response *r, const struct entrance *in, const struct login *login) {
	response_cookie(t, r, "session", login->session, 0);
	if (in->waits)
		flow_keep(t, r, &in->flow);
	response_redirect(r, !str_empty(in->to) ? in->to : realm_path(t, in->waits ? "/authorize/resume" : "/account"));
	return OK;
}

enum err page_login_submit(struct task *t, struct request *q, struct response *r) {
	struct entrance in;
	struct login login = {0};
	struct str username = str_trim(field(q, "username")), password = field(q, "password");
	struct str old = cookie_find(q->cookie, cookie_name(t, "session"));
	TRY(entrance_find(t, q, &in));
	if (str_empty(username) || str_empty(password))
		return again(t, q, r, &in, (struct refused){422, text("login.empty")});
	TRY(login_password(t, username, password, str_absent(old) ? STR("") : old, q->user_agent, &login));
	switch (login.result) {
	case LOGIN_OK:
		return enter(t, r, &in, &login);
	case LOGIN_MUST_CHANGE:
	case LOGIN_EXPIRED:
		return change_first(t, q, r, &in, &login);
	case LOGIN_THROTTLED:
		return throttled(t, q, r, &in, login.retry_after_s);
	default:
		response_hold(t, r, REFUSED_MS);
		return again(
			t, q, r, &in, (struct refused){err_row(ERR_CREDENTIALS)->http_status, text("login.refused")});
	}
}
