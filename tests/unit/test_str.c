#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#define assert_str(got, wanted) assert_str_((got), (wanted), __LINE__)
static void assert_str_(struct str got, struct str wanted, int line) {
	if (!str_eq(got, wanted) || str_absent(got) != str_absent(wanted))
		fail_msg("line %d: \"%.*s\" (%zu) is not \"%.*s\" (%zu)", line, FMT(got), got.n, FMT(wanted), wanted.n);
}

static void compares(void **state) {
	(void)state;
	static const struct {
		struct str a, b;
		bool same, same_case, same_secret;
		int order;
	} rows[] = {
		{{"", 0}, {"", 0}, true, true, true, 0},
		{{NULL, 0}, {"", 0}, true, true, false, 0},
		{{NULL, 0}, {NULL, 0}, true, true, false, 0},
		{{"a", 1}, {NULL, 0}, false, false, false, 1},
		{{"abc", 3}, {"abc", 3}, true, true, true, 0},
		{{"abc", 3}, {"abd", 3}, false, false, false, -1},
		{{"bbc", 3}, {"abc", 3}, false, false, false, 1},
		{{"aBc", 3}, {"AbC", 3}, false, true, false, 1},
		{{"ab", 2}, {"abc", 3}, false, false, false, -1},
		{{"a\0b", 3}, {"a\0b", 3}, true, true, true, 0},
		{{"a\0b", 3}, {"a\0c", 3}, false, false, false, -1},
		{{"@", 1}, {"`", 1}, false, false, false, -1},
		{{"\xC3\x84", 2}, {"\xC3\xA4", 2}, false, false, false, -1},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		int order = str_cmp(rows[i].a, rows[i].b);
		assert_int_equal(str_eq(rows[i].a, rows[i].b), rows[i].same);
		assert_int_equal(str_eq_case(rows[i].a, rows[i].b), rows[i].same_case);
		assert_int_equal(str_eq_secret(rows[i].a, rows[i].b), rows[i].same_secret);
		assert_int_equal((order > 0) - (order < 0), rows[i].order);
	}
}

static void of_a_c_string(void **state) {
	(void)state;
	assert_true(str_absent(str_of(NULL)));
	assert_str(str_of(""), STR(""));
	assert_str(str_of("abc"), STR("abc"));
	assert_str(str_slice("abcdef", 2), STR("ab"));
}

static void finds(void **state) {
	(void)state;
	struct str s = STR("abcabc");
	assert_int_equal(str_find(s, 'b', 0), 1);
	assert_int_equal(str_find(s, 'b', 2), 4);
	assert_int_equal(str_find(s, 'z', 0), 6);
	assert_int_equal(str_find(s, 'a', 100), 6);
	assert_int_equal(str_find(STR_NONE, 'a', 0), 0);
	assert_true(str_starts(s, STR("abc")) && str_starts(s, STR("")) && str_starts(s, STR_NONE));
	assert_false(str_starts(s, STR("bc")) || str_starts(STR("ab"), STR("abc")));
	assert_true(str_ends(s, STR("cabc")) && str_ends(s, STR("")) && str_ends(STR_NONE, STR_NONE));
	assert_false(str_ends(s, STR("ab")) || str_ends(STR("c"), STR("bc")));
	assert_true(str_contains(s, STR("cab")) && str_contains(s, STR("")) && str_contains(STR_NONE, STR("")));
	assert_false(str_contains(s, STR("cb")) || str_contains(STR_NONE, STR("a")));
}

static void cuts(void **state) {
	(void)state;
	struct str s = STR("abcdef");
	assert_str(str_sub(s, 1, 2), STR("bc"));
	assert_str(str_sub(s, 4, 100), STR("ef"));
	assert_str(str_sub(s, 4, SIZE_MAX), STR("ef"));
	assert_str(str_sub(s, 6, 1), STR(""));
	assert_str(str_sub(s, 100, 1), STR(""));
	assert_str(str_sub(STR_NONE, 1, 1), STR_NONE);
	assert_str(str_trim(STR(" \t\r\n a b \n")), STR("a b"));
	assert_str(str_trim(STR(" \n ")), STR(""));
	assert_str(str_trim(STR_NONE), STR_NONE);
	assert_str(str_trim(STR("\v a")), STR("\v a"));
}

