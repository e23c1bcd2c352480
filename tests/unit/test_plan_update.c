/* Updates: what is built, written as LDIF and JSON, and each step in every state that it may find. */
#include "tests/unit/plan_fixture.h"

#include "base/buf.h"
#include "base/secret.h"

#define FORMER "ou=former,dc=test"

static struct fake_person *ann;

static int begin(void **state) {
	plan_begin(state);
	fake_reset();
	ann = fake_person_add("ann", "ann@x.test");
	SET(ann->given, "Ann");
	fake_join(fake_group_add(GUESTS), ann);
	fake_group_add(VPN);
	return 0;
}

/* ---- building ---- */

struct typed {
	const char *given; /* NULL: as it is */
	const char *join, *leave, *parent;
	enum state_wish enabled;
	bool remove;
};

static enum err build(const struct typed *w, struct plan **ret) {
	struct entry *e = NULL;
	struct groups groups = {0};
	struct attribute given = {.name = STR("given_name")};
	assert_int_equal(directory_find_id(&task, &directory, str_of(ann->id), &e), OK);
	assert_int_equal(directory_groups(&task, &directory, e, &groups), OK);
	struct update_input in = {.directory = &directory,
		.entry = e,
		.groups = &groups,
		.attributes = &given,
		.n_attributes = w->given ? 1 : 0,
		.enabled = w->enabled,
		.parent = str_of(w->parent),
		.remove = w->remove};
	if (w->given)
		strs_add(arena, &given.values, str_of(w->given));
	if (w->join)
		strs_add(arena, &in.join, str_of(w->join));
	if (w->leave)
		strs_add(arena, &in.leave, str_of(w->leave));
	task_clear(&task);
	return update_build(&task, &in, ret);
}

static struct plan *update_of(const struct typed *w) {
	struct plan *p = NULL;
	assert_int_equal(build(w, &p), OK);
	return p;
}

static struct str titles(const struct plan *p) {
	struct strs list = {NULL, 0};
	for (size_t i = 0; i < plan_steps(p); i++)
		strs_add(arena, &list, plan_step_title(arena, p, i));
	return str_join(arena, list, STR(", "));
}

static const struct {
	struct typed wishes;
	const char *titles;
} builds[] = {
	{{.given = "Ann"}, ""},
	{{.given = " Ann "}, ""},
	{{.given = "ann"}, "replace givenName"},
	{{.given = ""}, "replace givenName"},
	{{.join = GUESTS}, ""},
	{{.join = "CN=Guests, ou=groups,dc=test"}, ""},
	{{.join = VPN}, "join cn=vpn"},
	{{.leave = VPN}, ""},
	{{.leave = GUESTS}, "leave cn=guests"},
	{{.parent = "ou=people,dc=test"}, ""},
	{{.parent = FORMER}, "move below ou=former, follow in cn=guests"},
	{{.parent = FORMER, .leave = GUESTS, .join = VPN},
		"leave cn=guests, join cn=vpn, move below ou=former, follow in cn=vpn"},
	{{.enabled = WISH_ENABLE}, ""},
	{{.enabled = WISH_DISABLE, .given = "B"}, "disable, replace givenName"},
	{{.remove = true}, "disable, leave cn=guests, delete"},
};

static void builds_what_is_not_so_yet(void **state) {
	(void)state;
	for (size_t i = 0; i < COUNT(builds); i++) {
		struct plan *p = update_of(&builds[i].wishes), *again = NULL;
		assert_text(titles(p), builds[i].titles);
		assert_int_equal(plan_parse(&task, plan_json(arena, p), &again), OK);
		assert_true(str_eq(plan_json(arena, p), plan_json(arena, again)));
		assert_true(str_eq(plan_digest(arena, p), plan_digest(arena, again)));
		assert_true(str_eq(plan_ldif(arena, p, &directory, 0), plan_ldif(arena, again, &directory, 0)));
	}
}

