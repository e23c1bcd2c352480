/* The registrar behind the pages, with one request: fake_doors.h. */
#include "tests/unit/fake_doors.h"

struct registration *fake_registration(struct task *t) {
	struct registration *r = arena_new_of(t->arena, struct registration);
	*r = (struct registration){.id = STR("R1"),
		.profile = STR("guest"),
		.state = world.state,
		.mail = STR("ada@example.net"),
		.mail_key = STR("ada@example.net"),
		.approval_why = STR("Every request of this profile is approved by a person."),
		.address = STR("198.51.100.4"),
		.created_at = NOW - 7200000,
		.updated_at = NOW - 3600000,
		.verified_at = NOW - 3600000,
		.version = 3};
	if (world.state == REGISTRATION_REJECTED)
		r->reason = STR("We do not know you <b>yet</b>.");
	if (world.state >= REGISTRATION_APPROVED && world.state != REGISTRATION_EXPIRED) {
		r->decided_at = world.decided_at ? world.decided_at : NOW - 1800000;
		r->decided_by = STR("grace");
		r->plan_id = STR("P1");
	}
	return r;
}

enum err registration_submit(struct task *t, struct submission *s) {
	world.submitted++;
	if (world.submit == ERR_FIELDS)
		for (size_t i = 0; i < s->n; i++)
			if (str_empty(s->fields[i].value) && i < s->profile->n_fields && s->profile->fields[i].required)
				s->fields[i].problem = "field.required";
	return world.submit ? task_fail(t, world.submit, "submit") : OK;
}

enum err registration_verify_look(struct task *t, struct str secret, struct registration **ret) {
	if (world.verify_look || str_empty(secret))
		return task_fail(t, world.verify_look ? world.verify_look : ERR_EXPIRED, "link");
	*ret = fake_registration(t);
	return OK;
}

enum err registration_verify(struct task *t, struct str secret, struct registration **ret) {
	if (world.verify || str_empty(secret))
		return task_fail(t, world.verify ? world.verify : ERR_EXPIRED, "link");
	*ret = fake_registration(t);
	return OK;
}

enum err registration_await(struct task *t, struct str id, int64_t ms, bool *ret_ready, struct str *ret_secret) {
	(void)t, (void)id, (void)ms;
	*ret_ready = world.ready;
	*ret_secret = STR("SECRET2");
	return OK;
}

enum err registration_resend(struct task *t, const struct profile_config *p, struct str mail) {
	(void)t, (void)p, (void)mail;
	world.resent++;
	return OK;
}

void registration_timeline(
	const struct task *t, const struct registration *r, const struct profile_config *p, struct timeline *ret) {
	(void)t, (void)p;
	*ret = (struct timeline){
		.v = {{"timeline.submitted", r->created_at, true, false, false},
			{"timeline.verified", r->verified_at, true, false, false},
			{"timeline.approved", 0, false, true, false}, {"timeline.provisioned", 0, false, false, false},
			{"timeline.active", 0, false, false, false}},
		.n = 5};
	if (r->state == REGISTRATION_REJECTED) {
		ret->v[2] = (struct timeline_item){"timeline.rejected", r->decided_at, true, false, true};
		ret->n = 3;
	}
	for (size_t i = 2; r->state >= REGISTRATION_APPROVED && r->state <= REGISTRATION_ACTIVE && i < 5; i++)
		ret->v[i] = (struct timeline_item){ret->v[i].key, NOW, i < r->state + 1u, i == r->state + 1u, false};
}

enum err registration_status(struct task *t, struct str secret, struct registration **ret) {
	return registration_verify_look(t, secret, ret);
}

enum err registration_withdraw(struct task *t, struct str secret) {
	(void)t, (void)secret;
	world.withdrawn++;
	world.state = REGISTRATION_WITHDRAWN;
	return OK;
}

enum err registration_fields(
	struct task *t, const struct registration *r, const struct profile_config *p, struct typed **ret, size_t *n) {
	static const char *const values[] = {
		NULL, "Lovelace", "ada@example.net", "+44 20 7946 0000", "it", "", "For the analytical engine.", "yes"};
	(void)r;
	*ret = arena_array(t->arena, struct typed, p->n_fields);
	for (size_t i = 0; i < p->n_fields; i++)
		(*ret)[i] = (struct typed){.name = p->fields[i].name,
			.value = i ? str_of(values[i]) : str_of(world.name ? world.name : "Ada")};
	*n = p->n_fields;
	return OK;
}

