#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "federation/feed/pass.h"

#define PAGE 200u /* entries in one page: a page of large ones fits into the arena of a task */

#define SETTLED    2   /* seconds after which no change has the time of one that was seen */
#define PAGES_MOST 16u /* asked for in one call: some bring nothing */

enum { PEOPLE, GROUPS, PLACE_STEP, STEPS };
static const struct {
	enum feed_subject subject;
	const char *what;
} steps[STEPS] = {
	[PEOPLE] = {FEED_PERSON, "search of people_base"},
	[GROUPS] = {FEED_GROUP, "search of groups_base"},
	[PLACE_STEP] = {FEED_PLACE, "search of containers"},
};

void pass_begin(struct pass *p, bool ids, struct str since) {
	*p = (struct pass){.running = true, .ids = ids, .page = p->page};
	bytes_set(&p->page, STR_NONE);
	if (since.n < sizeof(p->since))
		memcpy(p->since, since.p ? since.p : "", since.n);
}

void pass_end(struct pass *p) {
	p->running = false;
	bytes_set(&p->page, STR_NONE);
}

/* ---- times ---- */
struct str time_write(struct arena *a, int64_t seconds, const char *fraction) {
	char text[32];
	time_t at = (time_t)seconds;
	struct tm tm;
	gmtime_r(&at, &tm);
	return str_printf(a, "%.*s%sZ", (int)strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm), text, fraction);
}

