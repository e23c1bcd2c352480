#include "broker/oidc/oidc_private.h"

#define PORT_DIGITS 5u

/* RFC 8252 7.3: "http://127.0.0.1:{port}/path" → the host part and what follows the port. */
static bool loopback_split(struct str uri, struct str *ret_host, struct str *ret_rest) {
	static const struct str hosts[] = {{"http://127.0.0.1", 16}, {"http://[::1]", 12}};
	for (size_t i = 0; i < COUNT(hosts); i++) {
		if (!str_starts(uri, hosts[i]))
			continue;
		struct str rest = str_sub(uri, hosts[i].n, uri.n);
		int64_t port = 0;
		if (str_starts(rest, STR(":"))) {
			size_t end = 1;
			while (end < rest.n && rest.p[end] >= '0' && rest.p[end] <= '9')
				end++;
			if (end > 1 + PORT_DIGITS || !str_int(str_sub(rest, 1, end - 1), 1, 65535, &port))
				return false;
			rest = str_sub(rest, end, rest.n);
		}
		if (!str_empty(rest) && rest.p[0] != '/' && rest.p[0] != '?')
			return false;
		*ret_host = hosts[i];
		*ret_rest = rest;
		return true;
	}
	return false;
}

static bool loopback_same(struct str registered, struct str uri) {
	struct str hosts[2], rests[2];
	return loopback_split(registered, &hosts[0], &rests[0]) && loopback_split(uri, &hosts[1], &rests[1]) &&
	       str_eq(hosts[0], hosts[1]) && str_eq(rests[0], rests[1]);
}

bool redirect_uri_registered(const struct client_config *c, struct str uri) {
	if (strs_has(c->redirect_uris, uri))
		return true;
	for (size_t i = 0; c->auth == CLIENT_AUTH_NONE && i < c->redirect_uris.n; i++)
		if (loopback_same(c->redirect_uris.v[i], uri))
			return true;
	return false;
}
