/* config_private.h: what the files of this folder share: the tree that a file is read into, the table of keys, and the
 * loader.
 *
 * The way of a file: tree_read (yaml.c) → load_tree (load.c, by the table of keys.c; values by value.c and kinds.c) →
 * check_config (check*.c, across keys) → derive_config (derive.c, what follows from the rest). Each adds to one list of
 * errors and goes on. */
#ifndef USHER_CONFIG_CONFIG_PRIVATE_H
#define USHER_CONFIG_CONFIG_PRIVATE_H

#include "base/buf.h"
#include "config/config.h"

#define LIMIT_YAML_DEPTH    12u    /* nested lists and mappings */
#define LIMIT_YAML_NODES    30000u /* values in one file; the tree of a file of LIMIT_CONFIG stays within LIMIT_ARENA */
#define LIMIT_LOADED        (12u << 20) /* memory of what is loaded; beyond it loading stops with an error */
#define LIMIT_CONFIG_TEXT   1000        /* code points of a text whose row names no other limit */
#define LIMIT_CONFIG_WORD   63u         /* letters compared when a misspelt word is looked up */
#define LIMIT_CLIENT_SECRET 32u         /* a client's secret has at least as many characters */

/* ---- the tree ---- */
enum node_kind {
	NODE_NULL, /* nothing, ~ or null */
	NODE_TEXT,
	NODE_LIST,
	NODE_MAP,
	NODE_BAD /* told already: readers pass over it */
};
struct node {
	enum node_kind kind;
	struct str key;                /* in a mapping */
	unsigned key_line, key_column; /* from 1; those of the value where there is no key */
	unsigned line, column;         /* of the value */
	struct str text;
	struct node *parent, *first, *last, *next;
	size_t n, index; /* children; place among the parent's */
};
const struct node *node_child(const struct node *map, struct str key); /* NULL also for a NULL or other node */
/* "realms.staff.profiles.guest.fields[2]"; empty for the root. */
struct str node_name(struct arena *a, const struct node *node);

/* ---- the table of keys ---- */
enum key_type {
	KEY_SECTION, /* a mapping whose keys stand in the struct around it */
	KEY_MAP,     /* a mapping of ids to structs, or to texts where there is a row "path.*" */
	KEY_ITEMS,   /* a list of structs */
	KEY_LIST,    /* a list of texts: struct strs */
	KEY_FLAGS,   /* a list of words: unsigned, one bit for each in order */
	KEY_BOOL,
	KEY_INT,         /* int64_t */
	KEY_DURATION,    /* int64_t, seconds */
	KEY_DURATION_MS, /* int64_t, milliseconds; the range stands in seconds */
	KEY_ENUM,        /* one of words: enum, counted from 0 in order */
	KEY_WORD,        /* one of words: struct str; from here on all are texts */
	KEY_TEXT,
	KEY_ID,
	KEY_CLIENT_ID,
	KEY_FIELD_NAME,
	KEY_ATTRIBUTE,
	KEY_DN,
	KEY_FILTER,
	KEY_LDAP_URI,
	KEY_URL,
	KEY_PUBLIC_URL,
	KEY_REDIRECT_URI,
	KEY_BACKCHANNEL_URI,
	KEY_PATH,
	KEY_FILE,
	KEY_FOLDER,
	KEY_SECRET_FILE,
	KEY_CLIENT_SECRET_FILE,
	KEY_SHA256,
	KEY_HOST,
	KEY_LISTEN,
	KEY_PROXY,
	KEY_DOMAIN,
	KEY_COLOUR,
	KEY_REGEX,
	KEY_MAIL,
	KEY_CONTACT,
	KEY_PATTERN,
	KEY_LOGIN_PATTERN,
	KEY_SCOPE,
	KEY_CLAIM,
	KEY_AUTOCOMPLETE,
	KEY_TYPES
};
/* Where the parts of a list of structs lie. */
struct key_shape {
	size_t size;  /* of one element */
	size_t count; /* size_t beside the pointer, in the struct around it */
	size_t at;    /* unsigned, the line; SIZE_MAX: none */
};
struct key {
	const char *path; /* "realms.*.profiles.*.fields[].name": '*' is a map key, "[]" an item of a list */
	enum key_type type;
	size_t offset;            /* in the innermost struct */
	bool required;            /* else fallback stands */
	const char *fallback;     /* the default, as it would be written */
	const char *fallback_ad;  /* the default where the directory's driver is active_directory */
	const char *fallback_389; /* the default where it is 389ds */
	int64_t min, max;         /* value; code points of a text (max 0: LIMIT_CONFIG_TEXT); number of items */
	const char *words;        /* "a|b|c" */
	enum key_type item;       /* of KEY_LIST: its items; of KEY_MAP: its keys, which stand first in the element */
	const struct key_shape *shape;
	const int *implies; /* written into the enum at implies_offset when the key is given */
	size_t implies_offset;
	const char *help;
	const char *example; /* as in the sample; of KEY_MAP an id; NULL: the sample shows the default, commented out */
};
size_t key_count(void);
const struct key *key_at(size_t i);
/* The row with this path, by its parent's path and its last word. */
const struct key *key_find(const char *parent, struct str name);
bool key_is_below(const struct key *key, const char *parent); /* directly */
const char *key_last(const struct key *key);                  /* the path's last word */

