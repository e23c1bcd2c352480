/* sync.h: what was decided, carried out in the directory; and what changed there, carried out here. The door of this
 * folder. */
#ifndef USHER_BROKER_SYNC_SYNC_H
#define USHER_BROKER_SYNC_SYNC_H

#include "broker/account/account.h"
#include "federation/feed/feed.h"
#include "federation/plan/plan.h"

/* ---- outbound ---- */
/* Runs the plan from where its row says it stands: look, act, record, step by step; every step's record and progress is
 * a transaction, settled before the next effect; the last one also writes the day on which the account ends, where the
 * plan keeps one. OK: all steps are done, *ret is the finished row, *ret_plan its plan.
 * ERR_UNAVAILABLE, ERR_TIMEOUT: run it again later; what is done stays done. ERR_REFUSED, ERR_NOT_FOUND, ERR_EXISTS (no
 * candidate left), ERR_CONFIG: parked, the row's failure says why in a sentence. */
enum err outbound_run(struct task *t, struct str plan_id, struct plan_row **ret, struct plan **ret_plan) must_use;
/* Within the caller's transaction, once a plan has changed the account's entry: what a feed would tell of it counts
 * here at once, and also where none is followed. e, NULL: gone; read_at: when the look at it began. */
enum err outbound_follow(struct task *t, const struct account *a, const struct entry *e, int64_t read_at) must_use;
/* Of a plan that is done: looks at each controller for a second entry (plan_settle), and repairs what is provably ours,
 * recorded as above. Where the row's step went back, its entry has to give way: outbound_run has to be run again.
 * ERR_REFUSED: a person has to act. */
enum err outbound_settle(struct task *t, struct str plan_id, struct plan_row **ret, struct plan **ret_plan) must_use;
/* Within d->replication_lag after a plan wrote, other controllers may not have heard of it: from now on this task asks
 * the one that it wrote to (directory_pin). False: any will do. */
bool outbound_near(struct task *t, const struct directory_config *d, const struct plan_row *row);

/* ---- inbound ---- */
/* One transaction: mirror rows, ended sessions and grants, back-channel logouts as jobs, audit, the feed's row with its
 * cookie. What follows from a change of a linked account:
 *
 *   disabled, ended by date, locked for good, deleted: all its sessions and grants end, offline ones too
 *   locked for now, by wrong passwords: nothing
 *   password changed by others than us: the like, where the realm's session.end_on_password_change says so
 *   renamed, moved: the account's dn, login and mail follow, by stable id
 *   a group changed: groups that were read before are old, and read again at the next use
 *   a container was renamed or moved: the like, and a compare of all is wanted (reconciled_at 0)
 *
 * At batch.whole, who was not seen since f->pass_at is looked for once more, at each controller where there are
 * several, and is gone if no one shows them; but when more than FEED_GONE_MOST_PERCENT of the mirrored accounts, and
 * more than five, were not seen, nobody is looked for or ended: the row becomes FEED_STOPPED with the numbers and keeps
 * the cookie of before, operators are told, and "usherctl feed accept" lets it pass (FEED_ACCEPTED). Many that are gone
 * are ended five hundred a transaction, the cookie in the last. Applied twice, a batch has the effects of once. After
 * an error *f is as before. */
#define FEED_GONE_MOST_PERCENT 20
enum err inbound_apply(
	struct task *t, const struct directory_config *d, const struct feed_batch *batch, struct feed_row *f) must_use;
/* Expiry by date, which no feed tells: of all realms, what is due now. For the sweeper. */
enum err inbound_due(struct task *t) must_use;

/* The full compare of the mirrored accounts of a directory with what is there; differences are mended as inbound_apply
 * does, and counted. ERR_REFUSED: implausibly many would be gone, as there; then none of these is ended. It takes its
 * time: a minute for each hundred accounts at most. */
struct drift {
	int64_t looked, changed, gone, failed;
};
enum err reconcile_run(struct task *t, const struct directory_config *d, struct drift *ret) must_use;

/* One watcher (a thread) for each realm's directory whose feed is not off: opens the feed with the stored cookie,
 * applies batch by batch, and opens it again with back-off (0.5 s doubling to 30 s) when it breaks. One that was
 * stopped is asked anew when operators accept, and every five minutes. Logs feed.following, feed.failing, feed.stopped.
 * Compares in the hour after three at night, and when a container was moved. */
struct watch_settings {
	const struct config *(*config_now)(void);
};
enum err watch_start(const struct watch_settings *s) must_use;
void watch_reload(void); /* after a new configuration: all are started anew, from their cookies */
void watch_stop(void);

#endif
