#include <idn2.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "broker/mail/mail_private.h"

#define LOCAL_MOST  64u  /* RFC 5321 4.5.3.1.1 */
#define DOMAIN_MOST 253u /* RFC 1035 2.3.4, without the root's dot */
#define LABEL_MOST  63u

static enum err refuse(struct task *t, const char *why) {
	return task_fail(t, ERR_INVALID, "mail address: %s", why);
}

static bool is_ascii(struct str s) {
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

static bool is_letter_or_digit(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What cannot be seen, or is no letter of anybody's name: two addresses that look the same must not differ by these. */
static bool is_hidden(uint32_t code) {
	return uc_is_general_category_withtable(code, UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Z) ||
	       uc_is_property_default_ignorable_code_point(code);
}

static bool has_hidden(struct str s) {
	size_t at = 0;
	uint32_t code = 0;
	while (str_next_code_point(s, &at, &code))
		if (is_hidden(code))
			return true;
	return false;
}

/* RFC 5321 Dot-string, with RFC 6531's letters; without '%' and '!', which old relays take for a route. */
static bool is_dot_string(struct str s) {
	static const char marks[] = "#$&'*+-/=?^_`{|}~";
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool dot = c == '.' && i > 0 && i + 1 < s.n && s.p[i + 1] != '.';
		if (!dot && !is_letter_or_digit(c) && (unsigned char)c < 0x80 && (c == '\0' || !strchr(marks, c)))
			return false;
	}
	return s.n > 0;
}

static struct str normalized(struct arena *a, struct str s, uninorm_t form) {
	size_t n = 0;
	uint8_t *p = u8_normalize(form, (const uint8_t *)s.p, s.n, NULL, &n);
	if (!p)
		return STR_NONE;
	struct str kept = str_dup(a, (struct str){(char *)p, n});
	free(p);
	return kept;
}

static enum err local_check(struct task *t, struct str local) {
	if (local.n == 0 || local.n > LOCAL_MOST)
		return refuse(t, "local part is empty or too long");
	if (local.p[0] == '-')
		return refuse(t, "begins with '-'");
	/* Once more without the disguises: a full-width @ or '<', an ellipsis for three dots. */
	if (!is_dot_string(local) || has_hidden(local) || !is_dot_string(normalized(t->arena, local, UNINORM_NFKC)))
		return refuse(t, "local part has a letter that may not be there");
	return OK;
}

static bool is_label(struct str label) {
	if (label.n == 0 || label.n > LABEL_MOST || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!is_letter_or_digit(label.p[i]) && label.p[i] != '-')
			return false;
	return true;
}

static size_t count_dots(struct str s) {
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '.';
	return n;
}

/* Letters, digits and hyphens; two labels; the last is no number, so that it is no IPv4 address. */
static bool is_domain(struct str domain) {
	struct str rest = domain, label = STR_NONE;
	int64_t number = 0;
	while (str_next(&rest, '.', &label))
		if (!is_label(label))
			return false;
	return domain.n <= DOMAIN_MOST && count_dots(domain) > 0 && !str_int(label, 0, INT64_MAX, &number) &&
	       (label.p[0] < '0' || label.p[0] > '9');
}

/* UTS 46, non-transitional. libidn2 takes empty labels, and with its STD3 flag deletes what it should refuse: is_domain
 * sees to both, before for ASCII and behind for all. */
static enum err domain_to_ascii(struct task *t, struct str domain, struct str *ret) {
	const char *text = NULL;
	char *found = NULL;
	if (domain.n == 0 || domain.n > LIMIT_MAIL_ADDRESS || has_hidden(domain) ||
		(is_ascii(domain) && !is_domain(domain)))
		return refuse(t, "domain");
	TRY(task_cstr(t, domain, &text));
	int code = idn2_to_ascii_8z(text, &found, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (code != IDN2_OK)
		return refuse(t, idn2_strerror_name(code));
	struct str ascii = str_lower(t->arena, str_of(found));
	idn2_free(found);
	if (!is_domain(ascii) || count_dots(ascii) != count_dots(domain)) /* some letters map to dots */
		return refuse(t, "domain");
	*ret = ascii;
	return OK;
}

enum err mail_address_split(struct task *t, struct str address, struct str *ret_local, struct str *ret_domain) {
	struct str domain = STR_NONE;
	if (address.n > LIMIT_MAIL_ADDRESS || !str_utf8(address) || str_has_control(address))
		return refuse(t, "too long, not UTF-8, or with a control character");
	size_t at = str_find(address, '@', 0);
	if (at == address.n || str_find(address, '@', at + 1) != address.n)
		return refuse(t, "not exactly one '@'");
	struct str local = str_sub(address, 0, at);
	TRY(local_check(t, local));
	TRY(domain_to_ascii(t, str_sub(address, at + 1, address.n), &domain));
	if (local.n + 1 + domain.n > LIMIT_MAIL_ADDRESS)
		return refuse(t, "too long");
	*ret_local = local;
	*ret_domain = domain;
	return OK;
}

enum err mail_address_check(struct task *t, struct str address) {
	struct str local = STR_NONE, domain = STR_NONE;
	return mail_address_split(t, address, &local, &domain);
}

enum err mail_address_wire(struct task *t, struct str address, struct str *ret) {
	struct str local = STR_NONE, domain = STR_NONE;
	TRY(mail_address_split(t, address, &local, &domain));
	*ret = str_printf(t->arena, "%.*s@%.*s", FMT(local), FMT(domain));
	return OK;
}

/* Unicode's simple case folding of one code point: the full one where that is one code point, else the simple
 * lower-case mapping, which only U+0130 has without its being a folding. */
static uint32_t fold(uint32_t code) {
	uint32_t out[8];
	size_t n = COUNT(out);
	uint32_t *found = u32_casefold(&code, 1, NULL, NULL, out, &n);
	uint32_t folded = found && n == 1 ? found[0] : code == 0x130 ? code : uc_tolower(code);
	if (found != out)
		free(found);
	return folded;
}

enum err mail_address_key(struct task *t, struct str address, struct str *ret_key, struct str *ret_domain) {
	struct str local = STR_NONE, domain = STR_NONE;
	TRY(mail_address_split(t, address, &local, &domain));
	struct str composed = normalized(t->arena, local, UNINORM_NFC);
	uint8_t *p = arena_alloc(t->arena, composed.n * 4);
	size_t n = 0, at = 0;
	uint32_t code = 0;
	while (str_next_code_point(composed, &at, &code)) {
		int written = u8_uctomb(p + n, fold(code), (ptrdiff_t)(composed.n * 4 - n));
		if (written < 0)
			return refuse(t, "local part");
		n += (size_t)written;
	}
	struct str folded = normalized(t->arena, (struct str){(char *)p, n}, UNINORM_NFC);
	*ret_key = str_printf(t->arena, "%.*s@%.*s", FMT(folded), FMT(domain));
	*ret_domain = domain;
	return OK;
}

enum err mail_id_check(struct task *t, struct str id) {
	bool right = id.n > 0 && id.n <= 100 && id.p[0] != '.' && id.p[0] != '-';
	for (size_t i = 0; right && i < id.n; i++)
		right = is_letter_or_digit(id.p[i]) || id.p[i] == '-' || id.p[i] == '_' || id.p[i] == '.';
	return right ? OK : task_fail(t, ERR_INVALID, "mail: id");
}
