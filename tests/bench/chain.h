/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ground that the bench stands on: a network namespace of this process alone, which
 * vanishes with it.
 *
 *	generator -> in0 = in1 -> program -> out0 = out1 -> sink
 *
 * The generator redirects into in0, so frames arrive at in1, where the program under
 * test is attached; it sends them out of out0, and the sink at out1 ends them. Next hops
 * and their link-layer addresses are static: nothing has to be resolved.
 */
#ifndef L2XDP_BENCH_CHAIN_H
#define L2XDP_BENCH_CHAIN_H

struct chain {
	unsigned int in0, in1, out0, out1; /* ifindex */
};

/* 0 or a negative errno; says what failed on stderr. */
int chain_make(struct chain *ret);
/* Attaches in place of what is there, in driver mode. */
int chain_attach(unsigned int ifindex, int prog_fd);

#endif
