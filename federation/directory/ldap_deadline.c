#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "federation/directory/ldap_conn.h"

/* Between the socket (LBER_SBIOD_LEVEL_PROVIDER) and TLS (LBER_SBIOD_LEVEL_TRANSPORT). */
#define LEVEL 15

#define UNREAD_MOST (12u << 20) /* bytes that one wait may read, TLS's own among them */

void conn_deadline(struct conn *c, int64_t ms) {
	c->deadline = clock_monotonic_ms() + ms;
	c->unread = UNREAD_MOST;
}

void conn_deadline_none(struct conn *c) {
	c->deadline = INT64_MAX;
}

const char *conn_reason(int rc) {
	return errno == ERANGE || errno == EMSGSIZE ? "an answer of more than 8 MiB, which is not read: is there an "
						      "entry with so much in one attribute?"
						    : ldap_err2string(rc);
}

bool conn_late(const struct conn *c) {
	return clock_monotonic_ms() >= c->deadline;
}

static int setup(Sockbuf_IO_Desc *io, void *arg) {
	io->sbiod_pvt = arg;
	return 0;
}

static int nothing(Sockbuf_IO_Desc *io) {
	(void)io;
	return 0;
}

static int control(Sockbuf_IO_Desc *io, int option, void *arg) {
	return LBER_SBIOD_CTRL_NEXT(io, option, arg);
}

static ber_slen_t read_in_time(Sockbuf_IO_Desc *io, void *into, ber_len_t n) {
	struct conn *c = io->sbiod_pvt;
	if (c->deadline == INT64_MAX)
		return LBER_SBIOD_READ_NEXT(io, into, n);
	int64_t left = c->deadline - clock_monotonic_ms();
	struct pollfd p = {.fd = -1, .events = POLLIN};
	ber_sockbuf_ctrl(io->sbiod_sb, LBER_SB_OPT_GET_FD, &p.fd);
	if (left <= 0 || poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left) <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (c->unread == 0) {
		errno = EMSGSIZE;
		return -1;
	}
	ber_slen_t got = LBER_SBIOD_READ_NEXT(io, into, n < c->unread ? n : c->unread);
	if (got > 0)
		c->unread -= (size_t)got;
	return got;
}

static ber_slen_t write_on(Sockbuf_IO_Desc *io, void *from, ber_len_t n) {
	return LBER_SBIOD_WRITE_NEXT(io, from, n);
}

static Sockbuf_IO in_time = {setup, nothing, control, read_in_time, write_on, nothing};

/* Called by libldap when there is a socket, before a handshake on it. */
static int added(LDAP *ld, Sockbuf *sb, LDAPURLDesc *server, struct sockaddr *address, struct ldap_conncb *watch) {
	(void)ld, (void)server, (void)address;
	return ber_sockbuf_add_io(sb, &in_time, LEVEL, watch->lc_arg);
}

static void gone(LDAP *ld, Sockbuf *sb, struct ldap_conncb *watch) {
	(void)ld, (void)sb, (void)watch;
}

void conn_watch(struct conn *c) {
	c->watch = (struct ldap_conncb){added, gone, c};
	ldap_set_option(c->ld, LDAP_OPT_CONNECT_CB, &c->watch);
}
