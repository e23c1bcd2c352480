/* An update as LDIF (RFC 2849). */
#include "federation/plan/plan_private.h"

struct printing {
	struct buf *b;
	const struct directory_config *d;
	struct str dn; /* as it is by then */
	struct str was;
};

static void put_head(struct buf *b, struct str dn, const char *type) {
	buf_byte(b, '\n');
	put_pair(b, STR("dn"), dn);
	put_pair(b, STR("changetype"), str_of(type));
}

static void put_replace(struct printing *x, const struct update_step *s) {
	put_head(x->b, x->dn, "modify");
	for (size_t i = 0; i < s->before.n; i++)
		put_comment(x->b, STR("before"), s->before.v[i]);
	for (size_t i = 0; i < s->n_attributes; i++) {
		struct str name = s->attributes[i].name;
		put_pair(x->b, STR("replace"), name);
		for (size_t k = 0; k < s->attributes[i].values.n; k++)
			put_pair(x->b, name, s->attributes[i].values.v[k]);
		put_line(x->b, STR("-"));
	}
}

static void put_member_of(struct printing *x, const char *how, struct str dn) {
	put_pair(x->b, str_of(how), x->d->group_member_attribute);
	put_pair(x->b, x->d->group_member_attribute, dn);
	put_line(x->b, STR("-"));
}

static void put_group(struct printing *x, const struct update_step *s) {
	put_head(x->b, s->dn, "modify");
	put_member_of(x, s->kind == UPDATE_JOIN ? "add" : "delete", x->dn);
}

static void put_follow(struct printing *x, const struct update_step *s) {
	buf_byte(x->b, '\n');
	put_line(x->b, STR("# where the server does not do so by itself"));
	put_pair(x->b, STR("dn"), s->dn);
	put_pair(x->b, STR("changetype"), STR("modify"));
	put_member_of(x, "add", x->dn);
	put_member_of(x, "delete", x->was);
}

static void put_move(struct printing *x, const struct update_step *s) {
	put_head(x->b, x->dn, "modrdn");
	put_pair(x->b, STR("newrdn"), rdn_text(x->dn));
	put_pair(x->b, STR("deleteoldrdn"), STR("1"));
	put_pair(x->b, STR("newsuperior"), s->dn);
	x->was = x->dn;
	x->dn = str_printf(x->b->arena, "%.*s,%.*s", FMT(rdn_text(x->dn)), FMT(s->dn));
}

static void put_keep(struct printing *x, const struct update_step *s) {
	struct strs values = s->attributes[0].values;
	buf_byte(x->b, '\n');
	put_comment(
		x->b, STR("ends, kept by Usher, which disables the entry then"), values.n ? values.v[0] : STR("never"));
}

static void put_delete(struct printing *x, const struct update_step *s) {
	(void)s;
	put_head(x->b, x->dn, "delete");
}

void update_put_ldif(struct buf *b, const struct plan *p, const struct directory_config *d) {
	static void (*const steps[UPDATE_KINDS])(struct printing *, const struct update_step *) = {
		[UPDATE_DISABLE] = put_replace,
		[UPDATE_REPLACE] = put_replace,
		[UPDATE_LEAVE] = put_group,
		[UPDATE_JOIN] = put_group,
		[UPDATE_MOVE] = put_move,
		[UPDATE_FOLLOW] = put_follow,
		[UPDATE_KEEP] = put_keep,
		[UPDATE_ENABLE] = put_replace,
		[UPDATE_DELETE] = put_delete,
	};
	struct printing x = {b, d, p->dn, p->dn};
	for (size_t i = 0; i < p->n_updates; i++)
		steps[p->updates[i].kind](&x, &p->updates[i]);
}
