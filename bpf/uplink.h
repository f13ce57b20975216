/* SPDX-License-Identifier: GPL-2.0-only */
/* Uplink: a datagram to our port becomes the packet that is inside it. */
#ifndef L2X_BPF_UPLINK_H
#define L2X_BPF_UPLINK_H

#include "bpf/csum.h"
#include "bpf/frame.h"
#include "bpf/inner.h"
#include "bpf/l2tp.h"
#include "bpf/mss.h"
#include "bpf/nexthop.h"
#include "bpf/parse.h"
#include "bpf/ppp.h"
#include "bpf/seq.h"
#include "bpf/session.h"
#include "bpf/verdict.h"

/* What has been decided, for uplink_write. */
struct uplink {
	struct l2x_nexthop nh;
	__u16 mss_mtu; /* clamp to this; 0: do not */
	__u8 ecn; /* of the inner header, from now on */
};

/* Destinations that are not for the FIB. */
static __always_inline int uplink_check_destination(struct xdp_md *ctx, const struct inner *in)
{
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;
	__u32 session;

	if (in->v6) {
		ip6 = frame_at(ctx, in->at, sizeof(*ip6));
		if (!ip6)
			return L2X_V_BAD_INNER;
		if (ip6_is_local(&ip6->daddr) || listen_has6(&ip6->daddr))
			return L2X_V_INNER_LOCAL;
		if (!cfg.isolate)
			return GO_ON;
		session = pool_find6(*(const any64 *)&ip6->daddr);
	} else {
		ip = frame_at(ctx, in->at, sizeof(*ip));
		if (!ip)
			return L2X_V_BAD_INNER;
		if (ip4_is_local(ip->daddr) || listen_has4(ip->daddr))
			return L2X_V_INNER_LOCAL;
		if (!cfg.isolate)
			return GO_ON; /* the FIB leads to l2tp0: the slow path joins them */
		session = pool_find4(ip->daddr);
	}
	/* an address of the pool that nobody holds may be our own */
	return session && session != NOT_IN_POOL ? L2X_V_ISOLATED : GO_ON;
}

/* Everything about the inner packet but its sequence number. */
static __always_inline int uplink_judge(struct xdp_md *ctx, struct frame *f,
					const struct l2x_session *s, const struct l2tp *h,
					struct uplink *up)
{
	struct inner *in = &f->in;
	__u16 flags = s->flags;
	int v, ecn;

	if (cfg.verify_checksum) {
		v = csum_verify_outer(ctx, f);
		if (v != GO_ON)
			return v;
	}
	v = ppp_parse(ctx, h->at, h->len, in);
	if (v != GO_ON)
		return v;
	frame_forget();
	if (!(flags & (in->v6 ? L2X_S_IPV6 : L2X_S_IPV4)))
		return L2X_V_NCP_CLOSED; /* DP-PPP-2 */
	v = inner_parse(ctx, in);
	if (v != GO_ON)
		return v;
	if (in->at + in->len + L2TP_JOINED <= f->udp + f->udp_len)
		return L2X_V_NOT_LINEAR;
	if ((flags & L2X_S_SEQ_REQUIRED) && !h->sequenced)
		return L2X_V_SEQ_MISSING; /* DP-SEQ-3 */
	v = inner_check_source(ctx, in, s);
	if (v != GO_ON)
		return v;
	v = uplink_check_destination(ctx, in);
	if (v != GO_ON)
		return v;
	ecn = ecn_decapsulate(f->ecn, in->tos & 3);
	if (ecn < 0)
		return L2X_V_ECN_DROP;
	up->ecn = (__u8)ecn;
	if (in->ttl <= 1)
		return L2X_V_TTL;
	if ((flags & L2X_S_MSS) && mss_is_syn(ctx, in))
		up->mss_mtu = s->mss_mtu;
	return nexthop_of_inner(ctx, f, in, &up->nh);
}

#ifdef L2X_SKB
#include "bpf/skb_up.h"

