#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "federation/directory/ldap_text.h"

#define BYTES(literal)                                                                                                 \
	{ "" literal, sizeof(literal) - 1 }

static struct arena *a;

static void check(struct str got, struct str wanted, size_t row) {
	if (!str_eq(got, wanted))
		fail_msg("row %zu: \"%.*s\" is not \"%.*s\"", row, FMT(got), FMT(wanted));
}

/* RFC 4515 section 4 and more. */
static void escapes_filters(void **state) {
	(void)state;
	static const struct {
		struct str value, filter;
	} rows[] = {
		{BYTES("Babs Jensen"), BYTES("(cn=Babs Jensen)")},
		{BYTES("Parens R Us (for all your parenthetical needs)"),
			BYTES("(cn=Parens R Us \\28for all your parenthetical needs\\29)")},
		{BYTES("*"), BYTES("(cn=\\2A)")},
		{BYTES("C:\\MyFile"), BYTES("(cn=C:\\5CMyFile)")},
		{BYTES("\0\0\0\4"), BYTES("(cn=\\00\\00\\00\\04)")},
		{BYTES("Lu\xc4\x8di\xc4\x87"), BYTES("(cn=Lu\\C4\\8Di\\C4\\87)")},
		{BYTES("\4\2Hi"), BYTES("(cn=\\04\\02Hi)")},
		{BYTES(""), BYTES("(cn=)")},
		{BYTES("a)(uid=*"), BYTES("(cn=a\\29\\28uid=\\2A)")},
		{BYTES("a&b|c!d=e~<>"), BYTES("(cn=a&b|c!d=e~<>)")},
		{BYTES("\x7f\xff"), BYTES("(cn=\\7F\\FF)")},
		{BYTES(" a "), BYTES("(cn= a )")},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = buf_new(a, LIMIT_FILTER);
		filter_equal(&b, STR("cn"), rows[i].value);
		check(buf_str(&b), rows[i].filter, i);
	}
}

/* RFC 4514 section 4 and more. */
static void escapes_dns(void **state) {
	(void)state;
	static const struct {
		struct str value, dn;
	} rows[] = {
		{BYTES("Steve Kille"), BYTES("CN=Steve Kille,O=x")},
		{BYTES("James \"Jim\" Smith, III"), BYTES("CN=James \\\"Jim\\\" Smith\\, III,O=x")},
		{BYTES("Before\rAfter"), BYTES("CN=Before\\0DAfter,O=x")},
		{BYTES("#leading"), BYTES("CN=\\#leading,O=x")},
		{BYTES("not#leading"), BYTES("CN=not#leading,O=x")},
		{BYTES(" both "), BYTES("CN=\\ both\\ ,O=x")},
		{BYTES(" "), BYTES("CN=\\ ,O=x")},
		{BYTES("  "), BYTES("CN=\\ \\ ,O=x")},
		{BYTES("a+b;c<d>e\\f"), BYTES("CN=a\\+b\\;c\\<d\\>e\\\\f,O=x")},
		{BYTES("a=b"), BYTES("CN=a=b,O=x")},
		{BYTES("nul\0in"), BYTES("CN=nul\\00in,O=x")},
		{BYTES("Lu\xc4\x8di\xc4\x87"), BYTES("CN=Lu\xc4\x8di\xc4\x87,O=x")},
		{BYTES("bad\xff"), BYTES("CN=bad\\FF,O=x")},
		{BYTES("x,ou=admins"), BYTES("CN=x\\,ou=admins,O=x")},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str dn = dn_child(a, STR("CN"), rows[i].value, STR("O=x"));
		check(dn, rows[i].dn, i);
		check(dn_rdn_value(a, dn), rows[i].value, i);
		assert_true(dn_under(a, dn, STR("o=X")));
	}
	check(dn_child(a, STR("dc"), STR("test"), STR_NONE), STR("dc=test"), 99);
}

