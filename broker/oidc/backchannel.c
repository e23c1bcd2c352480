/* OpenID Connect Back-Channel Logout 1.0: the logout token, and its way to the application. */
#include <curl/curl.h>

#include "base/clock.h"
#include "base/encode.h"
#include "broker/oidc/oidc_private.h"

#define EVENT        "http://schemas.openid.net/event/backchannel-logout" /* 2.4 */
#define TOKEN_LIFE_S 120                                                  /* 2.4 recommends two minutes at most */
#define CONNECT_MS   5000
#define WHOLE_MS     10000
#define ANSWER_MAX   4096u
#define SAID_MAX     200u

OWNED(curl, CURL *, curl_easy_cleanup)
OWNED(slist, struct curl_slist *, curl_slist_free_all)

/* ---- the token ---- */

static json_t *events(void) {
	json_t *all = json_object();
	json_object_set_new(all, EVENT, json_object());
	return all;
}

enum err logout_token_make(struct task *t, const struct logout_notice *n, struct str *ret) {
	owned(json) json_t *claims = json_object();
	const struct jose_key *key = NULL;
	int64_t now = clock_wall_ms() / 1000;
	TRY(keyset_signer(t, n->client->signing_alg, &key));
	TRY(claim_text(t, claims, "iss", t->realm->issuer));
	TRY(claim_text(t, claims, "aud", n->client->id));
	json_object_set_new(claims, "iat", json_integer(now));
	json_object_set_new(claims, "exp", json_integer(now + TOKEN_LIFE_S));
	TRY(claim_text(t, claims, "jti", n->jti));
	TRY(claim_text(t, claims, "sub", n->sub));
	TRY(claim_text(t, claims, "sid", n->sid));
	json_object_set_new(claims, "events", events());
	return jws_sign(t, key, STR(TYP_LOGOUT), json_text(t->arena, claims), ret);
}

/* ---- sending ---- */

struct delivery {
	struct buf answer;
	char error[CURL_ERROR_SIZE];
	CURLcode code;
	long status;
};

/* What is beyond the bound is not waited for. */
static size_t on_write(char *from, size_t size, size_t n, void *data) {
	struct delivery *d = data;
	buf_put(&d->answer, (struct str){from, size * n});
	return buf_full(&d->answer) ? 0 : size * n;
}

#define SET(option, value) (ok = ok && curl_easy_setopt(curl, (option), (value)) == CURLE_OK)

static bool options_set(CURL *curl, struct delivery *d, const char *uri, struct str form, long ms) {
	bool ok = true;
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_URL, uri);
	SET(CURLOPT_PROXY, ""); /* none from the environment */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, ms < CONNECT_MS ? ms : (long)CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, ms);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)form.n);
	SET(CURLOPT_POSTFIELDS, form.p);
	SET(CURLOPT_USERAGENT, "usherd");
	SET(CURLOPT_WRITEFUNCTION, on_write);
	SET(CURLOPT_WRITEDATA, d);
	SET(CURLOPT_ERRORBUFFER, d->error);
	return ok;
}

/* A handle of its own each time: logouts are rare, and a connection that lay idle would be a case more. */
static enum err deliver(struct task *t, const struct client_config *c, struct str form, struct delivery *d) {
	int64_t left = task_left_ms(t);
	const char *uri = NULL;
	TRY(task_cstr(t, c->backchannel_logout_uri, &uri));
	if (left <= 0)
		return task_fail(t, ERR_TIMEOUT, "no time left");
	owned(slist) struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
	owned(curl) CURL *curl = curl_easy_init(); /* starts libcurl by itself, safely from many threads since 7.84 */
	bool ready = curl && headers && options_set(curl, d, uri, form, left < WHOLE_MS ? (long)left : (long)WHOLE_MS);
	if (!ready || curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK)
		return task_fail(t, ERR_INTERNAL, "libcurl cannot start, or lacks an option");
	d->code = curl_easy_perform(curl);
	err_ignore(curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &d->status) ? ERR_INTERNAL : OK, "then it stays 0");
	return OK;
}

/* ---- the outcome ---- */

/* The error object of 2.8, if there is one. */
static struct str said(struct task *t, const struct delivery *d) {
	owned(json) json_t *object = NULL;
	if (json_parse(t, buf_str(&d->answer), &object)) {
		task_clear(t);
		return STR("");
	}
	struct str error = json_member_str(object, "error"), why = json_member_str(object, "error_description");
	if (str_empty(error))
		return STR("");
	return str_printf(t->arena, ": %.*s%s%.*s", FMT(str_sub(error, 0, SAID_MAX)), str_empty(why) ? "" : ", ",
		FMT(str_sub(why, 0, SAID_MAX)));
}

/* 2.8: 200 is done; some frameworks answer 204 where there is no body. 400: the token is refused, and would be again.
 */
static enum err outcome(struct task *t, const struct job *j, const struct delivery *d) {
	if (d->status == 200 || d->status == 204)
		return OK;
	if (d->status == 400)
		return task_fail(t, ERR_REFUSED, "it refuses the logout token%.*s%s", FMT(said(t, d)),
			j->attempts > 1 ? "; an earlier try may have reached it" : "");
	if (d->status)
		return task_fail(t, ERR_UNAVAILABLE, "it answers %ld", d->status);
	return task_fail(t, d->code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s",
		d->error[0] ? d->error : curl_easy_strerror(d->code));
}

static enum err notify(struct task *t, const struct job *j, const struct logout_notice *n) {
	struct delivery d = {.answer = buf_new(t->arena, ANSWER_MAX)};
	struct str token = STR_NONE;
	TRY(logout_token_make(t, n, &token));
	TRY(store_settle(t));
	TRY(deliver(t, n->client, str_printf(t->arena, "logout_token=%.*s", FMT(token)), &d));
	return outcome(t, j, &d);
}

enum err backchannel_run(struct task *t, const struct job *j) {
	owned(json) json_t *body = NULL;
	TRY(json_parse(t, j->body, &body));
	struct logout_notice n = {
		.client = realm_client(t->realm, json_member_str(body, "client")),
		.sub = json_member_str(body, "sub"),
		.sid = json_member_str(body, "sid"),
		.jti = j->id,
	};
	if (!n.client || str_empty(n.client->backchannel_logout_uri))
		return OK; /* taken out of the configuration since: nobody is to be told */
	enum err e = notify(t, j, &n);
	return e ? task_fail(t, e, "client %.*s at %.*s", FMT(n.client->id), FMT(n.client->backchannel_logout_uri))
		 : OK;
}
