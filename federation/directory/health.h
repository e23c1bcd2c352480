/* health.h: what all workers know about one directory: which controllers are down, the breaker, binds in flight.
 * Private to this folder.
 *
 * One record per (id, CA file, domain and site, URIs) for the life of the process; it survives a reload of the
 * configuration. Thread-safe. */
#ifndef USHER_FEDERATION_DIRECTORY_HEALTH_H
#define USHER_FEDERATION_DIRECTORY_HEALTH_H

#include "federation/directory/directory.h"

struct health;

struct health *health_of(const struct directory_config *d);
/* False while the breaker is open: after five time-outs in a row, for five seconds. The one after that is a trial, and
 * others are refused for five seconds more, unless it gets an answer. */
bool health_allows(struct health *h);
bool health_is_silent(struct health *h); /* the last wait timed out */
void health_answered(struct health *h); /* an answer, whatever it said */
void health_timed_out(struct health *h);
/* A controller that does not answer is tried last for ten seconds. */
void health_uri_down(struct health *h, size_t uri);
void health_uri_up(struct health *h, size_t uri);
bool health_uri_is_down(struct health *h, size_t uri);
/* At most d->max_binds between enter and leave; waits for ms at most. */
enum err health_bind_enter(struct task *t, struct health *h, int64_t most, int64_t ms) must_use;
void health_bind_leave(struct health *h);
/* Our own bind was refused: the same credentials are not sent again for 30 seconds, or a password policy would lock our
 * account; others (a reload) are tried at once. */
void health_own_bind_refused(struct health *h, struct str bind_dn, struct str password);
bool health_own_bind_known_bad(struct health *h, struct str bind_dn, struct str password);
OWNED(health_bind, struct health *, health_bind_leave)

#endif
