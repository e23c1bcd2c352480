/* Passwords of the directory in memory: fake_directory.h. */
#include "tests/unit/fake_directory_private.h"

enum err directory_verify(struct task *t, const struct directory_config *d, struct str dn, struct str password,
	enum verdict *ret, struct verify_detail *detail) {
	BEGIN(fault);
	fake.binds++;
	PUT(fake.bound, dn);
	if (failed)
		return fake_end(failed);
	const struct fake_person *p = fake_person_at(t->arena, dn);
	bool right = p && !str_empty(password) && str_eq(str_of(p->password), password);
	*ret = p && p->locked ? VERDICT_LOCKED : !right ? VERDICT_WRONG : p->verdict;
	if (detail)
		*detail = (struct verify_detail){-1, -1};
	void (*then)(void) = fake.after_bind;
	fake.after_bind = NULL;
	fake_end(OK);
	if (then)
		then();
	return OK;
}

static enum err password_put(struct task *t, struct fake_person *p, struct str password, struct refusal *refusal) {
	bool same = str_eq(str_of(p->password), password), old = str_eq(str_of(p->before), password);
	if (same || old) {
		*refusal = (struct refusal){19, -1,
			same ? STR("Password is not being changed from existing value")
			     : STR("Password is in history of old passwords")};
		return task_fail(t, ERR_REFUSED, "fake: password");
	}
	memcpy(p->before, p->password, sizeof(p->before));
	PUT(p->password, password);
	snprintf(p->stamp, sizeof(p->stamp), "set-%zu", ++fake.sets);
	return OK;
}

enum err directory_set_password(
	struct task *t, const struct directory_config *d, struct str dn, struct str password, struct refusal *refusal) {
	BEGIN(fault);
	struct fake_person *p = fake_person_at(t->arena, dn);
	enum err e = p ? password_put(t, p, password, refusal) : task_fail(t, ERR_NOT_FOUND, "fake: none");
	return fake_end(failed ? failed : e);
}

enum err directory_change_password(struct task *t, const struct directory_config *d, struct str dn,
	struct str old_password, struct str new_password, struct refusal *refusal) {
	BEGIN(fault);
	struct fake_person *p = fake_person_at(t->arena, dn);
	if (!p || !str_eq(str_of(p->password), old_password))
		return fake_end(task_fail(t, ERR_CREDENTIALS, "fake: wrong"));
	enum err e = password_put(t, p, new_password, refusal);
	if (!e)
		p->verdict = VERDICT_OK;
	return fake_end(failed ? failed : e);
}

enum err directory_set_enabled(struct task *t, const struct directory_config *d, struct str dn, bool enabled) {
	BEGIN(fault);
	struct fake_person *p = fake_person_at(t->arena, dn);
	if (p)
		p->enabled = enabled;
	return fake_end(failed ? failed : p ? OK : task_fail(t, ERR_NOT_FOUND, "fake: none"));
}
