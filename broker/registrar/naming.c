/* Login names: from patterns, in ASCII, not reserved, not taken. */
#include <uninorm.h>
#include <unistr.h>

#include "base/buf.h"
#include "base/secret.h"
#include "broker/registrar/registrar_private.h"

#define WANTED       5 /* free candidates that a plan carries */
#define NUMBERS_FROM 2 /* jdoe, jdoe2, jdoe3 … */
#define NUMBERS_TO   99
#define LOOKS        40 /* names that are looked up at most */
#define LARGE        10 /* and large numbers after them */

static const char *const reserved[] = {"admin", "administrator", "root", "guest", "krbtgt", "system", "daemon",
	"nobody", "operator", "postmaster", "abuse", "hostmaster", "webmaster", "security", "support", "helpdesk",
	"info", "usher", "test", "anonymous", "self", "null", "none", "domain", "everyone", "users", "services",
	"backup", "mail", "ftp", "www", "noreply", "no-reply", "mailer-daemon"};

/* ---- text to letters ---- */

/* Letters that have no canonical decomposition but a customary spelling. */
static const struct {
	uint32_t code;
	const char *ascii;
} spellings[] = {{0xDF, "ss"}, {0xC6, "ae"}, {0xE6, "ae"}, {0x152, "oe"}, {0x153, "oe"}, {0xD8, "o"}, {0xF8, "o"},
	{0x110, "d"}, {0x111, "d"}, {0xD0, "d"}, {0xF0, "d"}, {0xDE, "th"}, {0xFE, "th"}, {0x141, "l"}, {0x142, "l"},
	{0x131, "i"}, {0x126, "h"}, {0x127, "h"}};

static void put_letter(struct buf *out, uint32_t c) {
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_') {
		buf_byte(out, (char)c);
		return;
	}
	if (c >= 'A' && c <= 'Z') {
		buf_byte(out, (char)(c - 'A' + 'a'));
		return;
	}
	for (size_t i = 0; i < COUNT(spellings); i++)
		if (spellings[i].code == c)
			buf_put(out, str_of(spellings[i].ascii));
}

/* Lower-case ASCII letters, digits and ". - _" of the text; marks fall away, other scripts give nothing. */
static struct str letters_of(struct arena *a, struct str text) {
	struct buf out = buf_new(a, LIMIT_FIELD_VALUE);
	size_t n = 0, at = 0;
	uint32_t c;
	if (!str_utf8(text) || str_empty(text))
		return STR("");
	uint8_t *plain = u8_normalize(UNINORM_NFKD, (const uint8_t *)text.p, text.n, NULL, &n);
	if (!plain)
		return STR("");
	struct str decomposed = str_slice((const char *)plain, n);
	while (str_next_code_point(decomposed, &at, &c))
		put_letter(&out, c);
	free(plain);
	return buf_str(&out);
}

/* ---- patterns ---- */

/* "{given_name:1}": name and number of letters (0: all). */
static void put_reference(
	struct arena *a, struct buf *out, struct str reference, const struct typed *fields, size_t n) {
	size_t colon = str_find(reference, ':', 0);
	int64_t count = 0;
	struct str name = str_sub(reference, 0, colon);
	if (colon < reference.n && !str_int(str_sub(reference, colon + 1, reference.n), 1, 64, &count))
		count = 0;
	struct str value = typed_value(fields, n, name);
	if (str_eq(name, STR("mail_local"))) {
		value = typed_value(fields, n, STR("mail"));
		value = str_sub(value, 0, str_find(value, '@', 0));
	}
	struct str text = letters_of(a, value);
	buf_put(out, count ? str_sub(text, 0, (size_t)count) : text);
}

