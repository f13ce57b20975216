// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the frames of the bench. The process runs it by BPF_PROG_TEST_RUN, many times on
 * the same few pages, whose bytes nobody restores: so every run writes the headers again,
 * for the next session in shuffled order, and then either
 *
 *   - redirects the frame into a veth (live frames: the whole way through the driver), or
 *   - calls the program under test (plain test runs: the program alone). There the length
 *     is not restored either, and is mended first.
 *
 * The order is a permutation that needs no table, so that finding the next session costs
 * no cache line: a linear congruential generator of full period over the next power of
 * two, mixed by a shift (also a bijection); numbers beyond the sessions are left out.
 *
 * The programs to compare take turns within one run, a block of frames each, so that all
 * of them meet the same state of the machine: each has a veth of its own to arrive at
 * (its "way"), which the process gives a turn. The clock is read between blocks only. The kernel's batches end on block
 * edges, and the driver's work for a batch is done before the next one begins: so the
 * time of a block is that of its frames through the whole chain.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/gen.bpf.h"

struct gen_shared gen;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, GEN_WAYS);
	__uint(key_size, 4);
	__uint(value_size, 4);
} target SEC(".maps");

/* The last frame's block ends here. */
static __always_inline void gen_turn(void)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 block = gen.run.block, timed = block - gen.cfg.warm;

	if (gen.run.frames) {
		if (timed < GEN_BLOCKS)
			gen.run.ns[timed] = now - gen.run.clock;
		gen.run.block = ++block;
	}
	gen.run.clock = now;
	gen.run.way = gen_way(block, gen.cfg.ways);
}

SEC("xdp")
int gen_frame(struct xdp_md *ctx)
{
	struct gen_state *state;
	__u32 k, turn;
	int delta;

	if (!(gen.run.frames % GEN_BLOCK))
		gen_turn();
	gen.run.frames++;
	turn = gen.run.way & (GEN_WAYS - 1);
	state = &gen.state[turn];

	if (!gen.cfg.live) {
		delta = (int)bpf_xdp_get_buff_len(ctx) - (int)gen.cfg.len;
		if (delta && bpf_xdp_adjust_head(ctx, delta))
			return XDP_ABORTED;
	}
	if (gen_head(ctx, &gen.cfg))
		return XDP_ABORTED;
	k = gen_number(gen_next(&gen.cfg, state));
	gen_put_word(ctx, gen.cfg.ids_off, bpf_htonl(gen.cfg.ids + k));
	gen_put_word(ctx, gen.cfg.addr_off, bpf_htonl(gen.cfg.addr + k));
	gen_put(ctx, gen.cfg.ns_off, bpf_htons(state->cycle));
	gen_sums(ctx, &gen.cfg, (k >> 16) + (k & 0xffff));

	if (gen.cfg.live)
		return bpf_redirect(gen.cfg.ifindex[turn], 0);
	bpf_tail_call(ctx, &target, gen.cfg.slot[turn]);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
