/* OpenID Connect RP-Initiated Logout 1.0, and the log-out button of our own pages. */
#include "base/encode.h"
#include "web/endpoints/endpoints.h"
#include "web/pages/pages.h"

static const char *const carried[] = {"id_token_hint", "client_id", "post_logout_redirect_uri", "state"};

static struct params params_of(const struct request *q) {
	return q->method == METHOD_POST ? q->form : q->query;
}

/* Only our own form ends a session without a hint that proves the asker. */
static bool confirmed(struct task *t, struct request *q, struct response *r) {
	struct route own = {.guard = GUARD_CSRF};
	if (q->method != METHOD_POST || !pressed(q, "logout"))
		return false;
	bool ours = guard_check(t, &own, q, r) == OK;
	task_clear(t);
	return ours;
}

static enum err ask(struct task *t, struct request *q, struct response *r, const struct logout_request *l) {
	struct value *data = page_data_of(t, q, r, "logout");
	struct value *list = value_list(t->arena, data, "carried");
	for (size_t i = 0; i < COUNT(carried); i++) {
		struct str value = param(params_of(q), carried[i]);
		if (str_empty(value))
			continue;
		struct value *row = value_row(t->arena, list);
		value_text(t->arena, row, "name", str_of(carried[i]));
		value_text(t->arena, row, "value", value);
	}
	value_text(t->arena, data, "application", l->client ? l->client->title : STR(""));
	if (!str_empty(l->post_logout_redirect_uri))
		response_form_action(r, l->post_logout_redirect_uri);
	return page_render(t, r, 200, "logout", data);
}

static struct str return_uri(struct task *t, const struct logout_request *l) {
	struct str uri = l->post_logout_redirect_uri;
	if (str_empty(l->state))
		return uri;
	const char *mark = str_find(uri, '?', 0) < uri.n ? "&" : "?";
	return str_printf(t->arena, "%.*s%sstate=%.*s", FMT(uri), mark, FMT(form_encode(t->arena, l->state)));
}

/* A browser sends no SameSite cookie with a POST that an application made; with the GET that follows it does, and shows
 * who is to be asked. */
static void ask_again(struct task *t, const struct request *q, struct response *r) {
	struct strs pairs = {0};
	for (size_t i = 0; i < COUNT(carried); i++) {
		struct str value = param(q->form, carried[i]);
		if (!str_empty(value))
			strs_add(t->arena, &pairs,
				str_printf(t->arena, "%s=%.*s", carried[i], FMT(form_encode(t->arena, value))));
	}
	struct str path = realm_path(t, "/logout"), query = str_join(t->arena, pairs, STR("&"));
	response_redirect(r, str_printf(t->arena, "%.*s%s%.*s", FMT(path), pairs.n ? "?" : "", FMT(query)));
}

/* blind: the browser's session, if it has one, is not seen. It may be of somebody else than the hint's. */
static enum err end(struct task *t, struct request *q, struct response *r, const struct logout_request *l, bool blind) {
	struct message m = {.key = "logged_out", .next_key = "next.login", .next_link = realm_path(t, "/login")};
	if (q->login)
		TRY(login_end(t, q->login));
	else if (!str_empty(l->sid))
		TRY(login_end_sid(t, l->sid));
	q->login = NULL;
	if (!blind)
		response_cookie(t, r, "session", STR(""), -1);
	if (str_empty(l->post_logout_redirect_uri))
		return page_message(t, q, r, 200, &m);
	response_redirect(r, return_uri(t, l));
	return OK;
}

enum err endpoint_logout(struct task *t, struct request *q, struct response *r) {
	struct logout_request l = {0};
	bool sure = confirmed(t, q, r);
	enum err e = logout_read(t, params_of(q), q->login, &l);
	if (e == ERR_INVALID)
		return application_wrong(t, q, r, "error.application.logout");
	TRY(e);
	if (q->login && l.confirm && !sure)
		return ask(t, q, r, &l);
	bool blind = q->method == METHOD_POST && !q->login && !sure;
	if (!blind || !str_empty(l.sid))
		return end(t, q, r, &l, blind);
	ask_again(t, q, r);
	return OK;
}
