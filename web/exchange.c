#include "web/exchange.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/metric.h"

#define BODY_DROP_MOST (1u << 20)
#define NO_LANE        255u

static struct arena *arena_of(struct exchange *x) {
	if (!x->arena)
		x->arena = arena_new();
	return x->arena;
}

static void task_of(const struct exchange *x, struct task *t) {
	t->config = x->config;
	t->realm = x->realm;
	t->realm_name = x->realm ? x->realm->id : STR("");
	t->address = x->address;
}

/* ---- reading ---- */
static enum method method_of(struct str name) {
	static const struct {
		struct str name;
		enum method method;
	} rows[] = {{STR("GET"), METHOD_GET}, {STR("POST"), METHOD_POST}, {STR("HEAD"), METHOD_HEAD},
		{STR("OPTIONS"), METHOD_OPTIONS}};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_eq(rows[i].name, name))
			return rows[i].method;
	return 0;
}

enum err exchange_head(struct exchange *x, bool http_1_1) {
	size_t length;
	x->began_us = clock_monotonic_us();
	x->address = x->peer;
	x->request.method = method_of(x->method);
	x->request.path = STR("/");
	TRY(head_check(&x->head, x->request.method, http_1_1, &length));
	if (x->target.n > LIMIT_TARGET)
		return ERR_TOO_LARGE;
	if (length) {
		x->body = arena_alloc(arena_of(x), length);
		x->room = length;
	}
	return OK;
}

bool exchange_body(struct exchange *x, const char *data, size_t n) {
	size_t whole = x->n_body + n;
	x->too_large = whole > LIMIT_BODY;
	if (x->too_large) {
		x->n_body = whole;
		return whole <= BODY_DROP_MOST;
	}
	if (whole > x->room) {
		x->body = arena_grow(arena_of(x), x->body, x->room, whole * 2);
		x->room = whole * 2;
	}
	memcpy(x->body + x->n_body, data, n);
	x->n_body = whole;
	return true;
}

/* ---- answering ---- */
/* What a reader could misunderstand ends its connection. */
static void close_after(struct response *r, enum err code) {
	if (code == ERR_INVALID || code == ERR_TOO_LARGE)
		response_header(r, "Connection", STR("close"));
}

static void answer_error(struct exchange *x, struct task *t, enum err code, struct response *r) {
	if (!t->failure)
		t->failure = code;
	route_error(t, x->route, &x->request, r, code);
	response_finish(t, r);
}

void exchange_refuse(struct exchange *x, struct task *t, enum err code, struct response *r) {
	task_begin(t, arena_of(x), NULL, TASK_PAGE_MS);
	task_of(x, t);
	answer_error(x, t, code, r);
	close_after(r, code);
}

static bool runs_here(struct exchange *x, struct task *t) {
	struct request *q = &x->request;
	if (q->method == METHOD_OPTIONS || x->route->place == PLACE_INLINE)
		return true;
	if (x->route->place == PLACE_WORKER)
		return false;
	if (request_read(t, q)) {
		task_clear(t); /* route_run comes to the same error */
		return true;
	}
	struct credentials credentials = {q->authorization, q->form};
	return token_is_inline(t, &credentials);
}

static enum err find(struct exchange *x, struct task *t, struct str *allow) {
	struct request *q = &x->request;
	if (x->too_large)
		return task_fail(t, ERR_TOO_LARGE, "body");
	q->body = str_slice(x->body, x->n_body);
	head_fill(&x->head, q);
	TRY(target_read(t, x->target, &q->path, &q->query_text));
	return route_find(t, q, &x->route, allow);
}

bool exchange_route(struct exchange *x, struct task *t, struct response *r) {
	struct str allow = STR_NONE;
	task_begin(t, arena_of(x), NULL, TASK_PAGE_MS);
	x->address = client_address(x->arena, x->config, x->peer, head_forwarded_for(x->arena, &x->head));
	task_of(x, t);
	enum err code = find(x, t, &allow);
	x->realm = t->realm;
	if (code) {
		answer_error(x, t, code, r);
		close_after(r, code);
		if (!str_absent(allow))
			response_header(r, "Allow", allow);
		return true;
	}
	if (runs_here(x, t)) {
		route_run(t, x->route, &x->request, r);
		return true;
	}
	x->work.lane = x->realm ? x->realm->lane : NO_LANE;
	return false;
}

/* Handles belong to a configuration: its directories are their keys. */
static void follow_config(struct task *t) {
	static _Thread_local const struct config *before;
	if (before && before != t->config)
		handles_close_all(t->handles);
	before = t->config;
}

void exchange_work(struct exchange *x, struct task *t, bool late, struct response *r) {
	task_of(x, t);
	follow_config(t);
	if (late || !task_left_ms(t)) {
		task_fail(t, ERR_UNAVAILABLE, "waited too long for a worker");
		answer_error(x, t, ERR_UNAVAILABLE, r);
	} else {
		route_run(t, x->route, &x->request, r);
	}
	if (store_settle(t))
		answer_error(x, t, ERR_UNAVAILABLE, r);
	failpoint_hit("answer");
}

bool exchange_constant(const struct exchange *x, const struct response *r) {
	const struct request *q = &x->request;
	return x->route && x->route->place == PLACE_INLINE && q->method == METHOD_GET &&
	       !(x->route->guard & ~(unsigned)GUARD_CORS) && r->status == 200 && str_eq(x->target, q->path) &&
	       str_absent(response_get(r, "Set-Cookie"));
}

/* What the answer was made of: the task's failure, one that the page dealt with, or at least what the status means. */
static enum err answered(const struct task *t, unsigned status, struct str *ret_detail) {
	static const struct {
		unsigned status;
		enum err code;
	} rows[] = {{401, ERR_CREDENTIALS}, {403, ERR_DENIED}, {409, ERR_STALE}, {410, ERR_EXPIRED}, {422, ERR_FIELDS},
		{429, ERR_TOO_MANY}};
	*ret_detail = t->failure_detail;
	if (t->failure || status < 400)
		return t->failure;
	if (t->cleared && err_row(t->cleared)->http_status == (int)status) {
		*ret_detail = t->cleared_detail;
		return t->cleared;
	}
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].status == status)
			return rows[i].code;
	return OK;
}

void exchange_record(const struct exchange *x, struct task *t, unsigned status) {
	int64_t us = clock_monotonic_us() - x->began_us;
	struct str detail = STR_NONE;
	enum err code = t ? answered(t, status, &detail) : OK;
	enum level level = status >= 400 ? LEVEL_INFO : LEVEL_DEBUG;
	metric_add(METRIC_REQUESTS, status / 100, 1);
	metric_observe_us(METRIC_REQUEST_SECONDS, us);
	if (t && t->failure && status >= 500 && err_row(t->failure)->level > level)
		level = err_row(t->failure)->level;
	if (level < log_level())
		return;
	log_event(level, t, "request", LOG_TEXT("method", x->method),
		LOG_TEXT("path", str_sub(x->target, 0, str_find(x->target, '?', 0))), LOG_NUMBER("status", status),
		LOG_NUMBER("ms", us / 1000), LOG_TEXT("address", x->address),
		LOG_TEXT("error", str_of(err_row(code)->name)), LOG_TEXT("detail", detail));
}

void exchange_end(struct exchange *x) {
	arena_free(x->arena);
	x->arena = NULL;
}
