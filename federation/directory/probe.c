#include "base/buf.h"
#include "base/clock.h"
#include "federation/directory/driver.h"

enum err directory_probe(struct task *t, const struct directory_config *d, struct str *ret_detail) {
	struct buf b = buf_new(t->arena, 4096);
	enum err worst = ERR_UNAVAILABLE;
	bool one_answers = false;
	if (!driver_of(d))
		return task_fail(t, ERR_CONFIG, "directory %.*s: this driver is not built yet", FMT(d->id));
	for (size_t i = 0; i < d->uris.n && i < URI_MOST; i++) {
		owned(conn) struct conn *c = NULL;
		int64_t began = clock_monotonic_ms();
		task_clear(t);
		enum err e = conn_open_at(t, d, i, CONN_SERVICE, &c);
		if (i)
			buf_put(&b, STR("; "));
		if (e)
			buf_printf(&b, "%.*s: %s (%.*s)", FMT(d->uris.v[i]), err_row(e)->name, FMT(t->failure_detail));
		else
			buf_printf(&b, "%.*s: bound in %lld ms", FMT(d->uris.v[i]),
				(long long)(clock_monotonic_ms() - began));
		if (e && !one_answers)
			worst = e == ERR_CREDENTIALS ? ERR_CONFIG : e;
		one_answers = one_answers || !e;
	}
	task_clear(t);
	*ret_detail = buf_str(&b);
	return one_answers ? OK : task_fail(t, worst, "%.*s", FMT(buf_str(&b)));
}
