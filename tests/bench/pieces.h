/* SPDX-License-Identifier: GPL-2.0-only */
/* What pieces.bpf.c and the process share. */
#ifndef L2X_BENCH_PIECES_H
#define L2X_BENCH_PIECES_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#define PIECES_LOOP 64 /* times in one run */
#define PIECES_MAX (1u << 20) /* elements of each map */
#define PIECES_LPM 0x0a400000u /* the first address in the trie */

struct pieces_shared {
	__u32 mask; /* of an index: a power of two less 1 */
	__u32 x; /* of the permutation */
	__u32 ifindex; /* for the FIB: of the interface that a packet comes from */
	__u32 failed; /* times that a piece did not do what it is measured for */
	__u64 ns; /* of all loops */
};

/* Of each map's values; words that are 0, so that the next index can depend on them. */
struct pieces_line {
	__u64 zero, packets, octets, reserved[5];
};

struct pieces_lpm_key {
	__u32 len;
	__u32 addr; /* network order */
};

#endif
