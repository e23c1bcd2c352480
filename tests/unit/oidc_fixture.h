/* oidc_fixture.h: two realms with their clients, a person who is logged in, a directory that does as it is told. For
 * the tests of broker/oidc; store, keys and signatures are real. */
#ifndef USHER_TESTS_OIDC_FIXTURE_H
#define USHER_TESTS_OIDC_FIXTURE_H

#include "tests/unit/store_fixture.h"

#include "base/encode.h"
#include "broker/oidc/oidc.h"

#define ISSUER       "https://id.example.org/realms/staff"
#define WIKI_SECRET  "wiki-secret-of-more-than-32-letters"
#define BATCH_SECRET "batch secret: with/odd+letters&of=all%kinds"
#define VERIFIER     "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" /* RFC 7636 appendix B */
#define CHALLENGE    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define WIKI_URI     "https://wiki.example.org/cb"

#define LIST(...)                                                                                                      \
	{ (struct str[]){__VA_ARGS__}, sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str) }
#define TEXT(literal)                                                                                                  \
	{ literal, sizeof(literal) - 1 }
#define LIVES                                                                                                          \
	.claims_bytes = 4096, .access_ttl = 300, .id_ttl = 300, .refresh_ttl = 30 * 86400, .refresh_idle = 7 * 86400
#define ROLES_NAMED .roles_claim = TEXT("roles")

enum { WIKI, APP, BATCH, GATE, ASK, NATIVE, CLIENTS };
static struct client_config clients[CLIENTS] = {
	[WIKI] = {.id = TEXT("wiki"),
		.auth = CLIENT_AUTH_BASIC,
		.grants = GRANT_AUTHORIZATION_CODE | GRANT_REFRESH_TOKEN,
		.redirect_uris = LIST(TEXT(WIKI_URI), TEXT("https://wiki.example.org/cb?x=1")),
		.post_logout_redirect_uris = LIST(TEXT("https://wiki.example.org/bye")),
		.scopes = LIST(TEXT("openid"), TEXT("profile"), TEXT("email"), TEXT("phone"), TEXT("roles"),
			TEXT("offline_access")),
		.roles = LIST(TEXT("*")),
		ROLES_NAMED,
		.signing_alg = TEXT("ES256"),
		LIVES},
	[APP] = {.id = TEXT("app"),
		.auth = CLIENT_AUTH_NONE,
		.grants = GRANT_AUTHORIZATION_CODE | GRANT_REFRESH_TOKEN,
		.redirect_uris =
			LIST(TEXT("http://127.0.0.1/cb"), TEXT("http://[::1]:1/cb"), TEXT("org.example.app:/cb")),
		.scopes = LIST(TEXT("openid"), TEXT("profile"), TEXT("offline_access")),
		.offline_only_refresh = true,
		.roles = LIST(TEXT("edit*")),
		.roles_shape = ROLES_NESTED,
		.roles_claim = TEXT("realm_access.roles"),
		.groups_claim = true,
		.signing_alg = TEXT("EdDSA"),
		LIVES},
	[BATCH] = {.id = TEXT("batch"),
		.auth = CLIENT_AUTH_POST,
		.grants = GRANT_CLIENT_CREDENTIALS,
		.scopes = LIST(TEXT("openid"), TEXT("api:read"), TEXT("api:write")),
		.audience = LIST(TEXT("https://api.example.org")),
		ROLES_NAMED,
		.signing_alg = TEXT("ES256"),
		LIVES},
	[GATE] = {.id = TEXT("gate"),
		.auth = CLIENT_AUTH_BASIC,
		.introspect = true,
		.signing_alg = TEXT("RS256"),
		ROLES_NAMED,
		LIVES},
	[ASK] = {.id = TEXT("ask"),
		.auth = CLIENT_AUTH_BASIC,
		.grants = GRANT_AUTHORIZATION_CODE,
		.consent = CONSENT_ONCE,
		.redirect_uris = LIST(TEXT("https://ask.example.org/")),
		.scopes = LIST(TEXT("openid"), TEXT("email"), TEXT("api:read")),
		ROLES_NAMED,
		.signing_alg = TEXT("PS256"),
		LIVES},
	[NATIVE] = {.id = TEXT("native"),
		.auth = CLIENT_AUTH_BASIC,
		.grants = GRANT_AUTHORIZATION_CODE,
		.consent = CONSENT_ALWAYS,
		.redirect_uris = LIST(TEXT("http://127.0.0.1/cb")),
		.scopes = LIST(TEXT("openid")),
		ROLES_NAMED,
		.signing_alg = TEXT("RS256"),
		LIVES},
};
static struct client_config strangers[] = {
	{.id = TEXT("wiki"),
		.auth = CLIENT_AUTH_BASIC,
		.grants = GRANT_AUTHORIZATION_CODE | GRANT_REFRESH_TOKEN,
		.redirect_uris = LIST(TEXT(WIKI_URI)),
		.scopes = LIST(TEXT("openid")),
		ROLES_NAMED,
		.signing_alg = TEXT("ES256"),
		.introspect = true,
		LIVES},
};
static struct role_rule rules[] = {
	{ROLE_GROUP_NAME, TEXT("red"), TEXT("editor"), 1},
	{ROLE_GROUP_NAME, TEXT("blue"), TEXT("reader"), 2},
};
static struct realm realms[] = {
	{.id = TEXT("staff"),
		.issuer = TEXT(ISSUER),
		.clients = clients,
		.n_clients = CLIENTS,
		.roles = rules,
		.n_roles = COUNT(rules),
		.session_ttl = 36000,
		.session_idle = 36000,
		.signing_algs = LIST(TEXT("RS256"), TEXT("ES256"), TEXT("PS256"), TEXT("EdDSA"))},
	{.id = TEXT("guests"),
		.issuer = TEXT("https://id.example.org/realms/guests"),
		.clients = strangers,
		.n_clients = COUNT(strangers),
		.session_ttl = 36000,
		.session_idle = 36000,
		.signing_algs = LIST(TEXT("RS256"), TEXT("ES256"))},
};
static struct config config = {.realms = realms, .n_realms = COUNT(realms)};

