#include "federation/directory/driver.h"

#define ROUNDS 64 /* of ranges; a server that never ends is left */

struct ranged {
	struct str attribute;
	struct strs *list;
	int64_t next; /* -1: all is read */
};

/* "member;range=1500-2999" → 1500, 2999; "…-*" → -1. False: no range of this attribute. */
static bool range_of(struct str name, struct str attribute, int64_t *ret_from, int64_t *ret_to) {
	struct str option = str_sub(name, attribute.n, name.n), from, rest;
	if (!str_eq_case(str_sub(name, 0, attribute.n), attribute) || !str_starts(option, STR(";range=")))
		return false;
	rest = str_sub(option, 7, option.n);
	if (!str_next(&rest, '-', &from) || !str_int(from, 0, INT32_MAX, ret_from))
		return false;
	if (str_eq(rest, STR("*"))) {
		*ret_to = -1;
		return true;
	}
	return str_int(rest, *ret_from, INT32_MAX, ret_to);
}

static void take_values(struct task *t, struct ranged *r, struct strs values) {
	for (size_t i = 0; i < values.n && r->list->n < MEMBERS_READ; i++)
		strs_add(t->arena, r->list, values.v[i]);
}

static void take_attributes(struct task *t, struct ranged *r, const struct entry *e) {
	int64_t from = 0, to = -1;
	r->next = -1;
	for (size_t i = 0; i < e->n_attributes; i++) {
		struct str name = e->attributes[i].name;
		if (str_eq_case(name, r->attribute)) {
			take_values(t, r, e->attributes[i].values);
		} else if (range_of(name, r->attribute, &from, &to)) {
			take_values(t, r, e->attributes[i].values);
			r->next = to < 0 || !e->attributes[i].values.n ? -1 : to + 1;
		}
	}
}

enum err directory_values(
	struct task *t, const struct directory_config *d, struct str dn, struct str attribute, struct strs *ret) {
	struct strs list = {NULL, 0};
	struct ranged r = {attribute, &list, 0};
	struct str asked = attribute;
	for (int i = 0; i < ROUNDS && r.next >= 0 && list.n < MEMBERS_READ; i++) {
		struct entry *e = NULL;
		const char *name = NULL;
		TRY(task_cstr(t, asked, &name));
		TRY(directory_read(t, d, dn, (const char *const[]){name, NULL}, &e));
		take_attributes(t, &r, e);
		asked = str_printf(t->arena, "%.*s;range=%lld-*", FMT(attribute), (long long)r.next);
	}
	*ret = list;
	return OK;
}
