#include "base/encode.h"

struct str hex_encode(struct arena *a, struct str bytes) {
	static const char digits[] = "0123456789abcdef";
	char *p = arena_calloc(a, bytes.n, 2);
	for (size_t i = 0; i < bytes.n; i++) {
		p[2 * i] = digits[(unsigned char)bytes.p[i] >> 4];
		p[2 * i + 1] = digits[bytes.p[i] & 15];
	}
	return (struct str){p, bytes.n * 2};
}

static int hex_value(char c, bool upper) {
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return upper && c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(struct arena *a, struct str text, struct str *ret) {
	if (text.n % 2)
		return false;
	char *p = arena_alloc(a, text.n / 2);
	for (size_t i = 0; i < text.n / 2; i++) {
		int high = hex_value(text.p[2 * i], false), low = hex_value(text.p[2 * i + 1], false);
		if (high < 0 || low < 0)
			return false;
		p[i] = (char)(high << 4 | low);
	}
	*ret = (struct str){p, text.n / 2};
	return true;
}

static const char letters_plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char letters_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Without padding. */
static size_t base64_write(char *to, struct str bytes, const char *letters) {
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t n = 0, i = 0;
	for (; i + 3 <= bytes.n; i += 3) {
		uint32_t bits = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
		to[n++] = letters[bits >> 18];
		to[n++] = letters[bits >> 12 & 63];
		to[n++] = letters[bits >> 6 & 63];
		to[n++] = letters[bits & 63];
	}
	if (i == bytes.n)
		return n;
	bool two = i + 2 == bytes.n;
	uint32_t rest = (uint32_t)p[i] << 16 | (two ? (uint32_t)p[i + 1] << 8 : 0);
	to[n++] = letters[rest >> 18];
	to[n++] = letters[rest >> 12 & 63];
	if (two)
		to[n++] = letters[rest >> 6 & 63];
	return n;
}

static int base64_value(char c, const char *letters) {
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == letters[62] ? 62 : c == letters[63] ? 63 : -1;
}

static bool base64_read(struct arena *a, struct str text, const char *letters, struct str *ret) {
	if (text.n % 4 == 1)
		return false;
	size_t n = 0;
	uint32_t bits = 0;
	unsigned held = 0;
	char *p = arena_alloc(a, text.n / 4 * 3 + 2);
	for (size_t i = 0; i < text.n; i++) {
		int value = base64_value(text.p[i], letters);
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			p[n++] = (char)(bits >> held & 0xFF);
		}
	}
	if (bits & ((1u << held) - 1))
		return false; /* stray bits: a second spelling of the same bytes */
	*ret = (struct str){p, n};
	return true;
}

struct str base64url_encode(struct arena *a, struct str bytes) {
	char *p = arena_alloc(a, bytes.n / 3 * 4 + 4);
	return (struct str){p, base64_write(p, bytes, letters_url)};
}

bool base64url_decode(struct arena *a, struct str text, struct str *ret) {
	return base64_read(a, text, letters_url, ret);
}

struct str base64_encode(struct arena *a, struct str bytes) {
	char *p = arena_alloc(a, bytes.n / 3 * 4 + 4);
	size_t n = base64_write(p, bytes, letters_plain);
	while (n % 4)
		p[n++] = '=';
	return (struct str){p, n};
}

bool base64_decode(struct arena *a, struct str text, struct str *ret) {
	if (text.n % 4)
		return false;
	for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++)
		text.n--;
	return base64_read(a, text, letters_plain, ret);
}

static bool is_unreserved(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

struct str form_encode(struct arena *a, struct str s) {
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;
	char *p = arena_calloc(a, s.n, 3);
	for (size_t i = 0; i < s.n; i++) {
		if (is_unreserved(s.p[i])) {
			p[n++] = s.p[i];
			continue;
		}
		p[n++] = '%';
		p[n++] = digits[(unsigned char)s.p[i] >> 4];
		p[n++] = digits[s.p[i] & 15];
	}
	return (struct str){p, n};
}

bool form_decode(struct arena *a, struct str text, struct str *ret) {
	size_t n = 0;
	char *p = arena_alloc(a, text.n);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '%') {
			p[n++] = text.p[i] == '+' ? ' ' : text.p[i];
			continue;
		}
		if (text.n - i < 3)
			return false;
		int high = hex_value(text.p[i + 1], true), low = hex_value(text.p[i + 2], true);
		if (high < 0 || low < 0)
			return false;
		p[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*ret = (struct str){p, n};
	return true;
}

void html_escape(struct buf *b, struct str s) {
	static const struct {
		char c;
		struct str text;
	} entities[] = {{'&', {"&amp;", 5}}, {'<', {"&lt;", 4}}, {'>', {"&gt;", 4}}, {'"', {"&quot;", 6}},
		{'\'', {"&#39;", 5}}};
	size_t from = 0;
	for (size_t i = 0; i < s.n; i++) {
		for (size_t k = 0; k < COUNT(entities); k++) {
			if (s.p[i] != entities[k].c)
				continue;
			buf_put(b, str_sub(s, from, i - from));
			buf_put(b, entities[k].text);
			from = i + 1;
		}
	}
	buf_put(b, str_sub(s, from, s.n));
}

/* Beyond what RFC 8259 7 demands: what could end a script or an attribute, what a terminal obeys, and what turns the
 * direction of the text around it. */
static bool json_is_escaped(uint32_t code) {
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0, 0x1F}, {'"', '"'}, {'&', '&'}, {'<', '<'}, {'>', '>'}, {'\\', '\\'}, {0x7F, 0x9F},
		{0x2028, 0x202E}, {0x2066, 0x2069}};
	for (size_t i = 0; i < COUNT(ranges); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

static void json_escape_one(struct buf *b, uint32_t code) {
	static const char short_codes[] = "\"\\\n\r\t", short_letters[] = "\"\\nrt";
	const char *found = code && code < 0x80 ? strchr(short_codes, (int)code) : NULL;
	if (found)
		buf_put(b, (struct str){(char[]){'\\', short_letters[found - short_codes]}, 2});
	else
		buf_printf(b, "\\u%04x", (unsigned)code);
}

void json_escape(struct buf *b, struct str s) {
	size_t at = 0, from = 0;
	uint32_t code = 0;
	buf_byte(b, '"');
	for (size_t before = 0; str_next_code_point(s, &at, &code); before = at) {
		bool bad = code == 0xFFFD && at - before == 1;
		if (!bad && !json_is_escaped(code))
			continue;
		buf_put(b, str_sub(s, from, before - from));
		if (bad)
			buf_put(b, STR("\xEF\xBF\xBD"));
		else
			json_escape_one(b, code);
		from = at;
	}
	buf_put(b, str_sub(s, from, s.n));
	buf_byte(b, '"');
}

/* Years 1 to 9999: what four digits can say. */
static struct tm time_split(int64_t at_ms) {
	const int64_t first = INT64_C(-62135596800), last = INT64_C(253402300799);
	int64_t seconds = at_ms / 1000 - (at_ms % 1000 < 0);
	time_t t = (time_t)(seconds < first ? first : seconds > last ? last : seconds);
	struct tm ret = {0};
	gmtime_r(&t, &ret);
	return ret;
}

struct str time_rfc3339(struct arena *a, int64_t at_ms) {
	struct tm t = time_split(at_ms);
	return str_printf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
		t.tm_min, t.tm_sec);
}

struct str time_rfc5322(struct arena *a, int64_t at_ms) {
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm t = time_split(at_ms);
	return str_printf(a, "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000", days + 3 * t.tm_wday, t.tm_mday,
		months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}
