/* oidc.h: the OpenID Provider and OAuth 2.0 authorization server. The door of this folder. It knows no HTTP: parameters
 * in, JSON or a redirect out.
 *
 * RFC 6749, 6750, 7009, 7636, 7662, 8414, 9068, 9207, 9700; OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated
 * Logout 1.0, Back-Channel Logout 1.0. */
#ifndef USHER_BROKER_OIDC_OIDC_H
#define USHER_BROKER_OIDC_OIDC_H

#include "broker/jose/jose.h"
#include "broker/login/login.h"
#include "federation/roles/roles.h"

struct param {
	struct str name, value;
};
struct params { /* no name twice: the reader refuses duplicates (RFC 6749 3.1) */
	const struct param *v;
	size_t n;
};
/* STR_NONE when absent; in a protocol an empty one counts as absent too (RFC 6749 3.1, 3.2) */
struct str param(struct params p, const char *name);

/* ---- keys ---- */
/* Loads or makes the keys of every realm (each of realm->signing_algs), and publishes them to all threads. At start,
 * after a reload, and when generation_get moved. */
enum err keyset_refresh(struct task *t) must_use;
/* Whether the key file opens each signing key of the realm; makes and publishes none. *ret_n: how many there are.
 * ERR_CONFIG names the first that it does not open. For usherctl. */
enum err keyset_check(struct task *t, size_t *ret_n) must_use;
/* Without now: a new key becomes KEY_NEXT (nothing happens where one is waiting). With now: the one that waits, else a
 * new one, becomes KEY_ACTIVE, and the one before KEY_RETIRED. An empty alg means each of the realm's. For usherctl;
 * moves the generation on. ERR_INVALID: the realm keeps no keys of this algorithm. */
enum err keyset_rotate(struct task *t, struct str alg, bool now) must_use;
/* A key that leaked: it is published no more and verifies nothing. For usherctl; moves the generation on. ERR_NOT_FOUND;
 * ERR_STALE: it is the one that signs; keyset_rotate first. */
enum err keyset_withdraw(struct task *t, struct str kid) must_use;
/* Both readable on event threads, rebuilt by keyset_refresh and constant after: valid until the process ends or the
 * next refresh but one. */
enum err oidc_metadata(struct task *t, struct str *ret) must_use; /* JSON of discovery, RFC 8414 too */
enum err oidc_jwks(struct task *t, struct str *ret) must_use;

/* ---- authorization ---- */
struct authorize {
	const struct client_config *client;
	struct str redirect_uri, state, scope, nonce, challenge,
		response_mode; /* response_mode: "query" or "form_post" */
	struct str prompt; /* "", "none", "login", "consent", "select_account", or several of the latter three with a
			      space between */
	int64_t max_age;   /* -1 absent */
	struct str login_hint;
	struct str hint_sub;   /* the subject of id_token_hint, verified, or empty */
	struct str parameters; /* JSON, for parking */
	int64_t parked_at;     /* by authorize_resume, else 0: a session whose auth_time is not before it is fresh */
};
/* Checks all. When client and redirect_uri are right, further errors are for the client: *ret is filled that far,
 * *ret_redirect true, and the error goes there. Else *ret_redirect is false and a page says what is wrong. */
enum err authorize_read(struct task *t, struct params p, struct authorize *ret, bool *ret_redirect) must_use;
/* Until login or consent is done the browser carries the request, sealed, in a cookie and in forms; 3800 letters at
 * most. It is good for half an hour, in this realm, as often as it is shown: as the request itself is. */
struct str authorize_park(struct task *t, const struct authorize *a);
enum err authorize_resume(struct task *t, struct str parked, struct authorize *ret) must_use; /* ERR_EXPIRED */
enum authorize_next { AUTHORIZE_GRANT, AUTHORIZE_LOGIN, AUTHORIZE_CONSENT };
/* What is to be done next for this person (state may be NULL: nobody); ERR_LOGIN_REQUIRED / ERR_CONSENT_REQUIRED with
 * prompt=none. `fresh`: the person has logged in for this request (which counts for max_age
 * during five minutes), `consented`: has just allowed it. */
enum err authorize_next(struct task *t, const struct authorize *a, const struct login_state *state, bool fresh,
	bool consented, enum authorize_next *ret) must_use;
/* Makes the code; records consent where it was given now. */
enum err authorize_grant(struct task *t, const struct authorize *a, const struct login_state *state, bool consented,
	struct str *ret_code) must_use;
