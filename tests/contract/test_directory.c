/* The contract of federation/directory/directory.h, run against a directory of any make that tests/directories started
 * and seeded: eval "$(tests/directories/openldap start DIR)", or USHER_DIRECTORY=389ds and
 * eval "$(tests/directories/389ds start DIR)". Exits with 77 (skipped) without one. Where makes differ, a table has a
 * column for each, in the order of enum directory_driver_id: OpenLDAP, Active Directory, 389. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "federation/directory/directory.h"
#include "tests/contract/directory_fixture.h"

/* ---- finding ---- */
static void finds_logins(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *typed;
		enum err err;
		const char *login;
	} rows[] = {
		{"alice", OK, "alice"},
		{"ALICE", OK, "alice"},
		{"alice@example.test", OK, "alice"},
		{"nobody", ERR_NOT_FOUND, NULL},
		{"", ERR_NOT_FOUND, NULL},
		{"*", ERR_NOT_FOUND, NULL},
		{"a*", ERR_NOT_FOUND, NULL},
		{"alice)(uid=*", ERR_NOT_FOUND, NULL},
		{"*)(objectClass=*))(|(uid=*", ERR_NOT_FOUND, NULL},
		{"alice\\2a", ERR_NOT_FOUND, NULL},
		{"alice\xff", ERR_NOT_FOUND, NULL},
		{"(|(uid=alice)(uid=bob))", ERR_NOT_FOUND, NULL},
		{"outsider", ERR_NOT_FOUND, NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct entry *e = NULL;
		enum err got = directory_find_login(fixture_task(f), f->d, str_of(rows[i].typed), &e);
		if (got != rows[i].err)
			fail_msg("\"%s\": %s (%.*s)", rows[i].typed, err_row(got)->name, FMT(f->t.failure_detail));
		if (!got)
			assert_true(str_eq(e->login, str_of(rows[i].login)) && e->enabled && !e->locked);
		else
			assert_null(e);
	}
	struct entry *e = NULL;
	assert_int_equal(directory_find_login(fixture_task(f), f->d, str_slice("alice\0", 6), &e), ERR_NOT_FOUND);
	assert_int_equal(directory_find_login(fixture_task(f), f->d, str_slice("alice\0x", 7), &e), ERR_NOT_FOUND);
}

static struct str str_upper_of(struct fixture *f, struct str text) {
	char *copy = arena_alloc(f->config, text.n);
	for (size_t i = 0; i < text.n; i++)
		copy[i] = text.p[i] >= 'a' && text.p[i] <= 'z' ? (char)(text.p[i] - 32) : text.p[i];
	return str_slice(copy, text.n);
}

