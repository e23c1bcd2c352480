#include "federation/directory/driver.h"

/* RFC 4511 appendix A. What is not here is refused: the same request would be refused again. */
static const struct {
	int result;
	enum err err;
} results[] = {
	{LDAP_SUCCESS, OK},
	{LDAP_NO_SUCH_OBJECT, ERR_NOT_FOUND},
	{LDAP_ALREADY_EXISTS, ERR_EXISTS},
	{LDAP_INVALID_CREDENTIALS, ERR_CONFIG},
	{LDAP_STRONG_AUTH_REQUIRED, ERR_CONFIG},
	{LDAP_CONFIDENTIALITY_REQUIRED, ERR_CONFIG},
	{LDAP_BUSY, ERR_UNAVAILABLE},
	{LDAP_UNAVAILABLE, ERR_UNAVAILABLE},
	{LDAP_TIMELIMIT_EXCEEDED, ERR_UNAVAILABLE},
	{LDAP_PROTOCOL_ERROR, ERR_INTERNAL},
	{LDAP_FILTER_ERROR, ERR_INTERNAL},
};

enum err conn_result(struct task *t, struct conn *c, const struct answer *answer, const char *what) {
	enum err e = ERR_REFUSED;
	for (size_t i = 0; i < COUNT(results); i++)
		if (results[i].result == answer->result)
			e = results[i].err;
	if (e == ERR_REFUSED && driver_of(c->directory)->taken(answer))
		e = ERR_EXISTS;
	conn_count(e == ERR_NOT_FOUND || e == ERR_EXISTS ? OK : e);
	if (!e)
		return OK;
	return task_fail(
		t, e, "%s: %d %s %.*s", what, answer->result, ldap_err2string(answer->result), FMT(answer->diagnostic));
}

/* RFC 4511 4.2.2. The entry has no password, is not there, or may not bind: that is a wrong password. */
static const struct {
	int result;
	enum err err;
} bind_results[] = {
	{LDAP_INAPPROPRIATE_AUTH, OK},
	{LDAP_NO_SUCH_OBJECT, OK},
	{LDAP_INVALID_DN_SYNTAX, OK},
	{LDAP_CONSTRAINT_VIOLATION, OK},
	{LDAP_UNWILLING_TO_PERFORM, OK},
	{LDAP_BUSY, ERR_UNAVAILABLE},
	{LDAP_UNAVAILABLE, ERR_UNAVAILABLE},
	{LDAP_STRONG_AUTH_REQUIRED, ERR_CONFIG},
	{LDAP_CONFIDENTIALITY_REQUIRED, ERR_CONFIG},
};

enum err bind_verdict(
	struct task *t, const struct driver *driver, const struct bind_answer *answer, enum verdict *ret) {
	enum err e = ERR_REFUSED;
	if (driver->bind_told(answer, ret))
		return OK;
	for (size_t i = 0; i < COUNT(bind_results); i++)
		if (bind_results[i].result == answer->result)
			e = bind_results[i].err;
	if (e)
		return task_fail(t, e, "bind: %d %.*s", answer->result, FMT(answer->diagnostic));
	*ret = VERDICT_WRONG;
	return OK;
}
