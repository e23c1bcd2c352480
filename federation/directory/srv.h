/* srv.h: SRV records of DNS (RFC 2782), read out of an answer; private to this folder. What an answer holds is
 * anybody's: nothing of it is believed but names within the domain that was asked for. */
#ifndef USHER_FEDERATION_DIRECTORY_SRV_H
#define USHER_FEDERATION_DIRECTORY_SRV_H

#include "base/arena.h"
#include "base/str.h"

#define SRV_MOST   32u  /* records of one answer; the rest is left out */
#define SRV_ANSWER 8192 /* bytes of one answer */

struct srv {
	struct str host; /* lower case, without a dot at its end */
	unsigned priority, weight, port;
};
struct srvs {
	struct srv v[SRV_MOST];
	size_t n;
	int64_t ttl; /* seconds, the least of all */
};
/* The SRV records of an answer (RFC 1035 4.1) whose hosts lie below domain; the others, such as "." (there is no such
 * service) and names that are none, are left out. False: the packet is none. */
bool srv_parse(struct arena *a, struct str packet, struct str domain, struct srvs *ret);
/* In the order in which they are to be tried (RFC 2782): by priority, and within one by chance, the heavier the sooner.
 * draw: a number by chance below its argument, which is at least 1. */
void srv_order(struct srvs *s, uint32_t (*draw)(uint32_t below));

#endif
