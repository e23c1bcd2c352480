#include <yaml.h>

#include "config/config_private.h"

OWNED(yaml_parser, yaml_parser_t *, yaml_parser_delete)

struct reader {
	struct load *load;
	yaml_parser_t *parser;
	size_t nodes;
};
struct event {
	yaml_event_type_t type;
	struct str text;
	unsigned line, column;
	bool null, anchor, tag, runs_on;
};

static bool read_node(struct reader *r, const struct event *e, unsigned depth, struct node *node);

static unsigned mark_number(size_t zero_based) {
	return zero_based < UINT32_MAX ? (unsigned)zero_based + 1 : UINT32_MAX;
}

static bool stop(struct reader *r, const struct event *e, const char *why) {
	load_fail(r->load, (struct spot){.name = STR(""), .line = e->line, .column = e->column}, "%s", why);
	return false;
}

static bool fail_syntax(struct reader *r) {
	const yaml_parser_t *p = r->parser;
	bool scanned = p->error == YAML_SCANNER_ERROR || p->error == YAML_PARSER_ERROR;
	struct spot at = SPOT_FILE;
	if (scanned) {
		at.line = mark_number(p->problem_mark.line);
		at.column = mark_number(p->problem_mark.column);
	}
	const char *problem = p->problem ? p->problem : "it cannot be read";
	if (strcmp(problem, "found character that cannot start any token") == 0)
		problem = "found a tab, or another character that nothing begins with (indent by spaces, quote text),";
	if (p->context)
		load_fail(r->load, at, "is not YAML: %s %s", problem, p->context);
	else
		load_fail(r->load, at, "is not YAML: %s", problem);
	return false;
}

static bool is_null_word(struct str s) {
	return str_empty(s) || str_eq(s, STR("~")) || str_eq(s, STR("null"));
}

static void take_scalar(struct reader *r, const yaml_event_t *from, struct event *e) {
	struct str text = str_slice((const char *)from->data.scalar.value, from->data.scalar.length);
	e->text = str_dup(r->load->scratch, text);
	yaml_scalar_style_t style = from->data.scalar.style;
	bool quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	e->null = style == YAML_PLAIN_SCALAR_STYLE && is_null_word(text);
	e->runs_on = quoted && from->end_mark.line != from->start_mark.line;
	e->anchor = from->data.scalar.anchor;
	e->tag = from->data.scalar.tag;
}

static bool next_event(struct reader *r, struct event *ret) {
	yaml_event_t from;
	if (!yaml_parser_parse(r->parser, &from))
		return fail_syntax(r);
	struct event e = {.type = from.type};
	e.line = mark_number(from.start_mark.line);
	e.column = mark_number(from.start_mark.column);
	if (from.type == YAML_SCALAR_EVENT) {
		take_scalar(r, &from, &e);
	} else if (from.type == YAML_SEQUENCE_START_EVENT) {
		e.anchor = from.data.sequence_start.anchor;
		e.tag = from.data.sequence_start.tag;
	} else if (from.type == YAML_MAPPING_START_EVENT) {
		e.anchor = from.data.mapping_start.anchor;
		e.tag = from.data.mapping_start.tag;
	}
	yaml_event_delete(&from);
	*ret = e;
	return true;
}

/* A new last child of parent. */
static struct node *add_child(struct reader *r, struct node *parent) {
	struct node *node = arena_new_of(r->load->scratch, struct node);
	node->parent = parent;
	node->index = parent->n++;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	return node;
}

static bool read_list(struct reader *r, unsigned depth, struct node *list) {
	for (;;) {
		struct event e;
		if (!next_event(r, &e))
			return false;
		if (e.type == YAML_SEQUENCE_END_EVENT)
			return true;
		if (!read_node(r, &e, depth, add_child(r, list)))
			return false;
	}
}

static int compare_keys(const void *a, const void *b) {
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
	int by_key = str_cmp(x->key, y->key);
	return by_key ? by_key : (x->index > y->index) - (x->index < y->index);
}

/* Sorted, so that a long mapping takes no quadratic time. */
static void check_duplicates(struct reader *r, const struct node *map) {
	if (map->n < 2)
		return;
	struct node **sorted = arena_array(r->load->scratch, struct node *, map->n);
	size_t n = 0;
	for (struct node *child = map->first; child; child = child->next)
		sorted[n++] = child;
	qsort(sorted, n, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < n; i++) {
		struct node *node = sorted[i];
		if (!str_eq(sorted[i - 1]->key, node->key) || str_absent(node->key))
			continue;
		load_fail(r->load, SPOT_KEY(node), "stands here twice");
		node->kind = NODE_BAD;
	}
}

