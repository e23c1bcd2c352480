/* login.h: who someone is, proved; and the session that remembers it. The door of this folder. */
#ifndef USHER_BROKER_LOGIN_LOGIN_H
#define USHER_BROKER_LOGIN_LOGIN_H

#include "broker/account/account.h"
#include "federation/policy/policy.h"

enum login_result {
	LOGIN_OK,
	LOGIN_REFUSED,     /* wrong, unknown, locked, disabled, ambiguous: one answer, one time */
	LOGIN_MUST_CHANGE, /* right password: lead to the change page */
	LOGIN_EXPIRED,     /* right password, past its time: lead to the change page */
	LOGIN_THROTTLED,
};
struct login {
	enum login_result result;
	struct account *account; /* LOGIN_OK */
	struct str session;      /* LOGIN_OK: the new session's secret, for the cookie */
	struct str sid;
	int64_t retry_after_s;         /* LOGIN_THROTTLED */
	int64_t expires_in;            /* seconds until the password expires when the directory warns, else -1 */
	struct password_policy policy; /* LOGIN_MUST_CHANGE, LOGIN_EXPIRED: what to show beside the new password */
};
/* Throttle → find → bind → link → session (a new secret always; an old one of this browser, if given, ends, and
 * hands its sid on where it was the same person's). A lock
 * found on the way queues the notice to the person (once a day). Unknown names bind to nothing but take the way of a
 * wrong password (one search and one bind on a name that cannot exist). Returns an error only when the directory or the
 * store does. */
enum err login_password(struct task *t, struct str username, struct str password, struct str old_session,
	struct str agent, struct login *ret) must_use;

/* After a new password by a link: failures counted for this person, and for the names that the directory gives them,
 * are of the past. Those of the client's address stay. */
void login_forget_failures(struct task *t, const struct directory_config *d, const struct entry *e);

/* Whom a typed name means, as at a login. ERR_NOT_FOUND: nobody; ERR_EXISTS: more than one. */
enum err login_lookup(struct task *t, struct str username, const struct directory_config **ret_directory,
	struct entry **ret) must_use;

struct login_state {
	struct session *session;
	struct account *account;
};
/* ERR_LOGIN when there is none, or it is past its ttl or idle time. Touches it at most once a minute. */
enum err login_session(struct task *t, struct str secret, struct login_state *ret) must_use;
/* Ends the session, revokes its grants' refresh tokens that are not offline, and queues back-channel logouts in the
 * same transaction: one job for each client that redeemed a code in this session and has a backchannel_logout_uri. */
enum err login_end(struct task *t, const struct login_state *s) must_use;
/* The like, by the public id that an ID token of ours carries: a browser sends no SameSite cookie with a POST that an
 * application made. Where the session has gone by its time, what came of it ends now. Gone already is OK. */
enum err login_end_sid(struct task *t, struct str sid) must_use;
/* All sessions of an account but one (empty: none), with their grants; also grants of sessions that have gone by their
 * time, offline ones excepted. For the account page; within the caller's transaction. */
enum err login_end_others(struct task *t, struct str account_id, struct str except_id_hash) must_use;
/* All sessions and all grants of an account, offline ones too; within the caller's transaction. Each session's clients
 * are told, and so are those that hold grants of sessions that are gone: by the person alone, or by each session where
 * the client wants that. Records account.sessions_ended with why. */
enum err login_end_account(struct task *t, struct str account_id, const char *why) must_use;

/* What went wrong at a password field. */
struct password_problem {
	const char *reason_key;        /* catalogue key, NULL when fine */
	bool old_wrong;                /* the old password is the problem */
	struct password_policy policy; /* of login_change_password where the old one is right: what to show again */
};
/* Changes as the person. Works for expired and must-change. Ends other sessions. ERR_FIELDS fills *problem;
 * ERR_TOO_MANY. */
enum err login_change_password(struct task *t, struct str username, struct str old_password, struct str new_password,
	struct password_problem *problem) must_use;
/* Forgotten password: queues the job whatever the name is; the job looks. Same answer, same time.
 * ERR_TOO_MANY: the address asked for too many mails. */
enum err login_reset_request(struct task *t, struct str username) must_use;
/* The link's POST. ERR_EXPIRED, ERR_FIELDS. */
enum err login_reset_complete(
	struct task *t, struct str secret, struct str new_password, struct password_problem *problem) must_use;
/* The policy to show beside a password field, and the words that must not be in it. */
enum err login_password_rules(
	struct task *t, const struct directory_config *d, struct str dn, struct password_policy *ret) must_use;
/* zxcvbn, bounds, then the directory: shared by change, reset and activation. Sets it by the service account. */
enum err login_set_password(struct task *t, const struct directory_config *d, const struct entry *e,
	struct str password, struct password_problem *problem) must_use;

/* A person and their groups at this moment, as account_person has them. */
struct person {
	const struct directory_config *directory;
	struct entry *entry;
	struct groups groups;
};
/* ERR_NOT_FOUND: deleted; ERR_DENIED: disabled there. */
enum err login_person(struct task *t, const struct account *a, struct person *ret) must_use;

#endif
