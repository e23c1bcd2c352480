/* plan_private.h: what the files of this folder share. */
#ifndef USHER_FEDERATION_PLAN_PLAN_PRIVATE_H
#define USHER_FEDERATION_PLAN_PLAN_PRIVATE_H

#include "federation/plan/plan.h"

#define PLAN_ATTRIBUTES LIMIT_FORM_FIELDS /* of one entry */
#define PLAN_BYTES      (256u << 10)      /* of all names, values and DNs of a plan */
#define PLAN_TEXT       (2u << 20)        /* of a plan as JSON or LDIF; PLAN_BYTES with every letter escaped fits */

/* Whether the plan, built or read back, is one that may be shown and carried out: counts, names, characters, lengths,
 * DNs. ERR_INVALID with a detail that names the attribute and never the value. */
enum err plan_check(struct task *t, const struct plan *p) must_use;
/* The attribute of this name (RFC 4512 2.5: ASCII case does not count), or NULL. */
struct attribute *attribute_find(struct attribute *list, size_t n, struct str name);
/* Of a step before plan_steps(). */
enum step_kind plan_step_kind(const struct plan *p, size_t step);

#endif