static void reads_an_entry(void **state) {
	struct fixture *f = *state;
	struct entry *e = NULL, *by = NULL;
	/* Another spelling of the same name. */
	struct str spelt = str_printf(
		f->config, "%.*s=Alice , %.*s", FMT(str_upper_of(f, f->d->rdn_attribute)), FMT(f->d->people_base));
	assert_ok(f, directory_find_login(fixture_task(f), f->d, STR("alice"), &e));
	static const struct {
		const char *name, *values[MAKES];
	} rows[] = {
		{"given_name", {"Alice", "Alice", "Alice"}},
		{"family_name", {"Example", "Example", "Example"}},
		{"name", {"Alice Example", "alice", "Alice Example"}},
		{"mail", {"alice@example.test", "alice@example.test", "alice@example.test"}},
		{"login", {"alice", "alice", "alice"}},
		{"display_name", {NULL, "Alice Example", NULL}},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_str(entry_value(e, str_of(rows[i].name)), str_of(rows[i].values[f->d->driver]));
	assert_str(e->mail, STR("alice@example.test"));
	assert_true(dn_equal(f->arena, e->dn, person(f, "alice")));
	assert_int_equal(e->stable_id.n, f->make->stable_id_length);
	assert_str(e->stable_id, str_lower(f->arena, e->stable_id));
	assert_ok(f, directory_find_id(fixture_keep(f), f->d, e->stable_id, &by));
	assert_str(by->dn, e->dn);
	assert_ok(f, directory_find_dn(fixture_keep(f), f->d, spelt, &by));
	assert_str(by->stable_id, e->stable_id);
	assert_ok(f, directory_find_value(fixture_keep(f), f->d, STR("mail"), STR("ALICE@example.test"), &by));
	assert_str(by->stable_id, e->stable_id);
}

static void finds_used_values(void **state) {
	struct fixture *f = *state;
	struct str by[3], marker = STR("untouched");
	struct strs names = {NULL, 0}, many = {NULL, 0};
	strs_add(f->arena, &names, STR("no*body"));
	strs_add(f->arena, &names, STR("ALICE"));
	strs_add(f->arena, &names, STR("bob"));
	assert_ok(f, directory_find_used(fixture_keep(f), f->d, STR("login"), names, by));
	assert_true(str_absent(by[0]));
	assert_true(!str_absent(by[1]) && str_empty(by[1])); /* nobody's marker */
	assert_true(!str_absent(by[2]) && str_empty(by[2]));
	for (int i = 0; i < 17; i++)
		strs_add(f->arena, &many, STR("x"));
	assert_int_equal(directory_find_used(fixture_task(f), f->d, STR("login"), many, &marker), ERR_INVALID);
	assert_int_equal(
		directory_find_used(fixture_task(f), f->d, STR("login"), (struct strs){NULL, 0}, &marker), ERR_INVALID);
	assert_str(marker, STR("untouched"));
}

static void finds_nothing(void **state) {
	struct fixture *f = *state;
	struct entry *e = NULL;
	const struct directory_config *d = f->d;
	assert_int_equal(
		directory_find_id(fixture_task(f), d, STR("00000000-0000-0000-0000-000000000000"), &e), ERR_NOT_FOUND);
	assert_int_equal(directory_find_id(fixture_task(f), d, STR("*"), &e), ERR_NOT_FOUND);
	assert_int_equal(directory_find_id(fixture_task(f), d, STR(""), &e), ERR_NOT_FOUND);
	assert_int_equal(directory_find_marker(fixture_task(f), d, STR("no such"), &e), ERR_NOT_FOUND);
	assert_int_equal(directory_find_marker(fixture_task(f), d, STR(""), &e), ERR_NOT_FOUND);
	assert_int_equal(directory_find_dn(fixture_task(f), d, person(f, "nobody"), &e), ERR_NOT_FOUND);
	assert_int_equal(directory_find_dn(fixture_task(f), d, STR("not a dn"), &e), ERR_NOT_FOUND);
	assert_int_equal(directory_find_dn(fixture_task(f), d, STR(""), &e), ERR_NOT_FOUND);
	assert_int_equal(directory_find_dn(fixture_task(f), d, str_slice("uid=alice\0,dc=x", 15), &e), ERR_NOT_FOUND);
	assert_int_equal(
		directory_find_value(fixture_task(f), d, STR("mail"), STR("x*@example.test"), &e), ERR_NOT_FOUND);
	/* "Example" is the family name of all: never the first of several. */
	assert_int_equal(directory_find_value(fixture_task(f), d, STR("family_name"), STR("Example"), &e), ERR_EXISTS);
	assert_null(e);
}

static void finds_all(void **state) {
	struct fixture *f = *state;
	struct entry *list = NULL;
	size_t n = 9;
	assert_ok(f, directory_find_all(fixture_task(f), f->d, STR("login"), STR("ALICE"), &list, &n));
	assert_int_equal(n, 1);
	assert_str(list[0].login, STR("alice"));
	assert_int_equal(list[0].stable_id.n, f->make->stable_id_length);
	assert_true(list[0].created_at > 0 && list[0].created_at < clock_wall_ms() + 60000);
	assert_ok(f, directory_find_all(fixture_task(f), f->d, STR("marker"), STR("of nobody"), &list, &n));
	assert_int_equal(n, 0);
	assert_ok(f, directory_find_all(fixture_task(f), f->d, STR("family_name"), STR("Example"), &list, &n));
	assert_true(n > 2);
}

static bool holds(struct fixture *f, const struct entry *e, const char *name, struct str dn) {
	for (size_t i = 0; i < e->n_attributes; i++)
		for (size_t k = 0; k < e->attributes[i].values.n; k++)
			if (str_eq(e->attributes[i].name, str_of(name)) &&
				dn_equal(f->arena, e->attributes[i].values.v[k], dn))
				return true;
	return false;
}

static void reads_plainly(void **state) {
	struct fixture *f = *state;
	struct entry *e = NULL, *list = NULL;
	size_t n = 0;
	bool cut = false;
	const char *const names[] = {"givenName", f->make->stable_id, "userPassword", "unicodePwd", NULL};
	static const char *const dse[] = {"namingContexts", NULL};
	struct str base = str_of(fixture_variable("BASE"));
	assert_ok(f, directory_read(fixture_task(f), f->d, person(f, "alice"), names, &e));
	assert_str(entry_value(e, STR("givenname")), STR("Alice"));
	assert_int_equal(e->n_attributes, 2); /* no password */
	assert_ok(f, directory_read(fixture_task(f), f->d, STR(""), dse, &e));
	assert_true(holds(f, e, "namingcontexts", base));
	assert_int_equal(directory_read(fixture_task(f), f->d, person(f, "nobody"), names, &e), ERR_NOT_FOUND);
	const char *groups = f->make->group_filter;
	assert_ok(f, directory_search(fixture_task(f), f->d, f->d->groups_base, groups, names, &list, &n, &cut));
	assert_int_equal(n, f->make->n_groups + (fixture_column(f) == MAKES)); /* and one of 1,600 */
	assert_false(cut);
	assert_ok(f, directory_search(fixture_task(f), f->d, base, "(objectClass=*)", names, &list, &n, &cut));
	assert_int_equal(n, 16);
	assert_true(cut);
	assert_ok(f, directory_search(fixture_task(f), f->d, base, "(cn=none such)", names, &list, &n, &cut));
	assert_int_equal(n, 0);
	assert_int_equal(
		directory_search(fixture_task(f), f->d, unit(f, "none", base), "(cn=x)", names, &list, &n, &cut),
		ERR_NOT_FOUND);
}

/* ---- password checks ---- */
#define ABSENT ((enum verdict)98) /* the seed of this make has no such person */

static void verifies(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *who, *password; /* NULL: the seeded one */
		enum verdict verdicts[MAKES];
	} rows[] = {
		{"alice", NULL, {VERDICT_OK, VERDICT_OK, VERDICT_OK}},
		{"alice", "wrong", {VERDICT_WRONG, VERDICT_WRONG, VERDICT_WRONG}},
		{"bob", "", {VERDICT_WRONG, VERDICT_WRONG, VERDICT_WRONG}},
		{"nobody", NULL, {VERDICT_WRONG, VERDICT_WRONG, VERDICT_WRONG}},
		{"disabled", NULL, {VERDICT_LOCKED, VERDICT_DISABLED, VERDICT_DISABLED}},
		{"acctexpired", NULL, {VERDICT_LOCKED, VERDICT_DISABLED, ABSENT}},
		{"mustchange", NULL, {VERDICT_MUST_CHANGE, VERDICT_MUST_CHANGE, VERDICT_MUST_CHANGE}},
		{"pwexpired", NULL, {VERDICT_EXPIRED, VERDICT_EXPIRED, VERDICT_EXPIRED}},
		{"pwexpired", "wrong", {VERDICT_WRONG, VERDICT_WRONG, VERDICT_WRONG}},
		{"pwwarn", NULL, {VERDICT_OK, ABSENT, ABSENT}},
		/* the connection is good after all of that */
		{"alice", NULL, {VERDICT_OK, VERDICT_OK, VERDICT_OK}},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum verdict v = (enum verdict)99, wanted = rows[i].verdicts[f->d->driver];
		struct str password = str_of(rows[i].password ? rows[i].password : fixture_variable("USER_PASSWORD"));
		if (wanted == ABSENT)
			continue;
		assert_ok(f, directory_verify(fixture_task(f), f->d, person(f, rows[i].who), password, &v, NULL));
		if (v != wanted)
			fail_msg("row %zu, %s: verdict %d, not %d", i, rows[i].who, (int)v, (int)wanted);
	}
}

