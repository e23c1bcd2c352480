#include <ctype.h>
#include <strings.h>

#include "base/template_private.h"

struct named {
	const char *name;
	int class;
};

static const struct named elements[] = {
	{"iframe", ELEMENT_RAW},
	{"math", ELEMENT_FOREIGN},
	{"noembed", ELEMENT_RAW},
	{"noframes", ELEMENT_RAW},
	{"plaintext", ELEMENT_REFUSED},
	{"script", ELEMENT_RAW},
	{"style", ELEMENT_RAW},
	{"svg", ELEMENT_FOREIGN},
	{"textarea", ELEMENT_RCDATA},
	{"title", ELEMENT_RCDATA},
	{"xmp", ELEMENT_RAW},
};

/* By local name: xlink:href is href. from, to, by and values belong to SVG animations, which can set any attribute. */
static const struct named attributes[] = {
	{"action", ATTRIBUTE_URL},
	{"archive", ATTRIBUTE_REFUSED},
	{"attributename", ATTRIBUTE_REFUSED},
	{"background", ATTRIBUTE_URL},
	{"by", ATTRIBUTE_REFUSED},
	{"cite", ATTRIBUTE_URL},
	{"classid", ATTRIBUTE_REFUSED},
	{"codebase", ATTRIBUTE_URL},
	{"content", ATTRIBUTE_CONTENT},
	{"data", ATTRIBUTE_URL},
	{"dynsrc", ATTRIBUTE_URL},
	{"formaction", ATTRIBUTE_URL},
	{"from", ATTRIBUTE_REFUSED},
	{"href", ATTRIBUTE_URL},
	{"http-equiv", ATTRIBUTE_EQUIV},
	{"imagesrcset", ATTRIBUTE_REFUSED},
	{"longdesc", ATTRIBUTE_URL},
	{"lowsrc", ATTRIBUTE_URL},
	{"manifest", ATTRIBUTE_URL},
	{"ping", ATTRIBUTE_REFUSED},
	{"poster", ATTRIBUTE_URL},
	{"src", ATTRIBUTE_URL},
	{"srcdoc", ATTRIBUTE_REFUSED},
	{"srcset", ATTRIBUTE_REFUSED},
	{"style", ATTRIBUTE_REFUSED},
	{"to", ATTRIBUTE_REFUSED},
	{"values", ATTRIBUTE_REFUSED},
};

static int class_of(const struct named *rows, size_t n, const char *name) {
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].class;
	return 0;
}

static enum html_attribute attribute_class(const char *name) {
	const char *local = strrchr(name, ':');
	local = local ? local + 1 : name;
	if (!strncmp(local, "on", 2) || !strncmp(name, "on", 2))
		return ATTRIBUTE_REFUSED;
	return (enum html_attribute)class_of(attributes, COUNT(attributes), local);
}

