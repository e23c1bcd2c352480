/* Claim, run, back off, park; and the sweep. */
#include <pthread.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/secret.h"
#include "broker/runner/runner_private.h"
#include "broker/steward/steward.h"

#define LEASE_MS          (TASK_JOB_MS + 30000)
#define FINISH_MS         5000 /* for one try to record a job's end */
#define FINISH_AGAIN_MS   1000
#define BACK_OFF_FIRST_MS 2000
#define BACK_OFF_MOST_MS  600000
#define IDLE_MS           1000 /* until a job is seen that usherctl or another usherd queued */
#define SWEEP_MS          10000
#define WORKERS_MAX       256 /* as the configuration allows */

struct runner_settings runner_settings;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* job workers */
	pthread_cond_t end;  /* who waits and no new job concerns: the sweeper */
	uint64_t woken;      /* counts wake-ups, so that one between a claim and the wait is not missed */
	bool stopping;
	unsigned workers, logouts; /* job workers; those of them that tell a logout, or are about to choose */
	pthread_t threads[WORKERS_MAX + 1];
	unsigned n;
	struct str running[WORKERS_MAX]; /* ids, which live in the arenas of those that run them */
	unsigned n_running;
} runner = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- waiting ---- */

static void runner_wake(void) {
	pthread_mutex_lock(&runner.lock);
	runner.woken++;
	pthread_cond_signal(&runner.wake);
	pthread_mutex_unlock(&runner.lock);
}

static uint64_t runner_woken(void) {
	pthread_mutex_lock(&runner.lock);
	uint64_t n = runner.woken;
	pthread_mutex_unlock(&runner.lock);
	return n;
}

