/* What anybody may read, from memory: metadata, keys, files. */
#include "web/asset.h"
#include "web/endpoints/endpoints.h"

#define LOGO_MOST (256u << 10)

static void reply_file(struct response *r, struct str type, struct str body, struct str cache) {
	response_text(r, 200, body);
	response_header(r, "Content-Type", type);
	response_header(r, "Cache-Control", cache);
}

/* Metadata and keys may be kept for five minutes: a new key is published long before it signs. */
static void reply_cached(struct response *r, struct str json) {
	reply_file(r, STR("application/json"), json, STR("public, max-age=300"));
}

enum err endpoint_discovery(struct task *t, struct request *q, struct response *r) {
	struct str json;
	(void)q;
	TRY(oidc_metadata(t, &json));
	reply_cached(r, json);
	return OK;
}

enum err endpoint_jwks(struct task *t, struct request *q, struct response *r) {
	struct str json;
	(void)q;
	TRY(oidc_jwks(t, &json));
	reply_cached(r, json);
	return OK;
}

/* The name holds the content's hash: a new content has a new name. */
#define FOR_GOOD STR("public, max-age=31536000, immutable")

enum err endpoint_asset(struct task *t, struct request *q, struct response *r) {
	const struct asset *found = asset_find(q->path);
	if (!found)
		return task_fail(t, ERR_NOT_FOUND, "no such file");
	reply_file(r, found->content_type, found->body, FOR_GOOD);
	return OK;
}

enum err endpoint_theme(struct task *t, struct request *q, struct response *r) {
	if (!str_eq(q->path, theme_path(t->arena, t->realm)))
		return task_fail(t, ERR_NOT_FOUND, "a theme that is no longer");
	reply_file(r, STR("text/css; charset=utf-8"), theme_css(t->arena, t->realm), FOR_GOOD);
	return OK;
}

static struct str image_type(struct str file) {
	static const struct {
		struct str ending, type;
	} types[] = {
		{STR(".svg"), STR("image/svg+xml")},
		{STR(".png"), STR("image/png")},
		{STR(".webp"), STR("image/webp")},
		{STR(".jpg"), STR("image/jpeg")},
		{STR(".jpeg"), STR("image/jpeg")},
	};
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_ends(file, types[i].ending))
			return types[i].type;
	return STR_NONE;
}

static void file_cleanup(FILE **f) {
	if (*f)
		fclose(*f);
}

enum err endpoint_logo(struct task *t, struct request *q, struct response *r) {
	const char *path = NULL;
	struct str type = image_type(t->realm->logo);
	(void)q;
	TRY(task_cstr(t, t->realm->logo, &path));
	owned(file) FILE *file = str_absent(type) ? NULL : fopen(path, "re");
	if (!file)
		return task_fail(t, ERR_NOT_FOUND, "no logo");
	char *body = arena_alloc(t->arena, LOGO_MOST + 1);
	size_t n = fread(body, 1, LOGO_MOST + 1, file);
	if (n > LOGO_MOST || ferror(file))
		return task_fail(t, ERR_NOT_FOUND, "the logo is too large");
	reply_file(r, type, str_slice(body, n), STR("public, max-age=3600"));
	response_header(r, "Content-Security-Policy", STR("default-src 'none'; style-src 'unsafe-inline'; sandbox"));
	return OK;
}
