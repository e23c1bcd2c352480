/* Somebody who might register, for a plan like those of real people. */
#include <regex.h>

#include "base/encode.h"
#include "base/secret.h"
#include "federation/doctor/doctor_private.h"

#define SAMPLE_ID 26u /* letters, as many as an id of ours has */

/* Tried in this order where a field has a pattern. */
static const char *const texts[] = {
	"Doctor", "12345", "2000", "1", "A1", "AB", "ab", "DE", "de", "AB-1234", "abc12345"};
/* Attributes whose values are DNs (RFC 4519 2.30, RFC 4524 2.10, 2.17). */
static const struct str dn_attributes[] = {STR("manager"), STR("secretary"), STR("seeAlso"), STR("owner")};

static bool matches(struct task *t, struct str pattern, const char *text) {
	const char *anchored = NULL;
	regex_t compiled;
	if (task_cstr(t, str_printf(t->arena, "^(%.*s)$", FMT(pattern)), &anchored) ||
		regcomp(&compiled, anchored, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	bool yes = regexec(&compiled, text, 0, NULL, 0) == 0;
	regfree(&compiled);
	return yes;
}

static struct str text_value(struct visit *v, const struct field_config *f) {
	size_t i = 0;
	while (!str_empty(f->pattern) && i < COUNT(texts) && !matches(v->t, f->pattern, texts[i]))
		i++;
	struct str text = str_of(texts[i < COUNT(texts) ? i : 0]);
	if (f->max_length > 0 && (int64_t)text.n > f->max_length)
		return str_sub(text, 0, (size_t)f->max_length);
	while (f->min_length > (int64_t)text.n && text.n < 64)
		text = TEXT(v, "%.*so", FMT(text));
	return text;
}

static struct str field_value(struct visit *v, const struct field_config *f, struct str login) {
	struct str theirs = directory_attribute(v->d, f->attribute);
	if (str_eq(f->name, STR("mail")))
		return TEXT(v, "%.*s@usher.invalid", FMT(login));
	for (size_t i = 0; i < COUNT(dn_attributes); i++)
		if (str_eq_case(theirs, dn_attributes[i]))
			return v->d->bind_dn;
	switch (f->type) {
	case FIELD_EMAIL:
		return TEXT(v, "%.*s@usher.invalid", FMT(login));
	case FIELD_TEL:
		return STR("+15550100");
	case FIELD_DATE:
		return STR("2000-01-31");
	case FIELD_SELECT:
		return f->n_options ? f->options[0].value : STR("Doctor");
	case FIELD_CHECKBOX:
	case FIELD_TERMS:
		return STR("yes");
	case FIELD_TEXT:
	case FIELD_TEXTAREA:
		break;
	}
	return text_value(v, f);
}

/* "{login}" is the plan's to fill in; what else stands in braces are fields. */
static struct str constant_value(struct visit *v, struct str pattern) {
	struct strs parts = {0};
	for (size_t i = 0; i < pattern.n;) {
		bool word = pattern.p[i] == '{';
		size_t end = str_find(pattern, word ? '}' : '{', i);
		struct str part = str_sub(pattern, i, end - i + (word && end < pattern.n));
		bool ours = word && end < pattern.n && !str_eq(part, STR("{login}"));
		strs_add(v->t->arena, &parts, ours ? STR("Doctor") : part);
		i += part.n;
	}
	return parts.n ? str_join(v->t->arena, parts, STR("")) : STR("");
}

static void add(struct visit *v, struct attribute *list, size_t *n, struct str name, struct str value) {
	if (str_empty(name) || str_empty(value))
		return;
	list[*n].name = name;
	strs_add(v->t->arena, &list[(*n)++].values, value);
}

/* The same in each run, so that an entry that had to stay is found again, and no second one is made. */
static struct str sample_id(struct visit *v, const struct profile_config *p, struct str base) {
	struct arena *a = v->t->arena;
	struct str place = TEXT(
		v, "%.*s\n%.*s\n%.*s\n%.*s", FMT(v->realm->id), FMT(v->d->id), FMT(p->id), FMT(str_lower(a, base)));
	return str_sub(hex_encode(a, sha256(a, place)), 0, SAMPLE_ID);
}

enum err sample_plan(struct visit *v, const struct profile_config *p, struct str base, struct plan **ret) {
	struct arena *a = v->t->arena;
	struct str id = sample_id(v, p, base), login = TEXT(v, SAMPLE_LOGIN "%.*s", FMT(str_sub(id, id.n - 6, 6)));
	struct attribute *list = arena_array(a, struct attribute, p->n_fields + p->n_constants + 1);
	size_t n = 0;
	for (size_t i = 0; i < p->n_fields; i++) {
		const struct field_config *f = &p->fields[i];
		bool mail = str_eq(f->name, STR("mail"));
		if (f->required || mail)
			add(v, list, &n, mail ? STR("mail") : f->attribute, field_value(v, f, login));
	}
	for (size_t i = 0; i < p->n_constants; i++)
		add(v, list, &n, p->constants[i].attribute, constant_value(v, p->constants[i].pattern));
	struct plan_input input = {.directory = v->d,
		.marker = TEXT(v, "doctor-%.*s", FMT(id)),
		.base = base,
		.attributes = list,
		.n_attributes = n,
		.groups = p->groups};
	strs_add(a, &input.logins, login);
	return plan_build(v->t, &input, ret);
}
