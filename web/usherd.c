/* usherd: the daemon. Starts everything, waits for signals, ends everything. */
#if __has_include("build.h")
#include "build.h"
#endif

#include <errno.h>
#include <getopt.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "broker/runner/runner.h"
#include "broker/sync/sync.h"
#include "federation/directory/directory.h"
#include "web/asset.h"
#include "web/preflight.h"
#include "web/server.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif
#ifndef USHER_SYSCONFDIR
#define USHER_SYSCONFDIR "/etc"
#endif
#define CONFIG_FILE USHER_SYSCONFDIR "/usher/usher.yaml"
#define EXIT_CONFIG 2
#define LOOK_S      2       /* how often the generation of the store is read */
#define REFRESH_MS  3600000 /* retired keys leave the JWKS when their last token has ended */
#define START_MS    60000

static const char usage[] = "usage: usherd [--config FILE] [--check-config]\n"
			    "       usherd --version | --help | --print-schema | --print-sample\n";

/* ---- configuration ---- */
static _Atomic(const struct config *) present; /* never freed: tasks that began keep theirs */

static const struct config *config_now(void) {
	return atomic_load_explicit(&present, memory_order_acquire);
}

static enum err config_read(struct arena *a, const char *path, struct config **ret, struct config_errors *errors) {
	struct config *c;
	enum err code = config_load(a, path, &c, errors);
	if (!c)
		return code;
	directory_check_config(a, c, errors);
	roles_check_config(a, c, errors);
	registrar_check_config(a, c, errors);
	oidc_check_config(a, c, errors);
	if (c->store != STORE_SQLITE)
		config_error_add(
			a, errors, 0, STR("store.driver"), "names a database that is not built yet; sqlite is");
	if (errors->n)
		return ERR_CONFIG;
	*ret = c;
	return OK;
}

/* ---- the service manager ---- */
/* sd_notify(3) without its library. */
static void tell(const char *state) {
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = path ? strlen(path) : 0;
	if (n < 2 || n >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, n);
	if (path[0] == '@')
		address.sun_path[0] = 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		log_event(LEVEL_WARNING, NULL, "notify.failed", LOG_NUMBER("errno", errno));
	close(fd);
}

static void tell_reloading(void) {
	char text[64];
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic_us());
	tell(text);
}

/* ---- the process ---- */
#if defined(__SANITIZE_ADDRESS__)
#define DUMPABLE 1 /* the sanitizer looks for leaks as a tracer */
#else
#define DUMPABLE 0
#endif

/* Keys and passwords of people pass through this memory. */
static void harden(void) {
	const struct rlimit no_core = {0, 0};
	struct rlimit files;
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	setenv("LDAPNOINIT", "1", 1); /* else libldap reads ~/.ldaprc */
	if (prctl(PR_SET_DUMPABLE, DUMPABLE, 0, 0, 0) || setrlimit(RLIMIT_CORE, &no_core))
		log_event(LEVEL_WARNING, NULL, "harden.failed", LOG_NUMBER("errno", errno));
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* Threads inherit the mask: signals come to the main thread alone. */
static void block_signals(sigset_t *set) {
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
}

/* ---- life ---- */
struct daemon {
	const char *path;
	struct arena *arena;     /* of what lives as long as the process */
	struct arena *work;      /* of one step of the main thread */
	struct handles *handles; /* of the main thread */
	struct server *server;
	const struct config *started; /* with what: some of it stays in force until the end */
	int64_t generation;
	int64_t refreshed_at; /* monotonic: when the keys were read */
};

static void step_begin(struct daemon *d, struct task *t, const struct config *c) {
	arena_wipe(d->work);
	task_begin(t, d->work, d->handles, START_MS);
	t->config = c;
	t->actor = STR("usherd");
}

static enum err keys_load(struct task *t, const struct config *c) {
	const char *why, *path, *store;
	TRY(task_cstr(t, c->key_file, &path));
	TRY(task_cstr(t, c->store_path, &store));
	bool first = access(store, F_OK) != 0;
	enum err code = secret_load_keys(path, first, &why);
	if (code && !first && access(path, F_OK) != 0)
		why = "is missing, and the store holds what it sealed: bring it back from the backup. If it is lost, "
		      "make a new one (openssl rand -hex 32, mode 0600) and delete the rows of the table signing_key, "
		      "which it does not open";
	return code ? task_fail(t, code, "%s: %s", path, why) : OK;
}

static enum err pages_start(struct task *t, struct arena *a, const struct config *c, const struct template_set **ret) {
	struct template_set *set;
	struct str why = STR("");
	enum err code = pages_load(a, c, &set, &why);
	if (code)
		return task_fail(t, code, "templates: %.*s", FMT(why));
	*ret = set;
	return OK;
}

/* One daemon a file. The descriptor stays open: closing it would drop SQLite's own locks. */
static enum err store_lock(struct task *t, const struct config *c) {
	const char *path;
	if (c->store != STORE_SQLITE)
		return OK;
	TRY(task_cstr(t, c->store_path, &path));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB))
		return task_fail(t, ERR_UNAVAILABLE, "store %s: %s", path,
			errno == EWOULDBLOCK ? "another usherd uses it" : strerrordesc_np(errno));
	return OK;
}

