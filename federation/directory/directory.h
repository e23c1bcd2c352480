/* directory.h: one directory, whatever its make. The door of this folder.
 *
 * Every call runs on the calling worker's own connections (service; password checks), opens them at first use, waits no
 * longer than the directory's operation time-out and what is left of the task, and throws a connection away after a
 * time-out. Errors of all calls, besides those named with each: ERR_UNAVAILABLE  no controller answers, the breaker is
 * open, or busy/unavailable (51, 52): try again later; nothing was done ERR_TIMEOUT      it was sent and no answer
 * came: unknown whether it was done; look before acting again ERR_REFUSED      the directory says no and will say no
 * again (50, 53, 19, 65, …); the report tells which ERR_CONFIG       our own bind was refused (49), or a certificate:
 * an operator must act; detail says what Values are data: nothing typed by a person reaches a filter or DN unescaped;
 * ldap_text.c is the only place that escapes (RFC 4514, 4515). */
#ifndef USHER_FEDERATION_DIRECTORY_DIRECTORY_H
#define USHER_FEDERATION_DIRECTORY_DIRECTORY_H

#include "base/task.h"
#include "config/config.h"

/* ---- one controller of several ---- */
/* What one controller has written, others show when it has been replicated to them. From now on all calls of this task
 * that concern this directory go to this controller alone: ERR_UNAVAILABLE where it does not answer,
 * or is no longer configured. Empty: to whichever answers, as before. One directory of a task at a time. */
void directory_pin(struct task *t, const struct directory_config *d, struct str controller);
/* The controller that the next call goes to; connects where there is no connection. */
enum err directory_controller(struct task *t, const struct directory_config *d, struct str *ret) must_use;
/* Whether it may have several: those that DNS names may be at any time. */
static inline bool directory_has_several(const struct directory_config *d) {
	return d->uris.n > 1 || !str_empty(d->domain);
}
/* The URIs of all that are there now, the preferred one first: those of uris, or those that DNS names for domain.
 * ERR_UNAVAILABLE: DNS names none, or does not answer. */
enum err directory_controller_uris(struct task *t, const struct directory_config *d, struct strs *ret) must_use;

/* ---- what is read ---- */
struct attribute {
	struct str name; /* our name where the attribute map has one (given_name, family_name, display_name, mail,
			    phone, login, …), else the directory's, lower case */
	struct strs values;
};
struct entry {
	struct str dn;             /* as the server wrote it */
	struct str stable_id;      /* entryUUID, objectGUID or nsUniqueId in text form; never changes, never reused */
	struct str login;          /* first value of the rdn/login attribute: uid, sAMAccountName */
	struct str mail;           /* first value, or empty */
	struct str marker;         /* our marker attribute's value, or empty */
	bool enabled;              /* false: disabled, locked for good, or not begun / ended by date */
	bool locked;               /* locked for now, by wrong passwords */
	int64_t expires_at;        /* when it ends by date, wall-clock milliseconds; 0: never, or not known */
	int64_t created_at;        /* to the second; read by directory_find_all only, else 0 */
	struct str password_stamp; /* changes with the password (pwdLastSet, pwdChangedTime), or empty */
	struct attribute *attributes; /* the mapped ones, and those asked for */
	size_t n_attributes;
};
/* First value of our attribute name, or STR_NONE. */
struct str entry_value(const struct entry *e, struct str name);

/* ERR_NOT_FOUND: no entry. ERR_EXISTS: more than one entry matches (never the first of several). */
/* By what a person typed: one filter over login_attributes and people_filter, under people_base. people_filter counts
 * here only. */
enum err directory_find_login(
	struct task *t, const struct directory_config *d, struct str typed, struct entry **ret) must_use;
enum err directory_find_id(
	struct task *t, const struct directory_config *d, struct str stable_id, struct entry **ret) must_use;
enum err directory_find_dn(
	struct task *t, const struct directory_config *d, struct str dn, struct entry **ret) must_use;
enum err directory_find_marker(
	struct task *t, const struct directory_config *d, struct str marker, struct entry **ret) must_use;
