#include "base/template.h"

#include "base/template_private.h"

enum err template_refuse(struct str *why, struct arena *a, struct str name, unsigned line, const char *format, ...) {
	struct buf b = buf_new(a, 1024);
	va_list args;
	va_start(args, format);
	buf_printf(&b, "%.*s:%u: ", FMT(name), line);
	buf_vprintf(&b, format, args);
	va_end(args);
	*why = buf_str(&b);
	return ERR_CONFIG;
}

struct template *template_find(const struct template_set *set, struct str name) {
	for (size_t i = 0; i < set->n; i++)
		if (str_eq(set->v[i].name, name))
			return &set->v[i];
	return NULL;
}

bool template_name_ok(struct str name) {
	char before = '.';
	if (str_empty(name) || name.n > TEMPLATE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; before = name.p[i++]) {
		char c = name.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
			      c == '-';
		if (!letter && (c != '.' || before == '.'))
			return false;
	}
	return before != '.';
}

static enum err link_partials(struct template_set *set, struct template *t, unsigned level, struct str *why);

static enum err link_partial(
	struct template_set *set, struct template *t, struct op *op, unsigned level, struct str *why) {
	struct template *partial = template_find(set, op->text);
	if (!partial)
		return template_refuse(why, set->arena, t->name, op->line, "no such template: %.*s", FMT(op->text));
	if (partial->visiting)
		return template_refuse(
			why, set->arena, t->name, op->line, "a partial within itself: %.*s", FMT(op->text));
	if (partial->kind != t->kind)
		return template_refuse(
			why, set->arena, t->name, op->line, "a partial of another kind: %.*s", FMT(op->text));
	op->partial = partial;
	TRY(link_partials(set, partial, level + 1, why));
	unsigned depth = op->depth + 1 + partial->depth;
	t->depth = t->depth > depth ? t->depth : depth;
	t->expanded += partial->expanded;
	if (t->depth > LIMIT_TEMPLATE_DEPTH || t->expanded > TEMPLATE_OPS_EXPANDED)
		return template_refuse(
			why, set->arena, t->name, op->line, "partials are nested too deeply: %.*s", FMT(op->text));
	return OK;
}

static enum err link_partials(struct template_set *set, struct template *t, unsigned level, struct str *why) {
	if (t->linked)
		return OK;
	if (level > LIMIT_TEMPLATE_DEPTH)
		return template_refuse(why, set->arena, t->name, 1, "partials are nested too deeply");
	t->visiting = true;
	t->expanded = t->n;
	for (size_t i = 0; i < t->n; i++) {
		struct op *op = &t->ops[i];
		bool section = op->kind == OP_SECTION || op->kind == OP_INVERTED;
		if (section && t->depth < op->depth + 1)
			t->depth = op->depth + 1;
		if (op->kind == OP_PARTIAL)
			TRY(link_partial(set, t, op, level, why));
	}
	t->visiting = false;
	t->linked = true;
	return OK;
}

enum err template_set_new(struct arena *a, const struct template_source *sources, size_t n, struct template_set **ret,
	struct str *ret_why) {
	struct template_set *set = arena_new_of(a, struct template_set);
	set->arena = a;
	set->v = n ? arena_array(a, struct template, n) : NULL;
	for (size_t i = 0; i < n; i++) {
		if (template_find(set, str_of(sources[i].name)))
			return template_refuse(ret_why, a, str_of(sources[i].name), 1, "two templates have this name");
		TRY(template_compile(a, &sources[i], &set->v[i], ret_why));
		set->n++;
	}
	for (size_t i = 0; i < n; i++)
		TRY(link_partials(set, &set->v[i], 0, ret_why));
	*ret = set;
	return OK;
}

static int by_key(const void *left, const void *right) {
	const struct catalogue_text *l = left, *r = right;
	return str_cmp(l->key, r->key);
}

static const struct catalogue_text *find_text(const struct catalogue_text *texts, size_t n, struct str key) {
	struct catalogue_text wanted = {.key = key};
	return n ? bsearch(&wanted, texts, n, sizeof(*texts), by_key) : NULL;
}

struct catalogue {
	struct arena *arena;
	struct str *why;
	struct catalogue_text *v;
	size_t n;
};

static enum err read_line(struct catalogue *c, struct str line, unsigned number) {
	line = str_trim(line);
	if (str_empty(line) || line.p[0] == '#')
		return OK;
	size_t equals = str_find(line, '=', 0);
	struct str key = str_trim(str_sub(line, 0, equals));
	if (equals == line.n || !template_name_ok(key))
		return template_refuse(c->why, c->arena, STR("texts"), number, "expected: key = text");
	if (!str_utf8(line) || str_has_control(line))
		return template_refuse(c->why, c->arena, STR("texts"), number, "a control character, or not UTF-8");
	c->v[c->n++] = (struct catalogue_text){key, str_trim(str_sub(line, equals + 1, line.n))};
	return OK;
}

static enum err read_catalogue(struct catalogue *c, struct str text) {
	struct str line;
	size_t lines = 1;
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	if (text.n > LIMIT_CONFIG)
		return template_refuse(c->why, c->arena, STR("texts"), 1, "the catalogue is too large");
	c->v = arena_array(c->arena, struct catalogue_text, lines);
	for (unsigned number = 1; str_next(&text, '\n', &line); number++)
		TRY(read_line(c, line, number));
	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), by_key);
	for (size_t i = 1; i < c->n; i++)
		if (str_eq(c->v[i - 1].key, c->v[i].key))
			return template_refuse(
				c->why, c->arena, STR("texts"), 1, "this key stands twice: %.*s", FMT(c->v[i].key));
	return OK;
}

static enum err check_texts(const struct template *t, const struct catalogue *c) {
	for (size_t i = 0; i < t->n; i++) {
		const struct op *op = &t->ops[i];
		if (op->kind == OP_CATALOGUE && !find_text(c->v, c->n, op->text))
			return template_refuse(
				c->why, c->arena, t->name, op->line, "no such text: %.*s", FMT(op->text));
	}
	return OK;
}

static void use_texts(struct template *t, const struct catalogue *c) {
	for (size_t i = 0; i < t->n; i++)
		if (t->ops[i].kind == OP_CATALOGUE)
			t->ops[i].found = find_text(c->v, c->n, t->ops[i].text)->text;
}

enum err template_set_texts(struct template_set *set, struct arena *a, struct str catalogue, struct str *ret_why) {
	struct catalogue c = {.arena = a, .why = ret_why};
	TRY(read_catalogue(&c, str_dup(a, catalogue)));
	for (size_t i = 0; i < set->n; i++)
		TRY(check_texts(&set->v[i], &c));
	for (size_t i = 0; i < set->n; i++)
		use_texts(&set->v[i], &c);
	set->texts = c.v;
	set->n_texts = c.n;
	return OK;
}

struct str template_text(const struct template_set *set, const char *key) {
	const struct catalogue_text *found = find_text(set->texts, set->n_texts, str_of(key));
	return found ? found->text : str_of(key);
}

enum err template_render(const struct template_set *set, const char *name, const struct value *data, struct buf *out) {
	const struct template *t = template_find(set, str_of(name));
	return t ? template_run(t, data, out) : ERR_NOT_FOUND;
}
