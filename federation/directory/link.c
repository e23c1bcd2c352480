/* Connections of feeds: opened like those of the workers, and kept by their owner. */
#include "federation/directory/driver.h"
#include "federation/directory/health.h"

struct directory_link {
	struct conn *c;
};

enum err directory_link_open(struct task *t, const struct directory_config *d, struct directory_link **ret) {
	struct conn *c = NULL;
	if (!driver_of(d))
		return task_fail(t, ERR_CONFIG, "directory %.*s: this driver is not built yet", FMT(d->id));
	if (!health_allows(health_of(d)))
		return task_fail(t, ERR_UNAVAILABLE, "directory %.*s: breaker open", FMT(d->id));
	TRY(conn_open(t, d, CONN_FEED, &c));
	struct directory_link *l = malloc(sizeof(*l));
	if (!l)
		abort();
	*l = (struct directory_link){.c = c};
	*ret = l;
	return OK;
}

void directory_link_close(struct directory_link *l) {
	conn_close(l->c);
	free(l);
}

struct ldap *directory_link_ld(struct directory_link *l) {
	return l->c->ld;
}

void directory_link_deadline(struct directory_link *l, int64_t ms) {
	conn_deadline(l->c, ms);
}

const char *directory_link_reason(int rc) {
	return conn_reason(rc);
}

struct str directory_link_controller(const struct directory_link *l) {
	return l->c->target;
}

struct strs directory_link_attributes(struct arena *a, const struct directory_config *d) {
	return entry_attributes(a, d);
}

enum err directory_link_entry(struct task *t, struct directory_link *l, struct ldapmsg *m, struct entry *ret) {
	return entry_read(t, l->c, m, ret);
}
