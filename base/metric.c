#include <inttypes.h>
#include <stdatomic.h>

#include "base/metric.h"

#define LABELS_MOST 8u
#define BUCKETS     14u

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const struct row {
	const char *name, *help;
	enum kind kind;
	const char *label; /* NULL: one series */
	const char *values[LABELS_MOST];
} rows[METRIC_COUNT] = {
	[METRIC_REQUESTS] = {"usher_requests_total", "HTTP requests answered, by status class.", COUNTER, "class",
		{NULL, "1xx", "2xx", "3xx", "4xx", "5xx"}},
	[METRIC_REQUEST_SECONDS] = {"usher_request_seconds", "Time from request to answer.", HISTOGRAM, NULL, {NULL}},
	[METRIC_QUEUE_LENGTH] = {"usher_queue_length", "Tasks that wait for a worker, by pool.", GAUGE, "pool",
		{"web", "jobs"}},
	[METRIC_LOGINS] = {"usher_logins_total", "Login attempts, by result.", COUNTER, "result",
		{[METRIC_LOGIN_OK] = "ok",
			[METRIC_LOGIN_CREDENTIALS] = "credentials",
			[METRIC_LOGIN_EXPIRED] = "expired",
			[METRIC_LOGIN_FACTOR] = "factor",
			[METRIC_LOGIN_THROTTLED] = "throttled",
			[METRIC_LOGIN_UNAVAILABLE] = "unavailable"}},
	[METRIC_TOKENS] = {"usher_tokens_total", "Token answers issued, by grant.", COUNTER, "grant",
		{"authorization_code", "refresh_token", "client_credentials"}},
	[METRIC_REGISTRATIONS] = {"usher_registrations_total", "Registrations, by event.", COUNTER, "event",
		{"submitted", "verified", "approved", "rejected", "provisioned", "activated"}},
	[METRIC_JOBS] = {"usher_jobs_total", "Runs of jobs, by result.", COUNTER, "result",
		{"done", "retried", "parked"}},
	[METRIC_JOBS_PARKED] = {"usher_jobs_parked", "Jobs that wait for an operator.", GAUGE, NULL, {NULL}},
	[METRIC_MAILS] = {"usher_mails_total", "Mails, by result.", COUNTER, "result", {"sent", "deferred", "failed"}},
	[METRIC_DIRECTORY] = {"usher_directory_operations_total", "Directory operations, by result.", COUNTER, "result",
		{"ok", "refused", "unavailable", "timeout"}},
	[METRIC_DIRECTORY_SECONDS] = {"usher_directory_seconds", "Time of a directory operation.", HISTOGRAM, NULL,
		{NULL}},
	[METRIC_STORE_COMMITS] = {"usher_store_commits_total", "Transactions committed.", COUNTER, NULL, {NULL}},
	[METRIC_STORE_SYNCS] = {"usher_store_syncs_total", "Times the store was made durable.", COUNTER, NULL, {NULL}},
	[METRIC_THROTTLED] = {"usher_throttled_total", "Requests refused by the throttle, by what was counted.",
		COUNTER, "kind", {"address", "mailbox", "login", "client"}},
	[METRIC_FEEDS] = {"usher_feeds", "Directories whose changes are followed.", GAUGE, NULL, {NULL}},
	[METRIC_FEEDS_FRESH] = {"usher_feeds_fresh", "Directories that were heard of a moment ago.", GAUGE, NULL,
		{NULL}},
	[METRIC_INBOUND] = {"usher_inbound_changes_total",
		"Accounts that a change in the directory concerned, by result.", COUNTER, "result",
		{[METRIC_INBOUND_APPLIED] = "applied", [METRIC_INBOUND_ENDED] = "ended"}},
};

