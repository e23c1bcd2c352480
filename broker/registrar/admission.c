/* Who may register, with which values, and who needs an approval. */
#include <regex.h>

#include "broker/registrar/registrar_private.h"

static void regex_cleanup(regex_t **r) {
	if (*r)
		regfree(*r);
}

struct str typed_value(const struct typed *fields, size_t n, struct str name) {
	for (size_t i = 0; i < n; i++)
		if (str_eq(fields[i].name, name))
			return fields[i].value;
	return STR_NONE;
}

/* ---- one field ---- */

static bool pattern_matches(struct task *t, struct str pattern, struct str value) {
	regex_t compiled;
	const char *source = NULL, *subject = NULL;
	if (task_cstr(t, str_printf(t->arena, "^(%.*s)$", FMT(pattern)), &source) || task_cstr(t, value, &subject))
		return false;
	if (regcomp(&compiled, source, REG_EXTENDED | REG_NOSUB))
		return false;
	owned(regex) regex_t *end = &compiled;
	return regexec(end, subject, 0, NULL, 0) == 0;
}

static bool date_valid(struct str v) {
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t y, m, d;
	if (v.n != 10 || v.p[4] != '-' || v.p[7] != '-')
		return false;
	if (!str_int(str_sub(v, 0, 4), 1000, 9999, &y) || !str_int(str_sub(v, 5, 2), 1, 12, &m) ||
		!str_int(str_sub(v, 8, 2), 1, days[m - 1], &d))
		return false;
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	return !(m == 2 && d == 29 && !leap);
}

static bool tel_valid(struct str v) {
	size_t digits = 0;
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		bool sign =
			c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')' || (c == '+' && i == 0);
		if (!(c >= '0' && c <= '9') && !sign)
			return false;
		digits += c >= '0' && c <= '9';
	}
	return digits >= 4 && digits <= 20;
}

static bool option_valid(const struct field_config *f, struct str v) {
	for (size_t i = 0; i < f->n_options; i++)
		if (str_eq(f->options[i].value, v))
			return true;
	return false;
}

/* Text that could pass for a link in a mail that comes from us (facts: spam by the name field). */
static bool looks_like_link(struct arena *a, struct str v) {
	v = str_lower(a, v);
	return str_contains(v, STR("://")) || str_contains(v, STR("www.")) || str_contains(v, STR("@"));
}

/* What reorders or hides text before the approver's eyes: bidirectional overrides and isolates, invisible signs, tags.
 * Joiners stay: names need them. */
