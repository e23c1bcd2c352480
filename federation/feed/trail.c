#include <stdlib.h>

#include "base/clock.h"
#include "federation/feed/trail.h"

#define LIST_MS  600000 /* between lists of ids, where deletions are not shown */
#define STORE_MS 60000  /* a cookie that came with nothing is to be stored after this time */

#define NOTICE_MS 100 /* between questions, however many changes are noticed */

#define CONTROL_SHOW_DELETED "1.2.840.113556.1.4.417" /* MS-ADTS 3.1.1.3.4.1.14 */
#define CONTROL_NOTIFICATION "1.2.840.113556.1.4.528" /* MS-ADTS 3.1.1.3.4.1.9 */

/* ---- opening ---- */
static enum err find_context(struct task *t, struct feed *f) {
	static const char *const names[] = {"defaultNamingContext", NULL};
	owned(feed_message) LDAPMessage *dse = NULL;
	struct trail *r = f->state;
	TRY(wire_read(t, f, STR(""), names, NULL, &dse));
	struct str nc = wire_value(t, f, dse, names[0]);
	if (str_empty(nc))
		return task_fail(t, ERR_REFUSED, "%.*s has no defaultNamingContext: it is no Active Directory",
			FMT(directory_link_controller(f->link)));
	if (!dn_under(t->arena, f->d->people_base, nc) || !dn_under(t->arena, f->d->groups_base, nc))
		return task_fail(t, ERR_CONFIG, "people_base or groups_base is not below %.*s", FMT(nc));
	bytes_set(&r->nc, nc);
	return OK;
}

/* Without the right to read this container deletions are left out without a word. */
static enum err are_deleted_shown(struct task *t, struct feed *f) {
	static const char *const names[] = {"objectClass", NULL};
	owned(feed_message) LDAPMessage *m = NULL;
	struct trail *r = f->state;
	LDAPControl shown = wire_control_of(CONTROL_SHOW_DELETED, true, STR_NONE);
	struct str dn = str_printf(t->arena, "CN=Deleted Objects,%.*s", FMT(bytes_str(&r->nc)));
	enum err e = wire_read(t, f, dn, names, (LDAPControl *[]){&shown, NULL}, &m);
	if (e && e != ERR_NOT_FOUND && e != ERR_REFUSED)
		return e;
	task_clear(t);
	r->lists = e || !wire_has(f, m, names[0], STR("container")); /* Samba shows its name to all */
	return OK;
}

void trail_restart(struct trail *r) {
	bytes_set(&r->cookie, STR_NONE);
	bytes_set(&r->cookie_next, STR_NONE);
	r->n = r->at = 0;
	r->initial = r->restarted = true;
	pass_end(&r->list);
}

enum err trail_open(struct task *t, struct feed *f, struct str cookie,
	enum err (*ask)(struct task *t, struct feed *f, bool *ret_more)) {
	struct trail *r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	f->state = r;
	r->ask = ask;
	r->stored_at = clock_monotonic_ms();
	TRY(find_context(t, f));
	TRY(are_deleted_shown(t, f));
	if (cookie.n > 0 && cookie.n <= COOKIE_MOST)
		bytes_set(&r->cookie, cookie);
	else
		trail_restart(r);
	return OK;
}

void trail_close(void *state) {
	struct trail *r = state;
	pass_end(&r->list);
	free(r->nc.p);
	free(r->cookie.p);
	free(r->cookie_next.p);
	free(r->identity.p);
	free(r->v);
	free(r);
}

/* ---- collecting ---- */
struct str trail_filter(struct arena *a, struct str more) {
	return str_printf(a, "(&(|(objectClass=user)(objectClass=group)" PLACES "(isDeleted=TRUE))%.*s)", FMT(more));
}

static bool ends_in(struct arena *scratch, struct str dn, struct str base) {
	struct str end = dn.n > base.n ? str_sub(dn, dn.n - base.n, base.n) : STR_NONE;
	return (str_eq_case(end, base) && dn.p[dn.n - base.n - 1] == ',') || dn_under(scratch, dn, base);
}

