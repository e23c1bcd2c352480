#include "web/flow.h"

#include "base/log.h"

#define COOKIE       "request"
#define COOKIE_TTL_S 1800

void flow_park(struct task *t, struct response *r, const struct authorize *a) {
	response_cookie(t, r, COOKIE, authorize_park(t, a), COOKIE_TTL_S);
}

enum err flow_find(struct task *t, const struct request *q, struct flow *ret) {
	struct str typed = param(q->form, COOKIE);
	struct flow f = {.value = str_empty(typed) ? cookie_find(q->cookie, cookie_name(t, COOKIE)) : typed};
	if (str_empty(f.value))
		return ERR_EXPIRED;
	TRY(authorize_resume(t, f.value, &f.authorize));
	*ret = f;
	return OK;
}

void flow_keep(struct task *t, struct response *r, const struct flow *f) {
	response_cookie(t, r, COOKIE, f->value, COOKIE_TTL_S);
}

bool flow_fresh(const struct flow *f, const struct login_state *login) {
	return login && login->session->auth_time >= f->authorize.parked_at;
}

void flow_end(struct task *t, struct response *r) {
	response_cookie(t, r, COOKIE, STR(""), -1);
}

/* ---- answers ---- */

static enum err form_post(struct task *t, struct request *q, struct response *r, const struct answer *answer) {
	struct value *data = page_data(t, q, r, "form_post.title");
	struct value *fields = value_list(t->arena, data, "fields");
	value_text(t->arena, data, "action", answer->redirect_uri);
	for (size_t i = 0; i < answer->n; i++) {
		struct value *row = value_row(t->arena, fields);
		value_text(t->arena, row, "name", answer->v[i].name);
		value_text(t->arena, row, "value", answer->v[i].value);
	}
	response_form_action(r, answer->redirect_uri);
	return page_render(t, r, 200, "form_post", data);
}

enum err flow_answer(
	struct task *t, struct request *q, struct response *r, const struct authorize *a, const struct answer *answer) {
	if (str_eq(a->response_mode, STR("form_post")))
		return form_post(t, q, r, answer);
	response_redirect(r, answer_uri(t->arena, answer));
	return OK;
}

enum err flow_grant(struct task *t, struct request *q, struct response *r, const struct authorize *a, bool consented) {
	struct answer answer = {0};
	struct str code;
	enum err e = authorize_grant(t, a, q->login, consented, &code);
	if (e)
		return flow_refuse(t, q, r, a, e);
	authorize_answer_code(t, a, code, &answer);
	return flow_answer(t, q, r, a, &answer);
}

enum err flow_refuse(struct task *t, struct request *q, struct response *r, const struct authorize *a, enum err code) {
	const struct err_row *row = err_row(code);
	struct answer answer = {0};
	authorize_answer_error(t, a, code, &answer); /* which says what the task knows */
	log_event(row->level == LEVEL_DEBUG ? LEVEL_DEBUG : LEVEL_INFO, t, "authorize.refused",
		LOG_TEXT("client", a->client->id), LOG_TEXT("error", str_of(row->oauth)),
		LOG_TEXT("detail", t->failure_detail));
	task_clear(t);
	return flow_answer(t, q, r, a, &answer);
}
