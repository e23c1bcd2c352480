#include "web/guard.h"

#include "base/encode.h"
#include "base/secret.h"

#define CSRF_BYTES       18u
#define CSRF_LETTERS     (CSRF_BYTES / 3 * 4)
#define UNSCRIPTED_COST  3u /* of the hourly allowance, besides the one that the registration takes itself */
#define RETURN_PATH_MOST 2048u

/* ---- forms ---- */
static struct str csrf_of(struct task *t, struct str cookie) {
	struct str parts[] = {cookie, STR("\n"), t->realm_name};
	struct str text = str_join(t->arena, (struct strs){parts, COUNT(parts)}, STR(""));
	return base64url_encode(t->arena, hmac_sha256(t->arena, secret_derive(t->arena, STR("csrf")), text));
}

static struct str csrf_cookie(struct task *t, const struct request *q) {
	struct str bytes, value = cookie_find(q->cookie, cookie_name(t, "csrf"));
	bool ours = value.n == CSRF_LETTERS && base64url_decode(t->arena, value, &bytes);
	return ours ? value : STR_NONE;
}

struct str csrf_token(struct task *t, struct request *q, struct response *r) {
	if (str_absent(q->csrf))
		q->csrf = csrf_cookie(t, q);
	if (str_absent(q->csrf)) {
		q->csrf = random_token(t->arena, CSRF_BYTES);
		response_cookie(t, r, "csrf", q->csrf, 0);
	}
	return csrf_of(t, q->csrf);
}

/* Our pages say Referrer-Policy: no-referrer, and browsers then send "Origin: null" with a form's POST (Fetch, 3.2): it
 * tells nothing, and the token and Sec-Fetch-Site decide. */
static bool origin_ok(const struct task *t, const struct request *q) {
	if (!str_empty(q->fetch_site) && !str_eq(q->fetch_site, STR("same-origin")))
		return false;
	return str_empty(q->origin) || str_eq(q->origin, STR("null")) || str_eq_case(q->origin, t->config->public_url);
}

static enum err check_csrf(struct task *t, const struct request *q) {
	struct str cookie = csrf_cookie(t, q), token = param(q->form, "csrf");
	if (!origin_ok(t, q))
		return task_fail(t, ERR_DENIED, "a form posted from another site");
	if (str_absent(cookie))
		return task_fail(t, ERR_DENIED, "a form without its cookie");
	if (!str_eq_secret(token, csrf_of(t, cookie)))
		return task_fail(t, ERR_DENIED, "a form with a wrong token");
	return OK;
}

/* ---- sessions ---- */
static enum err load_session(struct task *t, struct request *q) {
	struct str secret = cookie_find(q->cookie, cookie_name(t, "session"));
	struct login_state *state = arena_new_of(t->arena, struct login_state);
	if (str_empty(secret))
		return ERR_LOGIN;
	TRY(login_session(t, secret, state));
	q->session = secret;
	q->login = state;
	t->actor = str_printf(t->arena, "person:%.*s", FMT(state->account->sub));
	return OK;
}

static enum err check_session(struct task *t, const struct route *route, struct request *q) {
	enum err code = load_session(t, q);
	if (code == ERR_LOGIN && !(route->guard & GUARD_LOGIN)) {
		task_clear(t);
		return OK;
	}
	return code;
}

bool guard_return_allowed(const struct task *t, struct str to) {
	struct str prefix = STR("/realms/");
	if (!t->realm || to.n > RETURN_PATH_MOST || str_has_control(to) || str_find(to, '\\', 0) < to.n)
		return false;
	if (!str_starts(to, prefix) || !str_starts(str_sub(to, prefix.n, to.n), t->realm_name))
		return false;
	size_t end = prefix.n + t->realm_name.n;
	struct str path = str_sub(to, 0, str_find(to, '?', 0));
	return end < path.n && path.p[end] == '/' && !str_contains(path, STR("//")) && !str_contains(path, STR("..")) &&
	       str_find(path, '%', 0) == path.n;
}

struct str guard_login_path(struct task *t, const struct request *q) {
	struct str to = q->path, login = str_printf(t->arena, "/realms/%.*s/login", FMT(t->realm_name));
	if (!str_empty(q->query_text))
		to = str_printf(t->arena, "%.*s?%.*s", FMT(q->path), FMT(q->query_text));
	if (!guard_return_allowed(t, to))
		return login;
	return str_printf(t->arena, "%.*s?to=%.*s", FMT(login), FMT(form_encode(t->arena, to)));
}

/* ---- proof of work ---- */
static enum err check_proof(struct task *t, struct request *q) {
	if (!t->config->proof_of_work_bits) {
		q->scripted = true;
		return OK;
	}
	q->scripted = proof_check(t, param(q->form, "pow_challenge"), param(q->form, "pow_answer"));
	for (unsigned i = 0; !q->scripted && i < UNSCRIPTED_COST; i++)
		TRY(throttle_take(t, THROTTLE_REGISTER_ADDRESS, t->address));
	return OK;
}

enum err guard_check(struct task *t, const struct route *route, struct request *q, struct response *r) {
	(void)r;
	if (route->guard & (GUARD_SESSION | GUARD_LOGIN))
		TRY(check_session(t, route, q));
	if (q->method != METHOD_POST)
		return OK;
	if (route->guard & GUARD_CSRF)
		TRY(check_csrf(t, q));
	if (route->guard & GUARD_PROOF)
		TRY(check_proof(t, q));
	return OK;
}
