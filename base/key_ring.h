/* key_ring.h: the keys of the key file, for secret.c alone.
 *
 * Loaded before threads, constant afterwards but for what is kept of derived ones. */
#ifndef USHER_BASE_KEY_RING_H
#define USHER_BASE_KEY_RING_H

#include "base/str.h"

#define KEY_SIZE 32u
#define KEY_ID_SIZE 4u

struct key {
	uint8_t bytes[KEY_SIZE];
	uint8_t id[KEY_ID_SIZE]; /* derived from the key; tells nothing about it */
};

void key_ring_init(void);
/* The key that seals; NULL when none is loaded. */
const struct key *key_ring_first(void);
/* The key after this one; NULL after the last. */
const struct key *key_ring_next(const struct key *key);
/* HKDF-SHA-256 without salt, the info being use and purpose one after the other. */
void key_derive(uint8_t out[KEY_SIZE], const struct key *key, struct str use, struct str purpose);
/* What was derived from the first key before, by purpose; a few are kept, until other keys are loaded. All threads. */
bool key_derived_find(uint8_t out[KEY_SIZE], struct str purpose);
void key_derived_keep(const uint8_t derived[KEY_SIZE], struct str purpose);

#endif
