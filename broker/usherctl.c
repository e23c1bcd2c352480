/* usherctl: the operators' tool. It opens the store beside the daemon, which sees changes by the generation row. */
#if __has_include("build.h")
#include "build.h"
#endif

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/secret.h"
#include "broker/usherctl.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif
#define DEFAULT_CONFIG USHER_SYSCONFDIR "/usher/usher.yaml"
#define COMMAND_MS     60000
#define EXIT_USAGE     2

enum needs {
	NEEDS_STORE,  /* and the configuration */
	NEEDS_CONFIG, /* no store: works before usherd has made one */
	NEEDS_NOTHING /* or reads by itself what it needs */
};
struct command {
	const char *name, *arguments, *help;
	int min, max; /* arguments */
	bool realm;   /* the first argument is a realm */
	enum needs needs;
	enum err (*run)(struct task *t, char **argv);
};

/* ---- shared ---- */

/* Text that people typed goes to a terminal: controls are left out. */
void print_text(struct str s) {
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f)
			putchar(s.p[i]);
		else
			putchar('?');
}

static void print_lines(FILE *to, struct str s) {
	for (size_t i = 0; i < s.n; i++)
		fputc(((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f) || s.p[i] == '\n' ? s.p[i] : '?', to);
}

void say(struct task *t, const char *format, ...) {
	struct buf b = buf_new(t->arena, LIMIT_ARENA / 4);
	va_list args;
	va_start(args, format);
	buf_vprintf(&b, format, args);
	va_end(args);
	print_lines(stdout, buf_str(&b));
}

void print_columns(const struct str *columns, size_t n) {
	for (size_t i = 0; i < n; i++) {
		if (i)
			putchar('\t');
		print_text(columns[i]);
	}
	putchar('\n');
}

struct str counted(struct task *t, int64_t n, const char *one, const char *many) {
	return str_printf(t->arena, "%lld %s", (long long)n, n == 1 ? one : many);
}

void print_cut(size_t n) {
	if (n >= ROWS_MOST)
		fprintf(stderr, "usherctl: these are %d; there may be more\n", ROWS_MOST);
}

enum err choose(struct task *t, const char *typed, const char *const *words, size_t n, int *ret) {
	struct strs all = {0};
	for (size_t i = 0; typed && i < n; i++) {
		strs_add(t->arena, &all, str_of(words[i]));
		if (strcmp(typed, words[i]) == 0) {
			*ret = (int)i;
			return OK;
		}
	}
	return typed ? task_fail(t, ERR_INVALID, "\"%s\" is not one of: %.*s", typed,
			       FMT(str_join(t->arena, all, STR(", "))))
		     : OK;
}

/* ---- keys and clients ---- */

static struct str when(struct task *t, int64_t at_ms) {
	return at_ms ? time_rfc3339(t->arena, at_ms) : STR("-");
}

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
	static const char *const words[] = {"now"};
	int now = -1;
	TRY(choose(t, argv[2], words, COUNT(words), &now));
	now = now == 0;
	TRY(keyset_rotate(t, str_of(argv[1]), now));
	puts(now ? "the new key signs from now on; the old one stays published until the last token it signed has ended"
		 : "the next key is published; run it again with \"now\" when applications have fetched it");
	return OK;
}

static enum err run_keys_withdraw(struct task *t, char **argv) {
	TRY(keyset_withdraw(t, str_of(argv[1])));
	puts("withdrawn: it is published no more, and what it signed counts for nothing here from now on; applications "
	     "that keep the key set in a cache trust it until they fetch the set anew");
	return OK;
}

static enum err run_client_secret(struct task *t, char **argv) {
	(void)argv;
	struct str secret = random_token(t->arena, 32);
	printf("secret:        %.*s\nsecret_sha256: %.*s\n", FMT(secret),
		FMT(hex_encode(t->arena, sha256(t->arena, secret))));
	return OK;
}

/* ---- the whole ---- */

static enum err run_backup(struct task *t, char **argv) {
	TRY(store_backup(t, argv[0]));
	printf("written to %s; the signing keys in it open only with the key file: keep a copy of that too, but "
	       "apart\n",
		argv[0]);
	return OK;
}

static enum err run_migrate(struct task *t, char **argv) {
	(void)t;
	(void)argv;
	puts("the schema is up to date"); /* opening the store migrated it */
	return OK;
}

