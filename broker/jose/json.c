#include "base/buf.h"
#include "broker/jose/jose.h"

#define JSON_DEPTH 32u /* jansson's own bound, 2048, needs more stack than a worker has */

/* Whether no value nests deeper than the limit. Brackets within strings do not count; what is no JSON at all is left to
 * the parser. */
static bool is_shallow(struct str text) {
	unsigned depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '[') && ++depth > JSON_DEPTH)
			return false;
		else if (!quoted && (c == '}' || c == ']') && depth)
			depth--;
	}
	return true;
}

enum err json_parse(struct task *t, struct str text, json_t **ret) {
	if (text.n == 0 || text.n > LIMIT_RESPONSE)
		return task_fail(t, ERR_INVALID, "JSON: %zu bytes", text.n);
	if (!is_shallow(text))
		return task_fail(t, ERR_INVALID, "JSON: nested deeper than %u", JSON_DEPTH);
	json_error_t error;
	json_t *found = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
	if (!found)
		return task_fail(t, ERR_INVALID, "JSON: line %d, column %d: %s", error.line, error.column,
			json_error_code(&error) == json_error_duplicate_key ? "duplicate key" : "not well-formed");
	*ret = found;
	return OK;
}

static int write_piece(const char *piece, size_t n, void *to) {
	buf_put(to, (struct str){piece, n});
	return buf_full(to) ? -1 : 0;
}

struct str json_text(struct arena *a, const json_t *j) {
	struct buf b = buf_new(a, LIMIT_RESPONSE);
	return json_dump_callback(j, write_piece, &b, JSON_COMPACT | JSON_ENCODE_ANY) ? STR_NONE : buf_str(&b);
}

struct str json_member_str(const json_t *object, const char *name) {
	const json_t *member = json_object_get(object, name);
	return json_is_string(member) ? (struct str){json_string_value(member), json_string_length(member)} : STR_NONE;
}

json_t *json_from_str(struct str s) {
	return json_stringn(s.p ? s.p : "", s.n);
}
