/* error.h: the result of everything that can fail.
 *
 * A function that can fail returns enum err, and the result must be used. The detail (what, where, which value) goes
 * into the task by task_fail(); a client sees only the row of the table below. A function that fails leaves its ret_
 * parameters untouched. OAuth words: RFC 6749 4.1.2.1 and 5.2, OpenID Connect Core 3.1.2.6, RFC 6750 3.1. */
#ifndef USHER_BASE_ERROR_H
#define USHER_BASE_ERROR_H

#include "base/base.h"

enum err {
	OK = 0,
	ERR_INVALID,             /* malformed or missing input */
	ERR_FIELDS,              /* a form whose fields have messages beside them */
	ERR_NOT_FOUND,           /* no such thing, or not for this actor */
	ERR_METHOD,              /* the route exists, the method does not */
	ERR_EXISTS,              /* a unique value is taken */
	ERR_STALE,               /* somebody else was faster; show the new state */
	ERR_EXPIRED,             /* link, ticket or session past its time, or used */
	ERR_LOGIN,               /* nobody is logged in */
	ERR_DENIED,              /* somebody is, and may not */
	ERR_CREDENTIALS,         /* wrong password, unknown, locked or disabled: one answer */
	ERR_TOO_LARGE,           /* over a ceiling */
	ERR_TOO_MANY,            /* throttled */
	ERR_REFUSED,             /* a neighbour said no and will say no again: park */
	ERR_UNAVAILABLE,         /* a neighbour is down or busy: retry */
	ERR_TIMEOUT,             /* a neighbour did not answer in time: unknown whether it acted */
	ERR_CONFIG,              /* configuration */
	ERR_INTERNAL,            /* ours */
	ERR_CLIENT,              /* invalid_client */
	ERR_GRANT,               /* invalid_grant */
	ERR_UNAUTHORIZED_CLIENT, /* unauthorized_client */
	ERR_GRANT_TYPE,          /* unsupported_grant_type */
	ERR_RESPONSE_TYPE,       /* unsupported_response_type */
	ERR_SCOPE,               /* invalid_scope */
	ERR_TOKEN,               /* invalid_token (RFC 6750) */
	ERR_INSUFFICIENT_SCOPE,  /* insufficient_scope (RFC 6750) */
	ERR_LOGIN_REQUIRED,      /* login_required: prompt=none without a session */
	ERR_CONSENT_REQUIRED,    /* consent_required: prompt=none without consent */
	ERR_REQUEST,             /* request_not_supported */
	ERR_REQUEST_URI,         /* request_uri_not_supported */
	ERR_COUNT
};

enum level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR };

struct err_row {
	const char *name;     /* for logs: "unavailable" */
	int http_status;      /* of an HTML page or API answer */
	const char *oauth;    /* "error" of an OAuth answer; never NULL */
	enum level level;     /* at which the program logs it, once */
	bool retry;           /* whether a job may be tried again */
	const char *sentence; /* catalogue key of what a person is told */
};

/* The row of a code; never NULL, ERR_INTERNAL's for an unknown one. */
const struct err_row *err_row(enum err code);
/* Drops a result on purpose. */
static inline void err_ignore(enum err code, const char *why) {
	(void)code;
	(void)why;
}

/* TRY(x): returns x's error from the calling function. */
#define TRY(call)                                                                                                      \
	do {                                                                                                           \
		enum err try_err_ = (call);                                                                            \
		if (try_err_)                                                                                          \
			return try_err_;                                                                               \
	} while (0)

#endif
