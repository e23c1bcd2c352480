#include <time.h>

#include "federation/directory/directory.h"

int64_t directory_time_ms(struct str text) {
	static const struct {
		size_t at, n;
		int64_t min, max;
	} parts[] = {{0, 4, 1970, 9999}, {4, 2, 1, 12}, {6, 2, 1, 31}, {8, 2, 0, 23}, {10, 2, 0, 59}, {12, 2, 0, 60}};
	int64_t v[COUNT(parts)];
	for (size_t i = 0; i < COUNT(parts); i++)
		if (!str_int(str_sub(text, parts[i].at, parts[i].n), parts[i].min, parts[i].max, &v[i]))
			return 0;
	struct tm tm = {.tm_year = (int)v[0] - 1900,
		.tm_mon = (int)v[1] - 1,
		.tm_mday = (int)v[2],
		.tm_hour = (int)v[3],
		.tm_min = (int)v[4],
		.tm_sec = (int)v[5]};
	return str_ends(text, STR("Z")) ? (int64_t)timegm(&tm) * 1000 : 0;
}
