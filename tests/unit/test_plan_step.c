/* Steps against a directory of this file, which fails where it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "federation/plan/plan.h"

#define CALLS_MAX 60

enum fault {
	FAULT_NONE,
	FAULT_UNAVAILABLE, /* nothing was done */
	FAULT_LOST_BEFORE, /* no answer, and nothing was done */
	FAULT_LOST_AFTER,  /* no answer, and all was done */
	FAULT_LOST_HALF,   /* no answer, and the first change was done (without transactions) */
	FAULT_COUNT
};

static struct arena *arena;
static struct task task;
static struct directory_config directory;

/* The fake: entries, groups, and what it shall do wrong. */
static struct {
	struct entry people[8];
	size_t n_people;
	struct {
		struct str dn;
		struct strs members;
	} groups[4];
	size_t n_groups;
	bool no_parent, unique_mail, invisible, no_stable_id, bare_19;
	size_t calls, fault_at; /* the call of this number fails */
	enum fault fault;
	size_t adds, applies;
} fake;

static int begin(void **state) {
	(void)state;
	arena = arena_new();
	task_begin(&task, arena, NULL, 1000);
	memset(&fake, 0, sizeof(fake));
	fake.fault_at = SIZE_MAX;
	directory = (struct directory_config){
		.id = STR("main"),
		.rdn_attribute = STR("uid"),
		.group_member_attribute = STR("member"),
		.marker_attribute = STR("employeeNumber"),
		.people_base = STR("ou=people,dc=test"),
		.transactions = true,
	};
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static enum err fault_now(enum fault *ret) {
	*ret = fake.calls++ == fake.fault_at ? fake.fault : FAULT_NONE;
	if (*ret == FAULT_UNAVAILABLE)
		return task_fail(&task, ERR_UNAVAILABLE, "fake: down");
	return *ret ? task_fail(&task, ERR_TIMEOUT, "fake: no answer") : OK;
}

static struct str attribute_of(const struct change *c, const char *name) {
	for (size_t i = 0; i < c->n_attributes; i++)
		if (str_eq_case(c->attributes[i].name, str_of(name)))
			return c->attributes[i].values.v[0];
	return STR_NONE;
}

static void person_add(struct str dn, struct str login, struct str mail, struct str marker) {
	assert_true(fake.n_people < COUNT(fake.people));
	struct str id = str_printf(arena, "id-%zu", fake.n_people);
	fake.people[fake.n_people++] =
		(struct entry){.dn = dn, .login = login, .mail = mail, .marker = marker, .stable_id = id};
}

static bool matches(const struct entry *e, struct str name, struct str value) {
	if (str_eq(name, STR("dn")))
		return dn_equal(arena, e->dn, value);
	return str_eq_case(str_eq(name, STR("login"))  ? e->login
			   : str_eq(name, STR("mail")) ? e->mail
						       : e->marker,
		value);
}

static enum err find(struct str name, struct str value, struct entry **ret) {
	enum fault fault;
	struct entry *found = NULL;
	TRY(fault_now(&fault));
	for (size_t i = 0; i < fake.n_people && !fake.invisible; i++) {
		if (!matches(&fake.people[i], name, value))
			continue;
		if (found)
			return task_fail(&task, ERR_EXISTS, "fake: several");
		found = arena_new_of(arena, struct entry);
		*found = fake.people[i];
		if (fake.no_stable_id)
			found->stable_id = STR_NONE;
	}
	if (!found)
		return task_fail(&task, ERR_NOT_FOUND, "fake: none");
	*ret = found;
	return OK;
}

void directory_pin(struct task *t, const struct directory_config *d, struct str controller) {
	(void)t, (void)d, (void)controller;
}

enum err directory_controller_uris(struct task *t, const struct directory_config *d, struct strs *ret) {
	(void)t;
	*ret = d->uris;
	return OK;
}

enum err directory_controller(struct task *t, const struct directory_config *d, struct str *ret) {
	(void)t, (void)d;
	*ret = STR("fake");
	return OK;
}

enum err directory_find_marker(
	struct task *t, const struct directory_config *d, struct str marker, struct entry **ret) {
	(void)t, (void)d;
	return find(STR("marker"), marker, ret);
}

enum err directory_find_all(struct task *t, const struct directory_config *d, struct str name, struct str value,
	struct entry **ret, size_t *ret_n) {
	(void)t, (void)d;
	*ret_n = 0;
	*ret = arena_array(arena, struct entry, COUNT(fake.people));
	for (size_t i = 0; i < fake.n_people; i++)
		if (matches(&fake.people[i], name, value))
			(*ret)[(*ret_n)++] = fake.people[i];
	return OK;
}

enum err directory_find_dn(struct task *t, const struct directory_config *d, struct str dn, struct entry **ret) {
	(void)t, (void)d;
	return find(STR("dn"), dn, ret);
}

enum err directory_find_value(
	struct task *t, const struct directory_config *d, struct str name, struct str value, struct entry **ret) {
	(void)t, (void)d;
	return find(name, value, ret);
}

enum err directory_read(struct task *t, const struct directory_config *d, struct str dn, const char *const *attributes,
	struct entry **ret) {
	enum fault fault;
	(void)t, (void)d, (void)attributes;
	TRY(fault_now(&fault));
	for (size_t i = 0; i < fake.n_groups; i++) {
		if (!dn_equal(arena, fake.groups[i].dn, dn))
			continue;
		*ret = arena_new_of(arena, struct entry);
		return OK;
	}
	return task_fail(&task, ERR_NOT_FOUND, "fake: none");
}

struct str directory_attribute(const struct directory_config *d, struct str ours) {
	(void)d;
	return str_eq(ours, STR("login")) ? STR("uid") : ours;
}

void directory_new_entry(
	struct arena *a, const struct directory_config *d, struct str marker, struct attribute **list, size_t *n) {
	*list = arena_array(a, struct attribute, 2);
	(*list)[0].name = STR("objectClass");
	strs_add(a, &(*list)[0].values, STR("inetOrgPerson"));
	(*list)[1].name = d->marker_attribute;
	strs_add(a, &(*list)[1].values, marker);
	*n = 2;
}

/* What only steps of an update call: test_plan_update.c. */
enum err directory_find_id(struct task *t, const struct directory_config *d, struct str stable_id, struct entry **ret) {
	(void)d, (void)stable_id, (void)ret;
	return task_fail(t, ERR_INTERNAL, "fake: not an update");
}

enum err directory_values(
	struct task *t, const struct directory_config *d, struct str dn, struct str attribute, struct strs *ret) {
	(void)d, (void)dn, (void)attribute, (void)ret;
	return task_fail(t, ERR_INTERNAL, "fake: not an update");
}

void directory_enabling(struct arena *a, const struct directory_config *d, const struct entry *now, bool enabled,
	struct attribute **list, size_t *n) {
	(void)a, (void)d, (void)now, (void)enabled, (void)list, (void)n;
}

static enum err add(const struct change *c) {
	struct str login = attribute_of(c, "uid"), mail = attribute_of(c, "mail");
	if (fake.no_parent)
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < fake.n_people; i++)
		if (dn_equal(arena, fake.people[i].dn, c->dn) || str_eq_case(fake.people[i].login, login) ||
			(fake.unique_mail && str_eq_case(fake.people[i].mail, mail)))
			return ERR_EXISTS;
	fake.adds++;
	person_add(c->dn, login, mail, attribute_of(c, "employeeNumber"));
	return OK;
}

