/* From what is wished for somebody who is there to the steps that fulfil it. */
#include "federation/plan/plan_private.h"

struct build {
	struct task *t;
	const struct update_input *in;
	struct plan *p;
};

static enum err step_add(struct build *b, struct update_step step) {
	if (b->p->n_updates == UPDATE_STEPS)
		return task_fail(b->t, ERR_INVALID, "more than %u steps", UPDATE_STEPS);
	b->p->updates[b->p->n_updates++] = step;
	return OK;
}

/* ---- attributes ---- */

static bool has_value(struct strs list, struct str value) {
	for (size_t i = 0; i < list.n; i++)
		if (str_eq(list.v[i], value))
			return true;
	return false;
}

bool same_values(struct strs a, struct strs b) {
	for (size_t i = 0; i < a.n; i++)
		if (!has_value(b, a.v[i]))
			return false;
	for (size_t i = 0; i < b.n; i++)
		if (!has_value(a, b.v[i]))
			return false;
	return true;
}

struct strs values_seen(const struct directory_config *d, const struct entry *e, struct str theirs) {
	for (size_t i = 0; i < e->n_attributes; i++)
		if (str_eq_case(directory_attribute(d, e->attributes[i].name), theirs))
			return e->attributes[i].values;
	return (struct strs){NULL, 0};
}

/* The directory's own are not written by wish: a change of the RDN is another operation, and the rest is Usher's. */
static enum err may_replace(const struct build *b, struct str name) {
	const struct directory_config *d = b->in->directory;
	struct attribute *fixed = NULL;
	size_t n = 0;
	if (is_password_name(name))
		return task_fail(b->t, ERR_INVALID, "attribute %.*s: a password is not part of a plan", FMT(name));
	directory_new_entry(b->t->arena, d, STR("-"), &fixed, &n);
	if (str_eq_case(name, d->rdn_attribute) || str_eq_case(name, directory_attribute(d, STR("login"))) ||
		attribute_find(fixed, n, name))
		return task_fail(b->t, ERR_INVALID, "attribute %.*s is set by the directory's own rules", FMT(name));
	return OK;
}

static struct strs wanted_values(struct arena *a, struct strs given) {
	struct strs list = {NULL, 0};
	for (size_t i = 0; i < given.n; i++) {
		struct str value = str_trim(given.v[i]);
		if (!str_empty(value) && !has_value(list, value))
			strs_add(a, &list, value);
	}
	return list;
}

static enum err add_replace(struct build *b, const struct attribute *wish) {
	struct str name = directory_attribute(b->in->directory, wish->name);
	struct strs before = values_seen(b->in->directory, b->in->entry, name);
	struct attribute *after = arena_new_of(b->t->arena, struct attribute);
	*after = (struct attribute){name, wanted_values(b->t->arena, wish->values)};
	if (same_values(before, after->values))
		return OK;
	TRY(may_replace(b, name));
	if (before.n >= LIMIT_VALUES) /* there may be more, which would go with them */
		return task_fail(b->t, ERR_INVALID, "attribute %.*s has too many values", FMT(name));
	for (size_t i = 0; i < after->values.n; i++)
		TRY(directory_check_value(b->t, b->in->directory, name, after->values.v[i]));
	return step_add(b,
		(struct update_step){.kind = UPDATE_REPLACE, .attributes = after, .n_attributes = 1, .before = before});
}

/* ---- disabled and enabled ---- */

static enum err add_enabling(struct build *b, bool enabled) {
	struct update_step step = {.kind = enabled ? UPDATE_ENABLE : UPDATE_DISABLE};
	directory_enabling(b->t->arena, b->in->directory, b->in->entry, enabled, &step.attributes, &step.n_attributes);
	return step.n_attributes ? step_add(b, step) : OK;
}

/* ---- groups and place ---- */

static bool is_in(const struct build *b, struct str group) {
	for (size_t i = 0; i < b->in->groups->n; i++)
		if (b->in->groups->v[i].via == SIZE_MAX && dn_equal(b->t->arena, b->in->groups->v[i].dn, group))
			return true;
	return false;
}

static bool is_planned(const struct build *b, enum update_kind kind, struct str dn) {
	for (size_t i = 0; i < b->p->n_updates; i++)
		if (b->p->updates[i].kind == kind && dn_equal(b->t->arena, b->p->updates[i].dn, dn))
			return true;
	return false;
}

static enum err add_group(struct build *b, enum update_kind kind, struct str dn) {
	bool wanted = kind == UPDATE_JOIN;
	if (!dn_valid(b->t->arena, dn))
		return task_fail(b->t, ERR_INVALID, "a group that is no DN");
	if (is_in(b, dn) == wanted || is_planned(b, kind, dn))
		return OK;
	return step_add(b, (struct update_step){.kind = kind, .dn = dn});
}

static enum err add_groups(struct build *b) {
	for (size_t i = 0; i < b->in->leave.n; i++)
		TRY(add_group(b, UPDATE_LEAVE, b->in->leave.v[i]));
	for (size_t i = 0; i < b->in->join.n; i++)
		TRY(add_group(b, UPDATE_JOIN, b->in->join.v[i]));
	return OK;
}

