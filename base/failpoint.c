#include "base/failpoint.h"

#ifdef USHER_FAILPOINTS
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/str.h"

static void failpoint_log(int64_t count, const char *name) {
	const char *path = getenv("USHER_FAILPOINT_LOG");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	dprintf(fd, "%lld %s\n", (long long)count, name);
	close(fd);
}

void failpoint_hit(const char *name) {
	static _Atomic int64_t hits, named;
	int64_t count = atomic_fetch_add(&hits, 1) + 1, deadly = 0;
	struct str rest = str_of(getenv("USHER_FAILPOINT")), wanted;
	failpoint_log(count, name);
	if (!str_next(&rest, ':', &wanted))
		return;
	if (str_absent(rest))
		rest = wanted;
	else if (str_eq(wanted, str_of(name)))
		count = atomic_fetch_add(&named, 1) + 1;
	else
		return;
	if (str_int(rest, 1, INT64_MAX, &deadly) && deadly == count)
		raise(SIGKILL);
}
#endif
