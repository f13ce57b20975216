// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stages of l2xdp.bpf.c at the hook of traffic control (tc, clsact), where the kernel has made
 * a socket buffer of the frame. Three programs with the maps of the other object:
 *
 *   l2xdp_out   egress of l2tp0: what this host sends to subscribers, and what it routes there
 *               from interfaces that are not ours. It leaves by the NIC as from XDP, large
 *               segments as such (skb_down.h).
 *   l2xdp_in    ingress of a NIC, behind XDP, which passes what is for an address of this host
 *               (to-host), and TCP without its headers (host.h). It comes in by l2tp0 (skb_up.h).
 *   l2xdp_tc    ingress of a NIC with `mode: tc`, in the place of XDP: all of both ways, and LCP
 *               echoes.
 *
 * What the first two leave goes on as if they were not there, to the daemon, which counts it as
 * ever; XDP has counted and policed it, or it comes from this host. So under a verdict they count
 * only what they take. The third counts every frame, as XDP does.
 *
 * live.host tells all programs whether the first two are in place; it is 0 while they are not, and
 * nothing is left to somebody who is not there.
 */
#include "bpf/skb.h"
#include <bpf/bpf_helpers.h>

#include "bpf/daemon.h"
#include "bpf/echo.h"
#include "bpf/frame.h"
#include "bpf/host.h"
#include "bpf/parse.h"
#include "bpf/police.h"
#include "bpf/skb_down.h"
#include "bpf/skb_link.h"
#include "bpf/uplink.h"
#include "bpf/verdict.h"

SEC("tc")
int l2xdp_tc(struct xdp_md *ctx)
{
	struct frame f = {};
	__u32 index = 0;
	__be16 proto = 0;
	int v;

	skb_linear(ctx);
	v = skb_parse_link(ctx, &f, &proto);
	if (v == GO_ON)
		v = classify(ctx, &f, proto, &index);
	if (v == GO_ON)
		v = f.uplink ? uplink(ctx, &f) : skb_downlink(ctx, &f, index);
	if (v == L2X_V_TO_HOST) /* the kernel has joined it with others */
		v = L2X_V_NO_ROUTE;
	if (verdict_is_slow(v))
		v = police_slow(ctx, &f, v);
	if (v == L2X_V_PPP_CONTROL && !ctx->gso_size)
		v = echo(ctx, &f);
	if (f.uplink && f.udp && verdict_is_slow(v))
		v = daemon_check(ctx, &f, v);
	return skb_leave(&f, v);
}

SEC("tc")
int l2xdp_in(struct xdp_md *ctx)
{
	struct frame f = { .host = HOST_ONLY };
	const struct ethhdr *eth;
	__u32 index = 0;
	__be16 proto = 0;
	int v;

	if (!live.host)
		return TC_UNSPEC;
	eth = frame_at(ctx, 0, sizeof(*eth));
	if (eth && is_ip(eth->h_proto) && !ctx->vlan_present &&
	    host_mac_is(eth)) { /* XDP has taken its headers off, and counted it */
		bpf_skb_change_type(ctx, PACKET_HOST);
		return (int)bpf_redirect(live.host, REDIRECT_INGRESS);
	}
	skb_linear(ctx);
	if (skb_parse_link(ctx, &f, &proto) != GO_ON || classify(ctx, &f, proto, &index) != GO_ON ||
	    !f.uplink)
		return TC_UNSPEC;
	v = uplink(ctx, &f);
	if (f.host == HOST_IN)
		return skb_leave(&f, v);
	if (v != L2X_V_TO_HOST)
		return TC_UNSPEC;
	v = police_slow(ctx, &f, L2X_V_NO_ROUTE); /* XDP did not, for it was to be ours */
	if (verdict_is_slow(v))
		v = daemon_check(ctx, &f, v);
	return verdict_is_drop(v) ? skb_leave(&f, v) : TC_UNSPEC;
}

/* There is no link layer here. */
SEC("tc")
int l2xdp_out(struct xdp_md *ctx)
{
	struct frame f = { .host = HOST_ONLY };
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;
	__u32 index;
	int v;

	if (!live.host)
		return TC_UNSPEC;
	skb_linear(ctx);
	f.ifindex = ctx->ifindex;
	if (ctx->protocol == bpf_htons(ETH_P_IP)) {
		ip = frame_at(ctx, 0, sizeof(*ip));
		index = ip ? pool_find4(ip->daddr) : NOT_IN_POOL;
	} else {
		ip6 = frame_at(ctx, 0, sizeof(*ip6));
		index = ip6 ? pool_find6(*(const any64 *)&ip6->daddr) : NOT_IN_POOL;
		f.v6 = 1;
	}
	if (index == NOT_IN_POOL)
		return TC_UNSPEC;
	v = skb_downlink(ctx, &f, index);
	return verdict_is_forward(v) || v == L2X_V_ERROR ? skb_leave(&f, v) : TC_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
