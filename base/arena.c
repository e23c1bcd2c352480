#include <pthread.h>
#include <stdalign.h>
#include <unistd.h>

#include "base/arena.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define GAP 16u /* a poisoned strip after each allocation, so that the sanitizer sees an overrun */
#define SPARES 0  /* and what is freed is gone */
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define GAP                               0u
#define SPARES                            32
#endif

#define ALIGN       16u
#define BLOCK_FIRST (16u << 10)
#define BLOCK_MOST  (1u << 20)

struct block {
	struct block *next;
	size_t room, used;
	alignas(ALIGN) char bytes[];
};

struct arena {
	struct block *first; /* kept by a wipe */
	struct block *current;
	size_t next_room;
	size_t used;
};

/* Wiped arenas for the next to come: clearing new blocks costs more than the few letters of a request. */
static struct {
	pthread_mutex_t lock;
	int n;
	struct arena *v[SPARES + 1];
} spares = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Noreturn void arena_die(const char *why, size_t n) {
	ssize_t dropped = write(STDERR_FILENO, why, n);
	(void)dropped;
	abort();
}
#define DIE(why) arena_die(why "\n", sizeof(why))

static struct block *block_new(size_t room) {
	struct block *b = calloc(1, sizeof(*b) + room);
	if (!b)
		DIE("arena: out of memory");
	b->room = room;
	ASAN_POISON_MEMORY_REGION(b->bytes, room);
	return b;
}

/* Overwrites only what was given out: the rest of a block was never touched. */
static void block_wipe(struct block *b) {
	ASAN_UNPOISON_MEMORY_REGION(b->bytes, b->room);
	explicit_bzero(b->bytes, b->used);
	b->used = 0;
}

static struct arena *spare_take(void) {
	pthread_mutex_lock(&spares.lock);
	struct arena *a = spares.n ? spares.v[--spares.n] : NULL;
	pthread_mutex_unlock(&spares.lock);
	return a;
}

static bool spare_keep(struct arena *a) {
	pthread_mutex_lock(&spares.lock);
	bool kept = spares.n < SPARES;
	if (kept)
		spares.v[spares.n++] = a;
	pthread_mutex_unlock(&spares.lock);
	return kept;
}

struct arena *arena_new(void) {
	struct arena *a = spare_take();
	if (a)
		return a;
	a = calloc(1, sizeof(*a));
	if (!a)
		DIE("arena: out of memory");
	a->first = a->current = block_new(BLOCK_FIRST);
	a->next_room = BLOCK_FIRST * 2;
	return a;
}

void arena_wipe(struct arena *a) {
	struct block *b = a->first->next;
	while (b) {
		struct block *next = b->next;
		block_wipe(b);
		free(b);
		b = next;
	}
	block_wipe(a->first);
	ASAN_POISON_MEMORY_REGION(a->first->bytes, a->first->room);
	a->first->next = NULL;
	a->current = a->first;
	a->next_room = BLOCK_FIRST * 2;
	a->used = 0;
}

void arena_free(struct arena *a) {
	if (!a)
		return;
	arena_wipe(a);
	if (spare_keep(a))
		return;
	ASAN_UNPOISON_MEMORY_REGION(a->first->bytes, a->first->room);
	free(a->first);
	free(a);
}

/* The space an allocation takes; even an empty one has an address of its own. */
static size_t arena_round(size_t size) {
	if (size > LIMIT_ARENA)
		DIE("arena: over LIMIT_ARENA");
	if (size == 0)
		size = 1;
	return ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1)) + GAP;
}

static void arena_count(struct arena *a, size_t space) {
	a->used += space;
	if (a->used > LIMIT_ARENA)
		DIE("arena: over LIMIT_ARENA");
}

static void arena_extend(struct arena *a, size_t space) {
	struct block *b = block_new(space > a->next_room ? space : a->next_room);
	if (a->next_room < BLOCK_MOST)
		a->next_room *= 2;
	a->current->next = b;
	a->current = b;
}

void *arena_alloc(struct arena *a, size_t size) {
	size_t space = arena_round(size);
	arena_count(a, space);
	if (a->current->room - a->current->used < space)
		arena_extend(a, space);
	void *p = a->current->bytes + a->current->used;
	a->current->used += space;
	ASAN_UNPOISON_MEMORY_REGION(p, size);
	return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size) {
	size_t product = 0;
	if (__builtin_mul_overflow(n, size, &product))
		DIE("arena: over LIMIT_ARENA");
	return arena_alloc(a, product);
}

size_t arena_used(const struct arena *a) {
	return a->used;
}

static bool arena_grow_in_place(struct arena *a, char *old, size_t old_size, size_t new_size) {
	struct block *b = a->current;
	size_t had = arena_round(old_size), wants = arena_round(new_size);
	if (b->used < had || old != b->bytes + (b->used - had) || b->room - b->used < wants - had)
		return false;
	arena_count(a, wants - had);
	b->used += wants - had;
	ASAN_UNPOISON_MEMORY_REGION(old, new_size);
	return true;
}

void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size) {
	if (!old)
		return arena_alloc(a, new_size);
	if (new_size <= old_size || arena_grow_in_place(a, old, old_size, new_size))
		return old;
	void *p = arena_alloc(a, new_size);
	if (old_size)
		memcpy(p, old, old_size);
	return p;
}
