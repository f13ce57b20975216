/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own pseudowire (l2tp_eth) in the place of number 1, over the chain of chain.h. Its
 * device and the last way's veth are the two ports of a bridge, which knows on which of them each host
 * is:
 *
 *	outer packet -> usN-1 -> IP, UDP, L2TP -> l2tpeth -> bridge -> usN -> inN
 *	frame -> inN = usN -> bridge -> l2tpeth -> L2TP, UDP, IP -> out
 */
#ifndef L2XDP_BENCH_KERNEL_PW_H
#define L2XDP_BENCH_KERNEL_PW_H

#include "tests/bench/chain.h"
#include "tests/bench/frames.h"

/* In place of the one before. 0 or a negative errno; says what failed on stderr. */
int kernel_pw(enum bench_wire wire, const struct chain *chain);

#endif
