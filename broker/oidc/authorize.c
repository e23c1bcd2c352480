/* The authorization request. RFC 6749 4.1.1, RFC 7636 4.3, OpenID Connect Core 3.1.2.1. */
#include "base/clock.h"
#include "base/encode.h"
#include "broker/oidc/oidc_private.h"

#define STATE_MAX     2048u
#define NONCE_MAX     512u
#define CHALLENGE_LEN 43u /* SHA-256 in base64url */
#define FRESH_MS      (5 * 60 * 1000LL)

/* What is parked: what is read here, and nothing else; of id_token_hint only the subject. */
static const char *const known[] = {"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state",
	"nonce", "code_challenge", "code_challenge_method", "prompt", "max_age", "login_hint"};

static enum err client_read(struct task *t, struct params p, struct authorize *a) {
	struct str id = param(p, "client_id"), uri = param(p, "redirect_uri");
	if (str_empty(id))
		return task_fail(t, ERR_CLIENT, "client_id is missing");
	a->client = realm_client(t->realm, id);
	if (!a->client)
		return task_fail(t, ERR_CLIENT, "client_id %.*s is not known in realm %.*s", FMT(str_sub(id, 0, 200)),
			FMT(t->realm_name));
	if (str_empty(uri))
		return task_fail(t, ERR_INVALID, "redirect_uri is missing");
	if (!redirect_uri_registered(a->client, uri))
		return task_fail(t, ERR_INVALID, "redirect_uri %.*s is not registered for client %.*s",
			FMT(str_sub(uri, 0, 500)), FMT(a->client->id));
	a->redirect_uri = uri;
	return OK;
}

/* First of all, since errors are answered by these. */
static enum err answer_read(struct task *t, struct params p, struct authorize *a) {
	struct str state = param(p, "state"), mode = param(p, "response_mode");
	a->response_mode = str_eq(mode, STR("form_post")) ? mode : STR("query");
	if (state.n > STATE_MAX)
		return task_fail(t, ERR_INVALID, "state is longer than %u bytes", STATE_MAX);
	a->state = state;
	if (!str_empty(mode) && !str_eq(mode, a->response_mode))
		return task_fail(t, ERR_INVALID, "response_mode is neither query nor form_post");
	return OK;
}

static enum err type_read(struct task *t, struct params p, struct authorize *a) {
	struct str type = param(p, "response_type");
	if (!str_empty(param(p, "request")))
		return task_fail(t, ERR_REQUEST, "request objects are not supported; send plain parameters");
	if (!str_empty(param(p, "request_uri")))
		return task_fail(t, ERR_REQUEST_URI, "request_uri is not supported; send plain parameters");
	if (str_empty(type))
		return task_fail(t, ERR_INVALID, "response_type is missing; send code");
	if (!str_eq(type, STR("code")))
		return task_fail(t, ERR_RESPONSE_TYPE, "response_type is not code, the only one supported");
	if (!(a->client->grants & GRANT_AUTHORIZATION_CODE))
		return task_fail(t, ERR_UNAUTHORIZED_CLIENT, "client %.*s has not the grant authorization_code",
			FMT(a->client->id));
	return OK;
}

static enum err scope_of(struct task *t, struct params p, struct authorize *a) {
	struct str nonce = param(p, "nonce");
	TRY(scope_read(t, a->client, param(p, "scope"), &a->scope));
	if (nonce.n > NONCE_MAX)
		return task_fail(t, ERR_INVALID, "nonce is longer than %u bytes", NONCE_MAX);
	a->nonce = nonce;
	return OK;
}

static enum err challenge_read(struct task *t, struct params p, struct authorize *a) {
	struct str challenge = param(p, "code_challenge"), hash = STR_NONE;
	if (str_empty(challenge))
		return task_fail(t, ERR_INVALID, "code_challenge is missing; PKCE with S256 is required (RFC 7636)");
	if (!str_eq(param(p, "code_challenge_method"), STR("S256")))
		return task_fail(t, ERR_INVALID, "code_challenge_method is not S256; plain is not supported");
	if (challenge.n != CHALLENGE_LEN || !base64url_decode(t->arena, challenge, &hash))
		return task_fail(t, ERR_INVALID, "code_challenge is not the base64url form of a SHA-256, 43 letters");
	a->challenge = challenge;
	return OK;
}

