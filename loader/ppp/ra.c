/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 addresses after IPV6CP (PPP-V6-5, RFC 4861, RFC 8106).
 *
 * The LNS advertises the granted /64 and the name servers: when IPV6CP opens, in answer to
 * a Router Solicitation, and often enough that nothing expires. All go to ff02::1, which
 * on a PPP link is the one peer. The client solicits until it has been told. Both answer
 * Neighbour Solicitations for their link-local address, as some hosts probe even here.
 */
#include "loader/ppp/icmp6.h"
#include "loader/ppp/link.h"

/* Lifetimes in s; the prefix outlives a link that is set up again at once. */
#define ROUTER_LIFETIME 1800
#define PREFIX_PREFERRED 3600
#define PREFIX_VALID 7200
#define RA_EVERY_MS (ROUTER_LIFETIME / 3 * 1000)
/* The peer's IPV6CP may open after ours: say it again (RFC 4861: at most 3 times 16 s). */
#define RA_FIRST 3
#define RA_FIRST_MS 4000
#define RA_LEAST_MS 500 /* between two answers */
#define RA_RESUME_MS 30000 /* without echoes; else within the time of one */
#define NA_LEAST_MS 100

#define RS_MAX 6
#define RS_MS 1000 /* doubles */

#define NA_ROUTER 0x80000000u
#define NA_SOLICITED 0x40000000u
#define NA_OVERRIDE 0x20000000u

static void ra_tick(struct timer *t, msec_t now);

static void send_icmp6(struct ppp_link *l, const uint8_t dst[16], uint8_t type, const uint8_t *body,
		       size_t len)
{
	uint8_t packet[ICMP6_PACKET_MAX], src[16];
	struct writer w = writer_of(packet, sizeof(packet));

	icmp6_link_local(l->net.local_id, src);
	icmp6_build(&w, src, dst, type, body, len);
	if (!w.bad)
		link_send_packet(l, PPP_IPV6, packet, w.len);
}

static void send_advertisement(struct ppp_link *l, msec_t now)
{
	struct icmp6_ra ra = {
		.router_lifetime = ROUTER_LIFETIME,
		.prefix = l->net.ipv6,
		.valid = PREFIX_VALID,
		.dns = { l->net.dns6[0], l->net.dns6[1] },
	};
	uint8_t body[ICMP6_PACKET_MAX];
	size_t len = icmp6_ra_body(&ra, PREFIX_PREFERRED, body, sizeof(body));

	l->ra.last = now;
	send_icmp6(l, icmp6_all_nodes, ICMP6_ROUTER_ADVERTISEMENT, body, len);
}

static void send_solicitation(struct ppp_link *l)
{
	static const uint8_t reserved[4];

	send_icmp6(l, icmp6_all_routers, ICMP6_ROUTER_SOLICITATION, reserved, sizeof(reserved));
}

/* Sends what this side says by itself, and sets the time of the next one. */
static void speak(struct ppp_link *l, msec_t now)
{
	uint8_t n = l->ra.sent;

	if (l->ra.sent < UINT8_MAX)
		l->ra.sent++;
	if (!l->cfg->client) {
		link_timer(l, &l->ra_timer, now + (n + 1 < RA_FIRST ? RA_FIRST_MS : RA_EVERY_MS),
			   ra_tick);
		send_advertisement(l, now);
	} else if (n < RS_MAX) {
		link_timer(l, &l->ra_timer, now + (RS_MS << n), ra_tick);
		send_solicitation(l);
	}
}

static void ra_tick(struct timer *t, msec_t now)
{
	struct ppp_link *l = container_of(t, struct ppp_link, ra_timer);

	link_enter(l);
	speak(l, now);
	link_leave(l);
}

void ra_start(struct ppp_link *l, msec_t now)
{
	l->ra.sent = 0;
	l->ra.told = false;
	speak(l, now);
}

void ra_stop(struct ppp_link *l)
{
	timer_stop(l->timers, &l->ra_timer);
}

/* The peer has been told; nobody knows when, so it is told again soon. */
void ra_resume(struct ppp_link *l, msec_t now, uint32_t spread)
{
	unsigned int ms = l->cfg->echo_ms ? l->cfg->echo_ms : RA_RESUME_MS;

	l->ra.sent = RA_FIRST;
	link_timer(l, &l->ra_timer, now + 1 + spread % ms, ra_tick);
}

void ra_repeat(struct ppp_link *l, msec_t when)
{
	l->ra.sent = 0;
	link_timer(l, &l->ra_timer, when, ra_tick);
}

/* ---- what comes in ---- */

static void solicited(struct ppp_link *l, msec_t now)
{
	if (!l->cfg->client && now - l->ra.last >= RA_LEAST_MS)
		send_advertisement(l, now);
}

static void advertised(struct ppp_link *l, const struct icmp6 *m)
{
	struct icmp6_ra ra;
	bool same;

	if (!l->cfg->client || icmp6_is_unspecified(m->src) || !icmp6_ra_parse(m->body, &ra) ||
	    !ra.prefix.len)
		return;
	timer_stop(l->timers, &l->ra_timer);
	same = addr_eq(&ra.prefix.addr, &l->net.ipv6.addr) &&
	       addr_eq(&ra.dns[0], &l->net.dns6[0]) && addr_eq(&ra.dns[1], &l->net.dns6[1]);
	if (l->ra.told && same)
		return;
	l->ra.told = true;
	l->net.ipv6 = ra.prefix;
	l->net.dns6[0] = ra.dns[0];
	l->net.dns6[1] = ra.dns[1];
	if (l->ops->prefix)
		l->ops->prefix(l->ctx, &l->net);
}

static void neighbour_solicited(struct ppp_link *l, msec_t now, struct icmp6 *m)
{
	uint8_t mine[16], body[20];
	struct writer w = writer_of(body, sizeof(body));
	bool probe = icmp6_is_unspecified(m->src); /* duplicate address detection */
	const uint8_t *target;

	reader_u32(&m->body);
	target = reader_take(&m->body, 16);
	icmp6_link_local(l->net.local_id, mine);
	if (!target || memcmp(target, mine, sizeof(mine)) != 0 ||
	    now - l->ra.last_answer < NA_LEAST_MS)
		return;
	l->ra.last_answer = now;
	writer_u32(&w, (l->cfg->client ? 0 : NA_ROUTER) | (probe ? 0 : NA_SOLICITED) | NA_OVERRIDE);
	writer_bytes(&w, mine, sizeof(mine));
	send_icmp6(l, probe ? icmp6_all_nodes : m->src, ICMP6_NEIGHBOUR_ADVERTISEMENT, body, w.len);
}

void ppp_ipv6_local(struct ppp_link *l, msec_t now, const uint8_t *packet, size_t len)
{
	struct icmp6 m;

	if (!l->ipv6cp.up || !icmp6_parse(packet, len, &m))
		return;
	link_enter(l);
	switch (m.type) {
	case ICMP6_ROUTER_SOLICITATION:
		solicited(l, now);
		break;
	case ICMP6_ROUTER_ADVERTISEMENT:
		advertised(l, &m);
		break;
	case ICMP6_NEIGHBOUR_SOLICITATION:
		neighbour_solicited(l, now, &m);
		break;
	}
	link_leave(l);
}
