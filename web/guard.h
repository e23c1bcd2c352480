/* guard.h: what stands before every handler. */
#ifndef USHER_WEB_GUARD_H
#define USHER_WEB_GUARD_H

#include "web/route.h"

/* Everything the route's guard asks for. ERR_DENIED: CSRF. ERR_LOGIN. ERR_TOO_MANY: no proof of work and the stricter
 * limit is met. */
enum err guard_check(struct task *t, const struct route *route, struct request *q, struct response *r) must_use;
/* Where route_run sends a GET without a session: "/realms/R/login?to=PATH", to being the path and query that was
 * asked for. */
struct str guard_login_path(struct task *t, const struct request *q);
/* Whether the value of "to" may be followed after the login: a path within this realm, nothing that leads to another
 * host. */
bool guard_return_allowed(const struct task *t, struct str to);
/* The token for a form; sets the cookie where the browser has none. HMAC(derived "csrf", cookie value "\n" realm).
 * Field name "csrf". */
struct str csrf_token(struct task *t, struct request *q, struct response *r);
/* A challenge for the page's solver: "v1.EXPIRES.NONCE.BITS.MAC"; the solver finds a number n with BITS leading zero
 * bits in SHA-256(challenge "." n). Fields "pow_challenge", "pow_answer". One use within its 10 minutes, remembered
 * in memory (bounded). */
struct str proof_challenge(struct task *t);
bool proof_check(struct task *t, struct str challenge, struct str answer);

#endif
