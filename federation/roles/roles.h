/* roles.h: groups of a directory → roles of a realm → what a client sees. The door of this folder. */
#ifndef USHER_FEDERATION_ROLES_ROLES_H
#define USHER_FEDERATION_ROLES_ROLES_H

#include "federation/directory/directory.h"

struct role {
	struct str name;
	size_t group; /* index in the groups that gave it, the first one */
	size_t rule;  /* index in the realm's rules */
};
struct roles {
	struct role *v;
	size_t n;
};
/* In the order of the rules; each role once. A DN rule compares parsed DNs; a name rule the cn without ASCII case; a
 * pattern rule globs the cn. */
void roles_collect(struct arena *a, const struct realm *r, const struct groups *groups, struct roles *ret);
/* The names that this client may see. */
struct strs roles_project(struct arena *a, const struct client_config *c, const struct roles *roles);
bool roles_in_group(struct arena *a, const struct groups *groups, struct str group_dn);
/* "employee  ← cn=team-red,… ← member of cn=staff,…  (rule 2, line 120)", one line a role. */
struct str roles_explain(
	struct arena *a, const struct realm *r, const struct groups *groups, const struct roles *roles);
void roles_check_config(struct arena *a, const struct config *c, struct config_errors *errors);

#endif
