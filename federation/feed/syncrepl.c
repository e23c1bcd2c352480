/* Content synchronization (RFC 4533), refreshAndPersist: two searches on one connection, one for people and containers,
 * one for groups, each with its own cookie, because the two bases may lie under different suffixes.
 *
 * A refresh ends in one of two ways. Either all that is gone was told by id, or ("present") all that is there was, and
 * the rest is gone. Which of them the server takes depends on what it remembers, and is its choice for each search. */
#include <stdlib.h>

#include "base/clock.h"
#include "federation/feed/feed_private.h"
#include "federation/feed/sync_value.h"

#define GATHER_MS     50 /* in a refresh: how long a batch waits for more */
#define ENTRIES_MOST  (1u << 24)
#define MESSAGES_MOST (4 * FEED_BATCH) /* looked at for one batch: some bring nothing */

enum { PEOPLE, GROUPS, HALVES };
static const struct {
	char letter; /* in our cookie */
	enum feed_subject gone;
	const char *what;
} halves[HALVES] = {
	[PEOPLE] = {'P', FEED_UNKNOWN /* a container, perhaps */, "content synchronization of people_base"},
	[GROUPS] = {'G', FEED_GROUP, "content synchronization of groups_base"},
};

struct half {
	int msgid;
	bool with_cookie; /* the search went out with one */
	bool told_all;    /* everything that is there was told, or will be when the refresh is done */
	bool refreshed;
	struct bytes cookie;  /* of what was told */
	struct bytes to_come; /* counts when the refresh is done */
};

struct syncrepl {
	struct half half[HALVES];
	bool restarted, whole, cookie_new; /* to be told by the next batch */
	bool drained;                      /* nothing more lay there when it was looked last */
	/* A set of ids that did not fit into a batch. */
	struct berval *set;
	struct str set_rest;
	size_t set_half;
	bool set_deletes;
};

/* ---- our cookie: "P<length>:<theirs>G<length>:<theirs>" ---- */
static struct str cookie_write(struct arena *a, const struct syncrepl *s) {
	struct buf b = buf_new(a, 2 * COOKIE_MOST + 64);
	for (size_t i = 0; i < HALVES; i++) {
		buf_printf(&b, "%c%zu:", halves[i].letter, s->half[i].cookie.n);
		buf_put(&b, bytes_str(&s->half[i].cookie));
	}
	return buf_str(&b);
}

static void cookie_read(struct syncrepl *s, struct str text) {
	struct str found[HALVES];
	size_t at = 0;
	for (size_t i = 0; i < HALVES; i++) {
		size_t colon = str_find(text, ':', at);
		int64_t n = 0;
		if (at >= text.n || text.p[at] != halves[i].letter || colon == text.n ||
			!str_int(str_sub(text, at + 1, colon - at - 1), 0, COOKIE_MOST, &n) ||
			(size_t)n > text.n - colon - 1)
			return;
		found[i] = str_sub(text, colon + 1, (size_t)n);
		at = colon + 1 + (size_t)n;
	}
	for (size_t i = 0; i < HALVES && at == text.n; i++)
		bytes_set(&s->half[i].cookie, found[i]);
}

/* ---- asking ---- */
static enum err question_of(struct task *t, const struct feed *f, size_t i, struct question *q) {
	const struct directory_config *d = f->d;
	q->scope = LDAP_SCOPE_SUBTREE;
	if (i == GROUPS) {
		q->base = d->groups_base;
		q->filter = d->group_filter;
		strs_add(t->arena, &q->attributes, STR("cn"));
		return OK;
	}
	q->base = d->people_base;
	q->filter = str_printf(t->arena, "(|%.*s" PLACES ")", FMT(d->people_filter));
	q->attributes = directory_link_attributes(t->arena, d);
	strs_add(t->arena, &q->attributes, STR("objectClass"));
	return OK;
}

/* Whether the account may have all entries: asked by an ordinary search first. slapd 2.5.13 was seen to crash
 * when a content synchronization that ended at a limit of size was followed by writes (docs/decisions/0008). */
static enum err may_have_all(struct task *t, struct feed *f, size_t i) {
	struct question q = {0};
	struct answer a = {0};
	struct run r;
	TRY(question_of(t, f, i, &q));
	q.attributes = (struct strs){NULL, 0};
	strs_add(t->arena, &q.attributes, STR("1.1")); /* RFC 4511 4.5.1.8: none */
	TRY(wire_begin(t, f, &q, ENTRIES_MOST, &r));
	for (;;) {
		owned(feed_message) LDAPMessage *m = NULL;
		owned(feed_controls) LDAPControl **controls = NULL;
		TRY(wire_step(t, f, &r, &m, &a));
		controls = a.controls;
		if (!m)
			return wire_result(t, f, &a, halves[i].what);
	}
}

