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
	if (is_only_counted(errors, line)) {
		errors->n++;
		return;
	}
	va_list args;
	va_start(args, format);
	struct config_error e = {.line = line, .key = str_dup(a, key), .expected = format_text(a, format, args)};
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

static enum err load_all(struct load *l, struct str text, struct config *c) {
	if (text.n > LIMIT_CONFIG)
		load_fail(l, SPOT_FILE, "is too large: %u bytes at most", LIMIT_CONFIG);
	else if (tree_read(l, text)) {
		load_tree(l, c);
		if (!l->stopped)
			check_config(l, c);
	}
	if (l->errors->n)
		return ERR_CONFIG;
	derive_config(l, c);
	return OK;
}

enum err config_load_text(struct arena *a, struct str text, struct config **ret, struct config_errors *errors) {
	owned(arena) struct arena *scratch = arena_new();
	struct config *c = arena_new_of(a, struct config);
	*errors = (struct config_errors){0};
	struct load l = {.arena = a, .scratch = scratch, .errors = errors};
	TRY(load_all(&l, text, c));
	*ret = c;
	return OK;
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
	const char *why = file_read(scratch, c->file, LIMIT_CONFIG, false, &text);
	if (why) {
		load_fail(&l, SPOT_FILE, "%s", why);
		return ERR_CONFIG;
	}
	TRY(load_all(&l, text, c));
	*ret = c;
	return OK;
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
