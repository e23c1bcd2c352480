#include <pthread.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "broker/mail/mail_private.h"

#define SAID_MOST   400 /* of an answer; one line has 512 at most, RFC 5321 4.5.3.1.5 */
#define IDLE_MOST_S 60L /* a connection that lay longer is not used again */

OWNED(slist, struct curl_slist *, curl_slist_free_all)

/* How far a conversation came. A refusal before RCPT concerns us, from RCPT on the recipient or the message. */
enum stage {
	STAGE_CONNECT,
	STAGE_HELLO,
	STAGE_TLS,
	STAGE_LOGIN,
	STAGE_SENDER,
	STAGE_RECIPIENT,
	STAGE_DATA,
	STAGE_SENT
};
static const struct {
	const char *command; /* four letters */
	const char *name;
} stages[] = {
	[STAGE_CONNECT] = {"", "connection"},
	[STAGE_HELLO] = {"EHLO", "EHLO"},
	[STAGE_TLS] = {"STAR", "STARTTLS"},
	[STAGE_LOGIN] = {"AUTH", "AUTH"},
	[STAGE_SENDER] = {"MAIL", "MAIL FROM"},
	[STAGE_RECIPIENT] = {"RCPT", "RCPT TO"},
	[STAGE_DATA] = {"DATA", "DATA"},
	[STAGE_SENT] = {"", "message"},
};

struct delivery {
	struct str message;
	size_t at;
	enum stage stage;
	char status[12];      /* enhanced status code of the latest refusal, RFC 3463, or "" */
	char said[SAID_MOST]; /* the latest refusal whole, printable; kept where tell asks for it */
	size_t n_said;
	bool tell, goes_on;    /* goes_on: the refusal has another line */
	bool greeted, logs_in; /* EHLO, AUTH were sent in this conversation */
	char error[CURL_ERROR_SIZE];
	const char *url, *ca_file, *username, *password, *sender, *recipient;
	struct curl_slist *recipients;
	int64_t ms;
	enum mail_tls tls;
};

/* ---- the worker's handle ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void global_init(void) {
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static enum err smtp_open(struct task *t, const void *key, void **ret) {
	(void)key;
	pthread_once(&once, global_init);
	CURL *curl = global_result == CURLE_OK ? curl_easy_init() : NULL;
	if (!curl)
		return task_fail(t, ERR_INTERNAL, "SMTP: libcurl cannot start");
	*ret = curl;
	return OK;
}

/* Closing sends QUIT and waits up to two minutes for its answer, whatever the options say: the read side is shut
 * before, so that it does not. */