static enum err half_start(struct task *t, struct feed *f, size_t i) {
	struct syncrepl *s = f->state;
	struct half *h = &s->half[i];
	struct berval value = feed_berval(sync_request(t->arena, bytes_str(&h->cookie)));
	owned(feed_control) LDAPControl *control = NULL;
	struct question q = {.controls = (LDAPControl *[]){NULL, NULL}};
	if (ldap_control_create(LDAP_CONTROL_SYNC, 1, &value, 1, &control) != LDAP_SUCCESS)
		abort();
	q.controls[0] = control;
	TRY(question_of(t, f, i, &q));
	TRY(wire_send(t, f, &q, &h->msgid));
	h->with_cookie = h->cookie.n > 0;
	h->told_all = !h->with_cookie;
	h->refreshed = false;
	bytes_set(&h->to_come, STR_NONE);
	if (i == PEOPLE && h->told_all)
		s->restarted = true;
	return OK;
}

static enum err half_restart(struct task *t, struct feed *f, size_t i) {
	struct syncrepl *s = f->state;
	if (s->half[i].msgid && !s->half[i].refreshed) /* else it has ended */
		ldap_abandon_ext(f->ld, s->half[i].msgid, NULL, NULL);
	bytes_set(&s->half[i].cookie, STR_NONE);
	s->cookie_new = true;
	return half_start(t, f, i);
}

static enum err can_sync(struct task *t, struct feed *f) {
	static const char *const names[] = {"supportedControl", NULL};
	owned(feed_message) LDAPMessage *m = NULL;
	TRY(wire_read(t, f, STR(""), names, NULL, &m));
	if (wire_has(f, m, "supportedControl", STR(LDAP_CONTROL_SYNC)))
		return OK;
	return task_fail(t, ERR_REFUSED,
		"%.*s has no content synchronization (RFC 4533): load the overlay syncprov in OpenLDAP, enable the "
		"Content Synchronization plugin in 389, or set feed: poll",
		FMT(directory_link_controller(f->link)));
}

static void sync_close(void *state) {
	struct syncrepl *s = state;
	for (size_t i = 0; i < HALVES; i++) {
		free(s->half[i].cookie.p);
		free(s->half[i].to_come.p);
	}
	ber_bvfree(s->set);
	free(s);
}

static enum err sync_open(struct task *t, struct feed *f, struct str cookie) {
	struct syncrepl *s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	f->state = s;
	TRY(can_sync(t, f));
	cookie_read(s, cookie);
	for (size_t i = 0; i < HALVES; i++)
		if (s->half[i].cookie.n == 0)
			TRY(may_have_all(t, f, i));
	for (size_t i = 0; i < HALVES; i++)
		TRY(half_start(t, f, i));
	return OK;
}

/* ---- what is told ---- */
/* As struct entry gives it: of 389 the id is nsUniqueId, which has its dashes elsewhere. */
static struct str id_text(struct arena *a, const struct directory_config *d, struct str id) {
	static const unsigned char uuid[] = {4, 6, 8, 10}, ns_unique_id[] = {4, 8, 12};
	const unsigned char *dash = d->driver == DIRECTORY_389DS ? ns_unique_id : uuid;
	size_t dashes = d->driver == DIRECTORY_389DS ? COUNT(ns_unique_id) : COUNT(uuid), next = 0;
	struct buf b = buf_new(a, 40);
	for (size_t i = 0; i < id.n; i++) {
		if (next < dashes && i == dash[next]) {
			buf_byte(&b, '-');
			next++;
		}
		buf_printf(&b, "%02x", (unsigned)(unsigned char)id.p[i]);
	}
	return buf_str(&b);
}

static void cookie_came(struct syncrepl *s, size_t i, struct str cookie) {
	struct half *h = &s->half[i];
	if (str_empty(cookie))
		return;
	bytes_set(h->refreshed ? &h->cookie : &h->to_come, cookie);
	s->cookie_new = s->cookie_new || h->refreshed;
}

static bool all_refreshed(const struct syncrepl *s) {
	return s->half[PEOPLE].refreshed && s->half[GROUPS].refreshed;
}

