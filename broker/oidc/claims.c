/* What a client learns of a person. OpenID Connect Core 5.1, 5.4. */
#include "broker/oidc/oidc_private.h"

enum err claim_text(struct task *t, json_t *into, const char *name, struct str value) {
	if (str_empty(value))
		return OK;
	return json_object_set_new(into, name, json_from_str(value))
		       ? task_fail(t, ERR_INTERNAL, "%s is not UTF-8", name)
		       : OK;
}

/* ---- by scope ---- */

struct subject {
	const struct account *account;
	const struct person *person;
};
struct claim {
	const char *scope, *name;
	const char *values[2]; /* names of ours in the directory's entry; the first that has a value */
};
static const struct claim claims[] = {
	{"profile", "name", {"display_name", "name"}},
	{"profile", "given_name", {"given_name", NULL}},
	{"profile", "family_name", {"family_name", NULL}},
	{"phone", "phone_number", {"phone", "mobile"}},
};

/* A value that is no text (a directory may hold anything) is left out. */
static void put_value(json_t *into, const char *name, struct str value) {
	if (!str_empty(value) && str_utf8(value))
		json_object_set_new(into, name, json_from_str(value));
}

static void put_claim(json_t *into, const struct claim *c, const struct entry *e) {
	struct str value = STR_NONE;
	for (size_t i = 0; i < COUNT(c->values) && str_empty(value); i++)
		if (c->values[i])
			value = entry_value(e, str_of(c->values[i]));
	put_value(into, c->name, value);
}

/* The directory's address may have changed since: only the one that was proved counts. */
static enum err is_verified(struct task *t, const struct account *a, struct str mail, bool *ret) {
	struct registration *r = NULL;
	*ret = false;
	if (str_empty(a->marker))
		return OK;
	enum err e = registrations_find(t, a->marker, &r);
	if (e == ERR_NOT_FOUND)
		return OK;
	TRY(e);
	*ret = r->verified_at > 0 && str_eq(r->mail, mail);
	return OK;
}

static enum err put_email(struct task *t, json_t *into, const struct subject *s) {
	struct str mail = s->person->entry->mail;
	bool verified = false;
	if (str_empty(mail) || !str_utf8(mail))
		return OK;
	TRY(is_verified(t, s->account, mail, &verified));
	put_value(into, "email", mail);
	json_object_set_new(into, "email_verified", json_boolean(verified));
	return OK;
}

/* ---- by client ---- */

static json_t *list_of(struct strs list) {
	json_t *array = json_array();
	for (size_t i = 0; i < list.n; i++)
		if (str_utf8(list.v[i]))
			json_array_append_new(array, json_from_str(list.v[i]));
	return array;
}

/* "realm_access.roles" → {"realm_access": {"roles": value}} */
static enum err put_path(struct task *t, json_t *into, struct str path, json_t *value) {
	const char *name = NULL;
	size_t dot = str_find(path, '.', 0);
	while (dot < path.n) {
		TRY(task_cstr(t, str_sub(path, 0, dot), &name));
		json_t *inner = json_object_get(into, name);
		if (!json_is_object(inner)) {
			inner = json_object();
			json_object_set_new(into, name, inner);
		}
		into = inner;
		path = str_sub(path, dot + 1, path.n);
		dot = str_find(path, '.', 0);
	}
	TRY(task_cstr(t, path, &name));
	json_object_set(into, name, value);
	return OK;
}

static enum err put_roles(struct task *t, const struct client_config *c, const struct person *p, json_t *into) {
	struct roles roles;
	const char *name = NULL;
	roles_collect(t->arena, t->realm, &p->groups, &roles);
	owned(json) json_t *list = list_of(roles_project(t->arena, c, &roles));
	if (c->roles_shape == ROLES_NESTED)
		return put_path(t, into, c->roles_claim, list);
	TRY(task_cstr(t, c->roles_claim, &name));
	json_object_set(into, name, list);
	return OK;
}

static void put_groups(struct task *t, const struct person *p, json_t *into) {
	struct strs names = {0};
	for (size_t i = 0; i < p->groups.n; i++)
		strs_add(t->arena, &names, p->groups.v[i].name);
	json_object_set_new(into, "groups", list_of(names));
}

/* See oidc.h. */
static bool is_given(const struct client_config *c, struct str scope, const char *name) {
	bool by_scope = strs_has(c->scopes, STR("roles")) || strs_has(c->scopes, STR("groups"));
	return !by_scope || scope_includes(scope, str_of(name));
}

enum err claims_roles(
	struct task *t, const struct client_config *c, struct str scope, const struct person *p, json_t *into) {
	bool roles = c->roles.n && is_given(c, scope, "roles");
	/* Roles first: they are what a token keeps when not all of it fits. Where both are called groups, roles count.
	 */
	if (roles)
		TRY(put_roles(t, c, p, into));
	if (c->groups_claim && is_given(c, scope, "groups") && !(roles && json_object_get(into, "groups")))
		put_groups(t, p, into);
	return OK;
}

enum err claims_person(
	struct task *t, struct str scope, const struct account *a, const struct person *p, json_t *into) {
	const struct subject s = {a, p};
	for (size_t i = 0; i < COUNT(claims); i++)
		if (scope_includes(scope, str_of(claims[i].scope)))
			put_claim(into, &claims[i], p->entry);
	if (scope_includes(scope, STR("profile")))
		put_value(into, "preferred_username", str_empty(p->entry->login) ? a->login : p->entry->login);
	if (scope_includes(scope, STR("email")))
		TRY(put_email(t, into, &s));
	return OK;
}

enum err claims_collect(struct task *t, const struct client_config *c, struct str scope, const struct account *a,
	const struct person *p, json_t *into) {
	TRY(claims_person(t, scope, a, p, into));
	return claims_roles(t, c, scope, p, into);
}
