#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "broker/mail/mail.h"

static struct arena *arena;
static struct task task, *const t = &task;

static int begin(void **state) {
	(void)state;
	arena = arena_new();
	task_begin(t, arena, NULL, 60000);
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

#define assert_ok(call) assert_ok_((call), __LINE__)
static void assert_ok_(enum err got, int line) {
	if (got)
		fail_msg("line %d: %s: %.*s", line, err_row(got)->name, FMT(t->failure_detail));
}

#define assert_str(got, wanted) assert_str_((got), (wanted), __LINE__)
static void assert_str_(struct str got, struct str wanted, int line) {
	if (!str_eq(got, wanted))
		fail_msg("line %d: \"%.*s\" is not \"%.*s\"", line, FMT(got), FMT(wanted));
}

#define TEXT(literal)                                                                                                  \
	{ literal, sizeof(literal) - 1 }
#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

/* ---- addresses ---- */

/* The key, or NULL where the address is refused. */
static const struct {
	struct str address;
	const char *key, *domain;
} addresses[] = {
	{TEXT("a@example.org"), "a@example.org", "example.org"},
	{TEXT("John.Doe+tag@Example.ORG"), "john.doe+tag@example.org", "example.org"},
	{TEXT("o'brien/x=y{z}@a.b.c"), "o'brien/x=y{z}@a.b.c", "a.b.c"},
	{TEXT("j\xC3\xB6rg@b\xC3\xBC"
	      "cher.example"),
		"j\xC3\xB6rg@xn--bcher-kva.example", "xn--bcher-kva.example"},
	{TEXT("JO\xCC\x88RG@XN--BCHER-KVA.example"), "j\xC3\xB6rg@xn--bcher-kva.example", "xn--bcher-kva.example"},
	{TEXT("a@fa\xC3\x9F.de"), "a@xn--fa-hia.de", "xn--fa-hia.de"},
	{TEXT("a@fass.de"), "a@fass.de", "fass.de"},
	{TEXT("stra\xC3\x9F"
	      "e@a.de"),
		"stra\xC3\x9F"
		"e@a.de",
		"a.de"},
	{TEXT("\xCE\xA3\xCF\x82@a.gr"), "\xCF\x83\xCF\x83@a.gr", "a.gr"}, /* final sigma folds */
	{TEXT("\xE2\x84\xAA@a.de"), "k@a.de", "a.de"},                    /* KELVIN SIGN */
	{TEXT("m\xC4\xB1ke@a.de"), "m\xC4\xB1ke@a.de", "a.de"},           /* dotless i is no i */
	{TEXT("m\xC4\xB0ke@a.de"), "m\xC4\xB0ke@a.de", "a.de"},           /* nor is the dotted capital */
	{TEXT("\xF0\x9F\x98\x80@a.de"), "\xF0\x9F\x98\x80@a.de", "a.de"},
	{TEXT("a@xn--80akhbyknj4f.example"), "a@xn--80akhbyknj4f.example", "xn--80akhbyknj4f.example"},
	{TEXT("a@9gag.com"), "a@9gag.com", "9gag.com"},
	{TEXT("a4444444444444444444444444444444444444444444444444444444444444@a.b"),
		"a4444444444444444444444444444444444444444444444444444444444444@a.b", "a.b"},
	{TEXT("aaaa" A60 "@a.de"), "aaaa" A60 "@a.de", "a.de"},
	{TEXT("aaaaa" A60 "@a.de"), NULL, NULL},
	{TEXT("a@aaa" A60 ".de"), "a@aaa" A60 ".de", "aaa" A60 ".de"},
	{TEXT("a@aaaa" A60 ".de"), NULL, NULL},
	{TEXT("a@" A60 "." A60 "." A60 "." A60 ".aaaaaaaaaaa.de"), NULL, NULL},
	{TEXT(""), NULL, NULL},
	{{NULL, 0}, NULL, NULL},
	{TEXT("a"), NULL, NULL},
	{TEXT("@"), NULL, NULL},
	{TEXT("a@"), NULL, NULL},
	{TEXT("@a.de"), NULL, NULL},
	{TEXT("a@b@c.de"), NULL, NULL},
	{TEXT("a@localhost"), NULL, NULL},
	{TEXT("a@b..de"), NULL, NULL},
	{TEXT("a@.de"), NULL, NULL},
	{TEXT("a@b.de."), NULL, NULL},
	{TEXT("a@a_b.org"), NULL, NULL},
	{TEXT("a@a b.org"), NULL, NULL},
	{TEXT("a@-a.org"), NULL, NULL},
	{TEXT("a@a-.org"), NULL, NULL},
	{TEXT("a@127.0.0.1"), NULL, NULL},
	{TEXT("a@[127.0.0.1]"), NULL, NULL},
	{TEXT("a@[IPv6:::1]"), NULL, NULL},
	{TEXT("a@b.de:25"), NULL, NULL},
	{TEXT(".a@b.de"), NULL, NULL},
	{TEXT("a.@b.de"), NULL, NULL},
	{TEXT("a..b@b.de"), NULL, NULL},
	{TEXT("-option@b.de"), NULL, NULL},
	{TEXT("\"a b\"@b.de"), NULL, NULL},
	{TEXT("a(comment)@b.de"), NULL, NULL},
	{TEXT("<a@b.de>"), NULL, NULL},
	{TEXT("a@b.de, c@d.de"), NULL, NULL},
	{TEXT("a,b@c.de"), NULL, NULL},
	{TEXT("a;b@c.de"), NULL, NULL},
	{TEXT("@x.de:a@b.de"), NULL, NULL},
	{TEXT("user%other.de@b.de"), NULL, NULL},
	{TEXT("other.de!user@b.de"), NULL, NULL},
	{TEXT("a\\b@c.de"), NULL, NULL},
	{TEXT(" a@b.de"), NULL, NULL},
	{TEXT("a@b.de "), NULL, NULL},
	{TEXT("a@b.de\r\nRCPT TO:<x@y.de>"), NULL, NULL},
	{TEXT("a\r\n@b.de"), NULL, NULL},
	{TEXT("a@b.de\0x"), NULL, NULL},
	{TEXT("a\0@b.de"), NULL, NULL},
	{TEXT("a\x7F@b.de"), NULL, NULL},
	{TEXT("a\xC2\x85@b.de"), NULL, NULL},
	{TEXT("a\xE2\x80\xA8@b.de"), NULL, NULL},
	{TEXT("a\xE2\x80\x8B@b.de"), NULL, NULL}, /* ZERO WIDTH SPACE */
	{TEXT("a\xE2\x80\x8F@b.de"), NULL, NULL}, /* RIGHT-TO-LEFT MARK */
	{TEXT("\xEF\xBB\xBF"
	      "a@b.de"),
		NULL, NULL},                       /* ZERO WIDTH NO-BREAK SPACE */
	{TEXT("a\xE2\x80\xAEx@b.de"), NULL, NULL}, /* RIGHT-TO-LEFT OVERRIDE */
	{TEXT("a\xCD\x8F@b.de"), NULL, NULL},      /* COMBINING GRAPHEME JOINER */
	{TEXT("a\xC2\xA0"
	      "b@b.de"),
		NULL, NULL},                  /* NO-BREAK SPACE */
	{TEXT("a@b\xC2\xAD.de"), NULL, NULL}, /* SOFT HYPHEN */
	{TEXT("a@b\xE2\x80\x8B.de"), NULL, NULL},
	{TEXT("a\xEF\xBC\xA0"
	      "b.de"),
		NULL, NULL}, /* FULLWIDTH COMMERCIAL AT alone */
	{TEXT("a\xEF\xBC\xA0"
	      "evil.de@b.de"),
		NULL, NULL},
	{TEXT("a\xE2\x80\xA6"
	      "b@b.de"),
		NULL, NULL}, /* an ellipsis is three dots */
	{TEXT("a@b\xE3\x80\x82"
	      "de"),
		NULL, NULL}, /* IDEOGRAPHIC FULL STOP */
	{TEXT("a@b\xEF\xBC\x8E"
	      "c.de"),
		NULL, NULL},                     /* FULLWIDTH FULL STOP */
	{TEXT("a@\xE2\x84\x80.de"), NULL, NULL}, /* ACCOUNT OF: "a/c" */
	{TEXT("a@xn--a.de"), NULL, NULL},
	{TEXT("a@xn--.de"), NULL, NULL},
	{TEXT("a\xC0\xAE@b.de"), NULL, NULL},
	{TEXT("a\xED\xA0\x80@b.de"), NULL, NULL},
	{TEXT("a@b\xFF.de"), NULL, NULL},
};

static void checks_addresses(void **state) {
	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct str key = STR("untouched"), domain = STR_NONE, again = STR_NONE;
		bool right = addresses[i].key != NULL;
		if (mail_address_check(t, addresses[i].address) != (right ? OK : ERR_INVALID))
			fail_msg("check %zu: %.*s %.*s", i, FMT(addresses[i].address), FMT(t->failure_detail));
		assert_int_equal(mail_address_key(t, addresses[i].address, &key, &domain), right ? OK : ERR_INVALID);
		assert_str(key, right ? str_of(addresses[i].key) : STR("untouched"));
		if (!right)
			continue;
		assert_str(domain, str_of(addresses[i].domain));
		assert_ok(mail_address_key(t, key, &again, &domain));
		assert_str(again, key);
	}
}

