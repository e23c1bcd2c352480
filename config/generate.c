#include "config/config_private.h"

#define WIDTH      100 /* of a comment */
#define WIDTH_ROFF 76  /* of a line of the manual */

static void put_indent(struct buf *b, unsigned depth) {
	for (unsigned i = 0; i < depth; i++)
		buf_put(b, STR("  "));
}

/* One comment, wrapped at words. */
static void put_comment(struct buf *b, unsigned depth, struct str text) {
	struct str rest = text, word;
	size_t column = 0;
	while (str_next(&rest, ' ', &word)) {
		if (column == 0 || column + 1 + word.n > WIDTH) {
			if (column)
				buf_byte(b, '\n');
			put_indent(b, depth);
			buf_byte(b, '#');
			column = depth * 2 + 1;
		}
		buf_byte(b, ' ');
		buf_put(b, word);
		column += 1 + word.n;
	}
	buf_byte(b, '\n');
}

/* What is taken: "5m to 1h", "one of a, b", "list of paths". */
static struct str key_domain(struct arena *a, const struct key *key) {
	const char *words = key->words;
	if (words) {
		struct str list = str_join(a, str_split(a, str_of(words), '|'), STR(", "));
		return str_printf(a, "%s%.*s", key->type == KEY_FLAGS ? "list of " : "", FMT(list));
	}
	switch (key->type) {
	case KEY_SECTION:
		return STR("");
	case KEY_MAP:
		return STR("mapping");
	case KEY_ITEMS:
		return STR("list of mappings");
	case KEY_LIST:
		return str_printf(a, "list of %s", kind_of(key->item)->name);
	case KEY_BOOL:
		return STR("true or false");
	case KEY_INT:
		return str_printf(a, "%lld to %lld", (long long)key->min, (long long)key->max);
	case KEY_DURATION:
	case KEY_DURATION_MS:
		return str_printf(a, "%.*s to %.*s", FMT(duration_text(a, key->min)), FMT(duration_text(a, key->max)));
	default:
		return str_of(kind_of(key->type)->name);
	}
}

static bool is_container(const struct key *key) {
	return key->type == KEY_SECTION || key->type == KEY_MAP || key->type == KEY_ITEMS;
}

static struct str shown_default(const struct key *key) {
	return *key->fallback ? str_of(key->fallback) : STR("\"\"");
}

static void put_help(struct arena *a, struct buf *b, unsigned depth, const struct key *key) {
	struct str domain = key_domain(a, key);
	struct str text = str_of(key->help);
	if (key->type != KEY_SECTION)
		text = str_printf(a, "%s (%.*s%s)", key->help, FMT(domain), key->required ? ", required" : "");
	put_comment(b, depth, text);
}

static void put_sample(struct arena *a, struct buf *b, const char *parent, unsigned depth);

static void put_raw_lines(struct buf *b, unsigned depth, const char *text) {
	struct str rest = str_of(text), line;
	while (str_next(&rest, '\n', &line)) {
		put_indent(b, depth);
		buf_put(b, line);
		buf_byte(b, '\n');
	}
}

/* The keys of a list's items are told in comments; the example shows them. */
static void put_item_keys(struct arena *a, struct buf *b, const char *parent, unsigned depth) {
	for (size_t i = 0; i < key_count(); i++) {
		const struct key *key = key_at(i);
		if (!key_is_below(key, parent))
			continue;
		struct str end = STR("required");
		if (!key->required)
			end = str_printf(a, "default %.*s", FMT(shown_default(key)));
		put_comment(b, depth,
			str_printf(a, "  %s: %s (%.*s, %.*s)", key_last(key), key->help, FMT(key_domain(a, key)),
				FMT(end)));
		if (key->type == KEY_ITEMS)
			put_item_keys(a, b, str_printf(a, "%s[]%c", key->path, 0).p, depth);
	}
}

static void put_items(struct arena *a, struct buf *b, const struct key *key, unsigned depth) {
	put_item_keys(a, b, str_printf(a, "%s[]%c", key->path, 0).p, depth);
	put_indent(b, depth);
	buf_printf(b, "%s:\n", key_last(key));
	put_raw_lines(b, depth + 1, key->example);
}

