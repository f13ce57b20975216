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
 * (its "way"). The clock is read between blocks only. The kernel's batches end on block
 * edges, and the driver's work for a batch is done before the next one begins: so the
 * time of a block is that of its frames through the whole chain.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/gen.h"

struct gen_shared gen;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, GEN_WAYS);
	__uint(key_size, 4);
	__uint(value_size, 4);
} target SEC(".maps");

static __always_inline __u32 gen_next(struct gen_state *state)
{
	__u32 mask = gen.cfg.mask, x = state->x, y = 0;

	for (int i = 0; i < 16; i++) {
		x = (x * 1664525u + 1013904223u) & mask;
		if (!x)
			state->cycle++;
		y = (x ^ (x >> 5)) & mask;
		if (y < gen.cfg.sessions)
			break;
	}
	state->x = x;
	return y + 1;
}

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

static __always_inline __be16 gen_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff ? 0xffff : bpf_htons(~sum); /* never 0: UDP says "none" by it */
}

static __always_inline void gen_put(struct xdp_md *ctx, __u32 off, __be16 value)
{
	void *p = (void *)(long)ctx->data;

	off &= GEN_OFF_MAX;
	p += off;
	if (off && p + 2 <= (void *)(long)ctx->data_end)
		*(__be16 *)p = value;
}

SEC("xdp")
int gen_frame(struct xdp_md *ctx)
{
	struct gen_state *state;
	__u64 *to, *from = (__u64 *)gen.cfg.head;
	__u32 k, way;
	int delta;

	if (!(gen.run.frames % GEN_BLOCK))
		gen_turn();
	gen.run.frames++;
	way = gen.run.way & (GEN_WAYS - 1);
	state = &gen.state[way];

	if (!gen.cfg.live) {
		delta = (int)bpf_xdp_get_buff_len(ctx) - (int)gen.cfg.len;
		if (delta && bpf_xdp_adjust_head(ctx, delta))
			return XDP_ABORTED;
	}
	to = (void *)(long)ctx->data;
	if ((void *)to + GEN_HEAD_SHORT > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < GEN_HEAD_SHORT / 8; i++)
		to[i] = from[i];
	if (gen.cfg.long_head) {
		if ((void *)to + GEN_HEAD > (void *)(long)ctx->data_end)
			return XDP_ABORTED;
#pragma unroll
		for (int i = GEN_HEAD_SHORT / 8; i < GEN_HEAD / 8; i++)
			to[i] = from[i];
	}

	k = gen_next(state);
	gen_put(ctx, gen.cfg.sid_off, bpf_htons(k));
	gen_put(ctx, gen.cfg.addr_off, bpf_htons(k));
	gen_put(ctx, gen.cfg.ns_off, bpf_htons(state->cycle));
#pragma unroll
	for (int i = 0; i < GEN_CSUMS; i++)
		gen_put(ctx, gen.cfg.csum[i].off, gen_fold(gen.cfg.csum[i].sum + k));

	if (gen.cfg.live)
		return bpf_redirect(gen.cfg.ifindex[way], 0);
	bpf_tail_call(ctx, &target, way);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
