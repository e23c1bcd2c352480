/* limits: what the machine and the libraries can do at best.
 *
 *   limits http PORT BYTES [ALG]         a bare libmicrohttpd answer of so many bytes, until it is ended; ALG: and a
 *                                        signature for each
 *   limits sign RS256|ES256 SECONDS      signatures in one thread: per_cpu_s=
 *   limits commits FOLDER SECONDS        durable commits of SQLite one by one, and syncs of a file: per_s= syncs_per_s=
 *   limits bind|searchbind|search|add|addmember NAME=VALUE...   on pooled connections: per_s= and cpu_us= of
 *                                        directory=PID each; make=active_directory for its names, rate= for so many a
 *                                        second, addmember: and into group=DN
 */
#include <fcntl.h>
#include <ldap.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "group_cpu.h"

#define THREADS_MOST 64
#define SECONDS_MOST 60

static _Noreturn void die(const char *what, const char *why) {
	fprintf(stderr, "limits: %s: %s\n", what, why);
	exit(1);
}

static double now_s(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds_read(const char *text) {
	double s = strtod(text, NULL);
	if (s <= 0 || s > SECONDS_MOST)
		die("seconds", text);
	return s;
}

/* ---- signatures ---- */
static EVP_PKEY *key;

static void key_make(const char *alg) {
	key = !strcmp(alg, "RS256") ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (!key)
		die("sign", alg);
}

/* As a program does that signs often: with a context of each thread, prepared once, and a key of its own. */
static void signed_once(void) {
	static const unsigned char input[300];
	static _Thread_local EVP_MD_CTX *first, *work;
	unsigned char signature[512];
	size_t n = sizeof(signature);
	if (!first) {
		first = EVP_MD_CTX_new();
		work = EVP_MD_CTX_new();
		if (!first || !work || EVP_DigestSignInit(first, NULL, EVP_sha256(), NULL, EVP_PKEY_dup(key)) != 1)
			die("sign", "no context");
	}
	bool ready = EVP_MD_CTX_copy_ex(work, first) == 1;
	EVP_MD_CTX_set_flags(work, EVP_MD_CTX_FLAG_FINALISE); /* it need not be copied once more to end */
	if (!ready || EVP_DigestSign(work, signature, &n, input, sizeof(input)) != 1)
		die("sign", "no signature");
}

static int sign(const char *alg, double seconds) {
	long done = 0;
	key_make(alg);
	double cpu = now_s(CLOCK_THREAD_CPUTIME_ID), end = now_s(CLOCK_MONOTONIC) + seconds;
	for (; now_s(CLOCK_MONOTONIC) < end; done++)
		signed_once();
	printf("per_cpu_s=%.0f\n", (double)done / (now_s(CLOCK_THREAD_CPUTIME_ID) - cpu));
	return 0;
}

/* ---- HTTP ---- */
static enum MHD_Result answer(void *cls, struct MHD_Connection *c, const char *url, const char *method,
	const char *version, const char *data, size_t *n, void **slot) {
	static int begun;
	(void)url;
	(void)method;
	(void)version;
	(void)data;
	if (!*slot || *n) { /* its head, or a part of its body */
		*slot = &begun;
		*n = 0;
		return MHD_YES;
	}
	if (key)
		signed_once();
	return MHD_queue_response(c, MHD_HTTP_OK, cls);
}

/* The headers of usherd's answer, so that as many bytes leave. */
static struct MHD_Response *response_new(size_t bytes) {
	static const char *const headers[][2] = {
		{"Content-Type", "application/json"},
		{"Cache-Control", "public, max-age=300"},
		{"Access-Control-Allow-Origin", "*"},
		{"Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After"},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
	};
	char *body = calloc(1, bytes + 1);
	if (!body)
		abort();
	memset(body, 'x', bytes);
	struct MHD_Response *r = MHD_create_response_from_buffer(bytes, body, MHD_RESPMEM_MUST_FREE);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		MHD_add_response_header(r, headers[i][0], headers[i][1]);
	return r;
}

static int http(const char *port, const char *bytes, const char *alg) {
	const struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (alg)
		key_make(alg);
	if (!MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, answer,
		    response_new(strtoul(bytes, NULL, 10)), MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_THREAD_POOL_SIZE, 2u,
		    MHD_OPTION_CONNECTION_LIMIT, 1024u, MHD_OPTION_CONNECTION_TIMEOUT, 75u, MHD_OPTION_END))
		die("http", port);
	pause();
	return 0;
}

/* ---- commits ---- */
static void sql(sqlite3 *db, const char *text) {
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		die(text, sqlite3_errmsg(db));
}

static double commits(const char *path, double seconds) {
	sqlite3 *db = NULL;
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die(path, "does not open");
	sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
		"CREATE TABLE row (key BLOB PRIMARY KEY, value TEXT) WITHOUT ROWID");
	double end = now_s(CLOCK_MONOTONIC) + seconds;
	long done = 0;
	for (; now_s(CLOCK_MONOTONIC) < end; done++)
		sql(db, "INSERT INTO row VALUES (randomblob(32), hex(randomblob(150)))");
	sqlite3_close(db);
	return (double)done / seconds;
}

