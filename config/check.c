#include <stdarg.h>

#include "config/config_private.h"

/* What no single key can tell. Values that were told already are empty here, and are passed over. */

void scope_fail(struct scope s, struct str key, const char *format, ...) {
	va_list args;
	struct buf b = buf_new(s.load->arena, LIMIT_TARGET);
	va_start(args, format);
	buf_vprintf(&b, format, args);
	va_end(args);
	struct str dot = str_empty(s.name) || str_empty(key) ? STR("") : STR(".");
	struct str name = str_printf(s.load->scratch, "%.*s%.*s%.*s", FMT(s.name), FMT(dot), FMT(key));
	load_fail(s.load, load_spot(s.load, name), "%.*s", FMT(buf_str(&b)));
}

struct str scope_item(struct scope s, const char *key, size_t i, const char *below) {
	return str_printf(s.load->scratch, "%s[%zu]%s%s", key, i, *below ? "." : "", below);
}

bool scope_has(struct scope s, struct str key) {
	struct str name = str_printf(s.load->scratch, "%.*s.%.*s", FMT(s.name), FMT(key));
	const struct spot at = load_spot(s.load, name);
	return at.node != NULL;
}

static struct scope scope_below(struct scope s, const char *key, struct str id) {
	return (struct scope){s.load,
		str_printf(s.load->scratch, "%.*s%s%s.%.*s", FMT(s.name), str_empty(s.name) ? "" : ".", key, FMT(id))};
}

static void check_mail(struct scope s, const struct mail_config *m) {
	bool login = !str_empty(m->username);
	if (m->transport == MAIL_SMTP && left_empty(m->host))
		scope_fail(s, STR("mail.host"), "is missing; transport smtp needs it");
	if (m->transport == MAIL_MAILBOX && left_empty(m->mailbox))
		scope_fail(s, STR("mail.mailbox"), "is missing; transport mailbox needs it");
	if (login && left_empty(m->password))
		scope_fail(s, STR("mail.password_file"), "is missing; username and password_file need each other");
	if (left_empty(m->username) && !left_empty(m->password))
		scope_fail(s, STR("mail.username"), "is missing; username and password_file need each other");
	struct uri host = {.host = m->host};
	if (m->transport == MAIL_SMTP && m->tls == MAIL_PLAIN && login && !str_empty(m->host) &&
		!uri_is_loopback(&host))
		scope_fail(s, STR("mail.tls"), "is plain: a password is sent over TLS only");
}

static struct str scheme_of(struct str uri) {
	return str_sub(uri, 0, str_find(uri, ':', 0));
}

/* Which keys a way to bind needs, and which it has no use for. */
static void check_bind(struct scope s, const struct directory_config *d) {
	static const char *const words[] = {
		[BIND_SIMPLE] = "simple", [BIND_GSSAPI] = "gssapi", [BIND_GSSAPI_SEALED] = "gssapi_sealed"};
	bool kerberos = d->bind != BIND_SIMPLE;
	const struct {
		const char *key;
		struct str value;
		bool needed;
	} rows[] = {{"bind_password_file", d->bind_password, !kerberos}, {"keytab", d->keytab, kerberos},
		{"principal", d->principal, kerberos}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].needed && left_empty(rows[i].value))
			scope_fail(s, str_of(rows[i].key), "is missing; bind: %s needs it", words[d->bind]);
		else if (!rows[i].needed && !str_empty(rows[i].value))
			scope_fail(s, str_of(rows[i].key), "is not used by bind: %s", words[d->bind]);
	}
	if (kerberos && !str_empty(d->principal) && str_find(d->principal, '@', 0) == d->principal.n)
		scope_fail(s, STR("principal"), "has no realm; expected account@REALM");
	if (d->bind == BIND_GSSAPI_SEALED && !str_empty(d->domain) && d->scheme != SCHEME_LDAP)
		scope_fail(s, STR("scheme"), "is ldaps; bind: gssapi_sealed is for ldap, and gssapi for TLS");
	for (size_t i = 0; i < d->uris.n; i++) {
		struct str scheme = scheme_of(d->uris.v[i]);
		if (kerberos && str_eq(scheme, STR("ldapi")))
			scope_fail(s, scope_item(s, "uris", i, ""), "is a socket; bind: %s needs the controller's name",
				words[d->bind]);
		else if (d->bind == BIND_GSSAPI_SEALED && !str_eq(scheme, STR("ldap")))
			scope_fail(s, scope_item(s, "uris", i, ""),
				"has TLS already; bind: gssapi_sealed is for ldap://, and gssapi for TLS");
	}
}

static void check_controllers(struct scope s, const struct directory_config *d) {
	if (left_empty(d->domain) && d->uris.n == 0 && !scope_has(s, STR("uris")))
		scope_fail(s, STR("uris"), "is missing; uris or domain tells where the directory is");
	else if (left_empty(d->domain) && d->uris.n == 0)
		scope_fail(s, STR("uris"), "has 0 entries; uris or domain tells where the directory is");
	if (!str_empty(d->domain) && scope_has(s, STR("uris")))
		scope_fail(s, STR("domain"), "stands beside uris; expected one of them");
	else if (!str_empty(d->domain) && d->driver != DIRECTORY_ACTIVE_DIRECTORY)
		scope_fail(s, STR("domain"), "is for driver: active_directory; others are named by uris");
	if (!str_empty(d->site) && (!domain_check(d->site) || str_find(d->site, '.', 0) < d->site.n))
		scope_fail(s, STR("site"), "is not the name of a site: letters, digits and -");
	else if (left_empty(d->domain) && !str_empty(d->site))
		scope_fail(s, STR("site"), "is one of a domain, which is not given");
}

