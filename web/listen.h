/* listen.h: listening sockets by their names in the configuration. */
#ifndef USHER_WEB_LISTEN_H
#define USHER_WEB_LISTEN_H

#include "base/task.h"

/* "127.0.0.1:8080", "[::1]:8080" or "unix:/path" (mode 0660; a socket that nobody answers on any more is replaced).
 * Non-blocking. ERR_CONFIG: malformed; ERR_UNAVAILABLE: in use, or not allowed. */
enum err listen_open(struct task *t, struct str where, int *ret) must_use;
/* Removes the file of a unix socket. */
void listen_remove(struct str where);

#endif
