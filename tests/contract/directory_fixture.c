#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/secret.h"
#include "tests/contract/directory_fixture.h"

static struct str variable(const char *name) {
	const char *value = getenv(name);
	if (!value)
		fail_msg("%s is not set", name);
	return str_of(value);
}

static struct strs words(struct arena *a, const char *text) {
	return str_split(a, str_of(text), ' ');
}

bool fixture_transactions(void) {
	return getenv("OL_TRANSACTIONS") != NULL;
}

static struct directory_config *configuration(struct arena *a) {
	struct directory_config *d = arena_new_of(a, struct directory_config);
	*d = (struct directory_config){
		.id = STR("main"),
		.driver = DIRECTORY_OPENLDAP,
		.uris = str_split(a, variable("OL_URI"), ' '),
		.ca_file = variable("OL_CA_FILE"),
		.bind_dn = variable("OL_BIND_DN"),
		.bind_password = variable("OL_BIND_PASSWORD"),
		.people_base = variable("OL_PEOPLE"),
		.groups_base = variable("OL_GROUPS"),
		.people_filter = STR("(objectClass=inetOrgPerson)"),
		.login_attributes = words(a, "login mail"),
		.rdn_attribute = STR("uid"),
		.object_classes = words(a, "inetOrgPerson"),
		.group_member_attribute = STR("member"),
		.group_filter = STR("(objectClass=groupOfNames)"),
		.marker_attribute = STR("employeeNumber"),
		.disable = DISABLE_DRIVER,
		.transactions = fixture_transactions(),
		.network_timeout_ms = 1000,
		.operation_timeout_ms = 1000,
		.max_binds = 4,
	};
	return d;
}

int fixture_open(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	signal(SIGPIPE, SIG_IGN);
	secret_init();
	f->arena = arena_new();
	f->config = arena_new();
	f->handles = handles_new();
	f->d = configuration(f->config);
	*state = f;
	return 0;
}

int fixture_close(void **state) {
	struct fixture *f = *state;
	handles_free(f->handles);
	arena_free(f->arena);
	arena_free(f->config);
	free(f);
	return 0;
}

struct task *fixture_keep(struct fixture *f) {
	task_begin(&f->t, f->arena, f->handles, TASK_PAGE_MS);
	f->t.actor = STR("test");
	return &f->t;
}

struct task *fixture_task(struct fixture *f) {
	arena_wipe(f->arena);
	return fixture_keep(f);
}

struct directory_config fixture_unreachable(struct fixture *f) {
	struct directory_config d = *f->d;
	d.id = STR("nowhere");
	d.uris = words(f->config, "ldaps://127.0.0.1:1");
	return d;
}

void fixture_reconnect(struct fixture *f) {
	handles_close_all(f->handles);
}

struct str person(struct fixture *f, const char *uid) {
	return dn_child(f->config, STR("uid"), str_of(uid), f->d->people_base);
}

struct str group(struct fixture *f, const char *cn) {
	return dn_child(f->config, STR("cn"), str_of(cn), f->d->groups_base);
}

void assert_ok_(struct fixture *f, enum err e, const char *file, int line) {
	if (e) {
		print_error("%.*s\n", FMT(f->t.failure_detail));
		_fail(file, line);
	}
}

void assert_str_(struct str got, struct str wanted, const char *file, int line) {
	if (!str_eq(got, wanted) || str_absent(got) != str_absent(wanted)) {
		print_error("\"%.*s\" is not \"%.*s\"\n", FMT(got), FMT(wanted));
		_fail(file, line);
	}
}
