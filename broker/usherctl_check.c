/* Commands that look whether everything fits together. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/mail/mail.h"
#include "broker/usherctl.h"
#include "federation/doctor/doctor.h"

/* ---- probe ---- */

enum err run_probe(struct task *t, char **argv) {
	enum err worst = OK;
	(void)argv;
	for (size_t i = 0; i < t->realm->n_directories; i++) {
		const struct directory_config *d = &t->realm->directories[i];
		struct str detail = STR("");
		task_clear(t);
		enum err e = directory_probe(t, d, &detail);
		say(t, "%-4s directory %.*s: %.*s\n", e ? "FAIL" : "ok", FMT(d->id),
			FMT(e ? t->failure_detail : detail));
		if (e)
			worst = e;
	}
	task_clear(t);
	return worst ? task_fail(t, worst, "a directory cannot be used; see above") : OK;
}

/* ---- check ---- */

struct look {
	struct task *t;
	const struct directory_config *d;
	size_t looked, missing, failed;
};

static void look_at(struct look *k, const char *key, struct str dn) {
	static const char *const none[] = {"1.1", NULL};
	struct entry *e = NULL;
	if (str_empty(dn))
		return;
	k->looked++;
	task_clear(k->t);
	enum err found = directory_read(k->t, k->d, dn, none, &e);
	if (!found)
		return;
	if (found == ERR_NOT_FOUND)
		k->missing++;
	else
		k->failed++;
	say(k->t, "FAIL %s \"%.*s\": %.*s\n", key, FMT(dn),
		FMT(found == ERR_NOT_FOUND ? STR("is not in the directory, or not shown to our service account")
					   : k->t->failure_detail));
}

static void look_at_all(struct look *k, const char *key, struct strs dns) {
	for (size_t i = 0; i < dns.n; i++)
		look_at(k, key, dns.v[i]);
}

static void look_at_profile(struct look *k, const struct profile_config *p) {
	char name[256];
#define KEY(last) (snprintf(name, sizeof(name), "profiles.%.*s." last, FMT(p->id)), name)
	look_at(k, KEY("base"), p->base);
	look_at_all(k, KEY("bases_allowed"), p->bases_allowed);
	look_at_all(k, KEY("groups"), p->groups);
	look_at_all(k, KEY("groups_allowed"), p->groups_allowed);
	look_at(k, KEY("approvers.group"), p->approvers);
#undef KEY
}

/* What the configuration names in this directory; realms' groups may be in any of them, so the first is asked. */
static void look_at_directory(struct look *k, const struct realm *r, bool first) {
	look_at(k, "people_base", k->d->people_base);
	look_at(k, "groups_base", k->d->groups_base);
	for (size_t i = 0; i < r->n_profiles; i++)
		if (str_eq(r->profiles[i].directory, k->d->id))
			look_at_profile(k, &r->profiles[i]);
	if (!first)
		return;
	look_at(k, "operators", r->operators);
	for (size_t i = 0; i < r->n_roles; i++)
		if (r->roles[i].match == ROLE_GROUP_DN)
			look_at(k, "roles.group", r->roles[i].group);
}

static bool check_realm(struct task *t, const struct realm *r) {
	bool good = true;
	t->realm = r;
	t->realm_name = r->id;
	for (size_t i = 0; i < r->n_directories; i++) {
		struct look k = {.t = t, .d = &r->directories[i]};
		struct str detail = STR("");
		task_clear(t);
		enum err e = directory_probe(t, k.d, &detail);
		say(t, "%-4s realm %.*s, directory %.*s: %.*s\n", e ? "FAIL" : "ok", FMT(r->id), FMT(k.d->id),
			FMT(e ? t->failure_detail : detail));
		if (!e) {
			look_at_directory(&k, r, i == 0);
			say(t,
				"%-4s realm %.*s, directory %.*s: %zu of %zu entries that the configuration names are "
				"there\n",
				k.missing + k.failed ? "FAIL" : "ok", FMT(r->id), FMT(k.d->id),
				k.looked - k.missing - k.failed, k.looked);
		}
		good = good && !e && !k.missing && !k.failed;
	}
	task_clear(t);
	return good;
}

static enum err check_config(struct task *t, const char *path) {
	static struct config_errors errors;
	struct config *c = NULL;
	static struct arena *kept; /* the configuration, until the program ends */
	kept = arena_new();
	enum err e = config_load(kept, path, &c, &errors);
	if (c) {
		directory_check_config(kept, c, &errors);
		roles_check_config(kept, c, &errors);
		registrar_check_config(kept, c, &errors);
		oidc_check_config(kept, c, &errors);
	}
	if (e || errors.n) {
		fprintf(stderr, "%.*s", FMT(config_errors_text(t->arena, path, &errors)));
		return task_fail(t, ERR_CONFIG, "the configuration has errors; nothing else was looked at");
	}
	t->config = c;
	say(t, "ok   configuration %s\n", path);
	return OK;
}

