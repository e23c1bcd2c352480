#include "base/worker.h"

#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "base/metric.h"

#define THREADS_MAX 256u
#define LANES       256u
#define STACK_SIZE  (512u << 10)
#define NO_LABEL    UINT32_MAX

/* A worker that waits. The one that worked last is called first: its connections and caches are the
 * freshest, and those beyond the need are never opened. */
struct idle {
	struct idle *below;
	pthread_cond_t wake;
	bool called;
};

struct pool;
struct seat { /* of one worker, as long as the pool */
	struct pool *pool;
	struct idle me;
};

struct pool {
	pthread_mutex_t lock;
	struct idle *idle;
	struct work *first, *last;
	unsigned waiting, queue, share, most;
	unsigned lanes[LANES];   /* works of each lane that wait or run */
	unsigned running[LANES]; /* of them, those that run: at most so many */
	unsigned label;          /* of METRIC_QUEUE_LENGTH */
	bool draining;
	const char *name;
	unsigned n;
	pthread_t threads[THREADS_MAX];
	struct seat seats[THREADS_MAX];
};

static unsigned label_of(const char *name) {
	return !strcmp(name, "web") ? 0 : !strcmp(name, "jobs") ? 1 : NO_LABEL;
}

/* Under the lock. */
static void set_waiting(struct pool *p, unsigned waiting) {
	p->waiting = waiting;
	if (p->label != NO_LABEL)
		metric_set(METRIC_QUEUE_LENGTH, p->label, waiting);
}

/* Under the lock. Whom to wake after it is left: who wakes under it would wait for it at once. NULL: nobody waits, and
 * whoever comes back from its work looks first. */
static struct idle *call_one(struct pool *p) {
	struct idle *top = p->idle;
	if (top) {
		p->idle = top->below;
		top->called = true;
	}
	return top;
}

/* Under the lock. */
static bool may_run(const struct pool *p, unsigned lane) {
	return !p->most || p->running[lane] < p->most;
}

/* Under the lock: the first whose lane may run, or NULL. */
static struct work *unqueue(struct pool *p) {
	struct work *before = NULL, *work = p->first;
	while (work && !may_run(p, work->lane % LANES)) {
		before = work;
		work = work->next;
	}
	if (!work)
		return NULL;
	if (before)
		before->next = work->next;
	else
		p->first = work->next;
	if (p->last == work)
		p->last = before;
	p->running[work->lane % LANES]++;
	set_waiting(p, p->waiting - 1);
	return work;
}

/* Under the lock. NULL: the pool drains; what is left are works of lanes that run, whose threads take them. */
static struct work *take(struct pool *p, struct idle *me) {
	struct work *work = NULL;
	while (!(work = unqueue(p)) && !p->draining) {
		me->below = p->idle;
		me->called = false;
		p->idle = me;
		while (!me->called)
			pthread_cond_wait(&me->wake, &p->lock);
	}
	return work;
}

static void run(struct work *work, struct arena *arena, struct handles *handles) {
	struct task t;
	task_begin(&t, arena, handles, 0);
	t.deadline = work->deadline;
	work->run(&t, work);
	arena_wipe(arena);
}

static void *worker(void *argument) {
	struct seat *seat = argument;
	struct pool *p = seat->pool;
	struct arena *arena = arena_new();
	struct handles *handles = handles_new();
	struct work *work;
	pthread_mutex_lock(&p->lock);
	while ((work = take(p, &seat->me))) {
		unsigned lane = work->lane % LANES; /* work may be gone when run returns */
		pthread_mutex_unlock(&p->lock);
		run(work, arena, handles);
		pthread_mutex_lock(&p->lock);
		p->lanes[lane]--;
		p->running[lane]--;
	}
	pthread_mutex_unlock(&p->lock);
	handles_free(handles);
	arena_free(arena);
	return NULL;
}

/* "name/N"; the system takes 15 letters, and the number matters most. */
static void set_name(pthread_t thread, const char *name, unsigned number) {
	char text[16];
	snprintf(text, sizeof(text), "%.11s/%u", name, number % 1000);
	pthread_setname_np(thread, text);
}

static bool start(struct pool *p, unsigned threads) {
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* threads begin with the mask of their maker */
	while (p->n < threads) {
		struct seat *seat = &p->seats[p->n];
		*seat = (struct seat){.pool = p, .me.wake = PTHREAD_COND_INITIALIZER};
		if (pthread_create(&p->threads[p->n], &attributes, worker, seat))
			break;
		set_name(p->threads[p->n], p->name, p->n);
		p->n++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return p->n == threads;
}

struct pool *pool_new(const char *name, unsigned threads, unsigned queue, unsigned share) {
	if (threads < 1 || threads > THREADS_MAX)
		return NULL;
	struct pool *p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	pthread_mutex_init(&p->lock, NULL);
	p->name = name;
	p->queue = queue;
	p->share = share;
	p->most = share && threads > 1 ? threads - (threads + 3) / 4 : 0;
	p->label = label_of(name);
	if (!start(p, threads)) {
		pool_free(p);
		return NULL;
	}
	return p;
}

/* Under the lock. */
static bool accepts(const struct pool *p, unsigned lane) {
	return !p->draining && p->waiting < p->queue && (!p->share || p->lanes[lane] < p->share);
}

/* Under the lock. */
static void append(struct pool *p, struct work *work) {
	work->next = NULL;
	if (p->last)
		p->last->next = work;
	else
		p->first = work;
	p->last = work;
	p->lanes[work->lane % LANES]++;
	set_waiting(p, p->waiting + 1);
}

enum err pool_submit(struct pool *p, struct work *work, int64_t ms) {
	int64_t deadline = clock_monotonic_ms() + ms;
	pthread_mutex_lock(&p->lock);
	struct idle *called = NULL;
	bool accepted = accepts(p, work->lane % LANES);
	if (accepted) {
		work->deadline = deadline;
		append(p, work);
		called = call_one(p);
	}
	pthread_mutex_unlock(&p->lock);
	if (called)
		pthread_cond_signal(&called->wake);
	return accepted ? OK : ERR_UNAVAILABLE;
}

void pool_free(struct pool *p) {
	pthread_mutex_lock(&p->lock);
	p->draining = true;
	while (p->idle)
		pthread_cond_signal(&call_one(p)->wake);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n; i++)
		pthread_join(p->threads[i], NULL);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

unsigned pool_waiting(struct pool *p) {
	pthread_mutex_lock(&p->lock);
	unsigned waiting = p->waiting;
	pthread_mutex_unlock(&p->lock);
	return waiting;
}
