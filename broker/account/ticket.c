#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "broker/account/account.h"

#define LEASE_MS 60000

static struct str ticket_hash(struct task *t, struct str secret) {
	return base64url_encode(t->arena, sha256(t->arena, secret));
}

enum err ticket_issue(struct task *t, const char *purpose, struct str id, struct str subject, struct str bound,
	int64_t ttl_s, struct str *ret_secret) {
	struct str key = secret_derive(t->arena, STR("ticket"));
	struct str text = str_printf(t->arena, "%s\n%.*s\n%.*s", purpose, FMT(t->realm_name), FMT(id));
	struct str secret = base64url_encode(t->arena, hmac_sha256(t->arena, key, text));
	int64_t now = clock_wall_ms();
	struct ticket k = {
		.hash = ticket_hash(t, secret),
		.realm = t->realm_name,
		.purpose = str_of(purpose),
		.subject = subject,
		.bound = bound,
		.created_at = now,
		.expires_at = now + ttl_s * 1000,
	};
	TRY(tickets_insert(t, &k));
	*ret_secret = secret;
	return OK;
}

/* Unknown, of another purpose, used and past its time are one answer: a link tells nothing about itself. */
enum err ticket_check(struct task *t, const char *purpose, struct str secret, struct ticket **ret) {
	struct ticket *k = NULL;
	if (str_empty(secret) || secret.n > 128)
		return task_fail(t, ERR_EXPIRED, "no link secret");
	enum err e = tickets_find(t, ticket_hash(t, secret), &k);
	if (e == ERR_NOT_FOUND)
		return task_fail(t, ERR_EXPIRED, "no such link");
	TRY(e);
	if (!str_eq(k->purpose, str_of(purpose)))
		return task_fail(t, ERR_EXPIRED, "a link for another purpose");
	if (k->used_at || k->expires_at <= clock_wall_ms())
		return task_fail(t, ERR_EXPIRED, "the link was used or is past its time");
	*ret = k;
	return OK;
}

enum err ticket_claim(struct task *t, const char *purpose, struct str secret, struct ticket **ret) {
	struct ticket *k = NULL;
	TRY(ticket_check(t, purpose, secret, &k));
	int64_t now = clock_wall_ms();
	TRY(tickets_lease(t, k->hash, now, now + LEASE_MS));
	*ret = k;
	return OK;
}

enum err ticket_release(struct task *t, const struct ticket *k) {
	return tickets_release(t, k->hash);
}

enum err ticket_redeem(struct task *t, const struct ticket *k) {
	return tickets_use(t, k->hash, clock_wall_ms());
}
