#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "base/secret.h"
#include "federation/directory/driver.h"
#include "tests/contract/directory_fixture.h"

static const struct make makes[MAKES] = {
	[DIRECTORY_OPENLDAP] = {.name = "openldap",
		.prefix = "OL",
		.rdn_attribute = "uid",
		.object_classes = "inetOrgPerson",
		.login_attributes = "login mail",
		.people_filter = "(objectClass=inetOrgPerson)",
		.group_filter = "(objectClass=groupOfNames)",
		.stable_id = "entryUUID",
		.stable_id_length = 36,
		.unique = "mail",
		.n_groups = 5,
		.cycle = true,
		.disabled = VERDICT_LOCKED},
	[DIRECTORY_ACTIVE_DIRECTORY] = {.name = "active_directory",
		.prefix = "AD",
		.rdn_attribute = "cn",
		.object_classes = "top person organizationalPerson user",
		.login_attributes = "sAMAccountName userPrincipalName mail",
		.people_filter = "(&(objectCategory=person)(objectClass=user))",
		.group_filter = "(objectClass=group)",
		.stable_id = "objectGUID",
		.stable_id_length = 36,
		.unique = "sAMAccountName",
		.n_groups = 6,
		.cycle = true,
		.disabled = VERDICT_DISABLED},
	[DIRECTORY_389DS] = {.name = "389ds",
		.prefix = "DS",
		.rdn_attribute = "uid",
		.object_classes = "inetOrgPerson",
		.login_attributes = "login mail",
		.people_filter = "(objectClass=inetOrgPerson)",
		.group_filter = "(objectClass=groupOfNames)",
		.stable_id = "nsUniqueId",
		.stable_id_length = 35,
		.unique = "uid",
		.n_groups = 6,
		.cycle = false,
		.disabled = VERDICT_DISABLED},
};

/* The make that the environment names; COUNT(makes): none of ours. */
static size_t make_named(void) {
	const char *name = getenv("USHER_DIRECTORY");
	size_t i = 0;
	while (i < COUNT(makes) && strcmp(makes[i].name, name ? name : "openldap") != 0)
		i++;
	return i;
}

const char *fixture_variable(const char *name) {
	const char *prefix = getenv("USHER_DIRECTORY_PREFIX");
	char text[64];
	snprintf(text, sizeof(text), "%s_%s", prefix ? prefix : makes[make_named()].prefix, name);
	return getenv(text);
}

bool fixture_ready(void) {
	size_t make = make_named();
	if (make == COUNT(makes)) {
		print_error("USHER_DIRECTORY is none of openldap, active_directory, 389ds\n");
		exit(1);
	}
	struct directory_config d = {.driver = (enum directory_driver_id)make};
	if (!driver_of(&d)) {
		print_message("the driver of %s is not built\n", makes[make].name);
		return false;
	}
	if (!fixture_variable("URI")) {
		print_message("no %s runs; tests/run contract starts one\n", makes[make].name);
		return false;
	}
	return true;
}

static struct str variable(const char *name) {
	const char *value = fixture_variable(name);
	if (!value)
		fail_msg("%s is not set", name);
	return str_of(value);
}

static struct strs words(struct arena *a, const char *text) {
	return str_split(a, str_of(text), ' ');
}

bool fixture_transactions(void) {
	return fixture_variable("TRANSACTIONS") != NULL;
}

size_t fixture_column(const struct fixture *f) {
	const char *prefix = getenv("USHER_DIRECTORY_PREFIX");
	return prefix && strcmp(prefix, "FK") == 0 ? MAKES : (size_t)f->d->driver;
}

void fixture_skip_on(const struct fixture *f, enum directory_driver_id make, const char *why) {
	if (f->d->driver != make)
		return;
	print_message("# %s: %s\n", f->make->name, why);
	skip();
}

/* A directory of several processes is a process group of its own. */
static void signal_server(int number) {
	const char *text = fixture_variable("PID_1");
	int64_t pid = 0;
	assert_true(str_int(text ? str_of(text) : variable("PID"), 2, INT32_MAX, &pid));
	bool is_group = getpgid((pid_t)pid) == (pid_t)pid;
	assert_int_equal(kill(is_group ? -(pid_t)pid : (pid_t)pid, number), 0);
}

void fixture_freeze(const struct fixture *f) {
	(void)f;
	signal_server(SIGSTOP);
	usleep(300000); /* a busy machine stops the last thread some time after the call */
}

void fixture_thaw(const struct fixture *f) {
	(void)f;
	signal_server(SIGCONT);
}

/* USHER_DIRECTORY_BIND is bind, as in usher.yaml; simple where it is not set. */
static void bind_as_told(struct arena *a, struct directory_config *d) {
	const char *bind = getenv("USHER_DIRECTORY_BIND");
	if (!bind || strcmp(bind, "simple") == 0) {
		d->bind_password = variable("BIND_PASSWORD");
		return;
	}
	d->keytab = variable("KEYTAB");
	d->principal = variable("PRINCIPAL");
	d->bind = BIND_GSSAPI;
	setenv("KRB5_CONFIG", fixture_variable("KRB5_CONFIG"), 1);
	if (strcmp(bind, "gssapi_sealed") == 0) {
		d->bind = BIND_GSSAPI_SEALED;
		d->uris = str_split(a, variable("URI_PLAIN"), ' ');
	}
}

static struct directory_config *configuration(struct arena *a, const struct make *make) {
	struct directory_config *d = arena_new_of(a, struct directory_config);
	*d = (struct directory_config){
		.id = STR("main"),
		.driver = (enum directory_driver_id)(make - makes),
		.uris = str_split(a, variable("URI"), ' '),
		.ca_file = variable("CA_FILE"),
		.bind_dn = variable("BIND_DN"),
		.people_base = variable("PEOPLE"),
		.groups_base = variable("GROUPS"),
		.people_filter = str_of(make->people_filter),
		.login_attributes = words(a, make->login_attributes),
		.rdn_attribute = str_of(make->rdn_attribute),
		.object_classes = words(a, make->object_classes),
		.group_member_attribute = STR("member"),
		.group_filter = str_of(make->group_filter),
		.marker_attribute = STR("employeeNumber"),
		.disable = DISABLE_DRIVER,
		.transactions = fixture_transactions(),
		.network_timeout_ms = 1000,
		.operation_timeout_ms = 1000,
		.max_binds = 4,
	};
	bind_as_told(a, d);
	return d;
}

int fixture_open(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	signal(SIGPIPE, SIG_IGN);
	secret_init();
	f->arena = arena_new();
	f->config = arena_new();
	f->handles = handles_new();
	f->make = &makes[make_named()];
	f->d = configuration(f->config, f->make);
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

struct str person(struct fixture *f, const char *name) {
	return dn_child(f->config, f->d->rdn_attribute, str_of(name), f->d->people_base);
}

struct str group(struct fixture *f, const char *cn) {
	return dn_child(f->config, STR("cn"), str_of(cn), f->d->groups_base);
}

struct str unit(struct fixture *f, const char *ou, struct str base) {
	return dn_child(f->config, STR("ou"), str_of(ou), base);
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
