/* mail_private.h: what the files of this folder share. Included by them only. */
#ifndef USHER_BROKER_MAIL_MAIL_PRIVATE_H
#define USHER_BROKER_MAIL_MAIL_PRIVATE_H

#include "broker/mail/mail.h"

/* Takes an address apart after checking it: local part as typed, domain in lower-case A-labels. */
enum err mail_address_split(struct task *t, struct str address, struct str *ret_local, struct str *ret_domain) must_use;
/* The address that goes into the envelope and into headers: domain in A-labels, so that only a local part can need
 * SMTPUTF8. */
enum err mail_address_wire(struct task *t, struct str address, struct str *ret) must_use;
/* Letters, digits, '.', '_' and '-', not beginning with '.' or '-', 1 to 100: part of a Message-ID and of a file's
 * name. */
enum err mail_id_check(struct task *t, struct str id) must_use;

enum err smtp_send(struct task *t, const struct mail_config *c, const struct mail *m, struct str message) must_use;
enum err mailbox_write(struct task *t, const struct mail_config *c, const struct mail *m, struct str message) must_use;

#endif
