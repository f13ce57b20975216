/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way: what nearly every frame is, judged and forwarded with one look at each of
 * its octets. Uplink: a plain IPv4 header, L2TP without an offset, the PPP forms that
 * everybody sends, a session that is open, a packet whose way is known. Downlink: a plain
 * header, a session over IPv4, a way that is known.
 *
 * It only ever says "forward". To all else it answers GO_ON before anything has been
 * written or counted, and uplink() or downlink() judge the frame from the start, with all the
 * verdicts. So what it lets through they must let through, with the same octets
 * (tests/bpf/short_test.c compares); what it does not know it may leave to them. One verdict is
 * its own: a sequence number is judged last and can be judged only once.
 *
 * Left out are the questions whose answer is known: a session's local address is one that we
 * listen on, a subscriber's is none; an address whose way is kept is neither local nor that of
 * a subscriber.
 */
#ifndef L2X_BPF_SHORT_H
#define L2X_BPF_SHORT_H

#include "bpf/csum.h"
#include "bpf/downlink.h"
#include "bpf/frame.h"
#include "bpf/inner.h"
#include "bpf/l2tp.h"
#include "bpf/mss.h"
#include "bpf/nexthop.h"
#include "bpf/parse.h"
#include "bpf/ppp.h"
#include "bpf/seq.h"
#include "bpf/session.h"
#include "bpf/uplink.h"
#include "bpf/verdict.h"

/* Octets that are read at once: from the outer IPv4 header to the end of the inner one. */
#define SHORT_UP (IP4_LEN + UDP_LEN + SHORT_L2TP + SHORT_PPP + IP4_LEN)
#define SHORT_L2TP 12 /* with length and numbers */
#define SHORT_PPP 4

struct short_message {
	const void *packet; /* the inner one */
	__u32 header; /* octets from the UDP header to there */
	__u32 left; /* octets from there to the end of the message */
	__be16 tunnel_id;
	__be16 session_id;
	__u16 ns;
	__u8 sequenced;
	__u8 v6;
};

/* ---- uplink ---------------------------------------------------------------------------- */

/* After the L2TP header at `w`. */
static __always_inline bool short_ppp(const void *at, struct short_message *m)
{
	__u32 full = *(const any32 *)at;
	__u16 compressed = *(const any16 *)at;

	if (full == bpf_htonl(PPP_ADDRESS_CONTROL << 16 | PPP_IPV4)) {
		m->header += 4;
	} else if (full == bpf_htonl((__u32)PPP_ADDRESS_CONTROL << 16 | PPP_IPV6)) {
		m->header += 4;
		m->v6 = 1;
	} else if (compressed == bpf_htons(PPP_IPV4)) {
		m->header += 2;
	} else if (compressed == bpf_htons(PPP_IPV6)) {
		m->header += 2;
		m->v6 = 1;
	} else {
		return false;
	}
	return true;
}

/* The datagram at `udp`, of which SHORT_UP less IP4_LEN octets are there. */
static __always_inline bool short_l2tp(const void *udp, struct short_message *m)
{
	__u32 room = bpf_ntohs(((const any16 *)udp)[2]), end = room;
	const any16 *w = udp + UDP_LEN;
	__u16 flags = w[0];

	if ((flags & bpf_htons(L2TP_T | L2TP_O | L2TP_VERSION)) != bpf_htons(2) || room < UDP_LEN)
		return false;
	m->header = UDP_LEN + L2TP_DATA_MIN;
	if (flags & bpf_htons(L2TP_L)) {
		end = UDP_LEN + bpf_ntohs(w[1]);
		if (end > room)
			return false;
		w++;
		m->header += 2;
	}
	m->tunnel_id = w[1];
	m->session_id = w[2];
	m->sequenced = !!(flags & bpf_htons(L2TP_S));
	m->ns = 0;
	m->v6 = 0;
	if (m->sequenced) {
		m->ns = bpf_ntohs(w[3]);
		w += 2;
		m->header += 4;
	}
	if (!m->tunnel_id || !m->session_id || !short_ppp(w + 3, m) || m->header > end)
		return false;
	m->left = end - m->header;
	return true;
}

/* The outer header at `ip`: plain, sound, of `octets` in the frame at the most. */
static __always_inline bool short_outer(const void *ip, __u32 octets)
{
	const any32 *w = ip;
	const any16 *h = ip;
	__u32 len = bpf_ntohs(h[1]);

	return (w[0] & bpf_htonl(0xff000000)) == bpf_htonl(0x45000000) &&
	       !(h[3] & bpf_htons(IP_MF | IP_OFFSET)) && len <= octets &&
	       bpf_ntohs(h[12]) + IP4_LEN <= len && csum_ipv4_good(ip);
}