/* The answer's parameters: code or error, state, iss. An URI for query mode; for form_post the caller makes a form of
 * these. */
struct answer {
	struct str redirect_uri;
	struct param v[5];
	size_t n;
};
void authorize_answer_code(struct task *t, const struct authorize *a, struct str code, struct answer *ret);
void authorize_answer_error(struct task *t, const struct authorize *a, enum err code, struct answer *ret);
struct str answer_uri(struct arena *a, const struct answer *answer);
struct scope_line {
	struct str scope;
	const char *text_key;
};
/* What consent asks for, a catalogue key a scope: "consent.scope.profile" and so on, "consent.scope.other" for a
 * configured one; openid is left out. */
size_t consent_lines(const struct authorize *a, struct arena *arena, struct scope_line **ret);

/* ---- endpoints; each gives JSON text ---- */
struct credentials {
	struct str authorization; /* the Authorization header, or empty */
	struct params form;
};
/* ERR_CLIENT; constant time; one method only (RFC 6749 2.3). Throttled by client and address. */
enum err client_authenticate(struct task *t, const struct credentials *c, const struct client_config **ret) must_use;
/* True where oidc_token may run on an event thread: client_credentials of a client in memory whose algorithm is not RSA
 * is cheap, RSA too is allowed by design. */
bool token_is_inline(struct task *t, const struct credentials *c);
enum err oidc_token(struct task *t, const struct credentials *c, struct str *ret_json) must_use;
enum err oidc_introspect(struct task *t, const struct credentials *c, struct str *ret_json) must_use;
enum err oidc_revoke(struct task *t, const struct credentials *c) must_use;
enum err oidc_userinfo(
	struct task *t, struct str bearer, struct str *ret_json) must_use; /* ERR_TOKEN, ERR_INSUFFICIENT_SCOPE */
/* The endpoint of distributed claims (OpenID Connect Core 5.6.2.2): the roles and groups that the client may see,
 * whole, in a JWT. Any access token of a person's opens it. ERR_TOKEN, ERR_INSUFFICIENT_SCOPE. */
enum err oidc_claims(struct task *t, struct str bearer, struct str *ret_jwt) must_use;
/* Error object of RFC 6749 5.2 with a description that helps a developer and tells no secret; letters that the RFC does
 * not allow there become '?'. */
struct str oauth_error_json(struct arena *a, enum err code, struct str description);
/* The description for an error of this folder's functions: what was told by task_fail where the code is one of the
 * protocol's, a fixed sentence where it is ours or a neighbour's (nothing of the inside leaves), and for ERR_CLIENT
 * always the same. */
struct str oauth_description(struct task *t, enum err code);

struct logout_request {
	const struct client_config *client;  /* or NULL */
	struct str post_logout_redirect_uri; /* checked, or empty */
	struct str state;
	struct str sub, sid; /* of the hint, verified (expiry is ignored), or empty */
	bool confirm;        /* the person who is logged in must be asked: no hint, or one of somebody else */
};
/* ERR_INVALID: the URI is not registered, or the hint is not ours: a page, never a redirect. */
enum err logout_read(
	struct task *t, struct params p, const struct login_state *state, struct logout_request *ret) must_use;

/* Back-channel logout: carries a JOB_LOGOUT out, of which a session's end inserted one for each client. Makes the
 * logout token, the job's id its jti, so that a try after a lost answer is the same logout; POSTs it to the client's
 * backchannel_logout_uri, 10 s at most. ERR_REFUSED: the application answered 400. ERR_UNAVAILABLE, ERR_TIMEOUT: any
 * other answer than 200 and 204, or none. Where the client is no longer configured nothing is done. */
enum err backchannel_run(struct task *t, const struct job *j) must_use;

/* ---- claims ---- */
/* For userinfo, and for an ID token as far as it has room: by scope and client setting. Roles and names of groups are
 * given by the scopes "roles" and "groups" to a client that may ask for these, and always to one that may not (its
 * scopes hold neither) but is configured to see them. email_verified is true only for the very address that the
 * account's registration proved. */
enum err claims_collect(struct task *t, const struct client_config *c, struct str scope, const struct account *a,
	const struct person *p, json_t *into) must_use;
void oidc_check_config(struct arena *a, const struct config *c, struct config_errors *errors);

#endif
