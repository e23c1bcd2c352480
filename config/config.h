/* config.h: the configuration as plain data, and the door of this folder.
 *
 * Loaded once into an arena of its own, never changed, never freed while the daemon runs: a reload makes a new one
 * beside it and tasks that began keep theirs (docs/decisions/0002). Every text is UTF-8 without control characters.
 * Times are seconds unless the name says _ms. `at` is where a value stood in the file, so that a folder above can
 * report a bad DN or URI with file and line. Keys, defaults, ranges and help: config/keys.c, from which usher.yaml(5),
 * the sample and the JSON Schema are made. */
#ifndef USHER_CONFIG_CONFIG_H
#define USHER_CONFIG_CONFIG_H

#include "base/error.h"
#include "base/str.h"

/* ---- what people type about themselves: fields of a profile ---- */
enum field_type {
	FIELD_TEXT,
	FIELD_EMAIL,
	FIELD_TEL,
	FIELD_DATE,
	FIELD_SELECT,
	FIELD_CHECKBOX,
	FIELD_TERMS,
	FIELD_TEXTAREA
};

struct field_option {
	struct str value, label;
};
struct field_config {
	struct str name; /* [a-z][a-z0-9_]{0,31}: name of the form field, and in patterns and rules */
	enum field_type type;
	struct str label, help;
	bool required;
	int64_t min_length, max_length; /* code points */
	struct str pattern;             /* POSIX extended regular expression, anchored by us */
	struct str pattern_message;     /* shown when the pattern does not match */
	struct str autocomplete;        /* HTML autofill token; default by name (given_name → given-name, …) */
	struct str attribute;           /* our attribute name (directory/attr_map) it fills, or empty */
	struct field_option *options;   /* FIELD_SELECT */
	size_t n_options;
	struct str url; /* FIELD_TERMS: where the terms are */
	unsigned at;    /* line in the file */
};

/* ---- rules of a profile ---- */
enum approval_when { APPROVAL_ALWAYS, APPROVAL_NEVER, APPROVAL_RULES };
struct approval_rule {            /* the first that matches decides; none matching: approval is needed */
	struct strs mail_domains; /* lower case, A-labels; "*.x" for subdomains; empty: any */
	struct str field;         /* name of a field, or empty */
	struct strs values;       /* any of these, compared without ASCII case */
	bool approval;            /* what follows */
	unsigned at;
};
struct constant_attribute { /* a fixed value or a pattern written into every entry: "employeeType: guest" */
	struct str attribute, pattern;
};
struct profile_config {
	struct str id, title, intro;
	struct str directory; /* id of one of the realm's */
	struct field_config *fields;
	size_t n_fields; /* the mail field exists always: name "mail", FIELD_EMAIL, required */
	struct constant_attribute *constants;
	size_t n_constants;
	struct strs login_patterns; /* "{given_name:1}{family_name}", "{given_name}.{family_name}", "…{n}" */
	bool login_proposed;        /* the person may propose a login name (form field "login_name") */
	int64_t login_max_length;
	struct strs reserved_names;                             /* besides the built-in list */
	struct str base;                                        /* DN under which entries are made */
	struct strs bases_allowed;                              /* what an approver may choose instead */
	struct strs groups;                                     /* DNs joined by everybody of the profile */
	struct strs groups_allowed;                             /* what an approver may add */
	struct strs mail_domains_allowed, mail_domains_refused; /* who may register; empty: all, none */
	enum approval_when approval;
	struct approval_rule *rules;
	size_t n_rules;
	struct str approvers;       /* group DN; members may approve */
	struct strs approver_mails; /* where notices go; empty: the mail of each member */
	int64_t verify_ttl, activate_ttl, remind_after, undecided_ttl, resend_after, retain_after;
	int64_t expires_after; /* from the making of the entry until it is disabled, 0: never */
	bool open;             /* listed on the realm's register page */
	unsigned at;
};

