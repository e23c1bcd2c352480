/* Access tokens: JWTs of RFC 9068. "jti" of a person's is "<grant>.<random>", so that a token leads to its grant; a
 * client's own has no dot. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

#define JTI_BYTES   16u
#define PAYLOAD_MAX (LIMIT_JWS / 2)

struct str secret_hash(struct arena *a, struct str secret) {
	return base64url_encode(a, sha256(a, secret));
}

/* ---- making ---- */

/* Letters that stand for themselves in JSON, and need not be read as UTF-8: nearly all that a token says. */
static bool is_plain(struct str s) {
	unsigned char odd = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		odd |= c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&';
	}
	return !odd;
}

static void put_text(struct buf *b, struct str name, struct str value) {
	buf_put(b, name);
	if (!is_plain(value)) {
		json_escape(b, value);
		return;
	}
	buf_byte(b, '"');
	buf_put(b, value);
	buf_byte(b, '"');
}

static void put_number(struct buf *b, struct str name, int64_t value) {
	char digits[24];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_put(b, name);
	buf_put(b, str_slice(digits + at, sizeof(digits) - at));
}

static void put_audience(struct buf *b, struct str issuer, struct strs others) {
	if (others.n == 0) {
		put_text(b, STR(",\"aud\":"), issuer);
		return;
	}
	put_text(b, STR(",\"aud\":["), issuer);
	for (size_t i = 0; i < others.n; i++)
		put_text(b, STR(","), others.v[i]);
	buf_byte(b, ']');
}

static void put_jti(struct buf *b, const struct grant *g) {
	buf_put(b, STR(",\"jti\":\""));
	if (g) {
		buf_put(b, g->id);
		buf_byte(b, '.');
	}
	buf_put(b, random_token(b->arena, JTI_BYTES));
	buf_byte(b, '"');
}

/* The members of an object, put at the end of another that is open still. */
static enum err put_roles(struct task *t, struct buf *b, const struct bearer *who) {
	owned(json) json_t *roles = json_object();
	TRY(claims_in_token(t, who, roles));
	struct str text = json_text(t->arena, roles);
	if (json_object_size(roles) == 0)
		return OK;
	buf_byte(b, ',');
	buf_put(b, str_sub(text, 1, text.n - 2));
	return OK;
}

enum err access_token_make(struct task *t, const struct bearer *b, struct str *ret) {
	const struct client_config *c = b->client;
	const struct jose_key *key = NULL;
	struct str token = STR_NONE;
	int64_t now = clock_wall_ms() / 1000, exp = now + c->access_ttl;
	TRY(keyset_signer(t, c->signing_alg, &key));
	struct buf p = buf_new(t->arena, PAYLOAD_MAX);
	put_text(&p, STR("{\"iss\":"), t->realm->issuer);
	put_text(&p, STR(",\"sub\":"), b->account ? b->account->sub : c->id);
	put_audience(&p, t->realm->issuer, c->audience);
	put_number(&p, STR(",\"exp\":"), exp);
	put_number(&p, STR(",\"iat\":"), now);
	put_jti(&p, b->grant);
	put_text(&p, STR(",\"client_id\":"), c->id);
	if (!str_empty(b->scope))
		put_text(&p, STR(",\"scope\":"), b->scope);
	if (b->grant)
		put_number(&p, STR(",\"auth_time\":"), b->grant->auth_time / 1000);
	if (b->person)
		TRY(put_roles(t, &p, b));
	buf_byte(&p, '}');
	if (buf_full(&p))
		return task_fail(t, ERR_TOO_LARGE, "an access token for %.*s would be too large; lower roles.budget",
			FMT(c->id));
	TRY(jws_sign(t, key, STR(TYP_ACCESS), buf_str(&p), &token));
	if (b->account) /* a client's own rarely comes back to us, and is made on event threads by the ten thousand */
		token_cache_add(t->realm_name, token, exp);
	*ret = token;
	return OK;
}

/* ---- reading ---- */

