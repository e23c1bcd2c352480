#include "web/preflight.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/task.h"
#include "federation/doctor/doctor.h"

#define PREFLIGHT_MS 60000
#define STACK        (512 * 1024)

static struct {
	pthread_t thread;
	bool runs;
	atomic_bool stop;
	const struct config *config;
} preflight;

static void tell(struct task *t, const struct findings *f) {
	for (size_t i = 0; i < f->n; i++) {
		const struct finding *one = &f->v[i];
		if (one->level == FINDING_OK)
			continue;
		bool error = one->level == FINDING_ERROR;
		log_event(error ? LEVEL_ERROR : LEVEL_WARNING, t, error ? "doctor.error" : "doctor.warning",
			LOG_TEXT("directory", one->directory), LOG_TEXT("what", one->what),
			LOG_TEXT("consequence", one->consequence), LOG_TEXT("remedy", one->remedy));
	}
}

/* What a stop has cut short is not told. */
static void look(struct task *t, const struct realm *r, const struct directory_config *d) {
	struct doctor_options options = {.quick = true, .stop = &preflight.stop};
	struct findings findings = {0};
	enum err e = doctor_run(t, r, d, &options, &findings);
	if (atomic_load(&preflight.stop))
		return;
	if (e)
		log_failure(t, "doctor.failed");
	tell(t, &findings);
}

static void *preflight_main(void *unused) {
	const struct config *c = preflight.config;
	struct arena *a = arena_new();
	struct handles *handles = handles_new();
	(void)unused;
	for (size_t i = 0; i < c->n_realms; i++) {
		const struct realm *r = &c->realms[i];
		for (size_t k = 0; k < r->n_directories && !atomic_load(&preflight.stop); k++) {
			struct task t;
			arena_wipe(a);
			task_begin(&t, a, handles, PREFLIGHT_MS);
			t.config = c;
			t.realm = r;
			t.realm_name = r->id;
			t.actor = STR("usherd");
			look(&t, r, &r->directories[k]);
			handles_close_all(handles);
		}
	}
	handles_free(handles);
	arena_free(a);
	return NULL;
}

void preflight_start(const struct config *c) {
	pthread_attr_t attributes;
#ifdef USHER_FAILPOINTS
	if (getenv("USHER_FAILPOINT") || getenv("USHER_FAILPOINT_LOG"))
		return; /* hits are counted, and are to be the same in each run */
#endif
	preflight.config = c;
	atomic_store(&preflight.stop, false);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	preflight.runs = pthread_create(&preflight.thread, &attributes, preflight_main, NULL) == 0;
	pthread_attr_destroy(&attributes);
	if (!preflight.runs)
		log_event(LEVEL_WARNING, NULL, "doctor.failed", LOG_TEXT("detail", STR("no thread can be made")));
}

void preflight_stop(void) {
	if (!preflight.runs)
		return;
	atomic_store(&preflight.stop, true);
	pthread_join(preflight.thread, NULL);
	preflight.runs = false;
}
