/* fake_directory_private.h: what the files of the directory in memory share. */
#ifndef USHER_TESTS_FAKE_DIRECTORY_PRIVATE_H
#define USHER_TESTS_FAKE_DIRECTORY_PRIVATE_H

#include "tests/unit/fake_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes the lock, and says how this call is to fail. Every way out is through fake_end, which gives back what it is
 * given. */
enum err fake_begin(struct task *t, const struct directory_config *d, enum fake_fault *ret);
enum err fake_end(enum err e);
/* Of a call that fails before it does anything this is the end. One that fails afterwards goes on, with the answer to
 * give in `failed`. */
#define BEGIN(fault_)                                                                                                  \
	enum fake_fault fault_;                                                                                        \
	enum err failed = fake_begin(t, d, &fault_);                                                                   \
	if (failed && fault_ != FAULT_LOST_AFTER)                                                                      \
	return fake_end(failed)

void fake_put(char *to, size_t room, struct str s);
#define PUT(member, s) fake_put((member), sizeof(member), (s))

/* Between the two: the controller that answers this call, and whether it shows them. */
struct str fake_controller(const struct directory_config *d);
bool fake_shows(const struct fake_person *p);

struct fake_person *fake_person_new(void);
/* NULL: none of this DN is shown. */
struct fake_person *fake_person_at(struct arena *a, struct str dn);
struct fake_group *fake_group_at(struct arena *a, struct str dn);

#endif
