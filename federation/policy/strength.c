/* Strength of a new password. */
#include <zxcvbn.h>

#include "federation/policy/policy.h"

/* NIST SP 800-63B: at least 8; zxcvbn's time grows with the length, and so ours ends here. */
#define CODE_POINTS_MIN 8
#define CODE_POINTS_MAX 256
#define WORDS_MAX       64u
#define WORD_MIN        3u
#define WORD_MAX        64u
#define SCORE_MIN       2

/* zxcvbn counts guesses in bits: its own scores change at 10^3, 10^6, 10^8 and 10^10 guesses. */
static int score_of(double bits) {
	static const double least[] = {9.97, 19.93, 26.58, 33.22};
	int score = 0;
	while (score < (int)COUNT(least) && bits >= least[score])
		score++;
	return score;
}

static bool is_part(char c) {
	return c == ' ' || c == '@' || c == '.' || c == '-' || c == '_' || c == ',' || c == '+' || c == '\t';
}

static void add_word(struct arena *a, struct str word, const char **list, size_t *n) {
	if (word.n < WORD_MIN || word.n > WORD_MAX || str_find(word, '\0', 0) < word.n || *n == WORDS_MAX)
		return;
	char *text = arena_alloc(a, word.n + 1);
	memcpy(text, str_lower(a, word).p, word.n); /* zxcvbn folds the password and takes the words as they are */
	list[(*n)++] = text;
}

/* The words, and their parts: "john.doe@example.org" is guessed as john, doe and example too. */
static const char **user_words(struct arena *a, struct strs words) {
	const char **list = arena_array(a, const char *, WORDS_MAX + 1);
	size_t n = 0;
	for (size_t i = 0; i < words.n; i++) {
		struct str w = str_sub(words.v[i], 0, LIMIT_FIELD_VALUE);
		add_word(a, w, list, &n);
		for (size_t from = 0, at = 0; at <= w.n; at++) {
			if (at < w.n && !is_part(w.p[at]))
				continue;
			if (at - from < w.n)
				add_word(a, str_sub(w, from, at - from), list, &n);
			from = at + 1;
		}
	}
	return list;
}

static struct strength too(enum refusal_reason reason) {
	return (struct strength){.score = 0, .acceptable = false, .reason_key = policy_reason_key(reason)};
}

struct strength policy_strength(struct arena *a, struct str password, struct strs words) {
	if (password.n > LIMIT_PASSWORD)
		return too(REFUSAL_TOO_LONG);
	size_t n = str_code_points(password);
	if (n < CODE_POINTS_MIN || n > CODE_POINTS_MAX)
		return too(n < CODE_POINTS_MIN ? REFUSAL_TOO_SHORT : REFUSAL_TOO_LONG);
	if (str_find(password, '\0', 0) < password.n || !str_utf8(password))
		return (struct strength){.reason_key = "password.characters"};
	char *text = arena_alloc(a, password.n + 1);
	memcpy(text, password.p, password.n);
	int score = score_of(ZxcvbnMatch(text, user_words(a, words), NULL));
	bool good = score >= SCORE_MIN;
	return (struct strength){
		.score = score, .acceptable = good, .reason_key = good ? NULL : policy_reason_key(REFUSAL_WEAK)};
}
