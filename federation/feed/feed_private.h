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
/* The same where nothing is open: returns when ms are over. */
enum err wire_rest(struct task *t, struct feed *f, int64_t ms) must_use;
/* Reads the end of an answer. with_controls: the caller frees them. */
enum err wire_answer(struct task *t, struct feed *f, LDAPMessage *m, bool with_controls, struct answer *ret) must_use;
/* The server takes no more feeds for now. */
bool wire_is_busy(const struct answer *a);
/* What a refused search means for a feed, in a sentence; OK of a success. what names what was asked. */
enum err wire_result(struct task *t, const struct feed *f, const struct answer *a, const char *what);

/* One search, message by message, each within the operation time-out; a server that tells more than most entries is
 * refused. */
struct run {
	int msgid;
	size_t n, most;
	size_t others;
};
enum err wire_begin(struct task *t, struct feed *f, const struct question *q, size_t most, struct run *ret) must_use;
/* *ret is an entry, or NULL at the end, whose answer is in *ret_answer, with controls. */
enum err wire_step(
	struct task *t, struct feed *f, struct run *r, LDAPMessage **ret, struct answer *ret_answer) must_use;
/* Base read of a DN (empty: the root DSE), these attributes (NULL-terminated). ERR_NOT_FOUND: no entry. */
enum err wire_read(struct task *t, struct feed *f, struct str dn, const char *const *attributes, LDAPControl **controls,
	LDAPMessage **ret) must_use;
/* First value of an attribute of an entry, copied; STR_NONE where it has none. */
struct str wire_value(struct task *t, struct feed *f, LDAPMessage *entry, const char *attribute);
/* Whether one of its values is this; letters of either case. */
bool wire_has(struct feed *f, LDAPMessage *entry, const char *attribute, struct str value);
/* Whether it has a DN that can be kept. An entry without one is as good as not there, and must not keep the others. */
bool wire_can_name(struct task *t, struct feed *f, LDAPMessage *entry);
/* The value of a control of an answer or an entry; STR_NONE where it is not there. A slice. */
struct str wire_control(LDAPControl **controls, const char *oid);
/* A control over slices; libldap only reads it. */
LDAPControl wire_control_of(const char *oid, bool critical, struct str value);
/* Paged results (RFC 2696): the request, and the cookie of the response (empty: that was the last page). */
struct str wire_page(struct arena *a, size_t size, struct str cookie);
bool wire_page_read(LDAPControl **controls, struct str *ret_cookie);

/* ---- bytes that outlive a task ---- */
struct bytes {
	char *p;
	size_t n;
};
void bytes_set(struct bytes *b, struct str s);
struct str bytes_str(const struct bytes *b); /* STR_NONE when empty */

/* ---- entries ---- */
/* A filter for containers, whose names stand in those of people; without "(|" and ")". */
#define PLACES                                                                                                         \
	"(objectClass=organizationalUnit)(objectClass=organization)(objectClass=locality)(objectClass=container)"      \
	"(objectClass=nsContainer)"
bool entry_is_place(const struct entry *e);
/* What we only looked at is not the caller's. */
void entry_drop(struct entry *e, struct str attribute);
/* By make of directory. */
struct make {
	const char *stable_id; /* attribute */
	const char *time;      /* of the last change */
	const char *stamp;     /* differs after each change; or NULL */
	const char *fraction;  /* of time */
};
const struct make *make_of(const struct directory_config *d);

/* ---- the kinds ---- */
extern const struct feed_kind feed_syncrepl, feed_dirsync, feed_usn, feed_poll;

#endif
