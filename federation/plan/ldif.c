/* A plan as LDIF (RFC 2849), for people to read and for tools to apply. */
#include "base/encode.h"
#include "federation/plan/plan_private.h"

#define FOLD 76 /* RFC 2849 notes 2 and 4: longer lines go on behind one space */

/* Continuation lines begin with a space, and no line is cut inside a character. */
void put_line(struct buf *b, struct str line) {
	size_t width = FOLD, from = 0;
	while (line.n - from > width) {
		size_t n = width;
		while (n > 1 && ((unsigned char)line.p[from + n] & 0xC0) == 0x80)
			n--;
		buf_put(b, str_sub(line, from, n));
		buf_put(b, STR("\n "));
		from += n;
		width = FOLD - 1;
	}
	buf_put(b, str_sub(line, from, line.n));
	buf_byte(b, '\n');
}

/* SAFE-STRING of RFC 2849, and note 8: no space at the end. */
static bool is_safe(struct str s) {
	if (str_empty(s))
		return true;
	if (s.p[0] == ' ' || s.p[0] == ':' || s.p[0] == '<' || s.p[s.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || s.p[i] == '\n' || s.p[i] == '\r' || (unsigned char)s.p[i] > 127)
			return false;
	return true;
}

/* Characters that end a line, or are not seen and change what is: they would show an approver something else than what
 * is written. */
static bool is_hidden(uint32_t c) {
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x1F},
		{0x7F, 0x9F},
		{0xAD, 0xAD},
		{0x061C, 0x061C},
		{0x115F, 0x1160},
		{0x180E, 0x180E},
		{0x200B, 0x200F},
		{0x2028, 0x202E},
		{0x2060, 0x206F},
		{0x3164, 0x3164},
		{0xFE00, 0xFE0F},
		{0xFEFF, 0xFEFF},
		{0xFFA0, 0xFFA0},
		{0xFFF9, 0xFFFD},
		{0xE0000, 0xE0FFF},
	};
	for (size_t i = 0; i < COUNT(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

static struct str readable(struct arena *a, struct str s) {
	struct buf b = buf_new(a, PLAN_TEXT);
	uint32_t c = 0;
	for (size_t at = 0, from = 0; str_next_code_point(s, &at, &c); from = at) {
		if (is_hidden(c))
			buf_printf(&b, "<U+%04X>", (unsigned)c);
		else
			buf_put(&b, str_sub(s, from, at - from));
	}
	return buf_str(&b);
}

static struct str joined(struct arena *a, struct str name, struct str between, struct str value) {
	struct str parts[] = {name, between, value};
	return str_join(a, (struct strs){parts, COUNT(parts)}, STR(""));
}

void put_comment(struct buf *b, struct str label, struct str value) {
	struct arena *a = b->arena;
	put_line(b, joined(a, STR("# "), label, joined(a, STR(": "), readable(a, value), STR(""))));
}

void put_pair(struct buf *b, struct str name, struct str value) {
	struct arena *a = b->arena;
	if (is_safe(value)) {
		put_line(b, joined(a, name, STR(": "), value));
		return;
	}
	put_comment(b, name, value);
	put_line(b, joined(a, name, STR(":: "), base64_encode(a, value)));
}

static void put_entry(struct buf *b, const struct plan_candidate *c) {
	buf_byte(b, '\n');
	put_pair(b, STR("dn"), c->dn);
	put_pair(b, STR("changetype"), STR("add"));
	for (size_t i = 0; i < c->n_attributes; i++)
		for (size_t k = 0; k < c->attributes[i].values.n; k++)
			put_pair(b, c->attributes[i].name, c->attributes[i].values.v[k]);
}

static void put_join(struct buf *b, struct str member_attribute, struct str group, struct str dn) {
	buf_byte(b, '\n');
	put_pair(b, STR("dn"), group);
	put_pair(b, STR("changetype"), STR("modify"));
	put_pair(b, STR("add"), member_attribute);
	put_pair(b, member_attribute, dn);
	put_line(b, STR("-"));
}

struct str plan_ldif(struct arena *a, const struct plan *p, const struct directory_config *d, size_t candidate) {
	struct buf b = buf_new(a, PLAN_TEXT);
	if (p->kind == PLAN_UPDATE) {
		put_line(&b, STR("version: 1"));
		update_put_ldif(&b, p, d);
		return buf_str(&b);
	}
	if (candidate >= p->n_candidates)
		return STR("");
	const struct plan_candidate *c = &p->candidates[candidate];
	put_line(&b, STR("version: 1"));
	put_entry(&b, c);
	for (size_t i = 0; i < p->groups.n; i++)
		put_join(&b, d->group_member_attribute, p->groups.v[i], c->dn);
	return buf_str(&b);
}
