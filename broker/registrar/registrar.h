/* registrar.h: registration, approval, activation. The door of this folder.
 *
 * State × event → state is one table in registration.c (transition); everything else reads it. */
#ifndef USHER_BROKER_REGISTRAR_REGISTRAR_H
#define USHER_BROKER_REGISTRAR_REGISTRAR_H

#include "broker/login/login.h"
#include "broker/sync/sync.h"

/* ---- the person ---- */
struct typed { /* one typed field */
	struct str name, value;
	const char *problem;       /* catalogue key of what is wrong, or NULL; out */
	struct str problem_detail; /* a profile's own sentence (pattern_message), a number, or empty; out */
};
struct submission {
	const struct profile_config *profile;
	struct typed *fields; /* declared fields only, in the profile's order, absent ones with empty value; "mail"
				 among them; "login_name" last where proposed */
	size_t n;
};
/* Checks every field; ERR_FIELDS with problems filled in. Then, in one transaction, the row, the notice job and the
 * audit. Nothing about the address being known shows in answer or time: the notice job looks and writes the fitting
 * mail. ERR_TOO_MANY for the address of the client; the mailbox's limit is silent. */
enum err registration_submit(struct task *t, struct submission *s) must_use;
/* The link's page: what will be confirmed. */
enum err registration_verify_look(struct task *t, struct str secret, struct registration **ret) must_use;
/* The link's POST: redeems and moves on to pending or approved. Again with a used link of the same registration:
 * ERR_EXPIRED, and the page offers to send a new one; so where another registration of the mailbox goes on
 * already. */
enum err registration_verify(struct task *t, struct str secret, struct registration **ret) must_use;
/* Waits up to ms for provisioning; true and an activation secret when it happened. */
enum err registration_await(
	struct task *t, struct str id, int64_t ms, bool *ret_ready, struct str *ret_activate_secret) must_use;
/* Sends the current link again: by profile and address typed; silent about what it knows; cool-down.
 * ERR_TOO_MANY: the address asked for too many mails. */
enum err registration_resend(struct task *t, const struct profile_config *p, struct str mail) must_use;

struct timeline_item {
	const char *key; /* catalogue key: "timeline.submitted", … */
	int64_t at;      /* 0: not yet */
	bool done, now, bad;
};
struct timeline {
	struct timeline_item v[8];
	size_t n;
};
void registration_timeline(
	const struct task *t, const struct registration *r, const struct profile_config *p, struct timeline *ret);
enum err registration_status(struct task *t, struct str secret, struct registration **ret) must_use;
enum err registration_withdraw(struct task *t, struct str secret) must_use;

/* ---- approvers ---- */
struct approver {
	bool is_operator;
	struct strs profiles; /* ids of the profiles that this person may decide on */
};
/* From the live directory. ERR_DENIED: neither. */
enum err approval_actor(struct task *t, const struct account *a, struct approver *ret) must_use;
struct approval {
	struct registration *registration;
	const struct profile_config *profile;
	struct plan *plan; /* what would be done now, collisions resolved */
	struct str digest, ldif;
	struct str failure; /* why no plan can be made now (directory down): then ldif is empty */
	struct strs groups; /* chosen or the profile's */
	struct str base;
	struct plan_row *running; /* once decided: what is, or was, done */
	struct plan_step_row *steps;
	size_t n_steps;
	struct audit_row *history;
	size_t n_history;
};
/* ERR_NOT_FOUND also for a profile that is not the approver's. base and groups: a choice to preview, or empty/NULL for
 * what stands. */
enum err approval_preview(struct task *t, const struct approver *who, struct str id, struct str base,
	const struct strs *groups, struct approval **ret) must_use;
struct decision {
	struct str id;
	bool approve;
	struct str reason;  /* needed for a rejection */
	struct str base;    /* within bases_allowed, or empty */
	struct strs groups; /* the whole choice: within groups and groups_allowed */
	struct str digest;  /* of the plan that was shown */
	int64_t version;    /* of the registration that was shown */
};
/* ERR_STALE: decided by another meanwhile, or the plan would differ by now. ERR_DENIED: own request, or not allowed.
 * ERR_FIELDS: reason missing, choice not allowed. */
