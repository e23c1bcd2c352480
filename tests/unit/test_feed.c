/* The values that feeds read and write: federation/feed/{der,sync_value,pass,objects,dirsync}.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/encode.h"
#include "federation/feed/der.h"
#include "federation/feed/sync_value.h"
#include "federation/feed/trail.h"

#define ID "00112233445566778899aabbccddeeff"

static struct arena *arena;

static int setup(void **state) {
	(void)state;
	arena = arena_new();
	return 0;
}

static int teardown(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static struct str hex(const char *text) {
	struct str bytes;
	assert_true(hex_decode(arena, str_of(text), &bytes));
	return bytes;
}

static void writes_and_reads_numbers(void **state) {
	static const struct {
		int32_t number;
		const char *der;
	} rows[] = {{0, "020100"}, {1, "020101"}, {127, "02017f"}, {128, "02020080"}, {256, "02020100"},
		{INT32_MAX, "02047fffffff"}, {-1, "0201ff"}, {-128, "020180"}, {-129, "0202ff7f"},
		{INT32_MIN, "020480000000"}};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = buf_new(arena, 64);
		int32_t back = 99;
		der_put_number(&b, DER_INTEGER, rows[i].number);
		assert_true(str_eq(buf_str(&b), hex(rows[i].der)));
		struct str rest = buf_str(&b);
		assert_true(der_take_number(&rest, DER_INTEGER, &back) && back == rows[i].number && rest.n == 0);
	}
}

static void writes_and_reads_lengths(void **state) {
	static const size_t lengths[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct buf b = buf_new(arena, 1u << 20);
		struct str content = {arena_alloc(arena, lengths[i] + 1), lengths[i]}, back;
		der_put(&b, DER_OCTETS, content);
		struct str rest = buf_str(&b), cut = str_sub(rest, 0, rest.n - 1);
		assert_true(der_take(&rest, DER_OCTETS, &back) && back.n == lengths[i] && rest.n == 0);
		assert_false(der_take(&cut, DER_OCTETS, &back));
	}
	/* No length, an indefinite one, one of too many bytes, one beyond the end. */
	static const char *const bad[] = {"", "04", "0480", "048500000000aa", "0484ffffffff", "0402aa", "0482"};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct str rest = hex(bad[i]), back;
		assert_false(der_take(&rest, DER_OCTETS, &back));
		assert_int_equal(rest.n, strlen(bad[i]) / 2);
	}
}

static void reads_states(void **state) {
	static const struct {
		const char *der;
		bool good;
		enum sync_is is;
		size_t cookie;
	} rows[] = {
		{"30150a01010410" ID, true, SYNC_ADD, 0},
		{"30190a01030410" ID "04026162", true, SYNC_DELETE, 2},
		{"30150a01040410" ID, false, SYNC_PRESENT, 0}, /* no such state */
		{"30150a01ff0410" ID, false, SYNC_PRESENT, 0},
		{"30140a0101040f00112233445566778899aabbccddee", false, SYNC_PRESENT, 0}, /* a short id */
		{"30030a0101", false, SYNC_PRESENT, 0},
		{"30190a01010410" ID "04036162", false, SYNC_PRESENT, 0}, /* a cookie longer than what is there */
		{"", false, SYNC_PRESENT, 0},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sync_state s;
		assert_true(sync_state_read(hex(rows[i].der), &s) == rows[i].good);
		if (!rows[i].good)
			continue;
		assert_true(s.is == rows[i].is && s.cookie.n == rows[i].cookie && str_eq(s.id, hex(ID)));
	}
}

static void reads_infos(void **state) {
	struct sync_info s;
	struct str id;
	(void)state;
	assert_true(
		sync_info_read(hex("8003636f6f"), &s) && s.tells == SYNC_NEW_COOKIE && str_eq(s.cookie, STR("coo")));
	assert_true(sync_info_read(hex("a100"), &s) && s.tells == SYNC_REFRESH_DELETE && s.done);
	assert_true(sync_info_read(hex("a2080403636f6f010100"), &s) && s.tells == SYNC_REFRESH_PRESENT && !s.done &&
		    s.cookie.n == 3);
	assert_true(sync_info_read(hex("a3270101ff3122"
				       "0410" ID "0410" ID),
			    &s) == false); /* shorter than told */
	assert_true(sync_info_read(hex("a3290101ff3124"
				       "0410" ID "0410" ID),
			    &s) &&
		    s.tells == SYNC_ID_SET && s.deletes);
	assert_true(sync_next_id(&s.ids, &id) && str_eq(id, hex(ID)) && sync_next_id(&s.ids, &id));
	assert_false(sync_next_id(&s.ids, &id));
	assert_true(sync_info_read(hex("a3023100"), &s) && !s.deletes && s.ids.n == 0);
	assert_false(sync_info_read(hex("a30631040402aabb"), &s)); /* an id of two bytes */
	assert_false(sync_info_read(hex("a400"), &s));
	assert_false(sync_info_read(hex("a300"), &s));
	struct str request = sync_request(arena, STR("abc"));
	assert_true(str_eq(request, hex("30080a01030403616263")));
	assert_true(str_eq(sync_request(arena, STR_NONE), hex("30030a0103")));
}

static void bounds_cookies(void **state) {
	struct buf b = buf_new(arena, 1u << 20);
	struct str cookie = {arena_alloc(arena, COOKIE_MOST + 1), COOKIE_MOST + 1};
	struct sync_info s;
	(void)state;
	der_put(&b, 0x80, cookie);
	assert_false(sync_info_read(buf_str(&b), &s));
	b.n = 0;
	cookie.n--;
	der_put(&b, 0x80, cookie);
	assert_true(sync_info_read(buf_str(&b), &s));
}

static void reads_dirsync(void **state) {
	struct str cookie = STR_NONE;
	bool more = false;
	(void)state;
	assert_true(dirsync_read(hex("300b02010102010004036d6f72"), &more, &cookie));
	assert_true(more && str_eq(cookie, STR("mor")));
	assert_true(dirsync_read(hex("30080201000201000400"), &more, &cookie) && !more && cookie.n == 0);
	assert_false(dirsync_read(hex("3006020100020100"), &more, &cookie));
	assert_false(dirsync_read(hex("300602010004016d"), &more, &cookie));
}

static void reads_times(void **state) {
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {{"19700101000001Z", 1}, {"20261125160000Z", 1795622400}, {"20261125160000.0Z", 1795622400},
		{"20240229000000Z", 1709164800}, {"", 0}, {"2026112516000Z", 0}, {"20261125160000", 0},
		{"20261325160000Z", 0}, {"garbage", 0}, {"20261125160000+0100", 0}};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(directory_time_ms(str_of(rows[i].text)), rows[i].seconds * 1000);
	assert_true(str_eq(time_write(arena, 1795622400, ""), STR("20261125160000Z")));
	assert_true(str_eq(time_write(arena, 1795622400, ".0"), STR("20261125160000.0Z")));
}

static void writes_guids(void **state) {
	(void)state;
	assert_true(str_eq(directory_guid_text(arena, hex(ID)), STR("33221100-5544-7766-8899-aabbccddeeff")));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads_numbers),
		cmocka_unit_test(writes_and_reads_lengths),
		cmocka_unit_test(reads_states),
		cmocka_unit_test(reads_infos),
		cmocka_unit_test(bounds_cookies),
		cmocka_unit_test(reads_dirsync),
		cmocka_unit_test(reads_times),
		cmocka_unit_test(writes_guids),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