static enum err change_one(const struct change *c) {
	if (c->kind == CHANGE_ADD)
		return add(c);
	assert_int_equal(c->kind, CHANGE_VALUE_ADD);
	for (size_t i = 0; i < fake.n_groups; i++) {
		if (!dn_equal(arena, fake.groups[i].dn, c->dn))
			continue;
		struct str member = attribute_of(c, "member");
		if (!strs_has(fake.groups[i].members, member))
			strs_add(arena, &fake.groups[i].members, member);
		return OK;
	}
	return ERR_NOT_FOUND;
}

enum err directory_apply(struct task *t, const struct directory_config *d, const struct change *changes, size_t n,
	struct report *report) {
	__typeof__(fake) before = fake;
	enum fault fault;
	enum err failed = fault_now(&fault), code = OK;
	bool half = fault == FAULT_LOST_HALF && !d->transactions;
	fake.applies++;
	*report = (struct report){.controller = STR("fake"), .result = -1};
	if (failed && fault != FAULT_LOST_AFTER && !half)
		return failed;
	size_t done = 0;
	while (done < (half ? 1 : n) && !code)
		if (!(code = change_one(&changes[done])))
			done++;
	if (code && d->transactions) {
		memcpy(fake.people, before.people, sizeof(fake.people));
		memcpy(fake.groups, before.groups, sizeof(fake.groups));
		fake.n_people = before.n_people;
		fake.adds = before.adds;
		done = 0;
	}
	if (failed)
		return failed;
	report->done = done;
	report->result = code == OK ? 0 : code == ERR_EXISTS ? 19 : 32;
	if (code == ERR_EXISTS && fake.bare_19)
		code = ERR_REFUSED;
	return code ? task_fail(t, code, "fake: result %d", report->result) : OK;
}

