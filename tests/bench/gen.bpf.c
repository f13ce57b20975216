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
 * The clock is read twice, at frames `first` and `last`: set-up of the run, cold pages
 * and the RCU wait at its end stay outside.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/gen.h"

struct gen_shared gen;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} target SEC(".maps");

static __always_inline __u32 gen_next(void)
{
	__u32 mask = gen.cfg.mask, x = gen.state.x, y = 0;

	for (int i = 0; i < 16; i++) {
		x = (x * 1664525u + 1013904223u) & mask;
		if (!x)
			gen.state.cycle++;
		y = (x ^ (x >> 5)) & mask;
		if (y < gen.cfg.sessions)
			break;
	}
	gen.state.x = x;
	return y + 1;
}

static __always_inline __be16 gen_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return bpf_htons(~sum);
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
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	int delta = (int)(end - data) - (int)gen.cfg.len;
	__u64 n = gen.state.frames++;
	__u64 *to, *from = (__u64 *)gen.cfg.head;
	__u32 k;

	if (delta && bpf_xdp_adjust_head(ctx, delta))
		return XDP_ABORTED;
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

	k = gen_next();
	gen_put(ctx, gen.cfg.sid_off, bpf_htons(k));
	gen_put(ctx, gen.cfg.addr_off, bpf_htons(k));
	gen_put(ctx, gen.cfg.ns_off, bpf_htons(gen.state.cycle));
#pragma unroll
	for (int i = 0; i < GEN_CSUMS; i++)
		gen_put(ctx, gen.cfg.csum[i].off, gen_fold(gen.cfg.csum[i].sum + k));

	if (n == gen.cfg.first)
		gen.state.begin = bpf_ktime_get_ns();
	else if (n == gen.cfg.last)
		gen.state.end = bpf_ktime_get_ns();

	if (gen.cfg.ifindex)
		return bpf_redirect(gen.cfg.ifindex, 0);
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
