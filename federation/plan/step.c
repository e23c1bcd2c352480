/* A plan carried out: each step looks, acts if it is not done yet, and says what was done. */
#include "federation/plan/step.h"

#define RESULT_CONSTRAINT 19 /* RFC 4511 constraintViolation */
#define RESULT_EXISTS     68 /* RFC 4511 entryAlreadyExists */

static bool is_ours(const struct run *r, const struct entry *e) {
	return str_eq(e->marker, r->p->marker);
}

void run_say(struct run *r, int result, struct str what) {
	r->report->result = result;
	r->report->diagnostic = what;
}

/* A refusal of our own in place of what a look told. */
static enum err refuse(struct run *r, const char *why) {
	task_clear(r->t);
	return task_fail(r->t, ERR_REFUSED, "%s", why);
}

/* What was not found, where that is no failure. */
static enum err absent_is_ok(struct task *t, enum err code) {
	if (code != ERR_NOT_FOUND)
		return code;
	task_clear(t);
	return OK;
}

enum err run_look(struct run *r, struct str dn, struct entry **ret) {
	struct entry *found = NULL;
	enum err code = directory_find_marker(r->t, r->d, r->p->marker, &found);
	r->has_twins = code == ERR_EXISTS;
	TRY(absent_is_ok(r->t, code));
	if (code && !str_empty(dn)) {
		code = directory_find_dn(r->t, r->d, dn, &found);
		TRY(absent_is_ok(r->t, code));
	}
	*ret = !code && is_ours(r, found) ? found : NULL;
	return OK;
}

/* ---- create ---- */

/* An entry with our marker counts only under a name of the plan: where a person may write the marker attribute of an
 * entry of theirs, it must not become the account of this registration. */
static enum err adopt(struct run *r, const struct entry *e) {
	for (size_t i = 0; i < r->p->n_candidates; i++) {
		if (!twins_name_is(r, e->dn, r->p->candidates[i].dn))
			continue;
		r->progress->candidate = i;
		r->progress->dn = e->dn;
		r->progress->step++;
		run_say(r, 0, STR("the entry is there"));
		return OK;
	}
	return task_fail(r->t, ERR_REFUSED, "%.*s has the marker of this registration, and is none of the plan's names",
		FMT(e->dn));
}

static struct change join_change(struct run *r, struct str group, struct str dn) {
	struct arena *a = r->t->arena;
	struct attribute *member = arena_new_of(a, struct attribute);
	member->name = r->d->group_member_attribute;
	strs_add(a, &member->values, dn);
	return (struct change){.kind = CHANGE_VALUE_ADD, .dn = group, .attributes = member, .n_attributes = 1};
}

/* In one go only where it is all or nothing; else each group is a step with a record of its own. */
static size_t at_once(const struct run *r) {
	return r->d->transactions ? r->p->groups.n + 1 : 1;
}

static enum err apply_first(struct run *r, const struct plan_candidate *c) {
	size_t n = at_once(r);
	struct change *changes = arena_array(r->t->arena, struct change, n);
	changes[0] = (struct change){CHANGE_ADD, c->dn, c->attributes, c->n_attributes, STR_NONE};
	for (size_t i = 1; i < n; i++)
		changes[i] = join_change(r, r->p->groups.v[i - 1], c->dn);
	return directory_apply(r->t, r->d, changes, n, r->report);
}

static void created(struct run *r, size_t done) {
	r->progress->dn = r->p->candidates[r->progress->candidate].dn;
	r->progress->step += done;
}

/* Whether an entry of this name or login stands in the way; ours is adopted. *ret_taken false: none was seen. */
static enum err look_who(struct run *r, const struct plan_candidate *c, bool *ret_taken, bool *ret_adopted) {
	struct entry *e = NULL;
	enum err code = directory_find_dn(r->t, r->d, c->dn, &e);
	if (code == ERR_NOT_FOUND) {
		task_clear(r->t);
		code = directory_find_value(r->t, r->d, STR("login"), c->login, &e);
	}
	if (code == ERR_EXISTS) {
		task_clear(r->t);
		*ret_taken = true;
		return OK;
	}
	TRY(absent_is_ok(r->t, code));
	*ret_taken = !code;
	*ret_adopted = !code && is_ours(r, e);
	return *ret_adopted ? adopt(r, e) : OK;
}

