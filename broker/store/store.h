/* store.h: the data model on one page. The door of this folder.
 *
 * Rows are plain structs, filled in the task's arena. Every row carries its realm, and every look-up is within
 * t->realm_name; only the runner's and the sweeper's functions, which say so, cross realms. Ids are random_id() texts,
 * times wall-clock milliseconds, 0 is "not yet". *_hash columns hold SHA-256 of a bearer secret; the secret itself is
 * in no row. JSON columns are compact text.
 *
 * Transactions: store_begin … store_end. A change of state, its audit record and its jobs are one transaction. A commit
 * becomes durable by a sync shared by all who committed before it; store_settle waits for that. It is called once by
 * the worker before an answer leaves, and by whoever causes an effect outside (mail, directory) before that effect:
 * nothing leaves before everything the task wrote or read is safe, passing commits apart. A failed sync ends the
 * process.
 *
 * Errors of all functions besides those named: ERR_UNAVAILABLE (database busy past the deadline, disk full),
 * ERR_INTERNAL. Queries are written once, in the SQL that SQLite and PostgreSQL share, with ?N parameters; a driver
 * (driver.h) prepares, binds and steps. */
#ifndef USHER_BROKER_STORE_STORE_H
#define USHER_BROKER_STORE_STORE_H

#include "base/task.h"
#include "config/config.h"

/* ---- life ---- */
/* Opens (creates) the database, migrates it, holds one connection for the process's life. Refuses a newer schema.
 * Before any thread. */
enum err store_open(struct task *t, const struct config *c) must_use;
void store_close(void);
enum err store_begin(struct task *t) must_use; /* takes the write lock */
enum err store_end(
	struct task *t, enum err so_far) must_use; /* commits when so_far is OK, else rolls back and returns so_far */
/* The like, for what may go with the machine's power without harm to anybody (a session that begins, a code not yet
 * redeemed: the person begins anew): no answer waits until it is durable. It is so as soon as anything after it is, or
 * the system writes it by itself, and the end of the process alone does not lose it. With a job it is as store_end. */
enum err store_end_passing(struct task *t, enum err so_far) must_use;
enum err store_settle(struct task *t) must_use;
enum err store_backup(struct task *t,
	const char *path) must_use;            /* a consistent copy while others write; the target must not exist */
enum err store_check(struct task *t) must_use; /* can it read and write: for readiness */

/* ---- registrations ---- */
enum registration_state {
	REGISTRATION_SUBMITTED,   /* the address is to be proved */
	REGISTRATION_PENDING,     /* an approver decides */
	REGISTRATION_APPROVED,    /* the plan is being carried out */
	REGISTRATION_PROVISIONED, /* the entry exists, disabled; the person sets a password */
	REGISTRATION_ACTIVE,
	REGISTRATION_REJECTED,
	REGISTRATION_EXPIRED,
	REGISTRATION_WITHDRAWN,
	REGISTRATION_STATES
};
const char *registration_state_name(enum registration_state s); /* "submitted", … */
struct registration {
	struct str id, realm, profile;
	enum registration_state state;
	struct str mail;                  /* as typed: mail goes there and nowhere else */
	struct str mail_key;              /* normalised, for comparing */
	struct str fields;                /* JSON object name → text */
	struct str login_proposed, login; /* login: the one that was created */
	struct str base;                  /* chosen by the approver, or empty: the profile's */
	struct str groups;                /* JSON array chosen by the approver, or empty: the profile's */
	struct str approval_why;          /* which rule asked, for the approver */
	struct str decided_by, reason;
	int64_t decided_at;
	struct str plan_id, account_id;
	struct str address; /* client address at submission */
	int64_t created_at, updated_at, verified_at, reminded_at;
	int64_t due_at;  /* when the sweep looks at it next (reminder, expiry, retention), 0 never */
	int64_t version; /* of the row; every update needs the one it read */
};
enum err registrations_insert(struct task *t, const struct registration *r) must_use;
enum err registrations_find(struct task *t, struct str id, struct registration **ret) must_use; /* ERR_NOT_FOUND */
/* The newest that is not rejected, expired or withdrawn. ERR_NOT_FOUND. */
enum err registrations_find_open(struct task *t, struct str mail_key, struct registration **ret) must_use;
/* The newest that is pending, approved or provisioned: verified, and not yet active. ERR_NOT_FOUND. */
enum err registrations_find_waiting(struct task *t, struct str mail_key, struct registration **ret) must_use;
/* Whether another one of its mailbox was verified and goes on, or became active since this one was submitted. */
enum err registrations_has_twin(struct task *t, const struct registration *r, bool *ret) must_use;
/* Writes the whole row where version is r->version, and moves both on. ERR_STALE. */
enum err registrations_update(struct task *t, struct registration *r) must_use;
struct registration_filter {
	struct strs profiles; /* only these; empty: none */
	int state;            /* -1 any */
	struct str search;    /* part of mail, login or a field; ASCII case ignored */
	struct str after;     /* id of the last one of the page before, or empty */
	bool newest;          /* newest first; else oldest first */
	unsigned limit;       /* 1..200 */
};
enum err registrations_list(
	struct task *t, const struct registration_filter *f, struct registration **ret, size_t *n) must_use;
