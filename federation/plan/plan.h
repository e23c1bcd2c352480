/* plan.h: the exact list of directory operations that a decision will cause. The door of this folder.
 *
 * A plan is data. The same steps are shown to the approver as LDIF (RFC 2849), executed, retried after a crash, and
 * shown as history. It carries every login-name candidate, so what was seen is what is done even when the first name is
 * taken at the last moment. Its steps: CREATE (the entry, disabled, with our marker, and its group memberships in the
 * same transaction where the server can), JOIN for each group, READ_BACK (stable id and marker; everything is there).
 * A plan may also change somebody who is there: PLAN_UPDATE, whose steps stand in it one by one. Each finds the entry
 * by its stable id, whatever it is called by now, and is for the state that was seen when the plan was made. Each step
 * looks before it acts, so each may be run any number of times. */
#ifndef USHER_FEDERATION_PLAN_PLAN_H
#define USHER_FEDERATION_PLAN_PLAN_H

#include "federation/directory/directory.h"

struct plan_candidate {
	struct str login;
	struct str dn;
	struct attribute *attributes; /* all of the entry, the directory's names, in order */
	size_t n_attributes;
};
/* In the order in which they stand in a plan. */
enum update_kind {
	UPDATE_DISABLE,
	UPDATE_REPLACE, /* one attribute */
	UPDATE_LEAVE,
	UPDATE_JOIN,
	UPDATE_MOVE,   /* below another parent, under the same RDN */
	UPDATE_FOLLOW, /* a group that names the person by the DN of before a move, where the server leaves that to us
			*/
	UPDATE_KEEP,   /* the date at which it ends, where the directory has none: kept by us, and nothing is written */
	UPDATE_ENABLE,
	UPDATE_DELETE, /* last, and with nothing but what must go before it */
	UPDATE_KINDS
};
struct update_step {
	enum update_kind kind;
	struct str dn; /* the group; of UPDATE_MOVE the new parent; else empty */
	/* Values as they are written, the directory's names: of UPDATE_REPLACE one attribute, without values where none
	 * is to be left; of UPDATE_DISABLE and UPDATE_ENABLE what they mean for the entry as it was seen; of
	 * UPDATE_KEEP "ends" with a generalized time, or none: never. */
	struct attribute *attributes;
	size_t n_attributes;
	struct strs before; /* of UPDATE_REPLACE: the values that were seen */
};
enum plan_kind { PLAN_CREATE, PLAN_UPDATE };
struct plan {
	enum plan_kind kind;
	struct str directory; /* id of the realm's directory */

	/* PLAN_CREATE */
	struct str marker; /* our registration's id */
	struct plan_candidate *candidates;
	size_t n_candidates;
	struct strs groups; /* DNs */

	/* PLAN_UPDATE */
	struct str stable_id;
	struct str dn; /* as it was seen */
	struct update_step *updates;
	size_t n_updates;
};

struct plan_input {
	const struct directory_config *directory;
	struct str marker;
	struct str base;                    /* DN */
	struct strs logins;                 /* candidates, best first, 1..LIMIT_CANDIDATES */
	const struct attribute *attributes; /* our names or the directory's; values may hold "{login}" */
	size_t n_attributes;
	struct strs groups;
};
/* ERR_INVALID where a value cannot stand in the directory (length, characters), told by task_fail. */
enum err plan_build(struct task *t, const struct plan_input *input, struct plan **ret) must_use;

enum state_wish { WISH_NONE, WISH_ENABLE, WISH_DISABLE };
struct update_input {
	const struct directory_config *directory;
	const struct entry *entry;    /* as it is now */
	const struct groups *groups;  /* the person's; only direct ones count */
	struct attribute *attributes; /* our names or the directory's, each with all values that it shall have */
	size_t n_attributes;
	struct strs join, leave; /* DNs */
	enum state_wish enabled;
	struct strs *keep; /* the value of UPDATE_KEEP, or NULL */
	struct str parent; /* DN to move below, or empty */
	bool remove;       /* then nothing else may be wished for */
};
/* Wishes that are fulfilled already make no step: a plan may have none. ERR_INVALID as plan_build, and for an attribute
 * that is the directory's own (name, marker, password, object class, what disables). */
