/* banned.h: functions that do not compile here. Each has a safe counterpart in base. */
#ifndef USHER_BASE_BANNED_H
#define USHER_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok strtok_r
#pragma GCC poison atoi atol atoll system popen gmtime localtime ctime asctime rand random srand
#undef alloca /* a macro of <stdlib.h> */
#pragma GCC poison alloca

#endif
