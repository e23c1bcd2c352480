/* The person behind an account: from the mirror while it is fresh, else from the directory. */
#include "base/clock.h"
#include "broker/account/account_private.h"

#define LAG_MS 60000 /* so long another server of the directory may be behind the one that its feed follows */

/* ---- what a look brought ---- */

struct take {
	const struct directory_config *directory;
	const struct account *account;
	const struct entry *entry;
	struct str groups; /* empty: not read, or they cannot be kept */
	int64_t read_at;
};

static enum err row_find(struct task *t, struct str account_id, struct mirror **ret) {
	enum err e = mirrors_find(t, account_id, ret);
	if (e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	*ret = NULL;
	return OK;
}

static bool groups_current(const struct task *t, const struct directory_config *d, const struct mirror *m) {
	return m->groups_at >= m->read_at && m->groups_at >= mirror_groups_since(t->realm_name, d) &&
	       !str_empty(m->groups);
}

/* While the feed is fresh, whoever it told to have ended a moment ago comes back by its word alone: a look may have
 * been answered by a server that has not heard of it yet, and the feed will not tell it again. Entries are born
 * disabled: who never logged in has not ended. */
static bool ended_lately(const struct task *t, const struct account *a, const struct mirror *m, int64_t read_at) {
	const struct directory_config *d = realm_directory(t->realm, a->directory);
	return m->state != MIRROR_LIVE && a->last_login_at > 0 && d && mirror_fresh(t->realm_name, d) &&
	       read_at - m->read_at < LAG_MS;
}

/* The row that a look makes of the one that is there; false when it tells nothing new, or what is for inbound_apply to
 * act upon: a look must not take its change away. */
static bool take_row(struct task *t, const struct take *k, const struct mirror *before, struct mirror *ret) {
	struct str stamp;
	struct mirror m = mirror_of(t, k->account, k->entry, before, k->read_at);
	if (m.state != MIRROR_LIVE || (before && before->read_at > k->read_at))
		return false;
	if (before && ended_lately(t, k->account, before, k->read_at))
		return false;
	if (!before)
		m.seen_at = clock_wall_ms();
	else if (mirror_password_changed(before, m.password_stamp, k->read_at, &stamp))
		m.password_stamp = before->password_stamp;
	else
		m.password_stamp = stamp;
	bool same = before && mirror_same(before, &m);
	bool regrouped = !str_empty(k->groups) &&
			 !(same && groups_current(t, k->directory, before) && str_eq(before->groups, k->groups));
	if (same)
		m.read_at = before->read_at;
	if (regrouped) {
		m.groups = k->groups;
		m.groups_at = k->read_at;
	}
	*ret = m;
	return !same || regrouped;
}

static enum err take_write(struct task *t, const struct take *k) {
	struct mirror *before = NULL, m;
	TRY(row_find(t, k->account->id, &before));
	return take_row(t, k, before, &m) ? mirrors_put(t, &m) : OK;
}

enum err mirror_take(
	struct task *t, const struct account *a, const struct entry *e, const struct groups *groups, int64_t read_at) {
	struct mirror *before = NULL, m;
	const struct directory_config *d = realm_directory(t->realm, a->directory);
	if (!d || d->feed == FEED_OFF || str_empty(a->stable_id))
		return OK;
	struct take k = {d, a, e, groups ? groups_text(t->arena, groups) : STR(""), read_at};
	TRY(row_find(t, a->id, &before));
	if (!take_row(t, &k, before, &m))
		return OK;
	TRY(store_begin(t));
	return store_end(t, take_write(t, &k));
}

enum err mirror_admits(struct task *t, const struct account *a, int64_t read_at) {
	struct mirror *m = NULL;
	TRY(row_find(t, a->id, &m));
	if (m && m->state != MIRROR_LIVE && (m->read_at >= read_at || ended_lately(t, a, m, read_at)))
		return task_fail(t, ERR_DENIED, "the account ended in the directory meanwhile");
	return OK;
}

/* ---- the person ---- */

static enum err person_live(struct task *t, const struct account *a, const struct directory_config **ret_d,
	struct entry **ret, struct groups *groups) {
	const struct directory_config *d = NULL;
	struct entry *e = NULL;
	struct groups found = {0};
	int64_t read_at = clock_wall_ms();
	TRY(account_entry(t, a, &d, &e));
	if (groups && e->enabled)
		TRY(directory_groups(t, d, e, &found));
	TRY(mirror_take(t, a, e, groups ? &found : NULL, read_at));
	if (groups)
		*groups = found;
	*ret_d = d;
	*ret = e;
	return OK;
}

static enum err groups_anew(struct task *t, const struct directory_config *d, const struct mirror *m,
	const struct entry *e, struct groups *ret) {
	struct groups found = {0};
	int64_t read_at = clock_wall_ms();
	TRY(directory_groups(t, d, e, &found));
	struct str text = groups_text(t->arena, &found);
	if (!str_empty(text))
		TRY(mirrors_groups(t, m->account_id, text, read_at));
	*ret = found;
	return OK;
}

/* ERR_NOT_FOUND: the mirror cannot say. */
static enum err person_mirrored(struct task *t, const struct account *a, const struct directory_config *d,
	struct entry **ret, struct groups *groups) {
	struct mirror *m = NULL;
	struct entry *e = NULL;
	struct groups found = {0};
	TRY(row_find(t, a->id, &m));
	if (!m || m->state == MIRROR_GONE || str_empty(m->attributes) || !str_eq(m->directory, d->id) ||
		!str_eq(m->stable_id, a->stable_id))
		return ERR_NOT_FOUND;
	TRY(mirror_entry(t, d, m, &e));
	if (groups && e->enabled)
		TRY(groups_current(t, d, m) ? mirror_groups(t, m, &found) : groups_anew(t, d, m, e, &found));
	if (groups)
		*groups = found;
	*ret = e;
	return OK;
}

enum err account_person(struct task *t, const struct account *a, const struct directory_config **ret_d,
	struct entry **ret, struct groups *groups) {
	const struct directory_config *d = realm_directory(t->realm, a->directory);
	if (!d || !mirror_fresh(t->realm_name, d))
		return person_live(t, a, ret_d, ret, groups);
	enum err e = person_mirrored(t, a, d, ret, groups);
	if (e == ERR_NOT_FOUND)
		return person_live(t, a, ret_d, ret, groups);
	TRY(e);
	*ret_d = d;
	return OK;
}

/* ---- our own changes of passwords ---- */

enum err mirror_password_begin(struct task *t, const struct directory_config *d, struct str stable_id) {
	struct mirror *m = NULL;
	enum err e = mirrors_find_stable(t, d->id, stable_id, &m);
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		return OK;
	}
	TRY(e);
	return mirrors_stamp(t, d->id, stable_id, stamp_own(t->arena, m->password_stamp, clock_wall_ms()));
}

