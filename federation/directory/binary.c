#include "federation/directory/binary.h"

#define GUID_SIZE  16u
#define SID_MOST   15u /* sub-authorities: MS-DTYP 2.4.2.2 */
#define GUID_CHARS 36u

/* Where in the text each byte stands: 00112233-4455-6677-8899-aabbccddeeff. */
static const uint8_t guid_places[GUID_SIZE] = {6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34};

struct str directory_guid_text(struct arena *a, struct str bytes) {
	static const char digits[] = "0123456789abcdef";
	char text[GUID_CHARS];
	memset(text, '-', sizeof(text));
	for (size_t i = 0; i < GUID_SIZE; i++) {
		uint8_t byte = (uint8_t)bytes.p[i];
		text[guid_places[i]] = digits[byte >> 4];
		text[guid_places[i] + 1] = digits[byte & 15];
	}
	return str_dup(a, str_slice(text, sizeof(text)));
}

static int digit_of(char c) {
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static bool guid_bytes(struct arena *a, struct str text, struct str *ret) {
	char bytes[GUID_SIZE];
	if (text.n != GUID_CHARS || text.p[8] != '-' || text.p[13] != '-' || text.p[18] != '-' || text.p[23] != '-')
		return false;
	for (size_t i = 0; i < GUID_SIZE; i++) {
		int high = digit_of(text.p[guid_places[i]]), low = digit_of(text.p[guid_places[i] + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i] = (char)(high << 4 | low);
	}
	*ret = str_dup(a, str_slice(bytes, sizeof(bytes)));
	return true;
}

static bool sid_is_whole(struct str s) {
	return s.n >= 8 && s.p[0] == 1 && (uint8_t)s.p[1] <= SID_MOST && s.n == 8 + 4 * (size_t)(uint8_t)s.p[1];
}

static struct str sid_text(struct arena *a, struct str s) {
	const uint8_t *p = (const uint8_t *)s.p;
	uint64_t authority = 0;
	for (size_t i = 2; i < 8; i++)
		authority = authority << 8 | p[i];
	struct str text = str_printf(a, "S-1-%llu", (unsigned long long)authority);
	for (size_t i = 0; i < p[1]; i++) {
		const uint8_t *part = p + 8 + 4 * i;
		uint32_t n =
			(uint32_t)part[0] | (uint32_t)part[1] << 8 | (uint32_t)part[2] << 16 | (uint32_t)part[3] << 24;
		text = str_printf(a, "%.*s-%u", FMT(text), n);
	}
	return text;
}

static bool sid_bytes(struct arena *a, struct str text, struct str *ret) {
	char bytes[8 + 4 * SID_MOST] = {1};
	struct str rest = str_starts(text, STR("S-1-")) ? str_sub(text, 4, text.n) : STR_NONE, part;
	int64_t n = 0;
	uint8_t count = 0;
	if (!str_next(&rest, '-', &part) || !str_int(part, 0, INT64_C(0xffffffffffff), &n))
		return false;
	for (size_t i = 0; i < 6; i++)
		bytes[2 + i] = (char)(n >> (40 - 8 * i));
	while (str_next(&rest, '-', &part)) {
		if (count == SID_MOST || !str_int(part, 0, UINT32_MAX, &n))
			return false;
		for (size_t i = 0; i < 4; i++)
			bytes[8 + 4 * count + i] = (char)(n >> (8 * i));
		count++;
	}
	bytes[1] = (char)count;
	*ret = str_dup(a, str_slice(bytes, 8 + 4 * (size_t)count));
	return count > 0;
}

enum form { FORM_TEXT, FORM_GUID, FORM_SID };

static enum form form_of(struct str attribute) {
	static const struct {
		struct str name;
		enum form form;
	} forms[] = {{{"objectGUID", 10}, FORM_GUID}, {{"objectSid", 9}, FORM_SID}, {{"tokenGroups", 11}, FORM_SID},
		{{"invocationId", 12}, FORM_GUID}};
	for (size_t i = 0; i < COUNT(forms); i++)
		if (str_eq_case(forms[i].name, attribute))
			return forms[i].form;
	return FORM_TEXT;
}

struct str binary_text(struct arena *a, struct str attribute, struct str value) {
	enum form form = form_of(attribute);
	if (form == FORM_GUID && value.n == GUID_SIZE)
		return directory_guid_text(a, value);
	if (form == FORM_SID && sid_is_whole(value))
		return sid_text(a, value);
	return value;
}

bool binary_value(struct arena *a, struct str attribute, struct str text, struct str *ret) {
	switch (form_of(attribute)) {
	case FORM_GUID:
		return guid_bytes(a, text, ret);
	case FORM_SID:
		return sid_bytes(a, text, ret);
	case FORM_TEXT:
		break;
	}
	*ret = text;
	return true;
}
