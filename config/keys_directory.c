#include "config/keys.h"

#define DIRECTORY  "realms.*.directories.*."
#define AT(member) .offset = offsetof(struct directory_config, member)

static const struct key_shape attributes = {sizeof(*((struct directory_config *)NULL)->attributes),
	offsetof(struct directory_config, n_attributes), SIZE_MAX};

/* The driver comes first: defaults of the others depend on it. */
const struct key keys_directory[] = {
	{DIRECTORY "driver", KEY_ENUM, AT(driver), .required = true, .words = "openldap|active_directory|389ds",
		.help = "The kind of directory.", .example = "openldap"},
	{DIRECTORY "uris", KEY_LIST, AT(uris), .fallback = "[]", .max = 16, .item = KEY_LDAP_URI,
		.help = "Its servers (or domain), the preferred one first, all of one kind: ldaps:// for TLS, ldap:// "
			"for StartTLS "
			"(which is then demanded), ldapi:// for a socket on this machine.",
		.example = "[ldaps://ldap1.example.org, ldaps://ldap2.example.org]"},
	{DIRECTORY "domain", KEY_DOMAIN, AT(domain), .fallback = "",
		.help = "In place of uris: a domain of Active Directory, whose controllers DNS names (SRV records), as "
			"example.org. Only hosts within the domain are taken, by priority and weight."},
	{DIRECTORY "site", KEY_TEXT, AT(site), .fallback = "", .max = 63,
		.help = "With domain: the site of Active Directory whose controllers come first."},
	{DIRECTORY "scheme", KEY_ENUM, AT(scheme), .fallback = "ldaps", .words = "ldaps|ldap",
		.help = "With domain: ldaps for TLS on port 636, or ldap for StartTLS, as in uris."},
	{DIRECTORY "ca_file", KEY_FILE, AT(ca_file), .fallback = "",
		.help = "Certificates that the servers' are checked against, PEM. Empty: the system's.",
		.example = "/etc/ssl/certs/example-ca.pem"},
	{DIRECTORY "bind", KEY_ENUM, AT(bind), .fallback = "simple", .words = "simple|gssapi|gssapi_sealed",
		.help = "How the service account binds: simple with its password; gssapi by Kerberos within TLS, bound "
			"to "
			"it; gssapi_sealed by Kerberos on ldap:// without TLS, encrypted by Kerberos. People's "
			"passwords "
			"are checked over TLS in each case, StartTLS on ldap://."},
	{DIRECTORY "keytab", KEY_FILE, AT(keytab), .fallback = "",
		.help = "File with the service account's Kerberos keys, for gssapi and gssapi_sealed."},
	{DIRECTORY "principal", KEY_TEXT, AT(principal), .fallback = "", .max = 255,
		.help = "The service account's Kerberos name, for gssapi and gssapi_sealed: svc-usher@EXAMPLE.ORG."},
	{DIRECTORY "bind_dn", KEY_DN, AT(bind_dn), .required = true,
		.help = "The entry of the service account that the daemon works as. It needs rights, and no more than "
			"those.",
		.example = "cn=svc-usher,ou=services,dc=example,dc=org"},
	{DIRECTORY "bind_password_file", KEY_SECRET_FILE, AT(bind_password), .fallback = "",
		.help = "File with the service account's password, for bind: simple; others may not read it.",
		.example = "/etc/usher/ldap.password"},
	{DIRECTORY "people_base", KEY_DN, AT(people_base), .required = true,
		.help = "Entry below which people are looked for.", .example = "ou=people,dc=example,dc=org"},
	{DIRECTORY "groups_base", KEY_DN, AT(groups_base), .required = true,
		.help = "Entry below which groups are looked for.", .example = "ou=groups,dc=example,dc=org"},
	{DIRECTORY "people_filter", KEY_FILTER, AT(people_filter), .fallback = "(objectClass=inetOrgPerson)",
		.fallback_ad = "(&(objectCategory=person)(objectClass=user))", .help = "What makes an entry a person."},
	{DIRECTORY "login_attributes", KEY_LIST, AT(login_attributes), .fallback = "[uid, mail]",
		.fallback_ad = "[sAMAccountName, userPrincipalName, mail]", .min = 1, .max = 8, .item = KEY_ATTRIBUTE,
		.help = "What may be typed as user name."},
	{DIRECTORY "rdn_attribute", KEY_ATTRIBUTE, AT(rdn_attribute), .fallback = "uid", .fallback_ad = "cn",
		.help = "Attribute that names a new entry."},
	{DIRECTORY "rdn_value", KEY_TEXT, AT(rdn_value), .fallback = "{login}", .fallback_ad = "{name}", .max = 200,
		.help = "What that attribute of a new entry holds: {login}, {name} (the display name, or first and "
			"last "
			"name) and names of attributes in braces are filled in. Where it is taken, the login name is "
			"put "
			"behind it in parentheses.",
		.example = "\"{login}\""},
	{DIRECTORY "upn_suffix", KEY_DOMAIN, AT(upn_suffix), .fallback = "",
		.help = "Active Directory: what follows the @ in the userPrincipalName of a new entry. Empty: the "
			"domain "
			"that people_base is in.",
		.example = "example.org"},
	{DIRECTORY "global_catalog", KEY_BOOL, AT(global_catalog), .fallback = "false",
		.help = "Active Directory: whether a new userPrincipalName is looked for in the whole forest, in its "
			"global catalog (ports 3269 and 3268), before a login name is settled. While no catalog "
			"answers, requests wait."},
	{DIRECTORY "global_catalog_uris", KEY_LIST, AT(global_catalog_uris), .fallback = "[]", .max = 8,
		.item = KEY_LDAP_URI,
		.help = "Where the global catalog is, with its ports. Empty: at the same controllers."},
	{DIRECTORY "object_classes", KEY_LIST, AT(object_classes), .fallback = "[inetOrgPerson]",
		.fallback_ad = "[top, person, organizationalPerson, user]", .min = 1, .max = 16, .item = KEY_ATTRIBUTE,
		.help = "Object classes of a new entry."},
	{DIRECTORY "group_member_attribute", KEY_ATTRIBUTE, AT(group_member_attribute), .fallback = "member",
		.help = "Attribute of a group that holds its members' DNs."},
	{DIRECTORY "group_filter", KEY_FILTER, AT(group_filter), .fallback = "(objectClass=groupOfNames)",
		.fallback_ad = "(objectClass=group)", .help = "What makes an entry a group."},
	{DIRECTORY "marker_attribute", KEY_ATTRIBUTE, AT(marker_attribute), .fallback = "usherRequestId",
		.fallback_ad = "employeeNumber", .fallback_389 = "employeeNumber",
		.help = "Attribute that marks the entries that the daemon made: usherRequestId from the optional "
			"schema, or one that exists and is otherwise not used.",
		.example = "employeeNumber"},
	{DIRECTORY "disable", KEY_ENUM, AT(disable), .fallback = "locked_time", .fallback_ad = "driver",
		.fallback_389 = "driver", .words = "locked_time|start_time|driver",
		.help = "How a new entry is kept from logging in until it is activated: locked_time sets "
			"pwdAccountLockedTime; start_time sets pwdStartTime and pwdEndTime; driver is the directory's "
			"own way."},
	{DIRECTORY "transactions", KEY_BOOL, AT(transactions), .fallback = "false", .fallback_ad = "false",
		.help = "Whether an entry and its groups are written in one transaction (RFC 5805) where the server "
			"has them. Off by default: slapd 2.5.13 was seen to crash at the end of one "
			"(docs/decisions/0003). "
			"Without, the steps run one by one; each looks before it acts."},
	{DIRECTORY "network_timeout", KEY_DURATION_MS, AT(network_timeout_ms), .fallback = "3s", .min = 1, .max = 60,
		.help = "How long connecting may take."},
	{DIRECTORY "operation_timeout", KEY_DURATION_MS, AT(operation_timeout_ms), .fallback = "5s", .min = 1,
		.max = 60, .help = "How long one operation may take."},
	{DIRECTORY "replication_lag", KEY_DURATION, AT(replication_lag), .fallback = "10m", .min = 1, .max = 86400,
		.help = "Where there are several servers: within what time each of them knows what another has "
			"written. A new entry whose server went away before it answered is looked for on the others, "
			"and made there only when this time is over."},
	{DIRECTORY "max_binds", KEY_INT, AT(max_binds), .fallback = "8", .min = 1, .max = 256,
		.help = "Password checks under way at once; more wait."},
	{DIRECTORY "feed", KEY_ENUM, AT(feed), .fallback = "auto", .words = "auto|syncrepl|dirsync|usn|poll|off",
		.help = "How changes made in the directory are followed: content synchronization (RFC 4533), DirSync "
			"or "
			"uSNChanged of Active Directory, or polling by modifyTimestamp. auto takes syncrepl for "
			"openldap "
			"and 389ds, and dirsync for active_directory. off: people are looked up at each use, and "
			"sessions "
			"of disabled people end at their next use only."},
	{DIRECTORY "feed_interval_ms", KEY_INT, AT(feed_interval_ms), .fallback = "500", .min = 50, .max = 3600000,
		.help = "Milliseconds between two questions, where the feed asks (dirsync, usn, poll)."},
	{DIRECTORY "feed_bind_dn", KEY_DN, AT(feed_bind_dn), .fallback = "",
		.help = "Another account for the feed: one that may only read, but all entries without a limit of "
			"size. "
			"Empty: the service account."},
	{DIRECTORY "feed_bind_password_file", KEY_SECRET_FILE, AT(feed_bind_password), .fallback = "",
		.help = "File with the password of feed_bind_dn."},
	{DIRECTORY "mail_domains", KEY_LIST, AT(mail_domains), .fallback = "[]", .max = 256, .item = KEY_DOMAIN,
		.help = "Where a realm has several directories: the mail domains of the people in this one. Empty: "
			"any."},
	{DIRECTORY "login_suffix", KEY_TEXT, AT(login_suffix), .fallback = "", .max = 64,
		.help = "Where a realm has several directories: what names this one behind a user name and @, or "
			"before "
			"it and a backslash. With PARTNER, alice@partner and PARTNER\\alice are looked for here, as "
			"alice."},
	{DIRECTORY "attributes", KEY_MAP, AT(attributes), .fallback = "{}", .max = 64, .item = KEY_ATTRIBUTE,
		.shape = &attributes,
		.help = "Names of attributes in this directory, where they differ from what the driver takes them to "
			"be: our name, then the directory's.",
		.example = "{phone: telephoneNumber}"},
	{DIRECTORY "attributes.*", KEY_ATTRIBUTE, .offset = sizeof(struct str), .required = true,
		.help = "The directory's name of the attribute."},
};
const size_t n_keys_directory = COUNT(keys_directory);
