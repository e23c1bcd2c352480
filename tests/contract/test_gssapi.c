/* The service account's bind by Kerberos (SASL GSSAPI), against a directory whose script gives a keytab: samba-ad. What
 * is done over such a connection is seen by the other programs with USHER_DIRECTORY_BIND=gssapi and gssapi_sealed.
 * Exits with 77 (skipped) without a keytab. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/secret.h"
#include "federation/directory/change.h"
#include "federation/directory/ldap_sasl.h"
#include "federation/directory/ticket.h"
#include "tests/contract/directory_fixture.h"

static struct directory_config *copy(struct fixture *f, const char *id, enum directory_bind bind) {
	struct directory_config *d = arena_new_of(f->config, struct directory_config);
	*d = *f->d;
	d->id = str_of(id);
	d->bind = bind;
	d->bind_password = STR("");
	d->keytab = str_of(fixture_variable("KEYTAB"));
	d->principal = str_of(fixture_variable("PRINCIPAL"));
	const char *uris = fixture_variable(bind == BIND_GSSAPI_SEALED ? "URI_PLAIN" : "URI");
	d->uris = str_split(f->config, str_of(uris), ' ');
	return d;
}

static void binds_as_the_principal(void **state) {
	struct fixture *f = *state;
	static const struct {
		enum directory_bind bind;
		const char *uris;
		bool tls;
	} rows[] = {
		{BIND_GSSAPI, "URI", true}, {BIND_GSSAPI, "URI_PLAIN", true}, {BIND_GSSAPI_SEALED, "URI_PLAIN", false}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		owned(conn) struct conn *c = NULL, *people = NULL;
		struct directory_config *d = copy(f, "as", rows[i].bind);
		d->uris = str_split(f->config, str_of(fixture_variable(rows[i].uris)), ' ');
		assert_ok(f, conn_open(fixture_task(f), d, CONN_SERVICE, &c));
		struct entry *e = NULL; /* Samba shows nothing to whom it does not know */
		assert_ok(f, directory_find_login(fixture_task(f), d, STR("alice"), &e));
		assert_int_equal(ldap_tls_inplace(c->ld) != 0, rows[i].tls);
		assert_int_equal(c->sealed >= SEALED_LEAST, !rows[i].tls);
		assert_true(conn_private(c));
		/* What people type goes over TLS in each case. */
		assert_ok(f, conn_open(fixture_task(f), d, CONN_PASSWORD, &people));
		assert_true(ldap_tls_inplace(people->ld));
	}
}

/* unicodePwd over the seal alone; a connection that is not sealed gets none. */
static void sends_passwords_sealed(void **state) {
	struct fixture *f = *state;
	struct directory_config *d = copy(f, "password", BIND_GSSAPI_SEALED);
	struct str dn = person(f, "bob"), first = STR("S3aled-passw0rd"), last = STR("S3aled-passw0rd-2");
	struct bind_answer answer;
	struct refusal refusal;
	struct conn *c = NULL;
	enum verdict v = VERDICT_WRONG;
	assert_ok(f, directory_set_password(fixture_task(f), d, dn, first, &refusal));
	assert_ok(f, directory_verify(fixture_task(f), d, dn, first, &v, NULL));
	assert_int_equal(v, VERDICT_OK);
	assert_ok(f, conn_get(fixture_task(f), d, CONN_SERVICE, &c));
	c->sealed = 0;
	const struct password_change change = {dn, STR_NONE, last};
	assert_int_equal(password_by_unicode_pwd(fixture_keep(f), c, &change, &answer), ERR_CONFIG);
	assert_ok(f, directory_verify(fixture_task(f), d, dn, last, &v, NULL));
	assert_int_equal(v, VERDICT_WRONG);
	fixture_reconnect(f);
}