/* ---- composing ---- */

static const struct mail_config config = {.transport = MAIL_MAILBOX,
	.from = TEXT("no-reply@b\xC3\xBC"
		     "cher.example")};
static const struct mail sample = {.to = TEXT("jane@example.org"),
	.from_name = TEXT("B\xC3\xBC"
			  "cher & Co"),
	.subject = TEXT("Confirm your address"),
	.text = TEXT("Hello J\xC3\xB6rg,\n\n.dot = equals \nhttps://example.org/a?b=c\n"),
	.html = TEXT("<p>Hello</p>\r\n"),
	.id = TEXT("01ABC")};

static struct str after_date(struct str message) {
	assert_true(str_starts(message, STR("Date: ")));
	return str_sub(message, str_find(message, '\n', 0) + 1, message.n);
}

static void composes_golden(void **state) {
	(void)state;
	struct str message;
	assert_ok(mail_compose(t, &config, &sample, &message));
	assert_str(after_date(message), STR("From: =?UTF-8?Q?B=C3=BCcher_=26_Co?= <no-reply@xn--bcher-kva.example>\r\n"
					    "To: <jane@example.org>\r\n"
					    "Subject: Confirm your address\r\n"
					    "Message-ID: <01ABC@xn--bcher-kva.example>\r\n"
					    "Auto-Submitted: auto-generated\r\n"
					    "MIME-Version: 1.0\r\n"
					    "Content-Type: multipart/alternative;\r\n"
					    " boundary=\"=_usher_part\"\r\n"
					    "\r\n"
					    "--=_usher_part\r\n"
					    "Content-Type: text/plain; charset=UTF-8\r\n"
					    "Content-Transfer-Encoding: quoted-printable\r\n"
					    "\r\n"
					    "Hello J=C3=B6rg,\r\n"
					    "\r\n"
					    ".dot =3D equals=20\r\n"
					    "https://example.org/a?b=3Dc\r\n"
					    "\r\n"
					    "--=_usher_part\r\n"
					    "Content-Type: text/html; charset=UTF-8\r\n"
					    "Content-Transfer-Encoding: quoted-printable\r\n"
					    "\r\n"
					    "<p>Hello</p>\r\n"
					    "\r\n"
					    "--=_usher_part--\r\n"));
}

