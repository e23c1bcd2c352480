#include "broker/runner/runner_private.h"

static enum err run_plan(struct task *t, const struct job *j) { return registrar_provision(t, j->subject); }

/* Back-channel logout comes with the clients that register for it. */
static enum err run_logout(struct task *t, const struct job *j) {
	(void)j;
	return task_fail(t, ERR_CONFIG, "no client takes back-channel logouts");
}

const struct kind_row kinds[JOB_KINDS] = {
	[JOB_NOTICE] = {"notice", notice_run, 60},
	[JOB_PLAN_APPLY] = {"plan.apply", run_plan, 1000},
	[JOB_LOGOUT] = {"logout", run_logout, 20},
};
