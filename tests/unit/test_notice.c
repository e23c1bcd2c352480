/* Each notice: to whom, with which link, and when nothing is said. Mails go into a folder. */
#include "tests/unit/business_fixture.h"

#include <fcntl.h>

#include "broker/runner/runner_private.h"

static struct template_set *templates;
static struct arena *template_arena;
static char mailbox_folder[64];

static const struct config *config_now(void) { return &world_config; }
static const struct template_set *templates_now(void) { return templates; }

#define TEXT_OF(name_) "mail/" name_ ".subject", "mail/" name_ ".txt", "mail/" name_ ".html"

static void templates_make(void) {
	static const char *const names[] = {TEXT_OF("verify"), TEXT_OF("known"), TEXT_OF("already"), TEXT_OF("pending"), TEXT_OF("approvers"),
		TEXT_OF("reminder"), TEXT_OF("rejected"), TEXT_OF("undecided"), TEXT_OF("activate"), TEXT_OF("active"), TEXT_OF("reset"), TEXT_OF("changed"),
		TEXT_OF("locked")};
	static const char subject[] = "{{realm.title}} for {{name}}\n", txt[] = "to {{mail}} {{login}}\nlink={{link}}\nends={{link_ends}}\nwhy={{reason}}\n";
	static const char html[] = "<p>Hello {{name}}</p><a href=\"{{link}}\">go</a>";
	struct template_source sources[COUNT(names)];
	struct str why;
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *text = i % 3 == 0 ? subject : i % 3 == 1 ? txt : html;
		sources[i] = (struct template_source){names[i], i % 3 == 2 ? TEMPLATE_HTML : TEMPLATE_TEXT, text, strlen(text)};
	}
	template_arena = arena_new();
	assert_ok(template_set_new(template_arena, sources, COUNT(names), &templates, &why));
}

static int setup(void **state) {
	int failed = world_setup(state);
	snprintf(mailbox_folder, sizeof(mailbox_folder), "/tmp/usher-mail-XXXXXX");
	assert_non_null(mkdtemp(mailbox_folder));
	world_config.mail.mailbox = str_of(mailbox_folder);
	templates_make();
	runner_settings = (struct runner_settings){.config_now = config_now, .templates_now = templates_now,
		.links = {"/verify", "/status", "/activate", "/reset", "/login", "/forgotten", "/admin/registrations", "/register"}};
	return failed;
}

static int teardown(void **state) {
	DIR *d = opendir(mailbox_folder);
	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(mailbox_folder);
	arena_free(template_arena);
	return world_teardown(state);
}

/* All mails in the folder; *ret: the one to this address, NULL when there is none. */
static size_t mails(struct task *t, const char *to, struct mailbox_item **ret) {
	struct mailbox_item *items = NULL;
	size_t n = 0, found = 0;
	assert_ok(mailbox_list(t, &world_config.mail, &items, &n));
	*ret = NULL;
	for (size_t i = 0; i < n; i++)
		if (str_eq(items[i].to, str_of(to))) {
			*ret = &items[i];
			found++;
		}
	return found;
}

static enum err run(struct task *t, const struct job *j) {
	struct job copy = *j;
	enum err e = runner_run_job(t, &copy);
	if (e)
		task_clear(t);
	else
		assert_ok(jobs_done(t, j->id));
	return e;
}

/* Runs the one job of this name. */
static enum err run_named(struct task *t, const char *notice) {
	struct job j;
	assert_int_equal(world_jobs(t, JOB_NOTICE, notice, &j), 1);
	return run(t, &j);
}

static struct str link_of(const struct mailbox_item *m) {
	struct str rest = m->text, line;
	while (str_next(&rest, '\n', &line))
		if (str_starts(line, STR("link=")))
			return str_trim(str_sub(line, 5, line.n));
	return STR_NONE;
}

/* The secret of a link that must begin so. */
static struct str secret_of(const struct mailbox_item *m, const char *path) {
	struct str link = link_of(m), start = str_of(path);
	if (!str_starts(link, STR("https://id.test/realms/staff")) || !str_starts(str_sub(link, 28, link.n), start))
		fail_msg("the link is %.*s", FMT(link));
	struct str rest = str_sub(link, 28 + start.n, link.n);
	assert_true(str_starts(rest, STR("?t=")));
	return str_sub(rest, 3, rest.n);
}

