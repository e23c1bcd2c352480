/* login_private.h: shared by the files of this folder. */
#ifndef USHER_BROKER_LOGIN_LOGIN_PRIVATE_H
#define USHER_BROKER_LOGIN_LOGIN_PRIVATE_H

#include "broker/login/login.h"

#define SESSIONS_MOST 1000u /* of one account; the oldest beyond end */

struct found {
	const struct directory_config
		*directory; /* the last one asked, also when nobody was found; NULL: no directory takes this name */
	struct entry *entry;
	int64_t read_at;  /* when the look began, by the wall clock */
	int64_t began_us; /* the like, monotonic */
	bool ambiguous;   /* more than one has the name: nobody is meant */
};
/* In the directories that the name may belong to: one whose login_suffix it bears, else those whose mail_domains it
 * fits. One that timed out last is asked only when no other knows the name. ERR_NOT_FOUND: nobody, or more than one, in
 * one directory or in several. */
enum err login_find(struct task *t, struct str username, struct found *ret) must_use;
/* Finds and binds; an unknown name is VERDICT_WRONG by the same way. */
enum err login_verify(struct task *t, struct str username, struct str password, struct found *found, enum verdict *ret,
	struct verify_detail *detail) must_use;
/* Takes one failure of the name's and the address's allowance in advance; ERR_TOO_MANY with seconds to wait. */
enum err login_admit(struct task *t, struct str username, int64_t *ret_wait_s) must_use;
/* Gives it back: no failure; with a right password the name's count starts anew. */
void login_admit_undo(struct task *t, struct str username, bool right_password);
/* A new session with a new secret; what was there in this browser ends. Of the same person's it keeps the sid. Within
 * the caller's transaction. */
enum err session_open(
	struct task *t, const struct account *a, struct str old_session, struct str agent, struct login *ret) must_use;
/* ending.c, both within the caller's transaction. Removes the session, revokes its grants that are not offline, and
 * inserts one JOB_LOGOUT for each client that it is known to and that is to be told. */
enum err session_end(struct task *t, const struct session *s) must_use;
/* The like where the session's row went by its time, for what came of it; not for offline grants. */
enum err session_gone_end(struct task *t, struct str sid) must_use;
/* All sessions of the account but one (empty: none). */
enum err sessions_end(struct task *t, struct str account_id, struct str except_id_hash) must_use;
/* All sessions and all grants, with the jobs; without a record of its own. */
enum err account_end(struct task *t, struct str account_id) must_use;
/* Whether it ended since: in a transaction, which no end can overtake. */
bool account_ended_since(struct str account_id, int64_t began_us);
/* The policy that holds for whom we found; where it cannot be read, an unknown one: the directory still decides. Clears
 * the task's failure. */
struct password_policy rules_to_show(struct task *t, const struct found *found);
struct str session_hash(struct task *t, struct str secret);
/* Words that must not make up a password. */
struct strs password_words(struct task *t, const struct entry *e);
/* Strength and bounds before the directory is asked; ERR_FIELDS. */
enum err password_check(
	struct task *t, const struct entry *e, struct str password, struct password_problem *problem) must_use;

#endif
