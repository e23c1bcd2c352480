#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/secret.h"
#include "broker/mail/mail_private.h"

#define TIME_DIGITS 13u /* milliseconds since 1970 */
#define SUFFIX      ".eml"
#define LIST_MOST   50u        /* messages shown */
#define LIST_BYTES  (2u << 20) /* of them together */

static void fd_close(int *fd) {
	if (*fd >= 0)
		close(*fd);
}
#define owned_fd __attribute__((cleanup(fd_close)))
OWNED(folder, DIR *, closedir)

static enum err system_fail(struct task *t, const char *what) {
	int code = errno;
	bool passing =
		code == ENOSPC || code == EDQUOT || code == EIO || code == EMFILE || code == ENFILE || code == EINTR;
	return task_fail(t, passing ? ERR_UNAVAILABLE : ERR_CONFIG, "mailbox: %s: %s", what, strerrordesc_np(code));
}

static enum err folder_open(struct task *t, const struct mail_config *c, int *ret) {
	const char *path = NULL;
	TRY(task_cstr(t, c->mailbox, &path));
	if (mkdir(path, 0700) && errno != EEXIST)
		return system_fail(t, "mkdir");
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return system_fail(t, "open folder");
	*ret = fd;
	return OK;
}

static enum err folder_read(struct task *t, int folder, DIR **ret) {
	int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = again >= 0 ? fdopendir(again) : NULL;
	if (!d) {
		fd_close(&again);
		return system_fail(t, "open folder");
	}
	*ret = d;
	return OK;
}

/* "1795471380000-ID.eml": the id, or STR_NONE for another file. */
static struct str name_id(struct str name, int64_t *ret_at) {
	struct str suffix = STR(SUFFIX);
	if (name.n <= TIME_DIGITS + 1 + suffix.n || name.p[TIME_DIGITS] != '-' || !str_ends(name, suffix) ||
		!str_int(str_sub(name, 0, TIME_DIGITS), 0, INT64_MAX, ret_at))
		return STR_NONE;
	return str_sub(name, TIME_DIGITS + 1, name.n - TIME_DIGITS - 1 - suffix.n);
}

/* ---- writing ---- */

/* The name that this id already has, so that a retried notice stays one file; else a new one. */
static enum err name_choose(struct task *t, int folder, struct str id, const char **ret) {
	owned(folder) DIR *d = NULL;
	int64_t at = 0;
	TRY(folder_read(t, folder, &d));
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (str_eq(name_id(str_of(e->d_name), &at), id))
			return task_cstr(t, str_of(e->d_name), ret);
	return task_cstr(t, str_printf(t->arena, "%013lld-%.*s" SUFFIX, (long long)clock_wall_ms(), FMT(id)), ret);
}

static bool write_all(int fd, struct str s) {
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno != EINTR)
			return false;
		s = str_sub(s, n > 0 ? (size_t)n : 0, s.n);
	}
	return true;
}

static enum err file_put(struct task *t, int folder, const char *temporary, const char *name, struct str message) {
	owned_fd int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return system_fail(t, "create");
	if (!write_all(fd, message) || fsync(fd) || renameat(folder, temporary, folder, name)) {
		enum err result = system_fail(t, "write");
		unlinkat(folder, temporary, 0);
		return result;
	}
	return fsync(folder) ? system_fail(t, "fsync folder") : OK;
}

enum err mailbox_write(struct task *t, const struct mail_config *c, const struct mail *m, struct str message) {
	owned_fd int folder = -1;
	const char *name = NULL, *temporary = NULL;
	TRY(mail_id_check(t, m->id));
	TRY(folder_open(t, c, &folder));
	TRY(name_choose(t, folder, m->id, &name));
	TRY(task_cstr(t, str_printf(t->arena, ".new-%.*s", FMT(random_token(t->arena, 12))), &temporary));
	return file_put(t, folder, temporary, name, message);
}

/* ---- reading our own messages back ---- */

static int digit(char c) {
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Quoted-printable, and with word set the Q encoding of RFC 2047. CRLF becomes LF. */
static struct str qp_decode(struct arena *a, struct str s, bool word) {
	char *p = arena_alloc(a, s.n);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		int high = i + 2 < s.n ? digit(s.p[i + 1]) : -1, low = i + 2 < s.n ? digit(s.p[i + 2]) : -1;
		if (c == '=' && high >= 0 && low >= 0) {
			p[n++] = (char)(high << 4 | low);
			i += 2;
		} else if (c == '=' && i + 2 < s.n && s.p[i + 1] == '\r' && s.p[i + 2] == '\n') {
			i += 2;
		} else if (c != '\r') {
			p[n++] = word && c == '_' ? ' ' : c;
		}
	}
	return (struct str){p, n};
}

/* Encoded words of one value; the space between two of them does not count (RFC 2047 6.2). */
static struct str words_decode(struct arena *a, struct str value) {
	const struct str open = STR("=?UTF-8?Q?"), shut = STR("?=");
	struct buf b = buf_new(a, LIMIT_MAIL);
	while (str_starts(value, open)) {
		const char *end = memmem(value.p + open.n, value.n - open.n, shut.p, shut.n);
		if (!end)
			break;
		size_t n = (size_t)(end - value.p);
		buf_put(&b, qp_decode(a, str_sub(value, open.n, n - open.n), true));
		value = str_trim(str_sub(value, n + shut.n, value.n));
	}
	buf_put(&b, value);
	return buf_str(&b);
}

