/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ground that the bench stands on: a network namespace of this process alone, which
 * vanishes with it.
 *
 *	generator -> in0 = us0 -> bare redirect ----+
 *	          -> in1 = us1 -> program ----------+
 *	          -> in2 = us2 -> another build ----+-> out = sink
 *	          -> in3 = us3 -> the kernel -------+
 *
 * One way for each program that is compared, and the last one for the kernel: what it forwards,
 * and what it takes from or gives to its VXLAN device. The generator redirects into inN, so frames
 * arrive at usN, where the program is attached; it sends them out of `out`, and a program
 * at the sink ends them. Next hops and their link-layer addresses are static: nothing has
 * to be resolved.
 */
#ifndef L2XDP_BENCH_CHAIN_H
#define L2XDP_BENCH_CHAIN_H

#include "tests/bench/gen.h"

struct chain {
	unsigned int ways; /* the last one is the kernel's */
	unsigned int in[GEN_WAYS], us[GEN_WAYS], out, sink; /* ifindex */
};

/* 0 or a negative errno; says what failed on stderr. */
int chain_make(unsigned int ways, struct chain *ret);
/* And a VXLAN device in it, for what needs one: not every guest can have it. */
int chain_vxlan(void);
/* Attaches in place of what is there, in driver mode. */
int chain_attach(unsigned int ifindex, int prog_fd);

#endif
