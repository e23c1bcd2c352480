#include <jansson.h>

#include "config/config_private.h"

/* JSON Schema 2020-12 of the file, for editors. It says what a table of keys can say; the loader knows more. */

static void json_free_text(char *text) {
	free(text);
}
OWNED(json_text, char *, json_free_text)
OWNED(json, json_t *, json_decref)

static json_t *schema_object(struct arena *a, const char *parent);

static json_t *schema_text(struct arena *a, enum key_type type, bool may_be_empty) {
	const char *pattern = kind_of(type)->pattern;
	json_t *schema = json_pack("{ss}", "type", "string");
	if (pattern)
		json_object_set_new(schema, "pattern",
			json_string(str_printf(a, "^(%s%s)$%c", may_be_empty ? "|" : "", pattern, 0).p));
	else if (!may_be_empty)
		json_object_set_new(schema, "minLength", json_integer(1));
	return schema;
}

static json_t *schema_words(struct arena *a, const char *words) {
	json_t *list = json_array();
	struct strs all = str_split(a, str_of(words), '|');
	for (size_t i = 0; i < all.n; i++)
		json_array_append_new(list, json_stringn(all.v[i].p, all.v[i].n));
	return json_pack("{so}", "enum", list);
}

static void set_range(json_t *schema, const struct key *key, const char *least, const char *most) {
	if (key->min)
		json_object_set_new(schema, least, json_integer(key->min));
	if (key->max)
		json_object_set_new(schema, most, json_integer(key->max));
}

static json_t *schema_list(const struct key *key, json_t *items) {
	json_t *schema = json_pack("{ss so}", "type", "array", "items", items);
	set_range(schema, key, "minItems", "maxItems");
	return schema;
}

static json_t *schema_map(struct arena *a, const struct key *key) {
	const struct key *leaf = key_find(key->path, STR("*"));
	json_t *values =
		leaf ? schema_text(a, leaf->type, false) : schema_object(a, str_printf(a, "%s.*%c", key->path, 0).p);
	json_t *schema = json_pack("{ss so so}", "type", "object", "propertyNames", schema_text(a, key->item, false),
		"additionalProperties", values);
	set_range(schema, key, "minProperties", "maxProperties");
	return schema;
}

static json_t *schema_int(const struct key *key) {
	return json_pack(
		"{ss sI sI}", "type", "integer", "minimum", (json_int_t)key->min, "maximum", (json_int_t)key->max);
}

static json_t *schema_value(struct arena *a, const struct key *key) {
	switch (key->type) {
	case KEY_SECTION:
		return schema_object(a, key->path);
	case KEY_MAP:
		return schema_map(a, key);
	case KEY_ITEMS:
		return schema_list(key, schema_object(a, str_printf(a, "%s[]%c", key->path, 0).p));
	case KEY_LIST:
		return schema_list(key, schema_text(a, key->item, false));
	case KEY_FLAGS:
		return schema_list(key, schema_words(a, key->words));
	case KEY_BOOL:
		return json_pack("{ss}", "type", "boolean");
	case KEY_INT:
		return schema_int(key);
	case KEY_DURATION:
	case KEY_DURATION_MS:
		return json_pack("{ss ss}", "type", "string", "pattern", "^[0-9]{1,9}[smhd]$");
	case KEY_ENUM:
	case KEY_WORD:
		return schema_words(a, key->words);
	default:
		return schema_text(a, key->type, key->fallback && !*key->fallback);
	}
}

/* An example or default, where it is a plain text or number. */
static void set_default(json_t *schema, const struct key *key) {
	int64_t number;
	if (!key->fallback || !*key->fallback || key->fallback_ad || strchr("[{", *key->fallback))
		return;
	if (key->type == KEY_BOOL)
		json_object_set_new(schema, "default", json_boolean(str_eq(str_of(key->fallback), STR("true"))));
	else if (key->type == KEY_INT && str_int(str_of(key->fallback), key->min, key->max, &number))
		json_object_set_new(schema, "default", json_integer(number));
	else
		json_object_set_new(schema, "default", json_string(key->fallback));
}

static json_t *schema_object(struct arena *a, const char *parent) {
	json_t *properties = json_object(), *required = json_array();
	for (size_t i = 0; i < key_count(); i++) {
		const struct key *key = key_at(i);
		if (!key_is_below(key, parent))
			continue;
		json_t *value = schema_value(a, key);
		json_object_set_new(value, "description", json_string(key->help));
		set_default(value, key);
		json_object_set_new(properties, key_last(key), value);
		if (key->required)
			json_array_append_new(required, json_string(key_last(key)));
	}
	json_t *schema = json_pack("{ss sb so}", "type", "object", "additionalProperties", 0, "properties", properties);
	if (json_array_size(required))
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}

struct str config_json_schema(struct arena *a) {
	owned(json) json_t *schema = json_pack("{ss ss}", "$schema", "https://json-schema.org/draft/2020-12/schema",
		"title", "Configuration of usherd");
	owned(json) json_t *root = schema_object(a, "");
	json_object_update(schema, root);
	owned(json_text) char *text = json_dumps(schema, JSON_INDENT(2));
	return str_printf(a, "%s\n", text ? text : "{}");
}
