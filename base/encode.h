/* encode.h: text forms of bytes. Decoders take exactly the canonical form and fail otherwise. */
#ifndef USHER_BASE_ENCODE_H
#define USHER_BASE_ENCODE_H

#include "base/buf.h"

struct str hex_encode(struct arena *a, struct str bytes); /* lower case */
bool hex_decode(struct arena *a, struct str text, struct str *ret);
/* RFC 4648 5 without padding (RFC 7515 2). Decoding refuses padding, other letters and stray bits. */
struct str base64url_encode(struct arena *a, struct str bytes);
bool base64url_decode(struct arena *a, struct str text, struct str *ret);
/* RFC 4648 4, with padding; decoding as strict. */
struct str base64_encode(struct arena *a, struct str bytes);
bool base64_decode(struct arena *a, struct str text, struct str *ret);
/* application/x-www-form-urlencoded values: '+' is space; decoding refuses a bad %XX. */
struct str form_encode(struct arena *a, struct str s); /* unreserved letters of RFC 3986 stay; space: %20 */
bool form_decode(struct arena *a, struct str text, struct str *ret);
void html_escape(struct buf *b, struct str s); /* & < > " ' */
/* With the quotes. Bad UTF-8 becomes U+FFFD; controls, < > &, line separators and
 * bidirectional controls are escaped. */
void json_escape(struct buf *b, struct str s);
/* RFC 3339 in UTC, seconds: 2026-11-23T22:03:00Z. at_ms is wall-clock milliseconds. */
struct str time_rfc3339(struct arena *a, int64_t at_ms);
/* RFC 5322 date in UTC: Mon, 23 Nov 2026 22:03:00 +0000. */
struct str time_rfc5322(struct arena *a, int64_t at_ms);

#endif
