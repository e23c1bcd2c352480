#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_private.h"

static void close_file(const int *fd) {
	if (*fd >= 0)
		close(*fd);
}
#define owned_fd __attribute__((cleanup(close_file)))

/* Paths of the configuration hold no NUL: control characters were refused. */
static const char *cstr(struct arena *a, struct str s) {
	char *c = arena_alloc(a, s.n + 1);
	if (s.n)
		memcpy(c, s.p, s.n);
	return c;
}

static const char *errno_phrase(struct arena *a, const char *what) {
	char text[128];
	return cstr(a, str_printf(a, "%s: %s", what, strerror_r(errno, text, sizeof(text))));
}

static const char *read_all(struct arena *a, int fd, size_t size, struct str *ret) {
	char *text = arena_alloc(a, size + 1);
	size_t n = 0;
	while (n < size) {
		ssize_t got = read(fd, text + n, size - n);
		if (got < 0)
			return errno_phrase(a, "cannot be read");
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret = str_slice(text, n);
	return NULL;
}

static const char *open_file(struct arena *a, struct str path, bool folder, int *ret, struct stat *st) {
	/* O_NONBLOCK: a fifo in its place must not stop the start. */
	int fd = open(cstr(a, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (folder ? O_DIRECTORY : 0));
	if (fd < 0)
		return errno_phrase(a, "cannot be read");
	*ret = fd;
	if (fstat(fd, st) < 0)
		return errno_phrase(a, "cannot be read");
	if (!folder && !S_ISREG(st->st_mode))
		return "is not a file";
	return NULL;
}

const char *file_check(struct arena *a, struct str path, bool folder) {
	owned_fd int fd = -1;
	struct stat st;
	return open_file(a, path, folder, &fd, &st);
}

const char *file_read(struct arena *a, struct str path, size_t limit, bool secret, struct str *ret) {
	owned_fd int fd = -1;
	struct stat st;
	const char *why = open_file(a, path, false, &fd, &st);
	if (why)
		return why;
	if (secret && (st.st_mode & S_IRWXO))
		return "holds a secret and may be read or written by everybody: chmod o-rwx";
	if ((uint64_t)st.st_size > limit)
		return "is too large";
	return read_all(a, fd, (size_t)st.st_size, ret);
}

struct str path_resolve(struct arena *a, struct str folder, struct str path) {
	if (str_empty(folder) || str_starts(path, STR("/")))
		return str_dup(a, path);
	return str_printf(a, "%.*s%s%.*s", FMT(folder), str_ends(folder, STR("/")) ? "" : "/", FMT(path));
}

const char *secret_read(struct load *l, struct str path, struct str *ret) {
	struct str s = STR("not read");
	const char *why = l->files ? file_read(l->arena, path, LIMIT_PASSWORD + 2, true, &s) : NULL;
	if (why)
		return why;
	if (str_ends(s, STR("\n")))
		s = str_sub(s, 0, s.n - 1);
	if (str_ends(s, STR("\r")))
		s = str_sub(s, 0, s.n - 1);
	if (str_empty(s))
		return "is empty";
	if (s.n > LIMIT_PASSWORD)
		return "is too large";
	if (!str_utf8(s) || str_has_control(s))
		return "holds more than one line, or what is not text";
	*ret = s;
	return NULL;
}