static void test_verify(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	struct registration *r = world_submit(t, "<b>Anna", "Alt", "Anna@x.test");
	assert_ok(run_named(t, "verify"));
	assert_int_equal(mails(t, "Anna@x.test", &m), 1); /* as it was typed */
	assert_str(m->subject, STR("Test for <b>Anna Alt"));
	assert_true(str_contains(m->html, STR("&lt;b&gt;Anna")));
	assert_false(str_contains(m->html, STR("<b>")));
	struct str secret = secret_of(m, "/verify");
	assert_ok(registration_verify(t, secret, &r));
	assert_str(r->mail, STR("Anna@x.test"));
	assert_true(str_contains(m->text, STR(" UTC")));
}

/* A name that mail programs would make a link of greets nobody. */
static void test_link_as_name(void **state) {
	static const struct {
		const char *given;
		bool greets;
	} rows[] = {{"evil.example", false}, {"visit evil.example now", false}, {"evil.example/win", false}, {"pay/here", false},
		{"\xc3\xa9vil.example", false}, {"J.R.R.", true}, {"Dr. med. Ann", true}, {"Ann.", true}, {"St. John", true}};
	struct task *t = world_task(*state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mailbox_item *m = NULL;
		struct str mail = str_printf(t->arena, "spam%zu@x.test%c", i, 0);
		world_submit(t, rows[i].given, "Alt", mail.p);
		assert_ok(run_named(t, "verify"));
		assert_int_equal(mails(t, mail.p, &m), 1);
		if (str_contains(m->html, str_of(rows[i].given)) != rows[i].greets)
			fail_msg("row %zu: %.*s", i, FMT(m->html));
	}
}

/* The job runs again after its answer was lost: the same mail by id, the same link, one file. */
static void test_twice(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	struct job j;
	struct registration *r = world_submit(t, "Anna", "Alt", "twice@x.test");
	assert_int_equal(world_jobs(t, JOB_NOTICE, "verify", &j), 1);
	assert_ok(runner_run_job(t, &j));
	assert_int_equal(mails(t, "twice@x.test", &m), 1);
	struct str link = link_of(m), ends = m->text;
	world_clock(120000);
	j.due_at += 120000;
	assert_ok(runner_run_job(t, &j));
	assert_int_equal(mails(t, "twice@x.test", &m), 1);
	assert_str(link_of(m), link);
	assert_str(m->text, ends); /* the time that is told is the link's own, not that of the second run */
	assert_ok(registration_verify(t, secret_of(m, "/verify"), &r));
	assert_ok(runner_run_job(t, &j)); /* nothing is left to say */
}

static void test_known(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	fake_person_add("anna", "anna@x.test");
	struct registration *r = world_submit(t, "Anna", "Alt", "anna@x.test");
	assert_ok(run_named(t, "verify"));
	assert_int_equal(mails(t, "anna@x.test", &m), 1);
	assert_true(str_empty(link_of(m)));
	assert_int_equal(world_again(t, r)->state, REGISTRATION_EXPIRED);
}

/* A second submission: the owner of the mailbox of the first one gets its status; the second one ends. */
static void test_already(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	struct registration *first = world_submit(t, "Anna", "Alt", "anna@x.test"), *seen = NULL;
	assert_ok(run_named(t, "verify"));
	assert_int_equal(mails(t, "anna@x.test", &m), 1);
	assert_ok(registration_verify(t, secret_of(m, "/verify"), &first));
	world_submit(t, "Eve", "Il", "ANNA@x.test");
	struct job j;
	assert_int_equal(world_jobs(t, JOB_NOTICE, "verify", &j), 1);
	assert_ok(run(t, &j));
	assert_int_equal(mails(t, "ANNA@x.test", &m), 0); /* not to a mailbox that only compares equal */
	assert_int_equal(mails(t, "anna@x.test", &m), 2);
	struct str link = link_of(m);
	if (!str_contains(link, STR("/status"))) { /* two within one millisecond stand in any order */
		struct mailbox_item *items = NULL;
		size_t n = 0;
		assert_ok(mailbox_list(t, &world_config.mail, &items, &n));
		for (size_t i = 0; i < n; i++)
			if (str_contains(link_of(&items[i]), STR("/status")))
				m = &items[i];
	}
	assert_ok(registration_status(t, secret_of(m, "/status"), &seen));
	assert_str(seen->id, first->id);
	assert_int_equal(world_registration(t, "anna@x.test")->state == REGISTRATION_EXPIRED || world_again(t, first)->state == REGISTRATION_PENDING, true);
	struct registration *second = NULL;
	assert_ok(registrations_find(t, j.subject, &second));
	assert_int_equal(second->state, REGISTRATION_EXPIRED);
}

