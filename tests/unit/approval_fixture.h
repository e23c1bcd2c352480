/* approval_fixture.h: registrations on their way from the decision to the account. For the tests of approval,
 * provision and activation. */
#ifndef USHER_TESTS_APPROVAL_FIXTURE_H
#define USHER_TESTS_APPROVAL_FIXTURE_H

#include "tests/unit/business_fixture.h"

static inline struct approver approver_of(struct task *t) {
	struct approver who = {0};
	strs_add(t->arena, &who.profiles, STR("guest"));
	return who;
}

/* What the page would post after this preview. */
static inline struct decision decision_of(struct task *t, const struct registration *r) {
	struct approver who = approver_of(t);
	struct approval *view = NULL;
	assert_ok(approval_preview(t, &who, r->id, STR(""), NULL, &view));
	return (struct decision){.id = r->id,
		.approve = true,
		.reason = STR("fine"),
		.groups = view->groups,
		.digest = view->digest,
		.version = view->registration->version};
}

static inline struct registration *approved(struct task *t, const char *given, const char *mail) {
	struct registration *r = world_verified(t, given, "Alt", mail);
	struct approver who = approver_of(t);
	struct account boss = {.id = STR("b"), .login = STR("boss"), .mail = STR("boss@x.test")};
	struct decision d = decision_of(t, r);
	assert_ok(approval_decide(t, &who, &boss, &d));
	return world_again(t, r);
}

/* Gives the secret of the link that activates it. */
static inline struct str provisioned(struct task *t, struct registration **ret) {
	struct registration *r = approved(t, "Anna", "anna@x.test");
	assert_ok(registrar_provision(t, r->id));
	*ret = world_again(t, r);
	return world_link(t, TICKET_ACTIVATE, r);
}

#endif
