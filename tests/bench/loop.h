/* SPDX-License-Identifier: GPL-2.0-only */
/* What loop.bpf.c and the process share. */
#ifndef L2X_BENCH_LOOP_H
#define L2X_BENCH_LOOP_H

#include "tests/bench/gen.h"

#define LOOP_SESSIONS (1u << 20)
#define LOOP_PATIENCE 50000000ull /* ns without an arrival: what is under way is lost */
#define LOOP_TICK 16 /* turns from one look at the clock to the next */
#define LOOP_PORT 5002 /* UDP, of what counts */
#define LOOP_L2TP 1701

/* One session, in the order of the device's own list. */
struct loop_entry {
	__u32 ids; /* the device's tunnel and session ID */
	__u32 number; /* added to the first address of the pool */
	__u32 port; /* of the peer, as outer source port */
};

struct loop_shared {
	struct gen_config cfg;
	struct gen_state state;
	__u32 window; /* frames under way at most */
	__u32 plan; /* 1: no entries, sessions as in frames.h */
	__u64 from, until; /* ns, what happens between counts */
	__u64 turns, now, sent, gone, sent_at;
	__u64 begin_ns, begin_arrived, begin_gone, end_ns, end_arrived, end_gone;
};

/* Counted on another CPU: a cache line of its own. */
struct loop_arrived {
	__u64 before[16];
	__u64 frames;
	__u64 lost; /* verify: no room in the ring */
	__u64 after[14];
};

#endif
