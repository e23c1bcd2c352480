/* load: users in a closed loop over keep-alive connections, and what they cost the server.
 *
 *   load WORKLOAD NAME=VALUE...   prints NAME=VALUE lines: per_s p50_us p99_us cpu_us directory_cpu_us rss_kib peak_kib
 * errors load ready PORT COMMAND...    starts the command, waits for its first 200, prints pid and ms; it goes on
 * running
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "group_cpu.h"
#include "letters.h"
#include "scenario.h"

#define OCTAVES      32
#define STEPS        16 /* of the histogram in an octave: 6 per cent */
#define SECONDS_MOST 120

/* ---- options ---- */
static struct target target = {
	.realm = "bench", .secret = "", .logins = "s", .n_logins = 1, .password = "", .mailbox = ""};
static long users = 16, seconds = 3, warm_up = 1, pause_ms, server_pid, directory_pid, port, n_logins = 1;

static const struct {
	const char *name;
	long *number;
	const char **text;
} options[] = {
	{"users", &users, NULL},
	{"seconds", &seconds, NULL},
	{"warm_up", &warm_up, NULL},
	{"pause", &pause_ms, NULL}, /* milliseconds of each user between two turns */
	{"server", &server_pid, NULL},
	{"directory", &directory_pid, NULL},
	{"port", &port, NULL},
	{"n_logins", &n_logins, NULL},
	{"realm", NULL, &target.realm},
	{"secret", NULL, &target.secret},
	{"logins", NULL, &target.logins},
	{"password", NULL, &target.password},
	{"mailbox", NULL, &target.mailbox},
};

static bool option_read(const char *text) {
	size_t n = strcspn(text, "=");
	for (size_t i = 0; text[n] && i < sizeof(options) / sizeof(*options); i++) {
		if (strlen(options[i].name) != n || strncmp(options[i].name, text, n))
			continue;
		if (options[i].number)
			*options[i].number = strtol(text + n + 1, NULL, 10);
		else
			*options[i].text = text + n + 1;
		return true;
	}
	fprintf(stderr, "load: %s is no option\n", text);
	return false;
}

/* ---- time ---- */
static int64_t now_us(clockid_t clock) {
	struct timespec t;
	return clock_gettime(clock, &t) ? 0 : (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void pause_us(int64_t us) {
	const struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	nanosleep(&t, NULL);
}

/* ---- histogram ---- */
struct histogram {
	uint64_t slots[OCTAVES][STEPS];
};

static void histogram_add(struct histogram *h, int64_t us) {
	uint64_t v = us > 0 ? (uint64_t)us : 0;
	unsigned octave = v < STEPS ? 0 : 60 - (unsigned)__builtin_clzll(v); /* 4 bits below the highest */
	if (octave >= OCTAVES)
		octave = OCTAVES - 1;
	h->slots[octave][(octave ? v >> (octave - 1) : v) % STEPS]++;
}

static double histogram_quantile(const struct histogram *h, double q) {
	uint64_t all = 0, sum = 0;
	for (int i = 0; i < OCTAVES * STEPS; i++)
		all += h->slots[i / STEPS][i % STEPS];
	for (int i = 0; i < OCTAVES * STEPS; i++) {
		sum += h->slots[i / STEPS][i % STEPS];
		if (all && (double)sum >= q * (double)all)
			return i < STEPS ? i : (double)((uint64_t)(STEPS + i % STEPS) << (i / STEPS - 1));
	}
	return 0;
}

/* ---- users ---- */
struct worker {
	pthread_t thread;
	struct user user;
	struct histogram times;
	uint64_t done, errors;
};

static const struct scenario *scenario;
static struct worker *workers;
static pthread_barrier_t prepared;
static atomic_bool measuring, stop;

static void complain(struct worker *w) {
	static atomic_int said;
	if (!w->errors++ && atomic_fetch_add(&said, 1) < 3)
		fprintf(stderr, "%s: %d %.300s\n", scenario->name, w->user.http.status,
			w->user.problem ? w->user.problem : "");
	pause_us(1000);
}

static void turn(struct worker *w) {
	int64_t began = now_us(CLOCK_MONOTONIC);
	bool good = scenario->run(&w->user);
	w->user.turn++;
	if (!good)
		complain(w);
	else if (atomic_load_explicit(&measuring, memory_order_relaxed)) {
		histogram_add(&w->times, now_us(CLOCK_MONOTONIC) - began);
		w->done++;
	}
}

static void *worker_main(void *argument) {
	struct worker *w = argument;
	if (scenario->prepare && !scenario->prepare(&w->user))
		complain(w);
	pthread_barrier_wait(&prepared);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		turn(w);
		if (pause_ms > 0)
			pause_us(pause_ms * 1000);
	}
	client_close(&w->user.http);
	return NULL;
}

static void workers_start(void) {
	workers = calloc((size_t)users, sizeof(*workers));
	if (!workers || pthread_barrier_init(&prepared, NULL, (unsigned)users + 1))
		abort();
	for (long i = 0; i < users; i++) {
		struct worker *w = &workers[i];
		w->user = (struct user){.target = &target, .number = (unsigned)i, .users = (unsigned)users};
		w->user.turn = (unsigned)now_us(CLOCK_REALTIME) % 1000000u;
		w->user.http.fd = -1;
		w->user.http.port = target.port;
		if (pthread_create(&w->thread, NULL, worker_main, w))
			abort();
	}
	pthread_barrier_wait(&prepared);
}

static size_t body_bytes; /* of the last answer of one user */

static void workers_join(struct histogram *times, uint64_t *done, uint64_t *errors) {
	for (long i = 0; i < users; i++) {
		struct worker *w = &workers[i];
		pthread_join(w->thread, NULL);
		for (int k = 0; k < OCTAVES * STEPS; k++)
			times->slots[k / STEPS][k % STEPS] += w->times.slots[k / STEPS][k % STEPS];
		*done += w->done;
		*errors += w->errors;
		body_bytes = w->user.http.body ? strlen(w->user.http.body) : 0;
	}
	free(workers);
}

/* ---- memory ---- */
static long memory_kib(long pid, const char *field) {
	char path[64], line[256];
	long found = 0;
	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			found = strtol(line + strlen(field), NULL, 10);
	if (f)
		fclose(f);
	return found;
}

static void peak_forget(long pid) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%ld/clear_refs", pid);
	FILE *f = fopen(path, "we");
	if (!f)
		return;
	fputs("5", f);
	fclose(f);
}

