#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/secret.h"
#include "web/head.h"
#include "web/request.h"

static struct arena *a;
static struct task t;

static int begin(void **state) {
	(void)state;
	secret_init();
	a = arena_new();
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(a);
	return 0;
}

static int each(void **state) {
	(void)state;
	arena_wipe(a);
	task_begin(&t, a, NULL, 1000);
	return 0;
}

static void same(struct str got, struct str wanted, const char *of) {
	if (!str_eq(got, wanted) || str_absent(got) != str_absent(wanted))
		fail_msg("%s: \"%.*s\" is not \"%.*s\"", of, FMT(got), FMT(wanted));
}

/* The parameters as "name=value|…". */
static struct str shown(struct params p) {
	struct buf b = buf_new(a, LIMIT_BODY * 2);
	for (size_t i = 0; i < p.n; i++)
		buf_printf(&b, "%.*s=%.*s|", FMT(p.v[i].name), FMT(p.v[i].value));
	return buf_str(&b);
}

static void reads_forms(void **state) {
	(void)state;
	static const struct {
		const char *text;
		enum err code;
		const char *shown;
	} rows[] = {
		{"", OK, ""},
		{"a=1", OK, "a=1|"},
		{"a=1&b=2", OK, "a=1|b=2|"},
		{"&&a=1&&b=2&", OK, "a=1|b=2|"},
		{"a", OK, "a=|"},
		{"a=", OK, "a=|"},
		{"a=b=c", OK, "a=b=c|"},
		{"a=x+y%20z%2B", OK, "a=x y z+|"},
		{"%61=1", OK, "a=1|"},
		{"a=%C3%A4", OK, "a=\xC3\xA4|"},
		{"a=\xC3\xA4", OK, "a=\xC3\xA4|"},
		{"a=%f0%9f%98%80", OK, "a=\xF0\x9F\x98\x80|"},
		{"a=1;b=2", OK, "a=1;b=2|"},
		{"a=1&a=1", ERR_INVALID, NULL},
		{"a=1&%61=2", ERR_INVALID, NULL},
		{"a=1&A=2", OK, "a=1|A=2|"},
		{"a=%", ERR_INVALID, NULL},
		{"a=%4", ERR_INVALID, NULL},
		{"a=%4x", ERR_INVALID, NULL},
		{"a=%zz", ERR_INVALID, NULL},
		{"a%=1", ERR_INVALID, NULL},
		{"a=%00", ERR_INVALID, NULL},
		{"a%00b=1", ERR_INVALID, NULL},
		{"a=%ff", ERR_INVALID, NULL},
		{"a=%c0%af", ERR_INVALID, NULL},
		{"a=%ed%a0%80", ERR_INVALID, NULL},
		{"\xff=1", ERR_INVALID, NULL},
		{"=1", ERR_INVALID, NULL},
		{"[]=1", ERR_INVALID, NULL},
		{"g[]=1", OK, "g=1|"},
		{"g[]=1&x=&g%5B%5D=2", OK, "g=1\n2|x=|"},
		{"g[]=1&g=2", ERR_INVALID, NULL},
		{"g=1&g[]=2", ERR_INVALID, NULL},
		{"g[]=1%0A2", ERR_INVALID, NULL},
		{"g=1%0D%0A2", OK, "g=1\r\n2|"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct params p = {NULL, 77};
		assert_int_equal(form_read(&t, str_of(rows[i].text), &p), rows[i].code);
		if (rows[i].code)
			assert_int_equal(p.n, 77);
		else
			same(shown(p), str_of(rows[i].shown), rows[i].text);
	}
}

static void refuses_nul(void **state) {
	(void)state;
	struct params p;
	assert_int_equal(form_read(&t, STR("a=1\0&b=2"), &p), ERR_INVALID);
}

static struct str many(size_t n, const char *format) {
	struct buf b = buf_new(a, LIMIT_BODY * 2);
	for (size_t i = 0; i < n; i++) {
		buf_put(&b, str_of(format));
		buf_printf(&b, "%zu=1&", i);
	}
	return buf_str(&b);
}

static struct str long_one(size_t name, size_t value) {
	struct buf b = buf_new(a, LIMIT_BODY * 2);
	for (size_t i = 0; i < name; i++)
		buf_byte(&b, 'n');
	buf_byte(&b, '=');
	for (size_t i = 0; i < value; i++)
		buf_byte(&b, 'v');
	return buf_str(&b);
}

static void limits(void **state) {
	(void)state;
	struct params p;
	assert_int_equal(form_read(&t, many(LIMIT_FORM_FIELDS, "f"), &p), OK);
	assert_int_equal(p.n, LIMIT_FORM_FIELDS);
	assert_int_equal(form_read(&t, many(LIMIT_FORM_FIELDS + 1, "f"), &p), ERR_TOO_LARGE);
	assert_int_equal(form_read(&t, long_one(LIMIT_FIELD_NAME, LIMIT_FIELD_VALUE), &p), OK);
	assert_int_equal(form_read(&t, long_one(LIMIT_FIELD_NAME + 1, 1), &p), ERR_TOO_LARGE);
	assert_int_equal(form_read(&t, long_one(1, LIMIT_FIELD_VALUE + 1), &p), ERR_TOO_LARGE);
	assert_int_equal(form_read(&t, long_one(1, LIMIT_BODY + 1), &p), ERR_TOO_LARGE);
}

/* Repeats of one list count as well. */
static void limits_lists(void **state) {
	(void)state;
	struct params p;
	struct buf b = buf_new(a, 4096);
	for (size_t i = 0; i <= LIMIT_FORM_FIELDS; i++)
		buf_put(&b, STR("g[]=1&"));
	assert_int_equal(form_read(&t, buf_str(&b), &p), ERR_TOO_LARGE);
}

static void reads_a_form_by_its_type(void **state) {
	(void)state;
	static const struct {
		struct str type;
		size_t n;
	} rows[] = {
		{STR("application/x-www-form-urlencoded"), 1},
		{STR("Application/X-WWW-Form-Urlencoded; charset=UTF-8"), 1},
		{STR("application/x-www-form-urlencoded2"), 0},
		{STR("multipart/form-data; boundary=x"), 0},
		{STR("text/plain"), 0},
		{STR(""), 0},
		{STR_NONE, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request q = {.content_type = rows[i].type, .body = STR("a=1"), .query_text = STR("q=1")};
		assert_int_equal(request_read(&t, &q), OK);
		assert_int_equal(q.form.n, rows[i].n);
		assert_int_equal(q.query.n, 1);
	}
}

static void reads_targets(void **state) {
	(void)state;
	static const struct {
		struct str target;
		enum err code;
		struct str path, query;
	} rows[] = {
		{STR("/"), OK, STR("/"), STR_NONE},
		{STR("/?"), OK, STR("/"), STR("")},
		{STR("/a/b"), OK, STR("/a/b"), STR_NONE},
		{STR("/a/b/"), OK, STR("/a/b/"), STR_NONE},
		{STR("/a?b=c?d"), OK, STR("/a"), STR("b=c?d")},
		{STR("/a+b"), OK, STR("/a+b"), STR_NONE},
		{STR("/a%20b"), OK, STR("/a b"), STR_NONE},
		{STR("/a%2520b"), OK, STR("/a%20b"), STR_NONE},
		{STR("/%C3%A4"), OK, STR("/\xC3\xA4"), STR_NONE},
		{STR("/a...b"), OK, STR("/a...b"), STR_NONE},
		{STR(""), ERR_INVALID, STR(""), STR_NONE},
		{STR("*"), ERR_INVALID, STR(""), STR_NONE},
		{STR("a"), ERR_INVALID, STR(""), STR_NONE},
		{STR("http://x/a"), ERR_INVALID, STR(""), STR_NONE},
		{STR("//a"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a//b"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/./a"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a/.."), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a/../b"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a/%2e%2e/b"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a%2Fb"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a%2fb"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a%5cb"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a\\b"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a%00b"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a%0ab"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a%c2%85b"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a%ff"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a%"), ERR_INVALID, STR(""), STR_NONE},
		{STR("/a%4"), ERR_INVALID, STR(""), STR_NONE},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str path, query;
		enum err code = target_read(&t, rows[i].target, &path, &query);
		if (code != rows[i].code)
			fail_msg("\"%.*s\": %d", FMT(rows[i].target), code);
		if (code)
			continue;
		same(path, rows[i].path, "path");
		same(query, rows[i].query, "query");
	}
}

static void finds_cookies(void **state) {
	(void)state;
	static const struct {
		struct str header, value;
	} rows[] = {
		{STR("a=1"), STR("1")},
		{STR("b=2; a=1"), STR("1")},
		{STR("b=2;a=1;c"), STR("1")},
		{STR("  a=1  "), STR("1")},
		{STR("a="), STR("")},
		{STR("a=1=2"), STR("1=2")},
		{STR("a=\"1\""), STR("\"1\"")},
		{STR(""), STR_NONE},
		{STR_NONE, STR_NONE},
		{STR("a"), STR_NONE},
		{STR("aa=1"), STR_NONE},
		{STR("A=1"), STR_NONE},
		{STR("a =1"), STR_NONE},
		{STR("b=a=1"), STR_NONE},
		{STR("a=1; a=1"), STR_NONE},
		{STR("a=1; a=2"), STR_NONE},
		{STR(";;;"), STR_NONE},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		same(cookie_find(rows[i].header, STR("a")), rows[i].value, "cookie");
	struct buf b = buf_new(a, LIMIT_COOKIE * 2);
	buf_put(&b, STR("a=1; b="));
	while (b.n <= LIMIT_COOKIE)
		buf_byte(&b, 'x');
	assert_true(str_absent(cookie_find(buf_str(&b), STR("a"))));
}

static void knows_the_client(void **state) {
	(void)state;
	static const struct {
		struct str peer, forwarded, address;
	} rows[] = {
		{STR("203.0.113.9"), STR("1.2.3.4"), STR("203.0.113.9")}, /* nobody we trust */
		{STR("10.0.0.1"), STR_NONE, STR("10.0.0.1")},
		{STR("10.0.0.1"), STR(""), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR("1.2.3.4"), STR("1.2.3.4")},
		{STR("unix"), STR("1.2.3.4"), STR("1.2.3.4")},
		{STR("unix"), STR_NONE, STR("unix")},
		{STR("::ffff:10.0.0.1"), STR("1.2.3.4"), STR("1.2.3.4")},
		{STR("10.0.0.1"), STR("6.6.6.6, 1.2.3.4"), STR("1.2.3.4")},
		{STR("10.0.0.1"), STR("6.6.6.6, 1.2.3.4, 10.0.0.1"), STR("1.2.3.4")},
		{STR("10.0.0.1"), STR("10.0.0.1"), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR("garbage, 1.2.3.4"), STR("1.2.3.4")},
		{STR("10.0.0.1"), STR("1.2.3.4, garbage"), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR("1.2.3.4,"), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR(","), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR(",,,,"), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR("   "), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR("1.2.3.4:80"), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR("1.2.3"), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR("1.2.3.4\0"), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR("localhost"), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR("unix"), STR("10.0.0.1")},
		{STR("10.0.0.1"), STR("2001:DB8:0:0::1"), STR("2001:db8::1")},
		{STR("10.0.0.1"), STR("::ffff:1.2.3.4"), STR("1.2.3.4")},
		{STR("2001:db8::5"), STR("1.2.3.4"), STR("1.2.3.4")},
		{STR("10.0.0.1"), STR("1.2.3.4, 2001:db8:0::5"), STR("1.2.3.4")},
	};
	struct str proxies[] = {STR("10.0.0.1"), STR("2001:0db8::5"), STR("unix")};
	struct config c = {.trusted_proxies = {proxies, COUNT(proxies)}};
	for (size_t i = 0; i < COUNT(rows); i++)
		same(client_address(a, &c, rows[i].peer, rows[i].forwarded), rows[i].address,
			rows[i].forwarded.p ? rows[i].forwarded.p : "none");
}

static void ends_long_forwarding(void **state) {
	(void)state;
	struct str proxy = STR("10.0.0.1");
	struct config c = {.trusted_proxies = {&proxy, 1}};
	struct buf b = buf_new(a, 1 << 16);
	buf_put(&b, STR("1.2.3.4"));
	for (size_t i = 0; i < 40; i++)
		buf_put(&b, STR(",10.0.0.1"));
	same(client_address(a, &c, proxy, buf_str(&b)), proxy, "many hops");
	while (b.n < 4096)
		buf_put(&b, STR(", 1.2.3.4"));
	same(client_address(a, &c, proxy, buf_str(&b)), proxy, "long");
}

#define HEADERS_MOST 4
static void checks_heads(void **state) {
	(void)state;
	static const struct {
		enum method method;
		struct {
			struct str name, value;
		} v[HEADERS_MOST];
		enum err code;
		size_t length;
	} rows[] = {
		{METHOD_GET, {{STR("Host"), STR("id.example.org")}}, OK, 0},
		{METHOD_GET, {{STR("Host"), STR("[::1]:8080")}}, OK, 0},
		{METHOD_GET, {{STR("host"), STR("x")}, {STR("HOST"), STR("x")}}, ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("")}}, ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("a b")}}, ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("a/b")}}, ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("a@b")}}, ERR_INVALID, 0},
		{METHOD_GET, {{STR("Accept"), STR("*/*")}}, ERR_INVALID, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("12")}}, OK, 12},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("65536")}}, OK, 65536},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("65537")}}, ERR_TOO_LARGE, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("99999999999999999999")}},
			ERR_INVALID, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("")}}, ERR_INVALID, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("+0")}}, ERR_INVALID, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("-1")}}, ERR_INVALID, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("0x2c")}}, ERR_INVALID, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("0, 44")}}, ERR_INVALID, 0},
		{METHOD_POST,
			{{STR("Host"), STR("x")}, {STR("Content-Length"), STR("3")}, {STR("Content-Length"), STR("3")}},
			ERR_INVALID, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Transfer-Encoding"), STR("chunked")}}, OK, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Transfer-Encoding"), STR("gzip, chunked")}}, ERR_INVALID,
			0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Transfer-Encoding"), STR("xchunked")}}, ERR_INVALID, 0},
		{METHOD_POST,
			{{STR("Host"), STR("x")}, {STR("Transfer-Encoding"), STR("chunked")},
				{STR("Content-Length"), STR("3")}},
			ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("0")}}, OK, 0},
		{METHOD_GET, {{STR("Host"), STR("x")}, {STR("Content-Length"), STR("3")}}, ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("x")}, {STR("Transfer-Encoding"), STR("chunked")}}, ERR_INVALID, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Expect"), STR("100-continue")}}, OK, 0},
		{METHOD_POST, {{STR("Host"), STR("x")}, {STR("Expect"), STR("tea")}}, ERR_INVALID, 0},
		{METHOD_GET,
			{{STR("Host"), STR("x")}, {STR("Authorization"), STR("a")}, {STR("authorization"), STR("b")}},
			ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("x")}, {STR("Cookie"), STR("a=1")}, {STR("Cookie"), STR("a=2")}},
			ERR_INVALID, 0},
		{METHOD_GET,
			{{STR("Host"), STR("x")}, {STR("Accept-Language"), STR("de")},
				{STR("Accept-Language"), STR("en")}},
			OK, 0},
		{METHOD_GET, {{STR("Host "), STR("x")}}, ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("x")}, {STR("X:Y"), STR("1")}}, ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("x")}, {STR("X"), STR("1\0002")}}, ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("x")}, {STR("X"), STR("1\n2")}}, ERR_INVALID, 0},
		{METHOD_GET, {{STR("Host"), STR("x")}, {STR("X"), STR("1\t2 \xC3\xA4")}}, OK, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct head h = {.bad = false};
		size_t length = 77;
		for (size_t j = 0; j < HEADERS_MOST && rows[i].v[j].name.n; j++)
			head_add(&h, rows[i].v[j].name, rows[i].v[j].value);
		enum err code = head_check(&h, rows[i].method, true, &length);
		if (code != rows[i].code || length != (code ? 77 : rows[i].length))
			fail_msg("row %zu: %d, %zu", i, code, length);
	}
}