/* Any entry under people_base with this value of our attribute name ("login", "mail"), people_filter not applied. */
enum err directory_find_value(struct task *t, const struct directory_config *d, struct str name, struct str value,
	struct entry **ret) must_use;
/* The same of at most 16 values in one question: ret_by[i] is the marker of the entry that has the i-th, empty when it
 * has none or there are several, and STR_NONE when no entry has it. ERR_INVALID: not values. */
enum err directory_find_used(struct task *t, const struct directory_config *d, struct str name, struct strs values,
	struct str *ret_by) must_use;

/* All of them, at most 16; the name may be "marker" too. None is OK with *ret_n 0. */
enum err directory_find_all(struct task *t, const struct directory_config *d, struct str name, struct str value,
	struct entry **ret, size_t *ret_n) must_use;

/* Base read of any DN (empty: the root DSE) with objectClass=*, the named attributes (NULL-terminated, as the directory
 * calls them, operational ones too). entry->attributes has them under the directory's own names in lower case, all
 * values (8192 at most; never userPassword or unicodePwd), nothing mapped; the other members may be empty.
 * ERR_NOT_FOUND: no entry, or not shown to us. */
enum err directory_read(struct task *t, const struct directory_config *d, struct str dn, const char *const *attributes,
	struct entry **ret) must_use;
/* Subtree search under base; the filter is a constant of the program or
 * people_filter, never made from a value. Entries as
 * directory_read gives them, at most 16; *cut tells that there were more. Nothing found is OK with *ret_n 0;
 * ERR_NOT_FOUND: no such base. */
enum err directory_search(struct task *t, const struct directory_config *d, struct str base, const char *filter,
	const char *const *attributes, struct entry **ret, size_t *ret_n, bool *cut) must_use;

/* All values of an attribute of one entry, 8192 at most; those that a server tells in ranges (MS-ADTS 3.1.1.3.1.3.3)
 * too. ERR_NOT_FOUND: no entry. */
enum err directory_values(struct task *t, const struct directory_config *d, struct str dn, struct str attribute,
	struct strs *ret) must_use;

/* A generalized time (RFC 4517 3.3.13) as servers write it: UTC, to the second, with or without a fraction. Wall-clock
 * milliseconds; 0: not of this form, or before 1970. */
int64_t directory_time_ms(struct str text);
/* The text of a GUID of 16 bytes, as struct entry has it (MS-DTYP 2.3.4). */
struct str directory_guid_text(struct arena *a, struct str bytes);

/* ---- passwords ---- */
enum verdict {
	VERDICT_OK,
	VERDICT_WRONG,       /* or unknown, locked, disabled, expired account, in as far as the server does not tell */
	VERDICT_LOCKED,      /* told by the server; said to the person by mail only */
	VERDICT_DISABLED,    /* the like */
	VERDICT_EXPIRED,     /* right password, must be changed first */
	VERDICT_MUST_CHANGE, /* right password, must be changed first */
};
struct verify_detail {
	int64_t expires_in; /* seconds until the password expires, -1 unknown */
	int64_t grace_left; /* logins left with an expired password, -1 none of it */
};
/* OpenLDAP tells disabled and ended accounts as VERDICT_LOCKED too: entry->enabled tells them apart. ERR_CONFIG also
 * when the server says success to a bind and yet takes us for somebody else (RFC 4532, asked once for each connection).
 * Binds as dn. An empty password, one with NUL or over LIMIT_PASSWORD is VERDICT_WRONG without asking. Detail may be
 * NULL. */
enum err directory_verify(struct task *t, const struct directory_config *d, struct str dn, struct str password,
	enum verdict *ret, struct verify_detail *detail) must_use;

/* What a directory said to a new password; federation/policy turns it into a sentence. */
struct refusal {
	int result;            /* LDAP result code */
	int policy_error;      /* of the ppolicy response control, -1 none */
	struct str diagnostic; /* for the log and for classification */
};
/* By the service account (RFC 3062 or unicodePwd). A disabled entry stays disabled, and no change at the first login is
 * asked for (OpenLDAP drops a lock and may set pwdReset with each password; 389 expires it; both are put right in a
 * second step). A lock by wrong passwords ends with it.
 * ERR_INVALID: empty, NUL, over LIMIT_PASSWORD. ERR_REFUSED fills *refusal. Only over TLS, a unix socket or a sealed
 * SASL bind. */
