/* What of the configuration this folder understands better than config/. */
#include "broker/oidc/oidc_private.h"

#define SCOPES_MAX 60u

struct place {
	struct arena *arena;
	const struct realm *realm;
	const struct client_config *client;
	struct config_errors *errors;
};

static void fail(const struct place *p, const char *key, const char *why) {
	struct str name =
		str_printf(p->arena, "realms.%.*s.clients.%.*s.%s", FMT(p->realm->id), FMT(p->client->id), key);
	config_error_add(p->arena, p->errors, p->client->at, name, "%s", why);
}

static bool grants(const struct client_config *c, unsigned grant) {
	return (c->grants & grant) != 0;
}

static void check_client(const struct place *p) {
	const struct client_config *c = p->client;
	enum jose_alg alg;
	struct str all = str_join(p->arena, c->scopes, STR(" "));
	if (!jose_alg_find(c->signing_alg, &alg))
		fail(p, "signing_alg", "RS256, ES256, PS256 or EdDSA is expected");
	if (all.n > SCOPE_MAX || c->scopes.n > SCOPES_MAX)
		fail(p, "scopes", "60 scopes and 1024 letters at most are expected");
	if (grants(c, GRANT_AUTHORIZATION_CODE) && c->scopes.n == 0)
		fail(p, "scopes", "at least one is expected with authorization_code: openid");
	if (grants(c, GRANT_REFRESH_TOKEN) && c->refresh_ttl < c->access_ttl)
		fail(p, "tokens.refresh", "a life longer than that of an access token (tokens.access) is expected");
}

void oidc_check_config(struct arena *a, const struct config *c, struct config_errors *errors) {
	for (size_t i = 0; i < c->n_realms; i++)
		for (size_t k = 0; k < c->realms[i].n_clients; k++)
			check_client(&(struct place){a, &c->realms[i], &c->realms[i].clients[k], errors});
}
