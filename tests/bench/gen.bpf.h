/* SPDX-License-Identifier: GPL-2.0-only */
/* How the bench's generators write a frame, and whose turn it is. */
#ifndef L2X_BENCH_GEN_BPF_H
#define L2X_BENCH_GEN_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/gen.h"

/* The next session, from 0 on, in shuffled order. */
static __always_inline __u32 gen_next(const struct gen_config *cfg, struct gen_state *state)
{
	__u32 mask = cfg->mask, x = state->x, y = 0;

	for (int i = 0; i < 16; i++) {
		x = (x * 1664525u + 1013904223u) & mask;
		if (!x)
			state->cycle++;
		y = (x ^ (x >> 5)) & mask;
		if (y < cfg->sessions)
			break;
	}
	state->x = x;
	return y;
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

static __always_inline void gen_put_word(struct xdp_md *ctx, __u32 off, __be32 value)
{
	void *p = (void *)(long)ctx->data;

	off &= GEN_OFF_MAX;
	p += off;
	if (off && p + 4 <= (void *)(long)ctx->data_end)
		*(__be32 *)p = value;
}

/* The headers as they stand for session number 0. Not 0: the frame is too short. */
static __always_inline int gen_head(struct xdp_md *ctx, const struct gen_config *cfg)
{
	const __u64 *from = (const __u64 *)cfg->head;
	__u64 *to = (void *)(long)ctx->data;

	if ((void *)to + GEN_HEAD_LEAST > (void *)(long)ctx->data_end)
		return -1;
#pragma unroll
	for (int i = 0; i < GEN_HEAD_LEAST / 8; i++)
		to[i] = from[i];
	if (cfg->head_len < GEN_HEAD_SHORT)
		return 0;
	if ((void *)to + GEN_HEAD_SHORT > (void *)(long)ctx->data_end)
		return -1;
#pragma unroll
	for (int i = GEN_HEAD_LEAST / 8; i < GEN_HEAD_SHORT / 8; i++)
		to[i] = from[i];
	if (cfg->head_len < GEN_HEAD)
		return 0;
	if ((void *)to + GEN_HEAD > (void *)(long)ctx->data_end)
		return -1;
#pragma unroll
	for (int i = GEN_HEAD_SHORT / 8; i < GEN_HEAD / 8; i++)
		to[i] = from[i];
	return 0;
}

/* more: what this session's fields add to the sums of session number 0. */
static __always_inline void gen_sums(struct xdp_md *ctx, const struct gen_config *cfg, __u32 more)
{
#pragma unroll
	for (int i = 0; i < GEN_CSUMS; i++)
		gen_put(ctx, cfg->csum[i].off, gen_fold(cfg->csum[i].sum + more));
}

#endif