/* ---- directories ---- */
enum directory_driver_id { DIRECTORY_OPENLDAP, DIRECTORY_ACTIVE_DIRECTORY, DIRECTORY_389DS };
enum directory_scheme { SCHEME_LDAPS, SCHEME_LDAP };      /* of what DNS names */
enum directory_tls { TLS_LDAPS, TLS_STARTTLS, TLS_NONE }; /* NONE only for ldapi:// */
/* How the service account binds: with its password; by Kerberos within TLS; by Kerberos without TLS, sealed. */
enum directory_bind { BIND_SIMPLE, BIND_GSSAPI, BIND_GSSAPI_SEALED };
enum directory_disable {
	DISABLE_LOCKED_TIME,
	DISABLE_START_TIME,
	DISABLE_DRIVER
}; /* pwdAccountLockedTime 000001010000Z; pwdStartTime ≥ pwdEndTime; the driver's own way */
/* How changes in it are followed; FEED_AUTO: by the driver. */
enum directory_feed { FEED_AUTO, FEED_SYNCREPL, FEED_DIRSYNC, FEED_USN, FEED_POLL, FEED_OFF };
struct directory_config {
	struct str id;
	enum directory_driver_id driver;
	struct strs uris;        /* ldaps:// or ldap:// (StartTLS then required) or ldapi:// */
	struct str domain, site; /* of Active Directory, whose controllers DNS names; empty: those of uris */
	enum directory_scheme scheme;
	struct str ca_file;
	enum directory_bind bind;
	struct str bind_dn, bind_password; /* read from bind_password_file at load */
	struct str keytab, principal;      /* of the other ways to bind */
	struct str people_base, groups_base;
	struct str people_filter;                        /* "(objectClass=inetOrgPerson)" */
	struct strs login_attributes;                    /* uid, mail: what may be typed as user name */
	struct str rdn_attribute;                        /* uid */
	struct strs object_classes;                      /* of new entries */
	struct str group_member_attribute, group_filter; /* member, (objectClass=groupOfNames) */
	struct str marker_attribute; /* usherRequestId, or an attribute that exists: employeeNumber */
	struct strs mail_domains;    /* routing where a realm has several; empty: any */
	struct str login_suffix;     /* "partner": alice@partner and partner\alice are alice of this one; or empty */
	enum directory_disable disable;
	bool transactions; /* RFC 5805 where the server has it */
	int64_t network_timeout_ms, operation_timeout_ms;
	int64_t max_binds;       /* password checks in flight */
	int64_t replication_lag; /* seconds within which each controller has heard of what another wrote */
	enum directory_feed feed;
	int64_t feed_interval_ms;                    /* between two questions, where it polls */
	struct str feed_bind_dn, feed_bind_password; /* empty: the service account */
	struct str rdn_value; /* what names a new entry: "{login}", "{name}", "{given_name} {family_name}" */
	bool global_catalog;
	struct strs global_catalog_uris; /* empty: the same controllers, at the catalog's ports */
	/* The forest's catalog as a directory of its own, made of this one where global_catalog is set; else NULL.
	 * Never written to. */
	const struct directory_config *catalog;
	bool is_catalog;       /* what DNS names is asked at the catalog's ports */
	struct str upn_suffix; /* Active Directory: userPrincipalName is login@upn_suffix; empty: by people_base */
	struct {
		struct str ours, theirs;
	} * attributes; /* attribute map rows that differ from the driver's own table */
	size_t n_attributes;
	unsigned at;
};

/* ---- roles ---- */
enum role_match { ROLE_GROUP_DN, ROLE_GROUP_NAME, ROLE_GROUP_PATTERN, ROLE_GROUP_ID };
struct role_rule {
	enum role_match match;
	struct str group; /* a DN, a cn, a glob on the cn whose '*' is {1} in the role, or a SID or stable id */
	struct str role;
	unsigned at;
};

/* ---- applications ---- */
enum client_auth { CLIENT_AUTH_BASIC, CLIENT_AUTH_POST, CLIENT_AUTH_NONE };
enum client_grant { GRANT_AUTHORIZATION_CODE = 1, GRANT_REFRESH_TOKEN = 2, GRANT_CLIENT_CREDENTIALS = 4 };
enum consent_mode { CONSENT_NEVER, CONSENT_ONCE, CONSENT_ALWAYS };
enum roles_shape {
	ROLES_FLAT,
	ROLES_GROUPS,
	ROLES_NESTED
}; /* "roles": [..]; "groups": [..]; "realm_access": {"roles": [..]} */
struct client_config {
	struct str id, title;
	enum client_auth auth;
	struct str secret_hash; /* SHA-256 of the secret, 32 bytes; secrets are random and long, see usherctl client
				   secret */
	unsigned grants;        /* of enum client_grant */
	struct strs redirect_uris, post_logout_redirect_uris;
	struct str backchannel_logout_uri;        /* https, or http on a loopback host; empty: it is not told */
	bool backchannel_logout_session_required; /* every logout token must name the session */
	struct strs scopes;                       /* that it may ask for */
	struct strs roles;                        /* globs of roles it sees; empty: none */
	struct str roles_claim;                   /* "roles", "realm_access.roles" */
	enum roles_shape roles_shape;
	bool groups_claim;    /* also "groups": names of the groups */
	int64_t claims_bytes; /* of roles and groups in one token; what has no room is told by an endpoint */
	enum consent_mode consent;
	struct str signing_alg;    /* RS256, ES256, PS256, EdDSA */
	bool introspect;           /* may call introspection */
	struct strs audience;      /* "aud" of access tokens for client_credentials and code, besides the issuer */
	bool offline_only_refresh; /* refresh tokens only with scope offline_access */
	int64_t access_ttl, id_ttl, refresh_ttl, refresh_idle;
	unsigned at;
};