/* Groups that were told as present do not tell which are gone: they are all told anew, as changed. */
static enum err refresh_done(struct task *t, struct feed *f, size_t i) {
	struct syncrepl *s = f->state;
	struct half *h = &s->half[i];
	if (h->refreshed)
		return OK;
	h->refreshed = true;
	if (i == GROUPS && h->with_cookie && h->told_all) {
		h->refreshed = false;
		return half_restart(t, f, GROUPS);
	}
	if (h->to_come.n) {
		bytes_set(&h->cookie, bytes_str(&h->to_come));
		bytes_set(&h->to_come, STR_NONE);
		s->cookie_new = true;
	}
	if (all_refreshed(s))
		s->whole = s->half[PEOPLE].told_all;
	return OK;
}

static enum err entry_came(
	struct task *t, struct feed *f, size_t i, LDAPMessage *m, struct str id, struct feed_batch *b) {
	struct syncrepl *s = f->state;
	struct entry *e = arena_new_of(t->arena, struct entry);
	if (!wire_can_name(t, f, m)) {
		batch_add(b, FEED_GONE, halves[i].gone, id, NULL);
		return OK;
	}
	TRY(directory_link_entry(t, f->link, m, e));
	e->stable_id = id;
	if (i == GROUPS)
		batch_add(b, FEED_CHANGED, FEED_GROUP, id, e);
	else if (!entry_is_place(e))
		batch_add(b, FEED_CHANGED, FEED_PERSON, id, e);
	else if (s->half[i].with_cookie || s->half[i].refreshed) /* else nobody has names from it yet */
		batch_add(b, FEED_CHANGED, FEED_PLACE, id, e);
	return OK;
}

static enum err garbage(struct task *t, const struct feed *f, const char *what) {
	return task_fail(
		t, ERR_UNAVAILABLE, "%.*s: %s that cannot be read", FMT(directory_link_controller(f->link)), what);
}

static enum err on_entry(struct task *t, struct feed *f, size_t i, LDAPMessage *m, struct feed_batch *b) {
	owned(feed_controls) LDAPControl **controls = NULL;
	struct sync_state state;
	if (ldap_get_entry_controls(f->ld, m, &controls) != LDAP_SUCCESS)
		return garbage(t, f, "an entry's controls");
	LDAPControl *control = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
	if (!control || !control->ldctl_value.bv_val ||
		!sync_state_read(str_slice(control->ldctl_value.bv_val, control->ldctl_value.bv_len), &state))
		return garbage(t, f, "a sync state control");
	struct str id = id_text(t->arena, f->d, state.id);
	if (state.is == SYNC_DELETE)
		batch_add(b, FEED_GONE, halves[i].gone, id, NULL);
	else if (state.is == SYNC_PRESENT)
		batch_add(b, FEED_SEEN, halves[i].gone, id, NULL);
	else
		TRY(entry_came(t, f, i, m, id, b));
	cookie_came(f->state, i, state.cookie);
	return OK;
}

static void set_drain(struct task *t, struct feed *f, struct feed_batch *b) {
	struct syncrepl *s = f->state;
	struct str id;
	while (!batch_full(t, b) && sync_next_id(&s->set_rest, &id))
		batch_add(b, s->set_deletes ? FEED_GONE : FEED_SEEN, halves[s->set_half].gone,
			id_text(t->arena, f->d, id), NULL);
	if (s->set_rest.n)
		return;
	ber_bvfree(s->set);
	s->set = NULL;
}

static enum err info_came(struct task *t, struct feed *f, size_t i, const struct sync_info *info) {
	struct syncrepl *s = f->state;
	cookie_came(s, i, info->cookie);
	if (info->tells == SYNC_REFRESH_PRESENT)
		s->half[i].told_all = true;
	if ((info->tells == SYNC_REFRESH_PRESENT || info->tells == SYNC_REFRESH_DELETE) && info->done)
		return refresh_done(t, f, i);
	return OK;
}

static enum err on_info(struct task *t, struct feed *f, size_t i, LDAPMessage *m, struct feed_batch *b) {
	struct syncrepl *s = f->state;
	owned(feed_text) char *oid = NULL;
	struct berval *value = NULL;
	struct sync_info info;
	if (ldap_parse_intermediate(f->ld, m, &oid, &value, NULL, 0) != LDAP_SUCCESS)
		return garbage(t, f, "an intermediate answer");
	bool read = oid && strcmp(oid, LDAP_SYNC_INFO) == 0 && value && value->bv_val &&
		    sync_info_read(str_slice(value->bv_val, value->bv_len), &info);
	enum err e = read ? info_came(t, f, i, &info) : garbage(t, f, "a sync info message");
	if (!e && info.tells == SYNC_ID_SET) {
		s->set = value;
		s->set_rest = info.ids;
		s->set_half = i;
		s->set_deletes = info.deletes;
		set_drain(t, f, b);
		return OK;
	}
	ber_bvfree(value);
	return e;
}

