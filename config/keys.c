#include "config/config_private.h"
#include "config/keys.h"

/* The daemon's keys; a realm's stand in keys_realm.c, what stands below a realm in keys_directory.c, keys_profile.c and
 * keys_client.c. */
#define SERVER(member) .offset = offsetof(struct config, member)

static const struct key_shape realms = {
	sizeof(struct realm), offsetof(struct config, n_realms), offsetof(struct realm, at)};

const struct key keys_server[] = {
	{"server", KEY_SECTION, .required = true, .help = "The daemon: where it is found, and how much it takes on."},
	{"server.public_url", KEY_PUBLIC_URL, SERVER(public_url), .required = true,
		.help = "Address under which people and applications reach the daemon. Issuers and the links in mails "
			"begin with it. It has no path; http is taken for a loopback host only.",
		.example = "https://id.example.org"},
	{"server.listen", KEY_LISTEN, SERVER(listen), .fallback = "127.0.0.1:8080",
		.help = "Where the daemon listens for the web server in front of it: an address with a port, or unix: "
			"and a path.",
		.example = "unix:/run/usher/usherd.sock"},
	{"server.metrics", KEY_LISTEN, SERVER(listen_metrics), .fallback = "",
		.help = "Where /healthz, /readyz and /metrics are answered. Empty: nowhere.",
		.example = "127.0.0.1:9464"},
	{"server.trusted_proxies", KEY_LIST, SERVER(trusted_proxies), .fallback = "[]", .max = 64, .item = KEY_PROXY,
		.help = "Addresses of web servers whose X-Forwarded-For is believed; unix stands for the socket, and "
			"must be there where the daemon listens on one: else all visitors would share one address and its "
			"limits.",
		.example = "[unix]"},
	{"server.event_threads", KEY_INT, SERVER(event_threads), .fallback = "2", .min = 1, .max = 64,
		.help = "Threads that read requests and write answers; one for each core is enough."},
	{"server.web_workers", KEY_INT, SERVER(web_workers), .fallback = "8", .min = 1, .max = 256,
		.help = "Requests that are worked on at once. Each worker has its own connections to the directories."},
	{"server.job_workers", KEY_INT, SERVER(job_workers), .fallback = "4", .min = 1, .max = 256,
		.help = "Jobs (mails, plans) that are worked on at once."},
	{"server.queue", KEY_INT, SERVER(web_queue), .fallback = "256", .min = 1, .max = 65536,
		.help = "Requests that may wait for a worker; more are answered by 503."},
	{"server.connections", KEY_INT, SERVER(connection_limit), .fallback = "1024", .min = 16, .max = 65536,
		.help = "Connections that may be open at once."},
	{"server.proof_of_work_bits", KEY_INT, SERVER(proof_of_work_bits), .fallback = "16", .min = 0, .max = 24,
		.help = "How hard the sum is that a browser does before it registers; each bit doubles it. 0: none."},
	{"server.registrations_per_address", KEY_INT, SERVER(registrations_per_address), .fallback = "20", .min = 1,
		.max = 100000, .help = "Registrations taken from one address in an hour."},
	{"server.registrations_per_mailbox", KEY_INT, SERVER(registrations_per_mailbox), .fallback = "3", .min = 1,
		.max = 1000, .help = "Registrations taken for one mailbox in an hour."},
	{"server.template_dir", KEY_FOLDER, SERVER(template_dir), .fallback = "",
		.help = "Folder with templates of your own that replace built-in ones of the same name. Empty: none."},

	{"store", KEY_SECTION, .fallback = "{}", .help = "Where registrations, accounts, sessions and jobs are kept."},
	{"store.driver", KEY_ENUM, SERVER(store), .fallback = "sqlite", .words = "sqlite|postgresql",
		.help = "The kind of database.", .example = "sqlite"},
	{"store.path", KEY_PATH, SERVER(store_path), .fallback = "/var/lib/usher/usher.db",
		.help = "The database file of sqlite.", .example = "/var/lib/usher/usher.db"},

	{"secrets", KEY_SECTION, .fallback = "{}", .help = "What seals the secrets that rest in the store."},
	{"secrets.key_file", KEY_PATH, SERVER(key_file), .fallback = "/var/lib/usher/secrets.key",
		.help = "File of sealing keys, 64 hexadecimal digits a line; the first seals, all open. It is made at "
			"the first start. Keep a copy apart from the store's.",
		.example = "/var/lib/usher/secrets.key"},

	{"log", KEY_SECTION, .fallback = "{}", .help = "The log, one JSON object a line on standard error."},
	{"log.level", KEY_ENUM, SERVER(log_level), .fallback = "info", .words = "debug|info|warning|error",
		.help = "The least important event that is still written."},

	{"mail", KEY_SECTION, .required = true, .help = "How mail leaves."},
	{"mail.transport", KEY_ENUM, SERVER(mail.transport), .fallback = "smtp", .words = "smtp|mailbox",
		.help = "smtp sends to a server; mailbox writes files into a folder, for trying things out.",
		.example = "smtp"},
	{"mail.host", KEY_HOST, SERVER(mail.host), .fallback = "",
		.help = "The mail server, needed with transport smtp.", .example = "mail.example.org"},
	{"mail.port", KEY_INT, SERVER(mail.port), .fallback = "587", .min = 1, .max = 65535,
		.help = "The mail server's port."},
	{"mail.tls", KEY_ENUM, SERVER(mail.tls), .fallback = "starttls", .words = "starttls|tls|plain",
		.help = "starttls demands STARTTLS; tls begins with TLS (port 465); plain encrypts nothing."},
	{"mail.ca_file", KEY_FILE, SERVER(mail.ca_file), .fallback = "",
		.help = "Certificates that the mail server's is checked against, PEM. Empty: the system's."},
	{"mail.username", KEY_TEXT, SERVER(mail.username), .fallback = "",
		.help = "User name at the mail server. Empty: no login.", .example = "usher"},
	{"mail.password_file", KEY_SECRET_FILE, SERVER(mail.password), .fallback = "",
		.help = "File with the password at the mail server; others may not read it.",
		.example = "/etc/usher/mail.password"},
	{"mail.from", KEY_MAIL, SERVER(mail.from), .required = true, .help = "Address that mails come from.",
		.example = "usher@example.org"},
	{"mail.mailbox", KEY_PATH, SERVER(mail.mailbox), .fallback = "",
		.help = "Folder that mails are written into, needed with transport mailbox."},
	{"mail.timeout", KEY_DURATION_MS, SERVER(mail.timeout_ms), .fallback = "30s", .min = 1, .max = 300,
		.help = "How long sending one mail may take."},

	{"realms", KEY_MAP, SERVER(realms), .required = true, .min = 1, .max = 32, .item = KEY_ID, .shape = &realms,
		.help = "Realms: organisations that share the daemon and nothing else. The id is part of the issuer "
			"(public_url/realms/id) and cannot be changed later.",
		.example = "staff"},
};
const size_t n_keys_server = COUNT(keys_server);

