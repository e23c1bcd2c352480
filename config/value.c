#include "config/config_private.h"

#define LIMIT_QUOTED 60u /* bytes of a value in a message */

struct str quoted(struct load *l, struct str text) {
	struct buf b = buf_new(l->arena, LIMIT_QUOTED * 2);
	size_t n = text.n;
	if (n > LIMIT_QUOTED) {
		n = LIMIT_QUOTED;
		while (n > 0 && (text.p[n] & 0xc0) == 0x80)
			n--;
	}
	bool hidden = str_has_control(text);
	buf_byte(&b, '"');
	for (size_t i = 0; i < n; i++)
		buf_byte(&b, hidden && (text.p[i] < ' ' || text.p[i] > '~') ? '?' : text.p[i]);
	buf_put(&b, n < text.n ? STR("…\"") : STR("\""));
	return buf_str(&b);
}

/* Levenshtein's distance; both at most LIMIT_CONFIG_WORD letters long. */
static unsigned distance(struct str a, struct str b) {
	unsigned row[LIMIT_CONFIG_WORD + 1];
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned before = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned least = before + (a.p[i - 1] != b.p[j - 1]);
			before = row[j];
			least = least < row[j] + 1 ? least : row[j] + 1;
			row[j] = least < row[j - 1] + 1 ? least : row[j - 1] + 1;
		}
	}
	return row[b.n];
}

void nearest_try(struct nearest *n, struct str candidate) {
	struct str wanted = n->wanted;
	if (wanted.n == 0 || wanted.n > LIMIT_CONFIG_WORD || candidate.n == 0 || candidate.n > LIMIT_CONFIG_WORD)
		return;
	bool part =
		wanted.n >= 3 && candidate.n >= 3 && (str_starts(candidate, wanted) || str_starts(wanted, candidate));
	unsigned d = part ? 1 : distance(wanted, candidate);
	if (d > 1 + wanted.n / 3 || d >= candidate.n || (!str_absent(n->best) && d >= n->distance))
		return;
	n->best = candidate;
	n->distance = d;
}

struct str nearest_text(struct load *l, const struct nearest *n) {
	if (str_absent(n->best))
		return STR("");
	return str_printf(l->arena, "; did you mean %.*s?", FMT(n->best));
}

/* The place of text among words, or -1, told. */
static int word_index(struct load *l, const struct key *key, struct str text, struct spot at) {
	struct str rest = str_of(key->words), word;
	struct nearest n = {.wanted = str_lower(l->scratch, text)};
	for (int i = 0; str_next(&rest, '|', &word); i++) {
		if (str_eq(word, text))
			return i;
		nearest_try(&n, word);
	}
	struct strs list = str_split(l->scratch, str_of(key->words), '|');
	load_fail(l, at, "%.*s is not one of %.*s%.*s", FMT(quoted(l, text)),
		FMT(str_join(l->scratch, list, STR(", "))), FMT(nearest_text(l, &n)));
	return -1;
}

