/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done to an Ethernet frame of a pseudowire on the slow path, as functions of bytes alone: VLAN
 * tags, and what its sender is told. inner.h is the same for the IP packet in it.
 */
#ifndef L2XDP_DATAPATH_FRAME_H
#define L2XDP_DATAPATH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/datapath/inner.h"

#define FRAME_HEADER 14 /* octets without tags */
#define FRAME_TAG 4
#define FRAME_TAGS 2 /* that a circuit has at most */
#define FRAME_MAX_TAGS 4 /* that are looked beyond */

/* Exchanges the tags with the VLAN IDs `have` for tags with those of `want`, both outer first and 0
 * for none. As many as there were: only the VLAN IDs change. Else the new ones have the priority of
 * the outermost old one, and the outer of two is of 802.1ad where `dot1ad` says so. The start of
 * the frame moves, by as much as 8 octets to the front, which must be there. NULL: it does not have
 * those tags; nothing is changed then. */
uint8_t *frame_retag(uint8_t *frame, size_t *len, const uint16_t have[FRAME_TAGS],
		     const uint16_t want[FRAME_TAGS], bool dot1ad);

/* The IP packet in a frame: where it begins, 0: there is none that makes sense. */
size_t frame_ip(const uint8_t *frame, size_t len, struct inner *ret);

/* May, and must, the sender of the packet be told that it is larger than mtu octets? It must not
 * where the packet may be cut, nor where mtu is less than each link has to carry (RFC 791, DP-ICMP-4);
 * nor is a group's or an ICMP error answered (DP-ICMP-2). */
bool frame_tells(const uint8_t *frame, size_t ip, const struct inner *in, uint16_t mtu);

#define FRAME_REPLY_MAX (FRAME_HEADER + FRAME_MAX_TAGS * FRAME_TAG + 40 + INNER_ICMP_MAX)
/* A frame back to the sender, with the tags of this one: ICMP 3/4 or ICMPv6 2/0 from the packet's
 * destination, for a bridge has no address of its own. Octets written. */
size_t frame_too_big(const uint8_t *frame, size_t ip, const struct inner *in, uint16_t mtu,
		     uint8_t buf[FRAME_REPLY_MAX]);

#endif
