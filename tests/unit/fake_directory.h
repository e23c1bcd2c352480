/* fake_directory.h: a directory in memory, in place of federation/directory, for tests of plans and of the floors
 * above. It has the controllers that its configuration names, and goes wrong where it is told to. Calls may come from
 * several threads.
 *
 * What of that folder is pure (names, attribute map) is the real one. */
#ifndef USHER_TESTS_FAKE_DIRECTORY_H
#define USHER_TESTS_FAKE_DIRECTORY_H

#include "federation/directory/directory.h"

enum fake_fault {
	FAULT_NONE,
	FAULT_DOWN,        /* ERR_UNAVAILABLE, nothing was done */
	FAULT_LOST_BEFORE, /* ERR_TIMEOUT, nothing was done */
	FAULT_LOST_AFTER,  /* ERR_TIMEOUT, all was done */
	FAULT_LOST_HALF,   /* ERR_TIMEOUT, of changes the first was done, where there are no transactions */
	FAULT_REFUSED,     /* ERR_REFUSED, nothing was done */
	FAULT_COUNT
};

#define FAKE_PEOPLE      128
#define FAKE_GROUPS      8
#define FAKE_MEMBERS     16
#define FAKE_CONTROLLERS (~0u) /* a bit for each controller: all of them */

struct fake_person {
	char dn[256], login[64], mail[128], marker[64], id[40], given[64];
	char password[128], before[128]; /* before: the last one, which may not come back */
	bool enabled, locked;
	int64_t expires_at;
	int64_t created_at;   /* 0: in the order of their making, from 1 on */
	char stamp[32];       /* of the password */
	enum verdict verdict; /* what a right password gives; VERDICT_OK */
	unsigned at;          /* the controllers that show it; FAKE_CONTROLLERS */
	bool gone;            /* everywhere */
};
struct fake_group {
	char dn[256];
	char members[FAKE_MEMBERS][256];
	size_t n;
};
struct fake_directory {
	struct fake_person people[FAKE_PEOPLE];
	size_t n_people;
	struct fake_group groups[FAKE_GROUPS];
	size_t n_groups;
	size_t calls, fault_at; /* the call of this number (from 0) fails */
	enum fake_fault fault;
	bool down;          /* every call */
	unsigned away;      /* the controllers that do not answer */
	bool lags;          /* who is added is shown where that was done, until fake_replicate */
	bool loses;         /* the answer to the next change, which is done */
	bool may_not;       /* rename and delete: ERR_REFUSED */
	bool no_place;      /* for anybody new: ERR_NOT_FOUND */
	bool bare_19;       /* the mail is unique too, and what is taken is told by ERR_REFUSED and 19, as slapd does */
	bool invisible;     /* no search finds anybody, but a name that is taken is taken */
	const char *silent; /* the id of a directory that says nothing to searches, or NULL */
	bool catalog_down;
	const char *elsewhere; /* a login whose principal somebody in the forest has, or NULL */
	size_t adds, binds, searches, sets;
	size_t applies, changes;  /* calls, and changes that they asked for */
	size_t now, last;         /* the controller that answers, and the one that took the last change */
	char bound[256];          /* the DN of the last bind */
	char pinned[128];         /* the last controller that a task was pinned to */
	void (*after_bind)(void); /* called once: what happens between a bind and what follows from it */
	void (*after_id)(void);   /* the like, of a look by stable id */
};
extern struct fake_directory fake;

void fake_reset(void);
/* The call number n from now on fails. */
void fake_fail(size_t n, enum fake_fault fault);
/* What each controller knows, all of them know now. */
void fake_replicate(void);
/* An enabled person "uid=LOGIN,ou=people,dc=test" with password "correct horse LOGIN". */
struct fake_person *fake_person_add(const char *login, const char *mail);
/* As a plan makes one: neither enabled nor with a password. */
struct fake_person *fake_entry_add(const char *dn, const char *login, const char *mail, const char *marker);
struct fake_person *fake_person_find(const char *login); /* NULL: none */
struct fake_group *fake_group_add(const char *dn);
void fake_join(struct fake_group *g, const struct fake_person *p);
bool fake_is_member(const struct fake_group *g, const struct fake_person *p);

#endif
