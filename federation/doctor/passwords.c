/* A person as the service account sees one, and the password policy. */
#include "federation/doctor/doctor_private.h"
#include "federation/policy/policy.h"

/* ---- a person ---- */

static void look_at_person(struct visit *v, const struct entry *e) {
	if (str_empty(e->stable_id))
		found(v, FINDING_ERROR,
			TEXT(v, "the stable id (entryUUID, objectGUID, nsUniqueId) of %.*s is not shown", FMT(e->dn)),
			STR("nobody can log in: accounts are known by it; and every plan is parked at its end"),
			STR("give the service account the right to read operational attributes of people"));
	if (str_empty(e->login))
		found(v, FINDING_ERROR, TEXT(v, "the login name of %.*s is not shown", FMT(e->dn)),
			STR("names that are taken are not seen, and tokens have no user name"),
			STR("give the service account the right to read it, or correct attributes.login"));
}

/* Of those that were found: a single one may well have no address. */
static void look_at_mail(struct visit *v, const struct entry *list, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (list[i].n_attributes)
			return;
	found(v, FINDING_WARNING, TEXT(v, "none of %zu people has a mail address that is shown", n),
		STR("people without one cannot reset a forgotten password"),
		STR("give the service account the right to read it, or correct attributes.mail"));
}

void check_person(struct visit *v) {
	struct entry *list = NULL, *e = NULL;
	const char *filter = NULL, *mail = NULL;
	size_t n = 0, before = v->findings->n;
	bool cut = false;
	enum err code = task_cstr(v->t, v->d->people_filter, &filter);
	if (!code)
		code = task_cstr(v->t, directory_attribute(v->d, STR("mail")), &mail);
	if (!code)
		code = directory_search(
			v->t, v->d, v->d->people_base, filter, (const char *const[]){mail, NULL}, &list, &n, &cut);
	if (!code && n == 0) {
		found(v, FINDING_WARNING, STR("people_filter finds nobody under people_base"),
			STR("if there are people already, none of them can log in"),
			STR("correct people_filter or people_base, or the right to read; where the directory is new "
			    "there is nothing to mend"));
		return;
	}
	if (!code)
		code = directory_find_dn(v->t, v->d, list[0].dn, &e);
	if (code) {
		found_unknown(v, "a person", code);
		return;
	}
	look_at_person(v, e);
	look_at_mail(v, list, n);
	if (v->findings->n == before)
		found_ok(v, "people are found, with stable id, login name and mail address");
}

/* ---- policy ---- */

static struct str number(struct visit *v, const char *before, int64_t n, const char *after) {
	return n ? TEXT(v, "%s%lld%s", before, (long long)n, after) : STR("");
}

static void tell_policy(struct visit *v, const struct password_policy *p) {
	const char *more = p->complexity ? ", of several kinds"
			   : p->module   ? ", and what the server's check module asks for"
					 : "";
	found_ok(v, "the password policy is read: %.*s%s%.*s%.*s%.*s",
		FMT(number(v, "at least ", p->min_length, " letters")), more,
		FMT(number(v, ", ", p->history, " earlier ones remembered")),
		FMT(number(v, ", ends after ", p->max_age / 86400, " days")),
		FMT(number(v, ", locked after ", p->max_failures, " wrong ones")));
}

static void look_at_lock(struct visit *v, const struct password_policy *p) {
	int64_t ours = v->realm->login_max_failures;
	if (p->max_failures == 0 || ours < p->max_failures)
		return;
	found(v, FINDING_WARNING,
		TEXT(v, "login.max_failures is %lld, and the directory locks after %lld wrong passwords",
			(long long)ours, (long long)p->max_failures),
		STR("whoever knows a login name can lock its owner out, everywhere, by typing wrong passwords here"),
		TEXT(v, "set login.max_failures of the realm to %lld or less, or raise the directory's limit",
			(long long)(p->max_failures > 1 ? p->max_failures - 1 : 1)));
}

static void look_at_age(struct visit *v, const struct password_policy *p) {
	if (p->min_age < 86400)
		return;
	found_ok(v, "a password can be changed again after %lld hours only: the change page says so",
		(long long)(p->min_age / 3600));
}

/* A policy of a person's own, which the service account may not read; of the first people that are found. */
static void look_at_own(struct visit *v) {
	struct entry *list = NULL;
	const char *filter = NULL;
	size_t n = 0;
	bool cut = false;
	if (v->d->driver != DIRECTORY_ACTIVE_DIRECTORY || task_cstr(v->t, v->d->people_filter, &filter) ||
		directory_search(
			v->t, v->d, v->d->people_base, filter, (const char *const[]){"cn", NULL}, &list, &n, &cut)) {
		task_clear(v->t); /* check_person has told it */
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct password_policy p = {0};
		if (policy_read(v->t, v->d, list[i].dn, &p))
			task_clear(v->t);
		if (!p.hidden)
			continue;
		found(v, FINDING_WARNING,
			TEXT(v, "%.*s has a password policy of their own, which is not shown to the service account",
				FMT(list[i].dn)),
			STR("the rules of the domain stand beside the form, and the ones that count are learned by "
			    "refusals"),
			STR("give the service account the right to read CN=Password Settings Container,CN=System "
			    "(docs/directories.md)"));
		return;
	}
}

void check_policy(struct visit *v) {
	struct password_policy p = {0};
	enum err e = policy_read(v->t, v->d, STR(""), &p);
	if (e) {
		found_unknown(v, "the password policy", e);
		return;
	}
	if (!p.known) {
		found(v, FINDING_WARNING,
			STR("the password policy is not shown to the service account, or there is none"),
			STR("people learn the rules for passwords only by refusals, and whether wrong passwords lock "
			    "them is not known"),
			STR("give the service account the right to read it (docs/directories.md says of what)"));
		return;
	}
	tell_policy(v, &p);
	look_at_lock(v, &p);
	look_at_age(v, &p);
	look_at_own(v);
}
