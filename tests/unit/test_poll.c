/* From when on polling asks: federation/feed/poll.c, with passes in memory in place of searches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "federation/feed/pass.h"

/* ---- the passes: the newest time that the next one sees, and what it was asked for ---- */
static struct {
	int64_t newest; /* seconds since 1970 */
	struct str since;
} server;

void pass_begin(struct pass *p, bool ids, struct str since) {
	*p = (struct pass){.running = true, .ids = ids};
	server.since = since;
}

enum err pass_next(struct task *t, struct feed *f, struct pass *p, struct marks *marks, struct feed_batch *b) {
	(void)t, (void)f, (void)b;
	if (marks && server.newest > marks->newest)
		marks->newest = server.newest;
	p->running = false;
	return OK;
}

void pass_end(struct pass *p) {
	p->running = false;
}

struct str time_write(struct arena *a, int64_t seconds, const char *fraction) {
	(void)fraction;
	return str_printf(a, "%lld", (long long)seconds);
}

enum err wire_rest(struct task *t, struct feed *f, int64_t ms) {
	(void)t, (void)f, (void)ms;
	return OK;
}

const struct make *make_of(const struct directory_config *d) {
	static const struct make make = {"entryUUID", "modifyTimestamp", "entryCSN", ""};
	(void)d;
	return &make;
}

struct feed_batch batch_new(struct task *t, const struct feed *f) {
	(void)t, (void)f;
	return (struct feed_batch){.cookie = STR_NONE};
}

/* ---- tests ---- */

/* A time to come, of a provider whose clock was wrong for a moment, hides nothing that is changed until then. */
static void asks_from_now_at_the_latest(void **state) {
	static const int64_t ahead[] = {-86400, 0, 30, 3600, 86400, 3650 * 86400};
	(void)state;
	for (size_t i = 0; i < COUNT(ahead); i++) {
		struct arena *a = arena_new();
		struct directory_config d = {.feed_interval_ms = 0};
		struct feed f = {.d = &d};
		struct task t;
		struct feed_batch b;
		int64_t now = clock_wall_ms() / 1000, since = 0;
		task_begin(&t, a, NULL, 10000);
		server.newest = now + ahead[i];
		assert_int_equal(feed_poll.open(&t, &f, STR_NONE), OK);
		assert_int_equal(feed_poll.next(&t, &f, 1, &b), OK);
		assert_true(b.whole && b.current);
		assert_int_equal(feed_poll.next(&t, &f, 1, &b), OK);
		assert_true(str_starts(server.since, STR("(modifyTimestamp>=")));
		assert_true(str_int(str_sub(server.since, 18, server.since.n - 19), 1, INT64_MAX, &since));
		bool fits = since <= now + (ahead[i] < 60 ? ahead[i] : 60);
		if (!fits || since < now - 86400 - 60)
			fail_msg("%lld s ahead: asks from %lld s on", (long long)ahead[i], (long long)(since - now));
		feed_poll.close(f.state);
		arena_free(a);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(asks_from_now_at_the_latest)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
