/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Downlink at the hook of traffic control: packets for a subscriber, from a NIC (mode tc) or from
 * this host (egress of l2tp0; the kernel has routed them, and lowered the TTL of those that are
 * not its own). They may be large: segments of one flow that the kernel parts when they leave,
 * each with a copy of the headers that are put on here (GSO).
 *
 * The copy holds: the L2TP header has neither length nor numbers, and of the outer headers the
 * kernel mends lengths and the IPv4 header's sum. The outer UDP checksum it copies, and that is
 * right, too: a segment sums to what its length and addresses say, whatever it carries (csum.h,
 * DP-CK-8), so all segments of one length have the same. A large packet whose last segment would
 * be shorter is left to the slow path, unless no checksum is asked for; TCP sends such a one at
 * the end of what it has to say. With numbers each segment needs its own: left as well.
 *
 * A packet of this host may have no checksum yet (CHECKSUM_PARTIAL); it is made when it leaves,
 * by what we do not touch, and the outer one knows what it will be. Only one that would have to
 * be summed for that, and is not of TCP, UDP or ICMP, could be wrong: SCTP's is left.
 */
#ifndef L2X_BPF_SKB_DOWN_H
#define L2X_BPF_SKB_DOWN_H

#include "bpf/skb.h"

#include "bpf/downlink.h"
#include "bpf/skb_link.h"

#define ICMP_REDIRECT 5

/* What has been decided. */
struct skb_down {
	const struct l2x_nexthop *nh;
	__u64 sum; /* of a segment's packet */
	__u32 segment; /* octets of an inner packet on the wire; the last one may have fewer */
	__u32 packets;
	__u32 bytes; /* of all of them, without ours */
	__u16 ip, l2tp; /* octets of header */
	__u8 clamp;
};

/* Of a large packet: how large are its segments? GO_ON, or NOT_LINEAR: it is not to be had, or
 * not TCP (the kernel loses others: 6.18 does not part UDP in here). */
static __always_inline int skb_segments(struct xdp_md *ctx, const struct inner *in,
					struct skb_down *d, bool whole_ones)
{
	__u32 header = inner_header_len(in), size = ctx->gso_size, payload;
	const __u8 *tcp = frame_at(ctx, in->at + header, TCP_LEN);

	if (!tcp || in->fragment || in->proto != IPPROTO_TCP || ctx->len != in->at + in->len)
		return L2X_V_NOT_LINEAR;
	header += (tcp[12] >> 4) * 4;
	if (in->len <= header || !size)
		return L2X_V_NOT_LINEAR;
	payload = in->len - header;
	if (whole_ones && payload % size)
		return L2X_V_NOT_LINEAR;
	d->segment = header + size;
	d->packets = (payload + size - 1) / size;
	d->bytes = in->len + (d->packets - 1) * header;
	return GO_ON;
}

/* The packet's sum as it will leave, or CSUM_NONE. */
static __always_inline __u64 skb_sum(struct xdp_md *ctx, const struct inner *in,
				     const struct skb_down *d, bool host)
{
	const void *ip = frame_at(ctx, in->at, IP4_LEN), *l4;
	struct inner segment = *in;
	__u64 sum;

	l4 = frame_at(ctx, in->at + inner_header_len(in), UDP_LEN);
	if (ip && l4 && csum_is_local(l4, in)) {
		if (in->v6)
			ip = frame_at(ctx, in->at, IP6_LEN);
		if (!ip)
			return CSUM_NONE;
		segment.len = (__u16)d->segment;
		segment.ttl += host; /* it is not lowered here */
		return csum_local(ip, &segment);
	}
	if (ctx->gso_size || in->proto == IPPROTO_SCTP)
		return CSUM_NONE;
	sum = csum_whole(ctx, in);
	return sum != CSUM_NONE && in->v6 && host ? sum + bpf_htons(1) : sum;
}