enum err approval_decide(
	struct task *t, const struct approver *who, const struct account *actor, const struct decision *d) must_use;
/* Puts a parked plan's job back into the queue. */
enum err approval_retry(struct task *t, const struct approver *who, struct str id) must_use;

/* Cancels the plan of an approved registration, which then waits for a decision again. ERR_STALE: it is not waiting for
 * its plan, the plan is carried out right now, or its entry is there (then it is to be finished, or deleted by hand
 * first). */
enum err approval_cancel(struct task *t, const struct approver *who, struct str id) must_use;
/* Sends the activation mail again. ERR_STALE: the registration does not wait for a password. ERR_TOO_MANY: one was sent
 * to this mailbox only just now. */
enum err approval_resend(struct task *t, const struct approver *who, struct str id) must_use;

/* ---- activation ---- */
struct activation {
	struct registration *registration;
	struct entry *entry;
	struct password_policy policy;
};
enum err activation_look(struct task *t, struct str secret, struct activation *ret) must_use;
/* Sets the password straight into the directory, enables the entry, redeems the ticket. ERR_FIELDS: problem tells. Any
 * directory error releases the ticket. */
enum err activation_complete(
	struct task *t, struct str secret, struct str password, struct password_problem *problem) must_use;

/* ---- for the runner ---- */
/* JOB_PLAN_APPLY, whose subject is the registration: makes the plan where the decision could not (approved by rule
 * while the directory was down), carries it out, then account, state and NOTICE_ACTIVATE in one transaction. Done
 * already is OK. */
enum err registrar_provision(struct task *t, struct str registration_id) must_use;
/* JOB_PLAN_SETTLE, the like, where the directory has several controllers: what they have told each other since. An
 * entry that gives way to an older one with the same login name, and was not activated yet, is made again under the
 * plan's next name: the registration goes back to REGISTRATION_APPROVED, and links to the activation end. */
enum err registrar_settle(struct task *t, struct str registration_id) must_use;
/* Reminders, expiry, retention for one due registration (registrations_due). */
enum err registrar_due(struct task *t, struct registration *r) must_use;
/* What the notice job of a submission shall say. */
enum submission_notice {
	SUBMISSION_VERIFY,
	SUBMISSION_KNOWN,
	SUBMISSION_PENDING,
	SUBMISSION_ACTIVATE, /* the account is there and was never activated */
	SUBMISSION_NOTHING
};
/* *ret_open: the registration that already waits, for SUBMISSION_PENDING and SUBMISSION_ACTIVATE. */
enum err registrar_submission_notice(
	struct task *t, struct registration *r, enum submission_notice *ret, struct registration **ret_open) must_use;
/* The registration whose entry this is, where it still waits for its first password; else ERR_NOT_FOUND. */
enum err registrar_unactivated(struct task *t, const struct entry *entry, struct registration **ret) must_use;
/* After a mail said so: this submission ends, the account or the earlier request stands. */
enum err registrar_submission_end(struct task *t, struct registration *r) must_use;

/* ---- shared with tests ---- */
/* Login-name candidates, free ones first seen free, 1..LIMIT_CANDIDATES. */
enum err naming_settle(
	struct task *t, const struct profile_config *p, const struct registration *r, struct strs *ret) must_use;
/* Pattern "{given_name:1}{family_name}{n}" with these fields → a name, lower-case ASCII letters, digits, '.', '-', '_'.
 * n 0 drops {n}. */
struct str naming_expand(struct arena *a, struct str pattern, const struct typed *fields, size_t n_fields, int64_t n);
/* Whether approval is asked for, and why (a sentence for the approver). */
bool admission_needs_approval(
	struct arena *a, const struct profile_config *p, const struct typed *fields, size_t n, struct str *ret_why);
/* The fields of a registration as typed[]. */
enum err registration_fields(struct task *t, const struct registration *r, const struct profile_config *p,
	struct typed **ret, size_t *n) must_use;
void registrar_check_config(struct arena *a, const struct config *c, struct config_errors *errors);

#endif
