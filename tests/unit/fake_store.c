/* Rows of the store behind the pages, and the directory: fake_doors.h. */
#include "tests/unit/fake_doors.h"

enum err store_begin(struct task *t) {
	(void)t;
	return OK;
}

enum err store_end(struct task *t, enum err so_far) {
	(void)t;
	return so_far;
}

const char *registration_state_name(enum registration_state s) {
	static const char *const names[] = {
		"submitted", "pending", "approved", "provisioned", "active", "rejected", "expired", "withdrawn"};
	return names[s];
}

enum err registrations_find(struct task *t, struct str id, struct registration **ret) {
	(void)id;
	*ret = fake_registration(t);
	return OK;
}

enum err registrations_list(struct task *t, const struct registration_filter *f, struct registration **ret, size_t *n) {
	*n = f->limit > 3 ? 3 : f->limit;
	*ret = arena_array(t->arena, struct registration, *n);
	for (size_t i = 0; i < *n; i++) {
		(*ret)[i] = *fake_registration(t);
		(*ret)[i].created_at = clock_wall_ms() - (3 - (int64_t)i) * 86400000ll * 2;
		if (i == 2)
			(*ret)[i].state = REGISTRATION_ACTIVE;
	}
	return OK;
}

enum err registrations_count(struct task *t, struct strs profiles, int state, int64_t *ret) {
	(void)t, (void)profiles;
	*ret = state * 7;
	return OK;
}

enum err feeds_find(struct task *t, struct str directory, struct feed_row **ret) {
	*ret = arena_new_of(t->arena, struct feed_row);
	**ret = (struct feed_row){
		.directory = directory, .state = FEED_STOPPED, .detail = STR("6 of 20 <are> not there")};
	return OK;
}

enum err accounts_find(struct task *t, struct str id, struct account **ret) {
	(void)id;
	*ret = arena_new_of(t->arena, struct account);
	return OK;
}

enum err accounts_find_sub(struct task *t, struct str sub, struct account **ret) {
	(void)t, (void)sub;
	*ret = &fake_account;
	return OK;
}

enum err accounts_list(
	struct task *t, struct str search, struct str after, unsigned limit, struct account **ret, size_t *n) {
	(void)t, (void)search, (void)after, (void)limit;
	*ret = &fake_account;
	*n = 1;
	return OK;
}

enum err plans_find(struct task *t, struct str id, struct plan_row **ret) {
	(void)id;
	*ret = arena_new_of(t->arena, struct plan_row);
	(*ret)->account_id = STR("A1");
	return OK;
}

enum err sessions_list(struct task *t, struct str account_id, struct session **ret, size_t *n) {
	(void)t, (void)account_id;
	*ret = fake_sessions;
	*n = 2;
	return OK;
}

enum err jobs_list(struct task *t, int state, struct job **ret, size_t *n) {
	(void)state;
	*ret = arena_array(t->arena, struct job, 5);
	(*ret)[0] = (struct job){.id = STR("J1"),
		.kind = JOB_NOTICE,
		.state = JOB_QUEUED,
		.attempts = 3,
		.created_at = NOW,
		.due_at = NOW,
		.failure = STR("the mail server does not answer")};
	(*ret)[1] = (struct job){.id = STR("J2"),
		.kind = JOB_PLAN_APPLY,
		.state = JOB_PARKED,
		.subject = STR("R1"),
		.attempts = 1,
		.created_at = NOW,
		.due_at = NOW,
		.failure = STR("insufficient access")};
	(*ret)[2] = (struct job){.id = STR("J3"),
		.kind = JOB_LOGOUT,
		.state = JOB_PARKED,
		.body = STR("{\"client\":\"bye&bye\",\"sub\":\"s\",\"sid\":\"\"}"),
		.attempts = 20,
		.created_at = NOW,
		.due_at = NOW,
		.failure = STR("client bye at https://app.test/: it answers 503")};
	(*ret)[3] = (struct job){.id = STR("J4"), .kind = JOB_LOGOUT, .state = JOB_QUEUED, .body = STR("[")};
	(*ret)[4] = (struct job){.id = STR("J5"), .kind = JOB_CHANGE_APPLY, .state = JOB_PARKED, .subject = STR("P1")};
	*n = 5;
	return OK;
}

enum err jobs_requeue(struct task *t, struct str id) {
	return str_eq(id, STR("J2")) ? OK : task_fail(t, ERR_NOT_FOUND, "job");
}

enum err audit_list(struct task *t, const struct audit_filter *f, struct audit_row **ret, size_t *n) {
	world.audit_actor = f->actor;
	world.audit_subject = f->subject;
	*ret = arena_array(t->arena, struct audit_row, 1);
	(*ret)[0] = (struct audit_row){.id = STR("1"),
		.at = NOW,
		.actor = STR("=HYPERLINK(1)"),
		.action = STR("login.ok"),
		.subject = STR("say \"x\""),
		.detail = STR("{\"sid\":\"1\"}"),
		.address = STR("192.0.2.1"),
		.reference = STR("ABCDEFGH")};
	*n = 1;
	return OK;
}

enum err directory_probe(struct task *t, const struct directory_config *d, struct str *ret_detail) {
	(void)t, (void)d;
	*ret_detail = STR("ldaps://ldap1.example.org answers");
	return OK;
}

bool dn_equal(struct arena *a, struct str x, struct str y) {
	(void)a;
	return str_eq_case(x, y);
}

struct str dn_rdn_value(struct arena *a, struct str dn) {
	(void)a;
	size_t from = str_find(dn, '=', 0) + 1;
	return str_sub(dn, from, str_find(dn, ',', 0) - from);
}
