/* step.h: a plan's step being run; private to this folder. */
#ifndef USHER_FEDERATION_PLAN_STEP_H
#define USHER_FEDERATION_PLAN_STEP_H

#include "federation/plan/plan_private.h"

struct run {
	struct task *t;
	const struct directory_config *d;
	const struct plan *p;
	struct plan_progress *progress;
	struct report *report;
};

/* ---- step.c ---- */
/* What was done, for the record. */
void run_say(struct run *r, int result, struct str what);
/* The entry with our marker, by search and then by name (an index may lag); *ret is NULL when there is none. dn may be
 * empty. */
enum err run_look(struct run *r, struct str dn, struct entry **ret) must_use;

/* ---- place.c: which controller of several a step looks at and acts on ---- */
/* The same where the entry was sent; where that controller does not answer, *ret_away is set, and all others are looked
 * at. Where the entry was seen, or not seen, all that follows in this step is done. */
enum err place_look(struct run *r, struct str dn, struct entry **ret, bool *ret_away) must_use;
/* Whether the entry may be sent now: what is kept of when and where it was sent is true. */
bool place_is_kept(const struct run *r);
/* The controller that answers, or the same one again, with the time of now: to be kept before anything is sent. */
enum err place_choose(struct run *r) must_use;
/* The controller is away, and no other one shows the entry: too early, ERR_UNAVAILABLE; else another is chosen, and the
 * plan goes on with CREATE. */
enum err place_give_up(struct run *r) must_use;

#endif