enum err registrations_count(struct task *t, struct strs profiles, int state, int64_t *ret) must_use;
enum err registrations_count_since(struct task *t, struct str mail_key, int64_t since, int64_t *ret) must_use;
enum err registrations_due(
	struct task *t, int64_t now, struct registration **ret, size_t *n) must_use; /* all realms; at most 100 */
enum err registrations_remove(
	struct task *t, struct str id) must_use; /* with its plan, steps and parked jobs; the audit stays */
/* Ids of those whose login candidate list could clash: logins of approved and provisioned ones, and of accounts. */
enum err registrations_login_reserved(struct task *t, struct str login, struct str except_id, bool *ret) must_use;

/* ---- plans ---- */
enum plan_state { PLAN_QUEUED, PLAN_RUNNING, PLAN_DONE, PLAN_PARKED, PLAN_CANCELLED, PLAN_DRAFT, PLAN_STATES };
const char *plan_state_name(enum plan_state s); /* "queued", … */
struct plan_row {
	struct str id, realm, directory;
	struct str registration_id; /* whose entry it makes, or empty */
	struct str account_id;      /* whose entry it changes, or empty */
	struct str body;            /* plan_json */
	struct str digest;
	enum plan_state state;
	int64_t candidate, step; /* progress */
	struct str dn, stable_id;
	struct str controller; /* progress too: plan.h */
	int64_t begun_at;
	struct str twin;
	struct str failure; /* why it is parked, a sentence for approvers */
	int64_t created_at, updated_at;
};
struct plan_step_row {
	struct str plan_id, realm;
	int64_t seq, step;
	struct str title, controller, diagnostic;
	int64_t result, ms, at;
};
enum err plans_insert(struct task *t, const struct plan_row *p) must_use;
enum err plans_find(struct task *t, struct str id, struct plan_row **ret) must_use;
enum err plans_update(struct task *t, const struct plan_row *p) must_use;
enum err plan_steps_insert(struct task *t, const struct plan_step_row *s) must_use; /* seq is given by the store */
enum err plan_steps_list(struct task *t, struct str plan_id, struct plan_step_row **ret, size_t *n) must_use;
enum err plans_list(struct task *t, int state, struct plan_row **ret, size_t *n) must_use; /* -1 any; newest 200 */
/* Of an account, drafts left out; newest 50. */
enum err plans_list_account(struct task *t, struct str account_id, struct plan_row **ret, size_t *n) must_use;

/* ---- accounts: the link between a person in a directory and a subject ---- */
struct account {
	struct str id, realm, directory, stable_id;
	struct str sub; /* random */
	struct str dn, login, mail;
	struct str marker; /* registration id when we made the entry, else empty */
	int64_t created_at, last_login_at;
	int64_t expires_at; /* when Usher is to disable it, 0 never: where the directory does not so by itself */
};
enum err accounts_insert(
	struct task *t, const struct account *a) must_use; /* ERR_EXISTS: (realm, directory, stable_id) is there */
enum err accounts_find(struct task *t, struct str id, struct account **ret) must_use;
enum err accounts_find_stable(
	struct task *t, struct str directory, struct str stable_id, struct account **ret) must_use;
enum err accounts_find_sub(struct task *t, struct str sub, struct account **ret) must_use;
enum err accounts_update(struct task *t, const struct account *a) must_use;
enum err accounts_logged_in(struct task *t, struct str id, int64_t at) must_use; /* last_login_at alone */
enum err accounts_list(
	struct task *t, struct str search, struct str after, unsigned limit, struct account **ret, size_t *n) must_use;
/* All realms: those whose expires_at has come; at most 100. */
enum err accounts_due(struct task *t, int64_t now, struct account **ret, size_t *n) must_use;

