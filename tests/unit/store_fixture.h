/* store_fixture.h: a store in a folder of its own, and tasks that use it. For the tests of the store. */
#ifndef USHER_TESTS_STORE_FIXTURE_H
#define USHER_TESTS_STORE_FIXTURE_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/secret.h"
#include "broker/store/store.h"

/* One worker: an arena, handles, and the task that it runs. */
struct worker {
	struct arena *arena;
	struct handles *handles;
	struct task task;
};

static char fixture_folder[64];
static char fixture_path[96];

static inline struct task *worker_begin(struct worker *w, struct str realm) {
	task_begin(&w->task, w->arena, w->handles, 20000);
	w->task.realm_name = realm;
	w->task.actor = STR("person:tester");
	w->task.address = STR("192.0.2.1");
	return &w->task;
}

static inline void worker_new(struct worker *w) {
	w->arena = arena_new();
	w->handles = handles_new();
	worker_begin(w, STR("staff"));
}

static inline void worker_free(struct worker *w) {
	handles_free(w->handles);
	arena_free(w->arena);
}

static inline void fixture_make_folder(void) {
	snprintf(fixture_folder, sizeof(fixture_folder), "/tmp/usher-store-XXXXXX");
	assert_non_null(mkdtemp(fixture_folder));
	snprintf(fixture_path, sizeof(fixture_path), "%s/store.db", fixture_folder);
}

static inline void fixture_remove_folder(void) {
	DIR *d = opendir(fixture_folder);
	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(fixture_folder);
}

static inline enum err fixture_open(struct worker *w) {
	static struct config c;
	c = (struct config){.store = STORE_SQLITE, .store_path = str_of(fixture_path)};
	return store_open(&w->task, &c);
}

static inline int fixture_setup(void **state) {
	struct worker *w = calloc(1, sizeof(*w));
	secret_init();
	fixture_make_folder();
	worker_new(w);
	*state = w;
	return fixture_open(w) == OK ? 0 : -1;
}

static inline int fixture_teardown(void **state) {
	struct worker *w = *state;
	worker_free(w);
	free(w);
	store_close();
	fixture_remove_folder();
	return 0;
}

#define assert_err(got, wanted) assert_err_((got), (wanted), #got, __LINE__)
static inline void assert_err_(enum err got, enum err wanted, const char *what, int line) {
	if (got != wanted)
		fail_msg("line %d: %s: %s is not %s", line, what, err_row(got)->name, err_row(wanted)->name);
}
#define assert_ok(got) assert_err((got), OK)

#define assert_str(got, wanted) assert_str_((got), (wanted), __LINE__)
static inline void assert_str_(struct str got, struct str wanted, int line) {
	if (!str_eq(got, wanted))
		fail_msg("line %d: \"%.*s\" (%zu) is not \"%.*s\" (%zu)", line, FMT(got), got.n, FMT(wanted), wanted.n);
}

#endif
