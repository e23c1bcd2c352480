#include "web/page.h"

static const struct {
	struct str name;
	enum method method;
} methods[] = {
	{STR("GET"), METHOD_GET},
	{STR("HEAD"), METHOD_HEAD},
	{STR("POST"), METHOD_POST},
	{STR("OPTIONS"), METHOD_OPTIONS},
};

/* ---- finding ---- */
struct match {
	const struct realm *realm;
	struct str rest[2];
	size_t n_rest;
};

static bool segment_matches(const struct config *c, struct str pattern, struct str segment, struct match *m) {
	if (str_eq(pattern, STR("{realm}"))) {
		m->realm = config_realm(c, segment);
		return m->realm != NULL;
	}
	if (!str_eq(pattern, STR("*")))
		return str_eq(pattern, segment);
	if (str_empty(segment) || m->n_rest == COUNT(m->rest))
		return false;
	m->rest[m->n_rest++] = segment;
	return true;
}

static bool matches(const struct config *c, struct str pattern, struct str path, struct match *m) {
	struct str wanted, segment;
	*m = (struct match){.rest = {STR_NONE, STR_NONE}};
	bool more_wanted = str_next(&pattern, '/', &wanted), more = str_next(&path, '/', &segment);
	while (more_wanted && more) {
		if (!segment_matches(c, wanted, segment, m))
			return false;
		more_wanted = str_next(&pattern, '/', &wanted);
		more = str_next(&path, '/', &segment);
	}
	return more_wanted == more;
}

static unsigned methods_of(const struct route *route) {
	unsigned all = route->methods;
	if (all & METHOD_GET)
		all |= METHOD_HEAD;
	if (route->guard & GUARD_CORS)
		all |= METHOD_OPTIONS;
	return all;
}

static struct str allow_text(struct arena *a, unsigned allowed) {
	struct buf b = buf_new(a, 64);
	for (size_t i = 0; i < COUNT(methods); i++) {
		if (!(allowed & methods[i].method))
			continue;
		if (b.n)
			buf_put(&b, STR(", "));
		buf_put(&b, methods[i].name);
	}
	return buf_str(&b);
}

static void set_realm(struct task *t, const struct realm *r) {
	t->realm = r;
	t->realm_name = r ? r->id : STR("");
}

/* For the error page of a path that leads nowhere within a realm. */
static const struct realm *realm_of_path(const struct config *c, struct str path) {
	struct str segment = STR_NONE, rest = path;
	if (!str_starts(path, STR("/realms/")))
		return NULL;
	for (int i = 0; i < 3; i++)
		if (!str_next(&rest, '/', &segment))
			return NULL;
	return config_realm(c, segment);
}

enum err route_find_in(
	struct task *t, struct route_table table, struct request *q, const struct route **ret, struct str *allow) {
	unsigned allowed = 0;
	struct match m;
	set_realm(t, realm_of_path(t->config, q->path));
	for (size_t i = 0; i < table.n; i++) {
		const struct route *route = &table.v[i];
		if (!matches(t->config, str_of(route->pattern), q->path, &m))
			continue;
		if (m.realm)
			set_realm(t, m.realm);
		allowed |= methods_of(route);
		if (!(methods_of(route) & q->method))
			continue;
		q->rest = m.rest[0];
		q->rest2 = m.rest[1];
		if (q->method == METHOD_HEAD)
			q->method = METHOD_GET;
		*ret = route;
		return OK;
	}
	if (!allowed)
		return task_fail(t, ERR_NOT_FOUND, "no route");
	*allow = allow_text(t->arena, allowed);
	return task_fail(t, ERR_METHOD, "method");
}

/* ---- running ---- */
static void retry_after(struct response *r, struct str told, enum err code) {
	if (!str_absent(told))
		response_header(r, "Retry-After", told);
	else if (code == ERR_TOO_MANY)
		response_header(r, "Retry-After", STR("60"));
	else if (err_row(code)->http_status == 503)
		response_header(r, "Retry-After", STR("5"));
}

/* Any origin, never with credentials: what is answered needs a token of its own, or is public. */
static void cors(struct task *t, const struct route *route, const struct request *q, struct response *r) {
	response_header(r, "Access-Control-Allow-Origin", STR("*"));
	if (q->method != METHOD_OPTIONS) {
		response_header(r, "Access-Control-Expose-Headers", STR("WWW-Authenticate, Retry-After"));
		return;
	}
	r->status = 204;
	response_header(r, "Access-Control-Allow-Methods", allow_text(t->arena, methods_of(route)));
	response_header(r, "Access-Control-Allow-Headers", STR("Authorization, Content-Type"));
	response_header(r, "Access-Control-Max-Age", STR("7200"));
}

void route_error(struct task *t, const struct route *route, struct request *q, struct response *r, enum err code) {
	struct str told = response_get(r, "Retry-After");
	*r = (struct response){.status = 500};
	if (route && route->oauth)
		response_oauth_error(t, r, code);
	else
		page_error(t, q, r, code);
	retry_after(r, told, code);
	if (route && route->guard & GUARD_CORS)
		cors(t, route, q, r);
}

static enum err run(struct task *t, const struct route *route, struct request *q, struct response *r) {
	if (q->method == METHOD_OPTIONS && route->guard & GUARD_CORS)
		return OK;
	TRY(request_read(t, q));
	TRY(guard_check(t, route, q, r));
	return route->run(t, q, r);
}

void route_run(struct task *t, const struct route *route, struct request *q, struct response *r) {
	enum err code = run(t, route, q, r);
	if (code == ERR_LOGIN && q->method == METHOD_GET && !route->oauth && t->realm) {
		task_clear(t);
		response_redirect(r, guard_login_path(t, q));
	} else if (code) {
		if (!t->failure)
			t->failure = code;
		route_error(t, route, q, r, code);
	}
	if (!code && route->guard & GUARD_CORS)
		cors(t, route, q, r);
	response_finish(t, r);
}
