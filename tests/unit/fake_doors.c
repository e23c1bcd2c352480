/* The world of the pages, and its configuration: fake_doors.h. */
#include "tests/unit/fake_doors.h"

struct world world;

static struct field_config fake_fields[] = {
	{.name = {"given_name", 10},
		.type = FIELD_TEXT,
		.label = {"First name", 10},
		.required = true,
		.max_length = 64,
		.autocomplete = {"given-name", 10}},
	{.name = {"family_name", 11},
		.type = FIELD_TEXT,
		.label = {"Last name", 9},
		.required = true,
		.max_length = 64,
		.autocomplete = {"family-name", 11}},
	{.name = {"mail", 4},
		.type = FIELD_EMAIL,
		.label = {"Mail address", 12},
		.help = {"We send a link there.", 21},
		.required = true,
		.max_length = 254,
		.autocomplete = {"email", 5}},
	{.name = {"phone", 5},
		.type = FIELD_TEL,
		.label = {"Telephone", 9},
		.max_length = 30,
		.autocomplete = {"tel", 3}},
	{.name = {"department", 10},
		.type = FIELD_SELECT,
		.label = {"Department", 10},
		.required = true,
		.options = (struct field_option[]){{{"sales", 5}, {"Sales", 5}}, {{"it", 2}, {"IT", 2}}},
		.n_options = 2},
	{.name = {"from", 4}, .type = FIELD_DATE, .label = {"First day", 9}},
	{.name = {"why", 3},
		.type = FIELD_TEXTAREA,
		.label = {"What do you need the account for?", 33},
		.max_length = 500},
	{.name = {"terms", 5},
		.type = FIELD_TERMS,
		.label = {"I accept the terms of use", 25},
		.required = true,
		.url = {"https://example.org/terms", 25}},
};
struct str fake_bases[] = {STR("ou=guests,dc=example,dc=org")};
struct str fake_more[] = {STR("cn=vpn,ou=groups,dc=example,dc=org"), STR("cn=wiki,ou=groups,dc=example,dc=org")};
static struct str fake_groups[] = {STR("cn=guests,ou=groups,dc=example,dc=org")};
struct profile_config fake_profiles[] = {
	{.id = {"guest", 5},
		.title = {"Guest account", 13},
		.intro = {"For partners who need access for a while.", 41},
		.directory = {"main", 4},
		.fields = fake_fields,
		.n_fields = COUNT(fake_fields),
		.base = {"ou=people,dc=example,dc=org", 27},
		.bases_allowed = {fake_bases, 1},
		.groups = {fake_groups, 1},
		.groups_allowed = {fake_more, 2},
		.open = true,
		.verify_ttl = 86400,
		.resend_after = 120,
		.approval = APPROVAL_ALWAYS,
		.login_max_length = 20,
		.login_proposed = true},
	{.id = {"student", 7},
		.title = {"Student", 7},
		.intro = {"For students of the summer school.", 34},
		.directory = {"main", 4},
		.fields = fake_fields,
		.n_fields = 3,
		.base = {"ou=people,dc=example,dc=org", 27},
		.open = true,
		.verify_ttl = 3600,
		.resend_after = 120},
};
struct client_config fake_client = {.id = {"wiki", 4}, .title = {"The wiki", 8}};
struct directory_config fake_directory_config = {.id = {"main", 4}};
struct realm fake_realms[] = {{.id = {"staff", 5},
	.issuer = {"https://id.example.org/realms/staff", 35},
	.title = {"Example Corporation", 19},
	.accent = {"#0b5fff", 7},
	.contact = {"helpdesk@example.org", 20},
	.profiles = fake_profiles,
	.n_profiles = 2,
	.clients = &fake_client,
	.n_clients = 1,
	.directories = &fake_directory_config,
	.n_directories = 1,
	.reset_ttl = 3600}};
struct config fake_config = {.public_url = {"https://id.example.org", 22},
	.secure = true,
	.realms = fake_realms,
	.n_realms = 1,
	.proof_of_work_bits = 8};

const struct realm *config_realm(const struct config *c, struct str id) {
	return str_eq(c->realms[0].id, id) ? &c->realms[0] : NULL;
}

const struct client_config *realm_client(const struct realm *r, struct str id) {
	(void)r, (void)id;
	return NULL;
}

const struct profile_config *realm_profile(const struct realm *r, struct str id) {
	for (size_t i = 0; i < r->n_profiles; i++)
		if (str_eq(r->profiles[i].id, id))
			return &r->profiles[i];
	return NULL;
}

const struct directory_config *realm_directory(const struct realm *r, struct str id) {
	return str_eq(r->directories[0].id, id) ? &r->directories[0] : NULL;
}
