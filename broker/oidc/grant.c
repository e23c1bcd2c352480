/* The token endpoint: one row a grant type, and what the grants share. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/metric.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

static const struct grant_row {
	const char *type;
	enum client_grant grant;
	unsigned metric_label; /* of METRIC_TOKENS */
	grant_run *run;
	bool is_inline; /* needs memory only */
} rows[] = {
	{"authorization_code", GRANT_AUTHORIZATION_CODE, 0, grant_code, false},
	{"refresh_token", GRANT_REFRESH_TOKEN, 1, grant_refresh, false},
	{"client_credentials", GRANT_CLIENT_CREDENTIALS, 2, grant_client, true},
};

static const struct grant_row *row_of(struct str type) {
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_eq(type, str_of(rows[i].type)))
			return &rows[i];
	return NULL;
}

bool token_is_inline(struct task *t, const struct credentials *c) {
	const struct grant_row *row = row_of(param(c->form, "grant_type"));
	return t->realm && row && row->is_inline;
}

enum err oidc_token(struct task *t, const struct credentials *c, struct str *ret_json) {
	const struct client_config *client = NULL;
	struct str type = param(c->form, "grant_type");
	const struct grant_row *row = row_of(type);
	TRY(client_authenticate(t, c, &client));
	if (str_empty(type))
		return task_fail(t, ERR_INVALID, "grant_type is missing");
	if (!row)
		return task_fail(
			t, ERR_GRANT_TYPE, "grant_type is none of those supported; see the discovery document");
	if (!(client->grants & row->grant))
		return task_fail(
			t, ERR_UNAUTHORIZED_CLIENT, "client %.*s has not the grant %s", FMT(client->id), row->type);
	TRY(row->run(t, client, c->form, ret_json));
	metric_add(METRIC_TOKENS, row->metric_label, 1);
	return OK;
}

/* ---- client_credentials: writes nothing, asks nobody ---- */

/* Without a wish: those of the client that do not speak of a person. */
static enum err client_scope(struct task *t, const struct client_config *c, struct str asked, struct str *ret) {
	struct strs kept = {0};
	struct str scope = asked;
	if (str_empty(asked)) {
		for (size_t i = 0; i < c->scopes.n; i++)
			if (!scope_is_standard(c->scopes.v[i]))
				strs_add(t->arena, &kept, c->scopes.v[i]);
		*ret = str_join(t->arena, kept, STR(" "));
		return OK;
	}
	TRY(scope_read(t, c, asked, &scope));
	struct str rest = scope, one;
	while (str_next(&rest, ' ', &one))
		if (scope_is_standard(one))
			return task_fail(
				t, ERR_SCOPE, "scope %.*s speaks of a person; client_credentials has none", FMT(one));
	*ret = scope;
	return OK;
}

enum err grant_client(struct task *t, const struct client_config *c, struct params p, struct str *ret_json) {
	struct bearer b = {.client = c};
	struct str token = STR_NONE;
	TRY(client_scope(t, c, param(p, "scope"), &b.scope));
	TRY(access_token_make(t, &b, &token));
	*ret_json = token_answer(t, &b, token, STR_NONE, STR_NONE);
	return OK;
}

/* ---- shared ---- */

static void put_member(struct buf *b, struct str name, struct str value) {
	if (str_empty(value))
		return;
	buf_put(b, name);
	json_escape(b, value);
}

struct str token_answer(
	struct task *t, const struct bearer *b, struct str access, struct str refresh, struct str id_token) {
	struct buf out = buf_new(t->arena, LIMIT_RESPONSE);
	buf_put(&out, STR("{\"access_token\":\"")); /* base64url and dots: nothing to escape */
	buf_put(&out, access);
	buf_printf(&out, "\",\"token_type\":\"Bearer\",\"expires_in\":%lld", (long long)b->client->access_ttl);
	put_member(&out, STR(",\"scope\":"), b->scope);
	put_member(&out, STR(",\"refresh_token\":"), refresh);
	put_member(&out, STR(",\"id_token\":"), id_token);
	buf_byte(&out, '}');
	return buf_str(&out);
}

bool refresh_is_given(const struct client_config *c, struct str scope) {
	return c->grants & GRANT_REFRESH_TOKEN &&
	       (!c->offline_only_refresh || scope_includes(scope, STR("offline_access")));
}

struct refresh refresh_make(
	struct task *t, const struct client_config *c, const struct grant *g, struct str *ret_secret) {
	struct str secret = random_secret(t->arena);
	int64_t now = clock_wall_ms(), idle = now + c->refresh_idle * 1000,
		last = g->created_at + c->refresh_ttl * 1000;
	*ret_secret = secret;
	return (struct refresh){
		.hash = secret_key_of(t->arena, secret),
		.realm = t->realm_name,
		.grant_id = g->id,
		.client = c->id,
		.created_at = now,
		.expires_at = idle < last ? idle : last,
	};
}

enum err grant_end(struct task *t, const struct grant *g, const char *action) {
	TRY(store_begin(t));
	enum err e = grants_revoke(t, g->id, clock_wall_ms());
	if (!e)
		e = audit_record(t, action, g->account_id, AUDIT("grant", g->id), AUDIT("client", g->client));
	return store_end(t, e);
}
