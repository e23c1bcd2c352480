#include "scenario.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "letters.h"

#define PATH_MOST 4096
#define CALLBACK  "http%%3A%%2F%%2F127.0.0.1%%3A9%%2Fcallback" /* within formats */
#define PASSWORD  "Quiet-7391-harbour-lantern"

static bool fail(struct user *u, const char *why) {
	u->problem = why;
	return false;
}

/* "@/token" is a path of the realm. */
static bool ask(struct user *u, const char *path, const char *headers, const char *form, int status) {
	char whole[PATH_MOST + 128];
	snprintf(whole, sizeof(whole), "%s%s%s", *path == '/' ? "" : "/realms/", *path == '/' ? "" : u->target->realm,
		*path == '/' ? path : path + 1);
	if (!client_send(&u->http, whole, headers, form))
		return fail(u, "no answer");
	return u->http.status == status || fail(u, u->http.body);
}

static const char *basic(const struct user *u, const char *client, char *to, size_t room) {
	char pair[256], coded[512];
	int n = snprintf(pair, sizeof(pair), "%s:%s", client, u->target->secret);
	EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)pair, n);
	snprintf(to, room, "Authorization: Basic %s\r\n", coded);
	return to;
}

/* ---- what needs no person ---- */
static bool bare(struct user *u) {
	return ask(u, "/", "", NULL, 200);
}

static bool discovery(struct user *u) {
	return ask(u, "@/.well-known/openid-configuration", "", NULL, 200);
}

static bool jwks(struct user *u) {
	return ask(u, "@/jwks", "", NULL, 200);
}

static bool client_credentials(struct user *u, const char *path, const char *client) {
	char header[600];
	return ask(u, path, basic(u, client, header, sizeof(header)), "grant_type=client_credentials", 200);
}

static bool cc_rs256(struct user *u) {
	return client_credentials(u, "@/token", "robot-rs");
}

static bool cc_es256(struct user *u) {
	return client_credentials(u, "@/token", "robot-es");
}

/* The same request to who only answers. */
static bool bare_token(struct user *u) {
	return client_credentials(u, "/", "robot-es");
}

