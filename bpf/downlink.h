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
	__u64 sum; /* of the inner packet as it will be */
	__u16 link; /* octets of the new header: Ethernet and tags, */
	__u16 ip; /* outer IP, */
	__u16 l2tp; /* L2TP and PPP */
	__u8 clamp;
};

static __always_inline bool sums_datagram(const struct session_tx *s)
{
	return !(s->flags & L2X_S_CSUM0) || (s->flags & L2X_S_OUTER6);
}

static __always_inline int downlink_judge(struct xdp_md *ctx, struct frame *f,
					  const struct session_tx *s, struct downlink *down)
{
	struct inner *in = &f->in;
	__u16 flags = s->flags;
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
		if (down->sum == CSUM_NONE)
			return L2X_V_NOT_LINEAR;
	}
	down->clamp = (flags & L2X_S_MSS) && mss_is_syn(ctx, in);
	return GO_ON;
}

/* Outer DSCP and ECN, as two fields (DP-DS-1, DP-DS-3, DP-ECN-1). */
static __always_inline __u8 outer_tos(__u32 flags, __u8 dscp, __u8 inner)
{
	__u8 field = flags & L2X_S_TOS_FIXED ? (__u8)(dscp << 2) : inner & 0xfc;

	return field | (flags & L2X_S_ECN ? inner & 3 : 0);
}

/* len: octets of what follows the header. DP-TX-3 to DP-TX-5. */
static __always_inline void write_ip4(void *to, const struct session_tx *s, __u32 len, __u8 tos)
{
	__be16 first = bpf_htons((__u16)(0x4500 | tos)), all = bpf_htons((__u16)(len + IP4_LEN));
	__be32 third = bpf_htonl((__u32)s->ttl << 24 | IPPROTO_UDP << 16);
	any32 *w = to;
	any16 *h = to;

	/* identification 0: it is never fragmented (DP-TX-4) */
	h[0] = first;
	h[1] = all;
	w[1] = bpf_htonl(IP_DF);
	w[2] = third | csum_low16((__u16)~csum_fold((__u64)first + all + bpf_htons(IP_DF) + third +
						    s->local.w[3] + s->peer.w[3]));
	w[3] = s->local.w[3];
	w[4] = s->peer.w[3];
}

static __always_inline void write_ip6(void *to, const struct session_tx *s, __u32 len, __u8 tos)
{
	struct ipv6hdr *ip6 = to;
	any64 *d = to;

	*(any32 *)ip6 = bpf_htonl(0x60000000 | (__u32)tos << 20); /* flow label 0 */
	ip6->payload_len = bpf_htons((__u16)len);
	ip6->nexthdr = IPPROTO_UDP;
	ip6->hop_limit = s->ttl;
	d[1] = s->local.d[0];
	d[2] = s->local.d[1];
	d[3] = s->peer.d[0];
	d[4] = s->peer.d[1];
}

#define L2TP_PPP_MAX 14 /* numbers and FF 03: what write_l2tp may look at */

/* L2TP and PPP (DP-TX-1, DP-TX-2, DP-PPP-3). Returns the sum of what pseudo_sum leaves out. */
static __always_inline __u32 write_l2tp(any16 *w, const struct session_tx *s, __u16 ns, bool v6)
{
	__u16 proto = bpf_htons(v6 ? PPP_IPV6 : PPP_IPV4);
	__u32 sum = proto;

	w[0] = bpf_htons(s->flags & L2X_S_SEQ_TX ? L2TP_S | 2 : 2);
	w[1] = s->peer_tunnel_id;
	w[2] = s->peer_session_id;
	w += 3;
	if (s->flags & L2X_S_SEQ_TX) {
		w[0] = bpf_htons(ns);
		w[1] = 0;
		sum += bpf_htons(ns);
		w += 2;
	}
	if (s->flags & L2X_S_ACFC) {
		w[0] = proto;
		return sum;
	}
	w[0] = bpf_htons(PPP_ADDRESS_CONTROL);
	w[1] = proto;
	return sum + bpf_htons(PPP_ADDRESS_CONTROL);
}

/* DP-CK-1, DP-CK-3: 0 is sent as ffff. `sum` is of all that s->pseudo_sum leaves out,
 * but for the length. */
static __always_inline void write_udp(any16 *w, const struct session_tx *s, __u32 len, __u64 sum)
{
	__be16 all = bpf_htons((__u16)len);
	__u16 check = 0;

	if (sums_datagram(s)) {
		check = (__u16)~csum_fold(sum + s->pseudo_sum + 2 * (__u32)all);
		if (!check)
			check = 0xffff;
	}
	w[0] = s->local_port;
	w[1] = s->peer_port;
	w[2] = all;
	w[3] = check;
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

/* Outer IP, UDP, L2TP, PPP after the link-layer header. Without numbers and FF 03, what is
 * beyond them is the packet's, 20 octets of it at the least. */
static __always_inline int write_headers(struct xdp_md *ctx, const struct session_tx *s,
					 const struct inner *in, const struct downlink *down,
					 __u16 ns, bool outer6)
{
	__u32 ip = outer6 ? IP6_LEN : IP4_LEN, len = UDP_LEN + down->l2tp + in->len, sum;
	void *to = frame_at(ctx, down->link, ip + UDP_LEN + L2TP_PPP_MAX);
	any16 *udp = to + ip;

	if (!to)
		return -1;
	if (outer6)
		write_ip6(to, s, len, outer_tos(s->flags, s->dscp, in->tos));
	else
		write_ip4(to, s, len, outer_tos(s->flags, s->dscp, in->tos));
	sum = write_l2tp(udp + UDP_LEN / 2, s, ns, in->v6);
	write_udp(udp, s, len, sum + down->sum);
	return link_write(ctx, down->nh, bpf_htons(outer6 ? ETH_P_IPV6 : ETH_P_IP));
}

/* Room for the header first: what fails there leaves the frame as it was. */
static __always_inline int downlink_write(struct xdp_md *ctx, const struct session_tx *s,
					  struct l2x_traffic *t, struct inner *in,
					  const struct downlink *down)
{
	__u32 head = down->link + down->ip + UDP_LEN + down->l2tp;
	__u16 ns = 0;

	if (bpf_xdp_adjust_head(ctx, (int)in->at - (int)head))
		return L2X_V_NO_HEADROOM;
	in->at = (__u16)head;
	if (s->flags & L2X_S_SEQ_TX)
		ns = seq_next(t);
	if (inner_trim(ctx, head + in->len) || forward_inner(ctx, in))
		return L2X_V_ERROR;
	if (down->clamp)
		mss_clamp_inner(ctx, in, s->mtu);
	if (down->ip == IP6_LEN ? write_headers(ctx, s, in, down, ns, true)
				: write_headers(ctx, s, in, down, ns, false))
		return L2X_V_ERROR;
	return L2X_V_ENCAP;
}

/* A function of its own: the verifier walks it once, not for every way here. */
__noinline int downlink(struct xdp_md *ctx, struct frame *f, __u32 index)
{
	struct downlink down = {};
	struct l2x_session *s;
	struct session_tx copy;
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
	if (generation_changed(&s->tx_gen, copy.gen))
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
