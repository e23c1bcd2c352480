/* route.h: which function answers a request. One table (routes.c), one row a route.
 *
 * Patterns: "/realms/{realm}/login"; "{realm}" is found in the configuration first, '*' matches one path segment and
 * goes into request.rest, rest2.
 */
#ifndef USHER_WEB_ROUTE_H
#define USHER_WEB_ROUTE_H

#include "web/response.h"

enum guard {               /* bits */
	GUARD_NONE = 0,    /* public, says so on purpose */
	GUARD_CSRF = 1,    /* POST: form token bound to a cookie, and Sec-Fetch-Site/Origin of ours */
	GUARD_SESSION = 2, /* loads the session if there is one */
	GUARD_LOGIN = 4,   /* needs one: GET leads to the login page and back, POST is 401 */
	GUARD_PROOF = 8,   /* proof of work, or the stricter limit without */
	GUARD_CLIENT = 16, /* the endpoint authenticates a client by itself */
	GUARD_BEARER = 32, /* the endpoint checks a token by itself */
	GUARD_TICKET = 64, /* the page checks a one-time link by itself */
	GUARD_CORS = 128,  /* answers any origin, without credentials: discovery, JWKS, userinfo, token */
};
enum place { PLACE_INLINE, PLACE_WORKER, PLACE_TOKEN }; /* PLACE_TOKEN: token_is_inline chooses */

typedef enum err handler(struct task *t, struct request *q, struct response *r);
struct route {
	const char *pattern;
	unsigned methods;
	enum place place;
	unsigned guard;
	handler *run; /* an error is answered as a page */
	bool oauth;   /* an error is answered as OAuth JSON */
};
extern const struct route routes[];
extern const size_t n_routes;

/* ERR_NOT_FOUND; ERR_METHOD with *allow filled ("GET, HEAD, POST"). HEAD is GET without a body: a handler sees
 * METHOD_GET. OPTIONS is answered here for rows with GUARD_CORS. Sets t->realm, also with an error where the path
 * names one. The first row that matches wins: literal segments stand before '*'. */
struct route_table {
	const struct route *v;
	size_t n;
};
enum err route_find_in(struct task *t, struct route_table table, struct request *q, const struct route **ret,
	struct str *allow) must_use;
static inline must_use enum err route_find(
	struct task *t, struct request *q, const struct route **ret, struct str *allow) {
	return route_find_in(t, (struct route_table){routes, n_routes}, q, ret, allow);
}
/* Guard, handler, error page: what a worker or event thread runs for a request. Always leaves a response. */
void route_run(struct task *t, const struct route *route, struct request *q, struct response *r);
/* The answer to an error: a page, or JSON for an oauth route (route may be NULL: a page). What the response held is
 * forgotten, Retry-After excepted. Without response_finish. */
void route_error(struct task *t, const struct route *route, struct request *q, struct response *r, enum err code);

#endif
