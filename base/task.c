#include "base/task.h"

#include <stdarg.h>

#include "base/clock.h"
#include "base/secret.h"

#define REFERENCE_LETTERS 8u
#define DETAIL_MAX        1024

struct slot {
	const struct handle_kind *kind;
	const void *key;
	void *handle;
	uint64_t used; /* number of the task that asked for it last */
};

struct handles {
	struct slot v[LIMIT_HANDLES]; /* in the order of opening */
	size_t n;
	uint64_t tasks;
};

/* Sixteen letters, so that four bits choose one without bias; no vowels, so that no word comes out. */
static struct str reference(struct arena *a) {
	static const char letters[] = "BCDFGHJKLMNPQRST";
	uint8_t bytes[REFERENCE_LETTERS];
	random_bytes(bytes, sizeof(bytes));
	char *p = arena_alloc(a, REFERENCE_LETTERS);
	for (size_t i = 0; i < REFERENCE_LETTERS; i++)
		p[i] = letters[bytes[i] & 15];
	return str_slice(p, REFERENCE_LETTERS);
}

void task_begin(struct task *t, struct arena *a, struct handles *h, int64_t ms) {
	*t = (struct task){.arena = a, .handles = h};
	t->actor = STR("nobody");
	t->realm_name = STR("");
	t->address = STR("");
	t->reference = reference(a);
	t->deadline = clock_monotonic_ms() + ms;
	if (h)
		h->tasks++;
}

int64_t task_left_ms(const struct task *t) {
	int64_t left = t->deadline - clock_monotonic_ms();
	return left > 0 ? left : 0;
}

enum err task_fail(struct task *t, enum err code, const char *format, ...) {
	char text[DETAIL_MAX];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct str told = str_slice(text, n < 0 ? 0 : n < DETAIL_MAX ? (size_t)n : DETAIL_MAX - 1);
	if (!t->failure) {
		t->failure = code;
		t->failure_detail = str_dup(t->arena, told);
		return code;
	}
	struct str before = str_sub(t->failure_detail, 0, DETAIL_MAX - told.n);
	t->failure_detail = str_printf(t->arena, "%.*s: %.*s", FMT(told), FMT(before));
	return code;
}

void task_clear(struct task *t) {
	if (t->failure) {
		t->cleared = t->failure;
		t->cleared_detail = t->failure_detail;
	}
	t->failure = OK;
	t->failure_detail = STR_NONE;
}

enum err task_apart(struct task *t, enum err (*f)(struct task *t, void *what), void *what) {
	owned(arena) struct arena *apart = arena_new();
	struct arena *whole = t->arena;
	enum err cleared = t->cleared;
	struct str cleared_detail = t->cleared_detail;
	t->arena = apart;
	enum err e = f(t, what);
	t->arena = whole;
	t->failure_detail = str_dup(whole, t->failure_detail);
	t->cleared = cleared;
	t->cleared_detail = cleared_detail;
	return e;
}

enum err task_cstr(struct task *t, struct str s, const char **ret) {
	if (str_find(s, 0, 0) < s.n)
		return task_fail(t, ERR_INVALID, "NUL in a text");
	char *c = arena_alloc(t->arena, s.n + 1);
	if (s.n)
		memcpy(c, s.p, s.n);
	*ret = c;
	return OK;
}

struct handles *handles_new(void) {
	struct handles *h = calloc(1, sizeof(*h));
	if (!h)
		abort();
	return h;
}

void handles_free(struct handles *h) {
	handles_close_all(h);
	free(h);
}

static struct slot *find(struct handles *h, const struct handle_kind *kind, const void *key) {
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].kind == kind && h->v[i].key == key)
			return &h->v[i];
	return NULL;
}

/* The slot leaves the list before its handle is closed: closing may look into the list. */
static void close_slot(struct handles *h, struct slot *slot) {
	struct slot closed = *slot;
	size_t i = (size_t)(slot - h->v);
	memmove(slot, slot + 1, (h->n - i - 1) * sizeof(*slot));
	h->n--;
	closed.kind->close(closed.handle);
}

/* A full list gives up the handle that was asked for longest ago, unless the present task holds it. */
static enum err make_room(struct task *t) {
	struct handles *h = t->handles;
	if (h->n < LIMIT_HANDLES)
		return OK;
	struct slot *oldest = &h->v[0];
	for (size_t i = 1; i < h->n; i++)
		if (h->v[i].used < oldest->used)
			oldest = &h->v[i];
	if (oldest->used == h->tasks)
		return task_fail(t, ERR_UNAVAILABLE, "one task needs more than %u handles", LIMIT_HANDLES);
	close_slot(h, oldest);
	return OK;
}

enum err task_handle(struct task *t, const struct handle_kind *kind, const void *key, void **ret) {
	struct handles *h = t->handles;
	if (!h)
		return task_fail(t, ERR_INTERNAL, "%s: a task without handles may not wait", kind->name);
	struct slot *slot = find(h, kind, key);
	if (slot) {
		slot->used = h->tasks;
		*ret = slot->handle;
		return OK;
	}
	void *opened;
	TRY(make_room(t));
	TRY(kind->open(t, key, &opened));
	/* open may have opened others */
	enum err full = make_room(t);
	if (full) {
		kind->close(opened);
		return full;
	}
	h->v[h->n++] = (struct slot){.kind = kind, .key = key, .handle = opened, .used = h->tasks};
	*ret = opened;
	return OK;
}

void task_handle_drop(struct task *t, const struct handle_kind *kind, const void *key) {
	struct slot *slot = t->handles ? find(t->handles, kind, key) : NULL;
	if (slot)
		close_slot(t->handles, slot);
}

void handles_close_all(struct handles *h) {
	while (h->n)
		close_slot(h, &h->v[h->n - 1]);
}
