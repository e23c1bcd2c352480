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
	bool has_twins; /* the look found several entries with our marker */
};

/* ---- step.c ---- */
/* What was done, for the record. */
void run_say(struct run *r, int result, struct str what);
/* The entry with our marker, by search and then by name (an index may lag); *ret is NULL when there is none. dn may be
 * empty. ERR_EXISTS: several, and r->has_twins. */
enum err run_look(struct run *r, struct str dn, struct entry **ret) must_use;

/* ---- place.c: which controller of several a step looks at and acts on ---- */
/* The same where the entry was sent; where that controller does not answer, *ret_away is set, and all others are looked
 * at. Where the entry was seen, or not seen, all that follows in this step is done. */
enum err place_look(struct run *r, struct str dn, struct entry **ret, bool *ret_away) must_use;
/* Whether it is known which one; with one controller it is not. */
bool place_counts(const struct run *r);
/* Whether the entry may be sent now: what is kept of when and where it was sent is true. */
bool place_is_kept(const struct run *r);
/* The controller that answers, or the same one again, with the time of now: to be kept before anything is sent. */
enum err place_choose(struct run *r) must_use;
/* The controller is away, and no other one shows the entry: too early, ERR_UNAVAILABLE; else another is chosen, and the
 * plan goes on with CREATE. */
enum err place_give_up(struct run *r) must_use;
/* Whether another controller may not have heard yet of what was written. */
bool place_may_lag(const struct run *r);

/* ---- twins.c: two entries where there should be one ---- */
/* Equal to wanted, or so before replication found a conflict. */
bool twins_name_is(const struct run *r, struct str dn, struct str wanted) must_use;
bool twins_name_was_lost(const struct run *r, const struct entry *e) must_use;
/* Of several with our marker, one a run is removed: kept by the progress in one run, removed in the next. ERR_REFUSED
 * where one of them is not provably made by this plan. */
enum err twins_repair(struct run *r) must_use;
/* Whether e, which is ours, has to leave its name to another entry that had it before. Then, unless look_only, it is
 * removed in two runs, and the plan goes on with its next name. ERR_UNAVAILABLE, ERR_REFUSED: the other one has to
 * give way, by itself or by somebody's hand; or ours is in use. */
enum err twins_give_way(struct run *r, const struct entry *e, bool look_only, bool *ret_gives_way) must_use;

#endif
