/* Steps against a directory of three controllers, which hear of each other when the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "federation/plan/plan.h"

#define CONTROLLERS 3u
#define ALL         ((1u << CONTROLLERS) - 1)
#define LAG_MS      60000
#define ANN         "uid=ann,ou=people,dc=test"
#define GROUP       "cn=guests,ou=groups,dc=test"

static struct str uris[CONTROLLERS] = {{"ldaps://a", 9}, {"ldaps://b", 9}, {"ldaps://c", 9}};
static struct arena *arena;
static struct task task;
static struct directory_config directory;

static struct {
	struct person {
		struct entry e;
		unsigned at; /* the controllers that show it */
	} people[8];
	size_t n_people;
	unsigned down;  /* controllers that do not answer */
	unsigned loses; /* controllers whose answer to a change is lost, once */
	size_t pinned;  /* CONTROLLERS: none */
	size_t last;    /* the controller that took the last change */
	size_t adds;
	bool may_not; /* remove and rename */
	struct strs members;
} fake;

static int begin(void **state) {
	(void)state;
	arena_free(arena);
	arena = arena_new();
	task_begin(&task, arena, NULL, 1000);
	memset(&fake, 0, sizeof(fake));
	fake.pinned = fake.last = CONTROLLERS;
	directory = (struct directory_config){
		.id = STR("main"),
		.uris = {uris, CONTROLLERS},
		.replication_lag = LAG_MS / 1000,
		.rdn_attribute = STR("uid"),
		.group_member_attribute = STR("member"),
		.marker_attribute = STR("employeeNumber"),
		.people_base = STR("ou=people,dc=test"),
	};
	return 0;
}

static int end(void **state) {
	(void)state;
	arena_free(arena);
	arena = NULL;
	return 0;
}

/* ---- the directory ---- */

void directory_pin(struct task *t, const struct directory_config *d, struct str controller) {
	(void)t;
	fake.pinned = CONTROLLERS;
	for (size_t i = 0; !str_empty(controller) && i < d->uris.n; i++)
		if (str_eq(d->uris.v[i], controller))
			fake.pinned = i;
	if (!str_empty(controller) && fake.pinned == CONTROLLERS)
		fake.pinned = CONTROLLERS + 1; /* no longer one */
}

static enum err controller_now(size_t *ret) {
	for (size_t i = 0; i < directory.uris.n; i++) {
		if ((fake.down >> i & 1) || (fake.pinned != CONTROLLERS && fake.pinned != i))
			continue;
		*ret = i;
		return OK;
	}
	return task_fail(&task, ERR_UNAVAILABLE, "fake: no answer");
}

enum err directory_controller_uris(struct task *t, const struct directory_config *d, struct strs *ret) {
	(void)t;
	*ret = d->uris;
	return OK;
}

enum err directory_controller(struct task *t, const struct directory_config *d, struct str *ret) {
	size_t now = 0;
	(void)t;
	TRY(controller_now(&now));
	*ret = d->uris.v[now];
	return OK;
}

static enum err find(bool (*fits)(const struct entry *, struct str), struct str value, struct entry **ret) {
	struct entry *found = NULL;
	size_t now = 0;
	TRY(controller_now(&now));
	for (size_t i = 0; i < fake.n_people; i++) {
		if (!(fake.people[i].at >> now & 1) || !fits(&fake.people[i].e, value))
			continue;
		if (found)
			return task_fail(&task, ERR_EXISTS, "fake: several");
		found = arena_new_of(arena, struct entry);
		*found = fake.people[i].e;
	}
	if (!found)
		return task_fail(&task, ERR_NOT_FOUND, "fake: none");
	*ret = found;
	return OK;
}

static bool marker_is(const struct entry *e, struct str v) {
	return str_eq(e->marker, v);
}

static bool dn_is(const struct entry *e, struct str v) {
	return dn_equal(arena, e->dn, v);
}

static bool login_is(const struct entry *e, struct str v) {
	return str_eq_case(e->login, v);
}

enum err directory_find_marker(
	struct task *t, const struct directory_config *d, struct str marker, struct entry **ret) {
	(void)t, (void)d;
	return find(marker_is, marker, ret);
}

enum err directory_find_all(struct task *t, const struct directory_config *d, struct str name, struct str value,
	struct entry **ret, size_t *ret_n) {
	size_t now = 0;
	(void)t, (void)d;
	TRY(controller_now(&now));
	*ret = arena_array(arena, struct entry, COUNT(fake.people));
	*ret_n = 0;
	for (size_t i = 0; i < fake.n_people; i++)
		if ((fake.people[i].at >> now & 1) &&
			(str_eq(name, STR("marker")) ? marker_is : login_is)(&fake.people[i].e, value))
			(*ret)[(*ret_n)++] = fake.people[i].e;
	return OK;
}

