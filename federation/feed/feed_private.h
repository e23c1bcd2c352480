/* feed_private.h: what the kinds of feeds share; private to this folder. */
#ifndef USHER_FEDERATION_FEED_FEED_PRIVATE_H
#define USHER_FEDERATION_FEED_FEED_PRIVATE_H

#include <ldap.h>

#include "base/buf.h"
#include "federation/feed/feed.h"

#define COOKIE_MOST (64u << 10) /* bytes of what a server gives to go on from */
#define FILTER_MOST (64u << 10)
#define BATCH_BYTES (3u << 20) /* a batch ends when its task's arena holds more: one more message has 8 MiB at most */

struct feed_kind {
	enum directory_feed id;
	const char *name;
	/* The link is open; makes f->state. */
	enum err (*open)(struct task *t, struct feed *f, struct str cookie);
	enum err (*next)(struct task *t, struct feed *f, int64_t wait_ms, struct feed_batch *ret);
	void (*close)(void *state);
};

struct feed {
	const struct feed_kind *kind;
	const struct directory_config *d;
	struct directory_link *link;
	LDAP *ld; /* the link's */
	void *state;
	/* Whether the server is still there. */
	int asked; /* message id of the question that is open, or 0 */
	int64_t asked_at, heard_at;
};

static inline void feed_message_free(LDAPMessage *m) {
	ldap_msgfree(m);
}
OWNED(feed_message, LDAPMessage *, feed_message_free)
static inline void feed_controls_free(LDAPControl **c) {
	ldap_controls_free(c);
}
OWNED(feed_controls, LDAPControl **, feed_controls_free)
OWNED(feed_control, LDAPControl *, ldap_control_free)
OWNED(feed_text, char *, ldap_memfree)
struct berval feed_berval(struct str s); /* over a slice, which libldap only reads */

/* ---- feed.c: batches ---- */
/* An empty one with room for FEED_BATCH. */
struct feed_batch batch_new(struct task *t, const struct feed *f);
bool batch_full(const struct task *t, const struct feed_batch *b);
void batch_add(struct feed_batch *b, enum feed_change_kind kind, enum feed_subject subject, struct str stable_id,
	struct entry *entry);

/* ---- wire.c: questions and answers on the link ---- */
struct question {
	struct str base;
	int scope;
	struct str filter;
	struct strs attributes;
	LDAPControl **controls;
};
struct answer {
	int result;
	struct str diagnostic;
	LDAPControl **controls; /* owned by who asked for them */
};
enum err wire_send(struct task *t, struct feed *f, const struct question *q, int *ret_msgid) must_use;
/* The next message of any request, or NULL when none came for ms. In a quiet time asks the server once a second whether
 * it is there. ERR_UNAVAILABLE, ERR_TIMEOUT. */
enum err wire_receive(struct task *t, struct feed *f, int64_t ms, LDAPMessage **ret) must_use;
/* Reads the end of an answer. with_controls: the caller frees them. */
enum err wire_answer(struct task *t, struct feed *f, LDAPMessage *m, bool with_controls, struct answer *ret) must_use;
/* One search and its whole answer within the operation time-out, beside nothing else that is open. */
enum err wire_search(struct task *t, struct feed *f, const struct question *q, LDAPMessage **ret) must_use;
/* What a refused search means for a feed, in a sentence; OK of a success. what names what was asked. */
enum err wire_result(struct task *t, const struct feed *f, const struct answer *a, const char *what);
/* The root DSE with these attributes (NULL-terminated), plain: values by lower-case names. */
enum err wire_root_dse(struct task *t, struct feed *f, const char *const *attributes, LDAPMessage **ret) must_use;
/* First value of an attribute of the first entry, copied; STR_NONE where it has none. */
struct str wire_value(struct task *t, struct feed *f, LDAPMessage *m, const char *attribute);
/* Whether one of its values is this; letters of either case. */
bool wire_has(struct feed *f, LDAPMessage *m, const char *attribute, struct str value);

/* ---- the kinds ---- */
extern const struct feed_kind feed_syncrepl;

#endif
