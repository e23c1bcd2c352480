#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/stat.h>

#include "federation/directory/ldap_conn.h"
#include "federation/directory/ldap_tls.h"

#define CONTEXTS 16 /* beyond it, a handle gets a context of its own */

struct shared_context {
	char *path;
	struct timespec changed;
	ino_t inode;
	void *context;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared_context contexts[CONTEXTS];
static size_t n_contexts;

static struct shared_context *context_find(const char *path, const struct stat *now) {
	for (size_t i = 0; i < n_contexts; i++) {
		struct shared_context *c = &contexts[i];
		if (strcmp(c->path, path) == 0 && c->inode == now->st_ino && c->changed.tv_sec == now->st_mtim.tv_sec &&
			c->changed.tv_nsec == now->st_mtim.tv_nsec)
			return c;
	}
	return NULL;
}

/* NEWCTX makes the settings before it take effect, and must come last. */
static bool context_make(LDAP *ld, const char *path) {
	int client = 0;
	if (*path && ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, path) != LDAP_OPT_SUCCESS)
		return false;
	return ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
}

static void context_keep(LDAP *ld, const char *path, const struct stat *now) {
	void *context = NULL;
	char *copy = NULL;
	if (n_contexts == CONTEXTS || ldap_get_option(ld, LDAP_OPT_X_TLS_CTX, &context) != LDAP_OPT_SUCCESS ||
		!context || !(copy = strdup(path)))
		return;
	contexts[n_contexts++] = (struct shared_context){copy, now->st_mtim, now->st_ino, context};
}

static bool context_use(LDAP *ld, const char *path, const struct stat *now) {
	pthread_mutex_lock(&lock);
	struct shared_context *c = context_find(path, now);
	bool made =
		c ? ldap_set_option(ld, LDAP_OPT_X_TLS_CTX, c->context) == LDAP_OPT_SUCCESS : context_make(ld, path);
	if (made && !c)
		context_keep(ld, path, now);
	pthread_mutex_unlock(&lock);
	return made;
}

enum err ldap_tls_use(struct task *t, LDAP *ld, struct str ca_file) {
	int demand = LDAP_OPT_X_TLS_DEMAND, least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
	const char *path = "";
	struct stat now = {0};
	if (!str_empty(ca_file)) {
		TRY(task_cstr(t, ca_file, &path));
		if (stat(path, &now) != 0)
			return task_fail(t, ERR_CONFIG, "CA file %s cannot be read", path);
	}
	ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least);
	if (ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) != LDAP_OPT_SUCCESS ||
		!context_use(ld, path, &now))
		return task_fail(t, ERR_CONFIG, "CA file %s cannot be used", path);
	return OK;
}

bool ldap_tls_use_any(LDAP *ld) {
	int never = LDAP_OPT_X_TLS_NEVER, client = 0;
	return ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &never) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
}

OWNED(x509, X509 *, X509_free)

static int64_t asn1_ms(const ASN1_TIME *time) {
	struct tm tm = {0};
	return time && ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

static X509 *certificate_of(LDAP *ld) {
	struct berval der = {0};
	if (!ldap_tls_inplace(ld) || ldap_get_option(ld, LDAP_OPT_X_TLS_PEERCERT, &der) != LDAP_OPT_SUCCESS ||
		!der.bv_val)
		return NULL;
	const unsigned char *at = (const unsigned char *)der.bv_val;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.bv_len);
	ldap_memfree(der.bv_val);
	return certificate;
}

static struct validity validity_of(const X509 *certificate) {
	return (struct validity){asn1_ms(X509_get0_notBefore(certificate)), asn1_ms(X509_get0_notAfter(certificate))};
}

struct validity ldap_tls_validity(LDAP *ld) {
	owned(x509) X509 *certificate = certificate_of(ld);
	return certificate ? validity_of(certificate) : (struct validity){0};
}

/* ---- what it is for ---- */
static void general_names_free(GENERAL_NAMES *names) {
	GENERAL_NAMES_free(names);
}
OWNED(general_names, GENERAL_NAMES *, general_names_free)
static void bio_free(BIO *bio) {
	BIO_free(bio);
}
OWNED(bio, BIO *, bio_free)

static struct str bio_text(struct task *t, BIO *bio) {
	char *text = NULL;
	long n = BIO_get_mem_data(bio, &text);
	return n > 0 ? str_dup(t->arena, str_slice(text, (size_t)n)) : STR("");
}

static struct str name_text(struct task *t, const X509_NAME *name) {
	owned(bio) BIO *bio = BIO_new(BIO_s_mem());
	if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0)
		return STR("");
	return bio_text(t, bio);
}

/* "DNS:ldap1.example.org, IP Address:192.0.2.1"; the subject where it has no such names. */
static struct str names_of(struct task *t, X509 *certificate) {
	owned(general_names) GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	owned(bio) BIO *bio = BIO_new(BIO_s_mem());
	for (int i = 0; bio && i < sk_GENERAL_NAME_num(names); i++) {
		if (i)
			BIO_puts(bio, ", ");
		GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
	}
	struct str text = bio ? bio_text(t, bio) : STR("");
	return str_empty(text) ? name_text(t, X509_get_subject_name(certificate)) : text;
}

/* As libldap compares: a common name counts too. */
static bool is_for(X509 *certificate, const char *host) {
	char common[256];
	int n = X509_NAME_get_text_by_NID(
		X509_get_subject_name(certificate), NID_commonName, common, (int)sizeof(common));
	return X509_check_host(certificate, host, 0, 0, NULL) == 1 || X509_check_ip_asc(certificate, host, 0) == 1 ||
	       (n > 0 && str_eq_case(str_slice(common, (size_t)n), str_of(host)));
}

void ldap_tls_certificate(struct task *t, LDAP *ld, const char *host, struct certificate *ret) {
	owned(x509) X509 *certificate = certificate_of(ld);
	if (!certificate)
		return;
	*ret = (struct certificate){.validity = validity_of(certificate),
		.is_for_host = is_for(certificate, host),
		.names = names_of(t, certificate),
		.issuer = name_text(t, X509_get_issuer_name(certificate))};
}
