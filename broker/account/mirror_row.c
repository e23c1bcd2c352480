/* An entry and its groups as a row of the mirror, and back. */
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"
#include "broker/account/account_private.h"
#include "broker/jose/jose.h"

#define ATTRIBUTES_MOST 256u
#define OWN             STR("own:") /* "own:MS:STAMP": a change of our own began then, when the stamp was STAMP */
#define OWN_MS          (2 * TASK_JOB_MS)
#define CLOCKS_APART_MS 60000 /* ours and a directory's */

/* ---- entry to row ---- */

static bool keepable(struct str s) {
	return str_utf8(s) && str_find(s, 0, 0) == s.n;
}

/* By name, so that the same entry gives the same text in whatever order a server tells it. */
static size_t sorted(const struct entry *e, const struct attribute *ret[ATTRIBUTES_MOST]) {
	size_t n = 0;
	for (size_t i = 0; i < e->n_attributes && n < ATTRIBUTES_MOST; i++) {
		size_t at = n++;
		for (; at && str_cmp(ret[at - 1]->name, e->attributes[i].name) > 0; at--)
			ret[at] = ret[at - 1];
		ret[at] = &e->attributes[i];
	}
	return n;
}

static void put_values(struct buf *b, struct strs values) {
	const char *before = "[";
	for (size_t i = 0; i < values.n; i++)
		if (keepable(values.v[i])) {
			buf_printf(b, "%s", before);
			json_escape(b, values.v[i]);
			before = ",";
		}
	buf_printf(b, "%s]", *before == '[' ? "[" : "");
}

/* Empty when it is too large. A value that is no text is left out; no claim would carry it. */
static struct str attributes_text(struct arena *a, const struct entry *e) {
	const struct attribute *list[ATTRIBUTES_MOST];
	size_t n = sorted(e, list);
	struct buf b = buf_new(a, LIMIT_RESPONSE / 2);
	buf_byte(&b, '{');
	for (size_t i = 0; i < n; i++) {
		if (i && str_eq(list[i]->name, list[i - 1]->name))
			continue;
		buf_printf(&b, "%s", i ? "," : "");
		json_escape(&b, list[i]->name);
		buf_byte(&b, ':');
		put_values(&b, list[i]->values);
	}
	buf_byte(&b, '}');
	return buf_full(&b) || e->n_attributes > ATTRIBUTES_MOST ? STR("") : buf_str(&b);
}

struct str groups_text(struct arena *a, const struct groups *groups) {
	struct buf b = buf_new(a, LIMIT_RESPONSE / 2);
	buf_byte(&b, '[');
	for (size_t i = 0; i < groups->n; i++) {
		const struct group *g = &groups->v[i];
		if (!keepable(g->dn) || !keepable(g->name) || !keepable(g->stable_id))
			return STR("");
		buf_printf(&b, "%s{\"dn\":", i ? "," : "");
		json_escape(&b, g->dn);
		buf_printf(&b, ",\"name\":");
		json_escape(&b, g->name);
		buf_printf(&b, ",\"id\":");
		json_escape(&b, g->stable_id);
		if (!str_empty(g->sid)) {
			buf_printf(&b, ",\"sid\":");
			json_escape(&b, g->sid);
		}
		if (g->via != SIZE_MAX)
			buf_printf(&b, ",\"via\":%zu", g->via);
		buf_byte(&b, '}');
	}
	buf_byte(&b, ']');
	return groups->cut || buf_full(&b) ? STR("") : buf_str(&b);
}

/* Some servers tell the end no more once it is past; then it is the one that was told before. */
static int64_t expires_at(const struct entry *e, const struct mirror *before, int64_t now) {
	bool past = !e->enabled && !e->expires_at && before && before->expires_at && before->expires_at <= now;
	return past ? before->expires_at : e->expires_at;
}

struct mirror mirror_of(
	struct task *t, const struct account *a, const struct entry *e, const struct mirror *before, int64_t read_at) {
	int64_t end = expires_at(e, before, read_at);
	bool ended = end && end <= read_at;
	return (struct mirror){
		.realm = t->realm_name,
		.account_id = a->id,
		.directory = a->directory,
		.stable_id = a->stable_id,
		.state = ended        ? MIRROR_EXPIRED
			 : e->enabled ? MIRROR_LIVE
				      : MIRROR_DISABLED,
		.locked = e->locked,
		.expires_at = end,
		.password_stamp = str_absent(e->password_stamp) ? STR("") : e->password_stamp,
		.dn = e->dn,
		.login = e->login,
		.mail = e->mail,
		.attributes = attributes_text(t->arena, e),
		.groups = before ? before->groups : STR(""),
		.read_at = read_at,
		.groups_at = before ? before->groups_at : 0,
		.seen_at = before ? before->seen_at : 0,
	};
}

