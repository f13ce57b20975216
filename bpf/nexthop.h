/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a packet goes next: the kernel's FIB decides.
 *
 * Inner packets are looked up one by one. The outer next hop is the same for all packets
 * of a tunnel, so each CPU keeps it, for as long as the daemon has not raised live.epoch;
 * it does when routes, neighbours or links change, and once a second (DP-TX-6). A look-up
 * that fails is not kept.
 *
 * The FIB is asked for the way alone, never for an MTU (tot_len stays 0, mtu_result is not
 * read): its answer would hold the kernel's path MTU exceptions, which any stranger's ICMP
 * sets, and one forged message would take a whole LAC off the hook (DP-ICMP-5). The port's
 * MTU counts here, and the session's, for which the daemon validates what it is told.
 */
#ifndef L2X_BPF_NEXTHOP_H
#define L2X_BPF_NEXTHOP_H

#include "bpf/frame.h"
#include "bpf/port.h"

/* Looks up, and fills *nh but its epoch. GO_ON, or the verdict (DP-SLOW-9). */
static __always_inline int nexthop_lookup(struct xdp_md *ctx, struct bpf_fib_lookup *fib,
					  struct l2x_nexthop *nh)
{
	struct l2x_port *port;
	long ret;

	ret = bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
	switch (ret) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		break;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return L2X_V_NO_NEIGHBOUR;
	default:
		return L2X_V_NO_ROUTE;
	}
	port = port_find(fib->ifindex);
	if (!port || !(port->flags & L2X_P_TX))
		return L2X_V_NO_PORT;
	nh->lower = port->lower;
	*(any32 *)nh->tag = *(any32 *)port->tag;
	*(any32 *)nh->tpid = *(any32 *)port->tpid;
	__builtin_memcpy(nh->dmac, fib->dmac, sizeof(nh->dmac));
	__builtin_memcpy(nh->smac, fib->smac, sizeof(nh->smac));
	nh->mtu = port->mtu;
	return GO_ON;
}

/* Uplink: the way of an inner packet. */
static __always_inline int nexthop_of_inner(struct xdp_md *ctx, const struct frame *f,
					    const struct inner *in, struct l2x_nexthop *nh)
{
	const struct ipv6hdr *ip6;
	struct bpf_fib_lookup fib;
	const struct iphdr *ip;
	const any16 *ports_at;
	int v;

	/* never a designated initialiser: it leaves bytes between the unions unset */
	__builtin_memset(&fib, 0, sizeof(fib));
	fib.ifindex = f->ifindex;
	fib.l4_protocol = in->proto;
	if (in->v6) {
		ip6 = frame_at(ctx, in->at, sizeof(*ip6));
		if (!ip6)
			return L2X_V_BAD_INNER;
		fib.family = AF_INET6;
		fib.flowinfo = *(const any32 *)ip6 & bpf_htonl(0x0fffffff);
		__builtin_memcpy(fib.ipv6_src, &ip6->saddr, 16);
		__builtin_memcpy(fib.ipv6_dst, &ip6->daddr, 16);
	} else {
		ip = frame_at(ctx, in->at, sizeof(*ip));
		if (!ip)
			return L2X_V_BAD_INNER;
		fib.family = AF_INET;
		fib.tos = in->tos;
		fib.ipv4_src = ip->saddr;
		fib.ipv4_dst = ip->daddr;
	}
	/* ports, for rules and for the choice between equal ways */
	if (!in->fragment && (in->proto == IPPROTO_TCP || in->proto == IPPROTO_UDP)) {
		ports_at = frame_at(ctx, in->at + inner_header_len(in), 4);
		if (ports_at) {
			fib.sport = ports_at[0];
			fib.dport = ports_at[1];
		}
	}
	v = nexthop_lookup(ctx, &fib, nh);
	if (v != GO_ON)
		return v;
	return in->len > nh->mtu ? L2X_V_TOO_BIG : GO_ON;
}

/* Downlink: asks the FIB for the way to a tunnel's peer. */
static __always_inline int nexthop_fill(struct xdp_md *ctx, const struct frame *f,
					const struct l2x_session *s, struct l2x_nexthop *nh,
					__u32 epoch)
{
	struct bpf_fib_lookup fib;
	int v;

	__builtin_memset(&fib, 0, sizeof(fib));
	fib.ifindex = f->ifindex;
	fib.l4_protocol = IPPROTO_UDP;
	fib.sport = s->tx_local_port;
	fib.dport = s->tx_peer_port;
	if (s->tx_flags & L2X_S_OUTER6) {
		fib.family = AF_INET6;
		__builtin_memcpy(fib.ipv6_src, &s->tx_local, 16);
		__builtin_memcpy(fib.ipv6_dst, &s->tx_peer, 16);
	} else {
		fib.family = AF_INET;
		fib.ipv4_src = s->tx_local.w[3];
		fib.ipv4_dst = s->tx_peer.w[3];
	}
	nh->epoch = 0;
	v = nexthop_lookup(ctx, &fib, nh);
	if (v == GO_ON)
		nh->epoch = epoch;
	return v;
}

/* Downlink: the way to the peer. *ret is set on GO_ON. */
static __always_inline int nexthop_of_tunnel(struct xdp_md *ctx, const struct frame *f,
					     const struct l2x_session *s, struct l2x_nexthop **ret)
{
	__u32 slot = s->nexthop, epoch = live.epoch;
	struct l2x_nexthop *nh;
	int v;

	nh = bpf_map_lookup_elem(&nexthops, &slot);
	if (!nh)
		return L2X_V_NO_ROUTE;
	if (!epoch || nh->epoch != epoch) {
		v = nexthop_fill(ctx, f, s, nh, epoch);
		if (v != GO_ON)
			return v;
	}
	*ret = nh;
	return GO_ON;
}

#endif