/* ---- mirror: what the directory told last of each linked account, and where its feed stands ---- */
enum mirror_state { MIRROR_LIVE, MIRROR_DISABLED, MIRROR_EXPIRED, MIRROR_GONE };
const char *mirror_state_name(enum mirror_state s); /* "live", … */
struct mirror {
	struct str realm, account_id, directory, stable_id;
	enum mirror_state state;
	int64_t locked;            /* 1: for now, by wrong passwords */
	int64_t expires_at;        /* the timer: no change event tells it */
	struct str password_stamp; /* of struct entry */
	struct str dn, login, mail;
	struct str attributes; /* JSON object: our name → array of texts; empty: they cannot be kept */
	struct str groups;     /* JSON array of {"dn", "name", "id", "sid", "via"} */
	int64_t read_at;       /* when the look began that the entry is from; an older look does not overwrite it */
	int64_t groups_at;     /* the like of the groups; 0: not read yet */
	int64_t seen_at;       /* when it was told or found last */
};
/* Inserts or overwrites the row of the account, entry and groups each only where read_at (groups_at) is newer. */
enum err mirrors_put(struct task *t, const struct mirror *m) must_use;
enum err mirrors_find(struct task *t, struct str account_id, struct mirror **ret) must_use; /* ERR_NOT_FOUND */
enum err mirrors_find_stable(
	struct task *t, struct str directory, struct str stable_id, struct mirror **ret) must_use; /* ERR_NOT_FOUND */
/* The groups alone, where those that are kept were read before. */
enum err mirrors_groups(struct task *t, struct str account_id, struct str groups, int64_t groups_at) must_use;
/* The state alone, found at; of MIRROR_GONE attributes and groups are not kept. */
enum err mirrors_state(struct task *t, struct str account_id, enum mirror_state state, int64_t at) must_use;
/* The account has another entry from now on; none is OK. */
enum err mirrors_remove(struct task *t, struct str account_id) must_use;
/* Of one person, whatever else stands in the row; none is OK. */
enum err mirrors_stamp(struct task *t, struct str directory, struct str stable_id, struct str stamp) must_use;
enum err mirrors_seen(struct task *t, struct str directory, struct str stable_id, int64_t at) must_use; /* none is OK */
/* Those not seen since at and not MIRROR_GONE; at most 500. And how many there are, with all that are not gone.
 * Lists leave out mail, lock, stamp, attributes and groups: mirrors_find has them. */
enum err mirrors_unseen(struct task *t, struct str directory, int64_t at, struct mirror **ret, size_t *n) must_use;
enum err mirrors_count(
	struct task *t, struct str directory, int64_t unseen_since, int64_t *ret_unseen, int64_t *ret_all) must_use;
/* All realms: live ones whose expires_at has come; at most 100. */
enum err mirrors_due(struct task *t, int64_t now, struct mirror **ret, size_t *n) must_use;
/* For reconcile: in the order of account ids, behind after; at most limit (1..500). */
enum err mirrors_list(struct task *t, struct str directory, struct str after, unsigned limit, struct mirror **ret,
	size_t *n) must_use;

enum feed_state {
	FEED_STARTING,
	FEED_FOLLOWING,
	FEED_FAILING,
	FEED_STOPPED, /* too many would be gone: operators must look */
	FEED_ACCEPTED /* they looked: the next time that everything is told, any number may be gone */
};
const char *feed_state_name(enum feed_state s);
struct feed_row {
	struct str realm, directory;
	struct str kind;   /* feed_name: the cookie of another kind is worth nothing */
	struct str cookie; /* bytes */
	struct str controller, detail;
	enum feed_state state;
	int64_t heard_at;      /* the feed was current then */
	int64_t told_at;       /* the last change */
	int64_t groups_at;     /* a group changed then: groups that were read before are old */
	int64_t pass_at;       /* since when it is told anew; what was seen before counts no more */
	int64_t reconciled_at; /* the last full compare */
};
enum err feeds_put(struct task *t, const struct feed_row *f) must_use;
enum err feeds_find(struct task *t, struct str directory, struct feed_row **ret) must_use; /* ERR_NOT_FOUND */
enum err feeds_list(struct task *t, struct feed_row **ret, size_t *n) must_use;

/* ---- one-time links ---- */
struct ticket {
	struct str hash, realm, purpose; /* "verify", "activate", "status", "reset" */
	struct str subject;              /* registration or account id */
	struct str bound;                /* what it proves: the exact mail address */
	int64_t created_at, expires_at, lease_until, used_at;
};
enum err tickets_insert(
	struct task *t, const struct ticket *k) must_use; /* the same hash again: OK, nothing changes (retried mail) */
