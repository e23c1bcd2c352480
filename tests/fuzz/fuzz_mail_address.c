/* Mail addresses, and texts in a message's header. An address that is taken has a key that is taken and is its own key;
 * a message has exactly our headers, and reads back as it was written. The first byte chooses where the input goes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "broker/mail/mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
	if (!holds)
		abort();
}

static void read_address(struct task *t, struct str s) {
	struct str key = STR_NONE, domain = STR_NONE, again = STR_NONE, same = STR_NONE;
	enum err checked = mail_address_check(t, s);
	check(checked == mail_address_key(t, s, &key, &domain));
	if (checked) {
		check(checked == ERR_INVALID && str_absent(key) && str_absent(domain));
		return;
	}
	check(s.n <= LIMIT_MAIL_ADDRESS && str_utf8(s) && str_utf8(key) && !str_has_control(key));
	check(str_ends(key, domain) && domain.n < key.n);
	for (size_t i = 0; i < domain.n; i++)
		check((domain.p[i] >= 'a' && domain.p[i] <= 'z') || (domain.p[i] >= '0' && domain.p[i] <= '9') ||
			domain.p[i] == '-' || domain.p[i] == '.');
	if (key.n <= LIMIT_MAIL_ADDRESS && str_find(key, '@', 0) <= 64) { /* folding may lengthen it */
		check(mail_address_key(t, key, &again, &same) == OK);
		check(str_eq(again, key) && str_eq(same, domain));
	}
}

/* One line each, none that is not ours, CRLF only, nothing but ASCII beside an address. */
static void check_headers(struct str message) {
	static const char *const names[] = {"Date: ", "From: ", "To: ", "Subject: ", "Message-ID: ", "Auto-Submitted: ",
		"MIME-Version: ", "Content-Type: ", "Content-Transfer-Encoding: "};
	struct str rest = message, line = STR_NONE;
	size_t seen = 0;
	for (size_t i = 0; i < message.n; i++) {
		check((message.p[i] == '\n') == (i > 0 && message.p[i - 1] == '\r'));
		check(message.p[i] == '\r' || message.p[i] == '\n' || message.p[i] == '\t' ||
			(message.p[i] >= 0x20 && message.p[i] < 0x7F));
	}
	while (str_next(&rest, '\n', &line) && line.n > 1) {
		check(line.n <= 300);
		check(line.p[0] == ' ' || (seen < COUNT(names) && str_starts(line, str_of(names[seen++]))));
	}
	check(seen + 1 >= COUNT(names)); /* the last is there where the message has one part */
	while (str_next(&rest, '\n', &line))
		check(line.n <= 77);
}

static void compose(struct task *t, struct str s, unsigned where) {
	const struct mail_config c = {.transport = MAIL_MAILBOX, .from = STR("no-reply@example.org")};
	struct mail m = {.to = STR("a@example.org"),
		.from_name = STR("x"),
		.subject = STR("x"),
		.text = STR("x"),
		.html = STR("x"),
		.id = STR("1")};
	struct str message = STR_NONE;
	struct str *const fields[] = {&m.from_name, &m.subject, &m.text, &m.html, &m.id};
	*fields[where % COUNT(fields)] = s;
	if (mail_compose(t, &c, &m, &message) == OK)
		check_headers(message);
	else
		check(str_absent(message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0 || size > 4096)
		return 0;
	owned(arena) struct arena *a = arena_new();
	struct task t;
	secret_init();
	task_begin(&t, a, NULL, TASK_PAGE_MS);
	struct str s = str_dup(a, str_slice((const char *)data + 1, size - 1)); /* an overrun of it is seen */
	read_address(&t, s);
	compose(&t, s, data[0]);
	return 0;
}
