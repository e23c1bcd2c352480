/* str.h: a slice of bytes. Not terminated, may hold NUL; {NULL, 0} is "absent", {"", 0} is "present and empty".
 *
 * A slice does not own its bytes. Passed and returned by value. */
#ifndef USHER_BASE_STR_H
#define USHER_BASE_STR_H

#include "base/arena.h"

struct str {
	const char *p;
	size_t n;
};

struct strs {
	struct str *v;
	size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE ((struct str){NULL, 0})
/* For printf: "%.*s", FMT(s). Only for text that is already known to be safe for its reader. */
#define FMT(s) (int)(s).n, (s).p ? (s).p : ""

struct str str_of(const char *c); /* NULL gives STR_NONE */
struct str str_slice(const char *p, size_t n);
static inline bool str_empty(struct str s) { return s.n == 0; }
static inline bool str_absent(struct str s) { return s.p == NULL; }
bool str_eq(struct str a, struct str b);
bool str_eq_case(struct str a, struct str b); /* ASCII letters only */
/* Time depends on the lengths alone; for secrets, hashes and tokens. An absent slice equals nothing,
 * not even itself. */
bool str_eq_secret(struct str a, struct str b);
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first c at or after from, or s.n. */
size_t str_find(struct str s, char c, size_t from);
bool str_contains(struct str s, struct str part);
struct str str_sub(struct str s, size_t from, size_t n); /* clamped */
struct str str_trim(struct str s);                       /* ASCII space and tab, CR, LF */
/* Cuts the part before the next separator off *rest; false when *rest is used up, which is when it is absent. "a,,b"
 * gives a, "", b; "a," gives a, ""; the present and empty slice gives one empty part. */
bool str_next(struct str *rest, char separator, struct str *part);

struct str str_dup(struct arena *a, struct str s);
struct str str_lower(struct arena *a, struct str s); /* ASCII letters only */
struct str str_printf(struct arena *a, const char *format, ...) printf_like(2, 3);
struct str str_join(struct arena *a, struct strs parts, struct str separator);
void strs_add(struct arena *a, struct strs *list, struct str s); /* the slice, not its bytes */
bool strs_has(struct strs list, struct str s);
/* Splits at any run of separator; empty parts are dropped. For OAuth scopes: ' '. */
struct strs str_split(struct arena *a, struct str s, char separator);

/* Decimal digits only, the whole slice, within the range; leaves *ret untouched otherwise. */
bool str_int(struct str s, int64_t min, int64_t max, int64_t *ret);
/* Well-formed UTF-8 by RFC 3629: no overlong forms, surrogates, or values over U+10FFFF. */
bool str_utf8(struct str s);
/* Code points in well-formed UTF-8; each byte that belongs to none counts as one. */
size_t str_code_points(struct str s);
/* The next code point of well-formed UTF-8 at *at, which moves on; false at the end. A byte that belongs to none gives
 * U+FFFD. */
bool str_next_code_point(struct str s, size_t *at, uint32_t *ret);
/* True when a C0/C1 control, NUL, DEL, line or paragraph separator stands in it (one-line text may have none). */
bool str_has_control(struct str s);
/* Glob with '*' only (any run, the empty one included), ASCII case-insensitive. *captured, if given, gets what
 * the first '*' matched (the shortest that lets the whole match); absent when the pattern has none. */
bool str_glob(struct str pattern, struct str s, struct str *captured);

#endif
