#include "broker/login/login_private.h"

enum err login_password_rules(
	struct task *t, const struct directory_config *d, struct str dn, struct password_policy *ret) {
	return policy_read(t, d, dn, ret);
}

struct password_policy rules_to_show(struct task *t, const struct found *found) {
	struct password_policy policy = {0};
	if (login_password_rules(t, found->directory, found->entry->dn, &policy))
		task_clear(t);
	return policy;
}

enum err login_person(struct task *t, const struct account *a, struct person *ret) {
	struct person p = {0};
	TRY(account_person(t, a, &p.directory, &p.entry, &p.groups));
	if (!p.entry->enabled)
		return task_fail(t, ERR_DENIED, "the account is disabled in the directory");
	*ret = p;
	return OK;
}