/* The value of a header, its folded lines joined by "\r\n "; STR_NONE when there is none. */
static struct str header_find(struct str headers, struct str name) {
	for (size_t at = 0; at < headers.n;) {
		size_t end = at, from = at;
		do
			end = str_find(headers, '\n', end) + 1;
		while (end < headers.n && headers.p[end] == ' ');
		at = end;
		struct str line = str_sub(headers, from, end - from);
		if (line.n > name.n && line.p[name.n] == ':' && str_eq_case(str_sub(line, 0, name.n), name))
			return str_trim(str_sub(line, name.n + 1, line.n));
	}
	return STR_NONE;
}

/* Cuts headers off a message or part; the rest is its body. */
static struct str headers_cut(struct str *rest) {
	const char *end = rest->n ? memmem(rest->p, rest->n, "\r\n\r\n", 4) : NULL;
	size_t n = end ? (size_t)(end - rest->p) + 2 : rest->n;
	struct str headers = str_sub(*rest, 0, n);
	*rest = str_sub(*rest, n + 2, rest->n);
	return headers;
}

static void part_read(struct arena *a, struct str part, struct mailbox_item *item) {
	struct str headers = headers_cut(&part), type = header_find(headers, STR("Content-Type"));
	if (str_starts(type, STR("text/plain")))
		item->text = qp_decode(a, part, false);
	else if (str_starts(type, STR("text/html")))
		item->html = qp_decode(a, part, false);
}

static void parts_read(struct arena *a, struct str body, struct str boundary, struct mailbox_item *item) {
	struct str mark = str_printf(a, "--%.*s", FMT(boundary));
	const char *at = body.n ? memmem(body.p, body.n, mark.p, mark.n) : NULL;
	while (at) {
		struct str rest = str_sub(body, (size_t)(at - body.p) + mark.n, body.n);
		const char *next = rest.n ? memmem(rest.p, rest.n, mark.p, mark.n) : NULL;
		if (next)
			part_read(a, str_sub(rest, 2, (size_t)(next - rest.p) - 4),
				item); /* without the line ends of the marks */
		at = next;
	}
}

static void message_read(struct arena *a, struct str message, struct mailbox_item *item) {
	struct str body = message, headers = headers_cut(&body), to = header_find(headers, STR("To"));
	struct str type = header_find(headers, STR("Content-Type"));
	size_t quote = str_find(type, '"', 0);
	item->to = str_starts(to, STR("<")) && to.n > 2 ? str_sub(to, 1, to.n - 2) : to;
	item->subject = words_decode(a, header_find(headers, STR("Subject")));
	item->text = item->html = STR("");
	if (str_starts(type, STR("multipart/")) && quote < type.n)
		parts_read(a, body, str_sub(type, quote + 1, str_find(type, '"', quote + 1) - quote - 1), item);
	else
		part_read(a, message, item);
}

/* false: gone meanwhile, or nothing of ours. */
static bool file_read(struct arena *a, int folder, struct str name, struct str *ret) {
	owned_fd int fd = openat(folder, name.p, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat s;
	if (fd < 0 || fstat(fd, &s) || !S_ISREG(s.st_mode) || s.st_size <= 0 || s.st_size > (off_t)LIMIT_MAIL)
		return false;
	char *p = arena_alloc(a, (size_t)s.st_size);
	ssize_t n = read(fd, p, (size_t)s.st_size);
	*ret = (struct str){p, n > 0 ? (size_t)n : 0};
	return n > 0;
}

/* The names begin with the time, so the greatest are the newest. Keeps the list sorted, newest first. */
static void newest_keep(struct arena *a, struct str *names, size_t *n, struct str name) {
	size_t at = *n;
	while (at > 0 && str_cmp(names[at - 1], name) < 0)
		at--;
	if (at == LIST_MOST)
		return;
	if (*n < LIST_MOST)
		(*n)++;
	memmove(names + at + 1, names + at, (*n - at - 1) * sizeof(*names));
	names[at] = str_printf(a, "%.*s", FMT(name)); /* terminated */
}

enum err mailbox_list(struct task *t, const struct mail_config *c, struct mailbox_item **ret, size_t *n) {
	owned_fd int folder = -1;
	owned(folder) DIR *d = NULL;
	struct str names[LIST_MOST];
	size_t n_names = 0, n_items = 0, bytes = 0;
	int64_t at = 0;
	TRY(folder_open(t, c, &folder));
	TRY(folder_read(t, folder, &d));
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (!str_absent(name_id(str_of(e->d_name), &at)))
			newest_keep(t->arena, names, &n_names, str_of(e->d_name));
	struct mailbox_item *items = arena_array(t->arena, struct mailbox_item, n_names);
	for (size_t i = 0; i < n_names && bytes < LIST_BYTES; i++) {
		struct str message = STR_NONE;
		if (!file_read(t->arena, folder, names[i], &message))
			continue;
		struct mailbox_item *item = &items[n_items++];
		item->file = names[i];
		err_ignore(str_absent(name_id(names[i], &item->at)) ? ERR_INTERNAL : OK, "it was checked above");
		message_read(t->arena, message, item);
		bytes += message.n;
	}
	*ret = items;
	*n = n_items;
	return OK;
}
