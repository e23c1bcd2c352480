#include <ldap.h>

#include "federation/directory/ldap_text.h"

static void hex_byte(struct buf *b, unsigned char c) {
	static const char digits[] = "0123456789ABCDEF";
	char text[3] = {'\\', digits[c >> 4], digits[c & 15]};
	buf_put(b, str_slice(text, sizeof(text)));
}

void filter_escape(struct buf *b, struct str value) {
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (c < 0x20 || c >= 0x7f || c == '*' || c == '(' || c == ')' || c == '\\')
			hex_byte(b, c);
		else
			buf_byte(b, (char)c);
	}
}

void filter_equal(struct buf *b, struct str attribute, struct str value) {
	buf_byte(b, '(');
	buf_put(b, attribute);
	buf_byte(b, '=');
	filter_escape(b, value);
	buf_byte(b, ')');
}

static bool dn_special(struct str value, size_t i) {
	char c = value.p[i];
	if (c == ' ')
		return i == 0 || i + 1 == value.n;
	return (c == '#' && i == 0) || memchr("\"+,;<>\\", c, 7) != NULL;
}

void dn_escape(struct buf *b, struct str value) {
	bool utf8 = str_utf8(value);
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8)) {
			hex_byte(b, c);
			continue;
		}
		if (dn_special(value, i))
			buf_byte(b, '\\');
		buf_byte(b, (char)c);
	}
}

struct str dn_child(struct arena *a, struct str attribute, struct str value, struct str base) {
	struct buf b = buf_new(a, (attribute.n + base.n + 2) + value.n * 3);
	buf_put(&b, attribute);
	buf_byte(&b, '=');
	dn_escape(&b, value);
	if (!str_empty(base)) {
		buf_byte(&b, ',');
		buf_put(&b, base);
	}
	return buf_str(&b);
}

/* ---- DNs, read ---- */
OWNED(ldap_dn, LDAPDN, ldap_dnfree)