enum err tickets_find(struct task *t, struct str hash, struct ticket **ret) must_use;
enum err tickets_lease(struct task *t, struct str hash, int64_t now,
	int64_t until) must_use; /* ERR_EXPIRED unless unused, unexpired, unleased */
enum err tickets_release(struct task *t, struct str hash) must_use;
enum err tickets_use(struct task *t, struct str hash, int64_t now) must_use; /* ERR_EXPIRED when used or expired */
enum err tickets_void(struct task *t, struct str purpose, struct str subject) must_use; /* all of them are used now */

/* ---- sessions ---- */
struct session {
	struct str id_hash, realm;
	struct str sid; /* public id, in ID and logout tokens */
	struct str account_id, amr;
	int64_t created_at, auth_time, seen_at, expires_at;
	struct str address, agent;
};
enum err sessions_insert(struct task *t, const struct session *s) must_use;
enum err sessions_find(
	struct task *t, struct str id_hash, struct session **ret) must_use; /* ERR_NOT_FOUND; the caller checks times */
enum err sessions_find_sid(struct task *t, struct str sid, struct session **ret) must_use;
enum err sessions_touch(struct task *t, struct str id_hash, int64_t seen_at) must_use;
enum err sessions_remove(struct task *t, struct str id_hash) must_use;
enum err sessions_remove_account(struct task *t, struct str account_id, struct str except_id_hash) must_use;
enum err sessions_list(
	struct task *t, struct str account_id, struct session **ret, size_t *n) must_use; /* newest 200 */
/* The newest of an account's but for most others. ERR_NOT_FOUND: it has no more than these. */
enum err sessions_find_beyond(struct task *t, struct str account_id, size_t most, struct session **ret) must_use;

/* ---- jobs ---- */
enum job_kind {
	JOB_NOTICE,       /* body: {"notice": name, …}; subject: registration or account id */
	JOB_PLAN_APPLY,   /* subject: registration id */
	JOB_LOGOUT,       /* back-channel logout; body: {"client":…, "sub":…, "sid":…}; subject: account id */
	JOB_CHANGE_APPLY, /* subject: plan id */
	JOB_PLAN_SETTLE,  /* subject: registration id */
	JOB_KINDS
};
enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_PARKED };
struct job {
	struct str id, realm;
	enum job_kind kind;
	enum job_state state;
	struct str subject, body;
	int64_t due_at, attempts, lease_until, created_at; /* attempts: how often it was claimed, this time included */
	struct str failure;
};
/* due_at 0: now. The new id is in *ret_id, which may be NULL. Wakes the runner of this process at commit. */
enum err jobs_insert(struct task *t, enum job_kind kind, struct str subject, struct str body, int64_t due_at,
	struct str *ret_id) must_use;
enum err jobs_claim(struct task *t, int64_t now, int64_t lease_until, bool logouts_too,
	struct job **ret) must_use; /* any realm, any kind, or all but JOB_LOGOUT; ERR_NOT_FOUND: nothing due */
enum err jobs_done(struct task *t, struct str id) must_use; /* any realm; removes it; gone already is OK */
enum err jobs_retry(struct task *t, struct str id, int64_t due_at, struct str failure) must_use; /* any realm */
enum err jobs_park(struct task *t, struct str id, struct str failure) must_use;                  /* any realm */
enum err jobs_requeue(struct task *t,
	struct str id) must_use; /* one that is parked, or waits for its next try: now, attempts 0; ERR_NOT_FOUND */
enum err jobs_find_subject(struct task *t, enum job_kind kind, struct str subject, struct job **ret) must_use;
enum err jobs_list(struct task *t, int state, struct job **ret, size_t *n) must_use; /* newest 200 */
enum err jobs_count(struct task *t, int state, int64_t *ret) must_use;               /* all realms */
enum err jobs_next_due(struct task *t, int64_t *ret) must_use; /* all realms; INT64_MAX when none */
/* Called after each commit that inserted a job; set once by the runner. */
void store_on_jobs(void (*wake)(void));

/* Leases of jobs and links end at once, in all realms: at the start of the one process that uses an SQLite file, what a
 * killed one held is nobody's. Not where nodes share a database. */
enum err jobs_free(struct task *t) must_use;
enum err tickets_free(struct task *t, int64_t now) must_use;

/* ---- audit ---- */
struct audit_row {
	struct str id, realm, actor, action; /* "registration.approve" */
	struct str subject, detail;          /* detail: JSON object without secrets */
	struct str reference, address;
	int64_t at;
};
enum err audit_insert(
	struct task *t, struct str action, struct str subject, struct str detail) must_use; /* the rest from the task */
