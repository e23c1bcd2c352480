/* What a feed tells, carried out: mirror, sessions and grants, audit and the feed's own row in one transaction. */
#include "base/clock.h"
#include "base/metric.h"
#include "broker/login/login.h"
#include "broker/sync/sync_private.h"

#define GONE_FEW 5 /* so many may be gone whatever part of all they are */

/* ---- one person ---- */

static const struct {
	const char *why, *action;
} endings[] = {
	[MIRROR_LIVE] = {"", ""},
	[MIRROR_DISABLED] = {"disabled", "account.disabled"},
	[MIRROR_EXPIRED] = {"expired", "account.expired"},
	[MIRROR_GONE] = {"gone", "account.gone"},
};

static enum err person_end(struct task *t, struct inbound *in, struct str account_id, enum mirror_state state) {
	in->ended++;
	TRY(login_end_account(t, account_id, endings[state].why));
	return audit_record(t, endings[state].action, account_id, AUDIT("directory", in->directory->id),
		AUDIT("controller", in->controller));
}

static enum err password_end(struct task *t, struct inbound *in, const struct account *a) {
	if (!t->realm->session_end_on_password_change)
		return OK;
	in->ended++;
	TRY(login_end_account(t, a->id, "password"));
	return audit_record(t, "account.password", a->id, AUDIT("directory", in->directory->id),
		AUDIT("controller", in->controller));
}

/* Who never logged in has nothing that could end: entries are born disabled, and OpenLDAP enables one for a moment when
 * its password is set. */
static bool has_ended(const struct account *a, const struct mirror *before, enum mirror_state now) {
	return a->last_login_at > 0 && (!before || before->state != now);
}

enum err account_follow(struct task *t, const struct account *a, const struct entry *e) {
	if (str_eq(a->dn, e->dn) && str_eq(a->login, e->login) && str_eq(a->mail, e->mail))
		return OK;
	struct account now = *a;
	now.dn = e->dn;
	now.login = e->login;
	now.mail = e->mail;
	return accounts_update(t, &now);
}

static int64_t later(int64_t a, int64_t b) {
	return a > b ? a : b;
}

static enum err person_told(struct task *t, struct inbound *in, const struct account *a, const struct entry *e,
	const struct mirror *before) {
	int64_t at = before ? later(in->now, before->read_at) : in->now; /* a feed is never older, whatever the clock */
	struct mirror m = mirror_of(t, a, e, before, at);
	bool password = mirror_password_changed(before, m.password_stamp, in->now, &m.password_stamp);
	m.seen_at = later(at, in->pass_at);
	TRY(account_follow(t, a, e));
	if (before && mirror_same(before, &m)) /* a login, a wrong password: nothing that concerns us */
		return before->seen_at < in->pass_at ? mirrors_seen(t, m.directory, m.stable_id, m.seen_at) : OK;
	in->applied++;
	TRY(mirrors_put(t, &m));
	if (m.state != MIRROR_LIVE)
		return has_ended(a, before, m.state) ? person_end(t, in, a->id, m.state) : OK;
	return password ? password_end(t, in, a) : OK;
}

static enum err person_gone(struct task *t, struct inbound *in, const struct account *a, const struct mirror *before) {
	if (before && before->state == MIRROR_GONE)
		return OK;
	const struct entry e = {.dn = a->dn, .login = a->login, .mail = a->mail};
	struct mirror m = mirror_of(t, a, &e, NULL, in->now);
	m.state = MIRROR_GONE;
	m.attributes = STR("");
	in->applied++;
	TRY(before ? mirrors_state(t, a->id, MIRROR_GONE, in->now) : mirrors_put(t, &m));
	return has_ended(a, before, MIRROR_GONE) ? person_end(t, in, a->id, MIRROR_GONE) : OK;
}

enum err inbound_person(struct task *t, struct inbound *in, const struct account *a, const struct entry *e) {
	struct mirror *before = NULL;
	enum err found = mirrors_find(t, a->id, &before);
	if (found == ERR_NOT_FOUND)
		task_clear(t);
	else
		TRY(found);
	if (in->looked && before && before->read_at > in->now)
		return OK;
	return e ? person_told(t, in, a, e, before) : person_gone(t, in, a, before);
}

/* ---- one change ---- */

static enum err change_apply(struct task *t, struct inbound *in, const struct feed_change *c) {
	struct account *a = NULL;
	if (c->kind == FEED_SEEN)
		return mirrors_seen(t, in->directory->id, c->stable_id, later(in->now, in->pass_at));
	if (c->subject == FEED_GROUP || c->subject == FEED_PLACE) {
		in->groups_at = in->now;
		in->place = in->place || c->subject == FEED_PLACE;
		return OK;
	}
	enum err e = accounts_find_stable(t, in->directory->id, c->stable_id, &a);
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		if (c->kind == FEED_GONE && c->subject == FEED_UNKNOWN) /* it may have been a group */
			in->groups_at = in->now;
		return OK;
	}
	TRY(e);
	return inbound_person(t, in, a, c->kind == FEED_GONE ? NULL : c->entry);
}

