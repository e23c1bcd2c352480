/* template_private.h: what the files of the template module share. Included by template*.c only. */
#ifndef USHER_BASE_TEMPLATE_PRIVATE_H
#define USHER_BASE_TEMPLATE_PRIVATE_H

#include "base/template.h"

#define TEMPLATE_NAME_MAX        64u        /* bytes of a name in a tag */
#define TEMPLATE_OPS_EXPANDED    65536u     /* operations of one template, its partials counted wherever they stand */
#define TEMPLATE_STEPS           (2u << 20) /* operations of one rendering; lists multiply them */
#define TEMPLATE_MARKUP_NAME_MAX 31u        /* letters of a tag or attribute name in HTML */

enum op_kind { OP_LITERAL, OP_VALUE, OP_CATALOGUE, OP_SECTION, OP_INVERTED, OP_PARTIAL, OP_URL };

struct template;
struct op {
	enum op_kind kind;
	bool in_url;              /* OP_VALUE, OP_CATALOGUE: within an URL attribute */
	unsigned line, depth;     /* where it stands; how many sections are open there */
	struct str text;          /* literal, or name */
	struct str found;         /* OP_CATALOGUE: the text of its key */
	size_t end;               /* sections: the operation after their last */
	struct template *partial; /* OP_PARTIAL */
};

struct template {
	struct str name;
	enum template_kind kind;
	struct op *ops;
	size_t n, room;
	bool visiting, linked;
	unsigned depth;  /* deepest nesting below it, 0 for a template without sections and partials */
	size_t expanded; /* operations with those of its partials */
};

struct catalogue_text {
	struct str key, text;
};

struct template_set {
	struct arena *arena;
	struct template *v;
	size_t n;
	struct catalogue_text *texts; /* sorted by key */
	size_t n_texts;
};

/* "name:line: what" into *why; returns ERR_CONFIG. */
enum err template_refuse(struct str *why, struct arena *a, struct str name, unsigned line, const char *format, ...)
	printf_like(5, 6);
struct template *template_find(const struct template_set *set, struct str name);
/* Letters, digits, '_', '-', and '.' between them. */
bool template_name_ok(struct str name);

/* template_compile.c: one source to operations. Partials are found later, by template_set_new. */
enum err template_compile(
	struct arena *a, const struct template_source *source, struct template *t, struct str *ret_why) must_use;

/* template_render.c: writes t into out. */
enum err template_run(const struct template *t, const struct value *data, struct buf *out) must_use;

/* template_html.c: the HTML tokenizer's state, followed over the literal parts of a template.
 *
 * It is stricter than HTML: what browsers read in two ways (by the element around it, or by scripting being on) is
 * refused, so that '<' is a tag wherever it stands. Refused are '<' in an attribute, a comment or text, a stray quote
 * in a tag, <? and <! other than a comment and the doctype, and <script> or <style> in <svg>. */
enum html_state {
	HTML_TEXT,
	HTML_RCDATA, /* in <title> or <textarea> */
	HTML_RAW,    /* in <script>, <style> and the like */
	HTML_COMMENT,
	HTML_DOCTYPE,
	HTML_TAG_OPEN, /* after '<' or "</" */
	HTML_TAG_NAME,
	HTML_TAG,           /* in a tag, after a space: an attribute may begin */
	HTML_TAG_EDGE,      /* in a tag, where a space, '/' or '>' must come */
	HTML_ATTRIBUTE,     /* in an attribute's name */
	HTML_ATTRIBUTE_END, /* in the space behind one */
	HTML_EQUALS,        /* after '=' */
	HTML_DOUBLE_QUOTED,
	HTML_SINGLE_QUOTED,
	HTML_UNQUOTED
};
enum html_attribute { ATTRIBUTE_PLAIN, ATTRIBUTE_URL, ATTRIBUTE_REFUSED, ATTRIBUTE_CONTENT, ATTRIBUTE_EQUIV };
enum html_element { ELEMENT_PLAIN, ELEMENT_RCDATA, ELEMENT_RAW, ELEMENT_FOREIGN, ELEMENT_REFUSED };
struct html {
	enum html_state state;
	enum html_element element; /* of the tag that is open, or whose text this is */
	enum html_attribute attribute;
	bool closing;        /* the tag is an end tag */
	bool slash;          /* the tag's last letter was '/' */
	bool equiv, content; /* the tag has http-equiv; has a value in content */
	char foreign;        /* 's' in <svg>, 'm' in <math> */
	char tag[TEMPLATE_MARKUP_NAME_MAX + 1];
	char name[TEMPLATE_MARKUP_NAME_MAX + 1];
};

/* Reads s from *at. Stops at its end, behind the quote that opens an URL attribute (then *ret_url is true), or at what
 * is refused: returns the reason, else NULL. */
const char *html_read(struct html *h, struct str s, size_t *at, bool *ret_url);
/* The reason why no value may stand here, or NULL. */
const char *html_value(struct html *h);
/* Settles the state at a section's begin or end. */
void html_settle(struct html *h);
/* Joins the state at a section's end with that at its begin, which becomes the state behind it. Returns the reason why
 * not, or NULL. *ret_space: a space must be written at the section's end, to keep attributes apart. */
const char *html_join(struct html *begin, const struct html *end, bool *ret_space);
bool html_plain(const struct html *h);

/* template_url.c. What an URL's beginning says about what may follow. */
enum url_state {
	URL_EMPTY,
	URL_SLASH,    /* "/": anything but another */
	URL_SETTLED,  /* scheme, path or fragment: anything */
	URL_UNSETTLED /* nothing */
};
enum url_state html_url_state(struct str written);
/* Whether value may be written behind what was. */
bool html_url_allows(struct str written, struct str value);

#endif
