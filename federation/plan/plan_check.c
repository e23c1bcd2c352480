/* Whether a plan may be shown and carried out. */
#include "federation/plan/plan_private.h"

static bool is_letter(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 4512 2.5: a short name and options; numbers (OIDs) are left out, so that one attribute has one name here. */
static bool name_valid(struct str name) {
	if (str_empty(name) || name.n > LIMIT_FIELD_NAME || str_ends(name, STR(";")))
		return false;
	bool first = true;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool rest = !first && ((c >= '0' && c <= '9') || c == '-' || c == ';');
		if (!is_letter(c) && !rest)
			return false;
		first = c == ';';
	}
	return true;
}

enum err check_text(struct check *c, struct str what, struct str text) {
	const char *wrong = str_empty(text)              ? "empty"
			    : text.n > LIMIT_FIELD_VALUE ? "too long"
			    : !str_utf8(text)            ? "not UTF-8"
			    : str_has_control(text)      ? "a control character"
							 : NULL;
	c->bytes += what.n + text.n + 8;
	if (!wrong && c->bytes > PLAN_BYTES)
		wrong = "the whole is too large";
	return wrong ? task_fail(c->t, ERR_INVALID, "%.*s: %s", FMT(what), wrong) : OK;
}

enum err check_dn(struct check *c, struct str what, struct str dn) {
	TRY(check_text(c, what, dn));
	if (dn.n > LIMIT_DN || !dn_valid(c->t->arena, dn))
		return task_fail(c->t, ERR_INVALID, "%.*s: not a DN", FMT(what));
	return OK;
}

enum err check_name(struct check *c, struct str name) {
	c->bytes += name.n + 32;
	return name_valid(name) ? OK : task_fail(c->t, ERR_INVALID, "not an attribute name");
}

static enum err check_attribute(struct check *c, const struct attribute *v) {
	TRY(check_name(c, v->name));
	if (v->values.n == 0 || v->values.n > LIMIT_VALUES)
		return task_fail(c->t, ERR_INVALID, "%.*s: %zu values", FMT(v->name), v->values.n);
	for (size_t i = 0; i < v->values.n; i++)
		TRY(check_text(c, v->name, v->values.v[i]));
	return OK;
}

static enum err check_candidate(struct check *c, const struct plan_candidate *v) {
	TRY(check_text(c, STR("login"), v->login));
	TRY(check_dn(c, STR("dn"), v->dn));
	if (v->n_attributes == 0 || v->n_attributes > PLAN_ATTRIBUTES)
		return task_fail(c->t, ERR_INVALID, "%zu attributes", v->n_attributes);
	if (v->dn.n > c->longest_dn)
		c->longest_dn = v->dn.n;
	for (size_t i = 0; i < v->n_attributes; i++) {
		TRY(check_attribute(c, &v->attributes[i]));
		if (attribute_find(v->attributes, i, v->attributes[i].name))
			return task_fail(c->t, ERR_INVALID, "%.*s: twice", FMT(v->attributes[i].name));
	}
	return OK;
}

enum err plan_check(struct task *t, const struct plan *p) {
	struct check c = {.t = t};
	TRY(check_text(&c, STR("directory"), p->directory));
	if (p->kind == PLAN_UPDATE)
		return update_check(&c, p);
	TRY(check_text(&c, STR("marker"), p->marker));
	if (p->n_candidates == 0 || p->n_candidates > LIMIT_CANDIDATES || p->groups.n > LIMIT_VALUES)
		return task_fail(t, ERR_INVALID, "%zu candidates, %zu groups", p->n_candidates, p->groups.n);
	for (size_t i = 0; i < p->n_candidates; i++)
		TRY(check_candidate(&c, &p->candidates[i]));
	c.bytes += c.longest_dn * p->groups.n; /* LDIF names the member with each */
	for (size_t i = 0; i < p->groups.n; i++)
		TRY(check_dn(&c, STR("group"), p->groups.v[i]));
	return OK;
}