static bool check_store(struct task *t) {
	enum err e = stand_open(t);
	if (!e)
		e = store_check(t);
	for (size_t i = 0; !e && i < t->config->n_realms; i++) {
		size_t n = 0;
		t->realm = &t->config->realms[i];
		t->realm_name = t->realm->id;
		e = keyset_check(t, &n);
		if (!e && n == 0 && t->realm->signing_algs.n)
			say(t, "ok   realm %.*s: no signing keys yet; usherd makes them when it starts or reloads\n",
				FMT(t->realm_name));
	}
	say(t, "%-4s key file and store %.*s%s%.*s\n", e ? "FAIL" : "ok", FMT(t->config->store_path), e ? ": " : "",
		FMT(e ? t->failure_detail : STR("")));
	task_clear(t);
	return !e;
}

enum err run_check(struct task *t, char **argv) {
	TRY(check_config(t, argv[0]));
	const struct realm *only = argv[1] ? config_realm(t->config, str_of(argv[1])) : NULL;
	if (argv[1] && !only)
		return task_fail(t, ERR_NOT_FOUND, "there is no realm %s in the configuration", argv[1]);
	bool good = check_store(t);
	for (size_t i = 0; i < t->config->n_realms; i++)
		if (!only || only == &t->config->realms[i])
			good = check_realm(t, &t->config->realms[i]) && good;
	puts(good ? "all is well" : "something is to be mended; see FAIL above");
	fflush(stdout);
	return good ? OK : task_fail(t, ERR_CONFIG, "the check found something");
}

/* ---- doctor ---- */

#define DOCTOR_MS 600000

enum err run_doctor(struct task *t, char **argv) {
	static const char *const words[] = {"--probe"};
	struct findings findings = {0};
	int probe = -1;
	TRY(choose(t, argv[1], words, COUNT(words), &probe));
	struct doctor_options options = {.trial = probe == 0};
	t->deadline = clock_monotonic_ms() + DOCTOR_MS;
	for (size_t i = 0; i < t->realm->n_directories; i++)
		TRY(doctor_run(t, t->realm, &t->realm->directories[i], &options, &findings));
	say(t, "%.*s", FMT(findings_text(t->arena, &findings)));
	size_t errors = findings_count(&findings, FINDING_ERROR);
	say(t, "findings: %zu, errors: %zu, warnings: %zu\n", findings.n, errors,
		findings_count(&findings, FINDING_WARNING));
	fflush(stdout);
	return errors ? task_fail(t, ERR_CONFIG, "the doctor found %zu error%s; see above", errors,
				errors == 1 ? "" : "s")
		      : OK;
}

/* ---- mail ---- */

enum err run_mail_test(struct task *t, char **argv) {
	struct mail m = {
		.to = str_of(argv[1]),
		.from_name = t->realm->title,
		.subject = STR("A test of the mail settings"),
		.text = STR("An operator sent this by \"usherctl mail test\". It asks for nothing.\n"),
		.html = STR(""),
		.id = random_id(t->arena),
		.tell = true,
	};
	TRY(mail_address_check(t, m.to));
	TRY(mail_send(t, &t->config->mail, &m));
	say(t, "the mail server took it for %s\n", argv[1]);
	return OK;
}

/* ---- roles ---- */

enum err run_roles_explain(struct task *t, char **argv) {
	struct entry *e = NULL;
	const struct directory_config *d = NULL;
	struct groups groups = {0};
	struct roles roles = {0};
	enum err found = login_lookup(t, str_of(argv[1]), &d, &e);
	if (found == ERR_NOT_FOUND || found == ERR_EXISTS) {
		task_clear(t);
		return task_fail(t, found,
			"%s \"%s\" (people_base, people_filter, login_attributes, login_suffix, mail_domains)",
			found == ERR_EXISTS ? "more than one person is found by" : "nobody is found by", argv[1]);
	}
	TRY(found);
	TRY(directory_groups(t, d, e, &groups));
	roles_collect(t->arena, t->realm, &groups, &roles);
	say(t, "%.*s\n%s%s%.*s%s, %.*s\n%.*s", FMT(e->dn), e->enabled ? "" : "disabled, ",
		e->locked ? "locked by wrong passwords, " : "", FMT(counted(t, (int64_t)groups.n, "group", "groups")),
		groups.cut ? " (there are more)" : "", FMT(counted(t, (int64_t)roles.n, "role", "roles")),
		FMT(roles_explain(t->arena, t->realm, &groups, &roles)));
	for (size_t i = 0; i < t->realm->n_clients; i++) {
		const struct client_config *c = &t->realm->clients[i];
		struct strs seen = roles_project(t->arena, c, &roles);
		say(t, "client %.*s sees: %.*s\n", FMT(c->id), FMT(str_join(t->arena, seen, STR(" "))));
	}
	return OK;
}
