#include <stdlib.h>

#include "federation/feed/feed_private.h"

static const char *const places[] = {"organizationalUnit", "organization", "locality", "container", "nsContainer"};

static const struct make makes[] = {
	[DIRECTORY_OPENLDAP] = {"entryUUID", "modifyTimestamp", "entryCSN", ""},
	[DIRECTORY_ACTIVE_DIRECTORY] = {"objectGUID", "whenChanged", "uSNChanged", ".0"},
	[DIRECTORY_389DS] = {"nsUniqueId", "modifyTimestamp", NULL, ""},
};

const struct make *make_of(const struct directory_config *d) {
	return &makes[(size_t)d->driver < COUNT(makes) ? d->driver : DIRECTORY_OPENLDAP];
}

static const struct attribute *find(const struct entry *e, struct str name) {
	for (size_t i = 0; i < e->n_attributes; i++)
		if (str_eq_case(e->attributes[i].name, name))
			return &e->attributes[i];
	return NULL;
}

bool entry_is_place(const struct entry *e) {
	const struct attribute *classes = find(e, STR("objectClass"));
	for (size_t k = 0; classes && k < classes->values.n; k++)
		for (size_t p = 0; p < COUNT(places); p++)
			if (str_eq_case(classes->values.v[k], str_of(places[p])))
				return true;
	return false;
}

void entry_drop(struct entry *e, struct str attribute) {
	size_t kept = 0;
	for (size_t i = 0; i < e->n_attributes; i++)
		if (!str_eq_case(e->attributes[i].name, attribute))
			e->attributes[kept++] = e->attributes[i];
	e->n_attributes = kept;
}

void bytes_set(struct bytes *b, struct str s) {
	char *p = s.n ? malloc(s.n) : NULL;
	if (s.n && !p)
		abort();
	if (s.n)
		memcpy(p, s.p, s.n);
	free(b->p);
	*b = (struct bytes){p, s.n};
}

struct str bytes_str(const struct bytes *b) {
	return b->n ? str_slice(b->p, b->n) : STR_NONE;
}
