#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/task.h"

/* Standard error is a socket that keeps the bounds of each write(2). */
static int reader, writer, standard_error;
static char line[1 << 18];
static size_t line_n;

static void begin(void) {
	fflush(stderr);
	assert_true(dup2(writer, STDERR_FILENO) >= 0);
}

/* The next write, or false when there was none. */
static bool end(void) {
	assert_true(dup2(standard_error, STDERR_FILENO) >= 0);
	ssize_t n = recv(reader, line, sizeof(line), MSG_DONTWAIT);
	line_n = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

static bool no_more(void) {
	char c;
	return recv(reader, &c, 1, MSG_DONTWAIT) < 0;
}

/* The object in the line, which must be one line and plain for a terminal. */
static json_t *object(void) {
	assert_true(line_n > 2 && line[line_n - 1] == '\n');
	assert_true(str_utf8(str_slice(line, line_n)));
	assert_false(str_has_control(str_slice(line, line_n - 1)));
	json_error_t error;
	json_t *found = json_loadb(line, line_n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!found)
		fail_msg("%s: %.*s", error.text, (int)line_n, line);
	return found;
}

static const char *text_of(json_t *o, const char *name) {
	return json_string_value(json_object_get(o, name));
}

static void a_line_holds_what_was_told(void **state) {
	(void)state;
	struct task t = {.realm_name = STR("staff"), .reference = STR("ABCDEFGH")};
	begin();
	log_event(LEVEL_INFO, &t, "login.ok", LOG_TEXT("client", STR("wiki")), LOG_NUMBER("ms", -12),
		LOG_TEXT("none", STR_NONE));
	assert_true(end());
	assert_true(no_more());
	json_t *o = object();
	assert_int_equal(json_object_size(o), 8);
	assert_string_equal(text_of(o, "level"), "info");
	assert_string_equal(text_of(o, "event"), "login.ok");
	assert_string_equal(text_of(o, "realm"), "staff");
	assert_string_equal(text_of(o, "reference"), "ABCDEFGH");
	assert_string_equal(text_of(o, "client"), "wiki");
	assert_string_equal(text_of(o, "none"), "");
	assert_int_equal(json_integer_value(json_object_get(o, "ms")), -12);
	assert_int_equal(strlen(text_of(o, "time")), 20);
	json_decref(o);
}

static void a_line_without_task_or_fields(void **state) {
	(void)state;
	begin();
	log_event(LEVEL_ERROR, NULL, "start");
	assert_true(end());
	json_t *o = object();
	assert_int_equal(json_object_size(o), 3);
	assert_string_equal(text_of(o, "level"), "error");
	json_decref(o);
	struct task t = {.arena = NULL};
	begin();
	log_event(LEVEL_ERROR, &t, "start");
	assert_true(end());
	o = object();
	assert_int_equal(json_object_size(o), 3);
	json_decref(o);
}

static void hostile_text_stays_in_its_value(void **state) {
	(void)state;
	static const struct {
		struct str s, wanted;
	} rows[] = {
		{STR("x\",\"level\":\"error"), STR("x\",\"level\":\"error")},
		{STR("a\nb\r\n{\"event\":\"forged\"}\n"), STR("a\nb\r\n{\"event\":\"forged\"}\n")},
		{STR("\x1B[2J\x07\x7F\0end"), STR("\x1B[2J\x07\x7F\0end")},
		{STR("\xC2\x9B"
		     "2J\xE2\x80\xA8"),
			STR("\xC2\x9B"
			    "2J\xE2\x80\xA8")},
		{STR("\\"), STR("\\")},
		{STR("\xFF\xC0\xAF\xED\xA0\x80"),
			STR("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")},
		{STR("cut\xE2\x82"), STR("cut\xEF\xBF\xBD\xEF\xBF\xBD")},
		{STR("%s%n%p"), STR("%s%n%p")},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin();
		log_event(LEVEL_INFO, NULL, "e", LOG_TEXT("field", rows[i].s));
		assert_true(end());
		json_t *o = object(), *value = json_object_get(o, "field");
		assert_int_equal(json_object_size(o), 4);
		assert_true(str_eq(str_slice(json_string_value(value), json_string_length(value)), rows[i].wanted));
		json_decref(o);
	}
}

static void hostile_names_are_escaped_too(void **state) {
	(void)state;
	struct task t = {.realm_name = STR("r\n\"\xFF"), .reference = STR("\0")};
	begin();
	log_event(LEVEL_INFO, &t, "event\n\"", LOG_TEXT("na\"me\n", STR("v")));
	assert_true(end());
	json_t *o = object();
	assert_int_equal(json_object_size(o), 6);
	assert_string_equal(text_of(o, "na\"me\n"), "v");
	json_decref(o);
}

static void long_text_is_cut_between_code_points(void **state) {
	(void)state;
	owned(arena) struct arena *a = arena_new();
	for (size_t shift = 0; shift < 4; shift++) {
		struct str s = str_sub(STR("xyz"), 0, shift);
		for (int i = 0; i < 12; i++)
			s = str_printf(a, "%.*s%s", FMT(s),
				"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80");
		while (s.n < 5000)
			s = str_join(a, (struct strs){(struct str[]){s, str_sub(s, shift, 64)}, 2}, STR_NONE);
		begin();
		log_event(LEVEL_INFO, NULL, "e", LOG_TEXT("field", s), LOG_NUMBER("after", 1));
		assert_true(end());
		json_t *o = object();
		struct str value = str_of(text_of(o, "field"));
		assert_true(value.n <= 1024 && value.n > 1000);
		assert_true(str_ends(value, STR("\x98\x80\xE2\x80\xA6")));
		assert_false(str_contains(value, STR("\xEF\xBF\xBD")));
		assert_int_equal(json_integer_value(json_object_get(o, "after")), 1);
		json_decref(o);
	}
}

/* The largest line that there can be is still one whole line. */
static void much_hostile_text_fits(void **state) {
	(void)state;
	static char bytes[100000];
	static const char letters[] = "abcdefghijklmnopqrst";
	memset(bytes, 1, sizeof(bytes));
	struct str hostile = {bytes, sizeof(bytes)};
	struct task t = {.realm_name = hostile, .reference = hostile};
	struct log_field fields[20];
	char names[20][200];
	for (size_t i = 0; i < COUNT(fields); i++) {
		memset(names[i], 2, sizeof(names[i]));
		names[i][0] = letters[i];
		names[i][199] = '\0';
		fields[i] = LOG_TEXT(names[i], hostile);
	}
	begin();
	log_write(LEVEL_INFO, &t, names[0], fields, COUNT(fields));
	assert_true(end());
	assert_true(no_more());
	json_t *o = object();
	assert_int_equal(json_object_size(o), 5 + 16);
	json_decref(o);
}

static void the_level_decides(void **state) {
	(void)state;
	for (int least = LEVEL_DEBUG; least <= LEVEL_ERROR; least++) {
		log_set_level((enum level)least);
		assert_int_equal(log_level(), least);
		for (int level = LEVEL_DEBUG; level <= LEVEL_ERROR; level++) {
			begin();
			log_event((enum level)level, NULL, "e");
			assert_int_equal(end(), level >= least);
		}
	}
	log_set_level(LEVEL_INFO);
}

static void a_failure_is_told_at_its_level(void **state) {
	(void)state;
	struct task t = {.failure = ERR_UNAVAILABLE, .failure_detail = STR("directory: connect: refused")};
	begin();
	log_failure(&t, "request.failed");
	assert_true(end());
	json_t *o = object();
	assert_string_equal(text_of(o, "level"), "warning");
	assert_string_equal(text_of(o, "error"), "unavailable");
	assert_string_equal(text_of(o, "detail"), "directory: connect: refused");
	json_decref(o);
	t = (struct task){.failure = OK};
	begin();
	log_failure(&t, "request.failed");
	assert_false(end());
}

/* As systemd names it, between what another stream would have more. */
static void name_stream(const char *before, const char *after) {
	struct stat at;
	char stream[80];
	assert_int_equal(fstat(writer, &at), 0);
	snprintf(stream, sizeof(stream), "%s%llu:%llu%s", before, (unsigned long long)at.st_dev,
		(unsigned long long)at.st_ino, after);
	setenv("JOURNAL_STREAM", stream, 1);
}

/* sd-daemon(3). */
static void the_journal_is_told_the_priority(void **state) {
	(void)state;
	static const char *const wanted[] = {"<7>", "<6>", "<4>", "<3>"};
	log_set_level(LEVEL_DEBUG);
	name_stream("", "");
	for (int level = LEVEL_DEBUG; level <= LEVEL_ERROR; level++) {
		begin();
		log_event((enum level)level, NULL, "e", LOG_NUMBER("n", 1));
		assert_true(end());
		assert_memory_equal(line, wanted[level], 3);
		memmove(line, line + 3, line_n -= 3);
		json_t *o = object();
		assert_int_equal(json_object_size(o), 4);
		json_decref(o);
	}
	log_set_level(LEVEL_INFO);
	unsetenv("JOURNAL_STREAM");
}

/* The variable is inherited by what is started from a service with its standard error in a file. */
static void a_stream_that_is_another_gets_plain_lines(void **state) {
	(void)state;
	static const char *const others[][2] = {{"", "0"}, {"1", ""}, {"x", ""}, {"", ":"}, {" ", ""}};
	for (size_t i = 0; i < COUNT(others); i++) {
		name_stream(others[i][0], others[i][1]);
		begin();
		log_event(LEVEL_ERROR, NULL, "e");
		assert_true(end());
		assert_int_equal(line[0], '{');
		assert_string_equal(log_priority(LEVEL_ERROR), "");
	}
	unsetenv("JOURNAL_STREAM");
}

static void errno_is_left_alone(void **state) {
	(void)state;
	begin();
	close(STDERR_FILENO);
	errno = ENOENT;
	log_event(LEVEL_INFO, NULL, "e");
	int after = errno;
	assert_false(end());
	assert_int_equal(after, ENOENT);
}

static int open_socket(void **state) {
	(void)state;
	int pair[2], size = 1 << 20;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		return -1;
	reader = pair[0];
	writer = pair[1];
	setsockopt(writer, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
	return standard_error < 0 ? -1 : 0;
}

static int close_socket(void **state) {
	(void)state;
	close(reader);
	close(writer);
	return close(standard_error);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_holds_what_was_told),
		cmocka_unit_test(a_line_without_task_or_fields),
		cmocka_unit_test(hostile_text_stays_in_its_value),
		cmocka_unit_test(hostile_names_are_escaped_too),
		cmocka_unit_test(long_text_is_cut_between_code_points),
		cmocka_unit_test(much_hostile_text_fits),
		cmocka_unit_test(the_level_decides),
		cmocka_unit_test(a_failure_is_told_at_its_level),
		cmocka_unit_test(the_journal_is_told_the_priority),
		cmocka_unit_test(a_stream_that_is_another_gets_plain_lines),
		cmocka_unit_test(errno_is_left_alone),
	};
	return cmocka_run_group_tests(tests, open_socket, close_socket);
}
