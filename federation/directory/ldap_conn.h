/* ldap_conn.h: connections to one directory; private to this folder.
 *
 * A worker owns two connections per directory, held through task_handle under the directory_config's address: one bound
 * as the service account, one on which people's passwords are checked (a bind changes the identity of a whole
 * connection). A handle of libldap has one URI: fail-over, health and fail-back are ours, because with
 * LDAP_OPT_CONNECT_ASYNC, without which a TLS handshake with a mute server never ends, libldap's do not work. */
#ifndef USHER_FEDERATION_DIRECTORY_LDAP_CONN_H
#define USHER_FEDERATION_DIRECTORY_LDAP_CONN_H

#include <ldap.h>

#include "federation/directory/directory.h"

#define CONTROL_POLICY_HINTS "1.2.840.113556.1.4.2239"
#define URI_MOST             8u /* controllers of one directory; directory_check_config refuses more */

enum conn_kind { CONN_SERVICE, CONN_PASSWORD, CONN_FEED /* of its owner, not of a worker: link.c */ };

struct health;
struct conn {
	LDAP *ld;
	const struct directory_config *directory;
	struct health *health;
	enum conn_kind kind;
	size_t uri;          /* index in the controllers of discover_uris when it was opened */
	struct str target;   /* its URI */
	int64_t since;       /* monotonic milliseconds */
	bool transactions;   /* RFC 5805 */
	bool matched_values; /* RFC 3876 */
	bool policy_hints;   /* LDAP_SERVER_POLICY_HINTS (MS-ADTS 3.1.1.3.4.1.27) */
	bool proved;         /* a successful bind was seen to change who we are */
	bool greeted;        /* a handshake was done: what fails now is not the certificate's fault */
	int sealed;          /* strength of the security layer of SASL, in bits; 0: none */
	int64_t deadline;    /* monotonic milliseconds; nothing is read after it */
	size_t unread;       /* bytes that may still be read until then */
	struct ldap_conncb watch;
};

static inline void ldap_message_free(LDAPMessage *m) {
	ldap_msgfree(m);
}
OWNED(ldap_message, LDAPMessage *, ldap_message_free)
OWNED(ldap_controls, LDAPControl **, ldap_controls_free)
OWNED(ldap_control, LDAPControl *, ldap_control_free)
OWNED(ldap_memory, char *, ldap_memfree)
OWNED(ldap_berval, struct berval *, ber_bvfree)
OWNED(ldap_bervals, struct berval *, ber_memfree) /* an array whose elements point into a message */
static inline void ldap_ber_free(BerElement *b) {
	ber_free(b, 0);
}
static inline void ldap_ber_free_all(BerElement *b) {
	ber_free(b, 1);
}
OWNED(ldap_reader, BerElement *, ldap_ber_free)     /* of a message that owns its bytes */
OWNED(ldap_writer, BerElement *, ldap_ber_free_all) /* of our own */

/* A berval over a slice; libldap only reads it. */
struct berval bv_of(struct str s);
struct str str_of_bv(struct berval bv);

/* A live connection. ERR_UNAVAILABLE: breaker open, nobody answers; ERR_CONFIG: bind refused or a certificate. */
enum err conn_get(struct task *t, const struct directory_config *d, enum conn_kind kind, struct conn **ret) must_use;
/* The first controller that answers, in the configured order, those that are down last; ended by conn_close. A refused
 * bind is ERR_CONFIG, and no other controller is asked. */
enum err conn_open(struct task *t, const struct directory_config *d, enum conn_kind kind, struct conn **ret) must_use;
/* Opens one controller beside the worker's connections; ended by conn_close. For directory_probe. ERR_CREDENTIALS: our
 * bind was refused. */
enum err conn_open_at(
	struct task *t, const struct directory_config *d, size_t uri, enum conn_kind kind, struct conn **ret) must_use;
