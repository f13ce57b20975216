/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose a CPU was: what processes of a device have run, against all that it did. */
#ifndef L2XDP_BENCH_SHARE_H
#define L2XDP_BENCH_SHARE_H

#include <stdint.h>

struct cpu_share {
	uint64_t busy; /* ns that the CPU was not idle, steal included; steps of a clock tick */
	uint64_t device; /* ns that all threads of these processes have run */
	int gone; /* a process that is not there, or 0 */
};
struct cpu_share cpu_share(int cpu, const int *pids, unsigned int n_pids);

#endif
