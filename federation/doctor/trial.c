/* What a person goes through, done with an entry of our own, which is removed again. It is known by its marker, and by
 * the stable id that was read after it was made in this run; nothing else is ever removed. One that an earlier run had
 * to leave is used again, and told. */
#include "base/clock.h"
#include "base/secret.h"
#include "federation/doctor/doctor_private.h"
#include "federation/policy/policy.h"

#define TRIES_MOST 5u /* of one step: a name that is taken moves to the next; the controller is chosen first */
#define SKEW_MS    60000

struct trial {
	struct visit *v;
	const struct profile_config *p;
	const struct plan *plan;
	struct plan_progress progress; /* dn and stable id of what was made */
	struct report report;
	bool stayed; /* of an earlier run: not ours to remove by now */
	bool stays;  /* after this one */
};

static struct str profile_text(struct trial *k, const char *what) {
	return TEXT(k->v, "%s of the profile %.*s", what, FMT(k->p->id));
}

/* A step that did not work; the failure is cleared. */
static void bad(struct trial *k, struct str what, enum err e, struct str consequence, struct str remedy) {
	struct visit *v = k->v;
	struct str detail = v->t->failure_detail;
	task_clear(v->t);
	found(v, FINDING_ERROR, TEXT(v, "%.*s: %s: %.*s", FMT(what), err_row(e)->name, FMT(detail)), consequence,
		remedy);
}

/* ---- made ---- */

static enum err step_done(struct trial *k, const struct plan *p, struct plan_progress *progress) {
	size_t before = progress->step;
	for (size_t i = 0; i < TRIES_MOST && progress->step == before; i++)
		TRY(plan_step_run(k->v->t, k->v->d, p, progress, &k->report));
	return progress->step > before ? OK : task_fail(k->v->t, ERR_EXISTS, "every login name is taken");
}

/* Where the server tells no clock, the time that it writes into a new entry. */
static void look_at_clock(struct trial *k, int64_t before) {
	static const char *const names[] = {"createTimestamp", NULL};
	struct visit *v = k->v;
	struct entry *e = NULL;
	int64_t after = clock_wall_ms(), theirs = 0;
	if (v->d->driver == DIRECTORY_ACTIVE_DIRECTORY)
		return;
	if (!directory_read(v->t, v->d, k->progress.dn, names, &e))
		theirs = directory_time_ms(entry_value(e, STR("createtimestamp")));
	task_clear(v->t);
	if (!theirs || (theirs > before - SKEW_MS && theirs < after + SKEW_MS))
		return;
	found(v, FINDING_WARNING,
		TEXT(v, "the directory's clock is %lld seconds %s ours",
			(long long)((theirs > after ? theirs - after : before - theirs) / 1000),
			theirs > after ? "ahead of" : "behind"),
		STR("accounts end too early or too late for everybody"),
		STR("let both machines follow the same time servers"));
}

static enum err look_for_earlier(struct trial *k) {
	struct entry *e = NULL;
	enum err code = directory_find_marker(k->v->t, k->v->d, k->plan->marker, &e);
	k->stayed = code == OK;
	if (code != ERR_NOT_FOUND)
		return code;
	task_clear(k->v->t);
	return OK;
}

static bool make(struct trial *k, struct str base) {
	struct visit *v = k->v;
	struct plan *plan = NULL;
	int64_t before = clock_wall_ms();
	k->progress = (struct plan_progress){0};
	enum err e = sample_plan(v, k->p, base, &plan);
	if (!e) {
		plan->groups.n = 0; /* joined one by one afterwards */
		k->plan = plan;
		e = look_for_earlier(k);
	}
	if (!e)
		e = step_done(k, plan, &k->progress); /* what carries the marker is taken for made */
	if (!e)
		e = step_done(k, plan, &k->progress);
	if (!e) {
		look_at_clock(k, before);
		return true;
	}
	bad(k, TEXT(v, "no trial entry could be made in %.*s (profile %.*s)", FMT(base), FMT(k->p->id)), e,
		TEXT(v, "%.*s that go there are parked when they are approved", FMT(profile_text(k, "requests"))),
		STR("give the service account the right to make people there (docs/directories.md), or correct what "
		    "the text names"));
	return false;
}

/* ---- used ---- */

