/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a packet goes next: the kernel's FIB decides, and a CPU keeps what it said.
 *
 * The outer next hop is the same for all packets of a tunnel, and one per tunnel is kept. The
 * way of inner packets is kept by destination, in one cache line each, but only while the
 * daemon says that the FIB looks at nothing else of a packet (live.routes4, live.routes6: no
 * rule by source, TOS or ports, no route by TOS or source, none over several ways).
 *
 * What is kept holds until the daemon raises live.epoch, which it does when routes, rules,
 * neighbours or links change, and once a second (DP-TX-6); and never longer than
 * L2X_KEPT_JIFFIES, daemon or no daemon. Once it is away nobody tells of new rules: then ways
 * by destination are not kept any more (route_may_keep). A look-up that fails is never kept.
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
#include "bpf/session.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ROUTE_FIRST 0 /* digits of the first 32-bit word of a 64-bit one */
#else
#define ROUTE_FIRST 32
#endif
#define ROUTE_SECOND (32 - ROUTE_FIRST)

static __always_inline __u32 jiffies_now(void)
{
	return (__u32)bpf_jiffies64();
}

/* Is what *nh says to be believed still? */
static __always_inline bool nexthop_is_kept(const struct l2x_nexthop *nh, __u32 epoch)
{
	return epoch && nh->epoch == epoch && jiffies_now() - nh->stamp < L2X_KEPT_JIFFIES;
}

/* The place of a destination in this CPU's memory, whatever stands there now. */
static __always_inline struct l2x_route *route_place(__u64 dst0, __u64 dst1)
{
	__u64 hash = (dst0 * 31 + dst1 + live.seed) * 0x9e3779b97f4a7c15ull;
	__u32 slot = bpf_get_smp_processor_id() * L2X_ROUTE_SLOTS +
		     (__u32)(hash >> (64 - __builtin_ctz(L2X_ROUTE_SLOTS)));

	return bpf_map_lookup_elem(&routes, &slot);
}

/* Lower half of the v4-mapped form. */
static __always_inline __u64 route_word4(__be32 addr)
{
	return (__u64)bpf_htonl(0xffff) << ROUTE_FIRST | (__u64)addr << ROUTE_SECOND;
}

static __always_inline bool route_is_kept(const struct l2x_route *r, __u32 ifindex, __u64 dst0,
					  __u64 dst1)
{
	return r->ifindex == ifindex && r->dst.d[0] == dst0 && r->dst.d[1] == dst1 &&
	       nexthop_is_kept(&r->nh, live.epoch);
}

/* Is there a daemon that would tell if a way came to depend on more? */
static __always_inline bool route_may_keep(__u32 epoch)
{
	__u32 now = jiffies_now();

	if (live.lease_epoch == epoch)
		return now - live.lease_since < L2X_LEASE_JIFFIES;
	live.lease_since = now;
	live.lease_epoch = epoch;
	return true;
}

/* Asks the FIB, and fills *nh but for its epoch, stamp and what the port tells; `lower` is the
 * interface that the FIB names. GO_ON, or the verdict (DP-SLOW-9). TO_HOST: the FIB knows no way
 * onwards; an address of this host, or none. */
static __always_inline int nexthop_lookup(struct xdp_md *ctx, struct bpf_fib_lookup *fib,
					  struct l2x_nexthop *nh)
{
	long ret = bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);

	switch (ret) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		break;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return L2X_V_NO_NEIGHBOUR;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return L2X_V_TO_HOST;
	default:
		return L2X_V_NO_ROUTE;
	}
	nh->lower = fib->ifindex;
	__builtin_memcpy(nh->dmac, fib->dmac, sizeof(nh->dmac));
	__builtin_memcpy(nh->smac, fib->smac, sizeof(nh->smac));
	return GO_ON;
}

/* The port below the interface that the FIB has named. */
static __always_inline int nexthop_port(struct l2x_nexthop *nh)
{
	struct l2x_port *port = port_find(nh->lower);

	if (!port || !(port->flags & L2X_P_TX))
		return L2X_V_NO_PORT;
	nh->lower = port->lower;
	*(any32 *)nh->tag = *(any32 *)port->tag;
	*(any32 *)nh->tpid = *(any32 *)port->tpid;
	nh->mtu = port->mtu;
	return GO_ON;
}

/* Uplink: asks the FIB for the way of an inner packet. A function of its own, as the next one,
 * for the sake of the stack: calls are rare, and their keys large. */
