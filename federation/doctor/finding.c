#include "base/buf.h"
#include "federation/doctor/doctor_private.h"

static const char *const words[] = {[FINDING_OK] = "ok", [FINDING_WARNING] = "warning", [FINDING_ERROR] = "error"};

const char *finding_word(enum finding_level level) {
	return words[level];
}

static void add(struct arena *a, struct findings *f, struct finding one) {
	if (f->n >= FINDINGS_MOST)
		return;
	if (f->n == FINDINGS_MOST - 1)
		one = (struct finding){FINDING_WARNING, one.directory, STR("there is more than this list holds"),
			STR("what comes after is not shown"), STR("mend what is shown, and look again")};
	if (f->n == f->room) {
		size_t wider = f->room ? f->room * 2 : 32;
		f->v = arena_grow(a, f->v, f->room * sizeof(*f->v), wider * sizeof(*f->v));
		f->room = wider;
	}
	f->v[f->n++] = one;
}

void found(struct visit *v, enum finding_level level, struct str what, struct str consequence, struct str remedy) {
	add(v->t->arena, v->findings, (struct finding){level, v->d->id, what, consequence, remedy});
}

void found_ok(struct visit *v, const char *format, ...) {
	struct buf b = buf_new(v->t->arena, 4096);
	va_list args;
	va_start(args, format);
	buf_vprintf(&b, format, args);
	va_end(args);
	found(v, FINDING_OK, buf_str(&b), STR(""), STR(""));
}

void found_unknown(struct visit *v, const char *what, enum err e) {
	struct str detail = v->t->failure_detail;
	task_clear(v->t);
	if (e == ERR_UNAVAILABLE && !v->answers)
		return;
	v->answers = v->answers && e != ERR_UNAVAILABLE;
	found(v, FINDING_ERROR, TEXT(v, "%s could not be looked at: %s: %.*s", what, err_row(e)->name, FMT(detail)),
		STR("whether it works is not known"),
		e == ERR_REFUSED ? STR("give the service account the right to read it")
				 : STR("look at the server and the network, then run this again"));
}

size_t findings_count(const struct findings *f, enum finding_level level) {
	size_t n = 0;
	for (size_t i = 0; i < f->n; i++)
		n += f->v[i].level == level;
	return n;
}

/* What a server wrote goes to a terminal. */
static void put_plain(struct buf *b, struct str s) {
	for (size_t i = 0; i < s.n; i++)
		buf_byte(b, (unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f ? s.p[i] : '?');
}

static void put_line(struct buf *b, const char *before, struct str s) {
	if (str_empty(s))
		return;
	buf_put(b, str_of(before));
	put_plain(b, s);
	buf_byte(b, '\n');
}

struct str findings_text(struct arena *a, const struct findings *f) {
	struct buf b = buf_new(a, LIMIT_RESPONSE);
	for (size_t i = 0; i < f->n; i++) {
		const struct finding *one = &f->v[i];
		buf_printf(&b, "%-8s%.*s: ", words[one->level], FMT(one->directory));
		put_line(&b, "", one->what);
		put_line(&b, "        then: ", one->consequence);
		put_line(&b, "        mend: ", one->remedy);
	}
	return buf_str(&b);
}
