/* One thread for each directory that is followed: open its feed, apply what it tells, open it again when it breaks. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/secret.h"
#include "broker/sync/sync_private.h"

#define WAIT_MS           500
#define PASS_REST         3      /* times as long as a batch of a first pass took */
#define PASS_MS           600000 /* for one call of a feed: some look through all there is, page by page */
#define BACK_OFF_FIRST_MS 500
#define BACK_OFF_MOST_MS  30000
#define STOPPED_MS        300000 /* a feed that was stopped is asked again: the directory may have been mended */
#define LOG_EVERY_MS      300000 /* in one outage */
#define ROW_EVERY_MS      10000  /* times and failures in the row, for people to read */
#define RECONCILE_HOUR    3      /* local time */
#define RECONCILE_MS      (20LL * 3600 * 1000)
#define RECONCILE_LATER   600000

struct watcher {
	pthread_t thread;
	struct str realm, directory; /* of a configuration, which is kept */
	struct arena *arena;
	struct handles *handles;
	const struct config *config; /* of the task before */
	const struct directory_config *last;
	struct feed *feed; /* NULL: closed */
	bool following, fresh, stopped;
	int64_t back_off_ms, open_at;                 /* open_at and those below: monotonic */
	int64_t failing_since, logged_at, written_at; /* 0: not */
	int64_t reconciled_at;                        /* wall clock, as in the row */
	int64_t reconcile_at;                         /* not before */
	struct reconcile reconcile;
	bool moved; /* a container, while a compare was under way */
};

