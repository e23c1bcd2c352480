/* Refusals of a new password, by what the three makes of directory say. Texts and codes as they were seen: the seed of
 * the test directories. */
#include "federation/policy/policy.h"

/* draft-behera-ldap-password-policy 6.2 */
static const enum refusal_reason by_policy_error[] = {
	[0] = REFUSAL_OTHER,     /* passwordExpired */
	[1] = REFUSAL_FORBIDDEN, /* accountLocked */
	[2] = REFUSAL_OTHER,     /* changeAfterReset */
	[3] = REFUSAL_FORBIDDEN, /* passwordModNotAllowed */
	[4] = REFUSAL_OTHER,     /* mustSupplyOldPassword */
	[5] = REFUSAL_WEAK,      /* insufficientPasswordQuality */
	[6] = REFUSAL_TOO_SHORT,
	[7] = REFUSAL_TOO_YOUNG,
	[8] = REFUSAL_HISTORY,
	[9] = REFUSAL_TOO_LONG,
};

/* Parts of diagnostics, told in any case; the first that stands in it decides. */
static const struct {
	const char *part;
	enum refusal_reason reason;
} by_text[] = {
	{"not being changed from existing", REFUSAL_SAME},
	{"previous password", REFUSAL_SAME},
	{"in history", REFUSAL_HISTORY},
	{"too young", REFUSAL_TOO_YOUNG},
	{"within password minimum age", REFUSAL_TOO_YOUNG},
	{"too short", REFUSAL_TOO_SHORT},
	{"must be at least", REFUSAL_TOO_SHORT},
	{"too long", REFUSAL_TOO_LONG},
	{"complexity", REFUSAL_WEAK},
	{"quality", REFUSAL_WEAK},
	{"invalid password syntax", REFUSAL_WEAK},
	{"alteration of password is not allowed", REFUSAL_FORBIDDEN},
};

static enum refusal_reason by_diagnostic(struct str diagnostic) {
	struct str text = str_sub(diagnostic, 0, 1024);
	for (size_t i = 0; i < COUNT(by_text); i++) {
		char pattern[64];
		int n = snprintf(pattern, sizeof(pattern), "*%s*", by_text[i].part);
		if (n > 0 && (size_t)n < sizeof(pattern) && str_glob(str_slice(pattern, (size_t)n), text, NULL))
			return by_text[i].reason;
	}
	return REFUSAL_OTHER;
}

/* 50: RFC 4511 insufficientAccessRights. */
static enum refusal_reason by_result(const struct refusal *r) {
	return r->result == 50 ? REFUSAL_FORBIDDEN : REFUSAL_OTHER;
}

static enum refusal_reason first_known(enum refusal_reason a, enum refusal_reason b) {
	return a != REFUSAL_OTHER ? a : b;
}

/* Windows and Samba begin with a Win32 error in eight hexadecimal digits; 52D is ERROR_PASSWORD_RESTRICTION, which
 * Windows does not explain and Samba does. */
static enum refusal_reason classify_active_directory(const struct refusal *r) {
	static const struct str restriction = STR("0000052D"), not_allowed = STR("00000005");
	struct str code = str_sub(r->diagnostic, 0, 8);
	if (str_eq_case(code, restriction))
		return first_known(by_diagnostic(r->diagnostic), REFUSAL_RESTRICTED);
	return str_eq_case(code, not_allowed) ? REFUSAL_FORBIDDEN : by_result(r);
}

/* The control first, then the text, which tells "the same" from "in history" (the control says 8 for both). */
static enum refusal_reason classify_ppolicy(const struct refusal *r) {
	enum refusal_reason text = by_diagnostic(r->diagnostic);
	if (text == REFUSAL_SAME || r->policy_error < 0 || (size_t)r->policy_error >= COUNT(by_policy_error))
		return first_known(text, by_result(r));
	return first_known(by_policy_error[r->policy_error], first_known(text, by_result(r)));
}

/* 389 has one text for all refusals of a Password Modify, and a control with each but one: the present password again.
 */
static enum refusal_reason classify_389ds(const struct refusal *r) {
	static const struct str any = STR("Failed to update password");
	bool silent = r->result == 19 && r->policy_error < 0 && str_starts(r->diagnostic, any);
	return silent ? REFUSAL_SAME : classify_ppolicy(r);
}

enum refusal_reason policy_classify(const struct directory_config *d, const struct refusal *r) {
	static enum refusal_reason (*const classifiers[])(const struct refusal *) = {
		[DIRECTORY_OPENLDAP] = classify_ppolicy,
		[DIRECTORY_ACTIVE_DIRECTORY] = classify_active_directory,
		[DIRECTORY_389DS] = classify_389ds,
	};
	return classifiers[d->driver](r);
}

const char *policy_reason_key(enum refusal_reason reason) {
	static const char *const keys[] = {
		[REFUSAL_TOO_SHORT] = "password.too_short",
		[REFUSAL_TOO_LONG] = "password.too_long",
		[REFUSAL_WEAK] = "password.weak",
		[REFUSAL_HISTORY] = "password.history",
		[REFUSAL_SAME] = "password.same",
		[REFUSAL_TOO_YOUNG] = "password.too_young",
		[REFUSAL_RESTRICTED] = "password.restricted",
		[REFUSAL_LIKELY_HISTORY] = "password.likely_history",
		[REFUSAL_FORBIDDEN] = "password.forbidden",
		[REFUSAL_OTHER] = "password.refused",
	};
	return (size_t)reason < COUNT(keys) ? keys[reason] : keys[REFUSAL_OTHER];
}
