/* Authorization codes: made for a person, redeemed by the client. RFC 6749 4.1.2 to 4.1.4, RFC 7636 4.6. A code is
 * "<grant>.<secret>", so that its grant is found, and everything checked and signed, before the one statement that uses
 * it up. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

#define VERIFIER_MIN 43u
#define VERIFIER_MAX 128u
#define CODE_MAX     128u

/* ---- making ---- */

static enum err consent_keep(struct task *t, const struct authorize *a, const struct account *account, int64_t now) {
	struct str before = STR("");
	enum err e = consents_find(t, account->id, a->client->id, &before);
	if (e && e != ERR_NOT_FOUND)
		return e;
	struct strs all = str_split(t->arena, before, ' '), asked = str_split(t->arena, a->scope, ' ');
	for (size_t i = 0; i < asked.n; i++)
		if (!strs_has(all, asked.v[i]))
			strs_add(t->arena, &all, asked.v[i]);
	TRY(consents_put(t, account->id, a->client->id, str_join(t->arena, all, STR(" ")), now));
	return audit_record(t, "consent.give", account->id, AUDIT("client", a->client->id), AUDIT("scope", a->scope));
}

/* The session may have ended since the request began: no grant for what outlives it. */
static enum err session_live(struct task *t, const struct login_state *state) {
	struct session *now = NULL;
	enum err e = sessions_find(t, state->session->id_hash, &now);
	return e == ERR_NOT_FOUND ? task_fail(t, ERR_LOGIN_REQUIRED, "the session has just ended") : e;
}

static enum err grant_write(struct task *t, const struct authorize *a, const struct grant *g,
	const struct login_state *state, bool consented) {
	TRY(session_live(t, state));
	TRY(grants_insert(t, g));
	if (consented)
		TRY(consent_keep(t, a, state->account, g->created_at));
	return audit_record(t, "grant.issue", state->account->id, AUDIT("grant", g->id), AUDIT("client", g->client),
		AUDIT("scope", g->scope));
}

enum err authorize_grant(struct task *t, const struct authorize *a, const struct login_state *state, bool consented,
	struct str *ret_code) {
	const struct client_config *c = a->client;
	int64_t now = clock_wall_ms();
	struct str id = random_id(t->arena), secret = random_token(t->arena, SECRET_BYTES);
	struct str code = str_printf(t->arena, "%.*s.%.*s", FMT(id), FMT(secret));
	struct grant g = {
		.id = id,
		.realm = t->realm_name,
		.client = c->id,
		.account_id = state->account->id,
		.sid = state->session->sid,
		.scope = a->scope,
		.nonce = a->nonce,
		.redirect_uri = a->redirect_uri,
		.challenge = a->challenge,
		.code_hash = secret_hash(t->arena, code),
		.code_expires_at = now + CODE_TTL_MS,
		.auth_time = state->session->auth_time,
		.created_at = now,
		.expires_at = now + CODE_TTL_MS, /* a code that nobody redeems leaves nothing */
		.amr = state->session->amr,
	};
	TRY(store_begin(t));
	enum err e = grant_write(t, a, &g, state, consented);
	TRY(consented ? store_end(t, e) : store_end_passing(t, e));
	*ret_code = code;
	return OK;
}

/* ---- redeeming ---- */

static enum err refuse(struct task *t, const char *why) {
	task_clear(t);
	return task_fail(t, ERR_GRANT, "%s", why);
}

static bool is_verifier(struct str s) {
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && c != '-' && c != '.' && c != '_' && c != '~')
			return false;
	}
	return s.n >= VERIFIER_MIN && s.n <= VERIFIER_MAX;
}

static enum err code_find(struct task *t, struct str code, struct grant **ret) {
	struct grant *g = NULL;
	size_t dot = str_find(code, '.', 0);
	if (code.n > CODE_MAX || dot == code.n)
		return refuse(t, "the code is not known");
	enum err e = grants_find(t, str_sub(code, 0, dot), &g);
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (e || !str_eq_secret(g->code_hash, secret_hash(t->arena, code)))
		return refuse(t, "the code is not known");
	*ret = g;
	return OK;
}

