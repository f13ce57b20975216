/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own L2TP (l2tp_ppp) as the LNS of session 1, over the chain of chain.h: a PPP
 * device to which the pools lead, and by which what its peer sends comes in.
 */
#ifndef L2XDP_BENCH_KERNEL_L2TP_H
#define L2XDP_BENCH_KERNEL_L2TP_H

/* It lives as long as this process. 0 or a negative errno; says what failed on stderr. */
int kernel_l2tp(void);

#endif