static __always_inline int uplink_write(struct xdp_md *ctx, const struct frame *f,
					const struct uplink *up)
{
	return skb_up_write(ctx, f, &up->nh, up->mss_mtu, up->ecn);
}
#else
/* XDP leaves to tc what is for this host. */
static __always_inline int uplink_take(struct xdp_md *ctx, struct frame *f, int v)
{
	return v;
}

/* From here on the frame is not what it was. */
static __always_inline int uplink_write(struct xdp_md *ctx, const struct frame *f,
					const struct uplink *up)
{
	const struct inner *in = &f->in;
	struct ipv6hdr *ip6;
	struct iphdr *ip;

	if (up->mss_mtu)
		mss_clamp_inner(ctx, in, up->mss_mtu);
	if (in->v6) {
		ip6 = frame_at(ctx, in->at, sizeof(*ip6));
		if (!ip6)
			return L2X_V_ERROR;
		inner_forward6(ip6, up->ecn);
	} else {
		ip = frame_at(ctx, in->at, sizeof(*ip));
		if (!ip)
			return L2X_V_ERROR;
		inner_forward4(ip, up->ecn);
	}
	if (inner_trim(ctx, in->at + in->len) ||
	    bpf_xdp_adjust_head(ctx, (int)(in->at - link_len(&up->nh))) ||
	    link_write(ctx, &up->nh, in->v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP)))
		return L2X_V_ERROR;
	return L2X_V_DECAP;
}
#endif

/* The frame is this session's, and all that is refused is refused to it. */
static __always_inline int uplink_session(struct xdp_md *ctx, struct frame *f,
					  const struct l2x_session *s, __u32 gen,
					  const struct l2tp *h)
{
	__u32 index = f->session;
	__u16 flags = s->flags; /* those that are compared, not those of the next version */
	struct uplink up = {};
	struct l2x_traffic *t;
	int v;

	t = bpf_map_lookup_elem(&traffic, &index);
	if (!t)
		return L2X_V_SESSION_UNKNOWN;
	v = uplink_judge(ctx, f, s, h, &up);
	if (generation_changed(&s->gen, gen))
		return L2X_V_CHANGING;
	v = uplink_take(ctx, f, v);
	if (v == GO_ON && h->sequenced && (flags & L2X_S_SEQ_RX))
		v = seq_receive(t, h->ns);
	if (v == GO_ON)
		v = uplink_write(ctx, f, &up);
	if (v == L2X_V_DECAP || v == L2X_V_HOST_IN) {
		f->lower = up.nh.lower;
		__sync_fetch_and_add(&t->rx_packets, 1);
		__sync_fetch_and_add(&t->rx_bytes, f->in.len);
	} else if (verdict_is_drop(v)) {
		__sync_fetch_and_add(&t->rx_drops, 1);
	}
	return v;
}

/* A function of its own: the verifier walks it once, not for every way here. */
__noinline int uplink(struct xdp_md *ctx, struct frame *f)
{
	struct l2x_traffic *t;
	struct l2x_session *s;
	struct l2tp h = {};
	__u32 index, gen;
	bool matches;
	int v;

	if (!f)
		return L2X_V_ERROR;
	v = l2tp_parse(ctx, f, &h);
	if (v != GO_ON)
		return v;
	if (h.control) {
		if (!tunnel_is_known(ctx, f, h.tunnel_id))
			return L2X_V_STRANGER;
		f->tunnel = bpf_ntohs(h.tunnel_id);
		return L2X_V_CONTROL;
	}
	index = session_index(h.tunnel_id, h.session_id);
	t = bpf_map_lookup_elem(&traffic, &index);
	if (t)
		traffic_fetch(&t->rx_packets);
	s = session_of_ids(index, h.tunnel_id, &gen);
	if (!s)
		return L2X_V_SESSION_UNKNOWN;
	matches = peer_matches(ctx, f, &s->peer, &s->local, s->peer_port, s->local_port);
	if (!matches)
		return generation_changed(&s->gen, gen) ? L2X_V_CHANGING : L2X_V_PEER_MISMATCH;
	f->session = index;
	f->sequenced = (__u8)h.sequenced;
	f->ns = h.ns;
	return uplink_session(ctx, f, s, gen, &h);
}

#endif
