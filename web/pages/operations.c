/* What operators look at: jobs, people, health. */
#include "base/clock.h"
#include "base/encode.h"
#include "base/metric.h"
#include "broker/jose/jose.h"
#include "web/pages/admin.h"

#define ROWS_A_PAGE 50u

/* ---- jobs ---- */

static const char *const kind_keys[JOB_KINDS] = {"job.notice", "job.plan", "job.logout", "job.change", "job.settle"};
static const struct {
	const char *key, *sign;
} job_states[] = {[JOB_QUEUED] = {"job.queued", "wait"},
	[JOB_RUNNING] = {"job.running", "wait"},
	[JOB_PARKED] = {"job.parked", "bad"}};

static struct str tried_words(struct task *t, int64_t attempts) {
	if (attempts <= 1)
		return attempts == 1 ? text("jobs.once") : STR("");
	return text_with(t, "jobs.times", str_printf(t->arena, "%lld", (long long)attempts));
}

/* The title of the client that a logout job is to tell, or its id where it is no longer configured. */
static struct str told_client(struct task *t, const struct job *j) {
	owned(json) json_t *body = NULL;
	if (j->kind != JOB_LOGOUT)
		return STR("");
	if (json_parse(t, j->body, &body)) {
		task_clear(t);
		return STR("");
	}
	struct str id = json_member_str(body, "client");
	const struct client_config *c = realm_client(t->realm, id);
	return c && !str_empty(c->title) ? c->title : str_dup(t->arena, id);
}

/* The account that a job is to change. */
static struct str changed_person(struct task *t, const struct job *j) {
	struct plan_row *plan = NULL;
	if (j->kind != JOB_CHANGE_APPLY)
		return STR("");
	if (!plans_find(t, j->subject, &plan))
		return plan->account_id;
	task_clear(t);
	return STR("");
}

static void add_job(struct task *t, struct value *list, const struct job *j) {
	struct value *row = value_row(t->arena, list);
	value_text(t->arena, row, "id", j->id);
	value_text(t->arena, row, "kind", text(kind_keys[j->kind]));
	value_text(t->arena, row, "state", text(job_states[j->state].key));
	value_text(t->arena, row, "sign", str_of(job_states[j->state].sign));
	value_text(t->arena, row, "failure", visible(t, j->failure));
	value_text(t->arena, row, "registration",
		j->kind == JOB_PLAN_APPLY || j->kind == JOB_PLAN_SETTLE ? j->subject : STR(""));
	value_text(t->arena, row, "person", changed_person(t, j));
	value_text(t->arena, row, "client", told_client(t, j));
	value_text(t->arena, row, "tried", tried_words(t, j->attempts));
	value_bool(t->arena, row, "parked", j->state == JOB_PARKED);
	page_time(t, row, "created", j->created_at);
	if (j->state == JOB_PARKED)
		value_text(t->arena, row, "due", STR("")); /* nothing comes by itself */
	else
		page_time(t, row, "due", j->due_at);
}

enum err page_jobs(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	struct job *jobs = NULL;
	size_t n = 0;
	TRY(admin_operator(t, q, &who));
	TRY(jobs_list(t, -1, &jobs, &n));
	struct value *data = admin_data(t, q, r, "jobs", &who);
	struct value *list = value_list(t->arena, data, "rows");
	for (int parked = 1; parked >= 0; parked--)
		for (size_t i = 0; i < n; i++)
			if ((jobs[i].state == JOB_PARKED) == parked)
				add_job(t, list, &jobs[i]);
	value_text(t->arena, data, "notice", str_empty(asked(q, "done")) ? STR("") : text("notice.retried"));
	return page_render(t, r, 200, "admin_jobs", data);
}

static enum err requeue(struct task *t, struct str id) {
	TRY(jobs_requeue(t, id));
	return audit_record(t, "job.retry", id, AUDIT("job", id));
}

enum err page_job_retry(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	TRY(admin_operator(t, q, &who));
	TRY(store_begin(t));
	enum err e = store_end(t, requeue(t, field(q, "id")));
	if (e && e != ERR_NOT_FOUND)
		return e;
	task_clear(t);
	response_redirect(r, realm_path(t, e ? "/admin/jobs" : "/admin/jobs?done=1"));
	return OK;
}

/* ---- people ---- */

enum err page_people(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	struct account *people = NULL;
	size_t n = 0;
	struct str search = str_trim(asked(q, "q"));
	TRY(admin_operator(t, q, &who));
	TRY(accounts_list(t, search, asked(q, "after"), ROWS_A_PAGE + 1, &people, &n));
	struct value *data = admin_data(t, q, r, "people", &who);
	struct value *list = value_list(t->arena, data, "rows");
	for (size_t i = 0; i < n && i < ROWS_A_PAGE; i++) {
		struct value *row = value_row(t->arena, list);
		value_text(t->arena, row, "id", people[i].id);
		value_text(t->arena, row, "login_name", visible(t, people[i].login));
		value_text(t->arena, row, "mail", visible(t, people[i].mail));
		value_text(t->arena, row, "dn", visible(t, people[i].dn));
		value_text(t->arena, row, "registration", people[i].marker);
		if (people[i].last_login_at)
			page_time(t, row, "last", people[i].last_login_at);
		else
			value_text(t->arena, row, "last", STR(""));
	}
	value_text(t->arena, data, "q", search);
	value_text(t->arena, data, "next",
		n > ROWS_A_PAGE ? str_printf(t->arena, "%.*s?q=%.*s&after=%.*s", FMT(realm_path(t, "/admin/people")),
					  FMT(form_encode(t->arena, search)), FMT(people[ROWS_A_PAGE - 1].id))
				: STR(""));
	return page_render(t, r, 200, "admin_people", data);
}