enum err directory_find_dn(struct task *t, const struct directory_config *d, struct str dn, struct entry **ret) {
	(void)t, (void)d;
	return find(dn_is, dn, ret);
}

enum err directory_find_value(
	struct task *t, const struct directory_config *d, struct str name, struct str value, struct entry **ret) {
	(void)t, (void)d, (void)name;
	return find(login_is, value, ret);
}

enum err directory_read(struct task *t, const struct directory_config *d, struct str dn, const char *const *attributes,
	struct entry **ret) {
	(void)t, (void)d, (void)dn, (void)attributes;
	*ret = arena_new_of(arena, struct entry);
	return OK;
}

struct str directory_attribute(const struct directory_config *d, struct str ours) {
	(void)d;
	return str_eq(ours, STR("login")) ? STR("uid") : ours;
}

void directory_new_entry(
	struct arena *a, const struct directory_config *d, struct str marker, struct attribute **list, size_t *n) {
	*list = arena_array(a, struct attribute, 1);
	(*list)[0].name = d->marker_attribute;
	strs_add(a, &(*list)[0].values, marker);
	*n = 1;
}

static struct entry *person_at(const char *dn, const char *login, struct str marker, unsigned at) {
	assert_true(fake.n_people < COUNT(fake.people));
	struct person *p = &fake.people[fake.n_people++];
	p->e = (struct entry){.dn = str_of(dn), .login = str_of(login), .marker = marker};
	p->e.stable_id = str_printf(arena, "id-%zu", fake.n_people);
	p->e.created_at = (int64_t)fake.n_people;
	p->at = at;
	return &p->e;
}

static enum err add(const struct change *c, size_t now) {
	struct str login = dn_rdn_value(arena, c->dn);
	for (size_t i = 0; i < fake.n_people; i++)
		if ((fake.people[i].at >> now & 1) && dn_is(&fake.people[i].e, c->dn))
			return ERR_EXISTS;
	struct str marker = c->attributes[0].values.v[0];
	for (size_t i = 0; i < c->n_attributes; i++)
		if (str_eq(c->attributes[i].name, directory.marker_attribute))
			marker = c->attributes[i].values.v[0];
	fake.adds++;
	const char *dn = NULL, *name = NULL;
	assert_int_equal(task_cstr(&task, c->dn, &dn), OK);
	assert_int_equal(task_cstr(&task, login, &name), OK);
	person_at(dn, name, marker, 1u << now);
	return OK;
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

static enum err change_one(const struct change *c, size_t now) {
	if (c->kind == CHANGE_ADD)
		return add(c, now);
	if (c->kind == CHANGE_VALUE_ADD) {
		if (!strs_has(fake.members, c->attributes[0].values.v[0]))
			strs_add(arena, &fake.members, c->attributes[0].values.v[0]);
		return OK;
	}
	for (size_t i = 0; i < fake.n_people; i++) {
		struct person *p = &fake.people[i];
		if (!(p->at >> now & 1) || !dn_is(&p->e, c->dn))
			continue;
		if (fake.may_not)
			return ERR_REFUSED;
		if (c->kind == CHANGE_RENAME)
			p->e.dn = c->new_dn;
		else
			p->at = 0;
		return OK;
	}
	return ERR_NOT_FOUND;
}

enum err directory_apply(struct task *t, const struct directory_config *d, const struct change *changes, size_t n,
	struct report *report) {
	size_t now = 0;
	(void)t;
	*report = (struct report){.result = -1};
	TRY(controller_now(&now));
	fake.last = now;
	report->controller = d->uris.v[now];
	assert_int_equal(n, 1);
	enum err code = change_one(&changes[0], now);
	if (fake.loses >> now & 1) {
		fake.loses &= ~(1u << now);
		return task_fail(&task, ERR_TIMEOUT, "fake: no answer");
	}
	report->result = !code ? 0 : code == ERR_EXISTS ? 68 : 32;
	report->done = !code;
	return code ? task_fail(&task, code, "fake: %d", report->result) : OK;
}

static void replicate(void) {
	for (size_t i = 0; i < fake.n_people; i++)
		fake.people[i].at = fake.people[i].at ? ALL : 0;
}

/* ---- running ---- */

static struct plan *plan_of(size_t logins) {
	static struct str names[] = {{"ann", 3}, {"ann2", 4}}, groups[] = {{GROUP, sizeof(GROUP) - 1}};
	struct plan_input in = {.directory = &directory,
		.marker = STR("01JABC"),
		.base = directory.people_base,
		.logins = {names, logins},
		.groups = {groups, 1}};
	struct plan *p = NULL;
	assert_int_equal(plan_build(&task, &in, &p), OK);
	return p;
}

static struct report report;

static enum err run(const struct plan *p, struct plan_progress *progress) {
	task_clear(&task);
	enum err code = plan_step_run(&task, &directory, p, progress, &report);
	assert_int_equal(fake.pinned, CONTROLLERS);
	return code;
}

static enum err run_all(const struct plan *p, struct plan_progress *progress) {
	for (size_t i = 0; i < 8 && progress->step < plan_steps(p); i++)
		TRY(run(p, progress));
	return progress->step == plan_steps(p) ? OK : ERR_INTERNAL;
}

/* That much time went by. */
static void pass(struct plan_progress *progress, int64_t ms) {
	progress->begun_at -= ms;
}

static void chooses_before_it_acts(void **state) {
	(void)state;
	struct plan *p = plan_of(1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(fake.adds, 0);
	assert_int_equal(progress.step, 0);
	assert_true(str_eq(progress.controller, uris[0]) && str_eq(report.controller, uris[0]));
	assert_true(progress.begun_at > 0);
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 1);

	begin(NULL);
	directory.uris.n = 1;
	struct plan_progress one = {0};
	assert_int_equal(run(plan_of(1), &one), OK);
	assert_int_equal(fake.adds, 1);
	assert_true(str_empty(one.controller));
}

/* The answer is lost, the controller goes, and no other one has heard of the entry. */
static void waits_for_the_controller(void **state) {
	(void)state;
	struct plan *p = plan_of(1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	fake.loses = 1;
	assert_int_equal(run(p, &progress), ERR_TIMEOUT);
	assert_int_equal(fake.adds, 1);
	fake.down = 1;
	pass(&progress, LAG_MS / 2);
	assert_int_equal(run(p, &progress), ERR_UNAVAILABLE);
	assert_true(str_contains(task.failure_detail, STR("ldaps://a does not answer")));
	assert_true(str_contains(task.failure_detail, STR("replication_lag")));
	assert_int_equal(fake.adds, 1);
	fake.down = 0;
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 1);
	assert_true(str_eq(progress.stable_id, STR("id-1")));
}

/* The last of the others has heard of it. */
static void goes_on_where_it_is_seen(void **state) {
	(void)state;
	struct plan *p = plan_of(1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	fake.loses = 1;
	assert_int_equal(run(p, &progress), ERR_TIMEOUT);
	fake.down = 1;
	fake.people[0].at = 1 | 1 << 2;
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.step, 1);
	assert_true(str_eq(progress.controller, uris[2]));
	fake.down = 0;
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(fake.last, 2);
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 1);
}

