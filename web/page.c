#include "web/page.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/encode.h"
#include "web/asset.h"
#include "web/embed.h"

#define TEMPLATES_MOST  128u
#define TEMPLATE_FOLDER "web/templates/"
#define TEXTS           "texts.en"
#define PAGE_MOST       (512u << 10)

/* ---- loading ---- */

/* The override of a template, or STR_NONE. */
static enum err override_read(
	struct arena *a, const struct config *c, const char *name, struct str *ret, struct str *ret_why) {
	*ret = STR_NONE;
	if (str_empty(c->template_dir))
		return OK;
	char path[512];
	int n = snprintf(path, sizeof(path), "%.*s/%s", FMT(c->template_dir), name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return OK;
	FILE *file = fopen(path, "re");
	if (!file)
		return OK;
	char *text = arena_alloc(a, LIMIT_TEMPLATE + 1);
	size_t size = fread(text, 1, LIMIT_TEMPLATE + 1, file);
	bool failed = ferror(file) || size > LIMIT_TEMPLATE;
	fclose(file);
	if (failed) {
		*ret_why = str_printf(a, "%s: cannot be read, or is larger than %u bytes", path, LIMIT_TEMPLATE);
		return ERR_CONFIG;
	}
	*ret = str_slice(text, size);
	return OK;
}

static bool text_key(struct str line, struct str *ret) {
	size_t equals = str_find(line, '=', 0);
	*ret = str_trim(str_sub(line, 0, equals));
	return equals < line.n && !str_starts(*ret, STR("#"));
}

static bool has_key(struct str catalogue, struct str key) {
	struct str line, other;
	while (str_next(&catalogue, '\n', &line))
		if (text_key(line, &other) && str_eq(other, key))
			return true;
	return false;
}

/* The built-in catalogue with the lines of an override in place of its own. */
static struct str texts_merge(struct arena *a, struct str built_in, struct str override) {
	struct str line, key;
	if (str_absent(override))
		return built_in;
	struct buf all = buf_new(a, built_in.n + override.n + 2);
	buf_put(&all, override);
	buf_byte(&all, '\n');
	while (str_next(&built_in, '\n', &line)) {
		if (text_key(line, &key) && has_key(override, key))
			continue;
		buf_put(&all, line);
		buf_byte(&all, '\n');
	}
	return buf_str(&all);
}

struct loading {
	struct template_source v[TEMPLATES_MOST];
	size_t n;
	struct str texts;
};

static enum err load_one(struct arena *a, const struct config *c, const struct embedded *file, struct loading *all,
	struct str *ret_why) {
	const char *name = file->name + sizeof(TEMPLATE_FOLDER) - 1;
	struct str built_in = str_slice((const char *)file->data, file->size), own;
	TRY(override_read(a, c, name, &own, ret_why));
	if (!strcmp(name, TEXTS)) {
		all->texts = texts_merge(a, built_in, own);
		return OK;
	}
	struct str source = str_absent(own) ? built_in : own;
	if (all->n == TEMPLATES_MOST) {
		*ret_why = STR("too many templates");
		return ERR_CONFIG;
	}
	all->v[all->n++] = (struct template_source){
		.name = name,
		.kind = str_ends(str_of(name), STR(".html")) ? TEMPLATE_HTML : TEMPLATE_TEXT,
		.text = source.p,
		.size = source.n,
	};
	return OK;
}

enum err pages_load(struct arena *a, const struct config *c, struct template_set **ret, struct str *ret_why) {
	struct loading *all = arena_new_of(a, struct loading);
	struct template_set *set = NULL;
	for (size_t i = 0; i < n_embedded_files; i++)
		if (str_starts(str_of(embedded_files[i].name), STR(TEMPLATE_FOLDER)))
			TRY(load_one(a, c, &embedded_files[i], all, ret_why));
	TRY(template_set_new(a, all->v, all->n, &set, ret_why));
	TRY(template_set_texts(set, a, all->texts, ret_why));
	*ret = set;
	return OK;
}

static const struct template_set *_Atomic in_use;

void pages_use(const struct template_set *set) {
	atomic_store(&in_use, set);
}

const struct template_set *pages_now(void) {
	return atomic_load(&in_use);
}

struct str text(const char *key) {
	return template_text(pages_now(), key);
}

/* ---- data ---- */

struct str realm_path(struct task *t, const char *path) {
	if (!t->realm)
		return str_of(path);
	return str_printf(t->arena, "/realms/%.*s%s", FMT(t->realm_name), path);
}

static struct str asset_path(const char *name) {
	const struct asset *found = asset_named(name);
	return found ? found->path : STR("/");
}

static void add_contact(struct task *t, struct value *realm, struct str contact) {
	bool link = str_starts(contact, STR("https:")) || str_starts(contact, STR("http:"));
	value_text(t->arena, realm, "contact", contact);
	value_text(t->arena, realm, "contact_link", link ? contact : STR(""));
	value_text(t->arena, realm, "contact_mail", link ? STR("") : contact);
}

static struct str initial(struct str title) {
	size_t at = 0;
	uint32_t letter;
	if (!str_next_code_point(title, &at, &letter))
		return STR("");
	return str_sub(title, 0, at);
}

static void add_realm(struct task *t, struct value *data) {
	struct value *realm = value_child(t->arena, data, "realm");
	struct str title = t->realm ? t->realm->title : STR("Usher");
	value_text(t->arena, realm, "id", t->realm_name);
	value_text(t->arena, realm, "title", title);
	value_text(t->arena, realm, "initial", initial(title));
	value_text(t->arena, realm, "logo", t->realm && !str_empty(t->realm->logo) ? realm_path(t, "/logo") : STR(""));
	add_contact(t, realm, t->realm ? t->realm->contact : STR(""));
}

static struct value *data_new(struct task *t, const struct request *q, const char *title_key) {
	struct value *data = value_object(t->arena);
	value_text(t->arena, data, "lang", STR("en"));
	value_text(t->arena, data, "title", text(title_key));
	value_text(t->arena, data, "heading", text(title_key));
	value_text(t->arena, data, "path", t->realm ? realm_path(t, "") : STR(""));
	value_text(t->arena, data, "css", asset_path("usher.css"));
	value_text(t->arena, data, "js", asset_path("usher.js"));
	value_text(t->arena, data, "icon", asset_path("icon.svg"));
	value_text(t->arena, data, "theme", t->realm ? theme_path(t->arena, t->realm) : STR(""));
	value_text(t->arena, data, "reference", t->reference);
	add_realm(t, data);
	if (q && q->login)
		value_text(t->arena, value_child(t->arena, data, "login"), "name", q->login->account->login);
	return data;
}

struct value *page_data(struct task *t, struct request *q, struct response *r, const char *title_key) {
	struct value *data = data_new(t, q, title_key);
	value_text(t->arena, data, "csrf", csrf_token(t, q, r));
	return data;
}

enum err page_render(struct task *t, struct response *r, int status, const char *name, const struct value *data) {
	struct buf out = buf_new(t->arena, PAGE_MOST);
	const char *file = NULL;
	TRY(task_cstr(t, str_printf(t->arena, "%s.html", name), &file));
	enum err e = template_render(pages_now(), file, data, &out);
	if (e)
		return task_fail(t, ERR_INTERNAL, "page %s cannot be rendered: %s", name, err_row(e)->name);
	response_html(r, status, buf_str(&out));
	return OK;
}

/* ---- problems ---- */

static struct value *find_value(struct value *object, const char *name) {
	for (struct value *v = object->first; v; v = v->next)
		if (str_eq(v->name, str_of(name)))
			return v;
	return NULL;
}

void page_problem(struct task *t, struct value *data, struct str field, struct str message) {
	struct value *errors = find_value(data, "errors"), *problems = find_value(data, "problem"),
		     *title = find_value(data, "title");
	const char *name = NULL;
	if (!errors) {
		errors = value_list(t->arena, data, "errors");
		problems = value_child(t->arena, data, "problem");
		value_bool(t->arena, data, "error", true);
		if (title)
			title->text = str_printf(t->arena, "%.*s %.*s", FMT(text("problem.prefix")), FMT(title->text));
	}
	struct value *row = value_row(t->arena, errors);
	value_text(t->arena, row, "field", field);
	value_text(t->arena, row, "text", message);
	if (!str_empty(field) && !task_cstr(t, field, &name))
		value_text(t->arena, problems, name, message);
}

/* Where a person goes from an error. */
static const struct {
	enum err code;
	const char *path, *key;
} ways_on[] = {
	{ERR_LOGIN, "/login", "next.login"},
	{ERR_CREDENTIALS, "/login", "next.login"},
	{ERR_EXPIRED, "/", "next.home"},
	{ERR_DENIED, "/", "next.home"},
	{ERR_NOT_FOUND, "/", "next.home"},
};

static void add_way_on(struct task *t, const struct request *q, enum err code, struct value *data) {
	for (size_t i = 0; t->realm && i < COUNT(ways_on); i++)
		if (ways_on[i].code == code) {
			value_text(t->arena, data, "next_link", realm_path(t, ways_on[i].path));
			value_text(t->arena, data, "next_text", text(ways_on[i].key));
			return;
		}
	bool again = q && err_row(code)->retry && str_starts(q->path, STR("/")) &&
		     (q->method == METHOD_GET || str_eq(q->path, realm_path(t, "/login")));
	if (again) {
		bool asked = !str_empty(q->query_text);
		value_text(t->arena, data, "next_link",
			asked ? str_printf(t->arena, "%.*s?%.*s", FMT(q->path), FMT(q->query_text)) : q->path);
		value_text(t->arena, data, "next_text", text("next.again"));
	}
}

static struct str text_or(struct task *t, const char *key, const char *ending, const char *otherwise) {
	const char *whole = NULL;
	if (task_cstr(t, str_printf(t->arena, "%s%s", key, ending), &whole))
		return text(otherwise);
	struct str found = text(whole);
	return str_eq(found, str_of(whole)) ? text(otherwise) : found;
}

void page_error(struct task *t, struct request *q, struct response *r, enum err code) {
	const struct err_row *row = err_row(code);
	struct value *data = data_new(t, q, "error.internal.title");
	struct str title = text_or(t, row->sentence, ".title", "error.internal.title");
	value_text(t->arena, data, "title", title);
	value_text(t->arena, data, "heading", title);
	value_text(t->arena, data, "what", text_or(t, row->sentence, "", "error.internal"));
	value_text(t->arena, data, "turn", text_or(t, row->sentence, ".next", "error.internal.next"));
	add_way_on(t, q, code, data);
	if (page_render(t, r, row->http_status, "error", data)) {
		t->failure = code;
		response_text(r, row->http_status, title);
	}
}

/* ---- times ---- */

void page_time(struct task *t, struct value *object, const char *name, int64_t at_ms) {
	struct value *time = value_child(t->arena, object, name);
	struct str mail = time_rfc5322(t->arena, at_ms); /* "Mon, 23 Nov 2026 22:03:00 +0000" */
	value_text(t->arena, time, "time", time_rfc3339(t->arena, at_ms));
	value_text(t->arena, time, "text",
		str_printf(t->arena, "%.*s, %.*s UTC", FMT(str_sub(mail, 5, 11)), FMT(str_sub(mail, 17, 5))));
}
