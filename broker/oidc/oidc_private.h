/* oidc_private.h: shared by the files of this folder. Included by them only. */
#ifndef USHER_BROKER_OIDC_OIDC_PRIVATE_H
#define USHER_BROKER_OIDC_OIDC_PRIVATE_H

#include "broker/oidc/oidc.h"

#define SECRET_BYTES 32u          /* of codes and refresh tokens */
#define CODE_TTL_MS  60000        /* RFC 6749 4.1.2 wants ten minutes at most */
#define PARK_TTL_MS  (30 * 60000) /* time for a login that leads through a new password */
#define PARKED_MOST  3800u        /* letters; a cookie with its name may have 4096 bytes (RFC 6265 6.1) */
#define PARKED_PLAIN 2700u        /* bytes of the parameters; sealed and encoded they fit with realm and subject */
#define TYP_ID       "JWT"
#define TYP_ACCESS   "at+jwt"     /* RFC 9068 2.1 */
#define TYP_CLAIMS   "claims+jwt"
#define TYP_LOGOUT   "logout+jwt" /* OpenID Connect Back-Channel Logout 1.0, 2.4 */

/* ---- keyset.c ---- */
struct public_key {
	struct str kid;
	const struct jose_key *key;
};
struct realm_keys { /* constant once published */
	struct str realm;
	const struct jose_key *active[JOSE_ALGS];
	struct public_key *keys; /* what is published: next, active, retired */
	size_t n;
	struct str metadata, jwks;
};
/* Memory only. ERR_UNAVAILABLE: none were loaded for this realm yet. */
enum err keyset_find(struct task *t, const struct realm_keys **ret) must_use;
enum err keyset_signer(struct task *t, struct str alg, const struct jose_key **ret) must_use;
/* ERR_TOKEN: no such key. */
enum err keyset_verifier(struct task *t, struct str kid, const struct jose_key **ret) must_use;
/* keyset_rows.c: rows of the realm; makes what is missing, removes what retired long ago. */
enum err keyset_rows(struct task *t, struct signing_key **ret, size_t *n) must_use;
/* A row for a new key, not inserted. */
enum err keyset_generate(struct task *t, struct str alg, enum key_state state, struct signing_key *ret) must_use;
/* metadata.c */
struct str metadata_make(struct arena *a, const struct realm *r);

/* ---- scope.c ---- */
#define SCOPE_MAX 1024u
/* The scopes asked for, each once. ERR_SCOPE: none, malformed, too many, or one that the client may not have. */
enum err scope_read(struct task *t, const struct client_config *c, struct str asked, struct str *ret) must_use;
bool scope_includes(struct str scope, struct str one);
bool scope_within(struct arena *a, struct str part, struct str whole);
/* Those of scope that are in allowed still. */
struct str scope_cut(struct arena *a, struct str scope, struct strs allowed);
/* One of those that OpenID Connect and this program give a meaning. */
bool scope_is_standard(struct str one);

/* ---- redirect.c ---- */
/* Letter by letter; for public clients the port of http://127.0.0.1 and http://[::1] is free (RFC 8252 7.3). */
bool redirect_uri_registered(const struct client_config *c, struct str uri);

/* ---- hint.c ---- */
struct hint { /* an ID token of ours; it may have expired */
	const struct client_config *client;
	struct str sub, sid;
};
enum err hint_read(struct task *t, struct str id_token, struct hint *ret) must_use; /* ERR_INVALID */

/* ---- tokens ---- */
struct bearer { /* whom tokens are made for */
	const struct client_config *client;
	struct str scope;
	const struct grant *grant; /* NULL, as the next two: the client itself */
	const struct account *account;
	const struct person *person;
};
enum err access_token_make(struct task *t, const struct bearer *b, struct str *ret) must_use;
/* nonce may be empty. */
enum err id_token_make(
	struct task *t, const struct bearer *b, struct str access_token, struct str nonce, struct str *ret) must_use;

struct access { /* what an access token says */
	const struct client_config *client;
	struct str sub, scope, jti, grant_id; /* grant_id: empty for a client's own */
	struct strs audience;
	int64_t iat, exp; /* seconds */
};
/* Memory only: ours, of this realm, meant for us, of a client that still is. With any_time an expired one passes.
 * ERR_TOKEN. */
enum err access_token_read(struct task *t, struct str token, bool any_time, struct access *ret) must_use;
/* Asks the store: not revoked. *ret_grant is NULL for a client's own. ERR_TOKEN. */
enum err access_token_live(struct task *t, const struct access *a, struct grant **ret_grant) must_use;
/* The person behind a grant, from the live directory; either may be NULL. ERR_TOKEN: gone, or disabled. */
enum err grant_person(
	struct task *t, const struct grant *g, struct account **ret_account, struct person *ret_person) must_use;
/* base64url of SHA-256: how bearer secrets rest in the store. */
struct str secret_hash(struct arena *a, struct str secret);

/* ---- token_cache.c: tokens whose signature we made or checked ---- */
bool token_cache_has(struct str realm, struct str token);
void token_cache_add(struct str realm, struct str token, int64_t exp_s);

/* ---- grants: an authenticated client's request at the token endpoint → JSON ---- */
typedef enum err grant_run(struct task *t, const struct client_config *c, struct params p, struct str *ret_json);
grant_run grant_code, grant_refresh, grant_client;
/* The JSON of RFC 6749 5.1 for a person; refresh and id_token may be empty. */
struct str token_answer(
	struct task *t, const struct bearer *b, struct str access, struct str refresh, struct str id_token);
/* Whether the client gets refresh tokens with this scope. */
bool refresh_is_given(const struct client_config *c, struct str scope);
/* A new one's row, the secret in *ret_secret; not inserted. */
struct refresh refresh_make(
	struct task *t, const struct client_config *c, const struct grant *g, struct str *ret_secret);
/* Revokes and records why, in a transaction of its own. */
enum err grant_end(struct task *t, const struct grant *g, const char *action) must_use;

/* ---- backchannel.c ---- */
struct logout_notice { /* sub or sid may be empty, not both */
	const struct client_config *client;
	struct str sub, sid, jti;
};
enum err logout_token_make(struct task *t, const struct logout_notice *n, struct str *ret) must_use;

/* ---- claims.c ---- */
/* By scope; neither roles nor groups. */
enum err claims_person(
	struct task *t, struct str scope, const struct account *a, const struct person *p, json_t *into) must_use;
/* All that the client may see, whole; roles before groups. */
enum err claims_roles(
	struct task *t, const struct client_config *c, struct str scope, const struct person *p, json_t *into) must_use;
/* distributed.c: as many of them as client->claims_bytes has room for; of the others where they are told. */
enum err claims_in_token(struct task *t, const struct bearer *b, json_t *into) must_use;
/* Adds a member; ERR_INTERNAL where the text is not UTF-8. Empty texts are left out. */
enum err claim_text(struct task *t, json_t *into, const char *name, struct str value) must_use;

#endif
