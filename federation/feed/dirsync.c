/* DirSync (MS-ADTS 3.1.1.3.4.1.3): what changed in a naming context since a cookie, which is good on every controller.
 *
 * It tells objects with the attributes that changed, but for the first time without values we need: what it tells is
 * read again. */
#include "federation/feed/der.h"
#include "federation/feed/trail.h"

#define ANSWER_BYTES 0x100000 /* of one answer, as far as the server keeps to it */

enum {
	OBJECT_SECURITY = 0x1,          /* no right to replicate is needed; told is what the account may read */
	INCREMENTAL_VALUES = INT32_MIN, /* 0x80000000: of member only what came and went */
};

/* What is watched besides the mapped attributes. A rename shows in name, a move in parentGUID only. */
static const char *const watched[] = {"objectGUID", "instanceType", "isDeleted", "name", "parentGUID",
	"userAccountControl", "accountExpires", "lockoutTime", "pwdLastSet", "member"};
#define WATCHED_AT_FIRST 5u /* each object has these: more would only be read twice */

static struct str value_of(struct arena *a, const struct trail *r) {
	struct buf content = buf_new(a, COOKIE_MOST + 64), value = buf_new(a, COOKIE_MOST + 64);
	der_put_number(&content, DER_INTEGER, r->flags);
	der_put_number(&content, DER_INTEGER, ANSWER_BYTES);
	der_put(&content, DER_OCTETS, bytes_str(r->cookie_next.n ? &r->cookie_next : &r->cookie));
	der_put(&value, DER_SEQUENCE, buf_str(&content));
	return buf_str(&value);
}

bool dirsync_read(struct str value, bool *ret_more, struct str *ret_cookie) {
	struct str rest, cookie;
	int32_t more = 0, size = 0;
	if (!der_take(&value, DER_SEQUENCE, &rest) || !der_take_number(&rest, DER_INTEGER, &more) ||
		!der_take_number(&rest, DER_INTEGER, &size) || !der_take(&rest, DER_OCTETS, &cookie) ||
		cookie.n > COOKIE_MOST)
		return false;
	*ret_more = more != 0;
	*ret_cookie = cookie;
	return true;
}

static struct strs attributes_of(struct task *t, const struct feed *f) {
	const struct trail *r = f->state;
	struct strs list = {NULL, 0}, mapped = directory_link_attributes(t->arena, f->d);
	size_t n = r->initial ? WATCHED_AT_FIRST : COUNT(watched);
	for (size_t i = 0; i < n; i++)
		strs_add(t->arena, &list, str_of(watched[i]));
	for (size_t i = 0; i < mapped.n && !r->initial; i++) {
		bool known = false;
		for (size_t k = 0; k < list.n; k++)
			known = known || str_eq_case(list.v[k], mapped.v[i]);
		if (!known && !str_eq_case(mapped.v[i], STR("tokenGroups")))
			strs_add(t->arena, &list, mapped.v[i]);
	}
	return list;
}

/* What a refusal means: 12, 53, 2 or 1 with a cookie is said of one that cannot be read. */
static enum err refused(struct task *t, struct feed *f, const struct answer *a) {
	const struct trail *r = f->state;
	bool garbled = a->result == LDAP_UNAVAILABLE_CRITICAL_EXTENSION || a->result == LDAP_UNWILLING_TO_PERFORM ||
		       a->result == LDAP_PROTOCOL_ERROR || a->result == LDAP_OPERATIONS_ERROR ||
		       a->result == LDAP_INVALID_SYNTAX;
	if (r->cookie.n && garbled)
		return task_fail(t, ERR_STALE, "the cookie was refused: %d %.*s", a->result, FMT(a->diagnostic));
	if (a->result == LDAP_INSUFFICIENT_ACCESS || a->result == LDAP_UNWILLING_TO_PERFORM)
		return task_fail(t, ERR_REFUSED,
			"DirSync is refused: give the feed's account the right Replicating Directory Changes on %.*s, "
			"or set feed: usn (%d %.*s)",
			FMT(bytes_str(&r->nc)), a->result, FMT(a->diagnostic));
	if (a->result == LDAP_UNAVAILABLE_CRITICAL_EXTENSION)
		return task_fail(t, ERR_REFUSED, "%.*s has no DirSync: set feed: usn or poll (%.*s)",
			FMT(directory_link_controller(f->link)), FMT(a->diagnostic));
	return wire_result(t, f, a, "DirSync");
}

static enum err collect(struct task *t, struct feed *f, const struct question *q, struct answer *ret) {
	owned(arena) struct arena *scratch = arena_new();
	struct run run;
	TRY(wire_begin(t, f, q, PENDING_MOST, &run));
	for (;;) {
		owned(feed_message) LDAPMessage *m = NULL;
		TRY(wire_step(t, f, &run, &m, ret));
		if (!m)
			return OK;
		TRY(trail_add(t, f, m, true, scratch));
	}
}

static enum err ask_with(struct task *t, struct feed *f, bool *ret_more, bool *ret_no_right) {
	struct trail *r = f->state;
	owned(feed_controls) LDAPControl **controls = NULL;
	struct answer a = {0};
	struct str cookie = STR_NONE;
	LDAPControl control = wire_control_of(LDAP_CONTROL_X_DIRSYNC, true, value_of(t->arena, r));
	struct question q = {.base = bytes_str(&r->nc),
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = trail_filter(t->arena, STR("")),
		.attributes = attributes_of(t, f),
		.controls = (LDAPControl *[]){&control, NULL}};
	TRY(collect(t, f, &q, &a));
	controls = a.controls;
	*ret_no_right = a.result == LDAP_INSUFFICIENT_ACCESS && !(r->flags & OBJECT_SECURITY);
	if (*ret_no_right)
		return OK;
	if (a.result != LDAP_SUCCESS)
		return refused(t, f, &a);
	if (!dirsync_read(wire_control(controls, LDAP_CONTROL_X_DIRSYNC), ret_more, &cookie))
		return task_fail(t, ERR_UNAVAILABLE, "%.*s: a DirSync control that cannot be read",
			FMT(directory_link_controller(f->link)));
	bytes_set(&r->cookie_next, cookie);
	return OK;
}

static enum err dirsync_ask(struct task *t, struct feed *f, bool *ret_more) {
	struct trail *r = f->state;
	bool no_right = false;
	TRY(ask_with(t, f, ret_more, &no_right));
	if (!no_right)
		return OK;
	r->flags |= OBJECT_SECURITY;
	return ask_with(t, f, ret_more, &no_right);
}

static enum err dirsync_open(struct task *t, struct feed *f, struct str cookie) {
	TRY(trail_open(t, f, cookie, dirsync_ask));
	struct trail *r = f->state;
	r->flags = INCREMENTAL_VALUES;
	return OK;
}

const struct feed_kind feed_dirsync = {
	.id = FEED_DIRSYNC,
	.name = "dirsync",
	.open = dirsync_open,
	.next = trail_next,
	.close = trail_close,
};
