/* Text forms of bytes: what is encoded decodes to the same, what decodes is spelled canonically, and no text, however
 * malformed, makes str.h, utf8.c or an escape misbehave. The first byte cuts the input in two, for the glob. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
	if (!holds)
		abort();
}

static const struct coder {
	struct str (*encode)(struct arena *a, struct str bytes);
	bool (*decode)(struct arena *a, struct str text, struct str *ret);
	bool canonical; /* one spelling only: decoding and encoding gives the same text back */
} coders[] = {
	{hex_encode, hex_decode, true},
	{base64_encode, base64_decode, true},
	{base64url_encode, base64url_decode, true},
	{form_encode, form_decode, false},
};

static void round_trips(struct arena *a, struct str s) {
	for (size_t i = 0; i < COUNT(coders); i++) {
		struct str back = STR_NONE, bytes = STR_NONE;
		check(coders[i].decode(a, coders[i].encode(a, s), &back) && str_eq(back, s));
		if (!coders[i].decode(a, s, &bytes)) {
			check(str_absent(bytes));
			continue;
		}
		check(bytes.n <= s.n);
		struct str again = coders[i].encode(a, bytes);
		check(!coders[i].canonical || str_eq(again, s));
		check(coders[i].decode(a, again, &back) && str_eq(back, bytes));
	}
}

/* Writes a code point as RFC 3629 3 has it. */
static size_t utf8_write(char *to, uint32_t code) {
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		to[i] = (char)(0x80 | (code & 0x3F));
	to[0] = (char)((0xF00u >> n & 0xF0) | code);
	return n;
}

/* Well-formed text is exactly what its code points spell. */
static void code_points(struct arena *a, struct str s) {
	char *p = arena_calloc(a, s.n, 4);
	size_t n = 0, at = 0, count = 0, before = 0;
	uint32_t code = 0;
	bool control = false;
	while (str_next_code_point(s, &at, &code)) {
		check(at > before && at <= s.n && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF));
		n += utf8_write(p + n, code);
		before = at;
		count++;
		control = control || code < 0x20;
	}
	check(at == s.n && count == str_code_points(s));
	check(str_utf8(s) == str_eq(s, str_slice(p, n)));
	check(!control || str_has_control(s));
	check(str_utf8(str_slice(p, n)));
}

static void escapes(struct arena *a, struct str s) {
	struct buf html = buf_new(a, 6 * s.n + 2), json = buf_new(a, 6 * s.n + 2);
	html_escape(&html, s);
	json_escape(&json, s);
	check(!buf_full(&html) && !buf_full(&json));
	const char unsafe[] = {'<', '>', '"', '\''};
	for (size_t i = 0; i < COUNT(unsafe); i++)
		check(str_find(buf_str(&html), unsafe[i], 0) == buf_str(&html).n);
	check(str_utf8(buf_str(&json)) && !str_has_control(buf_str(&json)));
	check(str_find(buf_str(&json), '<', 0) == buf_str(&json).n);
	size_t quotes = 0;
	for (size_t i = 0; i < json.n; i++) {
		i += json.p[i] == '\\';
		quotes += i < json.n && json.p[i] == '"' && (i == 0 || json.p[i - 1] != '\\' || i + 1 == json.n);
	}
	check(quotes == 2);
}

static char folded(char c) {
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The plain definition, by dynamic programming: row[i] says whether the pattern so far matches the first i bytes. */
static bool glob_plain(struct arena *a, struct str pattern, struct str s) {
	bool *row = arena_array(a, bool, s.n + 1);
	row[0] = true;
	for (size_t p = 0; p < pattern.n; p++) {
		bool star = pattern.p[p] == '*', diagonal = row[0];
		row[0] = row[0] && star;
		for (size_t i = 1; i <= s.n; i++) {
			bool above = row[i];
			row[i] = star ? above || row[i - 1] : diagonal && folded(pattern.p[p]) == folded(s.p[i - 1]);
			diagonal = above;
		}
	}
	return row[s.n];
}

static void globs(struct arena *a, struct str pattern, struct str s) {
	struct str captured = STR("untouched");
	bool match = str_glob(pattern, s, &captured);
	check(match == glob_plain(a, pattern, s));
	size_t star = str_find(pattern, '*', 0);
	if (!match) {
		check(str_eq(captured, STR("untouched")));
	} else if (star == pattern.n) {
		check(str_absent(captured));
	} else {
		check(captured.p == s.p + star && captured.n <= s.n - star);
		struct str parts[] = {str_sub(pattern, 0, star), captured, str_sub(pattern, star + 1, pattern.n)};
		struct str filled = str_join(a, (struct strs){parts, COUNT(parts)}, STR_NONE);
		check(glob_plain(a, filled, s)); /* a * in the captured text stands for itself too */
	}
}

static void parts(struct arena *a, struct str s) {
	struct strs list = {NULL, 0};
	struct str rest = s, part;
	while (str_next(&rest, ',', &part))
		strs_add(a, &list, part);
	check(str_eq(str_join(a, list, STR(",")), s));
	int64_t number = 0;
	if (str_int(s, 0, INT64_MAX, &number))
		check(number >= 0 && str_ends(s, str_printf(a, "%lld", (long long)number)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0 || size > 4096)
		return 0;
	owned(arena) struct arena *a = arena_new();
	struct str s = str_dup(a, str_slice((const char *)data + 1, size - 1)); /* an overrun of it is seen */
	size_t cut = data[0] < s.n ? data[0] : s.n;
	round_trips(a, s);
	code_points(a, s);
	escapes(a, s);
	parts(a, s);
	globs(a, str_sub(s, 0, cut), str_sub(s, cut, s.n));
	return 0;
}
