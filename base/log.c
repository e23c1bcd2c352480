#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/task.h"

#define FIELDS_MOST 16u
#define NAME_MOST   64u   /* bytes of a field's name or an event */
#define VALUE_MOST  1024u /* bytes of a value; the rest is cut off */
/* Each byte may become six, and four more members and a priority lead the fields: a line always fits. */
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
	if (b->p[b->n - 1] != '{')
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

/* JOURNAL_STREAM (systemd.exec(5)) is the device and inode of the journal's stream. It is inherited by programs whose
 * standard error goes elsewhere, so that it alone says nothing. */
static bool is_journal(void) {
	char stream[64];
	struct stat at;
	const char *told = getenv("JOURNAL_STREAM");
	if (!told || fstat(STDERR_FILENO, &at) != 0)
		return false;
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)at.st_dev, (unsigned long long)at.st_ino);
	return str_eq(str_of(told), str_of(stream));
}

const char *log_priority(enum level level) {
	static const char *const priorities[] = {"<7>", "<6>", "<4>", "<3>"};
	return is_journal() ? priorities[level <= LEVEL_ERROR ? level : LEVEL_ERROR] : "";
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
	buf_printf(&b, "%s{", log_priority(level));
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