/* ---- the directory ---- */

static enum { DIRECTORY_FINE, DIRECTORY_DISABLED, DIRECTORY_DELETED, DIRECTORY_DOWN } directory;
static struct attribute attributes[] = {
	{TEXT("display_name"), LIST(TEXT("Ann Example"))},
	{TEXT("given_name"), LIST(TEXT("Ann"))},
	{TEXT("family_name"), LIST(TEXT("Example"))},
	{TEXT("phone"), LIST(TEXT("+49 30 1"))},
};
static struct entry entry = {.dn = TEXT("uid=ann,dc=test"),
	.stable_id = TEXT("e-1"),
	.login = TEXT("ann"),
	.mail = TEXT("ann@example.org"),
	.enabled = true,
	.attributes = attributes,
	.n_attributes = COUNT(attributes)};
static struct group groups[] = {
	{.dn = TEXT("cn=red,dc=test"), .name = TEXT("red"), .via = SIZE_MAX},
	{.dn = TEXT("cn=blue,dc=test"), .name = TEXT("blue"), .via = 0},
};
static struct groups her_groups = {groups, COUNT(groups), false};
static const struct directory_config main_directory = {.id = TEXT("main")};

enum err account_entry(
	struct task *t, const struct account *a, const struct directory_config **ret_d, struct entry **ret) {
	assert_str(a->stable_id, entry.stable_id);
	if (directory == DIRECTORY_DELETED)
		return task_fail(t, ERR_NOT_FOUND, "fake: deleted");
	if (directory == DIRECTORY_DOWN)
		return task_fail(t, ERR_UNAVAILABLE, "fake: down");
	struct entry *e = arena_new_of(t->arena, struct entry);
	*e = entry;
	e->enabled = directory != DIRECTORY_DISABLED;
	*ret_d = &main_directory;
	*ret = e;
	return OK;
}

