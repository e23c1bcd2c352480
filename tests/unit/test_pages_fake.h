/* The doors below the pages, with one person, one request and one application behind them. What a test wants to be
 * otherwise it says in `world`. */
#ifndef USHER_TESTS_UNIT_TEST_PAGES_FAKE_H
#define USHER_TESTS_UNIT_TEST_PAGES_FAKE_H

#include "base/clock.h"
#include "broker/steward/steward.h"
#include "web/pages/pages.h"

#define NOW 1795471380000ll

static struct {
	enum err submit, verify_look, verify, activate_look, activate, change, reset, decide, actor, authorize, resume,
		logout_read;
	enum registration_state state;
	enum login_result login;
	enum authorize_next next;
	bool ready, logged_in, has_return, is_operator, confirm, redirect, form_post;
	const char *password_reason;
	bool old_wrong;
	int submitted, resent, withdrawn, decided, ended, granted;
	struct decision decision;
	const char *name; /* of the person who registered */
	int64_t parked_at;
	enum err person, preview, order, plan; /* person: why there is no entry */
	const char *wrong_field, *wrong_key;
	struct wishes wishes;
	struct order ordered;
	int applied, cancelled;
	int64_t decided_at; /* 0: half an hour before NOW */
	struct str audit_actor, audit_subject; /* what the audit was asked for */
} world;

static struct field_config fake_fields[] = {
	{.name = {"given_name", 10},
		.type = FIELD_TEXT,
		.label = {"First name", 10},
		.required = true,
		.max_length = 64,
		.autocomplete = {"given-name", 10}},
	{.name = {"family_name", 11},
		.type = FIELD_TEXT,
		.label = {"Last name", 9},
		.required = true,
		.max_length = 64,
		.autocomplete = {"family-name", 11}},
	{.name = {"mail", 4},
		.type = FIELD_EMAIL,
		.label = {"Mail address", 12},
		.help = {"We send a link there.", 21},
		.required = true,
		.max_length = 254,
		.autocomplete = {"email", 5}},
	{.name = {"phone", 5},
		.type = FIELD_TEL,
		.label = {"Telephone", 9},
		.max_length = 30,
		.autocomplete = {"tel", 3}},
	{.name = {"department", 10},
		.type = FIELD_SELECT,
		.label = {"Department", 10},
		.required = true,
		.options = (struct field_option[]){{{"sales", 5}, {"Sales", 5}}, {{"it", 2}, {"IT", 2}}},
		.n_options = 2},
	{.name = {"from", 4}, .type = FIELD_DATE, .label = {"First day", 9}},
	{.name = {"why", 3},
		.type = FIELD_TEXTAREA,
		.label = {"What do you need the account for?", 33},
		.max_length = 500},
	{.name = {"terms", 5},
		.type = FIELD_TERMS,
		.label = {"I accept the terms of use", 25},
		.required = true,
		.url = {"https://example.org/terms", 25}},
};
static struct str fake_bases[] = {STR("ou=guests,dc=example,dc=org")},
		  fake_groups[] = {STR("cn=guests,ou=groups,dc=example,dc=org")},
		  fake_more[] = {STR("cn=vpn,ou=groups,dc=example,dc=org"), STR("cn=wiki,ou=groups,dc=example,dc=org")};
static struct profile_config fake_profiles[] = {
	{.id = {"guest", 5},
		.title = {"Guest account", 13},
		.intro = {"For partners who need access for a while.", 41},
		.directory = {"main", 4},
		.fields = fake_fields,
		.n_fields = COUNT(fake_fields),
		.base = {"ou=people,dc=example,dc=org", 27},
		.bases_allowed = {fake_bases, 1},
		.groups = {fake_groups, 1},
		.groups_allowed = {fake_more, 2},
		.open = true,
		.verify_ttl = 86400,
		.resend_after = 120,
		.approval = APPROVAL_ALWAYS,
		.login_max_length = 20,
		.login_proposed = true},
	{.id = {"student", 7},
		.title = {"Student", 7},
		.intro = {"For students of the summer school.", 34},
		.directory = {"main", 4},
		.fields = fake_fields,
		.n_fields = 3,
		.base = {"ou=people,dc=example,dc=org", 27},
		.open = true,
		.verify_ttl = 3600,
		.resend_after = 120},
};
static struct client_config fake_client = {.id = {"wiki", 4}, .title = {"The wiki", 8}};
static struct directory_config fake_directory = {.id = {"main", 4}};
static struct realm fake_realms[] = {{.id = {"staff", 5},
	.issuer = {"https://id.example.org/realms/staff", 35},
	.title = {"Example Corporation", 19},
	.accent = {"#0b5fff", 7},
	.contact = {"helpdesk@example.org", 20},
	.profiles = fake_profiles,
	.n_profiles = 2,
	.clients = &fake_client,
	.n_clients = 1,
	.directories = &fake_directory,
	.n_directories = 1,
	.reset_ttl = 3600}};
