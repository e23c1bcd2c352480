#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/encode.h"

#define assert_str(got, wanted) assert_str_((got), (wanted), __LINE__)
static void assert_str_(struct str got, struct str wanted, int line) {
	if (!str_eq(got, wanted) || str_absent(got) != str_absent(wanted))
		fail_msg("line %d: \"%.*s\" (%zu) is not \"%.*s\" (%zu)", line, FMT(got), got.n, FMT(wanted), wanted.n);
}

/* RFC 4648 10, and what the two alphabets differ in. */
static void texts_of_bytes(void **state) {
	(void)state;
	static const struct {
		struct str bytes;
		const char *hex, *base64, *base64url;
	} rows[] = {
		{{"", 0}, "", "", ""},
		{{"f", 1}, "66", "Zg==", "Zg"},
		{{"fo", 2}, "666f", "Zm8=", "Zm8"},
		{{"foo", 3}, "666f6f", "Zm9v", "Zm9v"},
		{{"foob", 4}, "666f6f62", "Zm9vYg==", "Zm9vYg"},
		{{"fooba", 5}, "666f6f6261", "Zm9vYmE=", "Zm9vYmE"},
		{{"foobar", 6}, "666f6f626172", "Zm9vYmFy", "Zm9vYmFy"},
		{{"\0", 1}, "00", "AA==", "AA"},
		{{"\xFF\xEF\xBF\xFE", 4}, "ffefbffe", "/++//g==", "_--__g"},
	};
	owned(arena) struct arena *a = arena_new();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str back = STR_NONE;
		assert_str(hex_encode(a, rows[i].bytes), str_of(rows[i].hex));
		assert_str(base64_encode(a, rows[i].bytes), str_of(rows[i].base64));
		assert_str(base64url_encode(a, rows[i].bytes), str_of(rows[i].base64url));
		assert_true(hex_decode(a, str_of(rows[i].hex), &back));
		assert_str(back, rows[i].bytes);
		assert_true(base64_decode(a, str_of(rows[i].base64), &back));
		assert_str(back, rows[i].bytes);
		assert_true(base64url_decode(a, str_of(rows[i].base64url), &back));
		assert_str(back, rows[i].bytes);
	}
}

static void other_spellings_are_refused(void **state) {
	(void)state;
	typedef bool decoder(struct arena *, struct str, struct str *);
	static const struct {
		decoder *decode;
		struct str text;
	} rows[] = {
		{hex_decode, {"6", 1}},
		{hex_decode, {"6F", 2}},
		{hex_decode, {"6g", 2}},
		{hex_decode, {" 6", 2}},
		{hex_decode, {"0x", 2}},
		{hex_decode, {"6\0", 2}},
		{base64_decode, {"Zg", 2}},
		{base64_decode, {"Zg=", 3}},
		{base64_decode, {"Zh==", 4}}, /* stray bits */
		{base64_decode, {"Zm9=", 4}}, /* stray bits */
		{base64_decode, {"Z===", 4}},
		{base64_decode, {"====", 4}},
		{base64_decode, {"Zg==Zg==", 8}},
		{base64_decode, {"_--_", 4}},
		{base64_decode, {"Zm9v\n", 5}},
		{base64_decode, {"Zm 9", 4}},
		{base64_decode, {"Zm\0v", 4}},
		{base64url_decode, {"Zg==", 4}},
		{base64url_decode, {"Zh", 2}},
		{base64url_decode, {"Zm9", 3}},
		{base64url_decode, {"Z", 1}},
		{base64url_decode, {"Zm9vY", 5}},
		{base64url_decode, {"/++/", 4}},
		{base64url_decode, {"Zm9v.", 5}},
		{form_decode, {"%", 1}},
		{form_decode, {"%4", 2}},
		{form_decode, {"a%4", 3}},
		{form_decode, {"%4g", 3}},
		{form_decode, {"%g4", 3}},
		{form_decode, {"%%41", 4}},
		{form_decode, {"% 41", 4}},
		{form_decode, {"%u0041", 6}},
	};
	owned(arena) struct arena *a = arena_new();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str ret = STR("untouched");
		if (rows[i].decode(a, rows[i].text, &ret))
			fail_msg("row %zu: %.*s", i, FMT(rows[i].text));
		assert_str(ret, STR("untouched"));
	}
}