static const struct command commands[] = {
	{"registrations", "REALM [STATE] [TEXT]",
		"list registrations, newest first; the text is part of what was filled in", 1, 3, true, NEEDS_STORE,
		run_registrations},
	{"plan list", "REALM [STATE]", "list plans, newest first", 1, 2, true, NEEDS_STORE, run_plan_list},
	{"plan show", "REALM ID", "the LDIF that will be, or was, written, and its steps; of a plan or registration", 2,
		2, true, NEEDS_STORE, run_plan_show},
	{"plan apply", "REALM ID [LOGIN]", "order a draft (a deletion with the login name); try a plan again now", 2, 3,
		true, NEEDS_STORE, run_plan_apply},
	{"plan retry", "REALM ID [LOGIN]", "the same", 2, 3, true, NEEDS_STORE, run_plan_apply},
	{"plan cancel", "REALM ID", "run no further step of a plan; a registration is to be decided again", 2, 2, true,
		NEEDS_STORE, run_plan_cancel},
	{"change", "REALM USER CHANGE...", "the LDIF that changes somebody, kept as a draft; --apply orders it", 3, 200,
		true, NEEDS_STORE, run_change},
	{"jobs", "REALM [queued|running|parked]", "list jobs", 1, 2, true, NEEDS_STORE, run_jobs},
	{"job retry", "REALM JOB|all", "try a job that is parked or waits again now, or all", 2, 2, true, NEEDS_STORE,
		run_job_retry},
	{"audit", "REALM [SUBJECT]", "the newest 200 audit records", 1, 2, true, NEEDS_STORE, run_audit},
	{"people", "REALM [TEXT]", "list accounts; the text is part of a name or mail address", 1, 2, true, NEEDS_STORE,
		run_people},
	{"logout", "REALM ACCOUNT", "end all sessions and refresh tokens of an account", 2, 2, true, NEEDS_STORE,
		run_logout},
	{"feed", "REALM", "where the feed of each directory stands", 1, 1, true, NEEDS_STORE, run_feed},
	{"feed accept", "REALM DIRECTORY", "believe a stopped feed that so many accounts are gone", 2, 2, true,
		NEEDS_STORE, run_feed_accept},
	{"reconcile", "REALM [DIRECTORY]", "compare mirrored accounts with the directory, and mend", 1, 2, true,
		NEEDS_STORE, run_reconcile},
	{"keys", "REALM", "list signing keys", 1, 1, true, NEEDS_STORE, run_keys},
	{"keys rotate", "REALM ALG [now]", "publish a next signing key, or let it sign now", 2, 3, true, NEEDS_STORE,
		run_keys_rotate},
	{"keys withdraw", "REALM KID", "after a leak: publish a key that does not sign no longer", 2, 2, true,
		NEEDS_STORE, run_keys_withdraw},
	{"roles explain", "REALM USER", "which group path gives which role, and which client sees it", 2, 2, true,
		NEEDS_STORE, run_roles_explain},
	{"probe", "REALM", "connect to the realm's directories", 1, 1, true, NEEDS_STORE, run_probe},
	{"doctor", "REALM [--probe]", "what will fail for whom, and how to mend it; --probe makes a trial entry", 1, 2,
		true, NEEDS_CONFIG, run_doctor},
	{"mail test", "REALM ADDRESS", "send a mail now, to try the settings", 2, 2, true, NEEDS_STORE, run_mail_test},
	{"check", "[REALM]", "configuration, store, directories, and every entry that is named", 0, 1, false,
		NEEDS_NOTHING, run_check},
	{"client secret", "", "make a secret for an application and its hash for the configuration", 0, 0, false,
		NEEDS_NOTHING, run_client_secret},
	{"backup", "FILE", "a consistent copy of the store, while the daemon runs", 1, 1, false, NEEDS_STORE,
		run_backup},
	{"migrate", "", "bring the store's schema up to date", 0, 0, false, NEEDS_STORE, run_migrate},
};