static __always_inline bool short_peer(const void *ip, const struct l2x_session *s)
{
	const any32 *w = ip;

	return w[3] == s->peer.w[3] && w[4] == s->local.w[3] && s->peer.w[2] == bpf_htonl(0xffff) &&
	       !s->peer.d[0] && w[5] == *(const any32 *)&s->peer_port; /* local_port follows */
}

/* Is the packet in order, the session's own, and no case for the long way? */
static __always_inline bool short_judge(struct xdp_md *ctx, const struct l2x_session *s,
					const struct short_message *m, __u16 flags, __u8 tos,
					struct inner *in)
{
	const struct ipv6hdr *ip6 = m->packet;
	const struct iphdr *ip = m->packet;

	if (tos & 1) /* CE, or ECT(1): may change the inner field, or end the packet */
		return false;
	if ((flags & L2X_S_SEQ_REQUIRED) && !m->sequenced)
		return false;
	in->len = (__u16)m->left;
	if (in->v6) {
		if ((const void *)(ip6 + 1) > (const void *)(long)ctx->data_end ||
		    !(flags & L2X_S_IPV6) || inner_look6(ip6, in) != GO_ON ||
		    *(const any64 *)&ip6->saddr != s->ipv6 || !s->ipv6)
			return false;
	} else if (!(flags & L2X_S_IPV4) || inner_look4(ip, in) != GO_ON || ip->saddr != s->ipv4) {
		return false;
	}
	return in->ttl > 1 && !((flags & L2X_S_MSS) && mss_is_syn(ctx, in));
}

/* The way of the packet, if it is known; NULL else. */
static __always_inline const struct l2x_nexthop *short_route(const struct frame *f,
							     const struct short_message *m)
{
	const any64 *d = m->packet + 24;
	const struct iphdr *ip = m->packet;
	struct l2x_route *r;
	__u64 dst0 = 0, dst1;

	if (m->v6) {
		if (!live.routes6)
			return 0;
		dst0 = d[0];
		dst1 = d[1];
	} else {
		if (!live.routes4)
			return 0;
		dst1 = route_word4(ip->daddr);
	}
	r = route_place(dst0, dst1);
	return r && route_is_kept(r, f->ifindex, dst0, dst1) ? &r->nh : 0;
}

static __always_inline int short_up_write(struct xdp_md *ctx, const struct short_message *m,
					  const struct inner *in, const struct l2x_nexthop *nh)
{
	if (in->v6)
		((struct ipv6hdr *)m->packet)->hop_limit--;
	else
		inner_age4((struct iphdr *)m->packet);
	if (inner_trim(ctx, in->at + in->len) ||
	    bpf_xdp_adjust_head(ctx, (int)(in->at - link_len(nh))) ||
	    link_write(ctx, nh, in->v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP)))
		return L2X_V_ERROR;
	return L2X_V_DECAP;
}

/* Of the frame, SHORT_UP octets are at `ip`. */
static __always_inline int short_up(struct xdp_md *ctx, struct frame *f, const void *ip)
{
	const struct l2x_nexthop *nh;
	struct short_message m;
	struct inner in = {};
	struct l2x_session *s;
	struct l2x_traffic *t;
	__u32 index, gen;
	__u16 flags;
	int v;

	if (!short_l2tp(ip + IP4_LEN, &m))
		return GO_ON;
	index = session_index(m.tunnel_id, m.session_id);
	s = bpf_map_lookup_elem(&sessions, &index);
	t = bpf_map_lookup_elem(&traffic, &index);
	if (!s || !t)
		return GO_ON;
	traffic_fetch(&t->rx_packets);
	gen = generation(&s->gen);
	load_barrier();
	flags = s->flags;
	m.packet = ip + IP4_LEN + m.header;
	in.at = (__u16)(f->l3 + IP4_LEN + m.header);
	in.v6 = m.v6;
	if (!gen || s->tunnel_id != m.tunnel_id || !short_peer(ip, s) ||
	    !short_outer(ip, frame_len(ctx) - f->l3) ||
	    !short_judge(ctx, s, &m, flags, ((const __u8 *)ip)[1], &in))
		return GO_ON;
	nh = short_route(f, &m);
	if (!nh || in.len > nh->mtu || generation_changed(&s->gen, gen))
		return GO_ON;
	f->lower = nh->lower;
	v = GO_ON;
	if (m.sequenced && (flags & L2X_S_SEQ_RX))
		v = seq_receive(t, m.ns);
	if (v == GO_ON)
		v = short_up_write(ctx, &m, &in, nh);
	if (v == L2X_V_DECAP) {
		__sync_fetch_and_add(&t->rx_packets, 1);
		__sync_fetch_and_add(&t->rx_bytes, in.len);
		return v;
	}
	if (verdict_is_drop(v))
		__sync_fetch_and_add(&t->rx_drops, 1);
	/* one that goes up is still policed, as the session's */
	f->session = index;
	f->uplink = 1;
	f->udp = f->l3 + IP4_LEN;
	return v;
}