static void smtp_close(void *handle) {
	curl_socket_t fd = CURL_SOCKET_BAD;
	if (curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
		shutdown(fd, SHUT_RD);
	curl_easy_cleanup(handle);
}

static const struct handle_kind smtp_kind = {"smtp", smtp_open, smtp_close};

/* ---- what curl calls ---- */

static size_t on_read(char *to, size_t size, size_t n, void *data) {
	struct delivery *d = data;
	size_t left = d->message.n - d->at, room = size * n;
	size_t piece = left < room ? left : room;
	if (piece)
		memcpy(to, d->message.p + d->at, piece);
	d->at += piece;
	if (d->at == d->message.n)
		d->stage = STAGE_SENT;
	return piece;
}

static size_t on_write(char *from, size_t size, size_t n, void *data) {
	(void)from;
	(void)data;
	return size * n;
}

static void note_command(struct delivery *d, struct str line) {
	for (size_t i = 0; i < COUNT(stages); i++)
		if (stages[i].command[0] && str_starts(line, str_of(stages[i].command)))
			d->stage = (enum stage)i;
	d->greeted = d->greeted || d->stage == STAGE_HELLO;
	d->logs_in = d->logs_in || d->stage == STAGE_LOGIN;
}

/* Several lines stand one after the other: RFC 5321 4.2.1. */
static void note_said(struct delivery *d, struct str line) {
	line = str_trim(line);
	if (!d->goes_on)
		d->n_said = 0;
	else if (d->n_said < sizeof(d->said) - 1)
		d->said[d->n_said++] = ' ';
	for (size_t i = 0; i < line.n && d->n_said < sizeof(d->said) - 1; i++)
		d->said[d->n_said++] = (char)(line.p[i] >= ' ' && line.p[i] <= '~' ? line.p[i] : '?');
	d->goes_on = line.n > 3 && line.p[3] == '-';
}

/* "550 5.1.1 text": only the digits are kept, for the text may name the person; all of it for whoever asks. */
static void note_answer(struct delivery *d, struct str line) {
	size_t n = 0;
	if (!str_starts(line, STR("4")) && !str_starts(line, STR("5")))
		return; /* also that of the QUIT which follows a refusal */
	if (d->tell)
		note_said(d, line);
	struct str code = str_sub(line, 4, sizeof(d->status) - 1);
	while (n < code.n && ((code.p[n] >= '0' && code.p[n] <= '9') || code.p[n] == '.'))
		n++;
	if (n)
		memcpy(d->status, code.p, n);
	d->status[n] = '\0';
}

static int on_debug(CURL *curl, curl_infotype type, char *text, size_t n, void *data) {
	(void)curl;
	if (type == CURLINFO_HEADER_OUT)
		note_command(data, (struct str){text, n});
	else if (type == CURLINFO_HEADER_IN)
		note_answer(data, (struct str){text, n});
	return 0;
}

/* Without a login the server would take the mail for that of a stranger, or refuse it with a word about relaying. A
 * connection that is used again was logged in when it began. */
static bool lacks_login(const struct delivery *d) {
	return d->username[0] && d->greeted && !d->logs_in;
}

/* After EHLO, STARTTLS and AUTH, before the sender. */
static int on_ready(void *data, char *their_ip, char *our_ip, int their_port, int our_port) {
	(void)their_ip;
	(void)our_ip;
	(void)their_port;
	(void)our_port;
	return lacks_login(data) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- the outcome ---- */

static const struct {
	CURLcode code;
	enum err result;
} outcomes[] = {
	{CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
	{CURLE_USE_SSL_FAILED, ERR_CONFIG},
	{CURLE_PEER_FAILED_VERIFICATION, ERR_CONFIG},
	{CURLE_SSL_CACERT_BADFILE, ERR_CONFIG},
	{CURLE_SSL_CERTPROBLEM, ERR_CONFIG},
	{CURLE_SSL_CIPHER, ERR_CONFIG},
	{CURLE_SSL_ISSUER_ERROR, ERR_CONFIG},
	{CURLE_LOGIN_DENIED, ERR_CONFIG},
	{CURLE_URL_MALFORMAT, ERR_CONFIG},
	{CURLE_UNSUPPORTED_PROTOCOL, ERR_CONFIG},
	{CURLE_OUT_OF_MEMORY, ERR_INTERNAL},
	{CURLE_FAILED_INIT, ERR_INTERNAL},
	{CURLE_BAD_FUNCTION_ARGUMENT, ERR_INTERNAL},
	{CURLE_UNKNOWN_OPTION, ERR_INTERNAL},
	{CURLE_NOT_BUILT_IN, ERR_INTERNAL},
};

/* RFC 5321 4.2.1: 4yz may succeed later, 5yz may not. What the server said counts for more than what curl calls it. */
static enum err outcome(CURLcode code, long answer, enum stage stage) {
	if (code == CURLE_OK)
		return OK;
	if (code != CURLE_OPERATION_TIMEDOUT && answer >= 400 && answer < 500)
		return ERR_UNAVAILABLE;
	if (code != CURLE_OPERATION_TIMEDOUT && answer >= 500 && answer < 600)
		return stage >= STAGE_RECIPIENT ? ERR_REFUSED : ERR_CONFIG;
	for (size_t i = 0; i < COUNT(outcomes); i++)
		if (outcomes[i].code == code)
			return outcomes[i].result;
	return ERR_UNAVAILABLE;
}

/* ---- sending ---- */

static enum err url_make(struct task *t, const struct mail_config *c, const char **ret) {
	bool literal = str_find(c->host, ':', 0) < c->host.n && c->host.p[0] != '[';
	struct str url = str_printf(t->arena, "%s://%s%.*s%s:%u", c->tls == MAIL_TLS ? "smtps" : "smtp",
		literal ? "[" : "", FMT(c->host), literal ? "]" : "", (unsigned)c->port);
	return task_cstr(t, url, ret);
}

static enum err angled(struct task *t, struct str address, const char **ret) {
	struct str wire = STR_NONE;
	TRY(mail_address_wire(t, address, &wire));
	return task_cstr(t, str_printf(t->arena, "<%.*s>", FMT(wire)), ret);
}

static enum err delivery_fill(struct task *t, const struct mail_config *c, const struct mail *m, struct delivery *d) {
	int64_t left = task_left_ms(t);
	d->ms = c->timeout_ms > 0 && c->timeout_ms < left ? c->timeout_ms : left;
	d->tls = c->tls;
	if (d->ms <= 0)
		return task_fail(t, ERR_TIMEOUT, "SMTP: no time left");
	TRY(url_make(t, c, &d->url));
	TRY(task_cstr(t, c->ca_file, &d->ca_file));
	TRY(task_cstr(t, c->username, &d->username));
	TRY(task_cstr(t, c->password, &d->password));
	TRY(angled(t, c->from, &d->sender));
	return angled(t, m->to, &d->recipient);
}

#define SET(option, value) (ok = ok && curl_easy_setopt(curl, (option), (value)) == CURLE_OK)

/* curl_easy_reset keeps the connection. */
static bool options_set(CURL *curl, struct delivery *d) {
	bool ok = true;
	curl_easy_reset(curl);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_URL, d->url);
	SET(CURLOPT_PROXY, ""); /* none from the environment */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)d->ms);
	SET(CURLOPT_TIMEOUT_MS, (long)d->ms);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(d->ms / 1000 + 1));
	SET(CURLOPT_MAXAGE_CONN, IDLE_MOST_S);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_USE_SSL, d->tls == MAIL_STARTTLS ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (d->ca_file[0])
		SET(CURLOPT_CAINFO, d->ca_file);
	if (d->username[0]) {
		SET(CURLOPT_USERNAME, d->username);
		SET(CURLOPT_PASSWORD, d->password);
	}
	SET(CURLOPT_MAIL_FROM, d->sender);
	SET(CURLOPT_MAIL_RCPT, d->recipients);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)d->message.n);
	SET(CURLOPT_PREREQFUNCTION, on_ready);
	SET(CURLOPT_PREREQDATA, d);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, d);
	SET(CURLOPT_WRITEFUNCTION, on_write);
	SET(CURLOPT_DEBUGFUNCTION, on_debug);
	SET(CURLOPT_DEBUGDATA, d);
	SET(CURLOPT_VERBOSE, 1L); /* nothing is printed: on_debug looks at commands and codes */
	SET(CURLOPT_ERRORBUFFER, d->error);
	return ok;
}

