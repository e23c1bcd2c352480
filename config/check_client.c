#include "config/config_private.h"

/* RFC 7519 4.1, OpenID Connect Core 2 and 5.1, RFC 9068 2.2: claims that have a meaning already. */
static const char *const claims[] = {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "nonce", "auth_time",
	"acr", "amr", "at_hash", "c_hash", "sid", "scope", "client_id", "act", "cnf", "name", "given_name",
	"family_name", "email", "email_verified", "preferred_username"};

static bool is_empty_text(struct scope s, struct str key) {
	struct str name = str_printf(s.load->scratch, "%.*s.%.*s", FMT(s.name), FMT(key));
	const struct node *node = load_spot(s.load, name).node;
	return node && node->kind == NODE_TEXT && str_empty(node->text);
}

static void check_secret(struct scope s, const struct client_config *c) {
	bool file = scope_has(s, STR("secret_file")), digest = scope_has(s, STR("secret_sha256"));
	if (c->auth == CLIENT_AUTH_NONE) {
		if (file || digest)
			scope_fail(s, file ? STR("secret_file") : STR("secret_sha256"),
				"is not for a public client (auth: none)");
	} else if (file && digest) {
		scope_fail(s, STR("secret_sha256"), "is given beside secret_file; expected one of them");
	} else if (!file && !digest) {
		scope_fail(s, STR("secret_file"), "is missing; a confidential client needs it, or secret_sha256");
	} else if (is_empty_text(s, file ? STR("secret_file") : STR("secret_sha256"))) {
		scope_fail(s, file ? STR("secret_file") : STR("secret_sha256"), "is empty");
	}
}

static void check_grants(struct scope s, const struct client_config *c) {
	bool public = c->auth == CLIENT_AUTH_NONE;
	bool offline = strs_has(c->scopes, STR("offline_access"));
	if (c->grants & GRANT_AUTHORIZATION_CODE && c->redirect_uris.n == 0 && !scope_has(s, STR("redirect_uris[0]")))
		scope_fail(s, STR("redirect_uris"), "is missing; the grant authorization_code needs it");
	if (c->grants & GRANT_REFRESH_TOKEN && !(c->grants & GRANT_AUTHORIZATION_CODE))
		scope_fail(s, STR("grants"), "has refresh_token without authorization_code, from which it comes");
	if (c->grants & GRANT_CLIENT_CREDENTIALS && public)
		scope_fail(s, STR("grants"), "has client_credentials, which a public client (auth: none) cannot use");
	if (offline && c->grants && !(c->grants & GRANT_REFRESH_TOKEN))
		scope_fail(s, STR("scopes"), "has offline_access, but grants lacks refresh_token");
	if (c->offline_only_refresh && !offline)
		scope_fail(s, STR("tokens.offline_only"), "is true, but scopes lacks offline_access");
	if (c->introspect && public)
		scope_fail(s, STR("introspect"), "is not for a public client (auth: none)");
	if (c->refresh_idle > c->refresh_ttl && c->refresh_ttl && c->grants & GRANT_REFRESH_TOKEN)
		scope_fail(s, STR("tokens.refresh_idle"), "is longer than tokens.refresh");
}

static void check_uris(struct scope s, const char *key, const struct client_config *c, struct strs uris) {
	for (size_t i = 0; i < uris.n; i++) {
		struct uri u;
		bool http = uri_split(uris.v[i], &u) &&
			    (str_eq_case(u.scheme, STR("https")) || str_eq_case(u.scheme, STR("http")));
		if (!http && c->auth != CLIENT_AUTH_NONE)
			scope_fail(s, scope_item(s, key, i, ""),
				"%.*s has a private-use scheme, which is for public clients (auth: none)",
				FMT(quoted(s.load, uris.v[i])));
	}
}

static void check_roles(struct scope s, const struct client_config *c) {
	bool nested = c->roles_shape == ROLES_NESTED, dot = str_find(c->roles_claim, '.', 0) < c->roles_claim.n;
	for (size_t i = 0; i < COUNT(claims); i++)
		if (str_eq(c->roles_claim, str_of(claims[i])))
			scope_fail(s, STR("roles.claim"), "%.*s has a meaning already",
				FMT(quoted(s.load, c->roles_claim)));
	if (nested && !str_empty(c->roles_claim) && !dot)
		scope_fail(s, STR("roles.claim"), "has no dot; shape nested needs a name such as realm_access.roles");
	if (c->groups_claim && (str_eq(c->roles_claim, STR("groups")) ||
				       (c->roles_shape == ROLES_GROUPS && str_empty(c->roles_claim))))
		scope_fail(s, STR("roles.groups"), "is true, but the claim groups holds the roles already");
}

static void check_backchannel(struct scope s, const struct client_config *c) {
	if (c->backchannel_logout_session_required && left_empty(c->backchannel_logout_uri))
		scope_fail(s, STR("backchannel_logout_session_required"),
			"is true, but backchannel_logout_uri is not given");
	if (!str_empty(c->backchannel_logout_uri) && c->grants && !(c->grants & GRANT_AUTHORIZATION_CODE))
		scope_fail(s, STR("backchannel_logout_uri"),
			"is given, but grants lacks authorization_code, by which people log in");
}

void check_client(struct scope s, const struct client_config *c) {
	check_secret(s, c);
	check_grants(s, c);
	check_uris(s, "redirect_uris", c, c->redirect_uris);
	check_uris(s, "post_logout_redirect_uris", c, c->post_logout_redirect_uris);
	check_backchannel(s, c);
	check_roles(s, c);
}