static const struct {
	char unit;
	int64_t seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

bool duration_read(struct str text, int64_t *ret) {
	int64_t number;
	if (text.n < 2 || text.n > 10 || !str_int(str_sub(text, 0, text.n - 1), 0, 999999999, &number))
		return false;
	for (size_t i = 0; i < COUNT(units); i++)
		if (text.p[text.n - 1] == units[i].unit) {
			*ret = number * units[i].seconds;
			return true;
		}
	return false;
}

struct str duration_text(struct arena *a, int64_t seconds) {
	size_t i = 0;
	while (seconds % units[i].seconds)
		i++;
	return str_printf(a, "%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
}

static void store_int(struct load *l, const struct key *key, struct str text, struct spot at, int64_t *target) {
	if (!str_int(text, key->min, key->max, target))
		load_fail(l, at, "%.*s is not a whole number from %lld to %lld", FMT(quoted(l, text)),
			(long long)key->min, (long long)key->max);
}

static void store_duration(struct load *l, const struct key *key, struct str text, struct spot at, int64_t *target) {
	int64_t seconds;
	if (!duration_read(text, &seconds)) {
		load_fail(l, at, "%.*s is not a time such as 90s, 5m, 12h or 7d", FMT(quoted(l, text)));
	} else if (seconds < key->min || seconds > key->max) {
		load_fail(l, at, "%.*s is not a time from %.*s to %.*s", FMT(quoted(l, text)),
			FMT(duration_text(l->scratch, key->min)), FMT(duration_text(l->scratch, key->max)));
	} else {
		*target = key->type == KEY_DURATION_MS ? seconds * 1000 : seconds;
	}
}

static void store_bool(struct load *l, struct str text, struct spot at, bool *target) {
	if (str_eq(text, STR("true")))
		*target = true;
	else if (str_eq(text, STR("false")))
		*target = false;
	else
		load_fail(l, at, "%.*s is not true or false", FMT(quoted(l, text)));
}

static bool length_is_good(struct load *l, const struct key *key, enum key_type type, struct spot at, struct str text) {
	int64_t most = type == key->type && key->max ? key->max : LIMIT_CONFIG_TEXT;
	if (type == KEY_DN)
		most = LIMIT_DN;
	if (str_code_points(text) <= (size_t)most)
		return true;
	load_fail(l, at, "is too long: %lld characters at most", (long long)most);
	return false;
}

bool scalar_text(struct load *l, const struct key *key, enum key_type type, struct spot at, struct str *text) {
	const struct kind *kind = kind_of(type);
	struct str value = *text;
	if (str_has_control(value)) {
		load_fail(l, at, "%.*s holds a control character or a line break", FMT(quoted(l, value)));
		return false;
	}
	if (str_empty(value)) {
		load_fail(l, at, "is empty; expected %s", kind->expected);
		return false;
	}
	if (!length_is_good(l, key, type, at, value))
		return false;
	/* What should be a digest may be a secret. */
	struct str shown = type == KEY_SHA256 ? STR("the value") : quoted(l, value);
	if (kind->check && !kind->check(value)) {
		load_fail(l, at, "%.*s is not %s", FMT(shown), kind->expected);
		return false;
	}
	struct str stored = STR_NONE;
	const char *why = NULL;
	if (kind->convert)
		why = kind->convert(l, value, &stored);
	else
		stored = str_dup(l->arena, value);
	if (why)
		load_fail(l, at, "%.*s %s", FMT(shown), why);
	else
		*text = stored;
	return !why;
}

static void store_text(struct load *l, const struct key *key, struct str text, struct spot at, struct str *target) {
	bool may_be_empty = key->fallback && !*key->fallback;
	if (str_empty(text) && may_be_empty) {
		if (str_absent(*target)) /* another key may fill the same place */
			*target = STR("");
		return;
	}
	if (key->type == KEY_WORD) {
		if (word_index(l, key, text, at) >= 0)
			*target = str_dup(l->arena, text);
	} else if (scalar_text(l, key, key->type, at, &text)) {
		*target = text;
	}
}

static void store_enum(struct load *l, const struct key *key, struct str text, struct spot at, int *target) {
	int index = word_index(l, key, text, at);
	if (index >= 0)
		*target = index;
}

void value_store(struct load *l, const struct key *key, struct str text, struct spot at, void *target) {
	switch (key->type) {
	case KEY_BOOL:
		store_bool(l, text, at, target);
		break;
	case KEY_INT:
		store_int(l, key, text, at, target);
		break;
	case KEY_DURATION:
	case KEY_DURATION_MS:
		store_duration(l, key, text, at, target);
		break;
	case KEY_ENUM:
		store_enum(l, key, text, at, target);
		break;
	default:
		store_text(l, key, text, at, target);
	}
}

void value_flag(struct load *l, const struct key *key, struct str word, struct spot at, unsigned *flags) {
	int index = word_index(l, key, word, at);
	if (index >= 0)
		*flags |= 1u << index;
}
