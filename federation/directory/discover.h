/* discover.h: which controllers a directory has; private to this folder.
 *
 * Those of uris, or those that DNS names for domain (MS-ADTS 6.3.2.3: _ldap._tcp.dc._msdcs.DOMAIN, before it
 * _ldap._tcp.SITE._sites.dc._msdcs.DOMAIN). What DNS said is kept for as long as it said, a minute at least and an hour
 * at most, and asked again beside who asks here; when DNS is silent the old answer stands. A resolver knows no deadline
 * of ours, so a thread asks, and the first who need an answer wait no longer than they may. The order among
 * controllers of one priority is drawn once, and stays while DNS names the same ones. */
#ifndef USHER_FEDERATION_DIRECTORY_DISCOVER_H
#define USHER_FEDERATION_DIRECTORY_DISCOVER_H

#include "federation/directory/ldap_conn.h"

/* URI_MOST at most; the texts live as long as d and the process. ERR_UNAVAILABLE: DNS gave no answer yet, or names
 * none. Thread-safe. */
enum err discover_uris(struct task *t, const struct directory_config *d, struct strs *ret) must_use;
/* None of them answers: DNS is asked again, ten seconds after the last time at the soonest. */
void discover_again(const struct directory_config *d);

#endif
