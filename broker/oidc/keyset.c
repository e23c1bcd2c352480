/* The keys of each realm in memory. A refresh builds a new set beside the old one and publishes it by one store of a
 * pointer, so that readers need no lock. Keys are parsed once and live as long as the process; an old set stays until
 * it has been out of use for longer than any task lasts. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

#define OLD_SET_MS (10 * TASK_JOB_MS)

struct keyset {
	struct arena *arena;
	struct realm_keys *realms;
	size_t n;
	struct keyset *older;
	int64_t replaced_at; /* monotonic */
};
struct parsed {
	struct str kid, realm;
	struct jose_key *key;
	struct parsed *next;
};

static _Atomic(struct keyset *) current;
static pthread_mutex_t refreshing = PTHREAD_MUTEX_INITIALIZER;
static struct arena *parsed_arena; /* under refreshing, as the list */
static struct parsed *parsed;

/* ---- reading ---- */

enum err keyset_find(struct task *t, const struct realm_keys **ret) {
	const struct keyset *set = atomic_load_explicit(&current, memory_order_acquire);
	for (size_t i = 0; set && i < set->n; i++) {
		if (!str_eq(set->realms[i].realm, t->realm_name))
			continue;
		*ret = &set->realms[i];
		return OK;
	}
	return task_fail(t, ERR_UNAVAILABLE, "the keys of realm %.*s are not loaded", FMT(t->realm_name));
}

enum err keyset_signer(struct task *t, struct str alg, const struct jose_key **ret) {
	const struct realm_keys *keys = NULL;
	enum jose_alg which;
	TRY(keyset_find(t, &keys));
	if (!jose_alg_find(alg, &which) || !keys->active[which])
		return task_fail(t, ERR_UNAVAILABLE, "realm %.*s has no key for %.*s", FMT(t->realm_name), FMT(alg));
	*ret = keys->active[which];
	return OK;
}

enum err keyset_verifier(struct task *t, struct str kid, const struct jose_key **ret) {
	const struct realm_keys *keys = NULL;
	TRY(keyset_find(t, &keys));
	for (size_t i = 0; i < keys->n; i++) {
		if (!str_eq(keys->keys[i].kid, kid))
			continue;
		*ret = keys->keys[i].key;
		return OK;
	}
	return task_fail(t, ERR_TOKEN, "the token names a key that is not one of realm %.*s", FMT(t->realm_name));
}

enum err oidc_metadata(struct task *t, struct str *ret) {
	const struct realm_keys *keys = NULL;
	TRY(keyset_find(t, &keys));
	*ret = keys->metadata;
	return OK;
}

enum err oidc_jwks(struct task *t, struct str *ret) {
	const struct realm_keys *keys = NULL;
	TRY(keyset_find(t, &keys));
	*ret = keys->jwks;
	return OK;
}

/* ---- building ---- */

static enum err key_open(struct task *t, const struct signing_key *row, struct jose_key **ret) {
	enum jose_alg alg;
	struct str der = STR_NONE;
	struct jose_key *key = NULL;
	if (!jose_alg_find(row->alg, &alg))
		return task_fail(t, ERR_CONFIG, "signing key %.*s has an unknown algorithm", FMT(row->kid));
	if (!unseal(t->arena, STR("signing_key"), row->sealed, &der))
		return task_fail(t, ERR_CONFIG,
			"signing key %.*s of realm %.*s was sealed with another key file (secrets.key_file): bring "
			"that one back, or, if it is lost, delete the rows of the table signing_key",
			FMT(row->kid), FMT(row->realm));
	TRY(jose_key_load(t, alg, der, &key));
	if (!str_eq(jose_key_kid(key), row->kid)) {
		jose_key_free(key);
		return task_fail(t, ERR_CONFIG, "signing key %.*s is another key", FMT(row->kid));
	}
	*ret = key;
	return OK;
}

enum err keyset_check(struct task *t, size_t *ret_n) {
	struct signing_key *rows = NULL;
	size_t n = 0;
	TRY(signing_keys_list(t, &rows, &n));
	for (size_t i = 0; i < n; i++) {
		struct jose_key *key = NULL;
		TRY(key_open(t, &rows[i], &key));
		jose_key_free(key);
	}
	*ret_n = n;
	return OK;
}

