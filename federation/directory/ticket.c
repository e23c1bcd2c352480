#if __has_include("build.h")
#include "build.h"
#endif
#ifdef USHER_GSSAPI
#include <krb5/krb5.h> /* before base/banned.h: a field of it has a banned name */
#endif

#include <errno.h>
#include <pthread.h>

#include "base/aside.h"
#include "base/clock.h"
#include "federation/directory/ticket.h"

#ifdef USHER_GSSAPI

#define RECORDS    64      /* beyond it the one that was asked for least lately goes */
#define REFUSED_MS 30000   /* a refusal is not asked for again so long */
#define FAILED_MS  2000    /* nor another failure */
#define ENDING_MS  60000   /* a ticket that ends so soon is none */
#define LIFE_MS    1800000 /* what is taken for the life of a ticket that names none */

enum record_state { RECORD_EMPTY, RECORD_GOOD, RECORD_FAILED };

/* The tickets of one (keytab, principal, host). */
struct record {
	char keytab[1024], principal[256], host[256];
	enum record_state state;
	bool busy;        /* a thread is at it */
	unsigned waiters; /* who are told of it */
	char cache[64], older[64];
	int64_t renew_at, good_until; /* monotonic milliseconds; of RECORD_FAILED: not asked again before good_until */
	int64_t asked_at;
	struct ticket_failure failure;
	char text[256]; /* what the library said */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct record *records[RECORDS];
static size_t n_records;
static unsigned n_caches;

/* ---- what went wrong ---- */
static const struct {
	krb5_error_code code;
	struct ticket_failure failure;
} failures[] = {
	{KRB5_KDC_UNREACH, {ERR_UNAVAILABLE, "no key distribution centre of the realm answers: see krb5.conf, DNS, and "
					     "port 88"}},
	{KRB5_REALM_UNKNOWN,
		{ERR_UNAVAILABLE, "no key distribution centre of the realm is known: name it in krb5.conf, "
				  "or see to its DNS"}},
	{KRB5_REALM_CANT_RESOLVE, {ERR_UNAVAILABLE, "the realm's key distribution centre has no address: see krb5.conf "
						    "and DNS"}},
	{KRB5KRB_AP_ERR_SKEW, {ERR_UNAVAILABLE, "the clocks of this machine and of the controller differ by more than "
						"Kerberos allows (5 minutes): let both follow the same time servers"}},
	{KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, {ERR_CREDENTIALS, "the realm knows no such account: correct principal"}},
	{KRB5KDC_ERR_PREAUTH_FAILED, {ERR_CREDENTIALS, "the key is refused: the account's password was changed after "
						       "the keytab was made; export the keytab again"}},
	{KRB5KRB_AP_ERR_BAD_INTEGRITY, {ERR_CREDENTIALS, "the key is not the account's: its password was changed after "
							 "the keytab was made; export the keytab again"}},
	{KRB5KDC_ERR_CLIENT_REVOKED, {ERR_CREDENTIALS, "the account is disabled or locked: enable it"}},
	{KRB5KDC_ERR_KEY_EXP, {ERR_CREDENTIALS, "the account's password has expired: set it so that it never does, and "
						"export the keytab again"}},
	{KRB5KDC_ERR_ETYPE_NOSUPP, {ERR_CREDENTIALS, "the keytab has no key of a kind that the realm takes: export it "
						     "again with AES keys"}},
	{KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, {ERR_CONFIG, "the realm knows no service ldap/HOST: uris must name the "
						       "controller as its account does (dc1.example.org), by no alias "
						       "and no address"}},
	{KRB5_KT_NOTFOUND, {ERR_CONFIG, "the keytab holds no key of this principal (klist -k shows which it holds)"}},
	{KRB5_KEYTAB_BADVNO, {ERR_CONFIG, "the file is no keytab"}},
	{KRB5_KT_END, {ERR_CONFIG, "the keytab is empty"}},
	{KRB5_KT_IOERR, {ERR_CONFIG, "the keytab cannot be read"}},
	{ENOENT, {ERR_CONFIG, "the keytab does not exist"}},
	{EACCES, {ERR_CONFIG, "the keytab may not be read by this user: mode 0640 and the daemon's group"}},
	{KRB5_PARSE_MALFORMED, {ERR_CONFIG, "principal is not of the form account@REALM"}},
};

struct ticket_failure ticket_failure_of(int32_t code) {
	for (size_t i = 0; i < COUNT(failures); i++)
		if (failures[i].code == code)
			return failures[i].failure;
	return (struct ticket_failure){ERR_UNAVAILABLE, "no ticket"};
}

/* ---- fetching ---- */
struct fetch {
	krb5_context k;
	krb5_principal client, server;
	krb5_keytab keytab;
	krb5_get_init_creds_opt *options;
	krb5_ccache cache;
	krb5_creds granting, *service;
	bool has_granting;
};

/* Looked at first: the request for a ticket would only say that pre-authentication failed. */
static krb5_error_code keytab_check(const struct fetch *f) {
	krb5_keytab_entry entry;
	krb5_error_code e = krb5_kt_get_entry(f->k, f->keytab, f->client, 0, 0, &entry);
	if (e == 0)
		krb5_free_keytab_entry_contents(f->k, &entry);
	return e;
}

static krb5_error_code fetch_granting(struct fetch *f, const struct record *r) {
	char path[sizeof(r->keytab) + 8];
	krb5_error_code e;
	snprintf(path, sizeof(path), "FILE:%s", r->keytab);
	if ((e = krb5_parse_name(f->k, r->principal, &f->client)) || (e = krb5_kt_resolve(f->k, path, &f->keytab)) ||
		(e = keytab_check(f)) || (e = krb5_get_init_creds_opt_alloc(f->k, &f->options)))
		return e;
	e = krb5_get_init_creds_keytab(f->k, &f->granting, f->client, f->keytab, 0, NULL, f->options);
	f->has_granting = e == 0;
	return e;
}

static krb5_error_code fetch_service(struct fetch *f, const struct record *r, const char *cache) {
	krb5_creds wanted = {0};
	krb5_error_code e;
	if ((e = krb5_sname_to_principal(f->k, r->host, "ldap", KRB5_NT_SRV_HST, &f->server)) ||
		(e = krb5_cc_resolve(f->k, cache, &f->cache)) ||
		(e = krb5_cc_initialize(f->k, f->cache, f->granting.client)) ||
		(e = krb5_cc_store_cred(f->k, f->cache, &f->granting)))
		return e;
	wanted.client = f->granting.client;
	wanted.server = f->server;
	return krb5_get_credentials(f->k, 0, f->cache, &wanted, &f->service);
}

static void fetch_end(struct fetch *f, bool failed) {
	krb5_free_principal(f->k, f->client);
	krb5_free_principal(f->k, f->server);
	if (f->keytab)
		krb5_kt_close(f->k, f->keytab);
	if (f->options)
		krb5_get_init_creds_opt_free(f->k, f->options);
	if (f->has_granting)
		krb5_free_cred_contents(f->k, &f->granting);
	krb5_free_creds(f->k, f->service);
	if (f->cache && failed)
		krb5_cc_destroy(f->k, f->cache);
	else if (f->cache)
		krb5_cc_close(f->k, f->cache);
}

static void cache_destroy(krb5_context k, const char *name) {
	krb5_ccache cache = NULL;
	if (*name && krb5_cc_resolve(k, name, &cache) == 0)
		krb5_cc_destroy(k, cache);
}

/* Milliseconds until the earlier of the two ends. */
static int64_t life_ms(const struct fetch *f) {
	krb5_timestamp now = 0, ends = f->granting.times.endtime;
	if (f->service && f->service->times.endtime < ends)
		ends = f->service->times.endtime;
	if (krb5_timeofday(f->k, &now) != 0 || ends <= now)
		return LIFE_MS;
	return (int64_t)(ends - now) * 1000;
}

static void record_failed(struct record *r, krb5_context k, krb5_error_code e) {
	const char *said = k ? krb5_get_error_message(k, e) : "no memory";
	r->failure = ticket_failure_of(e);
	snprintf(r->text, sizeof(r->text), "%s", said);
	if (k)
		krb5_free_error_message(k, said);
	if (r->state == RECORD_GOOD && clock_monotonic_ms() + ENDING_MS < r->good_until) {
		r->renew_at = clock_monotonic_ms() + ENDING_MS; /* those that are there still do */
		return;
	}
	r->state = RECORD_FAILED;
	r->good_until = clock_monotonic_ms() + (r->failure.err == ERR_CREDENTIALS ? REFUSED_MS : FAILED_MS);
}

/* A connection that is being made may still look into the cache before: the one before that goes. */
static void record_got(struct record *r, const struct fetch *f, const char *cache) {
	int64_t life = life_ms(f), now = clock_monotonic_ms();
	char gone[sizeof(r->older)];
	memcpy(gone, r->older, sizeof(gone));
	memcpy(r->older, r->cache, sizeof(r->older));
	snprintf(r->cache, sizeof(r->cache), "%s", cache);
	r->state = RECORD_GOOD;
	r->good_until = now + life - ENDING_MS;
	r->renew_at = now + life / 4 * 3;
	cache_destroy(f->k, gone);
}

static void fetch_run(void *arg) {
	struct record *r = arg;
	struct fetch f = {0};
	char cache[sizeof(r->cache)];
	pthread_mutex_lock(&lock);
	snprintf(cache, sizeof(cache), "MEMORY:usher-%u", n_caches++);
	pthread_mutex_unlock(&lock);
	krb5_error_code e = krb5_init_context(&f.k);
	if (e == 0 && (e = fetch_granting(&f, r)) == 0)
		e = fetch_service(&f, r, cache);
	pthread_mutex_lock(&lock);
	if (e)
		record_failed(r, f.k, e);
	else
		record_got(r, &f, cache);
	r->busy = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	if (f.k) {
		fetch_end(&f, e != 0);
		krb5_free_context(f.k);
	}
}

/* With the lock held. */
static void record_fetch(struct record *r) {
	r->busy = aside_run(fetch_run, r);
}

/* ---- holding ---- */
static bool record_is(const struct record *r, const struct ticket_want *w) {
	return str_eq(str_of(r->keytab), w->keytab) && str_eq(str_of(r->principal), w->principal) &&
	       str_eq_case(str_of(r->host), w->host);
}

static struct record *record_find(const struct ticket_want *w) {
	for (size_t i = 0; i < n_records; i++)
		if (record_is(records[i], w))
			return records[i];
	return NULL;
}

static struct record *record_oldest(void) {
	struct record *oldest = NULL;
	for (size_t i = 0; i < n_records; i++)
		if (!records[i]->busy && records[i]->waiters == 0 &&
			(!oldest || records[i]->asked_at < oldest->asked_at))
			oldest = records[i];
	return oldest;
}

static bool record_name(struct record *r, const struct ticket_want *w) {
	struct str parts[] = {w->keytab, w->principal, w->host};
	char *to[] = {r->keytab, r->principal, r->host};
	size_t sizes[] = {sizeof(r->keytab), sizeof(r->principal), sizeof(r->host)};
	for (size_t i = 0; i < COUNT(parts); i++) {
		if (str_empty(parts[i]) || parts[i].n >= sizes[i] || memchr(parts[i].p, '\0', parts[i].n))
			return false;
		memcpy(to[i], parts[i].p, parts[i].n);
		to[i][parts[i].n] = 0;
	}
	return true;
}

/* NULL: what is wanted cannot be said, or there are too many under way. */
static struct record *record_of(const struct ticket_want *w) {
	struct record *r = record_find(w), new = {.state = RECORD_EMPTY};
	if (r || !record_name(&new, w))
		return r;
	if (n_records < RECORDS && (r = calloc(1, sizeof(*r))))
		records[n_records++] = r;
	else
		r = record_oldest();
	if (r)
		*r = new;
	return r;
}

static bool record_good(const struct record *r, int64_t now) {
	return r->state == RECORD_GOOD && now < r->good_until;
}

static bool record_stands(const struct record *r, int64_t now) {
	return record_good(r, now) || (r->state == RECORD_FAILED && now < r->good_until);
}

static struct timespec at_ms(int64_t ms) {
	return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

/* With the lock held: until there is something to tell, or the time is over. */
static void record_wait(struct record *r, int64_t until) {
	struct timespec end = at_ms(until);
	int rc = 0;
	while (!record_stands(r, clock_monotonic_ms()) && rc != ETIMEDOUT) {
		if (!r->busy)
			record_fetch(r);
		if (!r->busy)
			return;
		rc = pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &end);
	}
}

static enum err tell(struct task *t, const struct record *r, const struct ticket_want *w) {
	if (r->state != RECORD_FAILED)
		return task_fail(t, ERR_UNAVAILABLE,
			"no Kerberos ticket for %.*s in time: no key distribution centre answers; see krb5.conf and "
			"port 88",
			FMT(w->principal));
	return task_fail(t, r->failure.err, "no Kerberos ticket for %.*s (keytab %.*s, host %.*s): %s (%s)",
		FMT(w->principal), FMT(w->keytab), FMT(w->host), r->failure.advice, r->text);
}

enum err ticket_get(struct task *t, const struct ticket_want *want, int64_t ms, const char **ret_cache) {
	int64_t until = clock_monotonic_ms() + ms;
	enum err e = OK;
	pthread_mutex_lock(&lock);
	struct record *r = record_of(want);
	if (r) {
		r->asked_at = clock_monotonic_ms();
		r->waiters++;
		record_wait(r, until);
		r->waiters--;
		bool good = record_good(r, clock_monotonic_ms());
		if (good && !r->busy && clock_monotonic_ms() >= r->renew_at)
			record_fetch(r);
		if (good)
			*ret_cache = str_printf(t->arena, "%s%c", r->cache, 0).p;
		else
			e = tell(t, r, want);
	}
	pthread_mutex_unlock(&lock);
	return r ? e : task_fail(t, ERR_CONFIG, "keytab, principal or the host's name is empty or too long");
}

void ticket_forget(const struct ticket_want *want) {
	pthread_mutex_lock(&lock);
	struct record *r = record_find(want);
	if (r && r->state == RECORD_GOOD)
		r->state = RECORD_EMPTY;
	pthread_mutex_unlock(&lock);
}

bool ticket_built(void) {
	return true;
}

#else

enum err ticket_get(struct task *t, const struct ticket_want *want, int64_t ms, const char **ret_cache) {
	(void)want, (void)ms, (void)ret_cache;
	return task_fail(t, ERR_CONFIG, "bind: gssapi needs a program that was built with Kerberos (--with-gssapi)");
}

void ticket_forget(const struct ticket_want *want) {
	(void)want;
}

struct ticket_failure ticket_failure_of(int32_t code) {
	(void)code;
	return (struct ticket_failure){ERR_CONFIG, "built without Kerberos"};
}

bool ticket_built(void) {
	return false;
}

#endif
