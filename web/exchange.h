/* exchange.h: one request on its way from the socket to its answer, without a word of how the socket is read:
 * server.c does that.
 *
 * exchange_head, then exchange_body as often as there is some, then exchange_route; exchange_work where that says so;
 * exchange_end.
 */
#ifndef USHER_WEB_EXCHANGE_H
#define USHER_WEB_EXCHANGE_H

#include "base/worker.h"
#include "web/head.h"
#include "web/page.h"

struct exchange {
	struct work work;            /* first: the work is the exchange */
	const struct config *config; /* at the request's begin; for its whole life */
	const struct route *route;
	const struct realm *realm;
	struct arena *arena;         /* made when it is needed */
	struct head head;
	struct request request;
	struct str method, target;   /* as they were sent */
	struct str peer, address;
	char *body;                  /* in the arena, which overwrites it in the end */
	size_t n_body, room;
	bool too_large;
	int64_t began_us;
};

/* config, method, target, peer and head are set. Errors of head_check; the body's length as it was told is reserved. */
enum err exchange_head(struct exchange *x, bool http_1_1) must_use;
/* False: the connection is to be cut. A body over LIMIT_BODY is read and dropped for a while, so that its sender gets
 * to read the answer. */
bool exchange_body(struct exchange *x, const char *data, size_t n);
/* The answer to an error before there is a route. */
void exchange_refuse(struct exchange *x, struct task *t, enum err code, struct response *r);
/* The whole request is here. True: *r is the answer, made here without waiting for anything. False: a worker shall
 * call exchange_work. Begins the task. */
bool exchange_route(struct exchange *x, struct task *t, struct response *r);
/* On a worker. late: it waited too long. Leaves an answer that may be sent: all that it rests on is durable. */
void exchange_work(struct exchange *x, struct task *t, bool late, struct response *r);
/* Whether the answer is the same for everybody until the configuration or the keys change. */
bool exchange_constant(const struct exchange *x, const struct response *r);
/* One line in the log (without the query: one-time links stand there), and the metrics. t may be NULL. */
void exchange_record(const struct exchange *x, struct task *t, unsigned status);
void exchange_end(struct exchange *x);

#endif
