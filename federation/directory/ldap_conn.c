#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/metric.h"
#include "federation/directory/discover.h"
#include "federation/directory/driver.h"
#include "federation/directory/health.h"
#include "federation/directory/ldap_sasl.h"

#define FAIL_BACK_MS                                                                                                   \
	30000 /* how long a connection to a less preferred controller is kept before the preferred ones are tried      \
		 again */

struct berval bv_of(struct str s) {
	union {
		const char *in;
		char *out; /* libldap has no const, and does not write */
	} p = {.in = s.p ? s.p : ""};
	return (struct berval){.bv_len = s.n, .bv_val = p.out};
}

struct str str_of_bv(struct berval bv) {
	return str_slice(bv.bv_val, bv.bv_len);
}

int64_t conn_budget_ms(const struct task *t, const struct directory_config *d) {
	int64_t left = task_left_ms(t);
	return d->operation_timeout_ms < left ? d->operation_timeout_ms : left;
}

bool conn_private(const struct conn *c) {
	return ldap_tls_inplace(c->ld) || c->sealed >= SEALED_LEAST || str_starts(c->target, STR("ldapi:"));
}

static void handle_close(void *handle) {
	conn_close(handle);
}

/* ---- one of several ---- */
void directory_pin(struct task *t, const struct directory_config *d, struct str controller) {
	t->pinned = str_empty(controller) ? NULL : d;
	t->pinned_to = controller;
}

static bool conn_fits(const struct task *t, const struct directory_config *d, struct str uri) {
	return t->pinned != d || str_eq(t->pinned_to, uri);
}

enum err directory_controller(struct task *t, const struct directory_config *d, struct str *ret) {
	struct conn *c = NULL;
	TRY(conn_get(t, d, CONN_SERVICE, &c));
	*ret = c->target;
	return OK;
}

enum err directory_controller_uris(struct task *t, const struct directory_config *d, struct strs *ret) {
	return discover_uris(t, d, ret);
}

/* ---- holding ---- */
/* A refused bind ends it: another controller would refuse too, and lock the account. */
enum err conn_open(struct task *t, const struct directory_config *d, enum conn_kind kind, struct conn **ret) {
	struct health *h = health_of(d);
	struct strs list = {NULL, 0};
	bool tried[URI_MOST] = {false}, pinned = t->pinned == d;
	enum err e = ERR_UNAVAILABLE;
	TRY(discover_uris(t, d, &list));
	size_t n = list.n;
	for (size_t k = 0; k < 2 * n; k++) {
		struct conn *c = NULL;
		size_t i = k % n;
		if (tried[i] || !conn_fits(t, d, list.v[i]) || (!pinned && k < n && health_uri_is_down(h, i)) ||
			task_left_ms(t) == 0)
			continue;
		tried[i] = true;
		e = conn_open_at(t, d, i, kind, &c);
		if (!e) {
			task_clear(t);
			*ret = c;
			return OK;
		}
		if (e == ERR_CREDENTIALS) { /* ours, not a person's */
			struct str why = t->failure_detail;
			task_clear(t);
			return task_fail(t, ERR_CONFIG, "directory %.*s: %.*s", FMT(d->id), FMT(why));
		}
	}
	discover_again(d);
	if (pinned && !strs_has(list, t->pinned_to))
		return task_fail(
			t, e, "%.*s is no controller of directory %.*s any longer", FMT(t->pinned_to), FMT(d->id));
	return task_fail(t, e, "directory %.*s", FMT(d->id));
}

static enum err handle_open(struct task *t, const struct directory_config *d, enum conn_kind kind, void **ret) {
	struct conn *c = NULL;
	TRY(conn_open(t, d, kind, &c));
	*ret = c;
	return OK;
}

static enum err service_open(struct task *t, const void *key, void **ret) {
	return handle_open(t, key, CONN_SERVICE, ret);
}

static enum err password_open(struct task *t, const void *key, void **ret) {
	return handle_open(t, key, CONN_PASSWORD, ret);
}

static const struct handle_kind kinds[] = {
	[CONN_SERVICE] = {"directory", service_open, handle_close},
	[CONN_PASSWORD] = {"directory passwords", password_open, handle_close},
};

/* Between requests nothing is to be read: what can be is an end, or a Notice of Disconnection (RFC 4511 4.4.1). */
static bool conn_alive(const struct conn *c) {
	struct pollfd p = {.fd = conn_fd(c), .events = POLLIN | POLLRDHUP};
	return p.fd >= 0 && poll(&p, 1, 0) == 0;
}

/* One that DNS does not name any longer is left too. */
static bool conn_should_fail_back(struct task *t, const struct conn *c) {
	struct strs list = {NULL, 0};
	if ((c->uri == 0 && str_empty(c->directory->domain)) || clock_monotonic_ms() - c->since < FAIL_BACK_MS)
		return false;
	if (discover_uris(t, c->directory, &list) != OK) {
		task_clear(t);
		return false;
	}
	for (size_t i = 0; i < list.n && !str_eq(list.v[i], c->target); i++)
		if (!health_uri_is_down(c->health, i))
			return true;
	return false;
}

