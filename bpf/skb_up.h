/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Uplink at the hook of traffic control, for uplink.h: what is for this host loses its headers
 * and comes in by l2tp0, as if the slow path had written it there; all else leaves as from XDP.
 */
#ifndef L2X_BPF_SKB_UP_H
#define L2X_BPF_SKB_UP_H

#include "bpf/skb.h"

#include "bpf/inner.h"
#include "bpf/mss.h"
#include "bpf/skb_link.h"

/* Datagrams that the kernel has joined (GRO) are for the socket, which parts them. */
static __always_inline int uplink_take(struct xdp_md *ctx, struct frame *f, int v)
{
	if (v == L2X_V_TO_HOST && !ctx->gso_size) {
		f->host = HOST_IN;
		return GO_ON;
	}
	if (v != GO_ON)
		return v;
	if (f->host == HOST_ONLY)
		return L2X_V_CHANGING; /* it has a way now, which it had not a moment ago */
	return ctx->gso_size ? L2X_V_NOT_LINEAR : GO_ON;
}

/* What the header at ETH_LEN is to be: of one that goes on, with a TTL less one. */
static __always_inline int skb_up_inner(struct xdp_md *ctx, const struct frame *f, __u8 ecn)
{
	bool host = f->host == HOST_IN;
	struct ipv6hdr *ip6;
	struct iphdr *ip;
	__u64 was;

	if (!f->in.v6) {
		ip = frame_at(ctx, ETH_LEN, sizeof(*ip));
		if (!ip)
			return -1;
		if (!host)
			inner_age4(ip);
		inner_mark4(ip, ecn);
		return 0;
	}
	ip6 = frame_at(ctx, ETH_LEN, sizeof(*ip6));
	if (!ip6)
		return -1;
	was = *(any64 *)ip6;
	if (!host)
		ip6->hop_limit--;
	inner_mark6(ip6, ecn);
	/* the sum of it all that some NICs tell counts these, too */
	was = bpf_csum_diff((void *)&was, sizeof(was), (void *)ip6, sizeof(was), 0);
	bpf_csum_update(ctx, (__wsum)was);
	return 0;
}

/* From here on the frame is not what it was. */
static __always_inline int skb_up_write(struct xdp_md *ctx, const struct frame *f,
					const struct l2x_nexthop *nh, __u16 mss_mtu, __u8 ecn)
{
	int headers = f->in.at - f->l3;
	__be16 proto = bpf_htons(f->in.v6 ? ETH_P_IPV6 : ETH_P_IP);
	struct inner in = f->in;

	if (skb_untag(ctx, f))
		return L2X_V_ERROR;
	/* makes room, or takes some away: the header is still the outer one */
	if (f->v6 != in.v6) {
		if (bpf_skb_change_proto(ctx, proto, 0))
			return L2X_V_ERROR;
		headers += in.v6 ? IP6_LEN - IP4_LEN : IP4_LEN - IP6_LEN;
	}
	if (bpf_skb_adjust_room(ctx, -headers, ROOM_AFTER_MAC, ROOM_FIXED_GSO))
		return L2X_V_ERROR;
	in.at = ETH_LEN;
	if (ctx->len > ETH_LEN + in.len && bpf_skb_change_tail(ctx, ETH_LEN + in.len, 0))
		return L2X_V_ERROR;
	if (mss_mtu)
		mss_clamp_inner(ctx, &in, mss_mtu);
	if (skb_up_inner(ctx, f, ecn))
		return L2X_V_ERROR;
	if (f->host == HOST_IN)
		return L2X_V_HOST_IN;
	return skb_link_write(ctx, nh, proto) ? L2X_V_ERROR : L2X_V_DECAP;
}

#endif
