/* Threads that nobody waits for, and the end of a process that has one. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/aside.h"

static sem_t done;
static sigset_t blocked;

static void look(void *arg) {
	*(int *)arg = 7;
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	sem_post(&done);
}

static void runs_beside(void **state) {
	int seen = 0;
	(void)state;
	sem_init(&done, 0, 0);
	assert_true(aside_run(look, &seen));
	sem_wait(&done);
	assert_int_equal(seen, 7);
	assert_true(sigismember(&blocked, SIGTERM));
	sigset_t ours;
	pthread_sigmask(SIG_SETMASK, NULL, &ours);
	assert_false(sigismember(&ours, SIGTERM));
}

static int out;

static void say_end(void) {
	if (write(out, "end", 3) != 3)
		abort();
}

static void sleep_on(void *arg) {
	(void)arg;
	sem_post(&done);
	pause();
}

static void go_at_once(void *arg) {
	(void)arg;
	sem_post(&done);
}

/* In a child: what libraries do at their end stands for by say_end. */
static void end_with(bool runs) {
	atexit(say_end);
	sem_init(&done, 0, 0);
	if (!aside_run(runs ? sleep_on : go_at_once, NULL))
		abort();
	sem_wait(&done);
	for (int i = 0; !runs && i < 50; i++) /* the thread's last steps */
		usleep(1000);
	FILE *f = fdopen(out, "w");
	fputs("kept ", f);
	exit(5);
}

static void ends_with_a_thread(void **state) {
	static const struct {
		bool runs;
		const char *written;
	} rows[] = {{true, "kept "}, {false, "endkept "}};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int ends[2], status = 0;
		char text[32] = {0};
		size_t n = 0;
		assert_int_equal(pipe(ends), 0);
		fflush(NULL);
		pid_t child = fork();
		if (child == 0) {
			out = ends[1];
			end_with(rows[i].runs);
		}
		close(ends[1]);
		for (ssize_t got; n < sizeof(text) - 1 && (got = read(ends[0], text + n, sizeof(text) - 1 - n)) > 0;)
			n += (size_t)got;
		close(ends[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 5);
		assert_string_equal(text, rows[i].written);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_with_a_thread), /* first: what is registered last is called first */
		cmocka_unit_test(runs_beside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
