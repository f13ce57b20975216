/* SPDX-License-Identifier: GPL-2.0-only */
/* Downlink: a packet for a subscriber is put into a datagram to its tunnel's peer. */
#ifndef L2X_BPF_DOWNLINK_H
#define L2X_BPF_DOWNLINK_H

#include "bpf/csum.h"
#include "bpf/frame.h"
#include "bpf/inner.h"
#include "bpf/l2tp.h"
#include "bpf/mss.h"
#include "bpf/nexthop.h"
#include "bpf/ppp.h"
#include "bpf/seq.h"
#include "bpf/session.h"
#include "bpf/verdict.h"

/* What has been decided, for downlink_write. */
struct downlink {
	const struct l2x_nexthop *nh;
	__u32 sum; /* of the inner packet as it will be */
	__u16 link; /* octets of the new header: Ethernet and tags, */
	__u16 ip; /* outer IP, */
	__u16 l2tp; /* L2TP and PPP */
	__u8 clamp;
};

static __always_inline bool sums_datagram(const struct l2x_session *s)
{
	return !(s->tx_flags & L2X_S_CSUM0) || (s->tx_flags & L2X_S_OUTER6);
}

static __always_inline int downlink_judge(struct xdp_md *ctx, struct frame *f,
					  const struct l2x_session *s, struct downlink *down)
{
	struct inner *in = &f->in;
	__u16 flags = s->tx_flags;
	struct l2x_nexthop *nh;
	int v;

	if (!(flags & (in->v6 ? L2X_S_IPV6 : L2X_S_IPV4)))
		return L2X_V_NO_SESSION;
	v = inner_parse(ctx, in);
	if (v != GO_ON)
		return v;
	if (in->ttl <= 1)
		return L2X_V_TTL;
	if (in->len > s->mtu)
		return L2X_V_TOO_BIG;
	v = nexthop_of_tunnel(ctx, f, s, &nh);
	if (v != GO_ON)
		return v;
	down->nh = nh;
	down->link = (__u16)link_len(nh);
	down->ip = flags & L2X_S_OUTER6 ? IP6_LEN : IP4_LEN;
	down->l2tp = (__u16)((flags & L2X_S_SEQ_TX ? 10 : 6) + (flags & L2X_S_ACFC ? 2 : 4));
	if (down->ip + UDP_LEN + down->l2tp + in->len > nh->mtu)
		return L2X_V_TOO_BIG;
	if (sums_datagram(s)) {
		down->sum = csum_inner(ctx, in);
		if (down->sum == CSUM_FAIL)
			return L2X_V_NOT_LINEAR;
	}
	down->clamp = (flags & L2X_S_MSS) && mss_is_syn(ctx, in);
	return GO_ON;
}

/* Outer DSCP and ECN, as two fields (DP-DS-1, DP-DS-3, DP-ECN-1). */
static __always_inline __u8 outer_tos(const struct l2x_session *s, __u8 inner)
{
	__u8 dscp = s->tx_flags & L2X_S_TOS_FIXED ? (__u8)(s->dscp << 2) : inner & 0xfc;

	return dscp | (s->tx_flags & L2X_S_ECN ? inner & 3 : 0);
}

/* len: octets of what follows the header. DP-TX-3 to DP-TX-5. */
static __always_inline int write_ip4(struct xdp_md *ctx, const struct l2x_session *s, __u32 at,
				     __u32 len, __u8 tos)
{
	struct iphdr *ip = frame_at(ctx, at, sizeof(*ip));
	any32 *w = (any32 *)ip;

	if (!ip)
		return -1;
	*(any16 *)ip = bpf_htons((__u16)(0x4500 | tos));
	ip->tot_len = bpf_htons((__u16)(len + IP4_LEN));
	w[1] = bpf_htonl(IP_DF); /* identification 0: it is never fragmented (DP-TX-4) */
	w[2] = bpf_htonl((__u32)s->ttl << 24 | IPPROTO_UDP << 16);
	ip->saddr = s->tx_local.w[3];
	ip->daddr = s->tx_peer.w[3];
	ip->check = (__u16)~csum_ipv4(ip);
	return 0;
}

static __always_inline int write_ip6(struct xdp_md *ctx, const struct l2x_session *s, __u32 at,
				     __u32 len, __u8 tos)
{
	struct ipv6hdr *ip6 = frame_at(ctx, at, sizeof(*ip6));
	any64 *d = (any64 *)ip6;

	if (!ip6)
		return -1;
	*(any32 *)ip6 = bpf_htonl(0x60000000 | (__u32)tos << 20); /* flow label 0 */
	ip6->payload_len = bpf_htons((__u16)len);
	ip6->nexthdr = IPPROTO_UDP;
	ip6->hop_limit = s->ttl;
	d[1] = s->tx_local.d[0];
	d[2] = s->tx_local.d[1];
	d[3] = s->tx_peer.d[0];
	d[4] = s->tx_peer.d[1];
	return 0;
}