/* A mail address that another entry has does not heal with another login name. */
static enum err refuse_taken_mail(struct run *r, struct plan_candidate *c) {
	const struct attribute *mail =
		attribute_find(c->attributes, c->n_attributes, directory_attribute(r->d, STR("mail")));
	for (size_t i = 0; mail && i < mail->values.n; i++) {
		struct entry *e = NULL;
		enum err code = directory_find_value(r->t, r->d, STR("mail"), mail->values.v[i], &e);
		if (code == OK)
			return task_fail(r->t, ERR_REFUSED, "the mail address belongs to %.*s", FMT(e->dn));
		if (code == ERR_EXISTS)
			return refuse(r, "the mail address belongs to several entries");
		TRY(absent_is_ok(r->t, code));
	}
	return OK;
}

/* In a transaction slapd tells a value that is not unique by a bare 19, which may be anything: then only what is seen
 * counts. */
static enum err taken(struct run *r, struct plan_candidate *c, enum err code) {
	struct str told = r->t->failure_detail;
	bool is_taken = false, adopted = false;
	task_clear(r->t);
	TRY(look_who(r, c, &is_taken, &adopted));
	if (adopted)
		return OK;
	if (!is_taken)
		TRY(refuse_taken_mail(r, c));
	if (!is_taken && code != ERR_EXISTS)
		return task_fail(r->t, code, "%.*s", FMT(told));
	if (r->progress->candidate + 1 >= r->p->n_candidates)
		return task_fail(r->t, ERR_EXISTS, "all %zu login names of the plan are taken", r->p->n_candidates);
	r->progress->candidate++;
	r->report->result = RESULT_EXISTS; /* also where the directory said 19 */
	return OK;
}

/* "No such object" tells neither which nor of what: the approver wants the name. */
static enum err name_missing(struct run *r, const struct plan_candidate *c) {
	static const char *const nothing[] = {"1.1", NULL}; /* RFC 4511 4.5.1.8: no attributes */
	struct entry *e = NULL;
	task_clear(r->t);
	for (size_t i = 0; i < r->p->groups.n; i++) {
		enum err code = directory_read(r->t, r->d, r->p->groups.v[i], nothing, &e);
		if (code == ERR_NOT_FOUND)
			return task_fail(r->t, ERR_NOT_FOUND, "there is no group %.*s", FMT(r->p->groups.v[i]));
		TRY(code);
	}
	return task_fail(r->t, ERR_NOT_FOUND, "there is no place for %.*s", FMT(c->dn));
}

static enum err create(struct run *r) {
	struct plan_candidate *c = &r->p->candidates[r->progress->candidate];
	struct entry *e = NULL;
	bool is_kept = place_is_kept(r), is_away = false; /* before the look, which may take its time */
	TRY(place_look(r, c->dn, &e, &is_away));
	if (e)
		return adopt(r, e);
	if (is_away)
		return place_give_up(r);
	if (!is_kept)
		return place_choose(r);
	enum err code = apply_first(r, c);
	if (code == ERR_TIMEOUT)
		return code; /* whatever it says was done: the next run looks */
	if (code == OK || r->report->done > 0) {
		/* What failed behind the entry is a JOIN's, which will say it with the group's name. */
		task_clear(r->t);
		if (code)
			run_say(r, 0, STR("the entry is made; its groups follow one by one"));
		created(r, code ? r->report->done : at_once(r));
		return OK;
	}
	if (code == ERR_EXISTS || (code == ERR_REFUSED && r->report->result == RESULT_CONSTRAINT))
		return taken(r, c, code);
	return code == ERR_NOT_FOUND ? name_missing(r, c) : code;
}