/* ---- health ---- */

static void add_line(struct task *t, struct value *list, struct str text, struct str detail, const char *sign) {
	struct value *row = value_row(t->arena, list);
	value_text(t->arena, row, "text", text);
	value_text(t->arena, row, "detail", detail);
	value_text(t->arena, row, "sign", str_of(sign));
	value_text(t->arena, row, "word", text_named(t, "sign.", str_of(sign)));
}

static void add_directories(struct task *t, struct value *list) {
	for (size_t i = 0; i < t->realm->n_directories; i++) {
		struct str detail = STR("");
		enum err e = directory_probe(t, &t->realm->directories[i], &detail);
		struct str why = e && str_empty(detail) ? text(err_row(e)->sentence) : detail;
		task_clear(t);
		add_line(t, list, text_with(t, "health.directory", t->realm->directories[i].id), why,
			e ? "bad" : "good");
	}
}

static const struct {
	const char *key, *sign;
} feed_states[] = {
	[FEED_STARTING] = {"feed.starting", "wait"},
	[FEED_FOLLOWING] = {"feed.following", "good"},
	[FEED_FAILING] = {"feed.failing", "bad"},
	[FEED_STOPPED] = {"feed.stopped", "bad"},
	[FEED_ACCEPTED] = {"feed.accepted", "wait"},
};

static enum err add_feeds(struct task *t, struct value *list) {
	for (size_t i = 0; i < t->realm->n_directories; i++) {
		const struct directory_config *d = &t->realm->directories[i];
		struct feed_row *f = NULL;
		if (d->feed == FEED_OFF)
			continue;
		enum err e = feeds_find(t, d->id, &f);
		if (e && e != ERR_NOT_FOUND)
			return e;
		task_clear(t);
		enum feed_state state = f ? f->state : FEED_STARTING;
		add_line(t, list, text_with(t, feed_states[state].key, d->id), f ? visible(t, f->detail) : STR(""),
			feed_states[state].sign);
	}
	return OK;
}

static enum err add_jobs(struct task *t, struct value *list) {
	struct job *jobs = NULL;
	size_t n = 0, parked = 0, late = 0;
	int64_t now = clock_wall_ms();
	TRY(jobs_list(t, -1, &jobs, &n));
	for (size_t i = 0; i < n; i++) {
		parked += jobs[i].state == JOB_PARKED;
		late += jobs[i].state == JOB_QUEUED && jobs[i].attempts > 0;
		late += jobs[i].state == JOB_QUEUED && !jobs[i].attempts && jobs[i].due_at < now - 60000;
	}
	add_line(t, list, text_with(t, "health.parked", str_printf(t->arena, "%zu", parked)), STR(""),
		parked ? "bad" : "good");
	add_line(t, list, text_with(t, "health.late", str_printf(t->arena, "%zu", late)), STR(""),
		late ? "wait" : "good");
	return OK;
}

static enum err add_registrations(struct task *t, struct value *list, struct strs profiles) {
	for (int i = 0; i < REGISTRATION_STATES; i++) {
		int64_t n = 0;
		TRY(registrations_count(t, profiles, i, &n));
		struct value *row = value_row(t->arena, list);
		value_text(t->arena, row, "text",
			text_named(t, "state.", str_of(registration_state_name((enum registration_state)i))));
		value_number(t->arena, row, "number", n);
	}
	return OK;
}

/* Counters of the process know no realms: they are shown where there is one only. */
static void add_counters(struct task *t, struct value *data) {
	static const struct {
		enum metric metric;
		unsigned label;
		const char *key;
	} rows[] = {
		{METRIC_LOGINS, METRIC_LOGIN_OK, "health.logins"},
		{METRIC_LOGINS, METRIC_LOGIN_CREDENTIALS, "health.logins_refused"},
		{METRIC_LOGINS, METRIC_LOGIN_THROTTLED, "health.logins_throttled"},
		{METRIC_MAILS, 0, "health.mails"},
		{METRIC_MAILS, 1, "health.mails_deferred"},
		{METRIC_MAILS, 2, "health.mails_failed"},
	};
	struct value *list = value_list(t->arena, data, "counters");
	for (size_t i = 0; t->config->n_realms == 1 && i < COUNT(rows); i++) {
		struct value *row = value_row(t->arena, list);
		value_text(t->arena, row, "text", text(rows[i].key));
		value_number(t->arena, row, "number", metric_get(rows[i].metric, rows[i].label));
	}
}

enum err page_health(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	TRY(admin_operator(t, q, &who));
	struct value *data = admin_data(t, q, r, "health", &who);
	struct value *lines = value_list(t->arena, data, "lines");
	add_directories(t, lines);
	TRY(add_feeds(t, lines));
	TRY(add_jobs(t, lines));
	TRY(add_registrations(t, value_list(t->arena, data, "registrations"), who.profiles));
	add_counters(t, data);
	return page_render(t, r, 200, "admin_health", data);
}
