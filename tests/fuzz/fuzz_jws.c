/* Tokens, keys and JSON from outside. Whatever is read, nothing verifies that was not signed by the key; a key that is
 * taken writes a JWK that is taken again as the same one. The first byte chooses the algorithm. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/encode.h"
#include "base/secret.h"
#include "broker/jose/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

OWNED(jose_key, struct jose_key *, jose_key_free)

static struct jose_key *keys[JOSE_ALGS];

static void check(bool holds) {
	if (!holds)
		abort();
}

static void make_keys(struct task *t) {
	secret_init();
	for (size_t i = 0; i < JOSE_ALGS; i++)
		check(jose_key_generate(t, (enum jose_alg)i, &keys[i]) == OK);
}

static void read_token(struct task *t, struct str s, const struct jose_key *k) {
	struct jws j = {0};
	if (jws_parse(t, s, &j)) {
		check(str_absent(j.alg) && str_absent(j.signature));
		return;
	}
	check(!str_absent(j.alg) && str_starts(s, j.signing_input));
	check(jws_verify(t, k, &j) == ERR_TOKEN);
}

/* The input as a header, and as a signature, of an otherwise right token. */
static void read_parts(struct task *t, struct str s, const struct jose_key *k) {
	struct str token = STR_NONE;
	struct jws j = {0};
	check(jws_sign(t, k, STR("JWT"), s, &token) == OK && token.n > 0);
	if (token.n <= LIMIT_JWS) {
		check(jws_parse(t, token, &j) == OK && str_eq(j.payload, s) && jws_verify(t, k, &j) == OK);
		struct str right = j.signature;
		j.signature = s;
		check(jws_verify(t, k, &j) == ERR_TOKEN || str_eq(s, right));
	}
	struct str header = base64url_encode(t->arena, s);
	read_token(t, str_printf(t->arena, "%.*s.e30.eHg", FMT(header)), k);
}

static void read_key(struct task *t, struct str s, enum jose_alg alg) {
	owned(jose_key) struct jose_key *k = NULL, *again = NULL;
	if (jose_key_from_jwk(t, alg, s, &k) == OK) {
		check(jose_key_from_jwk(t, alg, jose_key_public_jwk(t->arena, k), &again) == OK);
		check(str_eq(jose_key_kid(k), jose_key_kid(again)));
	}
	check((k == NULL) == (again == NULL));
	owned(jose_key) struct jose_key *private = NULL;
	err_ignore(jose_key_load(t, alg, s, &private), "it need not be a key");
}

static void read_json(struct task *t, struct str s) {
	owned(json) json_t *j = NULL, *again = NULL;
	if (json_parse(t, s, &j)) {
		check(j == NULL);
		return;
	}
	struct str text = json_text(t->arena, j);
	check(str_utf8(s) && json_parse(t, text, &again) == OK && str_eq(json_text(t->arena, again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0 || size > LIMIT_JWS + 64)
		return 0;
	owned(arena) struct arena *a = arena_new();
	struct task t;
	task_begin(&t, a, NULL, TASK_PAGE_MS);
	if (!keys[0])
		make_keys(&t);
	enum jose_alg alg = (enum jose_alg)(data[0] % JOSE_ALGS);
	struct str s = str_dup(a, str_slice((const char *)data + 1, size - 1)); /* an overrun of it is seen */
	read_token(&t, s, keys[alg]);
	if (alg != JOSE_RS256 && alg != JOSE_PS256) /* whose signatures are too slow to make for each input */
		read_parts(&t, s, keys[alg]);
	read_key(&t, s, alg);
	read_json(&t, s);
	return 0;
}
