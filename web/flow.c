#include "web/flow.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"

#define COOKIE       "request"
#define COOKIE_TTL_S 1800
#define VALUE_MOST   512u

static struct str flow_mac(struct task *t, struct str head) {
	struct str bound = str_printf(t->arena, "%.*s\n%.*s", FMT(head), FMT(t->realm_name));
	return base64url_encode(t->arena, hmac_sha256(t->arena, secret_derive(t->arena, STR("flow")), bound));
}

enum err flow_park(struct task *t, struct response *r, const struct authorize *a) {
	struct str secret;
	long long now = (long long)clock_wall_ms();
	TRY(authorize_park(t, a, &secret));
	struct str head = str_printf(t->arena, "%.*s.%lld", FMT(secret), now);
	struct str mac = flow_mac(t, head);
	response_cookie(t, r, COOKIE, str_printf(t->arena, "%.*s.%.*s", FMT(head), FMT(mac)), COOKIE_TTL_S);
	return OK;
}

static enum err flow_read(struct task *t, struct str value, struct flow *ret) {
	struct str rest = value, secret, at, mac;
	int64_t parked_at;
	bool whole = value.n <= VALUE_MOST && str_next(&rest, '.', &secret) && str_next(&rest, '.', &at) &&
		     str_next(&rest, '.', &mac) && str_absent(rest);
	if (!whole || !str_int(at, 0, INT64_MAX, &parked_at))
		return task_fail(t, ERR_EXPIRED, "no request is parked");
	if (!str_eq_secret(mac, flow_mac(t, str_sub(value, 0, secret.n + 1 + at.n))))
		return task_fail(t, ERR_EXPIRED, "a parked request that is not ours");
	struct flow f = {.value = value, .secret = secret, .parked_at = parked_at};
	TRY(authorize_resume(t, secret, &f.authorize));
	*ret = f;
	return OK;
}

enum err flow_find(struct task *t, const struct request *q, struct flow *ret) {
	struct str typed = param(q->form, COOKIE);
	struct str value = str_empty(typed) ? cookie_find(q->cookie, cookie_name(t, COOKIE)) : typed;
	if (str_empty(value))
		return ERR_EXPIRED;
	return flow_read(t, value, ret);
}

void flow_keep(struct task *t, struct response *r, const struct flow *f) {
	response_cookie(t, r, COOKIE, f->value, COOKIE_TTL_S);
}

bool flow_fresh(const struct flow *f, const struct login_state *login) {
	return login && login->session->auth_time >= f->parked_at;
}

enum err flow_end(struct task *t, struct response *r, const struct flow *f) {
	response_cookie(t, r, COOKIE, STR(""), -1);
	return authorize_forget(t, f->secret);
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
	struct answer answer = {0};
	task_clear(t);
	authorize_answer_error(t, a, code, &answer);
	return flow_answer(t, q, r, a, &answer);
}
