/* Why no connection came about: libldap says "can't contact" of nearly all, so a second look is taken. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "federation/directory/health.h"
#include "federation/directory/ldap_conn.h"
#include "federation/directory/ldap_tls.h"

#define ASK_AGAIN_MS 1000 /* what took longer is not asked again */
#define ADDRESSES    4    /* of a host, that are */

OWNED(ldap_url, LDAPURLDesc *, ldap_free_urldesc)

static struct str diagnostic_of(struct task *t, struct conn *c) {
	owned(ldap_memory) char *text = NULL;
	ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
	return str_dup(t->arena, str_of(text));
}

static bool handshake_works(struct conn *c) {
	struct timeval tv = conn_timeval(c->directory->network_timeout_ms);
	owned(ldap_message) LDAPMessage *m = NULL, *started = NULL;
	int msgid = 0, rc = ldap_connect(c->ld);
	struct pollfd p = {.fd = conn_fd(c), .events = POLLOUT};
	if ((rc != LDAP_SUCCESS && rc != LDAP_X_CONNECTING) || poll(&p, 1, (int)c->directory->network_timeout_ms) <= 0)
		return false;
	if (str_starts(c->target, STR("ldap:")) &&
		(ldap_start_tls(c->ld, NULL, NULL, &msgid) != LDAP_SUCCESS ||
			ldap_result(c->ld, msgid, LDAP_MSG_ALL, &tv, &started) <= 0 ||
			ldap_install_tls(c->ld) != LDAP_SUCCESS))
		return false;
	return ldap_search_ext(c->ld, "", LDAP_SCOPE_BASE, NULL, NULL, 1, NULL, NULL, &tv, 1, &msgid) == LDAP_SUCCESS &&
	       ldap_result(c->ld, msgid, LDAP_MSG_ALL, &tv, &m) > 0;
}

static LDAPURLDesc *url_of(struct task *t, struct str uri) {
	const char *text = NULL;
	LDAPURLDesc *url = NULL;
	return task_cstr(t, uri, &text) == OK && ldap_url_parse(text, &url) == LDAP_URL_SUCCESS ? url : NULL;
}

/* A connection beside c, over which nothing is sent but a read of the root DSE. ret: any certificate will do, and
 * which it is; NULL: it must be vouched for. */
static bool handshake_beside(struct task *t, const struct conn *c, struct str target, struct certificate *ret) {
	struct conn other = {
		.directory = c->directory, .health = c->health, .kind = CONN_PASSWORD, .uri = c->uri, .target = target};
	owned(ldap_url) LDAPURLDesc *url = url_of(t, target);
	const char *uri = NULL;
	bool reached = false;
	if (!url || !url->lud_host || task_cstr(t, target, &uri) || ldap_initialize(&other.ld, uri) != LDAP_SUCCESS)
		return false;
	conn_set_options(t, &other, target);
	conn_watch(&other);
	conn_deadline(&other, c->directory->network_timeout_ms);
	if (ret ? ldap_tls_use_any(other.ld) : ldap_tls_use(t, other.ld, c->directory->ca_file) == OK)
		reached = handshake_works(&other);
	if (reached && ret)
		ldap_tls_certificate(t, other.ld, url->lud_host, ret);
	ldap_unbind_ext(other.ld, NULL, NULL);
	return reached;
}

/* libldap over GnuTLS does not say why a handshake failed: the server would be spoken to if nobody looked at its
 * certificate, and still not by who looks. The second look tells a moment's failure from a certificate, which parks. */
static bool certificate_refused(struct task *t, const struct conn *c, struct certificate *ret) {
	bool refused = handshake_beside(t, c, c->target, ret) && !handshake_beside(t, c, c->target, NULL);
	task_clear(t);
	return refused;
}

static enum err certificate_fail(struct task *t, struct str uri, const struct certificate *shown) {
	struct validity v = shown->validity;
	int64_t now = clock_wall_ms();
	if (v.ends && v.ends < now)
		return task_fail(t, ERR_CONFIG, "%.*s: its certificate ended at %.*s", FMT(uri),
			FMT(time_rfc3339(t->arena, v.ends)));
	if (v.begins > now)
		return task_fail(t, ERR_CONFIG, "%.*s: its certificate begins at %.*s, and the clock here says %.*s",
			FMT(uri), FMT(time_rfc3339(t->arena, v.begins)), FMT(time_rfc3339(t->arena, now)));
	if (v.ends && !shown->is_for_host)
		return task_fail(
			t, ERR_CONFIG, "%.*s: its certificate is for another name: %.*s", FMT(uri), FMT(shown->names));
	return task_fail(t, ERR_CONFIG,
		"%.*s: its certificate is not vouched for by the CA file (ca_file): it was issued by %.*s", FMT(uri),
		FMT(shown->issuer));
}

