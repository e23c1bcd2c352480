#include "base/buf.h"

#define ROOM_FIRST 256u

struct buf buf_new(struct arena *a, size_t ceiling) {
	return (struct buf){.arena = a, .ceiling = ceiling};
}

/* Makes room for n more bytes and a terminator; false, and full for good, when the ceiling forbids. */
static bool buf_reserve(struct buf *b, size_t n) {
	if (b->full || n > b->ceiling - b->n) {
		b->full = true;
		return false;
	}
	size_t wants = b->n + n;
	if (b->p && wants <= b->room)
		return true;
	size_t room = b->room * 2 > ROOM_FIRST ? b->room * 2 : ROOM_FIRST;
	room = room < wants ? wants : room;
	room = room > b->ceiling ? b->ceiling : room;
	b->p = arena_grow(b->arena, b->p, b->p ? b->room + 1 : 0, room + 1);
	b->room = room;
	return true;
}

void buf_put(struct buf *b, struct str s) {
	if (s.n == 0 || !buf_reserve(b, s.n))
		return;
	memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

void buf_byte(struct buf *b, char c) {
	if (!buf_reserve(b, 1))
		return;
	b->p[b->n++] = c;
}

void buf_vprintf(struct buf *b, const char *format, va_list args) {
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n < 0) {
		b->full = true;
		return;
	}
	if (!buf_reserve(b, (size_t)n))
		return;
	vsnprintf(b->p + b->n, (size_t)n + 1, format, args);
	b->n += (size_t)n;
}

void buf_printf(struct buf *b, const char *format, ...) {
	va_list args;
	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

struct str buf_str(const struct buf *b) {
	return (struct str){b->p ? b->p : "", b->n};
}
