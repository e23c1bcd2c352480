/* flow.h: an authorization request on its way through login and consent.
 *
 * The browser carries it, sealed, in the cookie "request" and in the forms on the way, so that the last form that was
 * sent decides where several windows are open. It stands in no URL. */
#ifndef USHER_WEB_FLOW_H
#define USHER_WEB_FLOW_H

#include "web/page.h"

struct flow {
	struct str value; /* of the cookie and of the form field "request" */
	struct authorize authorize;
};
/* Parks the request: sets the cookie. */
void flow_park(struct task *t, struct response *r, const struct authorize *a);
/* From the form field "request", else the cookie. ERR_EXPIRED: none, or past its time. */
enum err flow_find(struct task *t, const struct request *q, struct flow *ret) must_use;
/* Makes the flow's value the browser's cookie: the form's request is the one that goes on. */
void flow_keep(struct task *t, struct response *r, const struct flow *f);
/* Whether the session's login happened after the request was parked. */
bool flow_fresh(const struct flow *f, const struct login_state *login);
/* Removes the cookie. */
void flow_end(struct task *t, struct response *r);
/* The answer to the client: a redirect, or a page whose form is posted there. */
enum err flow_answer(struct task *t, struct request *q, struct response *r, const struct authorize *a,
	const struct answer *answer) must_use;
/* Makes the code and answers. */
enum err flow_grant(
	struct task *t, struct request *q, struct response *r, const struct authorize *a, bool consented) must_use;
/* An OAuth error to the client; errors that are not of the protocol's are returned as they are. */
enum err flow_refuse(
	struct task *t, struct request *q, struct response *r, const struct authorize *a, enum err code) must_use;

#endif