/* Whether members came or went: told as "member;range=…" where only these are told (MS-ADTS 3.1.1.3.4.1.3). */
static bool tells_members(struct feed *f, LDAPMessage *m) {
	BerElement *at = NULL;
	bool tells = false;
	for (char *name = ldap_first_attribute(f->ld, m, &at); name; name = ldap_next_attribute(f->ld, m, at)) {
		struct str attribute = str_of(name);
		tells = tells || str_eq_case(str_sub(attribute, 0, str_find(attribute, ';', 0)), STR("member"));
		ldap_memfree(name);
	}
	ber_free(at, 0);
	return tells;
}

static uint8_t what_is(struct feed *f, LDAPMessage *m, struct str dn, bool knows_moves, struct arena *scratch) {
	const struct trail *r = f->state;
	uint8_t is = 0;
	if (wire_has(f, m, "isDeleted", STR("TRUE")))
		return r->initial ? 0 : OBJECT_DELETED;
	if (ends_in(scratch, dn, f->d->people_base))
		is |= OBJECT_PERSON;
	if (ends_in(scratch, dn, f->d->groups_base))
		is |= OBJECT_GROUP;
	if (r->initial)
		return is;
	struct berval **name = ldap_get_values_len(f->ld, m, "name"),
		      **parent = ldap_get_values_len(f->ld, m, "parentGUID");
	if (!knows_moves || name || parent)
		is |= OBJECT_MOVED;
	ldap_value_free_len(name);
	ldap_value_free_len(parent);
	if (!is && tells_members(f, m)) /* a group elsewhere may be within one of ours: tokenGroups looks through it */
		is = OBJECT_MOVED;
	return is;
}

static enum err push(struct task *t, struct feed *f, const char *guid, uint8_t is) {
	struct trail *r = f->state;
	if (r->n == PENDING_MOST)
		return task_fail(t, ERR_REFUSED, "%.*s: more than %u objects changed at once",
			FMT(directory_link_controller(f->link)), PENDING_MOST);
	if (r->n == r->room) {
		size_t wider = r->room ? r->room * 2 : 64;
		struct object *v = realloc(r->v, wider * sizeof(*v));
		if (!v)
			abort();
		r->v = v;
		r->room = wider;
	}
	struct object *o = &r->v[r->n++];
	memcpy(o->guid, guid, GUID);
	o->is = is;
	return OK;
}

enum err trail_add(struct task *t, struct feed *f, LDAPMessage *m, bool knows_moves, struct arena *scratch) {
	struct berval **guid = ldap_get_values_len(f->ld, m, "objectGUID");
	char *dn = ldap_get_dn(f->ld, m);
	enum err e = OK;
	arena_wipe(scratch);
	bool shown = guid && guid[0] && guid[0]->bv_len == GUID && dn; /* else it is kept from us */
	uint8_t is = shown ? what_is(f, m, str_of(dn), knows_moves, scratch) : 0;
	if (is)
		e = push(t, f, guid[0]->bv_val, is);
	ldap_value_free_len(guid);
	ldap_memfree(dn);
	return e;
}

/* ---- telling ---- */
static enum err ask(struct task *t, struct feed *f) {
	struct trail *r = f->state;
	enum err e = r->ask(t, f, &r->more);
	if (e == ERR_STALE && !r->initial) {
		task_clear(t);
		trail_restart(r);
		return OK;
	}
	return e;
}

/* All that was collected is told. */
static void settled(struct feed *f, struct feed_batch *b) {
	struct trail *r = f->state;
	int64_t now = clock_monotonic_ms();
	bytes_set(&r->cookie, bytes_str(&r->cookie_next));
	bytes_set(&r->cookie_next, STR_NONE);
	if (r->more)
		return;
	r->next_at = now + f->d->feed_interval_ms;
	r->notice_from = now + NOTICE_MS;
	b->current = true;
	if (!r->initial)
		return;
	r->initial = false;
	r->listed_at = now;
	r->to_store = b->whole = true;
}

