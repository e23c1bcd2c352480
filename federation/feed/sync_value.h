/* sync_value.h: the values of RFC 4533, read. Private to this folder. Results are slices of the value. */
#ifndef USHER_FEDERATION_FEED_SYNC_VALUE_H
#define USHER_FEDERATION_FEED_SYNC_VALUE_H

#include "base/str.h"

#define SYNC_ID 16u /* bytes of a syncUUID */

/* 2.2: of each entry. */
enum sync_is { SYNC_PRESENT = 0, SYNC_ADD = 1, SYNC_MODIFY = 2, SYNC_DELETE = 3 };
struct sync_state {
	enum sync_is is;
	struct str id;     /* SYNC_ID bytes */
	struct str cookie; /* STR_NONE: none */
};
/* 2.5: between entries. */
enum sync_tells { SYNC_NEW_COOKIE, SYNC_REFRESH_DELETE, SYNC_REFRESH_PRESENT, SYNC_ID_SET };
struct sync_info {
	enum sync_tells tells;
	struct str cookie;
	bool done;      /* of SYNC_REFRESH_*: the refresh is over */
	bool deletes;   /* of SYNC_ID_SET: these are gone; else they are there */
	struct str ids; /* of SYNC_ID_SET, for sync_next_id */
};
/* False: not of this form, or a cookie that is too long. */
bool sync_state_read(struct str value, struct sync_state *ret);
bool sync_info_read(struct str value, struct sync_info *ret);
/* Cuts the first off; false when there is none. */
bool sync_next_id(struct str *ids, struct str *ret);
/* The value of the request control (2.2): mode refreshAndPersist, reloadHint false. */
struct str sync_request(struct arena *a, struct str cookie);

#endif