/* The rows of one change at a time: a hundred people in many groups would not fit into a task. */
static enum err changes_apply(struct task *t, struct inbound *in, const struct feed_batch *batch) {
	owned(arena) struct arena *scratch = arena_new();
	struct arena *whole = t->arena;
	enum err e = OK;
	t->arena = scratch;
	for (size_t i = 0; !e && i < batch->n; i++) {
		arena_wipe(scratch);
		e = change_apply(t, in, &batch->v[i]);
	}
	t->arena = whole;
	t->failure_detail = str_dup(whole, t->failure_detail);
	t->cleared_detail = STR_NONE;
	return e;
}

/* ---- what was not told ---- */

bool inbound_plausible(int64_t gone, int64_t all) {
	return gone <= GONE_FEW || gone * 100 <= all * FEED_GONE_MOST_PERCENT;
}

static enum err unseen_check(struct task *t, const struct inbound *in, struct feed_row *f) {
	int64_t unseen = 0, all = 0;
	TRY(mirrors_count(t, f->directory, in->pass_at, &unseen, &all));
	if (f->state == FEED_ACCEPTED || inbound_plausible(unseen, all)) {
		if (f->state == FEED_STOPPED || f->state == FEED_ACCEPTED)
			f->state = FEED_STARTING;
		return OK;
	}
	f->state = FEED_STOPPED;
	f->detail = str_printf(t->arena,
		"%lld of %lld mirrored accounts are not there any more, which is more than %d %%; nobody was ended",
		(long long)unseen, (long long)all, FEED_GONE_MOST_PERCENT);
	return OK;
}

/* At most 500 at a time. */
struct unseen {
	struct inbound *in;
	struct mirror *rows;
	bool *gone;
	size_t n, at;
};

static enum err unseen_look(struct task *t, void *what) {
	struct unseen *u = what;
	return is_gone(t, u->in->directory, u->rows[u->at].stable_id, &u->gone[u->at]);
}

/* Looked at a second time: a server that the feed was opened at anew may be behind. Who is there is told when it has
 * caught up. */
static enum err unseen_read(struct task *t, struct unseen *u, bool look) {
	TRY(mirrors_unseen(t, u->in->directory->id, u->in->pass_at, &u->rows, &u->n));
	u->gone = arena_array(t->arena, bool, u->n + 1);
	t->deadline = clock_monotonic_ms() + TASK_JOB_MS; /* of each page */
	for (u->at = 0; u->at < u->n; u->at++) {
		u->gone[u->at] = true;
		if (look)
			TRY(task_apart(t, unseen_look, u));
	}
	return OK;
}

static enum err unseen_one(struct task *t, void *what) {
	struct unseen *u = what;
	const struct mirror *row = &u->rows[u->at];
	struct account *a = NULL;
	if (!u->gone[u->at])
		return mirrors_seen(t, row->directory, row->stable_id, u->in->pass_at);
	TRY(accounts_find(t, row->account_id, &a));
	return person_gone(t, u->in, a, row);
}

static enum err unseen_end(struct task *t, struct unseen *u) {
	for (u->at = 0; u->at < u->n; u->at++)
		TRY(task_apart(t, unseen_one, u));
	return OK;
}

/* ---- a batch ---- */

struct applying {
	struct inbound in;
	struct feed_row f;
	const struct feed_batch *batch;
	bool begun, accepted, more; /* more: of those that are gone */
};

/* usherctl may have accepted meanwhile. */
static enum err feed_again(struct task *t, struct feed_row *f) {
	struct feed_row *now = NULL;
	enum err e = feeds_find(t, f->directory, &now);
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		return OK;
	}
	TRY(e);
	if (now->state == FEED_ACCEPTED)
		f->state = FEED_ACCEPTED;
	return OK;
}

static enum err apply_begin(struct task *t, struct applying *x) {
	TRY(feed_again(t, &x->f));
	x->accepted = x->f.state == FEED_ACCEPTED;
	if (x->batch->restarted)
		x->f.pass_at = later(x->in.now, x->f.pass_at + 1);
	x->in.pass_at = x->f.pass_at;
	TRY(changes_apply(t, &x->in, x->batch));
	return x->batch->whole ? unseen_check(t, &x->in, &x->f) : OK;
}

