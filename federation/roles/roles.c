#include "federation/roles/roles.h"

#include "base/buf.h"

#define ROLE_NAME_MAX 255u /* bytes; names of groups come from the directory, and roles go into tokens */
#define EXPLAIN_MAX   LIMIT_RESPONSE

/* Whether two DNs may be equal: without escapes, equal ones differ in case and spaces only. Spares parsing each of 2000
 * groups for each rule. */
static bool dn_may_equal(struct str x, struct str y) {
	size_t i = 0, k = 0;
	for (;;) {
		while (i < x.n && x.p[i] == ' ')
			i++;
		while (k < y.n && y.p[k] == ' ')
			k++;
		if (i == x.n || k == y.n)
			return i == x.n && k == y.n;
		if (!str_eq_case(str_sub(x, i++, 1), str_sub(y, k++, 1)))
			return false;
	}
}

static bool dn_is_plain(struct str dn) {
	for (size_t i = 0; i < dn.n; i++)
		if (dn.p[i] == '\\' || dn.p[i] == '"' || dn.p[i] == '#' || dn.p[i] == '+' || dn.p[i] == ';')
			return false;
	return true;
}

static bool same_dn(struct arena *a, struct str x, struct str y) {
	if (dn_is_plain(x) && dn_is_plain(y) && !dn_may_equal(x, y))
		return false;
	return dn_equal(a, x, y);
}

static struct str pattern_role(struct arena *a, struct str role, struct str captured) {
	const struct str mark = STR("{1}");
	struct strs parts = {0};
	size_t from = 0;
	for (size_t i = 0; i < role.n; i++) {
		if (!str_starts(str_sub(role, i, role.n), mark))
			continue;
		strs_add(a, &parts, str_sub(role, from, i - from));
		from = i + mark.n;
		i = from - 1;
	}
	strs_add(a, &parts, str_sub(role, from, role.n));
	return str_join(a, parts, captured);
}

/* The role that this group gives by this rule, or an empty one. */
static struct str role_of(struct arena *a, const struct role_rule *rule, const struct group *g) {
	struct str captured = STR_NONE;
	switch (rule->match) {
	case ROLE_GROUP_DN:
		return same_dn(a, rule->group, g->dn) ? rule->role : STR_NONE;
	case ROLE_GROUP_NAME:
		return str_eq_case(rule->group, g->name) ? rule->role : STR_NONE;
	case ROLE_GROUP_ID:
		return str_eq_case(rule->group, g->stable_id) || str_eq_case(rule->group, g->sid) ? rule->role
												  : STR_NONE;
	case ROLE_GROUP_PATTERN:
		return str_glob(rule->group, g->name, &captured) ? pattern_role(a, rule->role, captured) : STR_NONE;
	}
	return STR_NONE;
}

static bool is_role_name(struct str name) {
	return !str_empty(name) && name.n <= ROLE_NAME_MAX && str_utf8(name) && !str_has_control(name);
}

static bool has_role(const struct roles *roles, struct str name) {
	for (size_t i = 0; i < roles->n; i++)
		if (str_eq(roles->v[i].name, name))
			return true;
	return false;
}

static void add_role(struct arena *a, struct roles *roles, size_t *room, struct role role) {
	if (roles->n == *room) {
		size_t more = *room ? *room * 2 : 8;
		roles->v = arena_grow(a, roles->v, *room * sizeof(role), more * sizeof(role));
		*room = more;
	}
	roles->v[roles->n++] = role;
}

void roles_collect(struct arena *a, const struct realm *r, const struct groups *groups, struct roles *ret) {
	struct roles found = {0};
	size_t room = 0;
	for (size_t rule = 0; rule < r->n_roles; rule++) {
		for (size_t g = 0; g < groups->n; g++) {
			struct str name = role_of(a, &r->roles[rule], &groups->v[g]);
			if (!is_role_name(name))
				continue;
			if (!has_role(&found, name))
				add_role(a, &found, &room, (struct role){.name = name, .group = g, .rule = rule});
			if (r->roles[rule].match != ROLE_GROUP_PATTERN)
				break;
		}
	}
	*ret = found;
}

struct strs roles_project(struct arena *a, const struct client_config *c, const struct roles *roles) {
	struct strs seen = {0};
	for (size_t i = 0; i < roles->n; i++) {
		bool visible = false;
		for (size_t k = 0; k < c->roles.n && !visible; k++)
			visible = str_glob(c->roles.v[k], roles->v[i].name, NULL);
		if (visible)
			strs_add(a, &seen, roles->v[i].name);
	}
	return seen;
}

