/* ldap_tls.h: TLS settings of an LDAP handle; private to this folder.
 *
 * libldap reads the CA file for each handle that has settings of its own (3.8 MB with the system's bundle), so one
 * context per CA file is made and shared by all handles. A CA file that changed gives a new context. */
#ifndef USHER_FEDERATION_DIRECTORY_LDAP_TLS_H
#define USHER_FEDERATION_DIRECTORY_LDAP_TLS_H

#include <ldap.h>

#include "federation/directory/directory.h"

/* Demands a certificate that the CA file (empty: the system's) vouches for. ERR_CONFIG when the file cannot be used.
 * Thread-safe. */
enum err ldap_tls_use(struct task *t, LDAP *ld, struct str ca_file) must_use;
/* Takes any certificate: only to find out why a handshake failed. Never shared. */
bool ldap_tls_use_any(LDAP *ld) must_use;
/* notBefore and notAfter of the certificate that the server showed, in milliseconds; 0: no TLS, or not told. */
struct validity {
	int64_t begins, ends;
};
struct validity ldap_tls_validity(LDAP *ld);
/* The certificate that the server showed, and whether it is for this host (RFC 4513 3.1.3). All 0: no TLS, or not told.
 */
struct certificate {
	struct validity validity;
	bool is_for_host;
	struct str names, issuer; /* for people: what it is for, and the DN of who issued it */
};
void ldap_tls_certificate(struct task *t, LDAP *ld, const char *host, struct certificate *ret);

#endif
