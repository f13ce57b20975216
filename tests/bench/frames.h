/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of the bench: what is sent in, and exactly what has to come out. Pure: bytes
 * from a cell of the table and a session number.
 */
#ifndef L2XDP_BENCH_FRAMES_H
#define L2XDP_BENCH_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/gen.h"

enum bench_op { BENCH_DECAP, BENCH_ENCAP };
extern const char *const bench_op_names[]; /* "decap", "encap" */

/* One line of the table: which frames, over how many sessions. */
struct cell {
	enum bench_op op;
	int family; /* of the inner packet: 4 or 6 */
	unsigned int inner; /* octets of the inner packet */
	unsigned int sessions; /* 1..65535: numbers, and our session IDs, 1..sessions */
	bool seq; /* with Ns */
	bool plain_sum; /* inner UDP without checksum: encapsulation has to sum it all */
};

/* The plan of addresses, host order. Session number k is added to the last two octets. */
#define BENCH_TUNNEL 0x1234u /* ours */
#define BENCH_PEER_TUNNEL 0x0a0bu
#define BENCH_PORT 1701u
#define BENCH_LNS 0xc0000201u /* 192.0.2.1 */
#define BENCH_LAC 0xc000020au /* 192.0.2.10 */
#define BENCH_POOL4 0x0a400000u /* 10.64.0.0/16 */
#define BENCH_POOL6 0x20010db800010000ull /* 2001:db8:1::/48, a /64 each */
#define BENCH_CORE4 0xcb007105u /* 203.0.113.5 */
#define BENCH_CORE6 0x20010db8ffff0000ull /* 2001:db8:ffff::5 */

/* Link-layer addresses are 02:00:00:00:00:N. */
enum bench_mac { MAC_FAR = 1, MAC_IN, MAC_OUT, MAC_NEXT };

/* The peer's session ID of number k: not ours, and never 0. */
static inline uint16_t bench_peer_sid(uint16_t k)
{
	return (uint16_t)(k << 8 | k >> 8);
}

/* The frame that goes in for session k; returns its length. Room: SINK_FRAME_MAX. */
size_t frame_in(const struct cell *c, uint16_t k, uint16_t ns, uint8_t *ret);
/* The same as instructions for gen.bpf.c. */
void frame_recipe(const struct cell *c, struct gen_config *ret);

/* What was seen of the frames that left. */
struct check {
	unsigned int frames, strays, sessions;
	unsigned int bad;
	char why[128]; /* of the first bad one */
	uint8_t seen[65536 / 8];
	uint16_t ns[65536]; /* of the last frame, for sequenced encapsulation */
};
/* One frame that left: `through` says that it crossed the program, else the bare redirect
 * and must be what went in. Every octet is compared. */
void frame_check(struct check *k, const struct cell *c, bool through, const uint8_t *frame,
		 size_t len);

#endif
