/* Changes of the person behind the pages: fake_doors.h. */
#include "tests/unit/fake_doors.h"

enum err steward_look(struct task *t, struct str account_id, struct steward_person **ret) {
	static struct str names[] = {STR("mail"), STR("given_name"), STR("phone"), STR("department"), STR("title")};
	static struct attribute values[] = {
		{.name = {"mail", 4}}, {.name = {"given_name", 10}}, {.name = {"phone", 5}}};
	static struct group groups[] = {{.dn = {"cn=guests,ou=groups,dc=example,dc=org", 37}, .via = SIZE_MAX},
		{.dn = {"cn=all,ou=groups,dc=example,dc=org", 34}, .via = 0}};
	if (!str_eq(account_id, STR("A1")))
		return task_fail(t, ERR_NOT_FOUND, "account");
	struct steward_person *p = *ret = arena_new_of(t->arena, struct steward_person);
	values[0].values = (struct strs){arena_array(t->arena, struct str, 1), 1};
	values[0].values.v[0] = STR("ada@example.org");
	values[1].values = (struct strs){arena_array(t->arena, struct str, 1), 1};
	values[1].values.v[0] = STR("Ada <b>");
	values[2].values = (struct strs){arena_array(t->arena, struct str, 2), 2};
	values[2].values.v[0] = STR("+49 30 1");
	values[2].values.v[1] = STR("+49 30 2");
	*p = (struct steward_person){
		.account = &fake_account, .directory = &fake_directory_config, .why = world.person};
	p->attributes = (struct strs){names, COUNT(names)};
	p->bases = (struct strs){fake_bases, 1};
	p->choices = (struct strs){fake_more, 2};
	if (world.person)
		return OK;
	p->groups = (struct groups){.v = groups, .n = 2};
	p->entry = arena_new_of(t->arena, struct entry);
	*p->entry = (struct entry){.dn = STR("uid=ada,ou=people,dc=example,dc=org"),
		.login = STR("ada"),
		.mail = STR("ada@example.org"),
		.enabled = true,
		.attributes = values,
		.n_attributes = 3};
	return OK;
}

struct strs steward_values(const struct steward_person *p, struct str name) {
	for (size_t i = 0; p->entry && i < p->entry->n_attributes; i++)
		if (str_eq(p->entry->attributes[i].name, name))
			return p->entry->attributes[i].values;
	return (struct strs){NULL, 0};
}

struct str steward_ends(struct task *t, const struct steward_person *p) {
	(void)t, (void)p;
	return STR("2027-01-31");
}

bool steward_is_in(struct task *t, const struct steward_person *p, struct str group) {
	(void)t;
	return p->entry && str_eq(group, fake_more[0]);
}

enum err steward_preview(struct task *t, const struct steward_person *p, const struct wishes *w,
	struct wish_problem *problem, struct proposal *ret) {
	(void)p;
	world.wishes = *w;
	if (world.preview == ERR_FIELDS)
		*problem = (struct wish_problem){str_of(world.wrong_field), world.wrong_key};
	*ret = (struct proposal){NULL, STR("DIGEST"), STR("version: 1\n\ndn: uid=ada\n")};
	return world.preview ? task_fail(t, world.preview, "preview") : OK;
}

enum err steward_order(struct task *t, struct str account_id, const struct order *o, struct wish_problem *problem,
	struct str *ret_plan_id) {
	(void)account_id;
	world.ordered = *o;
	if (world.order == ERR_FIELDS)
		*problem = (struct wish_problem){str_of(world.wrong_field), world.wrong_key};
	*ret_plan_id = STR("P1");
	return world.order ? task_fail(t, world.order, "order") : OK;
}

enum err steward_await(struct task *t, struct str plan_id, int64_t ms) {
	(void)t, (void)plan_id, (void)ms;
	return OK;
}

enum err steward_apply(struct task *t, struct str plan_id, struct str confirm) {
	(void)plan_id, (void)confirm;
	world.applied++;
	return world.plan ? task_fail(t, world.plan, "plan") : OK;
}

enum err steward_cancel(struct task *t, struct str plan_id) {
	(void)plan_id;
	world.cancelled++;
	return world.plan ? task_fail(t, world.plan, "plan") : OK;
}

enum err steward_plans(struct task *t, struct str account_id, struct steward_plan **ret, size_t *n) {
	static struct plan_row parked = {.id = {"P1", 2},
		.state = PLAN_PARKED,
		.failure = {"attribute title was <changed>", 29},
		.created_at = NOW};
	static struct plan_step_row step = {.title = {"replace title", 13}, .result = -1, .at = NOW};
	(void)account_id;
	*ret = arena_new_of(t->arena, struct steward_plan);
	**ret = (struct steward_plan){.row = &parked,
		.titles = STR("replace title"),
		.ldif = STR("dn: uid=ada\n"),
		.steps = &step,
		.n_steps = 1};
	*n = 1;
	return OK;
}
