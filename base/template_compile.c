#include "base/template_private.h"

struct section {
	size_t op;
	struct html html;
};

struct compiler {
	struct arena *arena;
	struct template *t;
	struct str text;
	size_t at;     /* behind what was read */
	size_t tag;    /* the '{{' of the tag that is read */
	unsigned line; /* of it */
	struct html html;
	size_t url;       /* where the URL attribute's value begins */
	bool url_literal; /* nothing but literal text since */
	struct section open[LIMIT_TEMPLATE_DEPTH];
	unsigned depth;
	struct str *why;
};

static unsigned lines(struct str s, size_t from, size_t to) {
	unsigned n = 0;
	for (size_t i = from; i < to && i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

static enum err refuse(struct compiler *c, size_t at, const char *what, struct str name) {
	const char *colon = str_empty(name) ? "" : ": ";
	return template_refuse(
		c->why, c->arena, c->t->name, 1 + lines(c->text, 0, at), "%s%s%.*s", what, colon, FMT(name));
}

static struct op *op_add(struct compiler *c, enum op_kind kind, struct str text) {
	struct template *t = c->t;
	if (t->n == t->room) {
		size_t room = t->room ? t->room * 2 : 16;
		t->ops = arena_grow(c->arena, t->ops, t->room * sizeof(*t->ops), room * sizeof(*t->ops));
		t->room = room;
	}
	struct op *op = &t->ops[t->n++];
	*op = (struct op){.kind = kind, .text = text, .line = c->line, .depth = c->depth};
	return op;
}

static void literal_add(struct compiler *c, size_t from, size_t to) {
	if (from < to)
		op_add(c, OP_LITERAL, str_sub(c->text, from, to - from));
}

/* Literal text from..to; in HTML its context is followed. */
static enum err literal(struct compiler *c, size_t from, size_t to) {
	struct str s = str_sub(c->text, 0, to);
	while (c->t->kind == TEMPLATE_HTML && from < to) {
		size_t at = from;
		bool url;
		const char *why = html_read(&c->html, s, &at, &url);
		if (why)
			return refuse(c, at ? at - 1 : 0, why, STR_NONE);
		literal_add(c, from, at);
		from = at;
		if (url) {
			op_add(c, OP_URL, STR_NONE);
			c->url = at;
			c->url_literal = true;
		}
	}
	literal_add(c, from, to);
	return OK;
}

static bool is_blank(char c) {
	return c == ' ' || c == '\t';
}

/* A section, note or partial alone on its line leaves nothing of that line: *from and *to become the line's ends. */
static void standalone(const struct compiler *c, size_t *from, size_t *to) {
	size_t begin = *from, end = *to;
	while (begin > 0 && is_blank(c->text.p[begin - 1]))
		begin--;
	if (begin > 0 && c->text.p[begin - 1] != '\n')
		return;
	while (end < c->text.n && is_blank(c->text.p[end]))
		end++;
	if (end + 1 < c->text.n && c->text.p[end] == '\r' && c->text.p[end + 1] == '\n')
		end++;
	if (end < c->text.n && c->text.p[end] != '\n')
		return;
	*from = begin;
	*to = end < c->text.n ? end + 1 : end;
}

static enum err value_context(struct compiler *c, struct op *op) {
	if (c->t->kind != TEMPLATE_HTML)
		return OK;
	const char *why = html_value(&c->html);
	if (why)
		return refuse(c, c->tag, why, op->text);
	bool quoted = c->html.state == HTML_DOUBLE_QUOTED || c->html.state == HTML_SINGLE_QUOTED;
	op->in_url = quoted && c->html.attribute == ATTRIBUTE_URL;
	if (!op->in_url || !c->url_literal)
		return OK;
	enum url_state url = html_url_state(str_sub(c->text, c->url, c->tag - c->url));
	if (url == URL_UNSETTLED)
		return refuse(c, c->tag, "scheme or path of the URL must be settled before a value", op->text);
	return OK;
}

static enum err value_tag(struct compiler *c, struct str name) {
	bool catalogue = str_starts(name, STR("t."));
	if (!str_eq(name, STR(".")) && !template_name_ok(name))
		return refuse(c, c->tag, "bad name", name);
	struct op *op = op_add(c, catalogue ? OP_CATALOGUE : OP_VALUE, catalogue ? str_sub(name, 2, name.n) : name);
	return value_context(c, op);
}

static enum err section_tag(struct compiler *c, struct str name, enum op_kind kind) {
	if (!str_eq(name, STR(".")) && !template_name_ok(name))
		return refuse(c, c->tag, "bad name", name);
	if (str_starts(name, STR("t.")))
		return refuse(c, c->tag, "a text of the catalogue is no section", name);
	if (c->depth == LIMIT_TEMPLATE_DEPTH)
		return refuse(c, c->tag, "sections are nested too deeply", name);
	html_settle(&c->html);
	op_add(c, kind, name);
	c->open[c->depth++] = (struct section){.op = c->t->n - 1, .html = c->html};
	return OK;
}

static enum err section_html(struct compiler *c, struct section *section, struct str name) {
	bool space;
	html_settle(&c->html);
	const char *why = html_join(&section->html, &c->html, &space);
	if (why)
		return refuse(c, c->tag, why, name);
	if (space)
		op_add(c, OP_LITERAL, STR(" "));
	c->html = section->html;
	return OK;
}

static enum err end_tag(struct compiler *c, struct str name) {
	if (!c->depth)
		return refuse(c, c->tag, "the end of a section that is not open", name);
	struct section *section = &c->open[c->depth - 1];
	if (!str_eq(c->t->ops[section->op].text, name))
		return refuse(c, c->tag, "another section is open", c->t->ops[section->op].text);
	if (c->t->kind == TEMPLATE_HTML)
		TRY(section_html(c, section, name));
	c->depth--;
	c->t->ops[section->op].end = c->t->n;
	return OK;
}

static enum err partial_tag(struct compiler *c, struct str name) {
	if (!template_name_ok(name))
		return refuse(c, c->tag, "bad name", name);
	if (c->t->kind == TEMPLATE_HTML && !html_plain(&c->html))
		return refuse(c, c->tag, "a partial may stand in plain text only", name);
	op_add(c, OP_PARTIAL, name);
	return OK;
}

static enum err tag(struct compiler *c, char sigil, struct str name) {
	switch (sigil) {
	case '#':
		return section_tag(c, name, OP_SECTION);
	case '^':
		return section_tag(c, name, OP_INVERTED);
	case '/':
		return end_tag(c, name);
	case '>':
		return partial_tag(c, name);
	case '!':
		return OK;
	case '{':
	case '&':
		return refuse(c, c->tag, "values are always escaped; write {{name}}", STR_NONE);
	case '=':
		return refuse(c, c->tag, "delimiters cannot be changed", STR_NONE);
	default:
		return value_tag(c, name);
	}
}

/* The next '{{' or the text's end. */
static size_t find_tag(struct str s, size_t from) {
	for (;; from++) {
		from = str_find(s, '{', from);
		if (from + 1 >= s.n)
			return s.n;
		if (s.p[from + 1] == '{')
			return from;
	}
}

static size_t find_tag_end(struct str s, size_t from) {
	for (;; from++) {
		from = str_find(s, '}', from);
		if (from + 1 >= s.n)
			return s.n;
		if (s.p[from + 1] == '}')
			return from;
	}
}

/* Literal text and the tag behind it. */
static enum err step(struct compiler *c) {
	static const char sigils[] = "#^/>!{&=";
	size_t from = c->at, close = find_tag_end(c->text, c->tag + 2);
	if (close >= c->text.n)
		return refuse(c, c->tag, "'{{' without '}}'", STR_NONE);
	struct str inner = str_sub(c->text, c->tag + 2, close - c->tag - 2);
	char sigil = !str_empty(inner) && strchr(sigils, inner.p[0]) ? inner.p[0] : 0;
	if (sigil)
		inner = str_sub(inner, 1, inner.n);
	size_t literal_end = c->tag;
	c->at = close + 2;
	if (sigil)
		standalone(c, &literal_end, &c->at);
	TRY(literal(c, from, literal_end > from ? literal_end : from));
	TRY(tag(c, sigil, str_trim(inner)));
	c->url_literal = false;
	return OK;
}

static enum err check_text(struct compiler *c) {
	if (c->text.n > LIMIT_TEMPLATE)
		return refuse(c, 0, "the template is too large", STR_NONE);
	for (size_t i = 0; i < c->text.n; i++) {
		unsigned char b = (unsigned char)c->text.p[i];
		if ((b < ' ' && b != '\t' && b != '\n' && b != '\r') || b == 0x7f)
			return refuse(c, i, "a control character", STR_NONE);
	}
	if (!str_utf8(c->text))
		return refuse(c, 0, "not UTF-8", STR_NONE);
	return OK;
}

static enum err check_end(struct compiler *c) {
	if (c->depth) {
		const struct op *op = &c->t->ops[c->open[c->depth - 1].op];
		return template_refuse(
			c->why, c->arena, c->t->name, op->line, "the section has no end: %.*s", FMT(op->text));
	}
	if (c->t->kind == TEMPLATE_HTML && !html_plain(&c->html))
		return refuse(
			c, c->text.n, "the template ends within a tag, comment or element of its own kind", STR_NONE);
	return OK;
}

enum err template_compile(
	struct arena *a, const struct template_source *source, struct template *t, struct str *ret_why) {
	struct str name = str_dup(a, str_of(source->name));
	*t = (struct template){.name = name, .kind = source->kind};
	struct compiler c = {
		.arena = a, .t = t, .text = str_slice(source->text, source->size), .line = 1, .why = ret_why};
	TRY(check_text(&c));
	c.text = str_dup(a, c.text);
	while (c.at < c.text.n) {
		size_t tag = find_tag(c.text, c.at);
		c.line += lines(c.text, c.tag, tag);
		c.tag = tag;
		if (c.tag == c.text.n) {
			TRY(literal(&c, c.at, c.text.n));
			break;
		}
		TRY(step(&c));
	}
	return check_end(&c);
}
