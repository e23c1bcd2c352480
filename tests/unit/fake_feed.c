/* A feed in memory: fake_feed.h. */
#include "tests/unit/fake_feed.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake_feed fake_feed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct feed {
	const struct directory_config *directory;
	bool all; /* to be told */
};

void fake_feed_reset(void) {
	memset(&fake_feed, 0, sizeof(fake_feed));
	fake_feed.least_left = INT64_MAX;
}

void fake_feed_lock(void) {
	pthread_mutex_lock(&lock);
}

void fake_feed_unlock(void) {
	pthread_mutex_unlock(&lock);
}

static void tell(enum feed_change_kind kind, enum feed_subject subject, const char *id) {
	if (fake_feed.n == FAKE_TOLD)
		abort();
	struct fake_told *told = &fake_feed.told[fake_feed.n++];
	*told = (struct fake_told){kind, subject, ""};
	snprintf(told->id, sizeof(told->id), "%s", id);
}

void fake_feed_tell(enum feed_change_kind kind, enum feed_subject subject, const char *id) {
	fake_feed_lock();
	tell(kind, subject, id);
	fake_feed_unlock();
}

const char *feed_name(const struct directory_config *d) {
	return d->feed == FEED_OFF ? "off" : d->feed == FEED_USN ? "usn" : "poll";
}

/* Under the lock. */
static void note_left(const struct task *t) {
	int64_t left = task_left_ms(t);
	fake_feed.least_left = left < fake_feed.least_left ? left : fake_feed.least_left;
}

static enum err open_now(struct task *t, struct str cookie) {
	fake_feed.opens++;
	note_left(t);
	if (fake_feed.broken)
		return task_fail(t, ERR_UNAVAILABLE, "fake feed: broken");
	if (fake_feed.refuses)
		return task_fail(t, fake_feed.refuses, "fake feed: refused");
	snprintf(fake_feed.opened_with, sizeof(fake_feed.opened_with), "%.*s", FMT(cookie));
	return OK;
}

enum err feed_open(struct task *t, const struct directory_config *d, struct str cookie, struct feed **ret) {
	fake_feed_lock();
	enum err e = open_now(t, cookie);
	fake_feed_unlock();
	TRY(e);
	struct feed *f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	f->directory = d;
	f->all = str_empty(cookie);
	*ret = f;
	return OK;
}

/* Under the lock: what is to be told goes into the batch. */
static void take(struct task *t, struct feed *f, struct feed_batch *b, struct fake_told *told) {
	if (f->all && !fake_feed.empty)
		for (size_t i = 0; i < fake.n_people; i++)
			if (!fake.people[i].gone)
				tell(FEED_CHANGED, FEED_PERSON, fake.people[i].id);
	b->restarted = b->whole = f->all;
	f->all = false;
	b->n = fake_feed.n;
	memcpy(told, fake_feed.told, sizeof(fake_feed.told));
	fake_feed.n = 0;
	if (b->n || b->whole)
		b->cookie = str_printf(t->arena, "cookie-%zu", ++fake_feed.cookies);
}

static enum err changes(struct task *t, const struct feed *f, struct feed_batch *b, const struct fake_told *told) {
	b->v = arena_array(t->arena, struct feed_change, b->n ? b->n : 1);
	for (size_t i = 0; i < b->n; i++) {
		b->v[i] = (struct feed_change){
			told[i].kind, told[i].subject, str_dup(t->arena, str_of(told[i].id)), NULL};
		if (told[i].kind == FEED_CHANGED && told[i].subject == FEED_PERSON)
			TRY(directory_find_id(t, f->directory, b->v[i].stable_id, &b->v[i].entry));
	}
	return OK;
}

enum err feed_next(struct task *t, struct feed *f, int64_t wait_ms, struct feed_batch *ret) {
	struct feed_batch b = {.controller = STR("ldap://fake")};
	struct fake_told told[FAKE_TOLD];
	fake_feed_lock();
	fake_feed.nexts++;
	note_left(t);
	bool broken = fake_feed.broken, silent = fake_feed.silent, endless = fake_feed.endless;
	if (!broken && !silent)
		take(t, f, &b, told);
	fake_feed_unlock();
	while (endless && !(t->over && *t->over))
		usleep(2000);
	if (broken || endless)
		return task_fail(t, ERR_UNAVAILABLE, "fake feed: broken");
	b.current = !silent;
	if (!b.n && wait_ms)
		usleep(2000);
	TRY(changes(t, f, &b, told));
	*ret = b;
	return OK;
}

void feed_close(struct feed *f) {
	fake_feed_lock();
	fake_feed.closes++;
	fake_feed_unlock();
	free(f);
}
