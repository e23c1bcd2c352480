/* config_fixture.h: a configuration in a folder of its own, which is loaded whole or with a part of it replaced. For
 * the tests of the configuration. */
#ifndef USHER_TESTS_CONFIG_FIXTURE_H
#define USHER_TESTS_CONFIG_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "config/config_private.h"

#define SECRET "0123456789abcdef0123456789abcdef"

/* Paths are relative to the folder. */
static const char base_text[] =
#include "tests/unit/test_config_base.inc"
	;

static struct arena *arena;

static inline void write_file(const char *name, const char *text, size_t n, mode_t mode) {
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(name, mode), 0);
}

static inline enum err load(struct str text, struct config **ret, struct config_errors *errors) {
	write_file("usher.yaml", text.p, text.n, 0644);
	return config_load(arena, "usher.yaml", ret, errors);
}

static inline struct config *load_base(void) {
	struct config *c = NULL;
	struct config_errors errors;
	enum err e = load(str_of(base_text), &c, &errors);
	if (e)
		print_error("%.*s", FMT(config_errors_text(arena, "usher.yaml", &errors)));
	assert_int_equal(e, OK);
	return c;
}

static inline void assert_str(struct str s, const char *expected) {
	if (!str_eq(s, str_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", FMT(s), expected);
}

static inline void assert_strs(struct strs s, const char *expected) {
	assert_str(str_join(arena, s, STR("|")), expected);
}

/* base_text with the first `from` replaced; *line is where that stands. */
static inline struct str replaced(const char *from, const char *to, unsigned *line) {
	const char *at = strstr(base_text, from);
	if (!at)
		fail_msg("not in the base text: %s", from);
	*line = 1;
	for (const char *p = base_text; p < at; p++)
		*line += *p == '\n';
	return str_printf(arena, "%.*s%s%s", (int)(at - base_text), base_text, to, at + strlen(from));
}

static char config_folder[] = "/tmp/test_config.XXXXXX";

static inline int config_setup(void **state) {
	(void)state;
	if (!mkdtemp(config_folder) || chdir(config_folder))
		return -1;
	secret_init();
	arena = arena_new();
	write_file("mail.password", "mail secret \n", 13, 0600);
	write_file("ldap.password", "ldap secret", 11, 0600);
	write_file("wiki.secret", SECRET "\n", 33, 0600);
	write_file("short.secret", "short\n", 6, 0600);
	write_file("ca.pem", "x", 1, 0644);
	return 0;
}

static inline int config_teardown(void **state) {
	static const char *const files[] = {
		"usher.yaml", "mail.password", "ldap.password", "wiki.secret", "short.secret", "ca.pem"};
	(void)state;
	for (size_t i = 0; i < COUNT(files); i++)
		unlink(files[i]);
	if (chdir("/") == 0)
		rmdir(config_folder);
	arena_free(arena);
	return 0;
}

static inline int config_begin(void **state) {
	(void)state;
	arena_wipe(arena);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup(f, config_begin)

#endif
