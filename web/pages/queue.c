/* The approvers' list of requests. */
#include "base/clock.h"
#include "base/encode.h"
#include "web/pages/admin.h"

#define ROWS_A_PAGE 25u
#define DAY_MS      86400000ll

struct wish {
	struct str state, profile, search, after;
	int64_t age_days; /* waiting at least this long; 0: any */
	int state_number;
};

static void wish_read(const struct request *q, struct wish *w) {
	*w = (struct wish){.state = asked(q, "state"),
		.profile = asked(q, "profile"),
		.search = str_trim(asked(q, "q")),
		.after = asked(q, "after"),
		.state_number = -1};
	if (str_absent(param(q->query, "state")))
		w->state = STR("pending");
	for (int i = 0; i < REGISTRATION_STATES; i++)
		if (str_eq(w->state, str_of(registration_state_name((enum registration_state)i))))
			w->state_number = i;
	if (!str_int(asked(q, "age"), 1, 3650, &w->age_days))
		w->age_days = 0;
}

static void add_choices(struct task *t, struct value *data, const struct approver *who, const struct wish *w) {
	static const int ages[] = {1, 3, 7, 14};
	struct value *states = value_list(t->arena, data, "states"), *profiles = value_list(t->arena, data, "profiles");
	struct value *by_age = value_list(t->arena, data, "ages");
	struct str age = str_printf(t->arena, "%lld", (long long)w->age_days);
	add_option(t, states, STR("any"), text("queue.any_state"), w->state);
	for (int i = 0; i < REGISTRATION_STATES; i++) {
		struct str name = str_of(registration_state_name((enum registration_state)i));
		add_option(t, states, name, text_named(t, "state.", name), w->state);
	}
	add_option(t, profiles, STR(""), text("queue.any_profile"), w->profile);
	for (size_t i = 0; i < who->profiles.n; i++) {
		const struct profile_config *p = realm_profile(t->realm, who->profiles.v[i]);
		add_option(t, profiles, p->id, p->title, w->profile);
	}
	add_option(t, by_age, STR(""), text("queue.any_age"), age);
	for (size_t i = 0; i < COUNT(ages); i++)
		add_option(t, by_age, str_printf(t->arena, "%d", ages[i]),
			text_with(t, "queue.older", duration_words(t, ages[i] * DAY_MS / 1000)), age);
	value_text(t->arena, data, "q", w->search);
	bool narrowed = w->state_number != REGISTRATION_PENDING || w->profile.n || w->search.n || w->age_days;
	value_text(t->arena, data, "empty", text(narrowed ? "queue.none" : "queue.empty"));
}

static enum err add_row(struct task *t, struct value *list, const struct registration *reg) {
	const struct profile_config *p = realm_profile(t->realm, reg->profile);
	struct typed *fields = NULL;
	size_t n = 0;
	TRY(registration_fields(t, reg, p, &fields, &n));
	struct value *row = value_row(t->arena, list);
	struct str name = person_name(t, fields, n);
	value_text(t->arena, row, "id", reg->id);
	value_text(t->arena, row, "name", visible(t, str_empty(name) ? reg->mail : name));
	value_text(t->arena, row, "mail", visible(t, reg->mail));
	value_text(t->arena, row, "profile", p->title);
	add_state(t, row, reg->state);
	value_text(t->arena, row, "age", duration_words(t, (clock_wall_ms() - reg->created_at) / 1000));
	page_time(t, row, "created", reg->created_at);
	return OK;
}

static struct str next_link(struct task *t, const struct wish *w, struct str last_id) {
	return str_printf(t->arena, "%.*s?state=%.*s&profile=%.*s&q=%.*s&age=%lld&after=%.*s",
		FMT(realm_path(t, "/admin/registrations")), FMT(form_encode(t->arena, w->state)),
		FMT(form_encode(t->arena, w->profile)), FMT(form_encode(t->arena, w->search)), (long long)w->age_days,
		FMT(last_id));
}

/* The oldest come first, so that those young enough to leave out are the list's end. */
static enum err add_rows(struct task *t, struct value *data, const struct wish *w, struct strs profiles) {
	struct registration_filter filter = {.profiles = profiles,
		.state = w->state_number,
		.search = w->search,
		.after = w->after,
		.limit = ROWS_A_PAGE + 1};
	struct value *list = value_list(t->arena, data, "rows");
	struct registration *rows = NULL;
	size_t n = 0, shown = 0;
	int64_t before = w->age_days ? clock_wall_ms() - w->age_days * DAY_MS : INT64_MAX;
	TRY(registrations_list(t, &filter, &rows, &n));
	while (shown < n && shown < ROWS_A_PAGE && rows[shown].created_at <= before)
		TRY(add_row(t, list, &rows[shown++]));
	bool more = shown < n && rows[shown].created_at <= before;
	value_text(t->arena, data, "next", more ? next_link(t, w, rows[shown - 1].id) : STR(""));
	return OK;
}

enum err page_registrations(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	struct wish w;
	struct strs one = {0};
	TRY(admin_actor(t, q, &who));
	wish_read(q, &w);
	if (strs_has(who.profiles, w.profile))
		strs_add(t->arena, &one, w.profile);
	struct value *data = admin_data(t, q, r, "queue", &who);
	add_choices(t, data, &who, &w);
	TRY(add_rows(t, data, &w, one.n ? one : who.profiles));
	return page_render(t, r, 200, "admin_registrations", data);
}
