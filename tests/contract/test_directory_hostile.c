/* What federation/directory/directory.h promises when a directory does wrong: a clear error, a bounded wait, and a
 * worker that goes on. The servers are tests/directories/fake's (FK_…), the good one is OpenLDAP (OL_…). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/secret.h"
#include "federation/directory/directory.h"

#define NETWORK_MS   400
#define OPERATION_MS 600
#define BOUND_MS     (3 * (NETWORK_MS + OPERATION_MS))
#define VARIANTS     26 /* at least what the fake has of one kind */
#define LEGAL        5  /* of the DNs, the first are legal */

/* libldap 2.5.13 loses a Notice of Disconnection's memory. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define leaks_ignore()     __lsan_disable()
#define leaks_not_ignore() __lsan_enable()
#else
#define leaks_ignore()     (void)0
#define leaks_not_ignore() (void)0
#endif

struct hostile {
	struct arena *arena, *config;
	struct handles *handles;
	struct task t;
	struct directory_config good;
	int64_t began;
	int failed;
};

static struct str variable(const char *name) {
	const char *value = getenv(name);
	if (!value)
		fail_msg("%s is not set", name);
	return str_of(value);
}

static struct directory_config *directory_of(
	struct hostile *h, const char *id, const char *prefix, const char *uri_name) {
	struct arena *a = h->config;
	struct directory_config *d = arena_new_of(a, struct directory_config);
	const char *names[] = {"CA_FILE", "BIND_DN", "BIND_PASSWORD", "PEOPLE", "GROUPS"};
	struct str v[COUNT(names)];
	char name[64];
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(name, sizeof(name), "%s_%s", prefix, names[i]);
		v[i] = variable(name);
	}
	*d = (struct directory_config){
		.id = str_dup(a, str_of(id)),
		.driver = DIRECTORY_OPENLDAP,
		.uris = str_split(a, variable(uri_name), ' '),
		.ca_file = v[0],
		.bind_dn = v[1],
		.bind_password = v[2],
		.people_base = v[3],
		.groups_base = v[4],
		.people_filter = STR("(objectClass=inetOrgPerson)"),
		.login_attributes = str_split(a, STR("login mail"), ' '),
		.rdn_attribute = STR("uid"),
		.object_classes = str_split(a, STR("inetOrgPerson"), ' '),
		.group_member_attribute = STR("member"),
		.group_filter = STR("(objectClass=groupOfNames)"),
		.marker_attribute = STR("employeeNumber"),
		.disable = DISABLE_DRIVER,
		.network_timeout_ms = NETWORK_MS,
		.operation_timeout_ms = OPERATION_MS,
		.max_binds = 4,
	};
	return d;
}

static int open_fixture(void **state) {
	struct hostile *h = calloc(1, sizeof(*h));
	signal(SIGPIPE, SIG_IGN);
	secret_init();
	h->arena = arena_new();
	h->config = arena_new();
	h->handles = handles_new();
	h->good = *directory_of(h, "good", "OL", "OL_URI");
	h->good.network_timeout_ms = h->good.operation_timeout_ms = 2000;
	*state = h;
	return 0;
}

static int close_fixture(void **state) {
	struct hostile *h = *state;
	handles_free(h->handles);
	arena_free(h->arena);
	arena_free(h->config);
	free(h);
	return 0;
}

static struct task *begin(struct hostile *h) {
	arena_wipe(h->arena);
	task_begin(&h->t, h->arena, h->handles, TASK_PAGE_MS);
	h->began = clock_monotonic_ms();
	return &h->t;
}

/* ---- what is asked ---- */
enum call { FIND, VERIFY, CHANGE, SET_PASSWORD, GROUPS, CALLS };
static const char *const call_names[CALLS] = {"find", "verify", "change", "set password", "groups"};

static struct str alice(struct hostile *h, const struct directory_config *d) {
	return dn_child(h->config, STR("uid"), STR("alice"), d->people_base);
}

static enum err ask(struct hostile *h, const struct directory_config *d, enum call call, int variant) {
	struct task *t = begin(h);
	struct str word = str_printf(h->arena, "variant-%d.", variant), dn = alice(h, d);
	struct attribute title = {STR("title"), {&word, 1}};
	struct change change = {.kind = CHANGE_REPLACE, .dn = dn, .attributes = &title, .n_attributes = 1};
	struct entry *e = NULL, person = {.dn = dn};
	enum verdict v = VERDICT_WRONG;
	struct report report;
	struct refusal refusal;
	struct groups groups;
	switch (call) {
	case FIND:
		return directory_find_login(t, d, word, &e);
	case VERIFY:
		return directory_verify(t, d, dn, word, &v, NULL);
	case CHANGE:
		return directory_apply(t, d, &change, 1, &report);
	case SET_PASSWORD:
		return directory_set_password(t, d, dn, word, &refusal);
	default:
		return directory_groups(t, d, &person, &groups);
	}
}

