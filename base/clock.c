#include <stdatomic.h>

#include "base/clock.h"

static _Atomic int64_t shift_ms;

static int64_t clock_us(clockid_t which) {
	struct timespec now;
	if (clock_gettime(which, &now))
		abort();
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_ms(void) {
	return clock_us(CLOCK_REALTIME) / 1000 + atomic_load_explicit(&shift_ms, memory_order_relaxed);
}

int64_t clock_monotonic_ms(void) {
	return clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_monotonic_us(void) {
	return clock_us(CLOCK_MONOTONIC);
}

void clock_shift_ms(int64_t by) {
	atomic_fetch_add_explicit(&shift_ms, by, memory_order_relaxed);
}