static struct config fake_config = {.public_url = {"https://id.example.org", 22},
	.secure = true,
	.realms = fake_realms,
	.n_realms = 1,
	.proof_of_work_bits = 8};

static struct account fake_account = {.id = {"A1", 2},
	.sub = {"s1", 2},
	.login = {"grace", 5},
	.mail = {"grace@example.org", 17},
	.dn = {"uid=grace,ou=people,dc=example,dc=org", 37},
	.last_login_at = NOW};
static struct session fake_sessions[] = {
	{.id_hash = {"h1", 2},
		.sid = {"sid1", 4},
		.account_id = {"A1", 2},
		.auth_time = NOW - 600000,
		.seen_at = NOW,
		.address = {"192.0.2.7", 9},
		.agent = {"Mozilla/5.0 (X11; Linux) Firefox/140.0", 38}},
	{.id_hash = {"h2", 2},
		.account_id = {"A1", 2},
		.auth_time = NOW - 90000000,
		.seen_at = NOW - 80000000,
		.address = {"2001:db8::7", 11},
		.agent = {"Mozilla/5.0 (iPhone) Version/18.0 Safari/604.1", 46}},
};

static struct registration *fake_registration(struct task *t) {
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

/* ---- config ---- */
const struct realm *config_realm(const struct config *c, struct str id) {
	return str_eq(c->realms[0].id, id) ? &c->realms[0] : NULL;
}
const struct client_config *realm_client(const struct realm *r, struct str id) {
	(void)r, (void)id;
	return NULL;
}
const struct profile_config *realm_profile(const struct realm *r, struct str id) {
	for (size_t i = 0; i < r->n_profiles; i++)
		if (str_eq(r->profiles[i].id, id))
			return &r->profiles[i];
	return NULL;
}
const struct directory_config *realm_directory(const struct realm *r, struct str id) {
	return str_eq(r->directories[0].id, id) ? &r->directories[0] : NULL;
}

/* ---- registrar ---- */
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
static struct entry fake_entry = {.dn = {"uid=ada", 7}, .login = {"alovelace", 9}, .mail = {"ada@example.net", 15}};
enum err activation_look(struct task *t, struct str secret, struct activation *ret) {
	if (world.activate_look || str_empty(secret))
		return task_fail(t, world.activate_look ? world.activate_look : ERR_EXPIRED, "link");
	*ret = (struct activation){.registration = fake_registration(t),
		.entry = &fake_entry,
		.policy = {.known = true, .min_length = 10, .history = 3, .complexity = true, .max_age = 90 * 86400}};
	return OK;
}
static enum err fake_password(struct task *t, enum err e, struct password_problem *problem) {
	if (e == ERR_FIELDS)
		*problem = (struct password_problem){.reason_key = world.password_reason, .old_wrong = world.old_wrong};
	return e ? task_fail(t, e, "password") : OK;
}
enum err activation_complete(struct task *t, struct str secret, struct str password, struct password_problem *problem) {
	(void)secret, (void)password;
	return fake_password(t, world.activate, problem);
}

/* ---- login ---- */
enum err login_password(struct task *t, struct str username, struct str password, struct str old_session,
	struct str agent, struct login *ret) {
	(void)t, (void)username, (void)password, (void)old_session, (void)agent;
	*ret = (struct login){.result = world.login,
		.account = &fake_account,
		.session = STR("SESSION"),
		.retry_after_s = 90,
		.expires_in = -1,
		.policy = {.known = true, .min_length = 13}};
	return OK;
}
enum err login_session(struct task *t, struct str secret, struct login_state *ret) {
	(void)t;
	if (!world.logged_in || str_empty(secret))
		return ERR_LOGIN;
	*ret = (struct login_state){&fake_sessions[0], &fake_account};
	return OK;
}
enum err login_end_sid(struct task *task, struct str sid) {
	(void)task;
	(void)sid;
	return OK;
}

enum err login_end(struct task *t, const struct login_state *s) {
	(void)t, (void)s;
	world.ended++;
	return OK;
}
enum err login_end_others(struct task *t, struct str account_id, struct str except) {
	(void)t, (void)account_id, (void)except;
	world.ended++;
	return OK;
}
enum err login_change_password(struct task *t, struct str username, struct str old_password, struct str new_password,
	struct password_problem *problem) {
	(void)username, (void)old_password, (void)new_password;
	enum err e = fake_password(t, world.change, problem);
	problem->policy = (struct password_policy){.known = true, .min_length = 14};
	return e;
}
enum err login_reset_request(struct task *t, struct str username) {
	(void)t, (void)username;
	return OK;
}
enum err login_reset_complete(
	struct task *t, struct str secret, struct str new_password, struct password_problem *problem) {
	(void)secret, (void)new_password;
	return fake_password(t, world.reset, problem);
}
enum err login_password_rules(
	struct task *t, const struct directory_config *d, struct str dn, struct password_policy *ret) {
	(void)t, (void)d, (void)dn;
	*ret = (struct password_policy){.known = true, .min_length = 12};
	return OK;
}

/* ---- account, store, directory ---- */
enum err account_entry(
	struct task *t, const struct account *a, const struct directory_config **ret_d, struct entry **ret) {
	(void)t, (void)a;
	*ret_d = &fake_directory;
	*ret = &fake_entry;
	return OK;
}
enum err ticket_check(struct task *t, const char *purpose, struct str secret, struct ticket **ret) {
	(void)purpose;
	if (str_empty(secret) || world.reset == ERR_EXPIRED)
		return task_fail(t, ERR_EXPIRED, "link");
	*ret = arena_new_of(t->arena, struct ticket);
	(*ret)->subject = STR("1");
	return OK;
}
enum err ticket_issue(struct task *t, const char *purpose, struct str id, struct str subject, struct str bound,
	int64_t ttl_s, struct str *ret_secret) {
	(void)t, (void)purpose, (void)id, (void)subject, (void)bound, (void)ttl_s;
	*ret_secret = STR("STATUS");
	return OK;
}
enum err audit_write(struct task *t, const char *action, struct str subject, const struct audit_pair *pairs, size_t n) {
	(void)t, (void)action, (void)subject, (void)pairs, (void)n;
	return OK;
}
enum err throttle_take(struct task *t, enum throttle kind, struct str key) {
	(void)t, (void)kind, (void)key;
	return OK;
}
int64_t throttle_wait_s(struct task *t, enum throttle kind, struct str key) {
	(void)t, (void)kind, (void)key;
	return 61;
}
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
/* ---- changes of people ---- */
enum err steward_look(struct task *t, struct str account_id, struct steward_person **ret) {
	static struct str names[] = {STR("mail"), STR("given_name"), STR("phone"), STR("department"), STR("title")};
	static struct attribute values[] = {
		{.name = {"mail", 4}}, {.name = {"given_name", 10}}, {.name = {"phone", 5}}};
	static struct group groups[] = {{.dn = {"cn=guests,ou=groups,dc=example,dc=org", 37}, .via = SIZE_MAX},
		{.dn = {"cn=all,ou=groups,dc=example,dc=org", 34}, .via = 0}};
	if (!str_eq(account_id, STR("A1")))
		return task_fail(t, ERR_NOT_FOUND, "account");
	struct steward_person *p = *ret = arena_new_of(t->arena, struct steward_person);
	values[0].values = (struct strs){arena_array(t->arena, struct str, 1), 1};
	values[0].values.v[0] = STR("ada@example.org");
	values[1].values = (struct strs){arena_array(t->arena, struct str, 1), 1};
	values[1].values.v[0] = STR("Ada <b>");
	values[2].values = (struct strs){arena_array(t->arena, struct str, 2), 2};
	values[2].values.v[0] = STR("+49 30 1");
	values[2].values.v[1] = STR("+49 30 2");
	*p = (struct steward_person){.account = &fake_account, .directory = &fake_directory, .why = world.person};
	p->attributes = (struct strs){names, COUNT(names)};
	p->bases = (struct strs){fake_bases, 1};
	p->choices = (struct strs){fake_more, 2};
	if (world.person)
		return OK;
	p->groups = (struct groups){.v = groups, .n = 2};
	p->entry = arena_new_of(t->arena, struct entry);
	*p->entry = (struct entry){.dn = STR("uid=ada,ou=people,dc=example,dc=org"),
		.login = STR("ada"),
		.mail = STR("ada@example.org"),
		.enabled = true,
		.attributes = values,
		.n_attributes = 3};
	return OK;
}
struct strs steward_values(const struct steward_person *p, struct str name) {
	for (size_t i = 0; p->entry && i < p->entry->n_attributes; i++)
		if (str_eq(p->entry->attributes[i].name, name))
			return p->entry->attributes[i].values;
	return (struct strs){NULL, 0};
}
struct str steward_ends(struct task *t, const struct steward_person *p) {
	(void)t, (void)p;
	return STR("2027-01-31");
}
bool steward_is_in(struct task *t, const struct steward_person *p, struct str group) {
	(void)t;
	return p->entry && str_eq(group, fake_more[0]);
}
enum err steward_preview(struct task *t, const struct steward_person *p, const struct wishes *w,
	struct wish_problem *problem, struct proposal *ret) {
	(void)p;
	world.wishes = *w;
	if (world.preview == ERR_FIELDS)
		*problem = (struct wish_problem){str_of(world.wrong_field), world.wrong_key};
	*ret = (struct proposal){NULL, STR("DIGEST"), STR("version: 1\n\ndn: uid=ada\n")};
	return world.preview ? task_fail(t, world.preview, "preview") : OK;
}
enum err steward_order(struct task *t, struct str account_id, const struct order *o, struct wish_problem *problem,
	struct str *ret_plan_id) {
	(void)account_id;
	world.ordered = *o;
	if (world.order == ERR_FIELDS)
		*problem = (struct wish_problem){str_of(world.wrong_field), world.wrong_key};
	*ret_plan_id = STR("P1");
	return world.order ? task_fail(t, world.order, "order") : OK;
}
enum err steward_await(struct task *t, struct str plan_id, int64_t ms) {
	(void)t, (void)plan_id, (void)ms;
	return OK;
}
enum err steward_apply(struct task *t, struct str plan_id, struct str confirm) {
	(void)plan_id, (void)confirm;
	world.applied++;
	return world.plan ? task_fail(t, world.plan, "plan") : OK;
}
enum err steward_cancel(struct task *t, struct str plan_id) {
	(void)plan_id;
	world.cancelled++;
	return world.plan ? task_fail(t, world.plan, "plan") : OK;
}
enum err steward_plans(struct task *t, struct str account_id, struct steward_plan **ret, size_t *n) {
	static struct plan_row parked = {.id = {"P1", 2},
		.state = PLAN_PARKED,
		.failure = {"attribute title was <changed>", 29},
		.created_at = NOW};
	static struct plan_step_row step = {.title = {"replace title", 13}, .result = -1, .at = NOW};
	(void)account_id;
	*ret = arena_new_of(t->arena, struct steward_plan);
	**ret = (struct steward_plan){.row = &parked,
		.titles = STR("replace title"),
		.ldif = STR("dn: uid=ada\n"),
		.steps = &step,
		.n_steps = 1};
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

/* ---- oidc ---- */
struct str param(struct params p, const char *name) {
	for (size_t i = 0; i < p.n; i++)
		if (str_eq(p.v[i].name, str_of(name)))
			return p.v[i].value;
	return STR_NONE;
}
static struct authorize fake_authorize(void) {
	return (struct authorize){.client = &fake_client,
		.redirect_uri = STR("https://wiki.example.org/cb"),
		.state = STR("st"),
		.scope = STR("openid profile"),
		.response_mode = world.form_post ? STR("form_post") : STR("query"),
		.max_age = -1};
}
enum err authorize_read(struct task *t, struct params p, struct authorize *ret, bool *ret_redirect) {
	(void)p;
	*ret = fake_authorize();
	*ret_redirect = world.redirect;
	return world.authorize ? task_fail(t, world.authorize, "authorize") : OK;
}
struct str authorize_park(struct task *t, const struct authorize *a) {
	(void)t, (void)a;
	return STR("PARKED");
}
enum err authorize_resume(struct task *t, struct str parked, struct authorize *ret) {
	if (world.resume || !str_eq(parked, STR("PARKED")))
		return task_fail(t, ERR_EXPIRED, "parked");
	*ret = fake_authorize();
	ret->parked_at = world.parked_at;
	return OK;
}
enum err authorize_next(struct task *t, const struct authorize *a, const struct login_state *state, bool fresh,
	bool consented, enum authorize_next *ret) {
	(void)t, (void)a, (void)fresh;
	*ret = !state ? AUTHORIZE_LOGIN : consented ? AUTHORIZE_GRANT : world.next;
	return OK;
}
enum err authorize_grant(struct task *t, const struct authorize *a, const struct login_state *state, bool consented,
	struct str *ret_code) {
	(void)t, (void)a, (void)state, (void)consented;
	world.granted++;
	*ret_code = STR("CODE");
	return OK;
}
void authorize_answer_code(struct task *t, const struct authorize *a, struct str code, struct answer *ret) {
	(void)t;
	*ret = (struct answer){.redirect_uri = a->redirect_uri,
		.v = {{STR("code"), code}, {STR("state"), a->state},
			{STR("iss"), STR("https://id.example.org/realms/staff")}},
		.n = 3};
}
void authorize_answer_error(struct task *t, const struct authorize *a, enum err code, struct answer *ret) {
	(void)t;
	*ret = (struct answer){
		.redirect_uri = a->redirect_uri, .v = {{STR("error"), str_of(err_row(code)->oauth)}}, .n = 1};
}
struct str answer_uri(struct arena *a, const struct answer *answer) {
	return str_printf(
		a, "%.*s?%.*s=%.*s", FMT(answer->redirect_uri), FMT(answer->v[0].name), FMT(answer->v[0].value));
}
size_t consent_lines(const struct authorize *a, struct arena *arena, struct scope_line **ret) {
	(void)a;
	*ret = arena_array(arena, struct scope_line, 2);
	(*ret)[0] = (struct scope_line){STR("openid"), "consent.scope.email"};
	(*ret)[1] = (struct scope_line){STR("profile"), "consent.scope.profile"};
	return 2;
}
enum err oidc_metadata(struct task *t, struct str *ret) {
	(void)t;
	*ret = STR("{}");
	return OK;
}
enum err oidc_jwks(struct task *t, struct str *ret) {
	return oidc_metadata(t, ret);
}
enum err oidc_token(struct task *t, const struct credentials *c, struct str *ret) {
	(void)c;
	return oidc_metadata(t, ret);
}
enum err oidc_introspect(struct task *t, const struct credentials *c, struct str *ret) {
	(void)c;
	return oidc_metadata(t, ret);
}
enum err oidc_revoke(struct task *t, const struct credentials *c) {
	(void)t, (void)c;
	return OK;
}
enum err oidc_userinfo(struct task *t, struct str bearer, struct str *ret) {
	*ret = str_dup(t->arena, bearer);
	return OK;
}
enum err oidc_claims(struct task *t, struct str bearer, struct str *ret) {
	return oidc_userinfo(t, bearer, ret);
}
struct str oauth_description(struct task *task, enum err code) {
	(void)task;
	(void)code;
	return STR("what to mend");
}

struct str oauth_error_json(struct arena *a, enum err code, struct str description) {
	(void)description;
	return str_printf(a, "{\"error\":\"%s\"}", err_row(code)->oauth);
}
enum err logout_read(struct task *t, struct params p, const struct login_state *state, struct logout_request *ret) {
	(void)p, (void)state;
	*ret = (struct logout_request){.client = &fake_client, .confirm = world.confirm};
	if (world.has_return)
		*ret = (struct logout_request){.client = &fake_client,
			.confirm = world.confirm,
			.post_logout_redirect_uri = STR("https://wiki.example.org/"),
			.state = STR("a b")};
	return world.logout_read ? task_fail(t, world.logout_read, "logout") : OK;
}

#endif
