/* Endpoints that answer JSON, and one a JWT. What is wrong is said by oauth_error (route.oauth). */
#include "web/endpoints/endpoints.h"

static struct credentials credentials_of(const struct request *q) {
	return (struct credentials){.authorization = q->authorization, .form = q->form};
}

enum err endpoint_token(struct task *t, struct request *q, struct response *r) {
	struct credentials c = credentials_of(q);
	struct str json;
	TRY(oidc_token(t, &c, &json));
	response_json(r, 200, json);
	return OK;
}

enum err endpoint_introspect(struct task *t, struct request *q, struct response *r) {
	struct credentials c = credentials_of(q);
	struct str json;
	TRY(oidc_introspect(t, &c, &json));
	response_json(r, 200, json);
	return OK;
}

/* RFC 7009 2.2: 200 also for a token that is unknown. */
enum err endpoint_revoke(struct task *t, struct request *q, struct response *r) {
	struct credentials c = credentials_of(q);
	TRY(oidc_revoke(t, &c));
	response_json(r, 200, STR("{}"));
	return OK;
}

/* RFC 6750 2: one method only; a token in the query is not read. */
static enum err bearer_of(struct task *t, const struct request *q, struct str *ret) {
	struct str posted = q->method == METHOD_POST ? param(q->form, "access_token") : STR_NONE;
	struct str scheme = str_sub(q->authorization, 0, 7);
	bool header = str_eq_case(scheme, STR("Bearer "));
	if (header && !str_empty(posted))
		return task_fail(t, ERR_INVALID, "a token in header and form");
	if (!header && str_empty(posted))
		return task_fail(t, ERR_LOGIN, "no token");
	*ret = header ? str_trim(str_sub(q->authorization, 7, q->authorization.n)) : posted;
	return OK;
}

enum err endpoint_userinfo(struct task *t, struct request *q, struct response *r) {
	struct str bearer, json;
	TRY(bearer_of(t, q, &bearer));
	TRY(oidc_userinfo(t, bearer, &json));
	response_json(r, 200, json);
	return OK;
}

enum err endpoint_claims(struct task *t, struct request *q, struct response *r) {
	struct str bearer, jwt;
	TRY(bearer_of(t, q, &bearer));
	TRY(oidc_claims(t, bearer, &jwt));
	response_json(r, 200, jwt);
	response_header(r, "Content-Type", STR("application/jwt")); /* RFC 7519 10.3.1 */
	return OK;
}
