/* The configuration as it is read: what was written, and what follows from it. */
#include "tests/unit/config_fixture.h"

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

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(the_daemon_is_as_written),
		TEST(the_realm_is_as_written),
		TEST(the_directory_is_as_written),
		TEST(the_fields_are_as_written),
		TEST(the_profile_is_as_written),
		TEST(the_clients_are_as_written),
		TEST(active_directory_has_its_defaults),
		TEST(a_catalog_is_derived),
		TEST(each_389_has_its_defaults),
	};
	return cmocka_run_group_tests(tests, config_setup, config_teardown);
}
