/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running the generator, and judging whether what the clock said can be believed. */
#ifndef L2XDP_BENCH_MEASURE_H
#define L2XDP_BENCH_MEASURE_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/chain.h"
#include "tests/bench/frames.h"
#include "tests/bench/gen.h"

/* The bench's own programs, loaded; way 0 is the bare redirect. */
struct rig {
	struct bpf_object *gen_obj, *sink_obj;
	int gen, bare, sink_count, sink_verify; /* programs */
	int gen_data, sink_data, target, frames; /* maps */
	const struct chain *chain;
	bool urgent; /* runs before every ordinary task */
	unsigned int warm; /* blocks before the first that is timed, of all ways together */
};

/* Of one way in one interval: medians over its blocks, and over groups of blocks that
 * stand next to each other, one of each way. */
struct figure {
	double ns; /* per frame */
	double above; /* ns per frame more than way 0 */
	double ratio; /* to way 0 */
	double least; /* ns per frame of its quickest block */
};

struct interval {
	struct figure way[GEN_WAYS];
	uint64_t sent, arrived;
	double foreign; /* share of the time that the CPU was someone else's */
};

/* Loads gen.bpf.o and sink.bpf.o from `dir`. 0 or a negative errno. */
int rig_open(const char *dir, const struct chain *chain, struct rig *ret);
void rig_close(struct rig *r);
/* Puts a program on a way, in the driver and in test runs. */
int rig_set(struct rig *r, unsigned int way, int prog_fd);

/* Times `groups` blocks of each way: live frames through the chain, or plain test runs.
 * `state`, one for each way, goes on from call to call. */
int rig_time(struct rig *r, const struct cell *c, bool live, struct gen_state *state,
	     unsigned int groups, struct interval *ret);
/* Sends frames on one way until all sessions must have been visited, and judges each that
 * leaves. */
int rig_verify(struct rig *r, const struct cell *c, unsigned int way, struct gen_state *state,
	       struct check *k);

/* Middle value of n > 0; sorts them. */
double median(double *v, unsigned int n);
/* This thread on that CPU. */
int pin(int cpu);

#endif
