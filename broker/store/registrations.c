#include <jansson.h>

#include "base/buf.h"
#include "broker/store/query.h"

#define SEARCH_MAX (64u << 10)
#define LIST_MAX   200u
#define NOT_OPEN   "state NOT IN ('rejected', 'expired', 'withdrawn')"

OWNED(json, json_t *, json_decref)

static const char *const states[] = {
	[REGISTRATION_SUBMITTED] = "submitted",
	[REGISTRATION_PENDING] = "pending",
	[REGISTRATION_APPROVED] = "approved",
	[REGISTRATION_PROVISIONED] = "provisioned",
	[REGISTRATION_ACTIVE] = "active",
	[REGISTRATION_REJECTED] = "rejected",
	[REGISTRATION_EXPIRED] = "expired",
	[REGISTRATION_WITHDRAWN] = "withdrawn",
};
_Static_assert(COUNT(states) == REGISTRATION_STATES, "each state has a name");

const char *registration_state_name(enum registration_state s) {
	return (size_t)s < COUNT(states) ? states[s] : "";
}

/* ---- the row ---- */

static struct value login_key(struct task *t, const void *row) {
	const struct registration *r = row;
	return TEXT(str_lower(t->arena, str_empty(r->login) ? r->login_proposed : r->login));
}

/* One line each: mail, logins, and the values of the fields, without their names. */
static struct value search(struct task *t, const void *row) {
	const struct registration *r = row;
	struct buf b = buf_new(t->arena, SEARCH_MAX);
	const struct str texts[] = {r->mail, r->login, r->login_proposed};
	for (size_t i = 0; i < COUNT(texts); i++) {
		buf_put(&b, texts[i]);
		buf_byte(&b, '\n');
	}
	const char *name;
	json_t *value;
	owned(json) json_t *fields = r->fields.n ? json_loadb(r->fields.p, r->fields.n, JSON_ALLOW_NUL, NULL) : NULL;
	json_object_foreach(fields, name, value) {
		if (json_is_string(value)) {
			buf_put(&b, str_slice(json_string_value(value), json_string_length(value)));
			buf_byte(&b, '\n');
		}
	}
	return TEXT(str_lower(t->arena, buf_str(&b)));
}

static const struct column columns[] = {
	KEY_COLUMN(registration, realm),
	KEY_COLUMN(registration, id),
	TEXT_COLUMN(registration, profile),
	ENUM_COLUMN(registration, state, states),
	TEXT_COLUMN(registration, mail),
	TEXT_COLUMN(registration, mail_key),
	TEXT_COLUMN(registration, fields),
	TEXT_COLUMN(registration, login_proposed),
	TEXT_COLUMN(registration, login),
	TEXT_COLUMN(registration, base),
	TEXT_COLUMN(registration, groups),
	TEXT_COLUMN(registration, approval_why),
	TEXT_COLUMN(registration, decided_by),
	TEXT_COLUMN(registration, reason),
	NUMBER_COLUMN(registration, decided_at),
	TEXT_COLUMN(registration, plan_id),
	TEXT_COLUMN(registration, account_id),
	TEXT_COLUMN(registration, address),
	NUMBER_COLUMN(registration, created_at),
	NUMBER_COLUMN(registration, updated_at),
	NUMBER_COLUMN(registration, verified_at),
	NUMBER_COLUMN(registration, reminded_at),
	NUMBER_COLUMN(registration, due_at),
	NUMBER_COLUMN(registration, version),
	DERIVED_COLUMN(login_key, login_key),
	DERIVED_COLUMN(search, search),
};
static const struct record record = RECORD(registration, columns);

enum {
	INSERT,
	FIND,
	FIND_OPEN,
	FIND_WAITING,
	COUNT_TWINS,
	UPDATE,
	LIST,
	LIST_STATE,
	NEWEST,
	NEWEST_STATE,
	COUNT_ANY,
	COUNT_STATE,
	COUNT_SINCE,
	DUE,
	REMOVE,
	REMOVE_PLANS,
	REMOVE_PARKED,
	RESERVED,
	RESERVED_ACCOUNT
};
#define LIST_OF(beyond, which, order)                                                                                  \
	"SELECT $columns FROM registration WHERE realm = ?1 AND profile = ?2 AND id " beyond                           \
	" ?3 AND search LIKE ?4 ESCAPE '!'" which " ORDER BY id" order " LIMIT ?5"