enum err conn_get(struct task *t, const struct directory_config *d, enum conn_kind kind, struct conn **ret) {
	void *handle = NULL;
	if (!driver_of(d))
		return task_fail(t, ERR_CONFIG, "directory %.*s: this driver is not built yet", FMT(d->id));
	if (!t->handles)
		return task_fail(t, ERR_INTERNAL, "a directory was asked where nobody may wait");
	if (task_left_ms(t) == 0)
		return task_fail(t, ERR_UNAVAILABLE, "no time left");
	if (!health_allows(health_of(d)))
		return task_fail(t, ERR_UNAVAILABLE, "directory %.*s: breaker open", FMT(d->id));
	TRY(task_handle(t, &kinds[kind], d, &handle));
	struct conn *c = handle;
	bool pinned = t->pinned == d;
	if (!conn_alive(c) || !conn_fits(t, d, c->target) || (!pinned && conn_should_fail_back(t, c))) {
		task_handle_drop(t, &kinds[kind], d);
		TRY(task_handle(t, &kinds[kind], d, &handle));
	}
	*ret = handle;
	return OK;
}

static void conn_drop(struct task *t, struct conn *c) {
	task_handle_drop(t, &kinds[c->kind], c->directory);
}

/* ---- asking ---- */
static enum err wait_timed_out(struct task *t, struct conn *c) {
	enum err e = task_fail(t, ERR_TIMEOUT, "%.*s: no answer in time", FMT(c->target));
	health_timed_out(c->health);
	health_uri_down(c->health, c->uri);
	conn_drop(t, c);
	conn_count(e);
	return e;
}

static enum err wait_broken(struct task *t, struct conn *c, enum err code, int rc) {
	enum err e = task_fail(t, code, "%.*s: %s", FMT(c->target), conn_reason(rc));
	health_uri_down(c->health, c->uri);
	conn_drop(t, c);
	conn_count(e);
	return e;
}

static enum err wait_for(struct task *t, struct conn *c, enum err when_broken, int msgid, LDAPMessage **ret) {
	int64_t budget = conn_budget_ms(t, c->directory), began = clock_monotonic_us();
	struct timeval tv = conn_timeval(budget);
	LDAPMessage *m = NULL;
	conn_deadline(c, budget);
	failpoint_hit(when_broken == ERR_TIMEOUT ? "ldap.change.sent" : "ldap.sent");
	errno = 0;
	int rc = LDAP_SERVER_DOWN, got = ldap_result(c->ld, msgid, LDAP_MSG_ALL, &tv, &m);
	failpoint_hit(when_broken == ERR_TIMEOUT ? "ldap.change.answered" : "ldap.answered");
	metric_observe_us(METRIC_DIRECTORY_SECONDS, clock_monotonic_us() - began);
	if (got == 0)
		return wait_timed_out(t, c);
	if (got < 0) {
		ldap_get_option(c->ld, LDAP_OPT_RESULT_CODE, &rc);
		return rc == LDAP_TIMEOUT || conn_late(c) ? wait_timed_out(t, c) : wait_broken(t, c, when_broken, rc);
	}
	conn_deadline_none(c);
	health_answered(c->health);
	*ret = m;
	return OK;
}

/* What could not be sent: the connection's fault, or ours (a text that cannot be encoded). */
static enum err not_sent(struct task *t, struct conn *c, int rc) {
	errno = 0;
	if (rc == LDAP_SERVER_DOWN || rc == LDAP_CONNECT_ERROR || rc == LDAP_X_CONNECTING || rc == LDAP_TIMEOUT)
		return wait_broken(t, c, ERR_UNAVAILABLE, rc);
	return task_fail(t, ERR_INVALID, "not sent: %s", ldap_err2string(rc));
}

enum err conn_wait(struct task *t, struct conn *c, int rc, int msgid, LDAPMessage **ret) {
	return rc == LDAP_SUCCESS ? wait_for(t, c, ERR_UNAVAILABLE, msgid, ret) : not_sent(t, c, rc);
}

enum err conn_wait_change(struct task *t, struct conn *c, int rc, int msgid, LDAPMessage **ret) {
	return rc == LDAP_SUCCESS ? wait_for(t, c, ERR_TIMEOUT, msgid, ret) : not_sent(t, c, rc);
}

enum err conn_answer(struct task *t, struct conn *c, LDAPMessage *m, struct answer *ret, LDAPControl ***controls) {
	owned(ldap_memory) char *diagnostic = NULL;
	int code = -1, rc = ldap_parse_result(c->ld, m, &code, NULL, &diagnostic, NULL, controls, 0);
	if (rc != LDAP_SUCCESS)
		return task_fail(t, ERR_UNAVAILABLE, "an answer that cannot be read: %s", ldap_err2string(rc));
	*ret = (struct answer){.result = code, .diagnostic = str_dup(t->arena, str_of(diagnostic ? diagnostic : ""))};
	return OK;
}

void conn_count(enum err e) {
	unsigned label = e == ERR_TIMEOUT ? 3 : e == ERR_UNAVAILABLE ? 2 : e ? 1 : 0;
	metric_add(METRIC_DIRECTORY, label, 1);
}
