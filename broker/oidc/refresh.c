/* Refresh tokens: opaque, stored as hashes, rotated at every use. RFC 6749 6, RFC 9700 4.14. The person is asked for in
 * the directory, and everything signed, before the one statement that uses the token up: a directory that is down costs
 * nobody the login. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

#define REFRESH_MAX 128u

static enum err refuse(struct task *t, const char *why) {
	task_clear(t);
	return task_fail(t, ERR_GRANT, "%s", why);
}

static enum err token_find(struct task *t, const struct client_config *c, struct str hash, struct refresh **ret) {
	struct refresh *r = NULL;
	enum err e = refresh_find(t, hash, &r);
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (e || !str_eq(r->client, c->id))
		return refuse(t, "the refresh token is not known, or was issued to another client");
	*ret = r;
	return OK;
}

static enum err token_check(struct task *t, const struct client_config *c, struct str hash, struct grant **ret) {
	struct refresh *r = NULL;
	struct grant *g = NULL;
	TRY(token_find(t, c, hash, &r));
	enum err e = grants_find(t, r->grant_id, &g);
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (e || g->revoked_at)
		return refuse(t, "the refresh token was revoked");
	if (r->used_at) {
		TRY(grant_end(t, g, "token.reuse"));
		return refuse(t, "the refresh token was used before; all that belongs to it is revoked");
	}
	if (r->expires_at <= clock_wall_ms())
		return refuse(t, "the refresh token expired");
	*ret = g;
	return OK;
}

static enum err token_reused(struct task *t, const struct grant *g) {
	TRY(grants_revoke(t, g->id, clock_wall_ms()));
	return audit_record(t, "token.reuse", g->account_id, AUDIT("grant", g->id), AUDIT("client", g->client));
}

static enum err successor_insert(struct task *t, const struct grant *g, const struct refresh *next, bool *ret_won) {
	struct grant *now = NULL;
	TRY(grants_find(t, g->id, &now));
	*ret_won = now->revoked_at == 0; /* revoked since token_check: no new member for an ended family */
	return *ret_won ? refresh_insert(t, next) : OK;
}

/* One transaction: exactly one caller wins, and the others end the family. */
static enum err token_use(
	struct task *t, const struct grant *g, struct str hash, const struct refresh *next, bool *ret_won) {
	struct refresh *r = NULL;
	bool won = false;
	TRY(store_begin(t));
	enum err e = refresh_use(t, hash, clock_wall_ms(), &r);
	if (e == OK)
		e = successor_insert(t, g, next, &won);
	else if (e == ERR_STALE)
		e = token_reused(t, g);
	else if (e == ERR_EXPIRED || e == ERR_NOT_FOUND)
		e = OK;
	TRY(store_end(t, e));
	*ret_won = won;
	return OK;
}

/* What the client may still have, and no more than it asks for. */
static enum err scope_choose(
	struct task *t, const struct client_config *c, struct params p, const struct grant *g, struct str *ret) {
	struct str asked = param(p, "scope"), whole = scope_cut(t->arena, g->scope, c->scopes);
	if (str_empty(asked)) {
		*ret = whole;
		return OK;
	}
	TRY(scope_read(t, c, asked, &asked));
	if (!scope_within(t->arena, asked, whole))
		return task_fail(t, ERR_SCOPE, "scope is wider than what was granted");
	*ret = asked;
	return OK;
}

/* The person is gone or may not log in any more: the grant ends with it. */
static enum err person_gone(struct task *t, const struct grant *g) {
	task_clear(t);
	TRY(grant_end(t, g, "token.person_gone"));
	return refuse(t, "the person's account is gone or disabled");
}

enum err grant_refresh(struct task *t, const struct client_config *c, struct params p, struct str *ret_json) {
	struct str token = param(p, "refresh_token"), hash = STR_NONE;
	struct grant *g = NULL;
	struct account *account = NULL;
	struct person person = {0};
	struct bearer b = {.client = c, .person = &person};
	struct str access = STR_NONE, id_token = STR_NONE, secret = STR_NONE;
	bool won = false;
	if (str_empty(token))
		return task_fail(t, ERR_INVALID, "refresh_token is missing");
	if (token.n > REFRESH_MAX)
		return refuse(t, "the refresh token is not known, or was issued to another client");
	t->actor = str_printf(t->arena, "client:%.*s", FMT(c->id));
	hash = secret_key_of(t->arena, token);
	TRY(token_check(t, c, hash, &g));
	TRY(scope_choose(t, c, p, g, &b.scope));
	enum err e = grant_person(t, g, &account, &person);
	if (e)
		return e == ERR_TOKEN ? person_gone(t, g) : e;
	b.grant = g;
	b.account = account;
	TRY(access_token_make(t, &b, &access));
	if (scope_includes(b.scope, STR("openid")))
		TRY(id_token_make(t, &b, access, STR_NONE, &id_token)); /* no nonce: OpenID Connect Core 12.2 */
	struct refresh next = refresh_make(t, c, g, &secret);
	TRY(token_use(t, g, hash, &next, &won));
	if (!won)
		return refuse(t, "the refresh token was used before, expired or was revoked");
	*ret_json = token_answer(t, &b, access, secret, id_token);
	return OK;
}
