/* template.h: a subset of mustache, compiled once, with its HTML context checked at compile time.
 *
 *   {{x}} {{a.b}} {{.}}      a value, always escaped for the template's kind
 *   {{#x}} … {{/x}}          once if x is true, a non-empty text or an object; once for each row of a list
 *   {{^x}} … {{/x}}          if x is absent, false, empty text or an empty list
 *   {{>name}}                another template of the set, in the same context
 *   {{!note}}                nothing
 *
 * Refused in HTML: {{{x}}} and {{&x}}; a value in an unquoted attribute, a tag or attribute name, a comment, <script>,
 * <style>, or in an on*, style or srcdoc attribute; a section that ends in another HTML context than it began. A value
 * that begins an URL attribute (href, src, action, formaction) must be http:, https:, /path (not //) or #fragment at
 * run time, else "#blocked" is written. In text templates nothing is escaped, and a line break in a value becomes a
 * space.
 *
 * Data is a tree in an arena (struct value), looked up from the innermost section outwards. Catalogue texts: {{t.key}}
 * is looked up in the set's catalogue. */
#ifndef USHER_BASE_TEMPLATE_H
#define USHER_BASE_TEMPLATE_H

#include "base/buf.h"
#include "base/error.h"

enum value_kind { VALUE_TEXT, VALUE_BOOL, VALUE_LIST, VALUE_OBJECT };
struct value {
	enum value_kind kind;
	struct str name; /* within its object */
	struct str text;
	bool truth;
	struct value *first; /* children of a list or object, in order */
	struct value *last;
	struct value *next; /* sibling */
};

/* Building; everything is copied by slice, not by byte. */
struct value *value_object(struct arena *a);
void value_text(struct arena *a, struct value *object, const char *name, struct str text);
void value_bool(struct arena *a, struct value *object, const char *name, bool truth);
void value_number(struct arena *a, struct value *object, const char *name, int64_t number);
struct value *value_child(struct arena *a, struct value *object, const char *name);
struct value *value_list(struct arena *a, struct value *object, const char *name);
struct value *value_row(struct arena *a, struct value *list);          /* a new object in the list */
void value_item(struct arena *a, struct value *list, struct str text); /* a new text in the list: {{.}} */

enum template_kind { TEMPLATE_HTML, TEMPLATE_TEXT };
struct template_source {
	const char *name;
	enum template_kind kind;
	const char *text;
	size_t size;
};
struct template_set;

/* Compiles all sources; *ret_why: "name:line: what", in the arena a (which the set also lives in). Partials must exist
 * and not recurse. */
enum err template_set_new(struct arena *a, const struct template_source *sources, size_t n, struct template_set **ret,
	struct str *ret_why) must_use;
/* Catalogue of texts: "key = text" lines; {{t.key}} in any template must exist in it (checked here). */
enum err template_set_texts(
	struct template_set *set, struct arena *a, struct str catalogue, struct str *ret_why) must_use;
/* The text of a key, or the key itself. */
struct str template_text(const struct template_set *set, const char *key);
/* ERR_NOT_FOUND for an unknown name, ERR_TOO_LARGE when the buffer's ceiling is met. */
enum err template_render(
	const struct template_set *set, const char *name, const struct value *data, struct buf *out) must_use;

#endif