enum err directory_set_password(struct task *t, const struct directory_config *d, struct str dn, struct str password,
	struct refusal *refusal) must_use;
/* By the person: binds with the old password, works when it is expired or must be changed. ERR_CREDENTIALS when the old
 * one is wrong. */
enum err directory_change_password(struct task *t, const struct directory_config *d, struct str dn,
	struct str old_password, struct str new_password, struct refusal *refusal) must_use;
/* Done already is OK. */
enum err directory_set_enabled(struct task *t, const struct directory_config *d, struct str dn, bool enabled) must_use;
/* What that writes into an entry as it was read, as the values of a CHANGE_REPLACE: for a plan to show, and to write.
 * *n 0: done already. */
void directory_enabling(struct arena *a, const struct directory_config *d, const struct entry *now, bool enabled,
	struct attribute **list, size_t *n);

/* ---- groups ---- */
struct group {
	struct str dn, name; /* cn */
	struct str stable_id;
	size_t via;     /* index in the list of the group through which it was reached, or SIZE_MAX when direct */
	struct str sid; /* Active Directory: objectSid as text, else absent */
};
struct groups {
	struct group *v;
	size_t n;
	bool cut; /* more than LIMIT_GROUPS */
};
/* All groups of the person, nested ones too, each once, cycles ended, breadth first. */
enum err directory_groups(
	struct task *t, const struct directory_config *d, const struct entry *e, struct groups *ret) must_use;
/* Direct person members of a group, with mail; at most 200, the rest is left out and *cut set. ERR_NOT_FOUND: no such
 * group. */
enum err directory_members(struct task *t, const struct directory_config *d, struct str group_dn, struct entry **ret,
	size_t *ret_n, bool *cut) must_use;

/* ---- changes: only federation/plan calls these, and the doctor for its own entry ---- */
enum change_kind { CHANGE_ADD, CHANGE_VALUE_ADD, CHANGE_VALUE_DELETE, CHANGE_REPLACE, CHANGE_RENAME, CHANGE_DELETE };
struct change {
	enum change_kind kind;
	struct str dn;
	struct attribute *attributes; /* the directory's own attribute names */
	size_t n_attributes;
	struct str new_dn; /* CHANGE_RENAME */
};
struct report {                /* what happened, for plan history; texts live in the task's arena */
	struct str controller; /* URI */
	int result;            /* LDAP result code, -1 no answer */
	struct str diagnostic;
	int64_t ms;
	size_t done; /* how many of the changes were carried out; all or 0 with a transaction */
};
/* Carries the changes out in order; in one RFC 5805 transaction when there are several, the configuration allows it and
 * the server has it. Stops at the first that fails. A member that is one already, a value that is gone already count as
 * done. ERR_EXISTS: an entry of this name, or a unique value (68, 19 of the unique overlay): the caller looks which.
 * ERR_NOT_FOUND: parent or entry missing. */
enum err directory_apply(struct task *t, const struct directory_config *d, const struct change *changes, size_t n,
	struct report *report) must_use;

/* ---- for feeds: a connection that its owner keeps, apart from those of the workers ---- */
struct ldap;    /* LDAP of <ldap.h> */
struct ldapmsg; /* LDAPMessage of <ldap.h> */
struct directory_link;
/* To the preferred controller that answers, bound as feed_bind_dn where there is one, else as the service account. */
enum err directory_link_open(struct task *t, const struct directory_config *d, struct directory_link **ret) must_use;
void directory_link_close(struct directory_link *l);
struct ldap *directory_link_ld(struct directory_link *l);
/* Nothing is read after ms from now (ldap_conn.h, conn_watch): the owner says so before each wait. */
void directory_link_deadline(struct directory_link *l, int64_t ms);
/* Why a call of libldap failed with rc, before which errno was 0. */
const char *directory_link_reason(int rc);
struct str directory_link_controller(const struct directory_link *l);
/* What to ask for so that directory_link_entry gives the same as directory_find_id. */
struct strs directory_link_attributes(struct arena *a, const struct directory_config *d);
/* An entry of a search's answer, mapped; its dn and stable_id too. */
enum err directory_link_entry(struct task *t, struct directory_link *l, struct ldapmsg *m, struct entry *ret) must_use;

