/* fuzz_config.c: a configuration from bytes, without files. What loads must name its parts, and what does not must say
 * why. */
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "config/config_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_realm(const struct config *c, const struct realm *r) {
	if (config_realm(c, r->id) != r || str_empty(r->issuer) || r->signing_algs.n == 0)
		abort();
	for (size_t i = 0; i < r->n_profiles; i++)
		if (r->profiles[i].n_fields == 0 || !realm_directory(r, r->profiles[i].directory))
			abort();
	for (size_t i = 0; i < r->n_clients; i++)
		if (r->clients[i].auth != CLIENT_AUTH_NONE && r->clients[i].secret_hash.n != HASH_SIZE)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static bool ready;
	if (!ready)
		secret_init();
	ready = true;
	owned(arena) struct arena *a = arena_new();
	struct config *c = NULL;
	struct config_errors errors;
	enum err e = config_load_text(a, str_slice((const char *)data, size), &c, &errors);
	if ((e == OK) != (errors.n == 0) || (e == OK && !c))
		abort();
	struct str text = config_errors_text(a, "f", &errors);
	if (!str_utf8(text))
		abort();
	for (size_t i = 0; !e && i < c->n_realms; i++)
		check_realm(c, &c->realms[i]);
	return 0;
}