static void composes_text_only(void **state) {
	(void)state;
	struct mail m = sample;
	struct str message;
	m.html = STR_NONE;
	m.from_name = STR_NONE;
	assert_ok(mail_compose(t, &config, &m, &message));
	assert_true(str_contains(message, STR("\r\nFrom: <no-reply@xn--bcher-kva.example>\r\n")));
	assert_true(str_contains(message, STR("Content-Type: text/plain; charset=UTF-8\r\n")));
	assert_false(str_contains(message, STR("multipart")));
}

static void writes_utf8_local_part(void **state) {
	(void)state;
	struct mail m = sample;
	struct str message;
	m.to = STR("j\xC3\xB6rg@b\xC3\xBC"
		   "cher.example");
	assert_ok(mail_compose(t, &config, &m, &message));
	assert_true(str_contains(message, STR("\r\nTo: <j\xC3\xB6rg@xn--bcher-kva.example>\r\n")));
}

/* Whatever the texts are, the header has these lines and no more, and no line is too long. */
static void check_shape(struct str message) {
	static const char *const names[] = {"Date:", "From:", "To:", "Subject:", "Message-ID:", "Auto-Submitted:",
		"MIME-Version:", "Content-Type:"};
	struct str rest = message, line;
	size_t seen = 0;
	bool body = false;
	while (str_next(&rest, '\n', &line)) {
		if (str_absent(rest) && line.n == 0)
			break;
		assert_true(line.n > 0 && line.p[line.n - 1] == '\r');
		assert_true(str_find(line, '\r', 0) == line.n - 1);
		assert_true(line.n <= (body ? 77 : 300));
		body = body || line.n == 1;
		if (body || line.p[0] == ' ')
			continue;
		assert_true(seen < COUNT(names));
		assert_true(str_starts(line, str_of(names[seen++])));
	}
	assert_int_equal(seen, COUNT(names));
}

