#include "config/config_private.h"

/* A mapping that is being read. */
struct place {
	const char *pattern;     /* "realms.*.profiles.*" */
	const struct node *node; /* the mapping, or, where it is absent or of another shape, the nearest around it */
	struct str below;        /* the absent ones: "login_name" */
};

static void load_keys(struct load *l, struct place at, const struct node *map, void *base);

static void *part(void *base, size_t offset) {
	return (char *)base + offset;
}

static void set_array(void *base, const struct key *key, void *array, size_t n) {
	memcpy(part(base, key->offset), &array, sizeof(array));
	memcpy(part(base, key->shape->count), &n, sizeof(n));
}

/* Whether the node may be read as of that kind. Nothing at all counts as an empty list or mapping. */
static bool has_shape(struct load *l, const struct node *node, enum node_kind kind) {
	if (!node || node->kind == kind || (node->kind == NODE_NULL && kind != NODE_TEXT))
		return true;
	static const char *const expected[] = {
		[NODE_TEXT] = "a single value", [NODE_LIST] = "a list: [a, b]", [NODE_MAP] = "a mapping: key: value"};
	if (node->kind == NODE_NULL)
		load_fail(l, SPOT_VALUE(node), "has no value; \"\" is an empty text");
	else if (node->kind != NODE_BAD)
		load_fail(l, SPOT_VALUE(node), "is not %s", expected[kind]);
	return false;
}

static bool has_count(struct load *l, const struct key *key, const struct node *node) {
	int64_t n = node ? (int64_t)node->n : 0;
	if (n >= key->min && (key->max == 0 || n <= key->max))
		return true;
	if (node)
		load_fail(l, SPOT_KEY(node), "has %lld entries; expected %lld to %lld", (long long)n,
			(long long)key->min, (long long)key->max);
	return false;
}

static void load_list(struct load *l, const struct key *key, const struct node *list, struct strs *target) {
	struct strs items = {arena_array(l->arena, struct str, list->n), 0};
	for (const struct node *node = list->first; node; node = node->next) {
		struct str text = node->text;
		if (has_shape(l, node, NODE_TEXT) && scalar_text(l, key, key->item, SPOT_VALUE(node), &text))
			items.v[items.n++] = text;
		else if (key->item == KEY_DN || key->item == KEY_ATTRIBUTE)
			items.v[items.n++] = STR_NONE; /* folders above tell of the others by their index */
	}
	*target = items;
}

static void load_flags(struct load *l, const struct key *key, const struct node *list, unsigned *target) {
	for (const struct node *node = list->first; node; node = node->next)
		if (has_shape(l, node, NODE_TEXT))
			value_flag(l, key, node->text, SPOT_VALUE(node), target);
}

/* "[a, b]" of the table, which holds no text with a comma. */
static void load_list_default(struct load *l, const struct key *key, struct str text, void *target) {
	struct str rest = str_sub(text, 1, text.n - 2), word;
	while (!str_empty(rest) && str_next(&rest, ',', &word)) {
		word = str_trim(word);
		if (key->type == KEY_FLAGS)
			value_flag(l, key, word, SPOT_FILE, target);
		else if (scalar_text(l, key, key->item, SPOT_FILE, &word))
			strs_add(l->arena, target, word);
	}
}

static void load_default(struct load *l, const struct key *key, void *base) {
	const char *text = key->fallback;
	if (key->fallback_ad && ((struct directory_config *)base)->driver == DIRECTORY_ACTIVE_DIRECTORY)
		text = key->fallback_ad;
	if (key->fallback_389 && ((struct directory_config *)base)->driver == DIRECTORY_389DS)
		text = key->fallback_389;
	if (key->type == KEY_LIST || key->type == KEY_FLAGS)
		load_list_default(l, key, str_of(text), part(base, key->offset));
	else if (key->type >= KEY_BOOL)
		value_store(l, key, str_of(text), SPOT_FILE, part(base, key->offset));
}

static void tell_missing(struct load *l, const struct key *key, struct place at) {
	struct spot spot = SPOT_KEY(at.node);
	struct str around = node_name(l->scratch, at.node);
	struct str rows[] = {around, at.below, str_of(key_last(key))}, names[COUNT(rows)];
	struct strs parts = {names, 0};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!str_empty(rows[i]))
			names[parts.n++] = rows[i];
	spot.name = str_join(l->arena, parts, STR("."));
	load_fail(l, spot, "is missing");
}

static void load_element(struct load *l, const struct key *key, const struct node *node, void *element) {
	const char *pattern = str_printf(l->scratch, "%s%s%c", key->path, key->type == KEY_MAP ? ".*" : "[]", 0).p;
	if (key->shape->at != SIZE_MAX)
		memcpy(part(element, key->shape->at), &node->key_line, sizeof(unsigned));
	if (key->type == KEY_MAP) {
		struct str id = node->key;
		if (!scalar_text(l, key, key->item, SPOT_KEY(node), &id))
			id = str_dup(l->arena, node->key); /* told; by it the errors below are named */
		memcpy(element, &id, sizeof(id));
	}
	const struct key *leaf = key->type == KEY_MAP ? key_find(key->path, STR("*")) : NULL;
	if (!leaf) {
		if (has_shape(l, node, NODE_MAP))
			load_keys(l, (struct place){pattern, node, STR("")}, node, element);
	} else if (has_shape(l, node, NODE_TEXT)) {
		value_store(l, leaf, node->text, SPOT_VALUE(node), part(element, leaf->offset));
	}
}

