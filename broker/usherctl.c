/* usherctl: the operators' tool. It opens the store beside the daemon, which sees changes by the generation row. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/secret.h"
#include "broker/oidc/oidc.h"
#include "broker/registrar/registrar.h"

#define VERSION        "0.1.0"
#define DEFAULT_CONFIG USHER_SYSCONFDIR "/usher/usher.yaml"
#define COMMAND_MS     60000

struct command {
	const char *name, *arguments, *help;
	int min, max; /* arguments */
	bool realm;   /* the first argument is a realm */
	bool offline; /* needs no configuration */
	enum err (*run)(struct task *t, char **argv);
};

/* ---- registrations ---- */

static struct str when(struct task *t, int64_t at_ms) {
	return at_ms ? time_rfc3339(t->arena, at_ms) : STR("-");
}

static struct strs all_profiles(struct task *t) {
	struct strs ids = {0};
	for (size_t i = 0; i < t->realm->n_profiles; i++)
		strs_add(t->arena, &ids, t->realm->profiles[i].id);
	return ids;
}

/* Text that people typed goes to a terminal: controls are left out. */
static void print_text(struct str s) {
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f)
			putchar(s.p[i]);
		else
			putchar('?');
}

static void print_columns(const struct str *columns, size_t n) {
	for (size_t i = 0; i < n; i++) {
		if (i)
			putchar('\t');
		print_text(columns[i]);
	}
	putchar('\n');
}

static enum err run_registrations(struct task *t, char **argv) {
	struct registration_filter f = {.profiles = all_profiles(t), .state = -1, .limit = 200};
	struct registration *rows = NULL;
	size_t n = 0;
	for (int i = 0; argv[1] && i < REGISTRATION_STATES; i++)
		if (strcmp(argv[1], registration_state_name((enum registration_state)i)) == 0)
			f.state = i;
	TRY(registrations_list(t, &f, &rows, &n));
	for (size_t i = 0; i < n; i++)
		print_columns((struct str[]){rows[i].id, str_of(registration_state_name(rows[i].state)),
				      rows[i].profile, rows[i].mail, rows[i].login, when(t, rows[i].created_at)},
			6);
	return OK;
}

static enum err run_plan_show(struct task *t, char **argv) {
	struct approver who = {.is_operator = true, .profiles = all_profiles(t)};
	struct approval *view = NULL;
	TRY(approval_preview(t, &who, str_of(argv[1]), STR(""), NULL, &view));
	if (!str_empty(view->failure))
		printf("# no plan can be made now: %.*s\n", FMT(view->failure));
	printf("%.*s", FMT(view->ldif));
	for (size_t i = 0; i < view->n_steps; i++)
		printf("# %.*s  step %lld %.*s: result %lld in %lld ms by %.*s %.*s\n", FMT(when(t, view->steps[i].at)),
			(long long)view->steps[i].step, FMT(view->steps[i].title), (long long)view->steps[i].result,
			(long long)view->steps[i].ms, FMT(view->steps[i].controller), FMT(view->steps[i].diagnostic));
	if (view->running && !str_empty(view->running->failure))
		printf("# parked: %.*s\n", FMT(view->running->failure));
	return OK;
}

static enum err run_plan_retry(struct task *t, char **argv) {
	struct approver who = {.is_operator = true, .profiles = all_profiles(t)};
	TRY(approval_retry(t, &who, str_of(argv[1])));
	puts("queued again");
	return OK;
}

/* ---- jobs, audit ---- */

static enum err run_jobs(struct task *t, char **argv) {
	static const char *const states[] = {"queued", "running", "parked"};
	struct job *rows = NULL;
	size_t n = 0;
	int state = -1;
	for (int i = 0; argv[1] && i < 3; i++)
		if (strcmp(argv[1], states[i]) == 0)
			state = i;
	TRY(jobs_list(t, state, &rows, &n));
	for (size_t i = 0; i < n; i++)
		print_columns((struct str[]){rows[i].id, str_of(states[rows[i].state]),
				      str_printf(t->arena, "%lld tries", (long long)rows[i].attempts),
				      when(t, rows[i].due_at), rows[i].body, rows[i].failure},
			6);
	return OK;
}

static enum err run_job_retry(struct task *t, char **argv) {
	TRY(store_begin(t));
	enum err e = jobs_requeue(t, str_of(argv[1]));
	if (!e)
		e = audit_record(t, "job.retry", str_of(argv[1]), AUDIT("by", STR("usherctl")));
	TRY(store_end(t, e));
	puts("queued again");
	return OK;
}

