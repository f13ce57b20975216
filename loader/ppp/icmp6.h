/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few ICMPv6 messages that a PPP link exchanges with its peer (RFC 4861, RFC 8106). */
#ifndef L2XDP_PPP_ICMP6_H
#define L2XDP_PPP_ICMP6_H

#include "loader/base/addr.h"
#include "loader/base/bytes.h"

enum icmp6_type {
	ICMP6_ROUTER_SOLICITATION = 133,
	ICMP6_ROUTER_ADVERTISEMENT = 134,
	ICMP6_NEIGHBOUR_SOLICITATION = 135,
	ICMP6_NEIGHBOUR_ADVERTISEMENT = 136,
};

#define ICMP6_PACKET_MAX 160 /* what icmp6_build ever makes here */
#define ICMP6_HOP_LIMIT 255 /* RFC 4861: nothing from behind a router is believed */

struct icmp6 {
	const uint8_t *src, *dst; /* 16 octets each, the packet's */
	uint8_t type;
	struct reader body; /* behind type, code and checksum */
};

/* A message with code 0, hop limit 255 and a good checksum, from a link-local or the
 * unspecified address. False: anything else. */
bool icmp6_parse(const uint8_t *packet, size_t len, struct icmp6 *ret);

/* IPv6 header, type, code 0, checksum and body. */
void icmp6_build(struct writer *w, const uint8_t src[16], const uint8_t dst[16], uint8_t type,
		 const uint8_t *body, size_t len);

void icmp6_link_local(const uint8_t interface_id[8], uint8_t ret[16]);
bool icmp6_is_link_local(const uint8_t addr[16]);
bool icmp6_is_unspecified(const uint8_t addr[16]);
extern const uint8_t icmp6_all_nodes[16], icmp6_all_routers[16];

/* What a client wants to know from a router advertisement. */
struct icmp6_ra {
	uint16_t router_lifetime; /* s */
	struct prefix prefix; /* the first /64 for addresses of one's own; len 0: none */
	uint32_t valid; /* s */
	struct ipaddr dns[2];
};
/* The body behind type, code and checksum. False: malformed, and `ret` not touched. */
bool icmp6_ra_parse(struct reader body, struct icmp6_ra *ret);
/* The same, as we send it. Returns its length; cap: ICMP6_PACKET_MAX will do. */
size_t icmp6_ra_body(const struct icmp6_ra *ra, uint32_t preferred, uint8_t *out, size_t cap);

#endif
