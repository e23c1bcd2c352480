/* The first password. */
#include "web/pages/pages.h"

static enum err link_ended(struct task *t, struct request *q, struct response *r) {
	return page_link_ended(t, q, r, "activate_ended");
}

static enum err render(struct task *t, struct request *q, struct response *r, struct str secret, struct str problem) {
	struct activation look;
	enum err e = activation_look(t, secret, &look);
	if (e == ERR_EXPIRED)
		return link_ended(t, q, r);
	TRY(e);
	struct value *data = page_data_of(t, q, r, "activate");
	value_text(t->arena, data, "secret", secret);
	value_text(t->arena, data, "login_name", look.entry->login);
	value_text(t->arena, data, "mail", look.registration->mail);
	add_password_rules(t, data, &look.policy);
	if (!str_empty(problem))
		page_problem(t, data, STR("password"), problem);
	return page_render(t, r, str_empty(problem) ? 200 : 422, "activate", data);
}

enum err page_activate(struct task *t, struct request *q, struct response *r) {
	return render(t, q, r, param(q->query, "t"), STR(""));
}

static enum err done(struct task *t, struct request *q, struct response *r, struct str login) {
	struct value *data = page_data_of(t, q, r, "activated");
	value_text(t->arena, data, "login_name", login);
	return page_render(t, r, 200, "activated", data);
}

enum err page_activate_submit(struct task *t, struct request *q, struct response *r) {
	struct password_problem problem = {0};
	struct activation look;
	struct str secret = field(q, "t"), password = field(q, "password"), again = field(q, "password_again");
	if (str_empty(password))
		return render(t, q, r, secret, text("password.empty"));
	if (!str_empty(again) && !str_eq_secret(again, password))
		return render(t, q, r, secret, text("password.differ"));
	enum err e = activation_look(t, secret, &look);
	if (!e)
		e = activation_complete(t, secret, password, &problem);
	if (e == ERR_EXPIRED)
		return link_ended(t, q, r);
	if (e == ERR_FIELDS) {
		task_clear(t);
		return render(t, q, r, secret, password_message(&problem));
	}
	TRY(e);
	return done(t, q, r, look.entry->login);
}
