/* Header fields: the hygiene check, cookies, X-Forwarded-For. The input is lines of "Name: value". An address that
 * comes out is the peer's or a well-formed one; a cookie's value is a part of its header. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>

#include "web/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
	if (!holds)
		abort();
}

static void read_head(struct str s, struct head *h) {
	struct str line;
	while (str_next(&s, '\n', &line)) {
		size_t colon = str_find(line, ':', 0);
		head_add(h, str_sub(line, 0, colon), str_trim(str_sub(line, colon + 1, line.n)));
	}
	size_t length = 77;
	enum err code = head_check(h, METHOD_POST, true, &length);
	if (code) {
		check((code == ERR_INVALID || code == ERR_TOO_LARGE) && length == 77);
		return;
	}
	check(length <= LIMIT_BODY && !str_empty(h->host) && !h->bad && h->cookie.n <= LIMIT_COOKIE);
	check(str_absent(h->content_length) || str_absent(h->transfer_encoding));
}

static void read_cookie(struct str header) {
	struct str value = cookie_find(header, STR("a"));
	if (!str_absent(value))
		check(value.p >= header.p && value.p + value.n <= header.p + header.n &&
			str_find(value, ';', 0) == value.n);
}

static bool is_address(struct str s) {
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	snprintf(text, sizeof(text), "%.*s", FMT(s));
	return s.n < sizeof(text) && (inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1);
}

static void read_forwarded(struct arena *a, struct str header) {
	struct str proxies[] = {STR("10.0.0.1"), STR("unix"), STR("::1")};
	struct config trusting = {.trusted_proxies = {proxies, COUNT(proxies)}}, wary = {.trusted_proxies = {NULL, 0}};
	check(str_eq(client_address(a, &wary, STR("10.0.0.1"), header), STR("10.0.0.1")));
	check(is_address(client_address(a, &trusting, STR("10.0.0.1"), header)));
	struct str address = client_address(a, &trusting, STR("unix"), header);
	check(str_eq(address, STR("unix")) || is_address(address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	owned(arena) struct arena *a = arena_new();
	struct head h = {.bad = false};
	if (size > 16384)
		return 0;
	struct str s = str_dup(a, str_slice((const char *)data, size)); /* an overrun of it is seen */
	read_head(s, &h);
	read_cookie(s);
	read_cookie(h.cookie);
	read_forwarded(a, s);
	read_forwarded(a, head_forwarded_for(a, &h));
	return 0;
}
