#include "web/server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "web/exchange.h"
#include "web/health.h"
#include "web/listen.h"
#include "web/holder.h"
#include "web/reaper.h"

#define READ_MS      20000 /* for reading one request */
#define IDLE_S       75u   /* between requests; more than the proxy's 60, so that it closes first */
#define SEND_MS      60000
#define DRAIN_MS     10000
#define HEAD_MEMORY  ((size_t)32 << 10)
#define EVENT_STACK  ((size_t)512 << 10)
#define CACHE_SLOTS  512u /* at most half of them are used */
#define MONITOR_MOST 16u  /* connections of the monitoring listener */

/* A prebuilt answer of a constant inline route. */
struct cached {
	struct str target;
	struct MHD_Response *answer;
};

struct server {
	struct MHD_Daemon *http, *monitor;
	struct pool *pool;
	struct reaper *reaper;
	struct holder *holder;
	struct health *health;
	const struct config *(*config_now)(void);
	struct str listen, listen_metrics; /* of the first configuration, which lives as long as the process */
	int fd, monitor_fd;
	atomic_bool draining, abandoned;
	atomic_uint open, suspended; /* calls */
	pthread_rwlock_t cache_lock;
	struct cached cache[CACHE_SLOTS];
	unsigned n_cache;
	_Atomic uint64_t generation; /* moves when the cache is forgotten */
	struct MHD_Response *busy;   /* 503 while draining */
};

/* An exchange and what libmicrohttpd has to do with it. */
struct call {
	struct exchange x; /* first: the work is the call */
	struct server *server;
	struct MHD_Connection *connection;
	struct peer *peer;
	struct MHD_Response *answer;
	unsigned status;
	uint64_t generation;
	bool begun, suspended;
	char target[];
};

/* ---- answers ---- */
static void add_header(struct MHD_Response *answer, struct str name, struct str value) {
	if (str_empty(value))
		return;
	char small[256], *text = small;
	if (value.n < sizeof(small))
		*(char *)mempcpy(small, value.p, value.n) = 0;
	else
		text = strndup(value.p, value.n);
	if (!text)
		abort();
	if (MHD_add_response_header(answer, name.p, text) != MHD_YES)
		log_event(LEVEL_ERROR, NULL, "http.header", LOG_TEXT("name", name));
	if (text != small)
		free(text);
}

static struct MHD_Response *answer_new(const struct response *r) {
	char *copy = malloc(r->body.n + 1);
	if (!copy)
		abort();
	if (r->body.n)
		memcpy(copy, r->body.p, r->body.n);
	struct MHD_Response *answer = MHD_create_response_from_buffer(r->body.n, copy, MHD_RESPMEM_MUST_FREE);
	if (!answer)
		abort();
	for (size_t i = 0; i < r->n_headers; i++)
		add_header(answer, r->headers[i].name, r->headers[i].value);
	return answer;
}

static void answer_set(struct call *k, struct task *t, struct response *r) {
	if (atomic_load(&k->server->draining))
		response_header(r, "Connection", STR("close"));
	k->status = (unsigned)r->status;
	k->answer = answer_new(r);
	exchange_record(&k->x, t, k->status);
}

static void resumed(struct call *k) {
	if (k->suspended)
		atomic_fetch_sub(&k->server->suspended, 1);
	k->suspended = false;
}

static enum MHD_Result answer_queue(struct call *k) {
	peer_deadline(k->peer, SEND_MS);
	return MHD_queue_response(k->connection, k->status, k->answer);
}

static enum MHD_Result answer_send(struct call *k) {
	enum MHD_Result result = answer_queue(k);
	MHD_destroy_response(k->answer);
	k->answer = NULL;
	return result;
}

/* ---- prebuilt answers ---- */
/* The place of a target, or the free one where it would stand. */
static struct cached *cache_place(struct server *s, struct str target) {
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
	for (size_t i = 0; i < target.n; i++)
		hash = (hash ^ (unsigned char)target.p[i]) * 0x100000001b3u;
	size_t slot = hash % CACHE_SLOTS;
	while (s->cache[slot].answer && !str_eq(s->cache[slot].target, target))
		slot = (slot + 1) % CACHE_SLOTS;
	return &s->cache[slot];
}

