#include "broker/oidc/oidc.h"
#include "broker/runner/runner_private.h"
#include "broker/steward/steward.h"

static enum err run_plan(struct task *t, const struct job *j) {
	return registrar_provision(t, j->subject);
}

static enum err run_settle(struct task *t, const struct job *j) {
	return registrar_settle(t, j->subject);
}

static enum err run_change(struct task *t, const struct job *j) {
	return steward_run(t, j->subject);
}

const struct kind_row kinds[JOB_KINDS] = {
	[JOB_NOTICE] = {"notice", notice_run, 60},
	[JOB_PLAN_APPLY] = {"plan.apply", run_plan, 1000},
	[JOB_LOGOUT] = {"logout", backchannel_run, 20},
	[JOB_CHANGE_APPLY] = {"change.apply", run_change, 1000},
	[JOB_PLAN_SETTLE] = {"plan.settle", run_settle, 1000},
};
