/* Between a registration's row and its fields, lists, profile and plan. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "broker/jose/jose.h"
#include "broker/registrar/registrar_private.h"

struct str strs_json(struct arena *a, struct strs list) {
	struct buf out = buf_new(a, LIMIT_BODY);
	buf_byte(&out, '[');
	for (size_t i = 0; i < list.n; i++) {
		if (i)
			buf_byte(&out, ',');
		json_escape(&out, list.v[i]);
	}
	buf_byte(&out, ']');
	return buf_str(&out);
}

enum err strs_parse(struct task *t, struct str json, struct strs *ret) {
	owned(json) json_t *parsed = NULL;
	struct strs list = {0};
	size_t i;
	json_t *item;
	TRY(json_parse(t, json, &parsed));
	json_array_foreach(parsed, i, item) {
		strs_add(t->arena, &list,
			str_dup(t->arena, str_slice(json_string_value(item), json_string_length(item))));
	}
	*ret = list;
	return OK;
}

enum err registration_fields(
	struct task *t, const struct registration *r, const struct profile_config *p, struct typed **ret, size_t *n) {
	owned(json) json_t *parsed = NULL;
	TRY(json_parse(t, r->fields, &parsed));
	struct typed *fields = arena_array(t->arena, struct typed, p->n_fields);
	for (size_t i = 0; i < p->n_fields; i++) {
		const char *name = NULL;
		TRY(task_cstr(t, p->fields[i].name, &name));
		fields[i].name = p->fields[i].name;
		fields[i].value = str_dup(t->arena, json_member_str(parsed, name));
	}
	*ret = fields;
	*n = p->n_fields;
	return OK;
}

struct strs registration_groups(struct task *t, const struct registration *r, const struct profile_config *p) {
	struct strs chosen = {0};
	if (str_empty(r->groups) || strs_parse(t, r->groups, &chosen))
		return p->groups;
	return chosen;
}

/* ---- the plan ---- */

/* "{given_name} {family_name}" with what was typed, as typed; "{login_name}" is the plan's "{login}". */
static struct str constant_expand(struct arena *a, struct str pattern, const struct typed *fields, size_t n) {
	struct buf out = buf_new(a, LIMIT_FIELD_VALUE);
	for (size_t i = 0; i < pattern.n;) {
		size_t end = pattern.p[i] == '{' ? str_find(pattern, '}', i) : pattern.n;
		if (pattern.p[i] != '{' || end == pattern.n) {
			buf_byte(&out, pattern.p[i++]);
			continue;
		}
		struct str name = str_sub(pattern, i + 1, end - i - 1);
		buf_put(&out, str_eq(name, STR("login_name")) ? STR("{login}") : typed_value(fields, n, name));
		i = end + 1;
	}
	return str_trim(buf_str(&out));
}

static void attribute_add(struct task *t, struct attribute *list, size_t *n, struct str name, struct str value) {
	if (str_empty(name) || str_empty(value))
		return;
	struct attribute *at = &list[(*n)++];
	at->name = name;
	strs_add(t->arena, &at->values, value);
}

/* At midnight, so that the plan that was shown is the plan that is approved a minute later. */
int64_t registration_ends_at(const struct profile_config *p) {
	const int64_t day = 86400000;
	return p->expires_after ? ((clock_wall_ms() + p->expires_after * 1000) / day + 1) * day : 0;
}

static size_t plan_attributes(
	struct task *t, const struct profile_config *p, const struct typed *fields, size_t n, struct attribute **ret) {
	struct attribute *list = arena_array(t->arena, struct attribute, n + p->n_constants + 2);
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		const struct field_config *f = &p->fields[i];
		bool is_mail = str_eq(f->name, STR("mail"));
		attribute_add(t, list, &count, is_mail ? STR("mail") : f->attribute, fields[i].value);
	}
	for (size_t i = 0; i < p->n_constants; i++)
		attribute_add(t, list, &count, p->constants[i].attribute,
			constant_expand(t->arena, p->constants[i].pattern, fields, n));
	int64_t ends = registration_ends_at(p);
	if (ends && directory_ends_at(t->arena, realm_directory(t->realm, p->directory), ends, &list[count]))
		count++;
	*ret = list;
	return count;
}

enum err registration_plan(struct task *t, const struct registration *r, const struct profile_config *p,
	struct str base, struct strs groups, struct plan **ret) {
	struct typed *fields = NULL;
	struct attribute *attributes = NULL;
	size_t n = 0;
	struct plan_input input = {
		.directory = realm_directory(t->realm, p->directory),
		.marker = r->id,
		.base = str_empty(base) ? p->base : base,
		.groups = groups,
	};
	TRY(naming_settle(t, p, r, &input.logins));
	TRY(registration_fields(t, r, p, &fields, &n));
	input.n_attributes = plan_attributes(t, p, fields, n, &attributes);
	input.attributes = attributes;
	return plan_build(t, &input, ret);
}

enum err plan_queue(struct task *t, struct registration *r, const struct plan *p) {
	struct plan_row row = {
		.id = random_id(t->arena),
		.realm = t->realm_name,
		.registration_id = r->id,
		.directory = p->directory,
		.body = plan_json(t->arena, p),
		.digest = plan_digest(t->arena, p),
		.state = PLAN_QUEUED,
		.created_at = clock_wall_ms(),
		.updated_at = clock_wall_ms(),
	};
	TRY(plans_insert(t, &row));
	r->plan_id = row.id;
	return OK;
}

enum err notice_queue(struct task *t, const char *notice, struct str subject, int64_t due_at) {
	return jobs_insert(t, JOB_NOTICE, subject, str_printf(t->arena, "{\"notice\":\"%s\"}", notice), due_at, NULL);
}
