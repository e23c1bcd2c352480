#include <openssl/pem.h>
#include <stdio.h>

#include "federation/directory/driver.h"
#include "federation/directory/ldap_text.h"
#include "federation/directory/ticket.h"

struct check {
	struct arena *a;
	struct config_errors *errors;
	struct str prefix; /* "realms.staff.directories.main" */
	unsigned at;
};

static void wrong(struct check *k, const char *key, const char *expected, struct str value) {
	struct str path = str_printf(k->a, "%.*s.%s", FMT(k->prefix), key);
	if (str_empty(value))
		config_error_add(k->a, k->errors, k->at, path, "is empty; %s is needed", expected);
	else
		config_error_add(k->a, k->errors, k->at, path, "\"%.*s\" is not %s", FMT(value), expected);
}

static void check_dn(struct check *k, const char *key, struct str dn, bool needed) {
	if (str_empty(dn) ? needed : !dn_valid(k->a, dn))
		wrong(k, key, "a distinguished name (RFC 4514)", dn);
}

static struct str item(struct check *k, const char *key, size_t i) {
	return str_printf(k->a, "%s[%zu]%c", key, i, 0);
}

static void check_attribute(struct check *k, const char *key, struct str name, bool needed) {
	if (str_empty(name) ? needed : !attribute_valid(name))
		wrong(k, key, "the name of an attribute", name);
}

static void check_filter(struct check *k, const char *key, struct str filter) {
	if (!filter_valid(filter))
		wrong(k, key, "a filter in parentheses (RFC 4515)", filter);
}

static bool uri_valid(struct str uri) {
	LDAPURLDesc *parsed = NULL;
	if (!str_starts(uri, STR("ldap://")) && !str_starts(uri, STR("ldaps://")) && !str_starts(uri, STR("ldapi://")))
		return false;
	struct str rest = str_sub(uri, str_find(uri, '/', 0) + 2, uri.n);
	if (str_empty(rest) || rest.p[0] == '/' || rest.n > 256 || memchr(rest.p, ' ', rest.n) ||
		memchr(rest.p, '\0', rest.n))
		return false;
	char text[300];
	snprintf(text, sizeof(text), "%.*s", FMT(uri));
	if (ldap_url_parse(text, &parsed) != LDAP_URL_SUCCESS)
		return false;
	bool valid = !parsed->lud_dn || !*parsed->lud_dn;
	ldap_free_urldesc(parsed);
	return valid;
}

static bool has_certificate(struct arena *a, struct str name) {
	FILE *f = fopen(str_printf(a, "%.*s%c", FMT(name), '\0').p, "re");
	X509 *found = f ? PEM_read_X509_AUX(f, NULL, NULL, NULL) : NULL;
	bool has = found != NULL;
	X509_free(found);
	if (f)
		fclose(f);
	return has;
}

static void check_uris(struct check *k, const struct directory_config *d) {
	bool tls = !str_empty(d->domain);
	if (str_empty(d->domain) && (d->uris.n == 0 || d->uris.n > URI_MOST))
		wrong(k, "uris", "1 to 8 URIs", STR(""));
	for (size_t i = 0; i < d->uris.n; i++) {
		tls = tls || !str_starts(d->uris.v[i], STR("ldapi:"));
		if (!uri_valid(d->uris.v[i]))
			wrong(k, item(k, "uris", i).p,
				"ldaps://HOST[:PORT], ldap://HOST[:PORT] (StartTLS follows) or ldapi://SOCKET with %2F "
				"for /",
				d->uris.v[i]);
	}
	if (tls && !str_empty(d->ca_file) && !has_certificate(k->a, d->ca_file))
		wrong(k, "ca_file", "a file that can be read and holds a certificate (PEM)", d->ca_file);
}

/* The marker finds our entry again: what people type, or what names the entry, cannot be it. */
static void check_marker(struct check *k, const struct directory_config *d) {
	check_attribute(k, "marker_attribute", d->marker_attribute, true);
	bool taken = str_eq_case(d->marker_attribute, d->rdn_attribute);
	for (size_t i = 0; i < d->login_attributes.n; i++)
		taken = taken || str_eq_case(d->marker_attribute, directory_attribute(d, d->login_attributes.v[i]));
	if (taken && !str_empty(d->marker_attribute))
		wrong(k, "marker_attribute", "an attribute that is otherwise not used", d->marker_attribute);
}

