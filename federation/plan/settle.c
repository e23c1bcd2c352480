/* What controllers told each other after a plan was done: one entry still? */
#include "federation/plan/step.h"

struct looks {
	size_t silent, behind; /* controllers that do not answer, or do not show the entry */
	struct str last;       /* of these */
	struct str instead;    /* DN of another entry of this plan, where it is not shown */
	bool acted;
};

static enum err find_free(struct run *r, struct str dn, bool *ret) {
	struct entry *e = NULL;
	enum err code = directory_find_dn(r->t, r->d, dn, &e);
	if (code == ERR_NOT_FOUND)
		task_clear(r->t);
	else
		TRY(code);
	*ret = code == ERR_NOT_FOUND;
	return OK;
}

/* The name that a conflict took from ours, which nobody has by now. */
static enum err name_again(struct run *r, const struct entry *ours, bool *ret_acted) {
	struct str dn = r->p->candidates[r->progress->candidate].dn;
	struct change change = {.kind = CHANGE_RENAME, .dn = ours->dn, .new_dn = dn};
	bool is_free = false;
	if (!twins_name_was_lost(r, ours) || !twins_name_is(r, ours->dn, dn))
		return OK;
	TRY(find_free(r, dn, &is_free));
	if (!is_free)
		return OK;
	enum err code = directory_apply(r->t, r->d, &change, 1, r->report);
	if (code == ERR_REFUSED)
		return task_fail(r->t, ERR_REFUSED,
			"%.*s was named so when two controllers had taken one name: rename it to %.*s, which the "
			"service "
			"account may not",
			FMT(ours->dn), FMT(dn));
	TRY(code);
	r->progress->dn = dn;
	run_say(r, 0, str_printf(r->t->arena, "%.*s has its name again", FMT(dn)));
	*ret_acted = true;
	return OK;
}

/* Back to READ_BACK, here, where both are seen: it takes ours away, and the plan goes on with the next name. */
static void go_back(struct run *r, struct str uri) {
	r->progress->step = plan_steps(r->p) - 1;
	r->progress->controller = uri;
	run_say(r, 0, STR("another entry had the name before: this one gives way"));
}

static enum err settle_ours(struct run *r, const struct entry *ours, struct str uri, bool *ret_acted) {
	bool gives_way = false;
	TRY(name_again(r, ours, ret_acted));
	if (*ret_acted)
		return OK;
	TRY(twins_give_way(r, ours, true, &gives_way));
	if (gives_way)
		go_back(r, uri);
	*ret_acted = gives_way;
	return OK;
}

static enum err settle_at(struct run *r, struct str uri, struct looks *looks) {
	struct entry *list = NULL, *ours = NULL;
	size_t n = 0;
	directory_pin(r->t, r->d, uri);
	TRY(directory_find_all(r->t, r->d, STR("marker"), r->p->marker, &list, &n));
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].stable_id, r->progress->stable_id))
			ours = &list[i];
	if (!ours) {
		looks->behind++;
		looks->last = uri;
		looks->instead = n ? list[0].dn : looks->instead;
		return OK;
	}
	if (n == 1)
		TRY(settle_ours(r, ours, uri, &looks->acted));
	else
		TRY(twins_repair(r));
	looks->acted = looks->acted || n > 1;
	if (looks->acted && str_empty(r->report->controller))
		r->report->controller = uri;
	return OK;
}

/* Removed by others since, it is shown nowhere; then nothing else is touched. */
static enum err settle_all(struct run *r) {
	struct looks looks = {0};
	struct strs uris = {NULL, 0};
	TRY(directory_controller_uris(r->t, r->d, &uris));
	for (size_t i = 0; i < uris.n && !looks.acted; i++) {
		enum err code = settle_at(r, uris.v[i], &looks);
		if (code != ERR_UNAVAILABLE && code != ERR_TIMEOUT) {
			TRY(code);
			continue;
		}
		task_clear(r->t);
		looks.silent++;
		looks.last = uris.v[i];
	}
	bool is_gone = looks.behind == uris.n;
	if (is_gone && !str_empty(looks.instead))
		return task_fail(r->t, ERR_REFUSED,
			"the entry that was made (%.*s) is gone, and %.*s, made by this plan too, is there instead",
			FMT(r->progress->stable_id), FMT(looks.instead));
	if (looks.acted || is_gone || looks.silent + looks.behind == 0)
		return OK;
	return task_fail(r->t, ERR_UNAVAILABLE, "%.*s %s, where a second entry is still to be looked for",
		FMT(looks.last), looks.behind ? "does not show the entry yet" : "does not answer");
}

enum err plan_settle(struct task *t, const struct directory_config *d, const struct plan *p,
	struct plan_progress *progress, struct report *report) {
	struct plan_progress next = *progress;
	struct run r = {t, d, p, &next, report, false};
	*report = (struct report){.result = -1};
	if (progress->step < plan_steps(p) || str_empty(progress->stable_id) || progress->candidate >= p->n_candidates)
		return task_fail(t, ERR_INTERNAL, "the plan is not done");
	enum err code = settle_all(&r);
	directory_pin(t, d, STR_NONE);
	TRY(code);
	*progress = next;
	return OK;
}
