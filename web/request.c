#include "web/request.h"

#include <arpa/inet.h>

#include "base/encode.h"

#define HOPS_MOST      32u   /* of X-Forwarded-For */
#define FORWARDED_MOST 2048u /* bytes of it */

/* ---- target ---- */
static bool segments_ok(struct str path) {
	struct str rest = str_sub(path, 1, path.n), part;
	while (str_next(&rest, '/', &part)) {
		bool last = str_absent(rest);
		if (str_eq(part, STR(".")) || str_eq(part, STR("..")) || (str_empty(part) && !last))
			return false;
	}
	return true;
}

/* A slash that came encoded would be a separator to us and a letter to a proxy. */
static bool hides_separator(struct str raw) {
	for (size_t i = str_find(raw, '%', 0); i < raw.n; i = str_find(raw, '%', i + 1))
		if (str_eq_case(str_sub(raw, i, 3), STR("%2F")) || str_eq_case(str_sub(raw, i, 3), STR("%5C")))
			return true;
	return str_find(raw, '\\', 0) < raw.n;
}

/* '+' is a letter in a path. */
static bool path_decode(struct arena *a, struct str raw, struct str *ret) {
	struct buf b = buf_new(a, LIMIT_TARGET * 3);
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '+')
			buf_put(&b, STR("%2B"));
		else
			buf_byte(&b, raw.p[i]);
	}
	return !buf_full(&b) && form_decode(a, buf_str(&b), ret);
}

enum err target_read(struct task *t, struct str target, struct str *ret_path, struct str *ret_query) {
	if (target.n > LIMIT_TARGET)
		return task_fail(t, ERR_TOO_LARGE, "request target");
	size_t mark = str_find(target, '?', 0);
	struct str raw = str_sub(target, 0, mark), path = raw;
	bool plain = str_find(raw, '%', 0) == raw.n;
	if (!plain && !path_decode(t->arena, raw, &path))
		return task_fail(t, ERR_INVALID, "request target: bad %%XX");
	if (!str_starts(path, STR("/")) || hides_separator(raw) || !str_utf8(path) || str_has_control(path) ||
		!segments_ok(path))
		return task_fail(t, ERR_INVALID, "request target");
	*ret_path = path;
	*ret_query = mark < target.n ? str_sub(target, mark + 1, target.n) : STR_NONE;
	return OK;
}

/* ---- forms ---- */
struct reader {
	struct task *t;
	struct param v[LIMIT_FORM_FIELDS];
	bool list[LIMIT_FORM_FIELDS];
	size_t n, pairs;
};

static enum err decode(struct task *t, struct str text, size_t most, struct str *ret) {
	struct str s;
	if (text.n > most * 3)
		return task_fail(t, ERR_TOO_LARGE, "form: parameter");
	if (!form_decode(t->arena, text, &s))
		return task_fail(t, ERR_INVALID, "form: bad %%XX");
	if (s.n > most)
		return task_fail(t, ERR_TOO_LARGE, "form: parameter");
	if (!str_utf8(s) || str_find(s, 0, 0) < s.n)
		return task_fail(t, ERR_INVALID, "form: not UTF-8, or NUL");
	*ret = s;
	return OK;
}

static size_t find(const struct reader *r, struct str name) {
	size_t i = 0;
	while (i < r->n && !str_eq(r->v[i].name, name))
		i++;
	return i;
}

static enum err keep(struct reader *r, struct str name, struct str value, bool list) {
	size_t i = find(r, name);
	if (list && str_find(value, '\n', 0) < value.n)
		return task_fail(r->t, ERR_INVALID, "form: line break in a list");
	if (i < r->n && (!list || !r->list[i]))
		return task_fail(r->t, ERR_INVALID, "form: a parameter twice");
	if (i < r->n) {
		struct str both[] = {r->v[i].value, value};
		r->v[i].value = str_join(r->t->arena, (struct strs){both, 2}, STR("\n"));
		return OK;
	}
	r->v[i] = (struct param){name, value};
	r->list[i] = list;
	r->n++;
	return OK;
}

