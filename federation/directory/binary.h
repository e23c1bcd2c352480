/* binary.h: values that a directory keeps as bytes, as text and back. Private to this folder, besides what entries
 * hold.
 *
 * objectGUID (MS-DTYP 2.3.4): 16 bytes, of which the first three fields have the low byte first; as text in lower case
 * with dashes. objectSid (MS-DTYP 2.4.2): revision, count, authority, sub-authorities; as text "S-1-5-21-…". */
#ifndef USHER_FEDERATION_DIRECTORY_BINARY_H
#define USHER_FEDERATION_DIRECTORY_BINARY_H

#include "federation/directory/directory.h"

/* The text of a value of this attribute: of the bytes where it is one of the above and they are well formed, else the
 * value itself. */
struct str binary_text(struct arena *a, struct str attribute, struct str value);
/* The bytes of such a text for a filter; other attributes' texts are themselves. False: it is not one. */
bool binary_value(struct arena *a, struct str attribute, struct str text, struct str *ret);

#endif