static bool cache_send(struct call *k, enum MHD_Result *ret) {
	struct server *s = k->server;
	pthread_rwlock_rdlock(&s->cache_lock);
	struct MHD_Response *answer = cache_place(s, k->x.target)->answer;
	if (answer)
		*ret = MHD_queue_response(k->connection, MHD_HTTP_OK, answer);
	pthread_rwlock_unlock(&s->cache_lock);
	if (!answer)
		return false;
	peer_deadline(k->peer, SEND_MS);
	exchange_record(&k->x, NULL, MHD_HTTP_OK);
	return true;
}

/* Keeps the answer, unless something was forgotten since this call began. */
static bool cache_keep(struct call *k) {
	struct server *s = k->server;
	pthread_rwlock_wrlock(&s->cache_lock);
	struct cached *place = cache_place(s, k->x.target);
	bool keep = !place->answer && s->n_cache < CACHE_SLOTS / 2 && k->generation == atomic_load(&s->generation);
	if (keep) {
		*place = (struct cached){{strndup(k->x.target.p, k->x.target.n), k->x.target.n}, k->answer};
		if (!place->target.p)
			abort();
		s->n_cache++;
	}
	pthread_rwlock_unlock(&s->cache_lock);
	return keep;
}

void server_forget(struct server *s) {
	pthread_rwlock_wrlock(&s->cache_lock);
	atomic_fetch_add(&s->generation, 1);
	for (size_t i = 0; i < CACHE_SLOTS; i++) {
		if (!s->cache[i].answer)
			continue;
		free((char *)s->cache[i].target.p);
		MHD_destroy_response(s->cache[i].answer);
	}
	memset(s->cache, 0, sizeof(s->cache));
	s->n_cache = 0;
	pthread_rwlock_unlock(&s->cache_lock);
}

/* ---- a call ---- */
static void answer_release(void *item) {
	struct call *k = item;
	MHD_resume_connection(k->connection); /* k may be gone now */
}

static void run_work(struct task *t, struct work *work) {
	struct call *k = (struct call *)work;
	struct response r = {.status = 500};
	exchange_work(&k->x, t, atomic_load(&k->server->abandoned), &r);
	answer_set(k, t, &r);
	if (!r.not_before || !holder_keep(k->server->holder, k, r.not_before))
		answer_release(k);
}

static enum MHD_Result hand_over(struct call *k) {
	struct server *s = k->server;
	struct response r = {.status = 500};
	struct task t;
	k->x.work.run = run_work;
	k->suspended = true;
	atomic_fetch_add(&s->suspended, 1);
	MHD_suspend_connection(k->connection);
	if (pool_submit(s->pool, &k->x.work, TASK_PAGE_MS) == OK)
		return MHD_YES; /* k is the worker's now */
	exchange_refuse(&k->x, &t, ERR_UNAVAILABLE, &r);
	answer_set(k, &t, &r);
	MHD_resume_connection(k->connection);
	return MHD_YES;
}

static enum MHD_Result on_complete(struct call *k) {
	struct response r = {.status = 500};
	struct task t;
	enum MHD_Result result;
	peer_deadline(k->peer, 0);
	if (k->x.request.method & (METHOD_GET | METHOD_HEAD) && cache_send(k, &result))
		return result;
	if (!exchange_route(&k->x, &t, &r))
		return hand_over(k);
	answer_set(k, &t, &r);
	if (!exchange_constant(&k->x, &r) || atomic_load(&k->server->draining))
		return answer_send(k);
	result = answer_queue(k);
	if (!cache_keep(k))
		MHD_destroy_response(k->answer);
	k->answer = NULL;
	return result;
}

static enum MHD_Result on_header(
	void *cls, enum MHD_ValueKind kind, const char *name, size_t n_name, const char *value, size_t n_value) {
	(void)kind;
	head_add(cls, str_slice(name, n_name), str_slice(value, n_value));
	return MHD_YES;
}

static enum MHD_Result on_head(struct call *k, const char *method, const char *version) {
	struct server *s = k->server;
	struct response r = {.status = 500};
	struct task t;
	k->begun = true;
	if (atomic_load(&s->draining))
		return MHD_queue_response(k->connection, MHD_HTTP_SERVICE_UNAVAILABLE, s->busy);
	k->generation = atomic_load(&s->generation); /* before the configuration */
	k->x.config = s->config_now();
	k->x.method = str_of(method); /* libmicrohttpd's, for as long as the request */
	k->x.peer = str_of(k->peer->address);
	MHD_get_connection_values_n(k->connection, MHD_HEADER_KIND, on_header, &k->x.head);
	enum err code = exchange_head(&k->x, !strcmp(version, MHD_HTTP_VERSION_1_1));
	if (code) {
		exchange_refuse(&k->x, &t, code, &r);
		answer_set(k, &t, &r);
		return answer_send(k);
	}
	return MHD_YES; /* libmicrohttpd closes the connection after an answer that is given here */
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
	const char *version, const char *data, size_t *n, void **slot) {
	struct call *k = *slot;
	(void)cls;
	(void)url; /* decoded by libmicrohttpd, which cuts at %00 */
	if (!k)
		return MHD_NO;
	k->connection = c;
	resumed(k);
	if (k->answer)
		return answer_send(k);
	if (!k->begun)
		return on_head(k, method, version);
	if (!*n)
		return on_complete(k);
	bool go_on = exchange_body(&k->x, data, *n);
	*n = 0;
	return go_on ? MHD_YES : MHD_NO;
}

