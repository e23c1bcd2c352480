#include "broker/oidc/oidc_private.h"

static enum err signature_check(struct task *t, const struct jws *j) {
	const struct jose_key *key = NULL;
	TRY(keyset_verifier(t, j->kid, &key));
	return jws_verify(t, key, j);
}

/* "aud" of our ID tokens is one text. */
static const struct client_config *audience_client(const struct task *t, const json_t *claims) {
	struct str audience = json_member_str(claims, "aud");
	return str_empty(audience) ? NULL : realm_client(t->realm, audience);
}

enum err hint_read(struct task *t, struct str id_token, struct hint *ret) {
	struct jws j;
	owned(json) json_t *claims = NULL;
	enum err e = jws_parse(t, id_token, &j);
	if (!e)
		e = signature_check(t, &j);
	if (!e)
		e = json_parse(t, j.payload, &claims);
	if (e == ERR_UNAVAILABLE)
		return e;
	if (e || !str_eq(j.typ, STR(TYP_ID)) || !str_eq(json_member_str(claims, "iss"), t->realm->issuer)) {
		task_clear(t);
		return task_fail(t, ERR_INVALID, "id_token_hint is not an ID token of %.*s", FMT(t->realm->issuer));
	}
	struct hint hint = {
		.client = audience_client(t, claims),
		.sub = str_dup(t->arena, json_member_str(claims, "sub")),
		.sid = str_dup(t->arena, json_member_str(claims, "sid")),
	};
	if (!hint.client || str_empty(hint.sub))
		return task_fail(t, ERR_INVALID, "id_token_hint was made for a client that is no longer known");
	*ret = hint;
	return OK;
}