/* What the daemon does not send on, or must see itself. */
static __always_inline int skb_host_check(struct xdp_md *ctx, const struct inner *in,
					  const struct session_tx *s, __u32 index)
{
	const struct ipv6hdr *ip6 = frame_at(ctx, in->at, sizeof(*ip6));
	const struct iphdr *ip = frame_at(ctx, in->at, sizeof(*ip));
	const __u8 *icmp;

	if (s->flags & L2X_S_SEQ_TX) /* large ones go the slow way: none may overtake them */
		return L2X_V_NOT_LINEAR;
	if (in->v6)
		return ip6 && pool_find6(*(const any64 *)&ip6->saddr) != index ? GO_ON
									       : L2X_V_SPOOFED;
	if (!ip || pool_find4(ip->saddr) == index) /* DP-SPOOF-4 */
		return L2X_V_SPOOFED;
	if (in->proto != IPPROTO_ICMP || in->fragment == 2)
		return GO_ON;
	icmp = frame_at(ctx, in->at + IP4_LEN, 1);
	return icmp && *icmp != ICMP_REDIRECT ? GO_ON : L2X_V_INNER_LOCAL;
}

static __always_inline int skb_down_judge(struct xdp_md *ctx, struct frame *f,
					  const struct session_tx *s, struct skb_down *d)
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
	d->segment = d->bytes = in->len;
	d->packets = 1;
	if (f->host == HOST_ONLY) {
		v = skb_host_check(ctx, in, s, f->session);
		if (v != GO_ON)
			return v;
	} else if (in->ttl <= 1) {
		return L2X_V_TTL;
	}
	if (ctx->gso_size) {
		v = flags & L2X_S_SEQ_TX ? L2X_V_NOT_LINEAR
					 : skb_segments(ctx, in, d, sums_datagram(s));
		if (v != GO_ON)
			return v;
	}
	d->ip = flags & L2X_S_OUTER6 ? IP6_LEN : IP4_LEN;
	d->l2tp = (__u16)((flags & L2X_S_SEQ_TX ? 10 : 6) + (flags & L2X_S_ACFC ? 2 : 4));
	if (d->segment > s->mtu)
		return L2X_V_TOO_BIG;
	v = nexthop_of_tunnel(ctx, f, s, &nh);
	if (v != GO_ON)
		return v;
	d->nh = nh;
	if (d->ip + UDP_LEN + d->l2tp + d->segment > nh->mtu)
		return L2X_V_TOO_BIG;
	if (d->ip + UDP_LEN + d->l2tp + in->len > 0xffff)
		return L2X_V_NOT_LINEAR;
	if (sums_datagram(s)) {
		d->sum = skb_sum(ctx, in, d, f->host == HOST_ONLY);
		if (d->sum == CSUM_NONE)
			return L2X_V_NOT_LINEAR;
	}
	d->clamp = (flags & L2X_S_MSS) && mss_is_syn(ctx, in);
	return GO_ON;
}

/* Outer IP, UDP, L2TP, PPP at ETH_LEN. Lengths are those of all, the checksum a segment's. */
static __always_inline int skb_headers(struct xdp_md *ctx, const struct session_tx *s,
				       const struct inner *in, const struct skb_down *d, __u16 ns,
				       bool outer6)
{
	__u32 ip = outer6 ? IP6_LEN : IP4_LEN, all = UDP_LEN + d->l2tp + in->len, sum;
	void *to = frame_at(ctx, ETH_LEN, ip + UDP_LEN + L2TP_PPP_MAX);
	any16 *udp = to + ip;

	if (!to)
		return -1;
	if (outer6)
		write_ip6(to, s, all, outer_tos(s->flags, s->dscp, in->tos));
	else
		write_ip4(to, s, all, outer_tos(s->flags, s->dscp, in->tos));
	sum = write_l2tp(udp + UDP_LEN / 2, s, ns, in->v6);
	write_udp(udp, s, UDP_LEN + d->l2tp + d->segment, sum + d->sum);
	udp[2] = bpf_htons((__u16)all);
	return 0;
}

