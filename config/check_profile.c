#include "config/config_private.h"

static struct str constant_key(struct scope s, struct str attribute) {
	return str_printf(s.load->scratch, "constants.%.*s", FMT(attribute));
}

static bool is_select_value(const struct field_config *f, struct str value) {
	for (size_t i = 0; i < f->n_options; i++)
		if (str_eq_case(f->options[i].value, value))
			return true;
	return f->type != FIELD_SELECT;
}

static void check_rule_field(struct scope s, const struct profile_config *p, size_t i) {
	const struct approval_rule *rule = &p->rules[i];
	const struct field_config *f = profile_field(p, rule->field);
	struct nearest n = {.wanted = rule->field};
	for (size_t j = 0; j < p->n_fields; j++)
		nearest_try(&n, p->fields[j].name);
	if (!f) {
		scope_fail(s, scope_item(s, "approval.rules", i, "field"), "%.*s is not a field of this profile%.*s",
			FMT(quoted(s.load, rule->field)), FMT(nearest_text(s.load, &n)));
		return;
	}
	for (size_t j = 0; j < rule->values.n; j++)
		if (!is_select_value(f, rule->values.v[j]))
			scope_fail(s, scope_item(s, "approval.rules", i, "values"),
				"%.*s is not an option of the field", FMT(quoted(s.load, rule->values.v[j])));
}

static void check_rules(struct scope s, const struct profile_config *p) {
	if (p->approval == APPROVAL_RULES && p->n_rules == 0 && !scope_has(s, STR("approval.rules")))
		scope_fail(s, STR("approval.rules"), "is missing; when: rules needs it");
	if (p->approval != APPROVAL_RULES && p->n_rules)
		scope_fail(s, STR("approval.rules"), "is not looked at: approval.when is not rules");
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct approval_rule *rule = &p->rules[i];
		bool field = !str_empty(rule->field), values = rule->values.n > 0;
		bool told = scope_has(s, scope_item(s, "approval.rules", i, "field")) ||
			    scope_has(s, scope_item(s, "approval.rules", i, "mail_domains"));
		if (!field && !values && rule->mail_domains.n == 0 && !told)
			scope_fail(s, scope_item(s, "approval.rules", i, ""),
				"matches nothing: expected mail_domains, or field and values");
		else if (field != values)
			scope_fail(s, scope_item(s, "approval.rules", i, ""), "needs field and values together");
		if (field)
			check_rule_field(s, p, i);
	}
}

/* extra: names that a pattern may use beside the fields. */
static void check_placeholders(
	struct scope s, const struct profile_config *p, struct str key, struct str pattern, struct str extra) {
	size_t at = 0;
	struct str name;
	while (pattern_next(pattern, &at, &name) > 0) {
		if (str_eq(name, extra) || str_eq(name, STR("mail")) || profile_field(p, name))
			continue;
		struct nearest n = {.wanted = name};
		for (size_t i = 0; i < p->n_fields; i++)
			nearest_try(&n, p->fields[i].name);
		scope_fail(
			s, key, "{%.*s} is not a field of this profile%.*s", FMT(name), FMT(nearest_text(s.load, &n)));
	}
}

static void check_patterns(struct scope s, const struct profile_config *p) {
	for (size_t i = 0; i < p->login_patterns.n; i++)
		check_placeholders(s, p, scope_item(s, "login_name.patterns", i, ""), p->login_patterns.v[i], STR("n"));
	for (size_t i = 0; i < p->n_constants; i++) {
		const struct constant_attribute *c = &p->constants[i];
		check_placeholders(s, p, constant_key(s, c->attribute), c->pattern, STR("login_name"));
		if (str_eq_case(c->attribute, STR("mail")))
			scope_fail(s, constant_key(s, c->attribute), "is filled by the mail address");
		for (size_t j = 0; j < p->n_fields; j++)
			if (!str_empty(c->attribute) && str_eq_case(c->attribute, p->fields[j].attribute))
				scope_fail(s, constant_key(s, c->attribute), "is filled by the field %.*s too",
					FMT(p->fields[j].name));
	}
}

static void check_profile_directory(struct scope s, const struct realm *r, const struct profile_config *p) {
	struct nearest n = {.wanted = p->directory};
	if (str_empty(p->directory) || realm_directory(r, p->directory))
		return;
	for (size_t i = 0; i < r->n_directories; i++)
		nearest_try(&n, r->directories[i].id);
	scope_fail(s, STR("directory"), "%.*s is not a directory of this realm%.*s", FMT(quoted(s.load, p->directory)),
		FMT(nearest_text(s.load, &n)));
}

void check_profile(struct scope s, const struct realm *r, const struct profile_config *p) {
	check_profile_directory(s, r, p);
	check_fields(s, p);
	check_patterns(s, p);
	check_rules(s, p);
	if (p->approval != APPROVAL_NEVER && left_empty(p->approvers) && left_empty(r->operators))
		scope_fail(s, STR("approvers.group"),
			"is missing: nobody could approve (the realm has no operators either)");
	if (p->remind_after >= p->undecided_ttl && p->undecided_ttl)
		scope_fail(s, STR("times.remind"), "is not before times.undecided");
}