static void forms(void **state) {
	(void)state;
	static const struct {
		struct str plain, encoded;
	} rows[] = {
		{{"", 0}, {"", 0}},
		{{"AZaz09-._~", 10}, {"AZaz09-._~", 10}},
		{{"a b+c", 5}, {"a%20b%2Bc", 9}},
		{{"\0\n\xC3\xA4%", 5}, {"%00%0A%C3%A4%25", 15}},
		{{"&=;/?:@!$'()*,", 14}, {"%26%3D%3B%2F%3F%3A%40%21%24%27%28%29%2A%2C", 42}},
	};
	owned(arena) struct arena *a = arena_new();
	struct str back = STR_NONE;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_str(form_encode(a, rows[i].plain), rows[i].encoded);
		assert_true(form_decode(a, rows[i].encoded, &back));
		assert_str(back, rows[i].plain);
	}
	assert_true(form_decode(a, STR("a+b%2bc%2B"), &back));
	assert_str(back, STR("a b+c+"));
	assert_true(form_decode(a, STR_NONE, &back));
	assert_str(back, STR(""));
}

static void escapes(void **state) {
	(void)state;
	static const struct {
		void (*escape)(struct buf *b, struct str s);
		struct str s, wanted;
	} rows[] = {
		{html_escape, {"", 0}, {"", 0}},
		{html_escape, {NULL, 0}, {"", 0}},
		{html_escape, {"plain", 5}, {"plain", 5}},
		{html_escape, {"<a href=\"x\" b='&'>", 18}, {"&lt;a href=&quot;x&quot; b=&#39;&amp;&#39;&gt;", 46}},
		{json_escape, {"", 0}, {"\"\"", 2}},
		{json_escape, {NULL, 0}, {"\"\"", 2}},
		{json_escape, {"a\"b\\c/", 6}, {"\"a\\\"b\\\\c/\"", 10}},
		{json_escape, {"\n\r\t\0\x1B", 5}, {"\"\\n\\r\\t\\u0000\\u001b\"", 20}},
		{json_escape, {"\x7F\xC2\x9B", 3}, {"\"\\u007f\\u009b\"", 14}},
		{json_escape, {"</script>&", 10}, {"\"\\u003c/script\\u003e\\u0026\"", 27}},
		{json_escape, {"\xE2\x80\xA8\xE2\x80\xA9", 6}, {"\"\\u2028\\u2029\"", 14}},
		{json_escape, {"\xE2\x80\xAE\xE2\x81\xA6", 6}, {"\"\\u202e\\u2066\"", 14}},
		{json_escape, {"\xC3\xA4\xF0\x9F\x98\x80", 6}, {"\"\xC3\xA4\xF0\x9F\x98\x80\"", 8}},
		{json_escape,
			{"a\xFF"
			 "b",
				3},
			{"\"a\xEF\xBF\xBD"
			 "b\"",
				7}},
		{json_escape, {"\xED\xA0\x80", 3}, {"\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"", 11}},
		{json_escape, {"x\xE2\x82", 3}, {"\"x\xEF\xBF\xBD\xEF\xBF\xBD\"", 9}},
		{json_escape, {"\xEF\xBF\xBD", 3}, {"\"\xEF\xBF\xBD\"", 5}},
	};
	owned(arena) struct arena *a = arena_new();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = buf_new(a, 1000);
		rows[i].escape(&b, rows[i].s);
		assert_str(buf_str(&b), rows[i].wanted);
	}
}

static void times(void **state) {
	(void)state;
	static const struct {
		int64_t at_ms;
		const char *rfc3339, *rfc5322;
	} rows[] = {
		{0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"},
		{-1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 +0000"},
		{-1000, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 +0000"},
		{999, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"},
		{INT64_C(951782400000), "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 +0000"},
		{INT64_C(1795471380000), "2026-11-23T22:03:00Z", "Mon, 23 Nov 2026 22:03:00 +0000"},
		{INT64_C(4102444799999), "2099-12-31T23:59:59Z", "Thu, 31 Dec 2099 23:59:59 +0000"},
		{INT64_MAX, "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 +0000"},
		{INT64_MIN, "0001-01-01T00:00:00Z", "Mon, 01 Jan 0001 00:00:00 +0000"},
	};
	owned(arena) struct arena *a = arena_new();
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_str(time_rfc3339(a, rows[i].at_ms), str_of(rows[i].rfc3339));
		assert_str(time_rfc5322(a, rows[i].at_ms), str_of(rows[i].rfc5322));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_bytes),
		cmocka_unit_test(other_spellings_are_refused),
		cmocka_unit_test(forms),
		cmocka_unit_test(escapes),
		cmocka_unit_test(times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
