#include "federation/directory/change.h"

/* RFC 5805. Servers queue the operations and carry them out at the end; slapd 2.5 commits what is left when one was
 * refused before (which RFC 5805 3.4 does not allow), so a refusal always ends in an abort by us. No post-read: slapd
 * refuses it inside a transaction. */
struct transaction {
	struct berval *id;
	int *msgids; /* of each operation */
};

static enum err start(struct task *t, struct conn *c, struct report *report, struct berval **ret) {
	owned(ldap_message) LDAPMessage *m = NULL;
	owned(ldap_memory) char *oid = NULL;
	struct answer answer;
	int msgid = 0, rc = ldap_txn_start(c->ld, NULL, NULL, &msgid);
	TRY(conn_wait(t, c, rc, msgid, &m));
	TRY(conn_answer(t, c, m, &answer, NULL));
	report->result = answer.result;
	report->diagnostic = answer.diagnostic;
	TRY(conn_result(t, c, &answer, "transaction start"));
	if (ldap_parse_extended_result(c->ld, m, &oid, ret, 0) != LDAP_SUCCESS || !*ret)
		return task_fail(t, ERR_UNAVAILABLE, "a transaction without identifier");
	return OK;
}

/* TxnEndRes ::= SEQUENCE { messageID MessageID OPTIONAL, … }: the operation that failed. */
static int failed_msgid(struct conn *c, LDAPMessage *m) {
	owned(ldap_berval) struct berval *data = NULL;
	owned(ldap_memory) char *oid = NULL;
	ber_int_t msgid = 0;
	if (ldap_parse_extended_result(c->ld, m, &oid, &data, 0) != LDAP_SUCCESS || !data)
		return 0;
	owned(ldap_writer) BerElement *ber = ber_init(data);
	return ber && ber_scanf(ber, "{i", &msgid) != LBER_ERROR ? (int)msgid : 0;
}

static enum err end(
	struct task *t, struct conn *c, struct transaction *x, bool commit, struct answer *answer, int *ret_failed) {
	owned(ldap_message) LDAPMessage *m = NULL;
	int msgid = 0, rc = ldap_txn_end(c->ld, commit, x->id, NULL, NULL, &msgid);
	if (commit)
		TRY(conn_wait_change(t, c, rc, msgid, &m));
	else
		TRY(conn_wait(t, c, rc, msgid, &m));
	TRY(conn_answer(t, c, m, answer, NULL));
	if (answer->result != LDAP_SUCCESS)
		*ret_failed = failed_msgid(c, m);
	return OK;
}

/* Queues all; *answer is of the first that was refused, or success. Whatever breaks before the commit, nothing was
 * done. */
static enum err queue(
	struct task *t, struct conn *c, const struct ops *ops, struct transaction *x, struct answer *answer) {
	LDAPControl control = {.ldctl_value = *x->id, .ldctl_iscritical = 1}, *controls[] = {&control, NULL};
	char oid[] = LDAP_CONTROL_TXN_SPEC;
	control.ldctl_oid = oid;
	for (size_t i = 0; i < ops->n; i++) {
		owned(ldap_message) LDAPMessage *m = NULL;
		TRY(op_send(t, c, &ops->v[i], controls, &x->msgids[i]));
		TRY(conn_wait(t, c, LDAP_SUCCESS, x->msgids[i], &m));
		TRY(conn_answer(t, c, m, answer, NULL));
		if (answer->result == LDAP_TXN_SPECIFY_OKAY)
			answer->result = LDAP_SUCCESS;
		if (answer->result != LDAP_SUCCESS)
			return OK;
	}
	return OK;
}

static enum err once(struct task *t, struct conn *c, const struct ops *ops, struct report *report,
	int *ret_failed_msgid, struct transaction *x) {
	struct answer answer = {LDAP_SUCCESS, STR("")}, ended = {-1, STR("")};
	int ignored = 0;
	enum err e = queue(t, c, ops, x, &answer);
	if (e == ERR_INVALID) /* not sent by our own fault: the connection stands, and its transaction is open */
		err_ignore(end(t, c, x, false, &ended, &ignored), "the first failure counts");
	TRY(e);
	if (answer.result == LDAP_SUCCESS) {
		report->result = -1;
		TRY(end(t, c, x, true, &answer, ret_failed_msgid));
	} else {
		TRY(end(t, c, x, false, &ended, &ignored));
	}
	report->result = answer.result;
	report->diagnostic = answer.diagnostic;
	return OK;
}

/* The operation that is done already is taken out; true when there was one. */
static bool leave_out(
	struct conn *c, struct ops *ops, const struct transaction *x, int failed_msgid, const struct answer *answer) {
	for (size_t i = 0; i < ops->n; i++) {
		if (x->msgids[i] != failed_msgid ||
			!driver_of(c->directory)->done_already(ops->v[i].change->kind, answer))
			continue;
		ops->n--;
		for (size_t k = i; k < ops->n; k++)
			ops->v[k] = ops->v[k + 1];
		return true;
	}
	return false;
}

enum err transaction_run(struct task *t, struct conn *c, struct ops *ops, struct report *report) {
	struct transaction x = {NULL, arena_array(t->arena, int, ops->n)};
	while (ops->n) {
		owned(ldap_berval) struct berval *id = NULL;
		int failed = 0;
		TRY(start(t, c, report, &id));
		x.id = id;
		TRY(once(t, c, ops, report, &failed, &x));
		struct answer answer = {report->result, report->diagnostic};
		if (answer.result == LDAP_SUCCESS || !leave_out(c, ops, &x, failed, &answer))
			return conn_result(t, c, &answer, "transaction");
	}
	report->result = LDAP_SUCCESS;
	return OK;
}
