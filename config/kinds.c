#include <arpa/inet.h>
#include <idn2.h>
#include <regex.h>

#include "base/encode.h"
#include "base/secret.h"
#include "config/config_private.h"

#define LIMIT_REPEATS 1000 /* what the {n} of one regular expression come to, multiplied */
#define LOWER         "abcdefghijklmnopqrstuvwxyz"
#define UPPER         "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS        "0123456789"

/* First letter of first, then letters of others, max in all. */
static bool letters(struct str s, const char *first, const char *others, size_t max) {
	if (s.n == 0 || s.n > max || !s.p[0] || !strchr(first, s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!s.p[i] || !strchr(others, s.p[i]))
			return false;
	return true;
}

static bool check_id(struct str s) {
	return letters(s, LOWER DIGITS, LOWER DIGITS "-", 32);
}

static bool check_client_id(struct str s) {
	return letters(s, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._~-", 64);
}

static bool check_field_name(struct str s) {
	return letters(s, LOWER, LOWER DIGITS "_", 32);
}

static bool check_attribute(struct str s) {
	return letters(s, LOWER UPPER, LOWER UPPER DIGITS "_-", 64);
}

static bool check_claim(struct str s) {
	return letters(s, LOWER UPPER, LOWER UPPER DIGITS "_.:/-", 100);
}

static bool check_autocomplete(struct str s) {
	return letters(s, LOWER, LOWER DIGITS "- ", 64);
}

static bool check_dn(struct str s) {
	return s.n > 0 && s.n <= LIMIT_DN;
}

static bool check_filter(struct str s) {
	return s.n > 2 && s.p[0] == '(' && s.p[s.n - 1] == ')';
}

static bool check_colour(struct str s) {
	return s.n == 7 && s.p[0] == '#' && letters(str_sub(s, 1, 6), DIGITS "abcdefABCDEF", DIGITS "abcdefABCDEF", 6);
}

/* RFC 6749 3.3. */
static bool check_scope(struct str s) {
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return s.n > 0;
}

static bool is_http(const struct uri *u) {
	return u->has_authority && host_check(u->host) &&
	       (str_eq(u->scheme, STR("https")) || str_eq(u->scheme, STR("http")));
}

static bool check_url(struct str s) {
	struct uri u;
	return uri_split(s, &u) && is_http(&u);
}

static bool check_public_url(struct str s) {
	struct uri u;
	if (!uri_split(s, &u) || !is_http(&u) || !str_empty(u.rest))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return false;
	return str_eq(u.scheme, STR("https")) || uri_is_loopback(&u);
}

/* What holds for every client; more by check_client.c. */
static bool check_redirect_uri(struct str s) {
	struct uri u;
	if (!uri_split(s, &u) || str_find(s, '#', 0) < s.n || str_find(s, '*', 0) < s.n)
		return false;
	if (str_eq_case(u.scheme, STR("https")))
		return is_http(&u);
	if (str_eq_case(u.scheme, STR("http")))
		return is_http(&u) && uri_is_loopback(&u);
	return str_find(u.scheme, '.', 0) < u.scheme.n; /* RFC 8252 7.1: javascript: and data: have no dot */
}

/* OpenID Connect Back-Channel Logout 1.0, 2.2. */
static bool check_backchannel_uri(struct str s) {
	struct uri u;
	return check_redirect_uri(s) && uri_split(s, &u) && is_http(&u);
}

static bool check_ldap_uri(struct str s) {
	struct uri u;
	if (!uri_split(s, &u) || !u.has_authority || (!str_empty(u.rest) && !str_eq(u.rest, STR("/"))))
		return false;
	if (str_eq(u.scheme, STR("ldapi")))
		return !str_empty(u.host);
	return (str_eq(u.scheme, STR("ldaps")) || str_eq(u.scheme, STR("ldap"))) && host_check(u.host);
}

static bool check_listen(struct str s) {
	if (str_starts(s, STR("unix:")))
		return s.n > 5 && s.n <= 5 + 107; /* sun_path */
	size_t colon = s.n;
	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	int64_t port;
	struct str host = str_sub(s, 0, colon ? colon - 1 : 0);
	return host_check(host) && (host.p[0] == '[' || !domain_check(host)) &&
	       str_int(str_sub(s, colon, s.n), 1, 65535, &port);
}

static bool check_proxy(struct str s) {
	struct in6_addr bytes;
	char text[INET6_ADDRSTRLEN];
	if (str_eq(s, STR("unix")))
		return true;
	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	return inet_pton(AF_INET, text, &bytes) == 1 || inet_pton(AF_INET6, text, &bytes) == 1;
}

/* RFC 5321 4.1.2 without quoted local parts; RFC 6531 lets letters beyond ASCII in. */
static bool check_mail(struct str s) {
	size_t at = s.n;
	while (at > 0 && s.p[at - 1] != '@')
		at--;
	if (at < 2 || at > 65 || s.n > LIMIT_MAIL_ADDRESS)
		return false;
	for (size_t i = 0; i + 1 < at; i++)
		if (!(s.p[i] & 0x80) && (s.p[i] <= ' ' || strchr("\"(),:;<>@[\\]\x7f", s.p[i])))
			return false;
	struct str local = str_sub(s, 0, at - 1), domain = str_sub(s, at, s.n);
	if (local.p[0] == '.' || str_ends(local, STR(".")) || str_contains(local, STR("..")))
		return false;
	for (size_t i = 0; i < domain.n; i++)
		if (domain.p[i] & 0x80)
			return str_find(domain, '.', 0) < domain.n;
	return domain_check(domain);
}

static bool check_contact(struct str s) {
	return check_url(s) || check_mail(s);
}

static bool check_sha256(struct str s) {
	return s.n == 64 && letters(s, DIGITS "abcdefABCDEF", DIGITS "abcdefABCDEF", 64);
}

int pattern_next(struct str pattern, size_t *at, struct str *name) {
	size_t open = str_find(pattern, '{', *at), close = str_find(pattern, '}', *at);
	if (open == pattern.n)
		return close == pattern.n ? 0 : -1;
	close = str_find(pattern, '}', open);
	if (close == pattern.n || str_find(pattern, '}', *at) < open)
		return -1;
	struct str inside = str_sub(pattern, open + 1, close - open - 1);
	size_t colon = str_find(inside, ':', 0);
	int64_t n;
	if (colon < inside.n && !str_int(str_sub(inside, colon + 1, inside.n), 1, 64, &n))
		return -1;
	*name = str_sub(inside, 0, colon);
	*at = close + 1;
	return check_field_name(*name) ? 1 : -1;
}

static bool check_pattern(struct str s) {
	size_t at = 0;
	struct str name;
	int found;
	while ((found = pattern_next(s, &at, &name)) > 0)
		;
	return found == 0;
}

static bool check_login_pattern(struct str s) {
	bool inside = false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '{' || s.p[i] == '}')
			inside = s.p[i] == '{';
		else if (!inside && (!s.p[i] || !strchr(LOWER DIGITS "._-", s.p[i])))
			return false;
	}
	return str_find(s, '{', 0) < s.n && check_pattern(s);
}

