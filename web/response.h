/* response.h: what a handler leaves behind; server.c sends it. */
#ifndef USHER_WEB_RESPONSE_H
#define USHER_WEB_RESPONSE_H

#include "web/request.h"

#define RESPONSE_HEADERS 16
struct response {
	int status;
	struct str body; /* in the task's arena; copied out by the server before the arena is wiped */
	struct param headers[RESPONSE_HEADERS];
	size_t n_headers;
	bool html;              /* gets the Content-Security-Policy of pages.md */
	bool broken;            /* a header was refused: response_finish makes it a 500 */
	struct str form_action; /* by response_form_action */
	int64_t not_before;     /* by response_hold */
};

/* Values with CR, LF or NUL are refused (the header is left out and the answer becomes 500). A name that is there
 * already is replaced, Set-Cookie excepted. The value is kept by slice. */
void response_header(struct response *r, const char *name, struct str value);
void response_html(
	struct response *r, int status, struct str html); /* CSP and the other headers of pages.md, no-store */
void response_json(struct response *r, int status, struct str json); /* no-store, Pragma: no-cache (RFC 6749 5.1) */
void response_redirect(struct response *r, struct str location);     /* 303, never 307 (RFC 9700 4.12) */
void response_text(struct response *r, int status, struct str text);
/* OAuth error object with its status; WWW-Authenticate where RFC 6749 5.2 / 6750 3 want it. */
void response_oauth_error(struct task *t, struct response *r, enum err code);
/* __Host-NAME-REALM, Secure, HttpOnly, SameSite=Lax, Path=/; without https (loopback) no prefix and no Secure.
 * max_age_s 0: a session cookie; -1: removes it. */
void response_cookie(struct task *t, struct response *r, const char *name, struct str value, int64_t max_age_s);
struct str cookie_name(struct task *t, const char *name);
/* Where a form's POST may lead by redirect, besides 'self': Chromium holds all that follows a POST to form-action, and
 * that is not over at the application: from its callback on it may lead to other hosts of its own. So https is allowed
 * as such for an URI of https; else scheme and authority ("http://127.0.0.1:8080"), or the scheme where there is no
 * authority ("org.example.app:"). Anything that could end the directive is left out. */
void response_form_action(struct response *r, struct str uri);
/* The answer leaves no earlier than ms after the request was complete: the same time whatever was found. Holds no
 * worker. */
void response_hold(const struct task *t, struct response *r, int64_t ms);
/* Called once by route_run and the server, at the end: the headers that every answer has, and the policy of a page. A
 * broken answer becomes an empty 500. */
void response_finish(struct task *t, struct response *r);
/* The value of a header that was set, or STR_NONE. */
struct str response_get(const struct response *r, const char *name);

#endif
