/* Whatever an answer of DNS holds: each host that is taken is a name within the domain, and the order loses none. */
#include "base/base.h"
#include "federation/directory/srv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t last(uint32_t below) {
	return below - 1;
}

static void wanted(bool holds) {
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	owned(arena) struct arena *a = arena_new();
	const struct str domain = STR("example.test");
	struct srvs s = {.n = 0};
	if (!srv_parse(a, str_slice((const char *)data, size), domain, &s))
		return 0;
	wanted(s.n <= SRV_MOST);
	size_t n = s.n;
	srv_order(&s, last);
	wanted(s.n == n);
	for (size_t i = 0; i < s.n; i++) {
		struct str host = s.v[i].host;
		wanted(host.n > domain.n + 1 && host.n <= 253 && s.v[i].port > 0);
		wanted(str_eq(str_sub(host, host.n - domain.n, host.n), domain));
		for (size_t k = 0; k < host.n; k++)
			wanted(host.p[k] == '.' || host.p[k] == '-' || (host.p[k] >= '0' && host.p[k] <= '9') ||
				(host.p[k] >= 'a' && host.p[k] <= 'z'));
		wanted(i == 0 || s.v[i - 1].priority <= s.v[i].priority);
	}
	return 0;
}
