/* Plans read back from the store: no text makes plan_parse misbehave, and what it takes is written the same way again,
 * as JSON and as LDIF whose lines hold. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "federation/plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
	if (!holds)
		abort();
}

/* A value that ends its line early would be a line of its own to whoever applies the LDIF. */
static void check_ldif(struct str ldif) {
	struct str line;
	check(str_utf8(ldif) && str_starts(ldif, STR("version: 1\n\n")));
	while (str_next(&ldif, '\n', &line)) {
		check(line.n <= 76 && !str_has_control(line));
		bool known = str_empty(line) || line.p[0] == ' ' || line.p[0] == '#' || str_eq(line, STR("-"));
		check(known || str_contains(line, STR(":")));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const struct directory_config d = {.group_member_attribute = STR("member")};
	struct task t;
	struct plan *p = NULL, *again = NULL;
	if (size > 65536)
		return 0;
	owned(arena) struct arena *a = arena_new();
	task_begin(&t, a, NULL, 1000);
	if (plan_parse(&t, str_slice((const char *)data, size), &p)) {
		check(p == NULL && t.failure == ERR_INVALID);
		return 0;
	}
	struct str json = plan_json(a, p);
	check(plan_parse(&t, json, &again) == OK && str_eq(plan_json(a, again), json));
	for (size_t i = 0; i < p->n_candidates; i++)
		check_ldif(plan_ldif(a, p, &d, i));
	if (p->n_updates)
		check_ldif(plan_ldif(a, p, &d, 0));
	for (size_t i = 0; i < plan_steps(p); i++)
		check(!str_empty(plan_step_title(a, p, i)));
	return 0;
}
