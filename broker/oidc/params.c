#include "broker/oidc/oidc.h"

struct str param(struct params p, const char *name) {
	struct str wanted = str_of(name);
	for (size_t i = 0; i < p.n; i++)
		if (str_eq(p.v[i].name, wanted))
			return p.v[i].value;
	return STR_NONE;
}
