/* What is wrong in a configuration is told where it stands. */
#include "tests/unit/config_fixture.h"

/* base_text with the first `from` replaced, which then is wrong at the line of `from`, plus `below`. */
static const struct broken {
	const char *from, *to;
	unsigned below;
	const char *key, *message;
} broken[] = {
#include "tests/unit/test_config_broken.inc"
};

static unsigned check_broken(const struct broken *b) {
	struct config *c = NULL;
	struct config_errors errors;
	unsigned line;
	struct str text = replaced(b->from, b->to, &line);
	enum err e = load(text, &c, &errors);
	struct str all = config_errors_text(arena, "usher.yaml", &errors);
	const struct config_error *told = &errors.v[0];
	if (e == ERR_CONFIG && errors.n == 1 && told->line == line + b->below && str_eq(told->key, str_of(b->key)) &&
		str_contains(told->expected, str_of(b->message)))
		return 0;
	print_error("\"%s\": expected line %u: %s: %s; got %zu errors:\n%.*s", b->to, line + b->below, b->key,
		b->message, errors.n, FMT(all));
	return 1;
}

static void broken_files_are_told(void **state) {
	(void)state;
	unsigned wrong = 0;
	for (size_t i = 0; i < COUNT(broken); i++)
		wrong += check_broken(&broken[i]);
	assert_int_equal(wrong, 0);
}

static void the_text_of_an_error_is_for_people(void **state) {
	(void)state;
	struct config *c;
	struct config_errors errors;
	unsigned line;
	assert_int_equal(load(replaced("driver: openldap", "driver: opneldap", &line), &c, &errors), ERR_CONFIG);
	assert_str(config_errors_text(arena, "usher.yaml", &errors),
		"usher.yaml:31:17: realms.staff.directories.main.driver: \"opneldap\" is not one of openldap, "
		"active_directory, 389ds; did you mean openldap?\n");
}

static void folders_above_tell_the_place(void **state) {
	(void)state;
	static const struct {
		const char *key;
		unsigned below, column; /* lines below "    directories:" */
	} rows[] = {
		{"realms.staff.directories.main.uris[1]", 3, 43},
		{"realms.staff.directories.main.people_base", 7, 22},
		{"realms.staff.directories.main.attributes.phone", 11, 29},
		{"realms.staff.directories.main.not_given", 1, 7}, /* the nearest around it */
		{"realms.staff.directories", 0, 5},
	};
	struct config *c;
	struct config_errors errors;
	unsigned line;
	replaced("    directories:", "", &line);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(load(str_of(base_text), &c, &errors), OK);
		config_error_add(arena, &errors, 7, str_of(rows[i].key), "is wrong");
		if (errors.v[0].line != line + rows[i].below || errors.v[0].column != rows[i].column)
			fail_msg("%s: %u:%u, not %u:%u", rows[i].key, errors.v[0].line, errors.v[0].column,
				line + rows[i].below, rows[i].column);
	}
	assert_int_equal(load(str_of(base_text), &c, &errors), OK);
	config_error_add(arena, &errors, 7, STR("elsewhere"), "is wrong");
	assert_int_equal(errors.v[0].line, 7);
	assert_int_equal(errors.v[0].column, 0);
}

/* What could be read is there for the checks of the folders above, and no error is told twice. */
static void folders_above_look_at_what_could_be_read(void **state) {
	(void)state;
	static const struct {
		const char *key;
		bool told;
	} rows[] = {
		{"realms.staff.profiles.guest.groups[0]", true}, {"realms.staff.profiles.guest.groups[0].deeper", true},
		{"realms.staff.profiles.guest.groups", true}, /* an item of it was told */
		{"realms.staff.profiles.guest.groups[1]", false}, {"realms.staff.profiles.guest", false},
		{"realms.staff.profiles..base", true}, /* below an id that was refused */
	};
	unsigned line;
	struct str text =
		replaced("[\"cn=guests,dc=example,dc=org\"]", "[\"a\\x1bb\", \"cn=guests,dc=example,dc=org\"]", &line);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *c = NULL;
		struct config_errors errors;
		assert_int_equal(load(text, &c, &errors), ERR_CONFIG);
		assert_non_null(c);
		assert_int_equal(errors.n, 1);
		assert_str(c->realms[0].profiles[0].groups.v[1], "cn=guests,dc=example,dc=org");
		assert_str(c->realms[0].issuer, "https://id.example.org/realms/staff");
		config_error_add(arena, &errors, 1, str_of(rows[i].key), "is wrong");
		if (errors.n != (rows[i].told ? 1 : 2))
			fail_msg("%s: %zu errors", rows[i].key, errors.n);
	}
}

