/* scenario.h: what one user of the load does, again and again; one function a workload. */
#ifndef USHER_BENCH_SCENARIO_H
#define USHER_BENCH_SCENARIO_H

#include "client.h"

#define TOKEN_MOST 4096

/* What is the same for all users. */
struct target {
	unsigned port;
	const char *realm, *secret; /* of the confidential clients */
	const char *logins;         /* people are LOGINS00000 and on */
	unsigned n_logins;
	const char *password;
	const char *mailbox; /* folder of the mailbox transport */
};
struct user {
	const struct target *target;
	unsigned number; /* of all users */
	unsigned users, turn;
	struct client http;
	char access[TOKEN_MOST], refresh[TOKEN_MOST];
	const char *problem; /* of the last failure */
};
struct scenario {
	const char *name;
	bool (*prepare)(struct user *u); /* once, before the measurement, or NULL */
	bool (*run)(struct user *u);     /* once a turn; false with problem set */
	bool mail;                       /* reads the mailbox */
};

const struct scenario *scenario_find(const char *name);

#endif
