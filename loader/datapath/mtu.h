/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes (dataplane.md section 6) and what a reported path MTU is worth. Pure. */
#ifndef L2XDP_DATAPATH_MTU_H
#define L2XDP_DATAPATH_MTU_H

#include <stdbool.h>
#include <stdint.h>

#define MTU_MIN4 576 /* DP-MTU-3 */
#define MTU_MIN6 1280
#define MTU_RAISE_MS (10 * 60 * 1000)

/* Octets of outer IP, UDP, L2TP and PPP around an inner packet as we send it. */
uint16_t mtu_overhead(bool outer6, bool seq, bool acfc);
/* DP-MTU-1. way: of the outer packet. peer_mru 0: 1500. limit 0: none. */
uint16_t mtu_session(uint16_t way, uint16_t peer_mru, uint16_t limit, bool outer6, bool seq,
		     bool acfc);
/* DP-MTU-2: the MRU to ask for. */
uint16_t mtu_mru(uint16_t way, uint16_t limit, bool outer6);
/* V3-ETH-6: octets around a frame of a pseudowire as we send it. cookie: its octets. */
uint16_t mtu_pw_overhead(bool outer6, bool udp, uint8_t cookie, bool sublayer);
/* DP-ICMP-5: the path MTU to believe after a report, 0: the report changes nothing.
 * reported 0: a router that does not say (RFC 1191 section 5). */
uint16_t mtu_believe(uint16_t now, uint32_t reported, bool outer6);

#endif
