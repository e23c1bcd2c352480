/* der.h: values of controls, read in place and written. Private to this folder.
 *
 * liber ends a string that it reads in place by a NUL behind it, so that it would need a copy of what may be 8 MB; and
 * what is read here is flat. Definite lengths of any form are taken (X.690 8.1.3). */
#ifndef USHER_FEDERATION_FEED_DER_H
#define USHER_FEDERATION_FEED_DER_H

#include "base/buf.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_ENUM = 0x0a,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31
};

/* The tag of what comes next; -1 at the end. */
int der_tag(struct str rest);
/* Cuts one element off; false when none of this tag comes, or it is longer than what is there. */
bool der_take(struct str *rest, int tag, struct str *ret_content);
/* Of BOOLEAN, INTEGER and ENUMERATED of at most four bytes. */
bool der_take_number(struct str *rest, int tag, int32_t *ret);

void der_put(struct buf *b, int tag, struct str content);
void der_put_number(struct buf *b, int tag, int32_t number);

#endif
