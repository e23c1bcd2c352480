#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/task.h"

#define FIELDS_MOST 16u
#define NAME_MOST   64u   /* bytes of a field's name or an event */
#define VALUE_MOST  1024u /* bytes of a value; the rest is cut off */
/* Each byte may become six, and four more members lead the fields: a line always fits. */
#define LINE_MOST ((FIELDS_MOST + 5u) * (6u * (NAME_MOST + VALUE_MOST) + 16u))

static _Atomic int least_level = LEVEL_INFO;

void log_set_level(enum level least) {
	atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
}

enum level log_level(void) {
	return (enum level)atomic_load_explicit(&least_level, memory_order_relaxed);
}

/* Cuts between code points, and shows that it did. */
static struct str clip(struct arena *a, struct str s, size_t most) {
	static const struct str mark = {"\xE2\x80\xA6", 3};
	if (s.n <= most)
		return s;
	size_t n = most - mark.n;
	for (size_t back = 0; back < 3 && ((unsigned char)s.p[n] & 0xC0) == 0x80; back++)
		n--;
	return str_join(a, (struct strs){(struct str[]){str_sub(s, 0, n), mark}, 2}, STR_NONE);
}

static void put_name(struct buf *b, const char *name) {
	if (b->n > 1)
		buf_byte(b, ',');
	json_escape(b, clip(b->arena, str_of(name), NAME_MOST));
	buf_byte(b, ':');
}

static void put_text(struct buf *b, const char *name, struct str text) {
	put_name(b, name);
	json_escape(b, clip(b->arena, text, VALUE_MOST));
}

static void put_field(struct buf *b, const struct log_field *field) {
	if (field->text.p) {
		put_text(b, field->name, field->text);
		return;
	}
	put_name(b, field->name);
	buf_printf(b, "%lld", (long long)field->number);
}

static void write_line(struct str line) {
	ssize_t n;
	do
		n = write(STDERR_FILENO, line.p, line.n);
	while (n < 0 && errno == EINTR);
}

void log_write(enum level level, struct task *t, const char *event, const struct log_field *fields, size_t n) {
	static const char *const names[] = {"debug", "info", "warning", "error"};
	if (level < log_level())
		return;
	int saved = errno;
	owned(arena) struct arena *a = arena_new();
	struct buf b = buf_new(a, LINE_MOST);
	buf_byte(&b, '{');
	put_text(&b, "time", time_rfc3339(a, clock_wall_ms()));
	put_text(&b, "level", str_of(names[level <= LEVEL_ERROR ? level : LEVEL_ERROR]));
	put_text(&b, "event", str_of(event));
	if (t && t->realm_name.n)
		put_text(&b, "realm", t->realm_name);
	if (t && t->reference.n)
		put_text(&b, "reference", t->reference);
	for (size_t i = 0; i < n && i < FIELDS_MOST; i++)
		put_field(&b, &fields[i]);
	buf_put(&b, STR("}\n"));
	write_line(buf_str(&b));
	errno = saved;
}

void log_failure(struct task *t, const char *event) {
	if (t->failure == OK)
		return;
	const struct err_row *row = err_row(t->failure);
	log_event(row->level, t, event, LOG_TEXT("error", str_of(row->name)), LOG_TEXT("detail", t->failure_detail));
}