static void load_array(struct load *l, const struct key *key, const struct node *node, void *base) {
	if (!has_shape(l, node, key->type == KEY_MAP ? NODE_MAP : NODE_LIST) || !has_count(l, key, node))
		return;
	char *array = arena_calloc(l->arena, node->n, key->shape->size);
	size_t n = 0;
	for (const struct node *child = node->first; child && !l->stopped; child = child->next)
		load_element(l, key, child, array + key->shape->size * n++);
	set_array(base, key, array, n);
}

static void load_section(struct load *l, const struct key *key, struct place at, const struct node *node, void *base) {
	struct place below = {key->path, node, STR("")};
	if (!node) {
		below.node = at.node;
		below.below = str_of(key_last(key));
	}
	if (has_shape(l, node, NODE_MAP))
		load_keys(l, below, node, base);
}

static void load_value(struct load *l, const struct key *key, const struct node *node, void *base) {
	void *target = part(base, key->offset);
	bool list = key->type == KEY_LIST || key->type == KEY_FLAGS;
	if (key->type == KEY_MAP || key->type == KEY_ITEMS) {
		load_array(l, key, node, base);
	} else if (list && has_shape(l, node, NODE_LIST) && has_count(l, key, node)) {
		if (key->type == KEY_FLAGS)
			load_flags(l, key, node, target);
		else
			load_list(l, key, node, target);
	} else if (!list && has_shape(l, node, NODE_TEXT)) {
		value_store(l, key, node->text, SPOT_VALUE(node), target);
	}
	if (key->implies)
		memcpy(part(base, key->implies_offset), key->implies, sizeof(int));
}

static void tell_unknown(struct load *l, const char *pattern, const struct node *node) {
	struct nearest n = {.wanted = str_lower(l->scratch, node->key)};
	for (size_t i = 0; i < key_count(); i++)
		if (key_is_below(key_at(i), pattern))
			nearest_try(&n, str_of(key_last(key_at(i))));
	load_fail(l, SPOT_KEY(node), "is not a key that is known here%.*s", FMT(nearest_text(l, &n)));
}

/* All keys of one mapping, which may be NULL. */
static void load_keys(struct load *l, struct place at, const struct node *map, void *base) {
	if (!l->stopped && arena_used(l->arena) > LIMIT_LOADED) {
		l->stopped = true;
		load_fail(l, SPOT_FILE, "holds too much");
	}
	if (l->stopped)
		return;
	for (const struct node *node = map ? map->first : NULL; node; node = node->next)
		if (!key_find(at.pattern, node->key))
			tell_unknown(l, at.pattern, node);
	for (size_t i = 0; i < key_count(); i++) {
		const struct key *key = key_at(i);
		if (!key_is_below(key, at.pattern))
			continue;
		const struct node *node = node_child(map, str_of(key_last(key)));
		if (key->type == KEY_SECTION)
			load_section(l, key, at, node, base);
		else if (node)
			load_value(l, key, node, base);
		else if (key->required)
			tell_missing(l, key, at);
		else
			load_default(l, key, base);
	}
}

void load_tree(struct load *l, struct config *c) {
	if (l->root->kind != NODE_MAP)
		load_fail(l, SPOT_FILE, "is not a mapping of keys to values");
	else
		load_keys(l, (struct place){"", l->root, STR("")}, l->root, c);
}

/* The child whose key the name begins with, and what follows it. A key may hold dots itself, so the longest counts. */
static const struct node *child_named(const struct node *node, struct str *name) {
	const struct node *best = NULL;
	size_t cut = 0;
	for (const struct node *child = node->first; child; child = child->next) {
		char index[24];
		struct str key = child->key;
		if (node->kind == NODE_LIST)
			key = str_slice(index, (size_t)snprintf(index, sizeof(index), "[%zu]", child->index));
		if (key.n < cut || key.n == 0 || !str_starts(*name, key))
			continue;
		if (key.n < name->n && name->p[key.n] != '.' && name->p[key.n] != '[')
			continue;
		best = child;
		cut = key.n;
	}
	if (!best)
		return NULL;
	*name = str_sub(*name, cut, name->n);
	if (str_starts(*name, STR(".")))
		*name = str_sub(*name, 1, name->n);
	return best;
}

struct spot load_spot(const struct load *l, struct str name) {
	const struct node *node = l->root, *child;
	struct str rest = name;
	while (!str_empty(rest) && (child = child_named(node, &rest)))
		node = child;
	struct spot at = str_empty(rest) && (node->kind == NODE_TEXT || node->kind == NODE_NULL) ? SPOT_VALUE(node)
												 : SPOT_KEY(node);
	at.name = name;
	if (!str_empty(rest))
		at.node = NULL;
	return at;
}
