#include <stdlib.h>

#include "base/clock.h"
#include "federation/feed/feed_private.h"

static const struct feed_kind *const kinds[] = {&feed_syncrepl};

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
	enum err e = kind->open(t, f, cookie);
	if (e) {
		feed_close(f);
		return e;
	}
	*ret = f;
	return OK;
}

enum err feed_next(struct task *t, struct feed *f, int64_t wait_ms, struct feed_batch *ret) {
	int64_t left = task_left_ms(t);
	return f->kind->next(t, f, wait_ms < left ? wait_ms : left, ret);
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