static void put_key(struct arena *a, struct buf *b, const struct key *key, unsigned depth) {
	bool structs = key->type == KEY_MAP && !key_find(key->path, STR("*"));
	put_help(a, b, depth, key);
	if (key->type == KEY_ITEMS) {
		put_items(a, b, key, depth);
		return;
	}
	put_indent(b, depth);
	if (key->type == KEY_SECTION) {
		buf_printf(b, "%s:\n", key_last(key));
		put_sample(a, b, key->path, depth + 1);
	} else if (structs) {
		buf_printf(b, "%s:\n", key_last(key));
		put_indent(b, depth + 1);
		buf_printf(b, "%s:\n", key->example);
		put_sample(a, b, str_printf(a, "%s.*%c", key->path, 0).p, depth + 2);
	} else if (key->example) {
		buf_printf(b, "%s: %s\n", key_last(key), key->example);
	} else {
		buf_printf(b, "#%s: %.*s\n", key_last(key), FMT(shown_default(key)));
	}
}

static void put_sample(struct arena *a, struct buf *b, const char *parent, unsigned depth) {
	for (size_t i = 0; i < key_count(); i++) {
		const struct key *key = key_at(i);
		if (!key_is_below(key, parent))
			continue;
		if (depth == 0 || key->type == KEY_MAP)
			buf_byte(b, '\n');
		put_key(a, b, key, depth);
	}
}

struct str config_sample(struct arena *a) {
	struct buf b = buf_new(a, LIMIT_RESPONSE);
	buf_put(&b, STR("# The configuration of usherd; usher.yaml(5) tells the same in prose.\n"
			"# A key that is commented out shows its default. Times are written 90s, 5m, 12h or 7d.\n"
			"# A relative path begins at the folder of this file.\n"));
	put_sample(a, &b, "", 0);
	return buf_str(&b);
}

/* roff: a backslash begins an escape, a dot or quote at the beginning of a line a request. */
static void put_roff(struct buf *b, struct str text) {
	struct str rest = text, word, before = STR_NONE;
	size_t column = 0;
	while (str_next(&rest, ' ', &word)) {
		bool begins = column == 0 || str_ends(before, STR(".")) ||
			      column + word.n > WIDTH_ROFF; /* a new sentence, a new line */
		if (column)
			buf_byte(b, begins ? '\n' : ' ');
		column = (begins ? 0 : column) + word.n + 1;
		if (begins && (str_starts(word, STR(".")) || str_starts(word, STR("'"))))
			buf_put(b, STR("\\&"));
		for (size_t i = 0; i < word.n; i++)
			buf_put(b, word.p[i] == '\\' ? STR("\\e") : str_sub(word, i, 1));
		before = word;
	}
	buf_byte(b, '\n');
}

static void put_man_key(struct arena *a, struct buf *b, const struct key *key) {
	struct str domain = key_domain(a, key);
	buf_printf(b, ".It Cm %s\n", key->path);
	put_roff(b, str_of(key->help));
	if (key->type == KEY_SECTION)
		return;
	struct str end = STR("Required");
	if (!key->required)
		end = str_printf(a, "Default: %.*s", FMT(shown_default(key)));
	put_roff(b, str_printf(a, "Takes: %.*s.", FMT(domain)));
	struct str ad = STR(""), ds = STR("");
	if (key->fallback_ad)
		ad = str_printf(a, "; with active_directory: %s", key->fallback_ad);
	if (key->fallback_389)
		ds = str_printf(a, "; with 389ds: %s", key->fallback_389);
	put_roff(b, str_printf(a, "%.*s%.*s%.*s.", FMT(end), FMT(ad), FMT(ds)));
	if (key->example && !is_container(key))
		put_roff(b, str_printf(a, "Example: %s", key->example));
}

struct str config_man(struct arena *a) {
	struct buf b = buf_new(a, LIMIT_RESPONSE);
	buf_put(&b, STR(".Sh KEYS\n"
			"A star stands for an id of your choice, and brackets for each entry of a list.\n"
			".Bl -tag -width Ds\n"));
	for (size_t i = 0; i < key_count(); i++)
		put_man_key(a, &b, key_at(i));
	buf_put(&b, STR(".El\n"));
	return buf_str(&b);
}
