/* Groups of a person in Active Directory, by tokenGroups (MS-ADTS 3.1.1.4.5.19): one base read gives the SIDs of all
 * security groups, nested ones and the primary group too. Which of them are ours, and through which each was reached,
 * is read with their names. */
#include "federation/directory/binary.h"
#include "federation/directory/driver.h"
#include "federation/directory/ldap_text.h"

#define CHUNK 100u /* SIDs in one filter */

struct node { /* a group that was found */
	struct group group;
	struct str key;    /* dn_key */
	struct strs above; /* dn_key of the groups that it is a member of */
	bool placed;
};

struct token {
	struct task *t;
	const struct directory_config *d;
	struct strs sids;
	struct strs direct; /* dn_key of memberOf */
	struct node *nodes;
	size_t n;
	bool cut;
};

static struct strs keys_of(struct arena *a, struct strs dns) {
	struct strs keys = {NULL, 0};
	for (size_t i = 0; i < dns.n; i++)
		strs_add(a, &keys, dn_key(a, dns.v[i]));
	return keys;
}

static enum err read_person(struct token *k, struct str dn) {
	static const char *const names[] = {"tokenGroups", "memberOf", NULL};
	struct entry *e = NULL;
	TRY(directory_read(k->t, k->d, dn, names, &e));
	k->sids = entry_values(e, STR("tokengroups"));
	k->direct = keys_of(k->t->arena, entry_values(e, STR("memberof")));
	return OK;
}

static struct str chunk_filter(const struct token *k, size_t from, size_t n) {
	struct buf b = buf_new(k->t->arena, LIMIT_FILTER);
	buf_put(&b, STR("(&"));
	buf_put(&b, k->d->group_filter);
	buf_put(&b, STR("(|"));
	for (size_t i = from; i < from + n; i++) {
		struct str bytes = STR_NONE;
		if (binary_value(k->t->arena, STR("objectSid"), k->sids.v[i], &bytes))
			filter_equal(&b, STR("objectSid"), bytes);
	}
	buf_put(&b, STR("))"));
	return buf_str(&b);
}

static void node_add(struct token *k, const struct entry *e) {
	struct arena *a = k->t->arena;
	struct str name = entry_value(e, STR("cn"));
	if (k->n == LIMIT_GROUPS) {
		k->cut = true;
		return;
	}
	k->nodes[k->n++] = (struct node){
		.group = {.dn = e->dn,
			.name = str_absent(name) ? dn_rdn_value(a, e->dn) : name,
			.stable_id = entry_value(e, STR("objectguid")),
			.sid = entry_value(e, STR("objectsid")),
			.via = SIZE_MAX},
		.key = dn_key(a, e->dn),
		.above = keys_of(a, entry_values(e, STR("memberof"))),
	};
}

static enum err read_chunk(struct token *k, size_t from, size_t n) {
	owned(ldap_message) LDAPMessage *m = NULL;
	struct conn *c = NULL;
	struct strs names = {NULL, 0};
	static const char *const wanted[] = {"cn", "objectGUID", "objectSid", "memberOf"};
	for (size_t i = 0; i < COUNT(wanted); i++)
		strs_add(k->t->arena, &names, str_of(wanted[i]));
	struct search s = {k->d->groups_base, LDAP_SCOPE_SUBTREE, chunk_filter(k, from, n), names, 0, NULL};
	TRY(conn_search(k->t, k->d, &s, &c, &m));
	for (LDAPMessage *e = ldap_first_entry(c->ld, m); e; e = ldap_next_entry(c->ld, e)) {
		struct entry group;
		TRY(entry_read_plain(k->t, c, e, &group));
		node_add(k, &group);
	}
	return OK;
}

static void place(struct groups *ret, struct node *node, size_t via) {
	node->placed = true;
	node->group.via = via;
	ret->v[ret->n++] = node->group;
}

/* Breadth first from the groups that the person is in. What is reached by none is the primary group, or came by a group
 * that is not ours: told as direct. */
static void order(struct token *k, struct groups *ret) {
	const struct node **placed = arena_array(k->t->arena, const struct node *, k->n);
	for (size_t i = 0; i < k->n; i++)
		if (strs_has(k->direct, k->nodes[i].key)) {
			placed[ret->n] = &k->nodes[i];
			place(ret, &k->nodes[i], SIZE_MAX);
		}
	for (size_t done = 0;; done++) {
		for (size_t i = 0; i < k->n && done == ret->n; i++) /* a new beginning */
			if (!k->nodes[i].placed) {
				placed[ret->n] = &k->nodes[i];
				place(ret, &k->nodes[i], SIZE_MAX);
			}
		if (done == ret->n)
			return;
		for (size_t i = 0; i < k->n; i++)
			if (!k->nodes[i].placed && strs_has(placed[done]->above, k->nodes[i].key)) {
				placed[ret->n] = &k->nodes[i];
				place(ret, &k->nodes[i], done);
			}
	}
}

enum err groups_by_token(struct task *t, const struct directory_config *d, const struct entry *e, struct groups *ret) {
	struct token k = {.t = t, .d = d};
	struct groups found = {0};
	TRY(read_person(&k, e->dn));
	if (k.sids.n == 0) /* everybody has a primary group: it is not shown to us, or a controller cannot tell */
		return groups_by_member(t, d, e, ret);
	size_t room = k.sids.n < LIMIT_GROUPS ? k.sids.n : LIMIT_GROUPS;
	k.nodes = arena_array(t->arena, struct node, room + 1);
	for (size_t from = 0; from < k.sids.n && !k.cut; from += CHUNK)
		TRY(read_chunk(&k, from, k.sids.n - from < CHUNK ? k.sids.n - from : CHUNK));
	found.v = arena_array(t->arena, struct group, k.n + 1);
	order(&k, &found);
	found.cut = k.cut;
	*ret = found;
	return OK;
}
