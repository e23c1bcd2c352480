#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>

#include "base/aside.h"
#include "base/clock.h"
#include "base/secret.h"
#include "federation/directory/discover.h"
#include "federation/directory/srv.h"

#define KEPT_LEAST_MS 60000
#define KEPT_MOST_MS  3600000
#define AGAIN_MS      10000 /* after a failure, and when nobody answers */
#define NAMES         512u  /* different URIs in the life of the process; beyond it new ones are not taken */
#define RECORDS       64u   /* (domain, site, scheme) */

/* What is known of one (domain, site, scheme). */
struct record {
	char domain[256], site[64];
	enum directory_scheme scheme;
	bool is_catalog;
	bool busy;     /* a thread is at it */
	bool answered; /* once; uris are those of the last good answer */
	const char *uris[URI_MOST];
	size_t n;
	struct srvs drawn;        /* as ordered; hosts are names of ours */
	int64_t asked_at, ask_at; /* monotonic milliseconds */
	char failure[160];        /* of the last time */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct record *records[RECORDS];
static size_t n_records;
static const char *names[NAMES];
static size_t n_names;

/* A text that stays, with the lock held: connections and reports point to it. NULL: there are too many. */
static const char *name_kept(const char *text) {
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(names[i], text) == 0)
			return names[i];
	char *copy = n_names < NAMES ? strdup(text) : NULL;
	if (copy)
		names[n_names++] = copy;
	return copy;
}

/* ---- asking ---- */
static uint32_t draw(uint32_t below) {
	uint32_t n = 0;
	random_bytes(&n, sizeof(n));
	return n % below;
}

/* One question. False: no answer, with *failure; an answer that names nobody is one. */
static bool ask(struct __res_state *resolver, struct arena *a, const char *name, struct str domain, struct srvs *ret,
	const char **failure) {
	unsigned char answer[SRV_ANSWER];
	*ret = (struct srvs){.n = 0, .ttl = 0};
	int n = res_nquery(resolver, name, ns_c_in, ns_t_srv, answer, sizeof(answer));
	if (n < 0) {
		*failure = resolver->res_h_errno == HOST_NOT_FOUND ? "there is no such name"
			   : resolver->res_h_errno == NO_DATA      ? "there is no such record"
								   : "no DNS server answers";
		return resolver->res_h_errno == HOST_NOT_FOUND || resolver->res_h_errno == NO_DATA;
	}
	size_t got = (size_t)n < sizeof(answer) ? (size_t)n : sizeof(answer);
	if (!srv_parse(a, str_slice((const char *)answer, got), domain, ret)) {
		*failure = "an answer that cannot be read";
		return false;
	}
	if (ret->n == 0)
		*failure = "it names no host within the domain";
	return true;
}

static void add_new(struct srvs *all, const struct srvs *more) {
	for (size_t i = 0; i < more->n && all->n < SRV_MOST; i++) {
		bool known = false;
		for (size_t k = 0; k < all->n; k++)
			known = known || str_eq(all->v[k].host, more->v[i].host);
		if (!known)
			all->v[all->n++] = more->v[i];
	}
	if (all->ttl == 0 || (more->n && more->ttl < all->ttl))
		all->ttl = more->ttl;
}

/* Those of the site first, then all others of the domain. */
static bool ask_both(struct arena *a, const struct record *r, struct srvs *ret, const char **failure) {
	struct __res_state resolver = {0};
	struct srvs near = {.n = 0}, all = {.n = 0};
	struct str domain = str_of(r->domain);
	const char *ignored = NULL;
	if (res_ninit(&resolver) != 0) {
		*failure = "/etc/resolv.conf cannot be used";
		return false;
	}
	resolver.retrans = 1;
	resolver.retry = 2;
	if (*r->site)
		(void)ask(&resolver, a, str_printf(a, "_ldap._tcp.%s._sites.dc._msdcs.%s%c", r->site, r->domain, 0).p,
			domain, &near, &ignored);
	bool answered =
		ask(&resolver, a, str_printf(a, "_ldap._tcp.dc._msdcs.%s%c", r->domain, 0).p, domain, &all, failure);
	res_nclose(&resolver);
	srv_order(&near, draw);
	srv_order(&all, draw);
	add_new(&near, &all);
	*ret = near;
	return answered || near.n > 0;
}

/* ---- keeping ---- */
static bool holds(const struct srvs *s, const struct srv *one) {
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].host, one->host) && s->v[i].priority == one->priority &&
			s->v[i].weight == one->weight && s->v[i].port == one->port)
			return true;
	return false;
}

static bool same(const struct srvs *x, const struct srvs *y) {
	for (size_t i = 0; i < x->n; i++)
		if (!holds(y, &x->v[i]))
			return false;
	return x->n == y->n;
}

