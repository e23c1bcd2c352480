/* A password changed by its owner, and one that was forgotten. */
#include "web/pages/pages.h"

/* ---- change ---- */

/* What the form says goes first: the login page leads here whoever must change a password, also in a browser where
 * somebody else is logged in. The old password proves who it is. */
static struct str name_of(const struct request *q) {
	struct str typed = str_trim(field(q, "username"));
	return q->login && str_empty(typed) ? q->login->account->login : typed;
}

/* NULL: not who is logged in. */
static const struct account *own_account(const struct request *q) {
	return q->login && str_eq(name_of(q), q->login->account->login) ? q->login->account : NULL;
}

/* a NULL: not known yet. */
static void add_rules(struct task *t, const struct account *a, struct value *data) {
	struct password_policy policy = {0};
	const struct directory_config *d = NULL;
	struct entry *e = NULL;
	if (a && (account_entry(t, a, &d, &e) || login_password_rules(t, d, e->dn, &policy)))
		task_clear(t); /* our own bounds are shown then; the directory still decides */
	add_password_rules(t, data, &policy);
}

struct refused {
	struct str at, message;               /* empty: nothing was refused */
	const struct password_policy *policy; /* NULL: of whom it is, is not known yet */
};

static enum err render_change(struct task *t, struct request *q, struct response *r, struct refused why) {
	struct value *data = page_data_of(t, q, r, "password");
	value_text(t->arena, data, "username", name_of(q));
	value_text(t->arena, data, "to", guard_return_allowed(t, field(q, "to")) ? field(q, "to") : STR(""));
	value_text(t->arena, data, "request", field(q, "request"));
	if (why.policy)
		add_password_rules(t, data, why.policy);
	else
		add_rules(t, own_account(q), data);
	if (!str_empty(why.message))
		page_problem(t, data, why.at, why.message);
	return page_render(t, r, str_empty(why.message) ? 200 : 422, "password", data);
}

enum err page_password(struct task *t, struct request *q, struct response *r) {
	return render_change(t, q, r, (struct refused){STR(""), STR(""), NULL});
}

/* The change ended every session of theirs; the person goes on with a new one where the directory takes the new
 * password already. */
static enum err changed(struct task *t, struct request *q, struct response *r, struct str username) {
	struct login login = {0};
	struct flow flow = {0};
	struct message m = {.key = "password_changed", .next_key = "next.login", .next_link = realm_path(t, "/login")};
	struct str to = field(q, "to");
	bool waits = flow_find(t, q, &flow) == OK;
	task_clear(t);
	q->login = NULL;
	if (waits)
		flow_keep(t, r, &flow);
	if (!login_password(t, username, field(q, "new_password"), q->session, q->user_agent, &login) &&
		login.result == LOGIN_OK) {
		response_cookie(t, r, "session", login.session, 0);
		m.next_key = waits ? "next.application" : "next.account";
		m.next_link = realm_path(t, waits ? "/authorize/resume" : "/account");
		if (guard_return_allowed(t, to)) {
			m.next_key = "next.continue";
			m.next_link = to;
		}
	}
	task_clear(t);
	return page_message(t, q, r, 200, &m);
}

enum err page_password_submit(struct task *t, struct request *q, struct response *r) {
	struct password_problem problem = {0};
	struct str username = name_of(q), old_password = field(q, "password"), new_password = field(q, "new_password");
	if (str_empty(username))
		return render_change(t, q, r, (struct refused){STR("username"), text("login.empty"), NULL});
	if (str_empty(old_password))
		return render_change(t, q, r, (struct refused){STR("password"), text("password.empty"), NULL});
	if (str_empty(new_password))
		return render_change(t, q, r, (struct refused){STR("new_password"), text("password.empty"), NULL});
	enum err e = login_change_password(t, username, old_password, new_password, &problem);
	if (e == ERR_FIELDS) {
		task_clear(t);
		if (problem.old_wrong)
			response_hold(t, r, REFUSED_MS);
		struct refused why = {STR("password"), password_message(&problem), NULL};
		if (!problem.old_wrong)
			why = (struct refused){STR("new_password"), why.message, &problem.policy};
		return render_change(t, q, r, why);
	}
	if (e == ERR_TOO_MANY)
		response_header(r, "Retry-After",
			str_printf(t->arena, "%lld", (long long)throttle_wait_s(t, THROTTLE_LOGIN_NAME, username)));
	TRY(e);
	return changed(t, q, r, username);
}

/* ---- forgotten ---- */

static enum err link_ended(struct task *t, struct request *q, struct response *r) {
	struct message m = {.key = "reset_ended", .next_key = "next.reset", .next_link = realm_path(t, "/reset")};
	task_clear(t);
	return page_message(t, q, r, 410, &m);
}

static enum err render_set(
	struct task *t, struct request *q, struct response *r, struct str secret, struct str problem) {
	struct account *a = NULL;
	struct ticket *k = NULL;
	enum err e = ticket_check(t, TICKET_RESET, secret, &k);
	if (e == ERR_EXPIRED)
		return link_ended(t, q, r);
	TRY(e);
	if (accounts_find(t, k->subject, &a))
		task_clear(t);
	struct value *data = page_data_of(t, q, r, "reset_set");
	value_text(t->arena, data, "secret", secret);
	add_rules(t, a, data);
	if (!str_empty(problem))
		page_problem(t, data, STR("password"), problem);
	return page_render(t, r, str_empty(problem) ? 200 : 422, "reset_set", data);
}

static enum err render_ask(struct task *t, struct request *q, struct response *r, struct str problem) {
	struct value *data = page_data_of(t, q, r, "reset");
	if (!str_empty(problem))
		page_problem(t, data, STR("username"), problem);
	return page_render(t, r, str_empty(problem) ? 200 : 422, "reset", data);
}

enum err page_reset(struct task *t, struct request *q, struct response *r) {
	struct str secret = param(q->query, "t");
	return str_absent(secret) ? render_ask(t, q, r, STR("")) : render_set(t, q, r, secret, STR(""));
}

static enum err ask_submit(struct task *t, struct request *q, struct response *r) {
	struct message m = {.key = "reset_sent", .next_key = "next.login", .next_link = realm_path(t, "/login")};
	if (str_empty(str_trim(field(q, "username"))))
		return render_ask(t, q, r, text("reset.empty"));
	TRY(login_reset_request(t, field(q, "username")));
	m.detail = text_with(t, "reset_sent.ends", duration_words(t, t->realm->reset_ttl));
	return page_message(t, q, r, 200, &m);
}

static enum err set_submit(struct task *t, struct request *q, struct response *r) {
	struct password_problem problem = {0};
	struct message m = {.key = "reset_done", .next_key = "next.login", .next_link = realm_path(t, "/login")};
	struct str secret = field(q, "t"), password = field(q, "password"), again = field(q, "password_again");
	if (str_empty(password))
		return render_set(t, q, r, secret, text("password.empty"));
	if (!str_empty(again) && !str_eq_secret(again, password))
		return render_set(t, q, r, secret, text("password.differ"));
	enum err e = login_reset_complete(t, secret, password, &problem);
	if (e == ERR_EXPIRED)
		return link_ended(t, q, r);
	if (e == ERR_FIELDS) {
		task_clear(t);
		return render_set(t, q, r, secret, password_message(&problem));
	}
	TRY(e);
	return page_message(t, q, r, 200, &m);
}

enum err page_reset_submit(struct task *t, struct request *q, struct response *r) {
	return pressed(q, "t") ? set_submit(t, q, r) : ask_submit(t, q, r);
}
