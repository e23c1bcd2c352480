#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/clock.h"
#include "federation/directory/discover.h"
#include "federation/directory/driver.h"
#include "federation/directory/health.h"
#include "federation/directory/ldap_conn.h"
#include "federation/directory/ldap_sasl.h"
#include "federation/directory/ldap_tls.h"

#define ANSWER_MOST (8 << 20) /* bytes of one LDAP message */

struct timeval conn_timeval(int64_t ms) {
	return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

void conn_close(struct conn *c) {
	if (c->ld)
		ldap_unbind_ext(c->ld, NULL, NULL);
	free(c);
}

void conn_set_options(struct task *t, struct conn *c, struct str uri) {
	const struct directory_config *d = c->directory;
	int version = LDAP_VERSION3, idle = 60, probes = 3, interval = 10;
	unsigned user_timeout = (unsigned)d->operation_timeout_ms;
	int64_t left = task_left_ms(t);
	struct timeval network = conn_timeval(d->network_timeout_ms < left ? d->network_timeout_ms : left);
	struct timeval operation = conn_timeval(d->operation_timeout_ms);
	ldap_set_option(c->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	ldap_set_option(c->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	ldap_set_option(c->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
	ldap_set_option(c->ld, LDAP_OPT_NETWORK_TIMEOUT, &network);
	ldap_set_option(c->ld, LDAP_OPT_TIMEOUT, &operation);
	if (str_starts(uri, STR("ldapi:")))
		return;
	ldap_set_option(c->ld, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_ON);
	ldap_set_option(c->ld, LDAP_OPT_X_KEEPALIVE_IDLE, &idle);
	ldap_set_option(c->ld, LDAP_OPT_X_KEEPALIVE_PROBES, &probes);
	ldap_set_option(c->ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval);
	ldap_set_option(c->ld, LDAP_OPT_TCP_USER_TIMEOUT, &user_timeout);
}

int conn_fd(const struct conn *c) {
	int fd = -1;
	return ldap_get_option(c->ld, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS ? fd : -1;
}

/* The account of a kind of connection, and the keys that it is configured by. */
struct own_account {
	struct str dn, password;
	const char *keys;
	bool kerberos;
};

static struct own_account own_account(const struct conn *c) {
	const struct directory_config *d = c->directory;
	if (c->kind == CONN_FEED && !str_empty(d->feed_bind_dn))
		return (struct own_account){
			d->feed_bind_dn, d->feed_bind_password, "feed_bind_dn, feed_bind_password_file", false};
	if (d->bind != BIND_SIMPLE)
		return (struct own_account){d->principal, d->keytab, "principal, keytab", true};
	return (struct own_account){d->bind_dn, d->bind_password, "bind_dn, bind_password_file", false};
}

bool conn_is_sealed(const struct conn *c) {
	return c->directory->bind == BIND_GSSAPI_SEALED && c->kind != CONN_PASSWORD && own_account(c).kerberos;
}

int64_t conn_step_ms(const struct task *t, const struct conn *c) {
	int64_t left = task_left_ms(t), network = c->directory->network_timeout_ms;
	return network < left ? network : left;
}

/* The TCP connection; the handshake of ldaps comes with the first request. A connection in progress is waited for here,
 * because NETWORK_TIMEOUT does not count for it once it is asynchronous. */
static enum err connect_tcp(struct task *t, struct conn *c) {
	errno = 0;
	int rc = ldap_connect(c->ld);
	if (rc != LDAP_SUCCESS && rc != LDAP_X_CONNECTING)
		return conn_unreached(t, c, rc, str_starts(c->target, STR("ldapi:")) ? errno : 0);
	struct pollfd p = {.fd = conn_fd(c), .events = POLLOUT};
	int64_t left = task_left_ms(t),
		wait = c->directory->network_timeout_ms < left ? c->directory->network_timeout_ms : left;
	int failed = 0;
	socklen_t size = sizeof(failed);
	if (p.fd < 0 || poll(&p, 1, (int)wait) <= 0 || getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0)
		return conn_failed(t, c, LDAP_CONNECT_ERROR);
	return failed ? conn_unreached(t, c, LDAP_CONNECT_ERROR, failed) : OK;
}

/* The socket's own time-outs end a read in the middle of a record, which libldap's do not. */
static void set_socket(struct conn *c) {
	struct timeval operation = conn_timeval(c->directory->operation_timeout_ms);
	ber_len_t most = ANSWER_MOST;
	Sockbuf *sb = NULL;
	int fd = conn_fd(c);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &operation, sizeof(operation));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &operation, sizeof(operation));
	}
	if (ldap_get_option(c->ld, LDAP_OPT_SOCKBUF, &sb) == LDAP_OPT_SUCCESS && sb)
		ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &most);
}

enum err conn_open_wait(struct task *t, struct conn *c, int rc, int msgid, LDAPMessage **ret) {
	LDAPMessage *m = NULL;
	if (rc != LDAP_SUCCESS)
		return conn_failed(t, c, rc);
	struct timeval tv = conn_timeval(conn_step_ms(t, c));
	conn_deadline(c, conn_step_ms(t, c));
	int got = ldap_result(c->ld, msgid, LDAP_MSG_ALL, &tv, &m);
	if (got == 0) {
		health_timed_out(c->health);
		return task_fail(t, ERR_UNAVAILABLE, "%.*s: no answer", FMT(c->target));
	}
	if (got < 0) {
		ldap_get_option(c->ld, LDAP_OPT_RESULT_CODE, &rc);
		return conn_failed(t, c, rc);
	}
	*ret = m;
	return OK;
}

static enum err open_wait(struct task *t, struct conn *c, int rc, int msgid, struct answer *answer) {
	owned(ldap_message) LDAPMessage *m = NULL;
	TRY(conn_open_wait(t, c, rc, msgid, &m));
	return conn_answer(t, c, m, answer, NULL);
}

static enum err start_tls(struct task *t, struct conn *c) {
	struct answer answer;
	int msgid = 0, rc = ldap_start_tls(c->ld, NULL, NULL, &msgid);
	TRY(open_wait(t, c, rc, msgid, &answer));
	if (answer.result != LDAP_SUCCESS)
		return task_fail(t, ERR_CONFIG, "StartTLS refused: %d %.*s", answer.result, FMT(answer.diagnostic));
	conn_deadline(c, conn_step_ms(t, c));
	rc = ldap_install_tls(c->ld);
	return rc == LDAP_SUCCESS ? OK : conn_failed(t, c, rc);
}

static enum err bind_simple(struct task *t, struct conn *c, const struct own_account *own, struct answer *ret) {
	struct berval password = bv_of(own->password);
	const char *dn = NULL;
	int msgid = 0;
	TRY(task_cstr(t, own->dn, &dn));
	conn_deadline(c, conn_step_ms(t, c));
	int rc = ldap_sasl_bind(c->ld, dn, LDAP_SASL_SIMPLE, &password, NULL, NULL, &msgid);
	c->greeted = rc == LDAP_SUCCESS;
	return open_wait(t, c, rc, msgid, ret);
}

static enum err bind_service(struct task *t, struct conn *c) {
	struct own_account own = own_account(c);
	struct answer answer = {-1, STR("")};
	if (str_empty(own.dn) || str_empty(own.password))
		return task_fail(t, ERR_CONFIG, "directory %.*s has no account or password (%s)", FMT(c->directory->id),
			own.keys);
	if (health_own_bind_known_bad(c->health, own.dn, own.password))
		return task_fail(t, ERR_CREDENTIALS,
			"bind of %.*s was refused less than 30 seconds ago and is not tried again yet, so that a "
			"password policy does not lock it (%s)",
			FMT(own.dn), own.keys);
	TRY(own.kerberos ? bind_gssapi(t, c, conn_is_sealed(c), &answer) : bind_simple(t, c, &own, &answer));
	if (answer.result == LDAP_SUCCESS)
		return OK;
	bool busy = answer.result == LDAP_BUSY || answer.result == LDAP_UNAVAILABLE;
	if (!busy)
		health_own_bind_refused(c->health, own.dn, own.password);
	return task_fail(t, busy ? ERR_UNAVAILABLE : ERR_CREDENTIALS,
		"bind of %.*s refused: %d %s %.*s (%s; or the account is locked)", FMT(own.dn), answer.result,
		ldap_err2string(answer.result), FMT(answer.diagnostic), own.keys);
}

/* What the server can, from its root DSE; also what brings a connection for password checks up. */
static enum err learn(struct task *t, struct conn *c) {
	char control[] = "supportedControl", extension[] = "supportedExtension",
	     *attributes[] = {control, extension, NULL};
	struct timeval tv = conn_timeval(c->directory->network_timeout_ms);
	owned(ldap_message) LDAPMessage *m = NULL;
	conn_deadline(c, conn_step_ms(t, c));
	int msgid = 0, rc = ldap_search_ext(c->ld, "", LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0, NULL, NULL,
			       &tv, 1, &msgid);
	if (rc != LDAP_SUCCESS)
		return conn_failed(t, c, rc);
	c->greeted = true;
	int got = ldap_result(c->ld, msgid, LDAP_MSG_ALL, &tv, &m);
	if (got <= 0) {
		if (got == 0)
			health_timed_out(c->health);
		return conn_failed(t, c, got == 0 ? LDAP_TIMEOUT : LDAP_SERVER_DOWN);
	}
	LDAPMessage *e = ldap_first_entry(c->ld, m);
	c->transactions = e && root_dse_has(c->ld, e, extension, STR(LDAP_EXOP_TXN_START));
	c->policy_hints = e && root_dse_has(c->ld, e, control, STR(CONTROL_POLICY_HINTS));
	c->matched_values = e && root_dse_has(c->ld, e, control, STR(LDAP_CONTROL_VALUESRETURNFILTER));
	return OK;
}

static enum err conn_start(struct task *t, struct conn *c, struct str uri) {
	const char *text = NULL;
	TRY(task_cstr(t, uri, &text));
	int rc = ldap_initialize(&c->ld, text);
	if (rc != LDAP_SUCCESS)
		return task_fail(t, ERR_CONFIG, "%s: %s", text, ldap_err2string(rc));
	conn_set_options(t, c, uri);
	conn_watch(c);
	conn_deadline(c, conn_step_ms(t, c));
	if (!str_starts(uri, STR("ldapi:")))
		TRY(ldap_tls_use(t, c->ld, c->directory->ca_file));
	TRY(connect_tcp(t, c));
	set_socket(c);
	if (str_starts(uri, STR("ldap:")) && !conn_is_sealed(c))
		TRY(start_tls(t, c));
	if (c->kind != CONN_PASSWORD)
		TRY(bind_service(t, c));
	return learn(t, c);
}

enum err conn_open_at(
	struct task *t, const struct directory_config *d, size_t uri, enum conn_kind kind, struct conn **ret) {
	struct health *h = health_of(d);
	struct strs list = {NULL, 0};
	TRY(discover_uris(t, d, &list));
	if (uri >= list.n)
		return task_fail(t, ERR_UNAVAILABLE, "directory %.*s has fewer controllers by now", FMT(d->id));
	struct conn *c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	*c = (struct conn){.directory = d,
		.health = h,
		.kind = kind,
		.uri = uri,
		.target = list.v[uri],
		.since = clock_monotonic_ms()};
	enum err e = conn_start(t, c, c->target);
	if (e) {
		conn_close(c);
		conn_count(e);
		if (e == ERR_CREDENTIALS)
			return e;
		health_uri_down(h, uri);
		return e;
	}
	conn_deadline_none(c);
	health_uri_up(h, uri);
	health_answered(h);
	*ret = c;
	return OK;
}