/* SQLite has one daemon: what an earlier one held when it was killed need not wait for its lease to run out. */
static enum err leases_end(struct task *t, const struct config *c) {
	if (c->store != STORE_SQLITE)
		return OK;
	TRY(jobs_free(t));
	return tickets_free(t, clock_wall_ms());
}

static enum err start(struct daemon *d, struct task *t, const struct config *c) {
	const struct template_set *set;
	TRY(keys_load(t, c));
	TRY(store_open(t, c));
	TRY(store_lock(t, c));
	TRY(leases_end(t, c));
	TRY(keyset_refresh(t));
	TRY(generation_get(t, &d->generation));
	d->refreshed_at = clock_monotonic_ms();
	assets_init(d->arena);
	TRY(pages_start(t, d->arena, c, &set));
	pages_use(set);
	atomic_store_explicit(&present, c, memory_order_release);
	TRY(store_settle(t));
	TRY(server_start(t, c, config_now, &d->server));
	struct runner_settings runner = {
		.config_now = config_now,
		.templates_now = pages_now,
		.links = {"/verify", "/status", "/activate", "/reset", "/login", "/reset", "/admin/registrations",
			"/register"},
		.workers = (unsigned)c->job_workers,
	};
	TRY(runner_start(&runner));
	return watch_start(&(struct watch_settings){config_now});
}

static void stop(struct daemon *d) {
	tell("STOPPING=1");
	log_event(LEVEL_INFO, NULL, "usherd.stopping", LOG_TEXT("version", STR(PACKAGE_VERSION)));
	server_stop(d->server);
	watch_stop();
	preflight_stop();
	runner_stop();
	handles_free(d->handles);
	store_close();
}

/* ---- reload ---- */
static void log_errors(struct arena *a, const char *path, const struct config_errors *errors) {
	struct str rest = config_errors_text(a, path, errors), line;
	while (str_next(&rest, '\n', &line))
		if (!str_empty(line))
			log_event(LEVEL_ERROR, NULL, "config.error", LOG_TEXT("detail", line));
}

/* What was opened at the start stays as it was opened. */
static void warn_fixed(const struct config *old, const struct config *c) {
	const struct {
		const char *key;
		bool same;
	} rows[] = {
		{"server.listen", str_eq(old->listen, c->listen)},
		{"server.metrics", str_eq(old->listen_metrics, c->listen_metrics)},
		{"server.event_threads", old->event_threads == c->event_threads},
		{"server.web_workers", old->web_workers == c->web_workers},
		{"server.job_workers", old->job_workers == c->job_workers},
		{"server.queue", old->web_queue == c->web_queue},
		{"server.connections", old->connection_limit == c->connection_limit},
		{"store", old->store == c->store && str_eq(old->store_path, c->store_path)},
		{"secrets.key_file", str_eq(old->key_file, c->key_file)},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!rows[i].same)
			log_event(LEVEL_WARNING, NULL, "config.needs_restart", LOG_TEXT("key", str_of(rows[i].key)));
}

static enum err reload_with(struct daemon *d, struct arena *a, struct config *c) {
	const struct template_set *set;
	struct task t;
	step_begin(d, &t, c);
	handles_close_all(d->handles);
	enum err code = pages_start(&t, a, c, &set);
	if (!code)
		code = keyset_refresh(&t);
	if (!code)
		code = store_settle(&t);
	if (code) {
		log_failure(&t, "config.refused");
		return code;
	}
	warn_fixed(d->started, c);
	log_set_level(c->log_level);
	pages_use(set);
	atomic_store_explicit(&present, c, memory_order_release);
	server_forget(d->server);
	watch_reload();
	return OK;
}

/* A configuration that cannot be used leaves the old one in force. */
static void reload(struct daemon *d) {
	struct arena *a = arena_new();
	struct config_errors *errors = arena_new_of(a, struct config_errors);
	struct config *c;
	tell_reloading();
	if (config_read(a, d->path, &c, errors)) {
		log_errors(a, d->path, errors);
		log_event(LEVEL_ERROR, NULL, "config.kept", LOG_NUMBER("errors", (int64_t)errors->n));
		arena_free(a);
	} else if (!reload_with(d, a, c)) {
		log_event(LEVEL_INFO, NULL, "config.reloaded", LOG_TEXT("file", str_of(d->path)));
	} /* else the keys may refer to it already: it is left where it is */
	tell("READY=1");
}

