#include "web/asset.h"

#include <math.h>

#include "base/encode.h"
#include "base/secret.h"
#include "web/embed.h"

#define ASSETS_MOST   32u
#define HASH_LETTERS  16u
#define CONTRAST_TEXT 4.6 /* 4.5, with room for rounding */
#define STATIC_FOLDER "web/static/"

static struct {
	struct asset v[ASSETS_MOST];
	const char *names[ASSETS_MOST];
	size_t n;
} all;

static const struct {
	struct str ending, type;
} types[] = {
	{STR(".css"), STR("text/css; charset=utf-8")},
	{STR(".js"), STR("text/javascript; charset=utf-8")},
	{STR(".svg"), STR("image/svg+xml")},
	{STR(".png"), STR("image/png")},
	{STR(".ico"), STR("image/x-icon")},
	{STR(".txt"), STR("text/plain; charset=utf-8")},
};

static struct str content_type(struct str name) {
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_ends(name, types[i].ending))
			return types[i].type;
	return STR("application/octet-stream");
}

static struct str content_hash(struct arena *a, struct str body) {
	return str_sub(hex_encode(a, sha256(a, body)), 0, HASH_LETTERS);
}

static size_t last_dot(struct str name) {
	size_t dot = name.n;
	while (dot && name.p[dot - 1] != '.')
		dot--;
	return dot ? dot - 1 : name.n;
}

static void add(struct arena *a, const struct embedded *file) {
	struct str name = str_sub(str_of(file->name), sizeof(STATIC_FOLDER) - 1, SIZE_MAX);
	struct str body = str_slice((const char *)file->data, file->size);
	size_t dot = last_dot(name);
	all.names[all.n] = file->name + sizeof(STATIC_FOLDER) - 1;
	all.v[all.n++] = (struct asset){
		.path = str_printf(a, "/static/%.*s.%.*s%.*s", FMT(str_sub(name, 0, dot)), FMT(content_hash(a, body)),
			FMT(str_sub(name, dot, name.n))),
		.content_type = content_type(name),
		.body = body,
	};
}

void assets_init(struct arena *a) {
	all.n = 0;
	for (size_t i = 0; i < n_embedded_files && all.n < ASSETS_MOST; i++)
		if (str_starts(str_of(embedded_files[i].name), STR(STATIC_FOLDER)))
			add(a, &embedded_files[i]);
}

const struct asset *asset_find(struct str path) {
	for (size_t i = 0; i < all.n; i++)
		if (str_eq(all.v[i].path, path))
			return &all.v[i];
	return NULL;
}

const struct asset *asset_named(const char *name) {
	for (size_t i = 0; i < all.n; i++)
		if (!strcmp(all.names[i], name))
			return &all.v[i];
	return NULL;
}

/* ---- the realm's colour ---- */
struct colour {
	double v[3]; /* red, green, blue: 0 to 1 */
};
/* The pages' own, of web/static/usher.css. */
static const struct colour page_light = {{1, 1, 1}}, page_dark = {{0.086, 0.102, 0.125}};
static const struct colour white = {{1, 1, 1}}, black = {{0, 0, 0}};

/* WCAG 2.2, relative luminance. */
static double luminance(struct colour c) {
	static const double weight[] = {0.2126, 0.7152, 0.0722};
	double sum = 0;
	for (size_t i = 0; i < 3; i++)
		sum += weight[i] * (c.v[i] <= 0.04045 ? c.v[i] / 12.92 : pow((c.v[i] + 0.055) / 1.055, 2.4));
	return sum;
}

static double contrast(struct colour a, struct colour b) {
	double x = luminance(a), y = luminance(b);
	return x > y ? (x + 0.05) / (y + 0.05) : (y + 0.05) / (x + 0.05);
}

/* Towards black or white in steps of a fiftieth until it can be read on the page. */
static struct colour readable(struct colour c, struct colour page, struct colour towards) {
	for (int step = 0; step <= 50 && contrast(c, page) < CONTRAST_TEXT; step++)
		for (size_t i = 0; i < 3; i++)
			c.v[i] += (towards.v[i] - c.v[i]) * 0.06;
	return c;
}

static bool colour_read(struct arena *a, struct str text, struct colour *ret) {
	struct str bytes;
	if (text.n != 7 || text.p[0] != '#' || !hex_decode(a, str_lower(a, str_sub(text, 1, 6)), &bytes))
		return false;
	for (size_t i = 0; i < 3; i++)
		ret->v[i] = (unsigned char)bytes.p[i] / 255.0;
	return true;
}

static struct str colour_text(struct arena *a, struct colour c) {
	int v[3];
	for (size_t i = 0; i < 3; i++)
		v[i] = (int)(c.v[i] * 255 + 0.5);
	return str_printf(a, "#%02x%02x%02x", v[0], v[1], v[2]);
}

static struct str rule(struct arena *a, struct colour accent) {
	struct colour text = contrast(accent, white) >= CONTRAST_TEXT ? white : black;
	return str_printf(
		a, ":root{--accent:%.*s;--accent-text:%.*s}", FMT(colour_text(a, accent)), FMT(colour_text(a, text)));
}

struct str theme_css(struct arena *a, const struct realm *r) {
	struct colour accent = {{0.043, 0.373, 1}};
	if (!colour_read(a, r->accent, &accent))
		err_ignore(ERR_CONFIG, "config checks the colour; the built-in one stands in");
	struct str light = rule(a, readable(accent, page_light, black)),
		   dark = rule(a, readable(accent, page_dark, white));
	return str_printf(a, "%.*s\n@media (prefers-color-scheme:dark){%.*s}\n", FMT(light), FMT(dark));
}

struct str theme_path(struct arena *a, const struct realm *r) {
	struct str hash = content_hash(a, theme_css(a, r));
	return str_printf(a, "/realms/%.*s/theme/%.*s.css", FMT(r->id), FMT(hash));
}