static void compares_dns(void **state) {
	(void)state;
	static const struct {
		const char *x, *y;
		bool equal, under; /* x below or equal to y */
	} rows[] = {
		{"uid=a,dc=test", "UID=A,DC=Test", true, true},
		{"uid=a, dc=test", "uid = a ,dc= test", true, true},
		{"cn=a+sn=b,dc=t", "SN=B+CN=A,dc=t", true, true},
		{"cn=a\\,b,dc=t", "cn=a\\2cb,dc=t", true, true},
		{"cn=\\61,dc=t", "cn=a,dc=t", true, true},
		{"uid=a,dc=test", "dc=test", false, true},
		{"dc=test", "uid=a,dc=test", false, false},
		{"uid=a,dc=xtest", "dc=test", false, false},
		{"uid=a\\,dc=test", "dc=test", false, false},
		{"cn=a+sn=b,dc=t", "cn=a,dc=t", false, false},
		{"uid=a,dc=test", "uid=b,dc=test", false, false},
		{"cn=a\\+sn=b,dc=t", "cn=a+sn=b,dc=t", false, false},
		{"", "", false, false},
		{"junk", "junk", false, false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (dn_equal(a, str_of(rows[i].x), str_of(rows[i].y)) != rows[i].equal)
			fail_msg("row %zu: equal", i);
		if (dn_under(a, str_of(rows[i].x), str_of(rows[i].y)) != rows[i].under)
			fail_msg("row %zu: under", i);
	}
}

static void knows_dns(void **state) {
	(void)state;
	static const struct {
		struct str dn;
		bool valid;
	} rows[] = {
		{BYTES("uid=a,dc=test"), true},
		{BYTES("1.3.6.1.4.1.1466.0=#04024869"), true},
		{BYTES("cn=\\C4\\8D"), true},
		{BYTES(""), false},
		{BYTES("a"), false},
		{BYTES("=a"), false},
		{BYTES("uid=a,,dc=t"), false},
		{BYTES("uid=a\0,dc=t"), false},
		{BYTES("uid=a,dc"), false},
		{BYTES("uid=a,"), false},
		{BYTES("uid=\"a"), false},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (dn_valid(a, rows[i].dn) != rows[i].valid)
			fail_msg("row %zu: %.*s", i, FMT(rows[i].dn));
	char long_dn[LIMIT_DN + 8] = "cn=";
	memset(long_dn + 3, 'x', sizeof(long_dn) - 3);
	assert_true(dn_valid(a, str_slice(long_dn, LIMIT_DN)));
	assert_false(dn_valid(a, str_slice(long_dn, LIMIT_DN + 1)));
}

static void knows_filters(void **state) {
	(void)state;
	static const struct {
		const char *filter;
		bool valid;
	} rows[] = {
		{"(objectClass=*)", true},
		{"(&(a=b)(|(c=d)(!(e=f))))", true},
		{"(cn=a*b*)", true},
		{"(cn>=5)", true},
		{"(cn~=x)", true},
		{"(cn:dn:2.4.6.8.10:=Dino)", true},
		{"(:caseExactMatch:=x)", true},
		{"(cn=)", true},
		{"(memberOf:1.2.840.113556.1.4.1941:=cn=x,dc=t)", true},
		{"(cn=\\2a)", true},
		{"(userCertificate;binary=*)", true},
		{"", false},
		{"cn=a", false},
		{"(cn=a", false},
		{"(cn=a))", false},
		{"(cn=a)(b=c)", false},
		{"(&)", false},
		{"(!(a=b)(c=d))", false},
		{"(cn)", false},
		{"(=a)", false},
		{"(cn=\\2)", false},
		{"(cn=\\zz)", false},
		{"(c n=a)", false},
		{"()", false},
		{"(cn=a(b)", false},
		{"(&(a=b)", false},
		{"( cn=a)", false},
		{"(((((((((((((((((((cn=a)))))))))))))))))))", false},
		{"(!(!(!(!(!(!(!(!(!(!(!(!(!(!(!(!(!(!(a=b)))))))))))))))))))", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (filter_valid(str_of(rows[i].filter)) != rows[i].valid)
			fail_msg("%s", rows[i].filter);
}

static void knows_attributes(void **state) {
	(void)state;
	static const struct {
		const char *name;
		bool valid;
	} rows[] = {{"cn", true}, {"userCertificate;binary", true}, {"x-y-1", true}, {"2.5.4.3", true},
		{"member;range=0-1", false}, {"", false}, {"-a", false}, {"a b", false}, {"a_b", false},
		{"a)(b", false}, {"2.5.x", false}};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (attribute_valid(str_of(rows[i].name)) != rows[i].valid)
			fail_msg("%s", rows[i].name);
}

static void maps_attributes(void **state) {
	(void)state;
	struct directory_config d = {.driver = DIRECTORY_OPENLDAP};
	assert_true(str_eq(directory_attribute(&d, STR("login")), STR("uid")));
	d.driver = DIRECTORY_ACTIVE_DIRECTORY;
	assert_true(str_eq(directory_attribute(&d, STR("login")), STR("sAMAccountName")));
	assert_true(str_eq(directory_attribute(&d, STR("no_such")), STR("no_such")));
	d.n_attributes = 1;
	d.attributes = arena_alloc(a, sizeof(*d.attributes));
	d.attributes[0].ours = STR("login");
	d.attributes[0].theirs = STR("userPrincipalName");
	assert_true(str_eq(directory_attribute(&d, STR("login")), STR("userPrincipalName")));
}

static int open_arena(void **state) {
	(void)state;
	a = arena_new();
	return 0;
}

static int close_arena(void **state) {
	(void)state;
	arena_free(a);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_filters),
		cmocka_unit_test(escapes_dns),
		cmocka_unit_test(compares_dns),
		cmocka_unit_test(knows_dns),
		cmocka_unit_test(knows_filters),
		cmocka_unit_test(knows_attributes),
		cmocka_unit_test(maps_attributes),
	};
	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