/* ldap:// at a port that begins with TLS, or ldaps:// at one that does not: the other word reaches it. */
static bool speaks_otherwise(struct task *t, const struct conn *c, struct str *ret) {
	struct str rest = str_sub(c->target, str_find(c->target, ':', 0), c->target.n);
	struct certificate shown = {0};
	*ret = str_printf(t->arena, "%s%.*s", str_starts(c->target, STR("ldap:")) ? "ldaps" : "ldap", FMT(rest));
	bool reached = handshake_beside(t, c, *ret, &shown);
	task_clear(t);
	return reached;
}

/* What a second look can tell of a server that took the connection and then said nothing; OK: nothing. */
static enum err look_again(struct task *t, const struct conn *c) {
	struct certificate shown = {0};
	struct str other = STR("");
	if (c->greeted || task_left_ms(t) < c->directory->network_timeout_ms || str_starts(c->target, STR("ldapi:")) ||
		conn_is_sealed(c))
		return OK;
	if (certificate_refused(t, c, &shown))
		return certificate_fail(t, c->target, &shown);
	if (speaks_otherwise(t, c, &other))
		return task_fail(t, ERR_CONFIG, "%.*s: this port wants the other way of TLS; write %.*s",
			FMT(c->target), FMT(other));
	return OK;
}

/* Why no connection came about. What took as long as it might counts as a time-out. */
enum err conn_failed(struct task *t, struct conn *c, int rc) {
	struct str diagnostic = diagnostic_of(t, c), uri = c->target;
	if (clock_monotonic_ms() - c->since >= c->directory->network_timeout_ms * 9 / 10) {
		health_timed_out(c->health);
		return task_fail(t, ERR_UNAVAILABLE, "%.*s: no answer", FMT(uri));
	}
	TRY(look_again(t, c));
	/* GnuTLS says "error in the push function" where nobody listens. */
	if (str_empty(diagnostic) || str_contains(diagnostic, STR("push function")))
		return task_fail(t, ERR_UNAVAILABLE, "%.*s: %s", FMT(uri), ldap_err2string(rc));
	return task_fail(t, ERR_UNAVAILABLE, "%.*s: %s (%.*s)", FMT(uri), ldap_err2string(rc), FMT(diagnostic));
}

/* errno of a connection to this address; 0: it is taken. */
static int refusal_of(const struct addrinfo *to, int64_t ms) {
	int why = 0, fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(why);
	if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		why = fd < 0 ? errno : 0;
	else if (errno != EINPROGRESS)
		why = errno;
	else if (poll(&p, 1, (int)ms) <= 0)
		why = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
		why = errno;
	if (fd >= 0)
		close(fd);
	return why;
}

/* libldap says "can't contact" of a host that is not found and of a port where nobody listens, and drops errno on its
 * way. So both are asked once more; NULL: the connection is taken. */
static const char *unreachable(struct task *t, const struct conn *c) {
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char port[16];
	int why = 0;
	owned(ldap_url) LDAPURLDesc *url = url_of(t, c->target);
	if (!url || !url->lud_host)
		return NULL;
	snprintf(port, sizeof(port), "%d", url->lud_port);
	int rc = getaddrinfo(url->lud_host, port, &hints, &found);
	if (rc)
		return str_printf(t->arena, "the host is not found: %s%c", gai_strerror(rc), 0).p;
	const struct addrinfo *at = found;
	for (int n = 0; at && n < ADDRESSES; n++, at = at->ai_next)
		if ((why = refusal_of(at, conn_step_ms(t, c))) == 0)
			break;
	freeaddrinfo(found);
	return why ? strerrordesc_np(why) : NULL;
}

/* No connection; why is what connect(2) said, where that is known. */
enum err conn_unreached(struct task *t, struct conn *c, int rc, int why) {
	const char *text = NULL;
	if (why)
		text = strerrordesc_np(why);
	else if (!str_starts(c->target, STR("ldapi:")) && clock_monotonic_ms() - c->since < ASK_AGAIN_MS)
		text = unreachable(t, c);
	return text ? task_fail(t, ERR_UNAVAILABLE, "%.*s: %s", FMT(c->target), text) : conn_failed(t, c, rc);
}
