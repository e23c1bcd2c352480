#include "base/clock.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

OWNED(jose_key, struct jose_key *, jose_key_free)

#define TOKEN_TTL_MAX_MS INT64_C(86400000) /* the longest that the configuration allows, see keys_client.c */
#define SKEW_MS          INT64_C(300000)

enum err keyset_generate(struct task *t, struct str alg, enum key_state state, struct signing_key *ret) {
	owned(jose_key) struct jose_key *key = NULL;
	enum jose_alg which;
	struct str der = STR_NONE;
	if (!jose_alg_find(alg, &which))
		return task_fail(t, ERR_CONFIG, "signing algorithm %.*s is not known", FMT(alg));
	TRY(jose_key_generate(t, which, &key));
	TRY(jose_key_private_der(t, key, &der));
	*ret = (struct signing_key){
		.kid = str_dup(t->arena, jose_key_kid(key)),
		.realm = t->realm_name,
		.alg = alg,
		.state = state,
		.public_jwk = jose_key_public_jwk(t->arena, key),
		.sealed = seal(t->arena, STR("signing_key"), der),
		.created_at = clock_wall_ms(),
	};
	return OK;
}

static bool has_active(const struct signing_key *rows, size_t n, struct str alg) {
	for (size_t i = 0; i < n; i++)
		if (rows[i].state == KEY_ACTIVE && str_eq(rows[i].alg, alg))
			return true;
	return false;
}

/* Under the store's write lock: another process may have been faster. */
static enum err insert_if_none(struct task *t, const struct signing_key *key) {
	struct signing_key *rows = NULL;
	size_t n = 0;
	TRY(signing_keys_list(t, &rows, &n));
	if (has_active(rows, n, key->alg))
		return OK;
	TRY(signing_keys_insert(t, key));
	return audit_record(t, "key.create", key->kid, AUDIT("alg", key->alg));
}

static enum err make_active(struct task *t, struct str alg) {
	struct signing_key key;
	TRY(keyset_generate(t, alg, KEY_ACTIVE, &key));
	TRY(store_begin(t));
	return store_end(t, insert_if_none(t, &key));
}

/* A retired key is of use until the last token that it signed ended, and to recognise an ID token for the length of a
 * session. */
static bool is_spent(const struct realm *r, const struct signing_key *k) {
	int64_t kept = r->session_ttl * 1000 > TOKEN_TTL_MAX_MS ? r->session_ttl * 1000 : TOKEN_TTL_MAX_MS;
	return k->state == KEY_RETIRED && k->retired_at + kept + SKEW_MS < clock_wall_ms();
}

static enum err remove_spent(struct task *t, const struct signing_key *rows, size_t n, bool *ret_changed) {
	for (size_t i = 0; i < n; i++) {
		if (!is_spent(t->realm, &rows[i]))
			continue;
		TRY(signing_keys_remove(t, rows[i].kid));
		*ret_changed = true;
	}
	return OK;
}

enum err keyset_rows(struct task *t, struct signing_key **ret, size_t *n) {
	struct signing_key *rows = NULL;
	size_t count = 0;
	bool changed = false;
	TRY(signing_keys_list(t, &rows, &count));
	for (size_t i = 0; i < t->realm->signing_algs.n; i++) {
		if (has_active(rows, count, t->realm->signing_algs.v[i]))
			continue;
		TRY(make_active(t, t->realm->signing_algs.v[i]));
		changed = true;
	}
	TRY(remove_spent(t, rows, count, &changed));
	if (changed)
		TRY(signing_keys_list(t, &rows, &count));
	*ret = rows;
	*n = count;
	return OK;
}

/* ---- rotation ---- */

static enum err retire_active(struct task *t, struct signing_key *rows, size_t n, struct str alg) {
	for (size_t i = 0; i < n; i++) {
		if (rows[i].state != KEY_ACTIVE || !str_eq(rows[i].alg, alg))
			continue;
		rows[i].state = KEY_RETIRED;
		rows[i].retired_at = clock_wall_ms();
		TRY(signing_keys_update(t, &rows[i]));
	}
	return OK;
}

static struct signing_key *waiting(struct signing_key *rows, size_t n, struct str alg) {
	for (size_t i = 0; i < n; i++)
		if (rows[i].state == KEY_NEXT && str_eq(rows[i].alg, alg))
			return &rows[i];
	return NULL;
}

static enum err rotate_rows(struct task *t, struct signing_key *fresh, bool now) {
	struct signing_key *rows = NULL;
	size_t n = 0;
	TRY(signing_keys_list(t, &rows, &n));
	struct signing_key *next = waiting(rows, n, fresh->alg);
	if (next && !now)
		return OK;
	fresh->state = now ? KEY_ACTIVE : KEY_NEXT;
	if (now)
		TRY(retire_active(t, rows, n, fresh->alg));
	if (next) {
		next->state = KEY_ACTIVE;
		TRY(signing_keys_update(t, next));
	} else {
		TRY(signing_keys_insert(t, fresh));
	}
	TRY(generation_bump(t));
	return audit_record(t, "key.rotate", next ? next->kid : fresh->kid, AUDIT("alg", fresh->alg),
		AUDIT("state", now ? STR("active") : STR("next")));
}

static enum err rotate_one(struct task *t, struct str alg, bool now) {
	struct signing_key fresh;
	TRY(keyset_generate(t, alg, KEY_NEXT, &fresh)); /* before the lock: it takes a while */
	TRY(store_begin(t));
	return store_end(t, rotate_rows(t, &fresh, now));
}

enum err keyset_rotate(struct task *t, struct str alg, bool now) {
	struct strs algs = t->realm->signing_algs;
	if (!str_empty(alg) && !strs_has(algs, alg))
		return task_fail(t, ERR_INVALID, "realm %.*s keeps no keys for %.*s", FMT(t->realm_name), FMT(alg));
	for (size_t i = 0; i < algs.n; i++)
		if (str_empty(alg) || str_eq(alg, algs.v[i]))
			TRY(rotate_one(t, algs.v[i], now));
	return OK;
}

/* ---- withdrawal ---- */

static enum err withdraw_row(struct task *t, struct str kid) {
	struct signing_key *rows = NULL;
	size_t n = 0, i = 0;
	TRY(signing_keys_list(t, &rows, &n));
	while (i < n && !str_eq(rows[i].kid, kid))
		i++;
	if (i == n)
		return task_fail(t, ERR_NOT_FOUND, "realm %.*s has no key %.*s", FMT(t->realm_name), FMT(kid));
	/* One whose algorithm no application uses by now can only be withdrawn: nothing rotates it. */
	if (rows[i].state == KEY_ACTIVE && strs_has(t->realm->signing_algs, rows[i].alg))
		return task_fail(t, ERR_STALE,
			"key %.*s signs: let another one sign first (usherctl keys rotate %.*s %.*s now)", FMT(kid),
			FMT(t->realm_name), FMT(rows[i].alg));
	TRY(signing_keys_remove(t, rows[i].kid));
	TRY(generation_bump(t));
	return audit_record(t, "key.withdraw", rows[i].kid, AUDIT("alg", rows[i].alg));
}

enum err keyset_withdraw(struct task *t, struct str kid) {
	TRY(store_begin(t));
	return store_end(t, withdraw_row(t, kid));
}
