#include "federation/feed/trail.h"

#define CHUNK 100u /* objects that one search asks for */

struct chunk {
	const struct object *v;
	size_t n;
	bool found[CHUNK];
};

/* Those that are of this kind and not found yet; empty when there are none. */
static struct str guids_filter(struct task *t, const struct chunk *c, unsigned is, struct str and) {
	struct buf b = buf_new(t->arena, FILTER_MOST);
	size_t n = 0;
	buf_printf(&b, "(&%.*s(|", FMT(and));
	for (size_t i = 0; i < c->n; i++) {
		if (!(c->v[i].is & is) || c->v[i].is & OBJECT_DELETED || c->found[i])
			continue;
		buf_put(&b, STR("(objectGUID="));
		for (size_t k = 0; k < GUID; k++)
			buf_printf(&b, "\\%02x", (unsigned)(unsigned char)c->v[i].guid[k]);
		buf_put(&b, STR(")"));
		n++;
	}
	buf_put(&b, STR("))"));
	return n && !buf_full(&b) ? buf_str(&b) : STR_NONE;
}

/* An object may be pending twice: it changed again while the pages were read, or its links were told apart. */
static bool was_asked(struct chunk *c, struct str guid) {
	bool asked = false;
	for (size_t i = 0; i < c->n && guid.n == GUID; i++) {
		if (c->found[i] || memcmp(c->v[i].guid, guid.p, GUID) != 0)
			continue;
		c->found[i] = true;
		asked = true;
	}
	return asked;
}

/* Reads the objects of one kind again. */
static enum err read_again(struct task *t, struct feed *f, struct chunk *c, const struct question *q,
	enum feed_subject subject, struct feed_batch *b) {
	struct run r;
	if (str_absent(q->filter))
		return OK;
	TRY(wire_begin(t, f, q, CHUNK, &r));
	for (;;) {
		owned(feed_message) LDAPMessage *m = NULL;
		owned(feed_controls) LDAPControl **controls = NULL;
		struct answer a = {0};
		TRY(wire_step(t, f, &r, &m, &a));
		controls = a.controls;
		if (!m)
			return wire_result(t, f, &a, "reading what changed");
		if (arena_used(t->arena) > 2 * BATCH_BYTES)
			return task_fail(t, ERR_REFUSED, "%.*s: its entries are too large",
				FMT(directory_link_controller(f->link)));
		if (!wire_can_name(t, f, m) || !was_asked(c, wire_value(t, f, m, "objectGUID")))
			continue;
		struct entry *e = arena_new_of(t->arena, struct entry);
		TRY(directory_link_entry(t, f->link, m, e));
		batch_add(b, FEED_CHANGED, subject, e->stable_id, e);
	}
}

static enum err tell_chunk(struct task *t, struct feed *f, struct chunk *c, struct feed_batch *b) {
	const struct trail *r = f->state;
	const struct directory_config *d = f->d;
	struct strs id_only = {NULL, 0};
	strs_add(t->arena, &id_only, STR("objectGUID"));
	struct question people = {.base = d->people_base,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = guids_filter(t, c, OBJECT_PERSON, d->people_filter),
		.attributes = directory_link_attributes(t->arena, d)};
	TRY(read_again(t, f, c, &people, FEED_PERSON, b));
	struct question groups = {.base = d->groups_base,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = guids_filter(t, c, OBJECT_GROUP, d->group_filter),
		.attributes = id_only};
	TRY(read_again(t, f, c, &groups, FEED_GROUP, b));
	if (r->initial)
		return OK;
	struct question containers = {.base = bytes_str(&r->nc),
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = guids_filter(t, c, OBJECT_MOVED, STR("(|" PLACES ")")),
		.attributes = id_only};
	TRY(read_again(t, f, c, &containers, FEED_PLACE, b));
	for (size_t i = 0; i < c->n; i++)
		if (!c->found[i])
			batch_add(b, FEED_GONE, FEED_UNKNOWN,
				directory_guid_text(t->arena, str_slice(c->v[i].guid, GUID)), NULL);
	return OK;
}

enum err trail_tell(struct task *t, struct feed *f, struct feed_batch *b) {
	struct trail *r = f->state;
	while (r->at < r->n && FEED_BATCH - b->n >= CHUNK && arena_used(t->arena) < BATCH_BYTES) {
		struct chunk c = {.v = r->v + r->at, .n = r->n - r->at < CHUNK ? r->n - r->at : CHUNK};
		TRY(tell_chunk(t, f, &c, b));
		r->at += c.n;
	}
	if (r->at == r->n)
		r->at = r->n = 0;
	return OK;
}
