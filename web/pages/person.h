/* person.h: shared by the files of the page of one person. Private to web/pages. */
#ifndef USHER_WEB_PAGES_PERSON_H
#define USHER_WEB_PAGES_PERSON_H

#include "broker/steward/steward.h"
#include "web/pages/admin.h"

/* What a form shows, in short, to be sent along with it: what somebody else changed while it lay open is then no wish
 * of the operator's. */
struct str person_seen(struct task *t, const struct steward_person *p);
/* What is wished for: what was typed and is not as it was shown. */
struct wishes person_wishes(struct task *t, const struct request *q, const struct steward_person *p);

bool dn_in_list(struct task *t, struct strs list, struct str dn);

#endif
