/* failpoint.h: points where tests kill the process, to see what a crash there leaves behind.
 *
 * Compiled in by --enable-failpoints alone. Hits are counted from 1. USHER_FAILPOINT=NAME:N (or N, of all names
 * together) in the environment kills the process (SIGKILL) at its Nth hit; USHER_FAILPOINT_LOG=FILE appends "N name"
 * for each. */
#ifndef USHER_BASE_FAILPOINT_H
#define USHER_BASE_FAILPOINT_H

#if __has_include("build.h")
#include "build.h"
#endif

#ifdef USHER_FAILPOINTS
void failpoint_hit(const char *name);
#else
#define failpoint_hit(name) ((void)(name))
#endif

#endif