/* libldap wants a terminated text, and would stop at a NUL. */
static LDAPDN dn_parse(struct arena *a, struct str dn) {
	LDAPDN parsed = NULL;
	if (dn.n > LIMIT_DN || (dn.n && memchr(dn.p, '\0', dn.n)))
		return NULL;
	char *text = arena_alloc(a, dn.n + 1);
	if (dn.n)
		memcpy(text, dn.p, dn.n);
	return ldap_str2dn(text, &parsed, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS ? parsed : NULL;
}

static struct str ava_text(struct arena *a, const LDAPAVA *ava) {
	struct str attribute = str_lower(a, str_slice(ava->la_attr.bv_val, ava->la_attr.bv_len));
	struct str value = str_lower(a, str_slice(ava->la_value.bv_val, ava->la_value.bv_len));
	struct buf b = buf_new(a, attribute.n + 2 + value.n * 3);
	buf_put(&b, attribute);
	buf_put(&b, ava->la_flags & LDAP_AVA_BINARY ? STR("=#") : STR("="));
	dn_escape(&b, value);
	return buf_str(&b);
}

static int text_order(const void *x, const void *y) {
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* The parts of a multi-valued RDN have no order. */
static struct str rdn_text(struct arena *a, LDAPRDN rdn) {
	struct strs parts = {NULL, 0};
	for (size_t i = 0; rdn[i]; i++)
		strs_add(a, &parts, ava_text(a, rdn[i]));
	if (parts.n > 1)
		qsort(parts.v, parts.n, sizeof(*parts.v), text_order);
	return str_join(a, parts, STR("+"));
}

bool dn_parts(struct arena *a, struct str dn, struct strs *ret) {
	owned(ldap_dn) LDAPDN parsed = dn_parse(a, dn);
	struct strs parts = {NULL, 0};
	if (!parsed)
		return false;
	for (size_t i = 0; parsed[i]; i++)
		strs_add(a, &parts, rdn_text(a, parsed[i]));
	*ret = parts;
	return parts.n > 0;
}

struct str dn_key(struct arena *a, struct str dn) {
	struct strs parts;
	return dn_parts(a, dn, &parts) ? str_join(a, parts, STR(",")) : STR_NONE;
}

bool dn_valid(struct arena *a, struct str dn) {
	owned(ldap_dn) LDAPDN parsed = dn_parse(a, dn);
	return parsed && parsed[0];
}

bool dn_equal(struct arena *a, struct str x, struct str y) {
	struct str kx = dn_key(a, x), ky = dn_key(a, y);
	return !str_empty(kx) && str_eq(kx, ky);
}

bool dn_under(struct arena *a, struct str dn, struct str base) {
	struct strs below, above;
	if (!dn_parts(a, dn, &below) || !dn_parts(a, base, &above) || below.n < above.n)
		return false;
	for (size_t i = 0; i < above.n; i++)
		if (!str_eq(below.v[below.n - above.n + i], above.v[i]))
			return false;
	return true;
}

struct str dn_rdn_value(struct arena *a, struct str dn) {
	owned(ldap_dn) LDAPDN parsed = dn_parse(a, dn);
	if (!parsed || !parsed[0] || !parsed[0][0])
		return STR_NONE;
	return str_dup(a, str_slice(parsed[0][0]->la_value.bv_val, parsed[0][0]->la_value.bv_len));
}

/* ---- texts of the configuration ---- */
static bool is_alpha(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

bool attribute_valid(struct str name) {
	if (name.n == 0 || name.n > 128 || !(is_alpha(name.p[0]) || is_digit(name.p[0])))
		return false;
	bool oid = is_digit(name.p[0]), option = false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		option = option || c == ';';
		bool fits =
			oid && !option ? is_digit(c) || c == '.' : is_alpha(c) || is_digit(c) || c == '-' || c == ';';
		if (!fits)
			return false;
	}
	return true;
}

static bool is_hex(char c) {
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool filter_value(struct str value) {
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];
		if (c == '\0' || c == '(' || c == ')')
			return false;
		if (c != '\\')
			continue;
		if (i + 2 >= value.n || !is_hex(value.p[i + 1]) || !is_hex(value.p[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

/* attribute [:dn] [:rule] ':=' and the plain operators. */
static bool filter_item(struct str item) {
	size_t equals = str_find(item, '=', 0);
	if (equals == item.n || equals == 0)
		return false;
	struct str name = str_sub(item, 0, equals);
	if (memchr("~<>:", name.p[name.n - 1], 4))
		name.n--;
	struct str attribute = str_sub(name, 0, str_find(name, ':', 0));
	bool named = attribute.n ? attribute_valid(attribute) : name.n > 1;
	return named && filter_value(str_sub(item, equals + 1, item.n));
}

static bool filter_read(struct str text, size_t *at, unsigned depth);

static bool filter_list(struct str text, size_t *at, unsigned depth, bool one) {
	size_t n = 0;
	while (*at < text.n && text.p[*at] == '(') {
		if (!filter_read(text, at, depth + 1))
			return false;
		n++;
	}
	return one ? n == 1 : n > 0;
}

static bool filter_read(struct str text, size_t *at, unsigned depth) {
	if (depth > 16 || *at + 1 >= text.n || text.p[*at] != '(')
		return false;
	char c = text.p[++*at];
	if (c == '&' || c == '|' || c == '!') {
		++*at;
		if (!filter_list(text, at, depth, c == '!'))
			return false;
	} else {
		size_t end = str_find(text, ')', *at);
		if (!filter_item(str_sub(text, *at, end - *at)))
			return false;
		*at = end;
	}
	return *at < text.n && text.p[(*at)++] == ')';
}

bool filter_valid(struct str text) {
	size_t at = 0;
	return text.n <= 4096 && str_utf8(text) && filter_read(text, &at, 0) && at == text.n;
}