bool roles_in_group(struct arena *a, const struct groups *groups, struct str group_dn) {
	if (str_empty(group_dn))
		return false;
	for (size_t i = 0; i < groups->n; i++)
		if (same_dn(a, groups->v[i].dn, group_dn))
			return true;
	return false;
}

/* ---- explain ---- */

/* For a terminal: what a directory holds must not move its cursor. */
static void put_printable(struct buf *b, struct str s) {
	uint32_t c = 0;
	for (size_t at = 0, from = 0; str_next_code_point(s, &at, &c); from = at) {
		struct str one = str_sub(s, from, at - from);
		buf_put(b, c == 0xFFFD || str_has_control(one) ? STR("?") : one);
	}
}

/* From the group that the person is in to the one that gave the role. Writes into path, from its end; n ends a circle
 * that should not be. */
static size_t path_to(const struct groups *groups, size_t group, size_t *path) {
	size_t n = 0;
	for (size_t g = group; g < groups->n && n < groups->n; g = groups->v[g].via)
		path[n++] = g;
	return n;
}

static void explain_role(struct buf *b, const struct groups *groups, const struct role *role, size_t *path) {
	put_printable(b, role->name);
	for (size_t n = path_to(groups, role->group, path), i = n; i > 0; i--) {
		buf_put(b, i == n ? STR("  ← ") : STR(" ← member of "));
		put_printable(b, groups->v[path[i - 1]].dn);
	}
}

struct str roles_explain(
	struct arena *a, const struct realm *r, const struct groups *groups, const struct roles *roles) {
	struct buf b = buf_new(a, EXPLAIN_MAX);
	size_t *path = arena_array(a, size_t, groups->n);
	for (size_t i = 0; i < roles->n; i++) {
		size_t rule = roles->v[i].rule;
		explain_role(&b, groups, &roles->v[i], path);
		buf_printf(&b, "  (rule %zu, line %u)\n", rule + 1, r->roles[rule].at);
	}
	return buf_str(&b);
}

/* ---- configuration ---- */

static const char *const ways[] = {[ROLE_GROUP_DN] = "group",
	[ROLE_GROUP_NAME] = "name",
	[ROLE_GROUP_PATTERN] = "pattern",
	[ROLE_GROUP_ID] = "id"};

static const char *wrong_with(struct arena *a, const struct role_rule *rule, bool *ret_group) {
	bool star = str_find(rule->group, '*', 0) < rule->group.n;
	bool mark = str_contains(rule->role, STR("{1}"));
	*ret_group = true;
	if (str_empty(rule->group))
		return "a group is expected";
	if (rule->match == ROLE_GROUP_DN && !dn_valid(a, rule->group))
		return "a DN (RFC 4514) is expected, such as cn=staff,ou=groups,dc=example,dc=org";
	if (rule->match == ROLE_GROUP_NAME && star)
		return "a name holds no '*'; a pattern does";
	*ret_group = false;
	if (!is_role_name(rule->role))
		return "a role of 1 to 255 bytes is expected";
	if (mark && rule->match != ROLE_GROUP_PATTERN)
		return "{1} stands only with a pattern";
	if (mark && !star)
		return "{1} is what '*' of the pattern matched, and it has none";
	return NULL;
}

static void check_realm(struct arena *a, const struct realm *r, struct config_errors *errors) {
	for (size_t i = 0; i < r->n_roles; i++) {
		bool group = false;
		const char *wrong = wrong_with(a, &r->roles[i], &group);
		struct str key = str_printf(
			a, "realms.%.*s.roles[%zu].%s", FMT(r->id), i, group ? ways[r->roles[i].match] : "role");
		if (wrong)
			config_error_add(a, errors, r->roles[i].at, key, "%s", wrong);
	}
	for (size_t i = 0; i < r->n_clients; i++) {
		const struct client_config *c = &r->clients[i];
		struct str key = str_printf(a, "realms.%.*s.clients.%.*s.roles.visible", FMT(r->id), FMT(c->id));
		for (size_t k = 0; k < c->roles.n; k++)
			if (!is_role_name(c->roles.v[k]))
				config_error_add(a, errors, c->at, str_printf(a, "%.*s[%zu]", FMT(key), k), "%s",
					"a role, or a pattern of roles with '*', is expected");
	}
}

void roles_check_config(struct arena *a, const struct config *c, struct config_errors *errors) {
	for (size_t i = 0; i < c->n_realms; i++)
		check_realm(a, &c->realms[i], errors);
}