static bool tells_changes(const struct feed_batch *b) {
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].kind != FEED_SEEN)
			return true;
	return false;
}

/* A pass that was stopped is told anew: its cookie is not kept. */
static enum err apply_end(struct task *t, struct applying *x) {
	struct feed_row *f = &x->f;
	const struct feed_batch *b = x->batch;
	bool held = f->state == FEED_STOPPED || f->state == FEED_ACCEPTED;
	if (!held && !str_absent(b->cookie))
		f->cookie = b->cookie;
	if (!str_empty(b->controller))
		f->controller = b->controller;
	if (tells_changes(b))
		f->told_at = x->in.now;
	if (x->in.groups_at)
		f->groups_at = later(x->in.groups_at, f->groups_at);
	if (x->in.place)
		f->reconciled_at = 0;
	if (b->current && !held) {
		f->state = FEED_FOLLOWING;
		f->heard_at = x->in.now;
		f->detail = STR("");
	}
	return feeds_put(t, f);
}

static enum err apply_step(struct task *t, struct applying *x, struct unseen *u) {
	bool first = !x->begun;
	if (first)
		TRY(apply_begin(t, x));
	x->begun = true;
	TRY(unseen_end(t, u));
	x->more = first ? x->batch->whole && x->f.state != FEED_STOPPED : u->n > 0;
	return x->more ? OK : apply_end(t, x);
}

/* Where nobody's access ended, what is lost is told again from the cookie that is lost with it. */
static enum err apply_once(struct task *t, void *what) {
	struct applying *x = what;
	struct unseen u = {.in = &x->in};
	if (x->begun)
		TRY(unseen_read(t, &u, !x->accepted));
	TRY(store_begin(t));
	enum err e = apply_step(t, x, &u);
	return x->in.ended ? store_end(t, e) : store_end_passing(t, e);
}

/* Those that are gone may be many: five hundred a transaction, and the last has the cookie. */
enum err inbound_apply(
	struct task *t, const struct directory_config *d, const struct feed_batch *batch, struct feed_row *f) {
	struct applying x = {
		.in = {.directory = d,
			.controller = str_empty(batch->controller) ? f->controller : batch->controller,
			.now = clock_wall_ms()},
		.f = *f,
		.batch = batch,
	};
	do {
		TRY(x.begun ? task_apart(t, apply_once, &x) : apply_once(t, &x));
	} while (x.more);
	if (x.in.groups_at)
		mirror_groups_changed(t->realm_name, d, x.f.groups_at);
	metric_add(METRIC_INBOUND, METRIC_INBOUND_APPLIED, x.in.applied);
	metric_add(METRIC_INBOUND, METRIC_INBOUND_ENDED, x.in.ended);
	*f = x.f;
	return OK;
}

/* ---- by date ---- */

/* Of a realm that is no longer configured there is nobody to be told. */
static enum err due_forgotten(struct task *t, const struct mirror *m, int64_t now) {
	TRY(sessions_remove_account(t, m->account_id, STR("")));
	TRY(grants_revoke_account(t, m->account_id, now));
	return mirrors_state(t, m->account_id, MIRROR_EXPIRED, now);
}

static enum err due_end(struct task *t, const struct mirror *due, struct inbound *in) {
	struct mirror *m = NULL;
	TRY(mirrors_find(t, due->account_id, &m));
	if (m->state != MIRROR_LIVE || m->expires_at > in->now)
		return OK; /* told otherwise meanwhile */
	if (!t->realm || !in->directory)
		return due_forgotten(t, m, in->now);
	TRY(mirrors_state(t, m->account_id, MIRROR_EXPIRED, later(in->now, m->read_at)));
	return person_end(t, in, m->account_id, MIRROR_EXPIRED);
}

static enum err due_one(struct task *t, void *what) {
	const struct mirror *due = what;
	struct inbound in = {.controller = STR("timer"), .now = clock_wall_ms()};
	t->realm_name = due->realm;
	t->realm = config_realm(t->config, due->realm);
	in.directory = t->realm ? realm_directory(t->realm, due->directory) : NULL;
	TRY(store_begin(t));
	TRY(store_end(t, due_end(t, due, &in)));
	metric_add(METRIC_INBOUND, METRIC_INBOUND_ENDED, in.ended);
	return OK;
}

enum err inbound_due(struct task *t) {
	struct mirror *due = NULL;
	size_t n = 0;
	int64_t now = clock_wall_ms();
	const struct realm *realm = t->realm;
	struct str realm_name = t->realm_name;
	enum err e = mirrors_due(t, now, &due, &n);
	for (size_t i = 0; !e && i < n; i++)
		e = task_apart(t, due_one, &due[i]);
	t->realm = realm;
	t->realm_name = realm_name;
	return e;
}