/* ---- a plan, and running it ---- */
static const char *const group_dns[] = {"cn=guests,ou=groups,dc=test", "cn=vpn,ou=groups,dc=test"};

static void groups_add(size_t n) {
	for (; fake.n_groups < n; fake.n_groups++)
		fake.groups[fake.n_groups].dn = str_of(group_dns[fake.n_groups]);
}

static struct plan *plan_of(size_t logins, size_t groups) {
	static const struct str names[] = {STR("ann"), STR("ann2"), STR("ann3")};
	struct attribute mail = {.name = STR("mail")};
	strs_add(arena, &mail.values, STR("ann@x"));
	struct plan_input in = {.directory = &directory,
		.marker = STR("01JABC"),
		.base = directory.people_base,
		.attributes = &mail,
		.n_attributes = 1};
	in.logins = (struct strs){(struct str *)(void *)names, logins};
	for (size_t i = 0; i < groups; i++)
		strs_add(arena, &in.groups, str_of(group_dns[i]));
	struct plan *p = NULL;
	assert_int_equal(plan_build(&task, &in, &p), OK);
	return p;
}

static enum err run(const struct plan *p, struct plan_progress *progress) {
	struct report report;
	task_clear(&task);
	return plan_step_run(&task, &directory, p, progress, &report);
}

/* Until it is done or a failure is not one to retry. */
static enum err run_all(const struct plan *p, struct plan_progress *progress) {
	for (size_t i = 0; i < CALLS_MAX && progress->step < plan_steps(p); i++) {
		enum err code = run(p, progress);
		if (code && !err_row(code)->retry)
			return code;
		if (!code)
			assert_int_equal(task.failure, OK);
	}
	return progress->step == plan_steps(p) ? OK : ERR_INTERNAL;
}

static void assert_whole(const struct plan *p, const struct plan_progress *progress, const char *dn) {
	size_t ours = 0;
	for (size_t i = 0; i < fake.n_people; i++)
		ours += str_eq(fake.people[i].marker, p->marker);
	assert_int_equal(ours, 1);
	assert_true(str_eq(progress->dn, str_of(dn)));
	assert_false(str_empty(progress->stable_id));
	for (size_t i = 0; i < p->groups.n; i++) {
		assert_int_equal(fake.groups[i].members.n, 1);
		assert_true(dn_equal(arena, fake.groups[i].members.v[0], progress->dn));
	}
}

#define ANN  "uid=ann,ou=people,dc=test"
#define ANN2 "uid=ann2,ou=people,dc=test"

static void runs(void **state) {
	(void)state;
	for (int transactions = 0; transactions < 2; transactions++) {
		begin(NULL);
		directory.transactions = transactions;
		groups_add(2);
		struct plan *p = plan_of(1, 2);
		struct plan_progress progress = {0};
		assert_int_equal(run_all(p, &progress), OK);
		assert_whole(p, &progress, ANN);
		assert_int_equal(fake.applies, transactions ? 1 : 3); /* without, each group is a step of its own */
		end(NULL);
	}
}

/* Each step again with the progress of before: a crash between act and record. */
static void runs_each_step_twice(void **state) {
	(void)state;
	groups_add(2);
	struct plan *p = plan_of(2, 2);
	struct plan_progress progress = {0};
	while (progress.step < plan_steps(p)) {
		struct plan_progress lost = progress;
		assert_int_equal(run(p, &lost), OK);
		assert_int_equal(run(p, &progress), OK);
	}
	assert_whole(p, &progress, ANN);
	assert_int_equal(fake.adds, 1);
	for (size_t step = 0; step < plan_steps(p); step++) {
		struct plan_progress again = progress;
		again.step = step;
		assert_int_equal(run(p, &again), OK);
		assert_int_equal(again.step, step + 1);
	}
	assert_whole(p, &progress, ANN);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(fake.adds, 1);
}

