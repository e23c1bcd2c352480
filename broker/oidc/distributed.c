/* Roles and groups that would make a token too large are told elsewhere: the token says where (distributed claims,
 * OpenID Connect Core 5.6.2), and the endpoint tells them in a JWT. */
#include "base/clock.h"
#include "broker/oidc/oidc_private.h"

#define SOURCE "usher"

/* The token itself names no access token for the endpoint: its holder has one. */
static enum err point_to_endpoint(struct task *t, json_t *names, json_t *into) {
	owned(json) json_t *sources = json_object();
	json_t *source = json_object();
	json_object_set_new(sources, SOURCE, source);
	TRY(claim_text(t, source, "endpoint", str_printf(t->arena, "%.*s/claims", FMT(t->realm->issuer))));
	json_object_set(into, "_claim_names", names);
	json_object_set(into, "_claim_sources", sources);
	return OK;
}

/* In the order in which they were collected: what still fits is told. */
enum err claims_in_token(struct task *t, const struct bearer *b, json_t *into) {
	owned(json) json_t *all = json_object(), *names = json_object();
	int64_t left = b->client->claims_bytes;
	const char *name;
	json_t *value;
	TRY(claims_roles(t, b->client, b->scope, b->person, all));
	json_object_foreach(all, name, value) {
		int64_t size = (int64_t)(strlen(name) + json_text(t->arena, value).n + sizeof("\"\":,") - 1);
		if (size <= left) {
			left -= size;
			json_object_set(into, name, value);
		} else {
			json_object_set_new(names, name, json_string(SOURCE));
		}
	}
	return json_object_size(names) ? point_to_endpoint(t, names, into) : OK;
}

/* No "exp" and a type of its own, so that nobody takes it for an ID token. */
static enum err claims_jwt(struct task *t, const struct access *a, const struct account *account,
	const struct person *person, struct str *ret) {
	owned(json) json_t *claims = json_object();
	const struct jose_key *key = NULL;
	TRY(keyset_signer(t, a->client->signing_alg, &key));
	TRY(claim_text(t, claims, "iss", t->realm->issuer));
	TRY(claim_text(t, claims, "sub", account->sub));
	TRY(claim_text(t, claims, "aud", a->client->id));
	json_object_set_new(claims, "iat", json_integer(clock_wall_ms() / 1000));
	TRY(claims_roles(t, a->client, a->scope, person, claims));
	return jws_sign(t, key, STR(TYP_CLAIMS), json_text(t->arena, claims), ret);
}

enum err oidc_claims(struct task *t, struct str bearer, struct str *ret_jwt) {
	struct access a;
	struct grant *g = NULL;
	struct account *account = NULL;
	struct person person = {0};
	if (str_empty(bearer))
		return task_fail(t, ERR_TOKEN, "there is no access token");
	TRY(access_token_read(t, bearer, false, &a));
	TRY(access_token_live(t, &a, &g));
	if (!g)
		return task_fail(t, ERR_INSUFFICIENT_SCOPE, "the access token is not a person's");
	TRY(grant_person(t, g, &account, &person));
	if (!str_eq(account->sub, a.sub))
		return task_fail(t, ERR_TOKEN, "the access token is for somebody else");
	return claims_jwt(t, &a, account, &person, ret_jwt);
}