static void test_pending_and_approvers(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	struct registration *r = world_verified(t, "Anna", "Alt", "anna@x.test"), *seen = NULL;
	struct job j;
	fake_join(&fake.groups[1], fake_person_add("b1", "b1@x.test"));
	fake_join(&fake.groups[1], fake_person_add("b2", "b2@x.test"));
	fake_join(&fake.groups[1], fake_person_add("b3", ""));
	assert_ok(run_named(t, "pending"));
	assert_int_equal(mails(t, "anna@x.test", &m), 1);
	assert_ok(registration_status(t, secret_of(m, "/status"), &seen));
	assert_str(seen->id, r->id);
	/* One job for each approver, in place of the one for all. */
	assert_int_equal(world_jobs(t, JOB_NOTICE, "approvers", &j), 1);
	assert_ok(runner_run_job(t, &j));
	assert_int_equal(mails(t, "b1@x.test", &m), 0);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "approvers", NULL), 2);
	for (int i = 0; i < 2; i++) {
		assert_true(world_jobs(t, JOB_NOTICE, "approvers", &j) > 0);
		assert_ok(run(t, &j));
	}
	assert_int_equal(mails(t, "b1@x.test", &m), 1);
	assert_int_equal(mails(t, "b2@x.test", &m), 1);
	struct str link = str_printf(t->arena, "https://id.test/realms/staff/admin/registrations/%.*s", FMT(r->id));
	assert_str(link_of(m), link); /* no secret: approvers log in */
}

static void test_approvers_nobody(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	world_verified(t, "Anna", "Alt", "anna@x.test");
	assert_err(run_named(t, "approvers"), ERR_CONFIG); /* parked: an operator must see it */
	world_profile.approver_mails = world_one(5, "desk@x.test");
	assert_ok(run_named(t, "approvers"));
	assert_ok(run_named(t, "approvers"));
	assert_int_equal(mails(t, "desk@x.test", &m), 1);
	assert_int_equal(world_jobs(t, JOB_NOTICE, "approvers", NULL), 0);
}

static struct registration *in_state(struct task *t, enum registration_state s, const char *mail) {
	struct registration *r = world_verified(t, "Anna", "Alt", mail);
	r->state = s;
	r->reason = STR("because");
	assert_ok(registrations_update(t, r));
	return r;
}

/* What is said in which state only. */
static void test_skip(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	static const struct {
		const char *notice;
		enum registration_state state;
		size_t mails;
	} rows[] = {
		{"verify", REGISTRATION_PENDING, 0}, {"verify", REGISTRATION_EXPIRED, 0}, {"pending", REGISTRATION_WITHDRAWN, 0},
		{"pending", REGISTRATION_APPROVED, 0}, {"approvers", REGISTRATION_APPROVED, 0}, {"reminder", REGISTRATION_REJECTED, 0},
		{"activate", REGISTRATION_ACTIVE, 0}, {"activate", REGISTRATION_PROVISIONED, 1}, {"rejected", REGISTRATION_REJECTED, 1},
		{"undecided", REGISTRATION_EXPIRED, 1}, {"active", REGISTRATION_ACTIVE, 1},
	};
	world_profile.approver_mails = world_one(5, "desk@x.test");
	for (size_t i = 0; i < COUNT(rows); i++) {
		char mail[64];
		snprintf(mail, sizeof(mail), "skip%zu@x.test", i);
		struct registration *r = in_state(t, rows[i].state, mail);
		struct job j = {.id = random_id(t->arena), .realm = t->realm_name, .kind = JOB_NOTICE, .subject = r->id,
			.body = str_printf(t->arena, "{\"notice\":\"%s\"}", rows[i].notice), .created_at = clock_wall_ms()};
		assert_ok(runner_run_job(t, &j));
		if (mails(t, mail, &m) != rows[i].mails)
			fail_msg("row %zu: %s", i, rows[i].notice);
		if (strcmp(rows[i].notice, "rejected") == 0)
			assert_true(str_contains(m->text, STR("why=because")));
		if (strcmp(rows[i].notice, "active") == 0)
			assert_str(link_of(m), STR("https://id.test/realms/staff/login"));
	}
	assert_int_equal(mails(t, "desk@x.test", &m), 0);
	struct job gone = {.id = STR("g"), .realm = t->realm_name, .kind = JOB_NOTICE, .subject = STR("removed"), .body = STR("{\"notice\":\"rejected\"}")};
	assert_ok(runner_run_job(t, &gone));
}

