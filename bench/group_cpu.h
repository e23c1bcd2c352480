/* group_cpu.h: what a server costs that may be several processes. */
#ifndef USHER_BENCH_GROUP_CPU_H
#define USHER_BENCH_GROUP_CPU_H

#include <stdint.h>

/* Microseconds of user and system time of all processes in the group of this leader that run now: slapd is one, Samba's
 * are many. 0 where there are none. */
int64_t group_cpu_us(long leader);

#endif
