/* A refusal without a reason, narrowed by what the policy says of the very password. */
#include "federation/policy/policy.h"

#define KINDS_WANTED   3 /* Microsoft, "Password must meet complexity requirements": of five kinds of letters */
#define NAME_LEAST     3 /* letters of a part of a name that may not stand in the password */
#define TICKS_PER_MS   10000
#define FILETIME_EPOCH 11644473600000 /* milliseconds from 1601 to 1970 */

/* UTF-16 units, which Windows counts: a character of four bytes is two. */
static int64_t units(struct str s) {
	int64_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		n += (c & 0xC0) != 0x80;
		n += c >= 0xF0;
	}
	return n;
}

/* The most kinds that there may be: which one a letter beyond ASCII is of is not known here. */
static int kinds_most(struct str s) {
	bool upper = false, lower = false, digit = false, other = false;
	int beyond = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		upper |= c >= 'A' && c <= 'Z';
		lower |= c >= 'a' && c <= 'z';
		digit |= c >= '0' && c <= '9';
		beyond += c >= 0xC0;
		other |= c < 0x80 && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9');
	}
	return upper + lower + digit + other + (beyond > 2 ? 2 : beyond);
}

static bool holds_part(struct arena *a, struct str password, struct str name) {
	struct str folded = str_lower(a, password), rest = str_lower(a, name);
	for (size_t i = 0; i < rest.n;) {
		size_t end = i;
		while (end < rest.n && !memchr(",.-_ #\t", rest.p[end], 7))
			end++;
		if (end - i >= NAME_LEAST && str_contains(folded, str_sub(rest, i, end - i)))
			return true;
		i = end + 1;
	}
	return false;
}

static bool is_simple(struct arena *a, const struct entry *e, struct str password) {
	bool login = e->login.n >= NAME_LEAST && str_contains(str_lower(a, password), str_lower(a, e->login));
	return login || kinds_most(password) < KINDS_WANTED ||
	       holds_part(a, password, entry_value(e, STR("display_name")));
}

/* pwdLastSet: hundreds of nanoseconds from 1601, 0 where it must be changed. */
static bool is_young(const struct password_policy *p, const struct entry *e, int64_t now_ms) {
	int64_t ticks = 0;
	if (!p->min_age || !str_int(e->password_stamp, 1, INT64_MAX, &ticks))
		return false;
	return now_ms - (ticks / TICKS_PER_MS - FILETIME_EPOCH) < p->min_age * 1000;
}

enum refusal_reason policy_narrow(
	struct arena *a, const struct password_policy *p, const struct entry *e, struct str password, int64_t now_ms) {
	if (!p->known || p->hidden)
		return REFUSAL_RESTRICTED;
	if (units(password) < p->min_length)
		return REFUSAL_TOO_SHORT;
	if (p->complexity && is_simple(a, e, password))
		return REFUSAL_WEAK;
	if (is_young(p, e, now_ms))
		return REFUSAL_TOO_YOUNG;
	return p->history ? REFUSAL_LIKELY_HISTORY : REFUSAL_RESTRICTED;
}