/* Room after the link layer, if there is one. What fails leaves the frame as it was. */
static __always_inline long skb_room(struct xdp_md *ctx, const struct skb_down *d)
{
	__u32 head = d->ip + UDP_LEN + d->l2tp;
	__u64 flags = ROOM_FIXED_GSO | ROOM_ENCAP_UDP | ROOM_ENCAP_L2(d->l2tp) |
		      (d->ip == IP6_LEN ? ROOM_ENCAP_IPV6 : ROOM_ENCAP_IPV4);

	return bpf_skb_adjust_room(ctx, (int)head, ROOM_AFTER_MAC, flags);
}

static __always_inline int skb_down_write(struct xdp_md *ctx, struct frame *f,
					  const struct session_tx *s, struct l2x_traffic *t,
					  const struct skb_down *d)
{
	struct inner *in = &f->in;
	__be16 proto = bpf_htons(d->ip == IP6_LEN ? ETH_P_IPV6 : ETH_P_IP);
	bool tags = f->l3 > ETH_LEN, padded = ctx->len > (__u32)f->l3 + in->len;
	__u16 ns = 0;

	/* the kernel cuts nothing that has two headers already */
	if (padded && bpf_skb_change_tail(ctx, (__u32)f->l3 + in->len, 0))
		return L2X_V_NO_HEADROOM;
	/* with a second tag before it the packet is none of IP yet */
	if (tags && skb_untag(ctx, f))
		return L2X_V_ERROR;
	if (skb_room(ctx, d))
		return tags || padded ? L2X_V_ERROR : L2X_V_NO_HEADROOM;
	if (!f->l3 && bpf_skb_change_head(ctx, ETH_LEN, 0))
		return L2X_V_ERROR;
	if (f->l3 && !tags && skb_untag(ctx, f))
		return L2X_V_ERROR;
	in->at = (__u16)(ETH_LEN + d->ip + UDP_LEN + d->l2tp);
	if (d->clamp)
		mss_clamp_inner(ctx, in, s->mtu);
	if (s->flags & L2X_S_SEQ_TX)
		ns = seq_next(t);
	if (f->host != HOST_ONLY && forward_inner(ctx, in))
		return L2X_V_ERROR;
	if (d->ip == IP6_LEN ? skb_headers(ctx, s, in, d, ns, true)
			     : skb_headers(ctx, s, in, d, ns, false))
		return L2X_V_ERROR;
	if (skb_link_write(ctx, d->nh, proto))
		return L2X_V_ERROR;
	return f->host == HOST_ONLY ? L2X_V_HOST_OUT : L2X_V_ENCAP;
}

/* HOST_ONLY: of this host, at the door of l2tp0. */
__noinline int skb_downlink(struct xdp_md *ctx, struct frame *f, __u32 index)
{
	struct skb_down d = {};
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
	if (ctx->len - f->l3 > 0xffff)
		return L2X_V_NOT_LINEAR;
	f->session = index;
	f->in.at = f->l3;
	f->in.len = (__u16)(ctx->len - f->l3);
	f->in.v6 = f->v6;
	frame_forget();
	v = skb_down_judge(ctx, f, &copy, &d);
	if (generation_changed(&s->tx_gen, copy.gen))
		return L2X_V_CHANGING;
	if (v == GO_ON)
		v = skb_down_write(ctx, f, &copy, t, &d);
	if (verdict_is_forward(v)) {
		f->lower = d.nh->lower;
		__sync_fetch_and_add(&t->tx_packets, d.packets);
		__sync_fetch_and_add(&t->tx_bytes, d.bytes);
	} else if (verdict_is_drop(v)) {
		__sync_fetch_and_add(&t->tx_drops, 1);
	}
	return v;
}

#endif