static void test_activate(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	struct ticket *k = NULL;
	struct registration *r = in_state(t, REGISTRATION_PROVISIONED, "anna@x.test");
	assert_ok(notice_queue(t, "activate", r->id, 0));
	assert_ok(run_named(t, "activate"));
	assert_int_equal(mails(t, "anna@x.test", &m), 1);
	assert_ok(ticket_check(t, TICKET_ACTIVATE, secret_of(m, "/activate"), &k));
	assert_str(k->subject, r->id);
	assert_in_range(k->expires_at - clock_wall_ms(), 86300000, 86400000);
}

static void test_reset(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	struct password_problem problem = {0};
	fake_person_add("anna", "anna@x.test");
	fake_person_add("off", "off@x.test")->enabled = false;
	fake_person_add("silent", "");
	static const char *const names[] = {"anna", "off", "silent", "nobody", "an*"};
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_ok(login_reset_request(t, str_of(names[i])));
		assert_ok(run_named(t, "reset"));
	}
	struct mailbox_item *all = NULL;
	size_t n = 0;
	assert_ok(mailbox_list(t, &world_config.mail, &all, &n));
	assert_int_equal(n, 1);
	assert_int_equal(mails(t, "anna@x.test", &m), 1);
	assert_ok(login_reset_complete(t, secret_of(m, "/reset"), STR(PASSWORD), &problem));
	assert_string_equal(fake_person_find("anna")->password, PASSWORD);
	assert_ok(run_named(t, "changed"));
	assert_int_equal(mails(t, "anna@x.test", &m), 2);
}

/* A link that was used already is not sent again. */
static void test_reset_used(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	struct job j;
	struct password_problem problem = {0};
	fake_person_add("anna", "anna@x.test");
	assert_ok(login_reset_request(t, STR("Anna@x.test")));
	assert_int_equal(world_jobs(t, JOB_NOTICE, "reset", &j), 1);
	assert_ok(runner_run_job(t, &j));
	assert_int_equal(mails(t, "anna@x.test", &m), 1);
	assert_ok(login_reset_complete(t, secret_of(m, "/reset"), STR(PASSWORD), &problem));
	assert_ok(unlinkat(AT_FDCWD, str_printf(t->arena, "%s/%.*s%c", mailbox_folder, FMT(m->file), 0).p, 0) ? ERR_INTERNAL : OK);
	assert_ok(runner_run_job(t, &j));
	assert_int_equal(mails(t, "anna@x.test", &m), 0);
}

/* An account that nobody has activated, as its registration made it. */
static struct registration *unactivated(struct task *t, const char *login, const char *mail) {
	struct registration *r = in_state(t, REGISTRATION_PROVISIONED, mail);
	struct fake_person *p = fake_person_add(login, mail);
	r->login = str_of(login);
	assert_ok(registrations_update(t, r));
	p->enabled = false;
	snprintf(p->marker, sizeof(p->marker), "%.*s", FMT(r->id));
	return r;
}

/* The mail to anna leads to the activation of this registration, by a link that works. */
static void assert_invited(struct task *t, const struct registration *r, const struct mailbox_item *m) {
	struct ticket *k = NULL;
	assert_ok(ticket_check(t, TICKET_ACTIVATE, secret_of(m, "/activate"), &k));
	assert_str(k->subject, r->id);
	assert_str(k->bound, r->mail);
}

