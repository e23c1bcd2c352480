/* head.h: the header fields of a request, checked for shapes that a proxy and we could read in two ways (RFC 9112
 * 6.3, 11.2).
 *
 * libmicrohttpd lets many of them through; what it hides from us (a bare LF, NUL in a field) is refused by the proxy
 * in front.
 */
#ifndef USHER_WEB_HEAD_H
#define USHER_WEB_HEAD_H

#include "web/request.h"

#define HEAD_FORWARDED 8u
struct head {
	struct str host, content_length, transfer_encoding, expect;
	struct str content_type, authorization, cookie, accept_language, user_agent, origin, fetch_site;
	struct str forwarded_for[HEAD_FORWARDED]; /* proxies may add lines of their own: in order */
	size_t n_forwarded;
	bool bad;                                 /* a field twice, or of letters that it cannot have */
};

void head_add(struct head *h, struct str name, struct str value);
/* ERR_INVALID: a shape that is refused. ERR_TOO_LARGE: body or cookie. *ret_length: of the body as it was told, 0
 * where it is chunked. */
enum err head_check(const struct head *h, enum method method, bool http_1_1, size_t *ret_length) must_use;
/* Into the request that handlers see. */
void head_fill(const struct head *h, struct request *q);
/* All X-Forwarded-For as one, or STR_NONE. */
struct str head_forwarded_for(struct arena *a, const struct head *h);

#endif
