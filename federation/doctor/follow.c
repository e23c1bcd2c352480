/* Whether changes in the directory can be followed. */
#include "base/clock.h"
#include "federation/doctor/doctor_private.h"
#include "federation/feed/feed.h"

#define FEED_MS  5000
#define PIECE_MS 500

struct heard {
	size_t n;
	bool current;
	int64_t ms;
};

/* Batches of a large directory do not fit into one task: each has its own, and nothing of it is kept. */
static enum err listen_once(struct visit *v, struct task *own, struct feed *f, struct heard *h) {
	struct feed_batch b = {0};
	arena_wipe(own->arena);
	enum err e = feed_next(own, f, PIECE_MS, &b);
	if (e)
		return task_fail(v->t, e, "%.*s", FMT(str_dup(v->t->arena, own->failure_detail)));
	h->n += b.n;
	h->current = b.current;
	return OK;
}

static enum err listen(struct visit *v, struct heard *h) {
	int64_t most = v->options->feed_ms ? v->options->feed_ms : FEED_MS, began = clock_monotonic_ms();
	owned(feed) struct feed *f = NULL;
	owned(arena) struct arena *a = arena_new();
	struct task own;
	enum err e = feed_open(v->t, v->d, STR(""), &f);
	task_begin(&own, a, v->t->handles, task_left_ms(v->t));
	own.actor = STR("doctor");
	while (!e && !h->current && h->ms < most) {
		e = listen_once(v, &own, f, h);
		h->ms = clock_monotonic_ms() - began;
	}
	return e;
}

void check_feed(struct visit *v) {
	static const char late[] =
		"who is disabled, deleted or regrouped there keeps sessions and roles until the next login "
		"or refresh";
	struct heard h = {0};
	const char *kind = feed_name(v->d);
	if (v->d->feed == FEED_OFF) {
		found(v, FINDING_WARNING, STR("the feed is off"), str_of(late),
			STR("take feed out of the configuration"));
		return;
	}
	enum err e = listen(v, &h);
	if (e) {
		struct str detail = v->t->failure_detail;
		task_clear(v->t);
		found(v, e == ERR_UNAVAILABLE || e == ERR_TIMEOUT ? FINDING_WARNING : FINDING_ERROR,
			TEXT(v, "the feed (%s) does not work after %zu entries: %s: %.*s", kind, h.n, err_row(e)->name,
				FMT(detail)),
			str_of(late),
			STR("give feed_bind_dn the right or limit that the text names (syncprov, DirSync, no limit of "
			    "size), or set feed: poll"));
		return;
	}
	if (h.current)
		found_ok(v, "the feed (%s) works: %zu changes until it was current, in %lld ms", kind, h.n,
			(long long)h.ms);
	else
		found(v, FINDING_WARNING,
			TEXT(v, "the feed (%s) was not current after %lld ms and %zu entries", kind, (long long)h.ms,
				h.n),
			str_of(late),
			STR("a large directory takes longer for the first time: nothing is to be mended when the "
			    "number grows; where it is 0, look at the server's log"));
}
