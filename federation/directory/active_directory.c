/* Active Directory. What Windows says is of MS-ADTS, what Samba says was seen of 4.17. */
#include "federation/directory/driver.h"

/* MS-ADTS 2.2.16: userAccountControl. */
enum {
	UAC_DISABLED = 0x2,
	UAC_LOCKED = 0x10,
	UAC_NO_PASSWORD = 0x20,
	UAC_NORMAL = 0x200,
	UAC_EXPIRED_PASSWORD = 0x800000
};

/* Milliseconds from 1601 to 1970; a FILETIME (MS-DTYP 2.3.3) counts hundreds of nanoseconds from 1601. */
#define FILETIME_EPOCH_MS 11644473600000

static const char *const state_attributes[] = {"userAccountControl", "msDS-User-Account-Control-Computed",
	"accountExpires", "lockoutTime", "pwdLastSet", NULL};

static int64_t number(const struct entry *e, struct str name) {
	int64_t n = 0;
	struct str text = entry_value(e, name);
	return str_int(text, 0, INT64_MAX, &n) ? n : 0;
}

/* accountExpires: 0 and the largest number mean never (MS-ADTS 2.209 of MS-ADA1). */
static int64_t expires_at(const struct entry *e) {
	int64_t ticks = number(e, STR("accountexpires"));
	int64_t ms = ticks / 10000 - FILETIME_EPOCH_MS;
	return ticks == 0 || ticks == INT64_MAX ? 0 : ms > 1 ? ms : 1;
}

/* lockoutTime stays after the lock has ended; the computed attribute tells whether it has (MS-ADTS 3.1.1.4.5.17). */
static bool is_locked(const struct entry *e) {
	struct str computed = entry_value(e, STR("msds-user-account-control-computed"));
	if (str_absent(computed))
		return number(e, STR("lockouttime")) > 0;
	return (number(e, STR("msds-user-account-control-computed")) & UAC_LOCKED) != 0;
}

static void entry_state(struct entry *e, int64_t now_ms) {
	int64_t uac = number(e, STR("useraccountcontrol"));
	e->expires_at = expires_at(e);
	e->enabled = !(uac & UAC_DISABLED) && (e->expires_at == 0 || e->expires_at > now_ms);
	e->locked = is_locked(e);
	struct str stamp = entry_value(e, STR("pwdlastset"));
	e->password_stamp = str_absent(stamp) ? STR("") : stamp;
}

/* "…, data 52e, v4563": MS-ADTS 5.1.1.1 tells the Win32 error in hexadecimal. All but 52e, 525 and 775 come with the
 * right password only. */
static const struct {
	struct str data;
	enum verdict verdict;
} bind_states[] = {
	{{"525", 3}, VERDICT_WRONG},       /* ERROR_NO_SUCH_USER */
	{{"52e", 3}, VERDICT_WRONG},       /* ERROR_LOGON_FAILURE */
	{{"530", 3}, VERDICT_DISABLED},    /* ERROR_INVALID_LOGON_HOURS */
	{{"531", 3}, VERDICT_DISABLED},    /* ERROR_INVALID_WORKSTATION */
	{{"532", 3}, VERDICT_EXPIRED},     /* ERROR_PASSWORD_EXPIRED */
	{{"533", 3}, VERDICT_DISABLED},    /* ERROR_ACCOUNT_DISABLED */
	{{"701", 3}, VERDICT_DISABLED},    /* ERROR_ACCOUNT_EXPIRED */
	{{"773", 3}, VERDICT_MUST_CHANGE}, /* ERROR_PASSWORD_MUST_CHANGE */
	{{"775", 3}, VERDICT_LOCKED},      /* ERROR_ACCOUNT_LOCKED_OUT */
};

static enum verdict state_of(struct str diagnostic) {
	const struct str mark = STR(" data ");
	for (size_t at = str_find(diagnostic, ' ', 0); at < diagnostic.n; at = str_find(diagnostic, ' ', at + 1)) {
		if (!str_starts(str_sub(diagnostic, at, diagnostic.n), mark))
			continue;
		struct str rest = str_sub(diagnostic, at + mark.n, diagnostic.n);
		struct str data = str_sub(rest, 0, str_find(rest, ',', 0));
		for (size_t i = 0; i < COUNT(bind_states); i++)
			if (str_eq_case(bind_states[i].data, data))
				return bind_states[i].verdict;
	}
	return VERDICT_WRONG;
}

