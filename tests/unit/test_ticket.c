/* One-time links, accounts linked to entries, and the audit's detail. */
#include "tests/unit/business_fixture.h"

#include <pthread.h>

#define HOUR 3600

static void test_life(void **state) {
	struct task *t = world_task(*state);
	struct str secret = STR_NONE, again = STR_NONE;
	struct ticket *k = NULL;
	assert_ok(ticket_issue(t, TICKET_VERIFY, STR("notice-1"), STR("reg-1"), STR("a@x.test"), HOUR, &secret));
	assert_ok(ticket_issue(t, TICKET_VERIFY, STR("notice-1"), STR("reg-1"), STR("a@x.test"), HOUR, &again));
	assert_str(again, secret); /* a retried mail has the same link */
	assert_int_equal(secret.n, 43);
	assert_ok(ticket_check(t, TICKET_VERIFY, secret, &k));
	assert_str(k->subject, STR("reg-1"));
	assert_str(k->bound, STR("a@x.test"));
	assert_false(str_contains(k->hash, secret));
	assert_ok(ticket_redeem(t, k));
	assert_err(ticket_redeem(t, k), ERR_EXPIRED);
	assert_err(ticket_check(t, TICKET_VERIFY, secret, &k), ERR_EXPIRED);
	/* Issued again by a job that ran twice, it stays used. */
	assert_ok(ticket_issue(t, TICKET_VERIFY, STR("notice-1"), STR("reg-1"), STR("a@x.test"), HOUR, &again));
	assert_err(ticket_check(t, TICKET_VERIFY, again, &k), ERR_EXPIRED);
}

static void test_differ(void **state) {
	struct task *t = world_task(*state);
	struct str s[4];
	struct ticket *k = NULL;
	assert_ok(ticket_issue(t, TICKET_VERIFY, STR("n"), STR("r"), STR("a@x.test"), HOUR, &s[0]));
	assert_ok(ticket_issue(t, TICKET_RESET, STR("n"), STR("r"), STR("a@x.test"), HOUR, &s[1]));
	assert_ok(ticket_issue(t, TICKET_VERIFY, STR("m"), STR("r"), STR("a@x.test"), HOUR, &s[2]));
	t->realm_name = STR("other");
	assert_ok(ticket_issue(t, TICKET_VERIFY, STR("n"), STR("r"), STR("a@x.test"), HOUR, &s[3]));
	for (size_t i = 0; i < COUNT(s); i++)
		for (size_t k2 = 0; k2 < i; k2++)
			assert_false(str_eq(s[i], s[k2]));
	assert_err(ticket_check(t, TICKET_VERIFY, s[0], &k), ERR_EXPIRED); /* of another realm */
	assert_ok(ticket_check(t, TICKET_VERIFY, s[3], &k));
}

/* All that is no good link gets one answer. */
static void test_refused(void **state) {
	struct task *t = world_task(*state);
	struct str secret = STR_NONE;
	struct ticket *k = NULL;
	assert_ok(ticket_issue(t, TICKET_VERIFY, STR("n"), STR("r"), STR("a@x.test"), HOUR, &secret));
	char *swapped = (char *)str_dup(t->arena, secret).p;
	for (size_t i = 0; i < secret.n; i++)
		if (swapped[i] >= 'a' && swapped[i] <= 'z') {
			swapped[i] = (char)(swapped[i] - 32);
			break;
		}
	char *long_one = arena_alloc(t->arena, 5000);
	memset(long_one, 'A', 5000);
	const struct str bad[] = {STR_NONE, STR(""), STR("x"), str_slice(swapped, secret.n), str_sub(secret, 0, 42),
		str_slice(long_one, 5000), str_printf(t->arena, "%.*s=", FMT(secret)), str_slice("\0", 1)};
	for (size_t i = 0; i < COUNT(bad); i++) {
		task_clear(t);
		assert_err(ticket_check(t, TICKET_VERIFY, bad[i], &k), ERR_EXPIRED);
		assert_err(ticket_claim(t, TICKET_VERIFY, bad[i], &k), ERR_EXPIRED);
	}
	static const char *const others[] = {TICKET_STATUS, TICKET_ACTIVATE, TICKET_RESET};
	for (size_t i = 0; i < COUNT(others); i++)
		assert_err(ticket_check(t, others[i], secret, &k), ERR_EXPIRED);
	assert_ok(ticket_check(t, TICKET_VERIFY, secret, &k));
	world_clock(HOUR * 1000 + 1);
	assert_err(ticket_check(t, TICKET_VERIFY, secret, &k), ERR_EXPIRED);
	assert_err(ticket_redeem(t, k), ERR_EXPIRED);
}

static void test_lease(void **state) {
	struct task *t = world_task(*state);
	struct str secret = STR_NONE;
	struct ticket *k = NULL, *other = NULL;
	assert_ok(ticket_issue(t, TICKET_RESET, STR("n"), STR("r"), STR("a@x.test"), HOUR, &secret));
	assert_ok(ticket_claim(t, TICKET_RESET, secret, &k));
	assert_err(ticket_claim(t, TICKET_RESET, secret, &other), ERR_EXPIRED);
	assert_ok(ticket_check(t, TICKET_RESET, secret, &other)); /* the page may still be looked at */
	assert_ok(ticket_release(t, k));
	assert_ok(ticket_claim(t, TICKET_RESET, secret, &k));
	world_clock(61000);
	assert_ok(ticket_claim(t, TICKET_RESET, secret, &k)); /* the lease of one that died */
}

