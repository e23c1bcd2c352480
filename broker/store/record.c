#include "base/buf.h"
#include "broker/store/record.h"

#define QUERY_TEXT_MAX 8192u

const struct record number_record = RECORD(number_row, ((const struct column[]){NUMBER_COLUMN(number_row, n)}));

struct str enum_name(const char *const *names, size_t n, int value) {
	return value >= 0 && (size_t)value < n ? str_of(names[value]) : STR("");
}

struct str like_part(struct arena *a, struct str part) {
	struct buf b = buf_new(a, part.n * 2 + 2);
	struct str low = str_lower(a, part);
	buf_byte(&b, '%');
	for (size_t i = 0; i < low.n; i++) {
		if (low.p[i] == '%' || low.p[i] == '_' || low.p[i] == '!')
			buf_byte(&b, '!');
		buf_byte(&b, low.p[i]);
	}
	buf_byte(&b, '%');
	return buf_str(&b);
}

/* ---- a query's text ---- */

static void put_columns(struct buf *b, const struct record *r) {
	const char *comma = "";
	for (size_t i = 0; i < r->n; i++) {
		if (r->columns[i].kind == COLUMN_DERIVED)
			continue;
		buf_printf(b, "%s%s", comma, r->columns[i].name);
		comma = ", ";
	}
}

static void put_insert(struct buf *b, const struct record *r) {
	for (size_t i = 0; i < r->n; i++)
		buf_printf(b, "%s%s", i ? ", " : "(", r->columns[i].name);
	for (size_t i = 0; i < r->n; i++)
		buf_printf(b, "%s?%zu", i ? ", " : ") VALUES (", i + 1);
	buf_byte(b, ')');
}

static void put_set(struct buf *b, const struct record *r) {
	const char *comma = "";
	for (size_t i = 0; i < r->n; i++) {
		if (r->columns[i].key)
			continue;
		buf_printf(b, "%s%s = ?%zu", comma, r->columns[i].name, i + 1);
		comma = ", ";
	}
}

static bool is_word(char c) {
	return (c >= 'a' && c <= 'z') || c == '_';
}

static struct str word_at(struct str sql, size_t at) {
	size_t n = 0;
	while (at + n < sql.n && is_word(sql.p[at + n]))
		n++;
	return str_sub(sql, at, n);
}

static void put_parameter(struct buf *b, const struct record *r, struct str name) {
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(str_of(r->columns[i].name), name))
			buf_printf(b, "?%zu", i + 1);
}

static void put_words(struct buf *b, const struct record *r, struct str word) {
	static const struct {
		struct str word;
		void (*put)(struct buf *b, const struct record *r);
	} rows[] = {{{"columns", 7}, put_columns}, {{"insert", 6}, put_insert}, {{"set", 3}, put_set}};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_eq(rows[i].word, word))
			rows[i].put(b, r);
}

const char *query_text(struct arena *a, const struct query *q) {
	struct str sql = str_of(q->sql);
	struct buf b = buf_new(a, QUERY_TEXT_MAX);
	for (size_t i = 0; i < sql.n; i++) {
		char c = sql.p[i];
		struct str word = word_at(sql, i + 1);
		if (c == '$') {
			put_words(&b, q->record, word);
		} else if (c == ':') {
			put_parameter(&b, q->record, word);
		} else if (c == '?' && i + 2 < sql.n && sql.p[i + 1] == '+') {
			buf_printf(&b, "?%zu", q->record->n + (size_t)(sql.p[i + 2] - '0'));
			i += 2;
			continue;
		} else {
			buf_byte(&b, c);
			continue;
		}
		i += word.n;
	}
	buf_byte(&b, '\0');
	return buf_full(&b) ? "" : b.p;
}

/* ---- a row ---- */

static enum err bind_enum(struct task *t, const struct column *c, const char *field, struct value *ret) {
	unsigned value;
	memcpy(&value, field, sizeof(value));
	if (value >= c->n_names)
		return task_fail(t, ERR_INTERNAL, "%s: %u is no value of it", c->name, value);
	*ret = TEXT(str_of(c->names[value]));
	return OK;
}

static enum err bind_column(struct task *t, const struct column *c, const void *row, struct value *ret) {
	const char *field = (const char *)row + c->offset;
	*ret = (struct value){0};
	switch (c->kind) {
	case COLUMN_DERIVED:
		*ret = c->derive(t, row);
		return OK;
	case COLUMN_NUMBER:
		ret->kind = VALUE_NUMBER;
		memcpy(&ret->number, field, sizeof(ret->number));
		return OK;
	case COLUMN_ENUM:
		return bind_enum(t, c, field, ret);
	default:
		ret->kind = c->kind == COLUMN_BYTES ? VALUE_BYTES : VALUE_TEXT;
		memcpy(&ret->text, field, sizeof(ret->text));
		return OK;
	}
}

static enum err check_realm(struct task *t, struct value *realm) {
	if (!str_empty(realm->text) && !str_eq(realm->text, t->realm_name))
		return task_fail(t, ERR_INTERNAL, "a row of another realm");
	realm->text = t->realm_name;
	return OK;
}

enum err record_bind(struct task *t, const struct record *r, const void *row, struct value *values) {
	for (size_t i = 0; i < r->n; i++) {
		TRY(bind_column(t, &r->columns[i], row, &values[i]));
		if (strcmp(r->columns[i].name, "realm") == 0)
			TRY(check_realm(t, &values[i]));
	}
	return OK;
}

static enum err read_enum(struct task *t, const struct column *c, struct str name, char *field) {
	for (unsigned i = 0; i < c->n_names; i++)
		if (str_eq(str_of(c->names[i]), name)) {
			memcpy(field, &i, sizeof(i));
			return OK;
		}
	return task_fail(t, ERR_INTERNAL, "%s: the database holds an unknown value", c->name);
}

enum err record_read(struct task *t, const struct record *r, const struct cursor *from, void *row) {
	unsigned at = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct column *c = &r->columns[i];
		char *field = (char *)row + c->offset;
		if (c->kind == COLUMN_DERIVED)
			continue;
		if (c->kind == COLUMN_NUMBER) {
			int64_t number = from->driver->number(from->connection, at);
			memcpy(field, &number, sizeof(number));
		} else if (c->kind == COLUMN_ENUM) {
			TRY(read_enum(t, c, from->driver->text(from->connection, at), field));
		} else {
			struct str text = str_dup(t->arena, from->driver->text(from->connection, at));
			memcpy(field, &text, sizeof(text));
		}
		at++;
	}
	return OK;
}
