#include "federation/directory/driver.h"
#include "federation/directory/ldap_text.h"

#define CHUNK        40  /* DNs asked for in one filter */
#define PAGE         500 /* groups in one page */
#define MEMBERS_MOST 200 /* persons that directory_members gives */
#define LOOKS_MOST   400 /* entries that it reads for them */

/* A walk over the groups: list is at once the queue (breadth first) and the result. */
struct walk {
	struct task *t;
	const struct directory_config *d;
	struct groups found;
	struct str *keys; /* normal form of each found group's DN */
	uint64_t *hashes; /* of the keys */
	size_t room;      /* of the three lists */
};

static uint64_t hash_of(struct str s) { /* FNV-1a */
	uint64_t h = 14695981039346656037u;
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return h;
}

static size_t walk_find(const struct walk *w, struct str key) {
	uint64_t hash = hash_of(key);
	for (size_t i = 0; i < w->found.n; i++)
		if (w->hashes[i] == hash && str_eq(w->keys[i], key))
			return i;
	return SIZE_MAX;
}

static void walk_widen(struct walk *w) {
	struct arena *a = w->t->arena;
	size_t was = w->room, is = was ? was * 2 : 32;
	w->found.v = arena_grow(a, w->found.v, was * sizeof(*w->found.v), is * sizeof(*w->found.v));
	w->keys = arena_grow(a, w->keys, was * sizeof(*w->keys), is * sizeof(*w->keys));
	w->hashes = arena_grow(a, w->hashes, was * sizeof(*w->hashes), is * sizeof(*w->hashes));
	w->room = is;
}

/* ---- one page of one chunk ---- */
struct chunk { /* DNs from..from+n of the walk, or the person */
	struct str person;
	size_t from, n;
};

static struct str chunk_dn(const struct walk *w, const struct chunk *k, size_t i) {
	return str_absent(k->person) ? w->found.v[k->from + i].dn : k->person;
}

static struct str chunk_filter(const struct walk *w, const struct chunk *k) {
	struct buf b = buf_new(w->t->arena, 4u << 20);
	buf_put(&b, STR("(&"));
	buf_put(&b, w->d->group_filter);
	buf_put(&b, STR("(|"));
	for (size_t i = 0; i < k->n; i++)
		filter_equal(&b, w->d->group_member_attribute, chunk_dn(w, k, i));
	buf_put(&b, STR("))"));
	return buf_str(&b);
}

/* RFC 3876: of the member values only those that were asked for come back, and tell through which group each was
 * reached. */
static enum err matched_control(struct walk *w, const struct chunk *k, LDAPControl **ret) {
	owned(ldap_writer) BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct buf b = buf_new(w->t->arena, 4u << 20);
	struct berval value;
	const char *text = NULL;
	buf_put(&b, STR("((cn=*)("));
	buf_put(&b, str_of(driver_of(w->d)->stable_id));
	buf_put(&b, STR("=*)"));
	for (size_t i = 0; i < k->n; i++)
		filter_equal(&b, w->d->group_member_attribute, chunk_dn(w, k, i));
	buf_put(&b, STR(")"));
	TRY(task_cstr(w->t, buf_str(&b), &text));
	if (!ber || ldap_put_vrFilter(ber, text) == -1 || ber_flatten2(ber, &value, 0) == -1 ||
		ldap_control_create(LDAP_CONTROL_VALUESRETURNFILTER, 0, &value, 1, ret) != LDAP_SUCCESS)
		return task_fail(w->t, ERR_INTERNAL, "values return filter: %.*s", FMT(buf_str(&b)));
	return OK;
}

static size_t via_of(const struct walk *w, const struct chunk *k, const struct entry *group) {
	if (!str_absent(k->person))
		return SIZE_MAX;
	if (k->n == 1)
		return k->from;
	struct strs members = entry_values(group, attribute_ours(w->t->arena, w->d, w->d->group_member_attribute));
	for (size_t i = 0; i < members.n; i++) {
		size_t at = walk_find(w, dn_key(w->t->arena, members.v[i]));
		if (at != SIZE_MAX && at >= k->from && at < k->from + k->n)
			return at;
	}
	return k->from;
}

static enum err walk_add(struct walk *w, struct conn *c, const struct chunk *k, LDAPMessage *m) {
	struct arena *a = w->t->arena;
	struct entry e;
	TRY(entry_read(w->t, c, m, &e));
	struct str key = dn_key(a, e.dn);
	if (str_empty(key) || walk_find(w, key) != SIZE_MAX)
		return OK;
	if (w->found.n == LIMIT_GROUPS) {
		w->found.cut = true;
		return OK;
	}
	struct str name = entry_value(&e, attribute_ours(a, w->d, STR("cn")));
	size_t at = w->found.n;
	struct group g = {.dn = e.dn,
		.name = str_absent(name) ? dn_rdn_value(a, e.dn) : name,
		.stable_id = e.stable_id,
		.via = via_of(w, k, &e)};
	if (at == w->room)
		walk_widen(w);
	w->found.v[at] = g;
	w->keys[at] = key;
	w->hashes[at] = hash_of(key);
	w->found.n++;
	return OK;
}

static enum err page_control(struct walk *w, struct conn *c, struct berval *cookie, LDAPControl **ret) {
	if (ldap_create_page_control(c->ld, PAGE, cookie->bv_len ? cookie : NULL, 0, ret) != LDAP_SUCCESS)
		return task_fail(w->t, ERR_INTERNAL, "no paging control");
	return OK;
}

