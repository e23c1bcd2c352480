/* The password step: throttle, find, bind, link, session. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/metric.h"
#include "base/secret.h"
#include "broker/login/login_private.h"

/* An unknown name goes the way of a wrong password: one search, one bind, on a name that no entry can have. */
static enum err verify_nobody(struct task *t, const struct directory_config *d, struct str password) {
	enum verdict unused;
	struct str nobody = dn_child(t->arena, d->rdn_attribute, random_token(t->arena, 24), d->people_base);
	return directory_verify(t, d, nobody, password, &unused, NULL);
}

/* Ids are given by each directory for itself: who keeps one must not count for a person of another. */
static struct str entry_key(struct task *t, const struct found *found) {
	return str_printf(t->arena, "%.*s\n%.*s", FMT(found->directory->id), FMT(found->entry->stable_id));
}

/* A wrong password of this entry, as long as its password is the one it has now. */
static struct str password_mac(struct task *t, const struct found *found, struct str password) {
	struct str key = secret_derive(t->arena, STR("wrong password"));
	struct str text = str_printf(t->arena, "%.*s\n%.*s\n%.*s", FMT(entry_key(t, found)),
		FMT(found->entry->password_stamp), FMT(password));
	return base64url_encode(t->arena, hmac_sha256(t->arena, key, text));
}

/* The directory is not asked about the same wrong password twice: a program that has an old one and tries it again and
 * again must not lock the account there. */
static enum err verify_once(struct task *t, const struct found *found, struct str password, enum verdict *ret,
	struct verify_detail *detail) {
	struct str mac = password_mac(t, found, password);
	if (throttle_met(t, THROTTLE_WRONG, mac)) {
		*ret = VERDICT_WRONG;
		return OK;
	}
	TRY(directory_verify(t, found->directory, found->entry->dn, password, ret, detail));
	if (*ret == VERDICT_WRONG && throttle_take(t, THROTTLE_WRONG, mac))
		task_clear(t);
	return OK;
}

/* Every name of a person counts together here. Over the limit the answer is that of a wrong password, and the directory
 * is not asked: "too many" would tell that two names are one person's. */
static enum err verify_entry(
	struct task *t, struct str password, struct found *found, enum verdict *ret, struct verify_detail *detail) {
	const struct entry *entry = found->entry;
	struct str key = entry_key(t, found);
	if (throttle_take(t, THROTTLE_LOGIN_ENTRY, key)) {
		task_clear(t);
		*ret = VERDICT_WRONG;
		return OK;
	}
	enum err e = verify_once(t, found, password, ret, detail);
	if (e)
		throttle_give_back(t, THROTTLE_LOGIN_ENTRY, key);
	TRY(e);
	/* OpenLDAP says "locked" of an account that is disabled or has ended; that one gets no mail about a lock. */
	if ((*ret == VERDICT_OK || *ret == VERDICT_LOCKED) && !entry->enabled)
		*ret = VERDICT_DISABLED;
	if (*ret == VERDICT_OK || *ret == VERDICT_EXPIRED || *ret == VERDICT_MUST_CHANGE)
		throttle_clear(t, THROTTLE_LOGIN_ENTRY, key);
	return OK;
}

enum err login_verify(struct task *t, struct str username, struct str password, struct found *found, enum verdict *ret,
	struct verify_detail *detail) {
	enum err e = login_find(t, username, found);
	if (e == ERR_NOT_FOUND) {
		*ret = VERDICT_WRONG;
		return found->directory ? verify_nobody(t, found->directory, password) : OK;
	}
	TRY(e);
	return verify_entry(t, password, found, ret, detail);
}

/* The person learns of a lock by mail, once a day; the page says what it says to a wrong password. */
static enum err tell_locked(struct task *t, const struct found *found) {
	struct account *a = NULL;
	if (str_empty(found->entry->mail))
		return OK;
	TRY(account_link(t, found->directory, found->entry, &a));
	if (throttle_take(t, THROTTLE_LOCKED, a->id)) {
		task_clear(t);
		return OK;
	}
	return jobs_insert(t, JOB_NOTICE, a->id, STR("{\"notice\":\"locked\"}"), 0, NULL);
}

