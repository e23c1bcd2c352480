/* arena.h: memory that lives as long as its task, and that nobody frees.
 *
 * Allocation never fails to its caller: when the system has no memory, or the arena passes LIMIT_ARENA, the process
 * ends (limits on input keep users from causing it). Memory is zeroed. arena_wipe overwrites what was given out before
 * it goes back, so that no secret stays behind; the first block is kept for the next task. */
#ifndef USHER_BASE_ARENA_H
#define USHER_BASE_ARENA_H

#include "base/base.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* wipes first */
void arena_wipe(struct arena *a);
void *arena_alloc(struct arena *a, size_t size); /* aligned to 16, zeroed */
size_t arena_used(const struct arena *a);
/* Grows the newest allocation in place where possible, else copies; old may be NULL with old_size 0. */
void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size);

#define arena_new_of(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_calloc((a), (n), sizeof(type)))
void *arena_calloc(struct arena *a, size_t n, size_t size); /* checks the product */

OWNED(arena, struct arena *, arena_free)

#endif
