/* plan_fixture.h: a task, a directory, and plans that make Ann in it, carried out step by step. For the tests of plans.
 * Whoever carries one out has fake_directory.h in place of the floor below, whoever only builds one the floor itself.
 */
#ifndef USHER_TESTS_PLAN_FIXTURE_H
#define USHER_TESTS_PLAN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "federation/plan/plan.h"
#include "tests/unit/fake_directory.h"

#define MARKER "01JABC"
#define ANN    "uid=ann,ou=people,dc=test"
#define ANN2   "uid=ann2,ou=people,dc=test"
#define GUESTS "cn=guests,ou=groups,dc=test"
#define VPN    "cn=vpn,ou=groups,dc=test"
#define LAG_MS 60000

static struct arena *arena;
static struct task task;
static struct directory_config directory;
static struct report report; /* of the last step */
static struct str controllers[] = {STR("ldaps://a"), STR("ldaps://b"), STR("ldaps://c")};

/* Also in the middle of a test, which then has all of it anew. */
static inline int plan_begin(void **state) {
	(void)state;
	arena_free(arena);
	arena = arena_new();
	task_begin(&task, arena, NULL, 1000);
	directory = (struct directory_config){
		.id = STR("main"),
		.rdn_attribute = STR("uid"),
		.group_member_attribute = STR("member"),
		.marker_attribute = STR("employeeNumber"),
		.people_base = STR("ou=people,dc=test"),
	};
	return 0;
}

/* With three controllers, which hear of each other when the test says so. */
static inline int plan_begin_apart(void **state) {
	plan_begin(state);
	directory.uris = (struct strs){controllers, COUNT(controllers)};
	directory.replication_lag = LAG_MS / 1000;
	fake_reset();
	fake.lags = true;
	fake_group_add(GUESTS);
	return 0;
}

static inline int plan_end(void **state) {
	(void)state;
	arena_free(arena);
	arena = NULL;
	return 0;
}

static inline void assert_text(struct str got, const char *wanted) {
	if (!str_eq(got, str_of(wanted)))
		fail_msg("\n%.*s\nis not\n%s", FMT(got), wanted);
}

/* With so many of the names ann, ann2, ann3, and of the groups GUESTS and VPN. */
static inline struct plan *plan_of(size_t logins, size_t groups) {
	static struct str names[] = {STR("ann"), STR("ann2"), STR("ann3")}, dns[] = {STR(GUESTS), STR(VPN)};
	struct attribute mail = {.name = STR("mail")};
	strs_add(arena, &mail.values, STR("ann@x"));
	struct plan_input in = {.directory = &directory,
		.marker = STR(MARKER),
		.base = directory.people_base,
		.logins = {names, logins},
		.attributes = &mail,
		.n_attributes = 1,
		.groups = {dns, groups}};
	struct plan *p = NULL;
	assert_int_equal(plan_build(&task, &in, &p), OK);
	return p;
}

/* One step. */
static inline enum err run(const struct plan *p, struct plan_progress *progress) {
	task_clear(&task);
	enum err code = plan_step_run(&task, &directory, p, progress, &report);
	assert_true(str_empty(task.pinned_to));
	assert_int_equal(task.failure, code);
	if (p->kind == PLAN_CREATE && !directory.transactions)
		assert_int_equal(fake.changes, fake.applies); /* else half of them may be done */
	return code;
}

/* To the end, or to the first failure. */
static inline enum err run_all(const struct plan *p, struct plan_progress *progress) {
	for (size_t i = 0; i < 8 && progress->step < plan_steps(p); i++)
		TRY(run(p, progress));
	return progress->step == plan_steps(p) ? OK : ERR_INTERNAL;
}

/* That much time went by. */
static inline void pass(struct plan_progress *progress, int64_t ms) {
	progress->begun_at -= ms;
}

/* Changed by others: a member of a fake_person. */
#define SET(member, text) snprintf((member), sizeof(member), "%s", (text))

#endif
