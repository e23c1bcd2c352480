/* embed.h: files built into the program. web/embed.sh makes the table from EMBED_FILES of Makefile.inc at build. */
#ifndef USHER_WEB_EMBED_H
#define USHER_WEB_EMBED_H

#include "base/str.h"

struct embedded {
	const char *name;          /* path from the source root: "web/static/usher.css" */
	const unsigned char *data; /* followed by a NUL that size does not count */
	size_t size;
};
extern const struct embedded embedded_files[]; /* sorted by name */
extern const size_t n_embedded_files;

#endif