static const char *convert_domain(struct load *l, struct str s, struct str *ret) {
	static const char no[] = "is not a mail domain such as example.org or *.example.org";
	bool below = str_starts(s, STR("*."));
	struct str domain = below ? str_sub(s, 2, s.n) : s;
	char *ascii = NULL;
	const char *name = str_printf(l->scratch, "%.*s%c", FMT(domain), 0).p;
	if (domain.n == 0 || domain.n > 253 ||
		idn2_lookup_u8((const uint8_t *)name, (uint8_t **)&ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return no;
	struct str lower = str_lower(l->arena, str_printf(l->scratch, "%s%s", below ? "*." : "", ascii));
	bool good = domain_check(str_of(ascii));
	idn2_free(ascii);
	if (!good)
		return no;
	*ret = lower;
	return NULL;
}

/* glibc copies what is repeated, so that a{999}{999} would take all memory; and back references may take all time. */
static bool regex_is_bounded(struct str s) {
	int64_t product = 1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n && strchr(DIGITS, s.p[i + 1]))
			return false;
		int64_t number = 0;
		bool repeat = s.p[i] == '{';
		for (; repeat && i + 1 < s.n && s.p[i + 1] != '}'; i++) {
			bool digit = s.p[i + 1] >= '0' && s.p[i + 1] <= '9';
			number = digit ? number * 10 + s.p[i + 1] - '0' : 0;
			if (number > LIMIT_REPEATS)
				return false;
		}
		product *= number ? number : 1;
		if (product > LIMIT_REPEATS)
			return false;
	}
	return true;
}

