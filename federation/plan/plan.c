/* From what a profile and a person say to the entries that may be written. */
#include "federation/plan/plan_private.h"

/* Never part of a plan: a password goes from the form to the directory and is kept nowhere. */
static const struct str password_names[] = {
	STR("userPassword"),
	STR("unicodePwd"),
	STR("ntPwdHistory"),
	STR("sambaNTPassword"),
	STR("sambaLMPassword"),
	STR("krbPrincipalKey"),
	STR("dBCSPwd"),
	STR("clearTextPassword"),
};
/* RFC 4519 3.12: these need cn and sn. */
static const struct str person_classes[] = {STR("person"), STR("organizationalPerson"), STR("inetOrgPerson")};

struct build {
	struct task *t;
	const struct plan_input *in;
	struct str login;
	bool with_login;     /* the login name stands behind rdn_value, which another may have */
	struct attribute *v; /* room for PLAN_ATTRIBUTES */
	size_t n;
	size_t n_fixed; /* those before are ours: object classes, marker, disabling, login name */
};

static bool in_list(const struct str *list, size_t n, struct str name) {
	for (size_t i = 0; i < n; i++)
		if (str_eq_case(list[i], name))
			return true;
	return false;
}

bool is_password_name(struct str name) {
	return in_list(password_names, COUNT(password_names), str_sub(name, 0, str_find(name, ';', 0)));
}

struct attribute *attribute_find(struct attribute *list, size_t n, struct str name) {
	for (size_t i = 0; i < n; i++)
		if (str_eq_case(list[i].name, name))
			return &list[i];
	return NULL;
}

static struct str our_attribute(const struct build *b, struct str ours) {
	return directory_attribute(b->in->directory, ours);
}

static struct str first_value(const struct build *b, struct str ours) {
	const struct attribute *found = attribute_find(b->v, b->n, our_attribute(b, ours));
	return found && found->values.n ? found->values.v[0] : STR_NONE;
}

/* Merges by ASCII case, as the matching rules of nearly all attributes of people do: an entry with "Ann" and "ann"
 * would be refused (20). */
static enum err add_value(struct build *b, struct str name, struct str value) {
	value = str_trim(value);
	if (str_empty(value))
		return OK;
	struct attribute *into = attribute_find(b->v, b->n, name);
	if (!into && b->n == PLAN_ATTRIBUTES)
		return task_fail(b->t, ERR_INVALID, "more than %u attributes", PLAN_ATTRIBUTES);
	if (!into) {
		into = &b->v[b->n++];
		*into = (struct attribute){.name = name};
	}
	if (!in_list(into->values.v, into->values.n, value))
		strs_add(b->t->arena, &into->values, value);
	return OK;
}

static enum err add_values(struct build *b, struct str name, struct strs values) {
	for (size_t i = 0; i < values.n; i++)
		TRY(add_value(b, name, values.v[i]));
	return OK;
}

static struct str replace_login(struct arena *a, struct str value, struct str login) {
	const struct str mark = STR("{login}");
	struct strs parts = {0};
	size_t from = 0;
	for (size_t at = str_find(value, '{', 0); at < value.n; at = str_find(value, '{', at + 1)) {
		if (!str_starts(str_sub(value, at, value.n), mark))
			continue;
		strs_add(a, &parts, str_sub(value, from, at - from));
		from = at + mark.n;
	}
	if (!parts.n)
		return value;
	strs_add(a, &parts, str_sub(value, from, value.n));
	return str_join(a, parts, login);
}

/* What is ours in every entry, in front. */
static enum err add_fixed(struct build *b) {
	const struct directory_config *d = b->in->directory;
	struct attribute *list = NULL;
	size_t n = 0;
	directory_new_entry(b->t->arena, d, b->in->marker, &list, &n);
	for (size_t i = 0; i < n; i++)
		TRY(add_values(b, list[i].name, list[i].values));
	TRY(add_value(b, our_attribute(b, STR("login")), b->login));
	b->n_fixed = b->n;
	return OK;
}

/* Whether values of the input belong into the entry. A second login name would be a name that its owner may log in
 * with: it is left out. The marker, what disables the entry and passwords are nobody's to give. */