enum err update_build(struct task *t, const struct update_input *input, struct plan **ret) must_use;

struct str plan_json(struct arena *a, const struct plan *p); /* canonical: the same plan gives the same text */
enum err plan_parse(struct task *t, struct str json, struct plan **ret) must_use;
struct str plan_digest(struct arena *a, const struct plan *p); /* base64url SHA-256 of the canonical text */
/* RFC 2849 text of what will be written with this candidate; lines folded at 76; unsafe values in base64 with a
 * readable comment line before them. Of an update, what is replaced stands in comments; candidate does not count. */
struct str plan_ldif(struct arena *a, const struct plan *p, const struct directory_config *d, size_t candidate);

/* ---- execution ---- */
enum step_kind { STEP_CREATE, STEP_JOIN, STEP_READ_BACK };
struct plan_progress { /* kept in the store between steps by broker/sync */
	size_t candidate;
	size_t step;          /* next to run; == plan_steps() when all is done */
	struct str dn;        /* once created */
	struct str stable_id; /* once read back */
	/* Where the directory has several controllers: the one (URI) that the entry was, or is about to be, sent to;
	 * and since when that may be (wall-clock milliseconds). Another one shows the entry when it was replicated to
	 * it. */
	struct str controller;
	int64_t begun_at;
	struct str twin; /* stable id of an entry of this plan that is removed next */
};
size_t plan_steps(const struct plan *p);
struct str plan_step_title(struct arena *a, const struct plan *p,
	size_t step); /* "create uid=…", "join cn=…", "replace mail", …; of plan_steps(p) that of plan_settle */
/* Looks, acts if not yet done, says what was done; moves *progress on when the step is done. A taken name moves
 * progress->candidate on and stays at the step: OK is returned and report->result is 68; run again. ERR_EXISTS when no
 * candidate is left. ERR_REFUSED and ERR_NOT_FOUND (parent or group missing) park. `taken` tells the look apart: an
 * entry with our marker is ours whoever wrote the answer.
 * With several controllers, CREATE first says which one it will use, without a change there: OK is returned, and the
 * progress must be kept before it is run again. From then on all looks and changes go to that one. Where it does not
 * answer the others are looked at: an entry found there is gone on with, and one that is not found is made anew only
 * after d->replication_lag; until then ERR_UNAVAILABLE.
 * Two controllers may both have taken an entry before they heard of each other. A second one of this plan is removed:
 * our marker, a name of the plan, not enabled, and its stable id was kept in the run before. Where somebody else's
 * has the same login name, the one that was made later gives way: ours to its next name; the other's is not ours to
 * remove, and the plan parks.
 * Of an update: ERR_REFUSED also where an attribute or the place was changed meanwhile by others, so that what was seen
 * no longer holds; the detail names it and no value. ERR_NOT_FOUND: the entry is gone (UPDATE_DELETE: OK). For
 * d->replication_lag after a step the next ones go to the controller that took it, and to no other. */
enum err plan_step_run(struct task *t, const struct directory_config *d, const struct plan *p,
	struct plan_progress *progress, struct report *report) must_use;
/* Of a finished plan, d->replication_lag later, where the directory has several controllers: the same look at each of
 * them, since they hear of each other only afterwards. OK and report->result -1: all is as it should be. OK else:
 * something was done or is to be done; keep *progress and run it again, or, where progress->step went back, the plan.
 * ERR_UNAVAILABLE: a controller does not answer, or does not show the entry yet. ERR_REFUSED: a person has to act. */
enum err plan_settle(struct task *t, const struct directory_config *d, const struct plan *p,
	struct plan_progress *progress, struct report *report) must_use;

#endif
