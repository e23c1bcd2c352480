/* OpenID Connect Core 5.3. */
#include "broker/oidc/oidc_private.h"

static enum err answer(struct task *t, const struct access *a, const struct grant *g, struct str *ret_json) {
	struct account *account = NULL;
	struct person person = {0};
	owned(json) json_t *claims = json_object();
	TRY(grant_person(t, g, &account, &person));
	if (!str_eq(account->sub, a->sub))
		return task_fail(t, ERR_TOKEN, "the access token is for somebody else");
	TRY(claim_text(t, claims, "sub", account->sub));
	TRY(claims_collect(t, a->client, a->scope, account, &person, claims));
	*ret_json = json_text(t->arena, claims);
	return OK;
}

enum err oidc_userinfo(struct task *t, struct str bearer, struct str *ret_json) {
	struct access a;
	struct grant *g = NULL;
	if (str_empty(bearer))
		return task_fail(t, ERR_TOKEN, "there is no access token");
	TRY(access_token_read(t, bearer, false, &a));
	TRY(access_token_live(t, &a, &g));
	if (!g || !scope_includes(a.scope, STR("openid")))
		return task_fail(t, ERR_INSUFFICIENT_SCOPE, "the access token lacks the scope openid");
	return answer(t, &a, g, ret_json);
}
