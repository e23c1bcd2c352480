#include "web/health.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/metric.h"
#include "broker/account/account.h"

#define PROBE_EVERY_MS 5000
#define PROBE_HANGS_MS 30000
#define OLD_MS         10000
#define REASONS_MOST   4096u
#define LANE           255u

struct health {
	struct work work; /* first: the work is the health */
	struct pool *pool;
	const struct config *(*config_now)(void);
	pthread_mutex_t lock;
	bool probing, draining, store_ok;
	bool asked;                 /* before that no connection to a directory is opened */
	int64_t begun_ms, known_ms; /* 0: never */
	char reasons[REASONS_MOST];
	size_t n_reasons;
};

/* What is known of the feeds, as they wrote it: nobody is asked. */
static void tell_feeds(struct task *t, struct buf *b) {
	struct feed_row *feeds = NULL;
	size_t n = 0;
	if (feeds_list(t, &feeds, &n))
		task_clear(t);
	for (size_t i = 0; i < n; i++) {
		const struct directory_config *d = realm_directory(t->realm, feeds[i].directory);
		if (d && d->feed != FEED_OFF)
			buf_printf(b, "feed %.*s/%.*s: %s%s\n", FMT(t->realm_name), FMT(d->id),
				feed_state_name(feeds[i].state), mirror_fresh(t->realm_name, d) ? "" : ", not fresh");
	}
}

static void probe_directories(struct task *t, struct buf *b) {
	for (size_t i = 0; i < t->config->n_realms; i++) {
		t->realm = &t->config->realms[i];
		t->realm_name = t->realm->id;
		for (size_t j = 0; j < t->realm->n_directories; j++) {
			const struct directory_config *d = &t->realm->directories[j];
			struct str detail = STR("");
			enum err code = directory_probe(t, d, &detail);
			buf_printf(b, "directory %.*s/%.*s: %s\n", FMT(t->realm_name), FMT(d->id), err_row(code)->name);
			task_clear(t);
		}
		tell_feeds(t, b);
	}
}

static void probe(struct task *t, struct work *work) {
	struct health *h = (struct health *)work;
	struct buf b = buf_new(t->arena, REASONS_MOST);
	t->config = h->config_now();
	enum err code = store_check(t);
	buf_printf(&b, "store: %s\n", err_row(code)->name);
	task_clear(t);
	if (h->asked)
		probe_directories(t, &b);
	pthread_mutex_lock(&h->lock);
	h->probing = false;
	h->store_ok = !code;
	h->known_ms = clock_monotonic_ms();
	h->n_reasons = b.n;
	memcpy(h->reasons, b.p, b.n);
	pthread_mutex_unlock(&h->lock);
}

/* Under the lock. */
static void ask(struct health *h, int64_t now) {
	if (h->probing || h->draining || (h->begun_ms && now - h->begun_ms < PROBE_EVERY_MS))
		return;
	h->work = (struct work){.run = probe, .lane = LANE};
	h->probing = !pool_submit(h->pool, &h->work, TASK_PAGE_MS);
	if (h->probing)
		h->begun_ms = now;
}

struct health *health_new(struct pool *pool, const struct config *(*config_now)(void)) {
	struct health *h = calloc(1, sizeof(*h));
	if (!h)
		abort();
	h->pool = pool;
	h->config_now = config_now;
	pthread_mutex_init(&h->lock, NULL);
	pthread_mutex_lock(&h->lock);
	ask(h, clock_monotonic_ms());
	pthread_mutex_unlock(&h->lock);
	return h;
}

void health_free(struct health *h) {
	free(h);
}

void health_drain(struct health *h) {
	pthread_mutex_lock(&h->lock);
	h->draining = true;
	pthread_mutex_unlock(&h->lock);
}

static void answer_ready(struct health *h, struct task *t, struct response *r) {
	struct buf b = buf_new(t->arena, REASONS_MOST + 256);
	int64_t now = clock_monotonic_ms();
	pthread_mutex_lock(&h->lock);
	if (!h->asked && !h->probing)
		h->begun_ms = 0;
	h->asked |= !h->probing;
	ask(h, now);
	bool known = h->known_ms && !(h->probing && now - h->begun_ms > PROBE_HANGS_MS), draining = h->draining;
	bool ready = known && h->store_ok && !draining;
	buf_put(&b, ready ? STR("ready\n") : STR("not ready\n"));
	buf_put(&b, str_slice(h->reasons, h->n_reasons));
	int64_t age = now - h->known_ms;
	pthread_mutex_unlock(&h->lock);
	if (known && age > OLD_MS)
		buf_printf(&b, "this was found %lld s ago: ask again in a second\n", (long long)(age / 1000));
	if (!known)
		buf_put(&b, STR("workers: no answer yet\n"));
	if (draining)
		buf_put(&b, STR("server: draining\n"));
	response_text(r, ready ? 200 : 503, buf_str(&b));
}

void health_answer(struct health *h, struct task *t, struct str path, struct response *r) {
	if (str_eq(path, STR("/healthz"))) {
		response_text(r, 200, STR("ok\n"));
	} else if (str_eq(path, STR("/readyz"))) {
		answer_ready(h, t, r);
	} else if (str_eq(path, STR("/metrics"))) {
		struct buf b = buf_new(t->arena, LIMIT_RESPONSE);
		metric_render(&b);
		response_text(r, 200, buf_str(&b));
		response_header(r, "Content-Type", STR("text/plain; version=0.0.4; charset=utf-8"));
	} else {
		response_text(r, 404, STR("/healthz, /readyz, /metrics\n"));
	}
}