static const struct query queries[] = {
	[INSERT] = {"INSERT INTO registration $insert", &record, WRITES},
	[FIND] = {"SELECT $columns FROM registration WHERE realm = ?1 AND id = ?2", &record, READS},
	[FIND_OPEN] = {"SELECT $columns FROM registration WHERE realm = ?1 AND mail_key = ?2 AND " NOT_OPEN
		       " ORDER BY created_at DESC, id DESC LIMIT 1",
		&record, READS},
	[FIND_WAITING] = {"SELECT $columns FROM registration WHERE realm = ?1 AND mail_key = ?2 AND "
			  "state IN ('pending', 'approved', 'provisioned') ORDER BY created_at DESC, id DESC LIMIT 1",
		&record, READS},
	[COUNT_TWINS] = {"SELECT count(*) FROM registration WHERE realm = ?1 AND mail_key = ?2 AND id <> ?3 AND "
			 "(state IN ('pending', 'approved', 'provisioned') OR (state = 'active' AND updated_at > ?4))",
		&number_record, READS},
	[UPDATE] = {"UPDATE registration SET $set WHERE realm = :realm AND id = :id AND version = ?+1", &record,
		WRITES},
	[LIST] = {LIST_OF(">", "", ""), &record, READS},
	[LIST_STATE] = {LIST_OF(">", " AND state = ?6", ""), &record, READS},
	[NEWEST] = {LIST_OF("<", "", " DESC"), &record, READS},
	[NEWEST_STATE] = {LIST_OF("<", " AND state = ?6", " DESC"), &record, READS},
	[COUNT_ANY] = {"SELECT count(*) FROM registration WHERE realm = ?1 AND profile = ?2", &number_record, READS},
	[COUNT_STATE] = {"SELECT count(*) FROM registration WHERE realm = ?1 AND profile = ?2 AND state = ?3",
		&number_record, READS},
	[COUNT_SINCE] = {"SELECT count(*) FROM registration WHERE realm = ?1 AND mail_key = ?2 AND created_at >= ?3",
		&number_record, READS},
	[DUE] = {"SELECT $columns FROM registration WHERE due_at > 0 AND due_at <= ?1 ORDER BY due_at LIMIT 100",
		&record, READS},
	[REMOVE] = {"DELETE FROM registration WHERE realm = ?1 AND id = ?2", NULL, WRITES},
	[REMOVE_PLANS] = {"DELETE FROM plan WHERE realm = ?1 AND registration_id = ?2", NULL, WRITES},
	[REMOVE_PARKED] = {"DELETE FROM job WHERE realm = ?1 AND subject = ?2 AND state = 'parked'", NULL, WRITES},
	[RESERVED] = {"SELECT count(*) FROM registration WHERE realm = ?1 AND login_key = ?2 AND login_key <> '' AND "
		      "id <> ?3 "
		      "AND state IN ('approved', 'provisioned')",
		&number_record, READS},
	[RESERVED_ACCOUNT] = {"SELECT count(*) FROM account WHERE realm = ?1 AND login_key = ?2 AND login_key <> ''",
		&number_record, READS},
};
const struct query_table registrations_queries = {"registrations", queries, COUNT(queries)};

/* ---- one ---- */

enum err registrations_insert(struct task *t, const struct registration *r) {
	return record_insert(t, &queries[INSERT], r);
}

enum err registrations_find(struct task *t, struct str id, struct registration **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND], ARGS(TEXT(t->realm_name), TEXT(id)), &row));
	*ret = row;
	return OK;
}

enum err registrations_find_open(struct task *t, struct str mail_key, struct registration **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND_OPEN], ARGS(TEXT(t->realm_name), TEXT(mail_key)), &row));
	*ret = row;
	return OK;
}

enum err registrations_find_waiting(struct task *t, struct str mail_key, struct registration **ret) {
	void *row = NULL;
	TRY(query_one(t, &queries[FIND_WAITING], ARGS(TEXT(t->realm_name), TEXT(mail_key)), &row));
	*ret = row;
	return OK;
}

enum err registrations_has_twin(struct task *t, const struct registration *r, bool *ret) {
	int64_t n = 0;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(r->mail_key), TEXT(r->id), NUMBER(r->created_at));
	TRY(query_number(t, &queries[COUNT_TWINS], args, &n));
	*ret = n > 0;
	return OK;
}

