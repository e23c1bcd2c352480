/* smtp_send: sends mails as the daemon does, for test_smtp.py.
 *
 * smtp_send TLS HOST PORT CA_FILE USER PASSWORD TO TIMEOUT_MS COUNT PAUSE_MS; one line each: result, milliseconds,
 * detail. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "broker/mail/mail.h"

enum { TLS = 1, HOST, PORT, CA_FILE, USER, PASSWORD, TO, TIMEOUT_MS, TIMES, PAUSE_MS, ARGUMENTS };

static enum mail_tls tls_of(struct str name) {
	return str_eq(name, STR("tls")) ? MAIL_TLS : str_eq(name, STR("plain")) ? MAIL_PLAIN : MAIL_STARTTLS;
}

static int64_t number(const char *text) {
	int64_t value = 0;
	return str_int(str_of(text), 0, 1000000, &value) ? value : 0;
}

int main(int argc, char **argv) {
	if (argc != ARGUMENTS)
		return 2;
	const struct mail_config c = {.transport = MAIL_SMTP,
		.tls = tls_of(str_of(argv[TLS])),
		.host = str_of(argv[HOST]),
		.port = number(argv[PORT]),
		.ca_file = str_of(argv[CA_FILE]),
		.username = str_of(argv[USER]),
		.password = str_of(argv[PASSWORD]),
		.from = STR("no-reply@usher.example"),
		.timeout_ms = number(argv[TIMEOUT_MS])};
	secret_init();
	struct arena *arena = arena_new();
	struct handles *handles = handles_new();
	struct task t;
	for (int64_t i = 0; i < number(argv[TIMES]); i++) {
		task_begin(&t, arena, handles, TASK_JOB_MS);
		struct mail m = {.to = str_of(argv[TO]),
			.from_name = STR("B\xC3\xBC"
					 "cher"),
			.subject = STR("Best\xC3\xA4tigung"),
			.text = STR(".\r\n..two\r\nend \r\n.\r\n\xE2\x82\xAC\r\n"),
			.html = STR("<p>\xE2\x82\xAC</p>\r\n"),
			.id = str_printf(arena, "notice-%d", (int)i),
			.tell = getenv("SMTP_TELL") != NULL};
		int64_t started = clock_monotonic_ms();
		enum err result = mail_send(&t, &c, &m);
		printf("%s %d %.*s\n", err_row(result)->name, (int)(clock_monotonic_ms() - started),
			FMT(t.failure_detail));
		fflush(stdout);
		arena_wipe(arena);
		usleep((useconds_t)number(argv[PAUSE_MS]) * 1000);
	}
	handles_free(handles);
	arena_free(arena);
	return 0;
}
