/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running the generator, and judging whether what the clock said can be believed. */
#ifndef L2XDP_BENCH_MEASURE_H
#define L2XDP_BENCH_MEASURE_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/frames.h"
#include "tests/bench/gen.h"

/* The bench's own programs, loaded. */
struct rig {
	struct bpf_object *gen_obj, *sink_obj;
	int gen, bare, sink_count, sink_verify; /* programs */
	int gen_data, sink_data, target, out, frames; /* maps */
	unsigned int in0, in1; /* ifindex: where the generator sends, where it plain-runs */
};

/* One interval: so many frames of one cell. */
struct interval {
	double ns; /* per frame */
	uint64_t sent, arrived;
	double waited, stolen; /* share of the time that the CPU was someone else's */
};

/* Loads gen.bpf.o and sink.bpf.o from `dir`. 0 or a negative errno. */
int rig_open(const char *dir, struct rig *ret);
void rig_close(struct rig *r);

/* Sends `frames` live frames into the chain. `state` goes on from call to call. */
int rig_live(struct rig *r, const struct cell *c, struct gen_state *state, uint64_t frames,
	     struct interval *ret);
/* Plain test runs of the program in `target`, with the ctx of in1. */
int rig_plain(struct rig *r, const struct cell *c, struct gen_state *state, uint64_t frames,
	      struct interval *ret);
/* Sends frames until all sessions must have been visited, and judges each that leaves. */
int rig_verify(struct rig *r, const struct cell *c, bool through, struct gen_state *state,
	       struct check *k);

/* This thread on that CPU, and while `on`, before every ordinary task there. */
int pin(int cpu);
void urgent(bool on);

#endif