/* The request line is here, as it was sent. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *c) {
	struct server *s = cls;
	size_t n = strnlen(target, LIMIT_TARGET + 1);
	struct call *k = calloc(1, sizeof(*k) + n + 1);
	if (!k)
		abort();
	memcpy(k->target, target, n);
	k->x.target = str_slice(k->target, n);
	k->server = s;
	k->peer = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	peer_deadline(k->peer, READ_MS);
	atomic_fetch_add(&s->open, 1);
	return k;
}

static void on_end(void *cls, struct MHD_Connection *c, void **slot, enum MHD_RequestTerminationCode why) {
	struct server *s = cls;
	struct call *k = *slot;
	(void)c;
	(void)why;
	if (!k)
		return;
	*slot = NULL;
	resumed(k);
	if (k->answer)
		MHD_destroy_response(k->answer);
	peer_deadline(k->peer, (int64_t)IDLE_S * 1000 + READ_MS);
	exchange_end(&k->x);
	free(k);
	atomic_fetch_sub(&s->open, 1);
}

/* ---- connections ---- */
static void peer_name(struct peer *p, const struct sockaddr *address) {
	const void *bytes = NULL;
	if (address && address->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	if (address && address->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (!bytes || !inet_ntop(address->sa_family, bytes, p->address, sizeof(p->address)))
		snprintf(p->address, sizeof(p->address), "unix");
}

static void on_connection(void *cls, struct MHD_Connection *c, void **slot, enum MHD_ConnectionNotificationCode what) {
	struct server *s = cls;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		reaper_remove(s->reaper, *slot);
		return;
	}
	struct peer *p = reaper_add(
		s->reaper, MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, READ_MS);
	peer_name(p, MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
	*slot = p;
}

/* ---- monitoring ---- */
static enum MHD_Result on_monitor(void *cls, struct MHD_Connection *c, const char *url, const char *method,
	const char *version, const char *data, size_t *n, void **slot) {
	static char begun;
	struct server *s = cls;
	struct response r = {.status = 500};
	struct task t;
	(void)version;
	(void)data;
	if (!*slot || *n) {
		*slot = &begun;
		*n = 0;
		return MHD_YES;
	}
	owned(arena) struct arena *a = arena_new();
	task_begin(&t, a, NULL, TASK_PAGE_MS);
	t.config = s->config_now();
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		response_text(&r, MHD_HTTP_METHOD_NOT_ALLOWED, STR("GET\n"));
	else
		health_answer(s->health, &t, str_of(url), &r);
	response_finish(&t, &r);
	struct MHD_Response *answer = answer_new(&r);
	enum MHD_Result result = MHD_queue_response(c, (unsigned)r.status, answer);
	MHD_destroy_response(answer);
	return result;
}

static void printf_like(2, 0) on_library_log(void *cls, const char *format, va_list args) {
	char text[512];
	(void)cls;
	vsnprintf(text, sizeof(text), format, args);
	log_event(LEVEL_DEBUG, NULL, "http.library", LOG_TEXT("text", str_trim(str_of(text))));
}

/* ---- life ---- */
#define MODE (MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG)

/* One address may not hold every connection; behind a proxy all have one address, and the proxy sees to that. */
static unsigned share_of_address(const struct config *c) {
	return c->trusted_proxies.n ? 0 : (unsigned)c->connection_limit / 2;
}

static struct MHD_Daemon *http_start(struct server *s, const struct config *c) {
	/* libmicrohttpd takes a pool of one for a mistake */
	struct MHD_OptionItem threads[] = {
		{c->event_threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)c->event_threads, NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	return MHD_start_daemon(MODE | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, s,
		MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL, MHD_OPTION_LISTEN_SOCKET, s->fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)c->connection_limit, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		share_of_address(c), MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_THREAD_STACK_SIZE, EVENT_STACK,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_NOTIFY_COMPLETED,
		on_end, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_ARRAY, threads, MHD_OPTION_END);
}

static enum err monitor_start(struct task *t, struct server *s) {
	if (str_empty(s->listen_metrics))
		return OK;
	TRY(listen_open(t, s->listen_metrics, &s->monitor_fd));
	s->monitor = MHD_start_daemon(MODE, 0, NULL, NULL, on_monitor, s, MHD_OPTION_EXTERNAL_LOGGER, on_library_log,
		NULL, MHD_OPTION_LISTEN_SOCKET, s->monitor_fd, MHD_OPTION_CONNECTION_LIMIT, MONITOR_MOST,
		MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_THREAD_STACK_SIZE, EVENT_STACK, MHD_OPTION_END);
	return s->monitor ? OK : task_fail(t, ERR_UNAVAILABLE, "the monitoring listener does not start");
}

static unsigned share_of(const struct config *c) {
	unsigned share = (unsigned)c->web_queue * 3 / 4;
	return share ? share : 1;
}

static enum err start(struct task *t, struct server *s, const struct config *c) {
	TRY(listen_open(t, s->listen, &s->fd));
	s->reaper = reaper_new();
	s->holder = holder_new(answer_release);
	s->pool = pool_new("web", (unsigned)c->web_workers, (unsigned)c->web_queue, share_of(c));
	if (!s->reaper || !s->holder || !s->pool)
		return task_fail(t, ERR_UNAVAILABLE, "no threads");
	s->health = health_new(s->pool, s->config_now);
	TRY(monitor_start(t, s));
	s->http = http_start(s, c);
	return s->http ? OK : task_fail(t, ERR_UNAVAILABLE, "the HTTP listener does not start");
}

static struct MHD_Response *busy_new(void) {
	struct response r = {.status = MHD_HTTP_SERVICE_UNAVAILABLE};
	response_text(&r, r.status, STR("The server is restarting. Please try again in a moment.\n"));
	response_header(&r, "Retry-After", STR("5"));
	response_header(&r, "Connection", STR("close"));
	response_header(&r, "X-Content-Type-Options", STR("nosniff"));
	response_header(&r, "Referrer-Policy", STR("no-referrer"));
	return answer_new(&r);
}

enum err server_start(
	struct task *t, const struct config *c, const struct config *(*config_now)(void), struct server **ret) {
	struct server *s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->config_now = config_now;
	s->listen = c->listen;
	s->listen_metrics = c->listen_metrics;
	s->fd = s->monitor_fd = -1;
	s->busy = busy_new();
	pthread_rwlock_init(&s->cache_lock, NULL);
	enum err code = start(t, s, c);
	if (code)
		server_stop(s);
	else
		*ret = s;
	return code;
}

static void wait_until_none(atomic_uint *count, int64_t ms) {
	const struct timespec pause = {.tv_nsec = 5000000};
	for (int64_t end = clock_monotonic_ms() + ms; atomic_load(count) && clock_monotonic_ms() < end;)
		nanosleep(&pause, NULL);
}

/* libmicrohttpd ends the process when it is stopped with a suspended connection: first nothing new is suspended, then
 * all are resumed. */
static void drain(struct server *s) {
	if (MHD_quiesce_daemon(s->http) == MHD_INVALID_SOCKET)
		s->fd = -1; /* still libmicrohttpd's, which closes it */
	else
		shutdown(s->fd, SHUT_RDWR); /* refuse at once, rather than keep people waiting in the backlog */
	wait_until_none(&s->open, DRAIN_MS);
	atomic_store(&s->abandoned, true);
	pool_free(s->pool);
	s->pool = NULL;
	holder_free(s->holder);
	s->holder = NULL;
	wait_until_none(&s->suspended, INT32_MAX);
	MHD_stop_daemon(s->http);
}

void server_stop(struct server *s) {
	atomic_store(&s->draining, true);
	if (s->health)
		health_drain(s->health);
	if (s->http)
		drain(s);
	if (s->pool)
		pool_free(s->pool);
	if (s->monitor)
		MHD_stop_daemon(s->monitor);
	if (s->monitor_fd >= 0)
		listen_remove(s->listen_metrics);
	if (s->fd >= 0) {
		close(s->fd);
		listen_remove(s->listen);
	}
	if (s->health)
		health_free(s->health);
	holder_free(s->holder);
	reaper_free(s->reaper);
	server_forget(s);
	MHD_destroy_response(s->busy);
	free(s);
}