static void refuses_injection(void **state) {
	(void)state;
	static const struct {
		struct str text;
		enum err wanted; /* as a subject */
	} rows[] = {
		{TEXT("plain"), OK},
		{TEXT("x\r\nBcc: evil@example.org"), ERR_INVALID},
		{TEXT("x\nBcc: evil@example.org"), ERR_INVALID},
		{TEXT("x\rBcc: evil@example.org"), ERR_INVALID},
		{TEXT("x\0y"), ERR_INVALID},
		{TEXT("x\x1B[31m"), ERR_INVALID},
		{TEXT("x\x7Fy"), ERR_INVALID},
		{TEXT("x\xC2\x85y"), ERR_INVALID},
		{TEXT("x\xE2\x80\xA8y"), ERR_INVALID},
		{TEXT("x\xFFy"), ERR_INVALID},
		{TEXT("=?utf-8?Q?=0D=0A?="), OK},
		{TEXT("=?UTF-8?B?DQpCY2M6IGV2aWxAZXhhbXBsZS5vcmc=?="), OK},
		{TEXT("\"evil\" <evil@example.org>"), OK},
		{TEXT("a, b; c: d (e) \\\" [f]"), OK},
		{TEXT(" leading and trailing "), OK},
		{TEXT(A60 A60 " " A60 A60), OK},
		{TEXT("\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80"
		      "\xF0\x9F\x98\x80"),
			OK},
		{TEXT(A60 A60 A60 A60 A60 A60 A60), ERR_INVALID},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str message = STR_NONE;
		struct mail m = sample;
		m.subject = rows[i].text;
		assert_int_equal(mail_compose(t, &config, &m, &message), rows[i].wanted);
		if (rows[i].wanted == OK)
			check_shape(message);
		assert_false(str_contains(message, STR("=?utf-8?Q?=0D")) || str_contains(message, STR("=?UTF-8?B?")));
		m.subject = STR("x");
		m.from_name = rows[i].text;
		assert_int_equal(mail_compose(t, &config, &m, &message), rows[i].wanted);
		if (rows[i].wanted == OK)
			check_shape(message);
	}
}