static const char *convert_regex(struct load *l, struct str s, struct str *ret) {
	regex_t compiled;
	char why[128];
	if (!regex_is_bounded(s))
		return "is not a pattern that is taken here: it repeats too often, or refers back";
	int code = regcomp(&compiled, str_printf(l->scratch, "^(%.*s)$%c", FMT(s), 0).p, REG_EXTENDED | REG_NOSUB);
	if (code) {
		regerror(code, NULL, why, sizeof(why));
		return str_printf(l->arena, "is not a regular expression: %s%c", why, 0).p;
	}
	regfree(&compiled);
	*ret = str_dup(l->arena, s);
	return NULL;
}

static const char *convert_path(struct load *l, struct str s, struct str *ret) {
	*ret = path_resolve(l->arena, l->folder, s);
	return NULL;
}

static const char *convert_file(struct load *l, struct str s, struct str *ret) {
	struct str path = path_resolve(l->arena, l->folder, s);
	const char *why = l->files ? file_check(l->arena, path, false) : NULL;
	if (!why)
		*ret = path;
	return why;
}

static const char *convert_folder(struct load *l, struct str s, struct str *ret) {
	struct str path = path_resolve(l->arena, l->folder, s);
	const char *why = l->files ? file_check(l->arena, path, true) : NULL;
	if (!why)
		*ret = path;
	return why;
}

static const char *convert_listen(struct load *l, struct str s, struct str *ret) {
	if (!str_starts(s, STR("unix:"))) {
		*ret = str_dup(l->arena, s);
		return NULL;
	}
	struct str path = path_resolve(l->scratch, l->folder, str_sub(s, 5, s.n));
	if (path.n > 107)
		return "is too long for a socket: 107 bytes at most";
	*ret = str_printf(l->arena, "unix:%.*s", FMT(path));
	return NULL;
}

static const char *convert_secret_file(struct load *l, struct str s, struct str *ret) {
	return secret_read(l, path_resolve(l->scratch, l->folder, s), ret);
}

static const char *convert_client_secret(struct load *l, struct str s, struct str *ret) {
	struct str secret;
	const char *why = secret_read(l, path_resolve(l->scratch, l->folder, s), &secret);
	if (why)
		return why;
	if (l->files && secret.n < LIMIT_CLIENT_SECRET)
		return "holds a secret that is too short: 32 characters at least, at random";
	*ret = sha256(l->arena, secret);
	return NULL;
}

static const char *convert_sha256(struct load *l, struct str s, struct str *ret) {
	return hex_decode(l->arena, str_lower(l->scratch, s), ret) ? NULL : "is not hexadecimal";
}