static void keeps_the_order_of_hops(void **state) {
	(void)state;
	struct head h = {.bad = false};
	size_t length;
	assert_true(str_absent(head_forwarded_for(a, &h)));
	head_add(&h, STR("X-Forwarded-For"), STR("1.1.1.1"));
	head_add(&h, STR("x-forwarded-for"), STR("2.2.2.2, 3.3.3.3"));
	same(head_forwarded_for(a, &h), STR("1.1.1.1,2.2.2.2, 3.3.3.3"), "hops");
	assert_int_equal(head_check(&h, METHOD_GET, false, &length), OK);
	for (size_t i = 0; i < HEAD_FORWARDED; i++)
		head_add(&h, STR("X-Forwarded-For"), STR("4.4.4.4"));
	assert_int_equal(head_check(&h, METHOD_GET, false, &length), ERR_INVALID);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reads_forms, each),
		cmocka_unit_test_setup(refuses_nul, each),
		cmocka_unit_test_setup(limits, each),
		cmocka_unit_test_setup(limits_lists, each),
		cmocka_unit_test_setup(reads_a_form_by_its_type, each),
		cmocka_unit_test_setup(reads_targets, each),
		cmocka_unit_test_setup(finds_cookies, each),
		cmocka_unit_test_setup(knows_the_client, each),
		cmocka_unit_test_setup(ends_long_forwarding, each),
		cmocka_unit_test_setup(checks_heads, each),
		cmocka_unit_test_setup(keeps_the_order_of_hops, each),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
