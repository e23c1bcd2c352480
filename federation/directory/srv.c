#include "federation/directory/srv.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>

#include "base/base.h"

/* RFC 1123 2.1. */
static bool is_host(struct str s) {
	size_t label = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool hyphen = c == '-' && label > 0 && i + 1 < s.n && s.p[i + 1] != '.';
		if (c == '.' ? label == 0 : !letter && !hyphen)
			return false;
		label = c == '.' ? 0 : label + 1;
	}
	return s.n > 0 && s.n <= 253 && label > 0;
}

static bool is_below(struct str host, struct str domain) {
	return host.n > domain.n + 1 && host.p[host.n - domain.n - 1] == '.' &&
	       str_eq_case(str_sub(host, host.n - domain.n, host.n), domain);
}

/* RFC 2782: priority, weight, port, and the host, which is not compressed, though some compress it. */
static bool read_record(struct arena *a, const ns_msg *m, const ns_rr *rr, struct srv *ret) {
	char host[NS_MAXDNAME];
	const unsigned char *data = ns_rr_rdata(*rr);
	if (ns_rr_type(*rr) != ns_t_srv || ns_rr_class(*rr) != ns_c_in || ns_rr_rdlen(*rr) < 7 ||
		dn_expand(ns_msg_base(*m), ns_msg_end(*m), data + 6, host, sizeof(host)) < 0)
		return false;
	*ret = (struct srv){.host = str_lower(a, str_of(host)),
		.priority = ns_get16(data),
		.weight = ns_get16(data + 2),
		.port = ns_get16(data + 4)};
	return true;
}

bool srv_parse(struct arena *a, struct str packet, struct str domain, struct srvs *ret) {
	ns_msg m;
	struct srvs found = {.n = 0, .ttl = INT32_MAX};
	if (packet.n == 0 || packet.n > SRV_ANSWER ||
		ns_initparse((const unsigned char *)packet.p, (int)packet.n, &m) != 0 || !ns_msg_getflag(m, ns_f_qr) ||
		ns_msg_getflag(m, ns_f_rcode) != ns_r_noerror)
		return false;
	for (int i = 0; i < ns_msg_count(m, ns_s_an) && found.n < SRV_MOST; i++) {
		ns_rr rr;
		struct srv one;
		if (ns_parserr(&m, ns_s_an, i, &rr) != 0)
			return false;
		if (!read_record(a, &m, &rr, &one) || !is_host(one.host) || !is_below(one.host, domain) || !one.port)
			continue;
		found.v[found.n++] = one;
		if (ns_rr_ttl(rr) < found.ttl)
			found.ttl = ns_rr_ttl(rr);
	}
	*ret = found;
	return true;
}

/* RFC 2782: those of the least priority first; among them a weight of 0 comes first into the running sums. */
static size_t choose(const struct srvs *s, size_t from, uint32_t (*draw)(uint32_t below)) {
	unsigned least = UINT16_MAX + 1u;
	uint32_t sum = 0, running = 0;
	for (size_t i = from; i < s->n; i++)
		if (s->v[i].priority < least)
			least = s->v[i].priority;
	for (size_t i = from; i < s->n; i++)
		sum += s->v[i].priority == least ? s->v[i].weight : 0;
	uint32_t mark = draw(sum + 1);
	for (unsigned heavy = 0; heavy < 2; heavy++)
		for (size_t i = from; i < s->n; i++) {
			if (s->v[i].priority != least || (s->v[i].weight != 0) != heavy)
				continue;
			running += s->v[i].weight;
			if (running >= mark)
				return i;
		}
	return from;
}

void srv_order(struct srvs *s, uint32_t (*draw)(uint32_t below)) {
	for (size_t from = 0; from + 1 < s->n; from++) {
		size_t at = choose(s, from, draw);
		struct srv one = s->v[at];
		memmove(&s->v[from + 1], &s->v[from], (at - from) * sizeof(one));
		s->v[from] = one;
	}
}
