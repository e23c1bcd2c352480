/* driver.h: what differs between makes of directories; private to this folder. A driver is a row: openldap.c, ds389.c,
 * active_directory.c. */
#ifndef USHER_FEDERATION_DIRECTORY_DRIVER_H
#define USHER_FEDERATION_DIRECTORY_DRIVER_H

#include "federation/directory/ldap_conn.h"

/* A ppolicy response control, or what another make says instead. */
struct bind_answer {
	int result;
	struct str diagnostic;
	int policy_error;               /* -1 none */
	int64_t expires_in, grace_left; /* -1 none */
};

struct password_change {
	struct str dn, old, new;
};

struct driver {
	const char *name;
	const char *stable_id;               /* attribute */
	const char *created;                 /* attribute: when the entry was made */
	const char *const *state_attributes; /* read with each entry for entry_state; ends with NULL */
	struct str default_class;            /* of new entries when none is configured */
	bool whoami_names_account;           /* "u:DOMAIN\\account" (MS-ADTS 3.1.1.3.4.2.4), no DN */
	bool settle_may_be_refused;          /* after_password: the right for it may be missing; the password is set */
	/* Sets enabled and locked from the attributes (by lower-case names) of an entry. */
	void (*entry_state)(struct entry *e, int64_t now_ms);
	/* What the make says of a success, of wrong credentials (49), and of other results that only it has; false:
	 * nothing. */
	bool (*bind_told)(const struct bind_answer *answer, enum verdict *ret);
	/* Whether a refusal means that a unique value is taken. */
	bool (*taken)(const struct answer *answer);
	/* Whether a refusal means that the value was there, or gone, before. */
	bool (*done_already)(enum change_kind kind, const struct answer *answer);
	/* What a new entry has so that nobody can log in. */
	void (*disabled_attributes)(
		struct arena *a, const struct directory_config *d, struct attribute **list, size_t *n);
	/* The modification that enables or disables the entry as it is now; n 0: done already. */
	void (*enable)(struct arena *a, const struct directory_config *d, const struct entry *now, bool enabled,
		struct attribute **list, size_t *n);
	/* The modification that must follow when the service account has set a password, so that its owner can log in
	 * with it and a disabled entry is still disabled; before and after are the entry around it. */
	enum err (*after_password)(struct task *t, const struct directory_config *d, const struct entry *before,
		const struct entry *after, struct attribute **list, size_t *n);
	/* old absent: set by the service account; else a change, by whoever is bound. ERR_CREDENTIALS: old is wrong. */
	enum err (*modify_password)(
		struct task *t, struct conn *c, const struct password_change *change, struct bind_answer *ret);
	/* As directory_groups. */
	enum err (*groups)(struct task *t, const struct directory_config *d, const struct entry *e, struct groups *ret);
};

extern const struct driver driver_openldap, driver_389ds, driver_active_directory;

/* result.c: what the end of a bind means. */
enum err bind_verdict(
	struct task *t, const struct driver *driver, const struct bind_answer *answer, enum verdict *ret) must_use;
/* password.c: RFC 3062. unicode_pwd.c: MS-ADTS 3.1.1.3.1.5. */
enum err password_by_exop(
	struct task *t, struct conn *c, const struct password_change *change, struct bind_answer *ret) must_use;
enum err password_by_unicode_pwd(
	struct task *t, struct conn *c, const struct password_change *change, struct bind_answer *ret) must_use;
/* groups.c: by searches for the groups that have a member, level by level. groups_token.c: by tokenGroups. */
enum err groups_by_member(
	struct task *t, const struct directory_config *d, const struct entry *e, struct groups *ret) must_use;
enum err groups_by_token(
	struct task *t, const struct directory_config *d, const struct entry *e, struct groups *ret) must_use;
/* RFC 4511: 20 for a value that is there, 16 for one that is not. */
bool value_done_already(enum change_kind kind, const struct answer *answer);
/* NULL where it is not built. */
const struct driver *driver_of(const struct directory_config *d);

/* attr_map.c: our name for the directory's (lower case of theirs where there is none). */
struct str attribute_ours(struct arena *a, const struct directory_config *d, struct str theirs);
/* The directory's names of all mapped attributes. */
void attributes_mapped(struct arena *a, const struct directory_config *d, struct strs *list);

/* entry.c */
/* What is read of an entry usually: mapped, state, stable id, marker, rdn. */
struct strs entry_attributes(struct arena *a, const struct directory_config *d);
enum err entry_read(struct task *t, struct conn *c, LDAPMessage *m, struct entry *ret) must_use;
/* As directory_read gives it: nothing mapped, only dn and attributes are set. */
enum err entry_read_plain(struct task *t, struct conn *c, LDAPMessage *m, struct entry *ret) must_use;
/* Values of one attribute of an entry by its lower-case own name or our name; n is 0 where it has none. */
struct strs entry_values(const struct entry *e, struct str name);
bool root_dse_has(LDAP *ld, LDAPMessage *entry, const char *attribute, struct str value);

#define MEMBERS_READ 8192u /* range.c: values of one attribute that are read */

/* change.c: adds attribute name = value to a list that grows. */
void attribute_add(struct arena *a, struct attribute **list, size_t *n, struct str name, struct str value);
/* password.c: puts what a ppolicy response control says into *ret, which is left as it is without one. */
void policy_control_read(LDAP *ld, LDAPControl **controls, struct bind_answer *ret);
/* The end of an answer, with that control where there is one. */
enum err bind_answer_read(struct task *t, struct conn *c, LDAPMessage *m, struct bind_answer *ret) must_use;

#endif
