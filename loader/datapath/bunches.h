/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which datagrams of a batch leave as one: the kernel takes datagrams of one length to one peer in
 * one piece and parts them at the device (UDP_SEGMENT, udp(7)), which costs it much less than
 * as many that are sent alone. Sessions in set-up say things of the same length all the time.
 */
#ifndef L2XDP_LOADER_DATAPATH_BUNCHES_H
#define L2XDP_LOADER_DATAPATH_BUNCHES_H

#include <stdbool.h>

#include "loader/base/addr.h"

#define BUNCHES_MAX 64u /* datagrams of a batch */
#define BUNCH_OCTETS 60000u /* of all datagrams of a bunch, at the most */

struct datagram {
	struct path path;
	uint32_t session; /* those of one keep their order; 0: those of one path do */
	uint16_t len; /* octets of the UDP payload, not 0 */
	uint8_t tos;
};

struct bunches {
	struct datagram of[BUNCHES_MAX]; /* in the order in which they came */
	uint8_t bunch[BUNCHES_MAX]; /* that each belongs to */
	unsigned int n;
	/* of each bunch */
	uint8_t first[BUNCHES_MAX]; /* of its datagrams */
	uint8_t count[BUNCHES_MAX];
	unsigned int n_bunches;
};

/* The datagram is in the earliest bunch of its kind that keeps its order, or one of its own, as with
 * `alone`. There must be room: b->n < BUNCHES_MAX. */
void bunches_add(struct bunches *b, const struct datagram *d, bool alone);

#endif
