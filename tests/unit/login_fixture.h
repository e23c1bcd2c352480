/* login_fixture.h: a person whose password is known, and a login. */
#ifndef USHER_TESTS_LOGIN_FIXTURE_H
#define USHER_TESTS_LOGIN_FIXTURE_H

#include "tests/unit/business_fixture.h"

#include "broker/login/login_private.h"

#define RIGHT "correct horse anna"

/* A world with one person, whose name no other test's throttle knows. */
static inline struct task *begin(void **state, const char *name, struct fake_person **ret) {
	struct task *t = world_task(*state);
	struct str mail = str_printf(t->arena, "%s@x.test%c", name, 0);
	struct fake_person *p = fake_person_add(name, mail.p);
	snprintf(p->password, sizeof(p->password), RIGHT);
	t->address = str_printf(t->arena, "address of %s", name);
	*ret = p;
	return t;
}

static inline struct login try(struct task *t, const char *name, const char *password) {
	struct login l = {0};
	assert_ok(login_password(t, str_of(name), str_of(password), STR(""), STR("test"), &l));
	return l;
}

/* One whose code was redeemed. */
static inline void grant_new(struct task *t, const char *id, struct str account, struct str sid, const char *scope) {
	struct grant g = {.id = str_of(id),
		.realm = t->realm_name,
		.client = STR("c"),
		.account_id = account,
		.sid = sid,
		.scope = str_of(scope),
		.code_used_at = 1,
		.created_at = clock_wall_ms(),
		.expires_at = clock_wall_ms() + 1000000};
	assert_ok(grants_insert(t, &g));
}

static inline bool revoked(struct task *t, const char *id) {
	struct grant *g = NULL;
	assert_ok(grants_find(t, str_of(id), &g));
	return g->revoked_at != 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

#endif