static void refuses_other_fields(void **state) {
	(void)state;
	static const struct str ids[] = {TEXT(""), TEXT("a b"), TEXT("../x"), TEXT("a/b"), TEXT("a\r\nb"), TEXT("a>b"),
		TEXT(".a"), TEXT("a\0b"), TEXT("a@b"), TEXT(A60 A60)};
	struct str message;
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct mail m = sample;
		m.id = ids[i];
		assert_int_equal(mail_compose(t, &config, &m, &message), ERR_INVALID);
		assert_int_equal(mail_send(t, &config, &m), ERR_INVALID);
	}
	struct mail m = sample;
	m.to = STR("a@b.de\r\nBcc: x@y.de");
	assert_int_equal(mail_compose(t, &config, &m, &message), ERR_INVALID);
	m = sample;
	m.subject = STR("");
	assert_int_equal(mail_compose(t, &config, &m, &message), ERR_INVALID);
	m = sample;
	m.text = STR("a\xFF");
	assert_int_equal(mail_compose(t, &config, &m, &message), ERR_INVALID);
	m.text = STR("a\0b");
	assert_int_equal(mail_compose(t, &config, &m, &message), ERR_INVALID);
	struct mail_config other = config;
	other.from = STR("nobody");
	assert_int_equal(mail_compose(t, &other, &sample, &message), ERR_INVALID);
	char *large = arena_alloc(arena, LIMIT_MAIL);
	memset(large, 'x', LIMIT_MAIL);
	m = sample;
	m.text = (struct str){large, LIMIT_MAIL};
	assert_int_equal(mail_compose(t, &config, &m, &message), ERR_TOO_LARGE);
}

/* ---- the mailbox ---- */

static char folder[] = "/tmp/usher-mailbox-XXXXXX";

static struct mail_config mailbox_config(void) {
	struct mail_config c = config;
	c.mailbox = str_printf(arena, "%s/in", folder);
	return c;
}

static int make_folder(void **state) {
	(void)state;
	secret_init();
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
	const char *path = NULL;
	begin(state);
	assert_ok(task_cstr(t, mailbox_config().mailbox, &path));
	DIR *d = opendir(path);
	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
		if (e->d_name[0] != '.' || str_starts(str_of(e->d_name), STR(".new")))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
	rmdir(folder);
	return end(state);
}

static void round_trips(void **state) {
	(void)state;
	static const struct {
		struct str subject, text, html, shown_text,
			shown_html; /* shown: line ends are LF, the last line has one */
	} rows[] = {
		{TEXT("plain"), TEXT("a\n"), TEXT(""), TEXT("a\n"), TEXT("")},
		{TEXT("Gr\xC3\xBC\xC3\x9F"
		      "e"),
			TEXT("a\r\nb"), TEXT("<p>\xE2\x82\xAC</p>"), TEXT("a\nb\n"), TEXT("<p>\xE2\x82\xAC</p>\n")},
		{TEXT("=?utf-8?Q?=0D=0A?= a_b"), TEXT("--=_usher_part--\n=\n_ \t\n"), TEXT("--=_usher_part"),
			TEXT("--=_usher_part--\n=\n_ \t\n"), TEXT("--=_usher_part\n")},
		{TEXT(A60 " \xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4 " A60 A60),
			TEXT(A60 A60 A60 "\xC3\xA4\n\n\n.\n..\n"), TEXT(A60 A60 "=" A60 " "),
			TEXT(A60 A60 A60 "\xC3\xA4\n\n\n.\n..\n"), TEXT(A60 A60 "=" A60 " \n")},
		{TEXT("empty text"), TEXT(""), TEXT("<p>"), TEXT(""), TEXT("<p>\n")},
	};
	struct mail_config c = mailbox_config();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mailbox_item *items = NULL;
		size_t n = 0;
		struct mail m = sample;
		m.subject = rows[i].subject;
		m.text = rows[i].text;
		m.html = rows[i].html;
		m.id = str_printf(arena, "trip-%zu.x", i);
		m.to = STR("j\xC3\xB6rg@example.org");
		clock_shift_ms(1000); /* newest first, even within a millisecond */
		assert_ok(mail_send(t, &c, &m));
		assert_ok(mailbox_list(t, &c, &items, &n));
		assert_int_equal(n, i + 1);
		assert_str(items[0].subject, rows[i].subject);
		assert_str(items[0].text, rows[i].shown_text);
		assert_str(items[0].html, rows[i].shown_html);
		assert_str(items[0].to, m.to);
		assert_true(items[0].at > 0 && items[0].at <= clock_wall_ms());
	}
}

