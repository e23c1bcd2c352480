/* An update carried out: each step finds the entry by its stable id, looks, acts if it is not done yet, and says so. */
#include "base/clock.h"
#include "federation/plan/plan_private.h"

#define RESULT_OBJECT_CLASS 65    /* RFC 4511 objectClassViolation */
#define MEMBERS_READ        8192u /* by directory_values; with so many there may be more */

struct run {
	struct task *t;
	const struct directory_config *d;
	const struct plan *p;
	const struct update_step *s;
	struct entry *e; /* NULL: gone */
	struct report *report;
	struct str dn; /* afterwards */
};

static void say(struct run *r, const char *what) {
	r->report->result = 0;
	r->report->diagnostic = str_of(what);
}

static enum err apply(struct run *r, struct change change) {
	return directory_apply(r->t, r->d, &change, 1, r->report);
}

static enum err replace_values(struct run *r, struct attribute *list, size_t n) {
	return apply(r, (struct change){CHANGE_REPLACE, r->e->dn, list, n, STR_NONE});
}

/* ---- attributes ---- */

static enum err replace(struct run *r) {
	struct attribute *after = &r->s->attributes[0];
	struct strs now = values_seen(r->d, r->e, after->name);
	if (same_values(now, after->values)) {
		say(r, "it has these values");
		return OK;
	}
	if (!same_values(now, r->s->before))
		return task_fail(r->t, ERR_REFUSED, "attribute %.*s was changed by others meanwhile", FMT(after->name));
	enum err code = replace_values(r, after, 1);
	return code ? task_fail(r->t, code, "attribute %.*s", FMT(after->name)) : OK;
}

/* What is written follows from the entry as it is now: other flags of the same attribute are others'. */
static enum err set_enabled(struct run *r) {
	bool enabled = r->s->kind == UPDATE_ENABLE;
	struct attribute *list = NULL;
	size_t n = 0;
	directory_enabling(r->t->arena, r->d, r->e, enabled, &list, &n);
	if (!n) {
		say(r, enabled ? "it is enabled" : "it is disabled");
		return OK;
	}
	return replace_values(r, list, n);
}

/* ---- groups ---- */

static enum err member(struct run *r, enum change_kind kind, struct str dn) {
	struct attribute *value = arena_new_of(r->t->arena, struct attribute);
	value->name = r->d->group_member_attribute;
	strs_add(r->t->arena, &value->values, dn);
	return apply(r, (struct change){kind, r->s->dn, value, 1, STR_NONE});
}

static enum err join(struct run *r) {
	enum err code = member(r, CHANGE_VALUE_ADD, r->e->dn);
	if (code == ERR_NOT_FOUND)
		return task_fail(r->t, code, "there is no group %.*s", FMT(r->s->dn));
	return code ? task_fail(r->t, code, "group %.*s", FMT(r->s->dn)) : OK;
}

static enum err leave_as(struct run *r, struct str dn) {
	enum err code = member(r, CHANGE_VALUE_DELETE, dn);
	if (code == ERR_NOT_FOUND) {
		task_clear(r->t);
		say(r, "there is no such group");
		return OK;
	}
	if (code == ERR_REFUSED && r->report->result == RESULT_OBJECT_CLASS)
		return task_fail(r->t, code, "group %.*s must have a member, and this is the last", FMT(r->s->dn));
	return code ? task_fail(r->t, code, "group %.*s", FMT(r->s->dn)) : OK;
}

/* Who was renamed by others meanwhile: not every server sees to the groups, and the next one of the old name would be
 * in. Where somebody has that name already, it is theirs. */
static enum err leave(struct run *r) {
	struct entry *other = NULL;
	TRY(leave_as(r, r->e->dn));
	if (dn_equal(r->t->arena, r->e->dn, r->p->dn))
		return OK;
	enum err code = directory_find_dn(r->t, r->d, r->p->dn, &other);
	if (code != ERR_NOT_FOUND)
		return code;
	task_clear(r->t);
	return leave_as(r, r->p->dn);
}

static bool has_member(const struct run *r, struct strs members, struct str dn) {
	for (size_t i = 0; i < members.n; i++)
		if (dn_equal(r->t->arena, members.v[i], dn))
			return true;
	return false;
}