static struct timespec in_ms(int64_t ms) {
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += (ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	return end;
}

/* Waits ms, or until woken since `seen`; false when the runner stops. */
static bool runner_wait(uint64_t seen, int64_t ms) {
	struct timespec end = in_ms(ms);
	int timed_out = 0;
	pthread_mutex_lock(&runner.lock);
	while (!runner.stopping && runner.woken == seen && !timed_out)
		timed_out = pthread_cond_timedwait(&runner.wake, &runner.lock, &end);
	bool go_on = !runner.stopping;
	pthread_mutex_unlock(&runner.lock);
	return go_on;
}

/* Waits ms, whatever jobs come; false when the runner stops. */
static bool runner_pause(int64_t ms) {
	struct timespec end = in_ms(ms);
	int timed_out = 0;
	pthread_mutex_lock(&runner.lock);
	while (!runner.stopping && !timed_out)
		timed_out = pthread_cond_timedwait(&runner.end, &runner.lock, &end);
	bool go_on = !runner.stopping;
	pthread_mutex_unlock(&runner.lock);
	return go_on;
}

static bool runner_stopping(void) {
	pthread_mutex_lock(&runner.lock);
	bool stopping = runner.stopping;
	pthread_mutex_unlock(&runner.lock);
	return stopping;
}

/* ---- logouts ---- */

/* They wait for servers that are not ours, ten seconds each: at most half of the workers do, or mail and plans would
 * wait behind applications that do not answer. */
static bool logout_enter(void) {
	pthread_mutex_lock(&runner.lock);
	bool entered = runner.logouts < (runner.workers > 1 ? runner.workers / 2 : 1);
	runner.logouts += entered;
	pthread_mutex_unlock(&runner.lock);
	return entered;
}

static void logout_leave(void) {
	pthread_mutex_lock(&runner.lock);
	runner.logouts--;
	pthread_mutex_unlock(&runner.lock);
}

/* ---- what runs here ---- */

static unsigned running_find(struct str id) {
	unsigned i = 0;
	while (i < runner.n_running && !str_eq(runner.running[i], id))
		i++;
	return i;
}

/* False: another worker of this process runs it. Leases are told by the wall clock, which may be set ahead. */
static bool running_enter(struct str id) {
	pthread_mutex_lock(&runner.lock);
	bool entered = running_find(id) == runner.n_running;
	if (entered)
		runner.running[runner.n_running++] = id;
	pthread_mutex_unlock(&runner.lock);
	return entered;
}

static void running_leave(struct str id) {
	pthread_mutex_lock(&runner.lock);
	runner.running[running_find(id)] = runner.running[runner.n_running - 1];
	runner.n_running--;
	pthread_mutex_unlock(&runner.lock);
}

/* ---- one job ---- */

enum err job_task_begin(struct task *t, struct str realm) {
	t->actor = STR("job");
	t->realm_name = realm;
	t->realm = config_realm(t->config, realm);
	if (!t->realm)
		return task_fail(t, ERR_CONFIG, "realm %.*s is no longer configured", FMT(realm));
	return OK;
}

static int64_t back_off_ms(int64_t attempts) {
	int64_t ms = BACK_OFF_FIRST_MS;
	for (int64_t i = 1; i < attempts && ms < BACK_OFF_MOST_MS; i++)
		ms *= 2;
	if (ms > BACK_OFF_MOST_MS)
		ms = BACK_OFF_MOST_MS;
	uint32_t dice;
	random_bytes(&dice, sizeof(dice));
	return ms * 8 / 10 + (int64_t)(dice % (uint32_t)(ms * 4 / 10 + 1));
}

static bool worth_another_try(enum err e, const struct job *j) {
	bool may = err_row(e)->retry || e == ERR_STALE || e == ERR_INTERNAL;
	return may && j->attempts < kinds[j->kind].max_attempts;
}

enum err runner_run_job(struct task *t, const struct job *j) {
	TRY(job_task_begin(t, j->realm));
	return kinds[j->kind].run(t, j);
}

/* A job that never comes to its end, because it ends the process, is not begun for ever. */
static enum err job_attempt(struct task *t, const struct job *j) {
	if (j->attempts > kinds[j->kind].max_attempts)
		return task_fail(t, ERR_REFUSED, "it was begun %lld times and never ended", (long long)j->attempts - 1);
	return runner_run_job(t, j);
}

/* The numbers are the labels of METRIC_JOBS. */
enum job_end { JOB_IS_DONE, JOB_IS_RETRIED, JOB_IS_PARKED };

static enum job_end job_end(const struct job *j, enum err e) {
	return !e ? JOB_IS_DONE : worth_another_try(e, j) ? JOB_IS_RETRIED : JOB_IS_PARKED;
}

static enum err job_write(struct task *t, const struct job *j, enum job_end end, struct str why) {
	if (end == JOB_IS_DONE)
		return jobs_done(t, j->id);
	if (end == JOB_IS_RETRIED)
		return jobs_retry(t, j->id, clock_wall_ms() + back_off_ms(j->attempts), why);
	return jobs_park(t, j->id, why);
}

/* A disk that is full has room again at some time. Until then, and as long as the job is leased, its end is kept here:
 * else the job would lie for the rest of its lease, and then run again. */
static void job_finish(struct task *t, const struct job *j, enum job_end end, int64_t leased_until) {
	struct str why = str_sub(t->failure_detail, 0, 500);
	bool written = false;
	enum err e = OK;
	metric_add(METRIC_JOBS, (unsigned)end, 1);
	for (bool again = false;; again = true) {
		t->deadline = clock_monotonic_ms() + FINISH_MS; /* the job may have used all of its own time */
		if (!written)
			written = !(e = job_write(t, j, end, why));
		if (written)
			e = store_settle(t);
		if (e && !again)
			log_failure(t, "job.finish");
		if (!e || !err_row(e)->retry || clock_monotonic_ms() > leased_until || !runner_pause(FINISH_AGAIN_MS))
			return;
		task_clear(t);
	}
}

static void job_log(struct task *t, const struct job *j, enum err e) {
	static const struct {
		enum level level;
		const char *event;
	} rows[] = {
		[JOB_IS_DONE] = {LEVEL_DEBUG, "job.done"},
		[JOB_IS_RETRIED] = {LEVEL_WARNING, "job.retried"},
		[JOB_IS_PARKED] = {LEVEL_ERROR, "job.parked"},
	};
	enum job_end end = job_end(j, e);
	log_event(rows[end].level, t, rows[end].event, LOG_TEXT("kind", str_of(kinds[j->kind].name)),
		LOG_TEXT("job", j->id), LOG_TEXT("subject", j->subject), LOG_NUMBER("attempt", j->attempts),
		LOG_TEXT("error", str_of(e ? err_row(e)->name : "")), LOG_TEXT("detail", t->failure_detail));
}

/* Where logouts are left to others, one that is due is nothing to wait for: its turn wakes us. */
static int64_t until_due(struct task *t, int64_t now, bool logouts_too) {
	int64_t next = INT64_MAX;
	task_clear(t);
	if (!logouts_too || jobs_next_due(t, &next) || next > now + IDLE_MS)
		next = now + IDLE_MS;
	return next > now ? next - now : 1;
}

/* *ret NULL: nothing is due. A logout is claimed with a place among them, which is left behind it. */
static enum err claim(struct task *t, struct job **ret, int64_t *ret_wait) {
	int64_t now = clock_wall_ms();
	bool logouts_too = logout_enter();
	enum err e = jobs_claim(t, now, now + LEASE_MS, logouts_too, ret);
	if (logouts_too && (e || (*ret)->kind != JOB_LOGOUT))
		logout_leave();
	*ret_wait = e == ERR_NOT_FOUND ? until_due(t, now, logouts_too) : IDLE_MS;
	return e == ERR_NOT_FOUND ? OK : e;
}

static void run_claimed(struct task *t, const struct job *j, int64_t leased_until) {
	failpoint_hit("job.claimed");
	enum err e = store_settle(t);
	if (!e)
		e = job_attempt(t, j);
	job_log(t, j, e);
	if (e)
		err_ignore(store_end(t, e), "ends a transaction that was left open; usually there is none");
	failpoint_hit("job.run");
	job_finish(t, j, job_end(j, e), leased_until);
}

/* Claims and runs one; false when nothing is due (*ret_wait: how long until something is). */
static bool runner_once(struct task *t, int64_t *ret_wait) {
	struct job *j = NULL;
	int64_t leased_until = clock_monotonic_ms() + LEASE_MS - 2 * FINISH_MS;
	if (claim(t, &j, ret_wait))
		log_failure(t, "job.claim");
	if (!j)
		return false;
	bool logout = j->kind == JOB_LOGOUT;
	runner_wake(); /* one commit may have brought many: another worker looks */
	if (running_enter(j->id)) {
		run_claimed(t, j, leased_until);
		running_leave(j->id);
	}
	if (logout) {
		logout_leave();
		runner_wake();
	}
	return true;
}

/* ---- threads ---- */

struct lived {
	struct arena *arena;
	struct handles *handles;
	const struct config *config;
};

static void lived_task(struct lived *l, struct task *t, int64_t ms) {
	arena_wipe(l->arena);
	task_begin(t, l->arena, l->handles, ms);
	t->config = runner_settings.config_now();
	t->actor = STR("job");
	if (l->config && l->config != t->config)
		handles_close_all(l->handles);
	l->config = t->config;
}

static void *worker_main(void *unused) {
	struct lived l = {.arena = arena_new(), .handles = handles_new()};
	struct task t;
	bool go_on = true;
	(void)unused;
	while (go_on) {
		int64_t wait = 0;
		uint64_t seen = runner_woken();
		lived_task(&l, &t, TASK_JOB_MS);
		if (runner_once(&t, &wait))
			go_on = !runner_stopping();
		else
			go_on = runner_wait(seen, wait);
	}
	handles_free(l.handles);
	arena_free(l.arena);
	return NULL;
}

/* Of a realm that is gone from the configuration: looked at again in a day, so that many of them do not stand before
 * all others. */
static enum err due_later(struct task *t, struct registration *r) {
	r->due_at = clock_wall_ms() + 86400000;
	return registrations_update(t, r);
}

static enum err sweep_registration(struct task *t, void *what) {
	struct registration *due = what;
	enum err e = job_task_begin(t, due->realm);
	if (!e)
		e = registrar_due(t, due);
	return e == ERR_CONFIG ? due_later(t, due) : e;
}

static void sweep_registrations(struct task *t) {
	struct registration *due = NULL;
	size_t n = 0;
	if (registrations_due(t, clock_wall_ms(), &due, &n)) {
		log_failure(t, "sweep.registrations");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (task_apart(t, sweep_registration, &due[i]))
			log_failure(t, "sweep.registration");
		task_clear(t);
	}
}

static void sweep_due(struct task *t) {
	if (inbound_due(t))
		log_failure(t, "sweep.expired");
	task_clear(t);
	if (steward_due(t))
		log_failure(t, "sweep.due");
	task_clear(t);
}

static void sweep_store(struct task *t) {
	bool more = true;
	int64_t parked = 0;
	for (int i = 0; more && i < 20; i++)
		if (store_sweep(t, clock_wall_ms(), &more)) {
			log_failure(t, "sweep.store");
			return;
		}
	if (!jobs_count(t, JOB_PARKED, &parked))
		metric_set(METRIC_JOBS_PARKED, 0, parked);
}

static void sweep_generation(struct task *t, int64_t *known) {
	int64_t now = 0;
	if (generation_get(t, &now)) {
		task_clear(t);
		return;
	}
	if (*known >= 0 && now != *known && runner_settings.generation_moved)
		runner_settings.generation_moved(t);
	*known = now;
}

static void *sweeper_main(void *unused) {
	struct lived l = {.arena = arena_new(), .handles = handles_new()};
	struct task t;
	int64_t generation = -1, last = 0;
	(void)unused;
	do {
		lived_task(&l, &t, TASK_JOB_MS);
		sweep_generation(&t, &generation);
		if (clock_monotonic_ms() - last >= SWEEP_MS) {
			last = clock_monotonic_ms();
			sweep_registrations(&t);
			sweep_due(&t);
			sweep_store(&t);
		}
	} while (runner_pause(1000));
	handles_free(l.handles);
	arena_free(l.arena);
	return NULL;
}

static enum err thread_add(void *(*run)(void *)) {
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 512 * 1024);
	int failed = pthread_create(&runner.threads[runner.n], &attributes, run, NULL);
	pthread_attr_destroy(&attributes);
	if (failed)
		return ERR_INTERNAL;
	runner.n++;
	return OK;
}

enum err runner_start(const struct runner_settings *s) {
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&runner.wake, &monotonic);
	pthread_cond_init(&runner.end, &monotonic);
	pthread_condattr_destroy(&monotonic);
	runner_settings = *s;
	runner.stopping = false;
	runner.n = 0;
	store_on_jobs(runner_wake);
	runner.workers = s->workers > WORKERS_MAX ? WORKERS_MAX : s->workers;
	runner.logouts = 0;
	for (unsigned i = 0; i < runner.workers; i++)
		TRY(thread_add(worker_main));
	return thread_add(sweeper_main);
}

void runner_stop(void) {
	pthread_mutex_lock(&runner.lock);
	runner.stopping = true;
	pthread_cond_broadcast(&runner.wake);
	pthread_cond_broadcast(&runner.end);
	pthread_mutex_unlock(&runner.lock);
	for (unsigned i = 0; i < runner.n; i++)
		pthread_join(runner.threads[i], NULL);
	runner.n = 0;
}
