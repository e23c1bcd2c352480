#include <stdarg.h>

#include "base/str.h"

struct str str_of(const char *c) {
	return c ? (struct str){c, strlen(c)} : STR_NONE;
}

struct str str_slice(const char *p, size_t n) {
	return (struct str){p, n};
}

static unsigned char lower(char c) {
	unsigned char u = (unsigned char)c;
	return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

/* memcmp may not be given NULL, which an absent slice holds. */
static int compare(const char *a, const char *b, size_t n) {
	return n ? memcmp(a, b, n) : 0;
}

bool str_eq(struct str a, struct str b) {
	return a.n == b.n && compare(a.p, b.p, a.n) == 0;
}

bool str_eq_case(struct str a, struct str b) {
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool str_eq_secret(struct str a, struct str b) {
	if (!a.p || !b.p || a.n != b.n)
		return false;
	volatile unsigned char differs = 0;
	for (size_t i = 0; i < a.n; i++)
		differs = (unsigned char)(differs | (a.p[i] ^ b.p[i]));
	return differs == 0;
}

int str_cmp(struct str a, struct str b) {
	int order = compare(a.p, b.p, a.n < b.n ? a.n : b.n);
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix) {
	return s.n >= prefix.n && compare(s.p, prefix.p, prefix.n) == 0;
}

bool str_ends(struct str s, struct str suffix) {
	return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + (s.n - suffix.n), suffix.p, suffix.n) == 0);
}

size_t str_find(struct str s, char c, size_t from) {
	if (from >= s.n)
		return s.n;
	const char *found = memchr(s.p + from, c, s.n - from);
	return found ? (size_t)(found - s.p) : s.n;
}

bool str_contains(struct str s, struct str part) {
	return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL);
}

struct str str_sub(struct str s, size_t from, size_t n) {
	if (!s.p)
		return s;
	if (from > s.n)
		from = s.n;
	return (struct str){s.p + from, n < s.n - from ? n : s.n - from};
}

static bool is_space(char c) {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s) {
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	while (s.n && is_space(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

bool str_next(struct str *rest, char separator, struct str *part) {
	if (!rest->p)
		return false;
	size_t end = str_find(*rest, separator, 0);
	*part = (struct str){rest->p, end};
	*rest = end < rest->n ? str_sub(*rest, end + 1, rest->n) : STR_NONE;
	return true;
}

struct str str_dup(struct arena *a, struct str s) {
	if (!s.p)
		return s;
	char *p = arena_alloc(a, s.n);
	if (s.n)
		memcpy(p, s.p, s.n);
	return (struct str){p, s.n};
}

struct str str_lower(struct arena *a, struct str s) {
	if (!s.p)
		return s;
	char *p = arena_alloc(a, s.n);
	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)lower(s.p[i]);
	return (struct str){p, s.n};
}

struct str str_printf(struct arena *a, const char *format, ...) {
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *p = arena_alloc(a, n < 0 ? 1 : (size_t)n + 1);
	if (n > 0)
		n = vsnprintf(p, (size_t)n + 1, format, again);
	va_end(again);
	return (struct str){p, n < 0 ? 0 : (size_t)n};
}

struct str str_join(struct arena *a, struct strs parts, struct str separator) {
	size_t n = 0;
	for (size_t i = 0; i < parts.n; i++)
		n += parts.v[i].n + (i ? separator.n : 0);
	char *p = arena_alloc(a, n), *to = p;
	for (size_t i = 0; i < parts.n; i++) {
		if (i && separator.n)
			to = mempcpy(to, separator.p, separator.n);
		if (parts.v[i].n)
			to = mempcpy(to, parts.v[i].p, parts.v[i].n);
	}
	return (struct str){p, n};
}

/* The room of a list is not kept: it is the power of two at or above its length, four at least. */
void strs_add(struct arena *a, struct strs *list, struct str s) {
	bool filled = list->n == 0 || (list->n >= 4 && (list->n & (list->n - 1)) == 0);
	if (filled) {
		size_t room = list->n ? list->n * 2 : 4;
		list->v = arena_grow(a, list->n ? list->v : NULL, list->n * sizeof(s), room * sizeof(s));
	}
	list->v[list->n++] = s;
}

bool strs_has(struct strs list, struct str s) {
	for (size_t i = 0; i < list.n; i++)
		if (str_eq(list.v[i], s))
			return true;
	return false;
}

struct strs str_split(struct arena *a, struct str s, char separator) {
	struct strs list = {NULL, 0};
	struct str part;
	while (str_next(&s, separator, &part))
		if (part.n)
			strs_add(a, &list, part);
	return list;
}

bool str_int(struct str s, int64_t min, int64_t max, int64_t *ret) {
	int64_t value = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, s.p[i] - '0', &value))
			return false;
	}
	if (s.n == 0 || value < min || value > max)
		return false;
	*ret = value;
	return true;
}
