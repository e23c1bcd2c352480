#include "base/encode.h"
#include "base/template_private.h"

struct scope {
	const struct value *value;
	const struct scope *outer;
};

struct render {
	struct buf *out;
	unsigned steps;
	size_t url; /* where the URL attribute's value begins in out */
};

static const struct value *member(const struct value *object, struct str name) {
	if (!object || object->kind != VALUE_OBJECT)
		return NULL;
	for (const struct value *v = object->first; v; v = v->next)
		if (str_eq(v->name, name))
			return v;
	return NULL;
}

static const struct value *look_up(const struct scope *scope, struct str path) {
	if (str_eq(path, STR(".")))
		return scope->value;
	struct str part;
	if (!str_next(&path, '.', &part))
		return NULL;
	const struct value *found = NULL;
	for (; scope && !found; scope = scope->outer)
		found = member(scope->value, part);
	while (found && str_next(&path, '.', &part))
		found = member(found, part);
	return found;
}

static bool is_true(const struct value *v) {
	if (!v)
		return false;
	switch (v->kind) {
	case VALUE_TEXT:
		return !str_empty(v->text);
	case VALUE_BOOL:
		return v->truth;
	case VALUE_LIST:
		return v->first != NULL;
	default:
		return true;
	}
}

static struct str text_of(const struct value *v) {
	if (v && v->kind == VALUE_TEXT)
		return v->text;
	if (v && v->kind == VALUE_BOOL)
		return v->truth ? STR("true") : STR("false");
	return STR_NONE;
}

/* Bytes of the line break at p, or 0: CR LF, the controls, and in UTF-8 NEL, LS and PS. */
static size_t line_break(struct str s) {
	static const struct str breaks[] = {
		{"\r\n", 2},
		{"\n", 1},
		{"\r", 1},
		{"\v", 1},
		{"\f", 1},
		{"\xc2\x85", 2},
		{"\xe2\x80\xa8", 3},
		{"\xe2\x80\xa9", 3},
	};
	for (size_t i = 0; i < COUNT(breaks); i++)
		if (str_starts(s, breaks[i]))
			return breaks[i].n;
	return 0;
}

static void write_line(struct buf *out, struct str s) {
	size_t from = 0, i = 0;
	while (i < s.n) {
		size_t n = line_break(str_sub(s, i, 3));
		if (!n) {
			i++;
			continue;
		}
		buf_put(out, str_sub(s, from, i - from));
		buf_byte(out, ' ');
		from = i += n;
	}
	buf_put(out, str_sub(s, from, s.n));
}

static void write_value(struct render *r, const struct template *t, const struct op *op, struct str text) {
	if (t->kind == TEMPLATE_TEXT) {
		write_line(r->out, text);
		return;
	}
	struct str written = str_sub(buf_str(r->out), r->url, r->out->n);
	if (!op->in_url || html_url_allows(written, text)) {
		html_escape(r->out, text);
		return;
	}
	r->out->n = r->url;
	buf_put(r->out, STR("#blocked"));
}

static enum err run(struct render *r, const struct template *t, size_t from, size_t to, const struct scope *scope);

static enum err run_body(struct render *r, const struct template *t, const struct op *op, const struct scope *scope) {
	return run(r, t, (size_t)(op - t->ops) + 1, op->end, scope);
}

static enum err run_section(
	struct render *r, const struct template *t, const struct op *op, const struct scope *scope) {
	const struct value *v = look_up(scope, op->text);
	if (is_true(v) != (op->kind == OP_SECTION))
		return OK;
	if (op->kind == OP_INVERTED || v->kind == VALUE_BOOL)
		return run_body(r, t, op, scope);
	struct scope inner = {.value = v, .outer = scope};
	if (v->kind != VALUE_LIST)
		return run_body(r, t, op, &inner);
	for (const struct value *row = v->first; row; row = row->next) {
		inner.value = row;
		TRY(run_body(r, t, op, &inner));
	}
	return OK;
}

static enum err run_op(struct render *r, const struct template *t, const struct op *op, const struct scope *scope) {
	switch (op->kind) {
	case OP_LITERAL:
		buf_put(r->out, op->text);
		return OK;
	case OP_URL:
		r->url = r->out->n;
		return OK;
	case OP_VALUE:
		write_value(r, t, op, text_of(look_up(scope, op->text)));
		return OK;
	case OP_CATALOGUE:
		write_value(r, t, op, str_absent(op->found) ? op->text : op->found);
		return OK;
	case OP_PARTIAL:
		return run(r, op->partial, 0, op->partial->n, scope);
	default:
		return run_section(r, t, op, scope);
	}
}

static enum err run(struct render *r, const struct template *t, size_t from, size_t to, const struct scope *scope) {
	for (size_t i = from; i < to;) {
		const struct op *op = &t->ops[i];
		if (++r->steps > TEMPLATE_STEPS || buf_full(r->out))
			return ERR_TOO_LARGE;
		TRY(run_op(r, t, op, scope));
		i = op->kind == OP_SECTION || op->kind == OP_INVERTED ? op->end : i + 1;
	}
	return OK;
}

enum err template_run(const struct template *t, const struct value *data, struct buf *out) {
	struct render r = {.out = out};
	struct scope scope = {.value = data};
	TRY(run(&r, t, 0, t->n, &scope));
	return buf_full(out) ? ERR_TOO_LARGE : OK;
}
