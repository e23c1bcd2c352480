/* pass.h: one walk over people, groups and containers, page by page. Private to this folder. */
#ifndef USHER_FEDERATION_FEED_PASS_H
#define USHER_FEDERATION_FEED_PASS_H

#include "federation/feed/feed_private.h"

enum { MARK_ROWS = 1021, MARK_COLUMNS = 8 };

/* Which changes were told already, and the newest time of one. */
struct marks {
	uint64_t told[MARK_ROWS][MARK_COLUMNS]; /* of entry and stamp, by hash; what was pushed out is told twice */
	size_t next;
	int64_t newest_at; /* when it was seen first; monotonic ms */
	int64_t newest;    /* seconds since 1970; 0: none seen */
};

struct pass {
	bool running;
	bool ids; /* only what is there: FEED_SEEN */
	size_t step;
	struct bytes page;
	char since[128]; /* a filter that holds for what changed, or "" */
};

void pass_begin(struct pass *p, bool ids, struct str since);
/* Tells pages until the batch is full or the pass over (!p->running). marks may be NULL: all is told. */
enum err pass_next(struct task *t, struct feed *f, struct pass *p, struct marks *marks, struct feed_batch *b) must_use;
void pass_end(struct pass *p);

/* Generalized time (RFC 4517 3.3.13) in UTC, of seconds since 1970. */
struct str time_write(struct arena *a, int64_t seconds, const char *fraction);

#endif
