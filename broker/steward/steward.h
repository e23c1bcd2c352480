/* steward.h: changes of people who are in the directory already: attributes, groups, place, disabled or enabled, and
 * the end. The door of this folder.
 *
 * What is wished for becomes a plan (PLAN_UPDATE) that an operator sees before it is ordered; the order is one
 * transaction of plan, job and audit; the job carries the plan out step by step (outbound_run). What follows from it
 * here (sessions, tokens, the account's row) is as if the directory had told. */
#ifndef USHER_BROKER_STEWARD_STEWARD_H
#define USHER_BROKER_STEWARD_STEWARD_H

#include "broker/login/login.h"
#include "broker/sync/sync.h"

/* ---- who, and what may be changed ---- */
struct steward_person {
	struct account *account;
	const struct directory_config *directory; /* NULL: it is no longer configured */
	struct entry *entry;                      /* as the directory has it now; NULL: see why */
	enum err why;           /* ERR_NOT_FOUND: it is gone there; ERR_UNAVAILABLE and the like: nobody answers now */
	struct groups groups;   /* direct and nested */
	struct strs attributes; /* our names of those that may be changed, in the order in which forms show them */
	struct strs bases;      /* DNs below which the entry may be moved: those of the directory's profiles */
	struct strs choices;    /* DNs of groups that may be joined and left: the like */
};
/* ERR_NOT_FOUND: no such account. A directory that does not answer is told in why. */
enum err steward_look(struct task *t, struct str account_id, struct steward_person **ret) must_use;
/* The last day of the account, as wishes have it; empty: it does not end. */
struct str steward_ends(struct task *t, const struct steward_person *p);
/* All values of our attribute name. */
struct strs steward_values(const struct steward_person *p, struct str name);
bool steward_is_in(struct task *t, const struct steward_person *p, struct str group); /* directly */

/* ---- what is wished for ---- */
struct wishes {
	struct attribute *attributes; /* our names, each with all values that it shall have; none: it goes */
	size_t n_attributes;
	struct strs join, leave; /* DNs */
	enum state_wish enabled;
	struct str base; /* DN, or empty: it stays where it is */
	struct str ends; /* the last day, "2027-01-31", or "never"; empty: as it is */
	bool remove;     /* stands alone */
};
/* Why not, for the page. */
struct wish_problem {
	struct str field; /* our attribute name, "groups", "base", "ends", "enabled", "confirm", or empty: the whole */
	const char *key;  /* catalogue key */
};
struct proposal {
	struct plan *plan;
	struct str digest, ldif;
};
/* ERR_FIELDS fills *problem: a value, group or place that may not be, or nothing to do. ERR_STALE: the entry is gone.
 */
enum err steward_preview(struct task *t, const struct steward_person *p, const struct wishes *w,
	struct wish_problem *problem, struct proposal *ret) must_use;

/* ---- what was ordered before ---- */
struct steward_plan {
	struct plan_row *row;
	struct str titles; /* of its steps, in one line */
	struct str ldif;   /* empty where the directory is no longer configured */
	struct plan_step_row *steps;
	size_t n_steps;
};
/* The newest plans of an account, drafts left out, at most 10. */
enum err steward_plans(struct task *t, struct str account_id, struct steward_plan **ret, size_t *n) must_use;

/* ---- what is ordered ---- */
struct order {
	struct wishes wishes;
	struct str digest;           /* of the plan that was shown */
	struct str confirm;          /* of a deletion: the login name, typed once more */
	const struct account *actor; /* NULL: usherctl, whose user may open the store */
};
/* ERR_STALE: the plan would differ by now, or another change of this person is under way. ERR_DENIED: not an operator.
 * ERR_FIELDS as there, and where the confirmation is not the login name, or operators disable or delete themselves. */
enum err steward_order(struct task *t, struct str account_id, const struct order *o, struct wish_problem *problem,
	struct str *ret_plan_id) must_use;
/* Keeps the plan without ordering it; steward_apply orders it. */
enum err steward_draft(struct task *t, const struct steward_person *p, const struct proposal *proposal,
	struct str *ret_plan_id) must_use;
/* A draft is ordered; one that is parked or waits for its next try is tried now. confirm: the login name, where a draft
 * deletes. ERR_STALE: done or cancelled, or another change of this person is under way. ERR_INVALID: not confirmed. */
enum err steward_apply(struct task *t, struct str plan_id, struct str confirm) must_use;
/* No further step is run; what is done stays. ERR_STALE: it is done or cancelled already, or carried out right now. */
enum err steward_cancel(struct task *t, struct str plan_id) must_use;
/* Waits up to ms until the plan is done or parked. */
enum err steward_await(struct task *t, struct str plan_id, int64_t ms) must_use;

/* ---- for the runner ---- */
/* JOB_CHANGE_APPLY. Done or cancelled already is OK. */
enum err steward_run(struct task *t, struct str plan_id) must_use;
/* Accounts whose date has come (accounts_due), all realms: each gets one plan that disables it, in the transaction that
 * takes the date away. No directory is asked for it. */
enum err steward_due(struct task *t) must_use;

#endif
