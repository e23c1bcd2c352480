#include "config/config_private.h"

/* Names that the form itself, or a pattern, uses. */
static const char *const reserved[] = {"mail", "login_name", "csrf", "pow", "website", "t", "n"};

static struct str field_key(struct scope s, size_t i, const char *below) {
	return scope_item(s, "fields", i, below);
}

static void check_name(struct scope s, const struct profile_config *p, size_t i) {
	struct str name = p->fields[i].name;
	for (size_t j = 0; j < COUNT(reserved); j++)
		if (str_eq(name, str_of(reserved[j])))
			scope_fail(s, field_key(s, i, "name"), "%.*s is reserved; expected another name",
				FMT(quoted(s.load, name)));
	for (size_t j = 0; j < i && !str_empty(name); j++)
		if (str_eq(name, p->fields[j].name)) {
			scope_fail(s, field_key(s, i, "name"), "%.*s is the name of another field",
				FMT(quoted(s.load, name)));
			break;
		}
}

static void check_attribute(struct scope s, const struct profile_config *p, size_t i) {
	struct str attribute = p->fields[i].attribute;
	if (str_empty(attribute))
		return;
	if (str_eq_case(attribute, STR("mail")))
		scope_fail(s, field_key(s, i, "attribute"), "mail is filled by the mail address");
	for (size_t j = 0; j < i; j++)
		if (str_eq_case(attribute, p->fields[j].attribute)) {
			scope_fail(s, field_key(s, i, "attribute"), "%.*s is filled by another field",
				FMT(quoted(s.load, attribute)));
			break;
		}
}

static void check_options(struct scope s, const struct field_config *f, size_t i) {
	if (f->type != FIELD_SELECT && f->n_options)
		scope_fail(s, field_key(s, i, "options"), "are for a field of type select");
	if (f->type == FIELD_SELECT && f->n_options == 0)
		scope_fail(s, field_key(s, i, "options"), "is missing; a select field needs it");
	for (size_t j = 1; j < f->n_options; j++)
		for (size_t k = 0; k < j; k++)
			if (str_eq(f->options[j].value, f->options[k].value) && !str_empty(f->options[j].value)) {
				scope_fail(s, field_key(s, i, "options"), "%.*s stands there twice",
					FMT(quoted(s.load, f->options[j].value)));
				break;
			}
}

static void check_field(struct scope s, const struct field_config *f, size_t i) {
	bool terms = f->type == FIELD_TERMS;
	if (terms && left_empty(f->url))
		scope_fail(s, field_key(s, i, "url"), "is missing; a terms field needs it");
	if (!terms && !str_empty(f->url))
		scope_fail(s, field_key(s, i, "url"), "is for a field of type terms");
	if (f->min_length > f->max_length && f->max_length)
		scope_fail(s, field_key(s, i, "min_length"), "is more than max_length");
	bool typed = f->type != FIELD_SELECT && f->type != FIELD_CHECKBOX && !terms;
	if (!typed && !str_empty(f->pattern))
		scope_fail(s, field_key(s, i, "pattern"), "is for a field that people type into");
}

void check_fields(struct scope s, const struct profile_config *p) {
	for (size_t i = 0; i < p->n_fields; i++) {
		check_name(s, p, i);
		check_attribute(s, p, i);
		check_options(s, &p->fields[i], i);
		check_field(s, &p->fields[i], i);
	}
}