/* One fault of each kind at each call, with and without transactions, the first name free or taken. */
static void survives_every_fault(void **state) {
	(void)state;
	size_t visited = 0;
	for (size_t way = 0; way < 2 * 2 * FAULT_COUNT; way++) {
		bool more = true;
		for (size_t at = 0; more; at++) {
			begin(NULL);
			directory.transactions = way & 1;
			fake.fault = (enum fault)(way / 4);
			fake.fault_at = at;
			groups_add(2);
			if (way & 2)
				person_add(STR(ANN), STR("ann"), STR("other@x"), STR("other"));
			struct plan *p = plan_of(2, 2);
			struct plan_progress progress = {0};
			if (run_all(p, &progress))
				fail_msg("way %zu, fault at call %zu: %.*s", way, at, FMT(task.failure_detail));
			assert_whole(p, &progress, way & 2 ? ANN2 : ANN);
			assert_int_equal(fake.adds, 1);
			more = fake.calls > at && at < CALLS_MAX;
			visited++;
			end(NULL);
		}
	}
	assert_true(visited > 60);
	begin(NULL);
}

static void reports_what_happened(void **state) {
	(void)state;
	groups_add(1);
	person_add(STR(ANN), STR("ann"), STR(""), STR("other"));
	struct plan *p = plan_of(2, 1);
	struct plan_progress progress = {0};
	struct report report;
	assert_int_equal(plan_step_run(&task, &directory, p, &progress, &report), OK);
	assert_int_equal(report.result, 68);
	assert_int_equal(progress.candidate, 1);
	assert_int_equal(progress.step, 0);
	assert_int_equal(plan_step_run(&task, &directory, p, &progress, &report), OK);
	assert_int_equal(report.result, 0);
	assert_int_equal(report.done, 2);
	assert_int_equal(progress.step, plan_steps(p) - 1);
	assert_int_equal(plan_step_run(&task, &directory, p, &progress, &report), OK);
	assert_int_equal(report.result, 0);
	assert_true(str_eq(progress.stable_id, STR("id-1")));
}

static void goes_through_names(void **state) {
	(void)state;
	fake.bare_19 = true; /* what slapd says of a unique value in a transaction */
	person_add(STR("uid=ann,ou=elsewhere,ou=people,dc=test"), STR("ANN"), STR(""),
		STR("")); /* another OU, the same login */
	person_add(STR(ANN2), STR("x"), STR(""), STR(""));
	struct plan *p = plan_of(3, 0);
	struct plan_progress progress = {0};
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(progress.candidate, 2);
	assert_whole(p, &progress, "uid=ann3,ou=people,dc=test");

	person_add(STR("uid=ann3,ou=more,ou=people,dc=test"), STR("ann3"), STR(""),
		STR("")); /* two have it: still taken */
	struct plan *other = plan_of(3, 0);
	other->marker = STR("01JOTHER");
	struct plan_progress none = {0};
	assert_int_equal(run_all(other, &none), ERR_EXISTS);
	assert_int_equal(task.failure, ERR_EXISTS);
	assert_int_equal(none.candidate, 2);
	assert_int_equal(none.step, 0);
}

static void tries_on_where_none_is_seen(void **state) {
	(void)state;
	person_add(STR(ANN), STR("ann"), STR(""), STR(""));
	fake.invisible = true;
	struct plan *p = plan_of(2, 0);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.candidate, 1);
}

struct parked {
	enum err code;
	const char *detail;
};

static void assert_parked(const struct plan *p, struct plan_progress *progress, struct parked wanted) {
	struct plan_progress before = *progress;
	enum err code = run(p, progress);
	if (code != wanted.code || task.failure != wanted.code ||
		!str_contains(task.failure_detail, str_of(wanted.detail)))
		fail_msg("%s: %.*s", err_row(code)->name, FMT(task.failure_detail));
	assert_memory_equal(&before, progress, sizeof(before));
}

