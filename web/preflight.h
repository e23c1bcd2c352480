/* preflight.h: the doctor's cheap checks, once, after the daemon has started. In a thread of its own: readiness does
 * not wait for directories. */
#ifndef USHER_WEB_PREFLIGHT_H
#define USHER_WEB_PREFLIGHT_H

#include "config/config.h"

/* Looks at each directory of each realm, and logs doctor.warning and doctor.error for what is not well. c stays as it
 * is until preflight_stop. Where no thread can be made it is logged, and that is all. */
void preflight_start(const struct config *c);
/* Waits for the check that runs: as long as a directory's time-outs at most. */
void preflight_stop(void);

#endif
