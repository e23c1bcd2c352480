#include "web/listen.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG     511
#define SOCKET_MODE 0660

/* What an administrator does about it. */
static const char *advice(int why, bool path) {
	switch (why) {
	case EADDRINUSE:
		return path ? "; another process listens there" : "; another process listens there (ss -ltnp names it)";
	case EADDRNOTAVAIL:
		return "; no interface of this machine has this address";
	case ENOENT:
		return "; its folder must exist";
	case EACCES:
		return path ? "; this user must be able to write its folder"
			    : "; ports below 1024 are not for ordinary users: take another, and put a web server in "
			      "front";
	default:
		return "";
	}
}

static enum err fail(struct task *t, int fd, struct str where, const char *what) {
	int why = errno;
	bool path = str_starts(where, STR("unix:"));
	if (fd >= 0)
		close(fd);
	return task_fail(t, ERR_UNAVAILABLE, "cannot listen at %.*s: %s: %s%s", FMT(where), what, strerrordesc_np(why),
		advice(why, path));
}

/* ---- unix ---- */
static bool unix_path(struct str where, struct sockaddr_un *ret) {
	struct str prefix = STR("unix:"), path = str_sub(where, prefix.n, where.n);
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!str_starts(where, prefix) || str_empty(path) || path.n >= sizeof(ret->sun_path))
		return false;
	memcpy(ret->sun_path, path.p, path.n);
	return true;
}

/* A file that a daemon left behind when it was killed. */
static void remove_stale(const struct sockaddr_un *address) {
	struct stat st;
	if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) && errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(fd);
}

static enum err open_unix(struct task *t, struct str where, int *ret) {
	struct sockaddr_un address;
	if (!unix_path(where, &address))
		return task_fail(t, ERR_CONFIG, "%.*s: not a path of at most 107 bytes", FMT(where));
	remove_stale(&address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fail(t, fd, where, "bind");
	if (chmod(address.sun_path, SOCKET_MODE) || listen(fd, BACKLOG))
		return fail(t, fd, where, "listen");
	*ret = fd;
	return OK;
}

void listen_remove(struct str where) {
	struct sockaddr_un address;
	if (unix_path(where, &address))
		unlink(address.sun_path);
}

/* ---- TCP ---- */
static bool split(struct str where, struct str *host, struct str *port) {
	size_t colon = where.n;
	while (colon && where.p[colon - 1] != ':')
		colon--;
	if (colon < 2)
		return false;
	*host = str_sub(where, 0, colon - 1);
	*port = str_sub(where, colon, where.n);
	if (str_starts(*host, STR("[")) && str_ends(*host, STR("]")))
		*host = str_sub(*host, 1, host->n - 2);
	return !str_empty(*host) && !str_empty(*port);
}

static enum err open_address(struct task *t, struct str where, const struct addrinfo *found, int *ret) {
	int on = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return fail(t, fd, where, "socket");
	if (bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, BACKLOG))
		return fail(t, fd, where, "listen");
	*ret = fd;
	return OK;
}

enum err listen_open(struct task *t, struct str where, int *ret) {
	struct str host, port;
	const char *host_text, *port_text;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE},
			*found;
	if (str_starts(where, STR("unix:")))
		return open_unix(t, where, ret);
	if (!split(where, &host, &port))
		return task_fail(t, ERR_CONFIG, "%.*s: not ADDRESS:PORT or unix:/PATH", FMT(where));
	TRY(task_cstr(t, host, &host_text));
	TRY(task_cstr(t, port, &port_text));
	if (getaddrinfo(host_text, port_text, &hints, &found))
		return task_fail(t, ERR_CONFIG, "%.*s: not ADDRESS:PORT", FMT(where));
	enum err code = open_address(t, where, found, ret);
	freeaddrinfo(found);
	return code;
}
