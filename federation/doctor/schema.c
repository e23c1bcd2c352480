/* Whether the directory's schema has what the configuration writes, and gets what it demands. */
#include "federation/doctor/doctor_private.h"

#define CHAIN_MOST 16 /* superiors of one class */

struct schema {
	struct definition *types, *classes;
	size_t n_types, n_classes;
};

struct schema_visit {
	struct visit *v;
	const struct schema *s;
	struct strs told; /* attributes that were found unknown */
	size_t bad;
};

/* ---- reading ---- */

static enum err read_list(
	struct visit *v, struct str subschema, struct str attribute, struct definition **ret, size_t *ret_n) {
	struct strs texts = {0};
	TRY(directory_values(v->t, v->d, subschema, attribute, &texts));
	struct definition *list = arena_array(v->t->arena, struct definition, texts.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < texts.n; i++)
		n += definition_parse(v->t->arena, texts.v[i], &list[n]);
	*ret = list;
	*ret_n = n;
	return OK;
}

static enum err read_schema(struct visit *v, struct schema *ret) {
	static const char *const names[] = {"subschemaSubentry", NULL};
	struct entry *dse = NULL;
	TRY(directory_read(v->t, v->d, STR(""), names, &dse));
	struct str subschema = entry_value(dse, STR("subschemasubentry"));
	if (str_absent(subschema))
		return task_fail(v->t, ERR_NOT_FOUND, "the root DSE names no subschemaSubentry");
	TRY(read_list(v, subschema, STR("attributeTypes"), &ret->types, &ret->n_types));
	TRY(read_list(v, subschema, STR("objectClasses"), &ret->classes, &ret->n_classes));
	return ret->n_types && ret->n_classes ? OK
					      : task_fail(v->t, ERR_NOT_FOUND, "%.*s shows nothing", FMT(subschema));
}

static const struct definition *find(const struct definition *list, size_t n, struct str name) {
	struct str base = str_sub(name, 0, str_find(name, ';', 0)); /* without options */
	for (size_t i = 0; i < n; i++)
		if (definition_is(&list[i], base))
			return &list[i];
	return NULL;
}

static const struct definition *type_of(const struct schema *s, struct str name) {
	return find(s->types, s->n_types, name);
}

/* ---- attributes that exist ---- */

static bool list_has(struct strs list, struct str name) {
	for (size_t i = 0; i < list.n; i++)
		if (str_eq_case(list.v[i], name))
			return true;
	return false;
}

static void want_type(struct schema_visit *k, struct str key, struct str theirs, struct str consequence) {
	struct visit *v = k->v;
	if (str_empty(theirs) || list_has(k->told, theirs) || type_of(k->s, theirs))
		return;
	strs_add(v->t->arena, &k->told, theirs);
	k->bad++;
	found(v, FINDING_ERROR, TEXT(v, "%.*s: the directory's schema has no attribute %.*s", FMT(key), FMT(theirs)),
		consequence, STR("correct the name, or add the attribute to the schema (schemas/ldap has ours)"));
}

static void want_types_of_profile(struct schema_visit *k, const struct profile_config *p) {
	struct visit *v = k->v;
	for (size_t i = 0; i < p->n_fields; i++)
		want_type(k, TEXT(v, "profiles.%.*s.fields.%.*s", FMT(p->id), FMT(p->fields[i].name)),
			directory_attribute(v->d, p->fields[i].attribute),
			TEXT(v, "requests of the profile %.*s with this field are parked when they are approved",
				FMT(p->id)));
	for (size_t i = 0; i < p->n_constants; i++)
		want_type(k, TEXT(v, "profiles.%.*s.constants", FMT(p->id)),
			directory_attribute(v->d, p->constants[i].attribute),
			TEXT(v, "all requests of the profile %.*s are parked when they are approved", FMT(p->id)));
}

static void want_types(struct schema_visit *k) {
	const struct directory_config *d = k->v->d;
	struct str all = STR("all requests are parked when they are approved");
	want_type(k, STR("marker_attribute"), d->marker_attribute, all);
	want_type(k, STR("rdn_attribute"), d->rdn_attribute, all);
	want_type(k, STR("group_member_attribute"), d->group_member_attribute,
		STR("nobody is in any group, so that nobody has roles, and no group can be joined"));
	for (size_t i = 0; i < d->login_attributes.n; i++)
		want_type(k, STR("login_attributes"), directory_attribute(d, d->login_attributes.v[i]),
			STR("nobody can log in by what it should hold"));
	for (size_t i = 0; i < d->n_attributes; i++)
		want_type(k, STR("attributes"), d->attributes[i].theirs,
			TEXT(k->v, "%.*s is empty for everybody", FMT(d->attributes[i].ours)));
}

/* ---- object classes ---- */

/* What MS-ADTS 3.1.1.5.2 says the server fills in. */
static const struct str filled_by_server[] = {STR("instanceType"), STR("nTSecurityDescriptor"), STR("objectCategory"),
	STR("objectSid"), STR("objectClass"), STR("cn"), STR("sAMAccountName"), STR("objectGUID")};

struct demands {
	struct strs classes, must, may;
	bool any; /* extensibleObject (RFC 4512 4.3) */
};

static void add_class(struct schema_visit *k, struct str name, struct demands *ret, int depth) {
	struct arena *a = k->v->t->arena;
	const struct definition *c = find(k->s->classes, k->s->n_classes, name);
	if (!c || depth >= CHAIN_MOST || list_has(ret->classes, c->oid))
		return;
	strs_add(a, &ret->classes, c->oid);
	ret->any |= str_eq_case(name, STR("extensibleObject"));
	for (size_t i = 0; i < c->must.n; i++)
		strs_add(a, &ret->must, c->must.v[i]);
	for (size_t i = 0; i < c->may.n; i++)
		strs_add(a, &ret->may, c->may.v[i]);
	for (size_t i = 0; i < c->superiors.n; i++)
		add_class(k, c->superiors.v[i], ret, depth + 1);
}

