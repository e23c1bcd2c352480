#include "config/keys.h"

#define PROFILE        "realms.*.profiles.*."
#define AT(member)     .offset = offsetof(struct profile_config, member)
#define FIELD(member)  .offset = offsetof(struct field_config, member)
#define OPTION(member) .offset = offsetof(struct field_option, member)
#define RULE(member)   .offset = offsetof(struct approval_rule, member)
#define DAYS           86400

static const struct key_shape fields = {
	sizeof(struct field_config), offsetof(struct profile_config, n_fields), offsetof(struct field_config, at)};
static const struct key_shape options = {
	sizeof(struct field_option), offsetof(struct field_config, n_options), SIZE_MAX};
static const struct key_shape constants = {
	sizeof(struct constant_attribute), offsetof(struct profile_config, n_constants), SIZE_MAX};
static const struct key_shape rules = {
	sizeof(struct approval_rule), offsetof(struct profile_config, n_rules), offsetof(struct approval_rule, at)};

const struct key keys_profile[] = {
	{PROFILE "title", KEY_TEXT, AT(title), .required = true, .max = 100,
		.help = "Name of the profile, as people read it.", .example = "Guest account"},
	{PROFILE "intro", KEY_TEXT, AT(intro), .fallback = "", .help = "A sentence or two above the form.",
		.example = "For partners who need access for a while."},
	{PROFILE "directory", KEY_ID, AT(directory), .required = true,
		.help = "The directory in which accounts are made.", .example = "main"},
	{PROFILE "open", KEY_BOOL, AT(open), .fallback = "true",
		.help = "Whether the realm's register page lists the profile; one that is not listed still has its "
			"address."},

	{PROFILE "fields", KEY_ITEMS, AT(fields), .fallback = "[]", .max = 40, .shape = &fields,
		.help = "What the form asks for. The mail address is always asked for, first, and is not listed here.",
		.example = "- {name: given_name, label: First name, required: true, max_length: 64, attribute: "
			   "given_name}\n"
			   "- {name: family_name, label: Last name, required: true, max_length: 64, attribute: "
			   "family_name}\n"
			   "- name: department\n"
			   "  label: Department\n"
			   "  type: select\n"
			   "  options: [{value: sales, label: Sales}, {value: it, label: IT}]\n"
			   "  attribute: department\n"
			   "- {name: terms, label: I accept the terms, type: terms, url: "
			   "\"https://example.org/terms\", required: true}"},
	{PROFILE "fields[].name", KEY_FIELD_NAME, FIELD(name), .required = true,
		.help = "Name of the form field, and of the value in patterns and rules."},
	{PROFILE "fields[].type", KEY_ENUM, FIELD(type), .fallback = "text",
		.words = "text|email|tel|date|select|checkbox|terms|textarea", .help = "What is typed or chosen."},
	{PROFILE "fields[].label", KEY_TEXT, FIELD(label), .required = true, .max = 200, .help = "Label of the field."},
	{PROFILE "fields[].help", KEY_TEXT, FIELD(help), .fallback = "", .max = 500, .help = "A hint below the label."},
	{PROFILE "fields[].required", KEY_BOOL, FIELD(required), .fallback = "false",
		.help = "Whether the field must be filled in."},
	{PROFILE "fields[].min_length", KEY_INT, FIELD(min_length), .fallback = "0", .min = 0, .max = 2000,
		.help = "The least number of characters of a value."},
	{PROFILE "fields[].max_length", KEY_INT, FIELD(max_length), .fallback = "200", .min = 1, .max = 2000,
		.help = "The greatest number of characters."},
	{PROFILE "fields[].pattern", KEY_REGEX, FIELD(pattern), .fallback = "", .max = 200,
		.help = "POSIX extended regular expression that the whole value must match."},
	{PROFILE "fields[].pattern_message", KEY_TEXT, FIELD(pattern_message), .fallback = "", .max = 200,
		.help = "What the person is told when it does not."},
	{PROFILE "fields[].autocomplete", KEY_AUTOCOMPLETE, FIELD(autocomplete), .fallback = "",
		.help = "HTML autofill words. Empty: by the name and type of the field."},
	{PROFILE "fields[].attribute", KEY_ATTRIBUTE, FIELD(attribute), .fallback = "",
		.help = "The attribute that it fills. Empty: none."},
	{PROFILE "fields[].options", KEY_ITEMS, FIELD(options), .fallback = "[]", .max = 300, .shape = &options,
		.help = "What a select field offers."},
	{PROFILE "fields[].options[].value", KEY_TEXT, OPTION(value), .required = true, .max = 200,
		.help = "The value that is stored."},
	{PROFILE "fields[].options[].label", KEY_TEXT, OPTION(label), .fallback = "", .max = 200,
		.help = "What people read. Empty: the value."},
	{PROFILE "fields[].url", KEY_URL, FIELD(url), .fallback = "", .help = "Where the terms of a terms field are."},

	{PROFILE "constants", KEY_MAP, AT(constants), .fallback = "{}", .max = 64, .item = KEY_ATTRIBUTE,
		.shape = &constants,
		.help = "Attributes that every new entry gets: a fixed value, or a pattern with {field} in it; "
			"{login_name} is known too.",
		.example = "{employeeType: guest, display_name: \"{given_name} {family_name}\"}"},
	{PROFILE "constants.*", KEY_PATTERN, .offset = offsetof(struct constant_attribute, pattern), .required = true,
		.max = 500, .help = "The value or pattern."},

	{PROFILE "login_name", KEY_SECTION, .required = true, .help = "How the login name comes about."},
	{PROFILE "login_name.patterns", KEY_LIST, AT(login_patterns), .required = true, .min = 1, .max = 16,
		.item = KEY_LOGIN_PATTERN,
		.help = "Candidates, tried in order until one is free. {field} is a field's value in plain letters, "
			"{field:2} its first two, {n} a number that counts up.",
		.example = "[\"{given_name:1}{family_name}\", \"{given_name}.{family_name}\", "
			   "\"{given_name:1}{family_name}{n}\"]"},
	{PROFILE "login_name.proposed", KEY_BOOL, AT(login_proposed), .fallback = "false",
		.help = "Whether the person may propose a login name."},
	{PROFILE "login_name.max_length", KEY_INT, AT(login_max_length), .fallback = "20", .min = 2, .max = 64,
		.help = "The greatest number of letters; longer candidates are cut. Active Directory takes 20."},
	{PROFILE "login_name.reserved", KEY_LIST, AT(reserved_names), .fallback = "[]", .max = 1000, .item = KEY_TEXT,
		.help = "Names that are never given, besides the built-in ones.", .example = "[ceo]"},

	{PROFILE "base", KEY_DN, AT(base), .required = true, .help = "Entry below which accounts are made.",
		.example = "ou=people,dc=example,dc=org"},
	{PROFILE "bases_allowed", KEY_LIST, AT(bases_allowed), .fallback = "[]", .max = 256, .item = KEY_DN,
		.help = "What an approver may choose instead."},
	{PROFILE "groups", KEY_LIST, AT(groups), .fallback = "[]", .max = 64, .item = KEY_DN,
		.help = "Groups that everybody of the profile joins.",
		.example = "[\"cn=guests,ou=groups,dc=example,dc=org\"]"},
	{PROFILE "groups_allowed", KEY_LIST, AT(groups_allowed), .fallback = "[]", .max = 256, .item = KEY_DN,
		.help = "Groups that an approver may add.", .example = "[\"cn=vpn,ou=groups,dc=example,dc=org\"]"},
	{PROFILE "expires_after", KEY_DURATION, AT(expires_after), .fallback = "0s", .max = 3650 * DAYS,
		.help = "How long an account lasts, until the end of the day (UTC): then it is disabled. Active "
			"Directory keeps the date itself (accountExpires); elsewhere Usher disables the entry by a "
			"plan. 0s: accounts do not end.",
		.example = "90d"},
	{PROFILE "mail_domains", KEY_SECTION, .fallback = "{}",
		.help = "Who may register, by the domain of the mail address. *.example.org stands for all below "
			"example.org."},
	{PROFILE "mail_domains.allowed", KEY_LIST, AT(mail_domains_allowed), .fallback = "[]", .max = 4000,
		.item = KEY_DOMAIN, .help = "The domains that may. Empty: all."},
	{PROFILE "mail_domains.refused", KEY_LIST, AT(mail_domains_refused), .fallback = "[]", .max = 10000,
		.item = KEY_DOMAIN, .help = "The domains that may not.", .example = "[mailinator.com]"},

	{PROFILE "approval", KEY_SECTION, .fallback = "{}", .help = "Whether an approver decides."},
	{PROFILE "approval.when", KEY_ENUM, AT(approval), .fallback = "always", .words = "always|never|rules",
		.help = "With rules, the first that matches decides; where none does, approval is needed.",
		.example = "rules"},
	{PROFILE "approval.rules", KEY_ITEMS, AT(rules), .fallback = "[]", .max = 256, .shape = &rules,
		.help = "The rules.",
		.example = "- {mail_domains: [example.org], approval: false}\n"
			   "- {field: department, values: [it], approval: true}"},
	{PROFILE "approval.rules[].mail_domains", KEY_LIST, RULE(mail_domains), .fallback = "[]", .max = 256,
		.item = KEY_DOMAIN, .help = "Matches these domains of the mail address. Empty: any."},
	{PROFILE "approval.rules[].field", KEY_FIELD_NAME, RULE(field), .fallback = "",
		.help = "Matches a value of this field. Empty: the rule does not look at a field."},
	{PROFILE "approval.rules[].values", KEY_LIST, RULE(values), .fallback = "[]", .max = 256, .item = KEY_TEXT,
		.help = "The values of the field that match, in upper or lower case."},
	{PROFILE "approval.rules[].approval", KEY_BOOL, RULE(approval), .required = true,
		.help = "Whether approval is needed then."},
	{PROFILE "approvers", KEY_SECTION, .fallback = "{}", .help = "Who approves. Operators may always."},
	{PROFILE "approvers.group", KEY_DN, AT(approvers), .fallback = "", .help = "Group whose members approve.",
		.example = "cn=approvers,ou=groups,dc=example,dc=org"},
	{PROFILE "approvers.mails", KEY_LIST, AT(approver_mails), .fallback = "[]", .max = 32, .item = KEY_MAIL,
		.help = "Where new requests are told. Empty: to each member of the group."},

	{PROFILE "times", KEY_SECTION, .fallback = "{}", .help = "How long things wait."},
	{PROFILE "times.verify", KEY_DURATION, AT(verify_ttl), .fallback = "24h", .min = 60, .max = 90 * DAYS,
		.help = "How long the link that confirms a mail address works."},
	{PROFILE "times.activate", KEY_DURATION, AT(activate_ttl), .fallback = "7d", .min = 60, .max = 90 * DAYS,
		.help = "How long the link that sets the password works."},
	{PROFILE "times.remind", KEY_DURATION, AT(remind_after), .fallback = "2d", .min = 60, .max = 90 * DAYS,
		.help = "After this long, approvers are told again."},
	{PROFILE "times.undecided", KEY_DURATION, AT(undecided_ttl), .fallback = "14d", .min = 60, .max = 365 * DAYS,
		.help = "After this long, a request that nobody decided ends."},
	{PROFILE "times.resend", KEY_DURATION, AT(resend_after), .fallback = "2m", .min = 1, .max = DAYS,
		.help = "A mail can be asked for again after this long."},
	{PROFILE "times.retain", KEY_DURATION, AT(retain_after), .fallback = "90d", .min = DAYS, .max = 3650 * DAYS,
		.help = "After this long, rejected and ended requests are erased."},
};
const size_t n_keys_profile = COUNT(keys_profile);