struct audit_filter {
	struct str subject, actor, action, after; /* empty: any; action by prefix; after: id; newest first */
	unsigned limit;
};
enum err audit_list(struct task *t, const struct audit_filter *f, struct audit_row **ret, size_t *n) must_use;

/* ---- OpenID Connect ---- */
struct grant { /* what an account allowed a client: the family of a code, its tokens and refresh tokens */
	struct str id, realm, client, account_id, sid;
	struct str scope, nonce, redirect_uri, challenge; /* challenge: of S256 */
	struct str code_hash;
	int64_t code_expires_at, code_used_at;
	int64_t auth_time, created_at, expires_at, revoked_at;
	struct str amr;
};
enum err grants_insert(struct task *t, const struct grant *g) must_use;
enum err grants_find(struct task *t, struct str id, struct grant **ret) must_use;
/* Marks the code of the grant used in one statement, lets its row last until expires_at, and returns it: OK for exactly
 * one caller. ERR_NOT_FOUND: no such. ERR_EXPIRED. ERR_STALE: used before; *ret is filled then, so that the caller can
 * revoke the family (RFC 6749 4.1.2).
 */
enum err grants_use_code(struct task *t, struct str id, int64_t now, int64_t expires_at, struct grant **ret) must_use;
enum err grants_revoke(struct task *t, struct str id, int64_t now) must_use;
enum err grants_revoke_account(struct task *t, struct str account_id, int64_t now) must_use;
/* Those of a session that ends: not the ones with offline_access that were redeemed (OpenID Connect Core 11). */
enum err grants_revoke_sid(struct task *t, struct str sid, int64_t now) must_use;
enum err grants_list_sid(struct task *t, struct str sid, struct grant **ret, size_t *n) must_use;
enum err grants_list_account(struct task *t, struct str account_id, struct grant **ret, size_t *n) must_use;

/* Whom a session or an account is known to: each client and session once, where a code was redeemed; at most 1000, of
 * the newest 20,000 grants. */
struct party {
	struct str client, sid;
};
enum err parties_list_sid(struct task *t, struct str sid, struct party **ret, size_t *n) must_use;
/* By grants that are not revoked, also of sessions that are gone. */
enum err parties_list_account(struct task *t, struct str account_id, struct party **ret, size_t *n) must_use;

struct refresh {
	struct str hash, realm, grant_id, client;
	int64_t created_at, expires_at, used_at;
};
enum err refresh_insert(struct task *t, const struct refresh *r) must_use;
enum err refresh_find(struct task *t, struct str hash, struct refresh **ret) must_use;
/* As grants_use_code: exactly one caller wins; ERR_STALE with *ret for a reuse. */
enum err refresh_use(struct task *t, struct str hash, int64_t now, struct refresh **ret) must_use;

enum err revoked_tokens_insert(struct task *t, struct str jti, int64_t expires_at) must_use;
enum err revoked_tokens_has(struct task *t, struct str jti, bool *ret) must_use;

enum err consents_put(struct task *t, struct str account_id, struct str client, struct str scope, int64_t now) must_use;
enum err consents_find(
	struct task *t, struct str account_id, struct str client, struct str *ret_scope) must_use; /* ERR_NOT_FOUND */

enum key_state {
	KEY_NEXT,
	KEY_ACTIVE,
	KEY_RETIRED
}; /* published before it signs; signs; published until the last token ended */
struct signing_key {
	struct str kid, realm, alg;
	enum key_state state;
	struct str public_jwk; /* JSON */
	struct str sealed;     /* PKCS#8 DER, sealed with purpose "signing_key" */
	int64_t created_at, retired_at;
};
enum err signing_keys_insert(struct task *t, const struct signing_key *k) must_use;
enum err signing_keys_list(struct task *t, struct signing_key **ret, size_t *n) must_use;
enum err signing_keys_update(struct task *t, const struct signing_key *k) must_use;
enum err signing_keys_remove(struct task *t, struct str kid) must_use;

/* ---- the rest ---- */
/* A number that usherctl moves on when it changed what the daemon keeps in memory (keys). All realms. */
enum err generation_get(struct task *t, int64_t *ret) must_use;
enum err generation_bump(struct task *t) must_use;
/* Removes what is past its time, in steps of at most 500 rows a table; all realms. *ret_more: call again. Links, and
 * grants that expired or were revoked, stay a day longer, drafts of plans a week in all, and ended changes of people a
 * year; a grant takes its refresh tokens along. */
enum err store_sweep(struct task *t, int64_t now, bool *ret_more) must_use;

#endif