static void usage(FILE *to) {
	fprintf(to, "usage: usherctl [-c FILE] COMMAND [ARGUMENT]...\n\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(to, "  %-15s %-30s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
	fprintf(to, "\nCHANGE: --set NAME=VALUE, --unset NAME, --join DN, --leave DN, --move DN, --disable, --enable,\n"
		    "        --ends YYYY-MM-DD|never, --delete (with --apply also --confirm LOGIN), --apply\n");
	fprintf(to, "\n  -c, --config FILE   configuration (" DEFAULT_CONFIG ")\n  -V, --version\n  -h, --help\n");
}

static void usage_of(const struct command *command) {
	fprintf(stderr, "usage: usherctl [-c FILE] %s%s%s\n", command->name, *command->arguments ? " " : "",
		command->arguments);
}

/* The line of the command that was meant, those that begin with the word that was typed, or all of them. */
static int usage_wrong(const struct command *command, const char *typed) {
	size_t n = typed ? strlen(typed) : 0, like = 0;
	if (command)
		return usage_of(command), EXIT_USAGE;
	for (size_t i = 0; n && i < COUNT(commands); i++)
		if (strncmp(commands[i].name, typed, n) == 0 && strchr(" ", commands[i].name[n])) {
			usage_of(&commands[i]);
			like++;
		}
	if (like)
		return EXIT_USAGE;
	if (typed)
		fprintf(stderr, "usherctl: there is no command \"%s\"; usherctl -h prints all\n", typed);
	else
		usage(stderr);
	return EXIT_USAGE;
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

static const char *store_remedy(int why) {
	if (why == ENOENT)
		return "; usherd makes it when it starts for the first time";
	return why == EACCES ? "; run this as the user of the daemon, or as root" : "";
}

enum err stand_open(struct task *t) {
	const char *key_file = NULL, *store = NULL, *why = "";
	TRY(task_cstr(t, t->config->key_file, &key_file));
	TRY(task_cstr(t, t->config->store_path, &store));
	/* One that this program made would belong to the wrong user. */
	if (t->config->store == STORE_SQLITE && access(store, R_OK | W_OK) != 0)
		return task_fail(t, ERR_CONFIG, "store %s: %m%s", store, store_remedy(errno));
	if (secret_load_keys(key_file, false, &why))
		return task_fail(t, ERR_CONFIG, "key file %s %s", key_file, why);
	return store_open(t, t->config);
}

static enum err prepare(struct task *t, const struct command *command, struct arena *kept, const char *path) {
	struct config *c = NULL;
	static struct config_errors errors;
	if (config_load(kept, path, &c, &errors)) {
		fprintf(stderr, "%.*s", FMT(config_errors_text(t->arena, path, &errors)));
		return task_fail(t, ERR_CONFIG, "the configuration has errors (-c FILE names another)");
	}
	t->config = c;
	return command->needs == NEEDS_STORE ? stand_open(t) : OK;
}

static enum err command_run(struct task *t, const struct command *command, const char *path, char **arguments) {
	if (command->realm) {
		t->realm = config_realm(t->config, str_of(arguments[0]));
		if (!t->realm)
			return task_fail(t, ERR_NOT_FOUND, "there is no realm %s in the configuration", arguments[0]);
		t->realm_name = t->realm->id;
	}
	char *check[] = {(char *)path, arguments[0], NULL};
	enum err e = command->run(t, command->run == run_check ? check : arguments);
	return e || command->needs != NEEDS_STORE ? e : store_settle(t);
}

int main(int argc, char **argv) {
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'}, {0}};
	const char *path = DEFAULT_CONFIG;
	int words = 0;
	for (int o; (o = getopt_long(argc, argv, "+c:Vh", options, NULL)) != -1;) {
		if (o == 'V')
			return puts("usherctl " PACKAGE_VERSION), 0;
		if (o == 'h')
			return usage(stdout), 0;
		if (o != 'c')
			return usage(stderr), EXIT_USAGE;
		path = optarg;
	}
	const struct command *command = optind < argc ? command_find(argc - optind, argv + optind, &words) : NULL;
	int n = argc - optind - words;
	if (!command || n < command->min || n > command->max)
		return usage_wrong(command, optind < argc ? argv[optind] : NULL);
	umask(077);
	signal(SIGPIPE, SIG_IGN); /* a directory that closes its connection is told, not died of */
	secret_init();
	log_set_level(LEVEL_WARNING);
	owned(arena) struct arena *a = arena_new();
	struct handles *handles = handles_new();
	struct task t;
	task_begin(&t, a, handles, COMMAND_MS);
	t.actor = str_printf(a, "cli:%ld", (long)getuid());
	owned(arena) struct arena *kept = arena_new(); /* the configuration: longer than handles and store */
	enum err e = command->needs == NEEDS_NOTHING ? OK : prepare(&t, command, kept, path);
	if (!e)
		e = command_run(&t, command, path, argv + optind + words);
	if (e)
		print_lines(stderr, str_printf(a, "usherctl: %s: %.*s\n", err_row(e)->name, FMT(t.failure_detail)));
	handles_free(handles);
	store_close();
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "usherctl: standard output could not be written: %m\n");
		return 1;
	}
	return !e ? 0 : e == ERR_INVALID ? EXIT_USAGE : 1;
}