static __noinline int nexthop_ask(struct xdp_md *ctx, const struct frame *f, const struct inner *in,
				  struct l2x_nexthop *nh)
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
	if (v == L2X_V_TO_HOST && (!live.host || in->len > live.host_mtu))
		return L2X_V_NO_ROUTE;
	return v;
}

static __always_inline void route_keep(struct l2x_route *r, __u32 ifindex, __u64 dst0, __u64 dst1,
				       const struct l2x_nexthop *nh, __u32 epoch)
{
	*(volatile __u32 *)&r->nh.epoch = 0;
	r->ifindex = ifindex;
	r->dst.d[0] = dst0;
	r->dst.d[1] = dst1;
	r->nh = *nh;
	r->nh.stamp = jiffies_now();
	*(volatile __u32 *)&r->nh.epoch = epoch;
}

/* Uplink: the way of an inner packet. */
static __always_inline int nexthop_of_inner(struct xdp_md *ctx, const struct frame *f,
					    const struct inner *in, struct l2x_nexthop *nh)
{
	__u32 epoch = live.epoch; /* before the FIB is asked: what changes meanwhile counts */
	struct l2x_route *r = 0;
	const struct iphdr *ip;
	const any64 *d;
	__u64 dst0, dst1;
	int v;

	if (in->v6) {
		d = frame_at(ctx, in->at + 24, 16);
		if (!d)
			return L2X_V_BAD_INNER;
		dst0 = d[0];
		dst1 = d[1];
	} else {
		ip = frame_at(ctx, in->at, sizeof(*ip));
		if (!ip)
			return L2X_V_BAD_INNER;
		dst0 = 0;
		dst1 = route_word4(ip->daddr);
	}
	if (in->v6 ? live.routes6 : live.routes4)
		r = route_place(dst0, dst1);
	if (r && route_is_kept(r, f->ifindex, dst0, dst1)) {
		*nh = r->nh;
	} else {
		nh->epoch = nh->stamp = nh->reserved = 0;
		v = nexthop_ask(ctx, f, in, nh);
		if (v == GO_ON)
			v = nexthop_port(nh);
		if (v != GO_ON)
			return v;
		if (r && epoch && route_may_keep(epoch))
			route_keep(r, f->ifindex, dst0, dst1, nh, epoch);
	}
	return in->len > nh->mtu ? L2X_V_TOO_BIG : GO_ON;
}

/* Downlink: asks the FIB for the way to a tunnel's peer. */
static __noinline int nexthop_fill(struct xdp_md *ctx, const struct frame *f,
				   const struct session_tx *s, struct l2x_nexthop *nh)
{
	struct bpf_fib_lookup fib;
	int v;

	__builtin_memset(&fib, 0, sizeof(fib));
	fib.ifindex = f->ifindex;
	fib.l4_protocol = IPPROTO_UDP;
	fib.sport = s->local_port;
	fib.dport = s->peer_port;
	if (s->flags & L2X_S_OUTER6) {
		fib.family = AF_INET6;
		__builtin_memcpy(fib.ipv6_src, &s->local, 16);
		__builtin_memcpy(fib.ipv6_dst, &s->peer, 16);
	} else {
		fib.family = AF_INET;
		fib.ipv4_src = s->local.w[3];
		fib.ipv4_dst = s->peer.w[3];
	}
	nh->epoch = 0;
	v = nexthop_lookup(ctx, &fib, nh);
	return v == L2X_V_TO_HOST ? L2X_V_NO_ROUTE : v;
}

/* Downlink: the way to the peer. *ret is set on GO_ON. */
static __always_inline int nexthop_of_tunnel(struct xdp_md *ctx, const struct frame *f,
					     const struct session_tx *s, struct l2x_nexthop **ret)
{
	__u32 slot = s->nexthop, epoch = live.epoch;
	struct l2x_nexthop *nh;
	int v;

	nh = bpf_map_lookup_elem(&nexthops, &slot);
	if (!nh)
		return L2X_V_NO_ROUTE;
	if (!nexthop_is_kept(nh, epoch)) {
		v = nexthop_fill(ctx, f, s, nh);
		if (v == GO_ON)
			v = nexthop_port(nh);
		if (v != GO_ON)
			return v;
		nh->stamp = jiffies_now();
		nh->epoch = epoch;
	}
	*ret = nh;
	return GO_ON;
}

#endif
