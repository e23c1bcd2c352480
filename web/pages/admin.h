/* admin.h: what the pages of approvers and operators share. Private to web/pages. */
#ifndef USHER_WEB_PAGES_ADMIN_H
#define USHER_WEB_PAGES_ADMIN_H

#include "web/pages/pages.h"

/* Who asks: an approver or operator by the live directory, else ERR_DENIED. */
enum err admin_actor(struct task *t, const struct request *q, struct approver *ret) must_use;
enum err admin_operator(struct task *t, const struct request *q, struct approver *ret) must_use;
/* page_data with what the navigation needs: nav {NAME: true}, operator. */
struct value *admin_data(
	struct task *t, struct request *q, struct response *r, const char *key, const struct approver *who);
/* "person:SUB" as the login name that one knows the person by. */
struct str actor_words(struct task *t, struct str actor);
/* The state of a request in words, and its sign: state, sign. */
void add_state(struct task *t, struct value *row, enum registration_state state);
/* A row of the audit: at, actor, action, its code, detail, address, subject. */
void add_audit_row(struct task *t, struct value *list, const struct audit_row *a);
/* steps[] of a plan, as they were recorded. */
void add_steps(struct task *t, struct value *run, const struct plan_step_row *list, size_t n);
struct str plan_state_words(enum plan_state state);
/* The lines of a value that have something on them, without spaces around. */
struct strs lines_of(struct task *t, struct str text);
/* options[] {value, label, selected}. */
void add_option(struct task *t, struct value *options, struct str value, struct str label, struct str chosen);
/* The value of a parameter of the query, empty where it is absent. */
struct str asked(const struct request *q, const char *name);

#endif
