#include "base/clock.h"
#include "web/pages/pages.h"

#define NAME_MOST 128u

struct str field(const struct request *q, const char *name) {
	struct str value = param(q->form, name);
	return str_absent(value) ? STR("") : value;
}

bool pressed(const struct request *q, const char *button) {
	return !str_absent(param(q->form, button));
}

/* ---- texts ---- */

struct str text_with(struct task *t, const char *key, struct str value) {
	struct str pattern = text(key);
	struct buf out = buf_new(t->arena, LIMIT_FIELD_VALUE * 2);
	for (size_t i = 0; i < pattern.n; i++) {
		if (!str_eq(str_sub(pattern, i, 2), STR("{}"))) {
			buf_byte(&out, pattern.p[i]);
			continue;
		}
		buf_put(&out, value);
		i++;
	}
	return buf_str(&out);
}

struct str text_named(struct task *t, const char *prefix, struct str name) {
	const char *key = NULL;
	if (name.n > NAME_MOST || task_cstr(t, str_printf(t->arena, "%s%.*s", prefix, FMT(name)), &key))
		return name;
	struct str found = text(key);
	return str_eq(found, str_of(key)) ? name : found;
}

bool may_register(const struct task *t) {
	bool open = false;
	for (size_t i = 0; i < t->realm->n_profiles; i++)
		open = open || t->realm->profiles[i].open;
	return open;
}

struct str duration_words(struct task *t, int64_t seconds) {
	static const struct {
		int64_t seconds;
		const char *one, *many;
	} units[] = {
		{86400, "time.day", "time.days"},
		{3600, "time.hour", "time.hours"},
		{60, "time.minute", "time.minutes"},
	};
	for (size_t i = 0; i < COUNT(units); i++) {
		int64_t n = seconds / units[i].seconds;
		if (n > 0)
			return n == 1 ? text(units[i].one)
				      : text_with(t, units[i].many, str_printf(t->arena, "%lld", (long long)n));
	}
	return text("time.moment");
}

/* A unit counts where it is exact or there are at least two of it, so that 61 minutes are not "2 hours". */
struct str wait_words(struct task *t, int64_t seconds) {
	static const int64_t units[] = {3600, 86400};
	int64_t unit = 60;
	for (size_t i = 0; i < COUNT(units); i++)
		if (seconds >= 2 * units[i] || (seconds > units[i] - 60 && seconds <= units[i]))
			unit = units[i];
	return duration_words(t, seconds < 60 ? seconds : (seconds + unit - 1) / unit * unit);
}

/* ---- names as they were typed, with nothing hidden ---- */

struct range {
	uint32_t first, last;
};

