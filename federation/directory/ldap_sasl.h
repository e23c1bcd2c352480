/* ldap_sasl.h: the service account's bind by Kerberos (SASL GSSAPI, RFC 4752); private to this folder. */
#ifndef USHER_FEDERATION_DIRECTORY_LDAP_SASL_H
#define USHER_FEDERATION_DIRECTORY_LDAP_SASL_H

#include "federation/directory/ldap_conn.h"

#define SEALED_LEAST 128 /* bits; what Active Directory asks for passwords (MS-ADTS 3.1.1.3.1.5) */

/* As c->directory->principal with the keys of keytab. sealed: with a security layer, c->sealed tells its strength;
 * else, within TLS, without one, which Windows and Samba refuse there, and with the channel binding
 * tls-server-end-point (RFC 5929 4), which ties the tickets to this very TLS session. ret: what the server said. Errors
 * of ticket_get, ERR_UNAVAILABLE of the connection, and ERR_CONFIG where the layer is too weak. */
enum err bind_gssapi(struct task *t, struct conn *c, bool sealed, struct answer *ret) must_use;

#endif