enum err approval_actor(struct task *t, const struct account *a, struct approver *ret) {
	struct approver who = {.is_operator = world.is_operator};
	(void)a;
	if (world.actor)
		return task_fail(t, world.actor, "actor");
	strs_add(t->arena, &who.profiles, STR("guest"));
	*ret = who;
	return OK;
}

static struct plan_row fake_plan_row(void) {
	return (struct plan_row){.id = STR("P1"),
		.state = world.state == REGISTRATION_APPROVED ? PLAN_PARKED : PLAN_DONE,
		.failure = world.state == REGISTRATION_APPROVED
				   ? STR("The directory refuses to create entries below ou=people (50).")
				   : STR("")};
}

enum err approval_preview(struct task *t, const struct approver *who, struct str id, struct str base,
	const struct strs *groups, struct approval **ret) {
	struct approval *a = arena_new_of(t->arena, struct approval);
	(void)who;
	if (!str_eq(id, STR("R1")))
		return task_fail(t, ERR_NOT_FOUND, "registration");
	a->registration = fake_registration(t);
	a->profile = &fake_profiles[0];
	a->base = str_empty(base) ? fake_profiles[0].base : base;
	a->groups = groups ? *groups : fake_profiles[0].groups;
	a->digest = STR("DIGEST");
	a->plan = arena_new_of(t->arena, struct plan);
	a->plan->groups = a->groups;
	struct buf b = buf_new(t->arena, 4096);
	buf_printf(&b,
		"version: 1\n\ndn: uid=alovelace,%.*s\nchangetype: add\nobjectClass: inetOrgPerson\nuid: "
		"alovelace\ngivenName: Ada\nsn: Lovelace\nmail: ada@example.net\nemployeeNumber: "
		"R1\npwdAccountLockedTime: 000001010000Z\n",
		FMT(a->base));
	for (size_t i = 0; i < a->groups.n; i++)
		buf_printf(&b, "\ndn: %.*s\nchangetype: modify\nadd: member\nmember: uid=alovelace,%.*s\n-\n",
			FMT(a->groups.v[i]), FMT(a->base));
	a->ldif = buf_str(&b);
	a->history = arena_array(t->arena, struct audit_row, 2);
	a->history[0] = (struct audit_row){.at = NOW - 3600000,
		.actor = STR("anonymous"),
		.action = STR("registration.verify"),
		.detail = STR("{\"mail\":\"ada@example.net\"}"),
		.address = STR("198.51.100.4")};
	a->history[1] = (struct audit_row){
		.at = NOW - 7200000, .actor = STR("person:s1"), .action = STR("registration.odd"), .detail = STR("{}")};
	a->n_history = 2;
	if (world.state == REGISTRATION_PENDING) {
		*ret = a;
		return OK;
	}
	a->running = arena_new_of(t->arena, struct plan_row);
	*a->running = fake_plan_row();
	a->steps = arena_array(t->arena, struct plan_step_row, 1);
	a->steps[0] = (struct plan_step_row){.title = STR("create uid=alovelace"),
		.result = 50,
		.ms = 7,
		.at = NOW,
		.diagnostic = STR("no write access to parent")};
	a->n_steps = 1;
	*ret = a;
	return OK;
}

enum err approval_decide(
	struct task *t, const struct approver *who, const struct account *actor, const struct decision *d) {
	(void)who, (void)actor;
	world.decision = *d;
	world.decided++;
	return world.decide ? task_fail(t, world.decide, "decide") : OK;
}

enum err approval_cancel(struct task *t, const struct approver *who, struct str id) {
	(void)who, (void)id;
	world.cancelled++;
	return world.plan ? task_fail(t, world.plan, "plan") : OK;
}

enum err approval_retry(struct task *t, const struct approver *who, struct str id) {
	(void)t, (void)who, (void)id;
	return OK;
}

enum err approval_resend(struct task *t, const struct approver *who, struct str id) {
	(void)t, (void)who, (void)id;
	return OK;
}

enum err activation_look(struct task *t, struct str secret, struct activation *ret) {
	if (world.activate_look || str_empty(secret))
		return task_fail(t, world.activate_look ? world.activate_look : ERR_EXPIRED, "link");
	*ret = (struct activation){.registration = fake_registration(t),
		.entry = &fake_entry,
		.policy = {.known = true, .min_length = 10, .history = 3, .complexity = true, .max_age = 90 * 86400}};
	return OK;
}

enum err activation_complete(struct task *t, struct str secret, struct str password, struct password_problem *problem) {
	(void)secret, (void)password;
	return fake_password(t, world.activate, problem);
}
