#include <errno.h>

#include "base/clock.h"
#include "federation/feed/der.h"
#include "federation/feed/feed_private.h"

#define QUIET_MS    1000  /* after which the server is asked whether it is there */
#define OTHERS_MOST 1000u /* messages of one search that are no entries */

struct berval feed_berval(struct str s) {
	union {
		const char *in;
		char *out; /* libldap has no const, and does not write */
	} p = {.in = s.p ? s.p : ""};
	return (struct berval){.bv_len = s.n, .bv_val = p.out};
}

/* ---- sending ---- */
static enum err broken(struct task *t, const struct feed *f, int rc) {
	return task_fail(
		t, ERR_UNAVAILABLE, "%.*s: %s", FMT(directory_link_controller(f->link)), directory_link_reason(rc));
}

static enum err timed_out(struct task *t, const struct feed *f) {
	return task_fail(t, ERR_TIMEOUT, "%.*s: no answer in time", FMT(directory_link_controller(f->link)));
}

static char **attribute_list(struct arena *a, struct strs names) {
	char **list = arena_array(a, char *, names.n + 1);
	for (size_t i = 0; i < names.n; i++)
		list[i] = feed_berval(str_printf(a, "%.*s", FMT(names.v[i]))).bv_val;
	return list;
}

enum err wire_send(struct task *t, struct feed *f, const struct question *q, int *ret_msgid) {
	const char *base = NULL, *filter = NULL;
	TRY(task_cstr(t, q->base, &base));
	TRY(task_cstr(t, q->filter, &filter));
	errno = 0;
	int rc = ldap_search_ext(f->ld, base, q->scope, filter,
		q->attributes.n ? attribute_list(t->arena, q->attributes) : NULL, 0, q->controls, NULL, NULL, 0,
		ret_msgid);
	if (rc == LDAP_FILTER_ERROR || rc == LDAP_PARAM_ERROR || rc == LDAP_ENCODING_ERROR)
		return task_fail(t, ERR_CONFIG, "search not sent: %s", ldap_err2string(rc));
	return rc == LDAP_SUCCESS ? OK : broken(t, f, rc);
}

