/* OpenID Connect Discovery 1.0, 3; RFC 8414, 2; RFC 9207, 3;
 * Back-Channel Logout 1.0, 2.1. One table: a member is a row. */
#include "base/encode.h"
#include "broker/oidc/oidc_private.h"

enum member_kind { MEMBER_ENDPOINT, MEMBER_LIST, MEMBER_TRUE, MEMBER_FALSE };
static const struct member {
	const char *name;
	enum member_kind kind;
	const char *value; /* path under the issuer; words between spaces */
} members[] = {
	{"authorization_endpoint", MEMBER_ENDPOINT, "/authorize"},
	{"token_endpoint", MEMBER_ENDPOINT, "/token"},
	{"userinfo_endpoint", MEMBER_ENDPOINT, "/userinfo"},
	{"jwks_uri", MEMBER_ENDPOINT, "/jwks"},
	{"introspection_endpoint", MEMBER_ENDPOINT, "/introspect"},
	{"revocation_endpoint", MEMBER_ENDPOINT, "/revoke"},
	{"end_session_endpoint", MEMBER_ENDPOINT, "/logout"},
	{"response_types_supported", MEMBER_LIST, "code"},
	{"response_modes_supported", MEMBER_LIST, "query form_post"},
	{"grant_types_supported", MEMBER_LIST, "authorization_code refresh_token client_credentials"},
	{"subject_types_supported", MEMBER_LIST, "public"},
	{"code_challenge_methods_supported", MEMBER_LIST, "S256"},
	{"token_endpoint_auth_methods_supported", MEMBER_LIST, "client_secret_basic client_secret_post none"},
	{"revocation_endpoint_auth_methods_supported", MEMBER_LIST, "client_secret_basic client_secret_post none"},
	{"introspection_endpoint_auth_methods_supported", MEMBER_LIST, "client_secret_basic client_secret_post"},
	{"prompt_values_supported", MEMBER_LIST, "none login consent select_account"},
	{"claim_types_supported", MEMBER_LIST, "normal distributed"},
	{"authorization_response_iss_parameter_supported", MEMBER_TRUE, NULL},
	{"backchannel_logout_supported", MEMBER_TRUE, NULL},
	{"backchannel_logout_session_supported", MEMBER_TRUE, NULL},
	{"claims_parameter_supported", MEMBER_FALSE, NULL},
	{"request_parameter_supported", MEMBER_FALSE, NULL},
	{"request_uri_parameter_supported", MEMBER_FALSE, NULL},
};
static const char standard_scopes[] = "openid profile email phone roles groups offline_access";
static const char standard_claims[] =
	"sub iss aud exp iat auth_time nonce at_hash azp amr sid name given_name family_name "
	"preferred_username email email_verified phone_number";

static void put_list(struct buf *b, struct strs list) {
	buf_byte(b, '[');
	for (size_t i = 0; i < list.n; i++) {
		if (i)
			buf_byte(b, ',');
		json_escape(b, list.v[i]);
	}
	buf_byte(b, ']');
}

static void put_member(struct buf *b, const struct member *m, const struct realm *r) {
	buf_printf(b, ",\"%s\":", m->name);
	switch (m->kind) {
	case MEMBER_ENDPOINT:
		json_escape(b, str_printf(b->arena, "%.*s%s", FMT(r->issuer), m->value));
		break;
	case MEMBER_LIST:
		put_list(b, str_split(b->arena, str_of(m->value), ' '));
		break;
	case MEMBER_TRUE:
		buf_put(b, STR("true"));
		break;
	case MEMBER_FALSE:
		buf_put(b, STR("false"));
		break;
	}
}

static void add_once(struct arena *a, struct strs *list, struct str s) {
	if (!str_empty(s) && !strs_has(*list, s))
		strs_add(a, list, s);
}

static struct strs scopes_of(struct arena *a, const struct realm *r) {
	struct strs list = str_split(a, str_of(standard_scopes), ' ');
	for (size_t i = 0; i < r->n_clients; i++)
		for (size_t k = 0; k < r->clients[i].scopes.n; k++)
			add_once(a, &list, r->clients[i].scopes.v[k]);
	return list;
}

static struct strs claims_of(struct arena *a, const struct realm *r) {
	struct strs list = str_split(a, str_of(standard_claims), ' ');
	for (size_t i = 0; i < r->n_clients; i++) {
		const struct client_config *c = &r->clients[i];
		struct str claim = c->roles_claim;
		if (c->roles_shape == ROLES_NESTED)
			claim = str_sub(claim, 0, str_find(claim, '.', 0));
		if (c->roles.n)
			add_once(a, &list, claim);
		if (c->groups_claim)
			add_once(a, &list, STR("groups"));
	}
	return list;
}

struct str metadata_make(struct arena *a, const struct realm *r) {
	struct buf b = buf_new(a, LIMIT_RESPONSE);
	buf_put(&b, STR("{\"issuer\":"));
	json_escape(&b, r->issuer);
	for (size_t i = 0; i < COUNT(members); i++)
		put_member(&b, &members[i], r);
	buf_put(&b, STR(",\"scopes_supported\":"));
	put_list(&b, scopes_of(a, r));
	buf_put(&b, STR(",\"claims_supported\":"));
	put_list(&b, claims_of(a, r));
	buf_put(&b, STR(",\"id_token_signing_alg_values_supported\":"));
	put_list(&b, r->signing_algs);
	buf_byte(&b, '}');
	return buf_str(&b);
}
