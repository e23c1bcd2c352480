#include <stdatomic.h>

#include "federation/doctor/doctor_private.h"

#define MAKE(id) (1u << (id))
#define ALL      (MAKE(DIRECTORY_OPENLDAP) | MAKE(DIRECTORY_ACTIVE_DIRECTORY) | MAKE(DIRECTORY_389DS))
#define AD       MAKE(DIRECTORY_ACTIVE_DIRECTORY)

/* In this order; all after the first want a controller that can be used. */
static const struct check {
	const char *name;
	void (*run)(struct visit *v);
	unsigned makes;
	bool quick; /* also at the start of the daemon */
	bool trial; /* only where a trial is asked for */
} checks[] = {
	{"controllers", check_controllers, ALL, true, false},
	{"global catalog", check_catalog, AD, true, false},
	{"named entries", check_named, ALL, true, false},
	{"schema", check_schema, ALL, false, false},
	{"a person", check_person, ALL, true, false},
	{"password policy", check_policy, ALL, true, false},
	{"rights", check_rights, AD, true, false},
	{"deleted entries", check_deleted, AD, true, false},
	{"feed", check_feed, ALL, false, false},
	{"trial", check_trial, ALL, false, true},
};

bool profile_is_here(const struct visit *v, const struct profile_config *p) {
	return str_eq(p->directory, v->d->id);
}

bool directory_is_first(const struct visit *v) {
	return v->realm->n_directories > 0 && str_eq(v->realm->directories[0].id, v->d->id);
}

static bool is_wanted(const struct visit *v, const struct check *c) {
	const struct doctor_options *o = v->options;
	return (c->makes & MAKE(v->d->driver)) && (c->quick || !o->quick) && (!c->trial || o->trial);
}

static bool stopped(const struct doctor_options *o) {
	return o->stop && atomic_load(o->stop);
}

enum err doctor_run(struct task *t, const struct realm *r, const struct directory_config *d,
	const struct doctor_options *o, struct findings *findings) {
	struct visit v = {.t = t, .realm = r, .d = d, .options = o, .findings = findings, .answers = true};
	struct controller *none = NULL;
	size_t n = 0;
	struct directory_config nowhere = *d;
	nowhere.uris.n = 0;
	nowhere.domain = STR("");
	TRY(directory_controllers(t, &nowhere, &none, &n)); /* whether there is a driver */
	for (size_t i = 0; i < COUNT(checks) && v.answers && !stopped(o); i++) {
		if (!is_wanted(&v, &checks[i]))
			continue;
		task_clear(t);
		if (task_left_ms(t) == 0) {
			found_unknown(&v, checks[i].name, task_fail(t, ERR_TIMEOUT, "no time is left for it"));
			continue;
		}
		checks[i].run(&v);
	}
	task_clear(t);
	return OK;
}
