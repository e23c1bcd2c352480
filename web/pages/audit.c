/* Who did what: read, and taken away as a table. */
#include "base/encode.h"
#include "web/pages/admin.h"

#define ROWS_A_PAGE 50u
#define EXPORT_ROWS 5000u
#define EXPORT_MOST (LIMIT_RESPONSE - 1024)
#define STEP        200u
#define NAMES_MOST  200u

static struct audit_filter filter_of(const struct request *q, unsigned limit) {
	return (struct audit_filter){.subject = str_trim(asked(q, "subject")),
		.actor = str_trim(asked(q, "actor")),
		.action = str_trim(asked(q, "action")),
		.after = asked(q, "after"),
		.limit = limit};
}

static struct str query_of(struct task *t, const struct audit_filter *f, const char *path, struct str after) {
	return str_printf(t->arena, "%.*s?subject=%.*s&actor=%.*s&action=%.*s&after=%.*s", FMT(realm_path(t, path)),
		FMT(form_encode(t->arena, f->subject)), FMT(form_encode(t->arena, f->actor)),
		FMT(form_encode(t->arena, f->action)), FMT(after));
}

/* The audit knows people by ids; who filters knows a login name. A word that is none stays as it is. */
static enum err name_filter(struct task *t, struct audit_filter *f) {
	struct account *found = NULL;
	size_t n = 0;
	TRY(accounts_list(t, f->actor, STR(""), NAMES_MOST, &found, &n));
	for (size_t i = 0; i < n && !str_empty(f->actor); i++)
		if (str_eq_case(found[i].login, f->actor))
			f->actor = str_printf(t->arena, "person:%.*s", FMT(found[i].sub));
	TRY(accounts_list(t, f->subject, STR(""), NAMES_MOST, &found, &n));
	for (size_t i = 0; i < n && !str_empty(f->subject); i++)
		if (str_eq_case(found[i].login, f->subject))
			f->subject = found[i].id;
	return OK;
}

enum err page_audit(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	struct audit_filter f = filter_of(q, ROWS_A_PAGE + 1);
	struct audit_row *rows = NULL;
	size_t n = 0;
	TRY(admin_operator(t, q, &who));
	TRY(name_filter(t, &f));
	TRY(audit_list(t, &f, &rows, &n));
	struct value *data = admin_data(t, q, r, "audit", &who);
	struct value *list = value_list(t->arena, data, "history");
	for (size_t i = 0; i < n && i < ROWS_A_PAGE; i++)
		add_audit_row(t, list, &rows[i]);
	value_text(t->arena, data, "subject", str_trim(asked(q, "subject")));
	value_text(t->arena, data, "actor", str_trim(asked(q, "actor")));
	value_text(t->arena, data, "action", f.action);
	value_text(t->arena, data, "export", query_of(t, &f, "/admin/audit.csv", STR("")));
	value_text(t->arena, data, "next",
		n > ROWS_A_PAGE ? query_of(t, &f, "/admin/audit", rows[ROWS_A_PAGE - 1].id) : STR(""));
	return page_render(t, r, 200, "admin_audit", data);
}

/* RFC 4180; a cell that a spreadsheet would take for a formula is begun by an apostrophe. */
static void put_cell(struct buf *out, struct str s, char end) {
	bool formula = s.n && strchr("=+-@\t\r\n|%", s.p[0]);
	buf_put(out, formula ? STR("\"'") : STR("\""));
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_byte(out, '"');
		buf_byte(out, s.p[i]);
	}
	buf_byte(out, '"');
	if (end == '\n')
		buf_byte(out, '\r');
	buf_byte(out, end);
}

static void put_row(struct task *t, struct buf *out, const struct audit_row *a) {
	put_cell(out, time_rfc3339(t->arena, a->at), ',');
	put_cell(out, a->actor, ',');
	put_cell(out, a->action, ',');
	put_cell(out, a->subject, ',');
	put_cell(out, a->detail, ',');
	put_cell(out, a->address, ',');
	put_cell(out, a->reference, '\n');
}

/* A row that does not fit whole is left out, and a last line says that there is more. */
enum err page_audit_export(struct task *t, struct request *q, struct response *r) {
	struct approver who;
	struct audit_filter f = filter_of(q, STEP);
	struct audit_row *rows = NULL;
	struct buf out = buf_new(t->arena, LIMIT_RESPONSE);
	size_t n = STEP, total = 0;
	TRY(admin_operator(t, q, &who));
	TRY(name_filter(t, &f));
	buf_put(&out, STR("time,actor,action,subject,detail,address,reference\r\n"));
	while (n == STEP && total < EXPORT_ROWS && out.n < EXPORT_MOST / 2) {
		TRY(audit_list(t, &f, &rows, &n));
		for (size_t i = 0; i < n && out.n < EXPORT_MOST / 2; i++)
			put_row(t, &out, &rows[i]);
		total += n;
		if (n)
			f.after = rows[n - 1].id;
	}
	if (n == STEP)
		buf_put(&out, STR("\"more\"\r\n"));
	if (buf_full(&out))
		return task_fail(t, ERR_TOO_LARGE, "the export");
	response_text(r, 200, buf_str(&out));
	response_header(r, "Content-Type", STR("text/csv; charset=utf-8"));
	response_header(r, "Content-Disposition", STR("attachment; filename=\"audit.csv\""));
	return OK;
}
