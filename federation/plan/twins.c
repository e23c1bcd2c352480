/* Two entries where there should be one. Controllers that have not heard of each other each take an entry: one of this
 * plan a second time, whose first answer was lost with its controller; or somebody else's with the same login name.
 *
 * What is removed is of this plan beyond doubt: our marker, a name of the plan, not enabled, and a stable id that was
 * read in the same look and kept in a look before. */
#include "federation/plan/step.h"

/* The name before a conflict of replication changed it: "CN=Ann\0ACNF:GUID,…" (seen of Samba 4.17), or
 * "nsuniqueid=…+uid=ann,…" of 389. STR_NONE: it was not changed. */
static struct str name_before(struct arena *a, struct str dn) {
	size_t end = 0, plus = str_find(dn, '+', 0);
	if (str_starts(str_lower(a, dn), STR("nsuniqueid=")) && plus < dn.n)
		return str_sub(dn, plus + 1, dn.n);
	while (end < dn.n && dn.p[end] != ',')
		end += dn.p[end] == '\\' ? 2 : 1;
	struct str rdn = str_sub(dn, 0, end);
	for (size_t i = 0; i + 7 <= rdn.n; i++)
		if (str_eq(str_sub(rdn, i, 7), STR("\\0ACNF:")))
			return str_printf(a, "%.*s%.*s", FMT(str_sub(rdn, 0, i)), FMT(str_sub(dn, end, dn.n)));
	return STR_NONE;
}

bool twins_name_is(const struct run *r, struct str dn, struct str wanted) {
	struct arena *a = r->t->arena;
	struct str before = name_before(a, dn);
	return dn_equal(a, dn, wanted) || (!str_absent(before) && dn_equal(a, before, wanted));
}

bool twins_name_was_lost(const struct run *r, const struct entry *e) {
	return !str_absent(name_before(r->t->arena, e->dn));
}

static bool is_plans_name(const struct run *r, struct str dn) {
	for (size_t i = 0; i < r->p->n_candidates; i++)
		if (twins_name_is(r, dn, r->p->candidates[i].dn))
			return true;
	return false;
}

static bool is_provable(const struct run *r, const struct entry *e) {
	return str_eq(e->marker, r->p->marker) && !str_empty(e->stable_id) && !e->enabled && is_plans_name(r, e->dn);
}

static bool is_older(const struct entry *a, const struct entry *b) {
	return a->created_at != b->created_at ? a->created_at < b->created_at : str_cmp(a->stable_id, b->stable_id) < 0;
}

/* Two runs: the first keeps which one, the second removes it. */
static enum err remove_kept(struct run *r, const struct entry *e, bool *ret_removed) {
	struct change change = {.kind = CHANGE_DELETE, .dn = e->dn};
	struct arena *a = r->t->arena;
	*ret_removed = false;
	if (!str_eq(r->progress->twin, e->stable_id)) {
		r->progress->twin = e->stable_id;
		run_say(r, 0,
			str_printf(a, "%.*s (%.*s) was made by this plan, and is to be removed", FMT(e->dn),
				FMT(e->stable_id)));
		return OK;
	}
	enum err code = directory_apply(r->t, r->d, &change, 1, r->report);
	if (code == ERR_NOT_FOUND)
		task_clear(r->t);
	else if (code == ERR_REFUSED)
		return task_fail(r->t, code, "%.*s is to be removed, and the service account may not", FMT(e->dn));
	else
		TRY(code);
	run_say(r, 0, str_printf(a, "%.*s (%.*s) was removed", FMT(e->dn), FMT(e->stable_id)));
	r->progress->twin = STR_NONE;
	*ret_removed = true;
	return OK;
}

/* ---- of this plan ---- */

/* The one whose stable id we know; else the one that kept its name, or the oldest. */
static const struct entry *one_to_stay(const struct run *r, const struct entry *list, size_t n) {
	const struct entry *stays = NULL;
	struct arena *a = r->t->arena;
	for (size_t i = 0; i < n; i++) {
		if (!str_empty(r->progress->stable_id)) {
			if (str_eq(list[i].stable_id, r->progress->stable_id))
				return &list[i];
			continue;
		}
		bool named = str_absent(name_before(a, list[i].dn)),
		     is_named = stays && str_absent(name_before(a, stays->dn));
		if (is_plans_name(r, list[i].dn) &&
			(!stays || named > is_named || (named == is_named && is_older(&list[i], stays))))
			stays = &list[i];
	}
	return stays;
}