/* ---- receiving ---- */
static struct timeval timeval_of(int64_t ms) {
	return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

static int64_t least(int64_t x, int64_t y) {
	return x < y ? x : y;
}

static enum err ask_whether_there(struct task *t, struct feed *f, int64_t now) {
	static const struct str no_attribute = {"1.1", 3}; /* RFC 4511 4.5.1.8 */
	struct question q = {.base = STR(""),
		.scope = LDAP_SCOPE_BASE,
		.filter = STR("(objectClass=*)"),
		.attributes = {(struct str[]){no_attribute}, 1}};
	TRY(wire_send(t, f, &q, &f->asked));
	f->asked_at = now;
	return OK;
}

/* One look: a message, or NULL after ms. What has begun to arrive then has the operation time-out to end. */
static enum err look(struct task *t, struct feed *f, int msgid, int all, int64_t ms, LDAPMessage **ret) {
	if (t->over && atomic_load(t->over))
		return task_fail(t, ERR_UNAVAILABLE, "nobody listens any more");
	struct timeval tv = timeval_of(ms < 0 ? 0 : ms);
	directory_link_deadline(f->link, (ms < 0 ? 0 : ms) + f->d->operation_timeout_ms);
	LDAPMessage *m = NULL;
	errno = 0;
	int rc = LDAP_SERVER_DOWN, got = ldap_result(f->ld, msgid, all, &tv, &m);
	if (got < 0) {
		ldap_get_option(f->ld, LDAP_OPT_RESULT_CODE, &rc);
		return rc == LDAP_TIMEOUT ? timed_out(t, f) : broken(t, f, rc);
	}
	*ret = got ? m : NULL;
	if (m && ldap_msgid(m) == LDAP_RES_UNSOLICITED) { /* Notice of Disconnection: RFC 4511 4.4.1 */
		ldap_msgfree(m);
		return task_fail(t, ERR_UNAVAILABLE, "%.*s: it is closing the connection",
			FMT(directory_link_controller(f->link)));
	}
	return OK;
}

/* Takes what the server said to ask_whether_there; true when m was of it. */
static bool was_whether_there(struct feed *f, LDAPMessage *m) {
	if (f->asked == 0 || ldap_msgid(m) != f->asked)
		return false;
	if (ldap_msgtype(m) == LDAP_RES_SEARCH_RESULT)
		f->asked = 0;
	ldap_msgfree(m);
	return true;
}

enum err wire_receive(struct task *t, struct feed *f, int64_t ms, LDAPMessage **ret) {
	int64_t end = clock_monotonic_ms() + ms;
	for (;;) {
		int64_t now = clock_monotonic_ms(),
			due = f->asked ? f->asked_at + f->d->operation_timeout_ms : f->heard_at + QUIET_MS;
		LDAPMessage *m = NULL;
		TRY(look(t, f, LDAP_RES_ANY, LDAP_MSG_ONE, least(end, due) - now, &m));
		now = clock_monotonic_ms();
		if (m)
			f->heard_at = now;
		if (m && !was_whether_there(f, m)) {
			*ret = m;
			return OK;
		}
		if (f->asked && now >= f->asked_at + f->d->operation_timeout_ms)
			return timed_out(t, f);
		if (!f->asked && now >= f->heard_at + QUIET_MS)
			TRY(ask_whether_there(t, f, now));
		if (!m && now >= end) {
			*ret = NULL;
			return OK;
		}
	}
}

enum err wire_rest(struct task *t, struct feed *f, int64_t ms) {
	int64_t end = clock_monotonic_ms() + ms;
	while (clock_monotonic_ms() < end) {
		owned(feed_message) LDAPMessage *m = NULL;
		TRY(wire_receive(t, f, end - clock_monotonic_ms(), &m));
	}
	return OK;
}

/* ---- one search ---- */
enum err wire_begin(struct task *t, struct feed *f, const struct question *q, size_t most, struct run *ret) {
	*ret = (struct run){.most = most};
	return wire_send(t, f, q, &ret->msgid);
}

enum err wire_step(struct task *t, struct feed *f, struct run *r, LDAPMessage **ret, struct answer *ret_answer) {
	for (;;) {
		owned(feed_message) LDAPMessage *m = NULL;
		TRY(look(t, f, r->msgid, LDAP_MSG_ONE, least(f->d->operation_timeout_ms, task_left_ms(t)), &m));
		if (!m)
			return timed_out(t, f);
		f->heard_at = clock_monotonic_ms();
		if (ldap_msgtype(m) == LDAP_RES_SEARCH_RESULT) {
			*ret = NULL;
			return wire_answer(t, f, m, true, ret_answer);
		}
		bool entry = ldap_msgtype(m) == LDAP_RES_SEARCH_ENTRY;
		if (entry ? r->n++ == r->most : r->others++ == OTHERS_MOST)
			return task_fail(t, ERR_REFUSED, "%.*s: it tells more than was asked for",
				FMT(directory_link_controller(f->link)));
		if (!entry) /* references are not followed */
			continue;
		*ret = m;
		m = NULL;
		return OK;
	}
}

enum err wire_read(struct task *t, struct feed *f, struct str dn, const char *const *attributes, LDAPControl **controls,
	LDAPMessage **ret) {
	struct question q = {
		.base = dn, .scope = LDAP_SCOPE_BASE, .filter = STR("(objectClass=*)"), .controls = controls};
	owned(feed_message) LDAPMessage *entry = NULL, *m = NULL;
	struct answer a = {0};
	struct run r;
	for (; *attributes; attributes++)
		strs_add(t->arena, &q.attributes, str_of(*attributes));
	TRY(wire_begin(t, f, &q, 1, &r));
	TRY(wire_step(t, f, &r, &entry, &a));
	if (entry)
		TRY(wire_step(t, f, &r, &m, &a));
	ldap_controls_free(a.controls);
	if (a.result == LDAP_NO_SUCH_OBJECT || (a.result == LDAP_SUCCESS && !entry))
		return task_fail(t, ERR_NOT_FOUND, "%.*s: no entry, or not shown", FMT(dn));
	TRY(wire_result(t, f, &a, "read"));
	*ret = entry;
	entry = NULL;
	return OK;
}

/* ---- reading ---- */
enum err wire_answer(struct task *t, struct feed *f, LDAPMessage *m, bool with_controls, struct answer *ret) {
	owned(feed_text) char *diagnostic = NULL;
	struct answer a = {.result = -1};
	int rc = ldap_parse_result(f->ld, m, &a.result, NULL, &diagnostic, NULL, with_controls ? &a.controls : NULL, 0);
	if (rc != LDAP_SUCCESS)
		return task_fail(t, ERR_UNAVAILABLE, "an answer that cannot be read: %s", ldap_err2string(rc));
	a.diagnostic = str_dup(t->arena, str_of(diagnostic ? diagnostic : ""));
	*ret = a;
	return OK;
}

/* What a refusal means for a feed. What is not here is refused for good. */
static const struct {
	int result;
	enum err err;
	const char *sentence;
} refusals[] = {
	{LDAP_SIZELIMIT_EXCEEDED, ERR_REFUSED,
		"the feed's account has a limit of size: give it none (OpenLDAP: olcLimits), or name one without by "
		"feed_bind_dn"},
	{LDAP_ADMINLIMIT_EXCEEDED, ERR_REFUSED,
		"the feed's account has a limit of entries to look through: give it none, or name one without by "
		"feed_bind_dn"},
	{LDAP_TIMELIMIT_EXCEEDED, ERR_REFUSED,
		"the feed's account has a limit of time: give it none, or name one without by feed_bind_dn"},
	{LDAP_UNAVAILABLE_CRITICAL_EXTENSION, ERR_REFUSED,
		"the server does not do this for this part of the directory"},
	{LDAP_INSUFFICIENT_ACCESS, ERR_REFUSED, "the feed's account has not the right to ask this"},
	{LDAP_NO_SUCH_OBJECT, ERR_CONFIG, "there is no such base, or it is not shown to the feed's account"},
	{LDAP_REFERRAL, ERR_CONFIG, "the base is kept by another server"},
	{LDAP_INVALID_CREDENTIALS, ERR_CONFIG, "the feed's account is no longer welcome"},
	{LDAP_BUSY, ERR_UNAVAILABLE, "busy"},
	{LDAP_UNAVAILABLE, ERR_UNAVAILABLE, "unavailable"},
	{LDAP_OTHER, ERR_UNAVAILABLE, "the server failed"},
	{LDAP_OPERATIONS_ERROR, ERR_UNAVAILABLE, "the server failed"},
};

/* 389 takes ten at once, and ends those of a lost connection some time after it. */
bool wire_is_busy(const struct answer *a) {
	return a->result == LDAP_UNWILLING_TO_PERFORM &&
	       str_contains(a->diagnostic, STR("Too many active synchronization sessions"));
}

enum err wire_result(struct task *t, const struct feed *f, const struct answer *a, const char *what) {
	enum err e = ERR_REFUSED;
	const char *sentence = "refused";
	if (a->result == LDAP_SUCCESS)
		return OK;
	for (size_t i = 0; i < COUNT(refusals); i++)
		if (refusals[i].result == a->result) {
			e = refusals[i].err;
			sentence = refusals[i].sentence;
		}
	if (wire_is_busy(a))
		e = ERR_UNAVAILABLE;
	return task_fail(t, e, "%.*s: %s: %s (%d %s %.*s)", FMT(directory_link_controller(f->link)), what, sentence,
		a->result, ldap_err2string(a->result), FMT(a->diagnostic));
}

struct str wire_value(struct task *t, struct feed *f, LDAPMessage *entry, const char *attribute) {
	struct berval **values = ldap_get_values_len(f->ld, entry, attribute);
	struct str value = STR_NONE;
	if (values && values[0])
		value = str_dup(t->arena, str_slice(values[0]->bv_val, values[0]->bv_len));
	ldap_value_free_len(values);
	return value;
}

bool wire_has(struct feed *f, LDAPMessage *entry, const char *attribute, struct str value) {
	struct berval **values = ldap_get_values_len(f->ld, entry, attribute);
	bool has = false;
	for (size_t i = 0; values && values[i]; i++)
		has = has || str_eq_case(str_slice(values[i]->bv_val, values[i]->bv_len), value);
	ldap_value_free_len(values);
	return has;
}

bool wire_can_name(struct task *t, struct feed *f, LDAPMessage *entry) {
	owned(feed_text) char *dn = ldap_get_dn(f->ld, entry);
	return dn && str_utf8(str_of(dn)) && dn_valid(t->arena, str_of(dn));
}

/* ---- controls ---- */
struct str wire_control(LDAPControl **controls, const char *oid) {
	LDAPControl *c = controls ? ldap_control_find(oid, controls, NULL) : NULL;
	return c && c->ldctl_value.bv_val ? str_slice(c->ldctl_value.bv_val, c->ldctl_value.bv_len) : STR_NONE;
}

LDAPControl wire_control_of(const char *oid, bool critical, struct str value) {
	return (LDAPControl){.ldctl_oid = feed_berval(str_of(oid)).bv_val,
		.ldctl_value = str_absent(value) ? (struct berval){0, NULL} : feed_berval(value),
		.ldctl_iscritical = critical};
}

struct str wire_page(struct arena *a, size_t size, struct str cookie) {
	struct buf content = buf_new(a, COOKIE_MOST + 64), value = buf_new(a, COOKIE_MOST + 64);
	der_put_number(&content, DER_INTEGER, (int32_t)size);
	der_put(&content, DER_OCTETS, cookie);
	der_put(&value, DER_SEQUENCE, buf_str(&content));
	return buf_str(&value);
}

bool wire_page_read(LDAPControl **controls, struct str *ret_cookie) {
	struct str value = wire_control(controls, LDAP_CONTROL_PAGEDRESULTS), rest;
	int32_t size = 0;
	return der_take(&value, DER_SEQUENCE, &rest) && der_take_number(&rest, DER_INTEGER, &size) &&
	       der_take(&rest, DER_OCTETS, ret_cookie) && ret_cookie->n <= COOKIE_MOST;
}
