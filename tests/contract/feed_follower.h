/* feed_follower.h: somebody who follows a feed and keeps what is told, the changes to be told of, and the kinds of
 * feeds that a make of directory has. For the contract of federation/feed/feed.h. */
#ifndef USHER_TESTS_FEED_FOLLOWER_H
#define USHER_TESTS_FEED_FOLLOWER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "federation/feed/feed.h"
#include "tests/contract/directory_fixture.h"

#define PATIENCE_MS 20000

struct kind {
	enum directory_driver_id make;
	enum directory_feed feed;
	const char *name;
	bool tells_gone; /* deletions one by one, also those of the time when nobody listened */
	int many;        /* entries of the large test */
};
extern const struct kind *kind; /* of the tests that run now */

struct told {
	enum feed_change_kind kind;
	enum feed_subject subject;
	struct str id, dn;
	bool enabled;
};
struct follower {
	struct fixture *f;
	struct feed *feed;
	struct str cookie;
	struct told *v;
	size_t n, room;
	size_t batches, largest;
	bool restarted, whole, current;
};

enum err listen_once(struct follower *w, int64_t ms);
void forget(struct follower *w);
void open_with(struct follower *w, struct fixture *f, struct str cookie);
void listen_or_wait(struct follower *w);
void settle(struct follower *w);
const struct told *told(const struct follower *w, struct str id);
bool was_told(const struct follower *w, enum feed_change_kind k, struct str id);
const struct told *expect(struct follower *w, enum feed_change_kind k, struct str id);
void done(struct follower *w);
void apply_as_admin(struct fixture *f, const struct change *c);
void add_value(struct fixture *f, struct change *c, struct str name, struct str value);
void change_value(struct fixture *f, enum change_kind k, struct str dn, const char *name, struct str value);
void create_at(struct fixture *f, struct str dn);
void create(struct fixture *f, const char *uid);
void move(struct fixture *f, struct str dn, struct str new_dn);
void remove_entry(struct fixture *f, struct str dn);
struct str id_of(struct fixture *f, struct str dn);
struct str place(struct fixture *f, const char *ou);
void run_script(const char *command);
int feed_fixture(void **state);
bool known_gone(const struct follower *w, struct str id);
void settle_gone(struct follower *w, struct str id);
/* Every test with each kind of feed that the make of directory has; how many failed. USHER_FEED: of one kind alone,
 * USHER_TEST: one of them, by hand. */
int feeds_run(const struct CMUnitTest *tests, size_t n);

#endif
