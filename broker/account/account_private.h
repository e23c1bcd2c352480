/* account_private.h: shared by the files of this folder. */
#ifndef USHER_BROKER_ACCOUNT_ACCOUNT_PRIVATE_H
#define USHER_BROKER_ACCOUNT_ACCOUNT_PRIVATE_H

#include "broker/account/account.h"

/* A typed user name as the throttles count it. */
struct str login_name_key(struct arena *a, struct str username);

/* Since when groups that were read before are old. */
int64_t mirror_groups_since(struct str realm, const struct directory_config *d);
/* Empty when they cannot be kept: too many, or a name that is no text. */
struct str groups_text(struct arena *a, const struct groups *groups);
/* The row's entry with the state of now. ERR_INVALID: not as mirror_of wrote it. */
enum err mirror_entry(
	struct task *t, const struct directory_config *d, const struct mirror *m, struct entry **ret) must_use;
enum err mirror_groups(struct task *t, const struct mirror *m, struct groups *ret) must_use;
/* The mark of a change of our own, over the stamp that was there; and back, false when there is none. */
struct str stamp_own(struct arena *a, struct str before, int64_t now);
bool stamp_read(struct str stamp, int64_t *ret_at, struct str *ret_old);

#endif
