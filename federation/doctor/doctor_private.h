/* doctor_private.h: shared by the doctor's checks. Each adds findings; none of them fails. */
#ifndef USHER_FEDERATION_DOCTOR_PRIVATE_H
#define USHER_FEDERATION_DOCTOR_PRIVATE_H

#include "federation/doctor/doctor.h"
#include "federation/plan/plan.h"

struct visit {
	struct task *t;
	const struct realm *realm;
	const struct directory_config *d;
	const struct doctor_options *options;
	struct findings *findings;
	bool answers; /* a controller can be used */
};

/* finding.c */
void found(struct visit *v, enum finding_level level, struct str what, struct str consequence, struct str remedy);
void found_ok(struct visit *v, const char *format, ...) printf_like(2, 3);
#define TEXT(v, ...) str_printf((v)->t->arena, __VA_ARGS__)
/* What could not be looked at, with the task's failure, which is cleared. A directory that went away meanwhile is told
 * once, and nothing after that is looked at. */
void found_unknown(struct visit *v, const char *what, enum err e);

/* Whether this profile makes its people in the visited directory. */
bool profile_is_here(const struct visit *v, const struct profile_config *p);
/* The realm's groups may be in any of its directories; the first is asked for those that no profile names. */
bool directory_is_first(const struct visit *v);

/* sample.c: the plan of a person that somebody could register as: required fields and constants are filled. Name
 * and marker are of this realm, directory, profile and place, and the same in each run. */
#define SAMPLE_LOGIN "usher-doctor-"
enum err sample_plan(struct visit *v, const struct profile_config *p, struct str base, struct plan **ret) must_use;

/* schema_text.c: definitions of a subschema (RFC 4512 4.1.1, 4.1.2). */
struct definition {
	struct str oid;
	struct strs names, superiors, must, may;
	bool operational; /* attribute types: its USAGE is none of userApplications */
};
/* False: the text is none. */
bool definition_parse(struct arena *a, struct str text, struct definition *ret);
bool definition_is(const struct definition *d, struct str name); /* by one of its names, or its OID */

/* the checks */
void check_controllers(struct visit *v);
void check_catalog(struct visit *v);
void check_named(struct visit *v);
void check_schema(struct visit *v);
void check_person(struct visit *v);
void check_policy(struct visit *v);
void check_rights(struct visit *v);
void check_deleted(struct visit *v);
void check_feed(struct visit *v);
void check_trial(struct visit *v);

#endif