static struct {
	struct watch_settings settings;
	pthread_mutex_t lock;
	pthread_cond_t end;
	atomic_bool stopping; /* set under the lock */
	struct watcher *v;
	size_t n;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- waiting ---- */

static bool watch_stopping(void) {
	return atomic_load(&watch.stopping);
}

static void watch_wait(int64_t ms) {
	struct timespec until;
	int timed_out = 0;
	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
	until.tv_sec += ms / 1000 + ns / 1000000000;
	until.tv_nsec = ns % 1000000000;
	pthread_mutex_lock(&watch.lock);
	while (!watch.stopping && !timed_out)
		timed_out = pthread_cond_timedwait(&watch.end, &watch.lock, &until);
	pthread_mutex_unlock(&watch.lock);
}

/* ---- what is told of the watcher itself ---- */

static void fresh_set(struct watcher *w, bool fresh) {
	if (fresh != w->fresh)
		metric_add(METRIC_FEEDS_FRESH, 0, fresh ? 1 : -1);
	w->fresh = fresh;
}

static void watcher_log(enum level level, struct task *t, const char *event, const struct watcher *w, struct str text) {
	log_event(level, t, event, LOG_TEXT("directory", w->directory), LOG_TEXT("detail", text));
}

/* Within a transaction: usherctl writes this row too. */
static enum err row_load(struct task *t, const struct watcher *w, struct feed_row **ret) {
	enum err e = feeds_find(t, w->directory, ret);
	if (e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	*ret = arena_new_of(t->arena, struct feed_row);
	**ret = (struct feed_row){
		.realm = w->realm,
		.directory = w->directory,
		.cookie = STR(""),
		.reconciled_at = clock_wall_ms(), /* the first pass tells all there is */
	};
	return OK;
}

static bool held(const struct feed_row *f) {
	return f->state == FEED_STOPPED || f->state == FEED_ACCEPTED;
}

static enum err failure_write(struct task *t, const struct watcher *w, struct str detail) {
	struct feed_row *f = NULL;
	TRY(row_load(t, w, &f));
	if (held(f))
		return OK;
	f->state = FEED_FAILING;
	f->detail = detail;
	return feeds_put(t, f);
}

static void failure_tell(struct task *t, struct watcher *w) {
	int64_t now = clock_monotonic_ms();
	struct str detail = str_sub(t->failure_detail, 0, 500);
	bool first = !w->failing_since;
	if (first)
		w->failing_since = now;
	if (first || now - w->logged_at >= LOG_EVERY_MS) {
		w->logged_at = now;
		watcher_log(LEVEL_WARNING, t, "feed.failing", w, detail);
	}
	if (!first && now - w->written_at < ROW_EVERY_MS)
		return;
	w->written_at = now;
	task_clear(t);
	t->deadline = now + TASK_PAGE_MS;
	enum err e = store_begin(t);
	if (!e)
		e = store_end(t, failure_write(t, w, detail));
	err_ignore(e, "the log has told it");
}

/* ---- opening ---- */

static void close_feed(struct watcher *w) {
	if (w->feed)
		feed_close(w->feed);
	w->feed = NULL;
	w->following = false;
	fresh_set(w, false);
}

/* What the mirror says is worth MIRROR_FRESH_MS more: a connection that breaks and comes back costs nobody anything. */
static void watcher_failed(struct task *t, struct watcher *w) {
	uint32_t dice;
	close_feed(w);
	failure_tell(t, w);
	random_bytes(&dice, sizeof(dice));
	w->back_off_ms = w->back_off_ms ? w->back_off_ms * 2 : BACK_OFF_FIRST_MS;
	if (w->back_off_ms > BACK_OFF_MOST_MS)
		w->back_off_ms = BACK_OFF_MOST_MS;
	int64_t fifth = w->back_off_ms / 5;
	w->open_at = clock_monotonic_ms() + w->back_off_ms - fifth + (int64_t)(dice % (uint32_t)(2 * fifth + 1));
}

static enum err opening_row(struct task *t, const struct watcher *w, const struct directory_config *d) {
	struct feed_row *f = NULL;
	struct str kind = str_of(feed_name(d));
	int64_t now = clock_wall_ms();
	TRY(row_load(t, w, &f));
	if (!str_eq(f->kind, kind))
		f->cookie = STR("");
	f->kind = kind;
	f->pass_at = now > f->pass_at ? now : f->pass_at + 1; /* batch.whole counts from here */
	if (f->state == FEED_FOLLOWING)
		f->state = FEED_STARTING;
	return feeds_put(t, f);
}

/* One that was stopped tells everything anew: what was not there must be told as such again. */
static enum err watcher_open(struct task *t, struct watcher *w, const struct directory_config *d) {
	struct feed_row *f = NULL;
	TRY(store_begin(t));
	TRY(store_end(t, opening_row(t, w, d)));
	TRY(row_load(t, w, &f));
	w->reconciled_at = f->reconciled_at;
	mirror_groups_changed(w->realm, d, f->groups_at);
	t->deadline = clock_monotonic_ms() + PASS_MS;
	return feed_open(t, d, held(f) ? STR("") : f->cookie, &w->feed);
}

/* ---- following ---- */

static void watcher_stopped(struct task *t, struct watcher *w, const struct directory_config *d, struct str why) {
	close_feed(w);
	mirror_unheard(w->realm, d);
	w->stopped = true;
	w->open_at = clock_monotonic_ms() + STOPPED_MS;
	watcher_log(LEVEL_ERROR, t, "feed.stopped", w, why);
}

static void watcher_heard(struct task *t, struct watcher *w, const struct directory_config *d) {
	mirror_heard(w->realm, d);
	fresh_set(w, true);
	w->back_off_ms = w->failing_since = 0;
	if (!w->following)
		watcher_log(LEVEL_INFO, t, "feed.following", w, str_of(feed_name(d)));
	w->following = true;
}

static bool worth_a_row(const struct watcher *w, const struct feed_batch *b) {
	return b->n || !str_absent(b->cookie) || b->restarted || b->whole ||
	       (b->current && (!w->following || clock_monotonic_ms() - w->written_at >= ROW_EVERY_MS));
}

static bool tells_places(const struct feed_batch *b) {
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].subject == FEED_PLACE)
			return true;
	return false;
}

static enum err watcher_apply(
	struct task *t, struct watcher *w, const struct directory_config *d, const struct feed_batch *b) {
	struct feed_row *f = NULL;
	t->deadline = clock_monotonic_ms() + TASK_JOB_MS;
	TRY(row_load(t, w, &f));
	TRY(inbound_apply(t, d, b, f));
	w->written_at = clock_monotonic_ms();
	w->reconciled_at = f->reconciled_at;
	w->moved = w->moved || tells_places(b);
	if (b->whole && f->state == FEED_STOPPED)
		watcher_stopped(t, w, d, f->detail);
	else if (b->current && f->state == FEED_FOLLOWING)
		watcher_heard(t, w, d);
	return OK;
}

