/* Each controller by itself, beside the workers' connections. */
#include "base/buf.h"
#include "base/clock.h"
#include "federation/directory/discover.h"
#include "federation/directory/driver.h"
#include "federation/directory/health.h"
#include "federation/directory/ldap_tls.h"
#include "federation/directory/ticket.h"

/* currentTime of the root DSE (MS-ADTS 3.1.1.3.2.5): whole seconds, so it stands for half a second more. */
static void read_clock(struct task *t, struct conn *c, struct controller *ret) {
	owned(ldap_message) LDAPMessage *m = NULL;
	char attribute[] = "currentTime", *attributes[] = {attribute, NULL};
	int64_t ms = conn_budget_ms(t, c->directory);
	struct timeval tv = conn_timeval(ms);
	struct entry e;
	int msgid = 0;
	conn_deadline(c, ms);
	if (ldap_search_ext(c->ld, "", LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0, NULL, NULL, &tv, 1, &msgid) ||
		ldap_result(c->ld, msgid, LDAP_MSG_ALL, &tv, &m) <= 0)
		return;
	int64_t now = clock_wall_ms(), theirs = 0;
	LDAPMessage *first = ldap_first_entry(c->ld, m);
	if (!first || entry_read_plain(t, c, first, &e))
		return;
	theirs = directory_time_ms(entry_value(&e, STR("currenttime")));
	ret->has_clock = theirs > 0;
	ret->clock_ahead = theirs + 500 - now;
}

static struct str how_bound(struct task *t, const struct conn *c) {
	if (c->directory->bind == BIND_SIMPLE)
		return STR("with a password");
	if (!c->sealed)
		return STR("by Kerberos, bound to TLS");
	return str_printf(t->arena, "by Kerberos, sealed with %d bits", c->sealed);
}

/* The service account may do without TLS; what people type may not. */
static void look_for_passwords(struct task *t, const struct directory_config *d, size_t uri, struct controller *ret) {
	owned(conn) struct conn *c = NULL;
	ret->result = conn_open_at(t, d, uri, CONN_PASSWORD, &c);
	if (ret->result)
		ret->detail = str_printf(t->arena,
			"no StartTLS, without which no password of a person is checked: %.*s", FMT(t->failure_detail));
	else
		ret->certificate_ends = ldap_tls_validity(c->ld).ends;
}

/* ret->uri is told. */
static void look(struct task *t, const struct directory_config *d, size_t uri, struct controller *ret) {
	owned(conn) struct conn *c = NULL;
	int64_t began = clock_monotonic_ms();
	ret->detail = STR("");
	task_clear(t);
	ret->result = conn_open_at(t, d, uri, CONN_SERVICE, &c);
	ret->ms = clock_monotonic_ms() - began;
	if (ret->result == ERR_CREDENTIALS)
		ret->result = ERR_CONFIG;
	if (ret->result) {
		ret->detail = t->failure_detail;
	} else {
		ret->how = how_bound(t, c);
		ret->certificate_ends = ldap_tls_validity(c->ld).ends;
		ret->policy_hints = c->policy_hints;
		if (d->driver == DIRECTORY_ACTIVE_DIRECTORY)
			read_clock(t, c, ret);
		if (c->sealed)
			look_for_passwords(t, d, uri, ret);
	}
	task_clear(t);
}

bool directory_is_silent(const struct directory_config *d) {
	return health_is_silent(health_of(d));
}

bool directory_has_kerberos(void) {
	return ticket_built();
}

enum err directory_controllers(
	struct task *t, const struct directory_config *d, struct controller **ret, size_t *ret_n) {
	if (!driver_of(d))
		return task_fail(t, ERR_CONFIG, "directory %.*s: this driver is not built yet", FMT(d->id));
	struct strs uris = {NULL, 0};
	TRY(discover_uris(t, d, &uris));
	struct controller *list = arena_array(t->arena, struct controller, uris.n);
	for (size_t i = 0; i < uris.n; i++) {
		list[i] = (struct controller){.uri = uris.v[i]};
		look(t, d, i, &list[i]);
	}
	*ret = list;
	*ret_n = uris.n;
	return OK;
}

enum err directory_probe(struct task *t, const struct directory_config *d, struct str *ret_detail) {
	struct buf b = buf_new(t->arena, 4096);
	struct controller *list = NULL;
	enum err worst = ERR_UNAVAILABLE;
	bool one_answers = false;
	size_t n = 0;
	TRY(directory_controllers(t, d, &list, &n));
	for (size_t i = 0; i < n; i++) {
		const struct controller *c = &list[i];
		if (i)
			buf_put(&b, STR("; "));
		if (c->result)
			buf_printf(&b, "%.*s: %s (%.*s)", FMT(c->uri), err_row(c->result)->name, FMT(c->detail));
		else
			buf_printf(&b, "%.*s: bound in %lld ms %.*s", FMT(c->uri), (long long)c->ms, FMT(c->how));
		if (c->result && !one_answers)
			worst = c->result;
		one_answers = one_answers || !c->result;
	}
	*ret_detail = buf_str(&b);
	return one_answers ? OK : task_fail(t, worst, "%.*s", FMT(buf_str(&b)));
}
