/* request.h: an HTTP request, complete and within its limits, as handlers see it. */
#ifndef USHER_WEB_REQUEST_H
#define USHER_WEB_REQUEST_H

#include "base/task.h"
#include "broker/oidc/oidc.h"

enum method { METHOD_GET = 1, METHOD_POST = 2, METHOD_HEAD = 4, METHOD_OPTIONS = 8 };

struct request {
	enum method method;
	struct str path;  /* decoded once; no NUL, no "..", no "//" */
	struct str rest;  /* what the route's '*' parts matched, first */
	struct str rest2; /* second */
	struct str content_type, authorization, cookie, accept_language, user_agent, origin, fetch_site;
	struct params query,
		form;          /* names once each, valid UTF-8, no NUL; filled by request_read, which route_run calls */
	struct str query_text; /* what stood behind '?', or absent */
	struct str body;
	bool read;                 /* request_read has been here */
	struct str csrf;           /* the form cookie's value, by csrf_token */
	struct login_state *login; /* by guard: the session's person, or NULL */
	struct str session;        /* session cookie's value, or empty */
	bool scripted;             /* the proof of work came with it */
};

/* Fills query, and form where the content type is application/x-www-form-urlencoded; a second call does nothing.
 * Errors of form_read. */
enum err request_read(struct task *t, struct request *q) must_use;
/* Request target → decoded path and the text behind '?' (absent where there is no '?'). ERR_INVALID: not beginning
 * with '/', bad %XX, "%2F", "%5C", a backslash, a control character, bad UTF-8, an empty, "." or ".." segment ("/"
 * alone and a '/' at the end are fine). */
enum err target_read(struct task *t, struct str target, struct str *ret_path, struct str *ret_query) must_use;
/* application/x-www-form-urlencoded or a query. ERR_INVALID: bad %XX, bad UTF-8, NUL, a name twice; ERR_TOO_LARGE.
 * RFC 6749 3.1, WHATWG URL 5.1. Names that end in "[]" may repeat and are joined by '\n' under the name without it;
 * their values hold no '\n'. */
enum err form_read(struct task *t, struct str text, struct params *ret) must_use;
/* Cookie header → value of name; STR_NONE unless it is there exactly once (RFC 6265 4.2). */
struct str cookie_find(struct str header, struct str name);
/* Right-most untrusted hop of X-Forwarded-For when the peer is trusted, else the peer. Anything malformed: the peer. */
struct str client_address(struct arena *a, const struct config *c, struct str peer, struct str forwarded_for);

#endif