/* ---- a run ---- */
static int run(void) {
	struct histogram times = {0};
	uint64_t done = 0, errors = 0;
	if (scenario->mail)
		letters_start(target.mailbox);
	workers_start();
	pause_us(warm_up * 1000000);
	peak_forget(server_pid);
	int64_t began = now_us(CLOCK_MONOTONIC), cpu = group_cpu_us(server_pid),
		directory = group_cpu_us(directory_pid);
	atomic_store(&measuring, true);
	pause_us(seconds * 1000000);
	atomic_store(&measuring, false);
	double took = (double)(now_us(CLOCK_MONOTONIC) - began);
	cpu = group_cpu_us(server_pid) - cpu;
	directory = group_cpu_us(directory_pid) - directory;
	atomic_store(&stop, true);
	workers_join(&times, &done, &errors);
	double n = done ? (double)done : 1;
	printf("done=%llu\nper_s=%.1f\np50_us=%.0f\np99_us=%.0f\ncpu_us=%.2f\ndirectory_cpu_us=%.2f\n",
		(unsigned long long)done, (double)done * 1e6 / took, histogram_quantile(&times, 0.5),
		histogram_quantile(&times, 0.99), (double)cpu / n, (double)directory / n);
	printf("body_bytes=%zu\nrss_kib=%ld\npeak_kib=%ld\nerrors=%llu\n", body_bytes, memory_kib(server_pid, "VmRSS:"),
		memory_kib(server_pid, "VmHWM:"), (unsigned long long)errors);
	return done && errors * 100 <= done ? 0 : 1;
}

/* ---- start ---- */
static int ready(char **arguments) {
	static struct client c = {.fd = -1};
	struct scenario const *look = scenario_find("discovery");
	static struct user u;
	c.port = target.port = (unsigned)strtoul(arguments[0], NULL, 10);
	u.target = &target;
	int64_t began = now_us(CLOCK_MONOTONIC);
	pid_t pid = fork();
	if (pid == 0) {
		execvp(arguments[1], arguments + 1);
		_exit(127);
	}
	u.http = c;
	while (!look->run(&u)) {
		if (waitpid(pid, NULL, WNOHANG) != 0 || now_us(CLOCK_MONOTONIC) - began > 30000000)
			return 1;
		pause_us(200);
	}
	printf("pid=%ld\nready_ms=%.1f\n", (long)pid, (double)(now_us(CLOCK_MONOTONIC) - began) / 1000);
	client_close(&u.http);
	return 0;
}

int main(int n, char **arguments) {
	if (n >= 4 && !strcmp(arguments[1], "ready"))
		return ready(arguments + 2);
	scenario = n > 1 ? scenario_find(arguments[1]) : NULL;
	if (!scenario) {
		fprintf(stderr, "usage: load WORKLOAD NAME=VALUE...\n");
		return 2;
	}
	for (int i = 2; i < n; i++)
		if (!option_read(arguments[i]))
			return 2;
	if (users < 1 || users > USERS_MOST || seconds < 1 || seconds > SECONDS_MOST || warm_up < 0 ||
		warm_up > SECONDS_MOST || pause_ms < 0 || pause_ms > 1000 || port < 1 || port > 65535 || n_logins < 1)
		return 2;
	target.port = (unsigned)port;
	target.n_logins = (unsigned)n_logins;
	return run();
}
