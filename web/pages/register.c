/* The form that a person fills in. */
#include "web/pages/pages.h"

#define HONEYPOT "hp-website" /* no profile's field can have a '-' in its name */

enum err page_profiles(struct task *t, struct request *q, struct response *r) {
	struct value *data = page_data_of(t, q, r, "profiles");
	struct value *list = value_list(t->arena, data, "profiles");
	const struct profile_config *only = NULL;
	size_t n = 0;
	for (size_t i = 0; i < t->realm->n_profiles; i++) {
		const struct profile_config *p = &t->realm->profiles[i];
		if (!p->open)
			continue;
		struct value *row = value_row(t->arena, list);
		value_text(t->arena, row, "id", p->id);
		value_text(t->arena, row, "title", p->title);
		value_text(t->arena, row, "intro", p->intro);
		only = p;
		n++;
	}
	if (n == 1) {
		response_redirect(r, str_printf(t->arena, "%.*s%.*s", FMT(realm_path(t, "/register/")), FMT(only->id)));
		return OK;
	}
	return page_render(t, r, 200, "profiles", data);
}

/* ---- the form ---- */

/* How a field is shown. */
static const struct {
	enum field_type type;
	const char *control, *input, *inputmode; /* control: the template's section */
} looks[] = {
	{FIELD_TEXT, "is_input", "text", ""},
	{FIELD_EMAIL, "is_input", "email", "email"},
	{FIELD_TEL, "is_input", "tel", "tel"},
	{FIELD_DATE, "is_input", "date", ""},
	{FIELD_SELECT, "is_select", "", ""},
	{FIELD_CHECKBOX, "is_checkbox", "", ""},
	{FIELD_TERMS, "is_terms", "", ""},
	{FIELD_TEXTAREA, "is_textarea", "", ""},
};

static void add_options(struct task *t, struct value *row, const struct field_config *f, struct str chosen) {
	struct value *options = value_list(t->arena, row, "options");
	for (size_t i = 0; i < f->n_options; i++) {
		struct value *option = value_row(t->arena, options);
		value_text(t->arena, option, "value", f->options[i].value);
		value_text(t->arena, option, "label", f->options[i].label);
		value_bool(t->arena, option, "selected", str_eq(f->options[i].value, chosen));
	}
}

static void add_look(struct task *t, struct value *row, enum field_type type) {
	for (size_t i = 0; i < COUNT(looks); i++) {
		if (looks[i].type != type)
			continue;
		value_bool(t->arena, row, looks[i].control, true);
		value_text(t->arena, row, "type", str_of(looks[i].input));
		value_text(t->arena, row, "inputmode", str_of(looks[i].inputmode));
	}
}

static struct str problem_text(struct task *t, const struct typed *typed) {
	if (!typed->problem)
		return STR("");
	if (!strcmp(typed->problem, "field.pattern") && !str_empty(typed->problem_detail))
		return typed->problem_detail;
	return text_with(t, typed->problem, typed->problem_detail);
}

static void add_described(struct task *t, struct value *row, struct str name, bool help, bool problem) {
	struct str described = STR("");
	if (help && problem)
		described = str_printf(t->arena, "f-%.*s-problem f-%.*s-help", FMT(name), FMT(name));
	else if (help || problem)
		described = str_printf(t->arena, "f-%.*s-%s", FMT(name), problem ? "problem" : "help");
	value_text(t->arena, row, "described", described);
}

static void add_field(struct task *t, struct value *data, struct value *list, const struct field_config *f,
	const struct typed *typed) {
	struct value *row = value_row(t->arena, list);
	struct str problem = problem_text(t, typed);
	value_text(t->arena, row, "name", f->name);
	value_text(t->arena, row, "label", f->label);
	value_text(t->arena, row, "help", f->help);
	value_text(t->arena, row, "value", typed->value);
	value_text(t->arena, row, "url", f->url);
	value_text(t->arena, row, "autocomplete", f->autocomplete);
	value_bool(t->arena, row, "required", f->required);
	value_bool(t->arena, row, "checked", str_eq(typed->value, STR("yes")));
	value_text(t->arena, row, "maxlength",
		f->max_length > 0 ? str_printf(t->arena, "%lld", (long long)f->max_length) : STR(""));
	value_text(t->arena, row, "wrong", problem);
	add_look(t, row, f->type);
	add_options(t, row, f, typed->value);
	add_described(t, row, f->name, !str_empty(f->help), !str_empty(problem));
	if (!str_empty(problem))
		page_problem(t, data, f->name, str_printf(t->arena, "%.*s: %.*s", FMT(f->label), FMT(problem)));
}

