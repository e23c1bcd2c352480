#include "letters.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LETTER_MOST (64 << 10)
#define WAIT_S      10

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;
static char links[USERS_MOST][LINK_MOST];

/* Quoted-printable (RFC 2045 6.7), in place. */
static void decode(char *text) {
	char *to = text;
	for (const char *from = text; *from;) {
		unsigned code;
		if (from[0] == '=' && from[1] == '\r' && from[2] == '\n') {
			from += 3;
		} else if (from[0] == '=' && sscanf(from + 1, "%2X", &code) == 1) {
			*to++ = (char)code;
			from += 3;
		} else {
			*to++ = *from++;
		}
	}
	*to = 0;
}

static void deliver(char *text) {
	const char *to = strstr(text, "\nTo: ");
	unsigned user;
	if (!to || (sscanf(to + 5, "u%u.", &user) != 1 && sscanf(to + 5, "<u%u.", &user) != 1) || user >= USERS_MOST)
		return;
	decode(text);
	char *path = strstr(text, "/verify?t=");
	if (!path)
		return;
	while (path > text && strncmp(path, "/realms/", 8))
		path--;
	pthread_mutex_lock(&lock);
	snprintf(links[user], LINK_MOST, "%.*s", (int)strcspn(path, " \r\n<>\"'"), path);
	pthread_cond_broadcast(&came);
	pthread_mutex_unlock(&lock);
}

static void letter_take(int folder, const char *name) {
	static char text[LETTER_MOST + 1];
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, LETTER_MOST) : -1;
	if (fd >= 0)
		close(fd);
	unlinkat(folder, name, 0);
	if (n <= 0)
		return;
	text[n] = 0;
	deliver(text);
}

static void *letters_loop(void *argument) {
	const struct timespec pause = {.tv_nsec = 500000};
	for (;;) {
		DIR *d = opendir(argument);
		for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
			if (e->d_name[0] != '.')
				letter_take(dirfd(d), e->d_name);
		if (d)
			closedir(d);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

void letters_start(const char *folder) {
	pthread_t thread;
	char *own = strdup(folder);
	if (!own || pthread_create(&thread, NULL, letters_loop, own))
		abort();
	pthread_detach(thread);
}

void letters_expect(unsigned user) {
	pthread_mutex_lock(&lock);
	links[user][0] = 0;
	pthread_mutex_unlock(&lock);
}

bool letters_wait(unsigned user, char link[LINK_MOST]) {
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += WAIT_S;
	pthread_mutex_lock(&lock);
	int late = 0;
	while (!links[user][0] && !late)
		late = pthread_cond_clockwait(&came, &lock, CLOCK_MONOTONIC, &end);
	memcpy(link, links[user], LINK_MOST);
	pthread_mutex_unlock(&lock);
	return link[0] != 0;
}