struct realm {
	struct str id;     /* [a-z0-9][a-z0-9-]{0,31} */
	unsigned lane;     /* 0.. in file order; for pools and metrics */
	struct str issuer; /* {public_url}/realms/{id} */
	struct str title, accent, logo,
		contact; /* logo: an uploaded file's path, served by us; contact: a mail address or URL for help */
	struct directory_config *directories;
	size_t n_directories;
	struct profile_config *profiles;
	size_t n_profiles;
	struct role_rule *roles;
	size_t n_roles;
	struct client_config *clients;
	size_t n_clients;
	struct str operators; /* group DN: sees all */
	int64_t session_ttl, session_idle;
	bool session_end_on_password_change;
	int64_t login_max_failures, login_window; /* per name; and ×10 per address */
	int64_t reset_ttl;
	struct str mail_from_name;
	struct strs signing_algs; /* that keys are kept for, from the clients; RS256 always */
	unsigned at;
};

enum mail_transport { MAIL_SMTP, MAIL_MAILBOX };
enum mail_tls { MAIL_STARTTLS, MAIL_TLS, MAIL_PLAIN };
struct mail_config {
	enum mail_transport transport;
	struct str host;
	int64_t port;
	enum mail_tls tls;
	struct str ca_file, username, password; /* from password_file */
	struct str from;                        /* address */
	struct str mailbox;                     /* folder of MAIL_MAILBOX */
	int64_t timeout_ms;
};

enum store_driver_id { STORE_SQLITE, STORE_POSTGRESQL };
struct config {
	struct str file;
	struct str public_url;       /* https://host, no trailing slash; http only for loopback hosts */
	bool secure;                 /* public_url is https: cookies are __Host- and Secure */
	struct str listen;           /* "127.0.0.1:8080", "[::1]:8080" or "unix:/path" */
	struct str listen_metrics;   /* the like, or empty */
	struct strs trusted_proxies; /* addresses whose X-Forwarded-For counts; "unix" for the socket */
	int64_t event_threads, web_workers, job_workers, web_queue, connection_limit;
	int64_t proof_of_work_bits;                                   /* 0: off */
	int64_t registrations_per_address, registrations_per_mailbox; /* in an hour */
	enum store_driver_id store;
	struct str store_path;
	struct str key_file;
	struct str template_dir; /* overrides of built-in templates, or empty */
	struct mail_config mail;
	enum level log_level;
	struct realm *realms;
	size_t n_realms;
};

/* ---- reading ---- */
struct config_error {
	unsigned line, column; /* 0 where it concerns the file as a whole */
	struct str key;        /* "realms.staff.directories.main.uris" */
	struct str expected;   /* what is wrong, and what was expected */
};
struct config_place { /* where in the file something stood */
	struct str key;
	unsigned line, column;
};
struct config_errors {
	struct config_error v[LIMIT_CONFIG_ERRORS];
	size_t n;                          /* counted on beyond the array: "… and N more" */
	const struct config_place *places; /* of all that is in the file, by key; NULL: it was not read */
	size_t n_places;
};

/* Reads the file and everything that it points to (password files), checks it by the table and across keys. ERR_CONFIG
 * with *errors filled; then *ret is what could be read, for the checks of the folders above alone, so that all errors
 * are told at once: what was refused is absent in it, or has its default. NULL: it is not YAML. */
enum err config_load(struct arena *a, const char *path, struct config **ret, struct config_errors *errors) must_use;
/* For checks of the folders above, which report into the same list. The place is that of the key in the file, such as
 * "realms.staff.profiles.guest.groups[1]", or of the nearest thing around it; the line counts where there is no such
 * place. What was told of this key or of an item of it already is not told again, nor what is not in
 * the file where something around it was told. */
void config_error_add(struct arena *a, struct config_errors *errors, unsigned line, struct str key, const char *format,
	...) printf_like(5, 6);
/* "FILE:LINE:COLUMN: KEY: EXPECTED\n" for each. */
struct str config_errors_text(struct arena *a, const char *path, const struct config_errors *errors);

/* Look-ups; NULL when there is none. */
const struct realm *config_realm(const struct config *c, struct str id);
const struct directory_config *realm_directory(const struct realm *r, struct str id);
const struct profile_config *realm_profile(const struct realm *r, struct str id);
const struct client_config *realm_client(const struct realm *r, struct str id);
const struct field_config *profile_field(const struct profile_config *p, struct str name);

/* Made from the table of keys. */
struct str config_sample(struct arena *a);      /* a commented usher.yaml */
struct str config_json_schema(struct arena *a); /* JSON Schema 2020-12 */
struct str config_man(struct arena *a);         /* the key section of usher.yaml(5), mdoc */

#endif
