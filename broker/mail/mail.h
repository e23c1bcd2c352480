/* mail.h: a message composed and handed on. The door of this folder.
 *
 * RFC 5322, 2045–2049, 6531/6532 (SMTPUTF8 where the address needs it). The caller gives finished texts; headers are
 * written here, and nothing that holds CR, LF, NUL or another control character enters one. */
#ifndef USHER_BROKER_MAIL_MAIL_H
#define USHER_BROKER_MAIL_MAIL_H

#include "base/task.h"
#include "config/config.h"

struct mail {
	struct str to;         /* one address, as it was typed and checked by mail_address_check */
	struct str from_name;  /* realm's */
	struct str subject;    /* UTF-8, one line */
	struct str text, html; /* complete each; html may be empty */
	struct str id;         /* notice id: gives the stable Message-ID <id@domain of from> */
	bool tell;             /* the detail of a refusal holds all that the server said, which may name the person: not
				  for the log, but for whoever typed the address */
};
/* The message as bytes, CRLF line ends, lines ≤ 76 where encoded and ≤ 998 always. ERR_INVALID for a bad address or
 * subject. */
enum err mail_compose(struct task *t, const struct mail_config *c, const struct mail *m, struct str *ret) must_use;
/* Composes and hands over. ERR_UNAVAILABLE/ERR_TIMEOUT: try again (no connection, 4xx). ERR_REFUSED: never (5xx to the
 * recipient or the message). ERR_CONFIG: TLS or login at our own server, no login there where a user name is
 * configured, or 5xx to ourselves: an operator must act. The caller settles the store first (store_settle: runner). */
enum err mail_send(struct task *t, const struct mail_config *c, const struct mail *m) must_use;

/* An address as people have them: RFC 5321 Mailbox without quoted local parts, comments, literals, source routes, '%'
 * and '!'; UTF-8 local part and domain allowed (RFC 6531), but nothing invisible; not beginning with '-', ≤
 * LIMIT_MAIL_ADDRESS, labels ≤ 63, at least two labels. ERR_INVALID. */
enum err mail_address_check(struct task *t, struct str address) must_use;
/* For comparing: domain to lower-case A-labels (libidn2 without STD3, LDH checked by us), local part NFC and simple
 * case folding (facts/security.md 1.2). Two addresses with the same key are one mailbox for our limits; mail itself
 * goes to the typed one. */
enum err mail_address_key(struct task *t, struct str address, struct str *ret_key, struct str *ret_domain) must_use;

/* The mailbox transport's folder, newest first: for the quickstart's page. */
struct mailbox_item {
	struct str file, to, subject, text, html;
	int64_t at;
};
enum err mailbox_list(struct task *t, const struct mail_config *c, struct mailbox_item **ret, size_t *n) must_use;

#endif