/* ---- what was told already ---- */
static uint64_t mix(uint64_t hash, struct str s) {
	for (size_t i = 0; i < s.n; i++)
		hash = (hash ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return (hash ^ 0xff) * 0x100000001b3;
}

/* Where nothing but the time tells that it changed, it is told once when it is seen, and once more when no further
 * change can bear the same second. */
static uint64_t mark_of(
	const struct feed *f, const struct marks *marks, const struct entry *e, bool whole, int64_t at) {
	const struct make *make = make_of(f->d);
	struct str stamp = make->stamp ? entry_value(e, str_of(make->stamp)) : STR_NONE;
	uint64_t hash = mix(0xcbf29ce484222325, e->stable_id);
	if (!str_empty(stamp))
		return mix(hash, stamp) | 1;
	for (size_t i = 0; whole && i < e->n_attributes; i++) {
		hash = mix(hash, e->attributes[i].name);
		for (size_t k = 0; k < e->attributes[i].values.n; k++)
			hash = mix(hash, e->attributes[i].values.v[k]);
	}
	if (whole)
		return mix(hash, e->dn) | 1;
	bool settled = at + SETTLED <= marks->newest || clock_monotonic_ms() >= marks->newest_at + SETTLED * 1000;
	return mix(mix(hash, entry_value(e, str_of(make->time))), settled ? STR("settled") : STR("")) | 1;
}

static bool known(const struct marks *marks, uint64_t key) {
	for (size_t i = 0; i < MARK_COLUMNS; i++)
		if (marks->told[key % MARK_ROWS][i] == key)
			return true;
	return false;
}

/* Whether it is to be told. */
static bool mark(const struct feed *f, struct marks *marks, const struct entry *e, bool whole) {
	int64_t at = directory_time_ms(entry_value(e, str_of(make_of(f->d)->time))) / 1000;
	if (at > marks->newest) {
		marks->newest = at;
		marks->newest_at = clock_monotonic_ms();
	}
	uint64_t key = mark_of(f, marks, e, whole, at);
	if (known(marks, key))
		return false;
	marks->told[key % MARK_ROWS][marks->next++ % MARK_COLUMNS] = key;
	return true;
}

/* ---- pages ---- */
static void question_of(struct task *t, const struct feed *f, const struct pass *p, struct question *q) {
	const struct directory_config *d = f->d;
	const struct make *make = make_of(d);
	const struct str filters[STEPS] = {d->people_filter, d->group_filter, STR("(|" PLACES ")")};
	q->base = p->step == GROUPS ? d->groups_base : d->people_base;
	q->scope = LDAP_SCOPE_SUBTREE;
	q->filter = p->since[0] ? str_printf(t->arena, "(&%.*s%s)", FMT(filters[p->step]), p->since) : filters[p->step];
	if (p->step == PEOPLE && !p->ids)
		q->attributes = directory_link_attributes(t->arena, d);
	else
		strs_add(t->arena, &q->attributes, str_of(make->stable_id));
	if (p->ids)
		return;
	strs_add(t->arena, &q->attributes, str_of(make->time));
	if (make->stamp)
		strs_add(t->arena, &q->attributes, str_of(make->stamp));
}

static enum err tell(struct task *t, struct feed *f, const struct pass *p, struct marks *marks, LDAPMessage *m,
	struct feed_batch *b) {
	struct entry *e = arena_new_of(t->arena, struct entry);
	if (b->n == FEED_BATCH || arena_used(t->arena) > 2 * BATCH_BYTES)
		return task_fail(
			t, ERR_REFUSED, "%.*s: its entries are too large", FMT(directory_link_controller(f->link)));
	if (!wire_can_name(t, f, m))
		return OK;
	TRY(directory_link_entry(t, f->link, m, e));
	if (str_empty(e->stable_id))
		return task_fail(t, ERR_REFUSED, "%.*s: %s is not shown to the feed's account",
			FMT(directory_link_controller(f->link)), make_of(f->d)->stable_id);
	if (p->ids) {
		batch_add(b, FEED_SEEN, steps[p->step].subject, e->stable_id, NULL);
		return OK;
	}
	if (marks && !mark(f, marks, e, p->step == PEOPLE))
		return OK;
	entry_drop(e, str_of(make_of(f->d)->time));
	if (make_of(f->d)->stamp)
		entry_drop(e, str_of(make_of(f->d)->stamp));
	batch_add(b, FEED_CHANGED, steps[p->step].subject, e->stable_id, e);
	return OK;
}

/* The end of a page, and perhaps of a step. */
static enum err turn(struct task *t, struct feed *f, struct pass *p, const struct answer *a) {
	struct str cookie = STR_NONE;
	TRY(wire_result(t, f, a, steps[p->step].what));
	if (!wire_page_read(a->controls, &cookie))
		return task_fail(t, ERR_REFUSED, "%.*s has no paged results (RFC 2696)",
			FMT(directory_link_controller(f->link)));
	bytes_set(&p->page, cookie);
	if (cookie.n)
		return OK;
	p->step++;
	if (p->step == PLACE_STEP && !p->since[0]) /* names that are all told anew need no hint that they changed */
		p->step++;
	p->running = p->step < STEPS;
	return OK;
}

static enum err page(struct task *t, struct feed *f, struct pass *p, struct marks *marks, struct feed_batch *b) {
	size_t room = FEED_BATCH - b->n, size = room < PAGE ? room : PAGE;
	struct question q = {0};
	struct run r;
	LDAPControl paged =
		wire_control_of(LDAP_CONTROL_PAGEDRESULTS, true, wire_page(t->arena, size, bytes_str(&p->page)));
	q.controls = (LDAPControl *[]){&paged, NULL};
	question_of(t, f, p, &q);
	TRY(wire_begin(t, f, &q, size, &r));
	for (;;) {
		owned(feed_message) LDAPMessage *m = NULL;
		owned(feed_controls) LDAPControl **controls = NULL;
		struct answer a = {0};
		TRY(wire_step(t, f, &r, &m, &a));
		if (m) {
			TRY(tell(t, f, p, marks, m, b));
			continue;
		}
		controls = a.controls;
		return turn(t, f, p, &a);
	}
}

enum err pass_next(struct task *t, struct feed *f, struct pass *p, struct marks *marks, struct feed_batch *b) {
	for (size_t i = 0;
		i < PAGES_MOST && p->running && FEED_BATCH - b->n >= PAGE / 2 && arena_used(t->arena) < BATCH_BYTES;
		i++)
		TRY(page(t, f, p, marks, b));
	return OK;
}
