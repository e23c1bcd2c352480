/* aside.h: a thread for one call into a library that knows no time-out, which nobody can end: whoever wants its result
 * waits as long as it may, and the thread ends by itself.
 *
 * The process does not wait for it. When it ends while such a thread runs, it leaves out what libraries do at their
 * end, which would take from under the thread what it works with: buffers are written, and that is all. */
#ifndef USHER_BASE_ASIDE_H
#define USHER_BASE_ASIDE_H

#include "base/base.h"

/* False: no thread could be made, and run is not called. All signals are blocked in it. */
bool aside_run(void (*run)(void *), void *arg) must_use;

#endif
