/* RFC 4512 4.1: "( OID NAME ( 'a' 'b' ) SUP x MUST ( c $ d ) … )", in as far as the doctor asks. */
#include "federation/doctor/doctor_private.h"

#define WORDS_MOST 4096u /* of one definition */

/* The next word: "(", ")", the text between quotes, or what stands between spaces. "$" is left out. */
static bool next_word(struct str *rest, struct str *ret) {
	*rest = str_trim(*rest);
	while (rest->n && rest->p[0] == '$')
		*rest = str_trim(str_sub(*rest, 1, rest->n));
	if (rest->n == 0)
		return false;
	size_t n = 0, skip = 0;
	if (rest->p[0] == '(' || rest->p[0] == ')') {
		n = 1;
	} else if (rest->p[0] == '\'') {
		*rest = str_sub(*rest, 1, rest->n);
		n = str_find(*rest, '\'', 0);
		skip = n < rest->n;
	} else {
		while (n < rest->n && !strchr(" ()$'\t\r\n", rest->p[n]))
			n++;
	}
	*ret = str_sub(*rest, 0, n);
	*rest = str_sub(*rest, n + skip, rest->n);
	return true;
}

static bool is_word(struct str word, const char *text) {
	return str_eq_case(word, str_of(text));
}

/* One word, or all of a list in parentheses. */
static void take(struct arena *a, struct str *rest, struct strs *list) {
	struct str word;
	if (!next_word(rest, &word))
		return;
	if (!is_word(word, "(")) {
		strs_add(a, list, word);
		return;
	}
	while (next_word(rest, &word) && !is_word(word, ")"))
		strs_add(a, list, word);
}

bool definition_parse(struct arena *a, struct str text, struct definition *ret) {
	const struct {
		const char *word;
		struct strs *list;
	} lists[] = {{"NAME", &ret->names}, {"SUP", &ret->superiors}, {"MUST", &ret->must}, {"MAY", &ret->may}};
	struct str rest = text, word;
	*ret = (struct definition){0};
	if (!next_word(&rest, &word) || !is_word(word, "(") || !next_word(&rest, &ret->oid))
		return false;
	for (size_t n = 0; n < WORDS_MOST && next_word(&rest, &word); n++) {
		for (size_t i = 0; i < COUNT(lists); i++)
			if (is_word(word, lists[i].word))
				take(a, &rest, lists[i].list);
		if (is_word(word, "DESC")) /* may be any text */
			take(a, &rest, &(struct strs){0});
		if (is_word(word, "USAGE") && next_word(&rest, &word))
			ret->operational = !is_word(word, "userApplications");
	}
	return ret->names.n > 0 || ret->oid.n > 0;
}

bool definition_is(const struct definition *d, struct str name) {
	for (size_t i = 0; i < d->names.n; i++)
		if (str_eq_case(d->names.v[i], name))
			return true;
	return str_eq_case(d->oid, name);
}
