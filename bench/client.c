#include "client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REQUEST_MOST (32 << 10)
#define WAIT_S       20

void client_close(struct client *c) {
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void client_forget(struct client *c) {
	c->n_cookies = 0;
}

static bool client_connect(struct client *c) {
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval wait = {.tv_sec = WAIT_S};
	int yes = 1;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return false;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (!connect(c->fd, (const struct sockaddr *)&to, sizeof(to)))
		return true;
	client_close(c);
	return false;
}

/* ---- cookies ---- */
static void cookie_keep(struct client *c, const char *text) {
	struct cookie got = {0};
	if (sscanf(text, "%63[^=]=%1023[^;\r\n]", got.name, got.value) < 1)
		return;
	size_t i = 0;
	while (i < c->n_cookies && strcmp(c->cookies[i].name, got.name))
		i++;
	if (i == COOKIES_MOST)
		return;
	if (!got.value[0]) { /* ended */
		if (i < c->n_cookies)
			c->cookies[i] = c->cookies[--c->n_cookies];
		return;
	}
	c->cookies[i] = got;
	if (i == c->n_cookies)
		c->n_cookies++;
}

static void put_cookies(const struct client *c, FILE *to) {
	for (size_t i = 0; i < c->n_cookies; i++)
		fprintf(to, "%s%s=%s", i ? "; " : "Cookie: ", c->cookies[i].name, c->cookies[i].value);
	if (c->n_cookies)
		fputs("\r\n", to);
}

/* ---- the answer ---- */
static void location_keep(struct client *c, const char *value, size_t n) {
	const char *host = strstr(value, "://"),
		   *path = host ? memchr(host + 3, '/', (size_t)(value + n - host - 3)) : value;
	if (!path || path > value + n)
		path = value;
	snprintf(c->location, sizeof(c->location), "%.*s", (int)(value + n - path), path);
}

static void header_read(struct client *c, const char *line, size_t n, long *length, bool *closes) {
	static const char cookie[] = "Set-Cookie: ", location[] = "Location: ", size[] = "Content-Length: ";
	if (!strncasecmp(line, size, sizeof(size) - 1))
		*length = strtol(line + sizeof(size) - 1, NULL, 10);
	else if (!strncasecmp(line, location, sizeof(location) - 1))
		location_keep(c, line + sizeof(location) - 1, n - (sizeof(location) - 1));
	else if (!strncasecmp(line, cookie, sizeof(cookie) - 1))
		cookie_keep(c, line + sizeof(cookie) - 1);
	else if (!strncasecmp(line, "Connection: close", 17))
		*closes = true;
}

static bool receive(struct client *c) {
	ssize_t n = c->n < ANSWER_MOST ? recv(c->fd, c->answer + c->n, ANSWER_MOST - c->n, 0) : 0;
	if (n <= 0)
		return false;
	c->n += (size_t)n;
	c->answer[c->n] = 0;
	return true;
}

static bool answer_read(struct client *c) {
	char *end = NULL;
	long length = 0;
	bool closes = false;
	c->n = 0;
	c->answer[0] = c->location[0] = 0;
	while (!(end = strstr(c->answer, "\r\n\r\n")))
		if (!receive(c))
			return false;
	if (sscanf(c->answer, "HTTP/1.1 %d", &c->status) != 1)
		return false;
	for (char *line = strstr(c->answer, "\r\n") + 2; line < end;) {
		char *next = strstr(line, "\r\n");
		header_read(c, line, (size_t)(next - line), &length, &closes);
		line = next + 2;
	}
	c->body = end + 4;
	while (c->n < (size_t)(c->body - c->answer) + (size_t)length)
		if (!receive(c))
			return false;
	if (closes)
		client_close(c);
	return true;
}

/* ---- the request ---- */
static size_t request_write(const struct client *c, char *to, const char *path, const char *headers, const char *form) {
	FILE *out = fmemopen(to, REQUEST_MOST, "w");
	if (!out)
		abort();
	fprintf(out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s", form ? "POST" : "GET", path, c->port, headers);
	put_cookies(c, out);
	if (form)
		fprintf(out, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n",
			strlen(form));
	fprintf(out, "\r\n%s", form ? form : "");
	long n = ftell(out);
	fclose(out);
	return n > 0 && n < REQUEST_MOST ? (size_t)n : 0;
}

bool client_send(struct client *c, const char *path, const char *headers, const char *form) {
	char request[REQUEST_MOST];
	size_t n = request_write(c, request, path, headers, form);
	if (!n || (c->fd < 0 && !client_connect(c)))
		return false;
	if (send(c->fd, request, n, MSG_NOSIGNAL) == (ssize_t)n && answer_read(c))
		return true;
	client_close(c);
	return false;
}

bool client_find(const struct client *c, const char *before, char end, char *ret, size_t room) {
	const char *from = c->body ? strstr(c->body, before) : NULL,
		   *to = from ? strchr(from + strlen(before), end) : NULL;
	if (!to || (size_t)(to - from) - strlen(before) >= room)
		return false;
	snprintf(ret, room, "%.*s", (int)((size_t)(to - from) - strlen(before)), from + strlen(before));
	return true;
}