/* Only a group that still has the old name: one that was left meanwhile is not joined again. */
static enum err follow(struct run *r) {
	struct strs members = {NULL, 0};
	enum err code = directory_values(r->t, r->d, r->s->dn, r->d->group_member_attribute, &members);
	if (code == ERR_NOT_FOUND) {
		task_clear(r->t);
		say(r, "there is no such group");
		return OK;
	}
	TRY(code);
	bool was = has_member(r, members, r->p->dn) || members.n >= MEMBERS_READ;
	if (dn_equal(r->t->arena, r->e->dn, r->p->dn) || !was) {
		say(r, "the server has seen to it");
		return OK;
	}
	if (!has_member(r, members, r->e->dn))
		TRY(join(r));
	return leave_as(r, r->p->dn);
}

/* ---- place, end ---- */

static enum err move(struct run *r) {
	struct arena *a = r->t->arena;
	struct str at = dn_parent(r->e->dn), to = r->s->dn;
	struct str new_dn = str_printf(a, "%.*s,%.*s", FMT(rdn_text(r->e->dn)), FMT(to));
	if (dn_equal(a, at, to)) {
		say(r, "it is there");
		return OK;
	}
	if (!dn_equal(a, at, dn_parent(r->p->dn)))
		return task_fail(
			r->t, ERR_REFUSED, "the entry was moved by others meanwhile, and is %.*s", FMT(r->e->dn));
	enum err code = apply(r, (struct change){.kind = CHANGE_RENAME, .dn = r->e->dn, .new_dn = new_dn});
	if (code == ERR_EXISTS)
		return task_fail(r->t, ERR_REFUSED, "there is another entry %.*s", FMT(new_dn));
	if (code == ERR_NOT_FOUND)
		return task_fail(r->t, code, "there is no place %.*s", FMT(to));
	r->dn = code ? r->dn : new_dn;
	return code;
}

static enum err keep(struct run *r) {
	say(r, "kept by Usher");
	return OK;
}

static enum err end(struct run *r) {
	if (!r->e) {
		say(r, "it is gone");
		return OK;
	}
	enum err code = apply(r, (struct change){.kind = CHANGE_DELETE, .dn = r->e->dn});
	if (code != ERR_NOT_FOUND)
		return code;
	task_clear(r->t);
	return OK;
}

/* ---- one step ---- */

static enum err find(struct run *r) {
	enum err code = directory_find_id(r->t, r->d, r->p->stable_id, &r->e);
	if (code != ERR_NOT_FOUND)
		return code;
	r->e = NULL;
	if (r->s->kind != UPDATE_DELETE)
		return task_fail(r->t, code, "the entry that was %.*s is gone", FMT(r->p->dn));
	task_clear(r->t);
	return OK;
}

/* Others may not have heard of the steps before: a group would seem to name somebody by the old name still, who seems
 * not to have moved. */
static void stay(struct run *r, const struct plan_progress *progress) {
	int64_t age = clock_wall_ms() - progress->begun_at;
	if (!str_empty(progress->controller) && age >= 0 && age < r->d->replication_lag * 1000)
		directory_pin(r->t, r->d, progress->controller);
}

static enum err look_and_act(struct run *r) {
	static enum err (*const steps[UPDATE_KINDS])(struct run *) = {
		[UPDATE_DISABLE] = set_enabled,
		[UPDATE_REPLACE] = replace,
		[UPDATE_LEAVE] = leave,
		[UPDATE_JOIN] = join,
		[UPDATE_MOVE] = move,
		[UPDATE_FOLLOW] = follow,
		[UPDATE_KEEP] = keep,
		[UPDATE_ENABLE] = set_enabled,
		[UPDATE_DELETE] = end,
	};
	TRY(find(r));
	r->dn = r->e ? r->e->dn : r->p->dn;
	return steps[r->s->kind](r);
}

enum err update_run(struct task *t, const struct directory_config *d, const struct plan *p,
	struct plan_progress *progress, struct report *report) {
	if (!str_eq(p->directory, d->id))
		return task_fail(t, ERR_INTERNAL, "the plan is for directory %.*s", FMT(p->directory));
	struct run r = {.t = t, .d = d, .p = p, .s = &p->updates[progress->step], .report = report};
	stay(&r, progress);
	enum err code = look_and_act(&r);
	directory_pin(t, d, STR_NONE);
	TRY(code);
	if (!str_empty(report->controller)) {
		progress->controller = report->controller;
		progress->begun_at = clock_wall_ms();
	}
	progress->dn = r.dn;
	progress->stable_id = p->stable_id;
	progress->step++;
	return OK;
}
