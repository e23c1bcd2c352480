/* Who calls the token, introspection and revocation endpoints. RFC 6749 2.3; memory only. */
#include "base/encode.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

#define CLIENT_ID_MAX 256u
#define SECRET_MAX    1024u

struct presented {
	enum client_auth method;
	struct str id, secret;
};

/* RFC 6749 2.3.1: both halves are form-encoded before they are joined. */
static bool basic_read(struct arena *a, struct str header, struct presented *ret) {
	struct str text = STR_NONE, id = STR_NONE, secret = STR_NONE;
	size_t space = str_find(header, ' ', 0);
	if (!str_eq_case(str_sub(header, 0, space), STR("Basic")) ||
		!base64_decode(a, str_trim(str_sub(header, space, header.n)), &text))
		return false;
	size_t colon = str_find(text, ':', 0);
	if (colon == text.n || !form_decode(a, str_sub(text, 0, colon), &id) ||
		!form_decode(a, str_sub(text, colon + 1, text.n), &secret))
		return false;
	*ret = (struct presented){CLIENT_AUTH_BASIC, id, secret};
	return true;
}

static enum err refuse(struct task *t) {
	return task_fail(t, ERR_CLIENT, "client authentication failed");
}

static enum err presented_read(struct task *t, const struct credentials *c, struct presented *ret) {
	struct str id = param(c->form, "client_id"), secret = param(c->form, "client_secret");
	struct presented p = {str_empty(secret) ? CLIENT_AUTH_NONE : CLIENT_AUTH_POST, id, secret};
	if (!str_empty(c->authorization)) {
		if (!str_empty(secret))
			return task_fail(
				t, ERR_INVALID, "client_secret stands beside an Authorization header; use one of them");
		if (!basic_read(t->arena, c->authorization, &p))
			return refuse(t);
		if (!str_empty(id) && !str_eq(id, p.id))
			return task_fail(t, ERR_INVALID, "client_id is not the one of the Authorization header");
	}
	if (!str_empty(param(c->form, "client_assertion")) || p.id.n > CLIENT_ID_MAX || p.secret.n > SECRET_MAX)
		return refuse(t);
	*ret = p;
	return OK;
}

/* The same work for an unknown client as for a wrong secret. */
static bool is_right(const struct client_config *c, const struct presented *p) {
	static const char nothing[HASH_SIZE];
	uint8_t hash[HASH_SIZE];
	sha256_into(hash, p->secret);
	bool confidential = c && c->auth != CLIENT_AUTH_NONE && c->secret_hash.n == HASH_SIZE;
	struct str wanted = confidential ? c->secret_hash : str_slice(nothing, HASH_SIZE);
	bool same = str_eq_secret(str_slice((const char *)hash, HASH_SIZE), wanted);
	if (!c || c->auth != p->method)
		return false;
	return c->auth == CLIENT_AUTH_NONE ? str_empty(p->secret) : confidential && same && !str_empty(p->secret);
}

enum err client_authenticate(struct task *t, const struct credentials *c, const struct client_config **ret) {
	struct presented p = {0};
	TRY(presented_read(t, c, &p));
	const struct client_config *client = realm_client(t->realm, p.id);
	struct str key = str_printf(t->arena, "%.*s\n%.*s", FMT(p.id), FMT(t->address));
	TRY(throttle_take(t, THROTTLE_CLIENT, key));
	if (!is_right(client, &p))
		return refuse(t);
	throttle_give_back(t, THROTTLE_CLIENT, key);
	*ret = client;
	return OK;
}
