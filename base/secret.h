/* secret.h: randomness, hashes, and the seal of what rests in the store.
 *
 * A failing random source ends the process, and so does sealing or deriving without a key: nothing here returns a
 * guess. Hashes are computed with algorithms fetched once. The seal is AES-256-GCM with a random 96-bit nonce and a key
 * derived per purpose from the key file by HKDF-SHA-256; the sealed form is version byte | key id (4) | nonce (12) |
 * ciphertext | tag (16). Several keys may be loaded: the first seals, all open. A purpose is a short constant, 200
 * bytes at most. */
#ifndef USHER_BASE_SECRET_H
#define USHER_BASE_SECRET_H

#include "base/error.h"
#include "base/str.h"

#define HASH_SIZE 32

/* Once, before threads; tests may call it without a file. Fetches algorithms. */
void secret_init(void);
/* Loads the key file: one or more lines of 64 hexadecimal digits. Where the file does not exist and create is true it
 * is made, mode 0600. Refuses a file that others may read; one of another owner (root) may be readable through its
 * group. On failure *ret_why says what is wrong, static text, and the keys loaded before stay. Before threads. */
enum err secret_load_keys(const char *path, bool create, const char **ret_why) must_use;
/* For tests: one fixed key. */
void secret_use_key(const uint8_t key[32]);
void random_bytes(void *p, size_t n);
struct str random_token(struct arena *a, size_t bytes); /* base64url */
/* A bearer secret that rests as a row: ten letters of time as random_id begins, then 256 random bits in base64url; and
 * the key of its row: the letters of time and the base64url SHA-256 of the whole. Rows of one time lie together, so
 * that a new one is written where the last was, however many there are. */
struct str random_secret(struct arena *a);
struct str secret_key_of(struct arena *a, struct str secret);
/* 26 letters, Crockford base 32, sortable by time (48 bits of milliseconds, 80 of randomness): ids of rows. */
struct str random_id(struct arena *a);
void wipe(void *p, size_t n); /* explicit_bzero */
struct str sha256(struct arena *a, struct str bytes);
void sha256_into(uint8_t out[HASH_SIZE], struct str bytes);
struct str hmac_sha256(struct arena *a, struct str key, struct str bytes);
/* A key of 32 bytes for one purpose ("csrf", "ticket"), derived from the first loaded key; the same on every node and
 * start. Another than seal takes for the same purpose. About 5 microseconds: keep it where it is needed often. */
struct str secret_derive(struct arena *a, struct str purpose);
struct str seal(struct arena *a, struct str purpose, struct str plain);
bool unseal(struct arena *a, struct str purpose, struct str sealed, struct str *ret);

#endif
