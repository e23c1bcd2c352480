/* Whether an update may be shown and carried out. */
#include "federation/plan/plan_private.h"

/* What a step of each kind has. */
static const struct {
	bool dn, attributes;
} shapes[UPDATE_KINDS] = {
	[UPDATE_DISABLE] = {false, true},
	[UPDATE_REPLACE] = {false, true},
	[UPDATE_LEAVE] = {true, false},
	[UPDATE_JOIN] = {true, false},
	[UPDATE_MOVE] = {true, false},
	[UPDATE_FOLLOW] = {true, false},
	[UPDATE_KEEP] = {false, true},
	[UPDATE_ENABLE] = {false, true},
	[UPDATE_DELETE] = {false, false},
};

static enum err check_values(struct check *c, struct str name, struct strs values) {
	if (values.n > LIMIT_VALUES)
		return task_fail(c->t, ERR_INVALID, "%.*s: %zu values", FMT(name), values.n);
	for (size_t i = 0; i < values.n; i++)
		TRY(check_text(c, name, values.v[i]));
	return OK;
}

/* What others wrote may be any text: LDIF shows it in a comment, with nothing hidden. */
static enum err check_before(struct check *c, struct strs values) {
	for (size_t i = 0; i < values.n; i++) {
		c->bytes += values.v[i].n + 16;
		if (!str_utf8(values.v[i]) || values.v[i].n > LIMIT_FIELD_VALUE || c->bytes > PLAN_BYTES)
			return task_fail(c->t, ERR_INVALID, "a value that is there cannot be shown");
	}
	return values.n > LIMIT_VALUES ? task_fail(c->t, ERR_INVALID, "before: %zu values", values.n) : OK;
}

/* One attribute, which may have no value. */
static bool has_one(const struct update_step *s) {
	return s->kind == UPDATE_REPLACE || s->kind == UPDATE_KEEP;
}

static enum err check_attributes(struct check *c, const struct update_step *s) {
	if (has_one(s) ? s->n_attributes != 1 : s->n_attributes > PLAN_ATTRIBUTES)
		return task_fail(c->t, ERR_INVALID, "a step with %zu attributes", s->n_attributes);
	for (size_t i = 0; i < s->n_attributes; i++) {
		TRY(check_name(c, s->attributes[i].name));
		if (is_password_name(s->attributes[i].name))
			return task_fail(c->t, ERR_INVALID, "a password is not part of a plan");
		TRY(check_values(c, s->attributes[i].name, s->attributes[i].values));
	}
	return check_before(c, s->before);
}

static enum err check_step(struct check *c, const struct update_step *s) {
	c->bytes += 64; /* of words around it */
	if (shapes[s->kind].dn)
		TRY(check_dn(c, STR("group or place"), s->dn));
	else if (!str_empty(s->dn))
		return task_fail(c->t, ERR_INVALID, "a step with a DN too much");
	if (shapes[s->kind].attributes)
		return check_attributes(c, s);
	return s->n_attributes || s->before.n ? task_fail(c->t, ERR_INVALID, "a step with values too many") : OK;
}

enum err update_check(struct check *c, const struct plan *p) {
	TRY(check_text(c, STR("stable id"), p->stable_id));
	TRY(check_dn(c, STR("dn"), p->dn));
	if (p->n_updates > UPDATE_STEPS)
		return task_fail(c->t, ERR_INVALID, "%zu steps", p->n_updates);
	for (size_t i = 0; i < p->n_updates; i++) {
		c->bytes += 2 * p->dn.n; /* LDIF names the entry with each, and a group that follows twice */
		TRY(check_step(c, &p->updates[i]));
		if (i && p->updates[i].kind < p->updates[i - 1].kind)
			return task_fail(c->t, ERR_INVALID, "steps out of order");
	}
	return OK;
}