/* RFC 4516; Active Directory registers the port of ldap:// only, and serves ldaps:// at the one of IANA. */
static const char *uri_of(struct arena *a, const struct record *r, const struct srv *s) {
	if (r->is_catalog) /* MS-ADTS 3.1.1.3.1.10; a controller that has no catalog does not listen there */
		return name_kept(r->scheme == SCHEME_LDAPS ? str_printf(a, "ldaps://%.*s:3269%c", FMT(s->host), 0).p
							   : str_printf(a, "ldap://%.*s:3268%c", FMT(s->host), 0).p);
	if (r->scheme == SCHEME_LDAPS)
		return name_kept(str_printf(a, "ldaps://%.*s%c", FMT(s->host), 0).p);
	if (s->port == 389)
		return name_kept(str_printf(a, "ldap://%.*s%c", FMT(s->host), 0).p);
	return name_kept(str_printf(a, "ldap://%.*s:%u%c", FMT(s->host), s->port, 0).p);
}

static int64_t kept_ms(int64_t ttl) {
	int64_t ms = ttl * 1000;
	return ms < KEPT_LEAST_MS ? KEPT_LEAST_MS : ms > KEPT_MOST_MS ? KEPT_MOST_MS : ms;
}

/* With the lock held. */
static void record_take(struct record *r, struct arena *a, const struct srvs *got) {
	r->ask_at = clock_monotonic_ms() + kept_ms(got->ttl);
	if (r->answered && same(&r->drawn, got))
		return;
	r->drawn.n = r->n = 0;
	for (size_t i = 0; i < got->n; i++) {
		struct srv one = got->v[i];
		const char *uri = r->n < URI_MOST ? uri_of(a, r, &one) : NULL;
		const char *host = name_kept(str_printf(a, "%.*s%c", FMT(one.host), 0).p);
		if (uri)
			r->uris[r->n++] = uri;
		if (!host)
			continue;
		one.host = str_of(host);
		r->drawn.v[r->drawn.n++] = one;
	}
	r->answered = true;
}

static void ask_run(void *arg) {
	struct record *r = arg;
	owned(arena) struct arena *a = arena_new();
	struct srvs got = {.n = 0};
	const char *failure = "";
	bool answered = ask_both(a, r, &got, &failure);
	pthread_mutex_lock(&lock);
	if (answered && got.n > 0) {
		record_take(r, a, &got);
	} else {
		snprintf(r->failure, sizeof(r->failure), "%s", failure);
		r->ask_at = clock_monotonic_ms() + AGAIN_MS;
	}
	r->asked_at = clock_monotonic_ms();
	r->busy = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* With the lock held. */
static void record_ask(struct record *r) {
	r->busy = aside_run(ask_run, r);
}

static bool record_is(const struct record *r, const struct directory_config *d) {
	return str_eq_case(str_of(r->domain), d->domain) && str_eq(str_of(r->site), d->site) &&
	       r->scheme == d->scheme && r->is_catalog == d->is_catalog;
}

static struct record *record_find(const struct directory_config *d) {
	for (size_t i = 0; i < n_records; i++)
		if (record_is(records[i], d))
			return records[i];
	return NULL;
}

/* NULL: there are too many, or a name is too long. */
static struct record *record_of(const struct directory_config *d) {
	struct record *r = record_find(d);
	if (r || n_records == RECORDS || d->domain.n >= sizeof(r->domain) || d->site.n >= sizeof(r->site))
		return r;
	if (!(r = calloc(1, sizeof(*r))))
		abort();
	memcpy(r->domain, d->domain.p, d->domain.n);
	memcpy(r->site, d->site.p, d->site.n);
	r->scheme = d->scheme;
	r->is_catalog = d->is_catalog;
	records[n_records++] = r;
	return r;
}

/* With the lock held: until there is an answer, or none for now, or the time is over. */
static void record_wait(struct record *r, int64_t ms) {
	int64_t until = clock_monotonic_ms() + ms;
	struct timespec end = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
	int rc = 0;
	if (!r->busy && clock_monotonic_ms() >= r->ask_at)
		record_ask(r);
	while (r->busy && !r->answered && rc != ETIMEDOUT)
		rc = pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &end);
}

enum err discover_uris(struct task *t, const struct directory_config *d, struct strs *ret) {
	struct strs list = {NULL, 0};
	struct str failure = STR("too many domains");
	if (str_empty(d->domain)) {
		*ret = (struct strs){d->uris.v, d->uris.n < URI_MOST ? d->uris.n : URI_MOST};
		return OK;
	}
	int64_t left = task_left_ms(t);
	pthread_mutex_lock(&lock);
	struct record *r = record_of(d);
	if (r) {
		record_wait(r, d->network_timeout_ms < left ? d->network_timeout_ms : left);
		for (size_t i = 0; i < r->n; i++)
			strs_add(t->arena, &list, str_of(r->uris[i]));
		failure = str_dup(t->arena, *r->failure ? str_of(r->failure) : STR("no DNS server answers"));
	}
	pthread_mutex_unlock(&lock);
	if (list.n == 0)
		return task_fail(t, ERR_UNAVAILABLE,
			"DNS names no controller of the domain %.*s (SRV _ldap._tcp.dc._msdcs.%.*s): %.*s",
			FMT(d->domain), FMT(d->domain), FMT(failure));
	*ret = list;
	return OK;
}

void discover_again(const struct directory_config *d) {
	pthread_mutex_lock(&lock);
	struct record *r = str_empty(d->domain) ? NULL : record_find(d);
	if (r && !r->busy && clock_monotonic_ms() - r->asked_at >= AGAIN_MS)
		record_ask(r);
	pthread_mutex_unlock(&lock);
}