enum err registrations_update(struct task *t, struct registration *r) {
	struct registration next = *r;
	int64_t changed = 0;
	next.version++;
	TRY(record_write(t, &queries[UPDATE], &next, ARGS(NUMBER(r->version)), &changed));
	if (!changed)
		return ERR_STALE;
	r->version = next.version;
	return OK;
}

static enum err remove_with_plans(struct task *t, const void *what) {
	struct args args = ARGS(TEXT(t->realm_name), TEXT(*(const struct str *)what));
	TRY(query_do(t, &queries[REMOVE_PLANS], args));
	TRY(query_do(t, &queries[REMOVE_PARKED], args));
	return query_do(t, &queries[REMOVE], args);
}

enum err registrations_remove(struct task *t, struct str id) {
	return store_within(t, remove_with_plans, &id);
}

enum err registrations_login_reserved(struct task *t, struct str login, struct str except_id, bool *ret) {
	int64_t registrations = 0, accounts = 0;
	struct args args = ARGS(TEXT(t->realm_name), TEXT(str_lower(t->arena, login)), TEXT(except_id));
	TRY(query_number(t, &queries[RESERVED], args, &registrations));
	args.n = 2;
	TRY(query_number(t, &queries[RESERVED_ACCOUNT], args, &accounts));
	*ret = registrations > 0 || accounts > 0;
	return OK;
}

/* ---- many ---- */

static int by_id(const void *a, const void *b) {
	return str_cmp(((const struct registration *)a)->id, ((const struct registration *)b)->id);
}

static int by_id_newest(const void *a, const void *b) {
	return by_id(b, a);
}

static const struct query *list_query(const struct registration_filter *f) {
	if (f->newest)
		return &queries[f->state < 0 ? NEWEST : NEWEST_STATE];
	return &queries[f->state < 0 ? LIST : LIST_STATE];
}

static bool named_before(struct strs profiles, size_t i) {
	return strs_has((struct strs){profiles.v, i}, profiles.v[i]);
}

/* A page of each profile, so that each is read by its index; then the first of all. */
enum err registrations_list(struct task *t, const struct registration_filter *f, struct registration **ret, size_t *n) {
	unsigned limit = f->limit < 1 ? 1 : f->limit > LIST_MAX ? LIST_MAX : f->limit;
	struct str after = f->newest && str_empty(f->after) ? ID_LAST : f->after;
	struct registration *all = NULL;
	size_t count = 0;
	for (size_t i = 0; i < f->profiles.n; i++) {
		struct rows rows;
		struct args args = ARGS(TEXT(t->realm_name), TEXT(f->profiles.v[i]), TEXT(after),
			TEXT(like_part(t->arena, f->search)), NUMBER(limit),
			TEXT(enum_name(states, COUNT(states), f->state)));
		if (f->state < 0)
			args.n--;
		if (named_before(f->profiles, i))
			continue;
		TRY(query_run(t, list_query(f), args, &rows));
		if (rows.n == 0)
			continue;
		all = arena_grow(t->arena, all, count * sizeof(*all), (count + rows.n) * sizeof(*all));
		memcpy(all + count, rows.v, rows.n * sizeof(*all));
		count += rows.n;
		qsort(all, count, sizeof(*all), f->newest ? by_id_newest : by_id);
		count = count > limit ? limit : count;
	}
	*ret = all;
	*n = count;
	return OK;
}

enum err registrations_count(struct task *t, struct strs profiles, int state, int64_t *ret) {
	int64_t sum = 0;
	for (size_t i = 0; i < profiles.n; i++) {
		int64_t count = 0;
		struct args args =
			ARGS(TEXT(t->realm_name), TEXT(profiles.v[i]), TEXT(enum_name(states, COUNT(states), state)));
		if (state < 0)
			args.n--;
		if (named_before(profiles, i))
			continue;
		TRY(query_number(t, &queries[state < 0 ? COUNT_ANY : COUNT_STATE], args, &count));
		sum += count;
	}
	*ret = sum;
	return OK;
}

enum err registrations_count_since(struct task *t, struct str mail_key, int64_t since, int64_t *ret) {
	return query_number(t, &queries[COUNT_SINCE], ARGS(TEXT(t->realm_name), TEXT(mail_key), NUMBER(since)), ret);
}

enum err registrations_due(struct task *t, int64_t now, struct registration **ret, size_t *n) {
	struct rows rows;
	TRY(query_run(t, &queries[DUE], ARGS(NUMBER(now)), &rows));
	*ret = rows.v;
	*n = rows.n;
	return OK;
}
