/* directory_fixture.h: a task and a configuration for the directory that the environment names. */
#ifndef USHER_TESTS_CONTRACT_DIRECTORY_FIXTURE_H
#define USHER_TESTS_CONTRACT_DIRECTORY_FIXTURE_H

#include "federation/directory/directory.h"

struct fixture {
	struct arena *arena;  /* of the task; wiped by fixture_task */
	struct arena *config; /* lives as long as the fixture */
	struct handles *handles;
	struct task t;
	struct directory_config *d;
};

/* RFC 5805 transactions are tried only where OL_TRANSACTIONS is set: slapd 2.5.13 crashes in some of them
 * (docs/decisions/0003). */
bool fixture_transactions(void);
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

struct str person(struct fixture *f, const char *uid);
struct str group(struct fixture *f, const char *cn);

/* Of a call with f's task: fails with its detail. */
#define assert_ok(f, call) assert_ok_((f), (call), __FILE__, __LINE__)
void assert_ok_(struct fixture *f, enum err e, const char *file, int line);
#define assert_str(got, wanted) assert_str_((got), (wanted), __FILE__, __LINE__)
void assert_str_(struct str got, struct str wanted, const char *file, int line);

#endif
