/* doctor.h: what will fail for whom, before it does. The door of this folder.
 *
 * The doctor looks at one directory of a realm with the service account's own eyes: its controllers, what the
 * configuration names in it, its schema, the account's rights, its password policy and its feed. It only reads, unless
 * it is told to make a trial: an entry of its own, made, used and removed again in each place where people are made. */
#ifndef USHER_FEDERATION_DOCTOR_DOCTOR_H
#define USHER_FEDERATION_DOCTOR_DOCTOR_H

#include "federation/directory/directory.h"

#define FINDINGS_MOST 500u /* of one list; what comes after is left out, and the last one says so */

enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_ERROR };
struct finding {
	enum finding_level level;
	struct str directory;   /* its id */
	struct str what;        /* was found */
	struct str consequence; /* what will fail for whom; empty where all is well */
	struct str remedy;      /* how to mend it; the like */
};
struct findings {
	struct finding *v;
	size_t n, room;
};
struct doctor_options {
	bool quick;               /* only what costs the directory next to nothing: for the start of the daemon */
	bool trial;               /* makes a trial entry: it writes */
	int64_t feed_ms;          /* how long to wait for the feed to become current; 0: five seconds */
	const _Atomic bool *stop; /* ends between two checks when it has become true; may be NULL */
};

/* Adds to *findings. What cannot be looked at because of an outage is a finding too, and the checks go on; where no
 * controller can be used the others are left out. ERR_CONFIG: there is no driver for it. The task wants minutes for its
 * deadline. */
enum err doctor_run(struct task *t, const struct realm *r, const struct directory_config *d,
	const struct doctor_options *o, struct findings *findings) must_use;
size_t findings_count(const struct findings *f, enum finding_level level);
/* "ok", "warning", "error" */
const char *finding_word(enum finding_level level);
/* A line for each: the word, the directory, what was found; below it what will fail for whom, and how to mend it.
 * Controls are left out: it is for a terminal. */
struct str findings_text(struct arena *a, const struct findings *f);

#endif
