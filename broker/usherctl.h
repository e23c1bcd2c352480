/* usherctl.h: shared by the files of the operators' tool. A command's function gets its arguments, NULL at the end; it
 * prints what it found to standard output, and tells by task_fail what went wrong. */
#ifndef USHER_BROKER_USHERCTL_H
#define USHER_BROKER_USHERCTL_H

#include "broker/oidc/oidc.h"
#include "broker/registrar/registrar.h"
#include "broker/steward/steward.h"

#define ROWS_MOST 200 /* of one list */

/* Text that people typed goes to a terminal: controls are left out. */
void print_text(struct str s);
/* The like for lines, where a directory may have said some of it: all controls but the line's end are left out. */
void say(struct task *t, const char *format, ...) printf_like(2, 3);
/* "1 try", "2 tries". */
struct str counted(struct task *t, int64_t n, const char *one, const char *many);
/* One line, tabs between. */
void print_columns(const struct str *columns, size_t n);
/* Which of the words it is; ERR_INVALID names them all. */
enum err choose(struct task *t, const char *typed, const char *const *words, size_t n, int *ret) must_use;
/* Tells on standard error that a list was cut. */
void print_cut(size_t n);

/* Opens key file and store for a task whose configuration is set. A store that is not there is not made. */
enum err stand_open(struct task *t) must_use;

/* usherctl_rows.c */
enum err run_registrations(struct task *t, char **argv) must_use;
enum err run_jobs(struct task *t, char **argv) must_use;
enum err run_job_retry(struct task *t, char **argv) must_use;
enum err run_audit(struct task *t, char **argv) must_use;
enum err run_people(struct task *t, char **argv) must_use;
enum err run_logout(struct task *t, char **argv) must_use;

/* Of a registration's plan; ERR_NOT_FOUND tells that there is no such registration. */
enum err registration_plan_show(struct task *t, struct str id) must_use;
enum err registration_plan_apply(struct task *t, struct str id) must_use;
enum err registration_plan_cancel(struct task *t, struct str id) must_use;
void print_steps(struct task *t, const struct plan_step_row *steps, size_t n);

/* usherctl_change.c */
enum err run_plan_list(struct task *t, char **argv) must_use;
enum err run_plan_show(struct task *t, char **argv) must_use;
enum err run_plan_apply(struct task *t, char **argv) must_use;
enum err run_plan_cancel(struct task *t, char **argv) must_use;
enum err run_change(struct task *t, char **argv) must_use;

/* usherctl_feed.c */
enum err run_feed(struct task *t, char **argv) must_use;
enum err run_feed_accept(struct task *t, char **argv) must_use;
enum err run_reconcile(struct task *t, char **argv) must_use; /* argv[1]: a directory, or NULL: all of the realm */

/* usherctl_check.c */
enum err run_check(struct task *t, char **argv) must_use; /* argv[0]: the file; argv[1], if not NULL: a realm */
enum err run_probe(struct task *t, char **argv) must_use;
enum err run_doctor(struct task *t, char **argv) must_use; /* argv[1], if not NULL: "--probe" */
enum err run_mail_test(struct task *t, char **argv) must_use;
enum err run_roles_explain(struct task *t, char **argv) must_use;

#endif