/* ---- names ---- */
/* The directory's attribute for ours; unknown names are returned as they are. */
struct str directory_attribute(const struct directory_config *d, struct str ours);
/* Our names of all that are mapped, those of the configuration first. */
struct strs directory_mapped(struct arena *a, const struct directory_config *d);
/* One RDN "attribute=value" escaped by RFC 4514, put before base. */
struct str dn_child(struct arena *a, struct str attribute, struct str value, struct str base);
bool dn_valid(struct arena *a, struct str dn);
/* Equal after parsing, ASCII case folded, spaces around separators dropped. */
bool dn_equal(struct arena *a, struct str x, struct str y);
bool dn_under(struct arena *a, struct str dn, struct str base); /* below or equal */
struct str dn_rdn_value(struct arena *a, struct str dn);        /* the first RDN's value, unescaped */
/* ERR_INVALID: the directory would not take this value (length, characters); detail says why. Only what is known
 * beforehand: Active Directory's limits, which its servers tell late or, Samba, not at all. */
enum err directory_check_value(
	struct task *t, const struct directory_config *d, struct str theirs, struct str value) must_use;
int64_t directory_login_most(const struct directory_config *d); /* characters of a login name */
/* The userPrincipalName of a new entry; STR_NONE where there is none. */
struct str directory_principal(struct arena *a, const struct directory_config *d, struct str login);
/* The attribute of a new entry with which this make of directory ends the account by itself at a time (wall-clock
 * milliseconds); false: it has none, and who made the entry must see to it. */
bool directory_ends_at(
	struct arena *a, const struct directory_config *d, int64_t at_ms, struct attribute *ret) must_use;
/* Whether somebody in the forest has that userPrincipalName: false where there is none, and where the directory has no
 * global_catalog. ERR_UNAVAILABLE: no catalog answers; it is never passed over. */
enum err directory_principal_taken(
	struct task *t, const struct directory_config *d, struct str login, bool *ret) must_use;
/* Attributes and object classes of a new, disabled entry in this make of directory, marker included: what plan_build
 * adds to the mapped ones. */
void directory_new_entry(
	struct arena *a, const struct directory_config *d, struct str marker, struct attribute **list, size_t *n);
/* Checks of configuration values that this floor understands: DNs, filters, attribute names, URIs; reports into errors
 * with lines. */
void directory_check_config(struct arena *a, const struct config *c, struct config_errors *errors);
/* What the doctor looks at in one controller, in the order of directory_controller_uris. */
struct controller {
	struct str uri;
	enum err result;          /* ERR_CONFIG: our bind, or its certificate, is refused */
	struct str detail;        /* why not, where it failed */
	int64_t ms;               /* until it was bound */
	struct str how;           /* "with a password", "by Kerberos, sealed with 256 bits" */
	int64_t certificate_ends; /* wall-clock milliseconds; 0: no TLS, or not told */
	bool has_clock;           /* it tells its time (currentTime of the root DSE) */
	int64_t clock_ahead;      /* of ours, milliseconds */
	bool policy_hints;        /* LDAP_SERVER_POLICY_HINTS (MS-ADTS 3.1.1.3.4.1.27) */
};
/* Connects to each, whatever the others say. ERR_CONFIG: there is no driver. */
enum err directory_controllers(
	struct task *t, const struct directory_config *d, struct controller **ret, size_t *ret_n) must_use;
/* Whether the last wait for it was in vain: who needs an answer from one of several asks the others first. */
bool directory_is_silent(const struct directory_config *d);
/* Whether this program can bind by Kerberos. */
bool directory_has_kerberos(void);
/* The same in one sentence, for readiness. */
enum err directory_probe(struct task *t, const struct directory_config *d, struct str *ret_detail) must_use;

#endif