/* The key must still be one of ours, also for a token that was seen before. */
static enum err signature_check(struct task *t, struct str token, const struct jws *j, bool *ret_seen) {
	const struct jose_key *key = NULL;
	TRY(keyset_verifier(t, j->kid, &key));
	*ret_seen = token_cache_has(t->realm_name, token);
	return *ret_seen ? OK : jws_verify(t, key, j);
}

static struct strs audience_of(struct arena *a, const json_t *claims) {
	const json_t *aud = json_object_get(claims, "aud"), *one;
	struct strs list = {0};
	size_t i;
	if (json_is_string(aud))
		strs_add(a, &list, str_dup(a, json_member_str(claims, "aud")));
	json_array_foreach(aud, i, one) if (json_is_string(one))
		strs_add(a, &list, str_dup(a, str_of(json_string_value(one))));
	return list;
}

static struct str grant_of(struct str jti) {
	size_t dot = str_find(jti, '.', 0);
	return dot == jti.n ? STR("") : str_sub(jti, 0, dot);
}

static void claims_read(struct task *t, const json_t *claims, struct access *ret) {
	*ret = (struct access){
		.client = realm_client(t->realm, json_member_str(claims, "client_id")),
		.sub = str_dup(t->arena, json_member_str(claims, "sub")),
		.scope = str_dup(t->arena, json_member_str(claims, "scope")),
		.jti = str_dup(t->arena, json_member_str(claims, "jti")),
		.audience = audience_of(t->arena, claims),
		.iat = json_integer_value(json_object_get(claims, "iat")),
		.exp = json_integer_value(json_object_get(claims, "exp")),
	};
	ret->grant_id = grant_of(ret->jti);
}

static enum err refuse(struct task *t, const char *why) {
	task_clear(t);
	return task_fail(t, ERR_TOKEN, "%s", why);
}

enum err access_token_read(struct task *t, struct str token, bool any_time, struct access *ret) {
	struct jws j;
	struct access a;
	bool seen = false;
	owned(json) json_t *claims = NULL;
	if (jws_parse(t, token, &j) || !str_eq(j.typ, STR(TYP_ACCESS)))
		return refuse(t, "not an access token");
	enum err e = signature_check(t, token, &j, &seen);
	if (e == ERR_UNAVAILABLE)
		return e;
	if (e || json_parse(t, j.payload, &claims))
		return refuse(t, "the access token was not signed by this issuer");
	claims_read(t, claims, &a);
	if (!str_eq(json_member_str(claims, "iss"), t->realm->issuer) || !strs_has(a.audience, t->realm->issuer))
		return refuse(t, "the access token is for somebody else: iss or aud");
	if (!a.client || str_empty(a.sub) || str_empty(a.jti))
		return refuse(t, "the access token is for a client that is no longer known");
	if (!any_time && a.exp <= clock_wall_ms() / 1000)
		return refuse(t, "the access token expired");
	if (!seen)
		token_cache_add(t->realm_name, token, a.exp);
	*ret = a;
	return OK;
}

enum err access_token_live(struct task *t, const struct access *a, struct grant **ret_grant) {
	struct grant *g = NULL;
	bool revoked = false;
	if (str_empty(a->grant_id)) {
		TRY(revoked_tokens_has(t, a->jti, &revoked));
	} else {
		enum err e = grants_find(t, a->grant_id, &g);
		if (e && e != ERR_NOT_FOUND)
			return e;
		revoked = e || g->revoked_at || !str_eq(g->client, a->client->id);
	}
	if (revoked)
		return refuse(t, "the access token was revoked");
	*ret_grant = g;
	return OK;
}

enum err grant_person(struct task *t, const struct grant *g, struct account **ret_account, struct person *ret_person) {
	struct account *account = NULL;
	struct person person = {0};
	enum err e = accounts_find(t, g->account_id, &account);
	if (!e)
		e = login_person(t, account, &person);
	if (e == ERR_NOT_FOUND || e == ERR_DENIED)
		return refuse(t, "the person's account is gone or disabled");
	if (e)
		return e;
	if (ret_account)
		*ret_account = account;
	if (ret_person)
		*ret_person = person;
	return OK;
}
