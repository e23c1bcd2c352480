/* Pending objects of Active Directory, told: federation/feed/objects.c, with a server in memory in place of the link.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "federation/feed/trail.h"

#define MOST 8

/* ---- the server: who is there; a search finds all whose GUID is asked for ---- */
static struct {
	uint8_t there[MOST]; /* last byte of the GUID */
	size_t n, asked;     /* the search stands before there[asked] */
	struct str filter;
} server;

static struct str guid_of(struct task *t, uint8_t last) {
	char *guid = arena_alloc(t->arena, GUID);
	memset(guid, 0, GUID);
	guid[GUID - 1] = (char)last;
	return str_slice(guid, GUID);
}

enum err wire_begin(struct task *t, struct feed *f, const struct question *q, size_t most, struct run *ret) {
	(void)t, (void)f, (void)most;
	server.asked = 0;
	server.filter = q->filter;
	*ret = (struct run){0};
	return OK;
}

enum err wire_step(struct task *t, struct feed *f, struct run *r, LDAPMessage **ret, struct answer *ret_answer) {
	(void)f, (void)r;
	*ret_answer = (struct answer){.result = LDAP_SUCCESS};
	*ret = NULL;
	while (server.asked < server.n && !*ret) {
		uint8_t *one = &server.there[server.asked++];
		if (str_contains(server.filter, STR("(person)")) &&
			str_contains(server.filter, str_printf(t->arena, "\\%02x)", *one)))
			*ret = (LDAPMessage *)(void *)one;
	}
	return OK;
}

int ldap_msgfree(LDAPMessage *m) {
	(void)m;
	return 0;
}

enum err wire_result(struct task *t, const struct feed *f, const struct answer *a, const char *what) {
	(void)t, (void)f, (void)a, (void)what;
	return OK;
}

struct str wire_value(struct task *t, struct feed *f, LDAPMessage *entry, const char *attribute) {
	(void)f, (void)attribute;
	return guid_of(t, *(const uint8_t *)(void *)entry);
}

bool wire_can_name(struct task *t, struct feed *f, LDAPMessage *entry) {
	(void)t, (void)f, (void)entry;
	return true;
}

struct str directory_link_controller(const struct directory_link *l) {
	(void)l;
	return STR("ldap://memory");
}

struct strs directory_link_attributes(struct arena *a, const struct directory_config *d) {
	(void)a, (void)d;
	return (struct strs){NULL, 0};
}

enum err directory_link_entry(struct task *t, struct directory_link *l, struct ldapmsg *m, struct entry *ret) {
	(void)l;
	*ret = (struct entry){.stable_id = directory_guid_text(t->arena, guid_of(t, *(const uint8_t *)(void *)m))};
	return OK;
}

struct str bytes_str(const struct bytes *b) {
	(void)b;
	return STR("DC=test");
}

void batch_add(struct feed_batch *b, enum feed_change_kind kind, enum feed_subject subject, struct str stable_id,
	struct entry *entry) {
	assert_true(b->n < FEED_BATCH);
	b->v[b->n++] = (struct feed_change){kind, subject, stable_id, entry};
}

/* ---- tests ---- */
static size_t told(const struct feed_batch *b, enum feed_change_kind kind, struct str id) {
	size_t n = 0;
	for (size_t i = 0; i < b->n; i++)
		n += b->v[i].kind == kind && str_eq(b->v[i].stable_id, id);
	return n;
}

/* Each row: what is pending of one object, whether it is there, and what is told of it. */
static void tells_each_as_it_is(void **state) {
	static const struct row {
		uint8_t pending[3];
		bool there;
		size_t changed;
		bool gone;
	} rows[] = {
		{{OBJECT_PERSON}, true, 1, false},
		{{OBJECT_PERSON}, false, 0, true},
		{{OBJECT_DELETED}, false, 0, true},
		{{OBJECT_PERSON, OBJECT_PERSON | OBJECT_MOVED}, true, 1, false},
		{{OBJECT_PERSON, OBJECT_PERSON, OBJECT_PERSON}, true, 1, false},
		{{OBJECT_DELETED, OBJECT_PERSON}, true, 1, false}, /* and was restored */
		{{OBJECT_PERSON, OBJECT_DELETED}, false, 0, true},
	};
	struct arena *a = arena_new();
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct directory_config d = {.people_filter = STR("(person)"), .group_filter = STR("(group)")};
		struct object pending[COUNT(rows[i].pending)] = {0};
		struct trail r = {.v = pending};
		struct feed f = {.d = &d, .state = &r};
		struct task t;
		struct feed_batch b = {.v = arena_array(a, struct feed_change, FEED_BATCH)};
		task_begin(&t, a, NULL, 1000);
		for (; r.n < COUNT(pending) && rows[i].pending[r.n]; r.n++) {
			memcpy(pending[r.n].guid, guid_of(&t, 7).p, GUID);
			pending[r.n].is = rows[i].pending[r.n];
		}
		server.n = rows[i].there;
		server.there[0] = 7;
		assert_int_equal(trail_tell(&t, &f, &b), OK);
		struct str id = directory_guid_text(a, guid_of(&t, 7));
		if (told(&b, FEED_CHANGED, id) != rows[i].changed || !!told(&b, FEED_GONE, id) != rows[i].gone)
			fail_msg("row %zu: told %zu times as changed, %zu times as gone", i, told(&b, FEED_CHANGED, id),
				told(&b, FEED_GONE, id));
	}
	arena_free(a);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(tells_each_as_it_is)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
