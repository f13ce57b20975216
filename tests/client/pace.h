/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many packets are due, at a rate. Who was held up (a slow tick, a busy machine) goes on at
 * the rate and makes up for 20 ms at most, or PACE_BURST packets: more at once would overflow
 * the ring of a veth (256 frames) or what the kernel holds for a neighbour that it looks for
 * (101), and be counted as lost by what is tested.
 */
#ifndef L2XDP_TESTS_PACE_H
#define L2XDP_TESTS_PACE_H

#include <stdint.h>

#define PACE_BURST 64
#define PACE_MOST 4096 /* packets at once, at any rate */

struct pace {
	uint64_t start_us; /* in the future: nothing is due before */
	uint64_t given; /* packets since then, those not made up for among them */
};

/* Packets that may be sent now, at most PACE_MOST; add what was sent to .given. */
static inline uint64_t pace_due(struct pace *p, uint64_t rate, uint64_t now_us)
{
	uint64_t total = now_us > p->start_us ? (now_us - p->start_us) * rate / 1000000 : 0;
	uint64_t most = rate / 50 > PACE_BURST ? rate / 50 : PACE_BURST;

	if (total > p->given + most)
		p->given = total - most;
	if (total <= p->given)
		return 0;
	return total - p->given < PACE_MOST ? total - p->given : PACE_MOST;
}

#endif
