/* pages.h: the handlers that answer HTML, and what they share. Private to web: routes.c names them. */
#ifndef USHER_WEB_PAGES_PAGES_H
#define USHER_WEB_PAGES_PAGES_H

#include "broker/registrar/registrar.h"
#include "web/flow.h"

/* When a refused password answers: longer than a search and an argon2 bind take, since the directory refuses an unknown
 * name faster than a known one. */
#define REFUSED_MS 400

/* home.c */
handler page_root, page_home;
/* register.c */
handler page_profiles, page_register, page_register_submit, page_resend;
/* verify.c */
handler page_verify, page_verify_submit, page_status, page_withdraw;
/* activate.c */
handler page_activate, page_activate_submit;
/* login.c */
handler page_login, page_login_submit;
/* password.c */
handler page_password, page_password_submit, page_reset, page_reset_submit;
/* consent.c */
handler page_consent, page_consent_submit;
/* account.c */
handler page_account, page_account_submit;
/* queue.c, decision.c, operations.c, person.c, audit.c */
handler page_registrations, page_registration, page_registration_decide, page_registration_retry,
	page_registration_resend;
handler page_person, page_person_change, page_person_plan;
handler page_jobs, page_job_retry, page_people, page_health, page_audit, page_audit_export;

/* ---- shared: parts.c ---- */
/* The text of a key with every "{}" replaced by value. */
struct str text_with(struct task *t, const char *key, struct str value);
/* The text of prefix and name, or name itself where the catalogue has none. */
struct str text_named(struct task *t, const char *prefix, struct str name);
/* Control and format characters, spaces that look like others, and letters of look-alike alphabets beside Latin ones,
 * written as [U+202E]. */
struct str visible(struct task *t, struct str typed);
/* Whether the realm has a profile that is open. */
bool may_register(const struct task *t);
/* Seconds in words, rounded down: "3 days". */
struct str duration_words(struct task *t, int64_t seconds);
/* The same of what is to be waited for, rounded up: who waits so long has waited long enough. */
struct str wait_words(struct task *t, int64_t seconds);
/* The person's name of a registration's fields: display_name, or given_name and family_name; empty when there is none.
 */
struct str person_name(struct task *t, const struct typed *fields, size_t n);
/* Adds rules[] to data: what a new password needs. */
void add_password_rules(struct task *t, struct value *data, const struct password_policy *policy);
/* The message at a password field. */
struct str password_message(const struct password_problem *problem);
/* Adds timeline[] to data. turn: the beginning of the keys that say whose turn it is, "usual." to the person, "turn."
 * to others. */
void add_timeline(struct task *t, struct value *data, const struct registration *r, const struct profile_config *p,
	const char *turn);
/* A page that says one thing: key.title, key.text; with a link where there is one (next_key NULL: none). */
struct message {
	const char *key;
	struct str detail;    /* shown after the text, or empty */
	const char *next_key; /* text of the link */
	struct str next_link; /* a path */
};
enum err page_message(
	struct task *t, struct request *q, struct response *r, int status, const struct message *m) must_use;
/* The page of a link that works no more, which offers a new mail: key.title, key.text. In verify.c. */
enum err page_link_ended(struct task *t, struct request *q, struct response *r, const char *key) must_use;
/* key.title as page title. */
struct value *page_data_of(struct task *t, struct request *q, struct response *r, const char *key);
/* The value of a form field, empty where it is absent. */
struct str field(const struct request *q, const char *name);
bool pressed(const struct request *q, const char *button);

#endif
