/* feed.h: what changes in one directory, as it happens. The door of this folder.
 *
 * A feed belongs to one thread (a watcher) and keeps a connection of its own, bound as feed_bind_dn where there is one,
 * else as the service account. It tells changes in batches; with each goes a cookie that the caller stores in the same
 * transaction as what the changes brought, so that after a crash the feed goes on where the last commit stood: a change
 * may be told twice, and is never left out.
 *
 * Kinds: content synchronization (RFC 4533 refreshAndPersist) for OpenLDAP and 389, DirSync (MS-ADTS 3.1.1.3.4.1.3) for
 * Active Directory, uSNChanged of one controller (MS-ADTS 3.1.1.1.9; with its invocationId) where DirSync is refused,
 * and modifyTimestamp polling for anything.
 *
 * Without a cookie, or with one that the server no longer takes, everything that is there is told anew. A deletion is
 * told by itself (FEED_GONE), or only by what was not told: batch.whole says that everything that is there was told, as
 * FEED_CHANGED or FEED_SEEN, since the feed was opened or last restarted; what the caller knew beyond that is gone. An
 * empty answer is no proof: the caller has a threshold. It speaks of people: after groups went without a word, all groups
 * are told as FEED_CHANGED. The first batch without a (good) cookie is restarted; with one, "since the feed was opened"
 * counts. An id in FEED_GONE may be one that the caller never heard of. An entry whose DN is longer than LIMIT_DN, or no
 * text, is as good as not there. */
#ifndef USHER_FEDERATION_FEED_FEED_H
#define USHER_FEDERATION_FEED_FEED_H

#include "federation/directory/directory.h"

#define FEED_BATCH 100u /* changes in one batch, at most: it is applied in one transaction, and logins wait for that */

enum feed_change_kind {
	FEED_SEEN,    /* it is there, and has not changed since the cookie; only stable_id is set */
	FEED_CHANGED, /* it is new or was changed, moved or renamed: entry is set */
	FEED_GONE,    /* deleted, or moved out of people_base and groups_base; only stable_id is set */
};
enum feed_subject {
	FEED_UNKNOWN, /* of FEED_SEEN and FEED_GONE, where the server gives the id alone */
	FEED_PERSON,  /* under people_base, people_filter holds */
	FEED_GROUP,   /* under groups_base, group_filter holds */
	FEED_PLACE,   /* a container was renamed or moved: names of all entries below it changed without being told */
};
struct feed_change {
	enum feed_change_kind kind;
	enum feed_subject subject;
	struct str stable_id;
	struct entry
		*entry; /* FEED_PERSON: as directory_find_id gives it, complete; FEED_GROUP, FEED_PLACE: dn and id */
};
struct feed_batch {
	struct feed_change *v;
	size_t n;
	struct str cookie;     /* to be stored with these changes; bytes; STR_NONE: as before */
	struct str controller; /* URI of the server that told it */
	bool restarted;        /* everything is told anew from this batch on: what was seen before counts no more */
	bool whole;            /* see above */
	bool current;          /* what the directory knew when it was asked last is told with this batch */
};

struct feed;
/* The kind that this directory is followed by: the configured one, or the make's own. "syncrepl", "dirsync", "usn",
 * "poll", "off". */
const char *feed_name(const struct directory_config *d);
/* Opens the connection and checks that the server can do it; d outlives the feed. cookie: of feed_name's kind, or empty;
 * one that belongs to other bases, filters or attributes counts as none. ERR_UNAVAILABLE,
 * ERR_TIMEOUT: open again later; ERR_REFUSED, ERR_CONFIG: the account or the server cannot do it, detail says which
 * right or control is missing. */
enum err feed_open(struct task *t, const struct directory_config *d, struct str cookie, struct feed **ret) must_use;
/* Waits for wait_ms at most for changes; n is 0 when there were none. With current true the caller's knowledge is as
 * fresh as the call's return. In a quiet time the server is asked once a second whether it is still there. After an
 * error the feed is closed by feed_close, and opened anew with the stored cookie. ERR_UNAVAILABLE, ERR_TIMEOUT,
 * ERR_REFUSED. */
enum err feed_next(struct task *t, struct feed *f, int64_t wait_ms, struct feed_batch *ret) must_use;
void feed_close(struct feed *f);
static inline void feed_end(struct feed *f) {
	feed_close(f);
}
OWNED(feed, struct feed *, feed_end)

#endif
