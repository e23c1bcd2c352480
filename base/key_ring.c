/* The key file, and what is derived from its keys. Also secret.h's secret_load_keys and secret_use_key. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/key_ring.h"
#include "base/secret.h"

#define KEYS_MOST 16u
#define FILE_MOST 4096u

OWNED(evp_kdf_ctx, EVP_KDF_CTX *, EVP_KDF_CTX_free)

static EVP_KDF *hkdf;
static struct key ring[KEYS_MOST];
static size_t ring_n;

#define DERIVED_MOST 8u

/* Rows are written once, under the lock, and then counted: whoever reads the count may read them. */
static struct {
	pthread_mutex_t lock;
	atomic_size_t n;
	struct {
		struct str purpose;
		char name[24];
		uint8_t bytes[KEY_SIZE];
	} rows[DERIVED_MOST];
} derived_ones = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void fd_close(int *fd) {
	if (*fd >= 0)
		close(*fd);
}

void key_ring_init(void) {
	hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	if (!hkdf)
		abort();
}

const struct key *key_ring_first(void) {
	return ring_n ? &ring[0] : NULL;
}

const struct key *key_ring_next(const struct key *key) {
	return key + 1 < ring + ring_n ? key + 1 : NULL;
}

void key_derive(uint8_t out[KEY_SIZE], const struct key *key, struct str use, struct str purpose) {
	char name[] = "SHA256", info[256];
	if (!hkdf || use.n + purpose.n > sizeof(info))
		abort();
	memcpy(info, use.p, use.n);
	if (purpose.n)
		memcpy(info + use.n, purpose.p, purpose.n);
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key->bytes, KEY_SIZE),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, use.n + purpose.n),
		OSSL_PARAM_construct_end(),
	};
	owned(evp_kdf_ctx) EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(hkdf);
	if (!ctx || EVP_KDF_derive(ctx, out, KEY_SIZE, params) != 1)
		abort();
}

bool key_derived_find(uint8_t out[KEY_SIZE], struct str purpose) {
	size_t n = atomic_load_explicit(&derived_ones.n, memory_order_acquire);
	for (size_t i = 0; i < n; i++) {
		if (!str_eq(derived_ones.rows[i].purpose, purpose))
			continue;
		memcpy(out, derived_ones.rows[i].bytes, KEY_SIZE);
		return true;
	}
	return false;
}

void key_derived_keep(const uint8_t derived[KEY_SIZE], struct str purpose) {
	uint8_t found[KEY_SIZE];
	if (purpose.n > sizeof(derived_ones.rows[0].name))
		return;
	pthread_mutex_lock(&derived_ones.lock);
	size_t n = atomic_load_explicit(&derived_ones.n, memory_order_relaxed);
	if (n < DERIVED_MOST && !key_derived_find(found, purpose)) {
		memcpy(derived_ones.rows[n].bytes, derived, KEY_SIZE);
		if (purpose.n)
			memcpy(derived_ones.rows[n].name, purpose.p, purpose.n);
		derived_ones.rows[n].purpose = str_slice(derived_ones.rows[n].name, purpose.n);
		atomic_store_explicit(&derived_ones.n, n + 1, memory_order_release);
	}
	pthread_mutex_unlock(&derived_ones.lock);
	wipe(found, sizeof(found));
}

static void key_set(struct key *key, const void *bytes) {
	uint8_t derived[KEY_SIZE];
	memcpy(key->bytes, bytes, KEY_SIZE);
	key_derive(derived, key, STR("usher key id"), STR_NONE);
	memcpy(key->id, derived, KEY_ID_SIZE);
}

static void ring_replace(const struct key *keys, size_t n) {
	wipe(ring, sizeof(ring));
	memcpy(ring, keys, n * sizeof(*keys));
	ring_n = n;
	atomic_store(&derived_ones.n, 0);
	wipe(derived_ones.rows, sizeof(derived_ones.rows));
}

void secret_use_key(const uint8_t key[32]) {
	struct key one;
	secret_init();
	key_set(&one, key);
	ring_replace(&one, 1);
}

