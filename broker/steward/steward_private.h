/* steward_private.h: shared by the files of this folder. */
#ifndef USHER_BROKER_STEWARD_STEWARD_PRIVATE_H
#define USHER_BROKER_STEWARD_STEWARD_PRIVATE_H

#include "broker/steward/steward.h"

/* wish.c: whether all that is wished for may be. ERR_FIELDS. */
enum err wishes_check(
	struct task *t, const struct steward_person *p, const struct wishes *w, struct wish_problem *problem) must_use;
/* ERR_FIELDS with this problem. */
enum err wish_fail(struct task *t, struct wish_problem *problem, struct str field, const char *key) must_use;
/* Whether one of the list is this DN. */
bool dn_listed(struct arena *a, struct strs list, struct str dn);
/* ends.c: what the wish for an end adds to a plan's input. ERR_FIELDS: no day, or one that is over. */
enum err ends_add(struct task *t, const struct steward_person *p, struct str wish, struct update_input *in,
	struct wish_problem *problem) must_use;
/* order.c. */
struct str plan_titles(struct arena *a, const struct plan *p);
/* Within the caller's transaction: plan row, job and audit. */
enum err order_insert(struct task *t, const struct account *a, const struct plan *plan, enum plan_state state,
	struct str *ret_id) must_use;

#endif
