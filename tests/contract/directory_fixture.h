/* directory_fixture.h: a task and a configuration for the directory that the environment names.
 *
 * USHER_DIRECTORY is the make, called as `driver` in usher.yaml (openldap where it is not set). What its script in
 * tests/directories prints says where it is: OL_URI, AD_URI, DS_URI and so on. USHER_DIRECTORY_PREFIX is another prefix
 * of these variables, for a directory that plays one of the makes. */
#ifndef USHER_TESTS_CONTRACT_DIRECTORY_FIXTURE_H
#define USHER_TESTS_CONTRACT_DIRECTORY_FIXTURE_H

#include "federation/directory/directory.h"

/* Columns of a table of expectations: OpenLDAP, Active Directory, 389; by enum directory_driver_id. */
#define MAKES 3u
/* One more column where Windows, played by tests/directories/fake, answers otherwise than Samba; read by
 * fixture_column. */
#define MAKES_AND_WINDOWS (MAKES + 1)

/* What a make, seeded by its script, has or has not. A row per make stands in directory_fixture.c. */
struct make {
	const char *name, *prefix;
	/* of the configuration */
	const char *rdn_attribute, *object_classes, *login_attributes, *people_filter, *group_filter;
	const char *stable_id;   /* the directory's attribute */
	size_t stable_id_length; /* of our text of it */
	const char *unique;      /* an attribute of which no two people may have the same value, besides the DN */
	size_t n_groups;         /* seeded ones */
	bool cycle;              /* team-red contains everyone */
	enum verdict disabled;   /* what a bind as a disabled person tells */
};

struct fixture {
	struct arena *arena;  /* of the task; wiped by fixture_task */
	struct arena *config; /* lives as long as the fixture */
	struct handles *handles;
	struct task t;
	struct directory_config *d;
	const struct make *make;
};

/* The column of a table of MAKES_AND_WINDOWS. */
size_t fixture_column(const struct fixture *f);
/* Whether there is anything to test; says why not, and the program exits with 77 (skipped). */
bool fixture_ready(void);
/* A variable of the directory by its name without prefix ("USER_PASSWORD"); NULL where it has none. */
const char *fixture_variable(const char *name);
/* RFC 5805 transactions are tried only where OL_TRANSACTIONS is set: slapd 2.5.13 crashes in some of them
 * (docs/decisions/0003). */
bool fixture_transactions(void);
/* Ends the test as skipped where the directory is of this make. */
void fixture_skip_on(const struct fixture *f, enum directory_driver_id make, const char *why);
/* Suspends the directory, as one that hangs, and resumes it. */
void fixture_freeze(const struct fixture *f);
void fixture_thaw(const struct fixture *f);

int fixture_open(void **state);
int fixture_close(void **state);
/* A new task; what the one before read is gone. */
struct task *fixture_task(struct fixture *f);
/* A new task beside what was read. */
struct task *fixture_keep(struct fixture *f);
/* A copy whose server does not exist. */
struct directory_config fixture_unreachable(struct fixture *f);
/* Everything newly connected. */
void fixture_reconnect(struct fixture *f);

struct str person(struct fixture *f, const char *name);
struct str group(struct fixture *f, const char *cn);
/* An organizational unit below base, which need not exist. */
struct str unit(struct fixture *f, const char *ou, struct str base);

/* Of a call with f's task: fails with its detail. */
#define assert_ok(f, call) assert_ok_((f), (call), __FILE__, __LINE__)
void assert_ok_(struct fixture *f, enum err e, const char *file, int line);
#define assert_str(got, wanted) assert_str_((got), (wanted), __FILE__, __LINE__)
void assert_str_(struct str got, struct str wanted, const char *file, int line);

#endif