/* A cookie belongs to its connection: all pages are read on the one that gave the first. */
static enum err page_read(
	struct walk *w, const struct chunk *k, struct str filter, struct berval *cookie, struct conn **held) {
	owned(ldap_message) LDAPMessage *m = NULL;
	owned(ldap_control) LDAPControl *page = NULL, *matched = NULL;
	owned(ldap_controls) LDAPControl **controls = NULL;
	struct conn *c = NULL;
	struct answer answer;
	struct strs attributes = {NULL, 0};
	strs_add(w->t->arena, &attributes, STR("cn"));
	strs_add(w->t->arena, &attributes, str_of(driver_of(w->d)->stable_id));
	TRY(conn_get(w->t, w->d, CONN_SERVICE, &c));
	if (*held && c != *held)
		return task_fail(w->t, ERR_UNAVAILABLE, "the connection changed between pages");
	TRY(page_control(w, c, cookie, &page));
	if (k->n > 1) {
		TRY(matched_control(w, k, &matched));
		strs_add(w->t->arena, &attributes, w->d->group_member_attribute);
	}
	LDAPControl *sent[] = {page, matched, NULL};
	struct search s = {w->d->groups_base, LDAP_SCOPE_SUBTREE, filter, attributes, 0, sent};
	TRY(conn_search(w->t, w->d, &s, &c, &m));
	TRY(conn_answer(w->t, c, m, &answer, &controls));
	for (LDAPMessage *e = ldap_first_entry(c->ld, m); e; e = ldap_next_entry(c->ld, e))
		TRY(walk_add(w, c, k, e));
	LDAPControl *got = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	ber_int_t total = 0;
	ber_memfree(cookie->bv_val);
	*cookie = (struct berval){0, NULL};
	if (got && ldap_parse_pageresponse_control(c->ld, got, &total, cookie) != LDAP_SUCCESS)
		return task_fail(w->t, ERR_UNAVAILABLE, "a paging answer that cannot be read");
	*held = c;
	return OK;
}

static void cookie_free(struct berval *cookie) {
	ber_memfree(cookie->bv_val);
}

static enum err chunk_read(struct walk *w, const struct chunk *k) {
	struct berval cookie = {0, NULL};
	struct str filter = chunk_filter(w, k);
	struct conn *held = NULL;
	enum err e = OK;
	do {
		e = page_read(w, k, filter, &cookie, &held);
	} while (!e && cookie.bv_len && !w->found.cut);
	cookie_free(&cookie);
	return e;
}

static enum err chunk_most(struct walk *w, size_t *ret) {
	struct conn *c = NULL;
	TRY(conn_get(w->t, w->d, CONN_SERVICE, &c));
	*ret = c->matched_values ? CHUNK : 1;
	return OK;
}

enum err groups_by_member(struct task *t, const struct directory_config *d, const struct entry *e, struct groups *ret) {
	struct walk w = {.t = t, .d = d};
	struct chunk direct = {.person = e->dn, .n = 1};
	size_t most = 1;
	TRY(chunk_most(&w, &most));
	TRY(chunk_read(&w, &direct));
	for (size_t from = 0; from < w.found.n && !w.found.cut;) {
		size_t n = w.found.n - from < most ? w.found.n - from : most;
		struct chunk next = {.person = STR_NONE, .from = from, .n = n};
		TRY(chunk_read(&w, &next));
		from += n;
	}
	*ret = w.found;
	return OK;
}

enum err directory_groups(struct task *t, const struct directory_config *d, const struct entry *e, struct groups *ret) {
	if (!driver_of(d))
		return task_fail(t, ERR_CONFIG, "directory %.*s: this driver is not built yet", FMT(d->id));
	return driver_of(d)->groups(t, d, e, ret);
}

/* ---- the other way ---- */
static bool is_person(struct task *t, const struct directory_config *d, struct str dn) {
	return dn_under(t->arena, dn, d->people_base);
}

/* people_filter decides who is a person; an entry that is gone is none. */
static enum err member_read(
	struct task *t, const struct directory_config *d, struct str dn, struct entry *ret, bool *is_one) {
	owned(ldap_message) LDAPMessage *m = NULL;
	struct conn *c = NULL;
	struct search s = {dn, LDAP_SCOPE_BASE, d->people_filter, entry_attributes(t->arena, d), 1, NULL};
	enum err e = conn_search(t, d, &s, &c, &m);
	*is_one = false;
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		return OK;
	}
	TRY(e);
	LDAPMessage *first = ldap_first_entry(c->ld, m);
	if (!first)
		return OK;
	TRY(entry_read(t, c, first, ret));
	*is_one = !str_empty(ret->mail);
	return OK;
}

enum err directory_members(struct task *t, const struct directory_config *d, struct str group_dn, struct entry **ret,
	size_t *ret_n, bool *cut) {
	struct entry *list = arena_array(t->arena, struct entry, MEMBERS_MOST);
	size_t n = 0, looks = 0;
	bool left_out = false;
	struct strs members = {NULL, 0};
	TRY(directory_values(t, d, group_dn, d->group_member_attribute, &members));
	for (size_t i = 0; i < members.n; i++) {
		bool is_one = false;
		if (!is_person(t, d, members.v[i]))
			continue;
		if (n == MEMBERS_MOST || ++looks > LOOKS_MOST) {
			left_out = true;
			break;
		}
		TRY(member_read(t, d, members.v[i], &list[n], &is_one));
		n += is_one;
	}
	*ret = list;
	*ret_n = n;
	*cut = left_out;
	return OK;
}