static const struct {
	const struct key *rows;
	const size_t *n;
} parts[] = {
	{keys_server, &n_keys_server},
	{keys_realm, &n_keys_realm},
	{keys_directory, &n_keys_directory},
	{keys_profile, &n_keys_profile},
	{keys_client, &n_keys_client},
};

size_t key_count(void) {
	size_t n = 0;
	for (size_t i = 0; i < COUNT(parts); i++)
		n += *parts[i].n;
	return n;
}

const struct key *key_at(size_t i) {
	size_t part = 0;
	while (i >= *parts[part].n)
		i -= *parts[part++].n;
	return &parts[part].rows[i];
}

const char *key_last(const struct key *key) {
	const char *dot = strrchr(key->path, '.');
	return dot ? dot + 1 : key->path;
}

bool key_is_below(const struct key *key, const char *parent) {
	size_t n = strlen(parent);
	const char *last = key_last(key);
	if (n == 0)
		return last == key->path;
	return (size_t)(last - key->path) == n + 1 && memcmp(key->path, parent, n) == 0;
}

const struct key *key_find(const char *parent, struct str name) {
	size_t n = key_count();
	for (size_t i = 0; i < n; i++) {
		const struct key *key = key_at(i);
		if (str_eq(str_of(key_last(key)), name) && key_is_below(key, parent))
			return key;
	}
	return NULL;
}