/* A first pass over many entries would hold the store's writers and a core as long as it lasts: most of the time is
 * left to logins. The server waits too, since what it sends is not read meanwhile. */
static enum err watcher_pass(
	struct task *t, struct watcher *w, const struct directory_config *d, const struct feed_batch *b) {
	int64_t began = clock_monotonic_ms();
	TRY(watcher_apply(t, w, d, b));
	if (!w->following && b->n)
		watch_wait(PASS_REST * (clock_monotonic_ms() - began));
	return OK;
}

static enum err watcher_follow(struct task *t, struct watcher *w, const struct directory_config *d) {
	struct feed_batch b = {0};
	t->deadline = clock_monotonic_ms() + PASS_MS;
	TRY(feed_next(t, w->feed, w->reconcile.arena ? 0 : WAIT_MS, &b));
	if (worth_a_row(w, &b))
		return w->following ? watcher_apply(t, w, d, &b) : watcher_pass(t, w, d, &b);
	if (b.current && w->following)
		watcher_heard(t, w, d);
	return OK;
}

/* ---- the full compare ---- */

/* Each directory at a minute of its own. */
static int minute_of(const struct watcher *w) {
	uint8_t hash[HASH_SIZE];
	sha256_into(hash, w->directory);
	uint8_t minute = hash[0];
	sha256_into(hash, w->realm);
	return (minute + hash[0]) % 60;
}

static bool reconcile_is_due(const struct watcher *w) {
	int64_t now = clock_wall_ms();
	time_t seconds = (time_t)(now / 1000);
	struct tm local = {0};
	if (clock_monotonic_ms() < w->reconcile_at)
		return false;
	if (!w->reconciled_at)
		return true;
	localtime_r(&seconds, &local);
	return local.tm_hour == RECONCILE_HOUR && local.tm_min >= minute_of(w) &&
	       now - w->reconciled_at >= RECONCILE_MS;
}

static void reconcile_log(struct task *t, const struct watcher *w, enum err e) {
	const struct drift *x = &w->reconcile.drift;
	log_event(e == ERR_REFUSED ? LEVEL_ERROR
		  : e              ? LEVEL_WARNING
				   : LEVEL_INFO,
		t, e ? "feed.unreconciled" : "feed.reconciled", LOG_TEXT("directory", w->directory),
		LOG_NUMBER("looked", x->looked), LOG_NUMBER("changed", x->changed), LOG_NUMBER("gone", x->gone),
		LOG_NUMBER("failed", x->failed), LOG_TEXT("detail", t->failure_detail));
}

/* Where a container was moved meanwhile, those that were looked at before are to be looked at again. */
static enum err reconciled_write(struct task *t, struct watcher *w) {
	struct feed_row *f = NULL;
	TRY(row_load(t, w, &f));
	f->reconciled_at = w->reconciled_at = w->moved ? 0 : clock_wall_ms();
	return feeds_put(t, f);
}

static void reconcile_over(struct task *t, struct watcher *w, enum err e) {
	reconcile_log(t, w, e);
	task_clear(t);
	reconcile_free(&w->reconcile);
	w->reconcile_at = clock_monotonic_ms() + RECONCILE_LATER;
	if (e && e != ERR_REFUSED)
		return; /* again, later */
	e = store_begin(t);
	if (!e)
		e = store_end(t, reconciled_write(t, w));
	if (e)
		log_failure(t, "feed.unreconciled");
}

static void watcher_reconcile(struct task *t, struct watcher *w, const struct directory_config *d) {
	struct reconcile *r = &w->reconcile;
	if (!r->arena && !reconcile_is_due(w))
		return;
	if (!r->arena) {
		reconcile_begin(r);
		w->moved = false;
	}
	t->deadline = clock_monotonic_ms() + TASK_JOB_MS;
	enum err e = reconcile_page(t, d, r);
	if (!e && !r->looked)
		return;
	if (!e)
		e = reconcile_end(t, d, r);
	reconcile_over(t, w, e);
}

/* ---- threads ---- */

static const struct directory_config *watcher_task(struct watcher *w, struct task *t) {
	arena_wipe(w->arena);
	task_begin(t, w->arena, w->handles, WAIT_MS + TASK_PAGE_MS);
	t->over = &watch.stopping;
	t->config = watch.settings.config_now();
	t->actor = STR("feed");
	t->realm_name = w->realm;
	t->realm = config_realm(t->config, w->realm);
	if (w->config && w->config != t->config)
		handles_close_all(w->handles);
	w->config = t->config;
	return t->realm ? realm_directory(t->realm, w->directory) : NULL;
}