/* usherctl changed what is kept in memory. */
static void look(struct daemon *d) {
	struct task t;
	int64_t generation = 0, now = clock_monotonic_ms();
	step_begin(d, &t, config_now());
	enum err e = generation_get(&t, &generation);
	if (!e && generation == d->generation && now - d->refreshed_at < REFRESH_MS)
		return;
	if (!e)
		e = keyset_refresh(&t);
	if (e || store_settle(&t)) {
		log_failure(&t, "keys.failed");
		return;
	}
	d->refreshed_at = now;
	d->generation = generation;
	server_forget(d->server);
	log_event(LEVEL_INFO, NULL, "keys.refreshed", LOG_NUMBER("generation", generation));
}

static void serve(struct daemon *d, const sigset_t *set) {
	const struct timespec wait = {.tv_sec = LOOK_S};
	for (;;) {
		int got = sigtimedwait(set, NULL, &wait);
		if (got == SIGTERM || got == SIGINT)
			return;
		if (got == SIGHUP)
			reload(d);
		else
			look(d);
	}
}

static int run(const char *path, struct arena *a, const struct config *c) {
	struct daemon d = {.path = path, .arena = a, .started = c, .work = arena_new(), .handles = handles_new()};
	sigset_t set;
	struct task t;
	log_set_level(c->log_level);
	block_signals(&set);
	step_begin(&d, &t, c);
	if (start(&d, &t, c)) {
		log_event(LEVEL_ERROR, NULL, "usherd.failed", LOG_TEXT("error", str_of(err_row(t.failure)->name)),
			LOG_TEXT("detail", t.failure_detail));
		if (d.server)
			server_stop(d.server);
		return EXIT_FAILURE;
	}
	log_event(LEVEL_INFO, NULL, "usherd.ready", LOG_TEXT("version", STR(PACKAGE_VERSION)),
		LOG_TEXT("listen", c->listen));
	tell("READY=1");
	preflight_start(c);
	serve(&d, &set);
	stop(&d);
	arena_free(d.work);
	return EXIT_SUCCESS;
}

/* ---- options ---- */
static int print(struct str text) {
	return fwrite(text.p, 1, text.n, stdout) == text.n && !fflush(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check(struct arena *a, const char *path, const struct config *c) {
	const struct template_set *set;
	struct task t;
	task_begin(&t, a, NULL, START_MS);
	if (pages_start(&t, a, c, &set)) {
		fprintf(stderr, "%s%s: %.*s\n", log_priority(LEVEL_ERROR), path, FMT(t.failure_detail));
		return EXIT_CONFIG;
	}
	return print(str_printf(a, "%s: good\n", path));
}

static int complain(struct arena *a, const char *path, const struct config_errors *errors) {
	const char *priority = log_priority(LEVEL_ERROR);
	struct str rest = config_errors_text(a, path, errors), line;
	while (str_next(&rest, '\n', &line))
		if (!str_empty(line))
			fprintf(stderr, "%s%.*s\n", priority, FMT(line));
	if (access(path, F_OK) != 0)
		fprintf(stderr, "%s--config names another file; --print-sample prints one to begin with\n", priority);
	return EXIT_CONFIG;
}

struct options {
	const char *path;
	bool check;
};

/* The exit code where the option was all, else -1. */
static int read_options(int argc, char **argv, struct arena *a, struct options *o) {
	static const struct option table[] = {
		{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, 'k'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{"print-schema", no_argument, NULL, 's'},
		{"print-sample", no_argument, NULL, 'p'},
		{NULL, 0, NULL, 0},
	};
	for (int got; (got = getopt_long(argc, argv, "c:h", table, NULL)) != -1;) {
		switch (got) {
		case 'c':
			o->path = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 'v':
			return print(directory_has_kerberos() ? STR("usherd " PACKAGE_VERSION ", with Kerberos\n")
							      : STR("usherd " PACKAGE_VERSION "\n"));
		case 'h':
			return print(str_of(usage));
		case 's':
			return print(config_json_schema(a));
		case 'p':
			return print(config_sample(a));
		default:
			fputs(usage, stderr);
			return EXIT_CONFIG;
		}
	}
	if (optind == argc)
		return -1;
	fputs(usage, stderr);
	return EXIT_CONFIG;
}

int main(int argc, char **argv) {
	struct arena *a = arena_new();
	struct options o = {.path = CONFIG_FILE};
	struct config_errors *errors = arena_new_of(a, struct config_errors);
	struct config *c;
	harden();
	json_object_seed(0);
	secret_init();
	int done = read_options(argc, argv, a, &o);
	if (done < 0 && config_read(a, o.path, &c, errors)) {
		done = complain(a, o.path, errors);
	}
	if (done < 0)
		done = o.check ? check(a, o.path, c) : run(o.path, a, c);
	arena_free(a);
	return done;
}