static void next_gives_every_part(void **state) {
	(void)state;
	static const struct {
		struct str s;
		const char *parts[4];
		size_t n;
	} rows[] = {
		{{"a,,b", 4}, {"a", "", "b"}, 3},
		{{"a,", 2}, {"a", ""}, 2},
		{{",", 1}, {"", ""}, 2},
		{{"a", 1}, {"a"}, 1},
		{{"", 0}, {""}, 1},
		{{NULL, 0}, {NULL}, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str rest = rows[i].s, part = STR_NONE;
		for (size_t k = 0; k < rows[i].n; k++) {
			assert_true(str_next(&rest, ',', &part));
			assert_str(part, str_of(rows[i].parts[k]));
		}
		assert_false(str_next(&rest, ',', &part));
	}
}

static void copies(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	char bytes[] = "aZ\0[@\xC3\x84";
	struct str s = {bytes, 7}, dup = str_dup(a, s);
	assert_ptr_not_equal(dup.p, s.p);
	assert_str(dup, s);
	assert_str(str_lower(a, s), STR("az\0[@\xC3\x84"));
	assert_str(str_dup(a, STR_NONE), STR_NONE);
	assert_str(str_dup(a, STR("")), STR(""));
	assert_str(str_lower(a, STR_NONE), STR_NONE);
	assert_str(str_printf(a, "%s-%d", "x", 12), STR("x-12"));
	assert_str(str_printf(a, "%s", ""), STR(""));
	assert_str(str_printf(a, "%.*s", FMT(STR_NONE)), STR(""));
	assert_int_equal(str_printf(a, "%1000d", 1).n, 1000);
}

static void lists(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	struct strs list = {NULL, 0};
	for (int i = 0; i < 100; i++)
		strs_add(a, &list, str_printf(a, "%d", i));
	assert_int_equal(list.n, 100);
	for (int i = 0; i < 100; i++)
		assert_str(list.v[i], str_printf(a, "%d", i));
	assert_true(strs_has(list, STR("99")));
	assert_false(strs_has(list, STR("100")));
	assert_false(strs_has((struct strs){NULL, 0}, STR("")));
	struct strs scopes = str_split(a, STR("  openid profile   mail "), ' ');
	assert_int_equal(scopes.n, 3);
	assert_str(str_join(a, scopes, STR(", ")), STR("openid, profile, mail"));
	assert_str(str_join(a, scopes, STR_NONE), STR("openidprofilemail"));
	assert_str(str_join(a, (struct strs){NULL, 0}, STR(",")), STR(""));
	assert_int_equal(str_split(a, STR(""), ' ').n, 0);
	assert_int_equal(str_split(a, STR("   "), ' ').n, 0);
	assert_int_equal(str_split(a, STR_NONE, ' ').n, 0);
}

static void integers(void **state) {
	(void)state;
	static const struct {
		const char *text;
		int64_t min, max;
		bool good;
		int64_t value;
	} rows[] = {
		{"0", 0, 10, true, 0},
		{"10", 0, 10, true, 10},
		{"007", 0, 10, true, 7},
		{"11", 0, 10, false, 0},
		{"1", 2, 10, false, 0},
		{"", 0, 10, false, 0},
		{"-1", -5, 10, false, 0},
		{"+1", 0, 10, false, 0},
		{" 1", 0, 10, false, 0},
		{"1 ", 0, 10, false, 0},
		{"1x", 0, 10, false, 0},
		{"0x1", 0, 10, false, 0},
		{"9223372036854775807", 0, INT64_MAX, true, INT64_MAX},
		{"9223372036854775808", 0, INT64_MAX, false, 0},
		{"99999999999999999999999", INT64_MIN, INT64_MAX, false, 0},
		{"18446744073709551617", INT64_MIN, INT64_MAX, false, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t value = 4711;
		if (str_int(str_of(rows[i].text), rows[i].min, rows[i].max, &value) != rows[i].good)
			fail_msg("\"%s\"", rows[i].text);
		assert_int_equal(value, rows[i].good ? rows[i].value : 4711);
	}
	int64_t value = 0;
	assert_false(str_int((struct str){"1\0", 2}, 0, 10, &value));
	assert_false(str_int(STR_NONE, 0, 10, &value));
}

static void utf8(void **state) {
	(void)state;
	static const struct {
		struct str s;
		bool good;
		size_t points;
		bool control;
	} rows[] = {
		{{"", 0}, true, 0, false}, {{NULL, 0}, true, 0, false}, {{"plain", 5}, true, 5, false},
		{{"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 9}, true, 3, false}, {{"\xEF\xBF\xBD", 3}, true, 1, false},
		{{"\xF4\x8F\xBF\xBF", 4}, true, 1, false}, {{"\xED\x9F\xBF", 3}, true, 1, false},
		{{"\xEE\x80\x80", 3}, true, 1, false}, {{"a\0b", 3}, true, 3, true}, {{"a\n", 2}, true, 2, true},
		{{"\x1F", 1}, true, 1, true}, {{"\x7F", 1}, true, 1, true}, {{"\xC2\x80", 2}, true, 1, true},
		{{"\xC2\x9F", 2}, true, 1, true}, {{"\xC2\xA0", 2}, true, 1, false},
		{{"\xE2\x80\xA7", 3}, true, 1, false}, {{"\xE2\x80\xA8", 3}, true, 1, true},
		{{"\xE2\x80\xA9", 3}, true, 1, true}, {{"\x80", 1}, false, 1, false},
		{{"\xC0\xAF", 2}, false, 2, false},         /* overlong / */
		{{"\xC1\xBF", 2}, false, 2, false},         /* overlong */
		{{"\xE0\x80\xAF", 3}, false, 3, false},     /* overlong / */
		{{"\xE0\x9F\xBF", 3}, false, 3, false},     /* overlong */
		{{"\xF0\x8F\xBF\xBF", 4}, false, 4, false}, /* overlong */
		{{"\xED\xA0\x80", 3}, false, 3, false},     /* surrogate */
		{{"\xED\xBF\xBF", 3}, false, 3, false},     /* surrogate */
		{{"\xF4\x90\x80\x80", 4}, false, 4, false}, /* over U+10FFFF */
		{{"\xF5\x80\x80\x80", 4}, false, 4, false}, {{"\xFF", 1}, false, 1, false},
		{{"\xC3", 1}, false, 1, false}, {{"\xE2\x82", 2}, false, 2, false},
		{{"\xF0\x9F\x98", 3}, false, 3, false}, {{"\xE2\x82z", 3}, false, 3, false},
		{{"\xFF\n", 2}, false, 2, true}, /* a control behind a bad byte is still seen */
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (str_utf8(rows[i].s) != rows[i].good || str_code_points(rows[i].s) != rows[i].points ||
			str_has_control(rows[i].s) != rows[i].control)
			fail_msg("row %zu", i);
	}
}

static void code_points_in_order(void **state) {
	(void)state;
	struct str s = STR("a\xC3\xA4\xE2\x82\xAC\xFF\xF0\x9F\x98\x80");
	static const uint32_t wanted[] = {'a', 0xE4, 0x20AC, 0xFFFD, 0x1F600};
	size_t at = 0;
	uint32_t code = 0;
	for (size_t i = 0; i < COUNT(wanted); i++) {
		assert_true(str_next_code_point(s, &at, &code));
		assert_int_equal(code, wanted[i]);
	}
	assert_int_equal(at, s.n);
	assert_false(str_next_code_point(s, &at, &code));
}

static void glob(void **state) {
	(void)state;
	static const struct {
		const char *pattern, *s;
		bool match;
		const char *captured;
	} rows[] = {
		{"", "", true, NULL},
		{"", "a", false, NULL},
		{"abc", "ABC", true, NULL},
		{"abc", "abcd", false, NULL},
		{"abcd", "abc", false, NULL},
		{"*", "", true, ""},
		{"*", "anything", true, "anything"},
		{"**", "ab", true, ""},
		{"*@example.org", "Ada@Example.ORG", true, "Ada"},
		{"*@example.org", "@example.org", true, ""},
		{"*@example.org", "ada@example.org.evil.test", false, NULL},
		{"*@example.org", "ada@example_org", false, NULL},
		{"cn=app-*-admin,ou=*", "cn=app-x-y-admin,ou=g", true, "x-y"},
		{"cn=app-*-admin,ou=*", "cn=app-x-admin", false, NULL},
		{"a*b*c", "a1b2b3c", true, "1"},
		{"a*b*c", "abc", true, ""},
		{"a*b", "abbb", true, "bb"},
		{"abc*", "abc", true, ""},
		{"abc**", "abc", true, ""},
		{"a*", "abc", true, "bc"},
		{"*aab", "aaaaab", true, "aaa"},
		{"*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, NULL},
		{"a?c", "abc", false, NULL},
		{"[a]", "a", false, NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str captured = STR("untouched");
		if (str_glob(str_of(rows[i].pattern), str_of(rows[i].s), &captured) != rows[i].match)
			fail_msg("%s on %s", rows[i].pattern, rows[i].s);
		assert_str(captured, rows[i].match ? str_of(rows[i].captured) : STR("untouched"));
		assert_int_equal(str_glob(str_of(rows[i].pattern), str_of(rows[i].s), NULL), rows[i].match);
	}
	assert_true(str_glob(STR("*"), STR_NONE, NULL));
	assert_false(str_glob(STR_NONE, STR("a"), NULL));
}

static void every_error_has_a_row(void **state) {
	(void)state;
	for (int i = 0; i < ERR_COUNT; i++) {
		const struct err_row *row = err_row((enum err)i);
		assert_true(i == ERR_INTERNAL || row != err_row(ERR_INTERNAL));
		assert_non_null(row->oauth);
		assert_true(row->http_status >= (i ? 400 : 200) && row->http_status < 600);
		assert_true(str_starts(str_of(row->sentence), STR("error.")));
		assert_str(str_sub(str_of(row->sentence), 6, SIZE_MAX), str_of(row->name));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(row->name, err_row((enum err)k)->name);
	}
	assert_ptr_equal(err_row(ERR_COUNT), err_row(ERR_INTERNAL));
	assert_ptr_equal(err_row((enum err) - 1), err_row(ERR_INTERNAL));
}

static void only_a_neighbour_that_may_come_back_is_retried(void **state) {
	(void)state;
	for (int i = 0; i < ERR_COUNT; i++)
		assert_int_equal(err_row((enum err)i)->retry, i == ERR_UNAVAILABLE || i == ERR_TIMEOUT);
}

static void the_wall_clock_can_be_moved(void **state) {
	(void)state;
	int64_t wall = clock_wall_ms(), monotonic = clock_monotonic_ms();
	clock_shift_ms(86400000);
	int64_t moved = clock_wall_ms() - wall;
	assert_true(moved >= 86400000);
	clock_shift_ms(-86400000);
	assert_true(clock_wall_ms() < wall + 86400000);
	assert_true(clock_monotonic_ms() >= monotonic && clock_monotonic_us() / 1000 >= monotonic);
	assert_true(wall > INT64_C(1600000000000));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares),
		cmocka_unit_test(of_a_c_string),
		cmocka_unit_test(finds),
		cmocka_unit_test(cuts),
		cmocka_unit_test(next_gives_every_part),
		cmocka_unit_test(copies),
		cmocka_unit_test(lists),
		cmocka_unit_test(integers),
		cmocka_unit_test(utf8),
		cmocka_unit_test(code_points_in_order),
		cmocka_unit_test(glob),
		cmocka_unit_test(every_error_has_a_row),
		cmocka_unit_test(only_a_neighbour_that_may_come_back_is_retried),
		cmocka_unit_test(the_wall_clock_can_be_moved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