struct str naming_expand(struct arena *a, struct str pattern, const struct typed *fields, size_t n_fields, int64_t n) {
	struct buf out = buf_new(a, LIMIT_FIELD_VALUE);
	for (size_t i = 0; i < pattern.n;) {
		size_t end = pattern.p[i] == '{' ? str_find(pattern, '}', i) : pattern.n;
		if (pattern.p[i] != '{' || end == pattern.n) {
			put_letter(&out, (unsigned char)pattern.p[i++]);
			continue;
		}
		struct str reference = str_sub(pattern, i + 1, end - i - 1);
		if (!str_eq(reference, STR("n")))
			put_reference(a, &out, reference, fields, n_fields);
		else if (n)
			buf_printf(&out, "%lld", (long long)n);
		i = end + 1;
	}
	return buf_str(&out);
}

/* The number survives a cut: "maximilianm" cut to 10 with 12 is "maximili12". */
static struct str fit(struct arena *a, struct str name, int64_t max, int64_t n) {
	if ((int64_t)name.n <= max)
		return name;
	struct str number = n ? str_printf(a, "%lld", (long long)n) : STR("");
	if (number.n && !str_ends(name, number))
		number = STR("");
	struct str head = str_sub(name, 0, (size_t)max - number.n);
	return str_printf(a, "%.*s%.*s", FMT(head), FMT(number));
}

static struct str trim_marks(struct str s) {
	while (s.n && !((s.p[0] >= 'a' && s.p[0] <= 'z') || (s.p[0] >= '0' && s.p[0] <= '9')))
		s = str_sub(s, 1, s.n);
	while (s.n && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == '-' || s.p[s.n - 1] == '_'))
		s = str_sub(s, 0, s.n - 1);
	return s;
}

/* ---- free names ---- */

struct naming {
	const struct profile_config *profile;
	const struct directory_config *directory;
	const struct registration *registration;
	const struct typed *fields;
	size_t n_fields;
	struct strs free, seen, waiting; /* waiting: to be asked for */
};

static bool group_named(struct arena *a, struct strs groups, struct str name) {
	for (size_t i = 0; i < groups.n; i++)
		if (str_eq_case(dn_rdn_value(a, groups.v[i]), name))
			return true;
	return false;
}

/* The groups that mean something here: a person's name must not pass for one of them. */
static bool name_of_group(struct task *t, struct str name) {
	struct strs single = {0};
	strs_add(t->arena, &single, t->realm->operators);
	for (size_t i = 0; i < t->realm->n_profiles; i++) {
		const struct profile_config *p = &t->realm->profiles[i];
		strs_add(t->arena, &single, p->approvers);
		if (group_named(t->arena, p->groups, name) || group_named(t->arena, p->groups_allowed, name))
			return true;
	}
	return group_named(t->arena, single, name);
}

static bool name_reserved(struct task *t, const struct naming *g, struct str name) {
	for (size_t i = 0; i < COUNT(reserved); i++)
		if (str_eq(str_of(reserved[i]), name))
			return true;
	for (size_t i = 0; i < g->profile->reserved_names.n; i++)
		if (str_eq_case(g->profile->reserved_names.v[i], name))
			return true;
	/* A login name that is a client_id could pass for that client (RFC 9700 4.15). */
	for (size_t i = 0; i < t->realm->n_clients; i++)
		if (str_eq_case(t->realm->clients[i].id, name))
			return true;
	return name_of_group(t, name);
}

/* Those that wait to be asked for, in one question: what no entry has is free, and what the one has that carries our
 * marker, which is this registration's own, from a run whose answer was lost. Where there is a forest, its catalog is
 * asked too, for each that is free here. */
static enum err names_ask(struct task *t, struct naming *g) {
	struct str by[WANTED];
	if (!g->waiting.n)
		return OK;
	TRY(directory_find_used(t, g->directory, STR("login"), g->waiting, by));
	for (size_t i = 0; i < g->waiting.n; i++) {
		bool taken = !str_absent(by[i]) && !str_eq(by[i], g->registration->id);
		if (str_absent(by[i]))
			TRY(directory_principal_taken(t, g->directory, g->waiting.v[i], &taken));
		if (!taken)
			strs_add(t->arena, &g->free, g->waiting.v[i]);
	}
	g->waiting = (struct strs){0};
	return OK;
}

static bool wants_more(const struct naming *g) {
	return g->free.n + g->waiting.n < WANTED && g->seen.n < LOOKS;
}

