/* log.h: one JSON object a line on standard error. Programs log; libraries return errors.
 *
 * log_event(LEVEL_INFO, t, "login.ok", LOG_TEXT("client", id), LOG_NUMBER("ms", 12)) is written as
 * {"time":"…","level":"info","event":"login.ok","realm":"…","reference":"…","client":"…","ms":12}. Values are escaped
 * and cut off at 1024 bytes. No password, token, link, code or cookie is ever a field value; a mail address and a login
 * name are personal and appear only at LEVEL_DEBUG and in the audit. Where standard error is the journal's stream, each
 * line begins with its priority (sd-daemon(3)): <3>{"time":…} */
#ifndef USHER_BASE_LOG_H
#define USHER_BASE_LOG_H

#include "base/error.h"
#include "base/str.h"

struct task;

struct log_field {
	const char *name;
	struct str text; /* used when p is not NULL */
	int64_t number;
};
/* An absent text is written as an empty one. */
static inline struct log_field log_text(const char *name, struct str value) {
	return (struct log_field){.name = name, .text = str_absent(value) ? STR("") : value};
}
#define LOG_TEXT(name_, value_)   log_text((name_), (value_))
#define LOG_NUMBER(name_, value_) ((struct log_field){.name = (name_), .number = (value_)})

void log_set_level(enum level least);
enum level log_level(void);
/* t may be NULL. At most 16 fields; more are left out. Writes one line with one write(2). */
void log_write(enum level level, struct task *t, const char *event, const struct log_field *fields, size_t n);
#define log_event(level, t, event, ...)                                                                                \
	log_write((level), (t), (event), (const struct log_field[]){__VA_ARGS__},                                      \
		sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
/* "<3>" before a line that is written at this level when standard error is the journal's stream, else "". */
const char *log_priority(enum level level);
/* The failure kept in the task, at the level of its code; nothing when there is none. */
void log_failure(struct task *t, const char *event);

#endif
