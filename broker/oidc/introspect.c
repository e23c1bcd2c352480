/* RFC 7662. Whatever the caller may not see, or is worth nothing, is {"active":false} and no more. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

static const struct str inactive = {"{\"active\":false}", 16};

struct seen { /* a token that is worth something */
	const struct client_config *client;
	const struct grant *grant; /* NULL: a client's own */
	const struct account *account;
	struct access access; /* jti is empty for a refresh token */
};

/* The entry alone: who is disabled or deleted in the directory holds no token that is worth anything. */
static enum err account_live(struct task *t, const struct grant *g, const struct account **ret) {
	const struct directory_config *d = NULL;
	struct account *account = NULL;
	struct entry *entry = NULL;
	enum err e = accounts_find(t, g->account_id, &account);
	if (!e)
		e = account_person(t, account, &d, &entry, NULL);
	if (e == ERR_NOT_FOUND || (!e && !entry->enabled)) {
		task_clear(t);
		return task_fail(t, ERR_TOKEN, "the person's account is gone or disabled");
	}
	TRY(e);
	*ret = account;
	return OK;
}

static enum err access_seen(struct task *t, struct str token, struct seen *ret) {
	struct grant *g = NULL;
	TRY(access_token_read(t, token, false, &ret->access));
	TRY(access_token_live(t, &ret->access, &g));
	ret->client = ret->access.client;
	ret->grant = g;
	return g ? account_live(t, g, &ret->account) : OK;
}

static enum err refresh_seen(struct task *t, struct str token, struct seen *ret) {
	struct refresh *r = NULL;
	struct grant *g = NULL;
	enum err e = refresh_find(t, secret_key_of(t->arena, token), &r);
	if (!e)
		e = grants_find(t, r->grant_id, &g);
	if (e == ERR_NOT_FOUND || (!e && (r->used_at || r->expires_at <= clock_wall_ms() || g->revoked_at))) {
		task_clear(t);
		return task_fail(t, ERR_TOKEN, "the refresh token is not known or ended");
	}
	TRY(e);
	ret->client = realm_client(t->realm, r->client);
	ret->grant = g;
	ret->access = (struct access){.scope = g->scope, .iat = r->created_at / 1000, .exp = r->expires_at / 1000};
	if (!ret->client)
		return task_fail(t, ERR_TOKEN, "the client is no longer known");
	TRY(account_live(t, g, &ret->account));
	ret->access.sub = ret->account->sub;
	return OK;
}

/* A refresh token is shown to nobody but us (RFC 6749 1.5): an API that asks about one was given it in an access
 * token's place, and would take it for one. */
static bool may_see(const struct client_config *caller, const struct seen *s) {
	bool is_refresh = str_empty(s->access.jti);
	return s->client == caller || (caller->introspect && !is_refresh);
}

static json_t *audience(const struct strs *list) {
	json_t *array = json_array();
	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_from_str(list->v[i]));
	return array;
}

static enum err seen_json(struct task *t, const struct seen *s, struct str *ret) {
	owned(json) json_t *out = json_object();
	const struct access *a = &s->access;
	json_object_set_new(out, "active", json_true());
	TRY(claim_text(t, out, "iss", t->realm->issuer));
	TRY(claim_text(t, out, "sub", a->sub));
	TRY(claim_text(t, out, "client_id", s->client->id));
	TRY(claim_text(t, out, "scope", a->scope));
	TRY(claim_text(t, out, "jti", a->jti));
	if (!str_empty(a->jti))
		TRY(claim_text(t, out, "token_type", STR("Bearer")));
	if (s->account)
		TRY(claim_text(t, out, "username", s->account->login));
	if (a->audience.n)
		json_object_set_new(out, "aud", audience(&a->audience));
	json_object_set_new(out, "iat", json_integer(a->iat));
	json_object_set_new(out, "exp", json_integer(a->exp));
	*ret = json_text(t->arena, out);
	return OK;
}

enum err oidc_introspect(struct task *t, const struct credentials *c, struct str *ret_json) {
	const struct client_config *caller = NULL;
	struct seen s = {0};
	struct str token = param(c->form, "token");
	TRY(client_authenticate(t, c, &caller));
	if (caller->auth == CLIENT_AUTH_NONE) /* RFC 7662 2.1 */
		return task_fail(t, ERR_CLIENT, "a public client may not introspect");
	if (str_empty(token))
		return task_fail(t, ERR_INVALID, "token is missing");
	enum err e = str_find(token, '.', 0) < token.n ? access_seen(t, token, &s) : refresh_seen(t, token, &s);
	if (e && e != ERR_TOKEN)
		return e;
	if (e || !may_see(caller, &s)) {
		task_clear(t);
		*ret_json = inactive;
		return OK;
	}
	return seen_json(t, &s, ret_json);
}