bool mirror_same(const struct mirror *a, const struct mirror *b) {
	return a->state == b->state && a->locked == b->locked && a->expires_at == b->expires_at &&
	       str_eq(a->password_stamp, b->password_stamp) && str_eq(a->dn, b->dn) && str_eq(a->login, b->login) &&
	       str_eq(a->mail, b->mail) && str_eq(a->attributes, b->attributes);
}

/* ---- the stamp of a password ---- */

struct str stamp_own(struct arena *a, struct str before, int64_t now) {
	struct str old = before;
	int64_t at = 0;
	stamp_read(before, &at, &old);
	return str_printf(a, "own:%lld:%.*s", (long long)now, FMT(old));
}

bool stamp_read(struct str stamp, int64_t *ret_at, struct str *ret_old) {
	if (!str_starts(stamp, OWN))
		return false;
	size_t from = OWN.n, colon = str_find(stamp, ':', from);
	int64_t at = 0;
	if (colon == stamp.n || !str_int(str_sub(stamp, from, colon - from), 0, INT64_MAX, &at))
		return false;
	*ret_at = at;
	*ret_old = str_sub(stamp, colon + 1, stamp.n);
	return true;
}

/* Texts of equal length have the order of the times. */
static bool is_since(struct str stamp, int64_t at_ms) {
	char text[16];
	time_t at = (time_t)(at_ms / 1000);
	struct tm tm;
	gmtime_r(&at, &tm);
	struct str since = str_slice(text, strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm));
	int64_t digits = 0;
	return stamp.n > since.n && str_int(str_sub(stamp, 0, since.n), 0, INT64_MAX, &digits) &&
	       str_cmp(str_sub(stamp, 0, since.n), since) >= 0;
}

bool mirror_password_changed(const struct mirror *row, struct str told, int64_t now, struct str *ret_stamp) {
	struct str before = row ? row->password_stamp : STR(""), old = before;
	int64_t at = 0;
	bool own = stamp_read(before, &at, &old) && now - at <= OWN_MS;
	bool same = str_empty(told) || str_eq(told, old);
	*ret_stamp = own ? before : same ? old : told;
	if (same || own || !row)
		return false;
	return !str_empty(old) || is_since(told, row->read_at - CLOCKS_APART_MS);
}

/* ---- row to entry ---- */

static struct strs values_read(struct arena *a, const json_t *array) {
	struct strs values = {0};
	size_t i;
	json_t *value;
	json_array_foreach(array, i, value) if (json_is_string(value))
		strs_add(a, &values, str_dup(a, str_slice(json_string_value(value), json_string_length(value))));
	return values;
}

/* What stands under the directory's own name of the marker, by whatever name of ours. */
static struct str marker_of(const struct entry *e, const struct directory_config *d) {
	for (size_t i = 0; i < e->n_attributes; i++)
		if (e->attributes[i].values.n &&
			str_eq_case(directory_attribute(d, e->attributes[i].name), d->marker_attribute))
			return e->attributes[i].values.v[0];
	return STR("");
}

enum err mirror_entry(struct task *t, const struct directory_config *d, const struct mirror *m, struct entry **ret) {
	owned(json) json_t *object = NULL;
	const char *name;
	json_t *values;
	TRY(json_parse(t, m->attributes, &object));
	struct entry *e = arena_new_of(t->arena, struct entry);
	*e = (struct entry){
		.dn = m->dn,
		.stable_id = m->stable_id,
		.login = m->login,
		.mail = m->mail,
		.enabled = m->state == MIRROR_LIVE && !(m->expires_at && m->expires_at <= clock_wall_ms()),
		.locked = m->locked != 0,
		.expires_at = m->expires_at,
		.password_stamp = m->password_stamp,
		.attributes = arena_array(t->arena, struct attribute, json_object_size(object)),
	};
	json_object_foreach(object, name, values) e->attributes[e->n_attributes++] =
		(struct attribute){str_dup(t->arena, str_of(name)), values_read(t->arena, values)};
	e->marker = marker_of(e, d);
	*ret = e;
	return OK;
}

enum err mirror_groups(struct task *t, const struct mirror *m, struct groups *ret) {
	owned(json) json_t *array = NULL;
	struct groups groups = {0};
	size_t i;
	json_t *one;
	TRY(json_parse(t, m->groups, &array));
	groups.v = arena_array(t->arena, struct group, json_array_size(array));
	json_array_foreach(array, i, one) {
		const json_t *via = json_object_get(one, "via");
		groups.v[groups.n++] = (struct group){
			.dn = str_dup(t->arena, json_member_str(one, "dn")),
			.name = str_dup(t->arena, json_member_str(one, "name")),
			.stable_id = str_dup(t->arena, json_member_str(one, "id")),
			.sid = json_member_str(one, "sid").p ? str_dup(t->arena, json_member_str(one, "sid"))
							     : STR_NONE,
			.via = json_is_integer(via) ? (size_t)json_integer_value(via) : SIZE_MAX,
		};
	}
	*ret = groups;
	return OK;
}