/* Active Directory's links know no names: they follow and end with the entry (MS-ADTS 3.1.1.1.6). Others do so where a
 * plugin of theirs is switched on; a group that goes on naming who is gone would let the next one of that name in. */
static bool groups_follow(const struct build *b) {
	return b->in->directory->driver == DIRECTORY_ACTIVE_DIRECTORY;
}

/* Each direct group that is not left, and each that is joined. */
static enum err add_follow(struct build *b) {
	size_t joined = b->p->n_updates;
	for (size_t i = 0; i < b->in->groups->n; i++) {
		const struct group *g = &b->in->groups->v[i];
		if (g->via == SIZE_MAX && !is_planned(b, UPDATE_LEAVE, g->dn))
			TRY(step_add(b, (struct update_step){.kind = UPDATE_FOLLOW, .dn = g->dn}));
	}
	for (size_t i = 0; i < joined; i++)
		if (b->p->updates[i].kind == UPDATE_JOIN)
			TRY(step_add(b, (struct update_step){.kind = UPDATE_FOLLOW, .dn = b->p->updates[i].dn}));
	return OK;
}

static enum err add_move(struct build *b) {
	struct str parent = b->in->parent;
	if (str_empty(parent))
		return OK;
	if (!dn_valid(b->t->arena, parent))
		return task_fail(b->t, ERR_INVALID, "a place that is no DN");
	if (dn_equal(b->t->arena, dn_parent(b->in->entry->dn), parent))
		return OK;
	TRY(step_add(b, (struct update_step){.kind = UPDATE_MOVE, .dn = parent}));
	return groups_follow(b) ? OK : add_follow(b);
}

static enum err add_keep(struct build *b) {
	struct attribute *kept = arena_new_of(b->t->arena, struct attribute);
	if (!b->in->keep)
		return OK;
	*kept = (struct attribute){STR("ends"), *b->in->keep};
	return step_add(b, (struct update_step){.kind = UPDATE_KEEP, .attributes = kept, .n_attributes = 1});
}

/* Disabled first: while a group must still be left, nobody logs in. */
static enum err add_delete(struct build *b) {
	if (b->in->n_attributes || b->in->join.n || b->in->leave.n || b->in->enabled || !str_empty(b->in->parent))
		return task_fail(b->t, ERR_INVALID, "a deletion stands alone");
	TRY(add_enabling(b, false));
	for (size_t i = 0; i < b->in->groups->n && !groups_follow(b); i++)
		if (b->in->groups->v[i].via == SIZE_MAX)
			TRY(step_add(b, (struct update_step){.kind = UPDATE_LEAVE, .dn = b->in->groups->v[i].dn}));
	return step_add(b, (struct update_step){.kind = UPDATE_DELETE});
}

static enum err add_wishes(struct build *b) {
	if (b->in->groups->cut)
		return task_fail(b->t, ERR_INVALID, "a member of more than %u groups", LIMIT_GROUPS);
	if (b->in->remove)
		return add_delete(b);
	if (b->in->enabled == WISH_DISABLE)
		TRY(add_enabling(b, false));
	for (size_t i = 0; i < b->in->n_attributes; i++)
		TRY(add_replace(b, &b->in->attributes[i]));
	TRY(add_groups(b));
	TRY(add_move(b));
	TRY(add_keep(b));
	return b->in->enabled == WISH_ENABLE ? add_enabling(b, true) : OK;
}

enum err update_build(struct task *t, const struct update_input *input, struct plan **ret) {
	struct plan *p = arena_new_of(t->arena, struct plan);
	struct build b = {t, input, p};
	*p = (struct plan){.kind = PLAN_UPDATE,
		.directory = input->directory->id,
		.stable_id = input->entry->stable_id,
		.dn = input->entry->dn,
		.updates = arena_array(t->arena, struct update_step, UPDATE_STEPS)};
	TRY(add_wishes(&b));
	TRY(plan_check(t, p));
	*ret = p;
	return OK;
}

/* ---- its steps ---- */

const char *const update_words[UPDATE_KINDS] = {[UPDATE_DISABLE] = "disable",
	[UPDATE_REPLACE] = "replace",
	[UPDATE_LEAVE] = "leave",
	[UPDATE_JOIN] = "join",
	[UPDATE_MOVE] = "move",
	[UPDATE_FOLLOW] = "follow",
	[UPDATE_KEEP] = "keep",
	[UPDATE_ENABLE] = "enable",
	[UPDATE_DELETE] = "delete"};

struct str update_title(struct arena *a, const struct update_step *s) {
	const char *word = update_words[s->kind];
	switch (s->kind) {
	case UPDATE_REPLACE:
		return str_printf(a, "%s %.*s", word, FMT(s->attributes[0].name));
	case UPDATE_KEEP:
		return str_printf(a, "%s the date of its end", word);
	case UPDATE_LEAVE:
	case UPDATE_JOIN:
		return str_printf(a, "%s %.*s", word, FMT(rdn_text(s->dn)));
	case UPDATE_MOVE:
		return str_printf(a, "%s below %.*s", word, FMT(rdn_text(s->dn)));
	case UPDATE_FOLLOW:
		return str_printf(a, "%s in %.*s", word, FMT(rdn_text(s->dn)));
	default:
		return str_of(word);
	}
}
