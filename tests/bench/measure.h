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

/* The bench's own programs, loaded; way 0 is the bare redirect, the last one the kernel. */
struct rig {
	struct bpf_object *gen_obj, *sink_obj;
	int gen, bare, pass, sink_count, sink_verify; /* programs */
	int gen_data, sink_data, target, frames; /* maps */
	const struct chain *chain;
	bool urgent; /* runs before every ordinary task */
	unsigned int warm; /* blocks of each way before the first that is timed */
};

/* Which ways take turns, the first one is what the others are compared with. */
struct lineup {
	unsigned int n, way[GEN_WAYS];
};

/* Of one turn in one interval: medians over its blocks, and over groups of blocks that
 * stand next to each other, one of each turn. */
struct figure {
	double ns; /* per frame */
	double above; /* ns per frame more than the first */
	double ratio; /* of its rate to that of the first */
	double least; /* ns per frame of its quickest block */
};

struct interval {
	struct figure turn[GEN_WAYS];
	uint64_t sent, arrived;
	double foreign; /* share of the time that the CPU was someone else's */
	double neighbours; /* share of the time that the other CPUs were busy */
};

/* Loads gen.bpf.o and sink.bpf.o from `dir`. 0 or a negative errno. */
int rig_open(const char *dir, const struct chain *chain, struct rig *ret);
void rig_close(struct rig *r);
/* Puts a program on a way, in the driver and in test runs. */
int rig_set(struct rig *r, unsigned int way, int prog_fd);

/* Times `groups` blocks of each (no lineup: of every way): live frames through the chain, or plain test runs.
 * `state`, one for each turn, goes on from call to call. */
int rig_time(struct rig *r, const struct cell *c, const struct lineup *l, bool live,
	     struct gen_state *state, unsigned int groups, struct interval *ret);
/* Sends frames on one way until all sessions must have been visited, twice if they are
 * numbered, and judges each that leaves. */
int rig_verify(struct rig *r, const struct cell *c, unsigned int way, struct gen_state *state,
	       struct check *k);

/* Whose CPU was it meanwhile? Between the two calls this thread comes before all ordinary
 * ones; `ns` is how long what counts has taken. */
struct watch {
	uint64_t waited, stolen, others, others_busy; /* ns, at the start */
	double foreign; /* as struct interval */
	double neighbours;
};
void watch_start(struct watch *w, bool before_others); /* as struct rig has it */
void watch_stop(struct watch *w, double ns);
/* False: this kernel does not tell how long a thread waited for its CPU. */
bool measure_can_judge(void);
/* This thread on that CPU. */
int pin(int cpu);
/* The last one that this process may run on. */
int last_cpu(void);

#endif