/* Active Directory's links follow by themselves. */
static void leaves_links_to_active_directory(void **state) {
	(void)state;
	directory.driver = DIRECTORY_ACTIVE_DIRECTORY;
	assert_text(titles(update_of(&(struct typed){.parent = FORMER})), "move below ou=former");
	assert_text(titles(update_of(&(struct typed){.remove = true})), "disable, delete");
}

static void refuses(void **state) {
	static const struct typed typed[] = {
		{.parent = "nowhere"}, {.join = "guests"}, {.remove = true, .given = "B"}, {.given = "B\nC"}};
	static const char *const names[] = {
		"userPassword", "unicodePwd;x", "uid", "login", "objectClass", "employeeNumber"};
	struct plan *p = NULL;
	(void)state;
	for (size_t i = 0; i < COUNT(typed); i++)
		assert_int_equal(build(&typed[i], &p), ERR_INVALID);
	for (size_t i = 0; i < COUNT(names); i++) {
		const struct entry e = {.dn = STR(ANN), .stable_id = STR("x")};
		const struct groups none = {0};
		struct attribute one = {.name = str_of(names[i])};
		struct update_input in = {.directory = &directory, .entry = &e, .groups = &none, .attributes = &one};
		in.n_attributes = 1;
		strs_add(arena, &one.values, STR("v"));
		assert_int_equal(update_build(&task, &in, &p), ERR_INVALID);
	}
}

static void shows(void **state) {
	(void)state;
	assert_text(plan_ldif(arena,
			    update_of(&(struct typed){
				    .given = "J\xC3\xB6rg", .leave = GUESTS, .join = VPN, .parent = FORMER}),
			    &directory, 0),
		"version: 1\n"
		"\ndn: " ANN "\nchangetype: modify\n# before: Ann\nreplace: givenName\n"
		"# givenName: J\xC3\xB6rg\ngivenName:: SsO2cmc=\n-\n"
		"\ndn: " GUESTS "\nchangetype: modify\ndelete: member\nmember: " ANN "\n-\n"
		"\ndn: " VPN "\nchangetype: modify\nadd: member\nmember: " ANN "\n-\n"
		"\ndn: " ANN "\nchangetype: modrdn\nnewrdn: uid=ann\ndeleteoldrdn: 1\nnewsuperior: " FORMER "\n"
		"\n# where the server does not do so by itself\ndn: " VPN "\nchangetype: modify\n"
		"add: member\nmember: uid=ann," FORMER "\n-\ndelete: member\nmember: " ANN "\n-\n");
	assert_text(plan_ldif(arena, update_of(&(struct typed){.remove = true}), &directory, 0),
		"version: 1\n"
		"\ndn: " ANN "\nchangetype: modify\nreplace: fakeEnabled\nfakeEnabled: no\n-\n"
		"\ndn: " GUESTS "\nchangetype: modify\ndelete: member\nmember: " ANN "\n-\n"
		"\ndn: " ANN "\nchangetype: delete\n");
}

