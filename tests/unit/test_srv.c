/* SRV records: answers as DNS servers give them, and as nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "federation/directory/srv.h"

/* The answer of Windows' DNS form: one question, two records with names that point back into the packet, and an
 * address of the first in the additional section. */
#define QUESTION                                                                                                       \
	"\x05_ldap\x04_tcp\x02"                                                                                        \
	"dc\x06_msdcs\x07"                                                                                             \
	"example\x04test\x00\x00\x21\x00\x01"
#define HEAD(flags, answers) "\x12\x34" flags "\x00\x01\x00" answers "\x00\x00\x00\x00"
#define TEXT(s)              str_slice(s, sizeof(s) - 1)
#define BYTES(s)                                                                                                       \
	{ s, sizeof(s) - 1 }

static const char recorded[] =
	HEAD("\x85\x80", "\x02") QUESTION "\xc0\x0c\x00\x21\x00\x01\x00\x00\x02\x58\x00\x18\x00\x00\x00\x64\x01\x85\x03"
					  "DC1\x07"
					  "example\x04test\x00"
					  "\xc0\x0c\x00\x21\x00\x01\x00\x00\x0e\x10\x00\x0c\x00\x01\x00\x00\x01\x85\x03"
					  "dc2\xc0\x21";

static void reads_an_answer(void **state) {
	struct srvs s;
	assert_true(srv_parse(*state, TEXT(recorded), STR("example.test"), &s));
	assert_int_equal(s.n, 2);
	assert_true(str_eq(s.v[0].host, STR("dc1.example.test")));
	assert_int_equal(s.v[0].priority, 0);
	assert_int_equal(s.v[0].weight, 100);
	assert_int_equal(s.v[0].port, 389);
	assert_true(str_eq(s.v[1].host, STR("dc2.example.test")));
	assert_int_equal(s.v[1].priority, 1);
	assert_int_equal(s.ttl, 600);
}

/* One record with this host, in the form of a name in a packet. */
static struct str answer_with(struct arena *a, struct str host, const char *head) {
	struct buf b = buf_new(a, 4096);
	buf_put(&b, str_slice("\x12\x34\x85\x80\x00\x01\x00\x01\x00\x00\x00\x00", 12));
	buf_put(&b, TEXT(QUESTION));
	buf_put(&b, str_slice(head, 10));
	buf_byte(&b, (char)((host.n + 6) >> 8));
	buf_byte(&b, (char)(host.n + 6));
	buf_put(&b, str_slice("\0\0\0\0\1\x85", 6));
	buf_put(&b, host);
	return buf_str(&b);
}

static void takes_hosts_of_the_domain_only(void **state) {
	static const char srv[] = "\xc0\x0c\x00\x21\x00\x01\x00\x00\x00\x3c",
			  address[] = "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c",
			  chaos[] = "\xc0\x0c\x00\x21\x00\x03\x00\x00\x00\x3c";
	static const struct {
		struct str host;
		const char *head;
		size_t n;
	} rows[] = {
		{BYTES("\x03"
		       "dc3\x07"
		       "example\x04test\x00"),
			srv, 1},
		{BYTES("\x02"
		       "dc\x03"
		       "sub\x07"
		       "example\x04test\x00"),
			srv, 1},
		{BYTES("\x03"
		       "dc3\x07"
		       "example\x04test\x00"),
			address, 0},
		{BYTES("\x03"
		       "dc3\x07"
		       "example\x04test\x00"),
			chaos, 0},
		{BYTES("\x00"), srv, 0}, /* there is no such service */
		{BYTES("\x07"
		       "example\x04test\x00"),
			srv, 0}, /* the domain itself */
		{BYTES("\x03"
		       "dc3\x04"
		       "evil\x04test\x00"),
			srv, 0},
		{BYTES("\x0b"
		       "evilexample\x04test\x00"),
			srv, 0}, /* ends alike */
		{BYTES("\x03"
		       "d/c\x07"
		       "example\x04test\x00"),
			srv, 0},
		{BYTES("\x03"
		       "d@c\x07"
		       "example\x04test\x00"),
			srv, 0},
		{BYTES("\x03"
		       "d.c\x07"
		       "example\x04test\x00"),
			srv, 0}, /* a dot within a label */
		{BYTES("\x03"
		       "d\0c\x07"
		       "example\x04test\x00"),
			srv, 0},
		{BYTES("\x03"
		       "-dc\x07"
		       "example\x04test\x00"),
			srv, 0},
		{BYTES("\x03"
		       "dc-\x07"
		       "example\x04test\x00"),
			srv, 0},
		{BYTES("\x03"
		       "dc\xff\x07"
		       "example\x04test\x00"),
			srv, 0},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct srvs s = {.n = 99};
		bool read = srv_parse(*state, answer_with(*state, rows[i].host, rows[i].head), STR("example.test"), &s);
		if (!read || s.n != rows[i].n)
			fail_msg("row %zu: %d, %zu hosts", i, read, s.n);
	}
}

static void refuses_what_is_no_answer(void **state) {
	struct srvs s;
	char copy[sizeof(recorded)];
	/* Cut anywhere. */
	for (size_t n = 0; n + 1 < sizeof(recorded) - 1; n++) {
		char *part = test_malloc(n + 1);
		memcpy(part, recorded, n);
		assert_false(srv_parse(*state, str_slice(part, n), STR("example.test"), &s));
		test_free(part);
	}
	static const struct {
		size_t at;
		char value;
	} rows[] = {
		{2, 0x05},       /* a question */
		{3, (char)0x83}, /* NXDOMAIN */
		{7, 9},          /* more records than there are */
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		memcpy(copy, recorded, sizeof(recorded));
		copy[rows[i].at] = rows[i].value;
		if (srv_parse(*state, str_slice(copy, sizeof(recorded) - 1), STR("example.test"), &s))
			fail_msg("row %zu", i);
	}
	/* A host that points at itself is none. */
	struct str loop = answer_with(*state, TEXT("\xc0\x45"), "\xc0\x0c\x00\x21\x00\x01\x00\x00\x00\x3c");
	assert_true(!srv_parse(*state, loop, STR("example.test"), &s) || s.n == 0);
}

static uint32_t least(uint32_t below) {
	(void)below;
	return 0;
}

static uint32_t most(uint32_t below) {
	return below - 1;
}

static void orders_by_priority_and_weight(void **state) {
	(void)state;
	const struct srvs given = {.v = {{{"a", 1}, 5, 0, 389}, {{"b", 1}, 0, 10, 389}, {{"c", 1}, 0, 0, 389},
					   {{"d", 1}, 0, 90, 389}, {{"e", 1}, 5, 1, 389}},
		.n = 5};
	static const struct {
		uint32_t (*draw)(uint32_t);
		const char *wanted;
	} rows[] = {{least, "cbdae"}, {most, "dbcea"}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct srvs s = given;
		srv_order(&s, rows[i].draw);
		for (size_t k = 0; k < s.n; k++)
			if (s.v[k].host.p[0] != rows[i].wanted[k])
				fail_msg("row %zu: %zu is %c", i, k, s.v[k].host.p[0]);
	}
}

static int open_arena(void **state) {
	*state = arena_new();
	return 0;
}

static int close_arena(void **state) {
	arena_free(*state);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_an_answer, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(takes_hosts_of_the_domain_only, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_answer, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(orders_by_priority_and_weight, open_arena, close_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