/* Whether the search is asked again without its cookie, which the server cannot use: RFC 4533 2.3 gives a code for it;
 * slapd calls a garbled one a protocol error, and is unwilling when its database is older than the cookie. */
static bool cookie_refused(const struct half *h, int result) {
	static const int codes[] = {LDAP_SYNC_REFRESH_REQUIRED, LDAP_X_SYNC_REFRESH_REQUIRED, LDAP_PROTOCOL_ERROR,
		LDAP_UNWILLING_TO_PERFORM, LDAP_OTHER, LDAP_OPERATIONS_ERROR};
	for (size_t i = 0; i < COUNT(codes); i++)
		if (codes[i] == result)
			return i < 2 ? h->with_cookie || h->refreshed : h->with_cookie && !h->refreshed;
	return false;
}

static enum err on_end(struct task *t, struct feed *f, size_t i, LDAPMessage *m) {
	struct syncrepl *s = f->state;
	struct answer a;
	TRY(wire_answer(t, f, m, false, &a));
	if (!wire_is_busy(&a) && cookie_refused(&s->half[i], a.result)) {
		s->half[i].msgid = 0;
		return half_restart(t, f, i);
	}
	if (a.result == LDAP_UNAVAILABLE_CRITICAL_EXTENSION)
		return task_fail(t, ERR_REFUSED,
			"%s: the server does not do it for this suffix: add the overlay syncprov to its database, "
			"or set feed: poll (%d %.*s)",
			halves[i].what, a.result, FMT(a.diagnostic));
	TRY(wire_result(t, f, &a, halves[i].what));
	return task_fail(t, ERR_UNAVAILABLE, "%s: ended by the server", halves[i].what);
}

static enum err on_message(struct task *t, struct feed *f, LDAPMessage *m, struct feed_batch *b) {
	struct syncrepl *s = f->state;
	size_t i = 0;
	while (i < HALVES && s->half[i].msgid != ldap_msgid(m))
		i++;
	if (i == HALVES) /* of a search that was given up */
		return OK;
	switch (ldap_msgtype(m)) {
	case LDAP_RES_SEARCH_ENTRY:
		return on_entry(t, f, i, m, b);
	case LDAP_RES_INTERMEDIATE:
		return on_info(t, f, i, m, b);
	case LDAP_RES_SEARCH_RESULT:
		return on_end(t, f, i, m);
	default: /* a reference: another server's part is not followed */
		return OK;
	}
}

/* One message; *ret_none: there was none for ms. A batch ends before what a restart brings, so that what was seen
 * before it does not count behind it. */
static enum err take(struct task *t, struct feed *f, int64_t ms, struct feed_batch *b, bool *ret_none) {
	owned(feed_message) LDAPMessage *m = NULL;
	TRY(wire_receive(t, f, ms, &m));
	*ret_none = !m;
	return m ? on_message(t, f, m, b) : OK;
}

static int64_t patience(const struct syncrepl *s, const struct feed_batch *b, int64_t left) {
	if (b->n == 0)
		return left;
	int64_t most = all_refreshed(s) ? 0 : GATHER_MS;
	return left < most ? left : most;
}

/* Whether the cookie stands for more than is told with this batch: the rest of a set, or who is not there any more. */
static bool owes(const struct syncrepl *s) {
	return s->set || (s->half[PEOPLE].told_all && !all_refreshed(s));
}

static enum err sync_next(struct task *t, struct feed *f, int64_t wait_ms, struct feed_batch *ret) {
	struct syncrepl *s = f->state;
	struct feed_batch b = batch_new(t, f);
	int64_t end = clock_monotonic_ms() + wait_ms;
	bool none = false;
	b.restarted = s->restarted;
	s->restarted = false;
	for (size_t i = 0; i < MESSAGES_MOST && !none && !batch_full(t, &b) && !s->restarted && !s->whole; i++) {
		int64_t left = end - clock_monotonic_ms();
		if (s->set)
			set_drain(t, f, &b);
		else
			TRY(take(t, f, patience(s, &b, left > 0 ? left : 0), &b, &none));
	}
	b.whole = s->whole;
	s->whole = false;
	b.current = all_refreshed(s) && (none || b.whole) && !f->asked;
	if (s->cookie_new && !owes(s)) {
		b.cookie = cookie_write(t->arena, s);
		s->cookie_new = false;
	}
	*ret = b;
	return OK;
}

const struct feed_kind feed_syncrepl = {
	.id = FEED_SYNCREPL,
	.name = "syncrepl",
	.open = sync_open,
	.next = sync_next,
	.close = sync_close,
};