static int64_t login_most(const struct naming *g) {
	int64_t most = directory_login_most(g->directory);
	return g->profile->login_max_length < most ? g->profile->login_max_length : most;
}

static enum err name_try(struct task *t, struct naming *g, struct str name, int64_t n) {
	bool reserved_by_us = false;
	name = trim_marks(fit(t->arena, name, login_most(g), n));
	if (name.n < 2 || !wants_more(g) || strs_has(g->seen, name) || name_reserved(t, g, name))
		return OK;
	strs_add(t->arena, &g->seen, name);
	TRY(registrations_login_reserved(t, name, g->registration->id, &reserved_by_us));
	if (reserved_by_us)
		return OK;
	strs_add(t->arena, &g->waiting, name);
	return wants_more(g) ? OK : names_ask(t, g);
}

static enum err try_numbered(struct task *t, struct naming *g, struct str pattern) {
	bool has_number = str_contains(pattern, STR("{n}"));
	if (str_empty(trim_marks(naming_expand(t->arena, pattern, g->fields, g->n_fields, 0))))
		return OK; /* a bare number is no name */
	for (int64_t n = NUMBERS_FROM; n <= NUMBERS_TO && wants_more(g); n++) {
		struct str name = naming_expand(t->arena, pattern, g->fields, g->n_fields, n);
		if (!has_number)
			name = str_printf(t->arena, "%.*s%lld", FMT(name), (long long)n);
		TRY(name_try(t, g, name, n));
	}
	return OK;
}

/* Where the small numbers are used up, and for names in a script that gives no letters: numbers that follow from the
 * registration, so that what an approver saw is what is done. */
static enum err try_large(struct task *t, struct naming *g) {
	struct str pattern = g->profile->login_patterns.n ? g->profile->login_patterns.v[0] : STR("");
	struct str name = trim_marks(naming_expand(t->arena, pattern, g->fields, g->n_fields, 0));
	if (name.n < 2)
		name = STR("user");
	g->seen = (struct strs){0};
	for (int64_t i = 0; i < LARGE && wants_more(g); i++) {
		uint8_t hash[HASH_SIZE];
		sha256_into(hash, str_printf(t->arena, "%.*s\n%lld", FMT(g->registration->id), (long long)i));
		int64_t number = 10000 + ((int64_t)hash[0] << 16 | hash[1] << 8 | hash[2]) % 90000;
		TRY(name_try(t, g, str_printf(t->arena, "%.*s%lld", FMT(name), (long long)number), number));
	}
	return names_ask(t, g);
}

static enum err try_all(struct task *t, struct naming *g) {
	const struct strs *patterns = &g->profile->login_patterns;
	TRY(name_try(t, g, letters_of(t->arena, g->registration->login_proposed), 0));
	for (size_t i = 0; i < patterns->n; i++)
		TRY(name_try(t, g, naming_expand(t->arena, patterns->v[i], g->fields, g->n_fields, 0), 0));
	for (size_t i = 0; i < patterns->n; i++)
		if (str_contains(patterns->v[i], STR("{n}")))
			TRY(try_numbered(t, g, patterns->v[i]));
	if (patterns->n)
		TRY(try_numbered(t, g, patterns->v[0]));
	TRY(names_ask(t, g));
	return g->free.n ? OK : try_large(t, g);
}

enum err naming_settle(struct task *t, const struct profile_config *p, const struct registration *r, struct strs *ret) {
	struct typed *fields = NULL;
	struct naming g = {.profile = p, .directory = realm_directory(t->realm, p->directory), .registration = r};
	if (!g.directory)
		return task_fail(t, ERR_CONFIG, "directory %.*s is not configured", FMT(p->directory));
	TRY(registration_fields(t, r, p, &fields, &g.n_fields));
	g.fields = fields;
	TRY(try_all(t, &g));
	if (!g.free.n)
		return task_fail(t, ERR_EXISTS, "no free login name was found among %zu candidates", g.seen.n);
	*ret = g.free;
	return OK;
}