static void worker_goes_on(struct hostile *h, const char *after) {
	struct entry *e = NULL;
	enum verdict v = VERDICT_WRONG;
	enum err found = directory_find_login(begin(h), &h->good, STR("alice"), &e);
	if (found)
		fail_msg("after %s: %s: %.*s", after, err_row(found)->name, FMT(h->t.failure_detail));
	assert_int_equal(
		directory_verify(begin(h), &h->good, alice(h, &h->good), variable("OL_USER_PASSWORD"), &v, NULL), OK);
	assert_int_equal(v, VERDICT_OK);
}

/* ---- what is to come of it ---- */
#define IS(e) (1u << (e))
#define DOWN  IS(ERR_UNAVAILABLE)
#define LATE  IS(ERR_TIMEOUT)

/* Errors that each call may end with. A change that was sent and got no answer that can be read is ERR_TIMEOUT: it may
 * have been carried out. While a connection is made nothing of ours was done, so that all is ERR_UNAVAILABLE. */
static const struct row {
	const char *mode;
	unsigned find, verify, change;
	int variants;
} rows[] = {
	{"GARBAGE", DOWN | LATE, DOWN | LATE, LATE, 10},
	{"HALF", DOWN, DOWN, LATE, 1},
	{"HUGE", DOWN, DOWN, LATE, 1},
	{"SLOW", LATE, LATE, LATE, 1},
	{"DRIP", LATE, LATE, LATE, 1},
	{"WRONGID", LATE, LATE, LATE, 4},
	{"NOTICE", DOWN, DOWN, LATE, 1},
	{"GARBAGE_EARLY", DOWN, DOWN, DOWN, 10},
	{"HALF_EARLY", DOWN, DOWN, DOWN, 1},
	{"HUGE_EARLY", DOWN, DOWN, DOWN, 1},
	{"SLOW_EARLY", DOWN, DOWN, DOWN, 1},
	{"DRIP_EARLY", DOWN, DOWN, DOWN, 1},
	{"WRONGID_EARLY", DOWN, DOWN, DOWN, 1},
	{"NOTICE_EARLY", DOWN, DOWN, DOWN, 1},
	{"MUTETLS", DOWN, DOWN, DOWN, 1},
	{"MUTETLS_PLAIN", DOWN, DOWN, DOWN, 1},
	{"NOBODYTLS", DOWN, DOWN, DOWN, 1},
	{"NOBODYTLS_PLAIN", IS(ERR_CONFIG), IS(ERR_CONFIG), IS(ERR_CONFIG), 1},
	{"INJECTED_PLAIN", DOWN, DOWN, DOWN, 1}, /* what came in the clear is no answer to what was asked within TLS */
	{"DRIP_EARLY_PLAIN", DOWN, DOWN, DOWN, 1},
	{"LIAR", IS(OK), IS(ERR_CONFIG), IS(OK), 1},
	{"REFERRAL", IS(ERR_REFUSED), IS(ERR_REFUSED), IS(ERR_REFUSED), 1},
	{"CONTROLS", IS(ERR_NOT_FOUND) | DOWN, IS(OK) | DOWN, IS(OK) | LATE, VARIANTS},
	{"FLOOD", DOWN | LATE | IS(ERR_EXISTS), IS(OK), IS(OK), 5},
	{"DEEPDN", IS(OK) | DOWN, IS(OK), IS(OK), VARIANTS},
};

static unsigned expected(const struct row *r, enum call call) {
	/* a password is set after the entry was read, and groups are read */
	return call == VERIFY   ? r->verify
	       : call == CHANGE ? r->change
	       : call == FIND   ? r->find
				: ~0u & ~IS(ERR_INTERNAL);
}

static void one(struct hostile *h, const struct row *r, enum call call, int variant) {
	char id[96], name[64];
	snprintf(id, sizeof(id), "%s-%s-%d", r->mode, call_names[call], variant);
	snprintf(name, sizeof(name), "FK_URI_%s", r->mode);
	struct directory_config *d = directory_of(h, id, "FK", name);
	enum err e = ask(h, d, call, variant);
	int64_t took = clock_monotonic_ms() - h->began;
	bool good = (IS(e) & expected(r, call)) && took <= BOUND_MS && !(e && str_empty(h->t.failure_detail));
	h->failed += !good;
	if (!good)
		print_error("%s: %s after %d ms: %.*s\n", id, err_row(e)->name, (int)took, FMT(h->t.failure_detail));
	else if (getenv("VERBOSE"))
		print_message("%s: %s, %d ms: %.*s\n", id, err_row(e)->name, (int)took, FMT(h->t.failure_detail));
}

static void ends_in_time_and_goes_on(void **state) {
	struct hostile *h = *state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool notice = strncmp(rows[i].mode, "NOTICE", 6) == 0;
		if (notice)
			leaks_ignore();
		for (enum call call = FIND; call < CALLS; call++)
			for (int variant = 0; variant < (call <= CHANGE ? rows[i].variants : 1); variant++)
				one(h, &rows[i], call, variant);
		if (notice)
			leaks_not_ignore();
		worker_goes_on(h, rows[i].mode);
		handles_close_all(h->handles);
	}
	assert_int_equal(h->failed, 0);
}

