/* Commands about plans, and about changes of people. */
#include <string.h>

#include "base/encode.h"
#include "broker/usherctl.h"

#define QUEUED "queued; the daemon takes it up within a second"

/* ---- plans ---- */

enum err run_plan_list(struct task *t, char **argv) {
	const char *states[PLAN_STATES];
	struct plan_row *rows = NULL;
	size_t n = 0;
	int state = -1;
	for (int i = 0; i < PLAN_STATES; i++)
		states[i] = plan_state_name((enum plan_state)i);
	TRY(choose(t, argv[1], states, PLAN_STATES, &state));
	TRY(plans_list(t, state, &rows, &n));
	for (size_t i = 0; i < n; i++) {
		bool creates = !str_empty(rows[i].registration_id);
		print_columns((struct str[]){rows[i].id, str_of(plan_state_name(rows[i].state)),
				      creates ? STR("creation") : STR("change"),
				      creates ? rows[i].registration_id : rows[i].account_id, rows[i].dn,
				      time_rfc3339(t->arena, rows[i].created_at), rows[i].failure},
			7);
	}
	print_cut(n);
	return OK;
}

/* The plan of this id where it changes somebody, else NULL and the registration that is meant. */
static enum err plan_meant(struct task *t, const char *id, struct plan_row **ret, struct str *ret_registration) {
	struct plan_row *row = NULL;
	enum err e = plans_find(t, str_of(id), &row);
	if (e && e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	*ret = !e && str_empty(row->registration_id) ? row : NULL;
	*ret_registration = e ? str_of(id) : row->registration_id;
	return OK;
}

static enum err show(struct task *t, const struct plan_row *row) {
	const struct directory_config *d = realm_directory(t->realm, row->directory);
	struct plan *plan = NULL;
	struct plan_step_row *steps = NULL;
	size_t n = 0;
	TRY(plan_parse(t, row->body, &plan));
	TRY(plan_steps_list(t, row->id, &steps, &n));
	if (!d)
		return task_fail(t, ERR_CONFIG, "directory %.*s is no longer configured", FMT(row->directory));
	say(t, "%.*s", FMT(plan_ldif(t->arena, plan, d, 0)));
	print_steps(t, steps, n);
	say(t, "# %s%s%.*s\n", plan_state_name(row->state), str_empty(row->failure) ? "" : ": ", FMT(row->failure));
	return OK;
}

enum err run_plan_show(struct task *t, char **argv) {
	struct plan_row *row = NULL;
	struct str registration;
	TRY(plan_meant(t, argv[1], &row, &registration));
	return row ? show(t, row) : registration_plan_show(t, registration);
}

enum err run_plan_apply(struct task *t, char **argv) {
	struct plan_row *row = NULL;
	struct str registration;
	TRY(plan_meant(t, argv[1], &row, &registration));
	TRY(row ? steward_apply(t, row->id, str_of(argv[2])) : registration_plan_apply(t, registration));
	puts(QUEUED);
	return OK;
}

enum err run_plan_cancel(struct task *t, char **argv) {
	struct plan_row *row = NULL;
	struct str registration;
	TRY(plan_meant(t, argv[1], &row, &registration));
	TRY(row ? steward_cancel(t, row->id) : registration_plan_cancel(t, registration));
	puts(row ? "cancelled; what was done stays" : "cancelled; the registration waits for a decision again");
	return OK;
}

/* ---- a change ---- */

struct typed_change {
	struct wishes wishes;
	struct str confirm;
	bool apply;
};

static struct attribute *attribute_wish(struct task *t, struct wishes *w, struct str name) {
	for (size_t i = 0; i < w->n_attributes; i++)
		if (str_eq(w->attributes[i].name, name))
			return &w->attributes[i];
	w->attributes = arena_grow(t->arena, w->attributes, w->n_attributes * sizeof(*w->attributes),
		(w->n_attributes + 1) * sizeof(*w->attributes));
	struct attribute *added = &w->attributes[w->n_attributes++];
	*added = (struct attribute){.name = name};
	return added;
}

/* A name that comes twice has two values. */
static enum err set(struct task *t, struct typed_change *c, struct str typed) {
	size_t at = str_find(typed, '=', 0);
	if (!at || at >= typed.n)
		return task_fail(t, ERR_INVALID, "--set %.*s: NAME=VALUE was expected", FMT(typed));
	strs_add(t->arena, &attribute_wish(t, &c->wishes, str_sub(typed, 0, at))->values,
		str_sub(typed, at + 1, typed.n));
	return OK;
}

static enum err unset(struct task *t, struct typed_change *c, struct str typed) {
	attribute_wish(t, &c->wishes, typed);
	return OK;
}
static enum err add_join(struct task *t, struct typed_change *c, struct str typed) {
	strs_add(t->arena, &c->wishes.join, typed);
	return OK;
}
static enum err add_leave(struct task *t, struct typed_change *c, struct str typed) {
	strs_add(t->arena, &c->wishes.leave, typed);
	return OK;
}
static enum err move(struct task *t, struct typed_change *c, struct str typed) {
	(void)t;
	c->wishes.base = typed;
	return OK;
}
static enum err end(struct task *t, struct typed_change *c, struct str typed) {
	(void)t;
	c->wishes.ends = typed;
	return OK;
}
static enum err confirm(struct task *t, struct typed_change *c, struct str typed) {
	(void)t;
	c->confirm = typed;
	return OK;
}

static const struct {
	const char *word;
	bool has_value;
	enum err (*take)(struct task *t, struct typed_change *c, struct str typed); /* NULL: a flag */
	enum state_wish enabled;
	bool remove, apply;
} words[] = {
	{"--set", true, set, WISH_NONE, false, false},
	{"--unset", true, unset, WISH_NONE, false, false},
	{"--join", true, add_join, WISH_NONE, false, false},
	{"--leave", true, add_leave, WISH_NONE, false, false},
	{"--move", true, move, WISH_NONE, false, false},
	{"--ends", true, end, WISH_NONE, false, false},
	{"--confirm", true, confirm, WISH_NONE, false, false},
	{"--disable", false, NULL, WISH_DISABLE, false, false},
	{"--enable", false, NULL, WISH_ENABLE, false, false},
	{"--delete", false, NULL, WISH_NONE, true, false},
	{"--apply", false, NULL, WISH_NONE, false, true},
};

static size_t word_find(const char *typed) {
	size_t i = 0;
	while (i < COUNT(words) && strcmp(words[i].word, typed) != 0)
		i++;
	return i;
}

static enum err change_read(struct task *t, char **argv, struct typed_change *c) {
	for (char **at = argv; *at; at++) {
		size_t i = word_find(*at);
		if (i == COUNT(words))
			return task_fail(t, ERR_INVALID, "\"%s\" is no change", *at);
		if (words[i].has_value && !at[1])
			return task_fail(t, ERR_INVALID, "%s: a value was expected", *at);
		if (words[i].take)
			TRY(words[i].take(t, c, str_of(*++at)));
		c->wishes.enabled = words[i].enabled ? words[i].enabled : c->wishes.enabled;
		c->wishes.remove = c->wishes.remove || words[i].remove;
		c->apply = c->apply || words[i].apply;
	}
	return OK;
}

/* By what people type at the login, in the directory that has them. */
static enum err account_of_login(struct task *t, const char *typed, struct account **ret) {
	for (size_t i = 0; i < t->realm->n_directories; i++) {
		const struct directory_config *d = &t->realm->directories[i];
		struct entry *e = NULL;
		enum err found = directory_find_login(t, d, str_of(typed), &e);
		if (!found)
			return account_link(t, d, e, ret);
		if (found != ERR_NOT_FOUND)
			return found;
		task_clear(t);
	}
	return task_fail(t, ERR_NOT_FOUND, "nobody is called %s in the directories of this realm", typed);
}

static enum err account_meant(struct task *t, const char *typed, struct account **ret) {
	enum err e = accounts_find(t, str_of(typed), ret);
	if (e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	return account_of_login(t, typed, ret);
}

/* What the pages say in sentences of their catalogue. */
static const struct {
	const char *key, *words;
} problems[] = {
	{"change.attribute", "this attribute is not one that may be changed"},
	{"change.value", "a value with characters that cannot be"},
	{"change.long", "a value that the directory does not take"},
	{"change.dn", "the DN of an entry was expected"},
	{"change.mail_taken", "somebody else has this mail address"},
	{"change.group", "a group that no profile allows"},
	{"change.base", "a place that no profile allows"},
	{"change.alone", "a deletion stands alone"},
	{"change.nothing", "all of it is so already"},
	{"change.impossible", "what is there now has too many values, or some that are no text"},
	{"change.confirm", "--confirm with the login name was expected"},
	{"field.date", "a day such as 2027-01-31, or never, was expected"},
	{"change.past", "this day is over"},
	{"field.email", "not a mail address"},
	{"field.required", "people must have one"},
};

static enum err told(struct task *t, enum err e, const struct wish_problem *problem) {
	if (e != ERR_FIELDS)
		return e;
	const char *says = problem->key;
	for (size_t i = 0; i < COUNT(problems); i++)
		if (strcmp(problems[i].key, problem->key) == 0)
			says = problems[i].words;
	task_clear(t);
	return task_fail(t, ERR_INVALID, "%.*s%s%s", FMT(problem->field), str_empty(problem->field) ? "" : ": ", says);
}

static enum err order(
	struct task *t, const struct steward_person *p, const struct typed_change *c, const struct proposal *proposal) {
	struct order o = {.wishes = c->wishes, .digest = proposal->digest, .confirm = c->confirm};
	struct wish_problem problem = {STR(""), ""};
	struct str id;
	TRY(told(t, steward_order(t, p->account->id, &o, &problem, &id), &problem));
	printf("# plan %.*s: " QUEUED "\n", FMT(id));
	return OK;
}

enum err run_change(struct task *t, char **argv) {
	struct typed_change c = {0};
	struct account *a = NULL;
	struct steward_person *p = NULL;
	struct proposal proposal;
	struct wish_problem problem = {STR(""), ""};
	struct str id;
	TRY(change_read(t, argv + 2, &c));
	TRY(account_meant(t, argv[1], &a));
	TRY(steward_look(t, a->id, &p));
	TRY(told(t, steward_preview(t, p, &c.wishes, &problem, &proposal), &problem));
	say(t, "%.*s", FMT(proposal.ldif));
	if (c.apply)
		return order(t, p, &c, &proposal);
	TRY(steward_draft(t, p, &proposal, &id));
	printf("# plan %.*s, a draft: \"usherctl plan apply %.*s %.*s%s\" orders it\n", FMT(id), FMT(t->realm_name),
		FMT(id), c.wishes.remove ? " LOGIN" : "");
	return OK;
}