static void check_catalog(struct scope s, const struct directory_config *d) {
	if (d->global_catalog && d->driver != DIRECTORY_ACTIVE_DIRECTORY)
		scope_fail(s, STR("global_catalog"), "is for driver: active_directory");
	if (!d->global_catalog && d->global_catalog_uris.n)
		scope_fail(s, STR("global_catalog_uris"), "is of no use without global_catalog: true");
	for (size_t i = 0; d->global_catalog && i < d->global_catalog_uris.n; i++)
		if (str_eq(scheme_of(d->global_catalog_uris.v[i]), STR("ldapi")))
			scope_fail(s, scope_item(s, "global_catalog_uris", i, ""), "is a socket; a catalog has none");
}

static void check_directory(struct scope s, const struct directory_config *d) {
	check_catalog(s, d);
	check_controllers(s, d);
	check_bind(s, d);
	for (size_t i = 1; i < d->uris.n; i++)
		if (!str_eq(scheme_of(d->uris.v[i]), scheme_of(d->uris.v[0])))
			scope_fail(s, scope_item(s, "uris", i, ""),
				"%.*s is not of the same kind as the first: all %.*s",
				FMT(quoted(s.load, d->uris.v[i])), FMT(scheme_of(d->uris.v[0])));
	if (d->driver != DIRECTORY_OPENLDAP && d->disable != DISABLE_DRIVER)
		scope_fail(s, STR("disable"), "is not driver, the only way of %s",
			d->driver == DIRECTORY_ACTIVE_DIRECTORY ? "active_directory" : "389ds");
}

static void check_role(struct scope s, const struct role_rule *rule, size_t i) {
	static const char *const ways[] = {"group", "name", "pattern", "id"};
	unsigned given = 0;
	for (size_t w = 0; w < COUNT(ways); w++)
		given += scope_has(s, scope_item(s, "roles", i, ways[w]));
	if (given != 1) {
		scope_fail(s, scope_item(s, "roles", i, ""),
			"has %u of group, name, pattern and id; expected exactly one", given);
		return;
	}
	bool pattern = rule->match == ROLE_GROUP_PATTERN, star = str_find(rule->group, '*', 0) < rule->group.n;
	if (pattern && !str_empty(rule->group) && !star)
		scope_fail(s, scope_item(s, "roles", i, "pattern"), "has no * in it; name is for a single group");
	if (str_contains(rule->role, STR("{1}")) && !pattern)
		scope_fail(s, scope_item(s, "roles", i, "role"), "holds {1}, which only a pattern fills");
}

/* A struct whose id or shape was refused has nothing to check. */
static bool is_loaded(struct scope s, struct str id) {
	struct spot at = load_spot(s.load, s.name);
	return !str_empty(id) && at.node && at.node->kind == NODE_MAP;
}

#define CHECK_EACH(r, s, n, array, key, call)                                                                          \
	for (size_t i = 0; i < (r)->n; i++) {                                                                          \
		struct scope below = scope_below((s), key, (r)->array[i].id);                                          \
		if (is_loaded(below, (r)->array[i].id))                                                                \
			call;                                                                                          \
	}

static bool suffix_check(struct str s) {
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '@' || s.p[i] == '\\' || (unsigned char)s.p[i] <= ' ')
			return false;
	return true;
}

/* A suffix names one directory. */
static void check_suffix(struct scope s, const struct realm *r, const struct directory_config *d) {
	if (str_empty(d->login_suffix))
		return;
	if (!suffix_check(d->login_suffix))
		scope_fail(s, STR("login_suffix"), "holds a space, @ or \\");
	for (const struct directory_config *other = r->directories; other < d; other++)
		if (str_eq_case(other->login_suffix, d->login_suffix))
			scope_fail(s, STR("login_suffix"), "is that of %.*s too", FMT(other->id));
}

static void check_realm(struct scope s, const struct realm *r) {
	if (r->session_idle > r->session_ttl && r->session_ttl)
		scope_fail(s, STR("session.idle"), "is longer than session.ttl");
	for (size_t i = 0; i < r->n_roles; i++)
		check_role(s, &r->roles[i], i);
	CHECK_EACH(r, s, n_directories, directories, "directories", {
		check_directory(below, &r->directories[i]);
		check_suffix(below, r, &r->directories[i]);
	})
	CHECK_EACH(r, s, n_profiles, profiles, "profiles", check_profile(below, r, &r->profiles[i]))
	CHECK_EACH(r, s, n_clients, clients, "clients", check_client(below, &r->clients[i]))
}

/* Whoever comes by the socket has the address "unix" unless X-Forwarded-For is believed. */
static void check_socket(struct scope s, const struct config *c) {
	const struct str key = STR("server.trusted_proxies");
	const struct node *given = load_spot(s.load, key).node;
	bool told = given && given->kind != NODE_LIST && given->kind != NODE_NULL;
	if (!str_starts(c->listen, STR("unix:")) || told || strs_has(c->trusted_proxies, STR("unix")))
		return;
	scope_fail(s, key,
		"does not name unix, and server.listen is a socket: all visitors would be one address, and share its "
		"limits; expected [unix]");
}

void check_config(struct load *l, const struct config *c) {
	struct scope top = {l, STR("")};
	if (l->root->kind != NODE_MAP)
		return;
	if (!str_empty(c->listen_metrics) && str_eq(c->listen, c->listen_metrics))
		scope_fail(top, STR("server.metrics"), "is the same as server.listen");
	check_socket(top, c);
	check_mail(top, &c->mail);
	CHECK_EACH(c, top, n_realms, realms, "realms", check_realm(below, &c->realms[i]))
}
