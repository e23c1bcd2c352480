/* The global catalog of a real Active Directory: samba-ad, whose people outside of people_base are seen there only.
 * Exits with 77 (skipped) for other directories. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "federation/directory/directory.h"
#include "tests/contract/directory_fixture.h"

/* f->d with a catalog of these controllers. */
static struct directory_config *with_catalog(struct fixture *f, const char *variable, const char *port) {
	struct directory_config *d = arena_new_of(f->config, struct directory_config),
				*c = arena_new_of(f->config, struct directory_config);
	struct strs uris = str_split(f->config, str_of(fixture_variable(variable)), ' ');
	*d = *c = *f->d;
	c->id = STR("main (global catalog)");
	c->uris = (struct strs){NULL, 0};
	for (size_t i = 0; i < uris.n; i++)
		strs_add(f->config, &c->uris, str_printf(f->config, "%.*s:%s", FMT(uris.v[i]), port));
	d->catalog = c;
	d->upn_suffix = str_of(fixture_variable("UPN_SUFFIX"));
	return d;
}

static void sees_the_forest(void **state) {
	struct fixture *f = *state;
	static const struct { const char *variable, *port; } ways[] = {{"URI", "3269"}, {"URI_PLAIN", "3268"}};
	static const struct {
		const char *login;
		bool taken;
	} rows[] = {{"outsider", true}, {"OUTSIDER", true}, {"alice", true}, {"nobody", false}, {"out*", false},
		{"*", false}, {"a)(b", false}};
	for (size_t w = 0; w < COUNT(ways); w++) {
		struct directory_config *d = with_catalog(f, ways[w].variable, ways[w].port);
		struct entry *e = NULL;
		assert_int_equal(
			directory_find_value(fixture_task(f), d, STR("login"), STR("outsider"), &e), ERR_NOT_FOUND);
		for (size_t i = 0; i < COUNT(rows); i++) {
			bool taken = !rows[i].taken;
			assert_ok(f, directory_principal_taken(fixture_task(f), d, str_of(rows[i].login), &taken));
			if (taken != rows[i].taken)
				fail_msg("%s at %s: %d", rows[i].login, ways[w].port, taken);
		}
	}
}

static void tells_when_it_is_away(void **state) {
	struct fixture *f = *state;
	struct directory_config *d = with_catalog(f, "URI", "3267");
	bool taken = false;
	assert_int_equal(directory_principal_taken(fixture_task(f), d, STR("nobody"), &taken), ERR_UNAVAILABLE);
	assert_true(str_contains(f->t.failure_detail, STR("global catalog")));
	/* Without one nothing is asked. */
	d->catalog = NULL;
	assert_ok(f, directory_principal_taken(fixture_task(f), d, STR("outsider"), &taken));
	assert_false(taken);
	/* Frozen, it is waited for no longer than for others. */
	d = with_catalog(f, "URI", "3269");
	assert_ok(f, directory_principal_taken(fixture_task(f), d, STR("outsider"), &taken));
	fixture_freeze(f);
	enum err e = directory_principal_taken(fixture_task(f), d, STR("outsider"), &taken);
	fixture_thaw(f);
	assert_true(e == ERR_TIMEOUT || e == ERR_UNAVAILABLE);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sees_the_forest, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(tells_when_it_is_away, fixture_open, fixture_close),
	};
	if (!fixture_ready() || !fixture_variable("UPN_SUFFIX") || !fixture_variable("KEYTAB"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
