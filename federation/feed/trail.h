/* trail.h: following a naming context of Active Directory: what changed anywhere in it is told by objectGUID, and what
 * concerns us is read again by it. Private to this folder; the kinds are dirsync.c and usn.c. */
#ifndef USHER_FEDERATION_FEED_TRAIL_H
#define USHER_FEDERATION_FEED_TRAIL_H

#include "federation/feed/pass.h"

#define GUID         16u
#define PENDING_MOST (1u << 20) /* objects that changed at once */

enum { OBJECT_PERSON = 1, OBJECT_GROUP = 2, OBJECT_MOVED = 4, OBJECT_DELETED = 8 };
/* An object that changed: where it stands (by its name), or that it is no more. */
struct object {
	char guid[GUID];
	uint8_t is;
};

struct trail {
	/* Adds what changed since cookie, and sets cookie_next; *ret_more: it is to be called again at once. initial:
	 * all that is there. ERR_STALE: the cookie is good for nothing. */
	enum err (*ask)(struct task *t, struct feed *f, bool *ret_more);
	struct bytes nc; /* the naming context */
	struct bytes cookie, cookie_next;
	struct object *v; /* to be told: v[at..n) */
	size_t n, at, room;
	bool initial, more, restarted;
	bool to_store; /* the cookie, with what was told */
	int64_t stored_at, next_at;
	int notice;          /* message id of the search that tells that something changed, or 0 */
	int64_t notice_from; /* what is told before is not asked for at once */
	bool lists;          /* deleted objects are not shown to us */
	struct pass list;
	int64_t listed_at; /* 0: not yet */
	/* of the kind */
	int32_t flags;         /* dirsync */
	struct bytes identity; /* usn: of the controller */
};

/* Makes f->state: finds the naming context, and whether deletions are shown. */
enum err trail_open(struct task *t, struct feed *f, struct str cookie,
	enum err (*ask)(struct task *t, struct feed *f, bool *ret_more)) must_use;
enum err trail_next(struct task *t, struct feed *f, int64_t wait_ms, struct feed_batch *ret) must_use;
void trail_close(void *state);
/* An entry of ask's answer. knows_moves: name or parentGUID is there when it was renamed or moved, and not else. */
enum err trail_add(struct task *t, struct feed *f, LDAPMessage *m, bool knows_moves, struct arena *scratch) must_use;
/* Objects of classes that can concern us, and deleted ones. */
struct str trail_filter(struct arena *a, struct str more);
/* Everything is to be told anew. */
void trail_restart(struct trail *r);

/* objects.c: tells some of the pending ones. */
enum err trail_tell(struct task *t, struct feed *f, struct feed_batch *b) must_use;
/* dirsync.c: the value of the response control. */
bool dirsync_read(struct str value, bool *ret_more, struct str *ret_cookie);

#endif