/* Every DN that is one arrives as it was sent; what is none is no entry. */
static void reads_names(void **state) {
	struct hostile *h = *state;
	struct directory_config *d = directory_of(h, "names", "FK", "FK_URI_DEEPDN");
	for (int variant = 0; variant < VARIANTS; variant++) {
		struct entry *e = NULL, *plain = NULL;
		struct task *t = begin(h);
		struct str word = str_printf(h->arena, "variant-%d.", variant);
		enum err found = directory_find_login(t, d, word, &e);
		if (variant < LEGAL ? found != OK : found != OK && found != ERR_UNAVAILABLE)
			fail_msg("DN %d: %s: %.*s", variant, err_row(found)->name, FMT(t->failure_detail));
		if (found)
			continue;
		assert_true(e->dn.n <= LIMIT_DN && dn_valid(h->arena, e->dn) && str_utf8(e->dn));
		assert_true(dn_equal(h->arena, e->dn, e->dn));
		err_ignore(directory_find_dn(t, d, e->dn, &plain), "only that it ends");
	}
}

/* Entries that do not fit are an error, not the end of the process. */
static void bounds_what_is_read(void **state) {
	struct hostile *h = *state;
	struct directory_config *d = directory_of(h, "flood", "FK", "FK_URI_FLOOD");
	d->operation_timeout_ms = 5000;
	for (int variant = 0; variant < 5; variant++) {
		struct entry *e = NULL;
		size_t n = 0;
		bool cut = false;
		struct task *t = begin(h);
		const char *filter = str_printf(h->arena, "(uid=variant-%d.)%c", variant, 0).p;
		enum err read =
			directory_search(t, d, d->people_base, filter, (const char *const[]){"*", NULL}, &e, &n, &cut);
		/* The values of one attribute are cut. */
		if (read != ERR_UNAVAILABLE && read != ERR_TIMEOUT && !(read == OK && variant == 3))
			fail_msg("%d: %s, %zu entries, %zu bytes: %.*s", variant, err_row(read)->name, n,
				arena_used(h->arena), FMT(t->failure_detail));
		assert_true(arena_used(h->arena) < LIMIT_ARENA / 4 * 3);
	}
}

/* A person may write much into an attribute of theirs: the others are read. */
static void leaves_out_what_is_too_large(void **state) {
	struct hostile *h = *state;
	struct task *t = begin(h);
	struct entry *e = NULL;
	struct report report;
	char *text = arena_alloc(h->arena, 3u << 20);
	memset(text, 'x', 3u << 20);
	struct str values[] = {str_slice(text, 3u << 20), STR_NONE, STR("short")};
	struct attribute wide = {STR("description"), {values, 1}};
	struct change change = {
		.kind = CHANGE_REPLACE, .dn = alice(h, &h->good), .attributes = &wide, .n_attributes = 1};
	assert_int_equal(directory_apply(t, &h->good, &change, 1, &report), OK);
	assert_int_equal(directory_find_login(t, &h->good, STR("alice"), &e), OK);
	assert_true(str_absent(entry_value(e, STR("description"))));
	assert_true(str_eq(e->login, STR("alice")) && !str_empty(e->stable_id) && !str_empty(e->mail));
	wide.values = (struct strs){&values[2], 1};
	assert_int_equal(directory_apply(t, &h->good, &change, 1, &report), OK);
	assert_int_equal(directory_find_login(t, &h->good, STR("alice"), &e), OK);
	assert_true(str_eq(entry_value(e, STR("description")), STR("short")));
	wide.values.n = 0;
	assert_int_equal(directory_apply(t, &h->good, &change, 1, &report), OK);
}

/* What somebody who is called at night reads. */
static void tells_what_is_too_large(void **state) {
	struct hostile *h = *state;
	struct directory_config *d = directory_of(h, "told", "FK", "FK_URI_HUGE");
	struct entry *e = NULL;
	struct task *t = begin(h);
	assert_int_equal(directory_find_login(t, d, STR("alice"), &e), ERR_UNAVAILABLE);
	if (!str_contains(t->failure_detail, STR("more than 8 MiB")))
		fail_msg("%.*s", FMT(t->failure_detail));
}

static void follows_no_referral(void **state) {
	(void)state;
	char count[16] = "";
	FILE *canary = fopen(getenv("FK_CANARY"), "r");
	assert_non_null(canary);
	assert_non_null(fgets(count, sizeof(count), canary));
	fclose(canary);
	assert_string_equal(count, "0\n");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_in_time_and_goes_on),
		cmocka_unit_test(reads_names),
		cmocka_unit_test(bounds_what_is_read),
		cmocka_unit_test(leaves_out_what_is_too_large),
		cmocka_unit_test(tells_what_is_too_large),
		cmocka_unit_test(follows_no_referral),
	};
	return getenv("OL_URI") && getenv("FK_URI_GARBAGE") ? cmocka_run_group_tests(tests, open_fixture, close_fixture)
							    : 77;
}
