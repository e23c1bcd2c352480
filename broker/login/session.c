#include "base/clock.h"
#include "base/secret.h"
#include "broker/login/login_private.h"

#define TOUCH_MS  60000
#define AGENT_MAX 200

struct str session_hash(struct task *t, struct str secret) {
	return secret_key_of(t->arena, secret);
}

/* A new login in this browser ends what was there. Where it is the same person's it goes on under another secret: the
 * public id stays, so that the applications that know it hear of its end. */
static enum err session_replace(struct task *t, const struct account *a, struct str old_secret, struct str *sid) {
	struct session *old = NULL;
	if (str_empty(old_secret))
		return OK;
	enum err e = sessions_find(t, session_hash(t, old_secret), &old);
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		return OK;
	}
	TRY(e);
	if (!str_eq(old->account_id, a->id))
		return session_end(t, old);
	*sid = old->sid;
	return sessions_remove(t, old->id_hash);
}

/* A program that logs in again and again must not make an account whose end takes minutes: the oldest give way. */
static enum err sessions_bound(struct task *t, struct str account_id) {
	struct session *oldest = NULL;
	enum err e = sessions_find_beyond(t, account_id, SESSIONS_MOST, &oldest);
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		return OK;
	}
	TRY(e);
	return session_end(t, oldest);
}

enum err session_open(
	struct task *t, const struct account *a, struct str old_session, struct str agent, struct login *ret) {
	struct str secret = random_secret(t->arena), sid = random_id(t->arena);
	TRY(session_replace(t, a, old_session, &sid));
	int64_t now = clock_wall_ms();
	struct session s = {
		.id_hash = session_hash(t, secret),
		.realm = t->realm_name,
		.sid = sid,
		.account_id = a->id,
		.amr = STR("pwd"),
		.created_at = now,
		.auth_time = now,
		.seen_at = now,
		.expires_at = now + t->realm->session_ttl * 1000,
		.address = t->address,
		.agent = str_sub(agent, 0, AGENT_MAX),
	};
	TRY(sessions_insert(t, &s));
	TRY(sessions_bound(t, a->id));
	ret->session = secret;
	ret->sid = s.sid;
	ret->result = LOGIN_OK;
	return OK;
}

enum err login_session(struct task *t, struct str secret, struct login_state *ret) {
	struct login_state state = {0};
	if (str_empty(secret) || secret.n > 128)
		return ERR_LOGIN;
	enum err e = sessions_find(t, session_hash(t, secret), &state.session);
	if (e == ERR_NOT_FOUND)
		return ERR_LOGIN;
	TRY(e);
	int64_t now = clock_wall_ms();
	if (state.session->expires_at <= now || state.session->seen_at + t->realm->session_idle * 1000 <= now)
		return ERR_LOGIN;
	e = accounts_find(t, state.session->account_id, &state.account);
	if (e == ERR_NOT_FOUND)
		return ERR_LOGIN;
	TRY(e);
	if (now - state.session->seen_at >= TOUCH_MS)
		TRY(sessions_touch(t, state.session->id_hash, now));
	*ret = state;
	return OK;
}

/* ---- its end ---- */

enum err login_end(struct task *t, const struct login_state *s) {
	TRY(store_begin(t));
	return store_end(t, session_end(t, s->session));
}

enum err login_end_sid(struct task *t, struct str sid) {
	struct login_state state = {0};
	enum err e = sessions_find_sid(t, sid, &state.session);
	if (e == ERR_NOT_FOUND) {
		task_clear(t);
		TRY(store_begin(t));
		return store_end(t, session_gone_end(t, sid));
	}
	TRY(e);
	return login_end(t, &state);
}

struct others {
	struct str account_id, except_id_hash;
	size_t ended; /* of one list */
};

static enum err end_apart(struct task *t, void *session) {
	return session_end(t, session);
}

static enum err others_list_end(struct task *t, void *what) {
	struct others *o = what;
	struct session *sessions = NULL;
	size_t n = 0;
	o->ended = 0;
	TRY(sessions_list(t, o->account_id, &sessions, &n));
	for (size_t i = 0; i < n; i++) {
		if (str_eq(sessions[i].id_hash, o->except_id_hash))
			continue;
		TRY(task_apart(t, end_apart, &sessions[i]));
		o->ended++;
	}
	return OK;
}

/* One list of them is bounded, so it is asked for until nothing is left to end. */
enum err sessions_end(struct task *t, struct str account_id, struct str except_id_hash) {
	struct others o = {account_id, except_id_hash, 0};
	do
		TRY(task_apart(t, others_list_end, &o));
	while (o.ended);
	return OK;
}
