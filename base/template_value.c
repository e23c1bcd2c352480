#include "base/template_private.h"

static struct value *append(struct arena *a, struct value *parent, enum value_kind kind) {
	struct value *v = arena_new_of(a, struct value);
	v->kind = kind;
	if (parent->last)
		parent->last->next = v;
	else
		parent->first = v;
	parent->last = v;
	return v;
}

/* The object's value of that name, emptied, or a new one: a name stands once. */
static struct value *put(struct arena *a, struct value *object, const char *name, enum value_kind kind) {
	for (struct value *v = object->first; v; v = v->next)
		if (str_eq(v->name, str_of(name))) {
			*v = (struct value){.kind = kind, .name = v->name, .next = v->next};
			return v;
		}
	struct value *v = append(a, object, kind);
	v->name = str_of(name);
	return v;
}

struct value *value_object(struct arena *a) {
	struct value *v = arena_new_of(a, struct value);
	v->kind = VALUE_OBJECT;
	return v;
}

void value_text(struct arena *a, struct value *object, const char *name, struct str text) {
	put(a, object, name, VALUE_TEXT)->text = text;
}

void value_bool(struct arena *a, struct value *object, const char *name, bool truth) {
	put(a, object, name, VALUE_BOOL)->truth = truth;
}

void value_number(struct arena *a, struct value *object, const char *name, int64_t number) {
	value_text(a, object, name, str_printf(a, "%lld", (long long)number));
}

struct value *value_child(struct arena *a, struct value *object, const char *name) {
	return put(a, object, name, VALUE_OBJECT);
}

struct value *value_list(struct arena *a, struct value *object, const char *name) {
	return put(a, object, name, VALUE_LIST);
}

struct value *value_row(struct arena *a, struct value *list) {
	return append(a, list, VALUE_OBJECT);
}

void value_item(struct arena *a, struct value *list, struct str text) {
	append(a, list, VALUE_TEXT)->text = text;
}