static enum err read_pair(struct reader *r, struct str pair) {
	struct str name, value;
	size_t equals = str_find(pair, '=', 0);
	if (++r->pairs > LIMIT_FORM_FIELDS)
		return task_fail(r->t, ERR_TOO_LARGE, "form: too many parameters");
	TRY(decode(r->t, str_sub(pair, 0, equals), LIMIT_FIELD_NAME, &name));
	TRY(decode(r->t, str_sub(pair, equals + 1, pair.n), LIMIT_FIELD_VALUE, &value));
	bool list = str_ends(name, STR("[]"));
	if (list)
		name.n -= 2;
	if (str_empty(name))
		return task_fail(r->t, ERR_INVALID, "form: a parameter without name");
	return keep(r, name, str_absent(value) ? STR("") : value, list);
}

enum err form_read(struct task *t, struct str text, struct params *ret) {
	struct str pair;
	if (text.n > LIMIT_BODY)
		return task_fail(t, ERR_TOO_LARGE, "form");
	struct reader *r = arena_new_of(t->arena, struct reader);
	r->t = t;
	while (str_next(&text, '&', &pair))
		if (!str_empty(pair))
			TRY(read_pair(r, pair));
	*ret = (struct params){r->v, r->n};
	return OK;
}

static bool is_form(struct str content_type) {
	struct str type = str_trim(str_sub(content_type, 0, str_find(content_type, ';', 0)));
	return str_eq_case(type, STR("application/x-www-form-urlencoded"));
}

enum err request_read(struct task *t, struct request *q) {
	struct params query = {NULL, 0}, form = {NULL, 0};
	if (q->read)
		return OK;
	if (!str_empty(q->query_text))
		TRY(form_read(t, q->query_text, &query));
	if (!str_empty(q->body) && is_form(q->content_type))
		TRY(form_read(t, q->body, &form));
	q->query = query;
	q->form = form;
	q->read = true;
	return OK;
}

/* ---- cookies ---- */
struct str cookie_find(struct str header, struct str name) {
	struct str part, found = STR_NONE;
	size_t times = 0;
	if (header.n > LIMIT_COOKIE)
		return STR_NONE;
	while (str_next(&header, ';', &part)) {
		part = str_trim(part);
		size_t equals = str_find(part, '=', 0);
		if (equals == part.n || !str_eq(str_sub(part, 0, equals), name))
			continue;
		found = str_sub(part, equals + 1, part.n);
		times++;
	}
	return times == 1 ? found : STR_NONE;
}

/* ---- addresses ---- */
/* An IP address in its one spelling; IPv4 in IPv6 is IPv4. */
static bool address_read(struct arena *a, struct str s, struct str *ret) {
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	if (s.n >= sizeof(text) || str_find(s, 0, 0) < s.n)
		return false;
	snprintf(text, sizeof(text), "%.*s", FMT(s));
	int family = str_find(s, ':', 0) < s.n ? AF_INET6 : AF_INET;
	if (inet_pton(family, text, bytes) != 1)
		return false;
	bool is_mapped = family == AF_INET6 && !memcmp(bytes, mapped, sizeof(mapped));
	if (!inet_ntop(is_mapped ? AF_INET : family, is_mapped ? bytes + 12 : bytes, text, sizeof(text)))
		return false;
	*ret = str_dup(a, str_of(text));
	return true;
}

static bool trusted(struct arena *a, const struct config *c, struct str address) {
	for (size_t i = 0; i < c->trusted_proxies.n; i++) {
		struct str proxy = c->trusted_proxies.v[i];
		if (str_eq(proxy, address) || (address_read(a, proxy, &proxy) && str_eq(proxy, address)))
			return true;
	}
	return false;
}

/* Cuts the part behind the last comma off *list. */
static bool last_hop(struct str *list, struct str *ret) {
	if (str_absent(*list))
		return false;
	size_t at = list->n;
	while (at && list->p[at - 1] != ',')
		at--;
	*ret = str_trim(str_sub(*list, at, list->n));
	*list = at ? str_sub(*list, 0, at - 1) : STR_NONE;
	return true;
}

struct str client_address(struct arena *a, const struct config *c, struct str peer, struct str forwarded_for) {
	struct str address = peer, hop;
	if (!address_read(a, peer, &peer))
		peer = address;
	if (forwarded_for.n > FORWARDED_MOST || str_empty(forwarded_for))
		return peer;
	address = peer;
	for (size_t i = 0; trusted(a, c, address) && last_hop(&forwarded_for, &hop); i++)
		if (i == HOPS_MOST || !address_read(a, hop, &address))
			return peer;
	return address;
}
