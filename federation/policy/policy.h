/* policy.h: the directory's own password policy, read; and its refusals, classified. The door of this folder. */
#ifndef USHER_FEDERATION_POLICY_POLICY_H
#define USHER_FEDERATION_POLICY_POLICY_H

#include "federation/directory/directory.h"

struct password_policy {
	bool known;                     /* false: the directory does not show it to us */
	int64_t min_length, max_length; /* 0: none */
	int64_t history;                /* passwords remembered, 0: none */
	int64_t min_age, max_age;       /* seconds, 0: none */
	int64_t max_failures, lockout_duration;
	bool complexity;  /* three of four kinds of letters (AD, 389) */
	bool module;      /* a module of the server checks more, and does not tell what (ppolicy pwdUseCheckModule) */
	bool must_change; /* set by us means must change (pwdMustChange): activation must clear it */
	bool hidden;      /* this person has one of their own (Active Directory's PSO), which is not shown to us: the
			     rest is the domain's */
};
/* Of this entry (pwdPolicySubentry), or the default one where dn is empty. */
enum err policy_read(
	struct task *t, const struct directory_config *d, struct str dn, struct password_policy *ret) must_use;

enum refusal_reason {
	REFUSAL_TOO_SHORT,
	REFUSAL_TOO_LONG,
	REFUSAL_WEAK,
	REFUSAL_HISTORY,
	REFUSAL_SAME,
	REFUSAL_TOO_YOUNG,
	REFUSAL_RESTRICTED,     /* one of these, and the directory does not say which */
	REFUSAL_LIKELY_HISTORY, /* policy_narrow: none of the others */
	REFUSAL_FORBIDDEN,
	REFUSAL_OTHER
};
enum refusal_reason policy_classify(const struct directory_config *d, const struct refusal *r);
/* Of a REFUSAL_RESTRICTED, what the policy that holds for the person tells of the password: too short, not of enough
 * kinds or with a name in it, set too recently; else REFUSAL_LIKELY_HISTORY where earlier ones are remembered. That is
 * a conclusion, and no proof: a filter of passwords refuses in the same way. Unknown: REFUSAL_RESTRICTED. */
enum refusal_reason policy_narrow(
	struct arena *a, const struct password_policy *p, const struct entry *e, struct str password, int64_t now_ms);
/* Catalogue key of the sentence at the field: "password.too_short", … */
const char *policy_reason_key(enum refusal_reason reason);

/* Strength by zxcvbn, with the person's own words; also our own floor (at least 8 code points, not over 256). */
struct strength {
	int score;              /* 0..4 */
	bool acceptable;        /* score ≥ 2 and within our bounds */
	const char *reason_key; /* catalogue key when it is not */
};
struct strength policy_strength(struct arena *a, struct str password, struct strs words);

#endif