/* Upper bounds; the last takes the rest. */
static const struct bound {
	int64_t us;
	const char *le;
} bounds[BUCKETS] = {
	{500, "0.0005"},
	{1000, "0.001"},
	{2500, "0.0025"},
	{5000, "0.005"},
	{10000, "0.01"},
	{25000, "0.025"},
	{50000, "0.05"},
	{100000, "0.1"},
	{250000, "0.25"},
	{500000, "0.5"},
	{1000000, "1"},
	{2500000, "2.5"},
	{10000000, "10"},
	{INT64_MAX, "+Inf"},
};

/* Metrics that different threads write stand on different cache lines. */
static struct series {
	_Alignas(64) _Atomic int64_t values[LABELS_MOST];
	_Atomic int64_t buckets[BUCKETS];
	_Atomic int64_t sum_us;
} all[METRIC_COUNT];

static int64_t load(const _Atomic int64_t *p) {
	return atomic_load_explicit(p, memory_order_relaxed);
}

static void add(_Atomic int64_t *p, int64_t by) {
	atomic_fetch_add_explicit(p, by, memory_order_relaxed);
}

/* The place of a counter or gauge, or NULL. */
static _Atomic int64_t *place(enum metric m, unsigned label) {
	if ((size_t)m >= METRIC_COUNT || rows[m].kind == HISTOGRAM || label >= LABELS_MOST)
		return NULL;
	bool known = rows[m].label ? rows[m].values[label] != NULL : label == 0;
	return known ? &all[m].values[label] : NULL;
}

void metric_add(enum metric m, unsigned label, int64_t by) {
	_Atomic int64_t *p = place(m, label);
	if (p && (by > 0 || rows[m].kind == GAUGE))
		add(p, by);
}

void metric_set(enum metric m, unsigned label, int64_t value) {
	_Atomic int64_t *p = place(m, label);
	if (p)
		atomic_store_explicit(p, value, memory_order_relaxed);
}

int64_t metric_get(enum metric m, unsigned label) {
	const _Atomic int64_t *p = place(m, label);
	return p ? load(p) : 0;
}

void metric_observe_us(enum metric m, int64_t microseconds) {
	if ((size_t)m >= METRIC_COUNT || rows[m].kind != HISTOGRAM)
		return;
	int64_t us = microseconds > 0 ? microseconds : 0;
	size_t i = 0;
	while (us > bounds[i].us)
		i++;
	add(&all[m].buckets[i], 1);
	add(&all[m].sum_us, us);
}

static void render_histogram(struct buf *b, enum metric m) {
	int64_t count = 0, sum = load(&all[m].sum_us);
	for (size_t i = 0; i < BUCKETS; i++) {
		count += load(&all[m].buckets[i]);
		buf_printf(b, "%s_bucket{le=\"%s\"} %" PRId64 "\n", rows[m].name, bounds[i].le, count);
	}
	buf_printf(b, "%s_sum %" PRId64 ".%06d\n", rows[m].name, sum / 1000000, (int)(sum % 1000000));
	buf_printf(b, "%s_count %" PRId64 "\n", rows[m].name, count);
}

static void render_values(struct buf *b, enum metric m) {
	const struct row *row = &rows[m];
	if (!row->label) {
		buf_printf(b, "%s %" PRId64 "\n", row->name, load(&all[m].values[0]));
		return;
	}
	for (size_t i = 0; i < LABELS_MOST; i++) {
		if (row->values[i])
			buf_printf(b, "%s{%s=\"%s\"} %" PRId64 "\n", row->name, row->label, row->values[i],
				load(&all[m].values[i]));
	}
}

void metric_render(struct buf *b) {
	static const char *const kinds[] = {"counter", "gauge", "histogram"};
	for (size_t m = 0; m < METRIC_COUNT; m++) {
		buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", rows[m].name, rows[m].help, rows[m].name,
			kinds[rows[m].kind]);
		if (rows[m].kind == HISTOGRAM)
			render_histogram(b, (enum metric)m);
		else
			render_values(b, (enum metric)m);
	}
}