/* Text that is no update of ours: refused, and nothing else. */
static void reads_only_its_own(void **state) {
	static const char *const good = "{\"version\":1,\"kind\":\"update\",\"directory\":\"main\",\"stable_id\":\"i\","
					"\"dn\":\"uid=a,dc=t\",\"steps\":[%s]}";
	static const struct {
		const char *step;
		enum err wanted;
	} rows[] = {
		{"", OK},
		{"{\"kind\":\"delete\",\"dn\":\"\",\"attributes\":[],\"before\":[]}", OK},
		{"{\"kind\":\"delete\",\"dn\":\"dc=t\",\"attributes\":[],\"before\":[]}", ERR_INVALID},
		{"{\"kind\":\"delete\",\"dn\":\"\",\"attributes\":[],\"before\":[\"x\"]}", ERR_INVALID},
		{"{\"kind\":\"erase\",\"dn\":\"\",\"attributes\":[],\"before\":[]}", ERR_INVALID},
		{"{\"kind\":\"join\",\"dn\":\"\",\"attributes\":[],\"before\":[]}", ERR_INVALID},
		{"{\"kind\":\"join\",\"dn\":\"dc=t\",\"attributes\":[],\"before\":[]}", OK},
		{"{\"kind\":\"replace\",\"dn\":\"\",\"attributes\":[],\"before\":[]}", ERR_INVALID},
		{"{\"kind\":\"replace\",\"dn\":\"\",\"attributes\":[{\"name\":\"sn\",\"values\":[]}],\"before\":[]}",
			OK},
		{"{\"kind\":\"replace\",\"dn\":\"\",\"attributes\":[{\"name\":\"userPassword\",\"values\":[\"x\"]}],"
		 "\"before\":[]}",
			ERR_INVALID},
		{"{\"kind\":\"delete\",\"dn\":\"\",\"attributes\":[],\"before\":[]},"
		 "{\"kind\":\"disable\",\"dn\":\"\",\"attributes\":[],\"before\":[]}",
			ERR_INVALID},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan *p = NULL;
		struct buf b = buf_new(arena, 4096);
		buf_put(&b, str_sub(str_of(good), 0, str_find(str_of(good), '%', 0)));
		buf_put(&b, str_of(rows[i].step));
		buf_put(&b, STR("]}"));
		task_clear(&task);
		if (plan_parse(&task, buf_str(&b), &p) != rows[i].wanted)
			fail_msg("%s", rows[i].step);
	}
}

/* ---- steps ---- */

/* What others, or a run of which no record was made, did between the plan and the step. */
static void nothing(void) {}
static void given_done(void) {
	SET(ann->given, "Bea");
}
static void given_other(void) {
	SET(ann->given, "Cleo");
}
static void disabled_done(void) {
	ann->enabled = false;
}
static void joined(void) {
	fake_join(&fake.groups[1], ann);
}
static void left(void) {
	fake.groups[0].n = 0;
}
static void group_gone(void) {
	fake.groups[0].dn[0] = fake.groups[1].dn[0] = 'x';
}
static void renamed(void) {
	SET(ann->dn, "uid=bea,ou=people,dc=test");
}
static void moved(void) {
	SET(ann->dn, "uid=ann," FORMER);
}
static void moved_away(void) {
	SET(ann->dn, "uid=ann,ou=elsewhere,dc=test");
}
static void gone(void) {
	ann->gone = true;
}
/* Another one under the name that ann had. */
static void reused(void) {
	gone();
	fake_person_add("ann", "other@x.test");
}

#define GIVEN                                                                                                          \
	{ .given = "Bea" }
#define JOIN                                                                                                           \
	{ .join = VPN }
#define LEAVE                                                                                                          \
	{ .leave = GUESTS }
#define MOVE                                                                                                           \
	{ .parent = FORMER }
#define DISABLE                                                                                                        \
	{ .enabled = WISH_DISABLE }
#define REMOVE                                                                                                         \
	{ .remove = true }

