/* sync_private.h: shared by the files of this folder. */
#ifndef USHER_BROKER_SYNC_SYNC_PRIVATE_H
#define USHER_BROKER_SYNC_SYNC_PRIVATE_H

#include "broker/sync/sync.h"

/* What is being told: by whom, and what came of it so far. */
struct inbound {
	const struct directory_config *directory;
	struct str controller; /* or "reconcile", for the audit */
	int64_t now;           /* wall clock */
	int64_t pass_at;       /* of the feed's row */
	bool looked;           /* by us, from now on: what the feed told since counts more */
	int64_t groups_at;     /* a group changed: now; else 0 */
	bool place;            /* a container was renamed or moved */
	int64_t applied, ended;
};
/* The entry of a linked account, NULL: it is gone. Within the caller's transaction. */
enum err inbound_person(struct task *t, struct inbound *in, const struct account *a, const struct entry *e) must_use;
/* The account's row says what the entry says. */
enum err account_follow(struct task *t, const struct account *a, const struct entry *e) must_use;
/* Whether so many of them may be gone at once. */
bool inbound_plausible(int64_t gone, int64_t all);

/* Looks for an entry once more, at each controller where there are several: one that is behind does not know all. Where
 * the look fails for this entry alone, it is not gone; otherwise the error. In no transaction. */
enum err is_gone(struct task *t, const struct directory_config *d, struct str stable_id, bool *ret) must_use;

/* A compare under way: page by page, so that a watcher goes on listening between them. */
struct reconcile {
	struct arena *arena; /* of the ids; NULL: none is under way */
	struct str after;    /* account id */
	struct strs gone;    /* accounts whose entry was not found */
	bool looked;         /* the last page is done */
	struct drift drift;
};
void reconcile_begin(struct reconcile *r);
void reconcile_free(struct reconcile *r);
/* Looks at the next accounts, and mends what was changed. */
enum err reconcile_page(struct task *t, const struct directory_config *d, struct reconcile *r) must_use;
/* Once all are looked at: ends those that are gone. ERR_REFUSED: implausibly many, and nobody was ended. */
enum err reconcile_end(struct task *t, const struct directory_config *d, struct reconcile *r) must_use;

#endif
