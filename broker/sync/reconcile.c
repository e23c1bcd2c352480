/* The full compare of the mirrored accounts with what is there. */
#include "base/clock.h"
#include "broker/sync/sync_private.h"

#define PAGE 100u

void reconcile_begin(struct reconcile *r) {
	*r = (struct reconcile){.arena = arena_new(), .after = STR("")};
}

void reconcile_free(struct reconcile *r) {
	if (r->arena)
		arena_free(r->arena);
	*r = (struct reconcile){0};
}

static struct inbound told_by_us(const struct directory_config *d) {
	return (struct inbound){.directory = d, .controller = STR("reconcile"), .now = clock_wall_ms(), .looked = true};
}

/* The entry as it is, NULL: there is none. Errors that concern this one alone are counted. */
static enum err look(struct task *t, const struct directory_config *d, struct reconcile *r, const struct mirror *m,
	struct entry **ret, bool *ret_failed) {
	enum err e = directory_find_id(t, d, m->stable_id, ret);
	*ret_failed = false;
	if (e == ERR_NOT_FOUND) {
		*ret = NULL;
	} else if (e && !err_row(e)->retry && e != ERR_CONFIG) {
		r->drift.failed++;
		*ret_failed = true;
	} else {
		return e;
	}
	task_clear(t);
	return OK;
}

/* ---- whether somebody is gone ---- */

/* ERR_NOT_FOUND: none of the controllers that answer shows the entry. */
static enum err find_anywhere(
	struct task *t, const struct directory_config *d, const struct strs *uris, struct str stable_id) {
	struct entry *e = NULL;
	enum err any = ERR_UNAVAILABLE;
	for (size_t i = 0; i < uris->n; i++) {
		task_clear(t);
		directory_pin(t, d, uris->v[i]);
		enum err code = directory_find_id(t, d, stable_id, &e);
		if (err_row(code)->retry) /* away */
			continue;
		any = code;
		if (code != ERR_NOT_FOUND)
			break;
	}
	directory_pin(t, d, STR_NONE);
	return any;
}

static enum err find_again(struct task *t, const struct directory_config *d, struct str stable_id) {
	struct strs uris = {NULL, 0};
	struct entry *e = NULL;
	enum err code = directory_find_id(t, d, stable_id, &e);
	if (code != ERR_NOT_FOUND || !directory_has_several(d))
		return code;
	TRY(directory_controller_uris(t, d, &uris));
	return find_anywhere(t, d, &uris, stable_id);
}

enum err is_gone(struct task *t, const struct directory_config *d, struct str stable_id, bool *ret) {
	enum err e = find_again(t, d, stable_id);
	if (e && (err_row(e)->retry || e == ERR_CONFIG))
		return e;
	task_clear(t);
	*ret = e == ERR_NOT_FOUND;
	return OK;
}

/* ---- the compare ---- */

static enum err mend(struct task *t, struct inbound *in, struct str account_id, const struct entry *e) {
	struct account *a = NULL;
	TRY(accounts_find(t, account_id, &a));
	return inbound_person(t, in, a, e);
}

struct comparing {
	const struct directory_config *d;
	struct reconcile *r;
	const struct mirror *row;
};

static enum err compare(struct task *t, void *what) {
	const struct comparing *x = what;
	struct reconcile *r = x->r;
	struct entry *e = NULL;
	bool failed = false;
	struct inbound in = told_by_us(x->d);
	TRY(look(t, x->d, r, x->row, &e, &failed));
	r->drift.looked++;
	if (failed)
		return OK;
	if (!e) {
		strs_add(r->arena, &r->gone, str_dup(r->arena, x->row->account_id));
		return OK;
	}
	TRY(store_begin(t));
	TRY(store_end(t, mend(t, &in, x->row->account_id, e)));
	r->drift.changed += in.applied;
	return OK;
}

static enum err page(struct task *t, void *what) {
	struct comparing *x = what;
	struct reconcile *r = x->r;
	struct mirror *rows = NULL;
	size_t n = 0;
	TRY(mirrors_list(t, x->d->id, r->after, PAGE, &rows, &n));
	for (size_t i = 0; i < n; i++) {
		x->row = &rows[i];
		if (rows[i].state != MIRROR_GONE) /* whoever comes back is told by the feed */
			TRY(task_apart(t, compare, x));
	}
	if (n)
		r->after = str_dup(r->arena, rows[n - 1].account_id);
	r->looked = n < PAGE;
	return OK;
}

enum err reconcile_page(struct task *t, const struct directory_config *d, struct reconcile *r) {
	return task_apart(t, page, &(struct comparing){d, r, NULL});
}

/* Looked at a second time: what was not found a while ago may have been on its way. */
static enum err end_one(struct task *t, const struct directory_config *d, struct reconcile *r, struct str account_id) {
	struct mirror *m = NULL;
	bool gone = false;
	struct inbound in = told_by_us(d);
	TRY(mirrors_find(t, account_id, &m));
	TRY(is_gone(t, d, m->stable_id, &gone));
	if (!gone)
		return OK;
	TRY(store_begin(t));
	TRY(store_end(t, mend(t, &in, account_id, NULL)));
	r->drift.gone += in.applied;
	return OK;
}

enum err reconcile_end(struct task *t, const struct directory_config *d, struct reconcile *r) {
	if (!inbound_plausible((int64_t)r->gone.n, r->drift.looked)) {
		r->drift.gone = (int64_t)r->gone.n;
		return task_fail(t, ERR_REFUSED,
			"%zu of %lld mirrored accounts were not found, which is more than %d %%; nobody was ended",
			r->gone.n, (long long)r->drift.looked, FEED_GONE_MOST_PERCENT);
	}
	for (size_t i = 0; i < r->gone.n; i++)
		TRY(end_one(t, d, r, r->gone.v[i]));
	return OK;
}

enum err reconcile_run(struct task *t, const struct directory_config *d, struct drift *ret) {
	struct reconcile r;
	enum err e = OK;
	reconcile_begin(&r);
	while (!e && !r.looked) {
		t->deadline = clock_monotonic_ms() + TASK_JOB_MS; /* of each page */
		e = reconcile_page(t, d, &r);
	}
	if (!e)
		e = reconcile_end(t, d, &r);
	*ret = r.drift;
	reconcile_free(&r);
	return e;
}
