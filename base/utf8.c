/* The part of str.h that looks at code points, and the glob. */
#include "base/str.h"

/* RFC 3629 4: lead bytes, and the range of the byte that follows them. */
static const struct sequence {
	unsigned char lead_first, lead_last, length, second_first, second_last;
} sequences[] = {
	{0x00, 0x7F, 1, 0, 0},
	{0xC2, 0xDF, 2, 0x80, 0xBF},
	{0xE0, 0xE0, 3, 0xA0, 0xBF},
	{0xE1, 0xEC, 3, 0x80, 0xBF},
	{0xED, 0xED, 3, 0x80, 0x9F},
	{0xEE, 0xEF, 3, 0x80, 0xBF},
	{0xF0, 0xF0, 4, 0x90, 0xBF},
	{0xF1, 0xF3, 4, 0x80, 0xBF},
	{0xF4, 0xF4, 4, 0x80, 0x8F},
};

static const struct sequence *sequence_of(unsigned char lead) {
	for (size_t i = 0; i < COUNT(sequences); i++)
		if (lead >= sequences[i].lead_first && lead <= sequences[i].lead_last)
			return &sequences[i];
	return NULL;
}

/* The length of the well-formed sequence at s[at], at < s.n, and its code point; 0 when there is none. */
static size_t decode(struct str s, size_t at, uint32_t *ret) {
	const unsigned char *p = (const unsigned char *)s.p + at;
	const struct sequence *q = sequence_of(*p);
	if (!q || q->length > s.n - at)
		return 0;
	if (q->length == 1) {
		*ret = *p;
		return 1;
	}
	if (p[1] < q->second_first || p[1] > q->second_last)
		return 0;
	uint32_t code = *p & (0x7Fu >> q->length);
	for (size_t i = 1; i < q->length; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3F);
	}
	*ret = code;
	return q->length;
}

bool str_utf8(struct str s) {
	uint32_t code = 0;
	for (size_t at = 0, n; at < s.n; at += n) {
		n = decode(s, at, &code);
		if (n == 0)
			return false;
	}
	return true;
}

size_t str_code_points(struct str s) {
	size_t count = 0, at = 0;
	uint32_t code = 0;
	while (str_next_code_point(s, &at, &code))
		count++;
	return count;
}

bool str_next_code_point(struct str s, size_t *at, uint32_t *ret) {
	if (*at >= s.n)
		return false;
	size_t n = decode(s, *at, ret);
	if (n == 0)
		*ret = 0xFFFD;
	*at += n ? n : 1;
	return true;
}

static bool is_control(uint32_t code) {
	return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x2028 || code == 0x2029;
}

bool str_has_control(struct str s) {
	size_t at = 0;
	uint32_t code = 0;
	while (str_next_code_point(s, &at, &code))
		if (is_control(code))
			return true;
	return false;
}

static char lower(char c) {
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Only the latest * is ever widened, so the time is the product of the lengths at most. */
bool str_glob(struct str pattern, struct str s, struct str *captured) {
	const size_t none = SIZE_MAX;
	size_t first = str_find(pattern, '*', 0), first_end = none, star = none, mark = 0, p = 0, i = 0;
	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			if (star == first)
				first_end = mark;
			star = p++;
			mark = i;
		} else if (p < pattern.n && lower(pattern.p[p]) == lower(s.p[i])) {
			p++;
			i++;
		} else if (star != none) {
			p = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	if (p < pattern.n)
		return false;
	if (captured && first == pattern.n)
		*captured = STR_NONE;
	else if (captured)
		*captured = str_sub(s, first, (first_end != none ? first_end : star == first ? mark : s.n) - first);
	return true;
}