static double syncs(const char *path, double seconds) {
	static const char page[4096];
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	double end = now_s(CLOCK_MONOTONIC) + seconds;
	long done = 0;
	for (; fd >= 0 && now_s(CLOCK_MONOTONIC) < end; done++)
		if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page) || fdatasync(fd))
			die(path, "write");
	close(fd);
	return (double)done / seconds;
}

static int disk(const char *folder, double seconds) {
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[4096], file[4200];
	snprintf(path, sizeof(path), "%s/limit.db", folder);
	double per_s = commits(path, seconds);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		snprintf(file, sizeof(file), "%s%s", path, ends[i]);
		unlink(file);
	}
	printf("per_s=%.0f\nsyncs_per_s=%.0f\n", per_s, syncs(path, seconds));
	unlink(path);
	return 0;
}

/* ---- the directory ---- */
static struct {
	const char *uri, *ca, *service, *secret, *people, *logins, *password, *n_logins, *threads, *seconds, *directory,
		*rate, *group, *make;
} o = {.n_logins = "1", .threads = "8", .seconds = "3", .directory = "0", .rate = "0", .group = "", .make = "openldap"};
static const struct {
	const char *name, **value;
} names[] = {
	{"uri", &o.uri},
	{"ca", &o.ca},
	{"service", &o.service},
	{"secret", &o.secret},
	{"people", &o.people},
	{"logins", &o.logins},
	{"password", &o.password},
	{"n_logins", &o.n_logins},
	{"threads", &o.threads},
	{"seconds", &o.seconds},
	{"directory", &o.directory},
	{"rate", &o.rate},
	{"group", &o.group},
	{"make", &o.make},
};

/* What names a person, and how one is found and added: as the drivers of usherd do it. */
static const struct make {
	const char *name, *rdn, *class, *filter, *disabled;
} makes[] = {
	{"openldap", "uid", "inetOrgPerson", "(&(objectClass=inetOrgPerson)(|(uid=%s)(mail=%s)))", NULL},
	{"active_directory", "cn", "user",
		"(&(objectCategory=person)(objectClass=user)(|(sAMAccountName=%s)(userPrincipalName=%s)))", "514"},
};
static const struct make *make = &makes[0];

enum work { BIND = 1, SEARCH = 2, ADD = 4, MEMBER = 8 };
static unsigned work;
static double began_s, end_s, rate;
static time_t began_wall;
static atomic_ulong turns;

static void options_read(char **texts) {
	for (; *texts; texts++) {
		size_t n = strcspn(*texts, "="), i = 0;
		while (i < sizeof(names) / sizeof(*names) &&
			(strlen(names[i].name) != n || strncmp(names[i].name, *texts, n)))
			i++;
		if (i == sizeof(names) / sizeof(*names) || !(*texts)[n])
			die(*texts, "no option");
		*names[i].value = *texts + n + 1;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!*names[i].value)
			die(names[i].name, "is missing");
	size_t i = 0;
	while (i < sizeof(makes) / sizeof(*makes) && strcmp(makes[i].name, o.make))
		i++;
	if (i == sizeof(makes) / sizeof(*makes))
		die(o.make, "no make");
	make = &makes[i];
}

