/* buf.h: a growing buffer, born with its ceiling, in an arena.
 *
 * Writing past the ceiling sets full and drops that piece whole and all that follow; who needs the whole asks buf_full
 * once at the end. */
#ifndef USHER_BASE_BUF_H
#define USHER_BASE_BUF_H

#include <stdarg.h>

#include "base/str.h"

struct buf {
	struct arena *arena;
	char *p;
	size_t n, room, ceiling;
	bool full;
};

struct buf buf_new(struct arena *a, size_t ceiling);
void buf_put(struct buf *b, struct str s);
void buf_byte(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) printf_like(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args) printf_like(2, 0);
static inline bool buf_full(const struct buf *b) { return b->full; }
struct str buf_str(const struct buf *b); /* a view; valid until the next write */

#endif