/* One key of AES-256 in MIT's format (version 5.2) of a keytab. */
static struct str keytab_of(struct fixture *f, const char *account, const char *realm) {
	struct buf b = buf_new(f->config, 4096), entry = buf_new(f->config, 4096);
	const char *parts[] = {realm, account};
	char path[] = "/tmp/usher-keytab-XXXXXX";
	buf_put(&entry, str_slice("\0\1", 2));
	for (size_t i = 0; i < COUNT(parts); i++) {
		buf_byte(&entry, 0);
		buf_byte(&entry, (char)strlen(parts[i]));
		buf_put(&entry, str_of(parts[i]));
	}
	buf_put(&entry, str_slice("\0\0\0\1\0\0\0\0\2\0\x12\0\x20", 13)); /* a principal, no time, version 2, AES-256 */
	for (int i = 0; i < 32; i++)
		buf_byte(&entry, 'k');
	struct str body = buf_str(&entry);
	buf_put(&b, str_slice("\5\2\0\0\0", 5));
	buf_byte(&b, (char)body.n);
	buf_put(&b, body);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, buf_str(&b).p, buf_str(&b).n), buf_str(&b).n);
	close(fd);
	return str_dup(f->config, str_of(path));
}

static void tells_what_is_wrong(void **state) {
	struct fixture *f = *state;
	const char *realm = strchr(fixture_variable("PRINCIPAL"), '@') + 1;
	struct str wrong_key = keytab_of(f, "svc-broker", realm), unknown = keytab_of(f, "nobody", realm);
	const struct {
		const char *says;
		struct str keytab, principal;
	} rows[] = {
		{"does not exist", STR("/no/such/keytab"), STR_NONE},
		{"is no keytab", str_of(fixture_variable("CA_FILE")), STR_NONE},
		{"holds no key of this principal", str_of(fixture_variable("HTTP_KEYTAB")), STR_NONE},
		{"the key is", wrong_key, STR_NONE},
		{"knows no such account", unknown, str_printf(f->config, "nobody@%s", realm)},
		{"no key distribution centre", keytab_of(f, "svc", "NO.SUCH.REALM.TEST"),
			STR("svc@NO.SUCH.REALM.TEST")},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct directory_config *d = copy(f, "wrong", BIND_GSSAPI_SEALED);
		struct entry *e = NULL;
		d->keytab = rows[i].keytab;
		if (!str_absent(rows[i].principal))
			d->principal = rows[i].principal;
		enum err got = directory_find_login(fixture_task(f), d, STR("alice"), &e);
		bool later = i == COUNT(rows) - 1;
		if (got != (later ? ERR_UNAVAILABLE : ERR_CONFIG) ||
			!str_contains(f->t.failure_detail, str_of(rows[i].says)))
			fail_msg("row %zu: %s: %.*s", i, err_row(got)->name, FMT(f->t.failure_detail));
		if (str_starts(d->keytab, STR("/tmp/usher-keytab-")))
			unlink(str_printf(f->config, "%.*s%c", FMT(d->keytab), 0).p);
	}
}

/* A mute key distribution centre holds nobody longer than connecting may take, and what is held works on. */
static void passes_a_mute_centre(void **state) {
	struct fixture *f = *state;
	struct directory_config *d = copy(f, "mute", BIND_GSSAPI_SEALED);
	struct ticket_want want = {d->keytab, d->principal, STR("mute.invalid")};
	const char *cache = NULL;
	fixture_freeze(f);
	enum err e = ticket_get(fixture_task(f), &want, 300, &cache);
	fixture_thaw(f);
	assert_int_equal(e, ERR_UNAVAILABLE);
	assert_true(str_contains(f->t.failure_detail, STR("no key distribution centre answers")));
	assert_null(cache);
}

