#include "web/pages/admin.h"

#include "broker/jose/jose.h"

enum err admin_actor(struct task *t, const struct request *q, struct approver *ret) {
	return approval_actor(t, q->login->account, ret);
}

enum err admin_operator(struct task *t, const struct request *q, struct approver *ret) {
	struct approver who;
	TRY(approval_actor(t, q->login->account, &who));
	if (!who.is_operator)
		return task_fail(t, ERR_DENIED, "not an operator");
	*ret = who;
	return OK;
}

struct value *admin_data(
	struct task *t, struct request *q, struct response *r, const char *key, const struct approver *who) {
	struct value *data = page_data_of(t, q, r, key);
	value_bool(t->arena, data, "wide", true);
	value_bool(t->arena, data, "operator", who->is_operator);
	value_bool(t->arena, value_child(t->arena, data, "nav"), strcmp(key, "request") ? key : "queue", true);
	return data;
}

struct str asked(const struct request *q, const char *name) {
	struct str value = param(q->query, name);
	return str_absent(value) ? STR("") : value;
}

/* Who is no person with an account: "job", "client:ID", "cli:UID". */
static struct str program_words(struct task *t, struct str actor) {
	struct str client = STR("client:");
	if (str_starts(actor, client))
		return text_with(t, "actor.client", str_sub(actor, client.n, actor.n));
	if (str_starts(actor, STR("cli:")))
		return text("actor.cli");
	return text_named(t, "actor.", actor);
}

/* Who was not logged in (yet): whoever holds the links of a registration is the person who made it, and what was done
 * about an account was done by its owner. */
static struct str audit_actor(struct task *t, const struct audit_row *a) {
	struct account *owner = NULL;
	if (!str_eq(a->actor, STR("nobody")))
		return actor_words(t, a->actor);
	if (str_starts(a->action, STR("registration.")) || str_starts(a->action, STR("activation.")))
		return text("actor.person");
	if (!accounts_find(t, a->subject, &owner))
		return owner->login;
	task_clear(t);
	return text("actor.nobody");
}

struct str actor_words(struct task *t, struct str actor) {
	struct str prefix = STR("person:");
	struct account *a = NULL;
	if (!str_starts(actor, prefix))
		return program_words(t, actor);
	if (!accounts_find_sub(t, str_sub(actor, prefix.n, actor.n), &a))
		return a->login;
	task_clear(t);
	return actor;
}

/* {"client":"a","why":"x"} as "application: a, why: x". */
static struct str detail_words(struct task *t, struct str json) {
	owned(json) json_t *parsed = NULL;
	struct buf out = buf_new(t->arena, LIMIT_FIELD_VALUE);
	const char *name;
	json_t *value;
	if (json_parse(t, json, &parsed) || !json_is_object(parsed)) {
		task_clear(t);
		return json;
	}
	json_object_foreach(parsed, name, value) {
		struct str words = str_slice(json_string_value(value), json_string_length(value));
		if (str_empty(words))
			continue;
		if (out.n)
			buf_put(&out, STR(", "));
		if (strcmp(name, "from") == 0 || strcmp(name, "to") == 0)
			words = text_named(t, "state.", words);
		buf_printf(&out, "%.*s: %.*s", FMT(text_named(t, "detail.", str_of(name))), FMT(words));
	}
	return buf_str(&out);
}

void add_audit_row(struct task *t, struct value *list, const struct audit_row *a) {
	struct value *row = value_row(t->arena, list);
	page_time(t, row, "at", a->at);
	value_text(t->arena, row, "actor", visible(t, audit_actor(t, a)));
	value_text(t->arena, row, "action", text_named(t, "audit.", a->action));
	value_text(t->arena, row, "code", a->action);
	value_text(t->arena, row, "detail", visible(t, detail_words(t, a->detail)));
	value_text(t->arena, row, "address", a->address);
	value_text(t->arena, row, "subject", a->subject);
}

/* What the directory answered to a step, in words. */
static struct str step_outcome(int64_t result) {
	static const struct {
		int64_t result;
		const char *key;
	} rows[] = {{0, "plan.step.done"}, {68, "plan.step.taken"}, {-1, "plan.step.none"}};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].result == result)
			return text(rows[i].key);
	return text("plan.step.refused");
}

void add_steps(struct task *t, struct value *run, const struct plan_step_row *list, size_t n) {
	struct value *steps = value_list(t->arena, run, "steps");
	for (size_t i = 0; i < n; i++) {
		struct value *row = value_row(t->arena, steps);
		page_time(t, row, "at", list[i].at);
		value_text(t->arena, row, "title", visible(t, list[i].title));
		value_text(t->arena, row, "outcome", step_outcome(list[i].result));
		value_number(t->arena, row, "result", list[i].result);
		value_number(t->arena, row, "ms", list[i].ms);
		value_text(t->arena, row, "diagnostic", visible(t, list[i].diagnostic));
	}
}

struct str plan_state_words(enum plan_state state) {
	static const char *const states[PLAN_STATES] = {
		"plan.queued", "plan.running", "plan.done", "plan.parked", "plan.cancelled", "plan.draft"};
	return text(states[state]);
}

struct strs lines_of(struct task *t, struct str text) {
	struct strs list = {0};
	struct str line;
	while (str_next(&text, '\n', &line))
		if (!str_empty(str_trim(line)))
			strs_add(t->arena, &list, str_trim(line));
	return list;
}

void add_state(struct task *t, struct value *row, enum registration_state state) {
	static const char *const signs[REGISTRATION_STATES] = {
		[REGISTRATION_SUBMITTED] = "",
		[REGISTRATION_PENDING] = "wait",
		[REGISTRATION_APPROVED] = "wait",
		[REGISTRATION_PROVISIONED] = "wait",
		[REGISTRATION_ACTIVE] = "good",
		[REGISTRATION_REJECTED] = "bad",
		[REGISTRATION_EXPIRED] = "bad",
		[REGISTRATION_WITHDRAWN] = "",
	};
	value_text(t->arena, row, "state", text_named(t, "state.", str_of(registration_state_name(state))));
	value_text(t->arena, row, "sign", str_of(signs[state]));
}

void add_option(struct task *t, struct value *options, struct str value, struct str label, struct str chosen) {
	struct value *row = value_row(t->arena, options);
	value_text(t->arena, row, "value", value);
	value_text(t->arena, row, "label", label);
	value_bool(t->arena, row, "selected", str_eq(value, chosen));
}
