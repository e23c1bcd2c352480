/* fake_feed.h: a feed in memory, in place of federation/feed, over the people of fake_directory. Opened without a
 * cookie it tells them all; then what a test gives it. A test takes the lock around what it changes. */
#ifndef USHER_TESTS_FAKE_FEED_H
#define USHER_TESTS_FAKE_FEED_H

#include "federation/feed/feed.h"
#include "tests/unit/fake_directory.h"

#define FAKE_TOLD 128

struct fake_feed {
	struct fake_told {
		enum feed_change_kind kind;
		enum feed_subject subject;
		char id[40];
	} told[FAKE_TOLD]; /* in the next batch; persons' entries are read then */
	size_t n;
	size_t cookies;   /* made so far; each batch that tells something has the next: "cookie-N" */
	bool broken;      /* opening and listening fail */
	enum err refuses; /* to open */
	bool endless;     /* it tells and tells, until the task is over */
	bool silent;      /* neither current nor anything told */
	bool empty;       /* without a cookie it tells nobody, and says that this is all */
	size_t opens, nexts, closes;
	char opened_with[64]; /* the cookie of the last open */
	int64_t least_left;   /* milliseconds that a call had at least */
};
extern struct fake_feed fake_feed;

void fake_feed_reset(void);
void fake_feed_lock(void);
void fake_feed_unlock(void);
/* Under no lock; in the next batch. */
void fake_feed_tell(enum feed_change_kind kind, enum feed_subject subject, const char *id);

#endif
