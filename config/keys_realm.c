#include "config/keys.h"

/* A realm's own keys, and its role rules. */
#define REALM(member) .offset = offsetof(struct realm, member)
#define ROLE(member)  .offset = offsetof(struct role_rule, member)

#define SHAPE(type, count)                                                                                             \
	{ sizeof(struct type), offsetof(struct realm, count), offsetof(struct type, at) }
static const struct key_shape directories = SHAPE(directory_config, n_directories);
static const struct key_shape profiles = SHAPE(profile_config, n_profiles);
static const struct key_shape roles = SHAPE(role_rule, n_roles);
static const struct key_shape clients = SHAPE(client_config, n_clients);
static const int by_dn = ROLE_GROUP_DN, by_name = ROLE_GROUP_NAME, by_pattern = ROLE_GROUP_PATTERN,
		 by_id = ROLE_GROUP_ID;

const struct key keys_realm[] = {
	{"realms.*.title", KEY_TEXT, REALM(title), .required = true, .max = 100,
		.help = "Name of the organisation, as people read it on every page and mail.",
		.example = "Example Corporation"},
	{"realms.*.accent", KEY_COLOUR, REALM(accent), .fallback = "#0b5fff",
		.help = "Colour of buttons and links; its contrast is corrected where it is too weak.",
		.example = "\"#0b5fff\""},
	{"realms.*.logo", KEY_FILE, REALM(logo), .fallback = "",
		.help = "Image file shown on top of pages. Empty: none."},
	{"realms.*.contact", KEY_CONTACT, REALM(contact), .fallback = "",
		.help = "Where people find help: a mail address, or a web page. Empty: not shown.",
		.example = "helpdesk@example.org"},
	{"realms.*.operators", KEY_DN, REALM(operators), .fallback = "",
		.help = "Group whose members see and may decide everything in the realm. Empty: nobody.",
		.example = "cn=operators,ou=groups,dc=example,dc=org"},
	{"realms.*.session", KEY_SECTION, .fallback = "{}", .help = "How long a person stays logged in."},
	{"realms.*.session.ttl", KEY_DURATION, REALM(session_ttl), .fallback = "12h", .min = 60, .max = 90 * 86400,
		.help = "A session ends this long after the login."},
	{"realms.*.session.idle", KEY_DURATION, REALM(session_idle), .fallback = "1h", .min = 60, .max = 90 * 86400,
		.help = "A session ends when it was not used for this long."},
	{"realms.*.session.end_on_password_change", KEY_BOOL, REALM(session_end_on_password_change), .fallback = "true",
		.help = "Sessions and refresh tokens of a person end when the password is changed in the directory by "
			"others "
			"than Usher. A change by Usher ends them always."},
	{"realms.*.login", KEY_SECTION, .fallback = "{}", .help = "What slows down the guessing of passwords."},
	{"realms.*.login.max_failures", KEY_INT, REALM(login_max_failures), .fallback = "5", .min = 1, .max = 1000,
		.help = "Wrong passwords for one name within the window; ten times as many from one address."},
	{"realms.*.login.window", KEY_DURATION, REALM(login_window), .fallback = "15m", .min = 1, .max = 86400,
		.help = "The window that wrong passwords are counted in."},
	{"realms.*.reset_ttl", KEY_DURATION, REALM(reset_ttl), .fallback = "1h", .min = 60, .max = 7 * 86400,
		.help = "How long the link for a forgotten password works."},
	{"realms.*.mail_from_name", KEY_TEXT, REALM(mail_from_name), .fallback = "", .max = 100,
		.help = "Name beside the address that mails come from. Empty: the title.",
		.example = "Example accounts"},

	{"realms.*.directories", KEY_MAP, REALM(directories), .required = true, .min = 1, .max = 16, .item = KEY_ID,
		.shape = &directories, .help = "The realm's directories.", .example = "main"},
	{"realms.*.profiles", KEY_MAP, REALM(profiles), .fallback = "{}", .max = 64, .item = KEY_ID, .shape = &profiles,
		.help = "Registration profiles: who may register, what they are asked, and what becomes of it. The id "
			"is part of the page's address.",
		.example = "guest"},
	{"realms.*.roles", KEY_ITEMS, REALM(roles), .fallback = "[]", .max = 1000, .shape = &roles,
		.help = "Rules that make roles from groups; all that match count. Each has exactly one of group, name, "
			"pattern and id.",
		.example = "- {group: \"cn=staff,ou=groups,dc=example,dc=org\", role: employee}\n"
			   "- {name: admins, role: admin}\n"
			   "- {pattern: \"app-*\", role: \"{1}\"}"},
	{"realms.*.roles[].group", KEY_DN, ROLE(group), .fallback = "", .implies = &by_dn,
		.implies_offset = offsetof(struct role_rule, match), .help = "The group by its DN."},
	{"realms.*.roles[].name", KEY_TEXT, ROLE(group), .fallback = "", .max = 256, .implies = &by_name,
		.implies_offset = offsetof(struct role_rule, match), .help = "The group by its name (cn)."},
	{"realms.*.roles[].pattern", KEY_TEXT, ROLE(group), .fallback = "", .max = 256, .implies = &by_pattern,
		.implies_offset = offsetof(struct role_rule, match),
		.help = "Groups by a pattern on their name, in which * stands for any letters."},
	{"realms.*.roles[].id", KEY_TEXT, ROLE(group), .fallback = "", .max = 256, .implies = &by_id,
		.implies_offset = offsetof(struct role_rule, match),
		.help = "The group by what never changes: its SID (S-1-5-…) or objectGUID in Active Directory, "
			"entryUUID or "
			"nsUniqueId elsewhere. The rule survives renaming and moving, and no other group takes its "
			"place."},
	{"realms.*.roles[].role", KEY_TEXT, ROLE(role), .required = true, .max = 100,
		.help = "The role. With a pattern, {1} is what the * stood for."},
	{"realms.*.clients", KEY_MAP, REALM(clients), .fallback = "{}", .max = 1000, .item = KEY_CLIENT_ID,
		.shape = &clients,
		.help = "Applications that log people in by OpenID Connect. The id is the client_id.",
		.example = "wiki"},
};
const size_t n_keys_realm = COUNT(keys_realm);