static void a_refused_id_hides_nothing_below(void **state) {
	(void)state;
	static const char *const keys[] = {
		"realms.Staff.directories.main.people_base", "realms.Staff.directories.main.not_given"};
	struct config *c;
	struct config_errors errors;
	unsigned line;
	for (size_t i = 0; i < COUNT(keys); i++) {
		assert_int_equal(load(replaced("  staff:", "  Staff:", &line), &c, &errors), ERR_CONFIG);
		assert_str(c->realms[0].id, "Staff");
		config_error_add(arena, &errors, 1, str_of(keys[i]), "is wrong");
		assert_int_equal(errors.n, i == 0 ? 2 : 1);
	}
}

/* Editors on Windows put a mark there, which is no letter of the first key. */
static void a_byte_order_mark_is_passed_over(void **state) {
	(void)state;
	struct config *c;
	struct config_errors errors;
	unsigned line;
	assert_int_equal(load(str_printf(arena, "\xEF\xBB\xBF%s", base_text), &c, &errors), OK);
	struct str wrong = replaced("server:", "sever:", &line);
	assert_int_equal(load(str_printf(arena, "\xEF\xBB\xBF%.*s", FMT(wrong)), &c, &errors), ERR_CONFIG);
	assert_str(errors.v[0].key, "sever");
	assert_int_equal(errors.v[0].column, 1);
}

static void all_errors_are_told_in_order(void **state) {
	(void)state;
	struct config *c;
	struct config_errors errors;
	unsigned line;
	struct str text = replaced("port: 25\n  tls: tls", "port: x\n  tls: ssl", &line);
	assert_int_equal(load(text, &c, &errors), ERR_CONFIG);
	assert_int_equal(errors.n, 2);
	assert_int_equal(errors.v[0].line, line);
	assert_str(errors.v[0].key, "mail.port");
	assert_int_equal(errors.v[1].line, line + 1);
	assert_str(errors.v[1].key, "mail.tls");
	config_error_add(arena, &errors, line - 1, STR("mail.host"), "is %s", "unreachable");
	assert_int_equal(errors.n, 3);
	assert_str(errors.v[0].key, "mail.host");
	assert_str(errors.v[0].expected, "is unreachable");
}

static void too_many_errors_are_counted(void **state) {
	(void)state;
	struct config *c;
	struct config_errors errors;
	struct buf b = buf_new(arena, LIMIT_BODY);
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "key%d: x\n", i);
	buf_put(&b, str_of(base_text));
	assert_int_equal(load(buf_str(&b), &c, &errors), ERR_CONFIG);
	assert_int_equal(errors.n, 100);
	assert_int_equal(errors.v[LIMIT_CONFIG_ERRORS - 1].line, LIMIT_CONFIG_ERRORS);
	assert_true(str_ends(config_errors_text(arena, "f", &errors), STR("f: … and 36 more\n")));
}

static void files_have_their_rules(void **state) {
	(void)state;
	static const struct {
		const char *content;
		size_t n;
		mode_t mode;
		const char *message;
	} rows[] = {
		{"", 0, 0600, "is empty"},
		{"\n", 1, 0600, "is empty"},
		{"secret\n", 7, 0644, "may be read or written by everybody"},
		{"two\nlines\n", 10, 0600, "more than one line"},
		{"nul\0nul", 7, 0600, "not text"},
	};
	struct config *c;
	struct config_errors errors;
	for (size_t i = 0; i < COUNT(rows); i++) {
		write_file("mail.password", rows[i].content, rows[i].n, rows[i].mode);
		assert_int_equal(load(str_of(base_text), &c, &errors), ERR_CONFIG);
		assert_int_equal(errors.n, 1);
		assert_true(str_contains(errors.v[0].expected, str_of(rows[i].message)));
		assert_false(str_contains(errors.v[0].expected, STR("lines")));
	}
	write_file("mail.password", "mail secret \n", 13, 0640);
	load_base();
	assert_int_equal(config_load(arena, "absent.yaml", &c, &errors), ERR_CONFIG);
	assert_true(str_contains(errors.v[0].expected, STR("cannot be read: No such file")));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(broken_files_are_told),
		TEST(the_text_of_an_error_is_for_people),
		TEST(folders_above_tell_the_place),
		TEST(folders_above_look_at_what_could_be_read),
		TEST(a_refused_id_hides_nothing_below),
		TEST(a_byte_order_mark_is_passed_over),
		TEST(all_errors_are_told_in_order),
		TEST(too_many_errors_are_counted),
		TEST(files_have_their_rules),
	};
	return cmocka_run_group_tests(tests, config_setup, config_teardown);
}
