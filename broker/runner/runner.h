/* runner.h: jobs come due. The door of this folder.
 *
 * Each job worker claims one job by lease, runs its function, and marks it done, retried with back-off (2 s doubling to
 * 10 min, ±20 %), or parked (an error whose row says that trying again does not help, or 60 attempts, about 9 hours).
 * A mark that cannot be written, since the disk is full, is tried again each second as long as the lease lasts.
 * Workers wake by store_on_jobs, by the next due time, or after 5 s. One more thread sweeps every 10 s:
 * registrations_due, inbound_due, steward_due and store_sweep, and reads the generation. */
#ifndef USHER_BROKER_RUNNER_RUNNER_H
#define USHER_BROKER_RUNNER_RUNNER_H

#include "base/template.h"
#include "base/worker.h"
#include "broker/mail/mail.h"
#include "broker/registrar/registrar.h"

/* Paths under the issuer, handed down by web; each gets "?t=SECRET" or "/ID" appended. */
struct links {
	const char *verify, *status, *activate, *reset, *login, *forgotten, *approvals, *register_;
};
/* config_now gives the present configuration; called for each job. */
struct runner_settings {
	const struct config *(*config_now)(void);
	const struct template_set *(*templates_now)(
		void); /* mail templates, "mail/NAME.txt", "mail/NAME.html", "mail/NAME.subject" */
	struct links links;
	unsigned workers;
	void (*generation_moved)(struct task *t); /* usherctl changed what the daemon keeps in memory; may be NULL */
};
enum err runner_start(const struct runner_settings *s) must_use;
/* Claims no more, waits for what runs. */
void runner_stop(void);
/* Runs one job now, on this thread; for tests and usherctl. */
enum err runner_run_job(struct task *t, const struct job *j) must_use;

/* ---- notices: which template goes to whom ---- */
enum notice {
	NOTICE_VERIFY,    /* decided at run time among verify, known, already pending */
	NOTICE_PENDING,   /* to the person: verified, waits for a decision; with the status link */
	NOTICE_APPROVERS, /* a new request */
	NOTICE_REMINDER,  /* to approvers, again */
	NOTICE_REJECTED,
	NOTICE_UNDECIDED, /* to the person: ended without a decision */
	NOTICE_ACTIVATE,
	NOTICE_ACTIVE,  /* account is ready */
	NOTICE_RESET,   /* subject: typed name in the body */
	NOTICE_CHANGED, /* password was changed */
	NOTICE_LOCKED,
	NOTICE_COUNT
};
/* Inserts the job (within the caller's transaction). subject: registration id, or account id; extra: JSON object
 * members or empty. Declared by name in notice_names so that lower folders insert them by jobs_insert with
 * {"notice":"…"} without knowing this header. */
extern const char *const notice_names[NOTICE_COUNT];

#endif
