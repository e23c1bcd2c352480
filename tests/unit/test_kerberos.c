/* What a failure of the Kerberos library is made of: federation/directory/ticket.h. What tickets do is seen in
 * tests/contract/test_gssapi.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "federation/directory/ticket.h"

/* MIT krb5's numbers: of the protocol (RFC 4120 7.5.9) above ERROR_TABLE_BASE_krb5. */
#define PROTOCOL(n) (-1765328384 + (n))

static void tells_what_to_do(void **state) {
	(void)state;
	static const struct {
		int32_t code;
		enum err err;
		const char *says;
	} rows[] = {
		{PROTOCOL(6), ERR_CREDENTIALS, "correct principal"},         /* KDC_ERR_C_PRINCIPAL_UNKNOWN */
		{PROTOCOL(7), ERR_CONFIG, "knows no service ldap/HOST"},     /* KDC_ERR_S_PRINCIPAL_UNKNOWN */
		{PROTOCOL(18), ERR_CREDENTIALS, "disabled or locked"},       /* KDC_ERR_CLIENT_REVOKED */
		{PROTOCOL(23), ERR_CREDENTIALS, "has expired"},              /* KDC_ERR_KEY_EXPIRED */
		{PROTOCOL(24), ERR_CREDENTIALS, "export the keytab again"},  /* KDC_ERR_PREAUTH_FAILED */
		{PROTOCOL(31), ERR_CREDENTIALS, "export the keytab again"},  /* KRB_AP_ERR_BAD_INTEGRITY */
		{PROTOCOL(37), ERR_UNAVAILABLE, "the same time servers"},    /* KRB_AP_ERR_SKEW */
		{PROTOCOL(156), ERR_UNAVAILABLE, "key distribution centre"}, /* KRB5_KDC_UNREACH */
		{PROTOCOL(181), ERR_CONFIG, "holds no key"},                 /* KRB5_KT_NOTFOUND */
		{13, ERR_CONFIG, "may not be read"},                         /* EACCES */
		{PROTOCOL(60), ERR_UNAVAILABLE, "no ticket"},                /* KRB_ERR_GENERIC: anything else */
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ticket_failure got = ticket_failure_of(rows[i].code);
		if (got.err != rows[i].err || !strstr(got.advice, rows[i].says))
			fail_msg("row %zu: %s: %s", i, err_row(got.err)->name, got.advice);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(tells_what_to_do)};
	return ticket_built() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
