/* The day on which an account ends: in the directory where it keeps one, else in the account's row. */
#include "base/clock.h"
#include "base/encode.h"
#include "broker/steward/steward_private.h"

#define DAY_MS 86400000

/* A date that others have written elsewhere is theirs. */
static int64_t ends_at(struct task *t, const struct steward_person *p) {
	struct attribute kept;
	bool theirs = p->entry && directory_ends_at(t->arena, p->directory, 1, &kept);
	return theirs ? p->entry->expires_at : p->account->expires_at;
}

struct str steward_ends(struct task *t, const struct steward_person *p) {
	int64_t at = ends_at(t, p);
	return at ? str_sub(time_rfc3339(t->arena, at - 1), 0, 10) : STR("");
}

/* "2027-01-31" as the midnight after it; 0: no day. */
static int64_t day_end(struct task *t, struct str day) {
	if (day.n != 10 || day.p[4] != '-' || day.p[7] != '-')
		return 0;
	int64_t at = directory_time_ms(str_printf(t->arena, "%.*s%.*s%.*s000000Z", FMT(str_sub(day, 0, 4)),
		FMT(str_sub(day, 5, 2)), FMT(str_sub(day, 8, 2))));
	/* 31 February is none, though a calendar may count on. */
	return at && str_eq(str_sub(time_rfc3339(t->arena, at), 0, 10), day) ? at + DAY_MS : 0;
}

/* 0 is never (MS-ADA1 2.1). */
static enum err add_attribute(struct task *t, int64_t at, struct update_input *in, const struct directory_config *d) {
	struct attribute ends;
	struct attribute *list = arena_array(t->arena, struct attribute, in->n_attributes + 1);
	if (!directory_ends_at(t->arena, d, at, &ends))
		return task_fail(t, ERR_INTERNAL, "a directory that keeps no date");
	if (!at)
		ends.values.v[0] = STR("0");
	for (size_t i = 0; i < in->n_attributes; i++)
		list[i] = in->attributes[i];
	list[in->n_attributes++] = ends;
	in->attributes = list;
	return OK;
}

static void add_kept(struct task *t, int64_t at, struct update_input *in) {
	struct strs *kept = arena_new_of(t->arena, struct strs);
	struct str day = time_rfc3339(t->arena, at);
	*kept = (struct strs){NULL, 0};
	if (at)
		strs_add(t->arena, kept,
			str_printf(t->arena, "%.*s%.*s%.*s000000Z", FMT(str_sub(day, 0, 4)), FMT(str_sub(day, 5, 2)),
				FMT(str_sub(day, 8, 2))));
	in->keep = kept;
}

enum err ends_add(struct task *t, const struct steward_person *p, struct str wish, struct update_input *in,
	struct wish_problem *problem) {
	struct attribute kept;
	bool never = str_eq(wish, STR("never"));
	if (str_empty(wish) || str_eq(wish, steward_ends(t, p)) || (never && !ends_at(t, p)))
		return OK;
	int64_t at = never ? 0 : day_end(t, wish);
	if (!never && !at)
		return wish_fail(t, problem, STR("ends"), "field.date");
	if (!never && at <= clock_wall_ms())
		return wish_fail(t, problem, STR("ends"), "change.past");
	if (directory_ends_at(t->arena, p->directory, 1, &kept))
		return add_attribute(t, at, in, p->directory);
	add_kept(t, at, in);
	return OK;
}
