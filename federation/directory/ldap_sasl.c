#if __has_include("build.h")
#include "build.h"
#endif
#ifdef USHER_GSSAPI /* before base/banned.h: a field of krb5.h has a banned name */
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <sasl/sasl.h>
#endif
#include "base/clock.h"
#include "federation/directory/health.h"
#include "federation/directory/ldap_sasl.h"
#include "federation/directory/ticket.h"

#define STEPS_MOST 8 /* of one bind; GSSAPI has three */

#ifdef USHER_GSSAPI

static void gss_cred_free(gss_cred_id_t cred) {
	OM_uint32 minor = 0;
	gss_release_cred(&minor, &cred);
}
OWNED(gss_cred, gss_cred_id_t, gss_cred_free)

/* Name and keys come from the cache, so that no key distribution centre is asked here. */
static enum err credentials_of(struct task *t, const char *cache, gss_cred_id_t *ret) {
	gss_key_value_element_desc element = {"ccache", cache};
	gss_key_value_set_desc store = {1, &element};
	gss_OID_set_desc kerberos = {1, (gss_OID)gss_mech_krb5};
	OM_uint32 minor = 0;
	OM_uint32 major = gss_acquire_cred_from(
		&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &kerberos, GSS_C_INITIATE, &store, ret, NULL, NULL);
	if (GSS_ERROR(major))
		return task_fail(t, ERR_UNAVAILABLE, "Kerberos: no credentials (%u, %u)", major, minor);
	return OK;
}

/* Called once before the first token is made, when libldap has its SASL context: before, the option has nothing to be
 * set in. What is asked for is the name to act as, which is our own. */
static int interact(LDAP *ld, unsigned flags, void *defaults, void *prompts) {
	(void)flags;
	if (ldap_set_option(ld, LDAP_OPT_X_SASL_GSS_CREDS, defaults) != LDAP_OPT_SUCCESS)
		return LDAP_LOCAL_ERROR;
	for (sasl_interact_t *p = prompts; p->id != SASL_CB_LIST_END; p++) {
		p->result = "";
		p->len = 0;
	}
	return LDAP_SUCCESS;
}

/* NOCANON: the host is called as in the URI; a name that the network told would be anybody's. */
static bool set_sasl(struct conn *c, bool sealed) {
	int endpoint = LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT;
	char layer[64];
	snprintf(layer, sizeof(layer), "noplain,noanonymous,minssf=%d,maxbufsize=65536", SEALED_LEAST);
	return ldap_set_option(c->ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(c->ld, LDAP_OPT_X_SASL_SECPROPS, sealed ? layer : "noplain,noanonymous,maxssf=0") ==
		       LDAP_OPT_SUCCESS &&
	       (sealed || ldap_set_option(c->ld, LDAP_OPT_X_SASL_CBINDING, &endpoint) == LDAP_OPT_SUCCESS);
}

/* A result of the client's own library, or what the server answered. */
static enum err ended(struct task *t, struct conn *c, int rc, LDAPMessage *m, struct answer *ret) {
	owned(ldap_memory) char *text = NULL;
	if (m)
		TRY(conn_answer(t, c, m, ret, NULL));
	if (m && ret->result != LDAP_SUCCESS && ret->result != LDAP_SASL_BIND_IN_PROGRESS)
		return OK;
	if (rc == LDAP_SUCCESS)
		return OK;
	ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
	if (rc == LDAP_AUTH_UNKNOWN)
		return task_fail(t, ERR_CONFIG,
			"SASL GSSAPI is not there: on Debian install libsasl2-modules-gssapi-mit (%s)",
			text ? text : "");
	return task_fail(t, rc == LDAP_SERVER_DOWN ? ERR_UNAVAILABLE : ERR_CONFIG, "SASL GSSAPI: %s (%s)",
		ldap_err2string(rc), text ? text : "");
}

static enum err exchange(struct task *t, struct conn *c, gss_cred_id_t cred, struct answer *ret) {
	owned(ldap_message) LDAPMessage *m = NULL;
	const char *mechanism = NULL;
	int rc = LDAP_SASL_BIND_IN_PROGRESS;
	for (unsigned i = 0; rc == LDAP_SASL_BIND_IN_PROGRESS && i < STEPS_MOST; i++) {
		LDAPMessage *next = NULL;
		int msgid = 0;
		conn_deadline(c, conn_step_ms(t, c));
		rc = ldap_sasl_interactive_bind(
			c->ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET, interact, cred, m, &mechanism, &msgid);
		if (rc != LDAP_SASL_BIND_IN_PROGRESS)
			break;
		TRY(conn_open_wait(t, c, LDAP_SUCCESS, msgid, &next));
		c->greeted = true;
		ldap_msgfree(m);
		m = next;
	}
	return ended(t, c, rc, m, ret);
}

static enum err bind_with(struct task *t, struct conn *c, bool sealed, const char *cache, struct answer *ret) {
	owned(gss_cred) gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	ber_len_t strength = 0;
	TRY(credentials_of(t, cache, &cred));
	if (!set_sasl(c, sealed))
		return task_fail(t, ERR_INTERNAL, "libldap takes no SASL options");
	TRY(exchange(t, c, cred, ret));
	if (ret->result != LDAP_SUCCESS || !sealed)
		return OK;
	if (ldap_get_option(c->ld, LDAP_OPT_X_SASL_SSF, &strength) != LDAP_OPT_SUCCESS || strength < SEALED_LEAST)
		return task_fail(t, ERR_CONFIG, "the sealed bind has %lu bits; %d are needed", (unsigned long)strength,
			SEALED_LEAST);
	c->sealed = (int)strength;
	return OK;
}

#else

static enum err bind_with(struct task *t, struct conn *c, bool sealed, const char *cache, struct answer *ret) {
	(void)c, (void)sealed, (void)cache, (void)ret;
	return task_fail(t, ERR_CONFIG, "built without Kerberos");
}

#endif

/* "ldaps://[::1]:636" has the host "::1". */
static struct str uri_host(struct str uri) {
	struct str host = str_sub(uri, str_find(uri, '/', 0) + 2, uri.n);
	host = str_sub(host, 0, str_find(host, '/', 0));
	if (str_starts(host, STR("[")))
		return str_sub(host, 1, str_find(host, ']', 0));
	return str_sub(host, 0, str_find(host, ':', 0));
}

/* A key distribution centre that is mute counts as the controller's silence, which it mostly is. */
static enum err ticket_for(struct task *t, struct conn *c, const struct ticket_want *want, const char **ret) {
	int64_t began = clock_monotonic_ms(), most = conn_step_ms(t, c);
	enum err e = ticket_get(t, want, most, ret);
	if (e == ERR_UNAVAILABLE && clock_monotonic_ms() - began >= most * 9 / 10)
		health_timed_out(c->health);
	return e;
}

enum err bind_gssapi(struct task *t, struct conn *c, bool sealed, struct answer *ret) {
	const struct directory_config *d = c->directory;
	const struct ticket_want want = {d->keytab, d->principal, uri_host(c->target)};
	const char *cache = NULL;
	TRY(ticket_for(t, c, &want, &cache));
	enum err e = bind_with(t, c, sealed, cache, ret);
	/* The controller may have another key by now: the next connection comes with a new ticket. */
	if (e ? e != ERR_UNAVAILABLE : ret->result != LDAP_SUCCESS)
		ticket_forget(&want);
	return e;
}