static struct field_config login_name_field(struct task *t, const struct profile_config *p) {
	return (struct field_config){
		.name = STR("login_name"),
		.type = FIELD_TEXT,
		.label = text("register.login_name"),
		.help = text_with(
			t, "register.login_name_help", str_printf(t->arena, "%lld", (long long)p->login_max_length)),
		.autocomplete = STR("username"),
		.max_length = p->login_max_length,
	};
}

static enum err render(struct task *t, struct request *q, struct response *r, int status, const struct submission *s) {
	const struct profile_config *p = s->profile;
	struct value *data = page_data_of(t, q, r, "register");
	value_text(t->arena, data, "title", p->title);
	value_text(t->arena, data, "heading", p->title);
	value_text(t->arena, data, "intro", p->intro);
	value_text(t->arena, data, "profile_id", p->id);
	if (t->config->proof_of_work_bits)
		value_text(t->arena, data, "proof", proof_challenge(t));
	struct value *list = value_list(t->arena, data, "fields");
	struct field_config login_name = login_name_field(t, p);
	for (size_t i = 0; i < s->n; i++)
		add_field(t, data, list, i < p->n_fields ? &p->fields[i] : &login_name, &s->fields[i]);
	return page_render(t, r, status, "register", data);
}

static enum err profile_of(struct task *t, const struct request *q, const struct profile_config **ret) {
	*ret = realm_profile(t->realm, q->rest);
	return *ret ? OK : task_fail(t, ERR_NOT_FOUND, "no such profile");
}

/* Declared fields only: what the profile does not name does not exist. */
static void read_fields(
	struct task *t, const struct params form, const struct profile_config *p, struct submission *ret) {
	ret->profile = p;
	ret->n = p->n_fields + p->login_proposed;
	ret->fields = arena_array(t->arena, struct typed, ret->n);
	for (size_t i = 0; i < ret->n; i++) {
		const char *name = NULL;
		struct typed *f = &ret->fields[i];
		f->name = i < p->n_fields ? p->fields[i].name : STR("login_name");
		f->value = task_cstr(t, f->name, &name) ? STR_NONE : param(form, name);
		if (str_absent(f->value))
			f->value = STR("");
	}
}

enum err page_register(struct task *t, struct request *q, struct response *r) {
	struct submission s = {0};
	const struct profile_config *p = NULL;
	TRY(profile_of(t, q, &p));
	read_fields(t, (struct params){0}, p, &s);
	return render(t, q, r, 200, &s);
}

struct sent {
	const struct profile_config *profile;
	struct str mail;
	bool again;
};

/* The same answer whatever is known of the address. */
static enum err check_your_mail(struct task *t, struct request *q, struct response *r, const struct sent *s) {
	const struct profile_config *p = s->profile;
	struct value *data = page_data_of(t, q, r, "sent");
	value_text(t->arena, data, "mail", str_trim(s->mail));
	value_text(t->arena, data, "profile_id", p->id);
	value_text(t->arena, data, "ends", text_with(t, "sent.ends", duration_words(t, p->verify_ttl)));
	value_text(t->arena, data, "wait",
		p->resend_after < 60 ? text("sent.wait_moment")
				     : text_with(t, "sent.wait", wait_words(t, p->resend_after)));
	value_bool(t->arena, data, "again", s->again);
	return page_render(t, r, 200, "register_sent", data);
}

static struct str mail_of(const struct submission *s) {
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->fields[i].name, STR("mail")))
			return s->fields[i].value;
	return STR("");
}

enum err page_register_submit(struct task *t, struct request *q, struct response *r) {
	struct submission s = {0};
	const struct profile_config *p = NULL;
	TRY(profile_of(t, q, &p));
	read_fields(t, q->form, p, &s);
	if (!str_empty(field(q, HONEYPOT)))
		return check_your_mail(t, q, r, &(struct sent){p, mail_of(&s), false});
	enum err e = registration_submit(t, &s);
	if (e == ERR_FIELDS) {
		task_clear(t);
		return render(t, q, r, 422, &s);
	}
	if (e == ERR_TOO_MANY)
		response_header(r, "Retry-After",
			str_printf(t->arena, "%lld",
				(long long)throttle_wait_s(t, THROTTLE_REGISTER_ADDRESS, t->address)));
	TRY(e);
	return check_your_mail(t, q, r, &(struct sent){p, mail_of(&s), false});
}

enum err page_resend(struct task *t, struct request *q, struct response *r) {
	const struct profile_config *p = NULL;
	TRY(profile_of(t, q, &p));
	TRY(registration_resend(t, p, field(q, "mail")));
	return check_your_mail(t, q, r, &(struct sent){p, field(q, "mail"), true});
}
