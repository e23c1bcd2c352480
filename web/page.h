/* page.h: pages are templates with data. */
#ifndef USHER_WEB_PAGE_H
#define USHER_WEB_PAGE_H

#include "base/template.h"
#include "web/guard.h"

/* Loads built-in templates (web/templates, embedded), overrides of config.template_dir, and the catalogue. *ret_why on
 * ERR_CONFIG. Once, before threads; and for a reload. */
enum err pages_load(struct arena *a, const struct config *c, struct template_set **ret, struct str *ret_why) must_use;
void pages_use(const struct template_set *set);
const struct template_set *pages_now(void);

/* A page's data with what every page has: title, realm {id, title, logo, contact}, path (issuer's path), csrf, login
 * {name} when there is one, theme (path of the accent stylesheet), reference. title_key is a catalogue key. */
struct value *page_data(struct task *t, struct request *q, struct response *r, const char *title_key);
/* Renders "NAME.html" (layout partials are in the templates) and fills the response. */
enum err page_render(
	struct task *t, struct response *r, int status, const char *name, const struct value *data) must_use;
/* A text of the catalogue. */
struct str text(const char *key);
/* The error page: what happened, whose turn it is, next step, reference. */
void page_error(struct task *t, struct request *q, struct response *r, enum err code);
/* Error summary and messages: data.errors[] {field, text}, data.error (the summary is shown), title prefixed "Error:".
 */
void page_problem(struct task *t, struct value *data, struct str field, struct str message);
/* Path under the issuer: "/realms/R/login"; for absolute ones, issuer + "/…". */
struct str realm_path(struct task *t, const char *path);
/* {"time": RFC 3339, "text": "23 Nov 2026, 22:03 UTC"} under name. */
void page_time(struct task *t, struct value *object, const char *name, int64_t at_ms);

#endif
