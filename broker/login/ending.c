/* What the end of a session or of an account brings: grants revoked, applications told (OpenID Connect Back-Channel
 * Logout 1.0), a record. All of it within the caller's transaction; a row says who is to be told of what, and the
 * runner's job makes the token. */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/encode.h"
#include "broker/login/login_private.h"

#define BODY_MAX 1024u
#define ENDS     4096u /* accounts whose last end is remembered; two in one place share it */

/* When an account ended last, for logins that were on their way: memory of the process. */
static _Atomic int64_t ends[ENDS]; /* monotonic microseconds */

static _Atomic int64_t *end_of(struct str account_id) {
	uint32_t hash = 2166136261u; /* FNV-1a; ids are random */
	for (size_t i = 0; i < account_id.n; i++)
		hash = (hash ^ (unsigned char)account_id.p[i]) * 16777619u;
	return &ends[hash % ENDS];
}

bool account_ended_since(struct str account_id, int64_t began_us) {
	return atomic_load(end_of(account_id)) >= began_us;
}

/* The client as it is configured now, or NULL: none that is to be told. */
static const struct client_config *listener(const struct task *t, struct str client) {
	const struct client_config *c = realm_client(t->realm, client);
	return c && !str_empty(c->backchannel_logout_uri) ? c : NULL;
}

static void put_member(struct buf *b, const char *name, struct str value) {
	buf_printf(b, "%c\"%s\":", b->n ? ',' : '{', name);
	json_escape(b, value);
}

/* sid may be empty: all sessions of the person. */
static enum err logout_insert(struct task *t, const struct client_config *c, struct str account_id, struct str sid) {
	struct account *a = NULL;
	struct buf body = buf_new(t->arena, BODY_MAX);
	enum err e = accounts_find(t, account_id, &a);
	if (e == ERR_NOT_FOUND)
		task_clear(t); /* then the session alone says who */
	else
		TRY(e);
	put_member(&body, "client", c->id);
	put_member(&body, "sub", a ? a->sub : STR(""));
	put_member(&body, "sid", sid);
	buf_byte(&body, '}');
	return jobs_insert(t, JOB_LOGOUT, account_id, buf_str(&body), 0, NULL);
}

enum err session_end(struct task *t, const struct session *s) {
	struct party *parties = NULL;
	size_t n = 0;
	TRY(parties_list_sid(t, s->sid, &parties, &n));
	for (size_t i = 0; i < n; i++) {
		const struct client_config *c = listener(t, parties[i].client);
		if (c)
			TRY(logout_insert(t, c, s->account_id, s->sid));
	}
	TRY(sessions_remove(t, s->id_hash));
	TRY(grants_revoke_sid(t, s->sid, clock_wall_ms()));
	return audit_record(t, "session.end", s->account_id, AUDIT("sid", s->sid));
}

/* Whether a session of that id lives, whose end tells its clients. */
static enum err sid_lives(struct task *t, struct str sid, bool *ret) {
	struct session *s = NULL;
	enum err e = str_empty(sid) ? ERR_NOT_FOUND : sessions_find_sid(t, sid, &s);
	if (e == ERR_NOT_FOUND)
		task_clear(t);
	else
		TRY(e);
	*ret = !e;
	return OK;
}

static bool is_open(const struct grant *g) {
	struct str rest = g->scope, one;
	while (str_next(&rest, ' ', &one))
		if (str_eq(one, STR("offline_access")))
			return false;
	return g->code_used_at && !g->revoked_at;
}

/* Its row went by its time; what came of it goes now. */
enum err session_gone_end(struct task *t, struct str sid) {
	struct grant *grants = NULL;
	size_t n = 0;
	TRY(grants_list_sid(t, sid, &grants, &n));
	for (size_t i = 0; i < n; i++)
		if (is_open(&grants[i]))
			return session_end(t,
				&(struct session){.sid = sid, .account_id = grants[i].account_id, .id_hash = STR("")});
	return OK;
}

static enum err gone_end_apart(struct task *t, void *sid) {
	return session_gone_end(t, *(const struct str *)sid);
}

static enum err gone_end_all(struct task *t, struct str account_id) {
	struct party *parties = NULL;
	size_t n = 0;
	TRY(parties_list_account(t, account_id, &parties, &n));
	for (size_t i = 0; i < n; i++) {
		bool lives = false;
		TRY(sid_lives(t, parties[i].sid, &lives));
		if (!lives)
			TRY(task_apart(t, gone_end_apart, &parties[i].sid));
	}
	return OK;
}

enum err login_end_others(struct task *t, struct str account_id, struct str except_id_hash) {
	TRY(sessions_end(t, account_id, except_id_hash));
	return gone_end_all(t, account_id);
}

/* Clients that hold grants without a session, offline ones: told by the person alone, once each, but for those that
 * want a session named. */
static enum err orphans_tell(struct task *t, struct str account_id) {
	struct party *parties = NULL;
	size_t n = 0;
	struct strs told = {0};
	TRY(parties_list_account(t, account_id, &parties, &n));
	for (size_t i = 0; i < n; i++) {
		const struct client_config *c = listener(t, parties[i].client);
		bool lives = false;
		if (!c || strs_has(told, c->id))
			continue;
		TRY(sid_lives(t, parties[i].sid, &lives));
		if (lives)
			continue;
		if (!c->backchannel_logout_session_required)
			strs_add(t->arena, &told, c->id);
		TRY(logout_insert(t, c, account_id, c->backchannel_logout_session_required ? parties[i].sid : STR("")));
	}
	return OK;
}

enum err account_end(struct task *t, struct str account_id) {
	TRY(orphans_tell(t, account_id));
	TRY(sessions_end(t, account_id, STR("")));
	atomic_store(end_of(account_id), clock_monotonic_us());
	return grants_revoke_account(t, account_id, clock_wall_ms());
}

enum err login_end_account(struct task *t, struct str account_id, const char *why) {
	TRY(account_end(t, account_id));
	return audit_record(t, "account.sessions_ended", account_id, AUDIT("why", str_of(why)));
}
