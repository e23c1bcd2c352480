/* Controllers that DNS names, on one worker's connections: run by test_discovery.py, where the DNS server and the hosts
 * file are its own. Skipped (77) without arguments. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "federation/directory/directory.h"

static struct directory_config configuration(const char *scheme, const char *site) {
	const char *const names[] = {
		"AD_UPN_SUFFIX", "AD_CA_FILE", "AD_BIND_DN", "AD_BIND_PASSWORD", "AD_PEOPLE", "AD_GROUPS"};
	struct str v[COUNT(names)];
	static struct str logins[] = {{"sAMAccountName", 14}};
	for (size_t i = 0; i < COUNT(names); i++)
		v[i] = str_of(getenv(names[i]) ? getenv(names[i]) : "");
	return (struct directory_config){.id = STR("found"),
		.driver = DIRECTORY_ACTIVE_DIRECTORY,
		.domain = v[0],
		.site = str_of(site),
		.scheme = strncmp(scheme, "ldaps", 5) == 0 ? SCHEME_LDAPS : SCHEME_LDAP,
		.is_catalog = strstr(scheme, "catalog") != NULL,
		.ca_file = v[1],
		.bind_dn = v[2],
		.bind_password = v[3],
		.people_base = v[4],
		.groups_base = v[5],
		.people_filter = STR("(objectClass=user)"),
		.group_filter = STR("(objectClass=group)"),
		.login_attributes = {logins, 1},
		.rdn_attribute = STR("cn"),
		.group_member_attribute = STR("member"),
		.marker_attribute = STR("employeeNumber"),
		.disable = DISABLE_DRIVER,
		.network_timeout_ms = 2000,
		.operation_timeout_ms = 2000,
		.max_binds = 2};
}

/* One line for each step: what came of it. */
static void look(struct task *t, const struct directory_config *d) {
	struct entry *e = NULL;
	struct strs uris = {NULL, 0};
	enum verdict v = VERDICT_WRONG;
	enum err code = directory_find_login(t, d, STR("alice"), &e);
	if (!code)
		code = directory_verify(t, d, e->dn, str_of(getenv("AD_USER_PASSWORD")), &v, NULL);
	printf("%s", err_row(code)->name);
	if (code)
		printf(" (%.*s)", FMT(t->failure_detail));
	else
		printf(" verdict %d", (int)v);
	task_clear(t);
	if (directory_controller_uris(t, d, &uris) == OK)
		for (size_t i = 0; i < uris.n; i++)
			printf(" %.*s", FMT(uris.v[i]));
	printf("\n");
	fflush(stdout);
}

/* test_discovery SCHEME SITE: a look for each line that is read. */
int main(int argc, char **argv) {
	struct task t;
	char line[16];
	if (argc != 3)
		return 77;
	struct arena *a = arena_new();
	struct handles *handles = handles_new();
	signal(SIGPIPE, SIG_IGN);
	secret_init();
	const struct directory_config d = configuration(argv[1], argv[2]);
	while (fgets(line, sizeof(line), stdin)) {
		arena_wipe(a);
		task_begin(&t, a, handles, TASK_PAGE_MS);
		look(&t, &d);
	}
	handles_free(handles);
	arena_free(a);
	return 0;
}