/* A kind of text: one row for each type from KEY_WORD on. */
struct load;
struct kind {
	const char *name;            /* for manuals: "duration" */
	const char *expected;        /* `"x" is not …` */
	const char *pattern;         /* JSON Schema (ECMA 262), not anchored; NULL: any */
	bool (*check)(struct str s); /* NULL: any */
	/* Makes the stored form; a phrase that follows the quoted value when it cannot ("cannot be read: …"). NULL: as
	 * it stands. */
	const char *(*convert)(struct load *l, struct str s, struct str *ret);
};
const struct kind *kind_of(enum key_type type);

/* ---- loading ---- */
struct load {
	struct arena *arena;   /* of what stays */
	struct arena *scratch; /* of the tree and of names */
	struct config_errors *errors;
	const struct node *root;
	struct str folder; /* where relative paths begin: "/etc/usher", or empty */
	bool files;        /* whether files that are named are looked at */
	bool stopped;      /* too large: told, and nothing more is loaded */
};
struct spot {                    /* where an error is told */
	const struct node *node; /* named by it, or … */
	struct str name;         /* … by this, where it is not absent */
	unsigned line, column;
};
#define SPOT_VALUE(node_) ((struct spot){.node = (node_), .line = (node_)->line, .column = (node_)->column})
#define SPOT_KEY(node_)   ((struct spot){.node = (node_), .line = (node_)->key_line, .column = (node_)->key_column})
#define SPOT_FILE         ((struct spot){.name = STR("")})
/* Reads and checks a configuration that stands in memory. Looks at no file: the content of each secret file is taken to
 * be a text of some length that names no secret. For the fuzz target and tests. */
enum err config_load_text(struct arena *a, struct str text, struct config **ret, struct config_errors *errors) must_use;

bool tree_read(struct load *l, struct str text); /* false: there is no tree; told */
void load_tree(struct load *l, struct config *c);
void check_config(struct load *l, const struct config *c);
void derive_config(struct load *l, struct config *c);

/* One text into its place; tells and leaves the place when it does not fit. */
void value_store(struct load *l, const struct key *key, struct str text, struct spot at, void *target);
/* One text of a kind; false when told. */
bool scalar_text(struct load *l, const struct key *key, enum key_type type, struct spot at, struct str *text);
void value_flag(struct load *l, const struct key *key, struct str word, struct spot at, unsigned *flags);
/* "90s", "5m", "12h", "7d" into seconds. */
bool duration_read(struct str text, int64_t *ret);
struct str duration_text(struct arena *a, int64_t seconds);

void load_fail(struct load *l, struct spot at, const char *format, ...) printf_like(3, 4);
/* Where the value of that name stands; node is NULL where there is none, and the place that of the nearest thing around
 * it. */
struct spot load_spot(const struct load *l, struct str name);
/* A value for a message: quoted, cut, without control characters. */
struct str quoted(struct load *l, struct str text);

/* The nearest of several words. */
struct nearest {
	struct str wanted, best;
	unsigned distance;
};
void nearest_try(struct nearest *n, struct str candidate);
struct str nearest_text(struct load *l, const struct nearest *n); /* "; did you mean x?" or "" */

/* ---- files ---- */
/* Reads a regular file whole; NULL, or a phrase in the arena a that says why not. secret: others may have no right to
 * it. */
const char *file_read(struct arena *a, struct str path, size_t limit, bool secret, struct str *ret);
const char *file_check(struct arena *a, struct str path, bool folder);
struct str path_resolve(struct arena *a, struct str folder, struct str path);
/* A password or secret from its file: one trailing newline is cut, empty and control characters are refused. */
const char *secret_read(struct load *l, struct str path, struct str *ret);

/* ---- URIs, RFC 3986 ---- */
struct uri {
	struct str scheme;
	bool has_authority;
	struct str host; /* "[::1]" with its brackets */
	struct str port; /* absent without */
	struct str rest; /* path, query and fragment */
};
bool uri_split(struct str s, struct uri *ret); /* refuses user information, spaces, non-ASCII and bad ports */
bool uri_is_loopback(const struct uri *u);
bool host_check(struct str s);
bool domain_check(struct str s);
/* One placeholder "{name:2}{name}" after the other; -1 for a text that is no pattern, 0 at the end, 1 for a
 * placeholder. */
int pattern_next(struct str pattern, size_t *at, struct str *name);

/* ---- checks by part ---- */
struct scope { /* a struct and its name: "realms.staff.clients.wiki" */
	struct load *load;
	struct str name;
};
void scope_fail(struct scope s, struct str key, const char *format, ...) printf_like(3, 4);
struct str scope_item(struct scope s, const char *key, size_t i, const char *below); /* "fields[2].name" */
bool scope_has(struct scope s, struct str key);                                      /* given in the file */
/* Neither given nor filled by default. A value that was given and refused is absent instead, and told already. */
static inline bool left_empty(struct str s) {
	return !str_absent(s) && str_empty(s);
}
void check_profile(struct scope s, const struct realm *r, const struct profile_config *p);
void check_fields(struct scope s, const struct profile_config *p);
void check_client(struct scope s, const struct client_config *c);

#endif