/* ---- join, read back ---- */

/* The entry that CREATE made, as it stands now. NULL: it went with its controller, and the plan goes back to CREATE. */
static enum err find_created(struct run *r, struct entry **ret) {
	struct str dn = r->progress->dn;
	struct entry *e = NULL;
	bool is_away = false;
	if (str_empty(dn))
		return task_fail(r->t, ERR_INTERNAL, "step %zu before the entry was created", r->progress->step);
	TRY(place_look(r, dn, &e, &is_away));
	if (is_away && str_empty(r->progress->stable_id)) {
		*ret = NULL;
		return place_give_up(r);
	}
	if (!e)
		return task_fail(r->t, ERR_UNAVAILABLE, "%.*s with our marker is not to be seen (yet)", FMT(dn));
	if (twins_name_is(r, e->dn, dn))
		r->progress->dn = e->dn;
	else
		return task_fail(r->t, ERR_REFUSED, "the entry was made as %.*s and is now %.*s", FMT(dn), FMT(e->dn));
	*ret = e;
	return OK;
}

/* Looks that the member is the one that we made: a directory may take any DN for a member, also one that belongs to
 * another by now. */
static enum err join(struct run *r) {
	struct str group = r->p->groups.v[r->progress->step - 1];
	struct entry *e = NULL;
	TRY(find_created(r, &e));
	if (!e)
		return OK;
	struct change add = join_change(r, group, e->dn);
	enum err code = directory_apply(r->t, r->d, &add, 1, r->report);
	if (code == ERR_NOT_FOUND)
		return task_fail(r->t, code, "there is no group %.*s", FMT(group));
	if (code)
		return task_fail(r->t, code, "group %.*s", FMT(group));
	r->progress->step++;
	return OK;
}

static enum err read_back(struct run *r) {
	struct entry *e = NULL;
	TRY(find_created(r, &e));
	if (!e)
		return OK;
	if (str_empty(e->stable_id))
		return task_fail(r->t, ERR_REFUSED, "the directory does not show the stable id of %.*s", FMT(e->dn));
	if (!str_empty(r->progress->stable_id) && !str_eq(r->progress->stable_id, e->stable_id))
		return task_fail(r->t, ERR_REFUSED, "%.*s is another entry than before", FMT(e->dn));
	if (place_counts(r)) {
		bool gives_way = false;
		TRY(twins_give_way(r, e, false, &gives_way));
		if (gives_way)
			return OK;
	}
	r->progress->stable_id = e->stable_id;
	r->progress->step++;
	run_say(r, 0, STR("the entry is there"));
	return OK;
}

enum err plan_step_run(struct task *t, const struct directory_config *d, const struct plan *p,
	struct plan_progress *progress, struct report *report) {
	static enum err (*const steps[])(struct run *) = {
		[STEP_CREATE] = create, [STEP_JOIN] = join, [STEP_READ_BACK] = read_back};
	*report = (struct report){.result = -1};
	if (progress->step >= plan_steps(p))
		return OK;
	if (p->kind == PLAN_UPDATE)
		return update_run(t, d, p, progress, report);
	if (!str_eq(p->directory, d->id) || progress->candidate >= p->n_candidates)
		return task_fail(t, ERR_INTERNAL, "the plan is for directory %.*s, and has %zu names",
			FMT(p->directory), p->n_candidates);
	struct plan_progress next = *progress;
	struct run r = {t, d, p, &next, report, false};
	enum err code = steps[plan_step_kind(p, progress->step)](&r);
	if (r.has_twins) {
		task_clear(t);
		next = *progress;
		code = twins_repair(&r);
	}
	directory_pin(t, d, STR_NONE);
	if (str_empty(report->controller))
		report->controller = next.controller;
	TRY(code);
	*progress = next;
	return OK;
}
