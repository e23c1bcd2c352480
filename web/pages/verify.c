/* The link that proves an address, and the page that shows how far a request is. */
#include "base/clock.h"
#include "base/encode.h"
#include "web/pages/pages.h"

#define AWAIT_MS 5000
#define LATE_MS  600000

/* One answer for used, ended, unknown and foreign links. A realm with one profile offers a new mail here. */
enum err page_link_ended(struct task *t, struct request *q, struct response *r, const char *key) {
	const struct profile_config *only = NULL;
	size_t open = 0;
	struct value *data = page_data_of(t, q, r, key);
	for (size_t i = 0; i < t->realm->n_profiles; i++)
		if (t->realm->profiles[i].open) {
			only = &t->realm->profiles[i];
			open++;
		}
	task_clear(t);
	value_text(t->arena, data, "lead", text_named(t, key, STR(".text")));
	value_text(t->arena, data, "profile_id", open == 1 ? only->id : STR(""));
	value_bool(t->arena, data, "open", open > 0);
	return page_render(t, r, 410, "link_ended", data);
}

static enum err link_ended(struct task *t, struct request *q, struct response *r) {
	return page_link_ended(t, q, r, "ended");
}

static struct str profile_title(struct task *t, const struct registration *reg) {
	const struct profile_config *p = realm_profile(t->realm, reg->profile);
	return p ? p->title : reg->profile;
}

enum err page_verify(struct task *t, struct request *q, struct response *r) {
	struct registration *reg = NULL;
	struct str secret = param(q->query, "t");
	enum err e = registration_verify_look(t, secret, &reg);
	if (e == ERR_EXPIRED)
		return link_ended(t, q, r);
	TRY(e);
	struct value *data = page_data_of(t, q, r, "verify");
	value_text(t->arena, data, "secret", secret);
	value_text(t->arena, data, "mail", reg->mail);
	value_text(t->arena, data, "profile", profile_title(t, reg));
	return page_render(t, r, 200, "verify", data);
}

static const char *const state_keys[REGISTRATION_STATES] = {
	[REGISTRATION_SUBMITTED] = "state.submitted.text",
	[REGISTRATION_PENDING] = "state.pending.text",
	[REGISTRATION_APPROVED] = "state.approved.text",
	[REGISTRATION_PROVISIONED] = "state.provisioned.text",
	[REGISTRATION_ACTIVE] = "state.active.text",
	[REGISTRATION_REJECTED] = "state.rejected.text",
	[REGISTRATION_EXPIRED] = "state.expired.text",
	[REGISTRATION_WITHDRAWN] = "state.withdrawn.text",
};

static const char *progress_title(const struct registration *reg) {
	if (reg->state == REGISTRATION_PENDING)
		return "progress.pending";
	if (reg->state == REGISTRATION_PROVISIONED)
		return "progress.provisioned";
	return reg->state == REGISTRATION_APPROVED ? "progress.approved" : "status";
}

/* A plan that waits for a directory, or for an operator. */
static bool is_late(const struct registration *reg) {
	return reg->state == REGISTRATION_APPROVED && reg->decided_at && clock_wall_ms() - reg->decided_at > LATE_MS;
}

static struct value *timeline_data(
	struct task *t, struct request *q, struct response *r, const char *key, const struct registration *reg) {
	struct value *data = page_data_of(t, q, r, key);
	add_timeline(t, data, reg, realm_profile(t->realm, reg->profile), is_late(reg) ? "late." : "usual.");
	value_text(t->arena, data, "mail", reg->mail);
	value_text(t->arena, data, "profile", profile_title(t, reg));
	value_text(t->arena, data, "text", text(is_late(reg) ? "state.approved.late" : state_keys[reg->state]));
	value_text(t->arena, data, "reason", reg->state == REGISTRATION_REJECTED ? reg->reason : STR(""));
	value_bool(t->arena, data, "active", reg->state == REGISTRATION_ACTIVE);
	return data;
}

static struct str status_path(struct task *t, struct str secret) {
	return str_printf(t->arena, "%.*s?t=%.*s", FMT(realm_path(t, "/status")), FMT(form_encode(t->arena, secret)));
}

/* The way of the registration as a page of its own, that can be loaded again and moves by itself. */
static enum err to_status(struct task *t, struct response *r, const struct registration *reg) {
	const struct profile_config *p = realm_profile(t->realm, reg->profile);
	int64_t ttl = p ? p->undecided_ttl + p->activate_ttl : 86400;
	struct str secret, own = str_printf(t->arena, "inline-%.*s", FMT(reg->id));
	TRY(ticket_issue(t, TICKET_STATUS, own, reg->id, reg->mail, ttl, &secret));
	response_redirect(r, str_printf(t->arena, "%.*s&confirmed=1", FMT(status_path(t, secret))));
	return OK;
}

enum err page_verify_submit(struct task *t, struct request *q, struct response *r) {
	struct registration *reg = NULL;
	struct str activate = STR_NONE;
	bool ready = false;
	enum err e = registration_verify(t, field(q, "t"), &reg);
	if (e == ERR_EXPIRED)
		return link_ended(t, q, r);
	TRY(e);
	if (reg->state == REGISTRATION_APPROVED)
		TRY(registration_await(t, reg->id, AWAIT_MS, &ready, &activate));
	if (ready) {
		response_redirect(
			r, str_printf(t->arena, "%.*s?t=%.*s", FMT(realm_path(t, "/activate")), FMT(activate)));
		return OK;
	}
	return to_status(t, r, reg);
}

static bool may_withdraw(const struct registration *reg) {
	return reg->state == REGISTRATION_SUBMITTED || reg->state == REGISTRATION_PENDING;
}

static enum err render_status(struct task *t, struct request *q, struct response *r, struct str secret) {
	struct registration *reg = NULL;
	enum err e = registration_status(t, secret, &reg);
	if (e == ERR_EXPIRED)
		return link_ended(t, q, r);
	TRY(e);
	bool confirmed = !str_absent(param(q->query, "confirmed"));
	struct value *data = timeline_data(t, q, r, confirmed ? progress_title(reg) : "status", reg);
	value_text(t->arena, data, "secret", may_withdraw(reg) ? secret : STR(""));
	value_text(t->arena, data, "again", reg->state == REGISTRATION_APPROVED ? status_path(t, secret) : STR(""));
	return page_render(t, r, 200, "status", data);
}

enum err page_status(struct task *t, struct request *q, struct response *r) {
	return render_status(t, q, r, param(q->query, "t"));
}

/* Decided or withdrawn meanwhile: the page shows what is now. */
enum err page_withdraw(struct task *t, struct request *q, struct response *r) {
	enum err e = registration_withdraw(t, field(q, "t"));
	if (e == ERR_EXPIRED)
		return link_ended(t, q, r);
	if (e == ERR_STALE)
		task_clear(t);
	else if (e)
		return e;
	return render_status(t, q, r, field(q, "t"));
}