static enum err run_audit(struct task *t, char **argv) {
	struct audit_filter f = {.limit = 200, .subject = str_of(argv[1])};
	struct audit_row *rows = NULL;
	size_t n = 0;
	TRY(audit_list(t, &f, &rows, &n));
	for (size_t i = 0; i < n; i++)
		print_columns((struct str[]){when(t, rows[i].at), rows[i].actor, rows[i].action, rows[i].subject,
				      rows[i].detail},
			5);
	return OK;
}

/* ---- keys and clients ---- */

static enum err run_keys(struct task *t, char **argv) {
	static const char *const states[] = {"next", "active", "retired"};
	struct signing_key *rows = NULL;
	size_t n = 0;
	(void)argv;
	TRY(signing_keys_list(t, &rows, &n));
	for (size_t i = 0; i < n; i++)
		print_columns((struct str[]){rows[i].kid, rows[i].alg, str_of(states[rows[i].state]),
				      when(t, rows[i].created_at)},
			4);
	return OK;
}

static enum err run_keys_rotate(struct task *t, char **argv) {
	bool now = argv[2] && strcmp(argv[2], "now") == 0;
	TRY(keyset_rotate(t, str_of(argv[1]), now));
	puts(now ? "the new key signs from now on; the old one stays published until the last token it signed has ended"
		 : "the next key is published; run it again with \"now\" when applications have fetched it");
	return OK;
}

static enum err run_client_secret(struct task *t, char **argv) {
	(void)argv;
	struct str secret = random_token(t->arena, 32);
	printf("secret:        %.*s\nsecret_sha256: %.*s\n", FMT(secret),
		FMT(hex_encode(t->arena, sha256(t->arena, secret))));
	return OK;
}

/* ---- roles ---- */

static enum err run_roles_explain(struct task *t, char **argv) {
	struct entry *e = NULL;
	const struct directory_config *d = NULL;
	struct groups groups = {0};
	struct roles roles = {0};
	enum err found = ERR_NOT_FOUND;
	for (size_t i = 0; found == ERR_NOT_FOUND && i < t->realm->n_directories; i++) {
		d = &t->realm->directories[i];
		found = directory_find_login(t, d, str_of(argv[1]), &e);
	}
	TRY(found);
	TRY(directory_groups(t, d, e, &groups));
	roles_collect(t->arena, t->realm, &groups, &roles);
	printf("%.*s\n%zu groups, %zu roles\n%.*s", FMT(e->dn), groups.n, roles.n,
		FMT(roles_explain(t->arena, t->realm, &groups, &roles)));
	for (size_t i = 0; i < t->realm->n_clients; i++) {
		const struct client_config *c = &t->realm->clients[i];
		struct strs seen = roles_project(t->arena, c, &roles);
		printf("client %.*s sees: %.*s\n", FMT(c->id), FMT(str_join(t->arena, seen, STR(" "))));
	}
	return OK;
}

/* ---- the whole ---- */

static enum err run_backup(struct task *t, char **argv) {
	TRY(store_backup(t, argv[0]));
	printf("written to %s; keep the key file with it, without it the signing keys in it cannot be read\n", argv[0]);
	return OK;
}

static enum err run_migrate(struct task *t, char **argv) {
	(void)t;
	(void)argv;
	puts("the schema is up to date"); /* opening the store migrated it */
	return OK;
}

static enum err run_probe(struct task *t, char **argv) {
	enum err worst = OK;
	(void)argv;
	for (size_t i = 0; i < t->realm->n_directories; i++) {
		const struct directory_config *d = &t->realm->directories[i];
		struct str detail = STR("");
		enum err e = directory_probe(t, d, &detail);
		printf("%-4s %.*s: %.*s\n", e ? "FAIL" : "ok", FMT(d->id), FMT(e ? t->failure_detail : detail));
		if (e)
			worst = e;
	}
	return worst;
}

