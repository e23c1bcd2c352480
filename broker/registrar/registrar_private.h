/* registrar_private.h: shared by the files of this folder. */
#ifndef USHER_BROKER_REGISTRAR_REGISTRAR_PRIVATE_H
#define USHER_BROKER_REGISTRAR_REGISTRAR_PRIVATE_H

#include "broker/mail/mail.h"
#include "broker/registrar/registrar.h"

enum event {
	EVENT_SUBMIT_AGAIN, /* the same mailbox is already waiting, or has an account */
	EVENT_VERIFY_PENDING,
	EVENT_VERIFY_APPROVED,
	EVENT_APPROVE,
	EVENT_REJECT,
	EVENT_PROVISIONED,
	EVENT_ACTIVATE,
	EVENT_GIVE_WAY, /* another entry had the name before */
	EVENT_EXPIRE,
	EVENT_WITHDRAW,
	EVENT_CANCEL, /* its plan, before the entry is made */
	EVENTS
};
/* Moves the state by the table and writes the row with its audit record, within the caller's transaction. ERR_STALE
 * where the table has no such move, or another was faster. */
enum err registration_transition(struct task *t, struct registration *r, enum event event, struct str note) must_use;
bool registration_can(enum registration_state state, enum event event);

/* Checks the typed fields by the profile, sets problems; ERR_FIELDS. */
enum err admission_check(struct task *t, struct submission *s) must_use;
struct str typed_value(const struct typed *fields, size_t n, struct str name);
/* The plan of a registration as it would be now: base and groups chosen, or the profile's. */
enum err registration_plan(struct task *t, const struct registration *r, const struct profile_config *p,
	struct str base, struct strs groups, struct plan **ret) must_use;
/* When an entry that is made now ends, in wall-clock milliseconds; 0: never. */
int64_t registration_ends_at(const struct profile_config *p);
struct strs registration_groups(struct task *t, const struct registration *r, const struct profile_config *p);
struct str strs_json(struct arena *a, struct strs list);
enum err strs_parse(struct task *t, struct str json, struct strs *ret) must_use;
/* Plan row and its job, within the caller's transaction; sets r->plan_id. */
enum err plan_queue(struct task *t, struct registration *r, const struct plan *p) must_use;
enum err notice_queue(struct task *t, const char *notice, struct str subject, int64_t due_at) must_use;
/* A person's and an approver's profile of a registration; ERR_CONFIG when it is gone from the configuration. */
enum err registration_profile(struct task *t, const struct registration *r, const struct profile_config **ret) must_use;

#endif
