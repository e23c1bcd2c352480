/* Which controller of several a step looks at and acts on.
 *
 * An add whose answer was lost may have been done, and then is seen at once where it was sent, but elsewhere only when
 * it was replicated. So where it is sent is kept before it is sent. */
#include "base/clock.h"
#include "federation/plan/step.h"

#define KEPT_MS 10000 /* how old the time kept may be when the entry is sent */

static bool is_away(enum err code) {
	return code == ERR_UNAVAILABLE || code == ERR_TIMEOUT;
}

/* Negative: the clock was set back. */
static int64_t age_ms(const struct run *r) {
	return clock_wall_ms() - r->progress->begun_at;
}

/* One that shows the entry is told by *ret, and gone on with. */
static enum err look_at_others(struct run *r, struct str dn, struct entry **ret) {
	struct entry *found = NULL;
	enum err code = ERR_UNAVAILABLE;
	size_t answered = 0;
	struct strs uris = {NULL, 0};
	TRY(directory_controller_uris(r->t, r->d, &uris));
	for (size_t i = 0; i < uris.n && !found; i++) {
		struct str uri = uris.v[i];
		if (str_eq(uri, r->progress->controller))
			continue;
		task_clear(r->t);
		directory_pin(r->t, r->d, uri);
		code = run_look(r, dn, &found);
		if (is_away(code))
			continue;
		TRY(code);
		answered++;
		if (found)
			r->progress->controller = uri;
	}
	if (!answered)
		return task_fail(r->t, code, "no controller answers");
	task_clear(r->t);
	*ret = found;
	return OK;
}

enum err place_look(struct run *r, struct str dn, struct entry **ret, bool *ret_away) {
	*ret_away = false;
	if (str_empty(r->progress->controller))
		return run_look(r, dn, ret);
	directory_pin(r->t, r->d, r->progress->controller);
	enum err code = run_look(r, dn, ret);
	if (!is_away(code) ||
		(!directory_has_several(r->d) && r->d->uris.n && str_eq(r->d->uris.v[0], r->progress->controller)))
		return code;
	TRY(look_at_others(r, dn, ret));
	*ret_away = !*ret;
	return OK;
}

bool place_counts(const struct run *r) {
	return !str_empty(r->progress->controller);
}

bool place_is_kept(const struct run *r) {
	int64_t age = age_ms(r);
	return str_empty(r->progress->controller) ? !directory_has_several(r->d) : age >= 0 && age <= KEPT_MS;
}

bool place_may_lag(const struct run *r) {
	return age_ms(r) < r->d->replication_lag * 1000;
}

static enum err keep(struct run *r, struct str controller) {
	r->progress->controller = controller;
	r->progress->begun_at = clock_wall_ms();
	run_say(r, 0, STR("the entry is to be made here"));
	return OK;
}

enum err place_choose(struct run *r) {
	struct str controller = STR_NONE;
	TRY(directory_controller(r->t, r->d, &controller));
	return keep(r, controller);
}

enum err place_give_up(struct run *r) {
	int64_t age = age_ms(r), left = r->d->replication_lag - age / 1000;
	if (age < 0)
		return keep(r, r->progress->controller);
	if (left > 0)
		return task_fail(r->t, ERR_UNAVAILABLE,
			"%.*s does not answer, where the entry may have been made; no other controller shows it, and "
			"may do so within another %lld s (replication_lag), before which it is not made anew",
			FMT(r->progress->controller), (long long)left);
	r->progress->step = 0;
	r->progress->dn = STR_NONE;
	directory_pin(r->t, r->d, STR_NONE);
	return place_choose(r);
}
