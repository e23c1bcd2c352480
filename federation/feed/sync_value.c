#include "federation/feed/sync_value.h"
#include "federation/feed/der.h"
#include "federation/feed/feed_private.h"

enum { MODE_REFRESH_AND_PERSIST = 3 };
/* Tags of the choices of syncInfoValue. */
enum { TAG_NEW_COOKIE = 0x80, TAG_REFRESH_DELETE = 0xa1, TAG_REFRESH_PRESENT = 0xa2, TAG_ID_SET = 0xa3 };

/* cookie OPTIONAL */
static bool read_cookie(struct str *rest, struct str *ret) {
	*ret = STR_NONE;
	return der_tag(*rest) != DER_OCTETS || (der_take(rest, DER_OCTETS, ret) && ret->n <= COOKIE_MOST);
}

/* BOOLEAN DEFAULT: *ret is that already. */
static bool read_flag(struct str *rest, bool *ret) {
	int32_t flag = 0;
	if (der_tag(*rest) != DER_BOOLEAN)
		return true;
	if (!der_take_number(rest, DER_BOOLEAN, &flag))
		return false;
	*ret = flag != 0;
	return true;
}

bool sync_state_read(struct str value, struct sync_state *ret) {
	struct sync_state s = {SYNC_PRESENT, STR_NONE, STR_NONE};
	struct str rest;
	int32_t is = -1;
	if (!der_take(&value, DER_SEQUENCE, &rest) || !der_take_number(&rest, DER_ENUM, &is) || is < SYNC_PRESENT ||
		is > SYNC_DELETE || !der_take(&rest, DER_OCTETS, &s.id) || s.id.n != SYNC_ID ||
		!read_cookie(&rest, &s.cookie))
		return false;
	s.is = (enum sync_is)is;
	*ret = s;
	return true;
}

bool sync_next_id(struct str *ids, struct str *ret) {
	return der_take(ids, DER_OCTETS, ret) && ret->n == SYNC_ID;
}

static bool read_set(struct str rest, struct sync_info *s) {
	struct str ids, id;
	if (!read_cookie(&rest, &s->cookie) || !read_flag(&rest, &s->deletes) || !der_take(&rest, DER_SET, &s->ids))
		return false;
	ids = s->ids;
	while (ids.n)
		if (!sync_next_id(&ids, &id))
			return false;
	return true;
}

static bool read_refresh(struct str rest, struct sync_info *s) {
	s->done = true; /* DEFAULT TRUE */
	return read_cookie(&rest, &s->cookie) && read_flag(&rest, &s->done);
}

static bool read_new_cookie(struct str content, struct sync_info *s) {
	s->cookie = content;
	return content.n <= COOKIE_MOST;
}

static const struct {
	int tag;
	enum sync_tells tells;
	bool (*read)(struct str content, struct sync_info *s);
} choices[] = {
	{TAG_NEW_COOKIE, SYNC_NEW_COOKIE, read_new_cookie},
	{TAG_REFRESH_DELETE, SYNC_REFRESH_DELETE, read_refresh},
	{TAG_REFRESH_PRESENT, SYNC_REFRESH_PRESENT, read_refresh},
	{TAG_ID_SET, SYNC_ID_SET, read_set},
};

bool sync_info_read(struct str value, struct sync_info *ret) {
	struct str content;
	for (size_t i = 0; i < COUNT(choices); i++) {
		struct sync_info s = {.tells = choices[i].tells, .cookie = STR_NONE};
		if (der_tag(value) != choices[i].tag)
			continue;
		if (!der_take(&value, choices[i].tag, &content) || !choices[i].read(content, &s))
			return false;
		*ret = s;
		return true;
	}
	return false;
}

struct str sync_request(struct arena *a, struct str cookie) {
	struct buf content = buf_new(a, COOKIE_MOST + 64), value = buf_new(a, COOKIE_MOST + 64);
	der_put_number(&content, DER_ENUM, MODE_REFRESH_AND_PERSIST);
	if (!str_empty(cookie))
		der_put(&content, DER_OCTETS, cookie);
	der_put(&value, DER_SEQUENCE, buf_str(&content));
	return buf_str(&value);
}