static enum err may_add(struct build *b, struct str name, bool *ret) {
	struct str base = str_sub(name, 0, str_find(name, ';', 0));
	if (is_password_name(base))
		return task_fail(b->t, ERR_INVALID, "attribute %.*s: a password is not part of a plan", FMT(base));
	bool login =
		str_eq_case(base, b->in->directory->rdn_attribute) || str_eq_case(base, our_attribute(b, STR("login")));
	bool fixed = attribute_find(b->v, b->n_fixed, base) != NULL;
	if (fixed && !login && !str_eq_case(base, STR("objectClass")))
		return task_fail(b->t, ERR_INVALID, "attribute %.*s is set by the directory's own rules", FMT(base));
	*ret = !login;
	return OK;
}

static enum err add_input(struct build *b) {
	struct arena *a = b->t->arena;
	for (size_t i = 0; i < b->in->n_attributes; i++) {
		const struct attribute *given = &b->in->attributes[i];
		struct str name = our_attribute(b, given->name);
		bool add = false;
		TRY(may_add(b, name, &add));
		for (size_t k = 0; add && k < given->values.n; k++)
			TRY(add_value(b, name, replace_login(a, given->values.v[k], b->login)));
	}
	return OK;
}

static struct str full_name(const struct build *b) {
	struct str shown = first_value(b, STR("display_name"));
	if (!str_empty(shown))
		return shown;
	struct strs parts = {0};
	struct str given = first_value(b, STR("given_name")), family = first_value(b, STR("family_name"));
	if (!str_empty(given))
		strs_add(b->t->arena, &parts, given);
	if (!str_empty(family))
		strs_add(b->t->arena, &parts, family);
	return parts.n ? str_join(b->t->arena, parts, STR(" ")) : b->login;
}

/* cn and sn, which every person must have (RFC 4519 3.12); Active Directory wants neither sn nor another cn than the
 * RDN. */
static enum err add_names(struct build *b) {
	const struct attribute *classes = attribute_find(b->v, b->n, STR("objectClass"));
	bool person = false;
	for (size_t i = 0; classes && i < classes->values.n; i++)
		person |= in_list(person_classes, COUNT(person_classes), classes->values.v[i]);
	if (!person || b->in->directory->driver == DIRECTORY_ACTIVE_DIRECTORY)
		return OK;
	struct str family = first_value(b, STR("family_name"));
	if (!attribute_find(b->v, b->n, STR("cn")))
		TRY(add_value(b, STR("cn"), full_name(b)));
	if (!attribute_find(b->v, b->n, STR("sn")))
		TRY(add_value(b, STR("sn"), str_empty(family) ? b->login : family));
	return OK;
}

/* "{login}", "{name}", or names of attributes in braces. */
static struct str word_value(const struct build *b, struct str word) {
	if (str_eq(word, STR("login")))
		return b->login;
	return str_eq(word, STR("name")) ? full_name(b) : first_value(b, word);
}

static struct str rdn_value(const struct build *b) {
	struct arena *a = b->t->arena;
	struct str pattern = b->in->directory->rdn_value;
	struct strs parts = {0};
	for (size_t i = 0; i < pattern.n;) {
		size_t end = pattern.p[i] == '{' ? str_find(pattern, '}', i) : str_find(pattern, '{', i);
		bool word = pattern.p[i] == '{' && end < pattern.n;
		strs_add(a, &parts,
			word ? word_value(b, str_sub(pattern, i + 1, end - i - 1)) : str_sub(pattern, i, end - i));
		i = word ? end + 1 : end;
	}
	struct str value = parts.n ? str_trim(str_join(a, parts, STR(""))) : STR("");
	if (str_empty(value))
		value = b->login;
	return b->with_login ? str_printf(a, "%.*s (%.*s)", FMT(value), FMT(b->login)) : value;
}

/* Whether rdn_value tells people of one name apart by itself. */
static bool rdn_has_login(const struct directory_config *d) {
	return str_empty(d->rdn_value) || str_contains(d->rdn_value, STR("{login}"));
}

static enum err add_rdn(struct build *b, struct str *ret_dn) {
	const struct directory_config *d = b->in->directory;
	struct str value = rdn_value(b), principal = directory_principal(b->t->arena, d, b->login);
	if (!attribute_find(b->v, b->n, STR("userPrincipalName")) && !str_absent(principal))
		TRY(add_value(b, STR("userPrincipalName"), principal));
	TRY(add_value(b, d->rdn_attribute, value));
	*ret_dn = dn_child(b->t->arena, d->rdn_attribute, value, b->in->base);
	return OK;
}

static enum err check_values(struct build *b) {
	for (size_t i = 0; i < b->n; i++)
		for (size_t k = 0; k < b->v[i].values.n; k++)
			TRY(directory_check_value(b->t, b->in->directory, b->v[i].name, b->v[i].values.v[k]));
	return OK;
}

