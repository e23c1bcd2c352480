#include "broker/oidc/oidc_private.h"

static const struct scope_line lines[] = {
	{{"profile", 7}, "consent.scope.profile"},
	{{"email", 5}, "consent.scope.email"},
	{{"phone", 5}, "consent.scope.phone"},
	{{"roles", 5}, "consent.scope.roles"},
	{{"groups", 6}, "consent.scope.groups"},
	{{"offline_access", 14}, "consent.scope.offline_access"},
};

static struct scope_line line_of(struct str scope) {
	for (size_t i = 0; i < COUNT(lines); i++)
		if (str_eq(lines[i].scope, scope))
			return lines[i];
	return (struct scope_line){scope, "consent.scope.other"};
}

size_t consent_lines(const struct authorize *a, struct arena *arena, struct scope_line **ret) {
	struct strs scopes = str_split(arena, a->scope, ' ');
	struct scope_line *found = arena_array(arena, struct scope_line, scopes.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < scopes.n; i++)
		if (!str_eq(scopes.v[i], STR("openid")))
			found[n++] = line_of(scopes.v[i]);
	*ret = found;
	return n;
}