/* Who missed the link of the activation and registers again gets another one, and not "you have an account". */
static void test_unactivated_again(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	struct registration *first = unactivated(t, "aalt", "anna@x.test"), *second = NULL;
	struct job j;
	world_config.registrations_per_mailbox = 10;
	assert_ok(run_named(t, "verify")); /* its own, long ago: nothing is left to say */
	world_submit(t, "Eve", "Il", "ANNA@x.test");
	assert_int_equal(world_jobs(t, JOB_NOTICE, "verify", &j), 1);
	assert_ok(run(t, &j));
	assert_int_equal(mails(t, "ANNA@x.test", &m), 0); /* not to a mailbox that only compares equal */
	assert_int_equal(mails(t, "anna@x.test", &m), 1);
	assert_invited(t, first, m);
	assert_true(str_contains(m->text, STR("aalt")) && str_contains(m->html, STR("Hello Anna")));
	assert_ok(registrations_find(t, j.subject, &second));
	assert_int_equal(second->state, REGISTRATION_EXPIRED);
	assert_int_equal(world_again(t, first)->state, REGISTRATION_PROVISIONED);
	/* An entry that was enabled, or whose marker is another's, is an account like any other. */
	fake_person_find("aalt")->enabled = true;
	world_submit(t, "Anna", "Alt", "anna@x.test");
	assert_ok(run_named(t, "verify"));
	assert_int_equal(mails(t, "anna@x.test", &m), 2);
	fake_person_find("aalt")->enabled = false;
	snprintf(fake_person_find("aalt")->marker, sizeof(fake_person_find("aalt")->marker), "4711");
	world_submit(t, "Anna", "Alt", "anna@x.test");
	assert_ok(run_named(t, "verify"));
	struct mailbox_item *all = NULL;
	size_t n = 0, links = 0;
	assert_ok(mailbox_list(t, &world_config.mail, &all, &n));
	for (size_t i = 0; i < n; i++)
		links += !str_empty(link_of(&all[i]));
	assert_int_equal(n, 3);
	assert_int_equal(links, 1);
}

/* Nothing was forgotten where no password was chosen: the reset sends the activation. */
static void test_unactivated_reset(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	struct registration *r = unactivated(t, "aalt", "anna@x.test");
	assert_ok(login_reset_request(t, STR("Anna@x.test")));
	assert_ok(run_named(t, "reset"));
	assert_int_equal(mails(t, "anna@x.test", &m), 1);
	assert_invited(t, r, m);
	r->state = REGISTRATION_ACTIVE; /* and was disabled since */
	assert_ok(registrations_update(t, r));
	assert_ok(login_reset_request(t, STR("aalt")));
	assert_ok(run_named(t, "reset"));
	assert_int_equal(mails(t, "anna@x.test", &m), 1);
}

static void test_failures(void **state) {
	struct task *t = world_task(*state);
	struct mailbox_item *m = NULL;
	static const char *const bodies[] = {"", "{}", "[]", "{\"notice\":\"unheard\"}", "{\"notice\":7}", "not json"};
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct job j = {.id = STR("j"), .realm = t->realm_name, .kind = JOB_NOTICE, .subject = STR("s"), .body = str_of(bodies[i])};
		enum err e = runner_run_job(t, &j);
		assert_true(e == ERR_CONFIG || e == ERR_INVALID);
		task_clear(t);
	}
	world_submit(t, "Anna", "Alt", "anna@x.test");
	fake.down = true;
	assert_err(run_named(t, "verify"), ERR_UNAVAILABLE); /* nobody is told before it is known what to tell */
	assert_int_equal(mails(t, "anna@x.test", &m), 0);
	fake.down = false;
	assert_ok(run_named(t, "verify"));
	struct job j = {.id = STR("j"), .realm = STR("gone"), .kind = JOB_NOTICE, .subject = STR("s"), .body = STR("{\"notice\":\"locked\"}")};
	assert_err(runner_run_job(t, &j), ERR_CONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_verify), TEST(test_link_as_name), TEST(test_twice), TEST(test_known), TEST(test_unactivated_again), TEST(test_unactivated_reset), TEST(test_already), TEST(test_pending_and_approvers),
		TEST(test_approvers_nobody), TEST(test_skip), TEST(test_activate), TEST(test_reset), TEST(test_reset_used), TEST(test_failures)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