/* 389 warns when the rest is less than passwordWarning, a day. */
static void expire_soon(struct fixture *f, struct str dn) {
	char text[32];
	time_t at = (time_t)(clock_wall_ms() / 1000) + 3600;
	struct tm tm;
	gmtime_r(&at, &tm);
	struct str value = str_slice(text, strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm));
	struct attribute ends = {STR("passwordExpirationTime"), {&value, 1}};
	struct change change = {.kind = CHANGE_REPLACE, .dn = dn, .attributes = &ends, .n_attributes = 1};
	struct report report;
	assert_ok(f, directory_apply(fixture_task(f), f->d, &change, 1, &report));
}

static void tells_warning_and_grace(void **state) {
	struct fixture *f = *state;
	struct verify_detail detail = {0, 0};
	enum verdict v = VERDICT_WRONG;
	struct str password = str_of(fixture_variable("USER_PASSWORD"));
	fixture_skip_on(f, DIRECTORY_ACTIVE_DIRECTORY, "a bind tells neither a warning nor logins left");
	struct str warned = person(f, f->d->driver == DIRECTORY_389DS ? "bob" : "pwwarn");
	if (f->d->driver == DIRECTORY_389DS)
		expire_soon(f, warned);
	assert_ok(f, directory_verify(fixture_task(f), f->d, warned, password, &v, &detail));
	assert_int_equal(v, VERDICT_OK);
	assert_in_range(detail.expires_in, 1, 1000000);
	assert_true(detail.grace_left == -1);
	if (f->d->driver == DIRECTORY_OPENLDAP) {
		assert_ok(f, directory_verify(fixture_task(f), f->d, person(f, "pwgrace"), password, &v, &detail));
		assert_true(v == VERDICT_OK && detail.grace_left == 1 && detail.expires_in == -1);
	}
	assert_ok(f, directory_verify(fixture_task(f), f->d, person(f, "alice"), password, &v, &detail));
	assert_true(v == VERDICT_OK && detail.grace_left == -1 && detail.expires_in == -1);
}

