/* SPDX-License-Identifier: GPL-2.0-only */
/* The exits: every frame is counted here, under exactly one verdict. */
#ifndef L2X_BPF_VERDICT_H
#define L2X_BPF_VERDICT_H

#include "bpf/frame.h"

#define VERDICT_BIT_DROP(n, NAME, name, class, text)                                               \
	| (L2X_VC_##class == L2X_VC_DROP ? 1ull << (n) : 0)
#define VERDICT_BIT_SLOW(n, NAME, name, class, text)                                               \
	| (L2X_VC_##class == L2X_VC_SLOW ? 1ull << (n) : 0)
#define VERDICT_BIT_FORWARD(n, NAME, name, class, text)                                            \
	| (L2X_VC_##class == L2X_VC_FORWARD ? 1ull << (n) : 0)

_Static_assert(L2X_V_MAX <= 64, "verdict sets are words");

static __always_inline bool verdict_is_drop(int v)
{
	return ((0ull L2X_VERDICTS(VERDICT_BIT_DROP)) >> (v & 63)) & 1;
}

static __always_inline bool verdict_is_slow(int v)
{
	return ((0ull L2X_VERDICTS(VERDICT_BIT_SLOW)) >> (v & 63)) & 1;
}

static __always_inline bool verdict_is_forward(int v)
{
	return ((0ull L2X_VERDICTS(VERDICT_BIT_FORWARD)) >> (v & 63)) & 1;
}

static __always_inline void verdict_count(int v)
{
	__u32 slot = (__u32)v;
	__u64 *count = bpf_map_lookup_elem(&verdicts, &slot);

	if (count)
		++*count;
}

/* at_worker: there is no XDP_TX there. */
static __always_inline int verdict_forward(struct xdp_md *ctx, __u32 lower, int v, bool at_worker)
{
	verdict_count(v);
	if (!at_worker && lower == ctx->ingress_ifindex)
		return XDP_TX; /* hairpin: one port, or two VLANs of it */
	return (int)bpf_redirect(lower, 0);
}

static __always_inline int verdict_leave(struct xdp_md *ctx, const struct frame *f, int v,
					 bool at_worker)
{
	if (verdict_is_forward(v) && v != L2X_V_HOST_IN)
		return verdict_forward(ctx, f->lower, v, at_worker);
	verdict_count(v);
	return verdict_is_drop(v) ? XDP_DROP : XDP_PASS;
}

#endif
