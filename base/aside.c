#include "base/aside.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

struct aside {
	void (*run)(void *);
	void *arg;
};

static atomic_uint running;

static void leave(int status, void *unused) {
	(void)unused;
	if (atomic_load(&running) == 0)
		return;
	fflush(NULL);
	_exit(status);
}

static void register_end(void) {
	if (on_exit(leave, NULL) != 0)
		abort();
}

static void *run_aside(void *arg) {
	struct aside a = *(struct aside *)arg;
	free(arg);
	a.run(a.arg);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static bool start(struct aside *a) {
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_create(&thread, &attributes, run_aside, a) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return started;
}

bool aside_run(void (*run)(void *), void *arg) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct aside *a = malloc(sizeof(*a));
	if (!a)
		abort();
	*a = (struct aside){run, arg};
	pthread_once(&once, register_end);
	atomic_fetch_add(&running, 1);
	if (start(a))
		return true;
	atomic_fetch_sub(&running, 1);
	free(a);
	return false;
}