/* An empty password must not even be asked about: a name that the server would answer for proves nothing here, the
 * audit of the server does. */
static void refuses_passwords_by_itself(void **state) {
	struct fixture *f = *state;
	char long_one[LIMIT_PASSWORD + 1];
	memset(long_one, 'x', sizeof(long_one));
	const struct str passwords[] = {STR_NONE, STR(""), str_slice("\0", 1), str_slice("Us3r-passw0rd\0", 14),
		str_slice(long_one, sizeof(long_one))};
	const struct directory_config nowhere = fixture_unreachable(f);
	for (size_t i = 0; i < COUNT(passwords); i++) {
		enum verdict v = VERDICT_OK;
		assert_ok(f, directory_verify(fixture_task(f), &nowhere, person(f, "alice"), passwords[i], &v, NULL));
		assert_int_equal(v, VERDICT_WRONG);
	}
}

static void locks_after_failures(void **state) {
	struct fixture *f = *state;
	struct entry *e = NULL;
	enum verdict v = VERDICT_OK;
	for (int i = 0; i < 3; i++)
		assert_ok(f, directory_verify(fixture_task(f), f->d, person(f, "lockme"), STR("wrong"), &v, NULL));
	assert_ok(f, directory_verify(fixture_task(f), f->d, person(f, "lockme"),
			     str_of(fixture_variable("USER_PASSWORD")), &v, NULL));
	assert_int_equal(v, VERDICT_LOCKED);
	assert_ok(f, directory_find_login(fixture_task(f), f->d, STR("lockme"), &e));
	assert_true(e->enabled && e->locked);
}

static void sees_states(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *who;
		bool enabled;
		bool absent[MAKES];
	} rows[] = {
		{"alice", true, {false}},
		{"disabled", false, {false}},
		{"acctexpired", false, {false, false, true}},
		{"mustchange", true, {false}},
		{"pwexpired", true, {false}},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct entry *e = NULL;
		if (rows[i].absent[f->d->driver])
			continue;
		assert_ok(f, directory_find_login(fixture_task(f), f->d, str_of(rows[i].who), &e));
		if (e->enabled != rows[i].enabled)
			fail_msg("%s: enabled is %d", rows[i].who, e->enabled);
	}
}

