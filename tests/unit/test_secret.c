#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"

static const uint8_t key_a[32] = {1, 2, 3}, key_b[32] = {4, 5, 6};
static char folder[] = "/tmp/usher-test-secret-XXXXXX";
static char path[64];

static struct str hex(struct arena *a, const char *text) {
	struct str ret = STR_NONE;
	assert_true(hex_decode(a, str_of(text), &ret));
	return ret;
}

/* FIPS 180-4 examples; RFC 4231 test cases 1, 2, 6. */
static void hashes(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	assert_true(str_eq(hex_encode(a, sha256(a, STR("abc"))),
		STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
	assert_true(str_eq(hex_encode(a, sha256(a, STR_NONE)),
		STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")));
	uint8_t out[HASH_SIZE];
	sha256_into(out, STR("abc"));
	assert_memory_equal(out, sha256(a, STR("abc")).p, HASH_SIZE);
	static const struct {
		const char *key, *data, *mac;
	} rows[] = {
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_true(str_eq(
			hex_encode(a, hmac_sha256(a, hex(a, rows[i].key), hex(a, rows[i].data))), str_of(rows[i].mac)));
	char large[131];
	memset(large, 0xaa, sizeof(large));
	assert_true(str_eq(hex_encode(a, hmac_sha256(a, str_slice(large, sizeof(large)),
						 STR("Test Using Larger Than Block-Size Key - Hash Key First"))),
		STR("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")));
}

static void randomness(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	struct str first = random_token(a, 32), second = random_token(a, 32), bytes = STR_NONE;
	assert_int_equal(first.n, 43);
	assert_false(str_eq(first, second));
	assert_true(base64url_decode(a, first, &bytes) && bytes.n == 32);
	uint8_t zero[64] = {0}, p[64] = {0};
	random_bytes(p, sizeof(p));
	assert_memory_not_equal(p, zero, sizeof(p));
	wipe(p, sizeof(p));
	assert_memory_equal(p, zero, sizeof(p));
}

static void ids_sort_by_time(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	struct str first = random_id(a), twin = random_id(a);
	assert_int_equal(first.n, 26);
	assert_false(str_eq(first, twin));
	for (size_t i = 0; i < first.n; i++)
		assert_non_null(strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", first.p[i]));
	for (int i = 0; i < 50; i++) {
		clock_shift_ms(1 << (i % 20));
		struct str later = random_id(a);
		assert_true(str_cmp(str_sub(first, 0, 10), str_sub(later, 0, 10)) < 0);
		first = later;
	}
	/* 10^12 ms are 00X3AAA400; the last two letters are one second. */
	clock_shift_ms(INT64_C(1000000000000) - clock_wall_ms());
	assert_true(str_starts(random_id(a), STR("00X3AAA4")));
	struct str secret = random_secret(a), key = secret_key_of(a, secret);
	assert_int_equal(secret.n, 53);
	assert_true(str_starts(secret, STR("00X3AAA4")) && str_starts(key, str_sub(secret, 0, 10)));
	assert_true(str_ends(key, base64url_encode(a, sha256(a, secret))));
	assert_int_equal(secret_key_of(a, STR("0!")).n, 1 + 43); /* what is no letter of time stays out of the key */
	assert_int_equal(secret_key_of(a, STR("")).n, 43);
}

/* Before any key is loaded: run first. */
static void without_a_key_nothing_is_sealed(void **state) {
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		seal(arena_new(), STR("p"), STR("plain"));
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void what_is_sealed_opens_for_its_purpose_only(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	secret_use_key(key_a);
	static const struct str plains[] = {{"", 0}, {"x", 1}, {"a\0b", 3}, {"0123456789abcdef0123456789abcdef0", 33}};
	for (size_t i = 0; i < COUNT(plains); i++) {
		struct str sealed = seal(a, STR("totp"), plains[i]), back = STR_NONE;
		assert_int_equal(sealed.n, plains[i].n + 33);
		assert_true(unseal(a, STR("totp"), sealed, &back));
		assert_true(str_eq(back, plains[i]) && !str_absent(back));
		back = STR("untouched");
		assert_false(unseal(a, STR("key"), sealed, &back));
		assert_false(unseal(a, STR_NONE, sealed, &back));
		assert_true(str_eq(back, STR("untouched")));
		assert_false(str_eq(sealed, seal(a, STR("totp"), plains[i])));
	}
}

static void a_changed_seal_does_not_open(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	secret_use_key(key_a);
	struct str sealed = seal(a, STR("p"), STR("plain")), back = STR_NONE;
	for (size_t i = 0; i < sealed.n * 8; i++) {
		struct str changed = str_dup(a, sealed);
		((char *)(uintptr_t)changed.p)[i / 8] ^= (char)(1 << (i % 8));
		assert_false(unseal(a, STR("p"), changed, &back));
	}
	for (size_t n = 0; n < sealed.n; n++)
		assert_false(unseal(a, STR("p"), str_sub(sealed, 0, n), &back));
	assert_false(unseal(a, STR("p"), STR_NONE, &back));
	assert_true(str_absent(back));
	secret_use_key(key_b);
	assert_false(unseal(a, STR("p"), sealed, &back));
}

/* A seal and derived keys that an earlier program made must stay good: these were computed by another implementation of
 * HKDF-SHA-256 (RFC 5869) and AES-256-GCM. */
static void the_form_is_settled(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	secret_use_key(key_a);
	assert_true(str_eq(hex_encode(a, secret_derive(a, STR("csrf"))),
		STR("83ff38b792e451f9a8c930bf9b1d4d2ab76580520e5f16ed83282bb3215ff49e")));
	struct str back = STR_NONE;
	assert_true(unseal(a, STR("totp"),
		hex(a, "01896915b6000102030405060708090a0bc40a75139fb9e4e172e59f35514b6803a6080752c92494ad1d76a0e942576"
		       "dfc"),
		&back));
	assert_true(str_eq(back, STR("known plain text")));
}

static void derived_keys(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	secret_use_key(key_a);
	struct str csrf = secret_derive(a, STR("csrf"));
	assert_int_equal(csrf.n, 32);
	assert_true(str_eq(csrf, secret_derive(a, STR("csrf"))));
	assert_false(str_eq(csrf, secret_derive(a, STR("ticket"))));
	secret_use_key(key_b);
	assert_false(str_eq(csrf, secret_derive(a, STR("csrf"))));
}

static void write_keys(struct str text, mode_t mode) {
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.p ? text.p : "", text.n), text.n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

#define LINE_A "0101010101010101010101010101010101010101010101010101010101010101\n"
#define LINE_B "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB\n"

static void key_files(void **state) {
	(void)state;
	static const struct {
		struct str text;
		mode_t mode;
		bool good;
	} rows[] = {
		{STR(LINE_A), 0600, true},
		{STR(LINE_A LINE_B), 0400, true},
		{STR("\n" LINE_A "\n  " LINE_B), 0600, true},
		{STR(LINE_A), 0640, false},
		{STR(LINE_A), 0604, false},
		{STR(LINE_A), 0620, false},
		{STR(""), 0600, false},
		{STR("\n\n"), 0600, false},
		{STR("0101\n"), 0600, false},
		{STR("01" LINE_A), 0600, false},
		{STR("0x01010101010101010101010101010101010101010101010101010101010101\n"), 0600, false},
		{STR(LINE_A "rest"), 0600, false},
		{STR(LINE_A LINE_A LINE_A LINE_A LINE_A LINE_A LINE_A LINE_A LINE_A LINE_A LINE_A LINE_A LINE_A LINE_A
				 LINE_A LINE_A LINE_A),
			0600, false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *why = NULL;
		write_keys(rows[i].text, rows[i].mode);
		enum err code = secret_load_keys(path, true, &why);
		if (code != (rows[i].good ? OK : ERR_CONFIG) || !why != rows[i].good)
			fail_msg("row %zu: %d %s", i, (int)code, why ? why : "");
	}
}

static void keys_are_changed_by_putting_a_new_one_first(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	const char *why = NULL;
	struct str back = STR_NONE;
	write_keys(STR(LINE_A), 0600);
	assert_int_equal(secret_load_keys(path, false, &why), OK);
	struct str old = seal(a, STR("p"), STR("old")), derived = secret_derive(a, STR("d"));
	write_keys(STR(LINE_B LINE_A), 0600);
	assert_int_equal(secret_load_keys(path, false, &why), OK);
	struct str new = seal(a, STR("p"), STR("new"));
	assert_true(unseal(a, STR("p"), old, &back) && str_eq(back, STR("old")));
	assert_false(str_eq(derived, secret_derive(a, STR("d"))));
	write_keys(STR(LINE_A), 0644);
	assert_int_equal(secret_load_keys(path, false, &why), ERR_CONFIG);
	assert_true(unseal(a, STR("p"), new, &back) && str_eq(back, STR("new"))); /* a refused file changes nothing */
	write_keys(STR(LINE_B), 0600);
	assert_int_equal(secret_load_keys(path, false, &why), OK);
	assert_true(unseal(a, STR("p"), new, &back));
	assert_false(unseal(a, STR("p"), old, &back));
}

static void a_key_file_is_made_where_none_is(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	const char *why = NULL;
	unlink(path);
	assert_int_equal(secret_load_keys(path, false, &why), ERR_CONFIG);
	assert_string_equal(why, "does not exist");
	assert_int_equal(secret_load_keys(path, true, &why), OK);
	struct stat found;
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0600);
	assert_int_equal(found.st_size, 65);
	assert_int_equal(found.st_nlink, 1);
	struct str derived = secret_derive(a, STR("d"));
	secret_use_key(key_a);
	assert_int_equal(secret_load_keys(path, true, &why), OK);
	assert_true(str_eq(derived, secret_derive(a, STR("d"))));
	assert_int_equal(secret_load_keys("/nonexistent/folder/keys", true, &why), ERR_CONFIG);
	assert_memory_equal(why, "cannot be made", strlen("cannot be made"));
	assert_int_equal(secret_load_keys(folder, false, &why), ERR_CONFIG);
	assert_string_equal(why, "is not a regular file");
}

static int make_folder(void **state) {
	(void)state;
	secret_init();
	secret_init(); /* twice is harmless */
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/keys", folder);
	return 0;
}

static int remove_folder(void **state) {
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_key_nothing_is_sealed),
		cmocka_unit_test(hashes),
		cmocka_unit_test(randomness),
		cmocka_unit_test(ids_sort_by_time),
		cmocka_unit_test(what_is_sealed_opens_for_its_purpose_only),
		cmocka_unit_test(a_changed_seal_does_not_open),
		cmocka_unit_test(the_form_is_settled),
		cmocka_unit_test(derived_keys),
		cmocka_unit_test(key_files),
		cmocka_unit_test(keys_are_changed_by_putting_a_new_one_first),
		cmocka_unit_test(a_key_file_is_made_where_none_is),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