static void check_directory(struct check *k, const struct directory_config *d) {
	if (!driver_of(d))
		config_error_add(
			k->a, k->errors, k->at, str_printf(k->a, "%.*s.driver", FMT(k->prefix)), "names no driver");
	check_uris(k, d);
	check_dn(k, "bind_dn", d->bind_dn, true);
	if (d->bind == BIND_SIMPLE && str_empty(d->bind_password))
		wrong(k, "bind_password_file", "a password", STR(""));
	if (d->bind != BIND_SIMPLE && !ticket_built())
		config_error_add(k->a, k->errors, k->at, str_printf(k->a, "%.*s.bind", FMT(k->prefix)),
			"needs a program that was built with Kerberos (--with-gssapi)");
	check_dn(k, "feed_bind_dn", d->feed_bind_dn, false);
	if (str_empty(d->feed_bind_dn) != str_empty(d->feed_bind_password))
		wrong(k, str_empty(d->feed_bind_dn) ? "feed_bind_dn" : "feed_bind_password_file",
			"feed_bind_dn together with feed_bind_password_file, or neither of them", STR(""));
	check_dn(k, "people_base", d->people_base, true);
	check_dn(k, "groups_base", d->groups_base, true);
	check_filter(k, "people_filter", d->people_filter);
	check_filter(k, "group_filter", d->group_filter);
	check_attribute(k, "rdn_attribute", d->rdn_attribute, true);
	check_attribute(k, "group_member_attribute", d->group_member_attribute, true);
	check_marker(k, d);
	if (d->login_attributes.n == 0)
		wrong(k, "login_attributes", "at least one attribute", STR(""));
	for (size_t i = 0; i < d->login_attributes.n; i++)
		check_attribute(
			k, item(k, "login_attributes", i).p, directory_attribute(d, d->login_attributes.v[i]), true);
	for (size_t i = 0; i < d->object_classes.n; i++)
		check_attribute(k, item(k, "object_classes", i).p, d->object_classes.v[i], true);
	for (size_t i = 0; i < d->n_attributes; i++)
		check_attribute(k, str_printf(k->a, "attributes.%.*s%c", FMT(d->attributes[i].ours), 0).p,
			d->attributes[i].theirs, true);
}

/* An entry that is looked for in one directory, or, where d is NULL, in any of the realm's. A DN without quotes in a
 * list of YAML is cut at its commas, and its parts are DNs too. */
static void check_place(
	struct check *k, const char *key, struct str dn, const struct realm *r, const struct directory_config *d) {
	struct strs parts, base;
	bool found = false, any = false; /* bases that are none are told of themselves */
	if (!dn_parts(k->a, dn, &parts))
		return;
	for (size_t i = 0; i < 2 * r->n_directories; i++) {
		const struct directory_config *each = &r->directories[i / 2];
		if ((d && d != each) || !dn_parts(k->a, i % 2 ? each->groups_base : each->people_base, &base))
			continue;
		any = true;
		found = found || str_eq(parts.v[parts.n - 1], base.v[base.n - 1]);
	}
	if (any && !found)
		config_error_add(k->a, k->errors, k->at, str_printf(k->a, "%.*s.%s", FMT(k->prefix), key),
			"\"%.*s\" does not end as people_base or groups_base does; a DN in a list needs quotes: "
			"[\"cn=a,dc=b\"]",
			FMT(dn));
}

struct named { /* entries that a profile names */
	const char *key;
	struct strs list;
	bool single;
};

static void check_profile(struct check *k, const struct realm *r, const struct profile_config *p) {
	const struct directory_config *d = realm_directory(r, p->directory);
	struct str base = p->base, approvers = p->approvers;
	const struct named rows[] = {
		{"base", {&base, 1}, true},
		{"bases_allowed", p->bases_allowed, false},
		{"groups", p->groups, false},
		{"groups_allowed", p->groups_allowed, false},
		{"approvers.group", {&approvers, !str_empty(approvers)}, true},
	};
	for (size_t row = 0; row < COUNT(rows); row++)
		for (size_t i = 0; i < rows[row].list.n; i++) {
			const char *key = rows[row].single ? rows[row].key : item(k, rows[row].key, i).p;
			check_dn(k, key, rows[row].list.v[i], true);
			check_place(k, key, rows[row].list.v[i], r, d);
		}
}

static void check_realm(struct check *k, const struct realm *r) {
	struct str realm = str_printf(k->a, "realms.%.*s", FMT(r->id));
	*k = (struct check){k->a, k->errors, realm, r->at};
	check_dn(k, "operators", r->operators, false);
	check_place(k, "operators", r->operators, r, NULL);
	for (size_t i = 0; i < r->n_roles; i++) {
		k->at = r->roles[i].at;
		if (r->roles[i].match == ROLE_GROUP_DN)
			check_place(k, str_printf(k->a, "roles[%zu].group%c", i, 0).p, r->roles[i].group, r, NULL);
	}
	for (size_t i = 0; i < r->n_directories; i++) {
		const struct directory_config *d = &r->directories[i];
		k->prefix = str_printf(k->a, "%.*s.directories.%.*s", FMT(realm), FMT(d->id));
		k->at = d->at;
		check_directory(k, d);
	}
	for (size_t i = 0; i < r->n_profiles; i++) {
		k->prefix = str_printf(k->a, "%.*s.profiles.%.*s", FMT(realm), FMT(r->profiles[i].id));
		k->at = r->profiles[i].at;
		check_profile(k, r, &r->profiles[i]);
	}
}

void directory_check_config(struct arena *a, const struct config *c, struct config_errors *errors) {
	struct check k = {a, errors, STR_NONE, 0};
	for (size_t i = 0; i < c->n_realms; i++)
		check_realm(&k, &c->realms[i]);
}