/* All steps; the DN, name, state and groups (of GUESTS and VPN) that ann has then. */
static const struct row {
	const char *name;
	struct typed wishes;
	void (*meanwhile)(void);
	enum err wanted;
	const char *dn, *given;
	bool enabled, guests, vpn;
} rows[] = {
	{"replace", GIVEN, nothing, OK, ANN, "Bea", true, true, false},
	{"replace, done", GIVEN, given_done, OK, ANN, "Bea", true, true, false},
	{"replace, changed", GIVEN, given_other, ERR_REFUSED, ANN, "Cleo", true, true, false},
	{"replace, renamed", GIVEN, renamed, OK, "uid=bea,ou=people,dc=test", "Bea", true, false, false},
	{"replace, gone", GIVEN, gone, ERR_NOT_FOUND, NULL, NULL, false, false, false},
	{"replace, reused", GIVEN, reused, ERR_NOT_FOUND, NULL, NULL, false, false, false},
	{"join", JOIN, nothing, OK, ANN, "Ann", true, true, true},
	{"join, done", JOIN, joined, OK, ANN, "Ann", true, true, true},
	{"join, no group", JOIN, group_gone, ERR_NOT_FOUND, ANN, "Ann", true, true, false},
	{"join, renamed", JOIN, renamed, OK, "uid=bea,ou=people,dc=test", "Ann", true, false, true},
	{"leave", LEAVE, nothing, OK, ANN, "Ann", true, false, false},
	{"leave, done", LEAVE, left, OK, ANN, "Ann", true, false, false},
	{"leave, no group", LEAVE, group_gone, OK, ANN, "Ann", true, true, false},
	{"move", MOVE, nothing, OK, "uid=ann," FORMER, "Ann", true, true, false},
	{"move, done", MOVE, moved, OK, "uid=ann," FORMER, "Ann", true, true, false},
	{"move, renamed", MOVE, renamed, OK, "uid=bea," FORMER, "Ann", true, true, false},
	{"move, moved", MOVE, moved_away, ERR_REFUSED, "uid=ann,ou=elsewhere,dc=test", "Ann", true, false, false},
	{"move, left", MOVE, left, OK, "uid=ann," FORMER, "Ann", true, false, false},
	{"disable", DISABLE, nothing, OK, ANN, "Ann", false, true, false},
	{"disable, done", DISABLE, disabled_done, OK, ANN, "Ann", false, true, false},
	{"disable, moved", DISABLE, moved_away, OK, "uid=ann,ou=elsewhere,dc=test", "Ann", false, false, false},
	{"delete", REMOVE, nothing, OK, NULL, NULL, false, false, false},
	{"delete, left", REMOVE, left, OK, NULL, NULL, false, false, false},
	{"delete, renamed", REMOVE, renamed, OK, NULL, NULL, false, false, false},
};

static enum err carry_out(const struct plan *p, struct plan_progress *progress) {
	while (progress->step < plan_steps(p)) {
		TRY(run(p, progress));
		assert_int_equal(report.result, 0);
	}
	return OK;
}

static bool row_holds(const struct row *r) {
	if (!r->dn)
		return ann->gone;
	return !ann->gone && str_eq(str_of(ann->dn), str_of(r->dn)) && str_eq(str_of(ann->given), str_of(r->given)) &&
	       ann->enabled == r->enabled && fake_is_member(&fake.groups[0], ann) == r->guests &&
	       fake_is_member(&fake.groups[1], ann) == r->vpn;
}

static void assert_row(const struct row *r) {
	if (!row_holds(r))
		fail_msg("%s: %s, %s, enabled %d, guests %d, vpn %d, gone %d", r->name, ann->dn, ann->given,
			ann->enabled, fake_is_member(&fake.groups[0], ann), fake_is_member(&fake.groups[1], ann),
			ann->gone);
}

static void looks_before_it_acts(void **state) {
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan_progress progress = {0}, again = {0};
		begin(state);
		struct plan *p = update_of(&rows[i].wishes);
		rows[i].meanwhile();
		if (carry_out(p, &progress) != rows[i].wanted)
			fail_msg("%s: %.*s", rows[i].name, FMT(task.failure_detail));
		assert_row(&rows[i]);
		if (!rows[i].wanted && rows[i].dn) { /* from the start, as if no record had been made */
			assert_int_equal(carry_out(p, &again), OK);
			assert_row(&rows[i]);
		}
	}
}

/* The name that ann had is another's by now, who is a guest too. */
static void renamed_and_reused(void) {
	renamed();
	fake_person_add("ann", "other@x.test");
}