/* Once each, in the order of the table. */
static enum err prompt_read(struct task *t, struct params p, struct authorize *a) {
	static const struct str words[] = {{"none", 4}, {"login", 5}, {"consent", 7}, {"select_account", 14}};
	struct strs asked = str_split(t->arena, param(p, "prompt"), ' '), found = {0};
	for (size_t i = 0; i < asked.n; i++) {
		bool is_word = false;
		for (size_t k = 0; k < COUNT(words); k++)
			is_word = is_word || str_eq(asked.v[i], words[k]);
		if (!is_word)
			return task_fail(t, ERR_INVALID, "prompt has a value that is not supported");
	}
	for (size_t k = 0; k < COUNT(words); k++)
		if (strs_has(asked, words[k]))
			strs_add(t->arena, &found, words[k]);
	if (found.n > 1 && str_eq(found.v[0], words[0]))
		return task_fail(t, ERR_INVALID, "prompt has none beside another value");
	a->prompt = str_join(t->arena, found, STR(" "));
	return OK;
}

static enum err person_read(struct task *t, struct params p, struct authorize *a) {
	struct str age = param(p, "max_age"), hint = param(p, "id_token_hint"), login = param(p, "login_hint");
	struct hint found;
	a->max_age = -1;
	if (!str_empty(age) && !str_int(age, 0, INT32_MAX, &a->max_age))
		return task_fail(t, ERR_INVALID, "max_age is not a number of seconds");
	a->login_hint = login.n <= LIMIT_MAIL_ADDRESS && str_utf8(login) && !str_has_control(login) ? login : STR("");
	a->hint_sub = STR("");
	if (str_empty(hint))
		return OK;
	TRY(hint_read(t, hint, &found));
	a->hint_sub = found.sub;
	return OK;
}

static enum err parameters_write(struct task *t, struct params p, struct authorize *a) {
	owned(json) json_t *all = json_object();
	for (size_t i = 0; i < COUNT(known); i++)
		if (!str_empty(param(p, known[i])))
			TRY(claim_text(t, all, known[i], param(p, known[i])));
	a->parameters = json_text(t->arena, all);
	return a->parameters.n <= PARKED_PLAIN
		       ? OK
		       : task_fail(t, ERR_INVALID, "the parameters are longer than %u bytes together", PARKED_PLAIN);
}

static enum err (*const readers[])(struct task *t, struct params p, struct authorize *a) = {
	answer_read, type_read, scope_of, challenge_read, prompt_read, person_read, parameters_write};

enum err authorize_read(struct task *t, struct params p, struct authorize *ret, bool *ret_redirect) {
	struct authorize a = {.max_age = -1};
	enum err e = client_read(t, p, &a);
	*ret_redirect = e == OK;
	for (size_t i = 0; !e && i < COUNT(readers); i++)
		e = readers[i](t, p, &a);
	if (*ret_redirect)
		*ret = a;
	return e;
}

/* ---- what next ---- */

/* A login for this request is a recent one while the person reads what is asked of them, whatever max_age says. */
static bool stays_fresh(const struct authorize *a, const struct login_state *s) {
	int64_t age = s ? clock_wall_ms() - s->session->auth_time : 0;
	return a->max_age < 0 || age < FRESH_MS || age < a->max_age * 1000;
}

static bool must_login(const struct authorize *a, const struct login_state *s, bool fresh) {
	if (!s)
		return true;
	if (!str_empty(a->hint_sub) && !str_eq(a->hint_sub, s->account->sub))
		return true;
	if (fresh)
		return false;
	return scope_includes(a->prompt, STR("login")) || scope_includes(a->prompt, STR("select_account")) ||
	       (a->max_age >= 0 && s->session->auth_time + a->max_age * 1000 <= clock_wall_ms());
}

static enum err must_ask(struct task *t, const struct authorize *a, const struct login_state *s, bool *ret) {
	struct str before = STR_NONE;
	bool asked = scope_includes(a->prompt, STR("consent")) || a->client->consent == CONSENT_ALWAYS;
	if (!asked && a->client->consent == CONSENT_ONCE) {
		enum err e = consents_find(t, s->account->id, a->client->id, &before);
		if (e && e != ERR_NOT_FOUND)
			return e;
		asked = e == ERR_NOT_FOUND || !scope_within(t->arena, a->scope, before);
	}
	*ret = asked;
	return OK;
}

enum err authorize_next(struct task *t, const struct authorize *a, const struct login_state *state, bool fresh,
	bool consented, enum authorize_next *ret) {
	bool silent = str_eq(a->prompt, STR("none")), ask = false;
	fresh = fresh && stays_fresh(a, state);
	if (must_login(a, state, fresh)) {
		if (silent ||
			(state &&
				fresh)) /* fresh, and still not whom id_token_hint names: OpenID Connect Core 3.1.2.2 */
			return task_fail(t, ERR_LOGIN_REQUIRED, "a login is required");
		*ret = AUTHORIZE_LOGIN;
		return OK;
	}
	if (!consented)
		TRY(must_ask(t, a, state, &ask));
	if (ask && silent)
		return task_fail(t, ERR_CONSENT_REQUIRED, "consent is required");
	*ret = ask ? AUTHORIZE_CONSENT : AUTHORIZE_GRANT;
	return OK;
}