static void replaces_a_retried_mail(void **state) {
	(void)state;
	struct mail_config c = mailbox_config();
	struct mailbox_item *items = NULL;
	struct mail m = sample;
	size_t before = 0, n = 0;
	struct stat s;
	assert_ok(mailbox_list(t, &c, &items, &before));
	for (int i = 0; i < 3; i++) {
		m.text = str_printf(arena, "%d", i);
		clock_shift_ms(1000);
		assert_ok(mail_send(t, &c, &m));
	}
	assert_ok(mailbox_list(t, &c, &items, &n));
	assert_int_equal(n, before + 1);
	assert_str(items[0].text, STR("2\n"));
	assert_true(str_ends(items[0].file, STR("-01ABC.eml")));
	const char *path = NULL;
	assert_ok(task_cstr(t, str_printf(arena, "%.*s/%.*s", FMT(c.mailbox), FMT(items[0].file)), &path));
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0600);
}

static void ignores_other_files(void **state) {
	(void)state;
	static const char *const names[] = {
		"x.eml", ".new-abc", "1795471380000-a.txt", "notanumber13-a.eml", "9999999999999-empty.eml"};
	struct mail_config c = mailbox_config();
	struct mailbox_item *items = NULL;
	size_t before = 0, n = 0;
	assert_ok(mailbox_list(t, &c, &items, &before));
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *path = NULL;
		assert_ok(task_cstr(t, str_printf(arena, "%.*s/%s", FMT(c.mailbox), names[i]), &path));
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fclose(f);
	}
	assert_ok(mailbox_list(t, &c, &items, &n));
	assert_int_equal(n, before);
	c.mailbox = STR("/proc/none/here");
	assert_int_equal(mail_send(t, &c, &sample), ERR_CONFIG);
	assert_int_equal(mailbox_list(t, &c, &items, &n), ERR_CONFIG);
}

/* What others left in the folder may be anything. */
static void reads_broken_messages(void **state) {
	(void)state;
	static const char *const rows[] = {"\r\n\r\n", "Subject: =?UTF-8?Q?abc\r\n", "Subject:\r\n \r\n \r\n",
		"Content-Type: multipart/alternative; boundary=\"\r\n\r\n--",
		"Content-Type: multipart/x; boundary=\"\"\r\n\r\n------",
		"Content-Type: multipart/x; boundary=\"b\"\r\n\r\n--b--b--b\r\n--b", "To: <", "To: >", "=",
		"Subject: =?UTF-8?Q?=?=\n\n="};
	struct mail_config c = mailbox_config();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mailbox_item *items = NULL;
		size_t n = 0;
		const char *path = NULL;
		assert_ok(task_cstr(t, str_printf(arena, "%.*s/9999999999999-broken.eml", FMT(c.mailbox)), &path));
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(rows[i], f);
		fclose(f);
		assert_ok(mailbox_list(t, &c, &items, &n));
		assert_str(items[0].file, STR("9999999999999-broken.eml"));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(checks_addresses, begin, end),
		cmocka_unit_test_setup_teardown(composes_golden, begin, end),
		cmocka_unit_test_setup_teardown(composes_text_only, begin, end),
		cmocka_unit_test_setup_teardown(writes_utf8_local_part, begin, end),
		cmocka_unit_test_setup_teardown(refuses_injection, begin, end),
		cmocka_unit_test_setup_teardown(refuses_other_fields, begin, end),
		cmocka_unit_test_setup_teardown(round_trips, begin, end),
		cmocka_unit_test_setup_teardown(replaces_a_retried_mail, begin, end),
		cmocka_unit_test_setup_teardown(ignores_other_files, begin, end),
		cmocka_unit_test_setup_teardown(reads_broken_messages, begin, end),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