/* ---- login: authorization code and PKCE, RFC 7636 ---- */
static void base64url(const unsigned char *bytes, int n, char *to) {
	size_t end = (size_t)EVP_EncodeBlock((unsigned char *)to, bytes, n);
	while (end && to[end - 1] == '=')
		to[--end] = 0;
	for (char *p = to; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
}

static void proof_make(char verifier[64], char challenge[64]) {
	unsigned char bytes[32];
	RAND_bytes(bytes, sizeof(bytes));
	base64url(bytes, sizeof(bytes), verifier);
	EVP_Digest(verifier, strlen(verifier), bytes, NULL, EVP_sha256(), NULL);
	base64url(bytes, sizeof(bytes), challenge);
}

/* GET /authorize, which leads to /login; the code's verifier is left. */
static bool authorize(struct user *u, char verifier[64]) {
	char path[PATH_MOST], challenge[64];
	proof_make(verifier, challenge);
	snprintf(path, sizeof(path),
		"@/authorize?response_type=code&client_id=app&redirect_uri=" CALLBACK "&state=s%u&nonce=n%u"
		"&scope=openid%%20profile%%20email%%20roles%%20offline_access&code_challenge=%s&code_challenge_method="
		"S256",
		u->turn, u->turn, challenge);
	return ask(u, path, "", NULL, 303);
}

static bool login_form(struct user *u, char csrf[256], char request[PATH_MOST]) {
	if (!ask(u, u->http.location, "", NULL, 200))
		return false;
	request[0] = 0;
	client_find(&u->http, "name=\"request\" value=\"", '"', request, PATH_MOST);
	return client_find(&u->http, "name=\"csrf\" value=\"", '"', csrf, 256) || fail(u, "no csrf token on the page");
}

static bool redeem(struct user *u, const char *code, const char *verifier) {
	char header[600], form[PATH_MOST];
	snprintf(form, sizeof(form), "grant_type=authorization_code&code=%s&redirect_uri=" CALLBACK "&code_verifier=%s",
		code, verifier);
	client_forget(&u->http); /* the application asks, not the browser */
	return ask(u, "@/token", basic(u, "app", header, sizeof(header)), form, 200) &&
	       ((client_find(&u->http, "\"access_token\":\"", '"', u->access, TOKEN_MOST) &&
			client_find(&u->http, "\"refresh_token\":\"", '"', u->refresh, TOKEN_MOST)) ||
		       fail(u, "no tokens in the answer"));
}

static bool login(struct user *u) {
	const struct target *t = u->target;
	char verifier[64], csrf[256], request[PATH_MOST], form[2 * PATH_MOST], code[256];
	unsigned who = (u->turn * u->users + u->number) % t->n_logins;
	client_forget(&u->http);
	if (!authorize(u, verifier) || !login_form(u, csrf, request))
		return false;
	snprintf(form, sizeof(form), "csrf=%s&request=%s&username=%s%05u&password=%s&login=login", csrf, request,
		t->logins, who, t->password);
	if (!ask(u, "@/login", "Sec-Fetch-Site: same-origin\r\n", form, 303) ||
		!ask(u, u->http.location, "", NULL, 303))
		return false;
	if (sscanf(u->http.location, "/callback?code=%255[^&]", code) != 1)
		return fail(u, "no code in the redirect to the application");
	return redeem(u, code, verifier);
}

/* ---- what a login leaves ---- */
static bool introspect(struct user *u) {
	char header[600], form[TOKEN_MOST + 16];
	snprintf(form, sizeof(form), "token=%s", u->access);
	return ask(u, "@/introspect", basic(u, "app", header, sizeof(header)), form, 200) &&
	       (strstr(u->http.body, "\"active\":true") || fail(u, u->http.body));
}

static bool userinfo(struct user *u) {
	char header[TOKEN_MOST + 64];
	snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", u->access);
	return ask(u, "@/userinfo", header, NULL, 200);
}

static bool refresh(struct user *u) {
	char header[600], form[TOKEN_MOST + 64];
	snprintf(form, sizeof(form), "grant_type=refresh_token&refresh_token=%s", u->refresh);
	return ask(u, "@/token", basic(u, "app", header, sizeof(header)), form, 200) &&
	       (client_find(&u->http, "\"refresh_token\":\"", '"', u->refresh, TOKEN_MOST) || fail(u, "not rotated"));
}

/* ---- registration: form, mail, its link's button, first password ---- */
static bool submit(struct user *u, const char *page, const char *rest, int status) {
	char form[PATH_MOST], csrf[256], secret[256] = "";
	if (!client_find(&u->http, "name=\"csrf\" value=\"", '"', csrf, sizeof(csrf)))
		return fail(u, "no csrf token on the page");
	client_find(&u->http, "name=\"t\" value=\"", '"', secret, sizeof(secret));
	snprintf(form, sizeof(form), "csrf=%s%s%s&%s", csrf, *secret ? "&t=" : "", secret, rest);
	return ask(u, page, "Sec-Fetch-Site: same-origin\r\n", form, status);
}

static bool registration(struct user *u) {
	char rest[512], link[LINK_MOST];
	client_forget(&u->http);
	letters_expect(u->number);
	snprintf(rest, sizeof(rest),
		"given_name=Person%ux%u&family_name=Of-Load&mail=u%u.t%u.%s%%40bench.test&hp-website=&register="
		"register",
		u->number, u->turn, u->number, u->turn, u->target->logins);
	if (!ask(u, "@/register/guest", "", NULL, 200) || !submit(u, "@/register/guest", rest, 200))
		return false;
	if (!letters_wait(u->number, link))
		return fail(u, "no mail within 10 s");
	return ask(u, link, "", NULL, 200) && submit(u, "@/verify", "verify=verify", 303) &&
	       ask(u, u->http.location, "", NULL, 200) &&
	       submit(u, "@/activate", "password=" PASSWORD "&password_again=" PASSWORD "&activate=activate", 200);
}

static const struct scenario scenarios[] = {
	{"bare", NULL, bare, false},
	{"bare-token", NULL, bare_token, false},
	{"discovery", NULL, discovery, false},
	{"jwks", NULL, jwks, false},
	{"cc-rs256", NULL, cc_rs256, false},
	{"cc-es256", NULL, cc_es256, false},
	{"introspect", login, introspect, false},
	{"userinfo", login, userinfo, false},
	{"refresh", login, refresh, false},
	{"login", NULL, login, false},
	{"register", NULL, registration, true},
};

const struct scenario *scenario_find(const char *name) {
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		if (!strcmp(scenarios[i].name, name))
			return &scenarios[i];
	return NULL;
}
