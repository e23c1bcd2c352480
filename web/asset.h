/* asset.h: stylesheet, script, icons: embedded, prebuilt, immutable by content hash in their name
 * (/static/usher.HASH.css). */
#ifndef USHER_WEB_ASSET_H
#define USHER_WEB_ASSET_H

#include "web/response.h"

struct asset {
	struct str path;         /* "/static/usher.3f2a….css" */
	struct str content_type;
	struct str body;
};
void assets_init(struct arena *a);
const struct asset *asset_find(struct str path);          /* NULL: none */
const struct asset *asset_named(const char *name);        /* "usher.css" */
/* /realms/R/theme/HASH.css: the realm's accent with contrast corrected for light and dark (WCAG 2.2 1.4.3: 4.5 to 1,
 * as text on the page and under its own text), as the custom properties --accent and --accent-text of :root. */
struct str theme_css(struct arena *a, const struct realm *r);
struct str theme_path(struct arena *a, const struct realm *r);

#endif