static void join_and_leave(struct trial *k, struct str group) {
	struct visit *v = k->v;
	struct plan one = *k->plan;
	struct plan_progress progress = {.candidate = k->progress.candidate, .step = 1, .dn = k->progress.dn};
	struct str member = k->progress.dn;
	struct attribute value = {v->d->group_member_attribute, {&member, 1}};
	struct change leave = {.kind = CHANGE_VALUE_DELETE, .dn = group, .attributes = &value, .n_attributes = 1};
	one.groups = (struct strs){&group, 1};
	enum err e = step_done(k, &one, &progress);
	if (e) {
		bad(k, TEXT(v, "the trial entry could not join %.*s", FMT(group)), e,
			TEXT(v, "%.*s that join it are parked when they are approved",
				FMT(profile_text(k, "requests"))),
			STR("give the service account the right to write the members of this group"));
		return;
	}
	e = directory_apply(v->t, v->d, &leave, 1, &k->report);
	if (e)
		bad(k, TEXT(v, "the trial entry could not leave %.*s", FMT(group)), e,
			STR("nobody can be taken out of this group"),
			STR("give the service account the right to delete members too, and take the trial entry out by "
			    "hand"));
}

/* Of several kinds, and long: no policy that people can live with refuses it. */
static struct str new_password(struct visit *v) {
	struct password_policy p = {0};
	struct str text = TEXT(v, "aA1-%.*s", FMT(random_token(v->t->arena, 24)));
	if (policy_read(v->t, v->d, STR(""), &p))
		task_clear(v->t);
	return p.max_length > 0 && (int64_t)text.n > p.max_length ? str_sub(text, 0, (size_t)p.max_length) : text;
}

static void must_change(struct trial *k) {
	bool ad = k->v->d->driver == DIRECTORY_ACTIVE_DIRECTORY;
	found(k->v, FINDING_ERROR,
		ad ? STR("after a password was set, pwdLastSet is 0: the service account lacks Unexpire-Password and "
			 "may not "
			 "write pwdLastSet")
		   : STR("after a password was set, the directory demands another one (pwdMustChange, "
			 "passwordMustChange)"),
		STR("the first login of every new person will demand another password"),
		ad ? STR("give the service account the extended right \"Unexpire Password\" on the domain: dsacls "
			 "\"DC=…\" /G \"DOMAIN\\account:CA;Unexpire Password\"; or write access to pwdLastSet of "
			 "people")
		   : STR("give the service account the right to write what holds it (pwdReset; "
			 "passwordExpirationTime)"));
}

static bool is_to_change(struct trial *k) {
	static const char *const names[] = {"pwdLastSet", NULL};
	struct entry *e = NULL;
	if (k->v->d->driver != DIRECTORY_ACTIVE_DIRECTORY)
		return false;
	bool zero = !directory_read(k->v->t, k->v->d, k->progress.dn, names, &e) &&
		    str_eq(entry_value(e, STR("pwdlastset")), STR("0"));
	task_clear(k->v->t);
	return zero;
}

static void log_in(struct trial *k, struct str password, bool told) {
	static const char *const words[] = {
		[VERDICT_OK] = "ok",
		[VERDICT_WRONG] = "name or password is wrong",
		[VERDICT_LOCKED] = "locked",
		[VERDICT_DISABLED] = "disabled",
		[VERDICT_EXPIRED] = "the password has expired",
		[VERDICT_MUST_CHANGE] = "the password must be changed",
	};
	struct visit *v = k->v;
	enum verdict verdict = VERDICT_WRONG;
	enum err e = directory_verify(v->t, v->d, k->progress.dn, password, &verdict, NULL);
	if (e) {
		bad(k, STR("the trial entry could not log in"), e,
			TEXT(v, "%.*s can log in", FMT(profile_text(k, "no new person"))),
			STR("see what the text names"));
		return;
	}
	if (verdict == VERDICT_MUST_CHANGE || verdict == VERDICT_EXPIRED) {
		if (!told)
			must_change(k);
		return;
	}
	if (verdict != VERDICT_OK)
		found(v, FINDING_ERROR, TEXT(v, "the trial entry could not log in: %s", words[verdict]),
			TEXT(v, "%.*s can log in", FMT(profile_text(k, "no new person"))),
			STR("look at the directory's log of this moment: what refuses a new, enabled entry?"));
}

static void enable(struct trial *k, struct str password, bool told) {
	struct visit *v = k->v;
	enum err e = directory_set_enabled(v->t, v->d, k->progress.dn, true);
	if (e) {
		bad(k, STR("the trial entry could not be enabled"), e,
			TEXT(v, "%.*s gets to the end of the activation page", FMT(profile_text(k, "no new person"))),
			STR("give the service account the right to write what disables an entry "
			    "(docs/directories.md)"));
		return;
	}
	log_in(k, password, told);
	e = directory_set_enabled(v->t, v->d, k->progress.dn, false);
	if (e)
		bad(k, STR("the trial entry could not be disabled again"), e, STR("nobody's account can be disabled"),
			STR("give the service account the right to write what disables an entry"));
}

