#include <stdarg.h>

#include "config/config_private.h"

static bool error_is_before(const struct config_error *a, const struct config_error *b) {
	return a->line < b->line || (a->line == b->line && a->column < b->column);
}

/* In the order of the file; the last gives way where there are too many. */
static void error_insert(struct config_errors *errors, const struct config_error *e) {
	size_t held = errors->n < LIMIT_CONFIG_ERRORS ? errors->n : LIMIT_CONFIG_ERRORS;
	size_t at = held;
	while (at > 0 && error_is_before(e, &errors->v[at - 1]))
		at--;
	errors->n++;
	if (at == LIMIT_CONFIG_ERRORS)
		return;
	size_t moved = held == LIMIT_CONFIG_ERRORS ? held - at - 1 : held - at;
	memmove(&errors->v[at + 1], &errors->v[at], moved * sizeof(errors->v[0]));
	errors->v[at] = *e;
}

/* Whether the name is the key, or that of something in it. */
static bool key_holds(struct str key, struct str name) {
	return !str_empty(key) && str_starts(name, key) &&
	       (name.n == key.n || name.p[key.n] == '.' || name.p[key.n] == '[');
}

/* What is not in the file is told by what holds it. */
static bool is_told(const struct config_errors *errors, struct str key, bool in_file) {
	size_t held = errors->n < LIMIT_CONFIG_ERRORS ? errors->n : LIMIT_CONFIG_ERRORS;
	for (size_t i = 0; i < held; i++) {
		struct str told = errors->v[i].key;
		if (str_eq(told, key) || (!in_file && key_holds(told, key)) ||
			(key_holds(key, told) && told.p[key.n] == '['))
			return true;
	}
	return false;
}

static int compare_places(const void *x, const void *y) {
	return str_cmp(((const struct config_place *)x)->key, ((const struct config_place *)y)->key);
}

/* Of the key, or of the nearest thing around it. */
static const struct config_place *place_find(const struct config_errors *errors, struct str key) {
	while (errors->n_places && !str_empty(key)) {
		const struct config_place wanted = {.key = key},
					  *found = bsearch(&wanted, errors->places, errors->n_places, sizeof(wanted),
						  compare_places);
		if (found)
			return found;
		do
			key.n--;
		while (key.n && key.p[key.n] != '.' && key.p[key.n] != '[');
	}
	return NULL;
}

static size_t count_nodes(const struct node *node) {
	size_t n = 1;
	for (const struct node *child = node->first; child; child = child->next)
		n += count_nodes(child);
	return n;
}

static void place_nodes(struct load *l, const struct node *node, struct config_place *places, size_t *n) {
	bool value = node->kind == NODE_TEXT || node->kind == NODE_NULL;
	places[(*n)++] = (struct config_place){node_name(l->arena, node), value ? node->line : node->key_line,
		value ? node->column : node->key_column};
	for (const struct node *child = node->first; child; child = child->next)
		place_nodes(l, child, places, n);
}

static void places_keep(struct load *l) {
	struct config_place *places = arena_array(l->arena, struct config_place, count_nodes(l->root));
	size_t n = 0;
	place_nodes(l, l->root, places, &n);
	qsort(places, n, sizeof(*places), compare_places);
	l->errors->places = places;
	l->errors->n_places = n;
}

/* Whether one more error at this line would only be counted. */
static bool is_only_counted(const struct config_errors *errors, unsigned line) {
	return errors->n >= LIMIT_CONFIG_ERRORS && errors->v[LIMIT_CONFIG_ERRORS - 1].line <= line;
}

__attribute__((format(printf, 2, 0))) static struct str format_text(struct arena *a, const char *format, va_list args) {
	struct buf b = buf_new(a, LIMIT_TARGET);
	buf_vprintf(&b, format, args);
	return buf_str(&b);
}

void config_error_add(
	struct arena *a, struct config_errors *errors, unsigned line, struct str key, const char *format, ...) {
	const struct config_place *place = place_find(errors, key);
	struct config_error e = {.line = place ? place->line : line, .column = place ? place->column : 0};
	bool nameless = errors->n && str_contains(key, STR("..")); /* below an id that was refused, and told */
	if (nameless || is_told(errors, key, place && str_eq(place->key, key)))
		return;
	if (is_only_counted(errors, e.line)) {
		errors->n++;
		return;
	}
	va_list args;
	va_start(args, format);
	e.key = str_dup(a, key);
	e.expected = format_text(a, format, args);
	va_end(args);
	error_insert(errors, &e);
}

