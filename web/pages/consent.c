/* What an application may know, asked of the person. */
#include "web/pages/pages.h"

static enum err to_login(struct task *t, struct response *r) {
	response_redirect(r, realm_path(t, "/login"));
	return OK;
}

static struct value *consent_data(struct task *t, struct request *q, struct response *r, const struct flow *flow) {
	const struct authorize *a = &flow->authorize;
	struct scope_line *lines = NULL;
	struct value *data = page_data_of(t, q, r, "consent");
	struct value *list = value_list(t->arena, data, "scopes");
	size_t n = consent_lines(a, t->arena, &lines);
	struct str title = str_empty(a->client->title) ? a->client->id : a->client->title;
	for (size_t i = 0; i < n; i++)
		value_item(t->arena, list, text(lines[i].text_key));
	if (!n)
		value_item(t->arena, list, text("consent.none"));
	value_text(t->arena, data, "request", flow->value);
	value_text(t->arena, data, "application", title);
	value_text(t->arena, data, "heading", text_with(t, "consent.heading", title));
	value_text(t->arena, data, "user", q->login->account->login);
	response_form_action(r, a->redirect_uri);
	return data;
}

enum err page_consent(struct task *t, struct request *q, struct response *r) {
	struct flow flow = {0};
	TRY(flow_find(t, q, &flow));
	if (!q->login)
		return to_login(t, r);
	return page_render(t, r, 200, "consent", consent_data(t, q, r, &flow));
}

enum err page_consent_submit(struct task *t, struct request *q, struct response *r) {
	struct flow flow = {0};
	enum authorize_next next;
	TRY(flow_find(t, q, &flow));
	if (!q->login)
		return to_login(t, r);
	if (!pressed(q, "allow")) {
		flow_end(t, r);
		return flow_refuse(t, q, r, &flow.authorize, ERR_DENIED);
	}
	enum err e = authorize_next(t, &flow.authorize, q->login, flow_fresh(&flow, q->login), true, &next);
	if (!e && next == AUTHORIZE_LOGIN)
		return to_login(t, r);
	flow_end(t, r);
	return e ? flow_refuse(t, q, r, &flow.authorize, e) : flow_grant(t, q, r, &flow.authorize, true);
}
