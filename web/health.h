/* health.h: what monitoring asks: /healthz, /readyz, /metrics.
 *
 * Readiness is found out by a web worker when somebody asks, at most once in five seconds, and the last known state
 * is told, so that neither a slow store nor a frozen directory holds up the one who asks. Not ready: the store cannot
 * be read and written, the server drains, or no worker found time for half a minute. Directories that do not answer
 * are told, and so are their feeds; neither makes the daemon unready: other realms and what needs no directory go on.
 */
#ifndef USHER_WEB_HEALTH_H
#define USHER_WEB_HEALTH_H

#include "base/worker.h"
#include "web/response.h"

struct health;
struct health *health_new(struct pool *pool, const struct config *(*config_now)(void));
/* After the pool has ended. */
void health_free(struct health *h);
void health_drain(struct health *h);
void health_answer(struct health *h, struct task *t, struct str path, struct response *r);

#endif