static enum err password_ended(
	struct task *t, const struct directory_config *d, const struct mirror *m, bool done, struct str *ret_other) {
	struct mirror unmarked = *m;
	struct entry *e = NULL;
	struct str now;
	int64_t at = 0, read_at = clock_wall_ms();
	stamp_read(m->password_stamp, &at, &unmarked.password_stamp);
	TRY(directory_find_id(t, d, m->stable_id, &e));
	bool changed = mirror_password_changed(&unmarked, e->password_stamp, read_at, &now);
	if (changed && !done) {
		*ret_other = now;
		return OK;
	}
	TRY(mirrors_stamp(t, d->id, m->stable_id, now));
	const struct account a = {.id = m->account_id, .directory = m->directory, .stable_id = m->stable_id};
	return done ? mirror_take(t, &a, e, NULL, read_at) : OK;
}

void mirror_password_end(
	struct task *t, const struct directory_config *d, struct str stable_id, bool done, struct str *ret_other) {
	struct mirror *m = NULL;
	enum err failure = t->failure;
	struct str detail = t->failure_detail;
	*ret_other = STR("");
	enum err e = mirrors_find_stable(t, d->id, stable_id, &m);
	if (!e)
		e = password_ended(t, d, m, done, ret_other);
	err_ignore(e, "the mark ends by its time");
	t->failure = failure;
	t->failure_detail = detail;
}
