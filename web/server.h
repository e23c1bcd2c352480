/* server.h: HTTP. The only file that includes libmicrohttpd is server.c.
 *
 * Poll mode, a thread per core (the epoll loop of 0.9.75 stalls). An event thread reads a request within its limits,
 * refuses smuggling shapes (two Content-Length, two Host, both Transfer-Encoding and Content-Length, %00, bare
 * oddities: 400), finds the route, answers inline ones itself and suspends the others for a worker.
 */
#ifndef USHER_WEB_SERVER_H
#define USHER_WEB_SERVER_H

#include "base/worker.h"
#include "web/page.h"

struct server;
/* config_now: the present configuration, for each request. */
enum err server_start(
	struct task *t, const struct config *c, const struct config *(*config_now)(void), struct server **ret) must_use;
/* Prebuilt answers of inline routes that are constant (discovery, JWKS, assets) are forgotten and rebuilt at next
 * use. */
void server_forget(struct server *s);
/* Draining: new requests get 503 and Connection: close, running ones end (10 s at most), then all stops. */
void server_stop(struct server *s);

#endif
