#include "base/encode.h"
#include "broker/oidc/oidc_private.h"

#define DESCRIPTION_MAX 400u

/* What is said whatever happened inside. */
static const struct {
	enum err code;
	const char *text;
} fixed[] = {
	{ERR_CLIENT, "client authentication failed: the client is unknown, its secret is wrong, or it used another "
		     "method than the "
		     "configured one"},
	{ERR_TOO_MANY, "too many failed attempts; see Retry-After"},
	{ERR_TOO_LARGE, "the request is too large"},
	{ERR_UNAVAILABLE, "temporarily unavailable; try again later"},
	{ERR_TIMEOUT, "temporarily unavailable; try again later"},
	{ERR_LOGIN, "nobody is logged in"},
	{ERR_LOGIN_REQUIRED, "the person must log in, and prompt=none or id_token_hint does not allow it"},
	{ERR_CONSENT_REQUIRED, "the person must be asked, and prompt=none does not allow it"},
	{ERR_DENIED, "the person did not allow it"},
	{ERR_CREDENTIALS, "the person could not be logged in"},
	{ERR_EXPIRED, "the request is past its time; begin anew"},
};

struct str oauth_description(struct task *t, enum err code) {
	for (size_t i = 0; i < COUNT(fixed); i++)
		if (fixed[i].code == code)
			return str_of(fixed[i].text);
	if (err_row(code)->http_status >= 500 || t->failure != code || str_empty(t->failure_detail))
		return err_row(code)->http_status >= 500 ? STR("the server could not carry the request out")
							 : STR("the request is not valid");
	return t->failure_detail;
}

/* RFC 6749 5.2: %x20-21 / %x23-5B / %x5D-7E. */
static struct str description_clean(struct arena *a, struct str s) {
	size_t n = s.n < DESCRIPTION_MAX ? s.n : DESCRIPTION_MAX;
	char *p = arena_alloc(a, n + 1);
	for (size_t i = 0; i < n; i++)
		p[i] = s.p[i] >= ' ' && s.p[i] <= '~' && s.p[i] != '"' && s.p[i] != '\\' ? s.p[i] : '?';
	return str_slice(p, n);
}

struct str oauth_error_json(struct arena *a, enum err code, struct str description) {
	struct buf b = buf_new(a, LIMIT_RESPONSE);
	buf_put(&b, STR("{\"error\":"));
	json_escape(&b, str_of(err_row(code)->oauth));
	if (!str_empty(description)) {
		buf_put(&b, STR(",\"error_description\":"));
		json_escape(&b, description_clean(a, description));
	}
	buf_byte(&b, '}');
	return buf_str(&b);
}

/* ---- answers of the authorization endpoint ---- */

static void answer_add(struct answer *answer, struct str name, struct str value) {
	if (!str_empty(value) && answer->n < COUNT(answer->v))
		answer->v[answer->n++] = (struct param){name, value};
}

/* RFC 9207 2: iss in every answer, errors included. */
static void answer_end(struct task *t, const struct authorize *a, struct answer *answer) {
	answer->redirect_uri = a->redirect_uri;
	answer_add(answer, STR("state"), a->state);
	answer_add(answer, STR("iss"), t->realm->issuer);
}

void authorize_answer_code(struct task *t, const struct authorize *a, struct str code, struct answer *ret) {
	*ret = (struct answer){0};
	answer_add(ret, STR("code"), code);
	answer_end(t, a, ret);
}

void authorize_answer_error(struct task *t, const struct authorize *a, enum err code, struct answer *ret) {
	*ret = (struct answer){0};
	answer_add(ret, STR("error"), str_of(err_row(code)->oauth));
	answer_add(ret, STR("error_description"), description_clean(t->arena, oauth_description(t, code)));
	answer_end(t, a, ret);
}

struct str answer_uri(struct arena *a, const struct answer *answer) {
	struct str uri = answer->redirect_uri;
	struct buf b = buf_new(a, LIMIT_ARENA / 16);
	buf_put(&b, uri);
	bool query = str_find(uri, '?', 0) < uri.n;
	bool open = str_ends(uri, STR("?")) || str_ends(uri, STR("&"));
	for (size_t i = 0; i < answer->n; i++) {
		if (i || !open)
			buf_byte(&b, i || query ? '&' : '?');
		buf_put(&b, answer->v[i].name);
		buf_byte(&b, '=');
		buf_put(&b, form_encode(a, answer->v[i].value));
	}
	return buf_str(&b);
}
