/* clock.h: the two clocks. Milliseconds. A test moves the wall clock by clock_shift_ms. */
#ifndef USHER_BASE_CLOCK_H
#define USHER_BASE_CLOCK_H

#include "base/base.h"

int64_t clock_wall_ms(void);      /* since 1970, for rows and tokens */
int64_t clock_monotonic_ms(void); /* for deadlines and throttles */
int64_t clock_monotonic_us(void); /* for metrics */
void clock_shift_ms(int64_t by);  /* tests only: moves the wall clock */

#endif
