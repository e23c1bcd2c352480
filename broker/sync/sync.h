/* sync.h: what was decided, carried out in the directory. The door of this folder. (Inbound follows with the feeds.) */
#ifndef USHER_BROKER_SYNC_SYNC_H
#define USHER_BROKER_SYNC_SYNC_H

#include "broker/account/account.h"
#include "federation/plan/plan.h"

/* Runs the plan from where its row says it stands: look, act, record, step by step; every step's record and progress is
 * a transaction, settled before the next effect. OK: all steps are done, *ret is the finished row. ERR_UNAVAILABLE,
 * ERR_TIMEOUT: run it again later; what is done stays done. ERR_REFUSED, ERR_NOT_FOUND, ERR_EXISTS (no candidate left),
 * ERR_CONFIG: parked, the row's failure says why in a sentence. */
enum err outbound_run(struct task *t, struct str plan_id, struct plan_row **ret) must_use;

#endif
