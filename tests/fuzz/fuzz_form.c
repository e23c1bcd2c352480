/* Forms, queries and request targets. What is read has no name twice, is UTF-8 without NUL and within the limits; what
 * was read once and written again is read as the same. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/encode.h"
#include "web/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
	if (!holds)
		abort();
}

static bool clean(struct str s) {
	return str_utf8(s) && str_find(s, 0, 0) == s.n;
}

static struct str written(struct task *t, struct params p) {
	struct buf b = buf_new(t->arena, LIMIT_BODY * 8);
	for (size_t i = 0; i < p.n; i++) {
		buf_put(&b, form_encode(t->arena, p.v[i].name));
		buf_byte(&b, '=');
		buf_put(&b, form_encode(t->arena, p.v[i].value));
		buf_byte(&b, '&');
	}
	check(!buf_full(&b));
	return buf_str(&b);
}

static void read_form(struct task *t, struct str s) {
	struct params p = {NULL, 0}, again = {NULL, 0};
	if (form_read(t, s, &p)) {
		check(p.v == NULL && p.n == 0);
		return;
	}
	check(p.n <= LIMIT_FORM_FIELDS);
	for (size_t i = 0; i < p.n; i++) {
		check(p.v[i].name.n > 0 && p.v[i].name.n <= LIMIT_FIELD_NAME && clean(p.v[i].name) &&
			clean(p.v[i].value));
		for (size_t j = 0; j < i; j++)
			check(!str_eq(p.v[i].name, p.v[j].name));
		if (str_ends(p.v[i].name, STR("[]")) || p.v[i].value.n > LIMIT_FIELD_VALUE)
			return; /* "a[][]", or a long list: would be read as something else */
	}
	struct str text = written(t, p);
	if (text.n > LIMIT_BODY)
		return;
	check(form_read(t, text, &again) == OK && again.n == p.n);
	for (size_t i = 0; i < p.n; i++)
		check(str_eq(p.v[i].name, again.v[i].name) && str_eq(p.v[i].value, again.v[i].value));
}

static void read_target(struct task *t, struct str s) {
	struct str path = STR_NONE, query = STR_NONE;
	if (target_read(t, s, &path, &query)) {
		check(str_absent(path) && str_absent(query));
		return;
	}
	check(str_starts(path, STR("/")) && !str_starts(path, STR("//")) && clean(path) && !str_has_control(path));
	check(!str_contains(path, STR("/../")) && !str_contains(path, STR("\\")) && !str_ends(path, STR("/..")));
	check(str_find(s, '?', 0) < s.n ? !str_absent(query) : str_absent(query));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	owned(arena) struct arena *a = arena_new();
	struct task t;
	if (size > LIMIT_BODY + 16)
		return 0;
	task_begin(&t, a, NULL, TASK_PAGE_MS);
	struct str s = str_dup(a, str_slice((const char *)data, size)); /* an overrun of it is seen */
	read_form(&t, s);
	read_target(&t, s);
	return 0;
}
