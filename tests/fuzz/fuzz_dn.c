/* Whatever a value is: as an RDN it comes back through libldap's own reader, under the same parent; in a filter nothing
 * of it is syntax; and texts that are no DN or filter are told without harm. */
#include <ldap.h>

#include "federation/directory/ldap_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void wanted(bool holds) {
	if (!holds)
		abort();
}

static void round_trip_dn(struct arena *a, struct str value) {
	struct str dn = dn_child(a, STR("cn"), value, STR("ou=people,dc=test"));
	struct strs parts = {NULL, 0};
	wanted(dn_valid(a, dn) && dn_parts(a, dn, &parts) && parts.n == 3);
	wanted(dn_under(a, dn, STR("OU=People,DC=Test")) && dn_equal(a, dn, dn));
	wanted(str_eq(dn_rdn_value(a, dn), value));
}

static int nibble(char c) {
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void round_trip_filter(struct arena *a, struct str value) {
	struct buf b = buf_new(a, LIMIT_FILTER);
	filter_equal(&b, STR("cn"), value);
	struct str text = buf_str(&b), inner = str_sub(text, 4, text.n - 5);
	char *back = arena_alloc(a, inner.n);
	size_t n = 0;
	for (size_t i = 0; i < inner.n; i++) {
		char c = inner.p[i];
		wanted(c >= 0x20 && c < 0x7f && c != '*' && c != '(' && c != ')');
		if (c == '\\') {
			wanted(i + 2 < inner.n && nibble(inner.p[i + 1]) >= 0 && nibble(inner.p[i + 2]) >= 0);
			c = (char)(nibble(inner.p[i + 1]) * 16 + nibble(inner.p[i + 2]));
			i += 2;
		}
		back[n++] = c;
	}
	wanted(str_eq(str_slice(back, n), value));
	wanted(filter_valid(text) || text.n > 4096);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	owned(arena) struct arena *a = arena_new();
	struct str input = str_slice((const char *)data, size), key = dn_key(a, input);
	if (!str_empty(key)) {
		wanted(dn_valid(a, input));
		wanted(dn_equal(a, input, input));
	}
	(void)filter_valid(input);
	(void)attribute_valid(input);
	if (size && size <= 512) {
		round_trip_dn(a, input);
		round_trip_filter(a, input);
	}
	return 0;
}
