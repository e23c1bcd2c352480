#include "web/response.h"

#include "base/buf.h"

#define FORM_ACTION_MOST 256u

static struct param *find(struct response *r, struct str name) {
	for (size_t i = 0; i < r->n_headers; i++)
		if (str_eq_case(r->headers[i].name, name))
			return &r->headers[i];
	return NULL;
}

struct str response_get(const struct response *r, const char *name) {
	for (size_t i = 0; i < r->n_headers; i++)
		if (str_eq_case(r->headers[i].name, str_of(name)))
			return r->headers[i].value;
	return STR_NONE;
}

static bool value_ok(struct str value) {
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == 0)
			return false;
	return true;
}

void response_header(struct response *r, const char *name, struct str value) {
	struct str key = str_of(name);
	struct param *place = str_eq_case(key, STR("Set-Cookie")) ? NULL : find(r, key);
	if (!value_ok(value) || (!place && r->n_headers == RESPONSE_HEADERS)) {
		r->broken = true;
		return;
	}
	if (!place)
		place = &r->headers[r->n_headers++];
	*place = (struct param){key, value};
}

static void content(struct response *r, int status, struct str type, struct str body) {
	r->status = status;
	r->body = body;
	r->html = false;
	response_header(r, "Content-Type", type);
	response_header(r, "Cache-Control", STR("no-store"));
}

void response_html(struct response *r, int status, struct str html) {
	content(r, status, STR("text/html; charset=utf-8"), html);
	r->html = true;
}

void response_json(struct response *r, int status, struct str json) {
	content(r, status, STR("application/json"), json);
	response_header(r, "Pragma", STR("no-cache"));
}

void response_text(struct response *r, int status, struct str text) {
	content(r, status, STR("text/plain; charset=utf-8"), text);
}

void response_redirect(struct response *r, struct str location) {
	content(r, 303, STR("text/plain; charset=utf-8"), STR(""));
	response_header(r, "Location", location);
}

/* ---- OAuth ---- */
/* RFC 6749 5.2: 400 unless another status is called for. */
static int oauth_status(enum err code) {
	int status = err_row(code)->http_status;
	return status == 404 || status == 409 || status == 410 || status == 422 || status == 200 ? 400 : status;
}

/* RFC 6749 5.2, RFC 6750 3. */
static void challenge(struct task *t, struct response *r, enum err code) {
	static const struct {
		enum err code;
		const char *scheme, *error;
	} rows[] = {
		{ERR_CLIENT, "Basic", ""},
		{ERR_LOGIN, "Bearer", ""},
		{ERR_TOKEN, "Bearer", ", error=\"invalid_token\""},
		{ERR_INSUFFICIENT_SCOPE, "Bearer", ", error=\"insufficient_scope\""},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].code == code)
			response_header(r, "WWW-Authenticate",
				str_printf(t->arena, "%s realm=\"%.*s\"%s", rows[i].scheme, FMT(t->realm_name),
					rows[i].error));
}

/* RFC 6750 3.1: who sent no token is told no error, only that one is needed. */
void response_oauth_error(struct task *t, struct response *r, enum err code) {
	if (code == ERR_LOGIN)
		response_json(r, oauth_status(code), STR("{}"));
	else
		response_json(r, oauth_status(code), oauth_error_json(t->arena, code, oauth_description(t, code)));
	challenge(t, r, code);
}

void response_hold(const struct task *t, struct response *r, int64_t ms) {
	r->not_before = t->deadline - TASK_PAGE_MS + ms;
}

/* ---- cookies ---- */
struct str cookie_name(struct task *t, const char *name) {
	const char *prefix = t->config->secure ? "__Host-" : "";
	if (!t->realm)
		return str_printf(t->arena, "%s%s", prefix, name);
	return str_printf(t->arena, "%s%s-%.*s", prefix, name, FMT(t->realm_name));
}

/* cookie-octet of RFC 6265 4.1.1. */
static bool cookie_value_ok(struct str value) {
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (c <= ' ' || c >= 0x7F || c == '"' || c == ',' || c == ';' || c == '\\')
			return false;
	}
	return true;
}

void response_cookie(struct task *t, struct response *r, const char *name, struct str value, int64_t max_age_s) {
	if (!cookie_value_ok(value)) {
		r->broken = true;
		return;
	}
	struct buf b = buf_new(t->arena, LIMIT_COOKIE);
	buf_put(&b, cookie_name(t, name));
	buf_byte(&b, '=');
	buf_put(&b, max_age_s < 0 ? STR("") : value);
	buf_put(&b, STR("; Path=/; HttpOnly; SameSite=Lax"));
	if (t->config->secure)
		buf_put(&b, STR("; Secure"));
	if (max_age_s)
		buf_printf(&b, "; Max-Age=%lld", (long long)(max_age_s < 0 ? 0 : max_age_s));
	if (buf_full(&b))
		r->broken = true;
	else
		response_header(r, "Set-Cookie", buf_str(&b));
}

/* ---- what every answer has ---- */
static bool source_ok(struct str s) {
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
			    c == '.' || c == '+' || c == ':' || c == '/' || c == '[' || c == ']'))
			return false;
	}
	return s.n > 1 && s.n <= FORM_ACTION_MOST;
}

void response_form_action(struct response *r, struct str uri) {
	size_t colon = str_find(uri, ':', 0);
	if (colon == uri.n)
		return;
	struct str source = str_sub(uri, 0, colon + 1);
	if (!str_eq(source, STR("https:")) && str_starts(str_sub(uri, colon + 1, 2), STR("//"))) {
		size_t end = colon + 3;
		while (end < uri.n && uri.p[end] != '/' && uri.p[end] != '?' && uri.p[end] != '#')
			end++;
		source = str_sub(uri, 0, end);
	}
	if (source_ok(source))
		r->form_action = source;
}

static struct str content_security_policy(struct task *t, const struct response *r) {
	struct buf b = buf_new(t->arena, 1024);
	buf_put(&b, STR("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src "
			"'self'; form-action 'self'"));
	if (!str_empty(r->form_action)) {
		buf_byte(&b, ' ');
		buf_put(&b, r->form_action);
	}
	buf_put(&b, STR("; base-uri 'none'; frame-ancestors 'none'"));
	return buf_str(&b);
}

void response_finish(struct task *t, struct response *r) {
	if (r->html)
		response_header(r, "Content-Security-Policy", content_security_policy(t, r));
	response_header(r, "X-Content-Type-Options", STR("nosniff"));
	response_header(r, "Referrer-Policy", STR("no-referrer"));
	if (t->config->secure)
		response_header(r, "Strict-Transport-Security", STR("max-age=31536000"));
	if (r->broken || r->status < 200 || r->status > 599 || r->body.n > LIMIT_RESPONSE) {
		*r = (struct response){.status = 500};
		response_text(r, 500, STR("Something went wrong on our side.\n"));
		response_header(r, "X-Content-Type-Options", STR("nosniff"));
		response_header(r, "Referrer-Policy", STR("no-referrer"));
	}
}
