/* Each controller: reachable, vouched for, bound, its certificate's end, its clock. */
#include "base/clock.h"
#include "base/encode.h"
#include "federation/doctor/doctor_private.h"

#define DAY_MS    86400000
#define DAYS_SOON 30
#define DAYS_NOW  7
#define SKEW_MS   60000
#define SKEW_MOST 300000 /* Kerberos takes no more (RFC 4120 5.2.8 leaves it to the site; Active Directory: 5 min) */

static void look_at_failure(struct visit *v, const struct controller *c, bool others) {
	bool ours = c->result == ERR_CONFIG;
	struct str what = TEXT(v, "%.*s: %s: %.*s", FMT(c->uri), err_row(c->result)->name, FMT(c->detail));
	found(v, others && !ours ? FINDING_WARNING : FINDING_ERROR, what,
		others ? STR("nobody has to wait as long as another controller answers; when that fails too, nobody "
			     "can log in")
		       : STR("nobody of this directory can log in or reset a password, and approved requests wait"),
		ours ? STR("mend the account, its password or ca_file as the text says, then reload")
		     : STR("start the server, or correct uris and the firewall"));
}

static void look_at_certificate(struct visit *v, const struct controller *c) {
	if (!c->certificate_ends)
		return;
	int64_t days = (c->certificate_ends - clock_wall_ms()) / DAY_MS;
	if (days >= DAYS_SOON)
		return;
	found(v, days < DAYS_NOW ? FINDING_ERROR : FINDING_WARNING,
		TEXT(v, "%.*s: its certificate ends in %lld days, at %.*s", FMT(c->uri), (long long)days,
			FMT(time_rfc3339(v->t->arena, c->certificate_ends))),
		STR("from then on nobody can log in through this controller"),
		STR("renew the certificate; if another authority signs it, change ca_file before"));
}

static void look_at_clock(struct visit *v, const struct controller *c) {
	int64_t skew = c->clock_ahead < 0 ? -c->clock_ahead : c->clock_ahead;
	if (!c->has_clock || skew < SKEW_MS)
		return;
	found(v, skew < SKEW_MOST ? FINDING_WARNING : FINDING_ERROR,
		TEXT(v, "%.*s: its clock is %lld seconds %s ours", FMT(c->uri), (long long)(skew / 1000),
			c->clock_ahead > 0 ? "ahead of" : "behind"),
		STR("accounts end too early or too late for everybody, and Kerberos fails from 300 seconds on"),
		STR("let both machines follow the same time servers (chrony, w32tm)"));
}

static void look_at_hints(struct visit *v, const struct controller *c) {
	if (v->d->driver != DIRECTORY_ACTIVE_DIRECTORY || c->policy_hints)
		return;
	found(v, FINDING_WARNING,
		TEXT(v, "%.*s does not offer LDAP_SERVER_POLICY_HINTS (1.2.840.113556.1.4.2239)", FMT(c->uri)),
		STR("people who set a password by a link from a mail may take one of their earlier ones again"),
		STR("Windows Server 2008 R2 SP1 and later offer it; Samba does not, and nothing can be done there"));
}

static void look_at_controller(struct visit *v, const struct controller *c, bool others) {
	if (c->result) {
		look_at_failure(v, c, others);
		return;
	}
	if (c->certificate_ends)
		found_ok(v, "%.*s: bound in %lld ms %.*s; its certificate is good until %.*s", FMT(c->uri),
			(long long)c->ms, FMT(c->how), FMT(time_rfc3339(v->t->arena, c->certificate_ends)));
	else
		found_ok(v, "%.*s: bound in %lld ms %.*s", FMT(c->uri), (long long)c->ms, FMT(c->how));
	look_at_certificate(v, c);
	look_at_clock(v, c);
	look_at_hints(v, c);
}

void check_controllers(struct visit *v) {
	struct controller *list = NULL;
	size_t n = 0, good = 0;
	enum err e = directory_controllers(v->t, v->d, &list, &n);
	if (e) {
		if (!str_empty(v->d->domain))
			found(v, FINDING_ERROR, v->t->failure_detail,
				STR("nobody of this directory can log in or reset a password, and approved requests "
				    "wait"),
				STR("correct domain, or let this machine ask the domain's DNS servers"));
		else
			found_unknown(v, "the controllers", e);
		v->answers = false;
		return;
	}
	for (size_t i = 0; i < n; i++)
		good += !list[i].result;
	for (size_t i = 0; i < n; i++)
		look_at_controller(v, &list[i], good > 0);
	v->answers = good > 0;
	if (n == 1 && good && v->d->driver == DIRECTORY_ACTIVE_DIRECTORY)
		found(v, FINDING_WARNING,
			str_empty(v->d->domain) ? STR("uris names one controller only")
						: STR("DNS names one controller only"),
			STR("while it restarts nobody can log in, although the domain may have others"),
			str_empty(v->d->domain)
				? STR("add the other controllers of the domain to uris, or give domain")
				: STR("see that each controller registers itself in DNS (dcdiag /test:dns)"));
}

/* One that answers is enough. */
void check_catalog(struct visit *v) {
	struct controller *list = NULL;
	size_t n = 0, good = 0;
	enum err e = v->d->catalog ? directory_controllers(v->t, v->d->catalog, &list, &n) : OK;
	struct str why = e ? v->t->failure_detail : STR("no controller");
	for (size_t i = 0; i < n; i++) {
		good += !list[i].result;
		if (list[i].result)
			why = TEXT(v, "%.*s: %s: %.*s", FMT(list[i].uri), err_row(list[i].result)->name,
				FMT(list[i].detail));
	}
	if (good)
		found_ok(v, "%zu of %zu global catalogs answer", good, n);
	else if (v->d->catalog)
		found(v, FINDING_ERROR, TEXT(v, "no global catalog answers: %.*s", FMT(why)),
			STR("new requests wait, because nobody can tell whether a name is free in the forest"),
			STR("open ports 3269 and 3268, name the catalogs by global_catalog_uris, or take "
			    "global_catalog "
			    "away"));
	task_clear(v->t);
}
