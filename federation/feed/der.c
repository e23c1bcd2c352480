#include "federation/feed/der.h"

#define LENGTH_MOST 4u /* bytes of a length */

static unsigned byte_at(struct str s, size_t i) {
	return (unsigned char)s.p[i];
}

int der_tag(struct str rest) {
	return rest.n ? (int)byte_at(rest, 0) : -1;
}

/* *at stands behind the tag, and is moved behind the length. */
static bool take_length(struct str s, size_t *at, size_t *ret) {
	if (*at >= s.n)
		return false;
	size_t first = byte_at(s, (*at)++), n = first & 0x7f, length = first;
	if (first & 0x80) {
		length = 0;
		if (n == 0 || n > LENGTH_MOST || s.n - *at < n)
			return false;
		for (size_t i = 0; i < n; i++)
			length = length << 8 | byte_at(s, (*at)++);
	}
	*ret = length;
	return length <= s.n - *at;
}

bool der_take(struct str *rest, int tag, struct str *ret_content) {
	size_t at = 1, length = 0;
	if (der_tag(*rest) != tag || !take_length(*rest, &at, &length))
		return false;
	*ret_content = str_slice(rest->p + at, length);
	*rest = str_slice(rest->p + at + length, rest->n - at - length);
	return true;
}

bool der_take_number(struct str *rest, int tag, int32_t *ret) {
	struct str content, after = *rest;
	if (!der_take(&after, tag, &content) || content.n < 1 || content.n > 4)
		return false;
	uint32_t number = byte_at(content, 0) & 0x80 ? UINT32_MAX : 0; /* two's complement */
	for (size_t i = 0; i < content.n; i++)
		number = number << 8 | byte_at(content, i);
	*ret = (int32_t)number;
	*rest = after;
	return true;
}

static void put_length(struct buf *b, size_t n) {
	unsigned bytes = 0;
	if (n < 0x80) {
		buf_byte(b, (char)n);
		return;
	}
	for (size_t rest = n; rest; rest >>= 8)
		bytes++;
	buf_byte(b, (char)(0x80 | bytes));
	while (bytes--)
		buf_byte(b, (char)(n >> (8 * bytes) & 0xff));
}

void der_put(struct buf *b, int tag, struct str content) {
	buf_byte(b, (char)tag);
	put_length(b, content.n);
	buf_put(b, content);
}

void der_put_number(struct buf *b, int tag, int32_t number) {
	char bytes[4];
	size_t n = 4;
	for (size_t i = 0; i < 4; i++)
		bytes[i] = (char)((uint32_t)number >> (8 * (3 - i)) & 0xff);
	/* Leading bytes that only repeat the sign are left out. */
	const char *p = bytes;
	while (tag != DER_BOOLEAN && n > 1 &&
		((p[0] == 0 && !(p[1] & 0x80)) || ((unsigned char)p[0] == 0xff && p[1] & 0x80))) {
		p++;
		n--;
	}
	if (tag == DER_BOOLEAN) {
		bytes[0] = number ? (char)0xff : 0;
		p = bytes;
		n = 1;
	}
	der_put(b, tag, str_slice(p, n));
}
