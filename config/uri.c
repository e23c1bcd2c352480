#include <arpa/inet.h>

#include "config/config_private.h"

static bool is_alpha(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static bool is_address(int family, struct str s) {
	char text[INET6_ADDRSTRLEN], bytes[sizeof(struct in6_addr)];
	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	return inet_pton(family, text, bytes) == 1;
}

static bool label_check(struct str s) {
	if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

/* RFC 1123 2.1, in A-labels. */
bool domain_check(struct str s) {
	struct str rest = s, label = STR_NONE;
	if (s.n == 0 || s.n > 253)
		return false;
	if (s.p[s.n - 1] == '.')
		return false;
	while (str_next(&rest, '.', &label))
		if (!label_check(label))
			return false;
	return !is_digit(label.p[0]) || !is_digit(label.p[label.n - 1]); /* "1.2.3.4" is no domain */
}

bool host_check(struct str s) {
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		return is_address(AF_INET6, str_sub(s, 1, s.n - 2));
	return is_address(AF_INET, s) || domain_check(s);
}

static bool scheme_check(struct str s) {
	if (s.n == 0 || s.n > 64 || !is_alpha(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '+' && s.p[i] != '-' && s.p[i] != '.')
			return false;
	return true;
}

static bool authority_split(struct str s, struct uri *u) {
	size_t bracket = str_find(s, ']', 0);
	size_t colon = str_find(s, ':', bracket < s.n ? bracket : 0);
	int64_t port;
	u->has_authority = true;
	u->host = str_sub(s, 0, colon);
	if (colon == s.n)
		return true;
	u->port = str_sub(s, colon + 1, s.n);
	return str_int(u->port, 1, 65535, &port);
}

/* Letters of RFC 3986 2 only; "%" with two digits. */
static bool letters_check(struct str s) {
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c))
			return false;
		if (c == '%' && (i + 2 >= s.n || !strchr("0123456789abcdefABCDEF", s.p[i + 1]) ||
					!strchr("0123456789abcdefABCDEF", s.p[i + 2])))
			return false;
	}
	return true;
}

bool uri_split(struct str s, struct uri *ret) {
	struct uri u = {0};
	size_t colon = str_find(s, ':', 0);
	if (colon == s.n || !letters_check(s))
		return false;
	u.scheme = str_sub(s, 0, colon);
	u.rest = str_sub(s, colon + 1, s.n);
	if (!scheme_check(u.scheme))
		return false;
	if (str_starts(u.rest, STR("//"))) {
		struct str after = str_sub(u.rest, 2, u.rest.n);
		size_t end = 0;
		while (end < after.n && !strchr("/?#", after.p[end]))
			end++;
		struct str authority = str_sub(after, 0, end);
		u.rest = str_sub(after, end, after.n);
		if (str_find(authority, '@', 0) < authority.n || !authority_split(authority, &u))
			return false;
	}
	*ret = u;
	return true;
}

/* RFC 8252 7.3, and 8.3 for the name. */
bool uri_is_loopback(const struct uri *u) {
	if (str_eq_case(u->host, STR("localhost")) || str_eq(u->host, STR("[::1]")))
		return true;
	return str_starts(u->host, STR("127.")) && is_address(AF_INET, u->host);
}