static bool in_ranges(const struct range *ranges, size_t n, uint32_t c) {
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Controls, format characters, fillers and odd spaces: Unicode general categories Cc, Cf, Zl, Zp, Zs and default
 * ignorable letters. */
static bool is_hidden(uint32_t c) {
	static const struct range ranges[] = {
		{0x00, 0x09},
		{0x0B, 0x0C},
		{0x0E, 0x1F},
		{0x7F, 0xA0},
		{0xAD, 0xAD},
		{0x034F, 0x034F},
		{0x061C, 0x061C},
		{0x115F, 0x1160},
		{0x1680, 0x1680},
		{0x17B4, 0x17B5},
		{0x180B, 0x180F},
		{0x2000, 0x200F},
		{0x2028, 0x202F},
		{0x205F, 0x206F},
		{0x2800, 0x2800},
		{0x3000, 0x3000},
		{0x3164, 0x3164},
		{0xFE00, 0xFE0F},
		{0xFEFF, 0xFEFF},
		{0xFFA0, 0xFFA0},
		{0xFFF0, 0xFFFD},
		{0x1BCA0, 0x1BCA3},
		{0x1D173, 0x1D17A},
		{0xE0000, 0xE0FFF},
	};
	return in_ranges(ranges, COUNT(ranges), c);
}

static bool is_latin(uint32_t c) {
	static const struct range ranges[] = {{'A', 'Z'}, {'a', 'z'}, {0xC0, 0x24F}, {0x1E00, 0x1EFF}};
	return in_ranges(ranges, COUNT(ranges), c);
}

/* Letters of Cyrillic, Greek, Armenian and Cherokee look like Latin ones, and so do full-width and mathematical forms
 * and the dotless i. */
static bool is_look_alike(uint32_t c) {
	static const struct range ranges[] = {
		{0x0131, 0x0131},
		{0x0370, 0x03FF},
		{0x0400, 0x052F},
		{0x0530, 0x058F},
		{0x13A0, 0x13FF},
		{0x1D00, 0x1D7F},
		{0x1F00, 0x1FFF},
		{0x2100, 0x214F},
		{0xA640, 0xA69F},
		{0xAB70, 0xABBF},
		{0xFF01, 0xFF5E},
		{0x1D400, 0x1D7FF},
	};
	return in_ranges(ranges, COUNT(ranges), c);
}

static bool has_latin(struct str s) {
	uint32_t c;
	for (size_t at = 0; str_next_code_point(s, &at, &c);)
		if (is_latin(c) && !is_look_alike(c))
			return true;
	return false;
}

struct str visible(struct task *t, struct str typed) {
	bool mixed = has_latin(typed);
	struct buf out = buf_new(t->arena, typed.n * 10 + 16);
	uint32_t c;
	for (size_t at = 0, from = 0; str_next_code_point(typed, &at, &c); from = at) {
		if (is_hidden(c) || (mixed && is_look_alike(c)))
			buf_printf(&out, "[U+%04X]", (unsigned)c);
		else
			buf_put(&out, str_sub(typed, from, at - from));
	}
	return buf_str(&out);
}

struct str person_name(struct task *t, const struct typed *fields, size_t n) {
	struct str given = STR(""), family = STR("");
	for (size_t i = 0; i < n; i++) {
		if (str_eq(fields[i].name, STR("display_name")) && !str_empty(fields[i].value))
			return fields[i].value;
		if (str_eq(fields[i].name, STR("given_name")))
			given = fields[i].value;
		if (str_eq(fields[i].name, STR("family_name")))
			family = fields[i].value;
	}
	return str_trim(str_printf(t->arena, "%.*s %.*s", FMT(given), FMT(family)));
}

/* ---- passwords ---- */

static void add_number_rule(struct task *t, struct value *rules, const char *key, int64_t number) {
	if (number > 0)
		value_item(t->arena, rules, text_with(t, key, str_printf(t->arena, "%lld", (long long)number)));
}

void add_password_rules(struct task *t, struct value *data, const struct password_policy *policy) {
	const int64_t own_least = 8;
	struct value *rules = value_list(t->arena, data, "rules");
	add_number_rule(t, rules, "rule.min_length", policy->min_length > own_least ? policy->min_length : own_least);
	add_number_rule(t, rules, "rule.max_length", policy->max_length);
	if (policy->complexity)
		value_item(t->arena, rules, text("rule.complexity"));
	value_item(t->arena, rules, text("rule.guess"));
	add_number_rule(t, rules, "rule.history", policy->history);
	if (policy->min_age > 0)
		value_item(t->arena, rules, text_with(t, "rule.min_age", wait_words(t, policy->min_age)));
	if (policy->max_age > 0)
		value_item(t->arena, rules, text_with(t, "rule.max_age", duration_words(t, policy->max_age)));
}

struct str password_message(const struct password_problem *problem) {
	if (problem->reason_key)
		return text(problem->reason_key);
	return text(problem->old_wrong ? "password.old_wrong" : "password.refused");
}

/* ---- the way of a registration ---- */

/* The text of both together, or nothing where the catalogue has none. */
static struct str words_of(struct task *t, const char *prefix, const char *key) {
	struct str found = text_named(t, prefix, str_of(key));
	return str_eq(found, str_of(key)) ? STR("") : found;
}

void add_timeline(struct task *t, struct value *data, const struct registration *r, const struct profile_config *p,
	const char *turn) {
	struct timeline line;
	struct value *list = value_list(t->arena, data, "timeline");
	registration_timeline(t, r, p, &line);
	for (size_t i = 0; i < line.n; i++) {
		const struct timeline_item *item = &line.v[i];
		struct value *row = value_row(t->arena, list);
		value_text(t->arena, row, "text", text(item->key));
		value_text(t->arena, row, "usual", item->now ? words_of(t, turn, item->key) : STR(""));
		value_bool(t->arena, row, "done", item->done && !item->bad);
		value_bool(t->arena, row, "now", item->now);
		value_bool(t->arena, row, "bad", item->bad);
		value_bool(t->arena, row, "later", !item->done && !item->now && !item->bad);
		if (item->at)
			page_time(t, row, "at", item->at);
		else
			value_text(t->arena, row, "at", STR(""));
	}
}

/* ---- pages that say one thing ---- */

struct value *page_data_of(struct task *t, struct request *q, struct response *r, const char *key) {
	const char *title = "error.internal.title";
	if (task_cstr(t, str_printf(t->arena, "%s.title", key), &title))
		task_clear(t);
	return page_data(t, q, r, title);
}

enum err page_message(struct task *t, struct request *q, struct response *r, int status, const struct message *m) {
	struct value *data = page_data_of(t, q, r, m->key);
	value_text(t->arena, data, "text", text_named(t, m->key, STR(".text")));
	value_text(t->arena, data, "detail", m->detail);
	if (m->next_key) {
		value_text(t->arena, data, "next_text", text(m->next_key));
		value_text(t->arena, data, "next_link", m->next_link);
	}
	return page_render(t, r, status, "message", data);
}
