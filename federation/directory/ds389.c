/* 389 Directory Server (and Red Hat Directory Server). What it says was seen of 389-ds 2.3.1. */
#include "base/clock.h"
#include "federation/directory/driver.h"

/* accountUnlockTime of a lock that only an administrator ends, and passwordExpirationTime of a password that must be
 * changed at the next login. */
#define NO_TIME STR("19700101000000Z")
/* What the server itself writes where passwords do not expire. */
#define END_OF_TIME STR("20380119031407Z")
/* Seconds: passwordMaxAge where none is set. */
#define MAX_AGE_DEFAULT 8640000

/* Error value of the ppolicy response control (draft-behera-ldap-password-policy-10, 6.2), which the server sends when
 * it is asked for, beside a control of its own, 2.16.840.1.113730.3.4.4. */
enum { POLICY_EXPIRED = 0, POLICY_CHANGE_AFTER_RESET = 2 };

static const char *const state_attributes[] = {
	"nsAccountLock", "accountUnlockTime", "passwordExpirationTime", "pwdPolicySubentry", "pwdUpdateTime", NULL};

static struct str time_text(char text[16], int64_t ms) {
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	return str_slice(text, strftime(text, 16, "%Y%m%d%H%M%SZ", &tm));
}

static void entry_state(struct entry *e, int64_t now_ms) {
	char text[16];
	struct str unlock = entry_value(e, STR("accountunlocktime"));
	bool for_good = str_eq(unlock, NO_TIME);
	e->enabled = !for_good && !str_eq_case(entry_value(e, STR("nsaccountlock")), STR("true"));
	e->locked = !str_empty(unlock) && str_cmp(unlock, time_text(text, now_ms)) > 0;
	struct str changed = entry_value(e, STR("pwdupdatetime")); /* written with passwordTrackUpdateTime on */
	e->password_stamp = str_absent(changed) ? STR("") : changed;
}

/* Result and beginning of the text; told whatever the password was. Both have accountLocked in the control. */
static const struct {
	int result;
	const char *text;
	enum verdict verdict;
} told[] = {
	{LDAP_UNWILLING_TO_PERFORM, "Account inactivated", VERDICT_DISABLED},
	{LDAP_CONSTRAINT_VIOLATION, "Exceed password retry limit", VERDICT_LOCKED},
	{LDAP_CONSTRAINT_VIOLATION, "Account inactivity limit exceeded", VERDICT_DISABLED}, /* Account Policy plugin */
};

/* Expired is told after the password was found right. */
static bool bind_told(const struct bind_answer *answer, enum verdict *ret) {
	for (size_t i = 0; i < COUNT(told); i++) {
		if (told[i].result != answer->result || !str_starts(answer->diagnostic, str_of(told[i].text)))
			continue;
		*ret = told[i].verdict;
		return true;
	}
	if (answer->result == LDAP_SUCCESS)
		*ret = answer->policy_error == POLICY_CHANGE_AFTER_RESET ? VERDICT_MUST_CHANGE : VERDICT_OK;
	else if (answer->result == LDAP_INVALID_CREDENTIALS)
		*ret = answer->policy_error == POLICY_EXPIRED ? VERDICT_EXPIRED : VERDICT_WRONG;
	else
		return false;
	return true;
}

/* The Attribute Uniqueness plugin. */
static bool taken(const struct answer *answer) {
	return answer->result == LDAP_CONSTRAINT_VIOLATION &&
	       str_starts(answer->diagnostic, STR("Another entry with the same attribute value already exists"));
}

static void disabled_attributes(struct arena *a, const struct directory_config *d, struct attribute **list, size_t *n) {
	(void)d;
	attribute_add(a, list, n, STR("nsAccountLock"), STR("true"));
}

static void unlock(struct arena *a, const struct entry *now, struct attribute **list, size_t *n) {
	if (!str_empty(entry_value(now, STR("accountunlocktime"))))
		attribute_add(a, list, n, STR("accountUnlockTime"), STR_NONE);
}

static void enable(struct arena *a, const struct directory_config *d, const struct entry *now, bool enabled,
	struct attribute **list, size_t *n) {
	struct str lock = entry_value(now, STR("nsaccountlock"));
	(void)d;
	if (enabled && !str_empty(lock))
		attribute_add(a, list, n, STR("nsAccountLock"), STR_NONE);
	if (enabled)
		unlock(a, now, list, n);
	else if (!str_eq_case(lock, STR("true")))
		attribute_add(a, list, n, STR("nsAccountLock"), STR("true"));
}

/* When a password of now expires, by the policy of the entry or the server's, in as far as it is shown to us. */
static enum err expiry(
	struct task *t, const struct directory_config *d, const struct entry *e, int64_t now_ms, struct str *ret) {
	static const char *const names[] = {"passwordExp", "passwordMaxAge", NULL};
	struct str subentry = entry_value(e, STR("pwdpolicysubentry"));
	struct entry *policy = NULL;
	int64_t seconds = MAX_AGE_DEFAULT;
	enum err code = directory_read(t, d, str_empty(subentry) ? STR("cn=config") : subentry, names, &policy);
	if (code == ERR_NOT_FOUND || code == ERR_REFUSED)
		task_clear(t);
	else
		TRY(code);
	if (!code && str_eq_case(entry_value(policy, STR("passwordexp")), STR("off"))) {
		*ret = END_OF_TIME;
		return OK;
	}
	struct str max_age = code ? STR_NONE : entry_value(policy, STR("passwordmaxage"));
	if (!str_empty(max_age) && !str_int(max_age, 1, INT32_MAX, &seconds))
		seconds = MAX_AGE_DEFAULT;
	char text[16];
	*ret = str_dup(t->arena, time_text(text, now_ms + seconds * 1000));
	return OK;
}

/* With passwordMustChange the server expires what another than the person has set. pwdReset, which it sets too, is only
 * for show, and nobody may write it. It forgets the wrong tries, and keeps a lock that came of them. */
static enum err after_password(struct task *t, const struct directory_config *d, const struct entry *before,
	const struct entry *after, struct attribute **list, size_t *n) {
	struct str ends = STR_NONE;
	(void)before;
	unlock(t->arena, after, list, n);
	if (!str_eq(entry_value(after, STR("passwordexpirationtime")), NO_TIME))
		return OK;
	TRY(expiry(t, d, after, clock_wall_ms(), &ends));
	attribute_add(t->arena, list, n, STR("passwordExpirationTime"), ends);
	return OK;
}

const struct driver driver_389ds = {
	.name = "389ds",
	.stable_id = "nsUniqueId",
	.created = "createTimestamp",
	.state_attributes = state_attributes,
	.default_class = {"inetOrgPerson", sizeof("inetOrgPerson") - 1},
	.entry_state = entry_state,
	.bind_told = bind_told,
	.taken = taken,
	.done_already = value_done_already,
	.disabled_attributes = disabled_attributes,
	.enable = enable,
	.after_password = after_password,
	.modify_password = password_by_exop,
	.groups = groups_by_member,
};
