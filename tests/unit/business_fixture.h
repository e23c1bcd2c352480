/* business_fixture.h: a store, a directory in memory, and a realm to act in. For the tests of account, login, registrar
 * and runner. */
#ifndef USHER_TESTS_BUSINESS_FIXTURE_H
#define USHER_TESTS_BUSINESS_FIXTURE_H

#include "tests/unit/store_fixture.h"

#include "broker/registrar/registrar_private.h"
#include "tests/unit/fake_directory.h"

#define PASSWORD        "vorpal-seventeen-hedgehog"
#define OTHER_PASSWORD  "another-lighthouse-93-keeper"
#define STAFF_GROUP     "cn=staff,ou=groups,dc=test"
#define APPROVERS_GROUP "cn=approvers,ou=groups,dc=test"
#define OPERATORS_GROUP "cn=operators,ou=groups,dc=test"
#define EXTRA_GROUP     "cn=extra,ou=groups,dc=test"

/* May be changed by a test; world_reset makes them anew. */
static struct directory_config world_directory;
static struct field_config world_fields[8];
static struct approval_rule world_rules[2];
static struct profile_config world_profile;
static struct client_config world_client;
static struct realm world_realm;
static struct config world_config;
static struct str world_texts[] = {
	STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE};

/* One text as a list; each place of the table belongs to one caller. */
static inline struct strs world_one(size_t place, const char *text) {
	world_texts[place] = str_of(text);
	return (struct strs){&world_texts[place], 1};
}

static inline void world_reset_profile(void) {
	static const struct {
		const char *name;
		enum field_type type;
		bool required;
		const char *attribute;
	} rows[] = {{"given_name", FIELD_TEXT, true, "given_name"}, {"family_name", FIELD_TEXT, true, "family_name"},
		{"mail", FIELD_EMAIL, true, "mail"}, {"note", FIELD_TEXTAREA, false, ""}};
	memset(world_fields, 0, sizeof(world_fields));
	for (size_t i = 0; i < COUNT(rows); i++)
		world_fields[i] = (struct field_config){.name = str_of(rows[i].name),
			.type = rows[i].type,
			.required = rows[i].required,
			.attribute = str_of(rows[i].attribute),
			.max_length = 100};
	world_rules[0] = (struct approval_rule){.mail_domains = world_one(0, "partner.test"), .approval = false};
	world_profile = (struct profile_config){
		.id = STR("guest"),
		.title = STR("Guests"),
		.directory = STR("main"),
		.fields = world_fields,
		.n_fields = COUNT(rows),
		.login_patterns = world_one(1, "{given_name:1}{family_name}"),
		.login_max_length = 20,
		.base = STR("ou=people,dc=test"),
		.bases_allowed = world_one(2, "ou=people,ou=other,dc=test"),
		.groups = world_one(3, STAFF_GROUP),
		.groups_allowed = world_one(4, EXTRA_GROUP),
		.approval = APPROVAL_RULES,
		.rules = world_rules,
		.n_rules = 1,
		.approvers = STR(APPROVERS_GROUP),
		.verify_ttl = 3600,
		.activate_ttl = 86400,
		.remind_after = 7200,
		.undecided_ttl = 36000,
		.resend_after = 60,
		.retain_after = 864000,
		.open = true,
	};
}

static inline void world_reset(void) {
	world_directory = (struct directory_config){
		.id = STR("main"),
		.rdn_attribute = STR("uid"),
		.group_member_attribute = STR("member"),
		.marker_attribute = STR("employeeNumber"),
		.people_base = STR("ou=people,dc=test"),
		.groups_base = STR("ou=groups,dc=test"),
	};
	world_reset_profile();
	world_client = (struct client_config){.id = STR("Portal")};
	world_realm = (struct realm){
		.id = STR("staff"),
		.issuer = STR("https://id.test/realms/staff"),
		.title = STR("Test"),
		.contact = STR("help@id.test"),
		.directories = &world_directory,
		.n_directories = 1,
		.profiles = &world_profile,
		.n_profiles = 1,
		.clients = &world_client,
		.n_clients = 1,
		.operators = STR(OPERATORS_GROUP),
		.session_ttl = 36000,
		.session_idle = 3600,
		.session_end_on_password_change = true,
		.login_max_failures = 5,
		.login_window = 900,
		.reset_ttl = 3600,
		.mail_from_name = STR("Usher"),
	};
	world_config = (struct config){
		.registrations_per_address = 1000,
		.registrations_per_mailbox = 3,
		.realms = &world_realm,
		.n_realms = 1,
		.mail = {.transport = MAIL_MAILBOX, .from = STR("noreply@id.test"), .timeout_ms = 1000},
	};
	fake_reset();
	fake_group_add(STAFF_GROUP);
	fake_group_add(APPROVERS_GROUP);
	fake_group_add(OPERATORS_GROUP);
	fake_group_add(EXTRA_GROUP);
}

