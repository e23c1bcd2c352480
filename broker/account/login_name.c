/* What was typed as a user name, folded so that one entry's many spellings are one to the throttles. */
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

#include "base/buf.h"
#include "broker/account/account_private.h"

/* Directories compare by RFC 4518 (compatibility forms, case, spaces), Active Directory without marks too: what they
 * may take for equal is equal here. Folding too much costs nothing but a shared allowance. */
static bool is_dropped(uint32_t c) {
	return uc_is_general_category(c, UC_CATEGORY_M) || uc_is_general_category(c, UC_CATEGORY_C) ||
	       uc_is_general_category(c, UC_CATEGORY_Z);
}

struct str login_name_key(struct arena *a, struct str username) {
	struct str plain = str_lower(a, str_sub(username, 0, LIMIT_FIELD_VALUE));
	size_t n = 0, at = 0;
	uint32_t c;
	if (!str_utf8(plain) || str_empty(plain))
		return plain;
	uint8_t *folded = u8_casefold((const uint8_t *)plain.p, plain.n, NULL, UNINORM_NFKD, NULL, &n);
	if (!folded)
		return plain;
	struct buf out = buf_new(a, LIMIT_FIELD_VALUE);
	struct str text = str_slice((const char *)folded, n);
	while (str_next_code_point(text, &at, &c)) {
		uint8_t bytes[6];
		int length = is_dropped(c) ? 0 : u8_uctomb(bytes, c, sizeof(bytes));
		if (length > 0)
			buf_put(&out, str_slice((const char *)bytes, (size_t)length));
	}
	free(folded);
	return buf_str(&out);
}
