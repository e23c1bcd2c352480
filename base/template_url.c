#include "base/template_private.h"

static bool scheme_known(struct str scheme) {
	static const struct str known[] = {{"http", 4}, {"https", 5}, {"mailto", 6}, {"tel", 3}};
	for (size_t i = 0; i < COUNT(known); i++)
		if (str_eq_case(scheme, known[i]))
			return true;
	return false;
}

/* Browsers read '\' as '/', and drop tabs and line breaks: "/\t/host" is "//host". */
static bool like_slash(char c) {
	return c == '/' || c == '\\' || (unsigned char)c <= ' ';
}

static bool is_segment(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("+-._~%", c);
}

enum url_state html_url_state(struct str written) {
	if (str_empty(written))
		return URL_EMPTY;
	if (written.p[0] == '/')
		return written.n == 1 ? URL_SLASH : like_slash(written.p[1]) ? URL_UNSETTLED : URL_SETTLED;
	for (size_t i = 0; i < written.n; i++) {
		char c = written.p[i];
		if (c == '#' || c == '?' || c == '/')
			return URL_SETTLED;
		if (c == ':')
			return scheme_known(str_sub(written, 0, i)) ? URL_SETTLED : URL_UNSETTLED;
		if (c == 0 || !is_segment(c))
			return URL_UNSETTLED;
	}
	return URL_UNSETTLED;
}

static bool begins_url(struct str value) {
	if (str_eq_case(str_sub(value, 0, 5), STR("http:")) || str_eq_case(str_sub(value, 0, 6), STR("https:")))
		return true;
	if (str_empty(value))
		return false;
	return value.p[0] == '#' || (value.p[0] == '/' && (value.n == 1 || !like_slash(value.p[1])));
}

bool html_url_allows(struct str written, struct str value) {
	switch (html_url_state(written)) {
	case URL_EMPTY:
		return begins_url(value);
	case URL_SLASH:
		return str_empty(value) || !like_slash(value.p[0]);
	case URL_SETTLED:
		return true;
	default:
		return false;
	}
}