static void set_password(struct trial *k) {
	struct visit *v = k->v;
	struct str password = new_password(v);
	struct refusal refusal = {.diagnostic = STR("")};
	enum err e = directory_set_password(v->t, v->d, k->progress.dn, password, &refusal);
	if (e) {
		bad(k, TEXT(v, "no password could be set (%d %.*s)", refusal.result, FMT(refusal.diagnostic)), e,
			TEXT(v,
				"%.*s can set a password at the end of a registration, and nobody can reset a "
				"forgotten "
				"one",
				FMT(profile_text(k, "no new person"))),
			STR("give the service account the right to reset passwords of people there"));
	} else {
		bool told = is_to_change(k);
		if (told)
			must_change(k);
		enable(k, password, told);
	}
}

/* ---- removed ---- */

static void stays(struct trial *k, struct str dn, struct str why) {
	k->stays = true;
	found(k->v, FINDING_WARNING, TEXT(k->v, "the trial entry stays: %.*s (%.*s)", FMT(dn), FMT(why)),
		STR("it is disabled and does no harm; Usher needs no right to delete people for its daily work"),
		TEXT(k->v, "delete %.*s by hand", FMT(dn)));
}

static void remove_made(struct trial *k) {
	struct visit *v = k->v;
	struct entry *e = NULL;
	if (!k->plan)
		return;
	struct str planned = k->plan->candidates[k->progress.candidate].dn;
	enum err code = directory_find_marker(v->t, v->d, k->plan->marker, &e);
	struct str why = v->t->failure_detail;
	task_clear(v->t);
	if (code == ERR_NOT_FOUND && str_empty(k->progress.dn))
		return; /* nothing was made */
	if (code || k->stayed) {
		stays(k, str_empty(k->progress.dn) ? planned : k->progress.dn,
			k->stayed ? STR("it was made by an earlier run") : why);
		return;
	}
	/* Made, but the answer was lost: what carries our marker of this minute at its place is ours. */
	if (str_empty(k->progress.stable_id) && dn_equal(v->t->arena, e->dn, planned))
		k->progress.stable_id = e->stable_id;
	if (str_empty(e->stable_id) || !str_eq(e->stable_id, k->progress.stable_id) ||
		!str_eq(e->marker, k->plan->marker)) {
		stays(k, e->dn, STR("its stable id is not the one that was recorded"));
		return;
	}
	struct change gone = {.kind = CHANGE_DELETE, .dn = e->dn};
	code = directory_apply(v->t, v->d, &gone, 1, &k->report);
	if (!code || code == ERR_NOT_FOUND) {
		task_clear(v->t);
		return;
	}
	why = TEXT(v, "it could not be deleted: %d %.*s", k->report.result, FMT(k->report.diagnostic));
	task_clear(v->t);
	stays(k, e->dn, why);
}

/* ---- the whole ---- */

static bool went_well(const struct visit *v, size_t since) {
	for (size_t i = since; i < v->findings->n; i++)
		if (v->findings->v[i].level == FINDING_ERROR)
			return false;
	return true;
}

static void tell_well(struct trial *k, bool stayed, bool stays) {
	struct str id = k->p->id;
	if (stayed)
		found_ok(k->v,
			"the trial entry of the profile %.*s that stayed before was joined and used; none was made "
			"anew",
			FMT(id));
	else
		found_ok(k->v, "a trial entry of the profile %.*s was made, %s", FMT(id),
			stays ? "joined and used" : "used and removed");
}

static void try_profile(struct trial *k) {
	struct visit *v = k->v;
	size_t before = v->findings->n;
	if (make(k, k->p->base)) {
		for (size_t i = 0; i < k->p->groups.n; i++)
			join_and_leave(k, k->p->groups.v[i]);
		for (size_t i = 0; i < k->p->groups_allowed.n; i++)
			join_and_leave(k, k->p->groups_allowed.v[i]);
		set_password(k);
	}
	remove_made(k);
	bool stayed = k->stayed;
	for (size_t i = 0; i < k->p->bases_allowed.n; i++) {
		k->plan = NULL;
		err_ignore(make(k, k->p->bases_allowed.v[i]) ? OK : ERR_REFUSED, "make has told it");
		remove_made(k);
	}
	if (went_well(v, before))
		tell_well(k, stayed, k->stays);
}

void check_trial(struct visit *v) {
	if (str_empty(v->d->marker_attribute))
		return;
	for (size_t i = 0; i < v->realm->n_profiles; i++) {
		struct trial k = {.v = v, .p = &v->realm->profiles[i]};
		if (profile_is_here(v, k.p))
			try_profile(&k);
	}
}
