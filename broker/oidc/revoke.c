/* RFC 7009. What is not known, or ended already, is as good as revoked. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

static enum err foreign(struct task *t) {
	return task_fail(t, ERR_GRANT, "the token was issued to another client"); /* RFC 7009 2.1, RFC 6749 5.2 */
}

static enum err family_revoke(struct task *t, const struct client_config *c, struct str grant_id) {
	struct grant *g = NULL;
	enum err e = grants_find(t, grant_id, &g);
	if (e == ERR_NOT_FOUND || (!e && g->revoked_at))
		return OK;
	TRY(e);
	if (!str_eq(g->client, c->id))
		return foreign(t);
	return grant_end(t, g, "token.revoke");
}

static enum err own_write(struct task *t, const struct client_config *c, const struct access *a) {
	TRY(revoked_tokens_insert(t, a->jti, a->exp * 1000));
	return audit_record(t, "token.revoke", c->id, AUDIT("jti", a->jti));
}

static enum err access_revoke(struct task *t, const struct client_config *c, struct str token) {
	struct access a;
	enum err e = access_token_read(t, token, true, &a);
	if (e == ERR_TOKEN) {
		task_clear(t);
		return OK;
	}
	TRY(e);
	if (a.client != c)
		return foreign(t);
	if (!str_empty(a.grant_id))
		return family_revoke(t, c, a.grant_id);
	if (a.exp <= clock_wall_ms() / 1000)
		return OK;
	TRY(store_begin(t));
	return store_end(t, own_write(t, c, &a));
}

static enum err refresh_revoke(struct task *t, const struct client_config *c, struct str token) {
	struct refresh *r = NULL;
	enum err e = refresh_find(t, secret_key_of(t->arena, token), &r);
	if (e == ERR_NOT_FOUND)
		return OK;
	TRY(e);
	return str_eq(r->client, c->id) ? family_revoke(t, c, r->grant_id) : foreign(t);
}

enum err oidc_revoke(struct task *t, const struct credentials *c) {
	const struct client_config *caller = NULL;
	struct str token = param(c->form, "token");
	TRY(client_authenticate(t, c, &caller));
	if (str_empty(token))
		return task_fail(t, ERR_INVALID, "token is missing");
	t->actor = str_printf(t->arena, "client:%.*s", FMT(caller->id));
	return str_find(token, '.', 0) < token.n ? access_revoke(t, caller, token) : refresh_revoke(t, caller, token);
}
