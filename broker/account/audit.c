#include "base/encode.h"
#include "broker/account/account.h"

enum err audit_write(struct task *t, const char *action, struct str subject, const struct audit_pair *pairs, size_t n) {
	struct buf detail = buf_new(t->arena, LIMIT_FIELD_VALUE);
	buf_byte(&detail, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_byte(&detail, ',');
		json_escape(&detail, str_of(pairs[i].name));
		buf_byte(&detail, ':');
		json_escape(&detail, pairs[i].value);
	}
	buf_byte(&detail, '}');
	struct str text = buf_full(&detail) ? STR("{\"cut\":\"the detail was too long\"}") : buf_str(&detail);
	return audit_insert(t, str_of(action), subject, text);
}
