/* State × event → state: the one table. */
#include "base/clock.h"
#include "base/metric.h"
#include "broker/registrar/registrar_private.h"

struct move {
	enum registration_state from;
	enum event event;
	enum registration_state to;
	const char *action; /* audit */
};

static const struct move moves[] = {
	{REGISTRATION_SUBMITTED, EVENT_SUBMIT_AGAIN, REGISTRATION_EXPIRED, "registration.known"},
	{REGISTRATION_SUBMITTED, EVENT_VERIFY_PENDING, REGISTRATION_PENDING, "registration.verify"},
	{REGISTRATION_SUBMITTED, EVENT_VERIFY_APPROVED, REGISTRATION_APPROVED, "registration.verify"},
	{REGISTRATION_SUBMITTED, EVENT_EXPIRE, REGISTRATION_EXPIRED, "registration.expire"},
	{REGISTRATION_SUBMITTED, EVENT_WITHDRAW, REGISTRATION_WITHDRAWN, "registration.withdraw"},
	{REGISTRATION_PENDING, EVENT_APPROVE, REGISTRATION_APPROVED, "registration.approve"},
	{REGISTRATION_PENDING, EVENT_REJECT, REGISTRATION_REJECTED, "registration.reject"},
	{REGISTRATION_PENDING, EVENT_EXPIRE, REGISTRATION_EXPIRED, "registration.undecided"},
	{REGISTRATION_PENDING, EVENT_WITHDRAW, REGISTRATION_WITHDRAWN, "registration.withdraw"},
	{REGISTRATION_APPROVED, EVENT_CANCEL, REGISTRATION_PENDING, "registration.cancel"},
	{REGISTRATION_APPROVED, EVENT_PROVISIONED, REGISTRATION_PROVISIONED, "registration.provision"},
	{REGISTRATION_PROVISIONED, EVENT_GIVE_WAY, REGISTRATION_APPROVED, "registration.give_way"},
	{REGISTRATION_PROVISIONED, EVENT_ACTIVATE, REGISTRATION_ACTIVE, "registration.activate"},
};

static const char *const state_names[REGISTRATION_STATES] = {
	"submitted", "pending", "approved", "provisioned", "active", "rejected", "expired", "withdrawn"};

static const struct move *move_find(enum registration_state from, enum event event) {
	for (size_t i = 0; i < COUNT(moves); i++)
		if (moves[i].from == from && moves[i].event == event)
			return &moves[i];
	return NULL;
}

bool registration_can(enum registration_state state, enum event event) {
	return move_find(state, event) != NULL;
}

/* Labels of METRIC_REGISTRATIONS: submitted, verified, approved, rejected, provisioned, activated. */
static void count_move(enum event event) {
	static const int labels[EVENTS] = {[EVENT_SUBMIT_AGAIN] = -1,
		[EVENT_VERIFY_PENDING] = 1,
		[EVENT_VERIFY_APPROVED] = 1,
		[EVENT_APPROVE] = 2,
		[EVENT_REJECT] = 3,
		[EVENT_PROVISIONED] = 4,
		[EVENT_ACTIVATE] = 5,
		[EVENT_GIVE_WAY] = -1,
		[EVENT_EXPIRE] = -1,
		[EVENT_WITHDRAW] = -1,
		[EVENT_CANCEL] = -1};
	if (labels[event] >= 0)
		metric_add(METRIC_REGISTRATIONS, (unsigned)labels[event], 1);
}

/* When the sweep looks at a registration in this state; 0 never. */
static int64_t due_of(const struct registration *r, const struct profile_config *p, int64_t now) {
	if (!p)
		return now + 86400000;
	switch (r->state) {
	case REGISTRATION_SUBMITTED:
		return now + p->verify_ttl * 1000;
	case REGISTRATION_PENDING:
		return now +
		       (p->remind_after && p->remind_after < p->undecided_ttl ? p->remind_after : p->undecided_ttl) *
			       1000;
	case REGISTRATION_REJECTED:
	case REGISTRATION_EXPIRED:
	case REGISTRATION_WITHDRAWN:
		return now + p->retain_after * 1000;
	default:
		return 0;
	}
}

enum err registration_transition(struct task *t, struct registration *r, enum event event, struct str note) {
	const struct move *m = move_find(r->state, event);
	if (!m)
		return task_fail(t, ERR_STALE, "registration %.*s is %s; event %d does not apply", FMT(r->id),
			state_names[r->state], (int)event);
	int64_t now = clock_wall_ms();
	struct registration moved = *r;
	moved.state = m->to;
	moved.updated_at = now;
	moved.due_at = due_of(&moved, realm_profile(t->realm, r->profile), now);
	TRY(registrations_update(t, &moved));
	TRY(audit_record(t, m->action, r->id, AUDIT("from", str_of(state_names[r->state])),
		AUDIT("to", str_of(state_names[m->to])), AUDIT("note", note)));
	count_move(event);
	*r = moved;
	return OK;
}

enum err registration_profile(struct task *t, const struct registration *r, const struct profile_config **ret) {
	const struct profile_config *p = realm_profile(t->realm, r->profile);
	if (!p)
		return task_fail(t, ERR_CONFIG, "profile %.*s of registration %.*s is no longer configured",
			FMT(r->profile), FMT(r->id));
	*ret = p;
	return OK;
}

static void timeline_add(struct timeline *l, const char *key, int64_t at, bool done) {
	l->v[l->n++] = (struct timeline_item){.key = key, .at = at, .done = done};
}

static void timeline_end(struct timeline *l, const struct registration *r) {
	static const char *const keys[REGISTRATION_STATES] = {[REGISTRATION_REJECTED] = "timeline.rejected",
		[REGISTRATION_EXPIRED] = "timeline.expired",
		[REGISTRATION_WITHDRAWN] = "timeline.withdrawn"};
	timeline_add(l, keys[r->state], r->decided_at ? r->decided_at : r->updated_at, true);
	l->v[l->n - 1].bad = true;
}

void registration_timeline(
	const struct task *t, const struct registration *r, const struct profile_config *p, struct timeline *ret) {
	(void)t;
	bool ended = r->state >= REGISTRATION_REJECTED;
	bool decided = r->decided_at > 0, verified = r->verified_at > 0;
	bool asks = r->approval_why.n > 0 || (p && p->approval == APPROVAL_ALWAYS);
	bool created = r->state == REGISTRATION_PROVISIONED || r->state == REGISTRATION_ACTIVE;
	*ret = (struct timeline){0};
	timeline_add(ret, "timeline.submitted", r->created_at, true);
	if (!ended || verified)
		timeline_add(ret, "timeline.verified", r->verified_at, verified);
	if (ended) {
		timeline_end(ret, r);
		return;
	}
	if (asks)
		timeline_add(ret, "timeline.approved", r->decided_at, decided);
	timeline_add(ret, "timeline.provisioned", created ? r->updated_at : 0, created);
	timeline_add(ret, "timeline.active", r->state == REGISTRATION_ACTIVE ? r->updated_at : 0,
		r->state == REGISTRATION_ACTIVE);
	for (size_t i = 0; i < ret->n; i++)
		if (!ret->v[i].done) {
			ret->v[i].now = true;
			break;
		}
}
