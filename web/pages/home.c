/* Where an organisation's pages begin. */
#include "web/pages/pages.h"

/* The organisations of this server are not listed to the world. */
enum err page_root(struct task *t, struct request *q, struct response *r) {
	(void)q;
	if (t->config->n_realms != 1)
		return task_fail(t, ERR_NOT_FOUND, "several realms, and none named");
	response_redirect(r, str_printf(t->arena, "/realms/%.*s/", FMT(t->config->realms[0].id)));
	return OK;
}

enum err page_home(struct task *t, struct request *q, struct response *r) {
	struct value *data = page_data_of(t, q, r, "home");
	value_bool(t->arena, data, "open", may_register(t));
	return page_render(t, r, 200, "home", data);
}