/* Deletions that are not shown: the ids of all that is there, behind what a cookie left, and every LIST_MS. */
static enum err list(struct task *t, struct feed *f, struct feed_batch *b) {
	struct trail *r = f->state;
	int64_t now = clock_monotonic_ms();
	if (!r->list.running) {
		if (!r->lists || r->initial || r->more || (r->listed_at && now - r->listed_at < LIST_MS))
			return OK;
		r->restarted = r->listed_at != 0;
		if (b->n) /* ends before what is told anew */
			return OK;
		pass_begin(&r->list, true, STR_NONE);
	}
	b->restarted = b->restarted || r->restarted;
	r->restarted = false;
	TRY(pass_next(t, f, &r->list, NULL, b));
	if (!r->list.running) {
		b->whole = true;
		r->listed_at = clock_monotonic_ms();
	}
	return OK;
}

/* Asks to be told when something changes. It only makes the next question come earlier: the server may refuse (it takes
 * five on a connection), be late, or leave some out. */
static enum err notice_ask(struct task *t, struct feed *f) {
	struct trail *r = f->state;
	LDAPControl control = wire_control_of(CONTROL_NOTIFICATION, true, STR_NONE);
	struct question q = {.base = bytes_str(&r->nc),
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = STR("(objectClass=*)"), /* no other is taken */
		.controls = (LDAPControl *[]){&control, NULL}};
	strs_add(t->arena, &q.attributes, STR("1.1")); /* RFC 4511 4.5.1.8 */
	return wire_send(t, f, &q, &r->notice);
}

/* Until it is time for the next question, or something changed. */
static enum err rest(struct task *t, struct feed *f, int64_t until) {
	struct trail *r = f->state;
	int64_t now;
	while ((now = clock_monotonic_ms()) < until && now < r->next_at) {
		owned(feed_message) LDAPMessage *m = NULL;
		TRY(wire_receive(t, f, (until < r->next_at ? until : r->next_at) - now, &m));
		if (!m || ldap_msgid(m) != r->notice)
			continue;
		if (ldap_msgtype(m) == LDAP_RES_SEARCH_RESULT)
			r->notice = -1; /* it takes none: the interval alone counts */
		else if (r->notice_from < r->next_at)
			r->next_at = r->notice_from;
	}
	return OK;
}

static enum err turn(struct task *t, struct feed *f, int64_t end, struct feed_batch *b) {
	struct trail *r = f->state;
	if (r->n == 0 && !r->more && r->next_at > clock_monotonic_ms()) {
		if (!r->notice)
			TRY(notice_ask(t, f));
		return rest(t, f, end);
	}
	b->restarted = b->restarted || r->restarted;
	r->restarted = false;
	if (r->n == 0)
		TRY(ask(t, f));
	if (r->restarted) /* the cookie was refused */
		return OK;
	TRY(trail_tell(t, f, b));
	r->to_store = r->to_store || b->n;
	if (r->n == 0)
		settled(f, b);
	return OK;
}

enum err trail_next(struct task *t, struct feed *f, int64_t wait_ms, struct feed_batch *ret) {
	struct trail *r = f->state;
	struct feed_batch b = batch_new(t, f);
	int64_t end = clock_monotonic_ms() + wait_ms;
	do {
		if (r->list.running || (r->n == 0 && r->lists))
			TRY(list(t, f, &b));
		if (b.n == 0 && !b.whole)
			TRY(turn(t, f, end, &b));
	} while (b.n == 0 && !b.whole && clock_monotonic_ms() < end);
	bool late = clock_monotonic_ms() - r->stored_at > STORE_MS;
	/* The cookie of a first pass that is not over would leave out for ever who was gone before it began. */
	if (r->n == 0 && !r->initial && (r->to_store || late) && r->cookie.n) {
		b.cookie = str_dup(t->arena, bytes_str(&r->cookie));
		r->stored_at = clock_monotonic_ms();
		r->to_store = false;
	}
	*ret = b;
	return OK;
}
