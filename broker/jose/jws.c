#include <pthread.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/encode.h"
#include "broker/jose/jose_private.h"

#define SIGNATURE_ROOM (JOSE_RSA_BITS_MOST / 8)
#define HALF           32u /* bytes of r and of s, RFC 7518 3.4 */
#define SIGNERS        32u /* keys that a thread keeps ready */

OWNED(ecdsa_sig, ECDSA_SIG *, ECDSA_SIG_free)

const struct str jose_typs[JOSE_TYPS] = {{"JWT", 3}, {"at+jwt", 6}, {"logout+jwt", 10}};

/* ---- a thread's prepared contexts ---- */

struct signer {
	uint64_t serial;   /* of the key; 0: empty */
	EVP_PKEY *pkey;    /* a copy: threads that share one contend for its locks and counts */
	EVP_MD_CTX *ready; /* initialised, to be copied; NULL for EdDSA, whose contexts OpenSSL 3.0 cannot copy */
};
struct signers {
	struct signer v[SIGNERS];
	EVP_MD_CTX *work;
	unsigned next; /* to be given up */
};

static _Thread_local struct signers *mine;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void signer_clear(struct signer *s) {
	EVP_MD_CTX_free(s->ready);
	EVP_PKEY_free(s->pkey);
	*s = (struct signer){0};
}

static void signers_free(void *p) {
	struct signers *all = p;
	for (size_t i = 0; i < SIGNERS; i++)
		signer_clear(&all->v[i]);
	EVP_MD_CTX_free(all->work);
	free(all);
}

static void signers_register(void) {
	if (pthread_key_create(&at_thread_end, signers_free))
		abort();
}

/* ERR_INTERNAL on failure: OpenSSL out of memory. */
static enum err signers_mine(struct task *t, struct signers **ret) {
	if (!mine) {
		pthread_once(&once, signers_register);
		struct signers *all = calloc(1, sizeof(*all));
		if (all)
			all->work = EVP_MD_CTX_new();
		if (!all || !all->work || pthread_setspecific(at_thread_end, all)) {
			if (all)
				signers_free(all);
			return task_fail(t, ERR_INTERNAL, "signing context: out of memory");
		}
		mine = all;
	}
	*ret = mine;
	return OK;
}

/* RFC 7518 3.5: MGF1 with SHA-256, a salt as long as the digest. */
static bool padding_set(EVP_PKEY_CTX *ctx, enum jose_alg alg) {
	return alg != JOSE_PS256 || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
					    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0 &&
					    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static bool signer_prepare(struct signer *s, const struct jose_key *k) {
	EVP_PKEY_CTX *ctx = NULL; /* the context's own */
	s->pkey = EVP_PKEY_dup(k->pkey);
	if (!s->pkey || k->alg == JOSE_EDDSA)
		return s->pkey != NULL;
	s->ready = EVP_MD_CTX_new();
	return s->ready && EVP_DigestSignInit(s->ready, &ctx, EVP_sha256(), NULL, s->pkey) == 1 &&
	       padding_set(ctx, k->alg);
}

static enum err signer_find(struct task *t, struct signers *all, const struct jose_key *k, struct signer **ret) {
	for (size_t i = 0; i < SIGNERS; i++) {
		if (all->v[i].serial != k->serial)
			continue;
		*ret = &all->v[i];
		return OK;
	}
	struct signer *s = &all->v[all->next];
	all->next = (all->next + 1) % SIGNERS;
	signer_clear(s);
	if (!signer_prepare(s, k)) {
		signer_clear(s);
		return jose_openssl_fail(t, ERR_INTERNAL, "signing context");
	}
	s->serial = k->serial;
	*ret = s;
	return OK;
}

/* ---- signing ---- */

struct str jose_header_make(struct arena *a, const struct jose_key *k, struct str typ) {
	struct buf b = buf_new(a, LIMIT_JWS);
	buf_printf(&b, "{\"alg\":\"%s\",\"typ\":", jose_alg_name(k->alg));
	json_escape(&b, typ);
	buf_printf(&b, ",\"kid\":\"%.*s\"}", FMT(jose_key_kid(k)));
	struct str encoded = base64url_encode(a, buf_str(&b));
	return str_printf(a, "%.*s.", FMT(encoded));
}

static struct str header_of(struct arena *a, const struct jose_key *k, struct str typ) {
	for (size_t i = 0; i < JOSE_TYPS; i++)
		if (k->header[i].n && str_eq(typ, jose_typs[i]))
			return (struct str){k->header[i].p, k->header[i].n};
	return jose_header_make(a, k, typ);
}

/* DER to r and s of fixed width, RFC 7518 3.4; in place. */
static bool signature_flatten(unsigned char *bytes, size_t *n) {
	const unsigned char *at = bytes;
	owned(ecdsa_sig) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)*n);
	if (!sig)
		return false;
	*n = (size_t)HALF + HALF;
	return BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, HALF) == (int)HALF &&
	       BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + HALF, HALF) == (int)HALF;
}

/* *n is the room, then the length. */
static enum err bytes_sign(struct task *t, const struct jose_key *k, struct str input, unsigned char *to, size_t *n) {
	struct signers *all = NULL;
	struct signer *s = NULL;
	TRY(signers_mine(t, &all));
	TRY(signer_find(t, all, k, &s));
	bool ready;
	if (s->ready) {
		ready = EVP_MD_CTX_copy_ex(all->work, s->ready) == 1;
		EVP_MD_CTX_set_flags(all->work, EVP_MD_CTX_FLAG_FINALISE); /* it need not be copied once more to end */
	} else {
		ready = EVP_MD_CTX_reset(all->work) == 1 &&
			EVP_DigestSignInit(all->work, NULL, NULL, NULL, s->pkey) == 1;
	}
	if (!ready || EVP_DigestSign(all->work, to, n, (const unsigned char *)input.p, input.n) != 1 ||
		(k->alg == JOSE_ES256 && !signature_flatten(to, n)))
		return jose_openssl_fail(t, ERR_INTERNAL, "signature");
	return OK;
}

