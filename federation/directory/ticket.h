/* ticket.h: Kerberos tickets of the service account, from a keytab; private to this folder.
 *
 * The Kerberos library asks a key distribution centre without a time-out of ours, and a mute one holds its caller for
 * half a minute. So a thread of its own fetches the tickets of (keytab, principal, host) and puts them into a
 * credential cache in memory, and whoever wants them waits no longer than it may. Nothing of it stands in the
 * environment of the process, and no file is written. */
#ifndef USHER_FEDERATION_DIRECTORY_TICKET_H
#define USHER_FEDERATION_DIRECTORY_TICKET_H

#include "base/task.h"

struct ticket_want {
	struct str keytab;    /* path */
	struct str principal; /* svc-usher@EXAMPLE.ORG */
	struct str host;      /* of the controller: the service is ldap/host (RFC 4752 3.1) */
};

bool ticket_built(void); /* with a Kerberos library */
/* The name of a credential cache ("MEMORY:…") that holds a ticket for the host, good for a minute and more; tickets are
 * fetched when there are none, and again, beside who asks, when a quarter of their life is left. Waits for ms at most.
 * ERR_UNAVAILABLE: no answer from a key distribution centre, or the clocks differ; ERR_CREDENTIALS: the account or its
 * key is refused, not asked again for 30 seconds, so that a password policy does not lock it; ERR_CONFIG: the keytab,
 * or the host is no service there. The detail says what to do. Thread-safe. */
enum err ticket_get(struct task *t, const struct ticket_want *want, int64_t ms, const char **ret_cache) must_use;
/* A controller refused what was got: the next ticket_get fetches anew. */
void ticket_forget(const struct ticket_want *want);

/* What a code of the Kerberos library (krb5_error_code) means, for ticket_get; for its test. */
struct ticket_failure {
	enum err err;
	const char *advice;
};
struct ticket_failure ticket_failure_of(int32_t code);

#endif
