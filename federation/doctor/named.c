/* Every entry that the configuration names: whether it is there, and shown to the service account. */
#include "federation/doctor/doctor_private.h"

struct look {
	struct visit *v;
	size_t looked, bad;
};

struct name {
	const char *key;
	struct str dn;
	struct str consequence;
};

static void look_at(struct look *k, const struct name *n) {
	static const char *const nothing[] = {"1.1", NULL}; /* RFC 4511 4.5.1.8: no attributes */
	struct visit *v = k->v;
	struct entry *e = NULL;
	if (str_empty(n->dn))
		return;
	k->looked++;
	enum err code = directory_read(v->t, v->d, n->dn, nothing, &e);
	if (!code)
		return;
	k->bad++;
	if (code != ERR_NOT_FOUND) {
		found_unknown(v, n->key, code);
		return;
	}
	task_clear(v->t);
	found(v, FINDING_ERROR,
		TEXT(v, "%s: %.*s is not there, or is not shown to the service account", n->key, FMT(n->dn)),
		n->consequence,
		STR("correct the DN, make the entry, or give the service account the right to read it"));
}

static void look_at_list(struct look *k, const char *key, struct strs dns, struct str consequence) {
	for (size_t i = 0; i < dns.n; i++)
		look_at(k, &(struct name){key, dns.v[i], consequence});
}

static const char *key_of(struct visit *v, const struct profile_config *p, const char *last) {
	const char *key = last;
	err_ignore(task_cstr(v->t, TEXT(v, "profiles.%.*s.%s", FMT(p->id), last), &key), "ids hold no NUL");
	return key;
}

/* Members of a role are found by the groups below groups_base; Active Directory tells all by tokenGroups. */
static void look_at_role(struct look *k, const struct name *n) {
	struct visit *v = k->v;
	size_t before = k->bad;
	look_at(k, n);
	if (str_empty(n->dn) || k->bad > before || v->d->driver == DIRECTORY_ACTIVE_DIRECTORY ||
		dn_under(v->t->arena, n->dn, v->d->groups_base))
		return;
	k->bad++;
	found(v, FINDING_ERROR, TEXT(v, "%s: %.*s is not below groups_base", n->key, FMT(n->dn)),
		STR("its members are not found: nobody has what this group gives"),
		STR("set groups_base to a DN above all groups that the configuration names"));
}

static void look_at_base(struct look *k, const struct name *n) {
	struct visit *v = k->v;
	size_t before = k->bad;
	look_at(k, n);
	if (k->bad > before || dn_under(v->t->arena, n->dn, v->d->people_base))
		return;
	k->bad++;
	found(v, FINDING_ERROR, TEXT(v, "%s: %.*s is not below people_base", n->key, FMT(n->dn)),
		STR("people who are made there are never found again: their requests wait, and they cannot log in"),
		STR("set people_base to a DN above all places where people are made"));
}

static void look_at_profile(struct look *k, const struct profile_config *p) {
	struct visit *v = k->v;
	struct str create = TEXT(v, "requests of the profile %.*s are parked when they are approved", FMT(p->id));
	struct str choose = STR("requests for which an approver chooses it are parked");
	struct str approve = TEXT(v, "nobody but operators can decide requests of the profile %.*s", FMT(p->id));
	look_at_base(k, &(struct name){key_of(v, p, "base"), p->base, create});
	for (size_t i = 0; i < p->bases_allowed.n; i++)
		look_at_base(k, &(struct name){key_of(v, p, "bases_allowed"), p->bases_allowed.v[i], choose});
	look_at_list(k, key_of(v, p, "groups"), p->groups, create);
	look_at_list(k, key_of(v, p, "groups_allowed"), p->groups_allowed, choose);
	if (p->approval != APPROVAL_NEVER)
		look_at_role(k, &(struct name){key_of(v, p, "approvers.group"), p->approvers, approve});
}

static void look_at_realm(struct look *k) {
	const struct realm *r = k->v->realm;
	look_at_role(k, &(struct name){"operators", r->operators, STR("no operator can see or decide anything")});
	for (size_t i = 0; i < r->n_roles; i++)
		if (r->roles[i].match == ROLE_GROUP_DN)
			look_at_role(
				k, &(struct name){"roles.group", r->roles[i].group,
					   TEXT(k->v, "nobody has the role %.*s by this rule", FMT(r->roles[i].role))});
}

void check_named(struct visit *v) {
	struct look k = {.v = v};
	const struct directory_config *d = v->d;
	look_at(&k, &(struct name){"people_base", d->people_base, STR("nobody can log in")});
	look_at(&k, &(struct name){"groups_base", d->groups_base,
			    STR("people have no groups and so no roles, and nobody can approve")});
	for (size_t i = 0; i < v->realm->n_profiles; i++)
		if (profile_is_here(v, &v->realm->profiles[i]))
			look_at_profile(&k, &v->realm->profiles[i]);
	if (directory_is_first(v))
		look_at_realm(&k);
	if (k.bad == 0)
		found_ok(v, "all %zu entries that the configuration names are there", k.looked);
}