/* ---- groups ---- */
static size_t group_at(const struct groups *g, const char *name) {
	for (size_t i = 0; i < g->n; i++)
		if (str_eq(g->v[i].name, str_of(name)))
			return i;
	return SIZE_MAX;
}

static size_t count_words(struct fixture *f, const char *text) {
	return str_split(f->arena, str_of(text), ' ').n;
}

static void assert_path(struct fixture *f, const struct groups *g, const char *const path[2]) {
	size_t at = group_at(g, path[0]), via = path[1] ? group_at(g, path[1]) : SIZE_MAX;
	if (at == SIZE_MAX)
		fail_msg("not in %s", path[0]);
	if (g->v[at].via != via)
		fail_msg("in %s by %zd, not %zd", path[0], g->v[at].via, via);
	assert_int_equal(g->v[at].stable_id.n, f->make->stable_id_length);
}

static void finds_nested_groups(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *who, *groups;
		const char *by_cycle;    /* reached only where team-red contains everyone */
		const char *paths[4][2]; /* group, through which */
	} rows[] = {
		{"alice", "team-red staff everyone", "",
			{{"team-red", NULL}, {"staff", "team-red"}, {"everyone", "staff"}}},
		{"bob", "team-blue staff everyone", "team-red",
			{{"team-blue", NULL}, {"staff", "team-blue"}, {"everyone", "staff"}, {"team-red", "everyone"}}},
		{"carol", "approvers everyone", "team-red staff",
			{{"approvers", NULL}, {"everyone", NULL}, {"team-red", "everyone"}, {"staff", "team-red"}}},
		{"disabled", "", "", {{NULL, NULL}}},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct entry *e = NULL;
		struct groups g = {NULL, 0, true};
		assert_ok(f, directory_find_login(fixture_task(f), f->d, str_of(rows[i].who), &e));
		assert_ok(f, directory_groups(fixture_keep(f), f->d, e, &g));
		size_t n = count_words(f, rows[i].groups), by_cycle = count_words(f, rows[i].by_cycle);
		assert_int_equal(g.n, f->make->cycle ? n + by_cycle : n);
		assert_false(g.cut);
		for (size_t k = 0; k < COUNT(rows[i].paths) && rows[i].paths[k][0]; k++) {
			struct str name = str_of(rows[i].paths[k][0]);
			if (f->make->cycle || !str_contains(str_of(rows[i].by_cycle), name))
				assert_path(f, &g, rows[i].paths[k]);
		}
	}
}

static void lists_members(void **state) {
	struct fixture *f = *state;
	struct entry *list = NULL;
	size_t n = 9;
	bool cut = true;
	assert_ok(f, directory_members(fixture_task(f), f->d, group(f, "approvers"), &list, &n, &cut));
	assert_true(n == 1 && !cut);
	assert_str(list[0].mail, STR("carol@example.test"));
	assert_ok(f, directory_members(fixture_task(f), f->d, group(f, "everyone"), &list, &n, &cut));
	assert_int_equal(n, 1); /* staff is no person */
	assert_ok(f, directory_members(fixture_task(f), f->d, group(f, "staff"), &list, &n, &cut));
	assert_int_equal(n, 0);
	assert_int_equal(directory_members(fixture_task(f), f->d, group(f, "none"), &list, &n, &cut), ERR_NOT_FOUND);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_logins),
		cmocka_unit_test(reads_an_entry),
		cmocka_unit_test(finds_used_values),
		cmocka_unit_test(finds_nothing),
		cmocka_unit_test(finds_all),
		cmocka_unit_test(reads_plainly),
		cmocka_unit_test(verifies),
		cmocka_unit_test(tells_warning_and_grace),
		cmocka_unit_test(refuses_passwords_by_itself),
		cmocka_unit_test(locks_after_failures),
		cmocka_unit_test(sees_states),
		cmocka_unit_test(finds_nested_groups),
		cmocka_unit_test(lists_members),
	};
	return fixture_ready() ? cmocka_run_group_tests(tests, fixture_open, fixture_close) : 77;
}