/* Who shows a code of another, or guesses, ends it: OK, or what is wrong with it. */
static const char *code_problem(struct task *t, const struct client_config *c, struct params p, const struct grant *g) {
	struct str verifier = param(p, "code_verifier");
	if (!str_eq(g->client, c->id))
		return "the code was issued to another client";
	if (!str_eq(param(p, "redirect_uri"), g->redirect_uri))
		return "redirect_uri is not the one of the authorization request";
	if (!is_verifier(verifier) || !str_eq_secret(g->challenge, secret_hash(t->arena, verifier)))
		return "code_verifier does not match the code_challenge";
	return NULL;
}

/* Used before: RFC 6749 4.1.2, all that came of it ends. */
static enum err code_reused(struct task *t, const struct grant *g) {
	TRY(grants_revoke(t, g->id, clock_wall_ms()));
	return audit_record(t, "code.reuse", g->account_id, AUDIT("grant", g->id), AUDIT("client", g->client));
}

/* Until when the row is needed once its code was redeemed: by its tokens, and to tell the client of the session's end.
 */
static enum err grant_lasts(struct task *t, const struct client_config *c, const struct grant *g, int64_t *ret) {
	struct session *session = NULL;
	*ret = g->created_at + CODE_TTL_MS + c->access_ttl * 1000;
	if (refresh_is_given(c, g->scope))
		*ret += c->refresh_ttl * 1000;
	if (str_empty(c->backchannel_logout_uri) || str_empty(g->sid))
		return OK;
	enum err e = sessions_find_sid(t, g->sid, &session);
	if (!e && session->expires_at > *ret)
		*ret = session->expires_at;
	if (e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	return OK;
}

/* One transaction: exactly one caller wins. */
static enum err code_use(
	struct task *t, struct str id, int64_t expires_at, const struct refresh *refresh, bool *ret_won) {
	struct grant *g = NULL;
	TRY(store_begin(t));
	enum err e = grants_use_code(t, id, clock_wall_ms(), expires_at, &g);
	bool won = e == OK;
	if (won && refresh)
		e = refresh_insert(t, refresh);
	else if (e == ERR_STALE)
		e = code_reused(t, g);
	else if (e == ERR_EXPIRED || e == ERR_NOT_FOUND)
		e = OK;
	TRY(store_end(t, e));
	*ret_won = won;
	return OK;
}

static enum err code_check(struct task *t, const struct client_config *c, struct params p, struct grant **ret) {
	struct grant *g = NULL;
	TRY(code_find(t, param(p, "code"), &g));
	if (g->code_used_at) {
		TRY(grant_end(t, g, "code.reuse"));
		return refuse(t, "the code was used before; all that came of it is revoked");
	}
	const char *problem = code_problem(t, c, p, g);
	if (problem) {
		TRY(grant_end(t, g, "code.refused"));
		return refuse(t, problem);
	}
	if (g->revoked_at || g->code_expires_at <= clock_wall_ms())
		return refuse(t, "the code expired; it is good for 60 seconds");
	*ret = g;
	return OK;
}

enum err grant_code(struct task *t, const struct client_config *c, struct params p, struct str *ret_json) {
	static const char *const needed[] = {"code", "redirect_uri", "code_verifier"};
	struct grant *g = NULL;
	struct account *account = NULL;
	struct person person = {0};
	struct str access = STR_NONE, id_token = STR_NONE, secret = STR_NONE;
	int64_t expires_at = 0;
	bool won = false;
	for (size_t i = 0; i < COUNT(needed); i++)
		if (str_empty(param(p, needed[i])))
			return task_fail(t, ERR_INVALID, "%s is missing", needed[i]);
	t->actor = str_printf(t->arena, "client:%.*s", FMT(c->id));
	TRY(code_check(t, c, p, &g));
	enum err e = grant_person(t, g, &account, &person);
	if (e)
		return e == ERR_TOKEN ? refuse(t, "the person's account is gone or disabled") : e;
	const struct bearer b = {c, g->scope, g, account, &person};
	TRY(access_token_make(t, &b, &access));
	if (scope_includes(g->scope, STR("openid")))
		TRY(id_token_make(t, &b, access, g->nonce, &id_token));
	bool refreshed = refresh_is_given(c, g->scope);
	struct refresh refresh = refresh_make(t, c, g, &secret);
	TRY(grant_lasts(t, c, g, &expires_at));
	TRY(code_use(t, g->id, expires_at, refreshed ? &refresh : NULL, &won));
	if (!won)
		return refuse(t, "the code was used before, or expired");
	*ret_json = token_answer(t, &b, access, refreshed ? secret : STR_NONE, id_token);
	return OK;
}
