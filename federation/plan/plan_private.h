/* plan_private.h: what the files of this folder share. */
#ifndef USHER_FEDERATION_PLAN_PLAN_PRIVATE_H
#define USHER_FEDERATION_PLAN_PLAN_PRIVATE_H

#include "base/buf.h"
#include "federation/plan/plan.h"

#define PLAN_ATTRIBUTES LIMIT_FORM_FIELDS /* of one entry */
#define PLAN_BYTES      (256u << 10)      /* of all names, values and DNs of a plan */
#define PLAN_TEXT       (2u << 20)        /* of a plan as JSON or LDIF; PLAN_BYTES with every letter escaped fits */

/* Whether the plan, built or read back, is one that may be shown and carried out: counts, names, characters, lengths,
 * DNs. ERR_INVALID with a detail that names the attribute and never the value. */
enum err plan_check(struct task *t, const struct plan *p) must_use;
/* The attribute of this name (RFC 4512 2.5: ASCII case does not count), or NULL. */
struct attribute *attribute_find(struct attribute *list, size_t n, struct str name);
/* Of a step before plan_steps(), of a PLAN_CREATE. */
enum step_kind plan_step_kind(const struct plan *p, size_t step);
/* The first RDN as it is written; and what stands behind its comma. */
struct str rdn_text(struct str dn);
struct str dn_parent(struct str dn);
/* Whether the attribute holds passwords: such a one is never part of a plan. */
bool is_password_name(struct str name);

/* ---- plan_check.c, of a plan's parts ---- */
struct check {
	struct task *t;
	size_t bytes; /* of all text, and of what stands around it in LDIF and JSON */
	size_t longest_dn;
};
/* what names it in the detail; the value itself belongs in no log. */
enum err check_text(struct check *c, struct str what, struct str text) must_use;
enum err check_dn(struct check *c, struct str what, struct str dn) must_use;
enum err check_name(struct check *c, struct str name) must_use;

/* ---- plan_json.c ---- */
struct json_t;
void put_member(struct buf *b, const char *before, struct str value);
void put_strings(struct buf *b, struct strs list);
void put_attributes(struct buf *b, const struct attribute *list, size_t n);
bool read_string(struct arena *a, const struct json_t *v, struct str *ret);
bool read_strings(struct arena *a, const struct json_t *v, struct strs *ret);
bool read_attributes(struct arena *a, const struct json_t *v, struct attribute **ret, size_t *n);
bool array_size(const struct json_t *v, size_t max, size_t *ret);

/* ---- ldif.c ---- */
void put_line(struct buf *b, struct str line);
void put_pair(struct buf *b, struct str name, struct str value);
/* "# LABEL: VALUE", with what is not seen made visible. */
void put_comment(struct buf *b, struct str label, struct str value);

/* ---- update*.c: the like of an update ---- */
#define UPDATE_STEPS 512u
extern const char *const update_words[UPDATE_KINDS]; /* in JSON and titles */
/* Whether both have the same values, in whatever order; letter by letter, since a change of case is one. */
bool same_values(struct strs a, struct strs b);
/* Of an entry by the directory's name; n 0: it has none. */
struct strs values_seen(const struct directory_config *d, const struct entry *e, struct str theirs);
enum err update_check(struct check *c, const struct plan *p) must_use;
struct str update_title(struct arena *a, const struct update_step *s);
void update_put_json(struct buf *b, const struct plan *p);
bool update_read_json(struct arena *a, const struct json_t *v, struct plan *ret);
void update_put_ldif(struct buf *b, const struct plan *p, const struct directory_config *d);
enum err update_run(struct task *t, const struct directory_config *d, const struct plan *p,
	struct plan_progress *progress, struct report *report) must_use;

#endif