static void bound(LDAP *l, const char *dn, const char *password) {
	struct berval secret = {strlen(password), (char *)(uintptr_t)password};
	int e = ldap_sasl_bind_s(l, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
	if (e)
		die(dn, ldap_err2string(e));
}

static LDAP *opened(void) {
	LDAP *l = NULL;
	int version = LDAP_VERSION3;
	if (ldap_initialize(&l, o.uri))
		die("uri", o.uri);
	ldap_set_option(l, LDAP_OPT_PROTOCOL_VERSION, &version);
	return l;
}

static void searched(LDAP *l, const char *login) {
	static char *attributes[] = {"*", "memberOf", "entryUUID", "pwdAccountLockedTime", NULL};
	char filter[256];
	LDAPMessage *found = NULL;
	snprintf(filter, sizeof(filter), make->filter, login, login);
	int e = ldap_search_ext_s(l, o.people, LDAP_SCOPE_SUBTREE, filter, attributes, 0, NULL, NULL, NULL, 2, &found);
	if (e || ldap_count_entries(l, found) != 1)
		die(login, ldap_err2string(e));
	ldap_msgfree(found);
}

/* As a plan of usherd does: the entry disabled, with its names and mail. */
static void added(LDAP *l, const char *dn, const char *name) {
	char mail[160], *login[] = {(char *)(uintptr_t)name, NULL}, *mails[] = {mail, NULL};
	char *classes[] = {(char *)(uintptr_t)make->class, NULL},
	     *control[] = {(char *)(uintptr_t)make->disabled, NULL};
	LDAPMod list[] = {{LDAP_MOD_ADD, "objectClass", {classes}}, {LDAP_MOD_ADD, "cn", {login}},
		{LDAP_MOD_ADD, "sn", {login}}, {LDAP_MOD_ADD, "mail", {mails}},
		{LDAP_MOD_ADD, make->disabled ? "sAMAccountName" : "uid", {login}},
		{LDAP_MOD_ADD, "userAccountControl", {control}}};
	LDAPMod *all[] = {&list[0], &list[1], &list[2], &list[3], &list[4], make->disabled ? &list[5] : NULL, NULL};
	snprintf(mail, sizeof(mail), "%s@added.test", name);
	int e = ldap_add_ext_s(l, dn, all, NULL, NULL);
	if (e)
		die(dn, ldap_err2string(e));
}

static void joined(LDAP *l, const char *dn) {
	char *member[] = {(char *)(uintptr_t)dn, NULL};
	LDAPMod one = {LDAP_MOD_ADD, "member", {member}}, *all[] = {&one, NULL};
	int e = ldap_modify_ext_s(l, o.group, all, NULL, NULL);
	if (e)
		die(o.group, ldap_err2string(e));
}

static void turn_run(LDAP *service, LDAP *passwords, unsigned long turn) {
	char login[64], dn[512];
	if (work & ADD)
		snprintf(login, sizeof(login), "%c%lu-%lu", o.logins[0], (unsigned long)began_wall % 1000000, turn);
	else
		snprintf(login, sizeof(login), "%s%05lu", o.logins, turn % strtoul(o.n_logins, NULL, 10));
	snprintf(dn, sizeof(dn), "%s=%s,%s", make->rdn, login, o.people);
	if (work & SEARCH)
		searched(service, login);
	if (work & BIND)
		bound(passwords, dn, o.password);
	if (work & ADD)
		added(service, dn, login);
	if (work & MEMBER)
		joined(service, dn);
}

/* A server that is asked less often wakes more often for each question: what is compared with a slower program is asked
 * at that one's rate. */
static void turn_await(unsigned long turn) {
	double wait = rate > 0 ? began_s + (double)turn / rate - now_s(CLOCK_MONOTONIC) : 0;
	const struct timespec t = {.tv_sec = (time_t)wait, .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9)};
	if (wait > 0)
		nanosleep(&t, NULL);
}

/* One connection for the service account and one for passwords, as a worker of usherd has them. */
static void *directory_thread(void *argument) {
	LDAP *service = opened(), *passwords = opened();
	bound(service, o.service, o.secret);
	while (now_s(CLOCK_MONOTONIC) < end_s) {
		unsigned long turn = atomic_fetch_add(&turns, 1);
		turn_await(turn);
		turn_run(service, passwords, turn);
	}
	ldap_unbind_ext_s(service, NULL, NULL);
	ldap_unbind_ext_s(passwords, NULL, NULL);
	return argument;
}

static int directory(void) {
	pthread_t threads[THREADS_MOST];
	unsigned long n = strtoul(o.threads, NULL, 10);
	double seconds = seconds_read(o.seconds);
	long pid = strtol(o.directory, NULL, 10);
	ldap_set_option(NULL, LDAP_OPT_X_TLS_CACERTFILE, o.ca);
	if (n < 1 || n > THREADS_MOST)
		die("threads", o.threads);
	rate = strtod(o.rate, NULL);
	began_wall = time(NULL);
	int64_t cpu = group_cpu_us(pid);
	began_s = now_s(CLOCK_MONOTONIC);
	end_s = began_s + seconds;
	for (unsigned long i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, directory_thread, NULL))
			abort();
	for (unsigned long i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	double done = (double)atomic_load(&turns);
	printf("per_s=%.1f\ncpu_us=%.1f\n", done / (now_s(CLOCK_MONOTONIC) - began_s),
		(double)(group_cpu_us(pid) - cpu) / done);
	return 0;
}

int main(int n, char **arguments) {
	static const struct {
		const char *name;
		unsigned work;
	} kinds[] = {{"bind", BIND}, {"search", SEARCH}, {"searchbind", SEARCH | BIND}, {"add", ADD},
		{"addmember", ADD | MEMBER}};
	const char *what = n > 3 ? arguments[1] : "";
	if (!strcmp(what, "http"))
		return http(arguments[2], arguments[3], n > 4 ? arguments[4] : NULL);
	if (!strcmp(what, "sign"))
		return sign(arguments[2], seconds_read(arguments[3]));
	if (!strcmp(what, "commits"))
		return disk(arguments[2], seconds_read(arguments[3]));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, what))
			continue;
		work = kinds[i].work;
		options_read(arguments + 2);
		return directory();
	}
	fprintf(stderr, "usage: limits http|sign|commits|bind|searchbind|search|add|addmember ...\n");
	return 2;
}