static bool is_space(char c) {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(char c) {
	return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':' || c == '.';
}

static bool name_add(char *name, char c) {
	size_t n = strlen(name);
	if (n >= TEMPLATE_MARKUP_NAME_MAX)
		return false;
	name[n] = (char)tolower((unsigned char)c);
	name[n + 1] = 0;
	return true;
}

static const char *tag_end(struct html *h) {
	enum html_state next = HTML_TEXT;
	bool foreign = h->foreign;
	if (h->closing) {
		if (h->element == ELEMENT_FOREIGN && h->foreign == h->tag[0])
			h->foreign = 0;
	} else if (h->element == ELEMENT_FOREIGN) {
		if (foreign)
			return "<svg> or <math> within another";
		if (!h->slash)
			h->foreign = h->tag[0];
	} else if (h->element == ELEMENT_RAW || h->element == ELEMENT_RCDATA) {
		if (h->slash)
			return "this element cannot be closed by '/>'";
		if (foreign && (h->element == ELEMENT_RAW || strcmp(h->tag, "title")))
			return "this element may not stand in <svg> or <math>";
		next = h->element == ELEMENT_RAW ? HTML_RAW : HTML_RCDATA;
	}
	h->state = next;
	return NULL;
}

/* A letter in a tag, outside names and values. */
static const char *in_tag(struct html *h, char c) {
	bool slash = h->slash;
	h->slash = c == '/';
	if (c == '>') {
		h->slash = slash;
		return tag_end(h);
	}
	if (is_space(c) || c == '/') {
		h->state = HTML_TAG;
		return NULL;
	}
	if (h->state != HTML_TAG && h->state != HTML_ATTRIBUTE_END)
		return "a space is missing in a tag";
	if (!is_name(c))
		return "this letter may not stand in a tag; quote attribute values";
	h->name[0] = 0;
	name_add(h->name, c);
	h->state = HTML_ATTRIBUTE;
	return NULL;
}

static const char *read_text(struct html *h, struct str s, size_t *at) {
	if (s.p[*at] == '<') {
		h->state = HTML_TAG_OPEN;
		h->tag[0] = 0;
		h->closing = h->slash = h->equiv = h->content = false;
	}
	++*at;
	return NULL;
}

/* "</name" and what ends a name, in one literal; returns its length or 0. */
static size_t end_tag(const struct html *h, struct str rest) {
	size_t n = strlen(h->tag);
	if (rest.n < n + 3 || rest.p[1] != '/' || strncasecmp(rest.p + 2, h->tag, n))
		return 0;
	char c = rest.p[n + 2];
	return is_space(c) || c == '/' || c == '>' ? n + 2 : 0;
}

static const char *read_element(struct html *h, struct str s, size_t *at) {
	struct str rest = str_sub(s, *at, s.n);
	if (rest.p[0] != '<') {
		++*at;
		return NULL;
	}
	size_t n = end_tag(h, rest);
	if (n) {
		h->closing = true;
		h->slash = h->equiv = h->content = false;
		h->state = HTML_TAG_NAME;
		*at += n;
		return NULL;
	}
	if (h->state == HTML_RAW && rest.n > 1 && (rest.p[1] == ' ' || rest.p[1] == '='))
		return ++*at, NULL;
	return "'<' may not stand in this element";
}

static const char *read_comment(struct html *h, struct str s, size_t *at) {
	if (s.p[*at] == '<')
		return "'<' in an HTML comment; use {{! }}";
	if (str_starts(str_sub(s, *at, 3), STR("-->"))) {
		h->state = HTML_TEXT;
		*at += 3;
		return NULL;
	}
	++*at;
	return NULL;
}

static const char *read_doctype(struct html *h, struct str s, size_t *at) {
	char c = s.p[*at];
	if (c == '>')
		h->state = HTML_TEXT;
	else if (!is_letter(c) && !is_space(c))
		return "only <!doctype html> is known";
	++*at;
	return NULL;
}

static const char *read_tag_open(struct html *h, struct str s, size_t *at) {
	char c = s.p[*at];
	if (c == '!' && !h->closing) {
		if (str_eq(str_sub(s, *at + 1, 2), STR("--"))) {
			h->state = HTML_COMMENT;
			*at += 3;
			return NULL;
		}
		if (!str_eq_case(str_sub(s, *at + 1, 7), STR("doctype")))
			return "'<!' begins neither a comment nor the doctype";
		h->state = HTML_DOCTYPE;
		*at += 8;
		return NULL;
	}
	if (c == '/' && !h->closing) {
		h->closing = true;
		++*at;
		return NULL;
	}
	if (!is_letter(c))
		return "'<' begins no tag; write &lt;";
	h->state = HTML_TAG_NAME;
	return NULL;
}

static const char *read_tag_name(struct html *h, struct str s, size_t *at) {
	char c = s.p[*at];
	if (is_name(c)) {
		++*at;
		return name_add(h->tag, c) ? NULL : "this tag's name is too long";
	}
	h->element = (enum html_element)class_of(elements, COUNT(elements), h->tag);
	if (h->element == ELEMENT_REFUSED)
		return "this element never ends";
	++*at;
	return in_tag(h, c);
}

static const char *read_tag(struct html *h, struct str s, size_t *at) {
	return in_tag(h, s.p[(*at)++]);
}

static const char *read_attribute(struct html *h, struct str s, size_t *at) {
	char c = s.p[(*at)++];
	if (h->state == HTML_ATTRIBUTE && is_name(c))
		return name_add(h->name, c) ? NULL : "this attribute's name is too long";
	if (is_space(c)) {
		h->state = HTML_ATTRIBUTE_END;
		return NULL;
	}
	if (c != '=')
		return in_tag(h, c);
	h->attribute = attribute_class(h->name);
	h->equiv = h->equiv || h->attribute == ATTRIBUTE_EQUIV;
	h->state = HTML_EQUALS;
	return h->equiv && h->content ? "http-equiv beside a value in content" : NULL;
}

static const char *read_equals(struct html *h, struct str s, size_t *at) {
	char c = s.p[(*at)++];
	if (is_space(c))
		return NULL;
	if (c == '"')
		h->state = HTML_DOUBLE_QUOTED;
	else if (c == '\'')
		h->state = HTML_SINGLE_QUOTED;
	else if (strchr("<>=`&", c))
		return "an attribute's value must be quoted";
	else
		h->state = HTML_UNQUOTED;
	return NULL;
}

static const char *read_quoted(struct html *h, struct str s, size_t *at) {
	char c = s.p[(*at)++];
	if (c == '<')
		return "'<' in an attribute; write &lt;";
	if (c == (h->state == HTML_DOUBLE_QUOTED ? '"' : '\''))
		h->state = HTML_TAG_EDGE;
	return NULL;
}

static const char *read_unquoted(struct html *h, struct str s, size_t *at) {
	char c = s.p[(*at)++];
	if (c == '>' || is_space(c)) {
		h->slash = false;
		return in_tag(h, c);
	}
	return strchr("\"'<=`", c) ? "an attribute's value must be quoted" : NULL;
}

static const char *(*const readers[])(struct html *h, struct str s, size_t *at) = {
	[HTML_TEXT] = read_text,
	[HTML_RCDATA] = read_element,
	[HTML_RAW] = read_element,
	[HTML_COMMENT] = read_comment,
	[HTML_DOCTYPE] = read_doctype,
	[HTML_TAG_OPEN] = read_tag_open,
	[HTML_TAG_NAME] = read_tag_name,
	[HTML_TAG] = read_tag,
	[HTML_TAG_EDGE] = read_tag,
	[HTML_ATTRIBUTE] = read_attribute,
	[HTML_ATTRIBUTE_END] = read_attribute,
	[HTML_EQUALS] = read_equals,
	[HTML_DOUBLE_QUOTED] = read_quoted,
	[HTML_SINGLE_QUOTED] = read_quoted,
	[HTML_UNQUOTED] = read_unquoted,
};

const char *html_read(struct html *h, struct str s, size_t *at, bool *ret_url) {
	*ret_url = false;
	while (*at < s.n) {
		enum html_state before = h->state;
		const char *why = readers[before](h, s, at);
		if (why)
			return why;
		*ret_url = before == HTML_EQUALS && h->attribute == ATTRIBUTE_URL &&
			   (h->state == HTML_DOUBLE_QUOTED || h->state == HTML_SINGLE_QUOTED);
		if (*ret_url)
			return NULL;
	}
	return NULL;
}

static const char *attribute_value(struct html *h) {
	switch (h->attribute) {
	case ATTRIBUTE_REFUSED:
	case ATTRIBUTE_EQUIV:
		return "a value may not stand in this attribute";
	case ATTRIBUTE_CONTENT:
		h->content = true;
		return h->equiv ? "a value in content beside http-equiv" : NULL;
	default:
		return NULL;
	}
}

const char *html_value(struct html *h) {
	switch (h->state) {
	case HTML_TEXT:
	case HTML_RCDATA:
		return NULL;
	case HTML_DOUBLE_QUOTED:
	case HTML_SINGLE_QUOTED:
		return attribute_value(h);
	case HTML_RAW:
		return "a value may not stand in <script>, <style> and their like";
	case HTML_COMMENT:
		return "a value may not stand in a comment";
	case HTML_EQUALS:
	case HTML_UNQUOTED:
		return "a value may not stand in an unquoted attribute";
	default:
		return "a value may not stand in a tag outside a quoted attribute";
	}
}

void html_settle(struct html *h) {
	switch (h->state) {
	case HTML_TAG_NAME:
		h->element = (enum html_element)class_of(elements, COUNT(elements), h->tag);
		h->state = HTML_TAG_EDGE;
		break;
	case HTML_ATTRIBUTE:
		h->state = HTML_TAG_EDGE;
		break;
	case HTML_ATTRIBUTE_END:
		h->state = HTML_TAG;
		break;
	default:
		break;
	}
}

static bool in_attribute(enum html_state state) {
	return state >= HTML_EQUALS;
}

const char *html_join(struct html *begin, const struct html *end, bool *ret_space) {
	static const char other[] = "the section ends in another HTML context than it began";
	bool tag = begin->state == HTML_TAG || begin->state == HTML_TAG_EDGE;
	bool end_in_tag = end->state == HTML_TAG || end->state == HTML_TAG_EDGE;
	*ret_space = false;
	if (tag ? !end_in_tag : begin->state != end->state)
		return other;
	if (begin->foreign != end->foreign || (in_attribute(begin->state) && begin->attribute != end->attribute))
		return other;
	if (begin->state != HTML_TEXT && begin->state != HTML_COMMENT &&
		(strcmp(begin->tag, end->tag) || begin->closing != end->closing))
		return other;
	if (tag) {
		*ret_space = begin->state == HTML_TAG && end->state == HTML_TAG_EDGE;
		begin->state = begin->state == end->state ? begin->state : HTML_TAG_EDGE;
	}
	begin->equiv = begin->equiv || end->equiv;
	begin->content = begin->content || end->content;
	begin->slash = begin->slash && end->slash;
	return begin->equiv && begin->content ? "http-equiv beside a value in content" : NULL;
}

bool html_plain(const struct html *h) {
	return h->state == HTML_TEXT && !h->foreign;
}