static enum err key_parse(struct task *t, const struct signing_key *row, const struct jose_key **ret) {
	for (const struct parsed *p = parsed; p; p = p->next) {
		if (!str_eq(p->kid, row->kid) || !str_eq(p->realm, row->realm))
			continue;
		*ret = p->key;
		return OK;
	}
	struct jose_key *key = NULL;
	TRY(key_open(t, row, &key));
	if (!parsed_arena)
		parsed_arena = arena_new();
	struct parsed *p = arena_new_of(parsed_arena, struct parsed);
	*p = (struct parsed){str_dup(parsed_arena, row->kid), str_dup(parsed_arena, row->realm), key, parsed};
	parsed = p;
	*ret = key;
	return OK;
}

static struct str jwks_make(struct arena *a, const struct realm_keys *keys) {
	struct buf b = buf_new(a, LIMIT_RESPONSE);
	buf_put(&b, STR("{\"keys\":["));
	for (size_t i = 0; i < keys->n; i++) {
		if (i)
			buf_byte(&b, ',');
		buf_put(&b, jose_key_public_jwk(a, keys->keys[i].key));
	}
	buf_put(&b, STR("]}"));
	return buf_str(&b);
}

struct key_rows {
	const struct signing_key *v;
	size_t n;
};

static enum err keys_add(
	struct task *t, struct arena *a, struct key_rows rows, enum key_state state, struct realm_keys *keys) {
	for (size_t i = 0; i < rows.n; i++) {
		const struct jose_key *key = NULL;
		if (rows.v[i].state != state)
			continue;
		TRY(key_parse(t, &rows.v[i], &key));
		keys->keys[keys->n++] = (struct public_key){str_dup(a, rows.v[i].kid), key};
		if (state == KEY_ACTIVE)
			keys->active[jose_key_alg(key)] = key;
	}
	return OK;
}

/* t->realm is the one to be built. */
static enum err realm_build(struct task *t, struct arena *a, struct realm_keys *ret) {
	struct signing_key *rows = NULL;
	size_t n = 0;
	TRY(keyset_rows(t, &rows, &n));
	struct realm_keys keys = {.realm = str_dup(a, t->realm_name), .keys = arena_array(a, struct public_key, n)};
	TRY(keys_add(t, a, (struct key_rows){rows, n}, KEY_ACTIVE,
		&keys)); /* first: there are libraries that look no further */
	TRY(keys_add(t, a, (struct key_rows){rows, n}, KEY_NEXT, &keys));
	TRY(keys_add(t, a, (struct key_rows){rows, n}, KEY_RETIRED, &keys));
	keys.metadata = metadata_make(a, t->realm);
	keys.jwks = jwks_make(a, &keys);
	*ret = keys;
	return OK;
}

static enum err set_build(struct task *t, struct keyset *set) {
	const struct realm *realm = t->realm;
	struct str name = t->realm_name;
	enum err e = OK;
	set->realms = arena_array(set->arena, struct realm_keys, t->config->n_realms);
	for (size_t i = 0; !e && i < t->config->n_realms; i++) {
		t->realm = &t->config->realms[i];
		t->realm_name = t->realm->id;
		e = realm_build(t, set->arena, &set->realms[set->n]);
		set->n += !e;
	}
	t->realm = realm;
	t->realm_name = name;
	return e;
}

/* Cuts off the sets that nobody can be using any more; the one replaced last always stays. */
static void sets_forget(struct keyset *newest) {
	struct keyset **at = newest->older ? &newest->older->older : &newest->older;
	while (*at && clock_monotonic_ms() - (*at)->replaced_at < OLD_SET_MS)
		at = &(*at)->older;
	struct keyset *gone = *at;
	*at = NULL;
	while (gone) {
		struct keyset *next = gone->older;
		arena_free(gone->arena); /* it holds the set itself */
		gone = next;
	}
}

static enum err refresh(struct task *t) {
	struct arena *a = arena_new();
	struct keyset *set = arena_new_of(a, struct keyset);
	set->arena = a;
	enum err e = set_build(t, set);
	if (e) {
		arena_free(a);
		return e;
	}
	set->older = atomic_load_explicit(&current, memory_order_relaxed);
	if (set->older)
		set->older->replaced_at = clock_monotonic_ms();
	atomic_store_explicit(&current, set, memory_order_release);
	sets_forget(set);
	return OK;
}

enum err keyset_refresh(struct task *t) {
	pthread_mutex_lock(&refreshing);
	enum err e = refresh(t);
	pthread_mutex_unlock(&refreshing);
	return e;
}
