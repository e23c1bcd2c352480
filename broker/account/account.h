/* account.h: the link between people and their entries, one-time links, the audit, throttles. The door of this folder.
 */
#ifndef USHER_BROKER_ACCOUNT_ACCOUNT_H
#define USHER_BROKER_ACCOUNT_ACCOUNT_H

#include "broker/store/store.h"
#include "federation/directory/directory.h"

/* ---- link ---- */
/* The account of this entry, made when there is none (people who were in the directory before Usher may log in too);
 * dn, login and mail are brought up to date. Bound to the stable id: a name reused by another entry is another account.
 * In a transaction of its own. */
enum err account_link(
	struct task *t, const struct directory_config *d, const struct entry *e, struct account **ret) must_use;
/* The entry of an account, by stable id. ERR_NOT_FOUND: deleted there. */
enum err account_entry(
	struct task *t, const struct account *a, const struct directory_config **ret_d, struct entry **ret) must_use;

/* ---- the person behind an account, as of now ---- */
/* From the mirror while the directory's feed is fresh: a row of the store, and no question to the directory. Else from
 * the directory itself, and the mirror is brought up to date. A disabled person's entry is returned with enabled false.
 * ERR_NOT_FOUND: deleted there. groups may be NULL where they are not wanted; then they are not read. */
enum err account_person(struct task *t, const struct account *a, const struct directory_config **ret_d,
	struct entry **ret, struct groups *groups) must_use;
/* What a look at the directory that began at read_at (wall clock) told of an account; groups may be NULL. In a
 * transaction of its own, and only where it tells something new. A person who may not log in (any more), and another
 * password than before, are left for inbound_apply, which acts on them. */
enum err mirror_take(struct task *t, const struct account *a, const struct entry *e, const struct groups *groups,
	int64_t read_at) must_use;
/* In the transaction that lets a person in whom a look that began at read_at found live. ERR_DENIED: the feed was
 * faster, and has told that they are not; or it is fresh, and told so in the minute before: the look may be of a server
 * that is behind. */
enum err mirror_admits(struct task *t, const struct account *a, int64_t read_at) must_use;
/* The watcher heard the directory: what the mirror says of it counts for the next MIRROR_FRESH_MS. Memory of the
 * process; nothing is fresh before the first call, and mirror_unheard ends it at once. */
#define MIRROR_FRESH_MS 5000
void mirror_heard(struct str realm, const struct directory_config *d);
void mirror_unheard(struct str realm, const struct directory_config *d);
bool mirror_fresh(struct str realm, const struct directory_config *d);
/* Groups that were read before at (wall clock) are old. The like memory. */
void mirror_groups_changed(struct str realm, const struct directory_config *d, int64_t at);
/* Around a password change of our own, so that what the feed tells of it ends no session: begin before the directory is
 * asked, end with whether it was done. A mark that nobody ends counts for two minutes. Who has a change refused again
 * and again must not hide one by others: where ours was not done, *ret_other is the stamp of such a one, else empty.
 * The feed may have told it already, so that the caller acts on it, and writes it (mirrors_stamp). */
enum err mirror_password_begin(struct task *t, const struct directory_config *d, struct str stable_id) must_use;
void mirror_password_end(
	struct task *t, const struct directory_config *d, struct str stable_id, bool done, struct str *ret_other);
/* For inbound_apply: the row of an account whose entry is e; groups and seen_at are those of the row before, which may
 * be NULL. */
struct mirror mirror_of(
	struct task *t, const struct account *a, const struct entry *e, const struct mirror *before, int64_t read_at);
/* Whether two rows say the same of the person, whenever it was read. */
bool mirror_same(const struct mirror *a, const struct mirror *b);
/* Whether somebody else than we changed the password, by the stamps of a row (NULL: none) and of an entry; *ret_stamp
 * is what stands in the row from now on: during a change of our own, its mark. Where there was no stamp before, one
 * that is a time (RFC 4517 3.3.13) since then tells a change; any other one is taken as it comes: the right to read it
 * may be new. */
bool mirror_password_changed(const struct mirror *before, struct str told, int64_t now, struct str *ret_stamp);

