/* holder.h: answers that are ready and wait for their time.
 *
 * A refused login answers after the same time whatever was found on the way, so that nobody reads from a clock whether
 * a name is known. The wait holds no worker and no event thread: the answer lies here, its connection suspended.
 */
#ifndef USHER_WEB_HOLDER_H
#define USHER_WEB_HOLDER_H

#include "base/base.h"

struct holder;

/* release is called on the holder's thread, once for each item. NULL: no thread can be had. */
struct holder *holder_new(void (*release)(void *item));
/* Until due_ms of the monotonic clock. False where too many wait already: the caller releases it at once. */
bool holder_keep(struct holder *h, void *item, int64_t due_ms);
/* Releases all that wait, now. */
void holder_free(struct holder *h);

#endif