static void makes_it_anew_after_the_bound(void **state) {
	(void)state;
	struct plan *p = plan_of(1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK); /* and nothing was sent */
	fake.down = 1;
	pass(&progress, LAG_MS);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(fake.adds, 0);
	assert_true(str_eq(progress.controller, uris[1]));
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 1);
	assert_int_equal(fake.last, 1);
}

/* Nothing is sent on the word of a time that is long over, or is still to come. */
static void keeps_the_time_anew(void **state) {
	(void)state;
	static const int64_t ages[] = {LAG_MS * 10, -LAG_MS};
	for (size_t i = 0; i < COUNT(ages); i++) {
		begin(NULL);
		struct plan *p = plan_of(1);
		struct plan_progress progress = {0};
		assert_int_equal(run(p, &progress), OK);
		pass(&progress, ages[i]);
		assert_int_equal(run(p, &progress), OK);
		assert_int_equal(fake.adds, 0);
		assert_true(clock_wall_ms() - progress.begun_at < LAG_MS / 2 && progress.begun_at <= clock_wall_ms());
		fake.down = 1;
		pass(&progress, ages[i] < 0 ? ages[i] : 0);
		enum err code = run(p, &progress);
		assert_int_equal(code, ages[i] < 0 ? OK : ERR_UNAVAILABLE);
		assert_true(str_eq(progress.controller, uris[0]));
	}
}

/* The controller that took the entry goes for good before another heard of it. */
static void goes_back_when_it_was_lost(void **state) {
	(void)state;
	struct plan *p = plan_of(1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.step, 1);
	fake.down = 1;
	assert_int_equal(run(p, &progress), ERR_UNAVAILABLE);
	pass(&progress, LAG_MS);
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(progress.step, 0);
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 2);
	assert_true(str_eq(progress.stable_id, STR("id-2")));
}