/* ---- one-time links ----
 * The secret is base64url(HMAC-SHA-256(derived key "ticket", purpose "\n" id)), so that the same notice gives the same
 * link and no secret is stored. */
#define TICKET_VERIFY   "verify"
#define TICKET_STATUS   "status"
#define TICKET_ACTIVATE "activate"
#define TICKET_RESET    "reset"
enum err ticket_issue(struct task *t, const char *purpose, struct str id, struct str subject, struct str bound,
	int64_t ttl_s, struct str *ret_secret) must_use;
/* Looks only (GET). ERR_EXPIRED: unknown, other purpose, used, or past its time; one answer. */
enum err ticket_check(struct task *t, const char *purpose, struct str secret, struct ticket **ret) must_use;
/* Takes a lease of 60 s for a POST that may fail halfway; ERR_EXPIRED as above, or leased by another. */
enum err ticket_claim(struct task *t, const char *purpose, struct str secret, struct ticket **ret) must_use;
enum err ticket_release(struct task *t, const struct ticket *k) must_use;
/* Within the caller's transaction. */
enum err ticket_redeem(struct task *t, const struct ticket *k) must_use;

/* ---- audit ---- */
/* Within the caller's transaction where there is one. Pairs of name and value; no secret is ever one. audit_record(t,
 * "registration.approve", id, AUDIT("decision", s), …). */
struct audit_pair {
	const char *name;
	struct str value;
};
#define AUDIT(name_, value_) ((struct audit_pair){(name_), (value_)})
enum err audit_write(
	struct task *t, const char *action, struct str subject, const struct audit_pair *pairs, size_t n) must_use;
#define audit_record(t, action, subject, ...)                                                                          \
	audit_write((t), (action), (subject), (const struct audit_pair[]){__VA_ARGS__},                                \
		sizeof((const struct audit_pair[]){__VA_ARGS__}) / sizeof(struct audit_pair))

/* ---- throttles: in memory, sharded, bounded (the oldest are forgotten), keys are hashed ---- */
enum throttle {
	THROTTLE_REGISTER_ADDRESS, /* config registrations_per_address in an hour */
	THROTTLE_REGISTER_MAILBOX, /* the like per mailbox; key: mail_key */
	THROTTLE_LOGIN_NAME,  /* failures: realm's login_max_failures in login_window; key: the typed name, folded by us
				 as directories may */
	THROTTLE_LOGIN_ENTRY, /* the like per entry, whatever name of it was typed; key: its directory and stable id */
	THROTTLE_WRONG, /* a wrong password of an entry: once in login_window; key: a MAC, password_mac of login */
	THROTTLE_LOGIN_ADDRESS, /* failures ×10 */
	THROTTLE_RESET,         /* reset mails per name and hour: 3 */
	THROTTLE_MAIL_ADDRESS,  /* mails asked for again, and resets: config registrations_per_address ×5 in an hour */
	THROTTLE_RESEND,        /* per mailbox; window: profile's resend_after */
	THROTTLE_LOCKED,        /* notices of a lock: one a day and account */
	THROTTLE_CLIENT,        /* failed client authentications per client id and address: 20 in a minute */
	THROTTLE_COUNT
};
/* Takes one of the key's allowance: ERR_TOO_MANY when none is left. The check and the count are one step, so parallel
 * requests cannot overrun it. IPv6 addresses count by /64. */
enum err throttle_take(struct task *t, enum throttle kind, struct str key) must_use;
/* Whether the next throttle_take would be refused; takes nothing. */
bool throttle_met(struct task *t, enum throttle kind, struct str key);
/* The like with a window of the caller's. */
enum err throttle_take_for(struct task *t, enum throttle kind, struct str key, int64_t window_s) must_use;
/* Gives it back: a login that succeeded counts as no failure. */
void throttle_give_back(struct task *t, enum throttle kind, struct str key);
/* Forgets a key's count altogether: a right password was seen. */
void throttle_clear(struct task *t, enum throttle kind, struct str key);
/* Seconds until one is free, for Retry-After; at least 1. */
int64_t throttle_wait_s(struct task *t, enum throttle kind, struct str key);

#endif
