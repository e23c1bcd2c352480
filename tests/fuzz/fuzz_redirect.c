/* Which redirect URIs are taken for registered ones. The first byte chooses the client and how the input is used: as it
 * is, or behind the beginning of a registered URI, where a look-alike would begin. Whatever passes is the registered
 * text itself or, for a public client, differs from it in the digits of a port of 127.0.0.1 or [::1] alone. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/oidc/oidc_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str uris[] = {
	{"https://wiki.example.org/cb", 27},
	{"http://127.0.0.1/cb", 19},
	{"http://127.0.0.1:8080/cb?x=1", 28},
	{"http://[::1]/", 13},
	{"org.example.app:/cb", 19},
	{"http://localhost:8080/cb", 24},
};
static const struct client_config clients[] = {
	{.auth = CLIENT_AUTH_NONE, .redirect_uris = {uris, COUNT(uris)}},
	{.auth = CLIENT_AUTH_BASIC, .redirect_uris = {uris, COUNT(uris)}},
};

static void check(bool holds) {
	if (!holds)
		abort();
}

/* The plain definition: without ":digits" behind a loopback address it is the same text. */
static struct str without_port(struct arena *a, struct str uri, bool *ret_loopback) {
	static const char *const hosts[] = {"http://127.0.0.1", "http://[::1]"};
	*ret_loopback = false;
	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct str host = str_of(hosts[i]);
		if (!str_starts(uri, host))
			continue;
		size_t end = host.n;
		if (end < uri.n && uri.p[end] == ':')
			for (end++; end < uri.n && uri.p[end] >= '0' && uri.p[end] <= '9';)
				end++;
		*ret_loopback = end == uri.n || uri.p[end] == '/' || uri.p[end] == '?';
		return str_printf(a, "%.*s%.*s", FMT(host), FMT(str_sub(uri, end, uri.n)));
	}
	return uri;
}

static bool may_pass(struct arena *a, const struct client_config *c, struct str uri) {
	bool loopback = false, other = false;
	struct str plain = without_port(a, uri, &loopback);
	if (strs_has(c->redirect_uris, uri))
		return true;
	for (size_t i = 0; c->auth == CLIENT_AUTH_NONE && loopback && i < COUNT(uris); i++)
		if (str_eq(plain, without_port(a, uris[i], &other)) && other)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size < 2 || size > 2048)
		return 0;
	owned(arena) struct arena *a = arena_new();
	const struct client_config *c = &clients[data[0] & 1];
	struct str base = uris[(data[0] >> 1) % COUNT(uris)], tail = str_slice((const char *)data + 2, size - 2);
	size_t kept = data[0] & 0x80 ? 0 : data[1] % (base.n + 1);
	char *p = arena_alloc(a, kept + tail.n + 1);
	memcpy(p, base.p, kept);
	memcpy(p + kept, tail.p, tail.n);
	struct str uri = str_dup(a, str_slice(p, kept + tail.n)); /* an overrun of it is seen */
	if (redirect_uri_registered(c, uri))
		check(may_pass(a, c, uri));
	check(redirect_uri_registered(c, base));
	return 0;
}