enum err twins_repair(struct run *r) {
	struct entry *list = NULL;
	size_t n = 0;
	bool removed = false;
	TRY(directory_find_all(r->t, r->d, STR("marker"), r->p->marker, &list, &n));
	if (n < 2) {
		run_say(r, 0, STR("there is one entry only, by now"));
		return OK;
	}
	const struct entry *stays = one_to_stay(r, list, n);
	if (!stays)
		return task_fail(r->t, ERR_REFUSED,
			"%zu entries have the marker of this registration, and none is the one that was made", n);
	for (size_t i = 0; i < n; i++)
		if (&list[i] != stays && !is_provable(r, &list[i]))
			return task_fail(r->t, ERR_REFUSED,
				"more than one entry has the marker of this registration: %.*s is not provably made by "
				"it, "
				"and is not removed",
				FMT(list[i].dn));
	return remove_kept(r, stays == &list[0] ? &list[1] : &list[0], &removed);
}

/* ---- of others ---- */

/* Ours came first: what came later is not ours to remove. One that another registration made gives way by itself. */
static enum err keep_name(struct run *r, const struct entry *rival) {
	if (!str_empty(rival->marker) && place_may_lag(r))
		return task_fail(r->t, ERR_UNAVAILABLE,
			"%.*s has this login name too, and was made later: it has to give way", FMT(rival->dn));
	return task_fail(r->t, ERR_REFUSED,
		"%.*s has this login name too, and was made later by somebody else: rename or remove it",
		FMT(rival->dn));
}

/* To the next name of the plan, once the entry with this one is gone. */
static enum err give_way(struct run *r, const struct entry *e, struct str why) {
	bool removed = false;
	if (e->enabled)
		return task_fail(r->t, ERR_REFUSED, "%.*s, and is in use: somebody has to rename it, or the other one",
			FMT(why));
	if (!is_provable(r, e))
		return task_fail(r->t, ERR_REFUSED, "%.*s, and is not provably made by this plan", FMT(why));
	if (r->progress->candidate + 1 >= r->p->n_candidates)
		return task_fail(r->t, ERR_EXISTS, "%.*s, and no other name is left in the plan", FMT(why));
	TRY(remove_kept(r, e, &removed));
	if (!removed)
		return OK;
	r->progress->candidate++;
	r->progress->step = 0;
	r->progress->dn = r->progress->stable_id = STR_NONE;
	return OK;
}

/* Windows gives one of two accounts with one sAMAccountName another: "$DUPLICATE-" and its RID. */
static struct str loss_of(const struct run *r, const struct entry *e) {
	struct arena *a = r->t->arena;
	if (!str_absent(name_before(a, e->dn)))
		return str_printf(a, "%.*s lost its name to an entry that another controller took", FMT(e->dn));
	if (str_starts(e->login, STR("$DUPLICATE-")))
		return str_printf(a, "%.*s lost its login name to an entry that another controller took", FMT(e->dn));
	return STR_NONE;
}

/* Of the others with our login name, the oldest. */
static enum err find_rival(struct run *r, const struct entry *e, struct entry **ret_ours, struct entry **ret_rival) {
	struct entry *list = NULL;
	size_t n = 0;
	TRY(directory_find_all(r->t, r->d, STR("login"), r->p->candidates[r->progress->candidate].login, &list, &n));
	for (size_t i = 0; i < n; i++) {
		if (str_eq(list[i].stable_id, e->stable_id))
			*ret_ours = &list[i];
		else if (!str_eq(list[i].marker, r->p->marker) && (!*ret_rival || is_older(&list[i], *ret_rival)))
			*ret_rival = &list[i];
	}
	return OK;
}

enum err twins_give_way(struct run *r, const struct entry *e, bool look_only, bool *ret_gives_way) {
	struct entry *ours = NULL, *rival = NULL;
	struct str why = loss_of(r, e);
	*ret_gives_way = false;
	TRY(find_rival(r, e, &ours, &rival));
	if (str_absent(why) && (!rival || !ours))
		return OK;
	if (str_absent(why) && is_older(ours, rival))
		return keep_name(r, rival);
	if (str_absent(why))
		why = str_printf(r->t->arena, "%.*s has a login name that %.*s had before", FMT(e->dn), FMT(rival->dn));
	*ret_gives_way = true;
	return look_only && !e->enabled ? OK : give_way(r, e, why);
}
