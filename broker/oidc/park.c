/* Requests that wait for a login or for consent: the browser carries them, sealed, and the store knows nothing of
 * them, so that who asks for many fills nothing. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "broker/oidc/oidc_private.h"

#define PURPOSE STR("request")

struct str authorize_park(struct task *t, const struct authorize *a) {
	struct str plain = str_printf(t->arena, "%.*s\n%lld\n%.*s\n%.*s", FMT(t->realm_name),
		(long long)clock_wall_ms(), FMT(a->hint_sub), FMT(a->parameters));
	return base64url_encode(t->arena, seal(t->arena, PURPOSE, plain));
}

/* The texts are views into the JSON, so they are copied. */
static struct params params_of(struct arena *a, json_t *object) {
	struct param *v = arena_array(a, struct param, json_object_size(object) + 1);
	struct params p = {v, 0};
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value) v[p.n++] =
		(struct param){str_dup(a, str_of(name)), str_dup(a, json_member_str(object, name))};
	return p;
}

enum err authorize_resume(struct task *t, struct str parked, struct authorize *ret) {
	struct str sealed = STR_NONE, rest = STR_NONE, realm, at, hint_sub;
	owned(json) json_t *object = NULL;
	struct authorize a;
	bool redirect = false;
	int64_t parked_at = 0;
	if (parked.n > PARKED_MOST || !base64url_decode(t->arena, parked, &sealed) ||
		!unseal(t->arena, PURPOSE, sealed, &rest))
		return task_fail(t, ERR_EXPIRED, "no request is parked, or it is not ours");
	bool whole = str_next(&rest, '\n', &realm) && str_next(&rest, '\n', &at) && str_next(&rest, '\n', &hint_sub) &&
		     str_int(at, 0, INT64_MAX, &parked_at);
	if (!whole || !str_eq(realm, t->realm_name) || parked_at + PARK_TTL_MS <= clock_wall_ms())
		return task_fail(t, ERR_EXPIRED, "the parked request is past its time, or another realm's");
	TRY(json_parse(t, rest, &object));
	TRY(authorize_read(t, params_of(t->arena, object), &a, &redirect)); /* the client may have changed meanwhile */
	a.hint_sub = hint_sub;
	a.parked_at = parked_at;
	*ret = a;
	return OK;
}