static struct str refusal(struct task *t, const struct delivery *d, long answer) {
	if (d->n_said)
		return str_dup(t->arena, str_slice(d->said, d->n_said));
	return str_printf(t->arena, "%ld %s", answer, d->status);
}

static enum err deliver(struct task *t, const struct mail_config *c, struct delivery *d, bool *ret_broken) {
	void *curl = NULL;
	long answer = 0;
	TRY(task_handle(t, &smtp_kind, c, &curl));
	d->stage = STAGE_CONNECT;
	d->at = 0;
	if (!options_set(curl, d))
		return task_fail(t, ERR_INTERNAL, "SMTP: libcurl lacks an option");
	CURLcode code = curl_easy_perform(curl);
	err_ignore(curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer) ? ERR_INTERNAL : OK, "then it stays 0");
	long connects = 0;
	err_ignore(curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects) ? ERR_INTERNAL : OK, "then it stays 0");
	enum err result = code == CURLE_ABORTED_BY_CALLBACK ? ERR_CONFIG : outcome(code, answer, d->stage);
	*ret_broken = result == ERR_UNAVAILABLE && connects == 0 && d->at == 0 && (answer < 400 || answer == 421);
	curl_easy_reset(curl); /* it must not keep pointers into this task */
	if (result == OK)
		return OK;
	if (result == ERR_REFUSED)
		return task_fail(t, result, "SMTP: %s: %.*s", stages[d->stage].name, FMT(refusal(t, d, answer)));
	task_handle_drop(t, &smtp_kind, c);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return task_fail(t, result, "SMTP: AUTH: mail.username is set, and the server offers no login%s",
			d->tls == MAIL_PLAIN ? " without TLS" : "");
	const char *why = d->error[0] ? d->error : curl_easy_strerror(code);
	if (!answer) /* the server has not said a word */
		return task_fail(t, result, "SMTP: %s: %s", stages[d->stage].name, why);
	return task_fail(t, result, "SMTP: %s: %.*s: %s", stages[d->stage].name, FMT(refusal(t, d, answer)), why);
}

enum err smtp_send(struct task *t, const struct mail_config *c, const struct mail *m, struct str message) {
	struct delivery d = {.message = message, .tell = m->tell};
	owned(slist) struct curl_slist *recipients = NULL;
	bool broken = false;
	TRY(delivery_fill(t, c, m, &d));
	d.recipients = recipients = curl_slist_append(NULL, d.recipient);
	if (!recipients)
		return task_fail(t, ERR_INTERNAL, "SMTP: out of memory");
	enum err result = deliver(t, c, &d, &broken);
	if (!broken)
		return result;
	task_clear(t); /* the server had closed a connection that lay idle: once more, on a new one */
	return deliver(t, c, &d, &broken);
}