/* The wall clock this much ahead of the real one. */
static inline void world_clock(int64_t ahead_ms) {
	static int64_t now;
	clock_shift_ms(ahead_ms - now);
	now = ahead_ms;
}

/* A new task in the realm. Each test takes an address of its own, so that no throttle of another is met. */
static inline struct task *world_task(struct worker *w) {
	struct task *t = worker_begin(w, STR("staff"));
	t->config = &world_config;
	t->realm = &world_realm;
	return t;
}

static inline int world_setup(void **state) {
	static const uint8_t key[32] = {7};
	int failed = fixture_setup(state);
	secret_use_key(key);
	world_reset();
	world_task(*state);
	return failed;
}

static inline int world_teardown(void **state) {
	world_clock(0);
	return fixture_teardown(state);
}

/* ---- shortcuts ---- */

static inline struct submission world_submission(
	struct task *t, const char *given, const char *family, const char *mail) {
	struct submission s = {.profile = &world_profile,
		.fields = arena_array(t->arena, struct typed, world_profile.n_fields),
		.n = world_profile.n_fields};
	for (size_t i = 0; i < s.n; i++) {
		s.fields[i].name = world_fields[i].name;
		s.fields[i].value = STR("");
	}
	s.fields[0].value = str_of(given);
	s.fields[1].value = str_of(family);
	s.fields[2].value = str_of(mail);
	return s;
}

/* The newest registration of this mailbox, in any state. */
static inline struct registration *world_registration(struct task *t, const char *mail) {
	struct registration *list = NULL;
	size_t n = 0;
	struct registration_filter f = {
		.profiles = {&world_profile.id, 1}, .state = -1, .search = str_of(mail), .limit = 200};
	assert_ok(registrations_list(t, &f, &list, &n));
	return n ? &list[n - 1] : NULL;
}

static inline struct registration *world_submit(
	struct task *t, const char *given, const char *family, const char *mail) {
	struct submission s = world_submission(t, given, family, mail);
	assert_ok(registration_submit(t, &s));
	struct registration *r = world_registration(t, mail);
	assert_non_null(r);
	return r;
}

static inline struct str world_link(struct task *t, const char *purpose, const struct registration *r) {
	struct str secret = STR_NONE;
	struct str id = str_printf(t->arena, "%s-%.*s", purpose, FMT(r->id));
	assert_ok(ticket_issue(t, purpose, id, r->id, r->mail, 3600, &secret));
	return secret;
}

static inline struct registration *world_verified(
	struct task *t, const char *given, const char *family, const char *mail) {
	struct registration *r = world_submit(t, given, family, mail);
	assert_ok(registration_verify(t, world_link(t, TICKET_VERIFY, r), &r));
	return r;
}

static inline struct registration *world_again(struct task *t, const struct registration *r) {
	struct registration *now = NULL;
	assert_ok(registrations_find(t, r->id, &now));
	return now;
}

static inline size_t world_jobs(struct task *t, enum job_kind kind, const char *notice, struct job *ret) {
	struct job *jobs = NULL;
	size_t n = 0, found = 0;
	struct str wanted = str_printf(t->arena, "\"notice\":\"%s\"", notice);
	assert_ok(jobs_list(t, -1, &jobs, &n));
	for (size_t i = 0; i < n; i++)
		if (jobs[i].kind == kind && (kind != JOB_NOTICE || str_contains(jobs[i].body, wanted))) {
			if (ret)
				*ret = jobs[i];
			found++;
		}
	return found;
}

static inline size_t world_audits(struct task *t, struct str subject, const char *action) {
	struct audit_filter f = {.subject = subject, .action = str_of(action), .limit = 100};
	struct audit_row *rows = NULL;
	size_t n = 0;
	assert_ok(audit_list(t, &f, &rows, &n));
	return n;
}

#endif
