/* OpenID Connect RP-Initiated Logout 1.0, 2. */
#include "broker/oidc/oidc_private.h"

#define STATE_MAX 2048u

static enum err client_choose(struct task *t, struct params p, struct logout_request *q) {
	struct str hint = param(p, "id_token_hint"), id = param(p, "client_id");
	struct hint found;
	if (!str_empty(hint)) {
		TRY(hint_read(t, hint, &found));
		q->client = found.client;
		q->sub = found.sub;
		q->sid = found.sid;
	}
	if (str_empty(id))
		return OK;
	const struct client_config *named = realm_client(t->realm, id);
	if (!named)
		return task_fail(t, ERR_INVALID, "client_id %.*s is not known in realm %.*s", FMT(str_sub(id, 0, 200)),
			FMT(t->realm_name));
	if (q->client && q->client != named)
		return task_fail(t, ERR_INVALID, "client_id is not the client that id_token_hint was made for");
	q->client = named;
	return OK;
}

static enum err target_choose(struct task *t, struct params p, struct logout_request *q) {
	struct str uri = param(p, "post_logout_redirect_uri"), state = param(p, "state");
	if (str_empty(uri))
		return OK;
	if (!q->client)
		return task_fail(t, ERR_INVALID, "post_logout_redirect_uri needs id_token_hint or client_id beside it");
	if (!strs_has(q->client->post_logout_redirect_uris, uri))
		return task_fail(t, ERR_INVALID, "post_logout_redirect_uri %.*s is not registered for client %.*s",
			FMT(str_sub(uri, 0, 500)), FMT(q->client->id));
	if (state.n > STATE_MAX)
		return task_fail(t, ERR_INVALID, "state is longer than %u bytes", STATE_MAX);
	q->post_logout_redirect_uri = uri;
	q->state = str_absent(state) ? STR("") : state;
	return OK;
}

enum err logout_read(struct task *t, struct params p, const struct login_state *state, struct logout_request *ret) {
	struct logout_request q = {
		.post_logout_redirect_uri = STR(""), .state = STR(""), .sub = STR(""), .sid = STR("")};
	TRY(client_choose(t, p, &q));
	TRY(target_choose(t, p, &q));
	q.confirm = state && (str_empty(q.sub) || !str_eq(q.sub, state->account->sub));
	*ret = q;
	return OK;
}
