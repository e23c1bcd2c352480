/* Which directories a typed name is looked for in, and who it means there. */
#include "base/clock.h"
#include "broker/login/login_private.h"

/* "alice@partner" and "PARTNER\alice" name the directory whose login_suffix that is; alice is looked for there. */
static bool has_suffix(struct str username, const struct directory_config *d, struct str *ret_name) {
	size_t at = str_find(username, '@', 0), slash = str_find(username, '\\', 0);
	if (str_empty(d->login_suffix))
		return false;
	if (slash < username.n && str_eq_case(str_sub(username, 0, slash), d->login_suffix)) {
		*ret_name = str_sub(username, slash + 1, username.n);
		return true;
	}
	if (at < username.n && str_eq_case(str_sub(username, at + 1, username.n), d->login_suffix)) {
		*ret_name = str_sub(username, 0, at);
		return true;
	}
	return false;
}

static bool has_domain(struct arena *a, struct str username, const struct directory_config *d) {
	size_t at = str_find(username, '@', 0);
	return !d->mail_domains.n ||
	       (at < username.n && strs_has(d->mail_domains, str_lower(a, str_sub(username, at + 1, username.n))));
}

/* What is asked of which directory; a suffix excludes all directories but its own. */
struct route {
	const struct directory_config *directory;
	struct str name;
};
static size_t routes_of(struct task *t, struct str username, struct route *routes) {
	const struct realm *r = t->realm;
	struct str name = STR_NONE;
	size_t n = 0;
	for (size_t i = 0; i < r->n_directories; i++)
		if (has_suffix(username, &r->directories[i], &name)) {
			routes[0] = (struct route){&r->directories[i], name};
			return 1;
		}
	for (size_t i = 0; i < r->n_directories; i++)
		if (has_domain(t->arena, username, &r->directories[i]))
			routes[n++] = (struct route){&r->directories[i], username};
	return n;
}

struct look {
	struct found *found;
	unsigned matches; /* people who have that name, 2 for any more */
	enum err failed;
	struct str why;
};

static void look_in(struct task *t, const struct route *route, struct look *look) {
	struct entry *e = NULL;
	enum err code = directory_find_login(t, route->directory, route->name, &e);
	if (code && code != ERR_NOT_FOUND && code != ERR_EXISTS) {
		look->failed = code;
		look->why = t->failure_detail;
	}
	task_clear(t);
	look->matches += code == OK ? 1 : code == ERR_EXISTS ? 2 : 0;
	if (code == OK || !look->found->entry)
		look->found->directory = route->directory;
	if (code == OK)
		look->found->entry = e;
}

/* One that is silent holds nobody of another directory: it is asked when the others do not know the name. */
enum err login_find(struct task *t, struct str username, struct found *ret) {
	struct route *routes = arena_array(t->arena, struct route, t->realm->n_directories + 1);
	size_t n = routes_of(t, username, routes);
	struct look look = {.found = ret, .failed = OK};
	ret->read_at = clock_wall_ms();
	ret->began_us = clock_monotonic_us();
	for (unsigned silent = 0; silent < 2 && look.matches == 0; silent++)
		for (size_t i = 0; i < n; i++)
			if (directory_is_silent(routes[i].directory) == (silent == 1))
				look_in(t, &routes[i], &look);
	ret->ambiguous = look.matches > 1;
	if (look.matches == 1)
		return OK;
	ret->entry = NULL;
	if (look.matches == 0 && look.failed)
		return task_fail(t, look.failed, "%.*s", FMT(look.why));
	return ERR_NOT_FOUND;
}

enum err login_lookup(
	struct task *t, struct str username, const struct directory_config **ret_directory, struct entry **ret) {
	struct found found = {0};
	enum err e = login_find(t, str_trim(username), &found);
	if (e == ERR_NOT_FOUND && found.ambiguous)
		return task_fail(t, ERR_EXISTS, "more than one person has this name");
	TRY(e);
	*ret_directory = found.directory;
	*ret = found.entry;
	return OK;
}
