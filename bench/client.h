/* client.h: an HTTP/1.1 client over one keep-alive connection, with cookies: what one user of the load is. */
#ifndef USHER_BENCH_CLIENT_H
#define USHER_BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#define COOKIES_MOST 8
#define ANSWER_MOST  (256 << 10)

struct cookie {
	char name[64], value[1024];
};
struct client {
	int fd;        /* -1: not connected; the next request connects */
	unsigned port; /* of 127.0.0.1 */
	struct cookie cookies[COOKIES_MOST];
	size_t n_cookies;
	int status;          /* of the last answer */
	char *body;          /* of the last answer, ended by NUL; valid until the next request */
	char location[4096]; /* of the last answer, without scheme and host; or empty */
	size_t n;
	char answer[ANSWER_MOST + 1];
};

/* form: NULL for a GET. headers: whole lines ended by CRLF, or "". False: no answer, or one that is not understood. */
bool client_send(struct client *c, const char *path, const char *headers, const char *form);
void client_close(struct client *c);
void client_forget(struct client *c); /* its cookies */

/* The text between before and the letter end, from the last answer's body; false when it is not there or too long. */
bool client_find(const struct client *c, const char *before, char end, char *ret, size_t room);

#endif
