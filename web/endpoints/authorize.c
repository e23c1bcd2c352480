#include "web/endpoints/endpoints.h"

enum err application_wrong(struct task *t, struct request *q, struct response *r, const char *what) {
	struct value *data = page_data(t, q, r, "error.application.title");
	value_text(t->arena, data, "what", text(what));
	value_text(t->arena, data, "turn", text("error.application.next"));
	return page_render(t, r, 400, "error", data);
}

/* Nothing is known of where to send the error: a page says what is wrong. */
static enum err refuse_here(struct task *t, struct request *q, struct response *r, enum err code) {
	bool theirs =
		code == ERR_CLIENT || code == ERR_INVALID || code == ERR_UNAUTHORIZED_CLIENT || code == ERR_NOT_FOUND;
	if (!theirs)
		return code;
	return application_wrong(
		t, q, r, code == ERR_INVALID ? "error.application.request" : "error.application.client");
}

/* A browser sends no SameSite cookie with a POST that an application made; with the GET that follows it does. Not with
 * prompt=none: that may be a hidden frame, which would lose the parked request as well, and its answer. */
static enum err ask_again(struct task *t, struct response *r, const struct authorize *a) {
	flow_park(t, r, a);
	response_redirect(r, realm_path(t, "/authorize/resume"));
	return OK;
}

enum err endpoint_authorize(struct task *t, struct request *q, struct response *r) {
	struct authorize a = {0};
	bool redirect = false;
	enum authorize_next next;
	enum err e = authorize_read(t, q->method == METHOD_POST ? q->form : q->query, &a, &redirect);
	if (e)
		return redirect ? flow_refuse(t, q, r, &a, e) : refuse_here(t, q, r, e);
	if (q->method == METHOD_POST && !q->login && !str_eq(a.prompt, STR("none")))
		return ask_again(t, r, &a);
	e = authorize_next(t, &a, q->login, false, false, &next);
	if (e)
		return flow_refuse(t, q, r, &a, e);
	if (next == AUTHORIZE_GRANT)
		return flow_grant(t, q, r, &a, false);
	flow_park(t, r, &a);
	response_redirect(r, realm_path(t, next == AUTHORIZE_LOGIN ? "/login" : "/consent"));
	return OK;
}

enum err endpoint_authorize_resume(struct task *t, struct request *q, struct response *r) {
	struct flow flow = {0};
	enum authorize_next next;
	TRY(flow_find(t, q, &flow));
	enum err e = authorize_next(t, &flow.authorize, q->login, flow_fresh(&flow, q->login), false, &next);
	if (!e && next != AUTHORIZE_GRANT) {
		response_redirect(r, realm_path(t, next == AUTHORIZE_LOGIN ? "/login" : "/consent"));
		return OK;
	}
	flow_end(t, r);
	return e ? flow_refuse(t, q, r, &flow.authorize, e) : flow_grant(t, q, r, &flow.authorize, false);
}
