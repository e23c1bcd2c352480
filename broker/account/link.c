#include "base/clock.h"
#include "base/secret.h"
#include "broker/account/account.h"

#define SUB_BYTES 18 /* 144 bits */

static enum err link_new(
	struct task *t, const struct directory_config *d, const struct entry *e, struct account **ret) {
	struct account *a = arena_new_of(t->arena, struct account);
	*a = (struct account){
		.id = random_id(t->arena),
		.realm = t->realm_name,
		.directory = d->id,
		.stable_id = e->stable_id,
		.sub = random_token(t->arena, SUB_BYTES),
		.dn = e->dn,
		.login = e->login,
		.mail = e->mail,
		.created_at = clock_wall_ms(),
	};
	enum err inserted = accounts_insert(t, a);
	if (inserted == ERR_EXISTS)
		return accounts_find_stable(t, d->id, e->stable_id, ret);
	TRY(inserted);
	TRY(audit_record(t, "account.link", a->id, AUDIT("dn", e->dn), AUDIT("stable_id", e->stable_id)));
	*ret = a;
	return OK;
}

/* The row as it is by now: its other columns are others'. */
static enum err link_update(
	struct task *t, const struct directory_config *d, const struct entry *e, struct account **ret) {
	struct account *a = NULL;
	TRY(accounts_find_stable(t, d->id, e->stable_id, &a));
	a->dn = e->dn;
	a->login = e->login;
	a->mail = e->mail;
	*ret = a;
	return accounts_update(t, a);
}

enum err account_link(struct task *t, const struct directory_config *d, const struct entry *e, struct account **ret) {
	struct account *a = NULL;
	if (str_empty(e->stable_id))
		return task_fail(t, ERR_CONFIG,
			"directory %.*s gives no stable id for an entry; the service account must be able to read it",
			FMT(d->id));
	enum err found = accounts_find_stable(t, d->id, e->stable_id, &a);
	if (found == OK && str_eq(a->dn, e->dn) && str_eq(a->login, e->login) && str_eq(a->mail, e->mail)) {
		*ret = a;
		return OK;
	}
	if (found && found != ERR_NOT_FOUND)
		return found;
	task_clear(t);
	TRY(store_begin(t));
	enum err done = a ? link_update(t, d, e, &a) : link_new(t, d, e, &a);
	TRY(store_end(t, done));
	*ret = a;
	return OK;
}

enum err account_entry(
	struct task *t, const struct account *a, const struct directory_config **ret_d, struct entry **ret) {
	const struct directory_config *d = realm_directory(t->realm, a->directory);
	if (!d)
		return task_fail(t, ERR_NOT_FOUND, "directory %.*s is no longer configured", FMT(a->directory));
	TRY(directory_find_id(t, d, a->stable_id, ret));
	*ret_d = d;
	return OK;
}