static const struct command commands[] = {
	{"registrations", "REALM [STATE]", "list registrations, oldest first", 1, 2, true, false, run_registrations},
	{"plan show", "REALM REGISTRATION", "the LDIF that will be, or was, written, and its steps", 2, 2, true, false,
		run_plan_show},
	{"plan retry", "REALM REGISTRATION", "queue a parked plan again", 2, 2, true, false, run_plan_retry},
	{"jobs", "REALM [queued|running|parked]", "list jobs", 1, 2, true, false, run_jobs},
	{"job retry", "REALM JOB", "queue a parked job again", 2, 2, true, false, run_job_retry},
	{"audit", "REALM [SUBJECT]", "the newest 200 audit records", 1, 2, true, false, run_audit},
	{"keys", "REALM", "list signing keys", 1, 1, true, false, run_keys},
	{"keys rotate", "REALM ALG [now]", "publish a next signing key, or let it sign now", 2, 3, true, false,
		run_keys_rotate},
	{"roles explain", "REALM USER", "which group path gives which role, and which client sees it", 2, 2, true,
		false, run_roles_explain},
	{"probe", "REALM", "connect to the realm's directories", 1, 1, true, false, run_probe},
	{"client secret", "", "make a secret for an application and its hash for the configuration", 0, 0, false, true,
		run_client_secret},
	{"backup", "FILE", "a consistent copy of the store, while the daemon runs", 1, 1, false, false, run_backup},
	{"migrate", "", "bring the store's schema up to date", 0, 0, false, false, run_migrate},
};

static void usage(FILE *to) {
	fprintf(to, "usage: usherctl [-c FILE] COMMAND [ARGUMENT]...\n\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(to, "  %-15s %-30s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
	fprintf(to, "\n  -c, --config FILE   configuration (" DEFAULT_CONFIG ")\n  -V, --version\n  -h, --help\n");
}

/* A command is one word or two; *ret_words is how many it took. */
static const struct command *command_find(int argc, char **argv, int *ret_words) {
	char two[64];
	for (int words = argc > 1 ? 2 : 1; words >= 1; words--) {
		snprintf(two, sizeof(two), words == 2 ? "%s %s" : "%s", argv[0], words == 2 ? argv[1] : "");
		for (size_t i = 0; i < COUNT(commands); i++)
			if (strcmp(commands[i].name, two) == 0) {
				*ret_words = words;
				return &commands[i];
			}
	}
	return NULL;
}

static enum err prepare(struct task *t, const char *path, const char **ret_why) {
	struct config *c = NULL;
	static struct config_errors errors;
	struct arena *kept = arena_new();
	const char *key_file = NULL;
	if (config_load(kept, path, &c, &errors)) {
		fprintf(stderr, "%.*s", FMT(config_errors_text(t->arena, path, &errors)));
		*ret_why = "the configuration has errors";
		return ERR_CONFIG;
	}
	t->config = c;
	TRY(task_cstr(t, c->key_file, &key_file));
	TRY(secret_load_keys(key_file, false, ret_why));
	return store_open(t, c);
}

static enum err command_run(struct task *t, const struct command *command, const char *path, char **arguments) {
	const char *why = "";
	if (!command->offline) {
		enum err e = prepare(t, path, &why);
		if (e)
			return str_empty(t->failure_detail) ? task_fail(t, e, "%s", why) : e;
	}
	if (command->realm) {
		t->realm = config_realm(t->config, str_of(arguments[0]));
		if (!t->realm)
			return task_fail(t, ERR_NOT_FOUND, "there is no realm %s in the configuration", arguments[0]);
		t->realm_name = t->realm->id;
	}
	enum err e = command->run(t, arguments);
	return e || command->offline ? e : store_settle(t);
}

int main(int argc, char **argv) {
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'}, {0}};
	const char *path = DEFAULT_CONFIG;
	int words = 0;
	for (int o; (o = getopt_long(argc, argv, "+c:Vh", options, NULL)) != -1;) {
		if (o == 'V')
			return puts("usherctl " VERSION), 0;
		if (o == 'h')
			return usage(stdout), 0;
		if (o != 'c')
			return usage(stderr), 2;
		path = optarg;
	}
	const struct command *command = optind < argc ? command_find(argc - optind, argv + optind, &words) : NULL;
	int n = argc - optind - words;
	if (!command || n < command->min || n > command->max) {
		usage(stderr);
		return 2;
	}
	umask(077);
	secret_init();
	log_set_level(LEVEL_WARNING);
	owned(arena) struct arena *a = arena_new();
	struct handles *handles = handles_new();
	struct task t;
	task_begin(&t, a, handles, COMMAND_MS);
	t.actor = str_printf(a, "cli:%ld", (long)getuid());
	enum err e = command_run(&t, command, path, argv + optind + words);
	if (e)
		fprintf(stderr, "usherctl: %s: %.*s\n", err_row(e)->name, FMT(t.failure_detail));
	handles_free(handles);
	store_close();
	return e ? 1 : 0;
}