void load_fail(struct load *l, struct spot at, const char *format, ...) {
	if (is_only_counted(l->errors, at.line)) {
		l->errors->n++;
		return;
	}
	va_list args;
	va_start(args, format);
	struct config_error e = {.line = at.line, .column = at.column, .expected = format_text(l->arena, format, args)};
	va_end(args);
	e.key = str_absent(at.name) && at.node ? node_name(l->arena, at.node) : str_dup(l->arena, at.name);
	error_insert(l->errors, &e);
}

struct str config_errors_text(struct arena *a, const char *path, const struct config_errors *errors) {
	struct buf b = buf_new(a, LIMIT_RESPONSE);
	size_t held = errors->n < LIMIT_CONFIG_ERRORS ? errors->n : LIMIT_CONFIG_ERRORS;
	for (size_t i = 0; i < held; i++) {
		const struct config_error *e = &errors->v[i];
		buf_printf(&b, "%s:", path);
		if (e->line)
			buf_printf(&b, "%u:", e->line);
		if (e->line && e->column)
			buf_printf(&b, "%u:", e->column);
		buf_printf(&b, " %.*s%s%.*s\n", FMT(e->key), str_empty(e->key) ? "" : ": ", FMT(e->expected));
	}
	if (errors->n > held)
		buf_printf(&b, "%s: … and %zu more\n", path, errors->n - held);
	return buf_str(&b);
}

static enum err load_all(struct load *l, struct str text, struct config *c, struct config **ret) {
	if (text.n > LIMIT_CONFIG)
		load_fail(l, SPOT_FILE, "is too large: %u bytes at most", LIMIT_CONFIG);
	else if (tree_read(l, text)) {
		load_tree(l, c);
		if (!l->stopped) {
			check_config(l, c);
			derive_config(l, c);
			places_keep(l);
			*ret = c;
		}
	}
	return l->errors->n ? ERR_CONFIG : OK;
}

enum err config_load_text(struct arena *a, struct str text, struct config **ret, struct config_errors *errors) {
	owned(arena) struct arena *scratch = arena_new();
	struct config *c = arena_new_of(a, struct config);
	*errors = (struct config_errors){0};
	struct load l = {.arena = a, .scratch = scratch, .errors = errors};
	*ret = NULL;
	return load_all(&l, text, c, ret);
}

static struct str folder_of(struct str path) {
	size_t n = path.n;
	while (n > 0 && path.p[n - 1] != '/')
		n--;
	return n > 1 ? str_sub(path, 0, n - 1) : str_sub(path, 0, n);
}

enum err config_load(struct arena *a, const char *path, struct config **ret, struct config_errors *errors) {
	owned(arena) struct arena *scratch = arena_new();
	struct config *c = arena_new_of(a, struct config);
	*errors = (struct config_errors){0};
	c->file = str_dup(a, str_of(path));
	struct load l = {.arena = a, .scratch = scratch, .errors = errors, .folder = folder_of(c->file), .files = true};
	struct str text;
	*ret = NULL;
	const char *why = file_read(scratch, c->file, LIMIT_CONFIG, false, &text);
	if (why) {
		load_fail(&l, SPOT_FILE, "%s", why);
		return ERR_CONFIG;
	}
	return load_all(&l, text, c, ret);
}

/* FIND(array, count, id): the element of that id, or NULL. */
#define FIND(array, count, key)                                                                                        \
	for (size_t i = 0; i < (count); i++)                                                                           \
		if (str_eq((array)[i].key, wanted))                                                                    \
			return &(array)[i];                                                                            \
	return NULL

const struct realm *config_realm(const struct config *c, struct str wanted) {
	FIND(c->realms, c->n_realms, id);
}

const struct directory_config *realm_directory(const struct realm *r, struct str wanted) {
	FIND(r->directories, r->n_directories, id);
}

const struct profile_config *realm_profile(const struct realm *r, struct str wanted) {
	FIND(r->profiles, r->n_profiles, id);
}

const struct client_config *realm_client(const struct realm *r, struct str wanted) {
	FIND(r->clients, r->n_clients, id);
}

const struct field_config *profile_field(const struct profile_config *p, struct str wanted) {
	FIND(p->fields, p->n_fields, name);
}
