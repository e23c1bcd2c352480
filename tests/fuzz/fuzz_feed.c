/* What a directory sends in the controls of a feed: read without harm, and what was read lies within what was sent.
 * The first byte says what the rest is. */
#include <stdlib.h>

#include "federation/feed/der.h"
#include "federation/feed/sync_value.h"
#include "federation/feed/trail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void wanted(bool holds) {
	if (!holds)
		abort();
}

static void inside(struct str whole, struct str part) {
	wanted(str_absent(part) || (part.p >= whole.p && part.n <= whole.n && part.p + part.n <= whole.p + whole.n));
}

static void read_info(struct str value) {
	struct sync_info info;
	struct str id;
	if (!sync_info_read(value, &info))
		return;
	inside(value, info.cookie);
	inside(value, info.ids);
	wanted(info.cookie.n <= COOKIE_MOST);
	while (info.ids.n) {
		wanted(sync_next_id(&info.ids, &id) && id.n == SYNC_ID);
		inside(value, id);
	}
}

static void read_state(struct str value) {
	struct sync_state state;
	if (!sync_state_read(value, &state))
		return;
	wanted(state.id.n == SYNC_ID && state.is >= SYNC_PRESENT && state.is <= SYNC_DELETE);
	inside(value, state.id);
	inside(value, state.cookie);
}

static void read_dirsync(struct str value) {
	struct str cookie = STR_NONE;
	bool more;
	if (dirsync_read(value, &more, &cookie))
		inside(value, cookie);
}

/* A number that was read is written in its shortest form, and read again. */
static void read_number(struct str value) {
	owned(arena) struct arena *a = arena_new();
	struct buf b = buf_new(a, 16);
	int32_t number = 0, again = 0;
	if (!der_take_number(&value, DER_INTEGER, &number))
		return;
	der_put_number(&b, DER_INTEGER, number);
	struct str back = buf_str(&b);
	wanted(der_take_number(&back, DER_INTEGER, &again) && again == number && back.n == 0);
}

/* A time that was read is written and read as the same. */
static void read_time(struct str value) {
	owned(arena) struct arena *a = arena_new();
	int64_t at = directory_time_ms(value) / 1000;
	wanted(at >= 0);
	if (at)
		wanted(directory_time_ms(time_write(a, at, "")) / 1000 == at);
}

static void read_page(struct str value) {
	char oid[] = LDAP_CONTROL_PAGEDRESULTS;
	LDAPControl control = {oid, feed_berval(value), 0}, *controls[] = {&control, NULL};
	struct str cookie = STR_NONE;
	if (wire_page_read(controls, &cookie))
		inside(value, cookie);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static void (*const readers[])(struct str) = {
		read_info, read_state, read_dirsync, read_number, read_time, read_page};
	if (size == 0)
		return 0;
	/* A copy of its own, so that the sanitizer sees the first byte behind it. */
	char *copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	readers[data[0] % COUNT(readers)](str_slice(copy + 1, size - 1));
	free(copy);
	return 0;
}
