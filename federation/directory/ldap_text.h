/* ldap_text.h: the only place that escapes. Private to this folder, besides the dn_ functions of the door. */
#ifndef USHER_FEDERATION_DIRECTORY_LDAP_TEXT_H
#define USHER_FEDERATION_DIRECTORY_LDAP_TEXT_H

#include "base/buf.h"
#include "federation/directory/directory.h"

#define LIMIT_FILTER (64u << 10)

/* RFC 4515 3: the letters of a value in a filter. All but printable ASCII without * ( ) \ is written \XX. */
void filter_escape(struct buf *b, struct str value);
/* "(attribute=value)" */
void filter_equal(struct buf *b, struct str attribute, struct str value);
/* RFC 4514 2.4: the letters of a value in a DN; controls and bytes that are no UTF-8 also as \XX. */
void dn_escape(struct buf *b, struct str value);
/* Whether text is a filter by RFC 4515, as far as one can see without a schema; nested at most 16 deep. */
bool filter_valid(struct str text);
/* An attribute description by RFC 4512 2.5: a name or an OID, with options. */
bool attribute_valid(struct str name);
/* The RDNs of a DN in a form that is equal for equal DNs (dn_equal). False when it is none. */
bool dn_parts(struct arena *a, struct str dn, struct strs *ret);
/* The same in one text: a key for a set. Empty when it is none. */
struct str dn_key(struct arena *a, struct str dn);

#endif
