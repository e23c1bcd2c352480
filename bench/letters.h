/* letters.h: the mailbox folder of usherd, emptied by one thread that hands each user the link to /verify it waits for.
 * The address of user 3 begins with "u3.". */
#ifndef USHER_BENCH_LETTERS_H
#define USHER_BENCH_LETTERS_H

#include <stdbool.h>

#define LINK_MOST  512
#define USERS_MOST 256

void letters_start(const char *folder);
void letters_expect(unsigned user); /* forgets what came before */
bool letters_wait(unsigned user, char link[LINK_MOST]);

#endif
