#include <stdlib.h>

#include "base/clock.h"
#include "federation/feed/feed_private.h"

static const struct feed_kind *const kinds[] = {&feed_syncrepl, &feed_dirsync, &feed_usn, &feed_poll};

/* By make of directory, where the configuration does not say. */
static const enum directory_feed by_make[] = {
	[DIRECTORY_OPENLDAP] = FEED_SYNCREPL,
	[DIRECTORY_ACTIVE_DIRECTORY] = FEED_DIRSYNC,
	[DIRECTORY_389DS] = FEED_SYNCREPL,
};

static const struct feed_kind *kind_of(const struct directory_config *d) {
	enum directory_feed id = d->feed;
	if (id == FEED_AUTO)
		id = (size_t)d->driver < COUNT(by_make) ? by_make[d->driver] : FEED_POLL;
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i]->id == id)
			return kinds[i];
	return NULL;
}

const char *feed_name(const struct directory_config *d) {
	const struct feed_kind *kind = kind_of(d);
	return kind ? kind->name : "off";
}

/* ---- cookies ---- */
#define FINGERPRINT 17u /* 16 hexadecimal digits and ":" before the kind's own */

/* What a cookie is good for: it would go on from where another question stood, and what that left out would never be
 * told. FNV-1a: nobody is kept out by it. */
static uint64_t mix(uint64_t hash, struct str s) {
	for (size_t i = 0; i < s.n; i++)
		hash = (hash ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return (hash ^ 0xff) * 0x100000001b3;
}

static struct str fingerprint(struct arena *a, const struct feed *f) {
	const struct directory_config *d = f->d;
	const struct str parts[] = {str_of(f->kind->name), d->people_base, d->people_filter, d->groups_base,
		d->group_filter, d->group_member_attribute};
	struct strs attributes = directory_link_attributes(a, d);
	uint64_t hash = 0xcbf29ce484222325 ^ (uint64_t)d->driver;
	for (size_t i = 0; i < COUNT(parts); i++)
		hash = mix(hash, parts[i]);
	for (size_t i = 0; i < attributes.n; i++)
		hash = mix(hash, attributes.v[i]);
	return str_printf(a, "%016llx:", (unsigned long long)hash);
}

/* The kind's own part; STR_NONE where the cookie is of another question. */
static struct str unwrap(struct arena *a, const struct feed *f, struct str cookie) {
	return cookie.n > FINGERPRINT && str_starts(cookie, fingerprint(a, f))
		       ? str_sub(cookie, FINGERPRINT, cookie.n - FINGERPRINT)
		       : STR_NONE;
}

static struct str wrap(struct arena *a, const struct feed *f, struct str cookie) {
	struct strs parts = {(struct str[]){fingerprint(a, f), cookie}, 2};
	return str_join(a, parts, STR(""));
}

enum err feed_open(struct task *t, const struct directory_config *d, struct str cookie, struct feed **ret) {
	const struct feed_kind *kind = kind_of(d);
	struct directory_link *link = NULL;
	if (!kind)
		return task_fail(t, ERR_CONFIG, "directory %.*s: its feed is off", FMT(d->id));
	TRY(directory_link_open(t, d, &link));
	struct feed *f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	*f = (struct feed){.kind = kind, .d = d, .link = link, .ld = directory_link_ld(link)};
	f->heard_at = clock_monotonic_ms();
	enum err e = kind->open(t, f, unwrap(t->arena, f, cookie));
	if (e) {
		feed_close(f);
		return e;
	}
	*ret = f;
	return OK;
}

/* What a kind asked for beside, for itself, is not of the entry: it would differ from what directory_find_id gives, and
 * at each login. */
static void trim(const struct feed *f, struct strs wanted, struct entry *e) {
	size_t kept = 0;
	for (size_t i = 0; i < e->n_attributes; i++) {
		struct str theirs = directory_attribute(f->d, e->attributes[i].name);
		for (size_t k = 0; k < wanted.n; k++)
			if (str_eq_case(wanted.v[k], theirs)) {
				e->attributes[kept++] = e->attributes[i];
				break;
			}
	}
	e->n_attributes = kept;
}

static void trim_all(struct arena *a, const struct feed *f, const struct feed_batch *b) {
	struct strs wanted = b->n ? directory_link_attributes(a, f->d) : (struct strs){NULL, 0};
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].entry && b->v[i].subject == FEED_PERSON)
			trim(f, wanted, b->v[i].entry);
}

enum err feed_next(struct task *t, struct feed *f, int64_t wait_ms, struct feed_batch *ret) {
	int64_t left = task_left_ms(t);
	struct feed_batch b;
	TRY(f->kind->next(t, f, wait_ms < left ? wait_ms : left, &b));
	trim_all(t->arena, f, &b);
	if (!str_absent(b.cookie))
		b.cookie = wrap(t->arena, f, b.cookie);
	*ret = b;
	return OK;
}

void feed_close(struct feed *f) {
	if (f->state)
		f->kind->close(f->state);
	directory_link_close(f->link);
	free(f);
}

/* ---- batches ---- */
struct feed_batch batch_new(struct task *t, const struct feed *f) {
	return (struct feed_batch){.v = arena_array(t->arena, struct feed_change, FEED_BATCH),
		.cookie = STR_NONE,
		.controller = directory_link_controller(f->link)};
}

bool batch_full(const struct task *t, const struct feed_batch *b) {
	return b->n == FEED_BATCH || arena_used(t->arena) > BATCH_BYTES;
}

void batch_add(struct feed_batch *b, enum feed_change_kind kind, enum feed_subject subject, struct str stable_id,
	struct entry *entry) {
	b->v[b->n++] = (struct feed_change){kind, subject, stable_id, entry};
}
