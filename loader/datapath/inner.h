/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done to a subscriber's IP packet on the slow path, as functions of bytes alone:
 * no socket, no map, no clock. The programs of bpf/ do the same at the hook.
 */
#ifndef L2XDP_DATAPATH_INNER_H
#define L2XDP_DATAPATH_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/addr.h"

/* What inner_parse has found to be true of a packet. */
struct inner {
	bool v6;
	bool df; /* IPv6: true, routers do not fragment it */
	bool more; /* IPv4 MF */
	uint16_t offset; /* IPv4 fragment offset, octets */
	uint16_t hlen; /* of the IPv4 header, or 40 */
	uint8_t proto; /* of what follows that */
	uint8_t tos; /* DSCP and ECN */
	uint32_t len; /* octets of the packet without PPP padding */
	struct ipaddr src, dst;
};

/* DP-IN-1, DP-IN-2. 0, or -EBADMSG; *ret is not touched then. */
int inner_parse(const uint8_t *p, size_t len, bool v6, struct inner *ret);

/* fe80::/10 or ::, which are for the PPP link itself (DP-SLOW-6). */
bool inner_is_link_local(const struct ipaddr *a);
bool inner_is_multicast(const struct ipaddr *a); /* and IPv4 broadcast */

/* ECN field that the inner packet leaves with (DP-ECN-2), or -1: drop. Only the lower two
 * bits of the arguments count. */
int inner_ecn(uint8_t inner, uint8_t outer);
/* Writes it, header checksum included. */
void inner_set_ecn(uint8_t *p, struct inner *in, uint8_t ecn);

/* Lowers the MSS of a SYN to mtu less 40 or 60 (DP-MSS-1, DP-MSS-2). True if changed. */
bool inner_clamp_mss(uint8_t *p, const struct inner *in, uint16_t mtu);

/* May the sender of this packet be told by ICMP that it is too big (DP-ICMP-2, -3)? */
bool inner_icmp_allowed(const uint8_t *p, const struct inner *in);
#define INNER_ICMP_MAX 1240 /* an ICMPv6 message of 1280 octets with its IP header */
/* ICMP 3/4 or ICMPv6 2/0 without IP header, and without ICMPv6 checksum, which the kernel
 * fills. Octets written. */
size_t inner_icmp_build(const uint8_t *p, const struct inner *in, uint16_t mtu,
			uint8_t buf[INNER_ICMP_MAX]);

/* Cuts an IPv4 packet (DP-FRAG-3). Start with `done` 0. */
struct inner_fragment {
	uint32_t done; /* octets of data cut so far */
	uint8_t header[60];
	uint16_t hlen;
	const uint8_t *data;
	uint16_t len; /* of data */
};
/* The next fragment of at most mtu octets. False: no more, or mtu too small to cut. */
bool inner_fragment_next(const uint8_t *p, const struct inner *in, uint16_t mtu,
			 struct inner_fragment *f);

/* Internet checksum (RFC 1071) over n octets, as it stands in a header in host order. */
uint16_t inner_checksum(const uint8_t *p, size_t n);

#endif
