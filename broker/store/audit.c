#include "base/clock.h"
#include "base/secret.h"
#include "broker/store/query.h"

#define LIST_MAX  200u
#define AFTER_ALL STR("~") /* sorts behind every id */

static const struct column columns[] = {
	KEY_COLUMN(audit_row, realm),
	KEY_COLUMN(audit_row, id),
	TEXT_COLUMN(audit_row, actor),
	TEXT_COLUMN(audit_row, action),
	TEXT_COLUMN(audit_row, subject),
	TEXT_COLUMN(audit_row, detail),
	TEXT_COLUMN(audit_row, reference),
	TEXT_COLUMN(audit_row, address),
	NUMBER_COLUMN(audit_row, at),
};
static const struct record record = RECORD(audit_row, columns);

/* ?1 realm, ?2 after, ?3 limit, ?4 beginning of the action, ?5 actor, ?6 subject */
#define OF_REALM "SELECT $columns FROM audit WHERE realm = ?1 AND id < ?2 AND substr(action, 1, length(?4)) = ?4"
#define NEWEST   " ORDER BY id DESC LIMIT ?3"
enum { INSERT, LIST, LIST_ACTOR, LIST_SUBJECT };
static const struct query queries[] = {
	[INSERT] = {"INSERT INTO audit $insert", &record, WRITES},
	[LIST] = {OF_REALM NEWEST, &record, READS},
	[LIST_ACTOR] = {OF_REALM " AND actor = ?5" NEWEST, &record, READS},
	[LIST_SUBJECT] = {OF_REALM " AND (?5 = '' OR actor = ?5) AND subject = ?6" NEWEST, &record, READS},
};
const struct query_table audit_queries = {"audit", queries, COUNT(queries)};

enum err audit_insert(struct task *t, struct str action, struct str subject, struct str detail) {
	struct audit_row row = {
		.id = random_id(t->arena),
		.realm = t->realm_name,
		.actor = t->actor,
		.action = action,
		.subject = subject,
		.detail = detail,
		.reference = t->reference,
		.address = t->address,
		.at = clock_wall_ms(),
	};
	return record_insert(t, &queries[INSERT], &row);
}

enum err audit_list(struct task *t, const struct audit_filter *f, struct audit_row **ret, size_t *n) {
	struct rows rows;
	unsigned limit = f->limit < 1 ? 1 : f->limit > LIST_MAX ? LIST_MAX : f->limit;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(str_empty(f->after) ? AFTER_ALL : f->after), NUMBER(limit),
		TEXT(f->action), TEXT(f->actor), TEXT(f->subject));
	int query = LIST_SUBJECT;
	if (str_empty(f->subject)) {
		query = str_empty(f->actor) ? LIST : LIST_ACTOR;
		args.n = query == LIST ? 4 : 5;
	}
	TRY(query_run(t, &queries[query], args, &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}
