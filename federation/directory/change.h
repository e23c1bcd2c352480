/* change.h: operations of a directory_apply; private to this folder. */
#ifndef USHER_FEDERATION_DIRECTORY_CHANGE_H
#define USHER_FEDERATION_DIRECTORY_CHANGE_H

#include "federation/directory/driver.h"

struct op { /* a change, or one value of it */
	const struct change *change;
	const struct attribute *attributes;
	size_t n_attributes;
};
struct ops {
	struct op *v;
	size_t n;
};

enum err mods_of(struct task *t, int op, const struct attribute *attributes, size_t n, LDAPMod ***ret) must_use;
/* After an error the connection may be closed. */
enum err op_send(struct task *t, struct conn *c, const struct op *op, LDAPControl **controls, int *ret_msgid) must_use;
enum err op_not_sent(struct task *t, struct conn *c, int rc);
/* transaction.c: all of them, or none. */
enum err transaction_run(struct task *t, struct conn *c, struct ops *ops, struct report *report) must_use;

#endif
