/* What an operator typed about a person, told from what merely stood in the form. */
#include "base/encode.h"
#include "base/secret.h"
#include "web/pages/person.h"

#define MARK_N    12u   /* letters of a hash: enough to tell two values apart */
#define SEEN_MOST 8000u /* of LIMIT_FIELD_VALUE */

/* ---- what was shown: words "NAME=MARK", "in=MARK" of each group, "ends=DAY" ---- */

static struct str mark(struct task *t, struct str text) {
	return str_sub(base64url_encode(t->arena, sha256(t->arena, text)), 0, MARK_N);
}

static struct str mark_of_values(struct task *t, struct strs values) {
	struct strs lines = {NULL, 0};
	for (size_t i = 0; i < values.n; i++)
		if (!str_empty(str_trim(values.v[i])))
			strs_add(t->arena, &lines, str_trim(values.v[i]));
	return mark(t, str_join(t->arena, lines, STR("\n")));
}

static struct str word_of(struct task *t, struct str name, struct str what) {
	return str_printf(t->arena, "%.*s=%.*s", FMT(name), FMT(what));
}

static struct str group_word(struct task *t, struct str dn) {
	return word_of(t, STR("in"), mark(t, str_lower(t->arena, dn)));
}

struct str person_seen(struct task *t, const struct steward_person *p) {
	struct strs words = {NULL, 0};
	strs_add(t->arena, &words, word_of(t, STR("ends"), steward_ends(t, p)));
	for (size_t i = 0; i < p->attributes.n; i++)
		strs_add(t->arena, &words,
			word_of(t, p->attributes.v[i], mark_of_values(t, steward_values(p, p->attributes.v[i]))));
	for (size_t i = 0; i < p->choices.n; i++)
		if (steward_is_in(t, p, p->choices.v[i]))
			strs_add(t->arena, &words, group_word(t, p->choices.v[i]));
	struct str seen = str_join(t->arena, words, STR(" "));
	return seen.n > SEEN_MOST ? STR("") : seen;
}

static bool has_word(struct str seen, struct str word) {
	struct str one;
	while (str_next(&seen, ' ', &one))
		if (str_eq(one, word))
			return true;
	return false;
}

/* ---- what was typed ---- */

bool dn_in_list(struct task *t, struct strs list, struct str dn) {
	for (size_t i = 0; i < list.n; i++)
		if (dn_equal(t->arena, list.v[i], dn))
			return true;
	return false;
}

static struct str field_of(struct task *t, const struct request *q, struct str name) {
	const char *key = NULL;
	if (task_cstr(t, str_printf(t->arena, "set_%.*s", FMT(name)), &key)) {
		task_clear(t);
		return STR_NONE;
	}
	return param(q->form, key);
}

static void read_attributes(struct task *t, const struct request *q, const struct steward_person *p, struct wishes *w) {
	struct str seen = field(q, "seen");
	w->attributes = arena_array(t->arena, struct attribute, p->attributes.n);
	for (size_t i = 0; i < p->attributes.n; i++) {
		struct str name = p->attributes.v[i], typed = field_of(t, q, name);
		struct strs values = lines_of(t, typed);
		if (!str_absent(typed) && !has_word(seen, word_of(t, name, mark_of_values(t, values))))
			w->attributes[w->n_attributes++] = (struct attribute){name, values};
	}
}

/* Whether the group was ticked when the form was shown; without its word for it, whether it would be now. */
static bool was_in(struct task *t, const struct request *q, const struct steward_person *p, struct str group) {
	struct str seen = field(q, "seen");
	return str_empty(seen) ? steward_is_in(t, p, group) : has_word(seen, group_word(t, group));
}

/* All that may be chosen was shown: what is not ticked any more is to be left. One that was not on the page is refused
 * later. */
static void read_groups(struct task *t, const struct request *q, const struct steward_person *p, struct wishes *w) {
	struct strs chosen = lines_of(t, field(q, "groups"));
	for (size_t i = 0; i < p->choices.n; i++)
		if (was_in(t, q, p, p->choices.v[i]) && !dn_in_list(t, chosen, p->choices.v[i]))
			strs_add(t->arena, &w->leave, p->choices.v[i]);
	for (size_t i = 0; i < chosen.n; i++)
		if (!was_in(t, q, p, chosen.v[i]))
			strs_add(t->arena, &w->join, chosen.v[i]);
}

/* A field that is emptied is no end; what was shown stays, to the minute. */
static struct str ends_of(struct task *t, const struct request *q, const struct steward_person *p) {
	struct str typed = param(q->form, "ends"), seen = field(q, "seen");
	if (str_absent(typed) || str_eq(str_trim(typed), steward_ends(t, p)) ||
		has_word(seen, word_of(t, STR("ends"), str_trim(typed))))
		return STR("");
	return str_empty(str_trim(typed)) ? STR("never") : str_trim(typed);
}

struct wishes person_wishes(struct task *t, const struct request *q, const struct steward_person *p) {
	struct wishes w = {.base = STR(""), .ends = STR(""), .remove = str_eq(field(q, "remove"), STR("yes"))};
	if (w.remove)
		return w;
	read_attributes(t, q, p, &w);
	read_groups(t, q, p, &w);
	w.base = field(q, "base");
	w.ends = ends_of(t, q, p);
	w.enabled = str_eq(field(q, "enabled"), STR("enable"))    ? WISH_ENABLE
		    : str_eq(field(q, "enabled"), STR("disable")) ? WISH_DISABLE
								  : WISH_NONE;
	return w;
}