/* Whether a list of names has this attribute by any of its names. */
static bool names_type(const struct schema *s, struct strs list, struct str name) {
	const struct definition *type = type_of(s, name);
	for (size_t i = 0; i < list.n; i++)
		if (str_eq_case(list.v[i], name) || (type && definition_is(type, list.v[i])))
			return true;
	return false;
}

static struct strs names_of(struct visit *v, const struct plan_candidate *c) {
	struct strs list = {0};
	for (size_t i = 0; i < c->n_attributes; i++)
		strs_add(v->t->arena, &list, c->attributes[i].name);
	return list;
}

static void look_at_must(
	struct schema_visit *k, const struct profile_config *p, const struct demands *m, struct strs written) {
	struct visit *v = k->v;
	bool server = v->d->driver == DIRECTORY_ACTIVE_DIRECTORY;
	for (size_t i = 0; i < m->must.n; i++) {
		struct strs filled = {(struct str *)filled_by_server, COUNT(filled_by_server)};
		if (names_type(k->s, written, m->must.v[i]) || (server && list_has(filled, m->must.v[i])))
			continue;
		k->bad++;
		found(v, FINDING_ERROR,
			TEXT(v,
				"profiles.%.*s: object_classes demand the attribute %.*s, which no required field or "
				"constant fills",
				FMT(p->id), FMT(m->must.v[i])),
			TEXT(v, "requests of the profile %.*s without it are parked when they are approved",
				FMT(p->id)),
			STR("make a field for it that is required, or a constant, or take the class out of "
			    "object_classes"));
	}
}

/* Active Directory adds classes by its content rules, which are not read: there a trial tells. */
static void look_at_may(
	struct schema_visit *k, const struct profile_config *p, const struct demands *m, struct strs written) {
	struct visit *v = k->v;
	if (m->any || v->d->driver == DIRECTORY_ACTIVE_DIRECTORY)
		return;
	for (size_t i = 0; i < written.n; i++) {
		const struct definition *type = type_of(k->s, written.v[i]);
		if (!type || type->operational || str_eq_case(written.v[i], STR("objectClass")) ||
			names_type(k->s, m->must, written.v[i]) || names_type(k->s, m->may, written.v[i]))
			continue;
		k->bad++;
		found(v, FINDING_ERROR,
			TEXT(v, "profiles.%.*s: object_classes do not allow the attribute %.*s", FMT(p->id),
				FMT(written.v[i])),
			TEXT(v, "all requests of the profile %.*s are parked when they are approved", FMT(p->id)),
			STR("add a class that has it to object_classes, or write another attribute "
			    "(marker_attribute, attributes, the field's attribute)"));
	}
}

static void look_at_unknown(struct schema_visit *k, const struct profile_config *p, struct strs written) {
	for (size_t i = 0; i < written.n; i++)
		want_type(k, TEXT(k->v, "profiles.%.*s", FMT(p->id)), written.v[i],
			TEXT(k->v, "all requests of the profile %.*s are parked when they are approved", FMT(p->id)));
}

static void look_at_profile(struct schema_visit *k, const struct profile_config *p) {
	struct visit *v = k->v;
	struct plan *plan = NULL;
	struct demands m = {0};
	want_types_of_profile(k, p);
	if (sample_plan(v, p, p->base, &plan)) {
		k->bad++;
		found_unknown(v, "the entries of a profile", ERR_INVALID);
		return;
	}
	for (size_t i = 0; i < plan->candidates[0].n_attributes; i++)
		if (str_eq_case(plan->candidates[0].attributes[i].name, STR("objectClass")))
			for (size_t c = 0; c < plan->candidates[0].attributes[i].values.n; c++)
				add_class(k, plan->candidates[0].attributes[i].values.v[c], &m, 0);
	struct strs written = names_of(v, &plan->candidates[0]);
	look_at_unknown(k, p, written);
	look_at_must(k, p, &m, written);
	look_at_may(k, p, &m, written);
}

static void look_at_classes(struct schema_visit *k) {
	struct visit *v = k->v;
	for (size_t i = 0; i < v->d->object_classes.n; i++) {
		if (find(k->s->classes, k->s->n_classes, v->d->object_classes.v[i]))
			continue;
		k->bad++;
		found(v, FINDING_ERROR,
			TEXT(v, "object_classes: the directory's schema has no class %.*s",
				FMT(v->d->object_classes.v[i])),
			STR("all requests are parked when they are approved"),
			STR("correct the name, or add the class to the schema"));
	}
}

void check_schema(struct visit *v) {
	struct schema s = {0};
	struct schema_visit k = {.v = v, .s = &s};
	if (read_schema(v, &s)) {
		struct str detail = v->t->failure_detail;
		task_clear(v->t);
		found(v, FINDING_WARNING, TEXT(v, "the schema cannot be read: %.*s", FMT(detail)),
			STR("whether attributes and object classes fit is not known before the first request"),
			STR("let the service account read the entry that subschemaSubentry of the root DSE names"));
		return;
	}
	want_types(&k);
	look_at_classes(&k);
	for (size_t i = 0; i < v->realm->n_profiles; i++)
		if (profile_is_here(v, &v->realm->profiles[i]))
			look_at_profile(&k, &v->realm->profiles[i]);
	if (k.bad == 0)
		found_ok(v,
			"the schema has every attribute and object class that is written (%zu attributes, %zu classes)",
			s.n_types, s.n_classes);
}