/* ---- downlink -------------------------------------------------------------------------- */

/* Is the packet at `ip` in order, and small enough? */
static __always_inline bool short_down_judge(struct xdp_md *ctx, const void *ip,
					     const struct session_tx *s, struct inner *in,
					     struct downlink *down)
{
	__u16 flags = s->flags;

	if ((flags & L2X_S_OUTER6) || !(flags & (in->v6 ? L2X_S_IPV6 : L2X_S_IPV4)) ||
	    (in->v6 ? inner_look6(ip, in) : inner_look4(ip, in)) != GO_ON || in->ttl <= 1 ||
	    in->len > s->mtu || ((flags & L2X_S_MSS) && mss_is_syn(ctx, in)))
		return false;
	down->link = (__u16)link_len(down->nh);
	down->ip = IP4_LEN;
	down->l2tp = (__u16)((flags & L2X_S_SEQ_TX ? 10 : 6) + (flags & L2X_S_ACFC ? 2 : 4));
	if (down->ip + UDP_LEN + down->l2tp + in->len > down->nh->mtu)
		return false;
	if (sums_datagram(s)) {
		if (in->v6 ? csum_is_local(ip + IP6_LEN, in) : csum_is_local(ip + IP4_LEN, in))
			down->sum = csum_local(ip, in);
		else
			down->sum = csum_whole(ctx, in);
		if (down->sum == CSUM_NONE)
			return false;
	}
	return true;
}

/* To the session `index`: the packet at `ip`, whose header is all there, and UDP_LEN octets. */
static __always_inline int short_down(struct xdp_md *ctx, struct frame *f, const void *ip,
				      __u32 index, bool v6)
{
	__u32 slot, epoch = live.epoch;
	struct inner in = {};
	struct downlink down = {};
	struct l2x_session *s;
	struct session_tx copy;
	struct l2x_nexthop *nh;
	struct l2x_traffic *t;
	int v;

	s = bpf_map_lookup_elem(&sessions, &index);
	t = bpf_map_lookup_elem(&traffic, &index);
	if (!index || !s || !t)
		return GO_ON;
	traffic_fetch(&t->tx_packets);
	if (session_read_tx(s, &copy) != GO_ON)
		return GO_ON;
	slot = copy.nexthop;
	nh = bpf_map_lookup_elem(&nexthops, &slot);
	if (!nh || !nexthop_is_kept(nh, epoch))
		return GO_ON;
	down.nh = nh;
	in.at = f->l3;
	in.len = (__u16)(frame_len(ctx) - f->l3);
	in.v6 = v6;
	if (!short_down_judge(ctx, ip, &copy, &in, &down) ||
	    generation_changed(&s->tx_gen, copy.gen))
		return GO_ON;
	f->lower = nh->lower;
	v = downlink_write(ctx, &copy, t, &in, &down);
	if (v == L2X_V_NO_HEADROOM)
		return GO_ON; /* nothing was changed */
	if (v == L2X_V_ENCAP) {
		__sync_fetch_and_add(&t->tx_packets, 1);
		__sync_fetch_and_add(&t->tx_bytes, in.len);
	} else if (verdict_is_drop(v)) {
		__sync_fetch_and_add(&t->tx_drops, 1);
	}
	return v;
}

/* ---- both ------------------------------------------------------------------------------ */

static __always_inline int short_ip4(struct xdp_md *ctx, struct frame *f)
{
	const void *ip = frame_at(ctx, f->l3, SHORT_UP);
	const struct udphdr *udp;
	const struct iphdr *h;
	__u32 index;

	if (ip) {
		h = ip;
		udp = ip + IP4_LEN;
		if (h->protocol == IPPROTO_UDP && udp->dest == cfg.port)
			return short_up(ctx, f, ip);
	} else {
		h = ip = frame_at(ctx, f->l3, sizeof(*h) + UDP_LEN);
		if (!h)
			return GO_ON;
	}
	index = pool_find4(h->daddr);
	return index == NOT_IN_POOL ? GO_ON : short_down(ctx, f, ip, index, false);
}

static __always_inline int short_ip6(struct xdp_md *ctx, struct frame *f)
{
	const struct ipv6hdr *ip6 = frame_at(ctx, f->l3, sizeof(*ip6) + UDP_LEN);
	__u32 index;

	if (!ip6)
		return GO_ON;
	index = pool_find6(*(const any64 *)&ip6->daddr);
	return index == NOT_IN_POOL ? GO_ON : short_down(ctx, f, ip6, index, true);
}

static __always_inline int short_way(struct xdp_md *ctx, struct frame *f, __be16 proto)
{
	if (f->group)
		return GO_ON;
	return proto == bpf_htons(ETH_P_IP) ? short_ip4(ctx, f) : short_ip6(ctx, f);
}

#endif