enum err jws_sign(struct task *t, const struct jose_key *k, struct str typ, struct str payload, struct str *ret) {
	if (!k->private)
		return task_fail(t, ERR_INVALID, "signature: the key is public only");
	unsigned char signature[SIGNATURE_ROOM];
	size_t n = sizeof(signature);
	struct str header = header_of(t->arena, k, typ), body = base64url_encode(t->arena, payload);
	char *p = arena_alloc(t->arena, header.n + body.n + 1 + (SIGNATURE_ROOM * 4 + 2) / 3);
	char *end = mempcpy(mempcpy(p, header.p, header.n), body.p, body.n);
	TRY(bytes_sign(t, k, (struct str){p, (size_t)(end - p)}, signature, &n));
	struct str last = base64url_encode(t->arena, (struct str){(char *)signature, n});
	*end++ = '.';
	end = mempcpy(end, last.p, last.n);
	*ret = (struct str){p, (size_t)(end - p)};
	return OK;
}

/* ---- reading ---- */

/* A member that may be absent, and must else be a text. */
static bool text_read(struct arena *a, const json_t *header, const char *name, struct str *ret) {
	const json_t *member = json_object_get(header, name);
	*ret = str_dup(a, json_member_str(header, name));
	return !member || json_is_string(member);
}

static enum err header_read(struct task *t, struct str text, struct jws *j) {
	owned(json) json_t *header = NULL;
	TRY(json_parse(t, text, &header));
	if (!json_is_object(header))
		return task_fail(t, ERR_INVALID, "JWS: header is no object");
	if (json_object_get(header, "crit") || json_object_get(header, "b64"))
		return task_fail(t, ERR_INVALID, "JWS: crit or b64 in header");
	if (!text_read(t->arena, header, "alg", &j->alg) || str_absent(j->alg) ||
		!text_read(t->arena, header, "typ", &j->typ) || !text_read(t->arena, header, "kid", &j->kid))
		return task_fail(t, ERR_INVALID, "JWS: alg, typ or kid in header");
	return OK;
}

enum err jws_parse(struct task *t, struct str compact, struct jws *ret) {
	struct jws j = {0};
	struct str header;
	if (compact.n > LIMIT_JWS)
		return task_fail(t, ERR_INVALID, "JWS: %zu bytes", compact.n);
	size_t first = str_find(compact, '.', 0), second = str_find(compact, '.', first + 1);
	if (first == compact.n || second == compact.n || str_find(compact, '.', second + 1) != compact.n)
		return task_fail(t, ERR_INVALID, "JWS: not three parts");
	j.signing_input = str_sub(compact, 0, second);
	if (!base64url_decode(t->arena, str_sub(compact, 0, first), &header) ||
		!base64url_decode(t->arena, str_sub(compact, first + 1, second - first - 1), &j.payload) ||
		!base64url_decode(t->arena, str_sub(compact, second + 1, compact.n), &j.signature))
		return task_fail(t, ERR_INVALID, "JWS: not base64url");
	TRY(header_read(t, header, &j));
	*ret = j;
	return OK;
}

/* ---- verifying ---- */

/* r and s to DER. */
static bool signature_unflatten(struct arena *a, struct str flat, struct str *ret) {
	const unsigned char *bytes = (const unsigned char *)flat.p;
	if (flat.n != (size_t)HALF + HALF)
		return false;
	owned(ecdsa_sig) ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(bytes, HALF, NULL), *s = BN_bin2bn(bytes + HALF, HALF, NULL);
	if (!sig || !r || !s || !ECDSA_SIG_set0(sig, r, s)) { /* takes both over when it succeeds */
		BN_free(r);
		BN_free(s);
		return false;
	}
	int n = i2d_ECDSA_SIG(sig, NULL);
	unsigned char *p = n > 0 ? arena_alloc(a, (size_t)n) : NULL, *end = p;
	if (!p || i2d_ECDSA_SIG(sig, &end) != n)
		return false;
	*ret = (struct str){(char *)p, (size_t)n};
	return true;
}

static bool is_signature(const struct jose_key *k, struct str input, struct str signature) {
	EVP_PKEY_CTX *ctx = NULL; /* the context's own */
	owned(evp_md_ctx) EVP_MD_CTX *md = EVP_MD_CTX_new();
	const EVP_MD *digest = k->alg == JOSE_EDDSA ? NULL : EVP_sha256();
	return md && EVP_DigestVerifyInit(md, &ctx, digest, NULL, k->pkey) == 1 && padding_set(ctx, k->alg) &&
	       EVP_DigestVerify(md, (const unsigned char *)signature.p, signature.n, (const unsigned char *)input.p,
		       input.n) == 1;
}

enum err jws_verify(struct task *t, const struct jose_key *k, const struct jws *j) {
	struct str signature = j->signature;
	if (!str_eq(j->alg, str_of(jose_alg_name(k->alg))))
		return task_fail(t, ERR_TOKEN, "JWS: alg is not the key's, %s", jose_alg_name(k->alg));
	if (k->alg == JOSE_ES256 && !signature_unflatten(t->arena, j->signature, &signature))
		return task_fail(t, ERR_TOKEN, "JWS: signature of %zu bytes", j->signature.n);
	if (str_empty(signature) || !is_signature(k, j->signing_input, signature))
		return jose_openssl_fail(t, ERR_TOKEN, "JWS: signature");
	return OK;
}
