/* uSNChanged of one controller (MS-ADTS 3.1.1.1.9): each object has the number of its last change there. The numbers of
 * another controller, or of the same after a restore (which has another invocationId), are others. */
#include "base/encode.h"
#include "federation/feed/trail.h"

#define PAGE       1000u /* MaxPageSize */
#define PAGES_MOST (16 * PENDING_MOST / PAGE)

#define CONTROL_SHOW_DELETED "1.2.840.113556.1.4.417" /* MS-ADTS 3.1.1.3.4.1.14 */

/* What the numbers belong to. */
static enum err identify(struct task *t, struct feed *f) {
	static const char *const of_dse[] = {"dsServiceName", NULL}, *const of_service[] = {"invocationId", NULL};
	owned(feed_message) LDAPMessage *dse = NULL, *service = NULL;
	struct trail *r = f->state;
	TRY(wire_read(t, f, STR(""), of_dse, NULL, &dse));
	struct str name = wire_value(t, f, dse, of_dse[0]);
	if (str_empty(name))
		return task_fail(t, ERR_REFUSED, "%.*s has no dsServiceName: it is no Active Directory",
			FMT(directory_link_controller(f->link)));
	enum err e = wire_read(t, f, name, of_service, NULL, &service);
	if (e != ERR_NOT_FOUND && e != ERR_REFUSED)
		TRY(e);
	task_clear(t);
	struct str invocation = service ? wire_value(t, f, service, of_service[0]) : STR_NONE;
	bytes_set(&r->identity, hex_encode(t->arena, str_empty(invocation) ? name : invocation));
	return OK;
}

static enum err highest(struct task *t, struct feed *f, int64_t *ret) {
	static const char *const names[] = {"highestCommittedUSN", NULL};
	owned(feed_message) LDAPMessage *dse = NULL;
	TRY(wire_read(t, f, STR(""), names, NULL, &dse));
	if (!str_int(wire_value(t, f, dse, names[0]), 0, INT64_MAX - 1, ret))
		return task_fail(
			t, ERR_REFUSED, "%.*s has no highestCommittedUSN", FMT(directory_link_controller(f->link)));
	return OK;
}

/* "<identity>:<number>" */
static bool cookie_read(const struct trail *r, struct str cookie, int64_t *ret) {
	size_t colon = str_find(cookie, ':', 0);
	return colon < cookie.n && str_eq(str_sub(cookie, 0, colon), bytes_str(&r->identity)) &&
	       str_int(str_sub(cookie, colon + 1, cookie.n), 0, INT64_MAX - 1, ret);
}

/* One page; *cookie is moved on. */
static enum err page(struct task *t, struct feed *f, struct str filter, struct bytes *cookie, struct arena *scratch) {
	struct trail *r = f->state;
	LDAPControl paged = wire_control_of(
			    LDAP_CONTROL_PAGEDRESULTS, true, wire_page(t->arena, PAGE, bytes_str(cookie))),
		    shown = wire_control_of(CONTROL_SHOW_DELETED, true, STR_NONE);
	struct question q = {.base = bytes_str(&r->nc),
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = filter,
		.controls = (LDAPControl *[]){&paged, &shown, NULL}};
	struct run run;
	strs_add(t->arena, &q.attributes, STR("objectGUID"));
	strs_add(t->arena, &q.attributes, STR("isDeleted"));
	TRY(wire_begin(t, f, &q, PAGE, &run));
	for (;;) {
		owned(feed_message) LDAPMessage *m = NULL;
		owned(feed_controls) LDAPControl **controls = NULL;
		struct answer a = {0};
		struct str next = STR_NONE;
		TRY(wire_step(t, f, &run, &m, &a));
		controls = a.controls;
		if (m) {
			TRY(trail_add(t, f, m, false, scratch));
			continue;
		}
		TRY(wire_result(t, f, &a, "search by uSNChanged"));
		if (!wire_page_read(controls, &next))
			return task_fail(t, ERR_REFUSED, "%.*s has no paged results (RFC 2696)",
				FMT(directory_link_controller(f->link)));
		bytes_set(cookie, next);
		return OK;
	}
}

static enum err collect(struct task *t, struct feed *f, struct str filter) {
	owned(arena) struct arena *scratch = arena_new();
	struct bytes cookie = {NULL, 0};
	size_t pages = 0;
	enum err e;
	do
		e = page(t, f, filter, &cookie, scratch);
	while (!e && cookie.n && pages++ < PAGES_MOST);
	if (!e && cookie.n)
		e = task_fail(t, ERR_REFUSED, "%.*s: its pages do not end", FMT(directory_link_controller(f->link)));
	bytes_set(&cookie, STR_NONE);
	return e;
}

/* What commits while the pages are read has a number above the one that was read before. */
static enum err usn_ask(struct task *t, struct feed *f, bool *ret_more) {
	struct trail *r = f->state;
	int64_t last = 0, now = 0;
	TRY(highest(t, f, &now));
	if (!r->initial && (!cookie_read(r, bytes_str(&r->cookie), &last) || last > now))
		return task_fail(t, ERR_STALE, "the cookie is of another controller");
	if (r->initial)
		TRY(collect(t, f, trail_filter(t->arena, STR(""))));
	else if (now > last)
		TRY(collect(t, f,
			trail_filter(t->arena, str_printf(t->arena, "(uSNChanged>=%lld)", (long long)(last + 1)))));
	bytes_set(&r->cookie_next, str_printf(t->arena, "%.*s:%lld", FMT(bytes_str(&r->identity)), (long long)now));
	*ret_more = false;
	return OK;
}

static enum err usn_open(struct task *t, struct feed *f, struct str cookie) {
	TRY(trail_open(t, f, cookie, usn_ask));
	return identify(t, f);
}

const struct feed_kind feed_usn = {
	.id = FEED_USN,
	.name = "usn",
	.open = usn_open,
	.next = trail_next,
	.close = trail_close,
};
