/* A template as input. When it compiles it is rendered with hostile values: the answer then has no more brackets,
 * quotes or lines than with harmless ones, whatever the template is. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/template.h"

#define HOSTILE "\"'><script>javascript:x\r\n&"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct value *data(struct arena *a, struct str text) {
	struct value *d = value_object(a);
	static const char *const names[] = {"x", "a", "b"};
	for (size_t i = 0; i < COUNT(names); i++)
		value_text(a, d, names[i], text);
	value_bool(a, d, "y", true);
	struct value *list = value_list(a, d, "l");
	value_item(a, list, text);
	value_text(a, value_row(a, list), "x", text);
	value_text(a, value_child(a, d, "o"), "x", text);
	return d;
}

static size_t count(struct str s, const char *what) {
	size_t n = 0, length = strlen(what);
	for (size_t i = 0; i + length <= s.n; i++)
		n += !memcmp(s.p + i, what, length);
	return n;
}

static enum err render(struct arena *a, const struct template_set *set, struct str text, struct str *ret) {
	struct buf b = buf_new(a, 1u << 18);
	TRY(template_render(set, "t", data(a, text), &b));
	*ret = buf_str(&b);
	return OK;
}

static void check_html(struct arena *a, const struct template_set *set) {
	static const char *const marks[] = {"<", ">", "\"", "'"};
	struct str hostile, harmless;
	if (render(a, set, STR(HOSTILE), &hostile) || render(a, set, STR("#z"), &harmless))
		return;
	for (size_t i = 0; i < COUNT(marks); i++)
		if (count(hostile, marks[i]) != count(harmless, marks[i]))
			abort();
}

static void check_text(struct arena *a, const struct template_set *set) {
	struct str hostile, harmless;
	if (render(a, set, STR(HOSTILE), &hostile) || render(a, set, STR("#z"), &harmless))
		return;
	if (count(hostile, "\n") != count(harmless, "\n") || count(hostile, "\r") != count(harmless, "\r"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
	owned(arena) struct arena *a = arena_new();
	for (int kind = TEMPLATE_HTML; kind <= TEMPLATE_TEXT; kind++) {
		struct template_source sources[] = {
			{"t", (enum template_kind)kind, (const char *)bytes, size},
			{"p", (enum template_kind)kind, "{{x}}", 5},
		};
		struct template_set *set;
		struct str why;
		if (template_set_new(a, sources, 2, &set, &why))
			continue;
		kind == TEMPLATE_HTML ? check_html(a, set) : check_text(a, set);
	}
	return 0;
}