/* A temporary file is linked to its place, so that of two programs that start together both take the same key, and a
 * crash leaves no half of one. */
static bool file_link(const char *temporary, int fd, const char *path) {
	owned(arena) struct arena *a = arena_new();
	char *bytes = arena_alloc(a, KEY_SIZE);
	random_bytes(bytes, KEY_SIZE);
	struct str line = str_printf(a, "%.*s\n", FMT(hex_encode(a, str_slice(bytes, KEY_SIZE))));
	if (write(fd, line.p, line.n) != (ssize_t)line.n || fsync(fd))
		return false;
	return link(temporary, path) == 0 || errno == EEXIST;
}

static bool folder_sync(const char *path) {
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	__attribute__((cleanup(fd_close))) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fsync(fd) == 0;
}

static bool file_create(const char *path) {
	char temporary[PATH_MAX];
	int n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(temporary))
		return false;
	__attribute__((cleanup(fd_close))) int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return false;
	bool linked = file_link(temporary, fd, path);
	unlink(temporary);
	return linked && folder_sync(path);
}

/* A file of ours is for us alone. One of root's may be readable through its group: so the service manager hands
 * credentials to a daemon (an access list, whose mask shows as the group's bits). */
static const char *file_refuse(int fd) {
	struct stat found;
	if (fstat(fd, &found))
		return "cannot be examined";
	if (!S_ISREG(found.st_mode))
		return "is not a regular file";
	mode_t wide = found.st_uid == geteuid() ? 0077 : 0027;
	if (found.st_mode & wide)
		return "can be read or changed by others; its mode should be 0600";
	return found.st_size > FILE_MOST ? "is too long" : NULL;
}

static bool file_read(int fd, char *bytes, size_t *ret) {
	size_t n = 0;
	while (n < FILE_MOST) {
		ssize_t got = read(fd, bytes + n, FILE_MOST - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret = n;
	return true;
}

static const char *keys_parse(struct arena *a, struct str text, struct key *keys, size_t *ret) {
	struct str line, bytes;
	size_t n = 0;
	while (str_next(&text, '\n', &line)) {
		line = str_trim(line);
		if (str_empty(line))
			continue;
		if (line.n != 2 * KEY_SIZE || !hex_decode(a, str_lower(a, line), &bytes))
			return "must hold lines of 64 hexadecimal digits";
		if (n == KEYS_MOST)
			return "holds more than 16 keys";
		key_set(&keys[n++], bytes.p);
	}
	if (n == 0)
		return "holds no key";
	*ret = n;
	return NULL;
}

static const char *file_load(struct arena *a, int fd) {
	const char *why = file_refuse(fd);
	if (why)
		return why;
	char *bytes = arena_alloc(a, FILE_MOST);
	struct key *keys = arena_array(a, struct key, KEYS_MOST);
	size_t size = 0, n = 0;
	if (!file_read(fd, bytes, &size))
		return "cannot be read";
	why = keys_parse(a, str_slice(bytes, size), keys, &n);
	if (!why)
		ring_replace(keys, n);
	return why;
}

static const char *create_phrase(int why) {
	if (why == ENOSPC || why == EDQUOT)
		return "cannot be made: the disk is full";
	return "cannot be made: its folder must exist, and this user must be able to write there";
}

static const char *open_phrase(int why) {
	if (why == ENOENT)
		return "does not exist";
	if (why == EACCES)
		return "cannot be opened: this user may not read it; it belongs to the daemon's user, mode 0600";
	return "cannot be opened";
}

enum err secret_load_keys(const char *path, bool create, const char **ret_why) {
	secret_init();
	if (create && access(path, F_OK) && errno == ENOENT && !file_create(path)) {
		*ret_why = create_phrase(errno);
		return ERR_CONFIG;
	}
	__attribute__((cleanup(fd_close))) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		*ret_why = open_phrase(errno);
		return ERR_CONFIG;
	}
	owned(arena) struct arena *a = arena_new(); /* wiped: it holds the keys */
	const char *why = file_load(a, fd);
	if (!why)
		return OK;
	*ret_why = why;
	return ERR_CONFIG;
}
