/* record.h: rows to arguments, and columns to rows. Private to this folder. */
#ifndef USHER_BROKER_STORE_RECORD_H
#define USHER_BROKER_STORE_RECORD_H

#include "broker/store/driver.h"

struct cursor {
	const struct store_driver *driver;
	void *connection;
};

/* values has room for r->n. */
enum err record_bind(struct task *t, const struct record *r, const void *row, struct value *values) must_use;
/* From the row that the cursor stands on. */
enum err record_read(struct task *t, const struct record *r, const struct cursor *from, void *row) must_use;

#endif
