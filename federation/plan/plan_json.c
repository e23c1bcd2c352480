/* A plan as text. Members stand in a fixed order without spaces, so that the same plan is the same text. */
#include <jansson.h>

#include "base/encode.h"
#include "base/secret.h"
#include "federation/plan/plan_private.h"

OWNED(json, json_t *, json_decref)

void put_member(struct buf *b, const char *before, struct str value) {
	buf_put(b, str_of(before));
	json_escape(b, value);
}

void put_strings(struct buf *b, struct strs list) {
	buf_byte(b, '[');
	for (size_t i = 0; i < list.n; i++)
		put_member(b, i ? "," : "", list.v[i]);
	buf_byte(b, ']');
}

void put_attributes(struct buf *b, const struct attribute *list, size_t n) {
	buf_byte(b, '[');
	for (size_t i = 0; i < n; i++) {
		put_member(b, i ? ",{\"name\":" : "{\"name\":", list[i].name);
		buf_put(b, STR(",\"values\":"));
		put_strings(b, list[i].values);
		buf_byte(b, '}');
	}
	buf_byte(b, ']');
}

static void put_candidate(struct buf *b, const struct plan_candidate *c) {
	put_member(b, "{\"login\":", c->login);
	put_member(b, ",\"dn\":", c->dn);
	buf_put(b, STR(",\"attributes\":"));
	put_attributes(b, c->attributes, c->n_attributes);
	buf_byte(b, '}');
}

struct str plan_json(struct arena *a, const struct plan *p) {
	struct buf b = buf_new(a, PLAN_TEXT);
	if (p->kind == PLAN_UPDATE) {
		update_put_json(&b, p);
		return buf_str(&b);
	}
	put_member(&b, "{\"version\":1,\"directory\":", p->directory);
	put_member(&b, ",\"marker\":", p->marker);
	buf_put(&b, STR(",\"candidates\":["));
	for (size_t i = 0; i < p->n_candidates; i++) {
		if (i)
			buf_byte(&b, ',');
		put_candidate(&b, &p->candidates[i]);
	}
	buf_put(&b, STR("],\"groups\":"));
	put_strings(&b, p->groups);
	buf_byte(&b, '}');
	return buf_str(&b);
}

struct str plan_digest(struct arena *a, const struct plan *p) {
	return base64url_encode(a, sha256(a, plan_json(a, p)));
}

bool read_string(struct arena *a, const json_t *v, struct str *ret) {
	if (!json_is_string(v))
		return false;
	*ret = str_dup(a, str_slice(json_string_value(v), json_string_length(v)));
	return true;
}

/* An array of at most max members. */
bool array_size(const json_t *v, size_t max, size_t *ret) {
	if (!json_is_array(v) || json_array_size(v) > max)
		return false;
	*ret = json_array_size(v);
	return true;
}

bool read_strings(struct arena *a, const json_t *v, struct strs *ret) {
	size_t n = 0;
	if (!array_size(v, LIMIT_VALUES, &n))
		return false;
	ret->v = arena_array(a, struct str, n);
	for (ret->n = 0; ret->n < n; ret->n++)
		if (!read_string(a, json_array_get(v, ret->n), &ret->v[ret->n]))
			return false;
	return true;
}

bool read_attributes(struct arena *a, const json_t *v, struct attribute **ret, size_t *n) {
	if (!array_size(v, PLAN_ATTRIBUTES, n))
		return false;
	struct attribute *list = *ret = arena_array(a, struct attribute, *n);
	for (size_t i = 0; i < *n; i++) {
		const json_t *one = json_array_get(v, i);
		if (json_object_size(one) != 2 || !read_string(a, json_object_get(one, "name"), &list[i].name) ||
			!read_strings(a, json_object_get(one, "values"), &list[i].values))
			return false;
	}
	return true;
}

static bool read_candidate(struct arena *a, const json_t *v, struct plan_candidate *ret) {
	if (json_object_size(v) != 3 ||
		!read_attributes(a, json_object_get(v, "attributes"), &ret->attributes, &ret->n_attributes))
		return false;
	return read_string(a, json_object_get(v, "login"), &ret->login) &&
	       read_string(a, json_object_get(v, "dn"), &ret->dn);
}

static bool read_plan(struct arena *a, const json_t *v, struct plan *ret) {
	const json_t *list = json_object_get(v, "candidates");
	const json_t *version = json_object_get(v, "version");
	if (json_object_get(v, "kind"))
		return update_read_json(a, v, ret);
	if (json_object_size(v) != 5 || !json_is_integer(version) || json_integer_value(version) != 1)
		return false;
	if (!array_size(list, LIMIT_CANDIDATES, &ret->n_candidates))
		return false;
	ret->candidates = arena_array(a, struct plan_candidate, ret->n_candidates);
	for (size_t i = 0; i < ret->n_candidates; i++)
		if (!read_candidate(a, json_array_get(list, i), &ret->candidates[i]))
			return false;
	return read_string(a, json_object_get(v, "directory"), &ret->directory) &&
	       read_string(a, json_object_get(v, "marker"), &ret->marker) &&
	       read_strings(a, json_object_get(v, "groups"), &ret->groups);
}

enum err plan_parse(struct task *t, struct str json, struct plan **ret) {
	if (json.n > PLAN_TEXT)
		return task_fail(t, ERR_INVALID, "plan: %zu bytes", json.n);
	json_error_t error;
	owned(json) json_t *root = json_loadb(json.p ? json.p : "", json.n, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return task_fail(t, ERR_INVALID, "plan: not JSON at byte %d", error.position);
	struct plan *p = arena_new_of(t->arena, struct plan);
	if (!read_plan(t->arena, root, p))
		return task_fail(t, ERR_INVALID, "plan: not of the expected shape");
	TRY(plan_check(t, p));
	*ret = p;
	return OK;
}
