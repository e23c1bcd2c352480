/* reaper.h: connections that take too long are shut down.
 *
 * libmicrohttpd's own time-out counts only silence: one byte a second keeps a request alive for ever. Here each phase
 * of a connection has an end.
 */
#ifndef USHER_WEB_REAPER_H
#define USHER_WEB_REAPER_H

#include <stdatomic.h>

#include "base/str.h"

struct peer {
	struct peer *next, *before;
	int fd;
	_Atomic int64_t deadline; /* monotonic milliseconds */
	char address[48];         /* "unix", or an IP address */
};
struct reaper;

/* One thread, which looks every second. NULL: no thread can be had. */
struct reaper *reaper_new(void);
void reaper_free(struct reaper *r);
/* A new connection: its first request must be read within ms. */
struct peer *reaper_add(struct reaper *r, int fd, int64_t ms);
/* Before fd is closed. */
void reaper_remove(struct reaper *r, struct peer *p);
/* The present phase ends in ms; 0: it has no end. */
void peer_deadline(struct peer *p, int64_t ms);

#endif
