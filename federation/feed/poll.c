/* Polling by the time of the last change (modifyTimestamp, RFC 4512 3.4), for any server.
 *
 * The time has seconds only, and clocks of several providers differ a little: what changed in the last OVERLAP seconds
 * before the newest change is asked for again, and told once. Deletions and moves out of the bases are not to be seen
 * in this way; ids of all that is there are listed when the feed is opened and every LIST_MS. */
#include <stdlib.h>

#include "base/clock.h"
#include "federation/feed/pass.h"

#define OVERLAP 5 /* seconds */
#define LIST_MS 600000
#define AHEAD   60 /* seconds that a provider's clock may be ahead of ours */

struct poll {
	struct marks marks;
	struct pass pass;
	int64_t since;     /* seconds since 1970: what changed then or later is asked for; 0: all */
	int64_t newest;    /* as it was when the pass began */
	int64_t newest_at; /* when it was seen first; monotonic ms */
	int64_t began_at;  /* the pass */
	int64_t next_at;   /* when to ask again */
	int64_t listed_at; /* when all was told last; 0: not yet */
	bool all;          /* the pass tells all that is there */
	bool restarted;
};

static void poll_close(void *state) {
	struct poll *p = state;
	pass_end(&p->pass);
	free(p);
}

static void begin(struct task *t, struct feed *f, bool all) {
	struct poll *p = f->state;
	struct str since = STR_NONE;
	const struct make *make = make_of(f->d);
	bool ids = all && p->since > 0;
	if (!ids && p->since > 0)
		since = str_printf(
			t->arena, "(%s>=%.*s)", make->time, FMT(time_write(t->arena, p->since, make->fraction)));
	p->all = all;
	p->newest = p->marks.newest;
	p->began_at = clock_monotonic_ms();
	pass_begin(&p->pass, ids, since);
}

static enum err poll_open(struct task *t, struct feed *f, struct str cookie) {
	struct poll *p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	f->state = p;
	p->since = directory_time_ms(cookie) / 1000;
	p->restarted = p->since == 0;
	begin(t, f, p->since == 0);
	return OK;
}

/* From when on the next question asks. A pass that took long may have read an entry before it was changed for the last
 * time, and others behind it that were changed later: what changed while it ran is asked for again. Once a whole pass
 * that began OVERLAP seconds after the newest change was seen has found no newer one, the newest itself is told. */
static void move_on(struct poll *p) {
	int64_t now = clock_monotonic_ms(), took = (now - p->began_at) / 1000 + 1;
	if (p->marks.newest > p->newest || p->newest_at == 0)
		p->newest_at = now;
	if (p->marks.newest == 0)
		return;
	bool quiet = p->marks.newest == p->newest && p->began_at >= p->newest_at + OVERLAP * 1000;
	int64_t since = quiet ? p->marks.newest + 1 : p->marks.newest - OVERLAP - took;
	int64_t present = clock_wall_ms() / 1000;
	if (since > present + AHEAD) /* of a clock that was wrong: what changes until then bears earlier times */
		since = present - OVERLAP - took;
	p->since = since > 1 ? since : 1;
}

static enum err pass_over(struct task *t, struct feed *f, struct feed_batch *b) {
	struct poll *p = f->state;
	int64_t now = clock_monotonic_ms(), before = p->since;
	if (!p->pass.ids) {
		move_on(p);
		b->current = true;
	}
	if (p->all) {
		b->whole = true;
		p->listed_at = now;
	}
	if (p->since != before)
		b->cookie = time_write(t->arena, p->since, "");
	p->next_at = now + f->d->feed_interval_ms;
	return OK;
}

/* What comes after the pass that is over. The list behind the changes that a cookie left, so that all that is there was
 * told since the feed was opened; later lists stand for themselves. */
static void begin_next(struct task *t, struct feed *f) {
	struct poll *p = f->state;
	bool list = p->since > 0 && (p->listed_at == 0 || clock_monotonic_ms() - p->listed_at > LIST_MS);
	p->restarted = list && p->listed_at != 0;
	begin(t, f, list || p->since == 0);
}

static enum err poll_next(struct task *t, struct feed *f, int64_t wait_ms, struct feed_batch *ret) {
	struct poll *p = f->state;
	struct feed_batch b = batch_new(t, f);
	int64_t end = clock_monotonic_ms() + wait_ms;
	do {
		int64_t now = clock_monotonic_ms(), left = p->next_at - now;
		if (!p->pass.running && left > 0) {
			TRY(wire_rest(t, f, left < end - now ? left : end - now));
			continue;
		}
		if (!p->pass.running)
			begin_next(t, f);
		b.restarted = b.restarted || p->restarted;
		p->restarted = false;
		TRY(pass_next(t, f, &p->pass, &p->marks, &b));
		if (!p->pass.running)
			TRY(pass_over(t, f, &b));
	} while (b.n == 0 && !b.whole && clock_monotonic_ms() < end);
	*ret = b;
	return OK;
}

const struct feed_kind feed_poll = {
	.id = FEED_POLL,
	.name = "poll",
	.open = poll_open,
	.next = poll_next,
	.close = poll_close,
};