static const struct kind kinds[] = {
	[KEY_WORD] = {"word", "a word", NULL, NULL, NULL},
	[KEY_TEXT] = {"text", "a text", NULL, NULL, NULL},
	[KEY_ID] = {"id", "an id: 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit",
		"[a-z0-9][a-z0-9-]{0,31}", check_id, NULL},
	[KEY_CLIENT_ID] = {"client id",
		"a client id: 1 to 64 of A-Z, a-z, 0-9, . _ ~ and -, beginning with a letter or digit",
		"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}", check_client_id, NULL},
	[KEY_FIELD_NAME] = {"field name", "a field name: 1 to 32 of a-z, 0-9 and _, beginning with a letter",
		"[a-z][a-z0-9_]{0,31}", check_field_name, NULL},
	[KEY_ATTRIBUTE] = {"attribute", "an attribute name: letters, digits, - and _, beginning with a letter",
		"[A-Za-z][A-Za-z0-9_-]{0,63}", check_attribute, NULL},
	[KEY_DN] = {"DN", "a distinguished name of 1 to 2048 bytes", NULL, check_dn, NULL},
	[KEY_FILTER] = {"filter", "a filter such as (objectClass=person)", "\\(.+\\)", check_filter, NULL},
	[KEY_LDAP_URI] = {"LDAP URI", "ldaps://HOST, ldap://HOST or ldapi://PATH, without a DN behind it",
		"ldap[si]?://[^/?#]+/?", check_ldap_uri, NULL},
	[KEY_URL] = {"URL", "an http or https URL", "https?://.+", check_url, NULL},
	[KEY_PUBLIC_URL] = {"URL", "https://HOST in lower case, without a path (http for a loopback host only)",
		"https?://[^/?#]+", check_public_url, NULL},
	[KEY_REDIRECT_URI] = {"URI",
		"an absolute URI without fragment: https, http on a loopback host, or a private-use scheme with a dot",
		"[A-Za-z][A-Za-z0-9+.-]*:[^#*]+", check_redirect_uri, NULL},
	[KEY_BACKCHANNEL_URI] = {"URI", "an absolute https URI without fragment (http on a loopback host only)",
		"https?://[^#*]+", check_backchannel_uri, NULL},
	[KEY_PATH] = {"path", "a path", NULL, NULL, convert_path},
	[KEY_FILE] = {"file", "a file", NULL, NULL, convert_file},
	[KEY_FOLDER] = {"folder", "a folder", NULL, NULL, convert_folder},
	[KEY_SECRET_FILE] = {"file", "a file", NULL, NULL, convert_secret_file},
	[KEY_CLIENT_SECRET_FILE] = {"file", "a file", NULL, NULL, convert_client_secret},
	[KEY_SHA256] = {"digest", "64 hexadecimal digits", "[0-9A-Fa-f]{64}", check_sha256, convert_sha256},
	[KEY_HOST] = {"host", "a host name or address", NULL, host_check, NULL},
	[KEY_LISTEN] = {"listener", "ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH",
		"unix:.+|[0-9.]+:[0-9]+|\\[[0-9A-Fa-f:.]+\\]:[0-9]+", check_listen, convert_listen},
	[KEY_PROXY] = {"address", "an address, or unix", NULL, check_proxy, NULL},
	[KEY_DOMAIN] = {"mail domain", "a mail domain", NULL, NULL, convert_domain},
	[KEY_COLOUR] = {"colour", "a colour such as #0b5fff", "#[0-9A-Fa-f]{6}", check_colour, NULL},
	[KEY_REGEX] = {"regular expression", "a regular expression", NULL, NULL, convert_regex},
	[KEY_MAIL] = {"mail address", "a mail address", "[^@\\s]+@[^@\\s]+", check_mail, NULL},
	[KEY_CONTACT] = {"mail address or URL", "a mail address, or an http or https URL", NULL, check_contact, NULL},
	[KEY_PATTERN] = {"pattern", "a text with placeholders such as {given_name} or {given_name:1}", NULL,
		check_pattern, NULL},
	[KEY_LOGIN_PATTERN] = {"login pattern",
		"a pattern of placeholders such as {given_name:1} and of a-z, 0-9, . _ and - between them",
		"[a-z0-9._-]*(\\{[a-z][a-z0-9_]*(:[0-9]+)?\\}[a-z0-9._-]*)+", check_login_pattern, NULL},
	[KEY_SCOPE] = {"scope", "a scope", "[!#-\\[\\]-~]+", check_scope, NULL},
	[KEY_CLAIM] = {"claim", "the name of a claim", "[A-Za-z][A-Za-z0-9_.:/-]{0,99}", check_claim, NULL},
	[KEY_AUTOCOMPLETE] = {"autofill words", "words of HTML's autocomplete such as given-name",
		"[a-z][a-z0-9 -]{0,63}", check_autocomplete, NULL},
};

const struct kind *kind_of(enum key_type type) {
	return &kinds[type];
}