/* Tickets are kept, and fetched anew after a refusal: the controller may have another key by then. */
static void fetches_anew(void **state) {
	struct fixture *f = *state;
	struct directory_config *d = copy(f, "anew", BIND_GSSAPI_SEALED);
	struct str host = str_sub(d->uris.v[0], sizeof("ldap://") - 1, d->uris.v[0].n);
	struct ticket_want want = {d->keytab, d->principal, host};
	const char *first = NULL, *again = NULL, *anew = NULL;
	struct entry *e = NULL;
	assert_ok(f, ticket_get(fixture_task(f), &want, 1000, &first));
	assert_ok(f, ticket_get(fixture_keep(f), &want, 1000, &again));
	assert_string_equal(first, again);
	ticket_forget(&want);
	assert_ok(f, ticket_get(fixture_keep(f), &want, 1000, &anew));
	assert_string_not_equal(first, anew);
	assert_ok(f, directory_find_login(fixture_task(f), d, STR("alice"), &e));
}

#define THREADS 4u
struct opener {
	struct directory_config *d;
	enum err worst;
};

static void *open_some(void *arg) {
	struct opener *o = arg;
	owned(arena) struct arena *a = arena_new();
	for (int i = 0; i < 5; i++) {
		struct conn *c = NULL;
		struct task t;
		task_begin(&t, a, NULL, TASK_PAGE_MS);
		enum err e = conn_open(&t, o->d, CONN_SERVICE, &c);
		if (e)
			o->worst = e;
		else
			conn_close(c);
	}
	return NULL;
}

static void binds_from_many_threads(void **state) {
	struct fixture *f = *state;
	pthread_t threads[THREADS];
	struct opener openers[THREADS];
	for (size_t i = 0; i < THREADS; i++) {
		openers[i] = (struct opener){copy(f, "many", i % 2 ? BIND_GSSAPI : BIND_GSSAPI_SEALED), OK};
		assert_int_equal(pthread_create(&threads[i], NULL, open_some, &openers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(openers[i].worst, OK);
}

/* Who the server takes us for (RFC 4532). */
static struct str whoami(struct fixture *f, struct conn *c) {
	owned(ldap_berval) struct berval *who = NULL;
	conn_deadline(c, 1000);
	assert_int_equal(ldap_whoami_s(c->ld, &who, NULL, NULL), LDAP_SUCCESS);
	return str_dup(f->config, str_of_bv(*who));
}

/* A server that looks at the channel binding: the one of its own TLS is taken, any other refused. */
static void binds_to_the_channel(void **state) {
	struct fixture *f = *state;
	const char *uri = getenv("USHER_CHANNEL_URI"), *ca = getenv("USHER_CHANNEL_CA");
	bool refused = getenv("USHER_CHANNEL_REFUSED") != NULL;
	owned(conn) struct conn *c = NULL;
	struct directory_config *d = copy(f, "channel", BIND_GSSAPI);
	d->driver = DIRECTORY_OPENLDAP;
	d->uris = str_split(f->config, str_of(uri), ' ');
	d->ca_file = str_of(ca);
	enum err e = conn_open(fixture_task(f), d, CONN_SERVICE, &c);
	if (e != (refused ? ERR_CONFIG : OK))
		fail_msg("%s: %.*s", err_row(e)->name, FMT(f->t.failure_detail));
	assert_true(refused || str_starts(whoami(f, c), STR("dn:uid=svc-broker,")));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(binds_as_the_principal, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(sends_passwords_sealed, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(tells_what_is_wrong, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(fetches_anew, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(binds_from_many_threads, fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(passes_a_mute_centre, fixture_open, fixture_close),
	};
	const struct CMUnitTest channel[] = {
		cmocka_unit_test_setup_teardown(binds_to_the_channel, fixture_open, fixture_close),
	};
	if (!fixture_ready() || !fixture_variable("KEYTAB") || !ticket_built())
		return 77;
	setenv("KRB5_CONFIG", fixture_variable("KRB5_CONFIG"), 1);
	if (getenv("USHER_CHANNEL_URI"))
		return cmocka_run_group_tests(channel, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