enum err login_person(struct task *t, const struct account *a, struct person *ret) {
	struct person p = {.groups = her_groups};
	TRY(account_entry(t, a, &p.directory, &p.entry));
	if (!p.entry->enabled)
		return task_fail(t, ERR_DENIED, "fake: disabled");
	*ret = p;
	return OK;
}

/* ---- a person who is logged in ---- */

static struct account ann = {.id = TEXT("A1"),
	.realm = TEXT("staff"),
	.directory = TEXT("main"),
	.stable_id = TEXT("e-1"),
	.sub = TEXT("sub-of-ann-24-letters-xx"),
	.dn = TEXT("uid=ann,dc=test"),
	.login = TEXT("ann"),
	.mail = TEXT("ann@example.org"),
	.marker = TEXT("R1")};
static struct session session = {
	.id_hash = TEXT("S1"), .sid = TEXT("sid-1"), .account_id = TEXT("A1"), .amr = TEXT("pwd")};
static struct login_state login = {&session, &ann};

static inline struct task *oidc_begin(struct worker *w, size_t realm) {
	struct task *t = worker_begin(w, realms[realm].id);
	t->config = &config;
	t->realm = &realms[realm];
	return t;
}

static inline int oidc_setup(void **state) {
	static const uint8_t key[32] = {1};
	static const struct {
		int client;
		struct str secret;
	} secrets[] = {{WIKI, TEXT(WIKI_SECRET)}, {BATCH, TEXT(BATCH_SECRET)}, {GATE, TEXT("gate-secret")},
		{ASK, TEXT("ask-secret")}, {NATIVE, TEXT("native-secret")}};
	static uint8_t hashes[COUNT(secrets)][HASH_SIZE], stranger[HASH_SIZE];
	if (fixture_setup(state))
		return -1;
	secret_use_key(key);
	for (size_t i = 0; i < COUNT(secrets); i++) {
		sha256_into(hashes[i], secrets[i].secret);
		clients[secrets[i].client].secret_hash = str_slice((const char *)hashes[i], HASH_SIZE);
	}
	sha256_into(stranger, STR("stranger"));
	strangers[0].secret_hash = str_slice((const char *)stranger, HASH_SIZE);
	struct task *t = oidc_begin(*state, 0);
	assert_ok(keyset_refresh(t));
	session.auth_time = clock_wall_ms();
	assert_ok(accounts_insert(t, &ann));
	assert_ok(sessions_insert(t, &session));
	const struct registration r = {.id = STR("R1"),
		.realm = STR("staff"),
		.mail = STR("ann@example.org"),
		.mail_key = STR("ann@example.org"),
		.state = REGISTRATION_ACTIVE,
		.verified_at = 1};
	return registrations_insert(t, &r) == OK ? 0 : -1;
}

/* ---- requests ---- */

#define PARAMS(...)                                                                                                    \
	((struct params){(struct param[]){__VA_ARGS__}, sizeof((struct param[]){__VA_ARGS__}) / sizeof(struct param)})
#define P(name_, value_)                                                                                               \
	{ STR(name_), STR(value_) }

/* "a=b&c=d", decoded. A later name takes the place of an earlier one; without '=' it is taken away. */
static inline struct params params_of(struct arena *a, struct str text) {
	struct param *v = arena_array(a, struct param, 64);
	struct params p = {v, 0};
	struct str part;
	while (str_next(&text, '&', &part)) {
		size_t equals = str_find(part, '=', 0), i = 0;
		struct str value = STR_NONE, name = str_sub(part, 0, equals);
		while (i < p.n && !str_eq(v[i].name, name))
			i++;
		if (equals < part.n && !form_decode(a, str_sub(part, equals + 1, part.n), &value))
			fail_msg("the test's own parameters: %.*s", FMT(part));
		v[i] = (struct param){name, value};
		p.n += i == p.n;
	}
	return p;
}

static inline struct params changed(struct arena *a, const char *base, const char *change) {
	return params_of(a, str_printf(a, "%s%s%s", base, *change ? "&" : "", change));
}

