#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "config/config_private.h"

#define SECRET "0123456789abcdef0123456789abcdef"

/* Paths are relative to a folder that main() makes. */
static const char base_text[] =
#include "tests/unit/test_config_base.inc"
	;

static struct arena *arena;

static void write_file(const char *name, const char *text, size_t n, mode_t mode) {
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(name, mode), 0);
}

static enum err load(struct str text, struct config **ret, struct config_errors *errors) {
	write_file("usher.yaml", text.p, text.n, 0644);
	return config_load(arena, "usher.yaml", ret, errors);
}

static struct config *load_base(void) {
	struct config *c = NULL;
	struct config_errors errors;
	enum err e = load(str_of(base_text), &c, &errors);
	if (e)
		print_error("%.*s", FMT(config_errors_text(arena, "usher.yaml", &errors)));
	assert_int_equal(e, OK);
	return c;
}

static void assert_str(struct str s, const char *expected) {
	if (!str_eq(s, str_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", FMT(s), expected);
}

static void assert_strs(struct strs s, const char *expected) {
	assert_str(str_join(arena, s, STR("|")), expected);
}

static void the_daemon_is_as_written(void **state) {
	(void)state;
	struct config *c = load_base();
	assert_str(c->file, "usher.yaml");
	assert_str(c->public_url, "https://id.example.org");
	assert_true(c->secure);
	assert_str(c->listen, "unix:usherd.sock");
	assert_str(c->listen_metrics, "127.0.0.1:9464");
	assert_strs(c->trusted_proxies, "unix|10.0.0.1");
	assert_int_equal(c->event_threads, 3);
	assert_int_equal(c->web_workers, 8);
	assert_int_equal(c->job_workers, 4);
	assert_int_equal(c->web_queue, 128);
	assert_int_equal(c->connection_limit, 1024);
	assert_int_equal(c->proof_of_work_bits, 18);
	assert_int_equal(c->registrations_per_address, 20);
	assert_int_equal(c->registrations_per_mailbox, 3);
	assert_str(c->template_dir, "");
	assert_int_equal(c->store, STORE_SQLITE);
	assert_str(c->store_path, "usher.db");
	assert_str(c->key_file, "/var/lib/usher/secrets.key");
	assert_int_equal(c->log_level, LEVEL_WARNING);
	assert_int_equal(c->mail.transport, MAIL_SMTP);
	assert_str(c->mail.host, "mail.example.org");
	assert_int_equal(c->mail.port, 25);
	assert_int_equal(c->mail.tls, MAIL_TLS);
	assert_str(c->mail.ca_file, "ca.pem");
	assert_str(c->mail.username, "usher");
	assert_str(c->mail.password, "mail secret "); /* one newline is cut, no space */
	assert_str(c->mail.from, "usher@example.org");
	assert_str(c->mail.mailbox, "");
	assert_int_equal(c->mail.timeout_ms, 20000);
}

static void the_realm_is_as_written(void **state) {
	(void)state;
	struct config *c = load_base();
	const struct realm *r = config_realm(c, STR("staff"));
	assert_non_null(r);
	assert_null(config_realm(c, STR("other")));
	assert_int_equal(c->n_realms, 1);
	assert_int_equal(r->lane, 0);
	assert_int_equal(r->at, 22);
	assert_str(r->issuer, "https://id.example.org/realms/staff");
	assert_str(r->title, "Example Corporation");
	assert_str(r->accent, "#0b5ffe");
	assert_str(r->logo, "");
	assert_str(r->contact, "helpdesk@example.org");
	assert_str(r->operators, "cn=operators,ou=groups,dc=example,dc=org");
	assert_int_equal(r->session_ttl, 36000);
	assert_int_equal(r->session_idle, 1800);
	assert_int_equal(r->login_max_failures, 7);
	assert_int_equal(r->login_window, 600);
	assert_int_equal(r->reset_ttl, 3600);
	assert_str(r->mail_from_name, "Example Corporation");
	assert_strs(r->signing_algs, "RS256|ES256");
	assert_int_equal(r->n_roles, 3);
	assert_int_equal(r->roles[0].match, ROLE_GROUP_DN);
	assert_str(r->roles[0].group, "cn=staff,dc=example,dc=org");
	assert_int_equal(r->roles[1].match, ROLE_GROUP_NAME);
	assert_str(r->roles[1].group, "admins");
	assert_int_equal(r->roles[2].match, ROLE_GROUP_PATTERN);
	assert_str(r->roles[2].group, "app-*");
	assert_str(r->roles[2].role, "{1}");
}

static void the_directory_is_as_written(void **state) {
	(void)state;
	const struct directory_config *d = realm_directory(config_realm(load_base(), STR("staff")), STR("main"));
	assert_non_null(d);
	assert_int_equal(d->driver, DIRECTORY_OPENLDAP);
	assert_strs(d->uris, "ldaps://ldap1.example.org|ldaps://ldap2.example.org");
	assert_str(d->ca_file, "ca.pem");
	assert_str(d->bind_dn, "cn=svc-usher,dc=example,dc=org");
	assert_str(d->bind_password, "ldap secret");
	assert_str(d->people_base, "ou=people,dc=example,dc=org");
	assert_str(d->groups_base, "ou=groups,dc=example,dc=org");
	assert_str(d->people_filter, "(objectClass=inetOrgPerson)");
	assert_strs(d->login_attributes, "uid|mail");
	assert_str(d->rdn_attribute, "uid");
	assert_strs(d->object_classes, "inetOrgPerson");
	assert_str(d->group_member_attribute, "member");
	assert_str(d->group_filter, "(objectClass=groupOfNames)");
	assert_str(d->marker_attribute, "usherRequestId");
	assert_strs(d->mail_domains, "example.org|*.xn--bcher-kva.example");
	assert_int_equal(d->disable, DISABLE_LOCKED_TIME);
	assert_false(d->transactions);
	assert_int_equal(d->network_timeout_ms, 4000);
	assert_int_equal(d->operation_timeout_ms, 5000);
	assert_int_equal(d->max_binds, 8);
	assert_int_equal(d->n_attributes, 1);
	assert_str(d->attributes[0].ours, "phone");
	assert_str(d->attributes[0].theirs, "telephoneNumber");
}

static void the_fields_are_as_written(void **state) {
	(void)state;
	const struct profile_config *p = realm_profile(config_realm(load_base(), STR("staff")), STR("guest"));
	assert_non_null(p);
	assert_int_equal(p->n_fields, 5);
	const struct field_config *mail = &p->fields[0], *name = &p->fields[1], *terms = &p->fields[4];
	assert_str(mail->name, "mail");
	assert_int_equal(mail->type, FIELD_EMAIL);
	assert_true(mail->required);
	assert_str(mail->autocomplete, "email");
	assert_str(name->name, "given_name");
	assert_int_equal(name->type, FIELD_TEXT);
	assert_str(name->label, "First name");
	assert_true(name->required);
	assert_int_equal(name->max_length, 64);
	assert_str(name->autocomplete, "given-name");
	assert_str(name->attribute, "given_name");
	const struct field_config *select = profile_field(p, STR("department"));
	assert_int_equal(select->type, FIELD_SELECT);
	assert_false(select->required);
	assert_int_equal(select->n_options, 2);
	assert_str(select->options[0].label, "IT");
	assert_str(select->options[1].value, "hr");
	assert_str(select->options[1].label, "hr");
	assert_str(p->fields[3].pattern, "[A-Z]{2}[0-9]+");
	assert_int_equal(p->fields[3].min_length, 3);
	assert_int_equal(p->fields[3].max_length, 200);
	assert_int_equal(terms->type, FIELD_TERMS);
	assert_str(terms->url, "https://example.org/terms");
	assert_int_equal(terms->at, 51);
}

static void the_profile_is_as_written(void **state) {
	(void)state;
	const struct profile_config *p = realm_profile(config_realm(load_base(), STR("staff")), STR("guest"));
	assert_str(p->title, "Guest account");
	assert_str(p->intro, "Für Gäste.");
	assert_str(p->directory, "main");
	assert_false(p->open);
	assert_int_equal(p->n_constants, 2);
	assert_str(p->constants[1].attribute, "display_name");
	assert_str(p->constants[1].pattern, "{given_name} {badge}");
	assert_strs(p->login_patterns, "{given_name:1}{badge}|{given_name}{n}");
	assert_false(p->login_proposed);
	assert_int_equal(p->login_max_length, 18);
	assert_strs(p->reserved_names, "ceo");
	assert_str(p->base, "ou=people,dc=example,dc=org");
	assert_int_equal(p->bases_allowed.n, 0);
	assert_strs(p->groups, "cn=guests,dc=example,dc=org");
	assert_int_equal(p->groups_allowed.n, 0);
	assert_int_equal(p->mail_domains_allowed.n, 0);
	assert_strs(p->mail_domains_refused, "mailinator.com");
	assert_int_equal(p->approval, APPROVAL_RULES);
	assert_int_equal(p->n_rules, 2);
	assert_strs(p->rules[0].mail_domains, "example.org");
	assert_false(p->rules[0].approval);
	assert_str(p->rules[1].field, "department");
	assert_strs(p->rules[1].values, "it");
	assert_true(p->rules[1].approval);
	assert_str(p->approvers, "cn=approvers,dc=example,dc=org");
	assert_strs(p->approver_mails, "a@example.org");
	const int64_t times[] = {
		p->verify_ttl, p->activate_ttl, p->remind_after, p->undecided_ttl, p->resend_after, p->retain_after};
	const int64_t expected[] = {86400, 7 * 86400, 2 * 86400, 14 * 86400, 120, 90 * 86400};
	assert_memory_equal(times, expected, sizeof(times));
	assert_int_equal(p->expires_after, 90 * 86400);
}

static void the_clients_are_as_written(void **state) {
	(void)state;
	const struct realm *r = config_realm(load_base(), STR("staff"));
	const struct client_config *wiki = realm_client(r, STR("wiki")), *app = realm_client(r, STR("app"));
	assert_null(realm_client(r, STR("wikis")));
	assert_str(wiki->title, "wiki");
	assert_int_equal(wiki->auth, CLIENT_AUTH_BASIC);
	assert_true(str_eq(wiki->secret_hash, sha256(arena, STR(SECRET))));
	assert_int_equal(wiki->grants, GRANT_AUTHORIZATION_CODE | GRANT_REFRESH_TOKEN);
	assert_strs(wiki->redirect_uris, "https://wiki.example.org/cb");
	assert_int_equal(wiki->post_logout_redirect_uris.n, 0);
	assert_str(wiki->backchannel_logout_uri, "http://[::1]:9000/bye?x=1");
	assert_true(wiki->backchannel_logout_session_required);
	assert_str(app->backchannel_logout_uri, "");
	assert_strs(wiki->scopes, "openid|offline_access");
	assert_strs(wiki->roles, "*");
	assert_int_equal(wiki->roles_shape, ROLES_NESTED);
	assert_str(wiki->roles_claim, "realm_access.roles");
	assert_false(wiki->groups_claim);
	assert_int_equal(wiki->consent, CONSENT_ONCE);
	assert_str(wiki->signing_alg, "RS256");
	assert_false(wiki->introspect);
	assert_int_equal(wiki->audience.n, 0);
	assert_true(wiki->offline_only_refresh);
	assert_int_equal(wiki->access_ttl, 360);
	assert_int_equal(wiki->id_ttl, 300);
	assert_int_equal(wiki->refresh_ttl, 30 * 86400);
	assert_int_equal(wiki->refresh_idle, 7 * 86400);
	assert_int_equal(app->auth, CLIENT_AUTH_NONE);
	assert_true(str_empty(app->secret_hash));
	assert_int_equal(app->grants, GRANT_AUTHORIZATION_CODE);
	assert_strs(app->scopes, "openid|profile|email");
	assert_str(app->signing_alg, "ES256");
	assert_str(app->roles_claim, "roles");
}

/* base_text with the first `from` replaced, which then is wrong at the line of `from`, plus `below`. */
static const struct broken {
	const char *from, *to;
	unsigned below;
	const char *key, *message;
} broken[] = {
#include "tests/unit/test_config_broken.inc"
};

static struct str replaced(const char *from, const char *to, unsigned *line) {
	const char *at = strstr(base_text, from);
	if (!at)
		fail_msg("not in the base text: %s", from);
	*line = 1;
	for (const char *p = base_text; p < at; p++)
		*line += *p == '\n';
	return str_printf(arena, "%.*s%s%s", (int)(at - base_text), base_text, to, at + strlen(from));
}

static unsigned check_broken(const struct broken *b) {
	struct config *c = NULL;
	struct config_errors errors;
	unsigned line;
	struct str text = replaced(b->from, b->to, &line);
	enum err e = load(text, &c, &errors);
	struct str all = config_errors_text(arena, "usher.yaml", &errors);
	const struct config_error *told = &errors.v[0];
	if (e == ERR_CONFIG && !c && errors.n == 1 && told->line == line + b->below &&
		str_eq(told->key, str_of(b->key)) && str_contains(told->expected, str_of(b->message)))
		return 0;
	print_error("\"%s\": expected line %u: %s: %s; got %zu errors:\n%.*s", b->to, line + b->below, b->key,
		b->message, errors.n, FMT(all));
	return 1;
}

static void broken_files_are_told(void **state) {
	(void)state;
	unsigned wrong = 0;
	for (size_t i = 0; i < COUNT(broken); i++)
		wrong += check_broken(&broken[i]);
	assert_int_equal(wrong, 0);
}

static void the_text_of_an_error_is_for_people(void **state) {
	(void)state;
	struct config *c;
	struct config_errors errors;
	unsigned line;
	assert_int_equal(load(replaced("driver: openldap", "driver: opneldap", &line), &c, &errors), ERR_CONFIG);
	assert_str(config_errors_text(arena, "usher.yaml", &errors),
		"usher.yaml:31:17: realms.staff.directories.main.driver: \"opneldap\" is not one of openldap, "
		"active_directory, 389ds; did you mean openldap?\n");
}

static void all_errors_are_told_in_order(void **state) {
	(void)state;
	struct config *c;
	struct config_errors errors;
	unsigned line;
	struct str text = replaced("port: 25\n  tls: tls", "port: x\n  tls: ssl", &line);
	assert_int_equal(load(text, &c, &errors), ERR_CONFIG);
	assert_int_equal(errors.n, 2);
	assert_int_equal(errors.v[0].line, line);
	assert_str(errors.v[0].key, "mail.port");
	assert_int_equal(errors.v[1].line, line + 1);
	assert_str(errors.v[1].key, "mail.tls");
	config_error_add(arena, &errors, line - 1, STR("mail.host"), "is %s", "unreachable");
	assert_int_equal(errors.n, 3);
	assert_str(errors.v[0].key, "mail.host");
	assert_str(errors.v[0].expected, "is unreachable");
}

static void too_many_errors_are_counted(void **state) {
	(void)state;
	struct config *c;
	struct config_errors errors;
	struct buf b = buf_new(arena, LIMIT_BODY);
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "key%d: x\n", i);
	buf_put(&b, str_of(base_text));
	assert_int_equal(load(buf_str(&b), &c, &errors), ERR_CONFIG);
	assert_int_equal(errors.n, 100);
	assert_int_equal(errors.v[LIMIT_CONFIG_ERRORS - 1].line, LIMIT_CONFIG_ERRORS);
	assert_true(str_ends(config_errors_text(arena, "f", &errors), STR("f: … and 36 more\n")));
}

static void files_have_their_rules(void **state) {
	(void)state;
	static const struct {
		const char *content;
		size_t n;
		mode_t mode;
		const char *message;
	} rows[] = {
		{"", 0, 0600, "is empty"},
		{"\n", 1, 0600, "is empty"},
		{"secret\n", 7, 0644, "may be read or written by everybody"},
		{"two\nlines\n", 10, 0600, "more than one line"},
		{"nul\0nul", 7, 0600, "not text"},
	};
	struct config *c;
	struct config_errors errors;
	for (size_t i = 0; i < COUNT(rows); i++) {
		write_file("mail.password", rows[i].content, rows[i].n, rows[i].mode);
		assert_int_equal(load(str_of(base_text), &c, &errors), ERR_CONFIG);
		assert_int_equal(errors.n, 1);
		assert_true(str_contains(errors.v[0].expected, str_of(rows[i].message)));
		assert_false(str_contains(errors.v[0].expected, STR("lines")));
	}
	write_file("mail.password", "mail secret \n", 13, 0640);
	load_base();
	assert_int_equal(config_load(arena, "absent.yaml", &c, &errors), ERR_CONFIG);
	assert_true(str_contains(errors.v[0].expected, STR("cannot be read: No such file")));
}

static void active_directory_has_its_defaults(void **state) {
	(void)state;
	struct config *c = NULL;
	struct config_errors errors;
	unsigned line;
	assert_int_equal(load(replaced("driver: openldap", "driver: active_directory", &line), &c, &errors), OK);
	const struct directory_config *d = &c->realms[0].directories[0];
	assert_strs(d->login_attributes, "sAMAccountName|userPrincipalName|mail");
	assert_int_equal(d->disable, DISABLE_DRIVER);
	assert_false(d->transactions);
}

static void each_389_has_its_defaults(void **state) {
	(void)state;
	struct config *c = NULL;
	struct config_errors errors;
	unsigned line;
	assert_int_equal(load(replaced("driver: openldap", "driver: 389ds", &line), &c, &errors), OK);
	const struct directory_config *d = &c->realms[0].directories[0];
	assert_strs(d->login_attributes, "uid|mail");
	assert_true(str_eq(d->marker_attribute, STR("employeeNumber")));
	assert_int_equal(d->disable, DISABLE_DRIVER);
	assert_int_equal(
		load(replaced("driver: openldap", "driver: 389ds\n        disable: start_time", &line), &c, &errors),
		ERR_CONFIG);
	assert_true(str_contains(errors.v[0].expected, STR("is not driver, the only way of 389ds")));
}

/* The forest's catalog is a directory beside: another id, and the catalog's ports where none are given. */
static void a_catalog_is_derived(void **state) {
	(void)state;
	static const struct {
		const char *more, *uris;
	} rows[] = {{"", NULL},
		{"\n        global_catalog: true", "ldaps://ldap1.example.org:3269|ldaps://ldap2.example.org:3269"},
		{"\n        global_catalog: true\n        global_catalog_uris: [\"ldap://gc.example.org:3268\"]",
			"ldap://gc.example.org:3268"}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *c = NULL;
		struct config_errors errors = {.n = 0};
		unsigned line = 0;
		const char *to = str_printf(arena, "driver: active_directory%s%c", rows[i].more, 0).p;
		assert_int_equal(load(replaced("driver: openldap", to, &line), &c, &errors), OK);
		const struct directory_config *d = &c->realms[0].directories[0];
		assert_true((d->catalog != NULL) == (rows[i].uris != NULL));
		if (!d->catalog)
			continue;
		assert_strs(d->catalog->uris, rows[i].uris);
		assert_true(d->catalog->is_catalog && !d->is_catalog);
		assert_true(str_starts(d->catalog->id, d->id) && !str_eq(d->catalog->id, d->id));
		assert_strs(d->uris, "ldaps://ldap1.example.org|ldaps://ldap2.example.org");
	}
}

static void every_key_is_complete(void **state) {
	(void)state;
	for (size_t i = 0; i < key_count(); i++) {
		const struct key *key = key_at(i);
		bool words = key->type == KEY_ENUM || key->type == KEY_WORD || key->type == KEY_FLAGS;
		bool number = key->type == KEY_INT || key->type == KEY_DURATION || key->type == KEY_DURATION_MS;
		bool many = key->type == KEY_LIST || key->type == KEY_MAP || key->type == KEY_ITEMS ||
			    key->type == KEY_FLAGS;
		if (!key->help || !*key->help || key->help[strlen(key->help) - 1] != '.')
			fail_msg("%s has no help", key->path);
		if (key->required == (key->fallback != NULL))
			fail_msg("%s is neither required nor has a default, or both", key->path);
		if (words != (key->words != NULL) || ((number || many) && !(key->max > key->min)))
			fail_msg("%s has no words or range", key->path);
		if ((key->type == KEY_MAP || key->type == KEY_ITEMS) != (key->shape != NULL))
			fail_msg("%s has no shape", key->path);
		const char *dot = strrchr(key->path, '.');
		struct str parent = str_slice(key->path, dot ? (size_t)(dot - key->path) : 0);
		bool known = !dot;
		for (size_t j = 0; j < key_count(); j++) {
			struct str path = str_of(key_at(j)->path), below = str_sub(parent, path.n, parent.n);
			known |= str_starts(parent, path) &&
				 (str_empty(below) || str_eq(below, STR("[]")) || str_eq(below, STR(".*")));
			if (j != i && str_eq(path, str_of(key->path)))
				fail_msg("%s stands twice", key->path);
		}
		if (!known)
			fail_msg("%s stands below no key", key->path);
	}
}

static struct str read_source(const char *name) {
	const char *top = getenv("top_srcdir");
	struct str text = STR_NONE;
	struct str path = str_printf(arena, "%s/%s", top ? top : ".", name);
	const char *why = file_read(arena, path, LIMIT_RESPONSE, false, &text);
	if (why)
		fail_msg("%.*s %s", FMT(path), why);
	return text;
}

static char *source_folder;

static void generated_files_are_current(void **state) {
	(void)state;
	struct config *c = NULL;
	struct config_errors errors;
	struct str sample = config_sample(arena), schema = config_json_schema(arena), man = config_man(arena);
	enum err e = config_load_text(arena, sample, &c, &errors);
	if (e)
		fail_msg("%.*s", FMT(config_errors_text(arena, "sample", &errors)));
	assert_int_equal(c->realms[0].profiles[0].n_fields, 5);
	assert_int_equal(c->realms[0].n_roles, 3);
	json_t *json = json_loadb(schema.p, schema.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	assert_non_null(json_object_get(json_object_get(json, "properties"), "realms"));
	json_decref(json);
	for (size_t i = 0; i < key_count(); i++)
		assert_true(str_contains(man, str_printf(arena, ".It Cm %s\n", key_at(i)->path)));
	char *here = getcwd(NULL, 0);
	assert_int_equal(chdir(source_folder), 0);
	assert_true(str_eq(sample, read_source("deploy/usher.yaml.sample")));
	assert_true(str_eq(schema, read_source("schemas/json/usher.schema.json")));
	assert_int_equal(chdir(here), 0);
	free(here);
}

static int each_begins(void **state) {
	(void)state;
	arena_wipe(arena);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup(f, each_begins)

int main(void) {
	static const char *const files[] = {
		"usher.yaml", "mail.password", "ldap.password", "wiki.secret", "short.secret", "ca.pem"};
	const struct CMUnitTest tests[] = {TEST(the_daemon_is_as_written), TEST(the_realm_is_as_written),
		TEST(the_directory_is_as_written), TEST(the_fields_are_as_written), TEST(the_profile_is_as_written),
		TEST(the_clients_are_as_written), TEST(broken_files_are_told), TEST(the_text_of_an_error_is_for_people),
		TEST(all_errors_are_told_in_order), TEST(too_many_errors_are_counted), TEST(files_have_their_rules),
		TEST(active_directory_has_its_defaults), TEST(a_catalog_is_derived), TEST(each_389_has_its_defaults),
		TEST(every_key_is_complete), TEST(generated_files_are_current)};
	char folder[] = "/tmp/test_config.XXXXXX";
	source_folder = getcwd(NULL, 0);
	if (!source_folder || !mkdtemp(folder) || chdir(folder))
		return 1;
	secret_init();
	arena = arena_new();
	write_file("mail.password", "mail secret \n", 13, 0600);
	write_file("ldap.password", "ldap secret", 11, 0600);
	write_file("wiki.secret", SECRET "\n", 33, 0600);
	write_file("short.secret", "short\n", 6, 0600);
	write_file("ca.pem", "x", 1, 0644);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < COUNT(files); i++)
		unlink(files[i]);
	if (chdir("/") == 0)
		rmdir(folder);
	arena_free(arena);
	free(source_folder);
	return failed;
}
