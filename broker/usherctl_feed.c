/* Commands about what is followed in the directories. */
#include "base/clock.h"
#include "broker/usherctl.h"

static struct str ago(struct task *t, int64_t at_ms) {
	int64_t s = (clock_wall_ms() - at_ms) / 1000;
	return at_ms ? str_printf(t->arena, "%llds ago", (long long)(s > 0 ? s : 0)) : STR("never");
}

static enum err row_find(struct task *t, struct str directory, struct feed_row **ret) {
	enum err e = feeds_find(t, directory, ret);
	if (e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	*ret = NULL;
	return OK;
}

static enum err print_feed(struct task *t, const struct directory_config *d) {
	struct feed_row *f = NULL;
	int64_t unseen = 0, all = 0;
	const char *kind = feed_name(d);
	TRY(row_find(t, d->id, &f));
	TRY(mirrors_count(t, d->id, 0, &unseen, &all));
	bool off = strcmp(kind, "off") == 0;
	print_columns((struct str[]){d->id, str_of(kind),
			      str_of(off  ? "off"
				      : f ? feed_state_name(f->state)
					  : "never started"),
			      f ? f->controller : STR("-"),
			      str_printf(t->arena, "heard %.*s", FMT(ago(t, f ? f->heard_at : 0))),
			      str_printf(t->arena, "told %.*s", FMT(ago(t, f ? f->told_at : 0))),
			      counted(t, all, "account", "accounts"), f && !off ? f->detail : STR("")},
		8);
	return OK;
}

enum err run_feed(struct task *t, char **argv) {
	(void)argv;
	for (size_t i = 0; i < t->realm->n_directories; i++)
		TRY(print_feed(t, &t->realm->directories[i]));
	return OK;
}

static enum err directory_named(struct task *t, const char *id, const struct directory_config **ret) {
	*ret = realm_directory(t->realm, str_of(id));
	return *ret ? OK : task_fail(t, ERR_NOT_FOUND, "there is no directory %s in this realm", id);
}

static enum err accept_row(struct task *t, const struct directory_config *d) {
	struct feed_row *f = NULL;
	TRY(row_find(t, d->id, &f));
	if (!f || f->state != FEED_STOPPED)
		return task_fail(
			t, ERR_STALE, "the feed of %.*s is not stopped: there is nothing to accept", FMT(d->id));
	f->state = FEED_ACCEPTED;
	TRY(feeds_put(t, f));
	return audit_record(t, "feed.accept", d->id, AUDIT("detail", f->detail), AUDIT("by", STR("usherctl")));
}

enum err run_feed_accept(struct task *t, char **argv) {
	const struct directory_config *d = NULL;
	TRY(directory_named(t, argv[1], &d));
	TRY(store_begin(t));
	TRY(store_end(t, accept_row(t, d)));
	puts("accepted; the daemon asks the directory anew, and whoever is not there then is ended");
	return OK;
}

static enum err reconcile_one(struct task *t, const struct directory_config *d) {
	struct drift x = {0};
	enum err e = reconcile_run(t, d, &x);
	print_columns((struct str[]){d->id, str_printf(t->arena, "%lld looked at", (long long)x.looked),
			      str_printf(t->arena, "%lld changed", (long long)x.changed),
			      str_printf(t->arena, "%lld gone", (long long)x.gone),
			      str_printf(t->arena, "%lld failed", (long long)x.failed)},
		5);
	return e;
}

enum err run_reconcile(struct task *t, char **argv) {
	const struct directory_config *d = NULL;
	enum err failed = OK;
	if (argv[1]) {
		TRY(directory_named(t, argv[1], &d));
		return reconcile_one(t, d);
	}
	for (size_t i = 0; i < t->realm->n_directories; i++) {
		enum err e = reconcile_one(t, &t->realm->directories[i]);
		failed = e ? e : failed;
	}
	return failed;
}
