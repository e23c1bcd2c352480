#include "federation/directory/driver.h"

/* slapo-ppolicy(5). 000001010000Z locks for good, where the policy has pwdLockout TRUE; pwdStartTime to come or
 * pwdEndTime past disable under any policy. */
#define LOCKED_FOR_GOOD STR("000001010000Z")
#define NEVER_BEGUN     STR("99991231235959Z")
#define LONG_ENDED      STR("19700101000000Z")

/* Error values of the ppolicy response control (draft-behera-ldap-password-policy-10, 6.2). */
enum { POLICY_EXPIRED = 0, POLICY_LOCKED = 1, POLICY_CHANGE_AFTER_RESET = 2 };

static const char *const state_attributes[] = {
	"pwdAccountLockedTime", "pwdStartTime", "pwdEndTime", "pwdReset", "pwdChangedTime", NULL};

/* Generalized time in UTC as slapd writes it (YYYYMMDDHHMMSS…Z): texts of equal length have the order of the times. */
static struct str now_text(char text[16], int64_t now_ms) {
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;
	gmtime_r(&now, &tm);
	return str_slice(text, strftime(text, 16, "%Y%m%d%H%M%SZ", &tm));
}

static void entry_state(struct entry *e, int64_t now_ms) {
	char text[16];
	struct str now = str_sub(now_text(text, now_ms), 0, 14);
	struct str locked = entry_value(e, STR("pwdaccountlockedtime"));
	struct str start = entry_value(e, STR("pwdstarttime")), end = entry_value(e, STR("pwdendtime"));
	bool for_good = str_eq(locked, LOCKED_FOR_GOOD);
	bool to_come = !str_empty(start) && str_cmp(str_sub(start, 0, 14), now) > 0;
	bool ended = !str_empty(end) && str_cmp(str_sub(end, 0, 14), now) <= 0;
	e->enabled = !for_good && !to_come && !ended;
	e->locked = !str_empty(locked) && !for_good;
	e->expires_at = ended ? 0 : directory_time_ms(end);
	struct str changed = entry_value(e, STR("pwdchangedtime"));
	e->password_stamp = str_absent(changed) ? STR("") : changed;
}

/* Expired is told after the password was found right, locked before it is looked at. */
static bool bind_told(const struct bind_answer *answer, enum verdict *ret) {
	if (answer->result == LDAP_SUCCESS)
		*ret = answer->policy_error == POLICY_CHANGE_AFTER_RESET ? VERDICT_MUST_CHANGE : VERDICT_OK;
	else if (answer->result == LDAP_INVALID_CREDENTIALS)
		*ret = answer->policy_error == POLICY_EXPIRED  ? VERDICT_EXPIRED
		       : answer->policy_error == POLICY_LOCKED ? VERDICT_LOCKED
							       : VERDICT_WRONG;
	else
		return false;
	return true;
}

/* slapo-unique says no other word than this. */
static bool taken(const struct answer *answer) {
	return answer->result == LDAP_CONSTRAINT_VIOLATION &&
	       str_starts(answer->diagnostic, STR("non-unique attributes found"));
}

static void disabled_attributes(struct arena *a, const struct directory_config *d, struct attribute **list, size_t *n) {
	if (d->disable != DISABLE_START_TIME) {
		attribute_add(a, list, n, STR("pwdAccountLockedTime"), LOCKED_FOR_GOOD);
		return;
	}
	attribute_add(a, list, n, STR("pwdStartTime"), NEVER_BEGUN);
	attribute_add(a, list, n, STR("pwdEndTime"), LONG_ENDED);
}

/* Times that others wrote are theirs: only our two values come and go. */
static void enable_by_times(
	struct arena *a, const struct entry *now, bool enabled, struct attribute **list, size_t *n) {
	struct str start = entry_value(now, STR("pwdstarttime")), end = entry_value(now, STR("pwdendtime"));
	if (!enabled && !str_eq(start, NEVER_BEGUN))
		attribute_add(a, list, n, STR("pwdStartTime"), NEVER_BEGUN);
	if (!enabled && str_empty(end))
		attribute_add(a, list, n, STR("pwdEndTime"), LONG_ENDED);
	if (enabled && str_eq(start, NEVER_BEGUN))
		attribute_add(a, list, n, STR("pwdStartTime"), STR_NONE);
	if (enabled && str_eq(end, LONG_ENDED))
		attribute_add(a, list, n, STR("pwdEndTime"), STR_NONE);
}

static void enable(struct arena *a, const struct directory_config *d, const struct entry *now, bool enabled,
	struct attribute **list, size_t *n) {
	struct str locked = entry_value(now, STR("pwdaccountlockedtime"));
	if (enabled && !str_empty(locked))
		attribute_add(a, list, n, STR("pwdAccountLockedTime"), STR_NONE);
	if (!enabled && d->disable != DISABLE_START_TIME && !str_eq(locked, LOCKED_FOR_GOOD))
		attribute_add(a, list, n, STR("pwdAccountLockedTime"), LOCKED_FOR_GOOD);
	if (enabled || d->disable == DISABLE_START_TIME)
		enable_by_times(a, now, enabled, list, n);
}

/* slapo-ppolicy drops pwdAccountLockedTime, the permanent one too, whenever the password is modified; and with
 * pwdMustChange it sets pwdReset when the modifier may manage userPassword. */
static enum err after_password(struct task *t, const struct directory_config *d, const struct entry *before,
	const struct entry *after, struct attribute **list, size_t *n) {
	struct arena *a = t->arena;
	(void)d;
	if (str_eq_case(entry_value(after, STR("pwdreset")), STR("TRUE")))
		attribute_add(a, list, n, STR("pwdReset"), STR_NONE);
	if (str_eq(entry_value(before, STR("pwdaccountlockedtime")), LOCKED_FOR_GOOD) &&
		str_empty(entry_value(after, STR("pwdaccountlockedtime"))))
		attribute_add(a, list, n, STR("pwdAccountLockedTime"), LOCKED_FOR_GOOD);
	return OK;
}

const struct driver driver_openldap = {
	.name = "openldap",
	.stable_id = "entryUUID",
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