void conn_close(struct conn *c);
int conn_fd(const struct conn *c); /* -1: none */
/* Whether what is sent is encrypted, so that passwords may be: TLS, a socket on this machine, or a security layer of
 * SASL of 128 bits (MS-ADTS 3.1.1.3.1.5). */
bool conn_private(const struct conn *c);
/* What one step of a connection's opening may take. */
int64_t conn_step_ms(const struct task *t, const struct conn *c);
/* While a connection is made its owner frees it: nothing of the handles is touched. Nothing of ours was done yet, so
 * that a time-out is ERR_UNAVAILABLE. */
enum err conn_open_wait(struct task *t, struct conn *c, int rc, int msgid, LDAPMessage **ret) must_use;
struct timeval conn_timeval(int64_t ms);
/* Of a handle that was just made for this URI. */
void conn_set_options(struct task *t, struct conn *c, struct str uri);
/* Without TLS: the security layer of SASL seals it. People's passwords never go there. */
bool conn_is_sealed(const struct conn *c);
/* ldap_failure.c: why no connection came about; rc is libldap's. ERR_CONFIG: its certificate, or the wrong way of TLS;
 * else ERR_UNAVAILABLE. What took as long as it might counts as a time-out. */
enum err conn_failed(struct task *t, struct conn *c, int rc) must_use;
/* The same before TCP's connection: why is what connect(2) said, 0 where that is not known. */
enum err conn_unreached(struct task *t, struct conn *c, int rc, int why) must_use;
static inline void conn_end(struct conn *c) {
	conn_close(c);
}
OWNED(conn, struct conn *, conn_end)

/* What the server said at the end. */
struct answer {
	int result; /* -1: no answer */
	struct str diagnostic;
};
/* rc is what the sending call returned. Waits for the whole answer of msgid. After an error the connection has been
 * closed and *c is no more. */
enum err conn_wait(struct task *t, struct conn *c, int rc, int msgid, LDAPMessage **ret) must_use;
/* The same for a change: a connection that broke after sending is ERR_TIMEOUT. */
enum err conn_wait_change(struct task *t, struct conn *c, int rc, int msgid, LDAPMessage **ret) must_use;
/* Reads the end of an answer; controls may be NULL. */
enum err conn_answer(
	struct task *t, struct conn *c, LDAPMessage *m, struct answer *ret, LDAPControl ***controls) must_use;
/* The enum err of a result code of an operation of the service account; diagnostic goes into the task's failure. */
enum err conn_result(struct task *t, struct conn *c, const struct answer *answer, const char *what);
/* Counts the answer for the metrics: enum err of the operation. */
void conn_count(enum err e);
/* libldap's time-outs, and those of the socket, end a wait for the next byte. A server that sends a byte now and then,
 * or half a TLS record, would hold a worker for as long as it likes, in the handshake too (there without any time-out,
 * seen with 2.5.13 and GnuTLS). So a layer under TLS reads nothing after the deadline, which every wait sets anew, and
 * no more than 12 MiB until then, in however many messages. */
void conn_watch(struct conn *c); /* after ldap_initialize; c stays where it is */
void conn_deadline(struct conn *c, int64_t ms);
void conn_deadline_none(struct conn *c); /* until the next wait */
bool conn_late(const struct conn *c);
/* Why libldap failed with rc: it says "can't contact" of an answer too large to be read. errno was 0 before the call.
 */
const char *conn_reason(int rc);
/* What one wait may take now, in milliseconds. */
int64_t conn_budget_ms(const struct task *t, const struct directory_config *d);

struct search {
	struct str base;
	int scope;
	struct str filter;      /* built by ldap_text.h, or of the configuration */
	struct strs attributes; /* the directory's names */
	int size_limit;         /* 0: none */
	LDAPControl **controls;
};
/* By the service account; once more on another connection when the first breaks. OK also when the size limit was hit. A
 * missing base is ERR_NOT_FOUND. */
enum err conn_search(struct task *t, const struct directory_config *d, const struct search *s, struct conn **ret_conn,
	LDAPMessage **ret) must_use;

#endif