static bool has_hidden(struct str v) {
	static const struct {
		uint32_t from, to;
	} hidden[] = {{0xAD, 0xAD}, {0x200B, 0x200B}, {0x202A, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
		{0xFFF0, 0xFFFF}, {0xE0000, 0xE0FFF}};
	size_t at = 0;
	uint32_t c;
	while (str_next_code_point(v, &at, &c))
		for (size_t i = 0; i < COUNT(hidden); i++)
			if (c >= hidden[i].from && c <= hidden[i].to)
				return true;
	return false;
}

static bool one_line(enum field_type type, struct str v) {
	if (type != FIELD_TEXTAREA)
		return !str_has_control(v);
	struct str rest = v, line;
	while (str_next(&rest, '\n', &line))
		if (str_has_control(str_ends(line, STR("\r")) ? str_sub(line, 0, line.n - 1) : line))
			return false;
	return true;
}

static const char *type_problem(struct task *t, const struct field_config *f, struct str v) {
	switch (f->type) {
	case FIELD_EMAIL:
		return mail_address_check(t, v) ? "field.email" : NULL;
	case FIELD_TEL:
		return tel_valid(v) ? NULL : "field.tel";
	case FIELD_DATE:
		return date_valid(v) ? NULL : "field.date";
	case FIELD_SELECT:
		return option_valid(f, v) ? NULL : "field.option";
	case FIELD_CHECKBOX:
	case FIELD_TERMS:
		return str_eq(v, STR("yes")) ? NULL : "field.checkbox";
	case FIELD_TEXT:
		return looks_like_link(t->arena, v) ? "field.link" : NULL;
	case FIELD_TEXTAREA:
		return NULL;
	}
	return "field.invalid";
}

/* A plan puts the login name in place of "{login}" wherever it stands, so nobody may type it. */
static void field_check(struct task *t, const struct field_config *f, struct typed *typed) {
	struct str v = typed->value;
	if (str_empty(v)) {
		typed->problem = !f->required ? NULL : f->type == FIELD_TERMS ? "field.terms" : "field.required";
		return;
	}
	if (!str_utf8(v) || !one_line(f->type, v) || has_hidden(v) || str_contains(v, STR("{login}"))) {
		typed->problem = "field.characters";
		return;
	}
	int64_t length = (int64_t)str_code_points(v);
	if (length > f->max_length || length < f->min_length) {
		typed->problem = length > f->max_length ? "field.too_long" : "field.too_short";
		typed->problem_detail = str_printf(
			t->arena, "%lld", (long long)(length > f->max_length ? f->max_length : f->min_length));
		return;
	}
	typed->problem = type_problem(t, f, v);
	if (!typed->problem && !str_empty(f->pattern) && !pattern_matches(t, f->pattern, v)) {
		typed->problem = "field.pattern";
		typed->problem_detail = f->pattern_message;
	}
	task_clear(t);
}

/* ---- who may ---- */

static bool domain_in(struct strs domains, struct str domain) {
	for (size_t i = 0; i < domains.n; i++)
		if (str_glob(domains.v[i], domain, NULL))
			return true;
	return false;
}

static void domain_check(struct task *t, const struct profile_config *p, struct typed *mail) {
	struct str key, domain;
	if (mail->problem || mail_address_key(t, mail->value, &key, &domain)) {
		if (!mail->problem)
			mail->problem = "field.email";
		task_clear(t);
		return;
	}
	bool refused = domain_in(p->mail_domains_refused, domain);
	bool missing = p->mail_domains_allowed.n && !domain_in(p->mail_domains_allowed, domain);
	if (refused || missing)
		mail->problem = "field.domain";
}

static void login_check(const struct profile_config *p, struct typed *login) {
	struct str v = login->value;
	if (str_empty(v)) {
		login->problem = p->login_patterns.n ? NULL : "field.required"; /* nothing else to make a name of */
		return;
	}
	if ((int64_t)v.n > p->login_max_length) {
		login->problem = "field.login_long";
		return;
	}
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!letter && !(i > 0 && i + 1 < v.n && (c == '.' || c == '-' || c == '_')))
			login->problem = "field.login";
	}
	if (v.n < 2)
		login->problem = "field.login";
}

enum err admission_check(struct task *t, struct submission *s) {
	bool wrong = false;
	for (size_t i = 0; i < s->n; i++) {
		struct typed *typed = &s->fields[i];
		const struct field_config *f = profile_field(s->profile, typed->name);
		typed->value = str_trim(typed->value);
		if (f)
			field_check(t, f, typed);
		if (str_eq(typed->name, STR("mail")))
			domain_check(t, s->profile, typed);
		if (str_eq(typed->name, STR("login_name"))) {
			typed->value = str_lower(t->arena, typed->value);
			login_check(s->profile, typed);
		}
		wrong = wrong || typed->problem;
	}
	return wrong ? task_fail(t, ERR_FIELDS, "fields with problems") : OK;
}

/* ---- who needs an approval ---- */

static bool rule_matches(struct arena *a, const struct approval_rule *rule, const struct typed *fields, size_t n) {
	if (rule->mail_domains.n) {
		struct task scratch = {.arena = a};
		struct str key, domain;
		/* As the mail will find its way, not as it was spelt: a rule that asks for an approval must not be got
		 * round. */
		if (mail_address_key(&scratch, typed_value(fields, n, STR("mail")), &key, &domain) ||
			!domain_in(rule->mail_domains, domain))
			return false;
	}
	if (str_empty(rule->field))
		return true;
	struct str value = typed_value(fields, n, rule->field);
	for (size_t i = 0; i < rule->values.n; i++)
		if (str_eq_case(rule->values.v[i], value))
			return true;
	return false;
}

bool admission_needs_approval(
	struct arena *a, const struct profile_config *p, const struct typed *fields, size_t n, struct str *ret_why) {
	*ret_why = STR("");
	if (p->approval == APPROVAL_NEVER)
		return false;
	*ret_why = STR("Every request of this profile is approved by a person.");
	if (p->approval == APPROVAL_ALWAYS)
		return true;
	for (size_t i = 0; i < p->n_rules; i++) {
		if (!rule_matches(a, &p->rules[i], fields, n))
			continue;
		*ret_why = p->rules[i].approval ? str_printf(a, "Rule %zu of the profile asks for an approval.", i + 1)
						: STR("");
		return p->rules[i].approval;
	}
	*ret_why = STR("No rule of the profile allows this without an approval.");
	return true;
}
