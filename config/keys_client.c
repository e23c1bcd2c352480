#include "config/keys.h"

#define CLIENT     "realms.*.clients.*."
#define AT(member) .offset = offsetof(struct client_config, member)
#define DAYS       86400

const struct key keys_client[] = {
	{CLIENT "title", KEY_TEXT, AT(title), .fallback = "", .max = 100,
		.help = "Name of the application, as people read it when they are asked for consent. Empty: the id.",
		.example = "The wiki"},
	{CLIENT "auth", KEY_ENUM, AT(auth), .fallback = "client_secret_basic",
		.words = "client_secret_basic|client_secret_post|none",
		.help = "How the application proves itself at the token endpoint. none is for public clients, which "
			"then must use PKCE.",
		.example = "client_secret_basic"},
	{CLIENT "secret_file", KEY_CLIENT_SECRET_FILE, AT(secret_hash), .fallback = "",
		.help = "File with the client secret, 32 characters at least; others may not read it.",
		.example = "/etc/usher/wiki.secret"},
	{CLIENT "secret_sha256", KEY_SHA256, AT(secret_hash), .fallback = "",
		.help = "Instead of secret_file: SHA-256 of the secret, 64 hexadecimal digits. The secret must be "
			"random and long."},
	{CLIENT "grants", KEY_FLAGS, AT(grants), .fallback = "[authorization_code]", .min = 1, .max = 3,
		.words = "authorization_code|refresh_token|client_credentials",
		.help = "Ways to a token that it may go.", .example = "[authorization_code, refresh_token]"},
	{CLIENT "redirect_uris", KEY_LIST, AT(redirect_uris), .fallback = "[]", .max = 64, .item = KEY_REDIRECT_URI,
		.help = "Where people may be sent back to, compared letter by letter. https; http on a loopback host; "
			"for public clients also a private-use scheme such as org.example.app:/cb.",
		.example = "[\"https://wiki.example.org/cb\"]"},
	{CLIENT "post_logout_redirect_uris", KEY_LIST, AT(post_logout_redirect_uris), .fallback = "[]", .max = 64,
		.item = KEY_REDIRECT_URI, .help = "Where people may be sent after they logged out.",
		.example = "[\"https://wiki.example.org/\"]"},
	{CLIENT "backchannel_logout_uri", KEY_BACKCHANNEL_URI, AT(backchannel_logout_uri), .fallback = "",
		.help = "Where Usher itself tells the application that somebody's session ended: https, or http on a "
			"loopback host. Empty: it is not told.",
		.example = "https://wiki.example.org/backchannel-logout"},
	{CLIENT "backchannel_logout_session_required", KEY_BOOL, AT(backchannel_logout_session_required),
		.fallback = "false",
		.help = "Whether each logout token must name a session (sid). Otherwise one that ends all of a person "
			"may name only the person."},
	{CLIENT "scopes", KEY_LIST, AT(scopes), .fallback = "[openid, profile, email]", .max = 64, .item = KEY_SCOPE,
		.help = "Scopes that it may ask for.", .example = "[openid, profile, email, roles, offline_access]"},
	{CLIENT "roles", KEY_SECTION, .fallback = "{}", .help = "What the application learns about roles."},
	{CLIENT "roles.visible", KEY_LIST, AT(roles), .fallback = "[]", .max = 256, .item = KEY_TEXT,
		.help = "Roles that it sees; * stands for any letters. Empty: none.", .example = "[\"*\"]"},
	{CLIENT "roles.claim", KEY_CLAIM, AT(roles_claim), .fallback = "", .max = 100,
		.help = "Name of the claim. Empty: roles, groups or realm_access.roles, by the shape."},
	{CLIENT "roles.shape", KEY_ENUM, AT(roles_shape), .fallback = "flat", .words = "flat|groups|nested",
		.help = "flat is a list named roles, groups a list named groups, nested a list within an object."},
	{CLIENT "roles.groups", KEY_BOOL, AT(groups_claim), .fallback = "false",
		.help = "Whether it also gets the names of the groups, as the claim groups."},
	{CLIENT "roles.budget", KEY_INT, AT(claims_bytes), .fallback = "4096", .min = 0, .max = 6144,
		.help = "Bytes of roles and groups that a token of it may hold. What has no room is not in the token, "
			"which then says where to ask (distributed claims); userinfo always has all."},
	{CLIENT "consent", KEY_ENUM, AT(consent), .fallback = "never", .words = "never|once|always",
		.help = "When people are asked whether the application may have their data."},
	{CLIENT "signing_alg", KEY_WORD, AT(signing_alg), .fallback = "RS256", .words = "RS256|ES256|PS256|EdDSA",
		.help = "Algorithm that its tokens are signed with."},
	{CLIENT "introspect", KEY_BOOL, AT(introspect), .fallback = "false",
		.help = "Whether it may ask what a token is worth."},
	{CLIENT "audience", KEY_LIST, AT(audience), .fallback = "[]", .max = 16, .item = KEY_TEXT,
		.help = "Audiences of its access tokens, besides the issuer."},
	{CLIENT "tokens", KEY_SECTION, .fallback = "{}", .help = "How long its tokens are good for."},
	{CLIENT "tokens.access", KEY_DURATION, AT(access_ttl), .fallback = "5m", .min = 10, .max = DAYS,
		.help = "Life of an access token."},
	{CLIENT "tokens.id", KEY_DURATION, AT(id_ttl), .fallback = "5m", .min = 10, .max = DAYS,
		.help = "Life of an ID token."},
	{CLIENT "tokens.refresh", KEY_DURATION, AT(refresh_ttl), .fallback = "30d", .min = 60, .max = 365 * DAYS,
		.help = "Refresh tokens end this long after the login, however often they are renewed."},
	{CLIENT "tokens.refresh_idle", KEY_DURATION, AT(refresh_idle), .fallback = "7d", .min = 60, .max = 365 * DAYS,
		.help = "A refresh token ends when it was not used for this long."},
	{CLIENT "tokens.offline_only", KEY_BOOL, AT(offline_only_refresh), .fallback = "false",
		.help = "Whether refresh tokens are given only with the scope offline_access."},
};
const size_t n_keys_client = COUNT(keys_client);