/* What the feed told of an entry that no account was linked to is told no more: whoever logs in for the first time is
 * looked at once more, behind the link. */
static enum err look_again(struct task *t, struct found *found) {
	struct str stamp = found->entry->password_stamp;
	found->read_at = clock_wall_ms();
	enum err e = directory_find_id(t, found->directory, found->entry->stable_id, &found->entry);
	if (e && e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	return !e && found->entry->enabled && str_eq(found->entry->password_stamp, stamp)
		       ? OK
		       : task_fail(t, ERR_DENIED, "the account has just changed in the directory");
}

/* What ended the account since the look ended it for this login too: with the old password, say, while a new one was
 * set. */
static enum err login_admitted(struct task *t, const struct account *a, const struct found *found) {
	if (account_ended_since(a->id, found->began_us))
		return task_fail(t, ERR_DENIED, "the account's sessions were ended meanwhile");
	return mirror_admits(t, a, found->read_at);
}

static enum err login_open(
	struct task *t, struct found *found, struct str old_session, struct str agent, struct login *ret) {
	TRY(account_link(t, found->directory, found->entry, &ret->account));
	if (!ret->account->last_login_at)
		TRY(look_again(t, found));
	TRY(mirror_take(t, ret->account, found->entry, NULL, found->read_at));
	TRY(store_begin(t));
	enum err e = login_admitted(t, ret->account, found);
	ret->account->last_login_at = clock_wall_ms();
	if (!e)
		e = accounts_logged_in(t, ret->account->id, ret->account->last_login_at);
	if (!e)
		e = session_open(t, ret->account, old_session, agent, ret);
	if (!e)
		e = audit_record(t, "login.ok", ret->account->id, AUDIT("sid", ret->sid));
	return str_empty(old_session) ? store_end_passing(t, e) : store_end(t, e);
}

/* For the audit, not for the answer. */
static const char *refused_why(const struct found *found, enum verdict verdict) {
	const struct entry *e = found->entry;
	if (!e)
		return found->ambiguous ? "ambiguous" : "unknown";
	if (verdict == VERDICT_LOCKED)
		return "locked";
	if (verdict == VERDICT_DISABLED)
		return e->expires_at && e->expires_at <= clock_wall_ms() ? "expired" : "disabled";
	return "credentials";
}

/* The account, where one is linked: by that the person's page and usherctl look. */
static enum err refused_subject(struct task *t, const struct found *found, struct str *ret) {
	struct account *a = NULL;
	*ret = found->entry ? found->entry->stable_id : STR("");
	if (!found->entry)
		return OK;
	enum err e = accounts_find_stable(t, found->directory->id, found->entry->stable_id, &a);
	if (e && e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	if (!e)
		*ret = a->id;
	return OK;
}

static enum err login_refused(struct task *t, const struct found *found, enum verdict verdict) {
	if (verdict == VERDICT_LOCKED)
		TRY(tell_locked(t, found));
	const char *why = refused_why(found, verdict);
	struct str subject;
	TRY(refused_subject(t, found, &subject));
	TRY(audit_record(t, "login.refused", subject, AUDIT("why", str_of(why))));
	task_fail(t, ERR_CREDENTIALS, "refused: %s", why);
	task_clear(t); /* for the log of the answer that is made of it */
	return OK;
}

static enum err login_decide(struct task *t, const struct found *found, enum verdict verdict, struct login *ret) {
	if (verdict == VERDICT_MUST_CHANGE || verdict == VERDICT_EXPIRED) {
		ret->result = verdict == VERDICT_EXPIRED ? LOGIN_EXPIRED : LOGIN_MUST_CHANGE;
		ret->policy = rules_to_show(t, found);
		metric_add(METRIC_LOGINS, METRIC_LOGIN_EXPIRED, 1);
		return OK;
	}
	metric_add(METRIC_LOGINS, METRIC_LOGIN_CREDENTIALS, 1);
	ret->result = LOGIN_REFUSED;
	return login_refused(t, found, verdict);
}

enum err login_admit(struct task *t, struct str username, int64_t *ret_wait_s) {
	enum err e = throttle_take(t, THROTTLE_LOGIN_ADDRESS, t->address); /* first: it bounds the names kept */
	if (e) {
		*ret_wait_s = throttle_wait_s(t, THROTTLE_LOGIN_ADDRESS, t->address);
		return e;
	}
	e = throttle_take(t, THROTTLE_LOGIN_NAME, username);
	if (e) {
		throttle_give_back(t, THROTTLE_LOGIN_ADDRESS, t->address);
		*ret_wait_s = throttle_wait_s(t, THROTTLE_LOGIN_NAME, username);
	}
	return e;
}

void login_admit_undo(struct task *t, struct str username, bool right_password) {
	if (right_password)
		throttle_clear(t, THROTTLE_LOGIN_NAME, username);
	else
		throttle_give_back(t, THROTTLE_LOGIN_NAME, username);
	throttle_give_back(t, THROTTLE_LOGIN_ADDRESS, t->address);
}

void login_forget_failures(struct task *t, const struct directory_config *d, const struct entry *e) {
	struct found found = {.directory = d, .entry = (struct entry *)e};
	struct str suffix = d->login_suffix;
	throttle_clear(t, THROTTLE_LOGIN_ENTRY, entry_key(t, &found));
	throttle_clear(t, THROTTLE_LOGIN_NAME, e->login);
	throttle_clear(t, THROTTLE_LOGIN_NAME, e->mail);
	if (str_empty(suffix))
		return;
	throttle_clear(t, THROTTLE_LOGIN_NAME, str_printf(t->arena, "%.*s@%.*s", FMT(e->login), FMT(suffix)));
	throttle_clear(t, THROTTLE_LOGIN_NAME, str_printf(t->arena, "%.*s\\%.*s", FMT(suffix), FMT(e->login)));
}

enum err login_password(struct task *t, struct str username, struct str password, struct str old_session,
	struct str agent, struct login *ret) {
	struct login login = {.expires_in = -1};
	struct found found = {0};
	enum verdict verdict = VERDICT_WRONG;
	struct verify_detail detail = {-1, -1};
	username = str_trim(username);
	if (login_admit(t, username, &login.retry_after_s)) {
		task_clear(t);
		metric_add(METRIC_LOGINS, METRIC_LOGIN_THROTTLED, 1);
		login.result = LOGIN_THROTTLED;
		*ret = login;
		return OK;
	}
	enum err e = login_verify(t, username, password, &found, &verdict, &detail);
	if (e) {
		login_admit_undo(t, username, false);
		metric_add(METRIC_LOGINS, METRIC_LOGIN_UNAVAILABLE, 1);
		return e;
	}
	if (verdict != VERDICT_OK) {
		if (verdict != VERDICT_WRONG && verdict != VERDICT_LOCKED && verdict != VERDICT_DISABLED)
			login_admit_undo(t, username, true);
		TRY(login_decide(t, &found, verdict, &login));
		*ret = login;
		return OK;
	}
	login_admit_undo(t, username, true);
	login.expires_in = detail.expires_in;
	e = login_open(t, &found, old_session, agent, &login);
	if (e == ERR_DENIED) {
		task_clear(t);
		login.session = STR_NONE;
		e = login_decide(t, &found, VERDICT_DISABLED, &login);
	} else if (!e) {
		metric_add(METRIC_LOGINS, METRIC_LOGIN_OK, 1);
	}
	TRY(e);
	*ret = login;
	return OK;
}
