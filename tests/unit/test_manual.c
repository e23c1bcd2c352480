/* usher.yaml(5) has the table of keys as the program has it. USHER_WRITE=1 puts a new one into the page. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "config/config.h"

#define PAGE "deploy/man/usher.yaml.5"

static struct arena *arena;

static const char *page_path(void) {
	const char *top = getenv("top_srcdir");
	return str_printf(arena, "%s/" PAGE "%c", top ? top : ".", 0).p;
}

static struct str page_read(void) {
	struct buf b = buf_new(arena, LIMIT_RESPONSE);
	char part[4096];
	size_t n;
	FILE *f = fopen(page_path(), "r");
	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(&b, str_slice(part, n));
	assert_int_equal(fclose(f), 0);
	return buf_str(&b);
}

static size_t place_of(struct str page, struct str heading) {
	const char *found = memmem(page.p, page.n, heading.p, heading.n);
	assert_non_null(found);
	return (size_t)(found - page.p);
}

/* The page with the keys put in place of those that stand in it. */
static struct str page_with(struct str page, struct str keys) {
	size_t from = place_of(page, STR(".Sh KEYS\n")), to = place_of(page, STR(".Sh EXAMPLES\n"));
	assert_true(from < to);
	return str_printf(
		arena, "%.*s%.*s%.*s", FMT(str_sub(page, 0, from)), FMT(keys), FMT(str_sub(page, to, page.n)));
}

static void page_write(struct str page) {
	FILE *f = fopen(page_path(), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(page.p, 1, page.n, f), page.n);
	assert_int_equal(fclose(f), 0);
}

static void keys_are_those_of_the_program(void **state) {
	(void)state;
	struct str page = page_read(), wanted = page_with(page, config_man(arena));
	if (!str_eq(page, wanted) && getenv("USHER_WRITE"))
		page_write(wanted);
	else if (!str_eq(page, wanted))
		fail_msg(PAGE " is behind config/keys*.c: USHER_WRITE=1 tests/unit/test_manual");
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(keys_are_those_of_the_program)};
	arena = arena_new();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(arena);
	return failed;
}