static struct str contested;
static pthread_barrier_t barrier;

static void *claim(void *won) {
	struct worker w;
	struct ticket *k = NULL;
	worker_new(&w);
	struct task *t = world_task(&w);
	pthread_barrier_wait(&barrier);
	*(int *)won = ticket_claim(t, TICKET_RESET, contested, &k) == OK;
	worker_free(&w);
	return NULL;
}

static void test_parallel(void **state) {
	enum { N = 8 };
	struct task *t = world_task(*state);
	pthread_t threads[N];
	int won[N] = {0}, all = 0;
	assert_ok(ticket_issue(t, TICKET_RESET, STR("n"), STR("r"), STR("a@x.test"), HOUR, &contested));
	pthread_barrier_init(&barrier, NULL, N);
	for (int i = 0; i < N; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, claim, &won[i]), 0);
	for (int i = 0; i < N; i++) {
		pthread_join(threads[i], NULL);
		all += won[i];
	}
	pthread_barrier_destroy(&barrier);
	assert_int_equal(all, 1);
}

/* ---- link ---- */

static void test_link(void **state) {
	struct task *t = world_task(*state);
	struct fake_person *p = fake_person_add("anna", "anna@x.test");
	struct account *a = NULL, *b = NULL;
	struct entry *e = NULL;
	const struct directory_config *d = NULL;
	assert_ok(directory_find_login(t, &world_directory, STR("anna"), &e));
	assert_ok(account_link(t, &world_directory, e, &a));
	assert_ok(account_link(t, &world_directory, e, &b));
	assert_str(a->id, b->id);
	assert_int_equal(world_audits(t, a->id, "account.link"), 1);
	assert_true(a->sub.n >= 24);
	/* Renamed: the same account, brought up to date. */
	e->login = STR("anna2");
	assert_ok(account_link(t, &world_directory, e, &b));
	assert_str(b->id, a->id);
	assert_str(b->sub, a->sub);
	assert_ok(accounts_find(t, a->id, &b));
	assert_str(b->login, STR("anna2"));
	assert_ok(account_entry(t, a, &d, &e));
	assert_ptr_equal(d, &world_directory);
	/* The name in another entry: another account. */
	p->gone = true;
	fake_person_add("anna", "other@x.test");
	assert_ok(directory_find_login(t, &world_directory, STR("anna"), &e));
	assert_ok(account_link(t, &world_directory, e, &b));
	assert_false(str_eq(a->id, b->id));
	assert_err(account_entry(t, a, &d, &e), ERR_NOT_FOUND);
}

struct linking {
	struct worker w;
	const struct entry *entry;
	enum err result;
};

static void *link_run(void *what) {
	struct linking *l = what;
	struct account *a = NULL;
	l->result = account_link(world_task(&l->w), &world_directory, l->entry, &a);
	return NULL;
}

/* What is written into the row while a login waits to write a new name into it stays. */
static void test_link_beside_others(void **state) {
	struct task *t = world_task(*state);
	struct account *a = NULL;
	struct linking l = {0};
	struct entry *e = NULL;
	pthread_t thread;
	fake_person_add("anna", "anna@x.test");
	assert_ok(directory_find_login(t, &world_directory, STR("anna"), &e));
	assert_ok(account_link(t, &world_directory, e, &a));
	worker_new(&l.w);
	l.entry = e;
	e->login = STR("anna2");
	assert_ok(store_begin(t));
	assert_int_equal(pthread_create(&thread, NULL, link_run, &l), 0);
	usleep(200000); /* it has looked, and waits; where not, nothing is shown */
	a->expires_at = 42;
	assert_ok(accounts_update(t, a));
	assert_ok(store_end(t, OK));
	pthread_join(thread, NULL);
	assert_ok(l.result);
	assert_ok(accounts_find(t, a->id, &a));
	assert_str(a->login, STR("anna2"));
	assert_int_equal(a->expires_at, 42);
	worker_free(&l.w);
}

static void test_no_stable_id(void **state) {
	struct task *t = world_task(*state);
	struct entry e = {.dn = STR("uid=x"), .login = STR("x"), .stable_id = STR("")};
	struct account *a = NULL;
	assert_err(account_link(t, &world_directory, &e, &a), ERR_CONFIG);
}

/* ---- audit ---- */

static void test_audit(void **state) {
	struct task *t = world_task(*state);
	struct audit_filter f = {.subject = STR("s"), .limit = 10};
	struct audit_row *rows = NULL;
	size_t n = 0;
	assert_ok(audit_record(t, "test.one", STR("s"), AUDIT("a", STR("x\"\n\xc3\xa9")), AUDIT("b", STR_NONE)));
	assert_ok(audit_record(t, "test.two", STR("s"), AUDIT("a", str_slice(arena_alloc(t->arena, 10000), 10000))));
	assert_ok(audit_list(t, &f, &rows, &n));
	assert_int_equal(n, 2);
	assert_str(rows[0].detail, STR("{\"cut\":\"the detail was too long\"}"));
	assert_true(str_starts(rows[1].detail, STR("{\"a\":\"x\\\"\\n")));
	assert_true(str_ends(rows[1].detail, STR("\"b\":\"\"}")));
	assert_str(rows[1].actor, STR("person:tester"));
	assert_str(rows[1].address, STR("192.0.2.1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_life), TEST(test_differ), TEST(test_refused), TEST(test_lease),
		TEST(test_parallel), TEST(test_link), TEST(test_link_beside_others), TEST(test_no_stable_id),
		TEST(test_audit)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
