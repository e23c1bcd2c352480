#include "web/head.h"

#define COUNT_MAY 1u /* may come more than once: the first counts */

static const struct {
	struct str name;
	size_t at;
	unsigned flags;
} fields[] = {
	{STR("Host"), offsetof(struct head, host), 0},
	{STR("Content-Length"), offsetof(struct head, content_length), 0},
	{STR("Transfer-Encoding"), offsetof(struct head, transfer_encoding), 0},
	{STR("Expect"), offsetof(struct head, expect), 0},
	{STR("Content-Type"), offsetof(struct head, content_type), 0},
	{STR("Authorization"), offsetof(struct head, authorization), 0},
	{STR("Cookie"), offsetof(struct head, cookie), 0},
	{STR("Origin"), offsetof(struct head, origin), 0},
	{STR("Sec-Fetch-Site"), offsetof(struct head, fetch_site), 0},
	{STR("Accept-Language"), offsetof(struct head, accept_language), COUNT_MAY},
	{STR("User-Agent"), offsetof(struct head, user_agent), COUNT_MAY},
};

/* RFC 9110 5.6.2. */
static bool is_token(struct str s) {
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!letter && (c <= ' ' || c >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", c)))
			return false;
	}
	return s.n > 0;
}

static bool is_field_value(struct str s) {
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < ' ' && c != '\t') || c == 0x7F)
			return false;
	}
	return true;
}

static void add_forwarded(struct head *h, struct str value) {
	if (h->n_forwarded == HEAD_FORWARDED)
		h->bad = true;
	else
		h->forwarded_for[h->n_forwarded++] = value;
}

void head_add(struct head *h, struct str name, struct str value) {
	if (str_absent(value))
		value = STR("");
	if (!is_token(name) || !is_field_value(value))
		h->bad = true;
	if (str_eq_case(name, STR("X-Forwarded-For")))
		add_forwarded(h, value);
	for (size_t i = 0; i < COUNT(fields); i++) {
		if (name.n != fields[i].name.n || !str_eq_case(name, fields[i].name))
			continue;
		struct str *place = (struct str *)(void *)((char *)h + fields[i].at);
		if (str_absent(*place))
			*place = value;
		else if (!(fields[i].flags & COUNT_MAY))
			h->bad = true;
		return;
	}
}

/* RFC 3986 3.2.2 and a port; letters only, since the name itself decides nothing here. */
static bool is_host(struct str s) {
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!letter && (c == 0 || !strchr("-._:[]", c)))
			return false;
	}
	return s.n > 0 && s.n <= 255;
}

static bool framing_ok(const struct head *h, bool http_1_1, int64_t *length) {
	*length = 0;
	if (!str_absent(h->transfer_encoding))
		return http_1_1 && str_absent(h->content_length) && str_eq_case(h->transfer_encoding, STR("chunked"));
	return str_absent(h->content_length) ||
	       (h->content_length.n <= 15 && str_int(h->content_length, 0, INT64_MAX, length));
}

enum err head_check(const struct head *h, enum method method, bool http_1_1, size_t *ret_length) {
	int64_t length;
	bool host_ok = str_absent(h->host) ? !http_1_1 : is_host(h->host);
	if (h->bad || !host_ok || !framing_ok(h, http_1_1, &length))
		return ERR_INVALID;
	if (!str_absent(h->expect) && !str_eq_case(h->expect, STR("100-continue")))
		return ERR_INVALID;
	if (method != METHOD_POST && method && (length || !str_absent(h->transfer_encoding)))
		return ERR_INVALID;
	if (length > (int64_t)LIMIT_BODY || h->cookie.n > LIMIT_COOKIE)
		return ERR_TOO_LARGE;
	*ret_length = (size_t)length;
	return OK;
}

void head_fill(const struct head *h, struct request *q) {
	q->content_type = h->content_type;
	q->authorization = h->authorization;
	q->cookie = h->cookie;
	q->accept_language = h->accept_language;
	q->user_agent = h->user_agent;
	q->origin = h->origin;
	q->fetch_site = h->fetch_site;
}

struct str head_forwarded_for(struct arena *a, const struct head *h) {
	struct head copy = *h;
	if (!h->n_forwarded)
		return STR_NONE;
	return str_join(a, (struct strs){copy.forwarded_for, copy.n_forwarded}, STR(","));
}
