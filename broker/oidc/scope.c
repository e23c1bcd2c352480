#include "broker/oidc/oidc_private.h"

#define SCOPES_MAX 64u

static const char *const standard[] = {"openid", "profile", "email", "phone", "roles", "groups", "offline_access"};

bool scope_is_standard(struct str one) {
	for (size_t i = 0; i < COUNT(standard); i++)
		if (str_eq(one, str_of(standard[i])))
			return true;
	return false;
}

bool scope_includes(struct str scope, struct str one) {
	struct str part;
	while (str_next(&scope, ' ', &part))
		if (str_eq(part, one))
			return true;
	return false;
}

bool scope_within(struct arena *a, struct str part, struct str whole) {
	struct strs all = str_split(a, part, ' ');
	for (size_t i = 0; i < all.n; i++)
		if (!scope_includes(whole, all.v[i]))
			return false;
	return true;
}

struct str scope_cut(struct arena *a, struct str scope, struct strs allowed) {
	struct strs all = str_split(a, scope, ' '), kept = {0};
	for (size_t i = 0; i < all.n; i++)
		if (strs_has(allowed, all.v[i]))
			strs_add(a, &kept, all.v[i]);
	return str_join(a, kept, STR(" "));
}

/* RFC 6749 3.3. */
static bool is_scope_text(struct str s) {
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return s.n <= SCOPE_MAX;
}

enum err scope_read(struct task *t, const struct client_config *c, struct str asked, struct str *ret) {
	struct strs all = {0}, once = {0};
	if (!is_scope_text(asked))
		return task_fail(t, ERR_SCOPE, "scope is malformed, or longer than %u bytes", SCOPE_MAX);
	all = str_split(t->arena, asked, ' ');
	if (all.n == 0 || all.n > SCOPES_MAX)
		return task_fail(
			t, ERR_SCOPE, all.n ? "scope names too many" : "scope is missing; ask for openid at least");
	for (size_t i = 0; i < all.n; i++) {
		if (!strs_has(c->scopes, all.v[i]))
			return task_fail(t, ERR_SCOPE, "scope %.*s is not among those of client %.*s", FMT(all.v[i]),
				FMT(c->id));
		if (!strs_has(once, all.v[i]))
			strs_add(t->arena, &once, all.v[i]);
	}
	*ret = str_join(t->arena, once, STR(" "));
	return OK;
}