static void waits_where_none_answers(void **state) {
	(void)state;
	struct plan *p = plan_of(1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	fake.down = ALL;
	pass(&progress, LAG_MS * 2);
	assert_int_equal(run(p, &progress), ERR_UNAVAILABLE);
	assert_true(str_contains(task.failure_detail, STR("no controller answers")));
}

/* It was taken out of the configuration: the same as away. */
static void knows_a_controller_of_before(void **state) {
	(void)state;
	struct plan *p = plan_of(1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	fake.loses = 1;
	assert_int_equal(run(p, &progress), ERR_TIMEOUT);
	directory.uris = (struct strs){uris + 1, 1};
	fake.people[0].at = 0;
	assert_int_equal(run(p, &progress), ERR_UNAVAILABLE);
	fake.people[0].at = 1;
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(fake.adds, 1);
	assert_true(str_eq(progress.controller, uris[1]));
}

/* Whatever is lost, at whatever step, and whoever is away then: one entry in the end. */
static void makes_one_whatever_is_lost(void **state) {
	(void)state;
	for (size_t at = 0; at < 5; at++) {
		for (unsigned down = 0; down < ALL; down++) {
			begin(NULL);
			struct plan *p = plan_of(2);
			struct plan_progress progress = {0};
			for (size_t i = 0; i < 12; i++) {
				fake.loses = i == at ? ALL : 0;
				fake.down = i == at + 1 ? down : 0;
				enum err code = run(p, &progress);
				assert_true(!code || err_row(code)->retry);
			}
			assert_int_equal(progress.step, plan_steps(p));
			assert_int_equal(fake.adds, 1);
			assert_int_equal(fake.members.n, 1);
			assert_true(str_eq(progress.dn, STR(ANN)));
		}
	}
}

/* ---- two where there should be one ---- */

#define MARKER STR("01JABC")

static size_t shown(void) {
	size_t n = 0;
	for (size_t i = 0; i < fake.n_people; i++)
		n += fake.people[i].at != 0;
	return n;
}

/* Until it says that there is nothing more to do. */
static enum err settle_all(const struct plan *p, struct plan_progress *progress) {
	for (size_t i = 0; i < 8; i++) {
		task_clear(&task);
		TRY(plan_settle(&task, &directory, p, progress, &report));
		assert_int_equal(fake.pinned, CONTROLLERS);
		if (report.result < 0 || progress->step < plan_steps(p))
			return OK;
	}
	return ERR_INTERNAL;
}

static struct plan_progress finished(const struct plan *p) {
	struct plan_progress progress = {0};
	assert_int_equal(run_all(p, &progress), OK);
	replicate();
	return progress;
}

/* A second one of ours, before the first was read back: the older stays, and which one goes is kept before it does. */
static void removes_the_second_of_ours(void **state) {
	(void)state;
	struct plan *p = plan_of(1);
	struct plan_progress progress = {0};
	assert_int_equal(run(p, &progress), OK);
	assert_int_equal(run(p, &progress), OK);
	person_at("uid=ann+x=y,ou=people,dc=test", "ann", STR("other"), ALL);
	person_at("nsuniqueid=1-2+" ANN, "ann", MARKER, ALL)->created_at = 0;
	assert_int_equal(run(p, &progress), OK);
	assert_true(str_eq(progress.twin, STR("id-3")));
	assert_int_equal(shown(), 3);
	assert_int_equal(progress.step, 1);
	assert_int_equal(run(p, &progress), OK);
	assert_true(str_empty(progress.twin));
	assert_int_equal(fake.people[2].at, 0);
	fake.people[1].at = 0;
	assert_int_equal(run_all(p, &progress), OK);
	assert_true(str_eq(progress.stable_id, STR("id-1")));
}

/* What is not provably made by the plan stays: another's name, one that is in use, one without a stable id. */
static void removes_nothing_else(void **state) {
	(void)state;
	for (size_t way = 0; way < 4; way++) {
		begin(NULL);
		struct plan *p = plan_of(1);
		struct plan_progress progress = finished(p);
		struct entry *other = person_at(
			way == 0 ? "uid=mallory,ou=people,dc=test" : "uid=Ann,ou=People,dc=test", "ann", MARKER, ALL);
		other->enabled = way == 1;
		other->stable_id = way == 2 ? STR_NONE : other->stable_id;
		fake.may_not = way == 3;
		assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
		assert_true(str_contains(
			task.failure_detail, way == 3 ? STR("may not") : STR("is not provably made by it")));
		assert_int_equal(shown(), 2);
	}
}

static void settles_what_came_later(void **state) {
	(void)state;
	struct plan *p = plan_of(1);
	struct plan_progress progress = finished(p);
	fake.people[0].e.enabled = true; /* in use by now */
	assert_int_equal(settle_all(p, &progress), OK);
	person_at("uid=ann\\0ACNF:0a,ou=people,dc=test", "ann", MARKER, 1 << 1)->created_at =
		0; /* older, and yet not the one */
	fake.down = 1 << 2;
	assert_int_equal(settle_all(p, &progress), ERR_UNAVAILABLE);
	assert_true(str_contains(task.failure_detail, STR("ldaps://c does not answer")));
	assert_int_equal(fake.people[1].at, 0);
	fake.down = 0;
	fake.people[0].at = 1;
	assert_int_equal(settle_all(p, &progress), ERR_UNAVAILABLE);
	assert_true(str_contains(task.failure_detail, STR("does not show the entry yet")));
	replicate();
	fake.people[1].at = 0;
	assert_int_equal(settle_all(p, &progress), OK);
	fake.people[0].at = 0;
	fake.people[1].at = ALL; /* the directory took the one for the other */
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	assert_true(str_contains(task.failure_detail, STR("is there instead")));
	fake.people[1].at = 0; /* removed by others: nothing is left to look after */
	assert_int_equal(settle_all(p, &progress), OK);
	assert_int_equal(progress.step, plan_steps(p));
}

/* Its name was taken from the one that stays. */
static void names_it_again(void **state) {
	(void)state;
	struct plan *p = plan_of(1);
	struct plan_progress progress = finished(p);
	fake.people[0].e.dn = STR("uid=ann\\0ACNF:0a1b2c,ou=people,dc=test");
	fake.people[0].e.enabled = true;
	person_at(ANN, "ann", MARKER, ALL);
	fake.may_not = true;
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	fake.may_not = false;
	assert_int_equal(settle_all(p, &progress), OK);
	assert_int_equal(shown(), 1);
	assert_true(str_eq(fake.people[0].e.dn, STR(ANN)));
}

/* Another's entry with the login name. */
static void gives_way_to_the_older(void **state) {
	(void)state;
	struct plan *p = plan_of(2);
	struct plan_progress progress = finished(p);
	person_at("uid=ann,ou=other,ou=people,dc=test", "ann", STR(""), ALL)->created_at = 0;
	assert_int_equal(settle_all(p, &progress), OK);
	assert_int_equal(progress.step, plan_steps(p) - 1);
	assert_int_equal(shown(), 2); /* it is the plan that removes */
	assert_int_equal(run_all(p, &progress), OK);
	assert_int_equal(progress.candidate, 1);
	assert_true(str_eq(progress.stable_id, STR("id-3")) && str_eq(progress.dn, STR("uid=ann2,ou=people,dc=test")));
	assert_int_equal(fake.people[0].at, 0);
	assert_int_equal(shown(), 2);

	begin(NULL);
	p = plan_of(1); /* no other name */
	progress = finished(p);
	person_at("uid=ann,ou=other,ou=people,dc=test", "ann", STR(""), ALL)->created_at = 0;
	assert_int_equal(settle_all(p, &progress), OK);
	assert_int_equal(run(p, &progress), ERR_EXISTS);
	assert_int_equal(shown(), 2);
}

static void stays_where_it_must(void **state) {
	(void)state;
	struct plan *p = plan_of(2);
	struct plan_progress progress = finished(p);
	struct entry *other = person_at("uid=ann,ou=other,ou=people,dc=test", "ann", STR(""), ALL);
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	assert_true(str_contains(task.failure_detail, STR("made later by somebody else")));
	other->marker = STR("of another registration");
	assert_int_equal(settle_all(p, &progress), ERR_UNAVAILABLE);
	pass(&progress, LAG_MS);
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	other->created_at = 0;
	fake.people[0].e.enabled = true;
	assert_int_equal(settle_all(p, &progress), ERR_REFUSED);
	assert_true(str_contains(task.failure_detail, STR("is in use")));
	assert_int_equal(shown(), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(chooses_before_it_acts),
		TEST(waits_for_the_controller),
		TEST(goes_on_where_it_is_seen),
		TEST(makes_it_anew_after_the_bound),
		TEST(keeps_the_time_anew),
		TEST(goes_back_when_it_was_lost),
		TEST(waits_where_none_answers),
		TEST(knows_a_controller_of_before),
		TEST(makes_one_whatever_is_lost),
		TEST(removes_the_second_of_ours),
		TEST(removes_nothing_else),
		TEST(settles_what_came_later),
		TEST(names_it_again),
		TEST(gives_way_to_the_older),
		TEST(stays_where_it_must),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
