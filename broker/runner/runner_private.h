/* runner_private.h: shared by the files of this folder. */
#ifndef USHER_BROKER_RUNNER_RUNNER_PRIVATE_H
#define USHER_BROKER_RUNNER_RUNNER_PRIVATE_H

#include "broker/runner/runner.h"

extern struct runner_settings runner_settings;

/* One row a job kind: the only place that knows which function a row means. */
struct kind_row {
	const char *name;
	enum err (*run)(struct task *t, const struct job *j);
	int64_t max_attempts;
};
extern const struct kind_row kinds[JOB_KINDS];

enum err notice_run(struct task *t, const struct job *j) must_use;
/* Begins a task for a job of this realm; ERR_CONFIG when the realm is gone from the configuration. */
enum err job_task_begin(struct task *t, struct str realm) must_use;

#endif