static void parks(void **state) {
	(void)state;
	groups_add(1);
	struct plan *p = plan_of(2, 2);
	struct plan_progress progress = {0};
	assert_parked(p, &progress, (struct parked){ERR_NOT_FOUND, "no group cn=vpn,ou=groups,dc=test"});
	assert_int_equal(fake.n_people, 0);
	fake.no_parent = true;
	p = plan_of(2, 1);
	assert_parked(p, &progress, (struct parked){ERR_NOT_FOUND, "no place for " ANN});
	fake.no_parent = false;
	fake.unique_mail = fake.bare_19 = true;
	person_add(STR("uid=old,ou=people,dc=test"), STR("old"), STR("ANN@x"), STR(""));
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "the mail address belongs to uid=old"});
	person_add(STR("uid=old2,ou=people,dc=test"), STR("old2"), STR("ann@x"), STR(""));
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "the mail address belongs to several"});
	fake.invisible = true;
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "fake: result 19"});
}

static void parks_at_a_group(void **state) {
	(void)state;
	directory.transactions = false;
	groups_add(1);
	struct plan *p = plan_of(1, 2);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.step, 1);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.step, 2);
	assert_parked(p, &progress, (struct parked){ERR_NOT_FOUND, "no group cn=vpn,ou=groups,dc=test"});
	groups_add(2);
	assert_int_equal(run_all(p, &progress), OK);
	assert_whole(p, &progress, ANN);
}

/* A marker on another entry than the plan's, two markers, an entry that became another. */
static void trusts_no_marker_alone(void **state) {
	(void)state;
	groups_add(1);
	struct plan *p = plan_of(2, 1);
	struct plan_progress progress = {0};
	person_add(STR("uid=mallory,ou=people,dc=test"), STR("mallory"), STR(""), p->marker);
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "uid=mallory,ou=people,dc=test has the marker"});
	person_add(STR(ANN), STR("ann"), STR(""), p->marker);
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "more than one entry"});
	assert_int_equal(fake.applies, 0);
	fake.n_people = 0;
	assert_int_equal(run(p, &progress), OK);
	fake.people[0].marker = STR("another");
	for (progress.step = 1; progress.step < 3; progress.step++)
		assert_parked(p, &progress, (struct parked){ERR_UNAVAILABLE, ANN " with our marker is not to be seen"});
	fake.people[0].marker = p->marker;
	fake.people[0].dn = STR("uid=moved,ou=people,dc=test");
	progress.step = 1;
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "is now uid=moved"});
	assert_int_equal(fake.applies, 1);
	fake.people[0].dn = STR(ANN);
	fake.no_stable_id = true;
	progress.step = 2;
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "stable id"});
	fake.no_stable_id = false;
	progress.stable_id = STR("id-before");
	assert_parked(p, &progress, (struct parked){ERR_REFUSED, "another entry than before"});
}

static void adopts_what_is_ours(void **state) {
	(void)state;
	groups_add(1);
	struct plan *p = plan_of(3, 1);
	struct plan_progress progress = {0};
	person_add(STR("UID=ann2, ou=people,dc=test"), STR("ann2"), STR(""), p->marker);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.candidate, 1);
	assert_int_equal(progress.step, 1);
	assert_int_equal(fake.applies, 0);
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.groups[0].members.n, 1);
	assert_int_equal(fake.n_people, 1);
}

static void refuses_other_progress(void **state) {
	(void)state;
	struct plan *p = plan_of(1, 0);
	assert_parked(p, &(struct plan_progress){.candidate = 1}, (struct parked){ERR_INTERNAL, "1 names"});
	assert_parked(
		p, &(struct plan_progress){.step = 1}, (struct parked){ERR_INTERNAL, "before the entry was created"});
	directory.id = STR("other");
	assert_parked(p, &(struct plan_progress){0}, (struct parked){ERR_INTERNAL, "directory main"});
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs),
		TEST(runs_each_step_twice),
		cmocka_unit_test_teardown(survives_every_fault, end),
		TEST(reports_what_happened),
		TEST(goes_through_names),
		TEST(tries_on_where_none_is_seen),
		TEST(parks),
		TEST(parks_at_a_group),
		TEST(trusts_no_marker_alone),
		TEST(adopts_what_is_ours),
		TEST(refuses_other_progress),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
