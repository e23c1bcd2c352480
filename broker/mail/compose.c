#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/failpoint.h"
#include "broker/mail/mail_private.h"

#define ONE_LINE_MOST 400u           /* bytes of a subject or a name */
#define PLAIN_MOST    60u            /* letters that need no folding */
#define WORD_MOST     63u            /* RFC 2047 2: 75, less =?UTF-8?Q? and ?= */
#define QP_LINE       76u            /* RFC 2045 6.7 */
#define BOUNDARY      "=_usher_part" /* quoted-printable text cannot hold "=_" */
#define HEX_DIGITS    "0123456789ABCDEF"

static bool is_word_letter(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Text that may stand as it is, in a subject or as the words before an address. "=?" would be read as an encoded word.
 */
static bool is_plain(struct str s, const char *marks) {
	for (size_t i = 0; i < s.n; i++)
		if (!is_word_letter(s.p[i]) && (s.p[i] == '\0' || !strchr(marks, s.p[i])))
			return false;
	return s.n <= PLAIN_MOST && str_eq(s, str_trim(s));
}

/* RFC 2047 4.2 and 5 (3): the letters allowed in a phrase, which are fewer than in a subject. */
static size_t word_letter(char *to, char c) {
	if (is_word_letter(c) || c == ' ') {
		to[0] = c == ' ' ? '_' : c;
		return 1;
	}
	to[0] = '=';
	to[1] = HEX_DIGITS[(unsigned char)c >> 4];
	to[2] = HEX_DIGITS[c & 15];
	return 3;
}

/* As many encoded words as it takes, a line each; no code point is divided. */
static void words_put(struct buf *b, struct str s) {
	size_t at = 0, before = 0, used = 0;
	uint32_t code = 0;
	buf_put(b, STR("=?UTF-8?Q?"));
	for (; str_next_code_point(s, &at, &code); before = at) {
		char text[12];
		size_t n = 0;
		for (size_t i = before; i < at; i++)
			n += word_letter(text + n, s.p[i]);
		if (used + n > WORD_MOST) {
			buf_put(b, STR("?=\r\n =?UTF-8?Q?"));
			used = 0;
		}
		buf_put(b, (struct str){text, n});
		used += n;
	}
	buf_put(b, STR("?="));
}

static void one_line_put(struct buf *b, struct str s, const char *marks) {
	if (is_plain(s, marks))
		buf_put(b, s);
	else
		words_put(b, s);
}

/* One letter of a quoted-printable line; last: nothing follows on its line. */
static size_t qp_letter(char *to, char c, bool last) {
	bool plain = (c >= 33 && c <= 126 && c != '=') || ((c == ' ' || c == '\t') && !last);
	if (plain) {
		to[0] = c;
		return 1;
	}
	to[0] = '=';
	to[1] = HEX_DIGITS[(unsigned char)c >> 4];
	to[2] = HEX_DIGITS[c & 15];
	return 3;
}

static void qp_line(struct buf *b, struct str line) {
	size_t used = 0;
	for (size_t i = 0; i < line.n; i++) {
		char text[3];
		bool last = i + 1 == line.n;
		size_t n = qp_letter(text, line.p[i], last);
		if (used + n > QP_LINE - !last) {
			buf_put(b, STR("=\r\n"));
			used = 0;
		}
		buf_put(b, (struct str){text, n});
		used += n;
	}
	buf_put(b, STR("\r\n"));
}

/* Lines may end in LF, CRLF or CR. */
static void qp_put(struct buf *b, struct str text) {
	size_t from = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\r' && text.p[i] != '\n')
			continue;
		qp_line(b, str_sub(text, from, i - from));
		if (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
			i++;
		from = i + 1;
	}
	if (from < text.n)
		qp_line(b, str_sub(text, from, text.n));
}

static void part_put(struct buf *b, const char *type, struct str text) {
	buf_printf(
		b, "Content-Type: text/%s; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", type);
	qp_put(b, text);
}

static enum err one_line_check(struct task *t, const char *what, struct str s) {
	if (s.n > ONE_LINE_MOST || !str_utf8(s) || str_has_control(s))
		return task_fail(t, ERR_INVALID, "mail: %s too long, not UTF-8, or with a control character", what);
	return OK;
}

static enum err mail_check(struct task *t, const struct mail *m) {
	TRY(mail_id_check(t, m->id));
	TRY(one_line_check(t, "subject", m->subject));
	TRY(one_line_check(t, "name of sender", m->from_name));
	if (str_empty(str_trim(m->subject)))
		return task_fail(t, ERR_INVALID, "mail: no subject");
	if (!str_utf8(m->text) || !str_utf8(m->html) || str_find(m->text, '\0', 0) < m->text.n ||
		str_find(m->html, '\0', 0) < m->html.n)
		return task_fail(t, ERR_INVALID, "mail: text is not UTF-8, or has a NUL");
	return OK;
}

/* RFC 3834 5: no automatic answers to this. */
static void headers_put(struct buf *b, const struct mail *m, struct str from, struct str to) {
	struct str domain = str_sub(from, str_find(from, '@', 0) + 1, from.n);
	buf_printf(b, "Date: %.*s\r\nFrom: ", FMT(time_rfc5322(b->arena, clock_wall_ms())));
	if (!str_empty(m->from_name)) {
		one_line_put(b, m->from_name, " -'&+");
		buf_put(b, m->from_name.n > PLAIN_MOST ? STR("\r\n ") : STR(" "));
	}
	buf_printf(b, "<%.*s>\r\nTo: <%.*s>\r\nSubject: ", FMT(from), FMT(to));
	one_line_put(b, m->subject, " !#$%&'()*+,-./:;<>@[]^_{|}~\"");
	buf_printf(b, "\r\nMessage-ID: <%.*s@%.*s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
		FMT(m->id), FMT(domain));
}

enum err mail_compose(struct task *t, const struct mail_config *c, const struct mail *m, struct str *ret) {
	struct str from = STR_NONE, to = STR_NONE;
	struct buf b = buf_new(t->arena, LIMIT_MAIL);
	TRY(mail_check(t, m));
	TRY(mail_address_wire(t, c->from, &from));
	TRY(mail_address_wire(t, m->to, &to));
	headers_put(&b, m, from, to);
	if (str_empty(m->html)) {
		part_put(&b, "plain", m->text);
	} else {
		buf_put(&b, STR("Content-Type: multipart/alternative;\r\n boundary=\"" BOUNDARY "\"\r\n\r\n--" BOUNDARY
				"\r\n"));
		part_put(&b, "plain", m->text);
		buf_put(&b, STR("\r\n--" BOUNDARY "\r\n"));
		part_put(&b, "html", m->html);
		buf_put(&b, STR("\r\n--" BOUNDARY "--\r\n"));
	}
	if (buf_full(&b))
		return task_fail(t, ERR_TOO_LARGE, "mail: over %u bytes", LIMIT_MAIL);
	*ret = buf_str(&b);
	return OK;
}

enum err mail_send(struct task *t, const struct mail_config *c, const struct mail *m) {
	struct str message = STR_NONE;
	TRY(mail_compose(t, c, m, &message));
	failpoint_hit("mail.sending");
	enum err e = c->transport == MAIL_MAILBOX ? mailbox_write(t, c, m, message) : smtp_send(t, c, m, message);
	failpoint_hit("mail.sent");
	return e;
}