static inline struct str basic(struct arena *a, const char *id, const char *secret) {
	struct str both =
		str_printf(a, "%.*s:%.*s", FMT(form_encode(a, str_of(id))), FMT(form_encode(a, str_of(secret))));
	return str_printf(a, "Basic %.*s", FMT(base64_encode(a, both)));
}

#define WIKI_REQUEST                                                                                                   \
	"client_id=wiki&redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb&response_type=code&scope=openid%20profile%"   \
	"20email%20roles&"                                                                                             \
	"state=st%26te&nonce=n-1&code_challenge_method=S256&code_challenge=" CHALLENGE
#define CODE_REQUEST                                                                                                   \
	"grant_type=authorization_code&redirect_uri=https%3A%2F%2Fwiki.example.org%2Fcb&code_verifier=" VERIFIER

/* "base&name=value", as a C string. */
static inline const char *form_with(struct task *t, const char *base, const char *name, struct str value) {
	const char *text = NULL;
	assert_ok(task_cstr(t, str_printf(t->arena, "%s&%s=%.*s", base, name, FMT(value)), &text));
	return text;
}

/* A code for Ann, by the whole way. */
static inline struct str code_for(struct task *t, const char *base, const char *change) {
	struct authorize a;
	struct str code = STR_NONE;
	bool redirect = false;
	assert_ok(authorize_read(t, changed(t->arena, base, change), &a, &redirect));
	assert_ok(authorize_grant(t, &a, &login, false, &code));
	return code;
}

static inline enum err wiki_token(struct task *t, const char *form, const char *change, struct str *ret) {
	const struct credentials c = {basic(t->arena, "wiki", WIKI_SECRET), changed(t->arena, form, change)};
	return oidc_token(t, &c, ret);
}

static inline enum err code_redeem(struct task *t, struct str code, struct str *ret) {
	return wiki_token(t, form_with(t, CODE_REQUEST, "code", code), "", ret);
}

static inline enum err refresh_redeem(struct task *t, struct str token, const char *change, struct str *ret) {
	return wiki_token(t, form_with(t, "grant_type=refresh_token", "refresh_token", token), change, ret);
}

#define BATCH_FORM                                                                                                     \
	"grant_type=client_credentials&client_id=batch&client_secret=batch%20secret%3A%20with%2Fodd%2Bletters%26of%"   \
	"3Dall%25kinds"

/* ---- answers ---- */

static inline struct str member(struct task *t, struct str json, const char *name) {
	owned(json) json_t *object = NULL;
	assert_ok(json_parse(t, json, &object));
	return str_dup(t->arena, json_member_str(object, name));
}

/* A token's payload; its signature is checked with the published keys. */
static inline json_t *token_open(struct task *t, struct str token, const char *typ) {
	struct jws j;
	struct str jwks = STR_NONE;
	owned(json) json_t *set = NULL;
	json_t *payload = NULL, *key;
	size_t i;
	bool verified = false;
	assert_ok(jws_parse(t, token, &j));
	assert_str(j.typ, str_of(typ));
	assert_ok(oidc_jwks(t, &jwks));
	assert_ok(json_parse(t, jwks, &set));
	json_array_foreach(json_object_get(set, "keys"), i, key) {
		struct jose_key *public = NULL;
		enum jose_alg alg = JOSE_ALGS;
		assert_null(json_object_get(key, "d"));
		if (!str_eq(json_member_str(key, "kid"), j.kid))
			continue;
		assert_true(jose_alg_find(json_member_str(key, "alg"), &alg));
		assert_ok(jose_key_from_jwk(t, alg, json_text(t->arena, key), &public));
		verified = jws_verify(t, public, &j) == OK;
		jose_key_free(public);
	}
	assert_true(verified);
	assert_ok(json_parse(t, j.payload, &payload));
	return payload;
}

#define assert_member(object, name, wanted) assert_str(json_member_str((object), (name)), (wanted))

#endif
