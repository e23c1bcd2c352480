/* What a person sees of their own account. */
#include "web/pages/pages.h"

/* A browser's name in one word: the rest of the text tells nobody anything. */
static struct str agent_words(struct str agent) {
	static const struct {
		struct str part, name;
	} known[] = {
		{STR("Edg/"), STR("Edge")},
		{STR("OPR/"), STR("Opera")},
		{STR("Firefox/"), STR("Firefox")},
		{STR("Chrome/"), STR("Chrome")},
		{STR("Safari/"), STR("Safari")},
	};
	for (size_t i = 0; i < COUNT(known); i++)
		if (str_contains(agent, known[i].part))
			return known[i].name;
	return text("account.agent_other");
}

static enum err add_sessions(struct task *t, const struct login_state *login, struct value *data) {
	struct session *sessions = NULL;
	size_t n = 0;
	struct value *list = value_list(t->arena, data, "sessions");
	TRY(sessions_list(t, login->account->id, &sessions, &n));
	for (size_t i = 0; i < n; i++) {
		struct value *row = value_row(t->arena, list);
		value_text(t->arena, row, "agent", agent_words(sessions[i].agent));
		value_text(t->arena, row, "address", sessions[i].address);
		value_bool(t->arena, row, "here", str_eq(sessions[i].id_hash, login->session->id_hash));
		page_time(t, row, "began", sessions[i].auth_time);
		page_time(t, row, "seen", sessions[i].seen_at);
	}
	value_bool(t->arena, data, "others", n > 1);
	return OK;
}

/* Whether the way to the approvals is shown; a directory that does not answer hides it. */
static bool approves(struct task *t, const struct login_state *login) {
	struct approver who;
	enum err e = approval_actor(t, login->account, &who);
	task_clear(t);
	return e == OK;
}

enum err page_account(struct task *t, struct request *q, struct response *r) {
	struct value *data = page_data_of(t, q, r, "account");
	value_text(t->arena, data, "username", q->login->account->login);
	value_text(t->arena, data, "mail", q->login->account->mail);
	value_bool(t->arena, data, "approves", approves(t, q->login));
	value_bool(t->arena, data, "ended", !str_absent(param(q->query, "ended")));
	TRY(add_sessions(t, q->login, data));
	return page_render(t, r, 200, "account", data);
}

enum err page_account_submit(struct task *t, struct request *q, struct response *r) {
	TRY(store_begin(t));
	TRY(store_end(t, login_end_others(t, q->login->account->id, q->login->session->id_hash)));
	response_redirect(r, realm_path(t, "/account?ended=1"));
	return OK;
}
