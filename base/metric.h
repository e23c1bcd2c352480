/* metric.h: counters, gauges and histograms in Prometheus text form (exposition format 0.0.4).
 *
 * Each metric is a row in metric.c: name, help, type, label. A label value is an index into a fixed list of that row,
 * in the order named below from 0, never text from outside, so the number of series is bounded; an index outside of the
 * list and a negative step of a counter are ignored. A metric without label takes 0. Updates are relaxed atomics. */
#ifndef USHER_BASE_METRIC_H
#define USHER_BASE_METRIC_H

#include "base/buf.h"

enum metric {
	METRIC_REQUESTS,          /* counter, label status class 1xx..5xx (value 1..5) */
	METRIC_REQUEST_SECONDS,   /* histogram, microseconds in */
	METRIC_QUEUE_LENGTH,      /* gauge, label pool: web, jobs */
	METRIC_LOGINS,            /* counter, label result (enum metric_login) */
	METRIC_TOKENS,            /* counter, label grant: authorization_code, refresh_token, client_credentials */
	METRIC_REGISTRATIONS,     /* counter, label: submitted, verified, approved, rejected, provisioned, activated */
	METRIC_JOBS,              /* counter, label result: done, retried, parked */
	METRIC_JOBS_PARKED,       /* gauge */
	METRIC_MAILS,             /* counter, label result: sent, deferred, failed */
	METRIC_DIRECTORY,         /* counter, label result: ok, refused, unavailable, timeout */
	METRIC_DIRECTORY_SECONDS, /* histogram */
	METRIC_STORE_COMMITS,     /* counter */
	METRIC_STORE_SYNCS,       /* counter */
	METRIC_THROTTLED,         /* counter, label: address, mailbox, login, client */
	METRIC_FEEDS,             /* gauge: directories that are followed */
	METRIC_FEEDS_FRESH,       /* gauge: of these, heard of a moment ago */
	METRIC_INBOUND,           /* counter, label result (enum metric_inbound) */
	METRIC_COUNT
};

/* Label values of METRIC_LOGINS. */
enum metric_login {
	METRIC_LOGIN_OK,
	METRIC_LOGIN_CREDENTIALS, /* wrong password, unknown, locked or disabled */
	METRIC_LOGIN_EXPIRED,     /* right password that must be changed first */
	METRIC_LOGIN_FACTOR,      /* a further factor failed */
	METRIC_LOGIN_THROTTLED,
	METRIC_LOGIN_UNAVAILABLE, /* the directory did not answer */
};

/* Label values of METRIC_INBOUND. */
enum metric_inbound {
	METRIC_INBOUND_APPLIED, /* accounts whose mirror row changed */
	METRIC_INBOUND_ENDED,   /* accounts whose sessions and tokens were ended */
};

void metric_add(enum metric m, unsigned label, int64_t by);
void metric_set(enum metric m, unsigned label, int64_t value);
void metric_observe_us(enum metric m, int64_t microseconds);
void metric_render(struct buf *b);
/* For tests: the present value of a counter or gauge. */
int64_t metric_get(enum metric m, unsigned label);

#endif
