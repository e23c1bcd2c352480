/* Commands that list and change rows of the store. */
#include "base/clock.h"
#include "base/encode.h"
#include "broker/usherctl.h"

static struct str when(struct task *t, int64_t at_ms) {
	return at_ms ? time_rfc3339(t->arena, at_ms) : STR("-");
}

/* ---- registrations ---- */

static struct strs all_profiles(struct task *t) {
	struct strs ids = {0};
	for (size_t i = 0; i < t->realm->n_profiles; i++)
		strs_add(t->arena, &ids, t->realm->profiles[i].id);
	return ids;
}

/* REALM [STATE] [TEXT]: one word alone that is no state is a text. */
enum err run_registrations(struct task *t, char **argv) {
	struct registration_filter f = {.profiles = all_profiles(t), .state = -1, .newest = true, .limit = ROWS_MOST};
	const char *states[REGISTRATION_STATES];
	struct registration *rows = NULL;
	size_t n = 0;
	for (int i = 0; i < REGISTRATION_STATES; i++)
		states[i] = registration_state_name((enum registration_state)i);
	enum err e = choose(t, argv[1], states, REGISTRATION_STATES, &f.state);
	if (e && argv[2])
		return e;
	task_clear(t);
	f.search = str_of(f.state < 0 ? argv[1] : argv[2]);
	TRY(registrations_list(t, &f, &rows, &n));
	for (size_t i = 0; i < n; i++)
		print_columns((struct str[]){rows[i].id, str_of(registration_state_name(rows[i].state)),
				      rows[i].profile, rows[i].mail, rows[i].login, when(t, rows[i].created_at)},
			6);
	print_cut(n);
	return OK;
}

static enum err registration_known(struct task *t, enum err e, struct str id) {
	if (e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	return task_fail(t, e,
		"there is no plan or registration %.*s in this realm, or its profile is no longer configured", FMT(id));
}

void print_steps(struct task *t, const struct plan_step_row *steps, size_t n) {
	for (size_t i = 0; i < n; i++)
		say(t, "# %.*s  step %lld %.*s: result %lld in %lld ms by %.*s %.*s\n", FMT(when(t, steps[i].at)),
			(long long)steps[i].step, FMT(steps[i].title), (long long)steps[i].result,
			(long long)steps[i].ms, FMT(steps[i].controller), FMT(steps[i].diagnostic));
}

enum err registration_plan_show(struct task *t, struct str id) {
	struct approver who = {.is_operator = true, .profiles = all_profiles(t)};
	struct approval *view = NULL;
	TRY(registration_known(t, approval_preview(t, &who, id, STR(""), NULL, &view), id));
	if (!str_empty(view->failure))
		say(t, "# no plan can be made now: %.*s\n", FMT(view->failure));
	else if (str_empty(view->ldif))
		say(t, "# there is no plan%s; the registration is %s\n",
			view->registration->state == REGISTRATION_APPROVED
				? " yet, its job (usherctl jobs) makes it when the directory answers"
				: "",
			registration_state_name(view->registration->state));
	say(t, "%.*s", FMT(view->ldif));
	print_steps(t, view->steps, view->n_steps);
	if (view->running && !str_empty(view->running->failure))
		say(t, "# parked: %.*s\n", FMT(view->running->failure));
	return OK;
}

enum err registration_plan_apply(struct task *t, struct str id) {
	struct approver who = {.is_operator = true, .profiles = all_profiles(t)};
	return registration_known(t, approval_retry(t, &who, id), id);
}

enum err registration_plan_cancel(struct task *t, struct str id) {
	struct approver who = {.is_operator = true, .profiles = all_profiles(t)};
	return registration_known(t, approval_cancel(t, &who, id), id);
}

/* ---- jobs ---- */

static const char *const job_states[] = {"queued", "running", "parked"};
static const char *const job_kinds[JOB_KINDS] = {"notice", "plan.apply", "logout", "change.apply", "plan.settle"};

enum err run_jobs(struct task *t, char **argv) {
	struct job *rows = NULL;
	size_t n = 0;
	int state = -1;
	TRY(choose(t, argv[1], job_states, COUNT(job_states), &state));
	TRY(jobs_list(t, state, &rows, &n));
	for (size_t i = 0; i < n; i++)
		print_columns(
			(struct str[]){rows[i].id, str_of(job_states[rows[i].state]), str_of(job_kinds[rows[i].kind]),
				rows[i].subject, counted(t, rows[i].attempts, "try", "tries"), when(t, rows[i].due_at),
				rows[i].body, rows[i].failure},
			8);
	print_cut(n);
	return OK;
}

static enum err requeue(struct task *t, struct str id) {
	TRY(jobs_requeue(t, id));
	return audit_record(t, "job.retry", id, AUDIT("job", id), AUDIT("by", STR("usherctl")));
}

static enum err requeue_all(struct task *t, size_t *ret_n) {
	struct job *rows = NULL;
	size_t n = 0;
	TRY(jobs_list(t, -1, &rows, &n));
	for (size_t i = 0; i < n; i++)
		if (rows[i].state == JOB_PARKED || (rows[i].state == JOB_QUEUED && rows[i].attempts > 0)) {
			TRY(requeue(t, rows[i].id));
			++*ret_n;
		}
	return OK;
}

enum err run_job_retry(struct task *t, char **argv) {
	bool all = strcmp(argv[1], "all") == 0;
	size_t n = all ? 0 : 1;
	TRY(store_begin(t));
	enum err e = store_end(t, all ? requeue_all(t, &n) : requeue(t, str_of(argv[1])));
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		return task_fail(t, e,
			"no job %s is parked or waits for another try in this realm (usherctl jobs REALM)", argv[1]);
	}
	TRY(e);
	say(t, "%zu queued; the daemon takes them up within five seconds\n", n);
	print_cut(n);
	return OK;
}

/* ---- audit ---- */

enum err run_audit(struct task *t, char **argv) {
	struct audit_filter f = {.limit = ROWS_MOST, .subject = str_of(argv[1])};
	struct audit_row *rows = NULL;
	size_t n = 0;
	TRY(audit_list(t, &f, &rows, &n));
	for (size_t i = 0; i < n; i++)
		print_columns((struct str[]){when(t, rows[i].at), rows[i].actor, rows[i].action, rows[i].subject,
				      rows[i].detail},
			5);
	print_cut(n);
	return OK;
}

/* ---- people ---- */

enum err run_people(struct task *t, char **argv) {
	struct account *rows = NULL;
	size_t n = 0;
	TRY(accounts_list(t, str_of(argv[1]), STR(""), ROWS_MOST, &rows, &n));
	for (size_t i = 0; i < n; i++)
		print_columns((struct str[]){rows[i].id, rows[i].login, rows[i].mail, rows[i].dn, rows[i].marker,
				      when(t, rows[i].last_login_at), rows[i].sub},
			7);
	print_cut(n);
	return OK;
}

enum err run_logout(struct task *t, char **argv) {
	struct account *a = NULL;
	enum err e = accounts_find(t, str_of(argv[1]), &a);
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		return task_fail(t, e, "there is no account %s in this realm (usherctl people REALM TEXT)", argv[1]);
	}
	TRY(e);
	TRY(store_begin(t));
	TRY(store_end(t, login_end_account(t, a->id, "usherctl logout")));
	say(t, "%.*s: sessions ended, refresh tokens revoked; access tokens end by their time\n", FMT(a->login));
	return OK;
}