static bool read_key(struct reader *r, const struct event *e, struct node *node) {
	if (e->type != YAML_SCALAR_EVENT || e->null)
		return stop(r, e, "a key must be a word");
	if (e->anchor || e->tag)
		return stop(r, e, "anchors, aliases and tags are not read here");
	node->key = e->text;
	node->key_line = e->line;
	node->key_column = e->column;
	return true;
}

static bool read_map(struct reader *r, unsigned depth, struct node *map) {
	for (;;) {
		struct event e;
		if (!next_event(r, &e))
			return false;
		if (e.type == YAML_MAPPING_END_EVENT)
			break;
		struct node *child = add_child(r, map);
		if (!read_key(r, &e, child) || !next_event(r, &e) || !read_node(r, &e, depth, child))
			return false;
	}
	check_duplicates(r, map);
	return true;
}

/* YAML lets a quoted text go on over lines. Here that is a quote that is missing: the next one in the file ends it, and
 * the keys between are silently part of the text. */
static void refuse_run_on(struct reader *r, const struct event *e, struct node *node) {
	if (!e->runs_on)
		return;
	load_fail(r->load, SPOT_VALUE(node),
		"begins with a quote that ends on a later line: is one missing? (begin a long text by | or > instead)");
	node->kind = NODE_BAD;
}

static void refuse_references(struct reader *r, const struct event *e, struct node *node) {
	if (!e->anchor && !e->tag && e->type != YAML_ALIAS_EVENT)
		return;
	load_fail(r->load, SPOT_VALUE(node), "anchors, aliases and tags are not read here: write the value itself");
	node->kind = NODE_BAD;
}

static bool read_node(struct reader *r, const struct event *e, unsigned depth, struct node *node) {
	if (depth > LIMIT_YAML_DEPTH)
		return stop(r, e, "is nested too deeply");
	if (++r->nodes > LIMIT_YAML_NODES)
		return stop(r, e, "holds too many values");
	node->line = e->line;
	node->column = e->column;
	if (str_absent(node->key)) {
		node->key_line = e->line;
		node->key_column = e->column;
	}
	bool read = true;
	if (e->type == YAML_SCALAR_EVENT) {
		node->kind = e->null ? NODE_NULL : NODE_TEXT;
		node->text = e->text;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		node->kind = NODE_LIST;
		read = read_list(r, depth + 1, node);
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		node->kind = NODE_MAP;
		read = read_map(r, depth + 1, node);
	}
	refuse_references(r, e, node);
	refuse_run_on(r, e, node);
	return read;
}

static bool read_document(struct reader *r, struct node *root) {
	struct event e;
	if (!next_event(r, &e) || !next_event(r, &e)) /* the stream, the document */
		return false;
	if (e.type == YAML_STREAM_END_EVENT)
		return stop(r, &e, "is empty");
	if (!next_event(r, &e) || !read_node(r, &e, 1, root))
		return false;
	if (!next_event(r, &e) || !next_event(r, &e)) /* the document's end, the stream's */
		return false;
	if (e.type != YAML_STREAM_END_EVENT)
		return stop(r, &e, "holds a second document: only one is read");
	return true;
}

static bool check_encoding(struct load *l, struct str text) {
	unsigned number = 1;
	struct str rest = text, line;
	if (str_utf8(text))
		return true;
	while (str_next(&rest, '\n', &line) && str_utf8(line))
		number++;
	load_fail(l, (struct spot){.name = STR(""), .line = number}, "is not UTF-8 in this line");
	return false;
}

bool tree_read(struct load *l, struct str text) {
	if (!check_encoding(l, text))
		return false;
	yaml_parser_t storage;
	if (!yaml_parser_initialize(&storage)) {
		load_fail(l, SPOT_FILE, "cannot be read: out of memory");
		return false;
	}
	owned(yaml_parser) yaml_parser_t *parser = &storage;
	if (str_starts(text, STR("\xEF\xBB\xBF"))) /* the mark of some editors, which libyaml takes for a letter here */
		text = str_sub(text, 3, text.n);
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
	struct reader r = {.load = l, .parser = parser};
	struct node *root = arena_new_of(l->scratch, struct node);
	if (!read_document(&r, root))
		return false;
	l->root = root;
	return true;
}

const struct node *node_child(const struct node *map, struct str key) {
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (const struct node *child = map->first; child; child = child->next)
		if (str_eq(child->key, key))
			return child;
	return NULL;
}

struct str node_name(struct arena *a, const struct node *node) {
	if (!node->parent)
		return STR("");
	struct str before = node_name(a, node->parent);
	if (str_absent(node->key))
		return str_printf(a, "%.*s[%zu]", FMT(before), node->index);
	return str_printf(a, "%.*s%s%.*s", FMT(before), str_empty(before) ? "" : ".", FMT(node->key));
}