static enum err build_candidate(
	struct task *t, const struct plan_input *in, struct str login, bool with_login, struct plan_candidate *ret) {
	struct build b = {.t = t, .in = in, .login = login, .with_login = with_login};
	b.v = arena_array(t->arena, struct attribute, PLAN_ATTRIBUTES);
	TRY(add_fixed(&b));
	TRY(add_input(&b));
	TRY(add_rdn(&b, &ret->dn));
	TRY(add_names(&b));
	TRY(check_values(&b));
	ret->login = login;
	ret->attributes = b.v;
	ret->n_attributes = b.n;
	return OK;
}

/* Without those that differ by case only: a directory takes them for the same. */
static struct strs distinct_logins(struct arena *a, struct strs logins) {
	struct strs list = {0};
	for (size_t i = 0; i < logins.n; i++) {
		struct str login = str_trim(logins.v[i]);
		if (!in_list(list.v, list.n, login))
			strs_add(a, &list, login);
	}
	return list;
}

static struct strs distinct_groups(struct arena *a, struct strs groups) {
	struct strs list = {0};
	for (size_t i = 0; i < groups.n; i++) {
		bool known = false;
		for (size_t k = 0; k < list.n && !known; k++)
			known = dn_equal(a, list.v[k], groups.v[i]);
		if (!known)
			strs_add(a, &list, groups.v[i]);
	}
	return list;
}

/* Where two people may have one name, each login name is a candidate twice: the entry is named by the name, and with
 * the login name behind it. */
static enum err build_candidates(struct task *t, const struct plan_input *input, struct strs logins, struct plan *p) {
	bool both = !rdn_has_login(input->directory);
	p->candidates = arena_array(t->arena, struct plan_candidate, both ? 2 * logins.n : logins.n);
	for (size_t i = 0; i < logins.n; i++) {
		TRY(build_candidate(t, input, logins.v[i], false, &p->candidates[p->n_candidates++]));
		if (both && p->n_candidates < LIMIT_CANDIDATES)
			TRY(build_candidate(t, input, logins.v[i], true, &p->candidates[p->n_candidates++]));
		if (p->n_candidates == LIMIT_CANDIDATES)
			break;
	}
	return OK;
}

enum err plan_build(struct task *t, const struct plan_input *input, struct plan **ret) {
	if (input->logins.n == 0 || input->logins.n > LIMIT_CANDIDATES || input->groups.n > LIMIT_VALUES)
		return task_fail(t, ERR_INVALID, "%zu login names, %zu groups", input->logins.n, input->groups.n);
	if (!dn_valid(t->arena, input->base))
		return task_fail(t, ERR_INVALID, "the base is not a DN");
	struct strs logins = distinct_logins(t->arena, input->logins);
	struct plan *p = arena_new_of(t->arena, struct plan);
	p->directory = input->directory->id;
	p->marker = input->marker;
	p->groups = distinct_groups(t->arena, input->groups);
	TRY(build_candidates(t, input, logins, p));
	TRY(plan_check(t, p));
	*ret = p;
	return OK;
}

/* ---- its steps ---- */

size_t plan_steps(const struct plan *p) {
	return p->kind == PLAN_UPDATE ? p->n_updates : p->groups.n + 2;
}

enum step_kind plan_step_kind(const struct plan *p, size_t step) {
	return step == 0 ? STEP_CREATE : step <= p->groups.n ? STEP_JOIN : STEP_READ_BACK;
}

struct str rdn_text(struct str dn) {
	size_t i = 0;
	for (; i < dn.n && dn.p[i] != ','; i++)
		if (dn.p[i] == '\\')
			i++;
	return str_sub(dn, 0, i);
}

struct str dn_parent(struct str dn) {
	return str_sub(dn, rdn_text(dn).n + 1, dn.n);
}

struct str plan_step_title(struct arena *a, const struct plan *p, size_t step) {
	if (step >= plan_steps(p))
		return step == plan_steps(p) && p->kind == PLAN_CREATE ? STR("look for a second entry") : STR("");
	if (p->kind == PLAN_UPDATE)
		return update_title(a, &p->updates[step]);
	switch (plan_step_kind(p, step)) {
	case STEP_CREATE:
		return str_printf(a, "create %.*s", FMT(rdn_text(p->candidates[0].dn)));
	case STEP_JOIN:
		return str_printf(a, "join %.*s", FMT(rdn_text(p->groups.v[step - 1])));
	case STEP_READ_BACK:
		break;
	}
	return STR("read back");
}