static bool bind_told(const struct bind_answer *answer, enum verdict *ret) {
	if (answer->result != LDAP_SUCCESS && answer->result != LDAP_INVALID_CREDENTIALS)
		return false;
	*ret = answer->result == LDAP_SUCCESS ? VERDICT_OK : state_of(answer->diagnostic);
	return true;
}

/* Only the number in front counts: what follows differs between versions. */
static bool has_code(struct str diagnostic, const char *code) {
	return str_eq_case(str_sub(diagnostic, 0, 8), str_of(code));
}

/* A name in use is 68; another unique value 19: Windows says ERROR_DS_UPN_VALUE_NOT_UNIQUE_IN_FOREST (21C8) or
 * ERROR_DS_SPN_VALUE_NOT_UNIQUE_IN_FOREST (21C7), Samba a general number and a text. */
static bool taken(const struct answer *answer) {
	return answer->result == LDAP_CONSTRAINT_VIOLATION &&
	       (has_code(answer->diagnostic, "000021C8") || has_code(answer->diagnostic, "000021C7") ||
		       str_contains(answer->diagnostic, STR("is already in use")));
}

/* Of `member` Windows and Samba say another result than RFC 4511 has: 68 (00000562, ERROR_MEMBER_IN_ALIAS and the like)
 * for one that is there, 53 for one that is not (00000561; Samba has no number, and two texts). */
static bool is_absent_member(const struct answer *answer) {
	return has_code(answer->diagnostic, "00000561") ||
	       str_contains(answer->diagnostic, STR("member doesn't exist")) ||
	       str_contains(answer->diagnostic, STR("member already deleted"));
}

static bool done_already(enum change_kind kind, const struct answer *answer) {
	if (kind == CHANGE_VALUE_ADD)
		return answer->result == LDAP_TYPE_OR_VALUE_EXISTS || answer->result == LDAP_ALREADY_EXISTS;
	return kind == CHANGE_VALUE_DELETE &&
	       (answer->result == LDAP_NO_SUCH_ATTRIBUTE ||
		       (answer->result == LDAP_UNWILLING_TO_PERFORM && is_absent_member(answer)));
}

static void disabled_attributes(struct arena *a, const struct directory_config *d, struct attribute **list, size_t *n) {
	(void)d;
	attribute_add(a, list, n, STR("userAccountControl"), STR("514")); /* NORMAL | DISABLED */
}

/* Read, modify, write: other flags are others'. "No password needed" is what an account has that was made without
 * flags; it goes with the first enabling. */
static void enable(struct arena *a, const struct directory_config *d, const struct entry *now, bool enabled,
	struct attribute **list, size_t *n) {
	int64_t uac = number(now, STR("useraccountcontrol"));
	int64_t wanted = enabled ? (uac & ~(int64_t)(UAC_DISABLED | UAC_NO_PASSWORD)) | UAC_NORMAL : uac | UAC_DISABLED;
	(void)d;
	if (wanted != uac)
		attribute_add(a, list, n, STR("userAccountControl"), str_printf(a, "%lld", (long long)wanted));
	if (enabled && now->locked)
		attribute_add(a, list, n, STR("lockoutTime"), STR("0"));
}

/* MS-SAMR 3.1.1.8.7: without the right Unexpire-Password a reset leaves pwdLastSet 0, and its owner must change the
 * password at once. MS-ADTS 3.1.1.5.3.2: -1 means now. A lock is ended by 0. */
static enum err after_password(struct task *t, const struct directory_config *d, const struct entry *before,
	const struct entry *after, struct attribute **list, size_t *n) {
	(void)d;
	(void)before;
	if (str_eq(after->password_stamp, STR("0")))
		attribute_add(t->arena, list, n, STR("pwdLastSet"), STR("-1"));
	if (number(after, STR("lockouttime")) > 0)
		attribute_add(t->arena, list, n, STR("lockoutTime"), STR("0"));
	return OK;
}

const struct driver driver_active_directory = {
	.name = "active_directory",
	.stable_id = "objectGUID",
	.created = "whenCreated",
	.state_attributes = state_attributes,
	.default_class = {"user", sizeof("user") - 1},
	.whoami_names_account = true,
	.settle_may_be_refused = true,
	.entry_state = entry_state,
	.bind_told = bind_told,
	.taken = taken,
	.done_already = done_already,
	.disabled_attributes = disabled_attributes,
	.enable = enable,
	.after_password = after_password,
	.modify_password = password_by_unicode_pwd,
	.groups = groups_by_token,
};
