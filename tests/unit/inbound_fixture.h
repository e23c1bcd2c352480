/* inbound_fixture.h: people who are logged in, and a feed's word about them. For the tests of broker/sync/inbound.c. */
#ifndef USHER_TESTS_INBOUND_FIXTURE_H
#define USHER_TESTS_INBOUND_FIXTURE_H

#include "tests/unit/business_fixture.h"

#include "broker/login/login.h"
#include "broker/sync/sync_private.h"

#define DAY 86400000

/* A person who is logged in, with an offline grant beside. */
struct someone {
	struct fake_person *p;
	struct account *a;
	struct str session;
};

static inline struct someone someone(struct task *t, const char *name) {
	struct someone s = {.p = fake_person_add(name, "some@x.test")};
	struct login l = {0};
	snprintf(s.p->stamp, sizeof(s.p->stamp), "stamp-1");
	t->address = str_printf(t->arena, "address of %s", name);
	assert_ok(login_password(t, str_of(name), str_of(s.p->password), STR(""), STR("test"), &l));
	assert_int_equal(l.result, LOGIN_OK);
	s.a = l.account;
	s.session = l.session;
	const struct grant g = {.id = l.account->id,
		.account_id = l.account->id,
		.client = STR("Portal"),
		.scope = STR("openid offline_access"),
		.expires_at = clock_wall_ms() + DAY};
	assert_ok(grants_insert(t, &g));
	return s;
}

static inline bool logged_in(struct task *t, const struct someone *s) {
	struct login_state state = {0};
	struct grant *g = NULL;
	enum err e = login_session(t, s->session, &state);
	assert_true(e == OK || e == ERR_LOGIN);
	assert_ok(grants_find(t, s->a->id, &g));
	assert_int_equal(e == OK, g->revoked_at == 0);
	task_clear(t);
	return e == OK;
}

static inline struct feed_row row_of(struct task *t) {
	struct feed_row *f = NULL;
	if (feeds_find(t, STR("main"), &f))
		return (struct feed_row){.directory = STR("main"), .cookie = STR(""), .reconciled_at = 1};
	return *f;
}

static inline struct feed_change change_of(struct task *t, enum feed_change_kind kind, const struct fake_person *p) {
	struct feed_change c = {kind, kind == FEED_CHANGED ? FEED_PERSON : FEED_UNKNOWN, str_of(p->id), NULL};
	if (kind == FEED_CHANGED)
		assert_ok(directory_find_id(t, &world_directory, c.stable_id, &c.entry));
	return c;
}

static inline void apply(struct task *t, struct feed_batch b) {
	struct feed_row f = row_of(t);
	assert_ok(inbound_apply(t, &world_directory, &b, &f));
}

static inline void tell(struct task *t, enum feed_change_kind kind, const struct fake_person *p) {
	struct feed_change c = change_of(t, kind, p);
	apply(t, (struct feed_batch){.v = &c, .n = 1, .cookie = STR("c"), .controller = STR("ldap://one")});
}

static inline struct mirror *mirror_now(struct task *t, const struct someone *s) {
	struct mirror *m = NULL;
	assert_ok(mirrors_find(t, s->a->id, &m));
	return m;
}

static inline void renames(struct fake_person *p) {
	snprintf(p->dn, sizeof(p->dn), "uid=renamed,ou=people,dc=test");
	snprintf(p->login, sizeof(p->login), "renamed");
}

#endif
