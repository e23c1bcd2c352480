/* An update as text, as plan_json.c has it. */
#include <jansson.h>

#include "federation/plan/plan_private.h"

static void put_step(struct buf *b, const struct update_step *s) {
	put_member(b, "{\"kind\":", str_of(update_words[s->kind]));
	put_member(b, ",\"dn\":", s->dn);
	buf_put(b, STR(",\"attributes\":"));
	put_attributes(b, s->attributes, s->n_attributes);
	buf_put(b, STR(",\"before\":"));
	put_strings(b, s->before);
	buf_byte(b, '}');
}

void update_put_json(struct buf *b, const struct plan *p) {
	put_member(b, "{\"version\":1,\"kind\":\"update\",\"directory\":", p->directory);
	put_member(b, ",\"stable_id\":", p->stable_id);
	put_member(b, ",\"dn\":", p->dn);
	buf_put(b, STR(",\"steps\":["));
	for (size_t i = 0; i < p->n_updates; i++) {
		if (i)
			buf_byte(b, ',');
		put_step(b, &p->updates[i]);
	}
	buf_put(b, STR("]}"));
}

static bool read_kind(struct arena *a, const json_t *v, enum update_kind *ret) {
	struct str word;
	if (!read_string(a, v, &word))
		return false;
	for (int i = 0; i < UPDATE_KINDS; i++)
		if (str_eq(word, str_of(update_words[i]))) {
			*ret = (enum update_kind)i;
			return true;
		}
	return false;
}

static bool read_step(struct arena *a, const json_t *v, struct update_step *ret) {
	*ret = (struct update_step){0};
	return json_object_size(v) == 4 && read_kind(a, json_object_get(v, "kind"), &ret->kind) &&
	       read_string(a, json_object_get(v, "dn"), &ret->dn) &&
	       read_attributes(a, json_object_get(v, "attributes"), &ret->attributes, &ret->n_attributes) &&
	       read_strings(a, json_object_get(v, "before"), &ret->before);
}

bool update_read_json(struct arena *a, const json_t *v, struct plan *ret) {
	const json_t *list = json_object_get(v, "steps"), *version = json_object_get(v, "version");
	struct str kind;
	ret->kind = PLAN_UPDATE;
	if (json_object_size(v) != 6 || !json_is_integer(version) || json_integer_value(version) != 1 ||
		!read_string(a, json_object_get(v, "kind"), &kind) || !str_eq(kind, STR("update")) ||
		!array_size(list, UPDATE_STEPS, &ret->n_updates))
		return false;
	ret->updates = arena_array(a, struct update_step, ret->n_updates);
	for (size_t i = 0; i < ret->n_updates; i++)
		if (!read_step(a, json_array_get(list, i), &ret->updates[i]))
			return false;
	return read_string(a, json_object_get(v, "directory"), &ret->directory) &&
	       read_string(a, json_object_get(v, "stable_id"), &ret->stable_id) &&
	       read_string(a, json_object_get(v, "dn"), &ret->dn);
}