static bool accepted(struct task *t, struct watcher *w) {
	struct feed_row *f = NULL;
	return !feeds_find(t, w->directory, &f) && f->state == FEED_ACCEPTED;
}

static void watcher_once(struct task *t, struct watcher *w, const struct directory_config *d) {
	if (!w->feed && clock_monotonic_ms() < w->open_at && !(w->stopped && accepted(t, w))) {
		int64_t left = w->open_at - clock_monotonic_ms();
		watch_wait(w->stopped && left > WAIT_MS ? WAIT_MS : left > 0 ? left : 1);
		return;
	}
	w->stopped = false;
	enum err e = w->feed ? watcher_follow(t, w, d) : watcher_open(t, w, d);
	if (e && !watch_stopping())
		watcher_failed(t, w);
	else if (!e && w->following)
		watcher_reconcile(t, w, d);
}

static void *watcher_main(void *what) {
	struct watcher *w = what;
	struct task t;
	while (!watch_stopping()) {
		const struct directory_config *d = watcher_task(w, &t);
		w->last = d ? d : w->last;
		if (d)
			watcher_once(&t, w, d);
		else
			watch_wait(WAIT_MS); /* taken out of the configuration: watch_reload comes */
	}
	close_feed(w);
	if (w->last)
		mirror_unheard(w->realm, w->last);
	reconcile_free(&w->reconcile);
	handles_free(w->handles);
	arena_free(w->arena);
	return NULL;
}

static enum err watcher_start(struct watcher *w, struct str realm, const struct directory_config *d) {
	pthread_attr_t attributes;
	*w = (struct watcher){.realm = realm, .directory = d->id, .arena = arena_new(), .handles = handles_new()};
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 512 * 1024);
	int failed = pthread_create(&w->thread, &attributes, watcher_main, w);
	pthread_attr_destroy(&attributes);
	if (!failed)
		return OK;
	handles_free(w->handles);
	arena_free(w->arena);
	return ERR_INTERNAL;
}

static bool is_followed(const struct directory_config *d) {
	return d->feed != FEED_OFF && strcmp(feed_name(d), "off") != 0;
}

static size_t count_followed(const struct config *c) {
	size_t n = 0;
	for (size_t i = 0; i < c->n_realms; i++)
		for (size_t k = 0; k < c->realms[i].n_directories; k++)
			n += is_followed(&c->realms[i].directories[k]);
	return n;
}

static enum err start_all(const struct config *c) {
	for (size_t i = 0; i < c->n_realms; i++)
		for (size_t k = 0; k < c->realms[i].n_directories; k++) {
			const struct directory_config *d = &c->realms[i].directories[k];
			if (!is_followed(d))
				continue;
			TRY(watcher_start(&watch.v[watch.n], c->realms[i].id, d));
			watch.n++;
		}
	return OK;
}

enum err watch_start(const struct watch_settings *s) {
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&watch.end, &monotonic);
	pthread_condattr_destroy(&monotonic);
	watch.settings = *s;
	watch.stopping = false;
	const struct config *c = s->config_now();
	size_t n = count_followed(c);
	watch.v = calloc(n ? n : 1, sizeof(*watch.v));
	if (!watch.v)
		abort();
	metric_set(METRIC_FEEDS, 0, (int64_t)n);
	return start_all(c);
}

void watch_stop(void) {
	pthread_mutex_lock(&watch.lock);
	watch.stopping = true;
	if (watch.v)
		pthread_cond_broadcast(&watch.end);
	pthread_mutex_unlock(&watch.lock);
	for (size_t i = 0; i < watch.n; i++)
		pthread_join(watch.v[i].thread, NULL);
	if (watch.v)
		pthread_cond_destroy(&watch.end);
	free(watch.v);
	watch.v = NULL;
	watch.n = 0;
}

void watch_reload(void) {
	const struct watch_settings settings = watch.settings;
	watch_stop();
	if (watch_start(&settings))
		log_event(LEVEL_ERROR, NULL, "feed.failing", LOG_TEXT("detail", STR("no thread can be made")));
}
