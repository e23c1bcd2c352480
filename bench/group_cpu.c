#include "group_cpu.h"

#include <dirent.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Of all threads of a process, finer than the ticks in /proc/PID/stat. */
static int64_t process_cpu_us(pid_t pid) {
	struct timespec t;
	clockid_t clock;
	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t group_cpu_us(long leader) {
	int64_t sum = 0;
	DIR *d = leader > 0 ? opendir("/proc") : NULL;
	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		if (pid > 0 && (pid == leader || getpgid(pid) == leader))
			sum += process_cpu_us(pid);
	}
	if (d)
		closedir(d);
	return sum;
}