/* L2TP and PPP (DP-TX-1, DP-TX-2, DP-PPP-3). *ret_sum: what pseudo_sum leaves out. */
static __always_inline int write_l2tp(struct xdp_md *ctx, const struct l2x_session *s, __u32 at,
				      __u16 ns, bool v6, __u32 *ret_sum)
{
	any16 *w = frame_at(ctx, at, L2TP_DATA_MIN);
	__u16 proto = bpf_htons(v6 ? PPP_IPV6 : PPP_IPV4);
	__u32 sum = proto;

	if (!w)
		return -1;
	w[0] = bpf_htons(s->tx_flags & L2X_S_SEQ_TX ? L2TP_S | 2 : 2);
	w[1] = s->peer_tunnel_id;
	w[2] = s->peer_session_id;
	at += L2TP_DATA_MIN;
	if (s->tx_flags & L2X_S_SEQ_TX) {
		w = frame_at(ctx, at, 4);
		if (!w)
			return -1;
		w[0] = bpf_htons(ns);
		w[1] = 0;
		sum += w[0];
		at += 4;
	}
	w = frame_at(ctx, at, 4); /* without FF 03 two of these belong to the packet */
	if (!w)
		return -1;
	if (s->tx_flags & L2X_S_ACFC) {
		w[0] = proto;
	} else {
		w[0] = bpf_htons(PPP_ADDRESS_CONTROL);
		w[1] = proto;
		sum += bpf_htons(PPP_ADDRESS_CONTROL);
	}
	*ret_sum = sum;
	return 0;
}

/* DP-CK-1, DP-CK-3: 0 is sent as ffff. `sum` is of all that s->pseudo_sum leaves out,
 * but for the length. */
static __always_inline int write_udp(struct xdp_md *ctx, const struct l2x_session *s, __u32 at,
				     __u32 len, __u64 sum)
{
	struct udphdr *udp = frame_at(ctx, at, sizeof(*udp));
	__u16 check = 0;

	if (!udp)
		return -1;
	udp->source = s->tx_local_port;
	udp->dest = s->tx_peer_port;
	udp->len = bpf_htons((__u16)len);
	if (sums_datagram(s)) {
		check = (__u16)~csum_fold(sum + s->pseudo_sum + 2 * (__u32)udp->len);
		if (!check)
			check = 0xffff;
	}
	udp->check = check;
	return 0;
}

static __always_inline int forward_inner(struct xdp_md *ctx, const struct inner *in)
{
	struct ipv6hdr *ip6;
	struct iphdr *ip;

	if (in->v6) {
		ip6 = frame_at(ctx, in->at, sizeof(*ip6));
		if (!ip6)
			return -1;
		inner_forward6(ip6, in->tos & 3);
	} else {
		ip = frame_at(ctx, in->at, sizeof(*ip));
		if (!ip)
			return -1;
		inner_forward4(ip, in->tos & 3);
	}
	return 0;
}

/* Room for the header first: what fails there leaves the frame as it was. */
static __always_inline int downlink_write(struct xdp_md *ctx, const struct l2x_session *s,
					  struct l2x_traffic *t, struct inner *in,
					  const struct downlink *down)
{
	__u32 ip = down->link, udp = ip + down->ip, l2tp = udp + UDP_LEN;
	__u32 head = l2tp + down->l2tp, len;
	__u8 tos = outer_tos(s, in->tos);
	__u16 ns = 0;
	__u32 sum;

	if (bpf_xdp_adjust_head(ctx, (int)in->at - (int)head))
		return L2X_V_NO_HEADROOM;
	in->at = (__u16)head;
	if (s->tx_flags & L2X_S_SEQ_TX)
		ns = seq_next(t);
	if (inner_trim(ctx, head + in->len) || forward_inner(ctx, in))
		return L2X_V_ERROR;
	if (down->clamp)
		mss_clamp_inner(ctx, in, s->mtu);
	len = UDP_LEN + down->l2tp + in->len;
	if (write_l2tp(ctx, s, l2tp, ns, in->v6, &sum) ||
	    write_udp(ctx, s, udp, len, (__u64)sum + down->sum))
		return L2X_V_ERROR;
	if (s->tx_flags & L2X_S_OUTER6) {
		if (write_ip6(ctx, s, ip, len, tos) ||
		    link_write(ctx, down->nh, bpf_htons(ETH_P_IPV6)))
			return L2X_V_ERROR;
	} else if (write_ip4(ctx, s, ip, len, tos) ||
		   link_write(ctx, down->nh, bpf_htons(ETH_P_IP))) {
		return L2X_V_ERROR;
	}
	return L2X_V_ENCAP;
}

/* A function of its own: the verifier walks it once, not for every way here. */
__noinline int downlink(struct xdp_md *ctx, struct frame *f, __u32 index)
{
	struct downlink down = {};
	struct l2x_session *s, copy;
	struct l2x_traffic *t;
	int v;

	if (!f)
		return L2X_V_ERROR;
	s = bpf_map_lookup_elem(&sessions, &index);
	t = bpf_map_lookup_elem(&traffic, &index);
	if (!index || !s || !t)
		return L2X_V_NO_SESSION;
	traffic_fetch(&t->tx_packets);
	v = session_read_tx(s, &copy);
	if (v != GO_ON)
		return v;
	f->session = index;
	f->in.at = f->l3;
	f->in.len = (__u16)(frame_len(ctx) - f->l3);
	f->in.v6 = f->v6;
	frame_forget();
	v = downlink_judge(ctx, f, &copy, &down);
	if (generation_changed(&s->tx_gen, copy.tx_gen))
		return L2X_V_CHANGING;
	if (v == GO_ON)
		v = downlink_write(ctx, &copy, t, &f->in, &down);
	if (v == L2X_V_ENCAP) {
		f->lower = down.nh->lower;
		__sync_fetch_and_add(&t->tx_packets, 1);
		__sync_fetch_and_add(&t->tx_bytes, f->in.len);
	} else if (verdict_is_drop(v)) {
		__sync_fetch_and_add(&t->tx_drops, 1);
	}
	return v;
}

#endif