/* Where a server leaves the groups of who is renamed as they are: the name must let nobody in who gets it later. */
static void leaves_under_its_old_name_too(void **state) {
	static const struct {
		struct typed wishes;
		void (*meanwhile)(void);
		bool named;
	} leaving[] = {{LEAVE, renamed, false}, {REMOVE, renamed, false}, {REMOVE, moved_away, false},
		{LEAVE, renamed_and_reused, true}, {REMOVE, renamed_and_reused, true}};
	for (size_t i = 0; i < COUNT(leaving); i++) {
		struct plan_progress progress = {0};
		struct fake_person old = {.dn = ANN};
		begin(state);
		struct plan *p = update_of(&leaving[i].wishes);
		leaving[i].meanwhile();
		assert_int_equal(carry_out(p, &progress), OK);
		if (fake_is_member(&fake.groups[0], &old) != leaving[i].named)
			fail_msg("row %zu: the old name %s", i, leaving[i].named ? "was removed" : "is left");
	}
}

/* Deleted, and another one of that name is not. */
static void deletes_only_whom_it_means(void **state) {
	struct plan_progress progress = {.step = 2};
	(void)state;
	struct plan *p = update_of(&(struct typed){.remove = true});
	reused();
	assert_int_equal(carry_out(p, &progress), OK);
	assert_non_null(fake_person_find("ann"));
}

/* Each call fails in each way once; run again, all is as without. */
static void goes_on_after(void **state) {
	static const struct typed all = {.given = "Bea", .join = VPN, .leave = GUESTS, .parent = FORMER};
	static const struct row wanted = {
		.name = "all", .dn = "uid=ann," FORMER, .given = "Bea", .enabled = true, .vpn = true};
	for (int fault = FAULT_DOWN; fault <= FAULT_LOST_HALF; fault++) {
		bool met = true;
		for (size_t n = 0; met; n++) {
			struct plan_progress progress = {0};
			begin(state);
			struct plan *p = update_of(&all);
			size_t before = fake.calls;
			fake_fail(n, (enum fake_fault)fault);
			enum err e = carry_out(p, &progress);
			met = fake.calls > before + n;
			if (met)
				assert_true(e == ERR_UNAVAILABLE || e == ERR_TIMEOUT);
			assert_int_equal(carry_out(p, &progress), OK);
			assert_row(&wanted);
		}
	}
}

/* For as long as others may not have heard of it, the controller that took one step takes the next. */
static void stays_with_a_controller(void **state) {
	static const int64_t lags[] = {600, 0};
	for (size_t i = 0; i < COUNT(lags); i++) {
		struct plan_progress progress = {0};
		begin(state);
		directory.replication_lag = lags[i];
		struct plan *p = update_of(&(struct typed){.given = "Bea", .join = VPN});
		assert_int_equal(run(p, &progress), OK);
		assert_string_equal(fake.pinned, "");
		assert_text(progress.controller, "ldap://fake");
		assert_int_equal(run(p, &progress), OK);
		assert_string_equal(fake.pinned, lags[i] ? "ldap://fake" : "");
		assert_true(str_empty(task.pinned_to));
	}
}

static void tells_no_value(void **state) {
	struct plan_progress progress = {0};
	(void)state;
	struct plan *p = update_of(&(struct typed){.given = "Bea"});
	given_other();
	assert_int_equal(carry_out(p, &progress), ERR_REFUSED);
	assert_text(task.failure_detail, "attribute givenName was changed by others meanwhile");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, plan_end)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(builds_what_is_not_so_yet),
		TEST(leaves_links_to_active_directory),
		TEST(refuses),
		TEST(shows),
		TEST(reads_only_its_own),
		TEST(looks_before_it_acts),
		TEST(leaves_under_its_old_name_too),
		TEST(deletes_only_whom_it_means),
		TEST(goes_on_after),
		TEST(stays_with_a_controller),
		TEST(tells_no_value),
	};
	secret_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
