/* endpoints.h: the handlers that speak a protocol. Private to web: routes.c names them. */
#ifndef USHER_WEB_ENDPOINTS_ENDPOINTS_H
#define USHER_WEB_ENDPOINTS_ENDPOINTS_H

#include "web/flow.h"

handler endpoint_authorize;        /* OpenID Connect Core 3.1.2.1: GET and POST */
handler endpoint_authorize_resume; /* after login or consent */
handler endpoint_token;
handler endpoint_userinfo;
handler endpoint_claims;
handler endpoint_introspect;
handler endpoint_revoke;
handler endpoint_jwks;
handler endpoint_discovery;
handler endpoint_logout; /* OpenID Connect RP-Initiated Logout 1.0; also our own log-out page */
handler endpoint_asset;  /* /static/NAME */
handler endpoint_theme;  /* /realms/R/theme/HASH.css */
handler endpoint_logo;

/* The page that tells a person that the application asked wrongly, where it cannot be told itself: what is the key of a
 * sentence. */
enum err application_wrong(struct task *t, struct request *q, struct response *r, const char *what) must_use;

#endif
